//! Comparing a record with what the venue knows.

use rust_decimal::Decimal;
use tickcache::domain::{DepthLevel, LiquidityRecord, PriceLevel, PriceRecord, Record, Scales, State};
use tickcache::simulate::{BookView, Level, Simulator, Top};

/// Without the zeros that only tell how many digits somebody writes.
fn plain((price, size): Level) -> Level {
    (price.normalize(), size.normalize())
}

fn decimal(mantissa: i128, scale: u8) -> Decimal {
    Decimal::from_i128_with_scale(mantissa, u32::from(scale)).normalize()
}

fn top_level(scales: Scales, side: Option<PriceLevel>) -> Option<Level> {
    side.map(|side| {
        let size = side.size.expect("these venues send sizes");
        (decimal(side.price.0, scales.price.digits()), decimal(size.0, scales.size.digits()))
    })
}

fn levels(scales: Scales, side: &[DepthLevel]) -> Vec<Level> {
    let level = |one: &DepthLevel| {
        (decimal(one.price.0, scales.price.digits()), decimal(one.size.0, scales.size.digits()))
    };
    side.iter().map(level).collect()
}

/// Bid and ask.
pub(crate) type Ends = (Option<Level>, Option<Level>);

/// Bids and asks.
pub(crate) type Sides = (Vec<Level>, Vec<Level>);

pub(crate) fn ends(price: &PriceRecord) -> Ends {
    (top_level(price.scales, price.bid), top_level(price.scales, price.ask))
}

pub(crate) fn ends_of(top: &Top) -> Ends {
    (top.bid.map(plain), top.ask.map(plain))
}

pub(crate) fn sides(book: &LiquidityRecord) -> Sides {
    (levels(book.scales, &book.bids), levels(book.scales, &book.asks))
}

pub(crate) fn sides_of(view: BookView) -> Sides {
    let side = |side: Vec<Level>| side.into_iter().map(plain).collect();
    (side(view.bids), side(view.asks))
}

/// Objects to a record that is not live, or says anything else than a venue that stands still. Rolling figures have no truth
/// to compare with.
pub(crate) fn agrees(
    record: &Record,
    simulator: &Simulator,
    symbol: &str,
    depth: usize,
) -> Result<(), String> {
    is_live(record)?;
    let same = |ours: String, truth: String| {
        if ours == truth { Ok(()) } else { Err(format!("{ours} instead of {truth}")) }
    };
    match record {
        Record::Price(price) => {
            let truth = simulator.top(symbol).ok_or("the venue has no such symbol")?;
            same(format!("{:?}", ends(price)), format!("{:?}", ends_of(&truth)))
        }
        Record::Liquidity(book) => {
            let truth = simulator.book(symbol, depth).ok_or("the venue has no such symbol")?;
            same(format!("{:?}", sides(book)), format!("{:?}", sides_of(truth)))
        }
        Record::Volume(_) => Ok(()),
    }
}

/// Objects to a record that is not live.
pub(crate) fn is_live(record: &Record) -> Result<(), String> {
    let stamp = record.stamp();
    if stamp.state == State::Live { Ok(()) } else { Err(format!("{}: {}", stamp.state, stamp.reason)) }
}
