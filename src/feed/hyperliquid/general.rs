//! The general path: any JSON of the documented meaning, and the words of every error.
//!
//! Owns what must be there and what contradicts what. Never sees most frames: it takes reordered and unknown fields, whitespace
//! and escapes, and all that is wrong. Levels and trades go straight into the bounded buffers; nothing else grows with the
//! frame.

use serde_json::value::RawValue;

use super::decode::Content;
use super::wire;
use crate::domain::{
    Channel, Form, LEVELS_MAX, Quote, RawLevel, Side, Trade, VenueTime, VolumeFigures, VolumeUnit,
};
use crate::feed::json::{
    Text, each, excerpt, figure, malformed, next_level, number, object, object_text, offset_of, parse,
    required, time,
};
use crate::feed::levels::{self, Buffers};
use crate::feed::venue::write_route;
use crate::feed::{ChannelNames, DecodeError, Excerpt, Frame, Place};

/// Unproved that this is a rolling day; the venue's own page calls it "24h volume".
const WINDOW_S: u32 = 86_400;

/// What a connection of the venue's may begin with (seen in the venue's own client, hyperliquid-python-sdk).
const GREETING: &[u8] = b"Websocket connection established.";

/// What a frame says, with the stream's name in the route, levels and trades in the [`Buffers`].
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "it is on the stack, and gone at once")]
pub(super) enum Said {
    Market(Content),
    Subscribed,
    Else(Frame<'static>),
}

/// As [`super::Decoder::decode`].
pub(super) fn decode(
    frame: &[u8],
    names: &ChannelNames,
    buffers: &mut Buffers,
    route: &mut String,
) -> Result<Said, DecodeError> {
    if frame == GREETING {
        return Ok(Said::Else(Frame::Other));
    }
    let Some(text) = object_text(frame)? else { return Ok(Said::Else(Frame::Unknown)) };
    let envelope: wire::Envelope<'_> = parse(text, frame)?;
    let channel = match (&envelope.channel, envelope.data) {
        (Some(channel), _) => channel.0.as_ref(),
        (None, None) => return Ok(Said::Else(Frame::Unknown)),
        (None, Some(_)) => return Err(DecodeError::Missing { field: "channel" }),
    };
    let Some(ours) = Channel::ALL.into_iter().find(|&ours| names.get(ours) == channel) else {
        return control(channel, envelope.data, frame, route);
    };
    let data = required("data", envelope.data)?;
    let said = match ours {
        Channel::Quote => {
            let wire: wire::Bbo<'_> = object(data, frame)?;
            write_route(route, channel, &required("coin", wire.coin)?.0);
            let (bid, ask) = parse(required("bbo", wire.bbo)?.get(), frame)?;
            let best = |raw: Option<&RawValue>| -> Result<_, DecodeError> {
                let Some(raw) = raw else { return Ok(None) };
                Ok(levels::quote_side(level("bbo", &[], raw, frame)?))
            };
            let venue_time = Some(time("time", wire.time)?);
            Content::Quote(Quote { bid: best(bid)?, ask: best(ask)?, venue_sequence: None, venue_time })
        }
        Channel::Depth => {
            let wire: wire::Book<'_> = object(data, frame)?;
            write_route(route, channel, &required("coin", wire.coin.as_ref())?.0);
            Content::Book { venue_time: book(&wire, frame, &mut buffers.bids, &mut buffers.asks)? }
        }
        Channel::Volume => {
            let wire: wire::AssetContext<'_> = object(data, frame)?;
            write_route(route, channel, &required("coin", wire.coin)?.0);
            Content::Volume(figures(object(required("ctx", wire.ctx)?, frame)?)?)
        }
        Channel::Trade => {
            trades(data, frame, channel, route, &mut buffers.trades)?;
            if buffers.trades.is_empty() {
                return Ok(Said::Else(Frame::Other));
            }
            Content::Trades
        }
    };
    Ok(Said::Market(said))
}

fn control(
    channel: &str,
    data: Option<&RawValue>,
    frame: &[u8],
    route: &mut String,
) -> Result<Said, DecodeError> {
    match (channel, data) {
        ("error", data) => {
            // Text, as a rule.
            let words = data.map(|data| parse(data.get(), frame).unwrap_or(Text(data.get().into())));
            Ok(Said::Else(Frame::Refused { id: None, code: 0, message: excerpt(words) }))
        }
        ("subscriptionResponse", Some(data)) => {
            let response: wire::Response<'_> = object(data, frame)?;
            let subscribed =
                response.subscription.map(|raw| object::<wire::Subscribed<'_>>(raw, frame)).transpose()?;
            let ours = response.method.is_some_and(|method| method.0 == "subscribe");
            match subscribed {
                Some(wire::Subscribed { channel: Some(channel), coin: Some(coin) }) if ours => {
                    write_route(route, &channel.0, &coin.0);
                    Ok(Said::Subscribed)
                }
                _ => Ok(Said::Else(Frame::Other)),
            }
        }
        ("pong" | "subscriptionResponse", _) => Ok(Said::Else(Frame::Other)),
        _ => Ok(Said::Else(Frame::Unknown)),
    }
}

/// Reads a book into the buffers and gives its time.
pub(super) fn book(
    wire: &wire::Book<'_>,
    frame: &[u8],
    bids: &mut Vec<RawLevel>,
    asks: &mut Vec<RawLevel>,
) -> Result<VenueTime, DecodeError> {
    let sides: (&RawValue, &RawValue) = parse(required("levels", wire.levels)?.get(), frame)?;
    for (name, raw, into) in [("bids", sides.0, bids), ("asks", sides.1, asks)] {
        into.clear();
        each(raw, frame, "an array of levels", |raw: &RawValue| {
            into.push(level(name, into, raw, frame)?);
            Ok(())
        })?;
    }
    time("time", wire.time)
}

/// The level after those in `before`.
fn level(
    side: &'static str,
    before: &[RawLevel],
    raw: &RawValue,
    frame: &[u8],
) -> Result<RawLevel, DecodeError> {
    let wire: wire::Level<'_> = object(raw, frame)?;
    next_level(side, before, &required("px", wire.px)?.0, &required("sz", wire.sz)?.0)
}

fn trades(
    data: &RawValue,
    frame: &[u8],
    channel: &str,
    route: &mut String,
    trades: &mut Vec<Trade>,
) -> Result<(), DecodeError> {
    trades.clear();
    each(data, frame, "an array of trades", |raw: &RawValue| {
        if trades.len() >= LEVELS_MAX {
            return Err(DecodeError::TooManyLevels { side: "data", limit: LEVELS_MAX });
        }
        let wire: wire::Trade<'_> = object(raw, frame)?;
        let coin = required("coin", wire.coin)?.0;
        if trades.is_empty() {
            write_route(route, channel, &coin);
        } else if route.strip_prefix(channel).and_then(|rest| rest.strip_prefix(':')) != Some(&coin) {
            let (stream, symbol) = (Excerpt::of(route.as_bytes()), Excerpt::of(coin.as_bytes()));
            return Err(DecodeError::SymbolMismatch { stream, symbol });
        }
        let trade = Trade {
            price: number("px", wire.px)?,
            size: number("sz", wire.sz)?,
            side: match required("side", wire.side)?.0.as_ref() {
                "B" => Side::Buy,
                "A" => Side::Sell,
                _ => {
                    let at = offset_of(raw.get(), frame);
                    return Err(malformed(frame, at, "\"side\" is neither \"A\" nor \"B\""));
                }
            },
            venue_time: Some(time("time", wire.time)?),
            number: None,
        };
        for (field, value) in [("px", trade.price), ("sz", trade.size)] {
            if value.is_zero() {
                return Err(DecodeError::Zero { place: Place::Field(field) });
            }
        }
        trades.push(trade);
        Ok(())
    })?;
    if !trades.is_sorted_by_key(|trade| trade.venue_time) {
        trades.sort_by_key(|trade| trade.venue_time);
    }
    Ok(())
}

fn figures(wire: wire::Figures<'_>) -> Result<VolumeFigures, DecodeError> {
    // What a coin that has not traded for a day lacks; without any it is a form that nobody knows.
    if wire.day_ntl_vlm.is_none() && wire.prev_day_px.is_none() && wire.day_base_vlm.is_none() {
        return Err(DecodeError::Missing { field: "dayNtlVlm" });
    }
    Ok(VolumeFigures {
        form: Form::Whole,
        unit: VolumeUnit::Size,
        base_volume: figure("dayBaseVlm", wire.day_base_vlm)?,
        quote_volume: figure("dayNtlVlm", wire.day_ntl_vlm)?,
        trade_count: None,
        open: figure("prevDayPx", wire.prev_day_px)?.and_then(levels::traded_price),
        high: None,
        low: None,
        last: None,
        window_s: WINDOW_S,
        venue_time: None,
    })
}
