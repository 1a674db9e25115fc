//! The general path: any JSON of the documented meaning, and the words of every error.
//!
//! Owns what must be there and what contradicts what. Never sees most frames: it takes snapshots, reordered and unknown
//! fields, whitespace and escapes, and all that is wrong. Levels go straight into the bounded buffers; trades are few.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::decode::{Channels, Content, Kind, WINDOW_S};
use super::exact::exact;
use super::wire;
use crate::domain::{
    Form, LEVELS_MAX, Number, Quote, RawLevel, Side, Ticker, Top, Trade, Trading, VenueSequence, VenueTime,
    VolumeFigures, VolumeUnit, Written,
};
use crate::feed::json::{Text, each, malformed, object, object_text, offset_of, parse, required, timestamp};
use crate::feed::levels::{self, Buffers};
use crate::feed::{Ack, DecodeError, Excerpt, Frame, Place};

/// What a frame says, with the levels left in the [`Buffers`].
#[derive(Debug)]
pub(super) enum Said<'f> {
    Market { channel: Cow<'f, str>, symbol: Cow<'f, str>, content: Content },
    Subscribed { channel: Cow<'f, str>, symbol: Cow<'f, str> },
    Else(Frame<'static>),
}

/// As [`super::Decoder::decode`].
pub(super) fn decode<'f>(
    frame: &'f [u8],
    channels: &Channels,
    buffers: &mut Buffers,
) -> Result<Said<'f>, DecodeError> {
    let Some(text) = object_text(frame)? else { return Ok(Said::Else(Frame::Unknown)) };
    let envelope: wire::Envelope<'_> = parse(text, frame)?;
    let Some(Text(channel)) = envelope.channel else { return answer(envelope, frame) };
    let Some(kind) = channels.kind(&channel) else { return other(&channel, envelope.data, frame) };
    let data = required("data", envelope.data)?;
    let form = Form::of(required("type", envelope.kind)?, &channel)?;
    let market = match kind {
        Kind::Ticker => ticker(data, frame)?,
        Kind::Trade => trades(data, form, frame, buffers)?,
        Kind::Book => book(data, form, frame, buffers)?,
    };
    Ok(match market {
        Some((symbol, content)) => Said::Market { channel, symbol, content },
        None => Said::Else(Frame::Other),
    })
}

/// A channel that nobody asked for: of those, the venue's own state counts.
fn other<'f>(channel: &str, data: Option<&'f RawValue>, frame: &'f [u8]) -> Result<Said<'f>, DecodeError> {
    let data = data.filter(|_| channel == "status");
    let status: Option<wire::Status<'f>> = data.map(|data| only(data, frame)).transpose()?;
    Ok(Said::Else(match status.and_then(|status| status.system) {
        Some(word) => Frame::Trading(trading(&word.0)),
        None if matches!(channel, "heartbeat" | "status") => Frame::Other,
        None => Frame::Unknown,
    }))
}

/// Of "cancel_only" and "maintenance", and of words that are not known, no price follows that one could trade at.
fn trading(system: &str) -> Trading {
    match system {
        "online" | "post_only" => Trading::Open,
        _ => Trading::Halted,
    }
}

/// What is no channel's: the answer to a request.
fn answer<'f>(envelope: wire::Envelope<'f>, frame: &'f [u8]) -> Result<Said<'f>, DecodeError> {
    let id = envelope.req_id.and_then(|id| id.get().parse().ok());
    if envelope.error.is_some() || envelope.success == Some(false) {
        let message = crate::feed::json::excerpt(envelope.error);
        // Kraken's errors have no numbers.
        return Ok(Said::Else(Frame::Refused { id, code: 0, message }));
    }
    let method = envelope.method.map(|method| method.0);
    if method.as_deref() == Some("subscribe") {
        let wire::Subscribed { channel, symbol } = object(required("result", envelope.result)?, frame)?;
        let (channel, symbol) = (required("channel", channel)?.0, required("symbol", symbol)?.0);
        return Ok(Said::Subscribed { channel, symbol });
    }
    Ok(Said::Else(match id {
        Some(id) if method.as_deref() == Some("unsubscribe") => Frame::Acknowledged(Ack::Request(id)),
        _ if matches!(method.as_deref(), Some("pong" | "ping" | "unsubscribe")) => Frame::Other,
        _ => Frame::Unknown,
    }))
}

type Decoded<'f> = Result<Option<(Cow<'f, str>, Content)>, DecodeError>;

/// `snapshot` or `update`.
trait OfType: Sized {
    fn of(kind: Text<'_>, channel: &str) -> Result<Self, DecodeError>;
}

impl OfType for Form {
    fn of(kind: Text<'_>, channel: &str) -> Result<Self, DecodeError> {
        match &*kind.0 {
            "snapshot" => Ok(Self::Whole),
            "update" => Ok(Self::Changes),
            other => Err(DecodeError::EventMismatch {
                stream: Excerpt::of(channel.as_bytes()),
                event: Excerpt::of(other.as_bytes()),
            }),
        }
    }
}

/// The one object of an array.
fn only<'f, T: Deserialize<'f>>(data: &'f RawValue, frame: &[u8]) -> Result<T, DecodeError> {
    let mut found = None;
    each(data, frame, "an array of one object", |item: &'f RawValue| {
        if found.is_some() {
            let at = offset_of(item.get(), frame);
            return Err(malformed(frame, at, "more than one object in \"data\""));
        }
        found = Some(object(item, frame)?);
        Ok(())
    })?;
    required("data", found)
}

fn number(field: &'static str, raw: Option<&RawValue>) -> Result<Number, DecodeError> {
    Ok(exact(Place::Field(field), required(field, raw)?.get())?.0)
}

