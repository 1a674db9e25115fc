//! The decoder of USD-M futures.
//!
//! Owns which parts it is made of: `binance::combined` knows the frames, `fast` and `general` the payloads. Never more than
//! those do.

use super::{BinanceUsdm, fast, general};
use crate::domain::{Channel, VolumeUnit};
use crate::feed::binance::combined::{Combined, Content, Dialect, Payload, Said};
use crate::feed::binance::general::ticker;
use crate::feed::cursor::Cursor;
use crate::feed::levels::Buffers;
use crate::feed::{ChannelNames, DecodeError, Frame, FrameDecoder, VenueProtocol as _};

#[derive(Debug, Default)]
pub(super) struct UsdM;

impl Dialect for UsdM {
    #[inline]
    fn fast(
        channel: Channel,
        cursor: &mut Cursor<'_>,
        symbol: &[u8],
        buffers: &mut Buffers,
    ) -> Option<Content> {
        match channel {
            Channel::Quote => fast::quote(cursor, symbol),
            Channel::Trade => fast::trade(cursor, symbol),
            Channel::Depth => fast::depth(cursor, symbol, buffers),
            Channel::Volume => None,
        }
    }

    fn general(channel: Channel, payload: Payload<'_>, buffers: &mut Buffers) -> Result<Said, DecodeError> {
        match channel {
            Channel::Quote => general::quote(payload),
            Channel::Trade => general::trade(payload),
            Channel::Depth => general::depth(payload, buffers),
            // What is quoted in thousands is also counted in thousands.
            Channel::Volume => ticker(payload, VolumeUnit::Size),
        }
    }
}

/// Decodes the frames of one session.
#[derive(Debug)]
pub struct Decoder(pub(super) Combined<UsdM>);

impl Default for Decoder {
    fn default() -> Self {
        Self::named(&ChannelNames::of(BinanceUsdm.defaults()))
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
    /// - `@bookTicker`: a quote with `u` as its sequence; the venue time is `T`, the matching engine's. A side of size zero is no side.
    /// - `@trade`: the venue time is `T`. What is not of the market (`X`) is [`Frame::Other`].
    /// - `@depth@100ms`: follows `pu`; the venue time is `T`.
    /// - `@ticker`: the venue time is `E`, there is no other. Prices of zero (no trade in the window) are `None`.
    ///
    /// # Errors
    /// [`DecodeError`] for anything that is no JSON, lacks a field, or contradicts itself.
    #[inline]
    pub fn decode<'a>(&'a mut self, frame: &'a [u8]) -> Result<Frame<'a>, DecodeError> {
        self.0.decode(frame)
    }

    /// The general path alone: it gives what [`Self::decode`] gives.
    ///
    /// # Errors
    /// As [`Self::decode`].
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
