//! One engine: the real pipeline, with clocks of its own and a life of its own.
//!
//! Owns what is the process' and not the pipeline's. Never moves bytes.

use std::sync::Arc;

use crate::domain::{MonoTime, Now, WallTime};

use super::super::pipeline::{Fencing, Pipeline, PipelineOptions, Sabotage};
use super::super::{LeaseTimes, Push, Spread, StatsBoard, ValueTable};
use super::market::Market;
use super::server::START_US;

/// How far an engine is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    Runs,
    /// Its leases are released.
    Leaves,
    /// Its last values are on their way.
    Drains,
    Gone,
}

/// The clocks of a machine.
#[derive(Debug, Clone, Copy)]
pub(super) struct Clocks {
    /// What the monotonic clock said at simulated time zero.
    pub(super) mono_base: u64,
    /// How much faster than real it runs, in millionths.
    pub(super) drift_ppm: i64,
    /// How far the wall clock is off, in nanoseconds.
    pub(super) wall_off: i64,
}

impl Clocks {
    pub(super) fn now(&self, at: u64) -> Now {
        let at = i128::from(at);
        let mono = i128::from(self.mono_base) + at + at * i128::from(self.drift_ppm) / 1_000_000;
        let wall = START_US * 1_000 + self.wall_off + i64::try_from(at).expect("simulations are short");
        let mono = u64::try_from(mono).expect("clocks do not start below zero");
        Now { wall: WallTime::from_nanos(wall), mono: MonoTime::from_nanos(mono) }
    }

    /// The simulated time at which the monotonic clock has reached `mono`.
    pub(super) fn when(&self, mono: MonoTime) -> u64 {
        let since = u128::from(mono.nanos().saturating_sub(self.mono_base));
        let speed = u128::try_from(1_000_000 + self.drift_ppm).expect("clocks run forwards");
        u64::try_from((since * 1_000_000).div_ceil(speed) + 1).unwrap_or(u64::MAX)
    }
}

#[derive(Debug)]
pub(super) struct SimEngine {
    pub(super) name: String,
    /// Counts its starts.
    pub(super) run: u32,
    pub(super) phase: Phase,
    pub(super) clocks: Clocks,
    pub(super) pipeline: Pipeline,
    /// The newest state of each key that it has heard of.
    pub(super) known: Vec<u64>,
    pub(super) is_warm: bool,
    pub(super) connection: Option<usize>,
    /// Failed attempts to connect in a row.
    pub(super) attempts: usize,
    /// Which server it takes for the primary.
    pub(super) server: usize,
    pub(super) cut_off_until: u64,
    pub(super) paused_until: u64,
    /// It will pause between the making of its next batch and the sending, for so long.
    pub(super) pause_before_send: Option<u64>,
    /// A batch was begun to be sent.
    pub(super) is_sending: bool,
    pub(super) wake_at: Option<u64>,
    /// Turns in the current second, and which second that is.
    pub(super) turns: (u64, u64),
    /// When nothing was unwritten for the last time.
    pub(super) clean_at: u64,
}

impl SimEngine {
    pub(super) fn new(
        name: String,
        run: u32,
        clocks: Clocks,
        market: &Market,
        sabotage: Option<Sabotage>,
    ) -> Self {
        let options = PipelineOptions {
            embedded: false,
            namespace: crate::domain::Namespace::default(),
            engine: name.clone(),
            owner: format!("{name}.{run}"),
            started_ms: 1,
            feeds: market.feeds.clone(),
            fencing: Fencing::On(LeaseTimes::default()),
            push: Push::On,
            spread: Spread::One,
            zstd_threshold: 0,
        };
        let (table, board) = (Arc::new(ValueTable::new(&market.plan)), Arc::new(StatsBoard::new()));
        let mut pipeline = Pipeline::new(options, &market.plan, table, board);
        pipeline.sabotage = sabotage;
        Self {
            name,
            run,
            phase: Phase::Runs,
            clocks,
            pipeline,
            known: vec![0; market.keys.len()],
            is_warm: false,
            connection: None,
            attempts: 0,
            server: 0,
            cut_off_until: 0,
            paused_until: 0,
            pause_before_send: None,
            is_sending: false,
            wake_at: None,
            turns: (0, 0),
            clean_at: 0,
        }
    }

    pub(super) fn owner(&self) -> String {
        format!("{}.{}", self.name, self.run)
    }

    /// Never cuts a pause short: what waits for its end must not be overtaken.
    pub(super) fn pause_until(&mut self, until: u64) {
        self.paused_until = self.paused_until.max(until);
    }

    pub(super) fn lives(&self) -> bool {
        self.phase != Phase::Gone
    }
}
