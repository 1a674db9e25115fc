//! One connection to Redis, made anew when it fails.
//!
//! Owns connecting, deadlines and giving up a connection. A connection that broke or did not answer in time is dropped
//! with all that waits on it (the `redis` crate leaves abandoned commands in its queue); an idle one that turned out to
//! be dead is replaced and the read repeated once. A Cluster's connections are the crate's own, and made anew after
//! [`CLUSTER_FAILURES_MAX`] failures in a row: it never leaves a primary that hangs. Never retries a timeout: the
//! caller's time is spent.

use redis::aio::{ConnectionLike, MultiplexedConnection};
use redis::cluster_async::ClusterConnection;
use redis::{AsyncConnectionConfig, Cmd, FromRedisValue, RedisFuture, Value};
use tokio::sync::Mutex;

use super::options::{Mode, NodeAddress, Options};
use super::pause::Pause;
use super::servers::{Servers, verify_primary};
use super::{ReadError, Recovery};
use crate::clock;

/// Failures in a row after which the connections to a Cluster are made anew.
const CLUSTER_FAILURES_MAX: u32 = 3;

#[derive(Clone)]
enum Connection {
    One(MultiplexedConnection),
    Cluster(ClusterConnection),
}

impl ConnectionLike for Connection {
    fn req_packed_command<'a>(&'a mut self, command: &'a Cmd) -> RedisFuture<'a, Value> {
        match self {
            Self::One(connection) => connection.req_packed_command(command),
            Self::Cluster(connection) => connection.req_packed_command(command),
        }
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        pipeline: &'a redis::Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisFuture<'a, Vec<Value>> {
        match self {
            Self::One(connection) => connection.req_packed_commands(pipeline, offset, count),
            Self::Cluster(connection) => connection.req_packed_commands(pipeline, offset, count),
        }
    }

    fn get_db(&self) -> i64 {
        match self {
            Self::One(connection) => connection.get_db(),
            Self::Cluster(connection) => connection.get_db(),
        }
    }
}

/// The connection, or the memory of why there is none.
#[derive(Default)]
struct Slot {
    connection: Option<Connection>,
    generation: u64,
    /// In a row, of this generation.
    failures: u32,
    pause: Pause,
}

pub(super) struct Link {
    servers: Servers,
    slot: Mutex<Slot>,
}

impl std::fmt::Debug for Link {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Link").field("servers", &self.servers).finish_non_exhaustive()
    }
}

/// Whether a connection was made for the call at hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Origin {
    Fresh,
    Kept,
}

impl Link {
    /// Connects at the first query, not here.
    pub(super) fn new(url: &str, options: Options) -> Result<Self, ReadError> {
        Ok(Self { servers: Servers::new(url, options)?, slot: Mutex::default() })
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

    /// Sends a command that may be repeated: one that only reads.
    pub(super) async fn query<T: FromRedisValue>(
        &self,
        name: &'static str,
        command: &Cmd,
    ) -> Result<T, ReadError> {
        let (connection, generation, origin) = self.connection().await?;
        let error = match self.run(connection, generation, name, command).await {
            Ok(answer) => return Ok(answer),
            Err(error) => error,
        };
        if error.recovery() != Recovery::Reconnect
            || origin == Origin::Fresh
            || matches!(error, ReadError::Timeout { .. })
        {
            return Err(error);
        }
        let (connection, generation, _) = self.connection().await?;
        self.run(connection, generation, name, command).await
    }

    /// Sends a command that must not be repeated.
    pub(super) async fn send<T: FromRedisValue>(
        &self,
        name: &'static str,
        command: &Cmd,
    ) -> Result<T, ReadError> {
        let (connection, generation, _) = self.connection().await?;
        self.run(connection, generation, name, command).await
    }

    /// Drops the connection: somebody knows that the server is no longer the right one.
    pub(super) async fn forget(&self) {
        self.slot.lock().await.connection = None;
    }

    async fn run<T: FromRedisValue>(
        &self,
        mut connection: Connection,
        generation: u64,
        name: &'static str,
        command: &Cmd,
    ) -> Result<T, ReadError> {
        let timeout_ms = self.options().response_timeout.as_millis();
        let answer = command
            .query_async(&mut connection)
            .await
            .map_err(|error| ReadError::of_command(self.server(), name, timeout_ms, &error));
        match &answer {
            Err(error) if error.recovery() == Recovery::Reconnect => self.failed(generation).await,
            _ if matches!(connection, Connection::Cluster(_)) => self.answered(generation).await,
            _ => {}
        }
        answer
    }

    /// The lock is held while connecting: whoever else needs a connection waits for this one instead of making another.
    async fn connection(&self) -> Result<(Connection, u64, Origin), ReadError> {
        let mut slot = self.slot.lock().await;
        if let Some(connection) = &slot.connection {
            return Ok((connection.clone(), slot.generation, Origin::Kept));
        }
        if let Some(error) = slot.pause.refuses(clock::mono()) {
            return Err(error);
        }
        match self.connect().await {
            Ok(connection) => {
                slot.generation += 1;
                slot.failures = 0;
                slot.pause.succeeded();
                slot.connection = Some(connection.clone());
                Ok((connection, slot.generation, Origin::Fresh))
            }
            Err(error) => {
                slot.pause.failed(clock::mono(), error.clone());
                Err(error)
            }
        }
    }

    async fn connect(&self) -> Result<Connection, ReadError> {
        let options = self.options();
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(options.connect_timeout))
            .set_response_timeout(Some(options.response_timeout));
        let limit = options.connect_timeout;
        match &options.mode {
            Mode::Single => {
                let connected = self.servers.connect(&self.servers.single(), &config, limit).await;
                connected.map(Connection::One)
            }
            Mode::Sentinel(sentinels) => {
                let primary = self.servers.primary(sentinels).await?;
                let mut connection = self.servers.connect(&primary, &config, limit).await?;
                let server = primary.addr().to_string();
                verify_primary(&mut connection, &server, options.response_timeout).await?;
                Ok(Connection::One(connection))
            }
            Mode::Cluster { nodes } => self.connect_cluster(nodes).await,
        }
    }

    async fn connect_cluster(&self, nodes: &[NodeAddress]) -> Result<Connection, ReadError> {
        let client = self.servers.cluster_client(nodes)?;
        let limit = self.options().connect_timeout;
        match tokio::time::timeout(limit, client.get_async_connection()).await {
            Ok(Ok(connection)) => Ok(Connection::Cluster(connection)),
            Ok(Err(error)) => Err(ReadError::of_connect(self.server(), &error)),
            Err(_) => Err(ReadError::Unreachable {
                server: self.server().to_owned(),
                reason: format!("no connection within {} ms", limit.as_millis()),
            }),
        }
    }

    /// Drops the connection of that generation, unless somebody else has replaced it already.
    async fn failed(&self, generation: u64) {
        let mut slot = self.slot.lock().await;
        if slot.generation != generation {
            return;
        }
        slot.failures += 1;
        let kept = matches!(slot.connection, Some(Connection::Cluster(_)));
        if !kept || slot.failures >= CLUSTER_FAILURES_MAX {
            slot.connection = None;
        }
    }

    async fn answered(&self, generation: u64) {
        let mut slot = self.slot.lock().await;
        if slot.generation == generation {
            slot.failures = 0;
        }
    }
}
