//! From the bytes of one frame to what it says.
//!
//! Owns the choice between two paths with equal results: `fast` knows the very bytes that OKX sends, `general` takes any JSON of
//! that meaning and words all errors. Never panics, whatever the bytes; never checks a book (gaps, checksums): that is the
//! book's. Reuses its buffers; else nothing is kept from frame to frame.

use super::{fast, general};
use crate::domain::{
    BookImage, DepthDelta, Link, MarketEvent, Quote, Trading, VenueSequence, VenueTime, VolumeFigures,
};
use crate::feed::levels::Buffers;
use crate::feed::venue::write_route;
use crate::feed::{Ack, ChannelNames, DecodeError, Frame};

/// Market data with the levels and trades left in the [`Buffers`].
#[derive(Debug)]
pub(super) enum Content {
    Quote(Quote),
    Trades,
    Depth { link: Link, book: Numbered },
    Book(Numbered),
    Volume(VolumeFigures),
}

/// What stands beside the levels of a book.
#[derive(Debug, Clone, Copy)]
pub(super) struct Numbered {
    pub(super) last: Option<VenueSequence>,
    pub(super) venue_time: Option<VenueTime>,
    /// `None` where the venue sends 0 or nothing.
    pub(super) sum: Option<u32>,
}

impl Content {
    #[inline]
    fn with_levels(self, buffers: &Buffers) -> MarketEvent<'_> {
        match self {
            Self::Quote(quote) => MarketEvent::Quote(quote),
            Self::Trades => MarketEvent::Trades(&buffers.trades),
            Self::Volume(figures) => MarketEvent::Volume(figures),
            Self::Depth { link, book: Numbered { last, venue_time, sum } } => {
                MarketEvent::Depth(DepthDelta {
                    link,
                    last,
                    bids: &buffers.bids,
                    asks: &buffers.asks,
                    venue_time,
                    check: Some(buffers.check(sum)),
                })
            }
            Self::Book(Numbered { last, venue_time, sum }) => MarketEvent::Book(BookImage {
                last,
                bids: &buffers.bids,
                asks: &buffers.asks,
                venue_time,
                check: Some(buffers.check(sum)),
            }),
        }
    }
}

/// A checksum of the venue's: a signed number, of which 0 means that there is none. `None` = it does not fit.
#[inline]
pub(super) fn sum(checksum: i64) -> Option<Option<u32>> {
    let bits = i32::try_from(checksum).ok()?.cast_unsigned();
    Some((bits != 0).then_some(bits))
}

/// Decodes the frames of one session.
#[derive(Debug)]
pub struct Decoder {
    names: ChannelNames,
    levels: Buffers,
    /// Of the stream that spoke last.
    route: String,
    /// Of the last frame that said whether they trade.
    symbols: Vec<(String, Trading)>,
}

impl Decoder {
    /// For these channels, with empty buffers.
    #[must_use]
    pub fn new(names: &ChannelNames) -> Self {
        Self { names: names.clone(), levels: Buffers::default(), route: String::new(), symbols: Vec::new() }
    }

    /// What `frame` says. Channels that are not ours are [`Frame::Unknown`].
    ///
    /// - quotes: `seqId` is the sequence, `ts` the venue time; a side without levels is no side.
    /// - trades: in the order of their times.
    /// - depth: a `snapshot` is the whole book, an `update` follows the one that its `prevSeqId` names. Both carry the checksum, and
    ///   how the venue wrote each number, where that is not 0.
    /// - instruments: which of them trade.
    /// - figures: of a derivative the volume is `volCcy24h`, in base currency; of spot it is `vol24h`, and `volCcy24h` the quote volume.
    ///
    /// # Errors
    /// [`DecodeError`] for anything that is no JSON, lacks a field, or contradicts itself.
    #[inline]
    pub fn decode<'a>(&'a mut self, frame: &'a [u8]) -> Result<Frame<'a>, DecodeError> {
        match fast::decode(frame, &self.names, &mut self.levels) {
            Some((channel, symbol, content)) => {
                write_route(&mut self.route, channel, symbol);
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
            general::Said::Trading(symbols) => {
                self.symbols = symbols;
                Frame::TradingOf(&self.symbols)
            }
            general::Said::Subscribed => Frame::Acknowledged(Ack::Stream(&self.route)),
            general::Said::Market(content) => {
                Frame::Market { stream: &self.route, event: content.with_levels(&self.levels) }
            }
        })
    }
}
