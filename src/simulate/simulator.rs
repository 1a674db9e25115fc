//! Starting, asking and stopping a simulator.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use tokio::net::TcpListener;
use tokio::sync::watch;

use super::book::{BookView, Top};
use super::budget::WeightBudget;
use super::dialect::{self, Dialect};
use super::fault::{Break, Faults};
use super::hub::{Command, Hub, MARKET_QUEUE_BATCHES, REPLAY_QUEUE_BATCHES};
use super::market::{self, Market, MarketOptions};
use super::replay::{self, Loaded, Progress, Replay, ReplayError, ReplayOptions};
use super::server::{Counters, Limits, Shared, Tasks, accept};
use super::source::{Source, SymbolInfo};

/// Whose words a made-up market speaks where none is named.
const DEFAULT_VENUE: &str = "binance";

/// What is simulated, and where.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where to listen; port 0 lets the system choose.
    pub listen: SocketAddr,
    /// What is served.
    pub what: What,
    /// The venue, by its name in configurations. `None`: whose recordings it is; for a made-up market Binance.
    pub venue: Option<String>,
    /// The venue's limits.
    pub limits: Limits,
}

/// What is served.
#[derive(Debug, Clone)]
pub enum What {
    /// A made-up market.
    Market(MarketOptions),
    /// Recordings.
    Replay(ReplayOptions),
}

impl Config {
    /// A made-up market on a free port of this machine.
    #[must_use]
    pub fn market(options: MarketOptions) -> Self {
        Self::new(What::Market(options))
    }

    /// Recordings on a free port of this machine.
    #[must_use]
    pub fn replay(options: ReplayOptions) -> Self {
        Self::new(What::Replay(options))
    }

    fn new(what: What) -> Self {
        Self { listen: SocketAddr::from(([127, 0, 0, 1], 0)), what, venue: None, limits: Limits::default() }
    }

    /// Simulates this venue, under its documented limits: `binance`, `binance-usdm`, `coinbase`, `kraken`, `okx`, `bybit`,
    /// `bybit-linear` or `hyperliquid`. Starting says where there is no such venue.
    #[must_use]
    pub fn venue(mut self, venue: &str) -> Self {
        if let Some(dialect) = dialect::of(venue) {
            self.limits = dialect.limits();
        }
        self.venue = Some(venue.to_owned());
        self
    }

    fn dialect(&self) -> Result<Option<&'static dyn Dialect>, StartError> {
        let known = |venue: &String| {
            let unknown =
                || StartError::UnknownVenue { venue: venue.clone(), known: dialect::venues().join(", ") };
            dialect::of(venue).ok_or_else(unknown)
        };
        self.venue.as_ref().map(known).transpose()
    }

    /// Listens elsewhere.
    #[must_use]
    pub fn listen(mut self, address: SocketAddr) -> Self {
        self.listen = address;
        self
    }
}

/// Why a simulator does not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The address cannot be listened on.
    #[error("the simulator cannot listen on {address}: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
    /// There is no such venue.
    #[error("venue {venue:?} cannot be simulated: expected one of {known}")]
    UnknownVenue {
        /// What was asked for.
        venue: String,
        /// What there is.
        known: String,
    },
    /// The recordings cannot be played.
    #[error(transparent)]
    Replay(#[from] ReplayError),
    /// The task that loads the recordings was ended.
    #[error("loading the recordings was interrupted")]
    Interrupted,
}

/// What a simulator has done so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stats {
    /// TCP connections taken.
    pub connections: u64,
    /// TCP connections open now.
    pub connections_open: u64,
    /// Websocket sessions taken.
    pub sessions: u64,
    /// Websocket sessions open now; half-open ones count.
    pub sessions_open: u64,
    /// Streams subscribed to, repeats included.
    pub subscriptions: u64,
    /// Frames of streams handed to sockets, over all sessions, as many as without faults.
    pub frames: u64,
    /// REST requests, refused ones included.
    pub rest_requests: u64,
    /// Sessions ended because their client did not read.
    pub slow_sessions: u64,
}

/// A running simulator. Its tasks run on the runtime that started it and end when it is stopped or dropped.
#[derive(Debug)]
pub struct Simulator {
    shared: Arc<Shared>,
    address: SocketAddr,
}

impl Simulator {
    /// Starts a simulator. A replay has read its recordings when this returns.
    ///
    /// # Errors
    ///
    /// [`StartError`] where it cannot listen or the recordings cannot be played.
    pub async fn start(config: Config) -> Result<Self, StartError> {
        let ordered = config.dialect()?;
        let Config { listen, what, mut limits, .. } = config;
        let listener = TcpListener::bind(listen).await;
        let listener = listener.map_err(|source| StartError::Listen { address: listen, source })?;
        let address =
            listener.local_addr().map_err(|source| StartError::Listen { address: listen, source })?;
        let (dialect, source, hub, step) = match what {
            What::Market(options) => {
                let dialect = match ordered {
                    Some(dialect) => dialect,
                    None => dialect::of(DEFAULT_VENUE).expect("the default is one of them"),
                };
                let market = Market::new(dialect, &options);
                let hub = Hub::new(market.stream_names(), Vec::new(), MARKET_QUEUE_BATCHES);
                (dialect, Source::Market(Box::new(Mutex::new(market))), hub, Some(options.step))
            }
            What::Replay(options) => {
                let loading = tokio::task::spawn_blocking(move || Replay::load(options, ordered));
                let (replay, dialect) = loading.await.map_err(|_| StartError::Interrupted)??;
                let hub = Hub::new(replay.stream_names(), replay.told_names(), REPLAY_QUEUE_BATCHES);
                (dialect, Source::Replay(Box::new(replay)), hub, None)
            }
        };
        if ordered.is_none() && limits == Limits::default() {
            // The venue is known only now.
            limits = dialect.limits();
        }
        let shared = Arc::new(Shared {
            dialect,
            limits,
            hub,
            source,
            faults: Faults::default(),
            counters: Arc::new(Counters::default()),
            weight: Mutex::new(WeightBudget::default()),
            paused: watch::Sender::new(false),
            idle: watch::Sender::new(false),
            system: watch::Sender::new(None),
            tasks: Tasks::new(),
        });
        shared.tasks.spawn(accept(listener, shared.clone()));
        match step {
            Some(step) => shared.tasks.spawn(market::drive(shared.clone(), step)),
            None => shared.tasks.spawn(replay::play(shared.clone())),
        };
        Ok(Self { shared, address })
    }

