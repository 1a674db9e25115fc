//! Arbitrary bytes as a frame of Kraken: no panic, both paths agree, and what is decoded makes sense.
#![no_main]

use tickcache::domain::{LEVELS_MAX, MarketEvent, Number, Quote, RawLevel, Ticker, Top};
use tickcache::feed::kraken::{Kraken, Decoder};
use tickcache::feed::{ChannelNames, DecodeError, Frame, VenueProtocol};

#[path = "../src/paths.rs"]
mod paths;

libfuzzer_sys::fuzz_target!(|frame: &[u8]| {
    let names = ChannelNames::of(Kraken.defaults());
    let (mut first, mut second) = (Decoder::new(&names), Decoder::new(&names));
    paths::check(first.decode(frame), second.decode_any(frame), frame, LEVELS_MAX);
    let _ = (Kraken.parse_quote(frame), Kraken.parse_list(frame));
});
