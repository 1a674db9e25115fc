//! What the decoder guarantees, over frames made in the venue's form.

mod captures;
mod errors;
mod frames;
mod requests;
mod rest;

use super::{Decoder, Hyperliquid};
use crate::feed::paths::{level, number};
use crate::feed::{ChannelNames, VenueProtocol};

fn decoder() -> Decoder {
    Decoder::new(&ChannelNames::of(Hyperliquid.defaults()))
}
