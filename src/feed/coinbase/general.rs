//! The general path: any JSON of the documented meaning, and the words of every error.
//!
//! Owns what must be there and what contradicts what. Never sees most frames: it takes what is rare, reordered and unknown
//! fields, whitespace and escapes, and all that is wrong. Levels go straight into the bounded buffers.

use std::borrow::Cow;
use std::cmp::Ordering;

use serde_json::value::RawValue;

use super::decode::{Content, WINDOW_S};
use super::wire;
use crate::domain::{
    Form, LEVELS_MAX, Number, RawLevel, Side, Ticker, Top, Trade, VenueSequence, VenueTime, VolumeFigures,
    VolumeUnit,
};
use crate::feed::json::{
    Text, each, figure, level_at, next_level, number, object_text, parse, required, timestamp,
};
use crate::feed::levels::{self, Buffers};
use crate::feed::{Ack, DecodeError, Excerpt, Frame, Place};

/// What a frame says, with the levels left in the [`Buffers`].
#[derive(Debug)]
pub(super) enum Said<'f> {
    Market { product: Cow<'f, str>, content: Content },
    Counted { product: Cow<'f, str>, newest: VenueSequence },
    Else(Frame<'static>),
}

/// As [`super::Decoder::decode`].
pub(super) fn decode<'f>(frame: &'f [u8], buffers: &mut Buffers) -> Result<Said<'f>, DecodeError> {
    let Some(text) = object_text(frame)? else { return Ok(Said::Else(Frame::Unknown)) };
    let wire::Typed { kind, message, reason } = parse(text, frame)?;
    let kind = required("type", kind)?.0;
    let (product, content) = match &*kind {
        "l2update" => update(parse(text, frame)?, frame, buffers)?,
        "snapshot" => snapshot(parse(text, frame)?, frame, buffers)?,
        "match" | "last_match" => trade(parse(text, frame)?)?,
        "ticker" => ticker(parse(text, frame)?)?,
        // It lists all that is subscribed, not what was asked for: answers come in the order of the requests.
        "subscriptions" => return Ok(Said::Else(Frame::Acknowledged(Ack::Oldest))),
        "heartbeat" => return heartbeat(parse(text, frame)?),
        "error" => return Ok(Said::Else(refusal(message, reason))),
        "status" => return Ok(Said::Else(Frame::Other)),
        _ => return Ok(Said::Else(Frame::Unknown)),
    };
    Ok(Said::Market { product, content })
}

/// Without a count it only shows that the session lives.
fn heartbeat(wire: wire::Heartbeat<'_>) -> Result<Said<'_>, DecodeError> {
    Ok(match (wire.product_id, wire.last_trade_id) {
        (Some(product), Some(newest)) => Said::Counted { product: product.0, newest: VenueSequence(newest) },
        _ => Said::Else(Frame::Other),
    })
}

/// Coinbase's errors have neither numbers nor the request's id.
fn refusal(message: Option<Text<'_>>, reason: Option<Text<'_>>) -> Frame<'static> {
    let words: Vec<_> = [message, reason].into_iter().flatten().map(|text| text.0).collect();
    Frame::Refused { id: None, code: 0, message: Excerpt::of(words.join(": ").as_bytes()) }
}

type Decoded<'f> = Result<(Cow<'f, str>, Content), DecodeError>;

fn time(text: Option<Text<'_>>) -> Result<Option<VenueTime>, DecodeError> {
    let text = text.filter(|text| !text.0.is_empty());
    text.map_or(Ok(None), |text| timestamp("time", &text.0))
}

