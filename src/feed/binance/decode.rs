//! Spot's decoder.
//!
//! Owns which parts it is made of: `combined` knows the frames, `fast` and `general` the payloads. Never more than those do.

use super::combined::{Combined, Content, Dialect, Payload, Said};
use super::{Binance, fast, general};
use crate::domain::Channel;
use crate::feed::cursor::Cursor;
use crate::feed::levels::Buffers;
use crate::feed::{ChannelNames, DecodeError, Frame, FrameDecoder, VenueProtocol as _};

#[derive(Debug, Default)]
pub(super) struct Spot;

impl Dialect for Spot {
    #[inline]
    fn fast(
        channel: Channel,
        cursor: &mut Cursor<'_>,
        symbol: &[u8],
        buffers: &mut Buffers,
    ) -> Option<Content> {
        fast::payload(channel, cursor, symbol, buffers)
    }

    fn general(channel: Channel, payload: Payload<'_>, buffers: &mut Buffers) -> Result<Said, DecodeError> {
        general::payload(channel, payload, buffers)
    }
}

/// Decodes the frames of one session.
#[derive(Debug)]
pub struct Decoder(pub(super) Combined<Spot>);

impl Default for Decoder {
    fn default() -> Self {
        Self::named(&ChannelNames::of(Binance.defaults()))
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
        Self(Combined::new(names))
    }

    /// What `frame` says. Streams of other channels are [`Frame::Unknown`].
    ///
    /// - `@bookTicker`: a quote with `u` as its sequence and no venue time (spot sends none). A side of size zero is no side.
    /// - `@trade`: the venue time is `T`, the trade's own, not `E`, the message's.
    /// - `@depth@100ms`: the venue time is `E`.
    /// - `@ticker`: the venue time is `E`. Prices of zero (no trade in the window) are `None`.
    ///
    /// # Errors
    /// [`DecodeError`] for anything that is no JSON, lacks a field, or contradicts itself.
    #[inline]
    pub fn decode<'a>(&'a mut self, frame: &'a [u8]) -> Result<Frame<'a>, DecodeError> {
        self.0.decode(frame)
    }

    /// The general path alone.
    pub fn decode_general<'a>(&'a mut self, frame: &'a [u8]) -> Result<Frame<'a>, DecodeError> {
        self.0.decode_general(frame)
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
