//! The list of USD-M futures; the other REST bodies are spot's.
//!
//! Owns what the body means. Never fetches.

use super::{symbols, wire};
use crate::feed::binance::parse_body;
use crate::feed::json::required;
use crate::feed::{DecodeError, Listing, thousands};

/// The body of `GET /fapi/v1/exchangeInfo`: what trades now. Perpetuals on shares and metals (`TRADIFI_PERPETUAL`) and symbols
/// whose currencies have no name of ours are left out.
///
/// # Errors
/// [`DecodeError::Venue`] for the venue's own error; else what is wrong.
pub fn parse_exchange_info(body: &[u8]) -> Result<Vec<Listing>, DecodeError> {
    let wire: wire::ExchangeInfo<'_> = parse_body(body)?;
    let symbols = required("symbols", wire.symbols)?;
    let listing = |info: &wire::SymbolInfo<'_>| {
        let kind = info.contract_type.as_ref()?;
        let (instrument, factor) =
            symbols::instrument(&info.symbol.0, &kind.0, &info.base_asset.0, &info.quote_asset.0)?;
        let contract = thousands::contract(factor);
        Some(Listing { instrument, symbol: info.symbol.0.to_string(), contract })
    };
    Ok(symbols.iter().filter(|info| info.status.0 == "TRADING").filter_map(listing).collect())
}
