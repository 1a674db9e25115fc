//! The simulator's own order book.
//!
//! Owns the levels of one symbol, keyed by exact decimals that keep their digits: what prints as `0.10000000` came in as
//! that. Written without a look at the engine's book, so that the two can check each other. Holds as many levels as it
//! is told of; whoever feeds it bounds them.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use super::dialect::Reading;

/// A price and the quantity at it.
pub type Level = (Decimal, Decimal);

/// The side of a book.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Bid,
    Ask,
}

/// The top of a book, as the venue knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Top {
    /// The book's update id (`u`) at which this top stood.
    pub update_id: u64,
    /// The best bid, where there is one.
    pub bid: Option<Level>,
    /// The best ask, where there is one.
    pub ask: Option<Level>,
}

/// The top levels of a book, as the venue knows them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BookView {
    /// The book's update id (`lastUpdateId`).
    pub update_id: u64,
    /// Bids, best first.
    pub bids: Vec<Level>,
    /// Asks, best first.
    pub asks: Vec<Level>,
}

/// The book of one symbol.
#[derive(Debug, Clone, Default)]
pub(super) struct Book {
    pub(super) update_id: u64,
    bids: BTreeMap<Decimal, Decimal>,
    asks: BTreeMap<Decimal, Decimal>,
}

impl Book {
    /// An empty book as of an update id.
    pub(super) fn at(update_id: u64) -> Self {
        Self { update_id, ..Self::default() }
    }

    /// Sets the quantity at a price; zero removes the level.
    pub(super) fn set(&mut self, side: Side, price: Decimal, quantity: Decimal) {
        let levels = match side {
            Side::Bid => &mut self.bids,
            Side::Ask => &mut self.asks,
        };
        if quantity.is_zero() {
            levels.remove(&price);
        } else {
            levels.insert(price, quantity);
        }
    }

    /// Applies what a frame tells; its id becomes the book's, or the next one where the venue gives none.
    pub(super) fn take(&mut self, reading: &Reading) {
        if reading.is_whole {
            self.bids.clear();
            self.asks.clear();
        }
        for (price, quantity) in &reading.bids {
            self.set(Side::Bid, *price, *quantity);
        }
        for (price, quantity) in &reading.asks {
            self.set(Side::Ask, *price, *quantity);
        }
        self.update_id = reading.id.unwrap_or(self.update_id + 1);
    }

    /// Forgets all but the best levels of each side.
    pub(super) fn truncate(&mut self, depth: usize) {
        while self.bids.len() > depth {
            self.bids.pop_first();
        }
        while self.asks.len() > depth {
            self.asks.pop_last();
        }
    }

    pub(super) fn side(&self, side: Side) -> &BTreeMap<Decimal, Decimal> {
        match side {
            Side::Bid => &self.bids,
            Side::Ask => &self.asks,
        }
    }

    pub(super) fn best_bid(&self) -> Option<Level> {
        self.bids.last_key_value().map(|(price, quantity)| (*price, *quantity))
    }

    pub(super) fn best_ask(&self) -> Option<Level> {
        self.asks.first_key_value().map(|(price, quantity)| (*price, *quantity))
    }

    pub(super) fn top(&self) -> Top {
        Top { update_id: self.update_id, bid: self.best_bid(), ask: self.best_ask() }
    }

    /// The best `limit` levels of each side.
    pub(super) fn view(&self, limit: usize) -> BookView {
        let copied = |(price, quantity): (&Decimal, &Decimal)| (*price, *quantity);
        BookView {
            update_id: self.update_id,
            bids: self.bids.iter().rev().take(limit).map(copied).collect(),
            asks: self.asks.iter().take(limit).map(copied).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_keeps_its_digits_and_goes_with_quantity_zero() {
        let number = |text: &str| text.parse::<Decimal>().unwrap();
        let mut book = Book::default();
        book.set(Side::Bid, number("1.50000000"), number("0.10000000"));
        book.set(Side::Bid, number("1.40000000"), number("2.00000000"));
        book.set(Side::Ask, number("1.60000000"), number("3.00000000"));
        let (price, quantity) = book.best_bid().unwrap();
        assert_eq!((price.to_string().as_str(), quantity.to_string().as_str()), ("1.50000000", "0.10000000"));
        book.set(Side::Bid, number("1.5"), number("0.00000000"));
        assert_eq!(book.best_bid().unwrap().0, number("1.4"));
        assert_eq!(book.view(5).asks, [(number("1.6"), number("3"))]);
    }
}
