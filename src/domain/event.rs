//! What venues say, in one language: the output of every decoder and the input of `process`.

use super::{Number, VenueSequence, VenueTime};

/// Which side of the book, or which side a trade's aggressor was on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Side {
    /// Bids; an aggressive buyer.
    Buy,
    /// Asks; an aggressive seller.
    Sell,
}

/// What a subscription delivers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Channel {
    /// Top of book.
    Quote,
    /// Public trades.
    Trade,
    /// Changes of the whole book.
    Depth,
    /// Rolling 24 h figures.
    Volume,
}

impl Channel {
    /// Every one.
    pub const ALL: [Self; 4] = [Self::Quote, Self::Trade, Self::Depth, Self::Volume];

    /// For logs and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Quote => "quote",
            Self::Trade => "trade",
            Self::Depth => "depth",
            Self::Volume => "volume",
        }
    }
}

/// One channel of one instrument of a feed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Subscription {
    /// Whose.
    pub instrument: super::InstrumentId,
    /// Of what.
    pub channel: Channel,
}

/// A level as the venue sent it: exact numbers, each with its own scale. Size zero in a delta removes the level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RawLevel {
    /// The price.
    pub price: Number,
    /// The size.
    pub size: Number,
}

/// A top of book.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quote {
    /// Best bid; `None` when there is none.
    pub bid: Option<RawLevel>,
    /// Best ask; `None` when there is none.
    pub ask: Option<RawLevel>,
    /// The venue's update id.
    pub venue_sequence: Option<VenueSequence>,
    /// The venue's stamp.
    pub venue_time: Option<VenueTime>,
}

/// A public trade.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Trade {
    /// At what price.
    pub price: Number,
    /// How much.
    pub size: Number,
    /// The aggressor's side.
    pub side: Side,
    /// The venue's stamp.
    pub venue_time: Option<VenueTime>,
}

/// Changes of a book: each level replaces the one at its price, size zero removes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DepthDelta<'a> {
    /// First update id that it covers.
    pub first: VenueSequence,
    /// Last update id that it covers.
    pub last: VenueSequence,
    /// Changed bids, in the venue's order.
    pub bids: &'a [RawLevel],
    /// Changed asks, in the venue's order.
    pub asks: &'a [RawLevel],
    /// The venue's stamp.
    pub venue_time: Option<VenueTime>,
}

/// A whole book, or its top `limit` levels a side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DepthSnapshot {
    /// The last update id that it covers.
    pub last: VenueSequence,
    /// Bids, best first.
    pub bids: Vec<RawLevel>,
    /// Asks, best first.
    pub asks: Vec<RawLevel>,
    /// Levels a side that were asked for. A side that has fewer is complete; of one that has as many, deeper levels
    /// are unknown.
    pub limit: usize,
    /// The venue's stamp.
    pub venue_time: Option<VenueTime>,
}

/// Rolling figures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VolumeFigures {
    /// Traded, in base units.
    pub base_volume: Option<Number>,
    /// Traded, in quote units.
    pub quote_volume: Option<Number>,
    /// Number of trades.
    pub trade_count: Option<u64>,
    /// First price of the window.
    pub open: Option<Number>,
    /// Highest price.
    pub high: Option<Number>,
    /// Lowest price.
    pub low: Option<Number>,
    /// Last price.
    pub last: Option<Number>,
    /// Length of the window, in seconds.
    pub window_s: u32,
    /// The venue's stamp.
    pub venue_time: Option<VenueTime>,
}

/// What one frame said about one instrument.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MarketEvent<'a> {
    /// A new top of book.
    Quote(Quote),
    /// A trade.
    Trade(Trade),
    /// Changes of the book.
    Depth(DepthDelta<'a>),
    /// New rolling figures.
    Volume(VolumeFigures),
}
