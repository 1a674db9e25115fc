//! The `history` record: an hour of candles.

use super::{Price, Scales, Size, Stamp};

/// Candles that a `history` value can hold: an hour of seconds.
pub const CANDLES_MAX: usize = 3_600;

/// What a candle is made from, and whether it may still change: a set of bits (WIRE.md, `history`, item 16).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct CandleFlags(pub u32);

impl CandleFlags {
    /// From trades.
    pub const TRADES: Self = Self(1);
    /// From the middle of bid and ask.
    pub const MID: Self = Self(2);
    /// Back-filled from the venue.
    pub const BACK_FILLED: Self = Self(4);
    /// Its interval is not over.
    pub const OPEN: Self = Self(8);

    /// These and those of `other`.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether all of `other` are set.
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

/// One candle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Candle {
    /// Its first second, counted since the Unix epoch.
    pub open_time_s: i64,
    /// First price, at the record's price scale.
    pub open: Price,
    /// Highest price.
    pub high: Price,
    /// Lowest price.
    pub low: Price,
    /// Last price.
    pub close: Price,
    /// Traded, in base units, at the record's size scale; `None` = not known.
    pub base_volume: Option<Size>,
    /// Number of trades; `None` = not known.
    pub trade_count: Option<u64>,
    /// What it is made from.
    pub flags: CandleFlags,
}

/// The candles of one hour, oldest first, at most [`CANDLES_MAX`] (WIRE.md, `history`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryRecord {
    /// State and times of the newest candle.
    pub stamp: Stamp,
    /// Of every price and size in here.
    pub scales: Scales,
    /// Length of a candle, in seconds.
    pub interval_s: u32,
    /// Oldest first.
    pub candles: Vec<Candle>,
}
