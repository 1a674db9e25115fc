//! When what is sent: the writer's state machine, without a socket and without a clock.
//!
//! Owns the conflation table, the leases, the batches in flight and what their replies mean. Never waits: bytes and the time
//! go in, bytes come out. At most [`IN_FLIGHT_MAX`] batches a server are unanswered, so what comes faster than Redis
//! answers is conflated.
//!
//! - Nothing in flight: what is dirty is sent at once. Else when a reply arrives (group commit; no timer).
//! - A feed's values are sent while its lease is held and its own deadline is not past; else they go into the table only.
//! - After a failure the newest values are sent, never the old bytes: a slot that was not acknowledged is dirty again.
//! - While Redis is away or refuses writes, values are encoded into the table and their slots held until it is back.
//!
//! | file | owns |
//! |---|---|
//! | `node` | one server: its window, its errands |
//! | `feeds` | who may write which feed |
//! | `fill` | what goes into the next batch |
//! | `replies` | what an answer changes |
//! | `errands` | what is due besides values: leases, heartbeats, the registry |
//! | `links` | what follows from a connection or a lease that comes or goes |
//! | `routes` | which key lives on which server |
//! | `telling` | what is told beside the table |

mod errands;
mod feeds;
mod fill;
mod links;
mod node;
mod replies;
mod routes;
mod telling;

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use crate::codec::Encoder;
use crate::codec::key::engines_key;
use crate::domain::{Epoch, Feed, KeyEvent, MonoTime, Namespace, Now, Update};

use super::catalog::Catalog;
use super::conflation::Conflation;
use super::lease::LeaseTimes;
use super::meters::Meters;
use super::outbox::Outbox;
use super::roster::Roster;
use super::writes::{Push, Spread, Staged, Writes};
use super::{FeedIndex, NodeIndex, PublishError, SlotPlan, StatsBoard, ValueTable};

use feeds::FeedWriter;
pub use feeds::{FeedHealth, HEARTBEAT_EVERY};
use node::{Errand, Link, Node};
use routes::Routes;
pub use routes::{ADVICE_MAX, Advice};
use telling::Telling;

/// Batches of one server that no reply has come for.
pub const IN_FLIGHT_MAX: usize = 2;
/// A connection without traffic is asked whether it lives.
pub const PING_EVERY: Duration = Duration::from_millis(250);
/// A connection that answers nothing for so long is given up.
pub const SILENCE_MAX: Duration = Duration::from_millis(500);
/// How long no value is sent after a refusal that concerns the whole server.
pub const PAUSE: Duration = Duration::from_millis(150);
/// How long a key waits after a refusal that concerns only it, and the catalog after any.
pub const RETRY_AFTER: Duration = Duration::from_millis(250);
/// How long keys go one by one, and a key to where an ASK sent it, after the last sign that a Cluster moves them.
pub const MOVING_FOR: Duration = Duration::from_secs(1);
/// How long keys go one by one after the server forbade some of them.
pub const FORBIDDEN_FOR: Duration = Duration::from_secs(30);
/// Refusals are logged at most this often.
const LOG_EVERY: Duration = Duration::from_secs(10);
/// How often quantiles are worked out.
const QUANTILES_EVERY: Duration = Duration::from_millis(250);

/// How several engines are kept apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fencing {
    /// Not at all: there is one engine, which writes with this epoch by plain SETs.
    Off(Epoch),
    /// By leases of these times and the fence script.
    On(LeaseTimes),
}

/// What a pipeline is made of.
#[derive(Debug, Clone)]
pub struct PipelineOptions {
    /// No Redis: the table is the store.
    pub embedded: bool,
    /// First segments of every key.
    pub namespace: Namespace,
    /// This engine, or this shard of one, among all engines: `[A-Za-z0-9._-]`, at most 64 characters, and of no other pipeline.
    pub engine: String,
    /// This very run of it, as the owner of leases: likewise. An engine that was started again must not take the lease of its
    /// former run for its own: its sequences begin anew.
    pub owner: String,
    /// When it was started, milliseconds since the Unix epoch.
    pub started_ms: u64,
    /// What [`FeedIndex`] counts.
    pub feeds: Vec<Feed>,
    /// How several engines are kept apart.
    pub fencing: Fencing,
    /// Who gets accepted values without asking.
    pub push: Push,
    /// How many servers the keys are spread over.
    pub spread: Spread,
    /// Records of at least so many bytes are compressed; 0 = never.
    pub zstd_threshold: usize,
}

