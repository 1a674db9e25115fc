//! The records as MessagePack: positional arrays (WIRE.md, "Records").
//!
//! Owns which item stands where. Never compresses, never allocates. A side of a book holds at most [`DEPTH_MAX`]
//! levels; farther ones are left out.

use super::writer::{ITEM_BYTES_MAX, SLACK_BYTES, Writer};
use crate::domain::{
    DEPTH_MAX, DepthLevel, LiquidityRecord, Price, PriceLevel, PriceRecord, PublishTime, RecordRef, Size,
    SizeUnit, Stamp, VolumeRecord,
};

pub(super) const PRICE_ITEMS: usize = 18;
pub(super) const LIQUIDITY_ITEMS: usize = 15;
pub(super) const VOLUME_ITEMS: usize = 17;

/// The most bytes that a record of so many items, its own head and those of up to 16 arrays in it can take.
pub(super) const fn bytes_max(items: usize) -> usize {
    17 * 3 + items * ITEM_BYTES_MAX + SLACK_BYTES
}

/// How many items `record` will have, those of its arrays among them.
#[inline]
pub(super) fn items(record: RecordRef<'_>) -> usize {
    match record {
        RecordRef::Price(_) => PRICE_ITEMS,
        RecordRef::Liquidity(record) => {
            LIQUIDITY_ITEMS + 2 * (shown(&record.bids).len() + shown(&record.asks).len())
        }
        RecordRef::Volume(_) => VOLUME_ITEMS,
    }
}

/// Writes a record.
#[inline]
pub(super) fn write(writer: &mut Writer<'_>, record: RecordRef<'_>, publish_time: PublishTime) {
    match record {
        RecordRef::Price(record) => price(writer, record, publish_time),
        RecordRef::Liquidity(record) => liquidity(writer, record, publish_time),
        RecordRef::Volume(record) => volume(writer, record, publish_time),
    }
}

/// Items 0 to 5.
#[inline]
pub(super) fn stamp(writer: &mut Writer<'_>, stamp: &Stamp, publish_time: PublishTime) {
    writer.small([stamp.state.code(), stamp.reason.code()]);
    optional_time(writer, stamp.venue_time.map(crate::domain::VenueTime::nanos));
    writer.time(stamp.receive_time.nanos());
    writer.time(stamp.confirmed_time.nanos());
    writer.time(publish_time.nanos());
}

/// A price and its size, or two nils.
#[inline]
pub(super) fn level(writer: &mut Writer<'_>, level: Option<PriceLevel>) {
    optional_price(writer, level.map(|level| level.price));
    optional_size(writer, level.and_then(|level| level.size));
}

#[inline]
pub(super) fn optional_size(writer: &mut Writer<'_>, size: Option<Size>) {
    match size {
        Some(Size(mantissa)) => writer.mantissa(mantissa),
        None => writer.nil(),
    }
}

#[inline]
pub(super) fn optional_uint(writer: &mut Writer<'_>, number: Option<u64>) {
    match number {
        Some(number) => writer.uint(number),
        None => writer.nil(),
    }
}

#[inline]
fn optional_price(writer: &mut Writer<'_>, price: Option<Price>) {
    match price {
        Some(Price(mantissa)) => writer.mantissa(mantissa),
        None => writer.nil(),
    }
}

#[inline]
fn optional_time(writer: &mut Writer<'_>, nanos: Option<i64>) {
    match nanos {
        Some(nanos) => writer.time(nanos),
        None => writer.nil(),
    }
}

const fn size_unit_code(unit: SizeUnit) -> u8 {
    match unit {
        SizeUnit::Base => 0,
        SizeUnit::Quote => 1,
    }
}

#[inline]
fn price(writer: &mut Writer<'_>, record: &PriceRecord, publish_time: PublishTime) {
    writer.array(PRICE_ITEMS);
    stamp(writer, &record.stamp, publish_time);
    writer.small([
        record.scales.price.digits(),
        record.scales.size.digits(),
        size_unit_code(record.size_unit),
    ]);
    level(writer, record.bid);
    level(writer, record.ask);
    optional_uint(writer, record.venue_sequence.map(|sequence| sequence.0));
    match &record.last {
        Some(last) => {
            writer.mantissa(last.price.0);
            optional_size(writer, last.size);
            optional_time(writer, last.venue_time.map(crate::domain::VenueTime::nanos));
            optional_time(writer, last.receive_time.map(crate::domain::ReceiveTime::nanos));
        }
        None => writer.raw(&[0xc0; 4]),
    }
}

fn liquidity(writer: &mut Writer<'_>, record: &LiquidityRecord, publish_time: PublishTime) {
    writer.array(LIQUIDITY_ITEMS);
    stamp(writer, &record.stamp, publish_time);
    writer.small([
        record.scales.price.digits(),
        record.scales.size.digits(),
        size_unit_code(record.size_unit),
    ]);
    for side in [shown(&record.bids), shown(&record.asks)] {
        writer.array(side.len());
        side.iter().for_each(|level| writer.mantissa(level.price.0));
        writer.array(side.len());
        side.iter().for_each(|level| writer.mantissa(level.size.0));
    }
    optional_uint(writer, record.venue_sequence.map(|sequence| sequence.0));
    optional_uint(writer, record.checked_levels.map(u64::from));
}

fn volume(writer: &mut Writer<'_>, record: &VolumeRecord, publish_time: PublishTime) {
    writer.array(VOLUME_ITEMS);
    stamp(writer, &record.stamp, publish_time);
    writer.small([record.scales.price.digits(), record.scales.size.digits(), record.quote_scale.digits()]);
    optional_size(writer, record.base_volume);
    optional_size(writer, record.quote_volume);
    optional_uint(writer, record.trade_count);
    for price in [record.open, record.high, record.low, record.last] {
        optional_price(writer, price);
    }
    writer.uint(u64::from(record.window_s));
}

/// The levels that the contract has room for.
fn shown(side: &[DepthLevel]) -> &[DepthLevel] {
    &side[..side.len().min(DEPTH_MAX)]
}
