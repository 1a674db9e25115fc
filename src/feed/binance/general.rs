//! The general path: any JSON of the documented meaning, and the words of every error.
//!
//! Owns what must be there and what contradicts what. Never sees most frames: it takes reordered and unknown fields,
//! whitespace and escapes, and all that is wrong. Levels go straight into the bounded buffers; nothing else grows with the frame.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer as _, Error as _, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::decode::{Content, WINDOW_S, aggressor};
use super::levels::{self, Buffers};
use super::wire::{self, Text};
use crate::domain::{
    LEVELS_MAX, Number, NumberError, Quote, RawLevel, Trade, VenueSequence, VenueTime, VolumeFigures,
};
use crate::feed::{DecodeError, Excerpt, Frame, Place};

/// Bytes before the noticed fault that an error shows.
const CONTEXT_BYTES: usize = 24;

const SERVER_SHUTDOWN: &str = "serverShutdown";

/// What a frame says, with the levels left in the [`Buffers`].
#[derive(Debug)]
pub(super) enum Said<'f> {
    Market { stream: Cow<'f, str>, content: Content },
    Else(Frame<'static>),
}

/// As [`super::Decoder::decode`].
pub(super) fn decode<'f>(frame: &'f [u8], buffers: &mut Buffers) -> Result<Said<'f>, DecodeError> {
    let text = utf8(frame)?;
    if !text.trim_ascii_start().starts_with('{') {
        return parse::<&RawValue>(text, frame).map(|_| Said::Else(Frame::Other));
    }
    let envelope: wire::Envelope<'_> = parse(text, frame)?;
    match (envelope.stream, envelope.data) {
        (Some(stream), Some(data)) => return market(frame, stream.0, data, buffers),
        (Some(_), None) => return Err(DecodeError::Missing { field: "data" }),
        (None, Some(_)) => return Err(DecodeError::Missing { field: "stream" }),
        (None, None) => {}
    }
    let id = envelope.id.and_then(|id| id.get().parse().ok());
    let refusal = match envelope.error {
        Some(error) => Some(object::<wire::Refusal<'_>>(error, frame)?),
        None => Some(wire::Refusal { code: envelope.code, msg: envelope.msg }),
    };
    if let Some(wire::Refusal { code: Some(code), msg }) = refusal {
        return Ok(Said::Else(Frame::Refused { id, code, message: excerpt(msg) }));
    }
    if let (wire::Presence::Present, Some(id)) = (envelope.result, id) {
        return Ok(Said::Else(Frame::Acknowledged { id }));
    }
    let shutting_down =
        is_shutdown(envelope.e.as_ref()) || envelope.event.is_some_and(|event| says_shutdown(event, frame));
    Ok(Said::Else(if shutting_down { Frame::ShuttingDown } else { Frame::Other }))
}

fn market<'f>(
    frame: &'f [u8],
    stream: Cow<'f, str>,
    data: &'f RawValue,
    buffers: &mut Buffers,
) -> Result<Said<'f>, DecodeError> {
    let (symbol, channel) = stream.split_once('@').unwrap_or((&stream, ""));
    let name = StreamName { whole: &stream, symbol };
    let content = match channel {
        "bookTicker" => quote(object(data, frame)?, name)?,
        "trade" => trade(object(data, frame)?, name)?,
        "depth" | "depth@100ms" => depth(object(data, frame)?, name, frame, buffers)?,
        "ticker" => ticker(object(data, frame)?, name)?,
        _ if says_shutdown(data, frame) => None,
        _ => return Ok(Said::Else(Frame::Other)),
    };
    Ok(match content {
        Some(content) => Said::Market { stream, content },
        None => Said::Else(Frame::ShuttingDown),
    })
}

fn is_shutdown(event: Option<&Text<'_>>) -> bool {
    event.is_some_and(|event| event.0 == SERVER_SHUTDOWN)
}

fn says_shutdown(payload: &RawValue, frame: &[u8]) -> bool {
    object::<wire::Typed<'_>>(payload, frame).is_ok_and(|payload| is_shutdown(payload.e.as_ref()))
}

/// `None` below means that the payload was a `serverShutdown`.
type Decoded = Result<Option<Content>, DecodeError>;

fn quote(wire: wire::BookTicker<'_>, name: StreamName<'_>) -> Decoded {
    // Spot sends no event type here; one that says something else is refused all the same.
    let event = wire.e.unwrap_or(Text(Cow::Borrowed("bookTicker")));
    if name.is_shutdown(Some(event), "bookTicker")? {
        return Ok(None);
    }
    name.carries(wire.s)?;
    Ok(Some(Content::Quote(Quote {
        venue_sequence: Some(VenueSequence(required("u", wire.u)?)),
        bid: quote_side(["b", "B"], wire.b, wire.bid_size)?,
        ask: quote_side(["a", "A"], wire.a, wire.ask_size)?,
        venue_time: None,
    })))
}

