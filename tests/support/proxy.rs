//! A TCP proxy between a client and a server, which can fail in every way of a network.
//!
//! Owns its port, its connections and one thread; knows no protocol. What it is told holds for all connections, unless
//! said otherwise, and takes effect within moments; only [`Proxy::refuse`] and [`Proxy::accept`] wait until it has.
//! Each direction of a connection holds at most [`QUEUE_MAX`] pieces of [`PIECE_BYTES`]; then its sender has to wait.
#![allow(dead_code, reason = "every test binary uses another part of it")]

use std::cell::Cell;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::task::LocalSet;
use tokio::time::Instant;

use super::redis_server::free_port;

const QUEUE_MAX: usize = 64;
const PIECE_BYTES: usize = 32 << 10;

/// What happens to bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Flow {
    /// Each piece arrives so much later.
    Pass { delay: Duration },
    /// Nothing is read any more; what waits arrives when it passes again, as over a link that comes back.
    Hold,
    /// Everything is swallowed. A connection that lost bytes stays mute for ever, new ones as well.
    BlackHole,
}

/// What becomes of the connection whose replies are cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cut {
    Reset,
    BlackHole,
}

#[derive(Debug, Clone, Copy)]
struct Orders {
    flow: Flow,
    target: u16,
    listening: bool,
    /// Connections of an earlier number are reset.
    resets: u64,
    cut: Cut,
    ended: bool,
}

#[derive(Debug, Default)]
struct Counters {
    open: AtomicUsize,
    accepted: AtomicU64,
    /// Bytes of replies until the next cut + 1; 0: none is due.
    until_cut: AtomicU64,
}

/// A running proxy; its thread and connections end when it is dropped.
#[derive(Debug)]
pub(crate) struct Proxy {
    port: u16,
    orders: watch::Sender<Orders>,
    listening: watch::Receiver<bool>,
    counters: Arc<Counters>,
    thread: Option<JoinHandle<()>>,
}

impl Proxy {
    /// In front of the server on this port.
    pub(crate) fn start(target: u16) -> Self {
        let orders = Orders {
            flow: Flow::Pass { delay: Duration::ZERO },
            target,
            listening: true,
            resets: 0,
            cut: Cut::Reset,
            ended: false,
        };
        let (orders, received) = watch::channel(orders);
        let (told, listening) = watch::channel(false);
        let counters = Arc::new(Counters::default());
        let (port, shared) = (free_port(), Arc::clone(&counters));
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            LocalSet::new().block_on(&runtime.expect("a runtime"), serve(port, received, told, shared));
        });
        let proxy = Self { port, orders, listening, counters, thread: Some(thread) };
        proxy.wait_until_listening(true);
        proxy
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// How many connections are open now.
    pub(crate) fn open(&self) -> usize {
        self.counters.open.load(Ordering::SeqCst)
    }

    /// How many connections were accepted since the start.
    pub(crate) fn accepted(&self) -> u64 {
        self.counters.accepted.load(Ordering::SeqCst)
    }

    /// Everything passes again, except on connections that lost bytes.
    pub(crate) fn pass(&self) {
        self.delay(Duration::ZERO);
    }

    /// Everything passes, so much later in each direction; a round trip takes twice as long.
    pub(crate) fn delay(&self, delay: Duration) {
        self.order(|orders| orders.flow = Flow::Pass { delay });
    }

    /// Bytes wait at both ends until it passes again: a link that is interrupted and comes back.
    pub(crate) fn hold(&self) {
        self.order(|orders| orders.flow = Flow::Hold);
    }

    /// Connections stay open and new ones are accepted, but everything is swallowed in both directions.
    pub(crate) fn black_hole(&self) {
        self.order(|orders| orders.flow = Flow::BlackHole);
    }

    /// Resets (RST) all connections that there are; new ones are served.
    pub(crate) fn reset(&self) {
        self.order(|orders| orders.resets += 1);
    }

    /// New connections are refused; those that there are stay. Holds when it returns.
    pub(crate) fn refuse(&self) {
        self.order(|orders| orders.listening = false);
        self.wait_until_listening(false);
    }

    /// New connections are accepted again. Holds when it returns.
    pub(crate) fn accept(&self) {
        self.order(|orders| orders.listening = true);
        self.wait_until_listening(true);
    }

    /// Once, after so many further bytes of replies (all connections together) have passed: the connection of the next
    /// byte loses it and all that follow. The server has done what it was asked, and nobody learns it.
    pub(crate) fn cut_replies_after(&self, bytes: u64, cut: Cut) {
        self.order(|orders| orders.cut = cut);
        self.counters.until_cut.store(bytes + 1, Ordering::SeqCst);
    }

    /// New connections go to the server on this port; those that there are stay where they are.
    pub(crate) fn retarget(&self, target: u16) {
        self.order(|orders| orders.target = target);
    }

    fn order(&self, change: impl FnOnce(&mut Orders)) {
        self.orders.send_modify(change);
    }

    fn wait_until_listening(&self, wanted: bool) {
        while *self.listening.borrow() != wanted {
            assert!(self.listening.has_changed().is_ok(), "the proxy's thread has failed");
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.order(|orders| orders.ended = true);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

async fn serve(
    port: u16,
    mut orders: watch::Receiver<Orders>,
    told: watch::Sender<bool>,
    counters: Arc<Counters>,
) {
    let mut listener = None;
    loop {
        let now = *orders.borrow_and_update();
        if now.ended {
            return;
        }
        if now.listening != listener.is_some() {
            listener = if now.listening { Some(listen(port).await) } else { None };
            told.send_replace(now.listening);
        }
        tokio::select! {
            _ = orders.changed() => {}
            Some(Ok((client, _))) = async { Some(listener.as_ref()?.accept().await) } => {
                counters.accepted.fetch_add(1, Ordering::SeqCst);
                counters.open.fetch_add(1, Ordering::SeqCst);
                let (orders, counters) = (orders.clone(), Arc::clone(&counters));
                tokio::task::spawn_local(async move {
                    connect(client, orders, &counters).await;
                    counters.open.fetch_sub(1, Ordering::SeqCst);
                });
            }
        }
    }
}

/// Again until it works: in the meantime the port may have been chosen by another process.
async fn listen(port: u16) -> TcpListener {
    loop {
        if let Ok(listener) = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], port))).await {
            return listener;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Why both directions end.
enum End {
    Closed,
    Reset,
}

async fn connect(mut client: TcpStream, mut orders: watch::Receiver<Orders>, counters: &Counters) {
    let now = *orders.borrow_and_update();
    if now.flow == Flow::BlackHole {
        swallow(&mut client, orders, now.resets).await;
        return;
    }
    let Ok(mut server) = TcpStream::connect(("127.0.0.1", now.target)).await else {
        let _ = client.set_zero_linger();
        return;
    };
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let (from_client, to_client) = client.split();
    let (from_server, to_server) = server.split();
    let mute = Cell::new(false);
    let requests = Direction { orders: orders.clone(), mute: &mute, replies: None };
    let replies = Direction { orders: orders.clone(), mute: &mute, replies: Some(counters) };
    let end = tokio::select! {
        () = was_reset(&mut orders, now.resets) => End::Reset,
        end = requests.pump(from_client, to_server) => end,
        end = replies.pump(from_server, to_client) => end,
    };
    if matches!(end, End::Reset) {
        let _ = (client.set_zero_linger(), server.set_zero_linger());
    }
}

/// Until the client leaves or is reset.
async fn swallow(client: &mut TcpStream, mut orders: watch::Receiver<Orders>, resets: u64) {
    let mut buffer = vec![0; PIECE_BYTES];
    let reading = async { while matches!(client.read(&mut buffer).await, Ok(1..)) {} };
    tokio::select! {
        () = reading => {}
        () = was_reset(&mut orders, resets) => { let _ = client.set_zero_linger(); }
    }
}

async fn was_reset(orders: &mut watch::Receiver<Orders>, resets: u64) {
    // An error: the proxy is gone, and with it this task.
    let _ = orders.wait_for(|orders| orders.resets != resets).await;
}

/// One direction of one connection.
struct Direction<'a> {
    orders: watch::Receiver<Orders>,
    /// Whether this connection has lost bytes; shared by both directions.
    mute: &'a Cell<bool>,
    /// Where the bytes of replies are counted; `None` for requests.
    replies: Option<&'a Counters>,
}

