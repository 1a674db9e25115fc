//! Books as a plain reader keeps them, and the digest of one.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde_json::Value;

/// Price and size.
pub(crate) type Level = (Decimal, Decimal);

/// Best first.
pub(crate) type Side = Vec<Level>;

/// By the venue's symbol.
pub(crate) type Books = BTreeMap<String, Plain>;

/// The levels of a book.
#[derive(Debug, Default)]
pub(crate) struct Plain {
    pub(crate) bids: BTreeMap<Decimal, Decimal>,
    pub(crate) asks: BTreeMap<Decimal, Decimal>,
    /// The lowest bid and the highest ask up to which every level is known; `None` = all of them are.
    pub(crate) known: [Option<Decimal>; 2],
    /// The last quote, where the recording has any.
    pub(crate) quote: Option<[Level; 2]>,
}

impl Plain {
    pub(crate) fn set(&mut self, is_bid: bool, price: Decimal, size: Decimal) {
        let side = if is_bid { &mut self.bids } else { &mut self.asks };
        if size.is_zero() {
            side.remove(&price);
        } else {
            side.insert(price, size);
        }
    }

    /// Lists of levels, each of them a list that begins with price and size in quotes.
    pub(crate) fn apply(&mut self, bids: &Value, asks: &Value) {
        for (is_bid, levels) in [(true, bids), (false, asks)] {
            for level in levels.as_array().unwrap() {
                self.set(is_bid, number(&level[0]), number(&level[1]));
            }
        }
    }

    /// Only the best `most` levels of each side.
    pub(crate) fn keep(&mut self, most: usize) {
        while self.bids.len() > most {
            self.bids.pop_first();
        }
        while self.asks.len() > most {
            self.asks.pop_last();
        }
    }

    /// The best bid and the best ask.
    pub(crate) fn best(&self) -> [Option<Decimal>; 2] {
        [self.bids.last_key_value(), self.asks.first_key_value()].map(|level| level.map(|(price, _)| *price))
    }

    /// Bids and asks, at most `depth` of each, only as far as they are known.
    pub(crate) fn sides(&self, depth: usize) -> [Side; 2] {
        let level = |(price, size): (&Decimal, &Decimal)| (*price, *size);
        let [lowest, highest] = self.known;
        [
            self.bids
                .iter()
                .rev()
                .map(level)
                .take(depth)
                .take_while(|(price, _)| lowest.is_none_or(|known| *price >= known))
                .collect(),
            self.asks
                .iter()
                .map(level)
                .take(depth)
                .take_while(|(price, _)| highest.is_none_or(|known| *price <= known))
                .collect(),
        ]
    }

    /// What `verify` documents: a line of price and size for each bid and each ask, best first, then price and size of the best
    /// bid and of the best ask, each with a semicolon behind it; FNV-1a of 64 bits over that.
    pub(crate) fn digest(&self) -> String {
        let sides = self.sides(usize::MAX);
        let mut text = String::new();
        for (price, size) in sides.iter().flatten() {
            text += &format!("{} {}\n", price.normalize(), size.normalize());
        }
        for (price, size) in self.quote.unwrap_or_else(|| [sides[0][0], sides[1][0]]) {
            text += &format!("{};{};", price.normalize(), size.normalize());
        }
        let hash = text.bytes().fold(14_695_981_039_346_656_037_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(1_099_511_628_211)
        });
        format!("{hash:016x}")
    }
}

/// A number in quotes.
pub(crate) fn number(value: &Value) -> Decimal {
    value.as_str().unwrap().parse().unwrap()
}
