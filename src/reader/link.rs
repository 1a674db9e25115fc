//! The connections that questions go over: one to the server, or one to each Cluster node that was asked something.
//!
//! Owns connecting, deadlines, the way to the right node, and giving up a connection. A connection that broke or did not
//! answer in time is dropped with all that waits on it (the `redis` crate leaves abandoned commands in its queue); an idle
//! one that turned out to be dead is replaced and the read repeated once. Never retries a timeout: the caller's time is
//! spent. At most [`HOPS_MAX`] redirections a question.
//!
//! A Cluster is routed here and not by the crate's own cluster connection: that one kept on asking a primary that hung
//! after it was replaced, even when made anew (tried with 1.8.1: no answer in 60 s while the node stayed hung).

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{
    Arg, AsyncConnectionConfig, Cmd, ConnectionInfo, ErrorKind, FromRedisValue, RedisError, ServerErrorKind,
};
use tokio::sync::Mutex;

use super::options::{Mode, NodeAddress, Options};
use super::pause::Pause;
use super::servers::{Servers, verify_primary};
use super::topology::Topology;
use super::{ReadError, Recovery};
use crate::clock;
use crate::codec::key::cluster_slot;
use crate::domain::MonoTime;

/// Nodes that a question is sent on to, when slots move.
const HOPS_MAX: usize = 3;
/// For a connection to one of several servers: another one may have taken its place.
const NODE_CONNECT_MAX: Duration = Duration::from_millis(300);
/// How often sentinels are asked whether the primary is still the one that is connected. A primary that was replaced
/// does not know it for up to ten seconds.
const PRIMARY_CHECK_INTERVAL: Duration = Duration::from_millis(250);

/// A connection, or the memory of why there is none.
#[derive(Default)]
struct Slot {
    connection: Option<MultiplexedConnection>,
    server: String,
    generation: u64,
    checked: MonoTime,
    pause: Pause,
}

/// The server of the URL or the primary (`None`), or a node of the Cluster.
type Target = Option<NodeAddress>;

pub(super) struct Link {
    servers: Servers,
    slots: Mutex<HashMap<Target, Arc<Mutex<Slot>>>>,
    topology: Mutex<Known>,
}

/// What is known of a Cluster.
#[derive(Default)]
struct Known {
    current: Option<Arc<Topology>>,
    /// The primaries of the last topology: whom to ask for the next one.
    nodes: Vec<NodeAddress>,
    pause: Pause,
}

impl fmt::Debug for Link {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Link").field("servers", &self.servers).finish_non_exhaustive()
    }
}

/// A connection for the call at hand.
struct Lent {
    connection: MultiplexedConnection,
    slot: Arc<Mutex<Slot>>,
    server: String,
    generation: u64,
    /// Whether it was there before: then it may have died unnoticed.
    kept: bool,
}

/// Where a Cluster node sends a question on to.
enum Redirection {
    /// The slot has moved.
    Moved(NodeAddress),
    /// The slot is moving, and this key has done so already.
    Ask(NodeAddress),
}

impl Link {
    /// Connects at the first query, not here.
    pub(super) fn new(url: &str, options: Options) -> Result<Self, ReadError> {
        let servers = Servers::new(url, options)?;
        Ok(Self { servers, slots: Mutex::default(), topology: Mutex::default() })
    }

    /// For people: host and port, the path of the socket, or who is asked for them.
    pub(super) fn server(&self) -> &str {
        self.servers.name()
    }

    pub(super) const fn options(&self) -> &Options {
        self.servers.options()
    }

    pub(super) const fn servers(&self) -> &Servers {
        &self.servers
    }

    /// Sends a command that may be repeated: one that only reads. Its first argument is a key.
    pub(super) async fn query<T: FromRedisValue>(
        self: &Arc<Self>,
        name: &'static str,
        command: &Cmd,
    ) -> Result<T, ReadError> {
        let (error, kept) = match self.route(name, command).await {
            Ok(answer) => return Ok(answer),
            Err(failed) => failed,
        };
        let died_unnoticed =
            kept && error.recovery() == Recovery::Reconnect && !matches!(error, ReadError::Timeout { .. });
        if !died_unnoticed {
            return Err(error);
        }
        self.route(name, command).await.map_err(|(error, _)| error)
    }

