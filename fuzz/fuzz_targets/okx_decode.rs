//! Do OKX's frames mean the same on both paths of the decoder, and something possible, whatever the bytes?
//!
//! Run: `RUSTC_BOOTSTRAP=1 cargo fuzz run okx_decode fuzz/corpus/okx_decode fuzz/seeds/okx_decode -- -max_total_time=180`. The same
//! check runs for seconds in `cargo test` on seeded mutations.
#![no_main]

use tickcache::domain::{Check, LEVELS_MAX, MarketEvent, RawLevel};
use tickcache::feed::okx::{Decoder, Okx, parse_books, parse_instruments};
use tickcache::feed::{ChannelNames, DecodeError, Frame, VenueProtocol};

#[path = "../src/agreement.rs"]
mod agreement;

libfuzzer_sys::fuzz_target!(|frame: &[u8]| {
    let names = ChannelNames::of(Okx.defaults());
    let (mut fast, mut general) = (Decoder::new(&names), Decoder::new(&names));
    agreement::check(&fast.decode(frame), &general.decode_general(frame), frame, &[b"pong"]);
    let errors = [parse_books(frame).err(), parse_instruments(frame).err()];
    errors.iter().flatten().for_each(agreement::short);
});
