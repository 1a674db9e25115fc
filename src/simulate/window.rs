//! The best levels of a book as a stream tells them: what was told last, and what has changed since.
//!
//! Owns one stream's view and its chain of ids. Pure.

use rust_decimal::Decimal;

use super::book::{Book, BookView, Level, Side};
use super::dialect::{Beyond, Chain};

/// The first of the ids that count up by one: 1 means a restart at Bybit.
const COUNT_START: u64 = 1_000_000;

#[derive(Debug)]
pub(super) struct Window {
    depth: usize,
    beyond: Beyond,
    told: BookView,
    count: u64,
}

/// What has changed since the last telling.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Change {
    pub(super) chain: Chain,
    pub(super) bids: Vec<Level>,
    pub(super) asks: Vec<Level>,
}

impl Window {
    pub(super) fn new(depth: usize, beyond: Beyond) -> Self {
        let told = BookView { update_id: 0, bids: Vec::new(), asks: Vec::new() };
        Self { depth, beyond, told, count: COUNT_START }
    }

    /// What was told last.
    pub(super) fn told(&self) -> &BookView {
        &self.told
    }

    pub(super) fn chain(&self) -> Chain {
        let id = self.told.update_id;
        Chain { previous: id, first: id, last: id, count: self.count, known: true }
    }

    /// Moves on to the book as it is now; nothing where that makes no difference.
    pub(super) fn advance(&mut self, book: &Book) -> Option<Change> {
        if book.update_id == self.told.update_id {
            return None;
        }
        let now = book.view(self.depth);
        let bids = self.differences(&self.told.bids, &now.bids, book, Side::Bid);
        let asks = self.differences(&self.told.asks, &now.asks, book, Side::Ask);
        if bids.is_empty() && asks.is_empty() {
            return None;
        }
        let previous = self.told.update_id;
        self.count += 1;
        self.told = now;
        let chain = Chain {
            previous,
            first: previous + 1,
            last: self.told.update_id,
            count: self.count,
            known: true,
        };
        Some(Change { chain, bids, asks })
    }

    /// Moves on without telling, for nobody has listened.
    pub(super) fn skip_to(&mut self, book: &Book) {
        self.told = book.view(self.depth);
    }

    /// Both sides are walked at once, best first.
    fn differences(&self, before: &[Level], now: &[Level], book: &Book, side: Side) -> Vec<Level> {
        let is_better = |one: Decimal, other: Decimal| match side {
            Side::Bid => one > other,
            Side::Ask => one < other,
        };
        let mut changed = Vec::new();
        let (mut old, mut new) = (before.iter().peekable(), now.iter().peekable());
        loop {
            match (old.peek(), new.peek()) {
                (None, None) => return changed,
                (Some(gone), other) if other.is_none_or(|(price, _)| is_better(gone.0, *price)) => {
                    let (price, quantity) = **gone;
                    if self.beyond == Beyond::Removed || !book.side(side).contains_key(&price) {
                        changed.push((price, Decimal::new(0, quantity.scale())));
                    }
                    old.next();
                }
                (Some(same), Some(level)) if same.0 == level.0 => {
                    if same.1 != level.1 {
                        changed.push(**level);
                    }
                    old.next();
                    new.next();
                }
                (_, Some(level)) => {
                    changed.push(**level);
                    new.next();
                }
                (Some(_), None) => unreachable!("the first arm takes it"),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn level(price: i64, quantity: i64) -> Level {
        (Decimal::from(price), Decimal::from(quantity))
    }

    fn set(book: &mut Book, side: Side, (price, quantity): Level) {
        book.set(side, price, quantity);
        book.update_id += 1;
    }

    #[test]
    fn a_level_that_is_pushed_out_is_removed_or_left_to_the_client_and_comes_back() {
        for (beyond, pushed) in [(Beyond::Removed, vec![level(9, 0)]), (Beyond::Truncated, vec![])] {
            let mut book = Book::at(5);
            let mut window = Window::new(2, beyond);
            set(&mut book, Side::Bid, level(10, 1));
            set(&mut book, Side::Bid, level(9, 1));
            assert_eq!(window.advance(&book).unwrap().bids, [level(10, 1), level(9, 1)]);
            assert_eq!(window.advance(&book), None);
            set(&mut book, Side::Bid, level(11, 1));
            let change = window.advance(&book).unwrap();
            assert_eq!(change.bids, [vec![level(11, 1)], pushed].concat(), "{beyond:?}");
            assert_eq!((change.chain.previous, change.chain.last), (7, 8));
            set(&mut book, Side::Bid, level(11, 0));
            assert_eq!(window.advance(&book).unwrap().bids, [level(11, 0), level(9, 1)]);
        }
    }

    #[test]
    fn changes_beyond_the_window_are_not_told() {
        let mut book = Book::at(1);
        let mut window = Window::new(1, Beyond::Removed);
        set(&mut book, Side::Ask, level(10, 1));
        window.skip_to(&book);
        set(&mut book, Side::Ask, level(12, 1));
        assert_eq!(window.advance(&book), None);
        set(&mut book, Side::Ask, level(10, 3));
        assert_eq!(window.advance(&book).unwrap().asks, [level(10, 3)]);
    }
}
