//! Do Binance's frames mean to the decoder what they mean to a plain reading of their JSON, on both paths, whatever the bytes?
//!
//! Run: `LONG_SECONDS=600 ./test.sh long binance_decode`. The same check runs for seconds in `cargo test`, on seeded mutations.
#![no_main]

libfuzzer_sys::fuzz_target!(|frame: &[u8]| tickcache_fuzz::check("binance", frame));