/// The writer's state machine.
#[derive(Debug)]
pub struct Pipeline {
    engine: String,
    owner: String,
    started_ms: u64,
    spread: Spread,
    conflation: Conflation,
    encoding: Encoding,
    nodes: Vec<Node>,
    routes: Routes,
    feeds: Vec<FeedWriter>,
    roster: Roster,
    engines_key: String,
    /// When this engine is to say next that it lives.
    sign_at: MonoTime,
    leaving: bool,
    catalog: Catalog,
    /// When the catalog is to be sent again at the latest.
    catalog_again_at: MonoTime,
    /// Until when the catalog is not sent, after a refusal.
    catalog_at: Option<MonoTime>,
    outbox: Outbox,
    telling: Telling,
    /// Our clock less that of Redis, in nanoseconds.
    clock_offset: i64,
    /// When an errand is due at the earliest.
    errands_at: MonoTime,
    log_after: MonoTime,
    quantiles_at: MonoTime,
    meters: Meters,
    #[cfg(test)]
    pub(super) sabotage: Option<Sabotage>,
    /// Leases that were lost, for whoever looks on.
    #[cfg(test)]
    pub(super) losses: Vec<(FeedIndex, super::lease::LostBy)>,
}

/// A bug on purpose: the simulation must find it.
#[cfg(test)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sabotage {
    /// "The same version is there already" is taken for a refusal.
    SameIsRefusal,
}

/// What turns records into bytes, in the batch and in the table.
#[derive(Debug)]
struct Encoding {
    encoder: Encoder,
    writes: Writes,
    /// The bytes of the values that wait for their batch.
    arena: Vec<u8>,
    staged: Vec<Staged>,
    table: Arc<ValueTable>,
}

impl Pipeline {
    /// Over the plan's keys; down, or, embedded, up for ever without a Redis.
    #[must_use]
    pub fn new(
        options: PipelineOptions,
        plan: &SlotPlan,
        table: Arc<ValueTable>,
        board: Arc<StatsBoard>,
    ) -> Self {
        let PipelineOptions {
            embedded,
            namespace,
            engine,
            owner,
            started_ms,
            feeds,
            fencing,
            push,
            spread,
            zstd_threshold,
        } = options;
        let fenced = matches!(fencing, Fencing::On(_));
        let writes = Writes::new(plan, &namespace, fenced, push, spread);
        let mut meters = Meters::new(board, plan.slots().len());
        meters.connected(embedded);
        let feeds = feeds.iter().map(|feed| FeedWriter::new(feed, &namespace, fencing)).collect();
        Self {
            conflation: Conflation::new(plan),
            encoding: Encoding {
                encoder: Encoder::new(zstd_threshold),
                writes,
                arena: Vec::new(),
                staged: Vec::new(),
                table,
            },
            nodes: vec![Node::new(if embedded { Link::Embedded } else { Link::Down })],
            routes: Routes::new(),
            feeds,
            roster: Roster::default(),
            engines_key: engines_key(&namespace),
            sign_at: MonoTime::default(),
            leaving: false,
            catalog: Catalog::new(&namespace, spread),
            catalog_again_at: MonoTime::default(),
            catalog_at: None,
            outbox: Outbox::new(plan, &namespace),
            telling: Telling::default(),
            clock_offset: 0,
            errands_at: MonoTime::default(),
            log_after: MonoTime::default(),
            quantiles_at: MonoTime::default(),
            meters,
            engine,
            owner,
            started_ms,
            spread,
            #[cfg(test)]
            sabotage: None,
            #[cfg(test)]
            losses: Vec::new(),
        }
    }

    /// Takes the newest value of a key.
    #[inline]
    pub fn update(&mut self, update: Update<'_>) {
        self.conflation.update(update);
    }

    /// Takes an event about a key. It is told with the key's next value.
    pub fn event(&mut self, event: KeyEvent) {
        // Without a Redis nobody is told but those who watch the table.
        if self.nodes[0].link == Link::Embedded && !self.encoding.table.board().is_watched() {
            return;
        }
        let slot = event.slot;
        if self.outbox.put(event) {
            self.conflation.set_announced(slot, true);
        }
    }

    /// Sets or removes a field of the catalog; says whether there was room for it.
    pub(super) fn change_catalog(&mut self, feed: FeedIndex, field: &str, value: Option<&str>) -> bool {
        let has_room = self.catalog.change(feed, field, value);
        if has_room {
            self.encoding.table.board().change_catalog(field, value);
        }
        has_room
    }

