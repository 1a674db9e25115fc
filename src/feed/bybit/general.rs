//! The general path: any JSON of the documented meaning, and the words of every error.
//!
//! Owns what must be there and what contradicts what. Never sees most frames: it takes trades, rolling figures, answers,
//! reordered and unknown fields, whitespace and escapes, and all that is wrong. Levels go straight into the bounded buffers.

use std::borrow::Cow;

use serde_json::value::RawValue;

use super::decode::{Content, Kind};
use super::topics::Topics;
use super::wire;
use crate::domain::{Channel, Form, LEVELS_MAX, Trade, VolumeFigures, VolumeUnit};
use crate::feed::json::{
    Text, excerpt, figure, number, object, object_text, parse, required, side, stamp, time,
};
use crate::feed::levels::{self, Buffers};
use crate::feed::{Ack, DecodeError, Excerpt, Frame, Place};

/// 24 hours.
const WINDOW_S: u32 = 86_400;

/// What a frame says, with levels and trades left in the [`Buffers`].
#[derive(Debug)]
pub(super) enum Said<'f> {
    Market { topic: Cow<'f, str>, content: Content },
    Else(Frame<'static>),
}

/// As [`super::Decoder::decode`].
pub(super) fn decode<'f>(
    frame: &'f [u8],
    topics: &Topics,
    buffers: &mut Buffers,
) -> Result<Said<'f>, DecodeError> {
    let Some(text) = object_text(frame)? else { return Ok(Said::Else(Frame::Unknown)) };
    let mut envelope: wire::Envelope<'_> = parse(text, frame)?;
    let Some(Text(topic)) = envelope.topic.take() else { return Ok(Said::Else(answer(envelope))) };
    let Some((channel, symbol)) = topics.read(&topic) else { return Ok(Said::Else(Frame::Unknown)) };
    let message = Message { topic: &topic, symbol, data: required("data", envelope.data)?, frame };
    let kind = message.kind(envelope.kind)?;
    let gateway = stamp("ts", envelope.ts)?;
    let content = match channel {
        Channel::Quote | Channel::Depth => {
            let venue_time = stamp("cts", envelope.cts)?.or(gateway);
            let update = book(message, buffers)?;
            let content = Content::of_levels(channel, kind, update, venue_time);
            content.ok_or_else(|| message.mismatch("delta"))?
        }
        Channel::Volume => Content::Volume(VolumeFigures {
            venue_time: gateway,
            ..figures(message, if kind == Kind::Snapshot { Form::Whole } else { Form::Changes })?
        }),
        Channel::Trade => {
            trades(message, buffers)?;
            if buffers.trades.is_empty() {
                return Ok(Said::Else(Frame::Other));
            }
            Content::Trades
        }
    };
    Ok(Said::Market { topic, content })
}

/// What is no market data.
fn answer(envelope: wire::Envelope<'_>) -> Frame<'static> {
    let id = envelope.req_id.and_then(|id| id.0.parse().ok());
    let op = envelope.op.map(|op| op.0).unwrap_or_default();
    match (envelope.success, &*op) {
        // The venue gives no number for the reason.
        (Some(false), _) => Frame::Refused { id, code: 0, message: excerpt(envelope.ret_msg) },
        (Some(true), "subscribe" | "unsubscribe") => {
            Frame::Acknowledged(id.map_or(Ack::Oldest, Ack::Request))
        }
        (Some(true), _) | (None, "ping" | "pong" | "unsubscribe") => Frame::Other,
        (None, _) => Frame::Unknown,
    }
}

/// `symbol` is the last part of `topic`.
#[derive(Clone, Copy)]
struct Message<'f, 't> {
    topic: &'t str,
    symbol: &'t str,
    data: &'f RawValue,
    frame: &'f [u8],
}

impl Message<'_, '_> {
    fn kind(self, kind: Option<Text<'_>>) -> Result<Kind, DecodeError> {
        match &*required("type", kind)?.0 {
            "snapshot" => Ok(Kind::Snapshot),
            "delta" => Ok(Kind::Delta),
            other => Err(self.mismatch(other)),
        }
    }

    fn mismatch(self, kind: &str) -> DecodeError {
        DecodeError::EventMismatch {
            stream: Excerpt::of(self.topic.as_bytes()),
            event: Excerpt::of(kind.as_bytes()),
        }
    }

    /// Whether it is of the topic's symbol; a payload that does not say is.
    fn carries(self, symbol: Option<Text<'_>>) -> Result<(), DecodeError> {
        let Some(Text(symbol)) = symbol else { return Ok(()) };
        if symbol == self.symbol {
            return Ok(());
        }
        Err(DecodeError::SymbolMismatch {
            stream: Excerpt::of(self.topic.as_bytes()),
            symbol: Excerpt::of(symbol.as_bytes()),
        })
    }
}

/// Leaves the levels in the buffers; the update's id.
fn book(message: Message<'_, '_>, buffers: &mut Buffers) -> Result<u64, DecodeError> {
    let wire: wire::Book<'_> = object(message.data, message.frame)?;
    message.carries(wire.s)?;
    side("b", required("b", wire.b)?, message.frame, &mut buffers.bids)?;
    side("a", required("a", wire.a)?, message.frame, &mut buffers.asks)?;
    required("u", wire.u)
}

fn trades(message: Message<'_, '_>, buffers: &mut Buffers) -> Result<(), DecodeError> {
    let items: Vec<&RawValue> = parse(message.data.get(), message.frame)?;
    buffers.trades.clear();
    if items.len() > LEVELS_MAX {
        return Err(DecodeError::TooManyLevels { side: "data", limit: LEVELS_MAX });
    }
    for item in items {
        let trade: wire::Trade<'_> = object(item, message.frame)?;
        message.carries(trade.s)?;
        if trade.block == Some(true) {
            continue;
        }
        let trade = Trade {
            price: number("p", trade.p)?,
            size: number("v", trade.v)?,
            side: required("S", trade.side)?.into(),
            venue_time: Some(time("T", trade.time)?),
            number: None,
        };
        for (field, value) in [("p", trade.price), ("v", trade.size)] {
            if value.is_zero() {
                return Err(DecodeError::Zero { place: Place::Field(field) });
            }
        }
        buffers.trades.push(trade);
    }
    if !buffers.trades.is_sorted_by_key(|trade| trade.venue_time) {
        buffers.trades.sort_by_key(|trade| trade.venue_time);
    }
    Ok(())
}

fn figures(message: Message<'_, '_>, form: Form) -> Result<VolumeFigures, DecodeError> {
    let wire: wire::Ticker<'_> = object(message.data, message.frame)?;
    message.carries(wire.symbol)?;
    let has_figures = wire.volume.is_some() || wire.last_price.is_some();
    let price = |field, text| Ok::<_, DecodeError>(figure(field, text)?.and_then(levels::traded_price));
    let figures = VolumeFigures {
        form,
        // What is quoted in thousands is also counted in thousands.
        unit: VolumeUnit::Size,
        base_volume: figure("volume24h", wire.volume)?,
        quote_volume: figure("turnover24h", wire.turnover)?,
        trade_count: None,
        open: price("prevPrice24h", wire.open)?,
        high: price("highPrice24h", wire.high)?,
        low: price("lowPrice24h", wire.low)?,
        last: price("lastPrice", wire.last_price)?,
        window_s: WINDOW_S,
        venue_time: None,
    };
    // All of it was asked for: none at all is a form that nobody knows.
    if form == Form::Whole && figures.base_volume.or(figures.last).is_none() && !has_figures {
        return Err(DecodeError::Missing { field: "volume24h" });
    }
    Ok(figures)
}
