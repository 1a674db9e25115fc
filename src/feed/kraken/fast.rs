//! The fast path: tickers and updates of the book in the very bytes that Kraken sends, in one pass, without a JSON parser.
//!
//! Owns the two shapes, spelled as literals between the values. Never words an error: `None` means "ask the general path",
//! which decides. Whatever it accepts is valid JSON, and the general path gives the same.

use super::decode::{Channels, Content, Kind, WINDOW_S};
use crate::domain::{Form, Quote, RawLevel, Ticker, Top, VenueTime, VolumeFigures, VolumeUnit, Written};
use crate::feed::cursor::Cursor;
use crate::feed::levels::{self, Buffers};
use crate::feed::rfc3339;

/// What came on which stream.
#[derive(Debug)]
pub(super) struct Market<'f> {
    pub(super) channel: &'f str,
    pub(super) symbol: &'f str,
    pub(super) content: Content,
}

#[inline]
pub(super) fn decode<'f>(frame: &'f [u8], channels: &Channels, buffers: &mut Buffers) -> Option<Market<'f>> {
    let mut cursor = Cursor(frame);
    cursor.literal(b"{\"channel\":\"")?;
    let channel = cursor.plain_text()?;
    let kind = channels.kind(channel)?;
    cursor.literal(b",\"type\":\"update\",\"data\":[{\"symbol\":\"")?;
    let symbol = cursor.plain_text()?;
    let content = match kind {
        Kind::Book => book(&mut cursor, buffers)?,
        Kind::Ticker => ticker(&mut cursor)?,
        Kind::Trade => return None,
    };
    cursor.literal(b"}]}")?;
    cursor.end()?;
    Some(Market { channel, symbol, content })
}

#[inline]
fn book(cursor: &mut Cursor<'_>, buffers: &mut Buffers) -> Option<Content> {
    cursor.literal(b",\"bids\":[")?;
    side(cursor, &mut buffers.bids, &mut buffers.bids_written)?;
    cursor.literal(b",\"asks\":[")?;
    side(cursor, &mut buffers.asks, &mut buffers.asks_written)?;
    cursor.literal(b",\"checksum\":")?;
    let sum = u32::try_from(cursor.integer()?).ok()?;
    let venue_time = timestamp(cursor)?;
    Some(Content::Delta { sum, venue_time })
}

/// Levels up to and with the closing bracket.
#[inline]
fn side(cursor: &mut Cursor<'_>, into: &mut Vec<RawLevel>, written: &mut Vec<Written>) -> Option<()> {
    into.clear();
    written.clear();
    if cursor.literal(b"]").is_some() {
        return Some(());
    }
    loop {
        cursor.literal(b"{\"price\":")?;
        let (price, price_digits) = cursor.bare_number()?;
        cursor.literal(b",\"qty\":")?;
        let (size, size_digits) = cursor.bare_number()?;
        cursor.literal(b"}")?;
        if !levels::has_room(into) {
            return None;
        }
        into.push(levels::level(price, size)?);
        written.push(Written { price: price_digits, size: size_digits });
        if cursor.either(b',', b']')? == b']' {
            return Some(());
        }
    }
}

/// `,"timestamp":"..."`
#[inline]
fn timestamp(cursor: &mut Cursor<'_>) -> Option<Option<VenueTime>> {
    cursor.literal(b",\"timestamp\":\"")?;
    rfc3339::parse(cursor.plain_text()?.as_bytes()).ok()
}

#[inline]
fn ticker(cursor: &mut Cursor<'_>) -> Option<Content> {
    let mut number = |name: &[u8]| {
        cursor.literal(name)?;
        cursor.bare_number().map(|(number, _)| number)
    };
    let (bid, bid_size) = (number(b",\"bid\":")?, number(b",\"bid_qty\":")?);
    let (ask, ask_size) = (number(b",\"ask\":")?, number(b",\"ask_qty\":")?);
    let (last, volume) = (number(b",\"last\":")?, number(b",\"volume\":")?);
    number(b",\"vwap\":")?;
    let (low, high) = (number(b",\"low\":")?, number(b",\"high\":")?);
    for name in [&b",\"change\":"[..], b",\"change_pct\":"] {
        cursor.literal(name)?;
        cursor.skip_bare_number()?;
    }
    let venue_time = if cursor.0.first() == Some(&b'}') { None } else { timestamp(cursor)? };
    let figures = VolumeFigures {
        form: Form::Whole,
        unit: VolumeUnit::Base,
        base_volume: Some(volume),
        quote_volume: None,
        trade_count: None,
        open: None,
        high: levels::traded_price(high),
        low: levels::traded_price(low),
        last: levels::traded_price(last),
        window_s: WINDOW_S,
        venue_time,
    };
    let top = Top::Quote(Quote {
        bid: levels::quote_side(levels::level(bid, bid_size)?),
        ask: levels::quote_side(levels::level(ask, ask_size)?),
        venue_sequence: None,
        venue_time,
    });
    Some(Content::Ticker(Ticker { figures, top }))
}
