//! Binance's REST bodies.
//!
//! Owns what a body means, errors of the venue included. Never fetches. A side holds at most `LEVELS_MAX` levels; a body with
//! more is refused. Runs off the hot thread: a snapshot of 5000 levels a side takes about a millisecond.

use serde_json::value::RawValue;

use super::{general, wire};
use crate::domain::{DepthSnapshot, Quote, VenueSequence};
use crate::feed::DecodeError;

/// The body of `GET /api/v3/depth`, which was asked for `limit` levels a side. Binance stamps it with no time.
///
/// # Errors
/// [`DecodeError::Venue`] for the venue's own error, such as `{"code":-1121,"msg":"Invalid symbol."}`; else what is wrong.
pub fn parse_depth_snapshot(body: &[u8], limit: usize) -> Result<DepthSnapshot, DecodeError> {
    let wire: wire::DepthBody<'_> = parse(body)?;
    let mut snapshot = DepthSnapshot {
        last: VenueSequence(general::required("lastUpdateId", wire.last_update_id)?),
        bids: Vec::new(),
        asks: Vec::new(),
        limit,
        venue_time: None,
    };
    general::side("bids", general::required("bids", wire.bids)?, body, &mut snapshot.bids)?;
    general::side("asks", general::required("asks", wire.asks)?, body, &mut snapshot.asks)?;
    Ok(snapshot)
}

/// The body of `GET /api/v3/ticker/bookTicker?symbol=`: a quote without update id and time; a side of size zero is no side.
///
/// # Errors
/// As [`parse_depth_snapshot`].
pub fn parse_book_ticker(body: &[u8]) -> Result<Quote, DecodeError> {
    let wire: wire::BookTickerBody<'_> = parse(body)?;
    Ok(Quote {
        bid: general::quote_side(["bidPrice", "bidQty"], wire.bid_price, wire.bid_qty)?,
        ask: general::quote_side(["askPrice", "askQty"], wire.ask_price, wire.ask_qty)?,
        venue_sequence: None,
        venue_time: None,
    })
}

fn parse<'b, T: serde::Deserialize<'b>>(body: &'b [u8]) -> Result<T, DecodeError> {
    let raw: &RawValue = general::parse(general::utf8(body)?, body)?;
    match general::object::<wire::Refusal<'_>>(raw, body)? {
        wire::Refusal { code: Some(code), msg } => {
            Err(DecodeError::Venue { code, message: general::excerpt(msg) })
        }
        wire::Refusal { code: None, .. } => general::object(raw, body),
    }
}
