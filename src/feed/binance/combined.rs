//! The frames of a combined connection, which are the same at all of Binance's markets: envelope, answers, which channel a
//! stream is.
//!
//! Owns the choice between two paths with equal results: the fast one knows the very bytes that Binance sends, the general
//! one takes any JSON of that meaning and words all errors. What a payload means is the market's [`Dialect`]. Never panics,
//! whatever the bytes; never checks a book (crossed, gaps): that is the book's. Reuses two level buffers of at most
//! `LEVELS_MAX` levels; else nothing is kept from frame to frame.
//!
//! The venue's documentation: "Combined stream events are wrapped as follows: `{"stream":"<streamName>","data":<rawPayload>}`";
//! "if the result received is null this means the request sent was a success"; "A serverShutdown event will be sent when the
//! server is about to shutdown, resulting in disconnection".

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::wire;
use crate::domain::{
    Channel, DepthDelta, Link, MarketEvent, Quote, RawLevel, Side, Trade, VenueSequence, VenueTime,
    VolumeFigures,
};
use crate::feed::cursor::Cursor;
use crate::feed::json::{Text, excerpt, object, object_text, parse, required};
use crate::feed::levels::{self, Buffers};
use crate::feed::{Ack, ChannelNames, DecodeError, Excerpt, Frame};

const SERVER_SHUTDOWN: &str = "serverShutdown";

/// What the payloads of one of Binance's markets look like. Both paths say the same of whatever the fast one takes.
pub(in crate::feed) trait Dialect: fmt::Debug + Default {
    /// Reads what stands between the braces of a payload, in the very bytes that the venue sends. `None` = ask the general
    /// path. `symbol` is the stream's.
    fn fast(
        channel: Channel,
        cursor: &mut Cursor<'_>,
        symbol: &[u8],
        buffers: &mut Buffers,
    ) -> Option<Content>;

    /// Reads a payload, whatever its form.
    fn general(channel: Channel, payload: Payload<'_>, buffers: &mut Buffers) -> Result<Said, DecodeError>;
}

/// Market data with the levels left in the [`Buffers`].
#[derive(Debug)]
pub(in crate::feed) enum Content {
    Quote(Quote),
    Trade(Trade),
    Depth { link: Link, last: VenueSequence, venue_time: Option<VenueTime> },
    Volume(VolumeFigures),
}

/// What the payload of one of our channels says.
#[derive(Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "nearly every payload is the large variant; a box would be an allocation"
)]
pub(in crate::feed) enum Said {
    Market(Content),
    /// Valid, and nothing of ours.
    Other,
    ShuttingDown,
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
                venue_time,
                check: None,
            }),
        }
    }
}

/// Who the aggressor was. "m: Is the buyer the market maker?": then the seller came to them.
#[inline]
pub(in crate::feed) const fn aggressor(buyer_is_maker: bool) -> Side {
    if buyer_is_maker { Side::Sell } else { Side::Buy }
}

/// The fast path over `","b":"..","B":"..","a":"..","A":".."`: best bid and ask.
#[inline]
pub(in crate::feed) fn top(cursor: &mut Cursor<'_>) -> Option<[Option<RawLevel>; 2]> {
    cursor.literal(b"\",\"b\":\"")?;
    let bid = cursor.number()?;
    cursor.literal(b",\"B\":\"")?;
    let bid_size = cursor.number()?;
    cursor.literal(b",\"a\":\"")?;
    let ask = cursor.number()?;
    cursor.literal(b",\"A\":\"")?;
    let ask_size = cursor.number()?;
    Some([
        levels::quote_side(levels::level(bid, bid_size)?),
        levels::quote_side(levels::level(ask, ask_size)?),
    ])
}

/// The fast path over `,"b":[..],"a":[..]`: both sides of a depth update.
#[inline]
pub(in crate::feed) fn sides(cursor: &mut Cursor<'_>, buffers: &mut Buffers) -> Option<()> {
    cursor.literal(b",\"b\":[")?;
    cursor.side(&mut buffers.bids)?;
    cursor.literal(b",\"a\":[")?;
    cursor.side(&mut buffers.asks)
}

/// Decodes the frames of one session.
#[derive(Debug)]
pub(in crate::feed) struct Combined<D> {
    /// What stands behind the symbol in a frame of each channel, `@<name>","data":{`: the hottest first.
    marks: [(Channel, Vec<u8>); 4],
    names: ChannelNames,
    levels: Buffers,
    /// A stream's name that had to be unescaped.
    stream: String,
    dialect: PhantomData<D>,
}

impl<D: Dialect> Combined<D> {
    pub(in crate::feed) fn new(names: &ChannelNames) -> Self {
        let hottest_first = [Channel::Quote, Channel::Depth, Channel::Trade, Channel::Volume];
        Self {
            marks: hottest_first
                .map(|channel| (channel, format!("@{}\",\"data\":{{", names.get(channel)).into_bytes())),
            names: names.clone(),
            levels: Buffers::default(),
            stream: String::new(),
            dialect: PhantomData,
        }
    }

    #[inline]
    pub(in crate::feed) fn decode<'a>(&'a mut self, frame: &'a [u8]) -> Result<Frame<'a>, DecodeError> {
        match self.fast(frame) {
            Some((stream, content)) => {
                Ok(Frame::Market { stream, event: content.with_levels(&mut self.levels) })
            }
            None => self.decode_general(frame),
        }
    }

