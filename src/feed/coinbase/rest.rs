//! Coinbase's REST bodies.
//!
//! Owns what a body means, errors of the venue included. Never fetches. Runs off the hot thread.

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use super::{protocol, wire};
use crate::domain::{Contract, Quote, RawLevel};
use crate::feed::json::{self, Text};
use crate::feed::{DecodeError, Listing, Place};

/// The body of `GET /products/{id}/book?level=1`: a quote without sequence, which the stream has none to compare with.
///
/// # Errors
/// [`DecodeError::Venue`] for the venue's own error, such as `{"message":"NotFound"}`; else what is wrong.
pub(super) fn parse_quote(body: &[u8]) -> Result<Quote, DecodeError> {
    let raw: &RawValue = json::parse(json::utf8(body)?, body)?;
    let wire::BookBody { bids, asks } = accepted(raw, body)?;
    Ok(Quote {
        bid: best("bids", &json::required("bids", bids)?)?,
        ask: best("asks", &json::required("asks", asks)?)?,
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

/// The body of `GET /products`: what trades now. Products whose currencies have no name of ours are left out.
///
/// # Errors
/// As [`parse_quote`].
pub(super) fn parse_list(body: &[u8]) -> Result<Vec<Listing>, DecodeError> {
    let raw: &RawValue = json::parse(json::utf8(body)?, body)?;
    if raw.get().starts_with('{') {
        accepted::<IgnoredAny>(raw, body)?;
    }
    let mut listings = Vec::new();
    json::each(raw, body, "an array of products", |item: &RawValue| {
        listings.extend(listing(&json::object(item, body)?));
        Ok(())
    })?;
    Ok(listings)
}

fn listing(product: &wire::Product<'_>) -> Option<Listing> {
    let online = product.status.as_ref().is_none_or(|status| status.0 == "online");
    if !online || product.trading_disabled == Some(true) {
        return None;
    }
    let instrument = format!("{}-{}", product.base_currency.0, product.quote_currency.0).parse().ok()?;
    let symbol = protocol::symbol(&instrument).filter(|symbol| *symbol == product.id.0)?;
    Some(Listing { instrument, symbol, contract: Contract::PLAIN })
}

/// An object that is no refusal.
fn accepted<'b, T: Deserialize<'b>>(raw: &'b RawValue, body: &'b [u8]) -> Result<T, DecodeError> {
    match json::object::<wire::Refusal<'_>>(raw, body)? {
        wire::Refusal { message: Some(message) } => {
            Err(DecodeError::Venue { code: 0, message: json::excerpt(Some(message)) })
        }
        wire::Refusal { message: None } => json::object(raw, body),
    }
}
