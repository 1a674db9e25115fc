//! One instrument's random walk.
//!
//! Owns its book and what of it was not yet sent as a depth delta. Every change of the book takes the next update id, so
//! bookTicker's `u` and the deltas' `U..u` lie in one space, as with Binance. How frames look is the dialect's matter.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use super::statistics::Statistics;
use super::{DEPTH_EVERY_MS, InstrumentSpec, MarketOptions, Sink, TICKER_EVERY_MS};
use crate::simulate::book::{Book, Level, Side};
use crate::simulate::dialect::{Chain, Dialect, On};
use crate::simulate::hub::StreamId;
use crate::simulate::outlet::{Due, Outlets, Standing};
use crate::simulate::source::SymbolInfo;

/// Ticks between bid and ask.
const SPREAD: i64 = 1;

#[derive(Debug)]
pub(super) struct Walk {
    spec: InstrumentSpec,
    outlets: Outlets,
    /// The digits after the point of prices and of quantities.
    digits: (u32, u32),
    random: fastrand::Rng,
    book: Book,
    levels: usize,
    /// The best bid, in ticks.
    bid: i64,
    /// Events due, in thousandths.
    due_milli: u64,
    updates_per_second: u64,
    jump_ordered: bool,
    changed: [BTreeMap<Decimal, Decimal>; 2],
    last_sent: u64,
    next_depth_ms: i64,
    next_ticker_ms: i64,
    /// The wall clock of the step that is being taken.
    now_us: i64,
    statistics: Statistics,
}

impl Walk {
    pub(super) fn new(
        dialect: &'static dyn Dialect,
        spec: &InstrumentSpec,
        options: &MarketOptions,
        mut random: fastrand::Rng,
        first: StreamId,
    ) -> Self {
        let digits = dialect.digits(Decimal::new(spec.tick_e8, 8), Decimal::new(spec.lot_e8, 8));
        let info = SymbolInfo {
            symbol: dialect.symbol(&spec.base, &spec.quote),
            base: spec.base.clone(),
            quote: spec.quote.clone(),
            tick: decimal(spec.tick_e8, digits.0),
            lot: decimal(spec.lot_e8, digits.1),
        };
        let outlets = Outlets::new(dialect, info, dialect.channels().iter().copied(), first);
        let bid = (spec.price_e8 / spec.tick_e8).max(2);
        let one = decimal(spec.lot_e8.max(100_000_000), digits.1);
        let statistics = Statistics::new(decimal(spec.price_e8, digits.0), one);
        let start = random.u64(1_000_000_000..60_000_000_000);
        let mut walk = Self {
            spec: spec.clone(),
            outlets,
            digits,
            book: Book::at(start),
            levels: options.levels.max(1),
            bid,
            due_milli: 0,
            updates_per_second: u64::from(options.updates_per_second),
            jump_ordered: false,
            changed: [BTreeMap::new(), BTreeMap::new()],
            last_sent: start,
            next_depth_ms: random.i64(0..DEPTH_EVERY_MS),
            next_ticker_ms: random.i64(0..TICKER_EVERY_MS),
            now_us: 0,
            statistics,
            random,
        };
        walk.fill();
        walk
    }

    fn fill(&mut self) {
        self.set(Side::Bid, self.bid, None);
        self.set(Side::Ask, self.bid + SPREAD, None);
        for side in [Side::Bid, Side::Ask] {
            for _ in 1..self.levels {
                let price = self.somewhere(side);
                self.set(side, price, None);
            }
        }
        self.changed = [BTreeMap::new(), BTreeMap::new()];
    }

    pub(super) fn symbol(&self) -> &str {
        &self.outlets.info().symbol
    }

    pub(super) fn book(&self) -> &Book {
        &self.book
    }

    pub(super) fn info(&self) -> SymbolInfo {
        self.outlets.info().clone()
    }

    pub(super) fn outlets(&self) -> &Outlets {
        &self.outlets
    }

    pub(super) fn last_trade(&self) -> u64 {
        self.statistics.last().id
    }

    /// What a new subscriber is told first.
    pub(super) fn greet(&mut self, stream: StreamId, now_us: i64, is_wanted: bool) -> Option<String> {
        let stats = self.statistics.with(self.book.top());
        let trades = self.statistics.recent();
        let standing = Standing { book: &self.book, trades, stats: Some(&stats), at_us: now_us };
        self.outlets.greet(stream, standing, is_wanted)
    }

    /// The next step moves the price by 1.2 to 2 %.
    pub(super) fn order_jump(&mut self) {
        self.jump_ordered = true;
    }

