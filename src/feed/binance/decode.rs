//! From the bytes of one frame of a combined connection to what it says.
//!
//! Owns the choice between two paths with equal results: `fast` knows the very bytes that Binance sends, `general` takes any
//! JSON of that meaning and words all errors. Never panics, whatever the bytes; never checks a book (crossed, gaps): that is
//! the book's. Reuses two level buffers of at most `LEVELS_MAX` levels; else nothing is kept from frame to frame.
//!
//! The venue's documentation: "Combined stream events are wrapped as follows: `{"stream":"<streamName>","data":<rawPayload>}`";
//! "if the result received is null this means the request sent was a success"; "A serverShutdown event will be sent when the
//! server is about to shutdown, resulting in disconnection".

use super::{fast, general};
use crate::domain::{
    DepthDelta, Link, MarketEvent, Quote, Side, Trade, VenueSequence, VenueTime, VolumeFigures,
};
use crate::feed::levels::Buffers;
use crate::feed::{DecodeError, Frame};

/// "24hr rolling window".
pub(super) const WINDOW_S: u32 = 86_400;

/// Market data with the levels left in the [`Buffers`].
#[derive(Debug)]
pub(super) enum Content {
    Quote(Quote),
    Trade(Trade),
    Depth { link: Link, last: VenueSequence, venue_time: VenueTime },
    Volume(VolumeFigures),
}

impl Content {
    #[inline]
    fn with_levels(self, buffers: &mut Buffers) -> MarketEvent<'_> {
        match self {
            Self::Quote(quote) => MarketEvent::Quote(quote),
            Self::Trade(trade) => {
                buffers.trades.clear();
                buffers.trades.push(trade);
                MarketEvent::Trades(&buffers.trades)
            }
            Self::Volume(figures) => MarketEvent::Volume(figures),
            Self::Depth { link, last, venue_time } => MarketEvent::Depth(DepthDelta {
                link,
                last: Some(last),
                bids: &buffers.bids,
                asks: &buffers.asks,
                venue_time: Some(venue_time),
                check: None,
            }),
        }
    }
}

/// Who the aggressor was. "m: Is the buyer the market maker?": then the seller came to them.
#[inline]
pub(super) const fn aggressor(buyer_is_maker: bool) -> Side {
    if buyer_is_maker { Side::Sell } else { Side::Buy }
}

/// Decodes the frames of one session.
#[derive(Debug, Default)]
pub struct Decoder {
    levels: Buffers,
    /// A stream's name that had to be unescaped.
    stream: String,
}

impl Decoder {
    /// With empty buffers.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// What `frame` says. Streams other than `@bookTicker`, `@trade`, `@depth`, `@depth@100ms` and `@ticker` are [`Frame::Other`].
    ///
    /// - `@bookTicker`: a quote with `u` as its sequence and no venue time (spot sends none). A side of size zero is no side.
    /// - `@trade`: the venue time is `T`, the trade's own, not `E`, the message's.
    /// - `@depth`: the venue time is `E`.
    /// - `@ticker`: the venue time is `E`. Prices of zero (no trade in the window) are `None`.
    ///
    /// # Errors
    /// [`DecodeError`] for anything that is no JSON, lacks a field, or contradicts itself.
    #[inline]
    pub fn decode<'a>(&'a mut self, frame: &'a [u8]) -> Result<Frame<'a>, DecodeError> {
        match fast::decode(frame, &mut self.levels) {
            Some((stream, content)) => {
                Ok(Frame::Market { stream, event: content.with_levels(&mut self.levels) })
            }
            None => self.decode_any(frame),
        }
    }

    /// The general path alone.
    pub(super) fn decode_any<'a>(&'a mut self, frame: &'a [u8]) -> Result<Frame<'a>, DecodeError> {
        match general::decode(frame, &mut self.levels)? {
            general::Said::Else(frame) => Ok(frame),
            general::Said::Market { stream, content } => {
                let stream = match stream {
                    std::borrow::Cow::Borrowed(stream) => stream,
                    std::borrow::Cow::Owned(unescaped) => {
                        self.stream = unescaped;
                        &self.stream
                    }
                };
                Ok(Frame::Market { stream, event: content.with_levels(&mut self.levels) })
            }
        }
    }
}
