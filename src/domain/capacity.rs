//! Limits that more than one stage relies on.

/// Levels a side that a `liquidity` value can hold.
pub const DEPTH_MAX: usize = 1_000;

/// Levels a side that a book or a snapshot can hold; farther ones are dropped.
pub const LEVELS_MAX: usize = 10_000;

/// Instruments of one feed.
pub const INSTRUMENTS_MAX: usize = 10_000;

const _: () = assert!(DEPTH_MAX <= LEVELS_MAX);
