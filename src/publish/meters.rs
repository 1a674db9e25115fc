//! What the writer counts and measures, on its own thread.
//!
//! Owns the totals, the two histograms, and the handles of the metrics, looked up once: install the metrics recorder
//! before a writer is made. Never looks up a name on the way of a price, never locks.

use std::sync::Arc;
use std::time::Duration;

use hdrhistogram::Histogram;
use metrics::{Counter, Gauge, counter, gauge, histogram};

use crate::domain::MonoTime;
use crate::telemetry::names;

use super::conflation::Conflation;
use super::{Refusal, StatsBoard, WriterStats};

/// The longest latency that is told apart from longer ones.
const LATENCY_MAX: Duration = Duration::from_secs(60);
/// Digits of a quantile that mean something.
const SIGNIFICANT_DIGITS: u8 = 2;

/// What the writer counts and measures.
pub(super) struct Meters {
    pub(super) stats: WriterStats,
    board: Arc<StatsBoard>,
    latency: Histogram<u64>,
    round_trip: Histogram<u64>,
    posted: WriterStats,
    conflated: Counter,
    encoded: Counter,
    written: Counter,
    bytes: Counter,
    batches: Counter,
    errors: Vec<Counter>,
    /// Values of ours over foreign ones.
    pub(super) foreign: Counter,
    /// Values that came after newer ones.
    pub(super) older: Counter,
    /// Values that could not be pushed.
    pub(super) pushes_refused: Counter,
    up: Gauge,
    batch_values: metrics::Histogram,
    round_trip_seconds: metrics::Histogram,
    latency_seconds: metrics::Histogram,
}

impl std::fmt::Debug for Meters {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Meters").field("stats", &self.stats).finish_non_exhaustive()
    }
}

impl Meters {
    /// All zero.
    pub(super) fn new(board: Arc<StatsBoard>, slots: usize) -> Self {
        let durations = || {
            Histogram::new_with_bounds(1, nanos(LATENCY_MAX), SIGNIFICANT_DIGITS)
                .expect("the bounds are constants in hdrhistogram's range")
        };
        let error = |refusal: &Refusal| counter!(names::PUBLISH_ERRORS, "kind" => refusal.as_str());
        gauge!(names::PUBLISH_SLOTS).increment(f64::from(u32::try_from(slots).unwrap_or(u32::MAX)));
        let up = gauge!(names::PUBLISH_REDIS_UP, "shard" => board.shard().to_string());
        Self {
            stats: WriterStats::default(),
            board,
            latency: durations(),
            round_trip: durations(),
            posted: WriterStats::default(),
            conflated: counter!(names::PUBLISH_CONFLATED),
            encoded: counter!(names::PUBLISH_ENCODED),
            written: counter!(names::PUBLISH_WRITTEN),
            bytes: counter!(names::PUBLISH_BYTES),
            batches: counter!(names::PUBLISH_BATCHES),
            errors: Refusal::ALL.iter().map(error).collect(),
            foreign: counter!(names::PUBLISH_FOREIGN),
            older: counter!(names::PUBLISH_OLDER),
            pushes_refused: counter!(names::PUBLISH_PUSHES_REFUSED),
            up,
            batch_values: histogram!(names::PUBLISH_BATCH_VALUES),
            round_trip_seconds: histogram!(names::PUBLISH_ROUND_TRIP),
            latency_seconds: histogram!(names::PUBLISH_LATENCY),
        }
    }

    /// A value is where it belongs. `received` = when its update was, if its latency counts.
    #[inline]
    pub(super) fn written(&mut self, received: Option<MonoTime>, now: MonoTime) {
        self.stats.written += 1;
        if let Some(received) = received {
            let latency = now.since(received);
            self.latency.saturating_record(nanos(latency));
            self.latency_seconds.record(latency.as_secs_f64());
        }
    }

    /// A batch was built and goes to the socket.
    pub(super) fn sent(&mut self, bytes: usize, values: usize) {
        self.stats.batches += 1;
        self.stats.bytes += bytes as u64;
        self.batch_values.record(f64::from(u32::try_from(values).unwrap_or(u32::MAX)));
    }

    /// The last reply of a batch has come.
    pub(super) fn answered(&mut self, round_trip: Duration) {
        self.round_trip.saturating_record(nanos(round_trip));
        self.round_trip_seconds.record(round_trip.as_secs_f64());
    }

    /// An error reply.
    pub(super) fn refused(&mut self, refusal: Refusal) {
        self.stats.errors += 1;
        self.errors[refusal.index()].increment(1);
    }

    /// The connection came or went.
    pub(super) fn connected(&mut self, connected: bool) {
        self.stats.connected = connected;
        self.up.set(f64::from(u8::from(connected)));
    }

    /// A connection was lost. Rare, so the label is looked up.
    pub(super) fn lost(&mut self, why: &'static str) {
        self.stats.reconnects += 1;
        counter!(names::PUBLISH_RECONNECTS, "why" => why).increment(1);
    }

    /// Leaves the totals where other threads read them.
    pub(super) fn post(&mut self, conflation: &Conflation) {
        self.stats.updates = conflation.updates();
        self.stats.conflated = conflation.conflated();
        let (new, old) = (self.stats, self.posted);
        self.conflated.increment(new.conflated - old.conflated);
        self.encoded.increment(new.encoded - old.encoded);
        self.written.increment(new.written - old.written);
        self.bytes.increment(new.bytes - old.bytes);
        self.batches.increment(new.batches - old.batches);
        self.board.post(&new);
        self.posted = new;
    }

    /// Works out the quantiles: a few microseconds.
    pub(super) fn refresh_quantiles(&mut self) {
        let quantile = |durations: &Histogram<u64>, quantile| {
            Duration::from_nanos(if durations.is_empty() { 0 } else { durations.value_at_quantile(quantile) })
        };
        self.stats.latency_p50 = quantile(&self.latency, 0.5);
        self.stats.latency_p99 = quantile(&self.latency, 0.99);
        self.stats.round_trip_p50 = quantile(&self.round_trip, 0.5);
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
