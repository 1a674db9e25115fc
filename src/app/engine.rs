//! The engine as a whole: made from settings, started, stopped.
//!
//! Owns the wiring of the stages. Everything that can be wrong with the settings is found before anything starts.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};

use super::board::FeedBoard;
use super::endpoint::Served;
pub use super::feed_plan::venue_defaults;
use super::feed_plan::{Planned, Planner, planned};
use super::gate::RedisGate;
use super::listings::{Asked, Listings};
use super::shard::{FeedPlan, ShardPlan};
use super::shards::{Shards, Writers};
use super::store::{self, Beside};
use crate::capture::{RecordBoard, RecordOptions, Recorder};
use crate::codec::Command;
use crate::config::{Settings, StoreKind};
use crate::domain::{Entity, Feed, Instrument, MonoTime, SlotId, Venue, Version};
use crate::feed::Gate;
use crate::publish::{COMMANDS_MAX, SharedBudget, StatsBoard, ValueTable, WriterStats};
use crate::service::{Health, HealthProbe, Verdict};

/// How long a stop waits for the disk to take the last lines of a recording.
const RECORDING_END_MAX: Duration = Duration::from_secs(1);

/// A key that the engine writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrittenKey {
    /// The hot thread that writes it.
    pub shard: usize,
    /// Its place in that one's table.
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
    shards: Shards,
    keys: Vec<WrittenKey>,
    /// In the order of the settings, whichever shard has them.
    feeds: Vec<(Feed, Arc<FeedBoard>, u64)>,
    store: StoreKind,
    recorder: Option<Recorder>,
    endpoint: Option<Served>,
}

impl Engine {
    /// Starts the hot threads and the REST workers; the latter on the runtime that this is called in. Nobody has asked the venues
    /// what they offer.
    ///
    /// # Errors
    /// An instrument that its venue cannot have, too many keys, a thread that cannot be started, an address that cannot be had.
    pub fn start(settings: &Settings) -> anyhow::Result<Self> {
        Self::start_with(settings, &Listings::default())
    }

