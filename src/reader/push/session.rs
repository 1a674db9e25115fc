//! One subscription connection, from connecting to its end.
//!
//! Owns the connection, what is subscribed on it, and its supervision: a PING every [`PROBE_INTERVAL`] that is not
//! answered within [`PROBE_MAX`] ends it, so that a dead path is found within 750 ms. Every reply is checked. Never
//! reconnects: `hub` does. At most [`SUBSCRIBED_AT_ONCE`] commands are in flight.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use redis::aio::{ConnectionLike as _, MultiplexedConnection};
use redis::{AsyncConnectionConfig, ConnectionInfo, ProtocolVersion, PushInfo, PushKind, Value};
use tokio::sync::{Notify, watch};
use tokio::time::MissedTickBehavior;
use tracing::debug;

use super::book::{Book, SessionNumber};
use crate::reader::ReadError;
use crate::reader::link::Link;
use crate::reader::options::{Mode, NodeAddress};
use crate::reader::servers::verify_primary;

/// Between two probes of the connection.
pub(super) const PROBE_INTERVAL: Duration = Duration::from_millis(250);
/// For the answer to a probe or to a subscription.
pub(super) const PROBE_MAX: Duration = Duration::from_millis(500);
/// For everything from name resolution to login.
const CONNECT_MAX: Duration = Duration::from_millis(500);
/// Subscriptions that are sent before the answers to the earlier ones are in.
const SUBSCRIBED_AT_ONCE: usize = 128;

/// How values are published, as `meta` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Transport {
    /// PUBLISH: any connection to the server, or to any node of a Cluster, gets it.
    Publish,
    /// SPUBLISH: only connections to the node of the channel's slot get it.
    ShardPublish,
}

impl Transport {
    const fn subscribe(self) -> &'static str {
        match self {
            Self::Publish => "SUBSCRIBE",
            Self::ShardPublish => "SSUBSCRIBE",
        }
    }

    const fn unsubscribe(self) -> &'static str {
        match self {
            Self::Publish => "UNSUBSCRIBE",
            Self::ShardPublish => "SUNSUBSCRIBE",
        }
    }
}

/// Where a connection leads.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Target {
    /// The server, or the primary that sentinels name.
    Primary,
    /// A node of a Cluster.
    Node(NodeAddress),
}

/// The channels that a connection should have; replaced as a whole.
pub(super) type Wanted = Arc<BTreeSet<Arc<str>>>;

pub(super) struct Session {
    pub(super) number: SessionNumber,
    pub(super) link: Arc<Link>,
    pub(super) book: Arc<Book>,
    pub(super) target: Target,
    pub(super) transport: Transport,
    pub(super) wanted: watch::Receiver<Wanted>,
}

/// What is subscribed; whatever ends the session, followers are told.
struct Held {
    number: SessionNumber,
    book: Arc<Book>,
    channels: BTreeSet<Arc<str>>,
}

impl Drop for Held {
    fn drop(&mut self) {
        self.book.fall(self.number, &self.channels);
    }
}

impl Session {
    /// Serves until something is wrong with the connection, and says what.
    pub(super) async fn run(mut self) -> ReadError {
        match self.serve().await {
            Ok(()) => self.broken("it is no longer needed"),
            Err(error) => error,
        }
    }

