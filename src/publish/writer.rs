//! The handle of the hot thread: takes records, flushes them, and keeps the connections to Redis.
//!
//! Owns the supervision: connect, reconnect for ever, follow the topology, drain. Never blocks a session, never fails towards
//! it. Everything here lives on one thread; other threads read the [`ValueTable`] and the [`StatsBoard`].

use std::cell::{Cell, RefCell};
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::sync::watch;

use crate::clock;
use crate::domain::{Backoff, Epoch, KeyEvent, Ladder, MonoTime, Now, Update, UpdateSink};

use super::breaker::{Breaker, ShownBreaker};
use super::handshake::Demand;
use super::keepers::Keepers;
use super::link::Link;
use super::pipeline::{Advice, FeedHealth, Fencing, Pipeline, PipelineOptions};
use super::servers::Servers;
use super::transport::server_name;
use super::{Endpoint, FeedIndex, NodeIndex, PublishError, SlotPlan, StatsBoard, ValueTable, WriterStats};

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// At once, then half a second at most, for ever.
const RECONNECT: Ladder = Ladder {
    waits: &[ms(0), ms(20), ms(50), ms(100), ms(200), ms(350), ms(500)],
    good_after: Duration::from_secs(1),
};
/// Failed attempts to connect are logged once in so many.
const LOG_ATTEMPTS_EVERY: usize = 60;

/// Where values go.
#[derive(Debug, Clone)]
pub enum Store {
    /// Into this process's table only.
    Embedded,
    /// Into the table and a Redis.
    Redis(Servers),
}

/// What a writer is made of.
#[derive(Debug, Clone)]
pub struct WriterOptions {
    /// Where values go.
    pub store: Store,
    /// What is written, and under which right.
    pub pipeline: PipelineOptions,
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
    link: Rc<RefCell<Link>>,
    board: Arc<StatsBoard>,
    servers: Option<Rc<Servers>>,
    is_leased: bool,
}

impl Writer {
    /// A writer over the plan's keys, not yet connected: [`Self::run`] does that. `table` must be made of the same plan.
    /// Install the metrics recorder first.
    ///
    /// # Errors
    /// [`PublishError::TlsName`] for a TLS endpoint whose host no certificate can name.
    pub fn new(
        options: WriterOptions,
        plan: &SlotPlan,
        table: Arc<ValueTable>,
        board: Arc<StatsBoard>,
    ) -> Result<Self, PublishError> {
        let WriterOptions { store, mut pipeline } = options;
        let is_fenced = matches!(pipeline.fencing, Fencing::On(_));
        let servers = match store {
            Store::Embedded => None,
            Store::Redis(servers) => {
                pipeline.spread = servers.spread;
                for endpoint in &servers.topology.borrow().nodes {
                    if let Endpoint::Tls { host, .. } = endpoint {
                        server_name(host)?;
                    }
                }
                Some(Rc::new(servers))
            }
        };
        pipeline.embedded = servers.is_none();
        let pipeline = Pipeline::new(pipeline, plan, table, Arc::clone(&board));
        let is_leased = is_fenced && servers.is_some();
        Ok(Self { link: Rc::new(RefCell::new(Link::new(pipeline))), board, servers, is_leased })
    }

    /// Sends what waits, if the window allows; else it goes when a reply arrives. Call it after each frame or group of
    /// frames. Never waits, never fails.
    #[inline]
    pub fn flush(&self, now: Now) {
        self.link.borrow_mut().flush(now);
    }

    /// Announces a key of a feed in the catalog: `field` is `<instrument>:<venue>`, `value` is `<feed> <entity> ...`
    /// (WIRE.md). Says whether there was room for it. It goes with the next flush, once this engine writes the feed.
    pub fn announce(&self, feed: FeedIndex, field: &str, value: &str) -> bool {
        self.link.borrow_mut().pipeline.change_catalog(feed, field, Some(value))
    }

    /// Takes a field out of the catalog, likewise. Says whether there was room to remember it.
    pub fn withdraw(&self, feed: FeedIndex, field: &str) -> bool {
        self.link.borrow_mut().pipeline.change_catalog(feed, field, None)
    }

