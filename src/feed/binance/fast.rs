//! The fast path: spot's payloads in the very bytes that Binance sends, in one pass, without a JSON parser.
//!
//! Owns the four shapes, spelled as literals between the values. Never words an error: `None` means "ask the general path",
//! which decides. Whatever it accepts is valid JSON, and the general path gives the same.

use super::combined::{Content, aggressor, sides, top};
use super::general::WINDOW_S;
use crate::domain::{Channel, Form, Link, Quote, Trade, VenueSequence, VolumeFigures, VolumeUnit};
use crate::feed::cursor::Cursor;
use crate::feed::levels::{self, Buffers};

/// As [`super::combined::Dialect::fast`].
#[inline]
pub(super) fn payload(
    channel: Channel,
    cursor: &mut Cursor<'_>,
    symbol: &[u8],
    buffers: &mut Buffers,
) -> Option<Content> {
    match channel {
        Channel::Quote => quote(cursor, symbol),
        Channel::Trade => trade(cursor, symbol),
        Channel::Depth => depth(cursor, symbol, buffers),
        Channel::Volume => ticker(cursor, symbol),
    }
}

#[inline]
fn quote(cursor: &mut Cursor<'_>, symbol: &[u8]) -> Option<Content> {
    cursor.literal(b"\"u\":")?;
    let update = cursor.integer()?;
    cursor.literal(b",\"s\":\"")?;
    cursor.symbol(symbol)?;
    let [bid, ask] = top(cursor)?;
    Some(Content::Quote(Quote { bid, ask, venue_sequence: Some(VenueSequence(update)), venue_time: None }))
}

#[inline]
fn trade(cursor: &mut Cursor<'_>, symbol: &[u8]) -> Option<Content> {
    cursor.literal(b"\"e\":\"trade\",\"E\":")?;
    cursor.integer()?;
    cursor.literal(b",\"s\":\"")?;
    cursor.symbol(symbol)?;
    cursor.literal(b"\",\"t\":")?;
    let number = Some(VenueSequence(cursor.integer()?));
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
    Some(Content::Trade(Trade { price, size, side: aggressor(buyer_is_maker), venue_time, number }))
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
    sides(cursor, buffers)?;
    let venue_time = Some(levels::venue_time(time)?);
    (first <= last).then_some(Content::Depth {
        link: Link::From(VenueSequence(first)),
        last: VenueSequence(last),
        venue_time,
    })
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
