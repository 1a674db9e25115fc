//! Kraken's REST bodies.
//!
//! Owns what a body means, errors of the venue included. Never fetches. Runs off the hot thread.

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use super::{protocol, wire};
use crate::domain::{Contract, Quote, RawLevel};
use crate::feed::json::{self, Text};
use crate::feed::{DecodeError, Excerpt, Listing, Place};

/// The body of `GET /0/public/Depth?pair=&count=1`: a quote without sequence and time.
///
/// # Errors
/// [`DecodeError::Venue`] for the venue's own error, such as `EQuery:Unknown asset pair`; else what is wrong.
pub(super) fn parse_quote(body: &[u8]) -> Result<Quote, DecodeError> {
    let depths: wire::Depths<'_> = result(body)?;
    let depth = json::required("result", depths.into_values().next())?;
    Ok(Quote {
        bid: best("bids", &depth.bids)?,
        ask: best("asks", &depth.asks)?,
        venue_sequence: None,
        venue_time: None,
    })
}

fn best(
    side: &'static str,
    levels: &[(Text<'_>, Text<'_>, IgnoredAny)],
) -> Result<Option<RawLevel>, DecodeError> {
    let Some((price, size, _)) = levels.first() else { return Ok(None) };
    let level = json::level_at(side, 0, &price.0, &size.0)?;
    if level.size.is_zero() {
        return Err(DecodeError::Zero { place: Place::LevelSize { side, index: 0 } });
    }
    Ok(Some(level))
}

/// States of a pair in which orders meet.
const TRADING: [&str; 3] = ["online", "limit_only", "reduce_only"];

/// The body of `GET /0/public/AssetPairs`: what is listed. Pairs without a name at the websocket are left out.
///
/// # Errors
/// As [`parse_quote`].
pub(super) fn parse_list(body: &[u8]) -> Result<Vec<Listing>, DecodeError> {
    let pairs: wire::Pairs<'_> = result(body)?;
    let listing = |pair: wire::Pair<'_>| {
        let name = pair.wsname?;
        let status = pair.status.as_ref().map_or("online", |status| &*status.0);
        let named = protocol::instrument(&name.0)
            .and_then(|instrument| protocol::symbol(&instrument).map(|symbol| (instrument, symbol)));
        let listing = match named {
            Some((instrument, symbol)) => Listing::trading(instrument, symbol, Contract::PLAIN),
            None => {
                let (base, quote) = name.0.split_once('/')?;
                Listing::unnamed(&name.0, [base, quote], None, Contract::PLAIN)
            }
        };
        (status != "delisted").then(|| listing.with_status(TRADING.contains(&status), status))
    };
    Ok(pairs.into_values().filter_map(listing).collect())
}

fn result<'b, T: Deserialize<'b>>(body: &'b [u8]) -> Result<T, DecodeError> {
    let raw: &RawValue = json::parse(json::utf8(body)?, body)?;
    let wire::Body { error, result } = json::object(raw, body)?;
    if let Some(Text(words)) = error.into_iter().flatten().next() {
        return Err(DecodeError::Venue { code: 0, message: Excerpt::of(words.as_bytes()) });
    }
    json::object(json::required("result", result)?, body)
}
