//! A feed's counters for Prometheus.
//!
//! Owns the handles, made once. Called by the hot thread a few times a second with the figures so far: it adds what is
//! new, so that nothing is looked up or allocated for a frame.

use metrics::{Counter, Gauge};

use super::board::FeedStats;
use crate::domain::{EventKind, Feed, Reason, State};
use crate::process::Changes;
use crate::telemetry::names;

type Figure = fn(&FeedStats) -> u64;

pub(super) struct FeedMetrics {
    counters: Vec<(Counter, Figure)>,
    states: [(State, Gauge); 3],
    /// Told and dropped, in the order of [`EventKind::ALL`].
    events: [(Counter, Counter); 5],
    /// In the order of [`Reason::ALL`].
    changes: Vec<Counter>,
    shown: FeedStats,
}

impl FeedMetrics {
    pub(super) fn new(feed: &Feed) -> Self {
        let feed = feed.to_string();
        let plain = |name: &'static str| metrics::counter!(name, "feed" => feed.clone());
        let entity = |entity: &'static str| metrics::counter!(names::PROCESS_UPDATES, "feed" => feed.clone(), "entity" => entity);
        let snapshots = |outcome: &'static str| metrics::counter!(names::FEED_SNAPSHOTS, "feed" => feed.clone(), "outcome" => outcome);
        let counters: Vec<(Counter, Figure)> = vec![
            (plain(names::FEED_FRAMES), |stats| stats.frames),
            (plain(names::FEED_FRAME_BYTES), |stats| stats.frame_bytes),
            (plain(names::FEED_DECODE_ERRORS), |stats| stats.decode_errors + stats.unusable),
            (plain(names::FEED_CONNECTS), |stats| stats.connects),
            (plain(names::FEED_GAPS), |stats| stats.gaps),
            (plain(names::FEED_MISMATCHES), |stats| stats.mismatches),
            (plain(names::FEED_TIMES_BACK), |stats| stats.times_back),
            (plain(names::FEED_ALARMS), |stats| stats.alarms),
            (plain(names::FEED_ABSURD_STAMPS), |stats| stats.absurd_stamps),
            (plain(names::FEED_REFUSED), |stats| stats.refused),
            (plain(names::FEED_CLOCK_STEPS), |stats| stats.clock_steps),
            (entity("price"), |stats| stats.quotes + stats.trades),
            (entity("liquidity"), |stats| stats.depth),
            (entity("volume"), |stats| stats.volume),
            (snapshots("taken"), |stats| stats.snapshots),
            (snapshots("failed"), |stats| stats.snapshot_failures),
        ];
        let gauge = |state: State| {
            (state, metrics::gauge!(names::FEED_STATES, "feed" => feed.clone(), "state" => state.as_str()))
        };
        Self {
            counters,
            states: [gauge(State::Live), gauge(State::Suspect), gauge(State::Halted)],
            events: EventKind::ALL.map(|kind| {
                let of = |name: &'static str| metrics::counter!(name, "kind" => kind.as_str());
                (of(names::EVENTS), of(names::EVENTS_DROPPED))
            }),
            changes: Reason::ALL
                .iter()
                .map(|reason| metrics::counter!(names::FEED_CHANGES, "feed" => feed.clone(), "reason" => reason.as_str()))
                .collect(),
            shown: FeedStats::default(),
        }
    }

    /// Changes of state since the last call.
    pub(super) fn changes(&self, changes: &Changes) {
        for (counter, count) in self.changes.iter().zip(changes.counts) {
            counter.increment(count);
        }
    }

    /// Events that were made and dropped since the last call.
    pub(super) fn events(&self, made: &[u64; 5], dropped: &[u64; 5]) {
        for ((counters, made), dropped) in self.events.iter().zip(made).zip(dropped) {
            counters.0.increment(*made);
            counters.1.increment(*dropped);
        }
    }

    pub(super) fn show(&mut self, stats: &FeedStats) {
        for (counter, figure) in &self.counters {
            counter.increment(figure(stats) - figure(&self.shown));
        }
        for (state, gauge) in &self.states {
            gauge.set(f64::from(u32::try_from(stats.keys(*state)).unwrap_or(u32::MAX)));
        }
        self.shown = *stats;
    }
}
