//! The handle of the hot thread: takes records, flushes them, and keeps the connection to Redis.
//!
//! Owns the supervision: connect, reconnect for ever, drain. Never blocks a session, never fails towards it. Everything
//! here lives on one thread; other threads read the [`ValueTable`] and the [`StatsBoard`].

use std::cell::RefCell;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use rustls::ClientConfig;

use crate::clock;
use crate::domain::{Backoff, Epoch, KeyEvent, Ladder, MonoTime, Namespace, Now, Update, UpdateSink};

use super::handshake::handshake;
use super::link::Link;
use super::pipeline::Pipeline;
use super::transport::{Transport, server_name, web_trust};
use super::{Endpoint, PublishError, RedisAddress, SlotPlan, StatsBoard, ValueTable, WriterStats};

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
    /// Records of at least so many bytes are compressed; 0 = never.
    pub zstd_threshold: usize,
    /// First segments of the control keys, as in every key.
    pub namespace: Namespace,
    /// How the connection names itself (`CLIENT SETNAME`): printable, no spaces; empty = not at all.
    pub client_name: String,
    /// Whom a TLS endpoint may be certified by; `None` = the web's certificate authorities.
    pub tls: Option<Arc<ClientConfig>>,
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
    server: Option<Rc<Server>>,
}

#[derive(Debug)]
struct Server {
    address: RedisAddress,
    client_name: String,
    tls: Arc<ClientConfig>,
}

impl Server {
    async fn connect(&self) -> Result<Transport, PublishError> {
        let mut transport = Transport::connect(&self.address.endpoint, &self.tls).await?;
        handshake(&mut transport, &self.address, &self.client_name).await?;
        Ok(transport)
    }
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
        let WriterOptions { store, epoch, zstd_threshold, namespace, client_name, tls } = options;
        let server = match store {
            Store::Embedded => None,
            Store::Redis(address) => {
                if let Endpoint::Tls { host, .. } = &address.endpoint {
                    server_name(host)?;
                }
                Some(Rc::new(Server { address, client_name, tls: tls.unwrap_or_else(web_trust) }))
            }
        };
        let board_of_pipeline = Arc::clone(&board);
        let pipeline = Pipeline::new(
            server.is_none(),
            epoch,
            zstd_threshold,
            &namespace,
            plan,
            table,
            board_of_pipeline,
        );
        Ok(Self { link: Rc::new(RefCell::new(Link::new(pipeline))), board, server })
    }

    /// Sends what waits, if the window allows; else it goes when a reply arrives. Call it after each frame or group of
    /// frames. Never waits, never fails.
    #[inline]
    pub fn flush(&self, now: Now) {
        self.link.borrow_mut().flush(now);
    }

    /// Announces a key in the catalog: `field` is `<instrument>:<venue>`, `value` is `<feed> <entity> ...` (WIRE.md). Says
    /// whether there was room for it. It goes with the next flush.
    pub fn announce(&self, field: &str, value: &str) -> bool {
        self.link.borrow_mut().pipeline.change_catalog(field, Some(value))
    }

    /// Takes a field out of the catalog, with the next flush. Says whether there was room to remember it.
    pub fn withdraw(&self, field: &str) -> bool {
        self.link.borrow_mut().pipeline.change_catalog(field, None)
    }

    /// Keeps the connection until `shutdown` is ready: connects, reads replies, sends what the window held back. Spawn
    /// it on the same `LocalSet`. With [`Store::Embedded`] it only keeps the statistics fresh. To stop without losing a
    /// value: no further updates, then [`Self::drain`], then `shutdown`.
    pub async fn run(self, shutdown: impl Future<Output = ()>) {
        tokio::select! {
            () = shutdown => {}
            () = self.supervise() => {}
        }
        let mut link = self.link.borrow_mut();
        link.down("shutdown");
        link.pipeline.refresh_stats();
    }

    async fn supervise(&self) {
        let Some(server) = &self.server else {
            let error = self.drive().await;
            unreachable!("without a socket nothing fails: {error}");
        };
        let mut backoff = Backoff::new(RECONNECT);
        loop {
            tokio::time::sleep(backoff.next(fastrand::f64())).await;
            match server.connect().await {
                Ok(transport) => self.keep(server, transport, &mut backoff).await,
                Err(error) if backoff.attempts() % LOG_ATTEMPTS_EVERY == 1 => {
                    let endpoint = &server.address.endpoint;
                    tracing::warn!(%endpoint, error = &error as &dyn std::error::Error, "redis unreachable");
                }
                Err(_) => {}
            }
            // While no connection is polled nobody else shows what is encoded and conflated.
            self.link.borrow_mut().pipeline.refresh_stats();
        }
    }

    /// Uses a connection until it fails.
    async fn keep(&self, server: &Server, transport: Transport, backoff: &mut Backoff) {
        let (endpoint, since) = (&server.address.endpoint, clock::mono());
        self.link.borrow_mut().up(transport, since);
        // One that comes and goes (a replica that refuses writes) is told of once in a while.
        let is_told = !backoff.is_flapping() || backoff.attempts() % LOG_ATTEMPTS_EVERY == 1;
        if is_told {
            tracing::info!(%endpoint, "redis connected");
        }
        let error = self.drive().await;
        self.link.borrow_mut().down(error.why());
        let lived = clock::mono().since(since);
        if is_told || lived >= RECONNECT.good_after {
            tracing::warn!(%endpoint, error = &error as &dyn std::error::Error, ?lived, "redis connection lost");
        }
        backoff.connection_lived(lived);
    }

    /// Polls the connection until it fails, with a timer for the pipeline's next deadline.
    async fn drive(&self) -> PublishError {
        let mut timer = pin!(tokio::time::sleep(Duration::ZERO));
        let mut armed = MonoTime::default();
        poll_fn(|context: &mut Context<'_>| {
            let mut link = self.link.borrow_mut();
            let now = clock::now();
            if let Poll::Ready(error) = link.poll(context, now) {
                return Poll::Ready(error);
            }
            // A deadline that moved away is left armed: waking up once too often is cheaper than setting it each time.
            let deadline = link.pipeline.deadline();
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

impl UpdateSink for Writer {
    #[inline]
    fn update(&mut self, update: Update<'_>) {
        self.link.borrow_mut().pipeline.update(update);
    }

    fn event(&mut self, event: KeyEvent) {
        self.link.borrow_mut().pipeline.event(event);
    }
}
