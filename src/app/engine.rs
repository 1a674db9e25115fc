//! The engine as a whole: made from settings, started, stopped.
//!
//! Owns the wiring of the stages: which key is which slot, which instrument is on which session. Everything that can be
//! wrong with the settings is found before anything starts.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use tokio::sync::{mpsc, watch};

use super::board::FeedBoard;
use super::endpoint::Served;
pub use super::feed_plan::venue_defaults;
use super::feed_plan::{self, Planner};
use super::gate::RedisGate;
use super::listings::Listings;
use super::rest_worker::{Job, RestWorker};
use super::shard::{self, FeedPlan, ShardPlan};
use super::store::{self, Beside};
use crate::capture::{RecordBoard, RecordOptions, Recorder};
use crate::codec::Command;
use crate::config::{Settings, StoreKind};
use crate::domain::{Entity, Feed, Instrument, SlotId, Venue};
use crate::feed::Gate;
use crate::publish::{COMMANDS_MAX, FeedIndex, SharedBudget, SlotPlan, StatsBoard, ValueTable};
use crate::service::{Health, HealthProbe, Verdict};

/// How long a stop waits for the disk to take the last lines of a recording.
const RECORDING_END_MAX: Duration = Duration::from_secs(1);

/// A key that the engine writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrittenKey {
    /// Its place in the table.
    pub slot: SlotId,
    /// What it holds.
    pub entity: Entity,
    /// Of which instrument.
    pub instrument: Instrument,
    /// At which venue.
    pub venue: Venue,
}

/// A running engine. Dropping it stops it without waiting.
#[derive(Debug)]
pub struct Engine {
    stop: watch::Sender<bool>,
    thread: std::thread::JoinHandle<()>,
    keys: Vec<WrittenKey>,
    table: Arc<ValueTable>,
    writer: Arc<StatsBoard>,
    feeds: Vec<(Feed, Arc<FeedBoard>, u64)>,
    store: StoreKind,
    recorder: Option<Recorder>,
    endpoint: Option<Served>,
}

impl Engine {
    /// Starts the hot thread and the REST workers; the latter on the runtime that this is called in. Nobody has asked the venues
    /// what they offer.
    ///
    /// # Errors
    /// An instrument that its venue cannot have, too many keys, a thread that cannot be started, an address that cannot be had.
    pub fn start(settings: &Settings) -> anyhow::Result<Self> {
        Self::start_with(settings, &Listings::default())
    }

    /// Likewise, with what the venues have [said](super::gather) of their instruments.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub fn start_with(settings: &Settings, listings: &Listings) -> anyhow::Result<Self> {
        let (stop, stopped) = watch::channel(false);
        let (budget, desk) = SharedBudget::new(&settings.namespace);
        let gate = (settings.store == StoreKind::Redis).then(|| Arc::new(RedisGate(budget)) as Arc<dyn Gate>);
        let planner = Planner { settings, listings, gate };
        let mut slots = SlotPlan::new();
        let (mut keys, mut feeds, mut boards, mut workers) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let mut parts = Vec::new();
        for feed in &settings.feeds {
            parts.extend(feed_plan::parts(&planner, feed)?);
        }
        for (part, index) in parts.into_iter().zip(0_u16..) {
            let (plan, worker) = feed_plan::plan(&planner, part, FeedIndex(index), &mut slots, &mut keys)?;
            boards.push((plan.feed.clone(), Arc::clone(&plan.board), plan.sessions.len() as u64));
            feeds.push(plan);
            workers.push(worker);
        }
        let names: Vec<Feed> = feeds.iter().map(|plan| plan.feed.clone()).collect();
        let recorder = record(settings, &names, &mut feeds, &mut workers)?;
        let (options, beside) = store::open(settings, Vec::clone(&names), desk)?;
        let engine = options.pipeline.engine.clone();
        let table = Arc::new(ValueTable::new(&slots));
        // Before anything runs: an address that cannot be had must not leave keys behind.
        let endpoint = Served::start(settings, &engine, vec![(Arc::clone(&table), names)])?;
        let (asking, asked) = mpsc::channel(COMMANDS_MAX);
        if let Some(beside) = beside {
            tokio::spawn(carry(beside, asking, stop.subscribe()));
        }
        let writer = Arc::new(StatsBoard::new());
        let plan = ShardPlan {
            feeds,
            slots,
            table: Arc::clone(&table),
            writer: options,
            writer_board: Arc::clone(&writer),
            commands: asked,
            stop: stopped,
        };
        for (worker, jobs) in workers {
            tokio::spawn(worker.run(jobs));
        }
        let thread = shard::spawn(plan).context("the hot thread cannot be started")?;
        tracing::info!(engine, keys = keys.len(), store = settings.store.as_str(), "engine started");
        Ok(Self {
            stop,
            thread,
            keys,
            table,
            writer,
            feeds: boards,
            store: settings.store,
            recorder,
            endpoint,
        })
    }

    /// The keys that it writes.
    #[must_use]
    pub fn keys(&self) -> &[WrittenKey] {
        &self.keys
    }

    /// The newest value of every key.
    #[must_use]
    pub fn table(&self) -> &Arc<ValueTable> {
        &self.table
    }

    /// What was written so far.
    #[must_use]
    pub fn writer(&self) -> &StatsBoard {
        &self.writer
    }

    /// What each feed has done so far.
    pub fn feeds(&self) -> impl Iterator<Item = (&Feed, &FeedBoard)> {
        self.feeds.iter().map(|(feed, board, _)| (feed, &**board))
    }

    /// What is recorded, if anything is.
    #[must_use]
    pub fn recording(&self) -> Option<&RecordBoard> {
        self.recorder.as_ref().map(Recorder::board)
    }

    /// Where its own endpoint listens; `None` = it is off.
    #[must_use]
    pub fn endpoint(&self) -> Option<SocketAddr> {
        self.endpoint.as_ref().map(Served::address)
    }

    /// Whether the hot thread is gone, which it never is before [`Self::stop`] unless it panicked.
    #[must_use]
    pub fn is_dead(&self) -> bool {
        self.thread.is_finished()
    }

    /// Healthy = every session stands and, where values go to Redis, the connection to it.
    #[must_use]
    pub fn health_probe(&self) -> HealthProbe {
        let (feeds, writer, store) = (self.feeds.clone(), Arc::clone(&self.writer), self.store);
        Arc::new(move || health(&feeds, &writer, store))
    }

    /// Leaves every key suspect (writer stopping) and ends. Takes below two seconds whatever Redis does, and
    /// at most one more where the disk of a recording hangs.
    ///
    /// # Errors
    /// When the hot thread had panicked.
    pub async fn stop(self) -> anyhow::Result<()> {
        self.stop.send_replace(true);
        let joined = tokio::task::spawn_blocking(move || self.thread.join()).await?;
        if let Some(recorder) = self.recorder {
            let ending = tokio::task::spawn_blocking(move || recorder.stop());
            if tokio::time::timeout(RECORDING_END_MAX, ending).await.is_err() {
                tracing::error!("the recording's disk does not answer: its last lines may be missing");
            }
        }
        if let Some(endpoint) = self.endpoint {
            endpoint.stop().await;
        }
        joined.map_err(|_| anyhow::anyhow!("the hot thread panicked; its message is in the log"))
    }
}