    /// Sends a command that must not be repeated. Its first argument is a key or a channel.
    pub(super) async fn send<T: FromRedisValue>(
        self: &Arc<Self>,
        name: &'static str,
        command: &Cmd,
    ) -> Result<T, ReadError> {
        self.route(name, command).await.map_err(|(error, _)| error)
    }

    /// Drops the connection to the primary: somebody knows that it is no longer the right one.
    pub(super) async fn forget_primary(&self) {
        self.slot(&None).await.lock().await.connection = None;
    }

    /// The Cluster's slots, as last read.
    pub(super) async fn topology(&self) -> Result<Arc<Topology>, ReadError> {
        let mut known = self.topology.lock().await;
        if let Some(topology) = &known.current {
            return Ok(Arc::clone(topology));
        }
        if let Some(error) = known.pause.refuses(clock::mono()) {
            return Err(error);
        }
        match self.servers.topology(&known.nodes).await {
            Ok(topology) => {
                let topology = Arc::new(topology);
                known.pause.succeeded();
                known.nodes = topology.primaries();
                known.current = Some(Arc::clone(&topology));
                Ok(topology)
            }
            Err(error) => {
                known.pause.failed(clock::mono(), error.clone());
                Err(error)
            }
        }
    }

    /// The slots are read anew when they are needed next: something in them was wrong.
    pub(super) async fn forget_topology(&self) {
        self.topology.lock().await.current = None;
    }

