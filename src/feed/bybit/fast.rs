//! The fast path: book frames in the very bytes that Bybit sends, in one pass, without a JSON parser.
//!
//! Owns their shape, spelled as literals between the values; `type` and `ts` come in either order. Never words an error: `None`
//! means "ask the general path", which decides. Whatever it accepts is valid JSON, and the general path gives the same.

use super::decode::{Content, Kind};
use super::topics::Topics;
use crate::domain::Channel;
use crate::feed::cursor::Cursor;
use crate::feed::levels::{self, Buffers};

/// The topic and what came on it.
#[inline]
pub(super) fn decode<'f>(
    frame: &'f [u8],
    topics: &Topics,
    buffers: &mut Buffers,
) -> Option<(&'f str, Content)> {
    let mut cursor = Cursor(frame);
    cursor.literal(b"{\"topic\":\"")?;
    let topic = plain(cursor.string()?)?;
    let (channel, symbol) = topics.read(topic)?;
    if !matches!(channel, Channel::Quote | Channel::Depth) {
        return None;
    }
    let (kind, gateway) = if cursor.literal(b",\"type\":\"").is_some() {
        let kind = kind(&mut cursor)?;
        cursor.literal(b",\"ts\":")?;
        (kind, cursor.integer()?)
    } else {
        cursor.literal(b",\"ts\":")?;
        let gateway = cursor.integer()?;
        cursor.literal(b",\"type\":\"")?;
        (kind(&mut cursor)?, gateway)
    };
    cursor.literal(b",\"data\":{\"s\":\"")?;
    cursor.literal(symbol.as_bytes())?;
    cursor.literal(b"\",\"b\":[")?;
    cursor.side(&mut buffers.bids)?;
    cursor.literal(b",\"a\":[")?;
    cursor.side(&mut buffers.asks)?;
    cursor.literal(b",\"u\":")?;
    let update = cursor.integer()?;
    cursor.literal(b",\"seq\":")?;
    cursor.integer()?;
    cursor.literal(b"}")?;
    let millis = if cursor.literal(b",\"cts\":").is_some() { cursor.integer()? } else { gateway };
    cursor.literal(b"}")?;
    cursor.end()?;
    // Looked at even where it does not count, as on the general path.
    levels::venue_time(gateway)?;
    let content = Content::of_levels(channel, kind, update, Some(levels::venue_time(millis)?))?;
    Some((topic, content))
}

/// A topic without anything that JSON would escape.
#[inline]
fn plain(topic: &[u8]) -> Option<&str> {
    let plain =
        topic.iter().all(|byte| matches!(byte, b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'-'));
    if plain { str::from_utf8(topic).ok() } else { None }
}

/// The rest of a string.
#[inline]
fn kind(cursor: &mut Cursor<'_>) -> Option<Kind> {
    match cursor.literal(b"delta\"") {
        Some(()) => Some(Kind::Delta),
        None => cursor.literal(b"snapshot\"").map(|()| Kind::Snapshot),
    }
}
