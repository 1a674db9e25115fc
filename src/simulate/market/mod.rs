//! A made-up market.
//!
//! Owns some instruments whose prices walk at random from a seed: books of hundreds of levels, top of book, depth deltas
//! each 100 ms, trades, 24 h tickers, and now and then a jump of more than 1 %. Pure: time is an argument, and frames go
//! to a [`Sink`], so that minutes of market pass in a test within moments. At most [`INSTRUMENTS_MAX`] instruments.

mod driver;
mod instrument;
mod options;
mod statistics;

use std::sync::Arc;

pub(super) use driver::drive;
use instrument::Walk;
pub use options::{InstrumentSpec, MarketOptions};

use super::book::{BookView, Top};
use super::dialect::Dialect;
use super::hub::StreamId;
pub(super) use super::outlet::Sink;
use super::source::SymbolInfo;
use crate::domain::INSTRUMENTS_MAX;

/// Milliseconds between two depth deltas of an instrument.
const DEPTH_EVERY_MS: i64 = 100;
/// Milliseconds between two 24 h tickers of an instrument.
const TICKER_EVERY_MS: i64 = 1000;

#[derive(Debug)]
pub(super) struct Market {
    walks: Vec<Walk>,
    random: fastrand::Rng,
    jump_every_ms: Option<i64>,
    next_jump_ms: Option<i64>,
    last_ms: Option<i64>,
}

impl Market {
    /// # Panics
    ///
    /// Where there are more than [`INSTRUMENTS_MAX`] instruments.
    pub(super) fn new(dialect: &'static dyn Dialect, options: &MarketOptions) -> Self {
        assert!(options.instruments.len() <= INSTRUMENTS_MAX, "at most {INSTRUMENTS_MAX} instruments");
        let mut random = fastrand::Rng::with_seed(options.seed);
        let streams = u32::try_from(dialect.channels().len()).expect("a venue has few channels");
        let mut walk = |(first, spec): (u32, &InstrumentSpec)| {
            let random = fastrand::Rng::with_seed(random.u64(..));
            Walk::new(dialect, spec, options, random, StreamId(first * streams))
        };
        let walks = (0..).zip(&options.instruments).map(&mut walk).collect();
        let jump_every_ms =
            options.jump_every.map(|every| i64::try_from(every.as_millis()).unwrap_or(i64::MAX).max(1));
        Self { walks, random, jump_every_ms, next_jump_ms: None, last_ms: None }
    }

    /// The names of all streams, in the order of their ids.
    pub(super) fn stream_names(&self) -> Vec<Arc<str>> {
        self.walks.iter().flat_map(|walk| walk.outlets().names()).collect()
    }

    /// Lets the market go on to `now_ms` (wall clock), and gives the frames of that time to the sink.
    pub(super) fn step(&mut self, now_ms: i64, sink: &mut impl Sink) {
        let elapsed_ms = now_ms - self.last_ms.unwrap_or(now_ms);
        self.last_ms = Some(now_ms);
        self.jump(now_ms);
        for walk in &mut self.walks {
            walk.step(now_ms, elapsed_ms.max(0), sink);
        }
    }

    /// Sends what depth deltas are still waiting for their 100 ms, so that the deltas sent add up to the truth.
    pub(super) fn flush(&mut self, now_ms: i64, sink: &mut impl Sink) {
        for walk in &mut self.walks {
            walk.flush(now_ms * 1000, sink);
        }
    }

    /// What a new subscriber of a stream is told first.
    pub(super) fn greet(&mut self, stream: StreamId, now_us: i64, is_wanted: bool) -> Option<String> {
        let walk = self.walks.iter_mut().find(|walk| walk.outlets().ids().any(|id| id == stream))?;
        walk.greet(stream, now_us, is_wanted)
    }

    fn jump(&mut self, now_ms: i64) {
        let Some(every) = self.jump_every_ms else { return };
        let due = *self.next_jump_ms.get_or_insert(now_ms + every / 2);
        if now_ms >= due && !self.walks.is_empty() {
            let index = self.random.usize(..self.walks.len());
            self.walks[index].order_jump();
            // Between half and one and a half of the mean, so that tests cannot come to rely on a beat.
            self.next_jump_ms = Some(now_ms + every / 2 + self.random.i64(0..=every));
        }
    }

    pub(super) fn symbols(&self) -> Vec<SymbolInfo> {
        self.walks.iter().map(Walk::info).collect()
    }

    pub(super) fn view(&self, symbol: &str, limit: usize) -> Option<BookView> {
        self.walk(symbol).map(|walk| walk.book().view(limit))
    }

    pub(super) fn top(&self, symbol: &str) -> Option<Top> {
        self.walk(symbol).map(|walk| walk.book().top())
    }

    pub(super) fn has(&self, symbol: &str) -> bool {
        self.walk(symbol).is_some()
    }

    pub(super) fn last_trade(&self, symbol: &str) -> Option<u64> {
        self.walk(symbol).map(Walk::last_trade)
    }

    fn walk(&self, symbol: &str) -> Option<&Walk> {
        self.walks.iter().find(|walk| walk.symbol() == symbol)
    }
}

#[cfg(test)]
mod tests;