    /// How a feed is. A change is told at once.
    pub fn set_health(&mut self, feed: FeedIndex, health: FeedHealth) {
        let Some(writer) = self.feeds.get_mut(feed.0 as usize) else { return };
        if std::mem::replace(&mut writer.health, health) != health {
            writer.heartbeat_at = MonoTime::default();
            self.errands_at = MonoTime::default();
            self.telling.soon();
        }
    }

    /// Counts how often this engine began to write a feed.
    #[must_use]
    pub fn takeovers(&self, feed: FeedIndex) -> Option<Rc<Cell<u64>>> {
        self.feeds.get(feed.0 as usize).map(|writer| Rc::clone(&writer.takeovers))
    }

    /// The epoch that a feed is written with, if this engine writes it now.
    #[must_use]
    pub fn authority(&self, feed: FeedIndex, now: MonoTime) -> Option<Epoch> {
        self.feeds.get(feed.0 as usize)?.authority(now)
    }

    /// What the socket of a node is to take next.
    #[must_use]
    #[inline]
    pub fn output(&self, node: NodeIndex) -> &[u8] {
        self.nodes[node.0 as usize].output()
    }

    /// The socket took so many bytes of [`Self::output`].
    #[inline]
    pub fn took(&mut self, node: NodeIndex, bytes: usize) {
        let in_flight = &mut self.nodes[node.0 as usize].in_flight;
        let batch = in_flight.back_mut().expect("only bytes of a batch can have been taken");
        batch.taken += bytes;
        assert!(batch.taken <= batch.bytes.len(), "the socket took more than it was given");
    }

    /// When [`Self::tick`] is to be called for a node at the latest.
    #[must_use]
    pub fn deadline(&self, node: NodeIndex) -> MonoTime {
        let common = self.quantiles_at.min(self.catalog_at.unwrap_or(self.quantiles_at)).min(self.errands_at);
        let node = &self.nodes[node.0 as usize];
        if node.is_up() { node.deadline().min(common) } else { common }
    }

    /// Time has passed: asks, gives up, or ends a pause. [`Self::fill`] is to follow.
    ///
    /// # Errors
    /// [`PublishError::Silent`] when the node has not answered for [`SILENCE_MAX`].
    pub fn tick(&mut self, node: NodeIndex, now: Now) -> Result<(), PublishError> {
        let is_over = |until: &mut Option<MonoTime>| until.take_if(|until| *until <= now.mono).is_some();
        is_over(&mut self.catalog_at);
        let of = &mut self.nodes[node.0 as usize];
        let pause_over = is_over(&mut of.paused_until);
        let retry_over = is_over(&mut of.release_at);
        is_over(&mut of.alone_until);
        if of.is_up() && of.paused_until.is_none() && (pause_over || retry_over) {
            self.conflation.release(node);
        }
        if now.mono >= self.errands_at {
            self.run_errands(now);
        }
        if self.nodes[node.0 as usize].is_up() {
            self.check_liveness(node, now)?;
        }
        if now.mono >= self.quantiles_at {
            self.quantiles_at = now.mono.after(QUANTILES_EVERY);
            self.refresh_stats();
        }
        Ok(())
    }

    /// Works the quantiles out and leaves everything where other threads read it.
    pub fn refresh_stats(&mut self) {
        self.meters.refresh_quantiles();
        self.meters.post(&self.conflation);
    }

    /// Keys, events and catalog commands whose newest state is not acknowledged.
    #[must_use]
    pub fn unwritten(&self) -> usize {
        if self.nodes[0].link == Link::Embedded {
            return self.conflation.dirty();
        }
        let in_flight: usize =
            self.nodes.iter().flat_map(|node| &node.in_flight).map(replies::unacknowledged).sum();
        let errands: usize = self.nodes.iter().map(|node| node.errands.len()).sum();
        let catalog = usize::from(self.catalog.is_unsent() || self.catalog.is_meta_unsent());
        self.conflation.dirty() + in_flight + errands + catalog + self.outbox.len()
    }

    /// Keys that have a value.
    #[must_use]
    pub fn valued(&self) -> usize {
        self.conflation.valued()
    }

    /// Values that are where they belong.
    #[must_use]
    pub const fn acknowledged(&self) -> u64 {
        self.meters.stats.written
    }

    /// Bytes that the batches' buffers hold in memory.
    #[must_use]
    pub fn buffer_bytes(&self) -> usize {
        let batches = self.nodes.iter().flat_map(|node| node.in_flight.iter().chain(&node.spare));
        batches.map(|batch| batch.bytes.capacity()).sum::<usize>() + self.encoding.arena.capacity()
    }
}

#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_fence;