/// Hands commands to the hot thread, and keeps alive what looks after Redis.
async fn carry(mut beside: Beside, asking: mpsc::Sender<Command>, mut stop: watch::Receiver<bool>) {
    loop {
        tokio::select! {
            command = beside.commands.next() => {
                let Some(command) = command else { return };
                // It waits for the hot thread: what comes meanwhile is dropped where it is read, and counted.
                if asking.send(command).await.is_err() {
                    return;
                }
            }
            // Until the thread has ended it may still need to find its servers.
            () = stopped(&mut stop) => {
                asking.closed().await;
                return;
            }
        }
    }
}

/// An error means that the engine is gone, which is the same wish.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    drop(stop.wait_for(|&stop| stop).await);
}

/// Starts the recording, where one is wanted, and gives everybody a tap.
fn record(
    settings: &Settings,
    names: &[Feed],
    feeds: &mut [FeedPlan],
    workers: &mut [(RestWorker, mpsc::Receiver<Job>)],
) -> anyhow::Result<Option<Recorder>> {
    let Some(dir) = &settings.record.dir else { return Ok(None) };
    let options = RecordOptions {
        dir: dir.clone(),
        file_bytes_max: settings.record.file_bytes_max.into(),
        buffer_bytes_max: settings.record.buffer_bytes_max as usize,
    };
    let (recorder, taps) = Recorder::start(&options, names)?;
    for ((tap, feed), (worker, _)) in taps.into_iter().zip(feeds).zip(workers) {
        worker.tap = tap.clone();
        feed.tap = tap;
    }
    tracing::info!(dir = %dir.display(), "recording");
    Ok(Some(recorder))
}

fn health(feeds: &[(Feed, Arc<FeedBoard>, u64)], writer: &StatsBoard, store: StoreKind) -> Health {
    let writer = writer.read();
    let mut healthy = store == StoreKind::Embedded || writer.connected;
    let feeds: Vec<_> = feeds
        .iter()
        .map(|(feed, board, sessions)| {
            let stats = board.read();
            healthy &= stats.sessions_up == *sessions;
            serde_json::json!({
                "feed": feed.to_string(),
                "role": if stats.epoch > 0 { "owner" } else { "standby" },
                "epoch": stats.epoch,
                "sessions": sessions,
                "sessions_up": stats.sessions_up,
                "live": stats.live,
                "suspect": stats.suspect,
                "halted": stats.halted,
            })
        })
        .collect();
    let details = serde_json::json!({
        "healthy": healthy,
        "feeds": feeds,
        "store": store.as_str(),
        "redis_connected": writer.connected,
    });
    let verdict = if healthy { Verdict::Healthy } else { Verdict::Unhealthy };
    Health { verdict, details: details.to_string() }
}

/// How often a running engine is looked after.
pub(super) const WATCH_EVERY: Duration = Duration::from_millis(200);
