//! What the decoder and the requests guarantee, over frames made in the venue's form.

mod captures;
mod errors;
mod frames;
mod requests;

use super::{Coinbase, Decoder};
use crate::domain::{Number, RawLevel};
use crate::feed::{ChannelNames, VenueProtocol};

fn decoder() -> Decoder {
    Decoder::new(&ChannelNames::of(Coinbase.defaults()))
}

/// Decimal text as a number.
fn number(text: &str) -> Number {
    Number::parse(text.as_bytes()).unwrap()
}

fn level(price: &str, size: &str) -> RawLevel {
    RawLevel { price: number(price), size: number(size) }
}
