//! The records from MessagePack: the other half of `encode`.
//!
//! Owns what a record's items mean to a reader. Never trusts a number: scales, sizes and lengths are checked. Limits:
//! [`DEPTH_MAX`] levels a side, otherwise an error.
//!
//! What a later version may say and this one does not know: further items are ignored; an unknown state is *suspect*
//! (not to be traded on); an unknown reason is `Reason::None`, since the state alone says whether to trade; an unknown
//! size unit is an error, since sizes would be misread.

use super::cursor::Cursor;
use super::encode::{LIQUIDITY_ITEMS, PRICE_ITEMS, VOLUME_ITEMS};
use super::error::DecodeError;
use crate::domain::{
    ConfirmedTime, DEPTH_MAX, DepthLevel, Entity, Epoch, Instrument, LastTrade, LiquidityRecord, Price,
    PriceLevel, PriceRecord, PublishTime, Reason, ReceiveTime, Record, Scale, Scales, Sequence, Size,
    SizeUnit, Stamp, State, Venue, VenueSequence, VenueTime, Version, VolumeRecord,
};

/// A record and its item 5.
pub(super) type Stamped<R> = (R, PublishTime);

/// Reads the record of a key of `entity`.
pub(super) fn record(entity: Entity, cursor: &mut Cursor<'_>) -> Result<Stamped<Record>, DecodeError> {
    match entity {
        Entity::Price => price(cursor).map(|(record, time)| (Record::Price(record), time)),
        Entity::Liquidity => liquidity(cursor).map(|(record, time)| (Record::Liquidity(record), time)),
        Entity::Volume => volume(cursor).map(|(record, time)| (Record::Volume(record), time)),
    }
}

/// Items 0 to 5.
#[inline]
pub(super) fn stamp(cursor: &mut Cursor<'_>) -> Result<Stamped<Stamp>, DecodeError> {
    let (state, reason) = (state(cursor)?, reason(cursor)?);
    let venue_time = cursor.optional(nanos)?.map(VenueTime::from_nanos);
    let receive_time = ReceiveTime::from_nanos(nanos(cursor)?);
    let confirmed_time = ConfirmedTime::from_nanos(nanos(cursor)?);
    let publish_time = PublishTime::from_nanos(nanos(cursor)?);
    Ok((Stamp { state, reason, venue_time, receive_time, confirmed_time }, publish_time))
}

/// Unknown = suspect.
pub(super) fn state(cursor: &mut Cursor<'_>) -> Result<State, DecodeError> {
    let code = u8::try_from(cursor.integer()?).ok();
    Ok(code.and_then(State::from_code).unwrap_or(State::Suspect))
}

/// Unknown = none.
pub(super) fn reason(cursor: &mut Cursor<'_>) -> Result<Reason, DecodeError> {
    let code = u8::try_from(cursor.integer()?).ok();
    Ok(code.and_then(Reason::from_code).unwrap_or(Reason::None))
}

/// A time.
#[inline]
pub(super) fn nanos(cursor: &mut Cursor<'_>) -> Result<i64, DecodeError> {
    cursor.number("time in nanoseconds")
}

/// The scales of prices and sizes.
pub(super) fn scales(cursor: &mut Cursor<'_>) -> Result<Scales, DecodeError> {
    Ok(Scales { price: scale(cursor)?, size: scale(cursor)? })
}

/// A price and its size. Without a price the size means nothing.
#[inline]
pub(super) fn level(cursor: &mut Cursor<'_>) -> Result<Option<PriceLevel>, DecodeError> {
    let (price, size) = (cursor.optional(price_mantissa)?, cursor.optional(size_mantissa)?);
    Ok(price.map(|price| PriceLevel { price, size }))
}

/// A price.
#[inline]
pub(super) fn price_mantissa(cursor: &mut Cursor<'_>) -> Result<Price, DecodeError> {
    cursor.mantissa().map(Price)
}

/// A size of zero or more.
#[inline]
pub(super) fn size_mantissa(cursor: &mut Cursor<'_>) -> Result<Size, DecodeError> {
    match cursor.mantissa()? {
        mantissa @ 0.. => Ok(Size(mantissa)),
        _ => Err(cursor.invalid("size of zero or more")),
    }
}

/// A number of trades.
pub(super) fn count(cursor: &mut Cursor<'_>) -> Result<u64, DecodeError> {
    cursor.number("count")
}

/// The name of an instrument.
pub(super) fn instrument(cursor: &mut Cursor<'_>) -> Result<Instrument, DecodeError> {
    let text = cursor.text()?;
    text.parse().map_err(|_| cursor.invalid("name of an instrument"))
}

