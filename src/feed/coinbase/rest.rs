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

/// The body of `GET /products`: what is listed.
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
    let status = product.status.as_ref().map_or("online", |status| &*status.0);
    if status == "delisted" {
        return None;
    }
    let (id, base, quote) = (&*product.id.0, &*product.base_currency.0, &*product.quote_currency.0);
    let instrument = format!("{base}-{quote}").parse().ok();
    let named = instrument.filter(|instrument| protocol::symbol(instrument).as_deref() == Some(id));
    let listing = match named {
        Some(instrument) => Listing::trading(instrument, id.to_owned(), Contract::PLAIN),
        None => Listing::unnamed(id, [base, quote], None, Contract::PLAIN),
    };
    let word = not_trading(product, status);
    Some(listing.with_status(word.is_none(), word.unwrap_or_default()))
}

/// The venue's word for a product in which no orders meet now. A limit-only product trades.
fn not_trading<'a>(product: &wire::Product<'_>, status: &'a str) -> Option<&'a str> {
    [
        (product.trading_disabled, "trading_disabled"),
        (product.cancel_only, "cancel_only"),
        (product.post_only, "post_only"),
        (product.auction_mode, "auction_mode"),
        (Some(status != "online"), status),
    ]
    .into_iter()
    .find_map(|(says, word)| (says == Some(true)).then_some(word))
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