fn trade(wire: wire::Trade<'_>, name: StreamName<'_>) -> Decoded {
    if name.is_shutdown(wire.e, "trade")? {
        return Ok(None);
    }
    name.carries(wire.s)?;
    let trade = Trade {
        price: number("p", wire.p)?,
        size: number("q", wire.q)?,
        side: aggressor(required("m", wire.m)?),
        venue_time: Some(time("T", wire.trade_time)?),
    };
    for (field, value) in [("p", trade.price), ("q", trade.size)] {
        if value.is_zero() {
            return Err(DecodeError::Zero { place: Place::Field(field) });
        }
    }
    Ok(Some(Content::Trade(trade)))
}

fn depth(wire: wire::DepthUpdate<'_>, name: StreamName<'_>, frame: &[u8], buffers: &mut Buffers) -> Decoded {
    if name.is_shutdown(wire.e, "depthUpdate")? {
        return Ok(None);
    }
    name.carries(wire.s)?;
    let first = required("U", wire.first)?;
    let last = required("u", wire.u)?;
    if first > last {
        return Err(DecodeError::SequenceReversed { first, last });
    }
    let venue_time = time("E", wire.event_time)?;
    side("b", required("b", wire.b)?, frame, &mut buffers.bids)?;
    side("a", required("a", wire.a)?, frame, &mut buffers.asks)?;
    Ok(Some(Content::Depth { first: VenueSequence(first), last: VenueSequence(last), venue_time }))
}

fn ticker(wire: wire::Ticker<'_>, name: StreamName<'_>) -> Decoded {
    if name.is_shutdown(wire.e, "24hrTicker")? {
        return Ok(None);
    }
    name.carries(wire.s)?;
    Ok(Some(Content::Volume(VolumeFigures {
        base_volume: Some(number("v", wire.v)?),
        quote_volume: Some(number("q", wire.q)?),
        trade_count: Some(required("n", wire.n)?),
        open: levels::traded_price(number("o", wire.o)?),
        high: levels::traded_price(number("h", wire.h)?),
        low: levels::traded_price(number("l", wire.l)?),
        last: levels::traded_price(number("c", wire.c)?),
        window_s: WINDOW_S,
        venue_time: Some(time("E", wire.event_time)?),
    })))
}

/// `symbol` is the part of `whole` before the `@`.
#[derive(Clone, Copy)]
struct StreamName<'a> {
    whole: &'a str,
    symbol: &'a str,
}

impl StreamName<'_> {
    fn carries(self, symbol: Option<Text<'_>>) -> Result<(), DecodeError> {
        let symbol = required("s", symbol)?.0;
        if symbol.eq_ignore_ascii_case(self.symbol) {
            return Ok(());
        }
        Err(DecodeError::SymbolMismatch {
            stream: Excerpt::of(self.whole.as_bytes()),
            symbol: Excerpt::of(symbol.as_bytes()),
        })
    }

    /// Whether the payload is no market data but the announcement of a shutdown.
    fn is_shutdown(self, event: Option<Text<'_>>, expected: &'static str) -> Result<bool, DecodeError> {
        match required("e", event)?.0 {
            event if event == expected => Ok(false),
            event if event == SERVER_SHUTDOWN => Ok(true),
            event => Err(DecodeError::EventMismatch {
                stream: Excerpt::of(self.whole.as_bytes()),
                event: Excerpt::of(event.as_bytes()),
            }),
        }
    }
}

/// A side of a quote, from the fields `[price, size]`.
pub(super) fn quote_side(
    fields: [&'static str; 2],
    price: Option<Text<'_>>,
    size: Option<Text<'_>>,
) -> Result<Option<RawLevel>, DecodeError> {
    let [price_field, size_field] = fields;
    let level = levels::level(number(price_field, price)?, number(size_field, size)?);
    level.map(levels::quote_side).ok_or(DecodeError::Zero { place: Place::Field(price_field) })
}

/// Reads `[["price","size"],...]` into a buffer.
pub(super) fn side(
    name: &'static str,
    raw: &RawValue,
    frame: &[u8],
    into: &mut Vec<RawLevel>,
) -> Result<(), DecodeError> {
    into.clear();
    let mut refused = None;
    let reader = SideReader { name, into, refused: &mut refused };
    let read = serde_json::Deserializer::from_str(raw.get()).deserialize_seq(reader);
    match (refused, read) {
        (Some(refused), _) => Err(refused),
        (None, Err(error)) => Err(malformed_json(&error, raw.get(), frame)),
        (None, Ok(())) => Ok(()),
    }
}

struct SideReader<'v> {
    name: &'static str,
    into: &'v mut Vec<RawLevel>,
    /// Our own error, which serde has no room for.
    refused: &'v mut Option<DecodeError>,
}