    /// The same with what the venues have [said](super::gather) of their instruments; they are asked again while the engine runs.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub fn start_with(settings: &Settings, listings: &Listings) -> anyhow::Result<Self> {
        let (stop, _) = watch::channel(false);
        let (budget, desk) = SharedBudget::new(&settings.namespace);
        let gate = (settings.store == StoreKind::Redis).then(|| Arc::new(RedisGate(budget)) as Arc<dyn Gate>);
        let mut planned = planned(&Planner { settings, listings, gate })?;
        let feeds: Vec<_> = planned.feeds.iter().map(FeedPlan::shown).collect();
        let recorder = record(settings, &mut planned)?;
        let refreshes = std::mem::take(&mut planned.refreshes);
        let (shards, workers, keys) = planned.by_shard();
        let names: Vec<Vec<Feed>> =
            shards.iter().map(|(feeds, _)| feeds.iter().map(|plan| plan.feed.clone()).collect()).collect();
        let (options, beside) = store::open(settings, names.clone(), desk)?;
        let engine = options.first().map(|first| first.pipeline.engine.clone());
        let tables: Vec<_> = shards.iter().map(|(_, slots)| Arc::new(ValueTable::new(slots))).collect();
        // Before anything runs: an address that cannot be had must not leave keys behind.
        let endpoint = Served::start(settings, tables.iter().cloned().zip(names).collect())?;
        let (mut plans, mut asking) = (Vec::new(), Vec::new());
        for (number, (((feeds, slots), table), writer)) in
            shards.into_iter().zip(tables).zip(options).enumerate()
        {
            let (ask, commands) = mpsc::channel(COMMANDS_MAX);
            asking.push(ask);
            let writer_board = Arc::new(StatsBoard::of_shard(u16::try_from(number)?));
            let stop = stop.subscribe();
            plans.push(ShardPlan { number, feeds, slots, table, writer, writer_board, commands, stop });
        }
        if let Some(beside) = beside {
            tokio::spawn(carry(beside, asking, stop.subscribe()));
        }
        for (worker, jobs) in workers {
            tokio::spawn(worker.run(jobs));
        }
        if listings.asked() == Asked::Yes {
            for refresh in refreshes {
                tokio::spawn(refresh.run());
            }
        }
        let (count, store) = (plans.len(), settings.store);
        let shards = Shards::start(plans, &stop)?;
        tracing::info!(engine, keys = keys.len(), shards = count, store = store.as_str(), "engine started");
        Ok(Self { stop, shards, keys, feeds, store, recorder, endpoint })
    }

    /// The keys that it writes.
    #[must_use]
    pub fn keys(&self) -> &[WrittenKey] {
        &self.keys
    }

    /// Lends the newest value of a key to `read`; `None` where there is none or its TTL is over.
    ///
    /// # Panics
    /// For a key of another engine's.
    pub fn read<T>(
        &self,
        key: &WrittenKey,
        now: MonoTime,
        read: impl FnOnce(&[u8], Version) -> T,
    ) -> Option<T> {
        self.shards.table(key.shard).read(key.slot, now, read)
    }

    /// What was written so far, by all shards together ([`WriterStats::joined`]).
    #[must_use]
    pub fn writer(&self) -> WriterStats {
        self.shards.writers().read()
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

    /// Whether a hot thread is gone, which none is before [`Self::stop`] unless it panicked. The engine is of no use then: stop
    /// it, so that the other threads' keys become suspect and another engine takes over.
    #[must_use]
    pub fn is_dead(&self) -> bool {
        self.shards.is_dead()
    }

    /// Healthy = every session stands and, where values go to Redis, the connection to it.
    #[must_use]
    pub fn health_probe(&self) -> HealthProbe {
        let (feeds, writers, store) = (self.feeds.clone(), self.shards.writers(), self.store);
        Arc::new(move || health(&feeds, &writers, store))
    }

    /// Leaves every key suspect (writer stopping) and ends. Takes below two seconds whatever Redis does, and
    /// at most one more where the disk of a recording hangs.
    ///
    /// # Errors
    /// When a hot thread had panicked.
    pub async fn stop(self) -> anyhow::Result<()> {
        self.stop.send_replace(true);
        let joined = tokio::task::spawn_blocking(move || self.shards.join()).await?;
        if let Some(recorder) = self.recorder {
            let ending = tokio::task::spawn_blocking(move || recorder.stop());
            if tokio::time::timeout(RECORDING_END_MAX, ending).await.is_err() {
                tracing::error!("the recording's disk does not answer: its last lines may be missing");
            }
        }
        if let Some(endpoint) = self.endpoint {
            endpoint.stop().await;
        }
        joined
    }
}

/// Hands commands to the hot threads, and keeps alive what looks after Redis.
async fn carry(mut beside: Beside, asking: Vec<mpsc::Sender<Command>>, mut stop: watch::Receiver<bool>) {
    loop {
        tokio::select! {
            command = beside.commands.next() => {
                let Some(command) = command else { return };
                // It waits for the hot threads: what comes meanwhile is dropped where it is read, and counted.
                for shard in &asking {
                    // One that is gone ends the engine; until then the others obey.
                    let _ = shard.send(command.clone()).await;
                }
            }
            // Until the thread has ended it may still need to find its servers.
            () = stopped(&mut stop) => {
                for shard in &asking {
                    shard.closed().await;
                }
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
fn record(settings: &Settings, planned: &mut Planned) -> anyhow::Result<Option<Recorder>> {
    let Some(dir) = &settings.record.dir else { return Ok(None) };
    let options = RecordOptions {
        dir: dir.clone(),
        file_bytes_max: settings.record.file_bytes_max.into(),
        buffer_bytes_max: settings.record.buffer_bytes_max as usize,
    };
    let names: Vec<Feed> = planned.feeds.iter().map(|plan| plan.feed.clone()).collect();
    let (recorder, taps) = Recorder::start(&options, &names)?;
    for ((tap, feed), (worker, _)) in taps.into_iter().zip(&mut planned.feeds).zip(&mut planned.workers) {
        worker.tap = tap.clone();
        feed.tap = tap;
    }
    tracing::info!(dir = %dir.display(), "recording");
    Ok(Some(recorder))
}

fn health(feeds: &[(Feed, Arc<FeedBoard>, u64)], writers: &Writers, store: StoreKind) -> Health {
    let writer = writers.read();
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
