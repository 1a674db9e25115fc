//! An event of a key: `[schema, kind, instrument, venue, entity, epoch, sequence, time, detail...]`.
//!
//! Owns the items of each kind's detail. Never guesses: a kind or an entity that this version does not know is an error.

use super::super::cursor::Cursor;
use super::super::decode;
use super::super::envelope::SCHEMA;
use super::super::error::DecodeError;
use super::super::writer::Writer;
use super::{append, read_person_text, read_whole, write_person_text};
use crate::domain::{Entity, EventDetail, EventKind, Instrument, Scales, Side, Venue, Version, WallTime};

/// The items before the detail.
const HEAD_ITEMS: usize = 8;

/// Something that happened to a key, as it is told on the event channel of its instrument.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventMessage {
    /// Of which instrument.
    pub instrument: Instrument,
    /// At which venue.
    pub venue: Venue,
    /// Which of its keys.
    pub entity: Entity,
    /// The value that it speaks of; that one, or a newer one, is in Redis.
    pub version: Version,
    /// When it was found.
    pub time: WallTime,
    /// What happened.
    pub detail: EventDetail,
}

/// Appends the message to `out`. Texts beyond [`INVALIDATION_TEXT_MAX`](crate::domain::INVALIDATION_TEXT_MAX) are cut.
pub fn encode_event(message: &EventMessage, out: &mut Vec<u8>) {
    let kind = message.detail.kind();
    append(out, |writer| {
        writer.array(HEAD_ITEMS + detail_items(kind));
        writer.small([SCHEMA, kind.code()]);
        writer.text(message.instrument.as_str());
        writer.text(message.venue.as_str());
        writer.text(message.entity.as_str());
        writer.uint(message.version.epoch.get());
        writer.uint(message.version.sequence.get());
        writer.time(message.time.nanos());
        write_detail(writer, &message.detail);
    });
}

/// Reads an event.
///
/// # Errors
/// [`DecodeError`], where the bytes are no event that this version knows.
pub fn decode_event(bytes: &[u8]) -> Result<EventMessage, DecodeError> {
    read_whole(bytes, |cursor, items| {
        items.beyond(2, cursor)?;
        let kind = read_kind(cursor)?;
        let further = items.beyond(HEAD_ITEMS + detail_items(kind), cursor)?;
        let message = EventMessage {
            instrument: decode::instrument(cursor)?,
            venue: decode::venue(cursor)?,
            entity: read_entity(cursor)?,
            version: decode::version(cursor)?,
            time: WallTime::from_nanos(decode::nanos(cursor)?),
            detail: read_detail(kind, cursor)?,
        };
        cursor.skip(further)?;
        Ok(message)
    })
}

const fn detail_items(kind: EventKind) -> usize {
    match kind {
        EventKind::PriceMove => 3,
        EventKind::Trade => 5,
        EventKind::LiquidityChange => 4,
        EventKind::State | EventKind::Invalidated => 2,
    }
}

fn write_detail(writer: &mut Writer<'_>, detail: &EventDetail) {
    match detail {
        EventDetail::PriceMove { price_scale, reference, price } => {
            writer.small([price_scale.digits()]);
            writer.mantissa(reference.0);
            writer.mantissa(price.0);
        }
        EventDetail::Trade { scales, price, size, side } => {
            writer.small([scales.price.digits(), scales.size.digits()]);
            writer.mantissa(price.0);
            writer.mantissa(size.0);
            writer.small([side_code(*side)]);
        }
        EventDetail::LiquidityChange { size_scale, before, after, side } => {
            writer.small([size_scale.digits()]);
            writer.mantissa(before.0);
            writer.mantissa(after.0);
            writer.small([side_code(*side)]);
        }
        EventDetail::State { state, reason } => writer.small([state.code(), reason.code()]),
        EventDetail::Invalidated { who, why } => {
            write_person_text(writer, who);
            write_person_text(writer, why);
        }
    }
}

/// The fields are read in the order in which they stand here, which is that of the items.
fn read_detail(kind: EventKind, cursor: &mut Cursor<'_>) -> Result<EventDetail, DecodeError> {
    Ok(match kind {
        EventKind::PriceMove => EventDetail::PriceMove {
            price_scale: decode::scale(cursor)?,
            reference: decode::price_mantissa(cursor)?,
            price: decode::price_mantissa(cursor)?,
        },
        EventKind::Trade => EventDetail::Trade {
            scales: Scales { price: decode::scale(cursor)?, size: decode::scale(cursor)? },
            price: decode::price_mantissa(cursor)?,
            size: decode::size_mantissa(cursor)?,
            side: read_side(cursor)?,
        },
        EventKind::LiquidityChange => EventDetail::LiquidityChange {
            size_scale: decode::scale(cursor)?,
            before: decode::size_mantissa(cursor)?,
            after: decode::size_mantissa(cursor)?,
            side: read_side(cursor)?,
        },
        EventKind::State => {
            EventDetail::State { state: decode::state(cursor)?, reason: decode::reason(cursor)? }
        }
        EventKind::Invalidated => {
            EventDetail::Invalidated { who: read_person_text(cursor)?, why: read_person_text(cursor)? }
        }
    })
}

fn read_kind(cursor: &mut Cursor<'_>) -> Result<EventKind, DecodeError> {
    let code = cursor.integer()?;
    let known = EventKind::ALL.into_iter().find(|kind| i128::from(kind.code()) == code);
    known.ok_or_else(|| cursor.invalid("kind of event that this version knows"))
}

fn read_entity(cursor: &mut Cursor<'_>) -> Result<Entity, DecodeError> {
    let name = cursor.text()?;
    let known = Entity::ALL.into_iter().find(|entity| entity.as_str() == name);
    known.ok_or_else(|| cursor.invalid("entity that this version knows"))
}

const fn side_code(side: Side) -> u8 {
    match side {
        Side::Buy => 0,
        Side::Sell => 1,
    }
}

fn read_side(cursor: &mut Cursor<'_>) -> Result<Side, DecodeError> {
    match cursor.integer()? {
        0 => Ok(Side::Buy),
        1 => Ok(Side::Sell),
        _ => Err(cursor.invalid("side: 0 for buy, 1 for sell")),
    }
}
