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
    /// Its place in the venue's count of the instrument's trades; `None` where nothing is compared with it.
    pub number: Option<VenueSequence>,
}

/// How an update says which one comes before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Link {
    /// It covers every id from this one to its last.
    From(VenueSequence),
    /// It follows the update with this id; ids between the two belong to others.
    After(VenueSequence),
    /// It does not say: it follows whatever came before it.
    Unsaid,
}

/// Digits after the point as the venue wrote them, trailing zeros included: a checksum is made over those.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Written {
    /// Of the price.
    pub price: u8,
    /// Of the size.
    pub size: u8,
}

/// A checksum over the book as it is after an update, and what is needed to compute it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Check<'a> {
    /// What the venue computed; `None` where this message carries none.
    pub sum: Option<u32>,
    /// Of each bid, in order.
    pub bids: &'a [Written],
    /// Of each ask, in order.
    pub asks: &'a [Written],
}

/// Changes of a book: each level replaces the one at its price, size zero removes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DepthDelta<'a> {
    /// What it continues.
    pub link: Link,
    /// Last update id that it covers; `None` where the venue counts nothing.
    pub last: Option<VenueSequence>,
    /// Changed bids, in the venue's order.
    pub bids: &'a [RawLevel],
    /// Changed asks, in the venue's order.
    pub asks: &'a [RawLevel],
    /// The venue's stamp.
    pub venue_time: Option<VenueTime>,
    /// The venue's checksum of the book with these changes in it; `None` for a venue that has none.
    pub check: Option<Check<'a>>,
}

/// A whole book in the stream: it replaces what was known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BookImage<'a> {
    /// The last update id that it covers; `None` where the venue counts nothing.
    pub last: Option<VenueSequence>,
    /// Bids, in any order.
    pub bids: &'a [RawLevel],
    /// Asks, in any order.
    pub asks: &'a [RawLevel],
    /// The venue's stamp.
    pub venue_time: Option<VenueTime>,
    /// The venue's checksum of it; `None` for a venue that has none.
    pub check: Option<Check<'a>>,
}

/// A whole book, or its top `limit` levels a side, fetched over REST.
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

/// Whether figures that are absent are unknown or unchanged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// All that the venue says: what is absent is unknown.
    Whole,
    /// What has changed: what is absent stands.
    Changes,
}

/// What a traded volume counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VolumeUnit {
    /// Units of the base currency, whatever a contract is.
    Base,
    /// What the venue's sizes count: contracts, or thousands of something.
    Size,
}

/// Rolling figures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VolumeFigures {
    /// What an absent figure means.
    pub form: Form,
    /// What `base_volume` counts.
    pub unit: VolumeUnit,
    /// Traded, in this unit.
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

/// Rolling figures and, in the same message, the top of book.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ticker {
    /// The figures.
    pub figures: VolumeFigures,
    /// The top of book.
    pub top: Top,
}

/// The top of book in a ticker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Top {
    /// With its sizes: it can be a price.
    Quote(Quote),
    /// Without: a book can be compared with it.
    Prices {
        /// Best bid; `None` when there is none.
        bid: Option<Number>,
        /// Best ask; `None` when there is none.
        ask: Option<Number>,
        /// The venue's stamp.
        venue_time: Option<VenueTime>,
    },
}

/// What one frame said about one instrument.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MarketEvent<'a> {
    /// A new top of book.
    Quote(Quote),
    /// Trades, oldest first; never none.
    Trades(&'a [Trade]),
    /// Changes of the book.
    Depth(DepthDelta<'a>),
    /// The whole book.
    Book(BookImage<'a>),
    /// New rolling figures.
    Volume(VolumeFigures),
    /// New rolling figures with a top of book.
    Ticker(Ticker),
    /// The venue says, apart from its trades, which number the newest of them has.
    NewestTrade(VenueSequence),
}
