//! What the decoder and the requests guarantee, over frames made in the venue's form.

mod captures;
mod errors;
mod frames;
mod requests;

use super::{Decoder, Kraken};
use crate::feed::paths::{level, number};
use crate::feed::{ChannelNames, VenueProtocol};

fn decoder() -> Decoder {
    Decoder::new(&ChannelNames::of(Kraken.defaults()))
}
