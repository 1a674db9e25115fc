//! Hyperliquid's answers to info requests.
//!
//! Owns what a body means. Never fetches. Runs off the hot thread. The venue words no errors of its own in a body: for a coin
//! that it does not know it answers `null`.

use serde_json::value::RawValue;

use super::{general, protocol, wire};
use crate::domain::Quote;
use crate::feed::json;
use crate::feed::levels;
use crate::feed::{DecodeError, Listing};

/// The answer to `{"type":"l2Book","coin":"BTC"}`: its top of book.
///
/// # Errors
/// [`DecodeError`]: what is wrong.
pub fn parse_book(body: &[u8]) -> Result<Quote, DecodeError> {
    let wire: wire::Book<'_> = parse(body)?;
    let (mut bids, mut asks) = (Vec::new(), Vec::new());
    let venue_time = general::book(&wire, body, &mut bids, &mut asks)?;
    let best = |side: &[_]| side.first().copied().and_then(levels::quote_side);
    Ok(Quote { bid: best(&bids), ask: best(&asks), venue_sequence: None, venue_time: Some(venue_time) })
}

/// The answer to `{"type":"meta"}`: the perpetuals that are listed.
///
/// # Errors
/// As [`parse_book`].
pub fn parse_meta(body: &[u8]) -> Result<Vec<Listing>, DecodeError> {
    let wire: wire::Meta<'_> = parse(body)?;
    let mut coins = Vec::new();
    json::each(json::required("universe", wire.universe)?, body, "an array of assets", |raw: &RawValue| {
        let asset: wire::Asset<'_> = json::object(raw, body)?;
        if !asset.is_delisted {
            coins.push(asset.name.0.into_owned());
        }
        Ok(())
    })?;
    Ok(protocol::listings(&coins))
}

fn parse<'b, T: serde::Deserialize<'b>>(body: &'b [u8]) -> Result<T, DecodeError> {
    json::object(json::parse(json::utf8(body)?, body)?, body)
}