/// A figure that there may be none of: "only guaranteed if traded within the past 24h".
fn figure(field: &'static str, raw: Option<&RawValue>) -> Result<Option<Number>, DecodeError> {
    raw.map(|raw| number(field, Some(raw))).transpose()
}

fn time(text: Option<Text<'_>>) -> Result<Option<VenueTime>, DecodeError> {
    text.map_or(Ok(None), |text| timestamp("timestamp", &text.0))
}

fn quote_side(
    fields: [&'static str; 2],
    price: Option<&RawValue>,
    size: Option<&RawValue>,
) -> Result<Option<RawLevel>, DecodeError> {
    let [price_field, size_field] = fields;
    let (price, size) = (required(price_field, price)?, required(size_field, size)?);
    // Nobody bids, or nobody asks.
    if price.get() == "null" {
        return Ok(None);
    }
    let level = levels::level(number(price_field, Some(price))?, number(size_field, Some(size))?);
    level.map(levels::quote_side).ok_or(DecodeError::Zero { place: Place::Field(price_field) })
}

fn ticker<'f>(data: &'f RawValue, frame: &[u8]) -> Decoded<'f> {
    let wire: wire::Ticker<'f> = only(data, frame)?;
    let venue_time = time(wire.timestamp)?;
    let figures = VolumeFigures {
        form: Form::Whole,
        unit: VolumeUnit::Base,
        base_volume: figure("volume", wire.volume)?,
        quote_volume: None,
        trade_count: None,
        open: None,
        high: figure("high", wire.high)?.and_then(levels::traded_price),
        low: figure("low", wire.low)?.and_then(levels::traded_price),
        last: figure("last", wire.last)?.and_then(levels::traded_price),
        window_s: WINDOW_S,
        venue_time,
    };
    let top = Top::Quote(Quote {
        bid: quote_side(["bid", "bid_qty"], wire.bid, wire.bid_qty)?,
        ask: quote_side(["ask", "ask_qty"], wire.ask, wire.ask_qty)?,
        venue_sequence: None,
        venue_time,
    });
    let symbol = required("symbol", wire.symbol)?.0;
    Ok(Some((symbol, Content::Ticker(Ticker { figures, top }))))
}

fn book<'f>(data: &'f RawValue, form: Form, frame: &[u8], buffers: &mut Buffers) -> Decoded<'f> {
    let wire: wire::Book<'f> = only(data, frame)?;
    let symbol = required("symbol", wire.symbol)?.0;
    let sum = required("checksum", wire.checksum)?;
    let venue_time = time(wire.timestamp)?;
    side("bids", required("bids", wire.bids)?, frame, &mut buffers.bids, &mut buffers.bids_written)?;
    side("asks", required("asks", wire.asks)?, frame, &mut buffers.asks, &mut buffers.asks_written)?;
    Ok(Some((
        symbol,
        match form {
            Form::Whole => Content::Image { sum, venue_time },
            Form::Changes => Content::Delta { sum, venue_time },
        },
    )))
}

fn side(
    side: &'static str,
    raw: &RawValue,
    frame: &[u8],
    into: &mut Vec<RawLevel>,
    written: &mut Vec<Written>,
) -> Result<(), DecodeError> {
    into.clear();
    written.clear();
    each(raw, frame, "an array of {\"price\",\"qty\"}", |item: &RawValue| {
        let level: wire::Level<'_> = object(item, frame)?;
        let index = into.len();
        if !levels::has_room(into) {
            return Err(DecodeError::TooManyLevels { side, limit: LEVELS_MAX });
        }
        let price_place = Place::LevelPrice { side, index };
        let (price, price_digits) = exact(price_place, level.price.get())?;
        let (size, size_digits) = exact(Place::LevelSize { side, index }, level.qty.get())?;
        into.push(levels::level(price, size).ok_or(DecodeError::Zero { place: price_place })?);
        written.push(Written { price: price_digits, size: size_digits });
        Ok(())
    })
}

fn trades<'f>(data: &'f RawValue, form: Form, frame: &[u8], buffers: &mut Buffers) -> Decoded<'f> {
    let mut symbol: Option<Cow<'f, str>> = None;
    buffers.trades.clear();
    each(data, frame, "an array of trades", |item: &'f RawValue| {
        let wire: wire::Trade<'f> = object(item, frame)?;
        let own = required("symbol", wire.symbol)?.0;
        let trade = Trade {
            price: number("price", wire.price)?,
            size: number("qty", wire.qty)?,
            side: match required("side", wire.side)? {
                wire::TakerSide::Buy => Side::Buy,
                wire::TakerSide::Sell => Side::Sell,
            },
            venue_time: timestamp("timestamp", &required("timestamp", wire.timestamp)?.0)?,
            number: wire.trade_id.map(VenueSequence),
        };
        for (field, value) in [("price", trade.price), ("qty", trade.size)] {
            if value.is_zero() {
                return Err(DecodeError::Zero { place: Place::Field(field) });
            }
        }
        match &symbol {
            Some(known) if *known != own => {
                let (stream, symbol) = (Excerpt::of(known.as_bytes()), Excerpt::of(own.as_bytes()));
                return Err(DecodeError::SymbolMismatch { stream, symbol });
            }
            Some(_) => {}
            None => symbol = Some(own),
        }
        buffers.trades.push(trade);
        Ok(())
    })?;
    if !buffers.trades.is_sorted_by_key(|trade| (trade.venue_time, trade.number)) {
        buffers.trades.sort_by_key(|trade| (trade.venue_time, trade.number));
    }
    if form == Form::Whole {
        let old = buffers.trades.len().saturating_sub(1);
        buffers.trades.drain(..old);
    }
    Ok(symbol.map(|symbol| (symbol, Content::Trades)))
}
