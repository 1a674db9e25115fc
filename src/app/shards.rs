//! The hot threads of an engine, together.
//!
//! Owns their starting and their end: all of them or none. What they have written is told as of one writer. Never looks into
//! what a shard does; it ends where one of them does.

use std::sync::Arc;
use std::thread::JoinHandle;

use anyhow::Context;
use tokio::sync::watch;

use super::shard::{self, ShardPlan};
use crate::publish::{StatsBoard, ValueTable, WriterStats};

/// A hot thread, and what others see of it.
#[derive(Debug)]
struct Running {
    thread: JoinHandle<()>,
    table: Arc<ValueTable>,
    writer: Arc<StatsBoard>,
}

/// The hot threads of an engine.
#[derive(Debug)]
pub(super) struct Shards(Vec<Running>);

impl Shards {
    /// Starts all of them.
    ///
    /// # Errors
    /// A thread that cannot be started; those before it are stopped and have ended by then.
    pub(super) fn start(plans: Vec<ShardPlan>, stop: &watch::Sender<bool>) -> anyhow::Result<Self> {
        let mut running = Self(Vec::with_capacity(plans.len()));
        for plan in plans {
            let (number, table) = (plan.number, Arc::clone(&plan.table));
            let writer = Arc::clone(&plan.writer_board);
            match shard::spawn(plan) {
                Ok(thread) => running.0.push(Running { thread, table, writer }),
                Err(error) => {
                    stop.send_replace(true);
                    // Whatever became of them, the thread that is missing is the error.
                    let _ = running.join();
                    return Err(error).with_context(|| format!("hot thread {number} cannot be started"));
                }
            }
        }
        Ok(running)
    }

    /// The table of a shard.
    pub(super) fn table(&self, shard: usize) -> &ValueTable {
        &self.0[shard].table
    }

    /// Whether one of them is gone.
    pub(super) fn is_dead(&self) -> bool {
        self.0.iter().any(|shard| shard.thread.is_finished())
    }

    /// What they have written, to be read at any time.
    pub(super) fn writers(&self) -> Writers {
        Writers(self.0.iter().map(|shard| Arc::clone(&shard.writer)).collect())
    }

    /// Waits for the end of all of them; they must have been told to stop.
    ///
    /// # Errors
    /// When one had panicked.
    pub(super) fn join(self) -> anyhow::Result<()> {
        let ends: Vec<_> = self.0.into_iter().map(|shard| shard.thread.join()).collect();
        let panicked = ends.iter().position(Result::is_err);
        match panicked {
            Some(number) => anyhow::bail!("hot thread {number} panicked; its message is in the log"),
            None => Ok(()),
        }
    }
}

/// What all writers of an engine did.
#[derive(Debug, Clone)]
pub(super) struct Writers(Vec<Arc<StatsBoard>>);

impl Writers {
    /// As of one.
    pub(super) fn read(&self) -> WriterStats {
        WriterStats::joined(self.0.iter().map(|writer| writer.read()))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;
    use crate::publish::SlotPlan;

    fn running(body: impl FnOnce() + Send + 'static) -> Running {
        let table = Arc::new(ValueTable::new(&SlotPlan::new()));
        Running { thread: std::thread::spawn(body), table, writer: Arc::new(StatsBoard::new()) }
    }

    #[test]
    fn one_thread_that_panics_is_the_end_and_is_named() {
        let (go, told) = mpsc::sync_channel::<()>(1);
        let (end, ended) = mpsc::sync_channel::<()>(1);
        let lives = running(move || {
            let _ = told.recv();
        });
        let dies = running(move || {
            let _ = ended.recv();
            panic!("on purpose");
        });
        let shards = Shards(vec![lives, dies]);
        assert!(!shards.is_dead());
        drop(end);
        while !shards.is_dead() {
            std::thread::yield_now();
        }
        drop(go);
        let error = shards.join().unwrap_err();
        assert!(error.to_string().starts_with("hot thread 1 panicked"), "{error}");
    }
}