    /// How a feed is, for its heartbeat and for the other engines.
    pub fn set_health(&self, feed: FeedIndex, health: FeedHealth) {
        self.link.borrow_mut().pipeline.set_health(feed, health);
    }

    /// Counts how often this engine began to write a feed. `None` for a feed that there is not.
    #[must_use]
    pub fn takeovers(&self, feed: FeedIndex) -> Option<Rc<Cell<u64>>> {
        self.link.borrow().pipeline.takeovers(feed)
    }

    /// The epoch that a feed is written with, if this engine writes it now.
    #[must_use]
    pub fn authority(&self, feed: FeedIndex) -> Option<Epoch> {
        self.link.borrow().pipeline.authority(feed, clock::mono())
    }

    /// Releases every lease: a standby takes over. The last values may still be written, through the fence. Says whether it
    /// is worth waiting for a standby: a lease was held, and Redis answers.
    #[must_use]
    pub fn leave(&self) -> bool {
        let now = clock::now();
        let mut link = self.link.borrow_mut();
        let was_writing = link.pipeline.leave(now);
        link.flush(now);
        drop(link);
        was_writing && self.is_leased && self.board.read().connected
    }

    /// Keeps the connections until `shutdown` is ready: connects, reads replies, sends what the window held back. Spawn
    /// it on the same `LocalSet`. With [`Store::Embedded`] it only keeps the statistics fresh. To stop without losing a
    /// value: no further updates, then [`Self::drain`], then `shutdown`.
    pub async fn run(self, shutdown: impl Future<Output = ()>) {
        tokio::select! {
            () = shutdown => {}
            () = self.supervise() => {}
        }
        let mut link = self.link.borrow_mut();
        link.pipeline.refresh_stats();
    }

    async fn supervise(&self) {
        let Some(servers) = &self.servers else {
            let error = self.drive(NodeIndex(0)).await;
            unreachable!("without a socket nothing fails: {error}");
        };
        let (mut topology, mut restarts) = (servers.topology.clone(), servers.restarts.clone());
        let mut keepers = Keepers::new(self.clone(), servers.spread);
        loop {
            let current = Arc::clone(&topology.borrow_and_update());
            keepers.follow(&current);
            tokio::select! {
                () = changed(&mut topology) => {}
                () = changed(&mut restarts) => {
                    let now = clock::now();
                    let mut link = self.link.borrow_mut();
                    link.pipeline.publish_anew(now.mono);
                    link.flush(now);
                }
            }
        }
    }

    pub(super) fn link(&self) -> &RefCell<Link> {
        &self.link
    }

    /// Keeps the connection to one server for ever.
    pub(super) async fn keep_node(self, node: NodeIndex, endpoint: Endpoint) {
        let Some(servers) = self.servers.clone() else { return };
        let demand = Demand { scripts: true, primary: servers.primaries_only };
        let mut backoff = Backoff::new(RECONNECT);
        let mut breaker = ShownBreaker::new(&endpoint, self.board.shard());
        loop {
            tokio::time::sleep(backoff.next(fastrand::f64())).await;
            breaker.set(Breaker::HalfOpen);
            match servers.login.open(&endpoint, demand).await {
                Ok(transport) => {
                    // One that comes and goes (a replica that refuses writes) is told of once in a while.
                    let is_told = !backoff.is_flapping() || backoff.attempts() % LOG_ATTEMPTS_EVERY == 1;
                    let since = clock::mono();
                    self.link.borrow_mut().up(node, transport, since);
                    breaker.set(Breaker::Closed);
                    if is_told {
                        tracing::info!(%endpoint, "redis connected");
                    }
                    let error = self.drive(node).await;
                    let now = clock::mono();
                    self.link.borrow_mut().down(node, error.why(), now);
                    let lived = now.since(since);
                    if is_told || lived >= RECONNECT.good_after {
                        tracing::warn!(%endpoint, error = &error as &dyn std::error::Error, ?lived, "redis connection lost");
                    }
                    backoff.connection_lived(lived);
                }
                Err(error) if backoff.attempts() % LOG_ATTEMPTS_EVERY == 1 => {
                    tracing::warn!(%endpoint, error = &error as &dyn std::error::Error, "redis unreachable");
                }
                Err(_) => {}
            }
            breaker.set(Breaker::Open);
            (servers.hint)();
            // While no connection is polled nobody else lets time pass.
            self.link.borrow_mut().pipeline.idle(clock::now());
        }
    }

