//! The `compare` record: every venue of one instrument, joined.

use super::{ConfirmedTime, PriceLevel, Reason, Scales, Stamp, State, Venue, Version};

/// Venues that a `compare` value can hold.
pub const COMPARE_VENUES_MAX: usize = 256;

/// The best bid or ask, and whose it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BestLevel {
    /// Price and size.
    pub level: PriceLevel,
    /// Where.
    pub venue: Venue,
}

/// One venue's top of book, as the comparison saw it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ComparedVenue {
    /// Whose.
    pub venue: Venue,
    /// Whether to trade on it; only live ones can be best.
    pub state: State,
    /// Why not.
    pub reason: Reason,
    /// Of the `price` value that this was taken from: a reader that knows a newer one sets this aside.
    pub version: Version,
    /// Best bid.
    pub bid: Option<PriceLevel>,
    /// Best ask.
    pub ask: Option<PriceLevel>,
    /// When it was last known to stand.
    pub confirmed_time: ConfirmedTime,
}

/// The best bid and ask over all venues, and what each says (WIRE.md, `compare`). At most [`COMPARE_VENUES_MAX`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CompareRecord {
    /// State and times of the comparison.
    pub stamp: Stamp,
    /// Of every price and size in here.
    pub scales: Scales,
    /// The highest bid of the live venues.
    pub best_bid: Option<BestLevel>,
    /// The lowest ask of the live venues.
    pub best_ask: Option<BestLevel>,
    /// All venues: suspect, halted and stale ones among them.
    pub venues: Vec<ComparedVenue>,
}
