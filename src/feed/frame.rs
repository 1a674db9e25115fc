//! What one websocket frame says.

use super::Excerpt;
use crate::domain::{MarketEvent, Trading, VenueSequence};

/// What the venue has acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ack<'a> {
    /// The request of this id.
    Request(u64),
    /// One stream, by its route.
    Stream(&'a str),
    /// The oldest request that waits: the venue answers in order and does not say which.
    Oldest,
}

/// What one websocket frame says, in the one language of all venues. Borrows from the frame and from its decoder.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
#[expect(
    clippy::large_enum_variant,
    reason = "nearly every frame is the large variant; a box would be an allocation a frame"
)]
pub enum Frame<'a> {
    /// Market data of one subscription.
    Market {
        /// The venue's name of the stream that it came on, as subscribed to: what the session finds its subscription by.
        stream: &'a str,
        /// What happened.
        event: MarketEvent<'a>,
    },
    /// The venue's count of the trades of a stream. It is no data of that stream: a count that comes while no trade does is not
    /// what was subscribed to.
    Counted {
        /// As of [`Self::Market`].
        stream: &'a str,
        /// The newest trade's.
        newest: VenueSequence,
    },
    /// The venue took a request, or a part of one. It does not follow that data will come.
    Acknowledged(Ack<'a>),
    /// The venue refused a request.
    Refused {
        /// The request's; `None` where the venue does not say which.
        id: Option<u64>,
        /// The venue's number for the reason.
        code: i64,
        /// The venue's words.
        message: Excerpt,
    },
    /// Whether the venue trades what this session carries.
    Trading(Trading),
    /// Whether it trades these symbols, in the letters of routes. It speaks of many that nobody asked about.
    TradingOf(&'a [(String, Trading)]),
    /// The venue is about to close this connection: open another one.
    ShuttingDown,
    /// Known, and nothing that was asked for: to be counted and ignored.
    Other,
    /// Valid JSON, and neither data that was asked for nor anything else that the venue is known to send. What it names may have
    /// been changed by it.
    Unknown,
}
