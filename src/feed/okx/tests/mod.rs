//! What the decoder guarantees, over frames made in the venue's form.

mod captures;
mod errors;
mod frames;
mod requests;
mod rest;

use super::{Decoder, Okx};
use crate::domain::{Number, RawLevel};
use crate::feed::{ChannelNames, VenueProtocol};

/// Decimal text as a number.
fn number(text: &str) -> Number {
    Number::parse(text.as_bytes()).unwrap()
}

fn level(price: &str, size: &str) -> RawLevel {
    RawLevel { price: number(price), size: number(size) }
}

fn decoder() -> Decoder {
    Decoder::new(&ChannelNames::of(Okx.defaults()))
}
