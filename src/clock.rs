//! The only reader of time.
//!
//! Owns the two clocks and the reading of both; everything else takes `now` as an argument. Never sleeps. Cheap enough
//! (two vDSO calls) for every socket read.

#![allow(clippy::disallowed_methods, reason = "this is the one place that reads clocks")]

use std::sync::OnceLock;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use crate::domain::{MonoTime, Now, WallTime};

static START: OnceLock<Instant> = OnceLock::new();

/// Reads both clocks.
#[must_use]
pub fn now() -> Now {
    Now { wall: wall(), mono: mono() }
}

/// Reads the monotonic clock: nanoseconds since its first reading in this process.
#[must_use]
pub fn mono() -> MonoTime {
    let nanos = START.get_or_init(Instant::now).elapsed().as_nanos();
    MonoTime::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}

/// Reads the wall clock. A clock set before 1970 reads as 1970.
#[must_use]
pub fn wall() -> WallTime {
    let nanos = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos());
    WallTime::from_nanos(i64::try_from(nanos).unwrap_or(i64::MAX))
}
