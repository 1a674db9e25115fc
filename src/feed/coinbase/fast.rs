//! The fast path: changes of the book in the very bytes that Coinbase sends, in one pass, without a JSON parser.
//!
//! Owns that one shape, which is nearly all that comes. Never words an error: `None` means "ask the general path", which
//! decides. Whatever it accepts is valid JSON, and the general path gives the same.

use super::decode::Content;
use crate::feed::cursor::Cursor;
use crate::feed::levels::{self, Buffers};
use crate::feed::rfc3339;

/// The product and what happened to it.
#[inline]
pub(super) fn decode<'f>(frame: &'f [u8], buffers: &mut Buffers) -> Option<(&'f str, Content)> {
    let mut cursor = Cursor(frame);
    cursor.literal(b"{\"type\":\"l2update\",\"product_id\":\"")?;
    let product = cursor.plain_text()?;
    cursor.literal(b",\"changes\":[")?;
    changes(&mut cursor, buffers)?;
    cursor.literal(b",\"time\":\"")?;
    let venue_time = rfc3339::parse(cursor.plain_text()?.as_bytes()).ok()?;
    cursor.literal(b"}")?;
    cursor.end()?;
    Some((product, Content::Delta { venue_time }))
}

/// Changes up to and with the closing bracket.
#[inline]
fn changes(cursor: &mut Cursor<'_>, buffers: &mut Buffers) -> Option<()> {
    buffers.bids.clear();
    buffers.asks.clear();
    if cursor.literal(b"]").is_some() {
        return Some(());
    }
    loop {
        let into = if cursor.literal(b"[\"buy\",\"").is_some() {
            &mut buffers.bids
        } else {
            cursor.literal(b"[\"sell\",\"")?;
            &mut buffers.asks
        };
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
