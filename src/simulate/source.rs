//! Where the frames come from: a made-up market or recordings.
//!
//! Owns the one interface through which REST and tests see the venue's truth, whichever source it is.

use std::sync::{Mutex, MutexGuard, PoisonError};

use rust_decimal::Decimal;

use super::book::{BookView, Top};
use super::market::Market;
use super::replay::Replay;

/// What `exchangeInfo` says of a symbol.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SymbolInfo {
    /// The venue's spelling, such as `BTCUSDT`.
    pub symbol: String,
    /// The base currency.
    pub base: String,
    /// The quote currency.
    pub quote: String,
    /// The price's step.
    pub tick: Decimal,
    /// The quantity's step.
    pub lot: Decimal,
}

#[derive(Debug)]
pub(super) enum Source {
    Market(Box<Mutex<Market>>),
    Replay(Box<Replay>),
}

impl Source {
    pub(super) fn symbols(&self) -> Vec<SymbolInfo> {
        match self {
            Self::Market(market) => locked(market).symbols(),
            Self::Replay(replay) => replay.symbols(),
        }
    }

    /// The top levels as of all frames sent so far, or later ones.
    pub(super) fn view(&self, symbol: &str, limit: usize) -> Option<BookView> {
        match self {
            Self::Market(market) => locked(market).view(symbol, limit),
            Self::Replay(replay) => replay.view(symbol, limit),
        }
    }

    pub(super) fn top(&self, symbol: &str) -> Option<Top> {
        match self {
            Self::Market(market) => locked(market).top(symbol),
            Self::Replay(replay) => replay.top(symbol),
        }
    }
}

pub(super) fn locked(market: &Mutex<Market>) -> MutexGuard<'_, Market> {
    market.lock().unwrap_or_else(PoisonError::into_inner)
}
