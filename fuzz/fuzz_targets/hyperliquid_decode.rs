//! Do the two paths of Hyperliquid's decoder agree, whatever the bytes, and does what they say obey the rules of the domain?
//!
//! Run: `LONG_SECONDS=600 ./test.sh long hyperliquid_decode`. The same check runs for seconds in `cargo test`, on seeded mutations.
#![no_main]

libfuzzer_sys::fuzz_target!(|frame: &[u8]| tickcache_fuzz::check("hyperliquid", frame));