fn update<'f>(wire: wire::Update<'f>, frame: &[u8], buffers: &mut Buffers) -> Decoded<'f> {
    let product = required("product_id", wire.product_id)?.0;
    let venue_time = time(wire.time)?;
    let (bids, asks) = (&mut buffers.bids, &mut buffers.asks);
    bids.clear();
    asks.clear();
    let expected = "an array of [\"side\",\"price\",\"size\"]";
    each(required("changes", wire.changes)?, frame, expected, |(side, price, size): wire::Change<'_>| {
        let (name, into) = match side {
            wire::BookSide::Buy => ("buy", &mut *bids),
            wire::BookSide::Sell => ("sell", &mut *asks),
        };
        into.push(next_level(name, into, &price.0, &size.0)?);
        Ok(())
    })?;
    Ok((product, Content::Delta { venue_time }))
}

fn snapshot<'f>(wire: wire::Snapshot<'f>, frame: &[u8], buffers: &mut Buffers) -> Decoded<'f> {
    let product = required("product_id", wire.product_id)?.0;
    let venue_time = time(wire.time)?;
    best_of(("bids", Ordering::Less), required("bids", wire.bids)?, frame, &mut buffers.bids)?;
    best_of(("asks", Ordering::Greater), required("asks", wire.asks)?, frame, &mut buffers.asks)?;
    Ok((product, Content::Image { venue_time }))
}

/// The levels of a side, each of which compares to the one before as it says. Large products have tens of thousands of levels: of
/// those in order the best ones are taken, and one more than a book holds, so that it knows that there are others.
fn best_of(
    (side, order): (&'static str, Ordering),
    raw: &RawValue,
    frame: &[u8],
    into: &mut Vec<RawLevel>,
) -> Result<(), DecodeError> {
    into.clear();
    let (mut index, mut before, mut sorted) = (0, None, true);
    each(raw, frame, "an array of [\"price\",\"size\"]", |(price, size): (Text<'_>, Text<'_>)| {
        let level = level_at(side, index, &price.0, &size.0)?;
        sorted &= before.is_none_or(|before: Number| level.price.compare(before) == order);
        before = Some(level.price);
        index += 1;
        if index <= LEVELS_MAX + 1 {
            into.push(level);
        }
        Ok(())
    })?;
    if index > LEVELS_MAX && !sorted {
        return Err(DecodeError::TooManyLevels { side, limit: LEVELS_MAX });
    }
    Ok(())
}

fn trade(wire: wire::Match<'_>) -> Decoded<'_> {
    let trade = Trade {
        price: number("price", wire.price)?,
        size: number("size", wire.size)?,
        side: match required("side", wire.side)? {
            wire::BookSide::Buy => Side::Sell,
            wire::BookSide::Sell => Side::Buy,
        },
        venue_time: time(Some(required("time", wire.time)?))?,
        number: wire.trade_id.map(VenueSequence),
    };
    for (field, value) in [("price", trade.price), ("size", trade.size)] {
        if value.is_zero() {
            return Err(DecodeError::Zero { place: Place::Field(field) });
        }
    }
    Ok((required("product_id", wire.product_id)?.0, Content::Trade(trade)))
}

fn ticker(wire: wire::Ticker<'_>) -> Decoded<'_> {
    // A product that has never traded has empty texts everywhere.
    let venue_time = time(wire.time)?;
    let price = |field, text| Ok::<_, DecodeError>(figure(field, text)?.and_then(levels::traded_price));
    if wire.price.is_none() && wire.volume_24h.is_none() {
        return Err(DecodeError::Missing { field: "price" });
    }
    let figures = VolumeFigures {
        form: Form::Whole,
        unit: VolumeUnit::Base,
        base_volume: figure("volume_24h", wire.volume_24h)?,
        quote_volume: None,
        trade_count: None,
        open: price("open_24h", wire.open_24h)?,
        high: price("high_24h", wire.high_24h)?,
        low: price("low_24h", wire.low_24h)?,
        last: price("price", wire.price)?,
        window_s: WINDOW_S,
        venue_time,
    };
    let top = Top::Prices {
        bid: price("best_bid", wire.best_bid)?,
        ask: price("best_ask", wire.best_ask)?,
        venue_time,
    };
    Ok((required("product_id", wire.product_id)?.0, Content::Ticker(Ticker { figures, top })))
}
