//! The `compare` record, both ways.
//!
//! Owns which item stands where. Never holds more than [`COMPARE_VENUES_MAX`] venues: further ones are left out in
//! writing and are an error in reading.

use super::cursor::Cursor;
use super::decode::{self, Stamped};
use super::encode;
use super::encoder::Encoder;
use super::error::DecodeError;
use super::writer::Writer;
use crate::domain::{
    BestLevel, COMPARE_VENUES_MAX, CompareRecord, ComparedVenue, ConfirmedTime, PublishTime, Version,
};

const ITEMS: usize = 15;
const VENUE_ITEMS: usize = 10;

impl Encoder {
    /// Appends one whole value of a `compare` key to `out`.
    pub fn encode_compare(
        &mut self,
        record: &CompareRecord,
        version: Version,
        publish_time: PublishTime,
        out: &mut Vec<u8>,
    ) {
        let items = ITEMS + (VENUE_ITEMS + 1) * record.venues.len().min(COMPARE_VENUES_MAX);
        self.encode_with(items, version, out, |writer| write(writer, record, publish_time));
    }
}

fn write(writer: &mut Writer<'_>, record: &CompareRecord, publish_time: PublishTime) {
    let venues = &record.venues[..record.venues.len().min(COMPARE_VENUES_MAX)];
    writer.array(ITEMS);
    encode::stamp(writer, &record.stamp, publish_time);
    writer.small([record.scales.price.digits(), record.scales.size.digits()]);
    write_best(writer, record.best_bid.as_ref());
    write_best(writer, record.best_ask.as_ref());
    writer.array(venues.len());
    for venue in venues {
        writer.array(VENUE_ITEMS);
        writer.text(venue.venue.as_str());
        writer.small([venue.state.code(), venue.reason.code()]);
        writer.uint(venue.version.epoch.get());
        writer.uint(venue.version.sequence.get());
        encode::level(writer, venue.bid);
        encode::level(writer, venue.ask);
        writer.time(venue.confirmed_time.nanos());
    }
}

fn write_best(writer: &mut Writer<'_>, best: Option<&BestLevel>) {
    encode::level(writer, best.map(|best| best.level));
    match best {
        Some(best) => writer.text(best.venue.as_str()),
        None => writer.nil(),
    }
}

/// Reads the record.
pub(super) fn read(cursor: &mut Cursor<'_>) -> Result<Stamped<CompareRecord>, DecodeError> {
    let further = cursor.array_of(ITEMS)?;
    let (stamp, publish_time) = decode::stamp(cursor)?;
    let scales = decode::scales(cursor)?;
    let (best_bid, best_ask) = (read_best(cursor)?, read_best(cursor)?);
    let count = cursor.array_up_to(COMPARE_VENUES_MAX)?;
    let mut venues = Vec::with_capacity(count);
    for _ in 0..count {
        venues.push(read_venue(cursor)?);
    }
    cursor.skip(further)?;
    Ok((CompareRecord { stamp, scales, best_bid, best_ask, venues }, publish_time))
}

/// Without a price or without a venue there is no best.
fn read_best(cursor: &mut Cursor<'_>) -> Result<Option<BestLevel>, DecodeError> {
    let (level, venue) = (decode::level(cursor)?, cursor.optional(decode::venue)?);
    Ok(level.zip(venue).map(|(level, venue)| BestLevel { level, venue }))
}

fn read_venue(cursor: &mut Cursor<'_>) -> Result<ComparedVenue, DecodeError> {
    let further = cursor.array_of(VENUE_ITEMS)?;
    let read = ComparedVenue {
        venue: decode::venue(cursor)?,
        state: decode::state(cursor)?,
        reason: decode::reason(cursor)?,
        version: decode::version(cursor)?,
        bid: decode::level(cursor)?,
        ask: decode::level(cursor)?,
        confirmed_time: ConfirmedTime::from_nanos(decode::nanos(cursor)?),
    };
    cursor.skip(further)?;
    Ok(read)
}
