//! Bybit's REST bodies.
//!
//! Owns what a body means, errors of the venue included. Never fetches.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::protocol::Category;
use super::{symbols, wire};
use crate::domain::{Contract, Quote, RawLevel};
use crate::feed::{DecodeError, Listing, json, levels, thousands};

/// The body of `GET /v5/market/orderbook`: a quote without update id, as that is another channel's (of a deeper book, from memory),
/// and without time.
pub(super) fn parse_quote(body: &[u8]) -> Result<Quote, DecodeError> {
    let wire: wire::Book<'_> = result(body)?;
    let best = |name, raw: Option<&RawValue>| -> Result<Option<RawLevel>, DecodeError> {
        let mut side = Vec::new();
        json::side(name, json::required(name, raw)?, body, &mut side)?;
        Ok(side.first().copied().and_then(levels::quote_side))
    };
    Ok(Quote { bid: best("b", wire.b)?, ask: best("a", wire.a)?, venue_sequence: None, venue_time: None })
}

/// The body of `GET /v5/market/instruments-info`: what is listed.
pub(super) fn parse_list(category: Category, body: &[u8]) -> Result<Vec<Listing>, DecodeError> {
    let wire: wire::Instruments<'_> = result(body)?;
    let list = json::required("list", wire.list)?;
    let listing = |info: &wire::InstrumentInfo<'_>| {
        let contract_type = info.contract_type.as_ref().map(|kind| &*kind.0).unwrap_or_default();
        let (symbol, base, quote) = (&*info.symbol.0, &*info.base_coin.0, &*info.quote_coin.0);
        let suffix = match category {
            Category::Spot => None,
            Category::Linear => Some("PERP"),
        };
        let listing = match symbols::instrument(category, symbol, contract_type, base, quote) {
            Some((instrument, factor)) => {
                Listing::trading(instrument, symbol.to_owned(), thousands::contract(factor))
            }
            None => Listing::unnamed(symbol, [base, quote], suffix, Contract::PLAIN),
        };
        let listing = listing.with_status(info.status.0 == "Trading", &info.status.0);
        let is_usual = matches!(contract_type, "" | "LinearPerpetual" | "LinearFutures");
        if is_usual { listing } else { listing.with_kind(contract_type) }
    };
    // Settled for good.
    Ok(list.iter().filter(|info| info.status.0 != "Closed").map(listing).collect())
}

/// The cursor of the page that follows a body of `GET /v5/market/instruments-info`; `None` = it is the last one.
pub(super) fn next_page(body: &[u8]) -> Result<Option<String>, DecodeError> {
    let wire: wire::Instruments<'_> = result(body)?;
    Ok(wire.next_page_cursor.filter(|cursor| !cursor.0.is_empty()).map(|cursor| cursor.0.into_owned()))
}

fn result<'b, T: Deserialize<'b>>(body: &'b [u8]) -> Result<T, DecodeError> {
    let raw: &RawValue = json::parse(json::utf8(body)?, body)?;
    let wire: wire::Body<'_> = json::object(raw, body)?;
    match json::required("retCode", wire.ret_code)? {
        0 => json::object(json::required("result", wire.result)?, body),
        code => Err(DecodeError::Venue { code, message: json::excerpt(wire.ret_msg) }),
    }
}
