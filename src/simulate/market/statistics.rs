//! The rolling 24 h statistics of one instrument.
//!
//! Owns the day before the start, made up once, and adds what is traded since.

use std::collections::VecDeque;

use rust_decimal::Decimal;

use crate::simulate::book::{Side, Top};
use crate::simulate::dialect::{Stats, Trade};

/// Trades that some venues tell to a new subscriber.
const RECENT_MAX: usize = 20;

#[derive(Debug)]
pub(super) struct Statistics {
    open: Decimal,
    high: Decimal,
    low: Decimal,
    volume: Decimal,
    quote_volume: Decimal,
    first_trade: u64,
    recent: VecDeque<Trade>,
}

impl Statistics {
    /// `one` is the quantity of the trade before the start.
    pub(super) fn new(price: Decimal, one: Decimal) -> Self {
        // Prices on the tick and quantities on the lot, as the venue's own are.
        let digits = price.normalize().scale();
        let percent = |percent| scaled((price * Decimal::new(percent, 2)).round_dp(digits), price.scale());
        let volume = scaled((Decimal::from(50_000_000) / price).round(), one.scale());
        let last = Trade { id: 3_735_683_258, price, quantity: one, maker: Side::Ask, at_us: 0 };
        Self {
            open: percent(99),
            high: percent(101),
            low: percent(98),
            volume,
            quote_volume: eight(volume * price),
            first_trade: 3_735_000_000,
            recent: VecDeque::from([last]),
        }
    }

    /// Adds a trade and gives it its id.
    pub(super) fn note(&mut self, price: Decimal, quantity: Decimal, maker: Side, at_us: i64) -> Trade {
        let trade = Trade { id: self.last().id + 1, price, quantity, maker, at_us };
        self.high = self.high.max(price);
        self.low = self.low.min(price);
        self.volume += quantity;
        self.quote_volume = eight(self.quote_volume + price * quantity);
        if self.recent.len() == RECENT_MAX {
            self.recent.pop_front();
        }
        self.recent.push_back(trade);
        trade
    }

    pub(super) fn last(&self) -> Trade {
        *self.recent.back().expect("one trade was before the start")
    }

    /// The trades since the start, the last of them.
    pub(super) fn recent(&mut self) -> &[Trade] {
        let trades = &*self.recent.make_contiguous();
        let start = trades.partition_point(|trade| trade.at_us == 0);
        &trades[start..]
    }

    pub(super) fn with(&self, top: Top) -> Stats {
        Stats {
            open: self.open,
            high: self.high,
            low: self.low,
            last: self.last(),
            volume: self.volume,
            quote_volume: self.quote_volume,
            first_trade: self.first_trade,
            top,
        }
    }
}

fn scaled(mut number: Decimal, scale: u32) -> Decimal {
    number.rescale(scale);
    number
}

fn eight(number: Decimal) -> Decimal {
    scaled(number.round_dp(8), 8)
}
