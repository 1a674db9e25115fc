//! From the bytes of one frame to what it says.
//!
//! Owns the choice between two paths with equal results: `fast` knows the very bytes that Hyperliquid sends, `general` takes any
//! JSON of that meaning and words all errors. Never panics, whatever the bytes; never checks a book (crossed, older): that is the
//! book's. Reuses its buffers; else nothing is kept from frame to frame.

use super::{fast, general};
use crate::domain::{BookImage, MarketEvent, Quote, VenueTime, VolumeFigures};
use crate::feed::levels::Buffers;
use crate::feed::venue::write_route;
use crate::feed::{Ack, ChannelNames, DecodeError, Frame};

/// Market data with the levels and trades left in the [`Buffers`].
#[derive(Debug)]
pub(super) enum Content {
    Quote(Quote),
    Trades,
    Book { venue_time: VenueTime },
    Volume(VolumeFigures),
}

impl Content {
    #[inline]
    fn with_levels(self, buffers: &Buffers) -> MarketEvent<'_> {
        match self {
            Self::Quote(quote) => MarketEvent::Quote(quote),
            Self::Trades => MarketEvent::Trades(&buffers.trades),
            Self::Volume(figures) => MarketEvent::Volume(figures),
            Self::Book { venue_time } => MarketEvent::Book(BookImage {
                last: None,
                bids: &buffers.bids,
                asks: &buffers.asks,
                venue_time: Some(venue_time),
                check: None,
            }),
        }
    }
}

/// Decodes the frames of one session.
#[derive(Debug)]
pub struct Decoder {
    names: ChannelNames,
    levels: Buffers,
    /// Of the stream that spoke last.
    route: String,
}

impl Decoder {
    /// For these channels, with empty buffers.
    #[must_use]
    pub fn new(names: &ChannelNames) -> Self {
        Self { names: names.clone(), levels: Buffers::default(), route: String::new() }
    }

    /// What `frame` says. Channels that are not ours are [`Frame::Unknown`].
    ///
    /// - quotes and books have no sequence; their `time` orders them. A side of a quote that is null is no side.
    /// - trades: in the order of their times.
    /// - figures have no time: `dayNtlVlm` is the quote volume, `dayBaseVlm` the base volume in the coin's own units (thousands for
    ///   `kPEPE`), `prevDayPx` the price that the window begins with. There is no last traded price among them.
    ///
    /// # Errors
    /// [`DecodeError`] for anything that is no JSON, lacks a field, or contradicts itself.
    #[inline]
    pub fn decode<'a>(&'a mut self, frame: &'a [u8]) -> Result<Frame<'a>, DecodeError> {
        match fast::decode(frame, &self.names, &mut self.levels) {
            Some((channel, coin, content)) => {
                write_route(&mut self.route, channel, coin);
                Ok(Frame::Market { stream: &self.route, event: content.with_levels(&self.levels) })
            }
            None => self.decode_general(frame),
        }
    }

    /// The general path alone: what the other one is compared with.
    ///
    /// # Errors
    /// As [`Self::decode`].
    pub fn decode_general<'a>(&'a mut self, frame: &'a [u8]) -> Result<Frame<'a>, DecodeError> {
        Ok(match general::decode(frame, &self.names, &mut self.levels, &mut self.route)? {
            general::Said::Else(frame) => frame,
            general::Said::Subscribed => Frame::Acknowledged(Ack::Stream(&self.route)),
            general::Said::Market(content) => {
                Frame::Market { stream: &self.route, event: content.with_levels(&self.levels) }
            }
        })
    }
}
