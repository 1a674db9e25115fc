//! The general path: any JSON of the documented meaning, and the words of every error.
//!
//! Owns what must be there and what contradicts what. Never sees most frames: it takes reordered and unknown fields,
//! whitespace and escapes, and all that is wrong. Levels go straight into the bounded buffers; nothing else grows with the frame.

use std::borrow::Cow;

use serde_json::value::RawValue;

use super::decode::{Content, WINDOW_S, aggressor};
use super::wire;
use crate::domain::{Form, Link, Quote, Trade, VenueSequence, VolumeFigures, VolumeUnit};
use crate::feed::json::{Text, excerpt, number, object, parse, quote_side, required, side, time, utf8};
use crate::feed::levels::{self, Buffers};
use crate::feed::{Ack, DecodeError, Excerpt, Frame, Place};

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
        return Ok(Said::Else(Frame::Acknowledged(Ack::Request(id))));
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
    Ok(Some(Content::Depth { link: Link::From(VenueSequence(first)), last: VenueSequence(last), venue_time }))
}

fn ticker(wire: wire::Ticker<'_>, name: StreamName<'_>) -> Decoded {
    if name.is_shutdown(wire.e, "24hrTicker")? {
        return Ok(None);
    }
    name.carries(wire.s)?;
    Ok(Some(Content::Volume(VolumeFigures {
        form: Form::Whole,
        unit: VolumeUnit::Base,
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
