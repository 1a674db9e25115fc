//! Slow connections to Redis, for questions and subscriptions, made with the hot one's socket and handshake.
//!
//! Owns the deadlines: a question that is not answered in time ends its connection, since an abandoned one would keep
//! its place in the crate's queue. Never reconnects, never lets a secret into an error. At home on the slow runtime only.

use std::fmt;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use redis::aio::{MultiplexedConnection, PubSub};
use redis::{AsyncConnectionConfig, Cmd, RedisConnectionInfo, RedisError, Value};
use rustls::ClientConfig;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::task::JoinHandle;

use super::handshake::{Demand, handshake};
use super::tls::web_trust;
use super::transport::Transport;
use super::{Credentials, Endpoint, MESSAGE_MAX, PublishError, RedisAddress, Refusal};
use crate::net::Unfit;

/// How we log in at the servers of one kind.
#[derive(Clone)]
pub struct Login {
    credentials: Credentials,
    db: u32,
    tls: Arc<ClientConfig>,
    client_name: String,
    /// Addresses that take connections and are of no use, known to all that log in with this.
    unfit: Arc<Unfit>,
}

impl Login {
    /// `tls` is for TLS endpoints only, `None` trusts the web's authorities; `client_name` is for `CLIENT SETNAME`
    /// (printable, no spaces; empty = not at all).
    #[must_use]
    pub fn new(
        credentials: Credentials,
        db: u32,
        tls: Option<Arc<ClientConfig>>,
        client_name: String,
    ) -> Self {
        let (tls, unfit) = (tls.unwrap_or_else(web_trust), Arc::default());
        Self { credentials, db, tls, client_name, unfit }
    }

    /// The same TLS and name with other credentials, in database 0: for sentinels.
    #[must_use]
    pub fn with_credentials(&self, credentials: Credentials) -> Self {
        Self { credentials, db: 0, ..self.clone() }
    }

    /// A connection that takes commands.
    pub(super) async fn open(&self, endpoint: &Endpoint, demand: Demand) -> Result<Transport, PublishError> {
        let address = RedisAddress {
            endpoint: endpoint.clone(),
            username: self.credentials.username.clone(),
            password: self.credentials.password.clone(),
            db: self.db,
        };
        let mut transport = Transport::connect(endpoint, &self.tls, &self.unfit).await?;
        let peer = transport.peer();
        let greeted = handshake(&mut transport, &address, &self.client_name, demand).await;
        match (&greeted, peer) {
            (Ok(_), Some(peer)) => self.unfit.forget(peer),
            (Err(_), Some(peer)) => self.unfit.note(peer),
            (_, None) => {}
        }
        greeted?;
        Ok(transport)
    }
}

impl fmt::Debug for Login {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Login").field("credentials", &self.credentials).finish_non_exhaustive()
    }
}

/// A task that ends with its owner.
#[derive(Debug)]
pub(super) struct Owned(JoinHandle<()>);

impl Owned {
    pub(super) fn new(task: JoinHandle<()>) -> Self {
        Self(task)
    }
}

impl Drop for Owned {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// A connection for questions.
#[derive(Debug)]
pub(super) struct Session {
    connection: MultiplexedConnection,
    driver: Owned,
}

impl Session {
    /// Connects and logs in, within [`CONNECT_MAX`](super::transport::CONNECT_MAX) (twice for TLS) and
    /// [`HANDSHAKE_MAX`](super::handshake::HANDSHAKE_MAX).
    pub(super) async fn open(login: &Login, endpoint: &Endpoint) -> Result<Self, PublishError> {
        let stream = Stream(login.open(endpoint, Demand::NOTHING).await?);
        // Everything is said already; with these settings the crate says nothing more, and waits for nothing.
        let config = AsyncConnectionConfig::new().set_response_timeout(None);
        let (connection, driver) = MultiplexedConnection::new_with_config(&silent(), stream, config)
            .await
            .map_err(|error| explain("connection set-up", &error))?;
        Ok(Self { connection, driver: Owned::new(tokio::spawn(driver)) })
    }

    /// Whether it can still be asked.
    pub(super) fn is_open(&self) -> bool {
        !self.driver.0.is_finished()
    }

    /// Asks. `name` is what errors call the command. After a time-out, or a failure of the connection, the session is closed.
    pub(super) async fn ask(
        &self,
        name: &'static str,
        command: &Cmd,
        within: Duration,
    ) -> Result<Value, PublishError> {
        let mut connection = self.connection.clone();
        let answer = in_time(within, command.query_async(&mut connection)).await;
        // Only a server's own word of refusal leaves the connection usable.
        let is_broken =
            answer.as_ref().map_or(true, |said| said.as_ref().is_err_and(|error| error.code().is_none()));
        if is_broken {
            self.driver.0.abort();
        }
        answer?.map_err(|error| explain(name, &error))
    }
}

/// Connects, logs in and subscribes to `channel`. Every step has its deadline, `within` is that of the subscription.
///
/// The crate's own queue of messages has no bound: whoever takes them must never wait for anything else.
pub(super) async fn subscribe(
    login: &Login,
    endpoint: &Endpoint,
    channel: &str,
    within: Duration,
) -> Result<PubSub, PublishError> {
    let stream = Stream(login.open(endpoint, Demand::NOTHING).await?);
    let name = "SUBSCRIBE";
    let mut subscription =
        PubSub::new(&silent(), stream).await.map_err(|error| explain("connection set-up", &error))?;
    let answer = in_time(within, subscription.subscribe(channel)).await?;
    answer.map_err(|error| explain(name, &error))?;
    Ok(subscription)
}

/// Waits for `answer` no longer than `within`.
pub(super) async fn in_time<T>(within: Duration, answer: impl Future<Output = T>) -> Result<T, PublishError> {
    let after_ms = u64::try_from(within.as_millis()).unwrap_or(u64::MAX);
    tokio::time::timeout(within, answer).await.map_err(|_| PublishError::Silent { after_ms })
}

/// The crate shall not log in: our handshake has done it.
fn silent() -> RedisConnectionInfo {
    RedisConnectionInfo::default().set_skip_set_lib_name()
}

/// The crate's error as one of ours.
pub(super) fn explain(command: &'static str, error: &RedisError) -> PublishError {
    let Some(code) = error.code() else {
        return if error.is_connection_dropped() {
            PublishError::Closed
        } else {
            PublishError::Io(io::Error::other(error.category().to_owned()))
        };
    };
    let mut message = error.detail().unwrap_or_default().to_owned();
    let end = (0..=MESSAGE_MAX.min(message.len())).rev().find(|&end| message.is_char_boundary(end));
    message.truncate(end.unwrap_or(0));
    PublishError::Question { command, refusal: Refusal::from_word(code.as_bytes()), message }
}

/// Our socket, as the crate wants it.
#[derive(Debug)]
struct Stream(Transport);

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let read = self.get_mut().0.poll_read(context, buffer.initialize_unfilled());
        read.map_ok(|count| buffer.advance(count))
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.get_mut().0.poll_write(context, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().0.poll_flush(context)
    }

    /// Dropping the socket ends it.
    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
