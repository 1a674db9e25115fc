//! One TCP port for REST and websocket.
//!
//! Owns the listener, the HTTP connections and the upgrade. Never knows what a market is: it asks [`Source`]. Takes at most
//! [`Limits::connections`] connections at a time; a further one is closed at once.

use std::convert::Infallible;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONNECTION, HeaderValue, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, UPGRADE};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinSet};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};

use super::budget::WeightBudget;
use super::dialect::Dialect;
use super::fault::Faults;
use super::hub::Hub;
use super::rest;
use super::session::Session;
use super::source::Source;

/// A venue's limits; Binance's documented ones by default, and other venues' with [`super::Config::venue`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Client messages (pings and pongs too) in a second, beyond which a session is closed with 1008. `None`: no limit.
    pub client_messages_per_second: Option<u32>,
    /// Streams on one connection.
    pub streams_per_connection: usize,
    /// REST weight in a minute, beyond which the answer is 429.
    pub weight_per_minute: u32,
    /// How often the server pings.
    pub ping_interval: Duration,
    /// After how long without a pong a session ends.
    pub pong_timeout: Duration,
    /// How long a closing session waits for the client's close.
    pub close_timeout: Duration,
    /// Connections at a time.
    pub connections: u64,
    /// After how long without a word from either side a session ends. `None`: never.
    pub idle_timeout: Option<Duration>,
    /// How long a client may take to subscribe to something. `None`: for ever.
    pub first_request: Option<Duration>,
}

impl Limits {
    /// Those of a venue that neither pings nor counts REST weights.
    pub(super) fn quiet() -> Self {
        let day = Duration::from_secs(86_400);
        Self { ping_interval: day, pong_timeout: 2 * day, weight_per_minute: u32::MAX, ..Self::default() }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            client_messages_per_second: Some(5),
            streams_per_connection: 1024,
            weight_per_minute: 6000,
            ping_interval: Duration::from_secs(20),
            pong_timeout: Duration::from_secs(60),
            close_timeout: Duration::from_secs(1),
            connections: 1024,
            idle_timeout: None,
            first_request: None,
        }
    }
}

/// What has happened so far.
#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) connections: AtomicU64,
    pub(super) connections_open: AtomicU64,
    pub(super) sessions: AtomicU64,
    pub(super) sessions_open: AtomicU64,
    pub(super) subscriptions: AtomicU64,
    pub(super) frames: AtomicU64,
    pub(super) rest_requests: AtomicU64,
    pub(super) slow_sessions: AtomicU64,
}

/// What all tasks share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) dialect: &'static dyn Dialect,
    pub(super) limits: Limits,
    pub(super) hub: Hub,
    pub(super) source: Source,
    pub(super) faults: Faults,
    pub(super) counters: Arc<Counters>,
    pub(super) weight: Mutex<WeightBudget>,
    /// Whether the source is told to stand still.
    pub(super) paused: watch::Sender<bool>,
    /// Whether it does, all it had to say being queued.
    pub(super) idle: watch::Sender<bool>,
    /// In what state the venue says that it is, in its own word.
    pub(super) system: watch::Sender<Option<&'static str>>,
    pub(super) tasks: Tasks,
}

impl Shared {
    /// Says that the source stands still, for as long as it is told to.
    pub(super) async fn stand_still(&self, paused: &mut watch::Receiver<bool>) {
        // A pause may follow a resumption before this task has noticed either: so it says so each time round.
        while *paused.borrow_and_update() {
            self.idle.send_replace(true);
            if paused.changed().await.is_err() {
                return;
            }
        }
    }
}

/// The tasks of a simulator, so that stopping leaves none behind.
#[derive(Debug, Default)]
pub(super) struct Tasks(Mutex<Option<JoinSet<()>>>);

impl Tasks {
    pub(super) fn new() -> Self {
        Self(Mutex::new(Some(JoinSet::new())))
    }

