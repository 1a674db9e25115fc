//! The socket that clients connect to, and the tasks that serve them.
//!
//! Owns the limit of clients and TLS. Never gives up: an error of one connection ends that connection. All tasks end with
//! the future of [`EmbeddedServer::run`].

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use metrics::{counter, gauge};
use socket2::{Domain, Protocol, SockRef, Socket, TcpKeepalive, Type};
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

use crate::telemetry::names;

use super::EmbeddedOptions;
use super::connection::{self, End, LOGIN_MAX};
use super::session::{Shared, Totals, met};

/// Connections that the kernel keeps until they are taken.
const BACKLOG: i32 = 1_024;
/// A client that is gone without a word is found by probes after so long, and so often.
const KEEPALIVE: Duration = Duration::from_secs(60);
/// After an error that concerns all connections (no descriptors left).
const ACCEPT_AGAIN: Duration = Duration::from_millis(100);

/// An endpoint that listens already.
#[derive(Debug)]
pub struct EmbeddedServer {
    listener: std::net::TcpListener,
    acceptor: Option<Acceptor>,
    shared: Arc<Shared>,
}

/// Has no `Debug` of its own.
#[derive(Clone)]
struct Acceptor(TlsAcceptor);

impl std::fmt::Debug for Acceptor {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Acceptor")
    }
}

impl EmbeddedServer {
    /// Listens; whoever connects waits for [`Self::run`].
    ///
    /// # Errors
    /// What the system says when the address cannot be had.
    pub fn bind(options: EmbeddedOptions) -> io::Result<Self> {
        let socket = Socket::new(Domain::for_address(options.listen), Type::STREAM, Some(Protocol::TCP))?;
        socket.set_reuse_address(true)?;
        socket.bind(&options.listen.into())?;
        socket.listen(BACKLOG)?;
        socket.set_nonblocking(true)?;
        let listener = std::net::TcpListener::from(socket);
        let acceptor = options.tls.clone().map(|config| Acceptor(TlsAcceptor::from(config)));
        let shared = Shared::new(options, listener.local_addr()?.port());
        Ok(Self { listener, acceptor, shared: Arc::new(shared) })
    }

    /// Where it listens: the port is known even where 0 was asked for.
    ///
    /// # Errors
    /// What the system says.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves until it is dropped.
    ///
    /// # Errors
    /// What the system says when the socket cannot be served.
    pub async fn run(self) -> io::Result<()> {
        let Self { listener, acceptor, shared } = self;
        let listener = TcpListener::from_std(listener)?;
        tokio::select! {
            () = shared.hub.dispatch() => Ok(()),
            () = accept(&listener, acceptor.as_ref(), &shared) => Ok(()),
        }
    }
}

async fn accept(listener: &TcpListener, acceptor: Option<&Acceptor>, shared: &Arc<Shared>) {
    let (mut tasks, mut id) = (JoinSet::new(), 0_u64);
    loop {
        tokio::select! {
            // Those that ended are let go of.
            Some(_) = tasks.join_next() => {}
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    id += 1;
                    take(stream, id, acceptor, shared, &mut tasks);
                }
                Err(error) => {
                    tracing::warn!(%error, "the embedded endpoint cannot accept");
                    tokio::time::sleep(ACCEPT_AGAIN).await;
                }
            },
        }
    }
}

fn take(
    stream: TcpStream,
    id: u64,
    acceptor: Option<&Acceptor>,
    shared: &Arc<Shared>,
    tasks: &mut JoinSet<()>,
) {
    Totals::add(&shared.totals.connections, 1);
    counter!(names::EMBEDDED_CONNECTS).increment(1);
    let Some(place) = Place::take(shared) else {
        met("clients");
        Totals::add(&shared.totals.refused, 1);
        refuse(&stream);
        return;
    };
    let acceptor = acceptor.cloned();
    tasks.spawn(async move {
        let end = serve(stream, acceptor, id, &place.0).await;
        if let Some(why) = end.as_str() {
            counter!(names::EMBEDDED_DISCONNECTS, "why" => why).increment(1);
            tracing::debug!(client = id, why, "a client of the embedded endpoint was disconnected");
        }
    });
}

/// One of the places for clients.
#[derive(Debug)]
struct Place(Arc<Shared>);

impl Place {
    fn take(shared: &Arc<Shared>) -> Option<Self> {
        let clients = shared.totals.clients.fetch_add(1, Ordering::Relaxed);
        let place = Self(Arc::clone(shared));
        gauge!(names::EMBEDDED_CLIENTS).increment(1);
        // Dropped where there are too many, which gives it back.
        (clients < shared.limits.clients_max as u64).then_some(place)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.totals.clients.fetch_sub(1, Ordering::Relaxed);
        gauge!(names::EMBEDDED_CLIENTS).decrement(1);
    }
}

/// Whoever does not take it at once does not get it.
fn refuse(stream: &TcpStream) {
    let _ = stream.try_write(b"-ERR max number of clients reached\r\n");
}

async fn serve(stream: TcpStream, acceptor: Option<Acceptor>, id: u64, shared: &Shared) -> End {
    // A socket that is gone already says so at the first read.
    let _ = stream.set_nodelay(true);
    let keepalive = TcpKeepalive::new().with_time(KEEPALIVE).with_interval(KEEPALIVE);
    let _ = SockRef::from(&stream).set_tcp_keepalive(&keepalive);
    let Some(Acceptor(acceptor)) = acceptor else {
        return connection::serve(stream, id, shared).await;
    };
    match timeout(LOGIN_MAX, acceptor.accept(stream)).await {
        Ok(Ok(mut stream)) => {
            let end = connection::serve(&mut stream, id, shared).await;
            let _ = timeout(Duration::from_secs(1), stream.shutdown()).await;
            end
        }
        Ok(Err(_)) => End::Protocol,
        Err(_) => {
            met("login");
            End::Login
        }
    }
}
