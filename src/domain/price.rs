//! The `price` record: best bid and ask, and the last trade.

use super::{Price, ReceiveTime, Scales, Size, SizeUnit, Stamp, VenueSequence, VenueTime};

/// One side of the top of the book. A venue that names no size has `size: None`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PriceLevel {
    /// At the record's price scale.
    pub price: Price,
    /// At the record's size scale.
    pub size: Option<Size>,
}

/// The last trade. Its times are its own; the stamp of the record speaks of the quote only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LastTrade {
    /// At the record's price scale.
    pub price: Price,
    /// At the record's size scale.
    pub size: Option<Size>,
    /// The venue's stamp of the trade.
    pub venue_time: Option<VenueTime>,
    /// Socket read of the trade's frame.
    pub receive_time: Option<ReceiveTime>,
}

/// Best bid and ask with sizes, last trade (WIRE.md, `price`).
///
/// `bid: None` means that nobody bids (or that nothing is known yet, which the state says); never zero.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PriceRecord {
    /// State and times of the quote.
    pub stamp: Stamp,
    /// Of every price and size in here.
    pub scales: Scales,
    /// What sizes count.
    pub size_unit: SizeUnit,
    /// Best bid.
    pub bid: Option<PriceLevel>,
    /// Best ask.
    pub ask: Option<PriceLevel>,
    /// The venue's update id of this top of book.
    pub venue_sequence: Option<VenueSequence>,
    /// The last trade.
    pub last: Option<LastTrade>,
}

impl PriceRecord {
    /// Of an instrument about which nothing is known yet.
    #[must_use]
    pub const fn unknown(stamp: Stamp, scales: Scales) -> Self {
        Self {
            stamp,
            scales,
            size_unit: SizeUnit::Base,
            bid: None,
            ask: None,
            venue_sequence: None,
            last: None,
        }
    }
}