    pub(super) fn step(&mut self, now_ms: i64, elapsed_ms: i64, sink: &mut impl Sink) {
        self.now_us = now_ms * 1000;
        // A pause of the machine is not made up for: no more than a second's events at once.
        let elapsed = u64::try_from(elapsed_ms.min(1000)).unwrap_or(0);
        self.due_milli += elapsed * self.updates_per_second;
        if std::mem::take(&mut self.jump_ordered) {
            let percent_milli = self.random.i64(1200..=2000);
            let distance = (self.bid * percent_milli / 100_000).max(1);
            let up = self.random.bool();
            self.change(sink, |walk| walk.move_to(walk.bid + if up { distance } else { -distance }));
        }
        while self.due_milli >= 1000 {
            self.due_milli -= 1000;
            self.event(sink);
        }
        if now_ms >= self.next_depth_ms {
            self.next_depth_ms = next_beat(self.next_depth_ms, DEPTH_EVERY_MS, now_ms);
            self.send_depth(sink);
        }
        if now_ms >= self.next_ticker_ms {
            self.next_ticker_ms = next_beat(self.next_ticker_ms, TICKER_EVERY_MS, now_ms);
            let stats = self.statistics.with(self.book.top());
            self.outlets.ticker(On::Beat, &stats, self.now_us, sink);
            self.outlets.repeat(self.now_us, sink);
        }
    }

    /// One change of the book, chosen at random.
    fn event(&mut self, sink: &mut impl Sink) {
        match self.random.u8(0..100) {
            0..45 => self.change(sink, Self::resize_top),
            45..75 => self.change(sink, Self::touch_deep),
            75..90 => {
                // A step of the walk: mostly a tick or two, of a wider range where ticks are fine.
                let reach = (self.bid / 100_000).max(1);
                let distance = self.random.i64(1..=reach) * if self.random.bool() { 1 } else { -1 };
                self.change(sink, |walk| walk.move_to(walk.bid + distance));
            }
            _ => self.trade(sink),
        }
    }

    /// Makes a change under new update ids and tells of the top if that changed.
    fn change(&mut self, sink: &mut impl Sink, how: impl FnOnce(&mut Self)) {
        let before = (self.book.best_bid(), self.book.best_ask());
        how(self);
        self.book.update_id += self.random.u64(1..=3);
        let top = self.book.top();
        if before != (top.bid, top.ask) {
            self.outlets.top(top, self.now_us, sink);
            let stats = self.statistics.with(top);
            self.outlets.ticker(On::Top, &stats, self.now_us, sink);
        }
    }

    fn resize_top(&mut self) {
        if self.random.bool() {
            self.set(Side::Bid, self.bid, None);
        } else {
            self.set(Side::Ask, self.bid + SPREAD, None);
        }
    }

    /// Adds, resizes or removes a level behind the top, and keeps the number of levels about the same.
    fn touch_deep(&mut self) {
        let side = if self.random.bool() { Side::Bid } else { Side::Ask };
        let count = self.book.side(side).len();
        let price = self.somewhere(side);
        if count > self.levels {
            self.remove_farthest(side);
        }
        let is_there = self.book.side(side).contains_key(&self.price(price));
        if is_there && count >= self.levels && self.random.bool() {
            self.set(side, price, Some(0));
        } else {
            self.set(side, price, None);
        }
    }

    fn remove_farthest(&mut self, side: Side) {
        let levels = self.book.side(side);
        let farthest = match side {
            Side::Bid => levels.first_key_value(),
            Side::Ask => levels.last_key_value(),
        };
        if let Some(price) = farthest.map(|(price, _)| *price) {
            self.apply(side, price, self.quantity(0));
        }
    }

    /// Moves the best bid, and the best ask with it; levels that would cross go.
    fn move_to(&mut self, bid: i64) {
        let lowest = (self.spec.price_e8 / self.spec.tick_e8 / 4).max(2);
        let bid = bid.clamp(lowest, lowest.saturating_mul(16).max(lowest + 2));
        let ask = bid + SPREAD;
        let (bid_price, ask_price) = (self.price(bid), self.price(ask));
        let above: Vec<Decimal> = self
            .book
            .side(Side::Bid)
            .range(bid_price..)
            .map(|(p, _)| *p)
            .filter(|p| *p > bid_price)
            .collect();
        let below: Vec<Decimal> = self.book.side(Side::Ask).range(..ask_price).map(|(p, _)| *p).collect();
        let none = self.quantity(0);
        above.into_iter().for_each(|price| self.apply(Side::Bid, price, none));
        below.into_iter().for_each(|price| self.apply(Side::Ask, price, none));
        self.bid = bid;
        self.set(Side::Bid, bid, None);
        self.set(Side::Ask, ask, None);
        // A jump leaves a hole behind; others fill it at once.
        for side in [Side::Bid, Side::Ask] {
            let missing = self.levels.saturating_sub(self.book.side(side).len()).min(64);
            for _ in 0..missing {
                let price = self.somewhere(side);
                self.set(side, price, None);
            }
        }
    }