impl<'de> Visitor<'de> for SideReader<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an array of [\"price\",\"size\"]")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut levels: A) -> Result<(), A::Error> {
        while let Some((price, size)) = levels.next_element::<(Text<'_>, Text<'_>)>()? {
            match next_level(self.name, self.into, &price.0, &size.0) {
                Ok(level) => self.into.push(level),
                Err(error) => {
                    *self.refused = Some(error);
                    return Err(A::Error::custom("refused"));
                }
            }
        }
        Ok(())
    }
}

fn next_level(
    side: &'static str,
    before: &[RawLevel],
    price: &str,
    size: &str,
) -> Result<RawLevel, DecodeError> {
    if !levels::has_room(before) {
        return Err(DecodeError::TooManyLevels { side, limit: LEVELS_MAX });
    }
    let index = before.len();
    let price_place = Place::LevelPrice { side, index };
    let price = number_at(price_place, price)?;
    let size = number_at(Place::LevelSize { side, index }, size)?;
    levels::level(price, size).ok_or(DecodeError::Zero { place: price_place })
}

/// The value of a field that must be there.
pub(super) fn required<T>(field: &'static str, value: Option<T>) -> Result<T, DecodeError> {
    value.ok_or(DecodeError::Missing { field })
}

fn time(field: &'static str, millis: Option<u64>) -> Result<VenueTime, DecodeError> {
    let millis = required(field, millis)?;
    levels::venue_time(millis).ok_or(DecodeError::Time { field, millis })
}

fn number(field: &'static str, text: Option<Text<'_>>) -> Result<Number, DecodeError> {
    number_at(Place::Field(field), &required(field, text)?.0)
}

fn number_at(place: Place, text: &str) -> Result<Number, DecodeError> {
    let error = |source| DecodeError::Number { place, text: Excerpt::of(text.as_bytes()), source };
    match Number::parse(text.as_bytes()) {
        Ok(number) if number.mantissa < 0 => Err(error(NumberError::Negative)),
        Ok(number) => Ok(number),
        Err(source) => Err(error(source)),
    }
}

/// The venue's words.
pub(super) fn excerpt(message: Option<Text<'_>>) -> Excerpt {
    Excerpt::of(message.map(|text| text.0).unwrap_or_default().as_bytes())
}

/// Checks once for the whole input: skipped values would not be checked later.
pub(super) fn utf8(input: &[u8]) -> Result<&str, DecodeError> {
    str::from_utf8(input).map_err(|error| malformed(input, error.valid_up_to(), "invalid UTF-8"))
}

/// Parses a part of `frame`, which must be an object: serde would take an array for its fields in order.
pub(super) fn object<'f, T: Deserialize<'f>>(raw: &'f RawValue, frame: &[u8]) -> Result<T, DecodeError> {
    if raw.get().starts_with('{') {
        parse(raw.get(), frame)
    } else {
        Err(malformed(frame, offset_of(raw.get(), frame), "expected an object"))
    }
}

/// Parses `text`, a part of `frame`.
pub(super) fn parse<'f, T: Deserialize<'f>>(text: &'f str, frame: &[u8]) -> Result<T, DecodeError> {
    serde_json::from_str(text).map_err(|error| malformed_json(&error, text, frame))
}

fn offset_of(part: &str, frame: &[u8]) -> usize {
    part.as_ptr().addr().saturating_sub(frame.as_ptr().addr())
}

fn malformed_json(error: &serde_json::Error, text: &str, frame: &[u8]) -> DecodeError {
    let lines_before = text.split_inclusive('\n').take(error.line().saturating_sub(1));
    let in_text = lines_before.map(str::len).sum::<usize>() + error.column().saturating_sub(1);
    let words = error.to_string();
    let reason = words.rsplit_once(" at line ").map_or(words.as_str(), |(reason, _)| reason);
    malformed(frame, offset_of(text, frame) + in_text, reason)
}

fn malformed(frame: &[u8], offset: usize, reason: &str) -> DecodeError {
    DecodeError::Malformed {
        offset,
        reason: Excerpt::of(reason.as_bytes()),
        near: Excerpt::at(frame, offset.saturating_sub(CONTEXT_BYTES)),
    }
}
