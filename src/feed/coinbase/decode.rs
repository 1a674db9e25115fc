//! From the bytes of one frame to what it says.
//!
//! Owns the choice between two paths with equal results: `fast` knows the very bytes that Coinbase sends, `general` takes any
//! JSON of that meaning and words all errors. Never panics, whatever the bytes; never checks a book: that is the book's.
//! Reuses two level buffers; else nothing is kept from frame to frame.

use super::{fast, general};
use crate::domain::{BookImage, Channel, DepthDelta, Link, MarketEvent, Ticker, Trade, VenueTime};
use crate::feed::levels::Buffers;
use crate::feed::venue::write_route;
use crate::feed::{ChannelNames, DecodeError, Frame, FrameDecoder};

/// "24h": a rolling window.
pub(super) const WINDOW_S: u32 = 86_400;

/// Market data with the levels left in the [`Buffers`].
#[derive(Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "it lives for one frame, and a box would be an allocation a frame"
)]
pub(super) enum Content {
    Image { venue_time: Option<VenueTime> },
    Delta { venue_time: Option<VenueTime> },
    Trade(Trade),
    Ticker(Ticker),
}

impl Content {
    /// Frames say what they are, not which channel they came on.
    const fn channel(&self) -> Channel {
        match self {
            Self::Image { .. } | Self::Delta { .. } => Channel::Depth,
            Self::Trade(_) => Channel::Trade,
            Self::Ticker(_) => Channel::Volume,
        }
    }

    #[inline]
    fn with_levels(self, buffers: &mut Buffers) -> MarketEvent<'_> {
        match self {
            Self::Ticker(ticker) => MarketEvent::Ticker(ticker),
            Self::Trade(trade) => {
                buffers.trades.clear();
                buffers.trades.push(trade);
                MarketEvent::Trades(&buffers.trades)
            }
            Self::Image { venue_time } => {
                let (bids, asks) = (&buffers.bids[..], &buffers.asks[..]);
                MarketEvent::Book(BookImage { last: None, bids, asks, venue_time, check: None })
            }
            Self::Delta { venue_time } => {
                let (bids, asks) = (&buffers.bids[..], &buffers.asks[..]);
                let link = Link::Unsaid;
                MarketEvent::Depth(DepthDelta { link, last: None, bids, asks, venue_time, check: None })
            }
        }
    }
}

/// Decodes the frames of one session.
#[derive(Debug)]
pub struct Decoder {
    names: ChannelNames,
    levels: Buffers,
    /// Of the last frame: `matches:BTC-USD`.
    route: String,
}

impl Decoder {
    /// For a session whose channels have these names.
    #[must_use]
    pub fn new(names: &ChannelNames) -> Self {
        Self { names: names.clone(), levels: Buffers::default(), route: String::new() }
    }

    /// What `frame` says. Frames of other types are [`Frame::Unknown`].
    ///
    /// - `snapshot`: the whole book; of one that is longer than a book the best levels, and one more, which tells the book that
    ///   there are others.
    /// - `l2update`: a delta. It names nothing that it continues.
    /// - `match`, `last_match`: a trade; its side is the taker's (the venue sends the maker's).
    /// - `heartbeat`: which number the newest trade of a product has.
    /// - `ticker`: figures, and best bid and ask without sizes. Prices of zero are `None`.
    ///
    /// # Errors
    /// [`DecodeError`] for anything that is no JSON, lacks a field, or contradicts itself.
    #[inline]
    pub fn decode<'a>(&'a mut self, frame: &'a [u8]) -> Result<Frame<'a>, DecodeError> {
        match fast::decode(frame, &mut self.levels) {
            Some((product, content)) => Ok(self.market(product, content)),
            None => self.decode_general(frame),
        }
    }

    /// The general path alone.
    pub fn decode_general<'a>(&'a mut self, frame: &'a [u8]) -> Result<Frame<'a>, DecodeError> {
        match general::decode(frame, &mut self.levels)? {
            general::Said::Else(frame) => Ok(frame),
            general::Said::Market { product, content } => Ok(self.market(&product, content)),
            general::Said::Counted { product, newest } => {
                write_route(&mut self.route, self.names.get(Channel::Trade), &product);
                Ok(Frame::Counted { stream: &self.route, newest })
            }
        }
    }

    #[inline]
    fn market(&mut self, product: &str, content: Content) -> Frame<'_> {
        write_route(&mut self.route, self.names.get(content.channel()), product);
        Frame::Market { stream: &self.route, event: content.with_levels(&mut self.levels) }
    }
}

impl FrameDecoder for Decoder {
    #[inline]
    fn decode<'a>(&'a mut self, frame: &'a [u8]) -> Result<Frame<'a>, DecodeError> {
        Self::decode(self, frame)
    }

    fn decode_general<'a>(&'a mut self, frame: &'a [u8]) -> Result<Frame<'a>, DecodeError> {
        Self::decode_general(self, frame)
    }
}
