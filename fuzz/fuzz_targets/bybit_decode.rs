//! Do the two paths of this venue's decoder agree, whatever the bytes, and does what they say obey the domain's rules?
//!
//! Run: `RUSTC_BOOTSTRAP=1 cargo fuzz run bybit_decode fuzz/corpus/bybit_decode fuzz/seeds/bybit_decode --
//! -max_total_time=180`. The same check runs for seconds in `cargo test` on seeded mutations.
#![no_main]

use tickcache::domain::{LEVELS_MAX, Link, MarketEvent, Number, Quote, RawLevel, VenueSequence};
use tickcache::feed::bybit::Decoder;
use tickcache::feed::{DecodeError, Frame};

#[path = "../src/agree.rs"]
mod agree;

libfuzzer_sys::fuzz_target!(|frame: &[u8]| {
    let (mut both, mut general) = (Decoder::new(), Decoder::new());
    agree::check(frame, &both.decode(frame), &general.decode_any(frame));
});