    /// The address that it listens on.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.address
    }

    /// The venue's name in configurations.
    #[must_use]
    pub fn venue(&self) -> &'static str {
        self.shared.dialect.venue()
    }

    /// The websocket; where a venue has several, the one for prices and books.
    #[must_use]
    pub fn websocket_url(&self) -> String {
        format!("ws://{}{}", self.address, self.shared.dialect.urls()[0])
    }

    /// All of the venue's websockets: two for Binance's USD-M futures, `/public/stream` and `/market/stream`.
    #[must_use]
    pub fn websocket_urls(&self) -> Vec<String> {
        self.shared.dialect.urls().iter().map(|path| format!("ws://{}{path}", self.address)).collect()
    }

    /// The names of all streams, as faults match on them, in the venue's order.
    #[must_use]
    pub fn streams(&self) -> Vec<String> {
        self.shared.hub.names().map(str::to_owned).collect()
    }

    /// The root of REST, without `/api`.
    #[must_use]
    pub fn rest_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The symbols that it serves.
    #[must_use]
    pub fn symbols(&self) -> Vec<SymbolInfo> {
        self.shared.source.symbols()
    }

    /// The venue's truth: the top of a symbol's book now. In a replay, the last recorded one played on a stream of tops such as
    /// bookTicker, or that of the book.
    #[must_use]
    pub fn top(&self, symbol: &str) -> Option<Top> {
        self.shared.source.top(symbol)
    }

    /// The venue's truth: the best `limit` levels of each side now, as REST would show them.
    #[must_use]
    pub fn book(&self, symbol: &str, limit: usize) -> Option<BookView> {
        self.shared.source.view(symbol, limit)
    }

    /// The faults in force.
    #[must_use]
    pub fn faults(&self) -> &Faults {
        &self.shared.faults
    }

    /// What has happened so far.
    #[must_use]
    pub fn stats(&self) -> Stats {
        let counters = &self.shared.counters;
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Stats {
            connections: read(&counters.connections),
            connections_open: read(&counters.connections_open),
            sessions: read(&counters.sessions),
            sessions_open: read(&counters.sessions_open),
            subscriptions: read(&counters.subscriptions),
            frames: read(&counters.frames),
            rest_requests: read(&counters.rest_requests),
            slow_sessions: read(&counters.slow_sessions),
        }
    }

    /// How far a replay is; nothing for a made-up market.
    #[must_use]
    pub fn progress(&self) -> Option<Progress> {
        self.replay().map(Replay::progress)
    }

    /// What was found in the recordings; nothing for a made-up market.
    #[must_use]
    pub fn loaded(&self) -> Option<Loaded> {
        self.replay().map(Replay::loaded)
    }

    fn replay(&self) -> Option<&Replay> {
        match &self.shared.source {
            Source::Replay(replay) => Some(replay),
            Source::Market(_) => None,
        }
    }

    /// Waits until all recorded frames are in the clients' sockets. Never ends for a made-up market or a loop.
    pub async fn finished(&self) {
        if let Some(replay) = self.replay()
            && replay.finished().wait_for(|finished| *finished).await.is_ok()
        {
            return;
        }
        std::future::pending().await
    }

    /// Stops the source and waits until all that it had to say is on its way to the sessions: then the deltas sent add
    /// up to the truth. Does not return while a replay waits for subscriptions or has ended.
    pub async fn pause(&self) {
        self.shared.paused.send_replace(true);
        // The sender lives in `shared`, so waiting cannot fail.
        let _ = self.shared.idle.subscribe().wait_for(|idle| *idle).await;
    }

    /// Lets the source go on.
    pub fn resume(&self) {
        self.shared.idle.send_replace(false);
        self.shared.paused.send_replace(false);
    }

    /// From now on the venue says that it is in this state, a word of its own such as Kraken's `maintenance`, or at OKX that an instrument
    /// is, `BTC-USDT suspend`; to all sessions, and to
    /// those that come. What it trades goes on as before: who believes the word must not look at that. Where a venue has no word for
    /// it nothing is said.
    pub async fn say_system(&self, word: &'static str) {
        self.shared.system.send_replace(Some(word));
        for queue in self.shared.hub.queues() {
            let _ = queue.send(Command::Hello).await;
        }
    }

    /// Closes all sessions with a close frame.
    pub async fn close_sessions(&self, code: u16, reason: &'static str) {
        for queue in self.shared.hub.retire() {
            let _ = queue.send(Command::Close { code, reason }).await;
        }
    }

    /// Ends all sessions without a close frame.
    pub async fn break_sessions(&self, how: Break) {
        for queue in self.shared.hub.retire() {
            let _ = queue.send(Command::Break(how)).await;
        }
    }

    /// Ends all tasks and connections, and waits for that.
    pub async fn stop(self) {
        self.shared.tasks.stop().await;
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        self.shared.tasks.abort();
    }
}