    /// Polls a connection until it fails, with a timer for the pipeline's next deadline.
    async fn drive(&self, node: NodeIndex) -> PublishError {
        let mut timer = pin!(tokio::time::sleep(Duration::ZERO));
        let mut armed = MonoTime::default();
        poll_fn(|context: &mut Context<'_>| {
            let mut link = self.link.borrow_mut();
            let now = clock::now();
            let polled = link.poll(node, context, now);
            self.follow_advice(&mut link, now.mono);
            if let Poll::Ready(error) = polled {
                return Poll::Ready(error);
            }
            // A deadline that moved away is left armed: waking up once too often is cheaper than setting it each time.
            let deadline = link.pipeline.deadline(node);
            if now.mono >= armed || deadline < armed {
                armed = deadline;
                timer.set(tokio::time::sleep(deadline.since(now.mono)));
            }
            if timer.as_mut().poll(context).is_ready() {
                armed = MonoTime::default();
                context.waker().wake_by_ref();
            }
            Poll::Pending
        })
        .await
    }

    /// What replies said about where keys live.
    fn follow_advice(&self, link: &mut Link, now: MonoTime) {
        let Some(servers) = &self.servers else { return };
        while let Some(advice) = link.pipeline.take_advice() {
            let found = match &advice {
                Advice::Refresh => None,
                Advice::Moved { to, .. } | Advice::Ask { to, .. } | Advice::AskControl { to, .. } => {
                    link.node_at(to)
                }
            };
            match (advice, found) {
                (Advice::Moved { cluster_slot, .. }, Some(node)) => {
                    link.pipeline.move_slot(cluster_slot, node)
                }
                (Advice::Ask { slot, .. }, Some(node)) => link.pipeline.ask_elsewhere(slot, node, now),
                (Advice::AskControl { cluster_slot, .. }, Some(node)) => {
                    link.pipeline.ask_control(cluster_slot, node, now);
                }
                (
                    Advice::Refresh | Advice::Moved { .. } | Advice::Ask { .. } | Advice::AskControl { .. },
                    _,
                ) => (servers.hint)(),
            }
        }
    }

    /// Waits, while [`Self::run`] runs, until everything taken is acknowledged or `deadline` has come. One task at a time.
    pub async fn drain(&self, deadline: MonoTime) -> Drained {
        let acknowledged = poll_fn(|context: &mut Context<'_>| {
            self.flush(clock::now());
            let mut link = self.link.borrow_mut();
            link.wake_on_replies(context.waker());
            if link.pipeline.unwritten() == 0 { Poll::Ready(()) } else { Poll::Pending }
        });
        let in_time = tokio::time::timeout(deadline.since(clock::mono()), acknowledged).await;
        match in_time {
            // A lease that lapsed while Redis was away leaves nothing that may be written, and nothing written.
            Ok(()) if self.is_leased && !self.board.read().connected => {
                Drained::Partly { left: self.link.borrow().pipeline.valued() }
            }
            Ok(()) => Drained::All,
            Err(_) => Drained::Partly { left: self.link.borrow().pipeline.unwritten() },
        }
    }

    /// What was done so far, quantiles included.
    #[must_use]
    pub fn stats(&self) -> WriterStats {
        self.link.borrow_mut().pipeline.refresh_stats();
        self.board.read()
    }

    /// Bytes that the reused buffers of the batches hold in memory: bounded, however long Redis is away.
    #[must_use]
    pub fn buffer_bytes(&self) -> usize {
        self.link.borrow().pipeline.buffer_bytes()
    }
}

/// Ready at the next change; never, once nobody can tell of one.
async fn changed<T>(watched: &mut watch::Receiver<T>) {
    if watched.changed().await.is_err() {
        std::future::pending().await
    }
}

impl UpdateSink for Writer {
    #[inline]
    fn update(&mut self, update: Update<'_>) {
        self.link.borrow_mut().pipeline.update(update);
    }

    fn event(&mut self, event: KeyEvent) {
        self.link.borrow_mut().pipeline.event(event);
    }
}
