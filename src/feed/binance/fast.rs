//! The fast path: market frames in the very bytes that Binance sends, in one pass, without a JSON parser.
//!
//! Owns the four shapes, spelled as literals between the values. Never words an error: `None` means "ask the general path",
//! which decides. Whatever it accepts is valid JSON, and the general path gives the same.

use super::decode::{Content, WINDOW_S, aggressor};
use crate::domain::{Form, Link, Quote, RawLevel, Trade, VenueSequence, VolumeFigures, VolumeUnit};
use crate::feed::cursor::Cursor;
use crate::feed::levels::{self, Buffers};

/// The stream's name and what came on it.
#[inline]
pub(super) fn decode<'f>(frame: &'f [u8], buffers: &mut Buffers) -> Option<(&'f str, Content)> {
    let mut cursor = Cursor(frame);
    cursor.literal(b"{\"stream\":\"")?;
    let name = cursor.0;
    let symbol = cursor.lower_case_symbol()?;
    let (suffix, content) = if cursor.literal(b"@bookTicker\",\"data\":{").is_some() {
        ("@bookTicker", quote(&mut cursor, symbol)?)
    } else if cursor.literal(b"@depth@100ms\",\"data\":{").is_some() {
        ("@depth@100ms", depth(&mut cursor, symbol, buffers)?)
    } else if cursor.literal(b"@trade\",\"data\":{").is_some() {
        ("@trade", trade(&mut cursor, symbol)?)
    } else if cursor.literal(b"@ticker\",\"data\":{").is_some() {
        ("@ticker", ticker(&mut cursor, symbol)?)
    } else {
        return None;
    };
    cursor.literal(b"}}")?;
    cursor.end()?;
    let stream = str::from_utf8(name.get(..symbol.len() + suffix.len())?).ok()?;
    Some((stream, content))
}

#[inline]
fn quote(cursor: &mut Cursor<'_>, symbol: &[u8]) -> Option<Content> {
    cursor.literal(b"\"u\":")?;
    let update = cursor.integer()?;
    cursor.literal(b",\"s\":\"")?;
    cursor.symbol(symbol)?;
    cursor.literal(b"\",\"b\":\"")?;
    let bid = cursor.number()?;
    cursor.literal(b",\"B\":\"")?;
    let bid_size = cursor.number()?;
    cursor.literal(b",\"a\":\"")?;
    let ask = cursor.number()?;
    cursor.literal(b",\"A\":\"")?;
    let ask_size = cursor.number()?;
    Some(Content::Quote(Quote {
        bid: levels::quote_side(levels::level(bid, bid_size)?),
        ask: levels::quote_side(levels::level(ask, ask_size)?),
        venue_sequence: Some(VenueSequence(update)),
        venue_time: None,
    }))
}

#[inline]
fn trade(cursor: &mut Cursor<'_>, symbol: &[u8]) -> Option<Content> {
    cursor.literal(b"\"e\":\"trade\",\"E\":")?;
    cursor.integer()?;
    cursor.literal(b",\"s\":\"")?;
    cursor.symbol(symbol)?;
    cursor.literal(b"\",\"t\":")?;
    cursor.integer()?;
    cursor.literal(b",\"p\":\"")?;
    let price = cursor.number()?;
    cursor.literal(b",\"q\":\"")?;
    let size = cursor.number()?;
    cursor.literal(b",\"T\":")?;
    let time = cursor.integer()?;
    cursor.literal(b",\"m\":")?;
    let buyer_is_maker = cursor.boolean()?;
    cursor.literal(b",\"M\":")?;
    cursor.boolean()?;
    if price.is_zero() || size.is_zero() {
        return None;
    }
    let venue_time = Some(levels::venue_time(time)?);
    Some(Content::Trade(Trade { price, size, side: aggressor(buyer_is_maker), venue_time }))
}

#[inline]
fn depth(cursor: &mut Cursor<'_>, symbol: &[u8], buffers: &mut Buffers) -> Option<Content> {
    cursor.literal(b"\"e\":\"depthUpdate\",\"E\":")?;
    let time = cursor.integer()?;
    cursor.literal(b",\"s\":\"")?;
    cursor.symbol(symbol)?;
    cursor.literal(b"\",\"U\":")?;
    let first = cursor.integer()?;
    cursor.literal(b",\"u\":")?;
    let last = cursor.integer()?;
    cursor.literal(b",\"b\":[")?;
    side(cursor, &mut buffers.bids)?;
    cursor.literal(b",\"a\":[")?;
    side(cursor, &mut buffers.asks)?;
    let venue_time = levels::venue_time(time)?;
    (first <= last).then_some(Content::Depth {
        link: Link::From(VenueSequence(first)),
        last: VenueSequence(last),
        venue_time,
    })
}

/// Levels up to and with the closing bracket.
#[inline]
fn side(cursor: &mut Cursor<'_>, into: &mut Vec<RawLevel>) -> Option<()> {
    into.clear();
    if cursor.literal(b"]").is_some() {
        return Some(());
    }
    loop {
        cursor.literal(b"[\"")?;
        let price = cursor.number()?;
        cursor.literal(b",\"")?;
        let size = cursor.number()?;
        cursor.literal(b"]")?;
        if !levels::has_room(into) {
            return None;
        }
        into.push(levels::level(price, size)?);
        if cursor.either(b',', b']')? == b']' {
            return Some(());
        }
    }
}

fn ticker(cursor: &mut Cursor<'_>, symbol: &[u8]) -> Option<Content> {
    cursor.literal(b"\"e\":\"24hrTicker\",\"E\":")?;
    let time = cursor.integer()?;
    cursor.literal(b",\"s\":\"")?;
    cursor.symbol(symbol)?;
    cursor.literal(b"\"")?;
    for name in [b'p', b'P', b'w', b'x'] {
        key(cursor, name)?;
        cursor.skip_number()?;
    }
    key(cursor, b'c')?;
    let last = cursor.number()?;
    for name in [b'Q', b'b', b'B', b'a', b'A'] {
        key(cursor, name)?;
        cursor.skip_number()?;
    }
    let [mut open, mut high, mut low, mut base_volume, mut quote_volume] = [crate::domain::Number::ZERO; 5];
    for (name, figure) in [
        (b'o', &mut open),
        (b'h', &mut high),
        (b'l', &mut low),
        (b'v', &mut base_volume),
        (b'q', &mut quote_volume),
    ] {
        key(cursor, name)?;
        *figure = cursor.number()?;
    }
    for name in [b",\"O\":", b",\"C\":", b",\"F\":", b",\"L\":"] {
        cursor.literal(name)?;
        cursor.skip_integer()?;
    }
    cursor.literal(b",\"n\":")?;
    let trade_count = cursor.integer()?;
    Some(Content::Volume(VolumeFigures {
        form: Form::Whole,
        unit: VolumeUnit::Base,
        base_volume: Some(base_volume),
        quote_volume: Some(quote_volume),
        trade_count: Some(trade_count),
        open: levels::traded_price(open),
        high: levels::traded_price(high),
        low: levels::traded_price(low),
        last: levels::traded_price(last),
        window_s: WINDOW_S,
        venue_time: Some(levels::venue_time(time)?),
    }))
}

/// `,"x":"`
#[inline]
fn key(cursor: &mut Cursor<'_>, name: u8) -> Option<()> {
    cursor.literal(&[b',', b'"', name, b'"', b':', b'"'])
}
