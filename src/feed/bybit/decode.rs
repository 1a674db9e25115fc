//! From the bytes of one frame of Bybit's to what it says.
//!
//! Owns the choice between two paths with equal results: `fast` knows the very bytes of book frames, `general` takes any JSON of
//! the meaning and words all errors. Never panics, whatever the bytes; never checks a book: that is the book's. Reuses its buffers
//! of at most `LEVELS_MAX` entries; else nothing is kept from frame to frame.

use std::borrow::Cow;

use super::topics::Topics;
use super::{Bybit, fast, general};
use crate::domain::{
    BookImage, Channel, DepthDelta, Link, MarketEvent, Quote, RawLevel, VenueSequence, VenueTime,
    VolumeFigures,
};
use crate::feed::levels::{self, Buffers};
use crate::feed::{ChannelNames, DecodeError, Frame, FrameDecoder, VenueProtocol as _};

/// Update id of the snapshot after a restart of the venue's service.
const RESTARTED: u64 = 1;

/// Whether a message replaces or changes what is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Snapshot,
    Delta,
}

/// Market data with levels and trades left in the [`Buffers`].
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "handed on at once; a box would be an allocation")]
pub(super) enum Content {
    Top { update: u64, venue_time: Option<VenueTime> },
    Book { kind: Kind, update: u64, venue_time: Option<VenueTime> },
    Trades,
    Volume(VolumeFigures),
}

impl Content {
    /// A message of levels; `None` where the channel sends no such thing.
    #[inline]
    pub(super) fn of_levels(
        channel: Channel,
        kind: Kind,
        update: u64,
        venue_time: Option<VenueTime>,
    ) -> Option<Self> {
        match (channel, kind) {
            (Channel::Quote, Kind::Snapshot) => Some(Self::Top { update, venue_time }),
            (Channel::Depth, Kind::Delta) if update == RESTARTED => {
                Some(Self::Book { kind: Kind::Snapshot, update, venue_time })
            }
            (Channel::Depth, kind) => Some(Self::Book { kind, update, venue_time }),
            (Channel::Quote | Channel::Trade | Channel::Volume, _) => None,
        }
    }

    #[inline]
    fn with_levels(self, buffers: &Buffers) -> MarketEvent<'_> {
        let (bids, asks) = (&buffers.bids[..], &buffers.asks[..]);
        let best = |side: &[RawLevel]| side.first().copied().and_then(levels::quote_side);
        match self {
            Self::Top { update, venue_time } => MarketEvent::Quote(Quote {
                bid: best(bids),
                ask: best(asks),
                venue_sequence: Some(VenueSequence(update)),
                venue_time,
            }),
            Self::Book { kind, update, venue_time } => {
                let last = Some(VenueSequence(update));
                match kind {
                    Kind::Snapshot => {
                        MarketEvent::Book(BookImage { last, bids, asks, venue_time, check: None })
                    }
                    Kind::Delta => {
                        let link = Link::From(VenueSequence(update));
                        MarketEvent::Depth(DepthDelta { link, last, bids, asks, venue_time, check: None })
                    }
                }
            }
            Self::Trades => MarketEvent::Trades(&buffers.trades),
            Self::Volume(figures) => MarketEvent::Volume(figures),
        }
    }
}

/// Decodes the frames of one session.
#[derive(Debug)]
pub struct Decoder {
    topics: Topics,
    buffers: Buffers,
    /// A topic that had to be unescaped.
    topic: String,
}

impl Default for Decoder {
    fn default() -> Self {
        Self::named(&ChannelNames::of(Bybit::SPOT.defaults()))
    }
}

impl Decoder {
    /// With empty buffers, for channels that are called as the venue calls them now.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// With empty buffers, for channels of these names.
    #[must_use]
    pub fn named(names: &ChannelNames) -> Self {
        Self { topics: Topics::new(names), buffers: Buffers::default(), topic: String::new() }
    }

    /// What `frame` says. Topics of other channels are [`Frame::Unknown`].
    ///
    /// - `orderbook.1`: a quote with `u` as its sequence. A side without level, or of size zero, is no side.
    /// - `orderbook.50` and the like: a whole book (snapshot, or `u` of 1), or a delta that covers `u`.
    /// - Of both the venue time is `cts`, the matching engine's; `ts`, the gateway's, where that is absent.
    /// - `publicTrade`: oldest first, each with its own time. Block trades are left out: they are agreed on elsewhere.
    /// - `tickers`: `type` says whether absent figures are unknown or unchanged. Prices of zero, and empty texts, are `None`.
    ///
    /// # Errors
    /// [`DecodeError`] for anything that is no JSON, lacks a field, or contradicts itself.
    #[inline]
    pub fn decode<'a>(&'a mut self, frame: &'a [u8]) -> Result<Frame<'a>, DecodeError> {
        match self.fast(frame) {
            Some((stream, content)) => {
                Ok(Frame::Market { stream, event: content.with_levels(&self.buffers) })
            }
            None => self.decode_general(frame),
        }
    }

    #[inline]
    pub(super) fn fast<'f>(&mut self, frame: &'f [u8]) -> Option<(&'f str, Content)> {
        fast::decode(frame, &self.topics, &mut self.buffers)
    }

    /// The general path alone: it gives what [`Self::decode`] gives.
    ///
    /// # Errors
    /// As [`Self::decode`].
    pub fn decode_general<'a>(&'a mut self, frame: &'a [u8]) -> Result<Frame<'a>, DecodeError> {
        match general::decode(frame, &self.topics, &mut self.buffers)? {
            general::Said::Else(frame) => Ok(frame),
            general::Said::Market { topic, content } => {
                let stream = match topic {
                    Cow::Borrowed(topic) => topic,
                    Cow::Owned(unescaped) => {
                        self.topic = unescaped;
                        &self.topic
                    }
                };
                Ok(Frame::Market { stream, event: content.with_levels(&self.buffers) })
            }
        }
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
