//! The fast path: USD-M payloads in the very bytes that Binance sends, in one pass, without a JSON parser.
//!
//! Owns the three hot shapes, spelled as literals between the values; the rolling figures come once in two seconds and take the
//! general path. Never words an error: `None` means "ask the general path", which decides and gives the same.

use crate::domain::{Link, Quote, Trade, VenueSequence};
use crate::feed::binance::combined::{Content, aggressor, sides, top};
use crate::feed::cursor::Cursor;
use crate::feed::levels::{self, Buffers};

#[inline]
pub(super) fn quote(cursor: &mut Cursor<'_>, symbol: &[u8]) -> Option<Content> {
    cursor.literal(b"\"e\":\"bookTicker\",\"u\":")?;
    let update = cursor.integer()?;
    cursor.literal(b",\"s\":\"")?;
    cursor.symbol(symbol)?;
    let [bid, ask] = top(cursor)?;
    cursor.literal(b",\"T\":")?;
    let time = cursor.integer()?;
    cursor.literal(b",\"E\":")?;
    cursor.integer()?;
    Some(Content::Quote(Quote {
        bid,
        ask,
        venue_sequence: Some(VenueSequence(update)),
        venue_time: Some(levels::venue_time(time)?),
    }))
}

#[inline]
pub(super) fn trade(cursor: &mut Cursor<'_>, symbol: &[u8]) -> Option<Content> {
    cursor.literal(b"\"e\":\"trade\",\"E\":")?;
    cursor.integer()?;
    cursor.literal(b",\"T\":")?;
    let time = cursor.integer()?;
    cursor.literal(b",\"s\":\"")?;
    cursor.symbol(symbol)?;
    cursor.literal(b"\",\"t\":")?;
    let number = Some(VenueSequence(cursor.integer()?));
    cursor.literal(b",\"p\":\"")?;
    let price = cursor.number()?;
    cursor.literal(b",\"q\":\"")?;
    let size = cursor.number()?;
    cursor.literal(b",\"X\":\"MARKET\",\"m\":")?;
    let buyer_is_maker = cursor.boolean()?;
    if price.is_zero() || size.is_zero() {
        return None;
    }
    let venue_time = Some(levels::venue_time(time)?);
    Some(Content::Trade(Trade { price, size, side: aggressor(buyer_is_maker), venue_time, number }))
}

#[inline]
pub(super) fn depth(cursor: &mut Cursor<'_>, symbol: &[u8], buffers: &mut Buffers) -> Option<Content> {
    cursor.literal(b"\"e\":\"depthUpdate\",\"E\":")?;
    cursor.integer()?;
    cursor.literal(b",\"T\":")?;
    let time = cursor.integer()?;
    cursor.literal(b",\"s\":\"")?;
    cursor.symbol(symbol)?;
    cursor.literal(b"\",\"U\":")?;
    let first = cursor.integer()?;
    cursor.literal(b",\"u\":")?;
    let last = cursor.integer()?;
    cursor.literal(b",\"pu\":")?;
    let before = cursor.integer()?;
    sides(cursor, buffers)?;
    let venue_time = Some(levels::venue_time(time)?);
    (before <= first && first <= last).then_some(Content::Depth {
        link: Link::After(VenueSequence(before)),
        last: VenueSequence(last),
        venue_time,
    })
}