    async fn serve(&mut self) -> Result<(), ReadError> {
        let info = self.info().await?;
        let server = info.addr().to_string();
        let ended = Arc::new(Notify::new());
        let mut connection = self.connect(&info, &ended).await?;
        self.probe(&mut connection, &server).await?;
        let mut held = Held { number: self.number, book: Arc::clone(&self.book), channels: BTreeSet::new() };
        let mut probes = tokio::time::interval(PROBE_INTERVAL);
        probes.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let wanted = self.wanted.borrow_and_update().clone();
            self.bring_in_line(&mut connection, &server, &wanted, &mut held).await?;
            tokio::select! {
                changed = self.wanted.changed() => if changed.is_err() { return Ok(()) },
                () = ended.notified() => return Err(self.broken("the server ended it, or moved its channels")),
                _ = probes.tick() => self.probe(&mut connection, &server).await?,
            }
        }
    }

    async fn info(&self) -> Result<ConnectionInfo, ReadError> {
        let servers = self.link.servers();
        let info = match (&self.target, &servers.options().mode) {
            (Target::Node(node), _) => servers.node(node),
            (Target::Primary, Mode::Sentinel(sentinels)) => servers.primary(sentinels).await?,
            (Target::Primary, Mode::Single | Mode::Cluster { .. }) => servers.single(),
        };
        let settings = info.redis_settings().clone().set_protocol(ProtocolVersion::RESP3);
        Ok(info.set_redis_settings(settings))
    }

    /// Messages go straight from the connection's task into the mailboxes: nothing queues up in between.
    async fn connect(
        &self,
        info: &ConnectionInfo,
        ended: &Arc<Notify>,
    ) -> Result<MultiplexedConnection, ReadError> {
        let (book, ended) = (Arc::clone(&self.book), Arc::clone(ended));
        let on_push = move |push: PushInfo| -> Result<(), ()> {
            match (push.kind, &push.data[..]) {
                (
                    PushKind::Message | PushKind::SMessage,
                    [Value::BulkString(channel), Value::BulkString(message)],
                ) => {
                    if let Ok(channel) = std::str::from_utf8(channel) {
                        book.deliver(channel, message);
                    }
                }
                // Unasked: the channel's slot has moved to another node.
                (PushKind::Unsubscribe | PushKind::SUnsubscribe, [Value::BulkString(channel), ..])
                    if std::str::from_utf8(channel).is_ok_and(|channel| book.is_wanted(channel)) =>
                {
                    ended.notify_one();
                }
                (PushKind::Disconnection, _) => ended.notify_one(),
                _ => {}
            }
            Ok(())
        };
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(CONNECT_MAX))
            .set_response_timeout(Some(PROBE_MAX))
            .set_push_sender(on_push);
        self.link.servers().connect(info, &config, CONNECT_MAX).await
    }

    /// In Sentinel mode the probe asks the server and the sentinels whether it is still the primary.
    async fn probe(&self, connection: &mut MultiplexedConnection, server: &str) -> Result<(), ReadError> {
        if matches!(self.link.options().mode, Mode::Sentinel(_)) {
            verify_primary(connection, server, PROBE_MAX).await?;
            if self.link.is_replaced(server).await {
                return Err(self.broken("sentinels name another primary"));
            }
            return Ok(());
        }
        let answer: Result<Value, _> = redis::cmd("PING").query_async(connection).await;
        answer
            .map(|_| ())
            .map_err(|error| ReadError::of_command(server, "PING", PROBE_MAX.as_millis(), &error))
    }

    async fn bring_in_line(
        &self,
        connection: &mut MultiplexedConnection,
        server: &str,
        wanted: &Wanted,
        held: &mut Held,
    ) -> Result<(), ReadError> {
        let missing: Vec<Arc<str>> = wanted.difference(&held.channels).cloned().collect();
        for chunk in missing.chunks(SUBSCRIBED_AT_ONCE) {
            let accepted = self.send(connection, server, self.transport.subscribe(), chunk).await?;
            held.channels.extend(chunk.iter().cloned());
            self.book.rise(self.number, &accepted);
        }
        let surplus: Vec<Arc<str>> = held.channels.difference(wanted).cloned().collect();
        for chunk in surplus.chunks(SUBSCRIBED_AT_ONCE) {
            self.book.fall(self.number, chunk);
            for channel in chunk {
                held.channels.remove(channel);
            }
            self.send(connection, server, self.transport.unsubscribe(), chunk).await?;
        }
        Ok(())
    }

    /// One command a channel, so that each has one reply: a Cluster wants it so, as channels differ in their slots.
    /// Returns the channels that this user may follow; where there is none among them, the refusal.
    async fn send(
        &self,
        connection: &mut MultiplexedConnection,
        server: &str,
        verb: &'static str,
        channels: &[Arc<str>],
    ) -> Result<Vec<Arc<str>>, ReadError> {
        let mut pipeline = redis::pipe();
        for channel in channels {
            pipeline.cmd(verb).arg(&**channel);
        }
        let failed = |error: &_| ReadError::of_command(server, verb, PROBE_MAX.as_millis(), error);
        let replies = connection.req_packed_commands(&pipeline, 0, channels.len()).await;
        let replies = replies.map_err(|error| failed(&error))?;
        let (mut accepted, mut refusal) = (Vec::with_capacity(channels.len()), None);
        for (channel, reply) in channels.iter().zip(replies) {
            match reply.extract_error() {
                Ok(_) => accepted.push(Arc::clone(channel)),
                Err(error) if error.code() == Some("NOPERM") => {
                    debug!(%channel, ?error, "channel refused, its key is polled");
                    refusal = Some(failed(&error));
                }
                Err(error) => return Err(failed(&error)),
            }
        }
        match refusal {
            Some(error) if accepted.is_empty() => Err(error),
            _ => Ok(accepted),
        }
    }

    fn broken(&self, reason: &str) -> ReadError {
        let server = match &self.target {
            Target::Primary => self.link.server().to_owned(),
            Target::Node(node) => node.to_string(),
        };
        ReadError::Broken { server, command: "SUBSCRIBE", reason: reason.to_owned() }
    }
}
