//! The `history` record, both ways: one array a column, so that zstd finds the repetitions.
//!
//! Owns which column stands where. Never holds more than [`CANDLES_MAX`] candles: further ones are left out in writing
//! and are an error in reading.

use super::cursor::Cursor;
use super::decode::{self, Stamped};
use super::encode::{self, optional_size, optional_uint};
use super::encoder::Encoder;
use super::error::DecodeError;
use super::writer::Writer;
use crate::domain::{CANDLES_MAX, Candle, CandleFlags, HistoryRecord, Price, PublishTime, Version};

const ITEMS: usize = 17;
const COLUMNS: usize = 8;

impl Encoder {
    /// Appends one whole value of a `history` key to `out`.
    pub fn encode_history(
        &mut self,
        record: &HistoryRecord,
        version: Version,
        publish_time: PublishTime,
        out: &mut Vec<u8>,
    ) {
        let items = ITEMS + COLUMNS * record.candles.len().min(CANDLES_MAX);
        self.encode_with(items, version, out, |writer| write(writer, record, publish_time));
    }
}

fn write(writer: &mut Writer<'_>, record: &HistoryRecord, publish_time: PublishTime) {
    let candles = &record.candles[..record.candles.len().min(CANDLES_MAX)];
    writer.array(ITEMS);
    encode::stamp(writer, &record.stamp, publish_time);
    writer.small([record.scales.price.digits(), record.scales.size.digits()]);
    writer.uint(u64::from(record.interval_s));
    column(writer, candles, |writer, candle| writer.int(candle.open_time_s));
    column(writer, candles, |writer, candle| writer.mantissa(candle.open.0));
    column(writer, candles, |writer, candle| writer.mantissa(candle.high.0));
    column(writer, candles, |writer, candle| writer.mantissa(candle.low.0));
    column(writer, candles, |writer, candle| writer.mantissa(candle.close.0));
    column(writer, candles, |writer, candle| optional_size(writer, candle.base_volume));
    column(writer, candles, |writer, candle| optional_uint(writer, candle.trade_count));
    column(writer, candles, |writer, candle| writer.uint(u64::from(candle.flags.0)));
}

fn column(writer: &mut Writer<'_>, candles: &[Candle], write: impl Fn(&mut Writer<'_>, &Candle)) {
    writer.array(candles.len());
    candles.iter().for_each(|candle| write(writer, candle));
}

/// Reads the record.
pub(super) fn read(cursor: &mut Cursor<'_>) -> Result<Stamped<HistoryRecord>, DecodeError> {
    let further = cursor.array_of(ITEMS)?;
    let (stamp, publish_time) = decode::stamp(cursor)?;
    let scales = decode::scales(cursor)?;
    let interval_s = cursor.number("interval in seconds")?;
    let candles = read_candles(cursor)?;
    cursor.skip(further)?;
    Ok((HistoryRecord { stamp, scales, interval_s, candles }, publish_time))
}

fn read_candles(cursor: &mut Cursor<'_>) -> Result<Vec<Candle>, DecodeError> {
    let count = cursor.array_up_to(CANDLES_MAX)?;
    let mut candles = Vec::with_capacity(count);
    for _ in 0..count {
        candles.push(empty(cursor.number("time in seconds")?));
    }
    let prices: [fn(&mut Candle) -> &mut Price; 4] = [
        |candle| &mut candle.open,
        |candle| &mut candle.high,
        |candle| &mut candle.low,
        |candle| &mut candle.close,
    ];
    for price in prices {
        cursor.array_like(count)?;
        for candle in &mut candles {
            *price(candle) = decode::price_mantissa(cursor)?;
        }
    }
    cursor.array_like(count)?;
    for candle in &mut candles {
        candle.base_volume = cursor.optional(decode::size_mantissa)?;
    }
    cursor.array_like(count)?;
    for candle in &mut candles {
        candle.trade_count = cursor.optional(decode::count)?;
    }
    cursor.array_like(count)?;
    for candle in &mut candles {
        candle.flags = CandleFlags(cursor.number("set of flags")?);
    }
    Ok(candles)
}

/// The columns to come fill it.
fn empty(open_time_s: i64) -> Candle {
    Candle {
        open_time_s,
        open: Price(0),
        high: Price(0),
        low: Price(0),
        close: Price(0),
        base_volume: None,
        trade_count: None,
        flags: CandleFlags(0),
    }
}
