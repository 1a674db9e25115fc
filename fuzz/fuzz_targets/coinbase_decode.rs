//! Arbitrary bytes as a frame of Coinbase: no panic, both paths agree, and what is decoded makes sense.
#![no_main]

use tickcache::domain::{LEVELS_MAX, MarketEvent, Number, Quote, RawLevel, Ticker, Top};
use tickcache::feed::coinbase::{Coinbase, Decoder};
use tickcache::feed::{ChannelNames, DecodeError, Frame, VenueProtocol};

#[path = "../src/paths.rs"]
mod paths;

libfuzzer_sys::fuzz_target!(|frame: &[u8]| {
    let names = ChannelNames::of(Coinbase.defaults());
    let (mut first, mut second) = (Decoder::new(&names), Decoder::new(&names));
    paths::check(first.decode(frame), second.decode_any(frame), frame, LEVELS_MAX + 1);
    let _ = (Coinbase.parse_quote(frame), Coinbase.parse_list(frame));
});
