//! What the writer did so far, readable from any thread.
//!
//! Owns the board of counters: one thread writes, any thread reads, nobody waits. Never exact across counters: each is
//! exact for itself. Quantiles are refreshed about every 250 ms and when the writer's `run` ends.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

/// What the writer did so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct WriterStats {
    /// Records taken.
    pub updates: u64,
    /// Records overwritten by a newer one before they were sent.
    pub conflated: u64,
    /// Values encoded.
    pub encoded: u64,
    /// Values that Redis acknowledged; with the embedded store, values in the table.
    pub written: u64,
    /// Pipelines sent.
    pub batches: u64,
    /// Bytes sent.
    pub bytes: u64,
    /// Error replies.
    pub errors: u64,
    /// Connections that were lost.
    pub reconnects: u64,
    /// Whether Redis answers now. Always with the embedded store.
    pub connected: bool,
    /// Median from a frame's socket read to the acknowledgement of the newest value it caused; zero before the first.
    pub latency_p50: Duration,
    /// The same, 99th percentile.
    pub latency_p99: Duration,
    /// Median from a batch's send to its last reply.
    pub round_trip_p50: Duration,
}

impl WriterStats {
    /// What several writers did together: counts are added, of latencies the longest is told, connected is who has all of
    /// them connected.
    #[must_use]
    pub fn joined(all: impl IntoIterator<Item = Self>) -> Self {
        let nothing = Self { connected: true, ..Self::default() };
        all.into_iter().fold(nothing, |so_far, one| Self {
            updates: so_far.updates + one.updates,
            conflated: so_far.conflated + one.conflated,
            encoded: so_far.encoded + one.encoded,
            written: so_far.written + one.written,
            batches: so_far.batches + one.batches,
            bytes: so_far.bytes + one.bytes,
            errors: so_far.errors + one.errors,
            reconnects: so_far.reconnects + one.reconnects,
            connected: so_far.connected && one.connected,
            latency_p50: so_far.latency_p50.max(one.latency_p50),
            latency_p99: so_far.latency_p99.max(one.latency_p99),
            round_trip_p50: so_far.round_trip_p50.max(one.round_trip_p50),
        })
    }
}

/// Where the writer leaves its [`WriterStats`]. Shared by `Arc`.
#[derive(Debug, Default)]
pub struct StatsBoard {
    shard: u16,
    updates: AtomicU64,
    conflated: AtomicU64,
    encoded: AtomicU64,
    written: AtomicU64,
    batches: AtomicU64,
    bytes: AtomicU64,
    errors: AtomicU64,
    reconnects: AtomicU64,
    connected: AtomicBool,
    latency_p50_ns: AtomicU64,
    latency_p99_ns: AtomicU64,
    round_trip_p50_ns: AtomicU64,
}

impl StatsBoard {
    /// All zero, of the first shard.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// All zero, of the shard with this number.
    #[must_use]
    pub fn of_shard(shard: u16) -> Self {
        Self { shard, ..Self::default() }
    }

    /// Whose figures these are, for the label of what cannot be added up.
    #[must_use]
    pub const fn shard(&self) -> u16 {
        self.shard
    }

    /// What it says now.
    #[must_use]
    pub fn read(&self) -> WriterStats {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let duration = |nanos: &AtomicU64| Duration::from_nanos(count(nanos));
        WriterStats {
            updates: count(&self.updates),
            conflated: count(&self.conflated),
            encoded: count(&self.encoded),
            written: count(&self.written),
            batches: count(&self.batches),
            bytes: count(&self.bytes),
            errors: count(&self.errors),
            reconnects: count(&self.reconnects),
            connected: self.connected.load(Ordering::Relaxed),
            latency_p50: duration(&self.latency_p50_ns),
            latency_p99: duration(&self.latency_p99_ns),
            round_trip_p50: duration(&self.round_trip_p50_ns),
        }
    }

    /// Replaces what it says.
    pub(super) fn post(&self, stats: &WriterStats) {
        let post = |counter: &AtomicU64, value: u64| counter.store(value, Ordering::Relaxed);
        let nanos = |duration: Duration| u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        post(&self.updates, stats.updates);
        post(&self.conflated, stats.conflated);
        post(&self.encoded, stats.encoded);
        post(&self.written, stats.written);
        post(&self.batches, stats.batches);
        post(&self.bytes, stats.bytes);
        post(&self.errors, stats.errors);
        post(&self.reconnects, stats.reconnects);
        self.connected.store(stats.connected, Ordering::Relaxed);
        post(&self.latency_p50_ns, nanos(stats.latency_p50));
        post(&self.latency_p99_ns, nanos(stats.latency_p99));
        post(&self.round_trip_p50_ns, nanos(stats.round_trip_p50));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_writers_are_connected_when_both_are_and_as_slow_as_the_slower_one() {
        let ms = Duration::from_millis;
        let one = WriterStats { written: 3, connected: true, latency_p99: ms(5), ..Default::default() };
        let other = WriterStats { written: 4, latency_p99: ms(2), ..Default::default() };
        let both = WriterStats { written: 7, latency_p99: ms(5), ..Default::default() };
        assert_eq!(WriterStats::joined([one, other]), both);
        assert!(WriterStats::joined([one, one]).connected);
    }
}
