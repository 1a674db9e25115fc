//! Binance's REST bodies.
//!
//! Owns what a body means, errors of the venue included. Never fetches. A side holds at most `LEVELS_MAX` levels; a body with
//! more is refused. Runs off the hot thread: a snapshot of 5000 levels a side takes about a millisecond.

use serde_json::value::RawValue;

use super::wire;
use crate::domain::{Contract, DepthSnapshot, Quote, VenueSequence};
use crate::feed::{DecodeError, Listing, json};

/// The body of `GET /api/v3/depth`, which was asked for `limit` levels a side, or of `GET /fapi/v1/depth`. Spot stamps it with no
/// time; of futures it is `T`, as in their updates.
///
/// # Errors
/// [`DecodeError::Venue`] for the venue's own error, such as `{"code":-1121,"msg":"Invalid symbol."}`; else what is wrong.
pub fn parse_depth_snapshot(body: &[u8], limit: usize) -> Result<DepthSnapshot, DecodeError> {
    let wire: wire::DepthBody<'_> = parse(body)?;
    let mut snapshot = DepthSnapshot {
        last: VenueSequence(json::required("lastUpdateId", wire.last_update_id)?),
        bids: Vec::new(),
        asks: Vec::new(),
        limit,
        venue_time: wire.transaction_time.map(|millis| json::time("T", Some(millis))).transpose()?,
    };
    json::side("bids", json::required("bids", wire.bids)?, body, &mut snapshot.bids)?;
    json::side("asks", json::required("asks", wire.asks)?, body, &mut snapshot.asks)?;
    Ok(snapshot)
}

/// The body of `GET /api/v3/ticker/bookTicker?symbol=` or of its like of futures: a quote without update id and time; a side of size zero is no side.
///
/// # Errors
/// As [`parse_depth_snapshot`].
pub fn parse_book_ticker(body: &[u8]) -> Result<Quote, DecodeError> {
    let wire: wire::BookTickerBody<'_> = parse(body)?;
    Ok(Quote {
        bid: json::quote_side(["bidPrice", "bidQty"], wire.bid_price, wire.bid_qty)?,
        ask: json::quote_side(["askPrice", "askQty"], wire.ask_price, wire.ask_qty)?,
        venue_sequence: None,
        venue_time: None,
    })
}

/// The body of `GET /api/v3/exchangeInfo`: what is listed. Maintenance shows as `BREAK`, and so does what was delisted: the venue
/// tells them not apart.
///
/// # Errors
/// As [`parse_depth_snapshot`].
pub fn parse_exchange_info(body: &[u8]) -> Result<Vec<Listing>, DecodeError> {
    let wire: wire::ExchangeInfo<'_> = parse(body)?;
    let symbols = json::required("symbols", wire.symbols)?;
    let listing = |symbol: &wire::SymbolInfo<'_>| {
        let (base, quote, name) = (&*symbol.base_asset.0, &*symbol.quote_asset.0, &*symbol.symbol.0);
        let listing = match format!("{base}-{quote}").parse() {
            Ok(instrument) => Listing::trading(instrument, name.to_owned(), Contract::PLAIN),
            Err(_) => Listing::unnamed(name, [base, quote], None, Contract::PLAIN),
        };
        listing.with_status(symbol.status.0 == "TRADING", &symbol.status.0)
    };
    Ok(symbols.iter().map(listing).collect())
}

pub(in crate::feed) fn parse<'b, T: serde::Deserialize<'b>>(body: &'b [u8]) -> Result<T, DecodeError> {
    let raw: &RawValue = json::parse(json::utf8(body)?, body)?;
    match json::object::<wire::Refusal<'_>>(raw, body)? {
        wire::Refusal { code: Some(code), msg } => {
            Err(DecodeError::Venue { code, message: json::excerpt(msg) })
        }
        wire::Refusal { code: None, .. } => json::object(raw, body),
    }
}
