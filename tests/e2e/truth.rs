//! Comparing what the engine says with what the venue knows.

use rust_decimal::Decimal;
use tickcache::app::Engine;
use tickcache::codec::Decoded;
use tickcache::domain::{DepthLevel, Price, PriceLevel, Record, Scales, Size, State};
use tickcache::simulate::{Level, Simulator};

use crate::support::{name, value};

/// The update id that a record carries.
pub(crate) fn venue_sequence(record: &Record) -> Option<u64> {
    match record {
        Record::Price(price) => price.venue_sequence.map(|sequence| sequence.0),
        Record::Liquidity(book) => book.venue_sequence.map(|sequence| sequence.0),
        Record::Volume(_) => None,
    }
}

fn level(scales: Scales, price: Price, size: Size) -> Level {
    let decimal = |mantissa, scale: u8| Decimal::from_i128_with_scale(mantissa, u32::from(scale));
    plain((decimal(price.0, scales.price.digits()), decimal(size.0, scales.size.digits())))
}

fn top(scales: Scales, side: Option<PriceLevel>) -> Option<Level> {
    side.map(|side| level(scales, side.price, side.size.expect("this venue sends sizes")))
}

fn levels(scales: Scales, side: &[DepthLevel]) -> Vec<Level> {
    side.iter().map(|one| level(scales, one.price, one.size)).collect()
}

/// Update id, bid, ask and last trade of a price, in one text.
pub(crate) fn price_text(record: &Record) -> String {
    let Record::Price(price) = record else { panic!("a price is compared with a price") };
    let last = price.last.map(|last| level(price.scales, last.price, last.size.expect("trades have sizes")));
    let (bid, ask) = (top(price.scales, price.bid), top(price.scales, price.ask));
    format!("{:?}", (venue_sequence(record), bid, ask, last))
}

/// Update id, bids and asks of a book, in one text.
pub(crate) fn book_text(record: &Record) -> String {
    let Record::Liquidity(book) = record else { panic!("a book is compared with a book") };
    let (bids, asks) = (levels(book.scales, &book.bids), levels(book.scales, &book.asks));
    format!("{:?}", (venue_sequence(record), bids, asks))
}

/// Objects to a key that is not live.
pub(crate) fn all_live(engine: &Engine) -> Result<(), String> {
    each(engine, |_, value| live(value))
}

fn live(value: &Decoded) -> Result<(), String> {
    let stamp = value.record.stamp();
    if stamp.state == State::Live { Ok(()) } else { Err(format!("{}: {}", stamp.state, stamp.reason)) }
}

/// Objects to a key of the engine's own table that is not live or says anything else than a venue that stands still.
pub(crate) fn agrees(engine: &Engine, simulator: &Simulator) -> Result<(), String> {
    each(engine, |symbol, value| {
        live(value)?;
        record_agrees(simulator, symbol, &value.record)
    })
}

fn each(engine: &Engine, look: impl Fn(&str, &Decoded) -> Result<(), String>) -> Result<(), String> {
    for key in engine.keys() {
        let symbol = key.instrument.as_str().replace('-', "");
        let found = value(engine, key).ok_or_else(|| "no value".to_owned());
        found.and_then(|value| look(&symbol, &value)).map_err(|error| format!("{}: {error}", name(key)))?;
    }
    Ok(())
}

/// Objects to a record that says anything else than a venue that stands still. Rolling figures have no truth to compare
/// with.
pub(crate) fn record_agrees(simulator: &Simulator, symbol: &str, record: &Record) -> Result<(), String> {
    let (ours, truth) = match record {
        Record::Price(price) => {
            let truth = simulator.top(symbol).ok_or("the venue has no such symbol")?;
            let ours = (top(price.scales, price.bid), top(price.scales, price.ask));
            (format!("{ours:?}"), format!("{:?}", (truth.bid.map(plain), truth.ask.map(plain))))
        }
        Record::Liquidity(_) => {
            let truth = simulator.book(symbol, 20).ok_or("the venue has no such symbol")?;
            let side = |side: Vec<Level>| side.into_iter().map(plain).collect::<Vec<_>>();
            let truth = format!("{:?}", (Some(truth.update_id), side(truth.bids), side(truth.asks)));
            (book_text(record), truth)
        }
        Record::Volume(_) => return Ok(()),
    };
    if ours == truth { Ok(()) } else { Err(format!("{ours} instead of {truth}")) }
}

/// Without the zeros that only tell how many digits somebody writes.
fn plain((price, size): Level) -> Level {
    (price.normalize(), size.normalize())
}