    /// Sends a command where it belongs, and after it where it is sent on to. An error comes with whether the connection
    /// was there before.
    async fn route<T: FromRedisValue>(
        self: &Arc<Self>,
        name: &'static str,
        command: &Cmd,
    ) -> Result<T, (ReadError, bool)> {
        let mut target = self.target(command).await.map_err(|error| (error, false))?;
        let mut asking = false;
        for _ in 0..HOPS_MAX {
            let mut lent = self.connection(&target).await.map_err(|error| (error, false))?;
            let answer = if asking {
                let mut pipeline = redis::pipe();
                pipeline.cmd("ASKING").ignore().add_command(command.clone());
                pipeline.query_async(&mut lent.connection).await.map(|(answer,): (T,)| answer)
            } else {
                command.query_async(&mut lent.connection).await
            };
            let error = match answer {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            match self.redirection(&error, &target) {
                Some(Redirection::Moved(node)) => {
                    self.forget_topology().await;
                    (target, asking) = (Some(node), false);
                }
                Some(Redirection::Ask(node)) => (target, asking) = (Some(node), true),
                None => return Err(self.failed(name, lent, &error).await),
            }
        }
        let server = self.server().to_owned();
        let reason = "its slot is on the move".to_owned();
        Err((ReadError::NotReady { server, command: name, reason }, false))
    }

    async fn failed(&self, name: &'static str, lent: Lent, error: &RedisError) -> (ReadError, bool) {
        let timeout_ms = self.options().response_timeout.as_millis();
        let error = ReadError::of_command(&lent.server, name, timeout_ms, error);
        if error.recovery() == Recovery::Reconnect {
            let mut slot = lent.slot.lock().await;
            // Unless somebody else has replaced it already.
            if slot.generation == lent.generation {
                slot.connection = None;
            }
            drop(slot);
            self.forget_topology().await;
        }
        (error, lent.kept)
    }

    fn redirection(&self, error: &RedisError, asked: &Target) -> Option<Redirection> {
        if !matches!(self.options().mode, Mode::Cluster { .. }) {
            return None;
        }
        let asked = asked.as_ref()?;
        let (address, _) = error.redirect_node()?;
        let mut node: NodeAddress = match address.strip_prefix(':') {
            // An empty host means the one that was asked.
            Some(port) => NodeAddress::new(asked.host.clone(), port.parse().ok()?),
            None => address.parse().ok()?,
        };
        node.tls = asked.tls;
        match error.kind() {
            ErrorKind::Server(ServerErrorKind::Moved) => Some(Redirection::Moved(node)),
            ErrorKind::Server(ServerErrorKind::Ask) => Some(Redirection::Ask(node)),
            _ => None,
        }
    }

    async fn target(&self, command: &Cmd) -> Result<Target, ReadError> {
        if !matches!(self.options().mode, Mode::Cluster { .. }) {
            return Ok(None);
        }
        let key = command.args_iter().nth(1).and_then(|argument| match argument {
            Arg::Simple(bytes) => std::str::from_utf8(bytes).ok(),
            _ => None,
        });
        let slot = cluster_slot(key.unwrap_or_default());
        let node = self.topology().await?.primary(slot).cloned();
        if node.is_none() {
            self.forget_topology().await;
            let reason = format!("nobody serves slot {slot}");
            return Err(ReadError::NotReady { server: self.server().to_owned(), command: "CLUSTER", reason });
        }
        Ok(node)
    }

    async fn slot(&self, target: &Target) -> Arc<Mutex<Slot>> {
        Arc::clone(self.slots.lock().await.entry(target.clone()).or_default())
    }

    /// The slot is locked while connecting: whoever else needs the connection waits for this one.
    async fn connection(self: &Arc<Self>, target: &Target) -> Result<Lent, ReadError> {
        let shared = self.slot(target).await;
        let mut slot = shared.lock().await;
        let kept = slot.connection.is_some();
        if !kept {
            if let Some(error) = slot.pause.refuses(clock::mono()) {
                return Err(error);
            }
            match self.connect(target).await {
                Ok((connection, server)) => {
                    slot.generation += 1;
                    (slot.server, slot.checked) = (server, clock::mono());
                    slot.pause.succeeded();
                    slot.connection = Some(connection);
                }
                Err(error) => {
                    slot.pause.failed(clock::mono(), error.clone());
                    // Around a failover the node may be the wrong one.
                    self.forget_topology().await;
                    return Err(error);
                }
            }
        } else if clock::mono().since(slot.checked) >= PRIMARY_CHECK_INTERVAL {
            slot.checked = clock::mono();
            self.check_primary(&shared, slot.generation, slot.server.clone());
        }
        let Some(connection) = slot.connection.clone() else {
            let reason = "the connection was given up".to_owned();
            return Err(ReadError::Unreachable { server: self.server().to_owned(), reason });
        };
        let (server, generation) = (slot.server.clone(), slot.generation);
        drop(slot);
        Ok(Lent { connection, slot: shared, server, generation, kept })
    }

    async fn connect(&self, target: &Target) -> Result<(MultiplexedConnection, String), ReadError> {
        let options = self.options();
        let near = options.connect_timeout.min(NODE_CONNECT_MAX);
        let (info, limit): (ConnectionInfo, Duration) = match (&options.mode, target) {
            (Mode::Sentinel(sentinels), _) => (self.servers.primary(sentinels).await?, near),
            (Mode::Cluster { .. }, Some(node)) => (self.servers.node(node), near),
            (Mode::Single | Mode::Cluster { .. }, _) => (self.servers.single(), options.connect_timeout),
        };
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(limit))
            .set_response_timeout(Some(options.response_timeout));
        let mut connection = self.servers.connect(&info, &config, limit).await?;
        let server = info.addr().to_string();
        if matches!(options.mode, Mode::Sentinel(_)) {
            verify_primary(&mut connection, &server, options.response_timeout).await?;
        }
        Ok((connection, server))
    }

    /// Asks the sentinels beside the question at hand, and drops the connection if they name another server.
    fn check_primary(self: &Arc<Self>, slot: &Arc<Mutex<Slot>>, generation: u64, server: String) {
        if !matches!(self.options().mode, Mode::Sentinel(_)) {
            return;
        }
        let (link, slot) = (Arc::clone(self), Arc::clone(slot));
        tokio::spawn(async move {
            if link.is_replaced(&server).await {
                let mut slot = slot.lock().await;
                if slot.generation == generation {
                    slot.connection = None;
                }
            }
        });
    }

    /// Whether sentinels name another primary than this one. Those that cannot be asked say nothing.
    pub(super) async fn is_replaced(&self, server: &str) -> bool {
        let Mode::Sentinel(sentinels) = &self.options().mode else { return false };
        let named = self.servers.primary(sentinels).await;
        named.is_ok_and(|info| info.addr().to_string() != server)
    }
}
