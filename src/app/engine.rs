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
use super::rest_worker::{JOBS_MAX, RestWorker};
use super::shard::{self, ANSWERS_MAX, FeedPlan, ShardPlan};
use super::store::{self, Beside};
use crate::codec::{Command, key};
use crate::config::{FeedSettings, Settings, StoreKind};
use crate::domain::{Entity, Feed, Instrument, SlotId, Venue};
use crate::feed::{self, RestClient, SessionPlan, VenueProtocol, Wanted};
use crate::process::InstrumentSpec;
use crate::publish::{COMMANDS_MAX, FeedIndex, SlotKey, SlotPlan, StatsBoard, ValueTable};
use crate::service::{Health, HealthProbe, Verdict};

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
    endpoint: Option<Served>,
}

impl Engine {
    /// Starts the hot thread and the REST workers; the latter on the runtime that this is called in.
    ///
    /// # Errors
    /// An instrument that its venue cannot have, too many keys, a thread that cannot be started, an address that cannot be had.
    pub fn start(settings: &Settings) -> anyhow::Result<Self> {
        let (stop, stopped) = watch::channel(false);
        let mut slots = SlotPlan::new();
        let (mut keys, mut feeds, mut boards, mut workers) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for (feed, index) in settings.feeds.iter().zip(0_u16..) {
            let (plan, worker) = plan_feed(settings, feed, FeedIndex(index), &mut slots, &mut keys)?;
            boards.push((plan.feed.clone(), Arc::clone(&plan.board), plan.sessions.len() as u64));
            feeds.push(plan);
            workers.push(worker);
        }
        let names: Vec<Feed> = feeds.iter().map(|plan| plan.feed.clone()).collect();
        let (options, beside) = store::open(settings, Vec::clone(&names))?;
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
        Ok(Self { stop, thread, keys, table, writer, feeds: boards, store: settings.store, endpoint })
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

    /// Leaves every key suspect (writer stopping) and ends. Takes below two seconds whatever Redis does.
    ///
    /// # Errors
    /// When the hot thread had panicked.
    pub async fn stop(self) -> anyhow::Result<()> {
        self.stop.send_replace(true);
        let joined = tokio::task::spawn_blocking(move || self.thread.join()).await?;
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

fn plan_feed(
    settings: &Settings,
    feed: &FeedSettings,
    index: FeedIndex,
    slots: &mut SlotPlan,
    keys: &mut Vec<WrittenKey>,
) -> anyhow::Result<(FeedPlan, (RestWorker, mpsc::Receiver<super::rest_worker::Job>))> {
    let venue = feed::venue(feed.venue.as_str()).with_context(|| format!("no venue {}", feed.venue))?;
    let name = Feed { venue: feed.venue.clone(), partition: 0 };
    let wanted: Vec<Wanted> = feed
        .instruments
        .iter()
        .map(|instrument| Wanted { instrument: instrument.clone(), entities: feed.entities.clone() })
        .collect();
    let sessions = feed::sessions(venue, feed.websocket_url.as_str(), &wanted, feed.first_data)?;
    let symbols: Result<Vec<_>, _> =
        feed.instruments.iter().map(|instrument| venue.symbol(instrument)).collect();
    let depth = feed.depth as usize;
    let mut specs = Vec::new();
    for wanted in &wanted {
        let key = |entity| slot_key(settings, feed, index, wanted, entity);
        specs.push(plan_instrument(feed, wanted, &sessions, specs.len(), key, slots, keys)?);
    }
    let field = |wanted: &Wanted| {
        let field = key::catalog_field(&wanted.instrument, &feed.venue);
        (field, key::catalog_value(&name, &wanted.entities))
    };
    let (jobs, job_queue) = mpsc::channel(JOBS_MAX);
    let (answers, answer_queue) = mpsc::channel(ANSWERS_MAX);
    let plan = FeedPlan {
        feed: name.clone(),
        instruments: feed.instruments.clone(),
        catalog: wanted.iter().map(field).collect(),
        specs,
        sessions,
        thresholds: feed.silence,
        events: store::event_policy(settings),
        index,
        jobs,
        answers: answer_queue,
        board: Arc::new(FeedBoard::default()),
    };
    let client = RestClient::new(&name, feed.rest_url.as_str(), feed.rest_weight_per_minute);
    Ok((plan, (RestWorker { feed: name, venue, client, symbols: symbols?, depth, answers }, job_queue)))
}

fn slot_key(
    settings: &Settings,
    feed: &FeedSettings,
    index: FeedIndex,
    wanted: &Wanted,
    entity: Entity,
) -> SlotKey {
    let (instrument, venue) = (wanted.instrument.clone(), feed.venue.clone());
    let key = key::value_key(&settings.namespace, entity, &instrument, &venue);
    SlotKey { key, entity, instrument, venue, feed: index, ttl: settings.ttl.of(entity) }
}

/// Gives an instrument its slots, and finds the sessions that carry it.
fn plan_instrument(
    feed: &FeedSettings,
    wanted: &Wanted,
    sessions: &[SessionPlan],
    index: usize,
    key: impl Fn(Entity) -> SlotKey,
    slots: &mut SlotPlan,
    keys: &mut Vec<WrittenKey>,
) -> anyhow::Result<InstrumentSpec> {
    let mut own = Vec::new();
    for &entity in &wanted.entities {
        let slot = slots.add(key(entity))?;
        own.push((entity, slot));
        let (instrument, venue) = (wanted.instrument.clone(), feed.venue.clone());
        keys.push(WrittenKey { slot, entity, instrument, venue });
    }
    let homes = sessions.iter().flat_map(|session| {
        let carried = session.streams.iter().map(|stream| stream.subscription);
        carried
            .filter(|subscription| subscription.instrument.0 as usize == index)
            .map(|subscription| (subscription.channel, session.id))
    });
    Ok(InstrumentSpec { slots: own, depth: feed.depth as usize, sessions: homes.collect() })
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

/// The venues' defaults, for the configuration.
#[must_use]
pub fn venue_defaults() -> Vec<crate::config::VenueDefaults> {
    feed::venues().iter().map(|venue| defaults_of(*venue)).collect()
}

fn defaults_of(venue: &dyn VenueProtocol) -> crate::config::VenueDefaults {
    let defaults = venue.defaults();
    crate::config::VenueDefaults {
        name: defaults.name,
        websocket_url: defaults.websocket_url,
        rest_url: defaults.rest_url,
        depth_max: u32::try_from(crate::domain::DEPTH_MAX).unwrap_or(u32::MAX),
        // Half of what the venue grants: other programs behind the same address need some, too.
        rest_weight_per_minute: defaults.rest_weight_per_minute / 2,
        rest_weight_per_minute_range: 250..=defaults.rest_weight_per_minute,
    }
}

/// How often a running engine is looked after.
pub(super) const WATCH_EVERY: Duration = Duration::from_millis(200);