/// The name of a venue.
pub(super) fn venue(cursor: &mut Cursor<'_>) -> Result<Venue, DecodeError> {
    let text = cursor.text()?;
    text.parse().map_err(|_| cursor.invalid("name of a venue"))
}

/// Epoch and sequence.
pub(super) fn version(cursor: &mut Cursor<'_>) -> Result<Version, DecodeError> {
    let (epoch, sequence) = (cursor.number("epoch")?, cursor.number("sequence")?);
    Epoch::new(epoch)
        .zip(Sequence::new(sequence))
        .map(|(epoch, sequence)| Version { epoch, sequence })
        .ok_or(DecodeError::VersionBeyondLimit { epoch, sequence })
}

/// Digits after the point.
pub(super) fn scale(cursor: &mut Cursor<'_>) -> Result<Scale, DecodeError> {
    let digits = cursor.number("scale from 0 to 18")?;
    Scale::new(digits).ok_or_else(|| cursor.invalid("scale from 0 to 18"))
}

fn size_unit(cursor: &mut Cursor<'_>) -> Result<SizeUnit, DecodeError> {
    match cursor.integer()? {
        0 => Ok(SizeUnit::Base),
        1 => Ok(SizeUnit::Quote),
        _ => Err(cursor.invalid("size unit that this version knows")),
    }
}

fn venue_sequence(cursor: &mut Cursor<'_>) -> Result<Option<VenueSequence>, DecodeError> {
    cursor.optional(|cursor| cursor.number("venue sequence").map(VenueSequence))
}

fn price(cursor: &mut Cursor<'_>) -> Result<Stamped<PriceRecord>, DecodeError> {
    let further = cursor.array_of(PRICE_ITEMS)?;
    let (stamp, publish_time) = stamp(cursor)?;
    let record = PriceRecord {
        stamp,
        scales: scales(cursor)?,
        size_unit: size_unit(cursor)?,
        bid: level(cursor)?,
        ask: level(cursor)?,
        venue_sequence: venue_sequence(cursor)?,
        last: last_trade(cursor)?,
    };
    cursor.skip(further)?;
    Ok((record, publish_time))
}

/// Without a price the other three items mean nothing.
fn last_trade(cursor: &mut Cursor<'_>) -> Result<Option<LastTrade>, DecodeError> {
    let level = level(cursor)?;
    let venue_time = cursor.optional(nanos)?.map(VenueTime::from_nanos);
    let receive_time = cursor.optional(nanos)?.map(ReceiveTime::from_nanos);
    Ok(level.map(|PriceLevel { price, size }| LastTrade { price, size, venue_time, receive_time }))
}

fn liquidity(cursor: &mut Cursor<'_>) -> Result<Stamped<LiquidityRecord>, DecodeError> {
    let further = cursor.array_of(LIQUIDITY_ITEMS)?;
    let (stamp, publish_time) = stamp(cursor)?;
    let record = LiquidityRecord {
        stamp,
        scales: scales(cursor)?,
        size_unit: size_unit(cursor)?,
        bids: side(cursor)?,
        asks: side(cursor)?,
        venue_sequence: venue_sequence(cursor)?,
        checked_levels: cursor.optional(|cursor| cursor.number("number of levels"))?,
    };
    cursor.skip(further)?;
    Ok((record, publish_time))
}

/// Two columns: prices, then sizes.
fn side(cursor: &mut Cursor<'_>) -> Result<Vec<DepthLevel>, DecodeError> {
    let count = cursor.array_up_to(DEPTH_MAX)?;
    let mut levels = Vec::with_capacity(count);
    for _ in 0..count {
        levels.push(DepthLevel { price: price_mantissa(cursor)?, size: Size(0) });
    }
    cursor.array_like(count)?;
    for level in &mut levels {
        level.size = size_mantissa(cursor)?;
        if level.size == Size(0) {
            return Err(cursor.invalid("size of a level: a level of size zero does not exist"));
        }
    }
    Ok(levels)
}

fn volume(cursor: &mut Cursor<'_>) -> Result<Stamped<VolumeRecord>, DecodeError> {
    let further = cursor.array_of(VOLUME_ITEMS)?;
    let (stamp, publish_time) = stamp(cursor)?;
    let record = VolumeRecord {
        stamp,
        scales: scales(cursor)?,
        quote_scale: scale(cursor)?,
        base_volume: cursor.optional(size_mantissa)?,
        quote_volume: cursor.optional(size_mantissa)?,
        trade_count: cursor.optional(count)?,
        open: cursor.optional(price_mantissa)?,
        high: cursor.optional(price_mantissa)?,
        low: cursor.optional(price_mantissa)?,
        last: cursor.optional(price_mantissa)?,
        window_s: cursor.number("window in seconds")?,
    };
    cursor.skip(further)?;
    Ok((record, publish_time))
}