    fn trade(&mut self, sink: &mut impl Sink) {
        let side = if self.random.bool() { Side::Bid } else { Side::Ask };
        let best = if side == Side::Bid { self.book.best_bid() } else { self.book.best_ask() };
        let Some((price, available)) = best else { return };
        let share = Decimal::new(self.random.i64(10..=90), 2);
        let lot = self.quantity(self.spec.lot_e8);
        let quantity = ((available * share / lot).floor() * lot).round_dp(self.digits.1);
        let mut quantity = if quantity.is_zero() { available } else { quantity };
        quantity.rescale(self.digits.1);
        let rest = available - quantity;
        let trade = self.statistics.note(price, quantity, side, self.now_us);
        self.outlets.trade(trade, self.now_us, sink);
        self.change(sink, |walk| {
            // A level that was eaten up is filled again at once: the top is where the walk says.
            if rest.is_zero() {
                walk.set(side, if side == Side::Bid { walk.bid } else { walk.bid + SPREAD }, None);
            } else {
                walk.apply(side, price, rest);
            }
        });
        let stats = self.statistics.with(self.book.top());
        self.outlets.ticker(On::Trade, &stats, self.now_us, sink);
    }

    /// Tells what of the book has changed since the last time.
    pub(super) fn send_depth(&mut self, sink: &mut impl Sink) {
        if self.book.update_id == self.last_sent {
            return;
        }
        let levels = |side: BTreeMap<Decimal, Decimal>| side.into_iter().collect::<Vec<Level>>();
        let [bids, asks] = std::mem::take(&mut self.changed).map(levels);
        let bids: Vec<Level> = bids.into_iter().rev().collect();
        let (previous, last) = (self.last_sent, self.book.update_id);
        self.last_sent = last;
        let chain = Chain { previous, first: previous + 1, last, count: last, known: true };
        self.outlets.changes(chain, &bids, &asks, self.now_us, sink);
        self.outlets.windows(&self.book, self.now_us, Due::ByClock, sink);
    }

    /// Tells all that there is to tell, at whatever pace.
    pub(super) fn flush(&mut self, now_us: i64, sink: &mut impl Sink) {
        self.now_us = now_us;
        self.send_depth(sink);
        self.outlets.windows(&self.book, now_us, Due::AtOnce, sink);
    }

    /// A price behind the top, mostly near it, in ticks.
    fn somewhere(&mut self, side: Side) -> i64 {
        let reach = i64::try_from(self.levels).unwrap_or(i64::MAX / 8).max(2);
        let near = self.random.i64(1..=reach);
        let stretch = if self.random.u8(0..4) == 0 { self.random.i64(1..=8) } else { 1 };
        let distance = near.saturating_mul(stretch);
        match side {
            Side::Bid => (self.bid - distance).max(1),
            Side::Ask => self.bid + SPREAD + distance,
        }
    }

    fn price(&self, ticks: i64) -> Decimal {
        decimal(ticks * self.spec.tick_e8, self.digits.0)
    }

    fn quantity(&self, e8: i64) -> Decimal {
        decimal(e8, self.digits.1)
    }

    /// Sets a level at a price in ticks: to so many lots, or to a random quantity.
    fn set(&mut self, side: Side, ticks: i64, lots: Option<i64>) {
        let price = self.price(ticks);
        let lots = lots.unwrap_or_else(|| self.random_lots());
        let quantity = self.quantity(lots * self.spec.lot_e8);
        self.apply(side, price, quantity);
    }

    /// A quantity worth some 5 to 50,000 units of the quote currency, small ones more often.
    fn random_lots(&mut self) -> i64 {
        let worth_e8 = 500_000_000_i64 << self.random.u32(0..13);
        let worth_e8 = worth_e8 + self.random.i64(0..worth_e8);
        let price_e8 = i128::from(self.bid) * i128::from(self.spec.tick_e8);
        let quantity_e8 = i128::from(worth_e8) * 100_000_000 / price_e8.max(1);
        i64::try_from(quantity_e8 / i128::from(self.spec.lot_e8)).unwrap_or(i64::MAX / 1_000_000).max(1)
    }

    fn apply(&mut self, side: Side, price: Decimal, quantity: Decimal) {
        self.book.set(side, price, quantity);
        let index = if side == Side::Bid { 0 } else { 1 };
        self.changed[index].insert(price, quantity);
    }
}

/// A number of 1e-8 with so many digits after the point, no fewer than it needs.
fn decimal(e8: i64, scale: u32) -> Decimal {
    let mut number = Decimal::new(e8, 8).normalize();
    number.rescale(scale.max(number.scale()));
    number
}

/// The first beat after `now_ms`; beats that were missed are left out.
fn next_beat(due_ms: i64, every_ms: i64, now_ms: i64) -> i64 {
    due_ms + every_ms * ((now_ms - due_ms) / every_ms + 1)
}
