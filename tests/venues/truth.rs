//! Comparing a record with what the venue knows.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::rc::Rc;
use std::time::Duration;

use rust_decimal::Decimal;
use tickcache::clock;
use tickcache::domain::{
    DepthLevel, LiquidityRecord, MonoTime, PriceLevel, PriceRecord, Record, Scales, State,
};
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

/// How long what the venue was like is remembered: longer than a stream may stall, or a frame be late, without being suspect for it.
const REMEMBERED: Duration = Duration::from_secs(30);

/// What was published live and never was so at the venue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Lie {
    /// Whether it is in the [`TEN_BEST`] levels.
    pub(crate) in_ten_best: bool,
    pub(crate) text: String,
}

/// What a checksum covers at the venues that have one whose levels are fewer than the book's.
const TEN_BEST: usize = 10;

/// What the venue's tops and books were, of late.
#[derive(Debug)]
pub(crate) struct History {
    simulator: Rc<Simulator>,
    symbols: Vec<String>,
    depth: usize,
    seen: Vec<u64>,
    known: HashMap<u64, MonoTime>,
    swept: MonoTime,
}

fn fingerprint(place: usize, what: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    (place, what).hash(&mut hasher);
    hasher.finish()
}

/// Told apart from a book that has no more levels than these.
fn ten_best((bids, asks): &Sides) -> (usize, &[Level], &[Level]) {
    let best = |side: &'_ Vec<Level>| side.len().min(TEN_BEST);
    (TEN_BEST, &bids[..best(bids)], &asks[..best(asks)])
}

impl History {
    pub(crate) fn new(simulator: Rc<Simulator>, symbols: Vec<String>, depth: usize) -> Self {
        Self {
            simulator,
            depth,
            seen: vec![0; symbols.len()],
            symbols,
            known: HashMap::new(),
            swept: MonoTime::default(),
        }
    }

    /// Remembers what each symbol is like now.
    pub(crate) fn note(&mut self) {
        let now = clock::mono();
        for (place, symbol) in self.symbols.iter().enumerate() {
            let Some(top) = self.simulator.top(symbol) else { continue };
            if std::mem::replace(&mut self.seen[place], top.update_id) == top.update_id {
                continue;
            }
            let Some(view) = self.simulator.book(symbol, self.depth) else { continue };
            self.known.insert(fingerprint(place, &ends_of(&top)), now);
            let sides = sides_of(view);
            self.known.insert(fingerprint(place, &ten_best(&sides)), now);
            self.known.insert(fingerprint(place, &sides), now);
        }
        if now.since(self.swept) > REMEMBERED {
            self.swept = now;
            self.known.retain(|_, seen| now.since(*seen) <= REMEMBERED);
            // What stands still is remembered.
            self.seen.fill(0);
        }
    }

    /// Objects to a price or a book that the venue did not have.
    pub(crate) fn knows(&mut self, place: usize, record: &Record) -> Result<(), Lie> {
        let (print, best, text) = match record {
            Record::Price(price) => {
                let print = fingerprint(place, &ends(price));
                (print, print, format!("{:?}", ends(price)))
            }
            Record::Liquidity(book) => {
                let sides = sides(book);
                let best = fingerprint(place, &ten_best(&sides));
                (fingerprint(place, &sides), best, format!("{sides:?}"))
            }
            Record::Volume(_) => return Ok(()),
        };
        if !self.known.contains_key(&print) {
            // It may have come before this beat.
            self.note();
        }
        if self.known.contains_key(&print) {
            return Ok(());
        }
        Err(Lie { in_ten_best: !self.known.contains_key(&best), text })
    }
}