    /// Spawns a task, unless the simulator was stopped.
    pub(super) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) -> Option<AbortHandle> {
        let mut guard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let set = guard.as_mut()?;
        while set.try_join_next().is_some() {}
        Some(set.spawn(task))
    }

    /// Ends all tasks and waits for them.
    pub(super) async fn stop(&self) {
        let set = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(mut set) = set {
            set.shutdown().await;
        }
    }

    /// Ends all tasks without waiting.
    pub(super) fn abort(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}

/// Accepts connections for ever.
pub(super) async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                let open = shared.counters.connections_open.load(Ordering::Relaxed);
                if open < shared.limits.connections && stream.set_nodelay(true).is_ok() {
                    let guest = Guest::new(&shared.counters);
                    shared.tasks.spawn(serve(stream, shared.clone(), guest));
                }
            }
            Err(error) => {
                // Out of file descriptors, most likely: waiting lets others close theirs.
                tracing::warn!(%error, "the simulator cannot accept a connection");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
}

/// Counts a connection for as long as it is open.
#[derive(Debug, Clone)]
struct Guest(#[expect(dead_code, reason = "only its dropping matters")] Arc<Seat>);

#[derive(Debug)]
struct Seat(Arc<Counters>);

impl Guest {
    fn new(counters: &Arc<Counters>) -> Self {
        counters.connections.fetch_add(1, Ordering::Relaxed);
        counters.connections_open.fetch_add(1, Ordering::Relaxed);
        Self(Arc::new(Seat(counters.clone())))
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.0.connections_open.fetch_sub(1, Ordering::Relaxed);
    }
}

async fn serve(stream: TcpStream, shared: Arc<Shared>, guest: Guest) {
    let service = service_fn(move |request| {
        let (shared, guest) = (shared.clone(), guest.clone());
        async move { Ok::<_, Infallible>(answer(request, shared, guest).await) }
    });
    let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service).with_upgrades();
    if let Err(error) = connection.await {
        tracing::debug!(%error, "simulated HTTP connection ended");
    }
}

async fn answer(request: Request<Incoming>, shared: Arc<Shared>, guest: Guest) -> Response<Full<Bytes>> {
    let path = request.uri().path();
    let is_upgrade = request.headers().contains_key(SEC_WEBSOCKET_KEY);
    if shared.dialect.serves(path) && (is_upgrade || path != "/") {
        return match rest::status_fault(&shared, path) {
            Some(response) => response,
            None => upgrade(request, shared, guest),
        };
    }
    rest::answer(request, &shared).await
}

fn upgrade(mut request: Request<Incoming>, shared: Arc<Shared>, guest: Guest) -> Response<Full<Bytes>> {
    let key = request.headers().get(SEC_WEBSOCKET_KEY).map(|key| derive_accept_key(key.as_bytes()));
    let Some(accept) = key.and_then(|key| HeaderValue::from_str(&key).ok()) else {
        let mut response = Response::new(Full::from("Expected a websocket upgrade"));
        *response.status_mut() = StatusCode::BAD_REQUEST;
        return response;
    };
    let path = request.uri().path().to_owned();
    let streams = shared.dialect.url_streams(&path, request.uri().query());
    let upgraded = hyper::upgrade::on(&mut request);
    let (hub_shared, tasks_shared) = (shared.clone(), shared.clone());
    let (id, queue) = hub_shared.hub.join();
    let task = tasks_shared.tasks.spawn(async move {
        let _guest = guest;
        let parts = upgraded.await.ok().and_then(|io| io.downcast::<TokioIo<TcpStream>>().ok());
        let Some(parts) = parts else { return shared.hub.leave(id) };
        let (stream, read) = (parts.io.into_inner(), parts.read_buf.to_vec());
        let config = WebSocketConfig::default().max_message_size(Some(1 << 20));
        let socket = WebSocketStream::from_partially_read(stream, read, Role::Server, Some(config)).await;
        Session::new(shared, socket, id, path).run(streams, queue).await;
    });
    if let Some(task) = task {
        hub_shared.hub.set_task(id, task);
    }
    let mut response = Response::new(Full::default());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(SEC_WEBSOCKET_ACCEPT, accept);
    response
}
