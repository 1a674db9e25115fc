//! Do Hyperliquid's frames mean the same on both paths of the decoder, and something possible, whatever the bytes?
//!
//! Run: `RUSTC_BOOTSTRAP=1 cargo fuzz run hyperliquid_decode fuzz/corpus/hyperliquid_decode fuzz/seeds/hyperliquid_decode --
//! -max_total_time=180`. The same check runs for seconds in `cargo test` on seeded mutations.
#![no_main]

use tickcache::domain::{Check, LEVELS_MAX, MarketEvent, RawLevel};
use tickcache::feed::hyperliquid::{Decoder, Hyperliquid, parse_book, parse_meta};
use tickcache::feed::{ChannelNames, DecodeError, Frame, VenueProtocol};

#[path = "../src/agreement.rs"]
mod agreement;

libfuzzer_sys::fuzz_target!(|frame: &[u8]| {
    let names = ChannelNames::of(Hyperliquid.defaults());
    let (mut fast, mut general) = (Decoder::new(&names), Decoder::new(&names));
    let texts: [&[u8]; 1] = [b"Websocket connection established."];
    agreement::check(&fast.decode(frame), &general.decode_general(frame), frame, &texts);
    [parse_book(frame).err(), parse_meta(frame).err()].iter().flatten().for_each(agreement::short);
});
