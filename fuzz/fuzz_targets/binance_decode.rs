//! Do Binance's frames mean to the decoder what they mean to a plain reading of their JSON, whatever the bytes?
//!
//! Run: `RUSTC_BOOTSTRAP=1 cargo fuzz run binance_decode fuzz/corpus/binance_decode fuzz/seeds/binance_decode --
//! -dict=fuzz/binance_decode.dict -max_total_time=180`. The same check runs for seconds in `cargo test` on seeded mutations.
#![no_main]

use tickcache::domain::{
    DepthDelta, Form, Link, MarketEvent, Number, Quote, RawLevel, SCALE_MAX, Scale, Side, Trade, VenueSequence,
    VenueTime, VolumeFigures, VolumeUnit,
};
use tickcache::feed::binance::{Decoder, parse_book_ticker, parse_depth_snapshot};
use tickcache::feed::{DecodeError, Frame};

#[path = "../src/check.rs"]
mod check;

libfuzzer_sys::fuzz_target!(|frame: &[u8]| check::check(&mut Decoder::new(), frame));
