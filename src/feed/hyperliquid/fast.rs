//! The fast path: quotes and books in the very bytes that Hyperliquid sends, in one pass, without a JSON parser.
//!
//! Owns the two shapes, spelled as literals between the values. Never words an error: `None` means "ask the general path", which
//! decides. Whatever it accepts is valid JSON, and the general path gives the same.

use super::decode::Content;
use crate::domain::{Channel, Quote, RawLevel};
use crate::feed::ChannelNames;
use crate::feed::cursor::Cursor;
use crate::feed::levels::{self, Buffers};

/// Channel, coin, and what came.
#[inline]
pub(super) fn decode<'f>(
    frame: &'f [u8],
    names: &ChannelNames,
    buffers: &mut Buffers,
) -> Option<(&'f str, &'f str, Content)> {
    let mut cursor = Cursor(frame);
    cursor.literal(b"{\"channel\":\"")?;
    let channel = cursor.word()?;
    cursor.literal(b",\"data\":{\"coin\":\"")?;
    let coin = cursor.word()?;
    cursor.literal(b",\"time\":")?;
    let venue_time = levels::venue_time(cursor.integer()?)?;
    let content = if channel == names.get(Channel::Quote) {
        cursor.literal(b",\"bbo\":[")?;
        let bid = best(&mut cursor)?;
        cursor.literal(b",")?;
        let ask = best(&mut cursor)?;
        cursor.literal(b"]")?;
        Content::Quote(Quote { bid, ask, venue_sequence: None, venue_time: Some(venue_time) })
    } else if channel == names.get(Channel::Trade) || channel != names.get(Channel::Depth) {
        return None;
    } else {
        cursor.literal(b",\"levels\":[[")?;
        side(&mut cursor, &mut buffers.bids)?;
        cursor.literal(b",[")?;
        side(&mut cursor, &mut buffers.asks)?;
        cursor.literal(b"]")?;
        if cursor.literal(b",\"fast\":").is_some() {
            cursor.boolean()?;
        }
        Content::Book { venue_time }
    };
    cursor.literal(b"}}")?;
    cursor.end()?;
    Some((channel, coin, content))
}

/// A level or null.
#[inline]
fn best(cursor: &mut Cursor<'_>) -> Option<Option<RawLevel>> {
    if cursor.literal(b"null").is_some() {
        return Some(None);
    }
    level(cursor).map(levels::quote_side)
}

/// Levels up to and with the closing bracket.
#[inline]
fn side(cursor: &mut Cursor<'_>, into: &mut Vec<RawLevel>) -> Option<()> {
    into.clear();
    if cursor.literal(b"]").is_some() {
        return Some(());
    }
    loop {
        let level = level(cursor)?;
        if !levels::has_room(into) {
            return None;
        }
        into.push(level);
        if cursor.either(b',', b']')? == b']' {
            return Some(());
        }
    }
}

/// `{"px":"64437.0","sz":"1.4491","n":2}`
#[inline]
fn level(cursor: &mut Cursor<'_>) -> Option<RawLevel> {
    cursor.literal(b"{\"px\":\"")?;
    let price = cursor.number()?;
    cursor.literal(b",\"sz\":\"")?;
    let size = cursor.number()?;
    cursor.literal(b",\"n\":")?;
    cursor.skip_integer()?;
    cursor.literal(b"}")?;
    levels::level(price, size)
}
