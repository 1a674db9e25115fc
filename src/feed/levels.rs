//! What makes numbers a level, a quote's side or a traded price: the rules that all decoders share.
//!
//! Owns the reused buffers of a decoder and the meaning of zero. Never parses. A buffer holds at most [`LEVELS_MAX`]
//! levels; a frame with more is refused whole.

use crate::domain::{Check, LEVELS_MAX, Number, RawLevel, Trade, VenueTime, Written};

/// What the frame that was decoded last held many of. Grows to what frames bring, then is reused.
#[derive(Debug, Default)]
pub(super) struct Buffers {
    pub(super) bids: Vec<RawLevel>,
    pub(super) asks: Vec<RawLevel>,
    /// Beside `bids`, where a checksum is made over what the venue wrote.
    pub(super) bids_written: Vec<Written>,
    pub(super) asks_written: Vec<Written>,
    pub(super) trades: Vec<Trade>,
}

impl Buffers {
    /// The venue's checksum over the levels in here.
    pub(super) fn check(&self, sum: Option<u32>) -> Check<'_> {
        Check { sum, bids: &self.bids_written, asks: &self.asks_written }
    }
}

/// Whether a buffer has room for one more.
#[inline]
pub(super) fn has_room(levels: &[RawLevel]) -> bool {
    levels.len() < LEVELS_MAX
}

/// A level; `None` for a size at a price of zero, which no market has.
#[inline]
pub(super) fn level(price: Number, size: Number) -> Option<RawLevel> {
    (!price.is_zero() || size.is_zero()).then_some(RawLevel { price, size })
}

/// A side of a quote. An empty side of the book comes as price "0.00000000" with size "0.00000000": there is no level.
#[inline]
pub(super) fn quote_side(level: RawLevel) -> Option<RawLevel> {
    (!level.size.is_zero()).then_some(level)
}

/// Digits behind the point of a number as it is written; `None` beyond 255.
#[inline]
pub(super) fn fraction_digits(text: &[u8]) -> Option<u8> {
    let point = text.iter().position(|&byte| byte == b'.');
    point.map_or(Some(0), |point| u8::try_from(text.len() - point - 1).ok())
}

/// A price of the rolling window. One without trades comes with zeros: there is no such price.
#[inline]
pub(super) fn traded_price(price: Number) -> Option<Number> {
    (!price.is_zero()).then_some(price)
}

/// The venue's milliseconds; `None` beyond 64-bit nanoseconds.
#[inline]
pub(super) fn venue_time(millis: u64) -> Option<VenueTime> {
    i64::try_from(millis).ok().and_then(VenueTime::from_millis)
}
