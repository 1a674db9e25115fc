//! Where the frames come from: a made-up market or recordings.
//!
//! Owns the one interface through which REST and tests see the venue's truth, whichever source it is.

use std::sync::{Mutex, MutexGuard, PoisonError};

use rust_decimal::Decimal;

use super::book::{BookView, Top};
use super::hub::StreamId;
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

    /// The venue's clock: the wall clock, or the recording's.
    pub(super) fn clock_us(&self, wall_us: i64) -> i64 {
        match self {
            Self::Market(_) => wall_us,
            Self::Replay(replay) => replay.clock_us(),
        }
    }

    /// Whether there is such a symbol. A replay knows no more than its recordings, and denies none.
    pub(super) fn is_symbol(&self, symbol: &str) -> bool {
        match self {
            Self::Market(market) => locked(market).has(symbol),
            Self::Replay(_) => true,
        }
    }

    /// The id of the last trade, where trades are counted.
    pub(super) fn last_trade(&self, symbol: &str) -> Option<u64> {
        match self {
            Self::Market(market) => locked(market).last_trade(symbol),
            Self::Replay(_) => None,
        }
    }

    /// What a new subscriber of a stream is told first, with the routes held. `is_wanted`: there are others already.
    pub(super) fn greet(&self, stream: StreamId, wall_us: i64, is_wanted: bool) -> Option<String> {
        match self {
            Self::Market(market) => locked(market).greet(stream, wall_us, is_wanted),
            Self::Replay(replay) => replay.greet(stream, is_wanted),
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