    /// The fast path alone: the stream's name and what came on it, in one pass, without a JSON parser. Whatever it accepts is
    /// valid JSON, and the general path gives the same.
    #[inline]
    pub(in crate::feed) fn fast<'f>(&mut self, frame: &'f [u8]) -> Option<(&'f str, Content)> {
        let mut cursor = Cursor(frame);
        cursor.literal(b"{\"stream\":\"")?;
        let name = cursor.0;
        let symbol = cursor.lower_case_symbol()?;
        let (channel, mark) = self.marks.iter().find(|(_, mark)| cursor.literal(mark).is_some())?;
        let content = D::fast(*channel, &mut cursor, symbol, &mut self.levels)?;
        cursor.literal(b"}}")?;
        cursor.end()?;
        let name_length = symbol.len() + mark.len() - b"\",\"data\":{".len();
        Some((str::from_utf8(name.get(..name_length)?).ok()?, content))
    }

    /// The general path alone.
    pub(in crate::feed) fn decode_general<'a>(
        &'a mut self,
        frame: &'a [u8],
    ) -> Result<Frame<'a>, DecodeError> {
        let Some(text) = object_text(frame)? else { return Ok(Frame::Unknown) };
        let mut envelope: wire::Envelope<'_> = parse(text, frame)?;
        match (envelope.stream.take(), envelope.data.take()) {
            (Some(stream), Some(data)) => self.market(frame, stream.0, data),
            (Some(_), None) => Err(DecodeError::Missing { field: "data" }),
            (None, Some(_)) => Err(DecodeError::Missing { field: "stream" }),
            (None, None) => answer(envelope, frame),
        }
    }

    fn market<'a>(
        &'a mut self,
        frame: &'a [u8],
        stream: Cow<'a, str>,
        data: &'a RawValue,
    ) -> Result<Frame<'a>, DecodeError> {
        let (symbol, name) = stream.split_once('@').unwrap_or((&stream, ""));
        let payload = Payload { stream: &stream, symbol, data, frame };
        let channel = Channel::ALL.into_iter().find(|&channel| self.names.get(channel) == name);
        let said = match channel {
            Some(channel) => D::general(channel, payload, &mut self.levels)?,
            None if says_shutdown(data, frame) => Said::ShuttingDown,
            None => return Ok(Frame::Unknown),
        };
        let content = match said {
            Said::Market(content) => content,
            Said::Other => return Ok(Frame::Other),
            Said::ShuttingDown => return Ok(Frame::ShuttingDown),
        };
        let stream = match stream {
            Cow::Borrowed(stream) => stream,
            Cow::Owned(unescaped) => {
                self.stream = unescaped;
                &self.stream
            }
        };
        Ok(Frame::Market { stream, event: content.with_levels(&mut self.levels) })
    }
}

/// What is no market data.
fn answer<'a>(envelope: wire::Envelope<'a>, frame: &[u8]) -> Result<Frame<'static>, DecodeError> {
    let id = envelope.id.and_then(|id| id.get().parse().ok());
    let refusal: wire::Refusal<'a> = match envelope.error {
        Some(error) => object(error, frame)?,
        None => wire::Refusal { code: envelope.code, msg: envelope.msg },
    };
    if let wire::Refusal { code: Some(code), msg } = refusal {
        return Ok(Frame::Refused { id, code, message: excerpt(msg) });
    }
    if let (wire::Presence::Present, Some(id)) = (envelope.result, id) {
        return Ok(Frame::Acknowledged(Ack::Request(id)));
    }
    let shutting_down =
        is_shutdown(envelope.e.as_ref()) || envelope.event.is_some_and(|event| says_shutdown(event, frame));
    Ok(if shutting_down { Frame::ShuttingDown } else { Frame::Unknown })
}

fn is_shutdown(event: Option<&Text<'_>>) -> bool {
    event.is_some_and(|event| event.0 == SERVER_SHUTDOWN)
}

fn says_shutdown(payload: &RawValue, frame: &[u8]) -> bool {
    object::<wire::Typed<'_>>(payload, frame).is_ok_and(|payload| is_shutdown(payload.e.as_ref()))
}

/// What came on a stream. `symbol` is the part of the stream's name before the `@`.
#[derive(Debug, Clone, Copy)]
pub(in crate::feed) struct Payload<'f> {
    stream: &'f str,
    symbol: &'f str,
    data: &'f RawValue,
    pub(in crate::feed) frame: &'f [u8],
}

impl<'f> Payload<'f> {
    /// Its fields.
    pub(in crate::feed) fn read<T: Deserialize<'f>>(&self) -> Result<T, DecodeError> {
        object(self.data, self.frame)
    }

    /// Whether it is of the stream's symbol; a payload that does not say is.
    pub(in crate::feed) fn carries(&self, symbol: Option<Text<'_>>) -> Result<(), DecodeError> {
        let Some(Text(symbol)) = symbol else { return Ok(()) };
        if symbol.eq_ignore_ascii_case(self.symbol) {
            return Ok(());
        }
        Err(DecodeError::SymbolMismatch {
            stream: Excerpt::of(self.stream.as_bytes()),
            symbol: Excerpt::of(symbol.as_bytes()),
        })
    }

    /// Whether it is no market data but the announcement of a shutdown.
    pub(in crate::feed) fn is_shutdown(
        &self,
        event: Option<Text<'_>>,
        expected: &'static str,
    ) -> Result<bool, DecodeError> {
        match required("e", event)?.0 {
            event if event == expected => Ok(false),
            event if event == SERVER_SHUTDOWN => Ok(true),
            event => Err(DecodeError::EventMismatch {
                stream: Excerpt::of(self.stream.as_bytes()),
                event: Excerpt::of(event.as_bytes()),
            }),
        }
    }
}
