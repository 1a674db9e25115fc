//! What every fuzz target checks. The files are those that the tests of the decoders include.

use tickcache::{domain, feed};

mod agree;
mod plain_binance;

/// Panics where the decoder of this venue breaks a promise over these bytes.
pub fn check(venue: &str, bytes: &[u8]) {
    agree::Agreement::of(venue).check(bytes);
}
