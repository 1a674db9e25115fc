//! From the bytes of one frame to what it says.
//!
//! Owns the choice between two paths with equal results: `fast` knows the very bytes that Kraken sends, `general` takes any
//! JSON of that meaning and words all errors. Never panics, whatever the bytes; never checks a book: that is the book's.
//! Reuses two level buffers of at most `LEVELS_MAX` levels; else nothing is kept from frame to frame.

use super::{fast, general};
use crate::domain::{BookImage, Channel, DepthDelta, Link, MarketEvent, Ticker, VenueTime};
use crate::feed::levels::Buffers;
use crate::feed::venue::write_route;
use crate::feed::{ChannelNames, DecodeError, Frame, FrameDecoder};

/// "24-hour traded volume": a rolling window.
pub(super) const WINDOW_S: u32 = 86_400;

/// What a channel of the venue's carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Ticker,
    Trade,
    Book,
}

/// The channels that were subscribed to, by the venue's names.
#[derive(Debug)]
pub(super) struct Channels {
    names: ChannelNames,
}

impl Channels {
    pub(super) fn new(names: &ChannelNames) -> Self {
        Self { names: names.clone() }
    }

    /// `None` for a channel that is none of ours.
    #[inline]
    pub(super) fn kind(&self, name: &str) -> Option<Kind> {
        let is = |channel| self.names.get(channel) == name;
        if is(Channel::Depth) {
            Some(Kind::Book)
        } else if is(Channel::Quote) || is(Channel::Volume) {
            Some(Kind::Ticker)
        } else if is(Channel::Trade) {
            Some(Kind::Trade)
        } else {
            None
        }
    }
}

/// Market data with the levels and trades left in the [`Buffers`].
#[derive(Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "it lives for one frame, and a box would be an allocation a frame"
)]
pub(super) enum Content {
    Ticker(Ticker),
    Trades,
    Image { sum: u32, venue_time: Option<VenueTime> },
    Delta { sum: u32, venue_time: Option<VenueTime> },
}

impl Content {
    #[inline]
    fn with_levels(self, buffers: &Buffers) -> MarketEvent<'_> {
        let (bids, asks) = (&buffers.bids[..], &buffers.asks[..]);
        match self {
            Self::Ticker(ticker) => MarketEvent::Ticker(ticker),
            Self::Trades => MarketEvent::Trades(&buffers.trades),
            Self::Image { sum, venue_time } => {
                let check = Some(buffers.check(Some(sum)));
                MarketEvent::Book(BookImage { last: None, bids, asks, venue_time, check })
            }
            Self::Delta { sum, venue_time } => {
                let check = Some(buffers.check(Some(sum)));
                MarketEvent::Depth(DepthDelta {
                    link: Link::Unsaid,
                    last: None,
                    bids,
                    asks,
                    venue_time,
                    check,
                })
            }
        }
    }
}

/// Decodes the frames of one session.
#[derive(Debug)]
pub struct Decoder {
    channels: Channels,
    levels: Buffers,
    /// Of the last frame: `book:BTC/USD`.
    route: String,
}

impl Decoder {
    /// For a session whose channels have these names.
    #[must_use]
    pub fn new(names: &ChannelNames) -> Self {
        Self { channels: Channels::new(names), levels: Buffers::default(), route: String::new() }
    }

    /// What `frame` says. Frames of channels that were not asked for are [`Frame::Unknown`].
    ///
    /// - ticker: figures and a quote without sequence; the venue time is `timestamp` where there is one. A side of size zero is
    ///   no side. Prices of zero are `None`.
    /// - trade: of the trades before the subscription (type `snapshot`) only the newest, the others are old news.
    /// - status: whether the venue trades.
    /// - book: the whole book (`snapshot`) or a delta (`update`) with its checksum.
    ///
    /// # Errors
    /// [`DecodeError`] for anything that is no JSON, lacks a field, or contradicts itself.
    #[inline]
    pub fn decode<'a>(&'a mut self, frame: &'a [u8]) -> Result<Frame<'a>, DecodeError> {
        match fast::decode(frame, &self.channels, &mut self.levels) {
            Some(market) => Ok(self.market(market.channel, market.symbol, market.content)),
            None => self.decode_general(frame),
        }
    }

    /// The general path alone.
    pub fn decode_general<'a>(&'a mut self, frame: &'a [u8]) -> Result<Frame<'a>, DecodeError> {
        match general::decode(frame, &self.channels, &mut self.levels)? {
            general::Said::Else(frame) => Ok(frame),
            general::Said::Market { channel, symbol, content } => Ok(self.market(&channel, &symbol, content)),
            general::Said::Subscribed { channel, symbol } => {
                write_route(&mut self.route, &channel, &symbol);
                Ok(Frame::Acknowledged(crate::feed::Ack::Stream(&self.route)))
            }
        }
    }

    #[inline]
    fn market(&mut self, channel: &str, symbol: &str, content: Content) -> Frame<'_> {
        write_route(&mut self.route, channel, symbol);
        Frame::Market { stream: &self.route, event: content.with_levels(&self.levels) }
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