impl Direction<'_> {
    async fn pump(self, mut from: ReadHalf<'_>, mut to: WriteHalf<'_>) -> End {
        let (queue, mut pieces) = mpsc::channel::<(Instant, Vec<u8>)>(QUEUE_MAX);
        let mut orders = self.orders.clone();
        let read = async move {
            let mut buffer = vec![0; PIECE_BYTES];
            loop {
                let _ = orders.wait_for(|orders| orders.flow != Flow::Hold).await;
                let Ok(length @ 1..) = from.read(&mut buffer).await else { break };
                let due = match orders.borrow().flow {
                    Flow::Pass { delay } => now() + delay,
                    Flow::Hold | Flow::BlackHole => now(),
                };
                if queue.send((due, buffer[..length].to_vec())).await.is_err() {
                    break;
                }
            }
            // The other half delivers what was read, then sees that no more comes.
            drop(queue);
            std::future::pending().await
        };
        let write = async {
            while let Some((due, piece)) = pieces.recv().await {
                tokio::time::sleep_until(due).await;
                if let Some(end) = self.deliver(&mut to, &piece).await {
                    return end;
                }
            }
            self.left().await
        };
        tokio::select! { end = read => end, end = write => end }
    }

    /// One side has left. The client does not learn it from a server whose bytes are swallowed.
    async fn left(&self) -> End {
        let swallowing = self.orders.borrow().flow == Flow::BlackHole || self.mute.get();
        if self.replies.is_some() && swallowing { std::future::pending().await } else { End::Closed }
    }

    async fn deliver(&self, to: &mut WriteHalf<'_>, piece: &[u8]) -> Option<End> {
        let orders =
            self.orders.clone().wait_for(|orders| orders.flow != Flow::Hold).await.ok().map(|now| *now)?;
        if orders.flow == Flow::BlackHole {
            self.mute.set(true);
        }
        if self.mute.get() {
            return None;
        }
        let passes = self.replies.map_or(piece.len(), |counters| counters.pass(piece.len()));
        if to.write_all(&piece[..passes]).await.is_err() {
            return Some(End::Closed);
        }
        if passes == piece.len() {
            return None;
        }
        match orders.cut {
            Cut::Reset => Some(End::Reset),
            Cut::BlackHole => {
                self.mute.set(true);
                None
            }
        }
    }
}

impl Counters {
    /// How many of so many bytes may pass; fewer only where a cut is due, which is done with then.
    fn pass(&self, bytes: usize) -> usize {
        let left = self.until_cut.load(Ordering::SeqCst);
        let Some(left) = left.checked_sub(1) else { return bytes };
        let passes = usize::try_from(left).unwrap_or(usize::MAX).min(bytes);
        let after = if passes == bytes { left - passes as u64 + 1 } else { 0 };
        self.until_cut.store(after, Ordering::SeqCst);
        passes
    }
}

#[allow(clippy::disallowed_methods, reason = "these helpers know nothing of the project's clock")]
fn now() -> Instant {
    Instant::now()
}
