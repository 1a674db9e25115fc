//! The handle of the hot thread: takes records, flushes them, and keeps the connection to Redis.

use std::future::Future;
use std::sync::Arc;

use crate::domain::{Epoch, MonoTime, Now, Update, UpdateSink};

use super::{RedisAddress, SlotPlan, StatsBoard, ValueTable, WriterStats};

/// Where values go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Store {
    /// Into this process's table only.
    Embedded,
    /// Into the table and a Redis.
    Redis(RedisAddress),
}

/// What a writer is made of.
#[derive(Debug, Clone)]
pub struct WriterOptions {
    /// Where values go.
    pub store: Store,
    /// First number of every version. Until leases exist: the engine's start in milliseconds.
    pub epoch: Epoch,
    /// Records of at least so many bytes are compressed.
    pub zstd_threshold: usize,
    /// First segments of the control keys, as in every key.
    pub namespace: String,
    /// How the connection names itself (`CLIENT SETNAME`): printable, no spaces.
    pub client_name: String,
}

/// How a drain ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Drained {
    /// Everything is written and acknowledged.
    All,
    /// The deadline came first.
    Partly {
        /// Keys whose newest value is not acknowledged.
        left: usize,
    },
}

/// The handle of the hot thread. Clones share one writer; neither it nor its futures can leave the thread.
#[derive(Debug, Clone)]
pub struct Writer {
    board: Arc<StatsBoard>,
    table: Arc<ValueTable>,
}

impl Writer {
    /// A writer over the plan's keys. `table` must be made of the same plan.
    #[must_use]
    pub fn new(
        options: WriterOptions,
        plan: &SlotPlan,
        table: Arc<ValueTable>,
        board: Arc<StatsBoard>,
    ) -> Self {
        let _ = (options, plan);
        Self { board, table }
    }

    /// Sends what waits, if the window allows; else it goes when a reply arrives. Call it after each frame or group of
    /// frames. Never waits, never fails.
    pub fn flush(&self, now: Now) {
        let _ = now;
    }

    /// Announces a key in the catalog: `field` is `<instrument>:<venue>`, `value` is `<feed> <entity> ...` (WIRE.md).
    pub fn announce(&self, field: &str, value: &str) {
        let _ = (field, value);
    }

    /// Takes a field out of the catalog.
    pub fn withdraw(&self, field: &str) {
        let _ = field;
    }

    /// Keeps the connection until `shutdown` is ready: connects, reads replies, sends what the window held back. Spawn
    /// it on the same `LocalSet`. With [`Store::Embedded`] it only keeps the statistics fresh.
    pub async fn run(self, shutdown: impl Future<Output = ()>) {
        shutdown.await;
    }

    /// Waits, while [`Self::run`] runs, until everything taken is acknowledged or `deadline` has come.
    pub async fn drain(&self, deadline: MonoTime) -> Drained {
        let _ = deadline;
        std::future::ready(Drained::All).await
    }

    /// What was done so far, quantiles included.
    #[must_use]
    pub fn stats(&self) -> WriterStats {
        let _ = &self.table;
        self.board.read()
    }
}

impl UpdateSink for Writer {
    fn update(&mut self, update: Update<'_>) {
        let _ = update;
    }
}
