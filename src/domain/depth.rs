//! The `liquidity` record: the top levels of a book.

use super::{Price, Scales, Size, SizeUnit, Stamp, VenueSequence};

/// One level of a book. A level of size zero does not exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DepthLevel {
    /// At the record's price scale.
    pub price: Price,
    /// At the record's size scale; above zero.
    pub size: Size,
}

/// The top levels of the book (WIRE.md, `liquidity`), best first, at most [`DEPTH_MAX`](super::DEPTH_MAX) a side.
#[derive(Debug, PartialEq, Eq)]
pub struct LiquidityRecord {
    /// State and times of the book.
    pub stamp: Stamp,
    /// Of every price and size in here.
    pub scales: Scales,
    /// What sizes count.
    pub size_unit: SizeUnit,
    /// Highest price first.
    pub bids: Vec<DepthLevel>,
    /// Lowest price first.
    pub asks: Vec<DepthLevel>,
    /// The venue's update id of this book.
    pub venue_sequence: Option<VenueSequence>,
    /// How many levels a side the venue's own check (checksum or sequence) covers; `None` = it has no check.
    pub checked_levels: Option<u32>,
}

impl LiquidityRecord {
    /// Of an instrument about which nothing is known yet.
    #[must_use]
    pub const fn unknown(stamp: Stamp, scales: Scales) -> Self {
        Self {
            stamp,
            scales,
            size_unit: SizeUnit::Base,
            bids: Vec::new(),
            asks: Vec::new(),
            venue_sequence: None,
            checked_levels: None,
        }
    }
}

/// By hand, so that `clone_from` reuses the levels' memory: the conflation table overwrites in place.
impl Clone for LiquidityRecord {
    fn clone(&self) -> Self {
        Self { bids: self.bids.clone(), asks: self.asks.clone(), ..*self }
    }

    fn clone_from(&mut self, source: &Self) {
        let (mut bids, mut asks) = (std::mem::take(&mut self.bids), std::mem::take(&mut self.asks));
        bids.clone_from(&source.bids);
        asks.clone_from(&source.asks);
        *self = Self { bids, asks, ..*source };
    }
}
