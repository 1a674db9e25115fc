//! The list of USD-M futures; the other REST bodies are spot's.
//!
//! Owns what the body means. Never fetches.

use super::{symbols, wire};
use crate::domain::Contract;
use crate::feed::binance::parse_body;
use crate::feed::json::required;
use crate::feed::{DecodeError, Listing, thousands};

/// States of a contract that is settled for good.
const SETTLED: [&str; 2] = ["DELIVERED", "CLOSE"];

/// The body of `GET /fapi/v1/exchangeInfo`: what is listed. Perpetuals on shares and metals say so in their kind
/// (`TRADIFI_PERPETUAL`).
///
/// # Errors
/// [`DecodeError::Venue`] for the venue's own error; else what is wrong.
pub fn parse_exchange_info(body: &[u8]) -> Result<Vec<Listing>, DecodeError> {
    let wire: wire::ExchangeInfo<'_> = parse_body(body)?;
    let symbols = required("symbols", wire.symbols)?;
    let listing = |info: &wire::SymbolInfo<'_>| {
        let kind = info.contract_type.as_ref().map(|kind| &*kind.0).unwrap_or_default();
        let (symbol, base, quote) = (&*info.symbol.0, &*info.base_asset.0, &*info.quote_asset.0);
        let listing = match symbols::instrument(symbol, kind, base, quote) {
            Some((instrument, factor)) => {
                Listing::trading(instrument, symbol.to_owned(), thousands::contract(factor))
            }
            None => Listing::unnamed(symbol, [base, quote], Some("PERP"), Contract::PLAIN),
        };
        let listing = listing.with_status(info.status.0 == "TRADING", &info.status.0);
        if symbols::is_usual(kind) { listing } else { listing.with_kind(kind) }
    };
    Ok(symbols.iter().filter(|info| !SETTLED.contains(&&*info.status.0)).map(listing).collect())
}
