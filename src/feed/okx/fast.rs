//! The fast path: quotes and updates of books in the very bytes that OKX sends, in one pass, without a JSON parser.
//!
//! Owns the two shapes, spelled as literals between the values. Never words an error: `None` means "ask the general path", which
//! decides. Whatever it accepts is valid JSON, and the general path gives the same.

use super::decode::{Content, Numbered, sum};
use crate::domain::{Channel, Link, Number, Quote, RawLevel, VenueSequence, VenueTime, Written};
use crate::feed::ChannelNames;
use crate::feed::cursor::Cursor;
use crate::feed::levels::{self, Buffers};

/// Channel, symbol, and what came.
#[inline]
pub(super) fn decode<'f>(
    frame: &'f [u8],
    names: &ChannelNames,
    buffers: &mut Buffers,
) -> Option<(&'f str, &'f str, Content)> {
    let mut cursor = Cursor(frame);
    cursor.literal(b"{\"arg\":{\"channel\":\"")?;
    let channel = cursor.word()?;
    cursor.literal(b",\"instId\":\"")?;
    let symbol = cursor.word()?;
    cursor.literal(b"}")?;
    let content = if channel == names.get(Channel::Quote) {
        quote(&mut cursor)?
    } else if channel == names.get(Channel::Trade) || channel != names.get(Channel::Depth) {
        return None;
    } else {
        update(&mut cursor, buffers)?
    };
    cursor.literal(b"}]}")?;
    cursor.end()?;
    Some((channel, symbol, content))
}

#[inline]
fn quote(cursor: &mut Cursor<'_>) -> Option<Content> {
    cursor.literal(b",\"data\":[{\"asks\":[")?;
    let ask = best(cursor)?;
    cursor.literal(b",\"bids\":[")?;
    let bid = best(cursor)?;
    let venue_time = time(cursor)?;
    cursor.literal(b",\"seqId\":")?;
    let venue_sequence = Some(sequence(cursor)?);
    Some(Content::Quote(Quote { bid, ask, venue_sequence, venue_time: Some(venue_time) }))
}

/// One level or none, up to and with the closing bracket.
#[inline]
fn best(cursor: &mut Cursor<'_>) -> Option<Option<RawLevel>> {
    if cursor.literal(b"]").is_some() {
        return Some(None);
    }
    let (level, _) = level(cursor)?;
    cursor.literal(b"]")?;
    Some(levels::quote_side(level))
}

#[inline]
fn update(cursor: &mut Cursor<'_>, buffers: &mut Buffers) -> Option<Content> {
    cursor.literal(b",\"action\":\"update\",\"data\":[{\"asks\":[")?;
    side(cursor, &mut buffers.asks, &mut buffers.asks_written)?;
    cursor.literal(b",\"bids\":[")?;
    side(cursor, &mut buffers.bids, &mut buffers.bids_written)?;
    let venue_time = time(cursor)?;
    let sum = match cursor.literal(b",\"checksum\":") {
        Some(()) => sum(cursor.signed()?)?,
        None => None,
    };
    let numbered = |last| Numbered { last, venue_time: Some(venue_time), sum };
    if cursor.literal(b",\"seqId\":").is_none() {
        // As in 2022, before the venue counted.
        return Some(Content::Depth { link: Link::Unsaid, book: numbered(None) });
    }
    let last = sequence(cursor)?;
    cursor.literal(b",\"prevSeqId\":")?;
    let before = sequence(cursor)?;
    Some(Content::Depth { link: Link::After(before), book: numbered(Some(last)) })
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
        let (level, digits) = level(cursor)?;
        if !levels::has_room(into) {
            return None;
        }
        into.push(level);
        written.push(digits);
        if cursor.either(b',', b']')? == b']' {
            return Some(());
        }
    }
}

/// `["8476.98","415","0","13"]`
#[inline]
fn level(cursor: &mut Cursor<'_>) -> Option<(RawLevel, Written)> {
    cursor.literal(b"[\"")?;
    let (price, price_digits) = number(cursor)?;
    cursor.literal(b",\"")?;
    let (size, size_digits) = number(cursor)?;
    cursor.literal(b",\"")?;
    cursor.skip_number()?;
    cursor.literal(b",\"")?;
    cursor.skip_number()?;
    cursor.literal(b"]")?;
    Some((levels::level(price, size)?, Written { price: price_digits, size: size_digits }))
}

/// The rest of a string that holds a number of zero or more, and its digits behind the point.
#[inline]
fn number(cursor: &mut Cursor<'_>) -> Option<(Number, u8)> {
    let text = cursor.string()?;
    let number = Number::parse(text).ok()?;
    (number.mantissa >= 0).then_some((number, levels::fraction_digits(text)?))
}

/// `,"ts":"1597026383085"`
#[inline]
fn time(cursor: &mut Cursor<'_>) -> Option<VenueTime> {
    cursor.literal(b",\"ts\":\"")?;
    let millis = cursor.integer()?;
    cursor.literal(b"\"")?;
    levels::venue_time(millis)
}

#[inline]
fn sequence(cursor: &mut Cursor<'_>) -> Option<VenueSequence> {
    let id = cursor.integer()?;
    i64::try_from(id).is_ok().then_some(VenueSequence(id))
}
