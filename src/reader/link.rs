//! One connection to Redis, made anew when it fails.
//!
//! Owns connecting, deadlines and giving up a connection. A connection that broke or did not answer in time is dropped
//! with all that waits on it (the `redis` crate leaves abandoned commands in its queue); an idle one that turned out to
//! be dead is replaced and the read repeated once. Never retries a timeout: the caller's time is spent.

use std::fmt;
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::io::tcp::TcpSettings;
use redis::{AsyncConnectionConfig, Client, Cmd, FromRedisValue, IntoConnectionInfo};
use tokio::sync::Mutex;

use super::pause::Pause;
use super::{AgeLimits, ReadError, Recovery};
use crate::clock;

/// What a reader may take, and what it takes for fresh.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// For resolving, connecting, TLS and login together. Default 1 s.
    pub connect_timeout: Duration,
    /// For each command. Default 500 ms.
    pub response_timeout: Duration,
    /// Between two looks of a [`Watch`](super::Watch). Default 50 ms.
    pub poll_interval: Duration,
    /// What counts as stale.
    pub age_limits: AgeLimits,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(1),
            response_timeout: Duration::from_millis(500),
            poll_interval: Duration::from_millis(50),
            age_limits: AgeLimits::default(),
        }
    }
}

/// The connection, or the memory of why there is none.
#[derive(Default)]
struct Slot {
    connection: Option<MultiplexedConnection>,
    generation: u64,
    pause: Pause,
}

pub(super) struct Link {
    client: Client,
    server: String,
    options: Options,
    slot: Mutex<Slot>,
}

impl fmt::Debug for Link {
    /// Without the URL: it may hold a password.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Link").field("server", &self.server).finish_non_exhaustive()
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
        let invalid = |error: redis::RedisError| ReadError::Url { reason: reason_without_url(&error) };
        let info = url.into_connection_info().map_err(invalid)?;
        let server = info.addr().to_string();
        let info = info.set_tcp_settings(TcpSettings::default().set_nodelay(true));
        let client = Client::open(info).map_err(invalid)?;
        Ok(Self { client, server, options, slot: Mutex::default() })
    }

    /// Host and port, or the path of the socket; for people.
    pub(super) fn server(&self) -> &str {
        &self.server
    }

    pub(super) const fn options(&self) -> &Options {
        &self.options
    }

    /// Sends a command that only reads, so that it may be repeated.
    pub(super) async fn query<T: FromRedisValue>(
        &self,
        name: &'static str,
        command: &Cmd,
    ) -> Result<T, ReadError> {
        let (connection, generation, origin) = self.connection().await?;
        let error = match self.run(connection, name, command).await {
            Ok(answer) => return Ok(answer),
            Err(error) => error,
        };
        if error.recovery() != Recovery::Reconnect {
            return Err(error);
        }
        self.discard(generation).await;
        if origin == Origin::Fresh || matches!(error, ReadError::Timeout { .. }) {
            return Err(error);
        }
        let (connection, generation, _) = self.connection().await?;
        let again = self.run(connection, name, command).await;
        if again.as_ref().is_err_and(|error| error.recovery() == Recovery::Reconnect) {
            self.discard(generation).await;
        }
        again
    }

    async fn run<T: FromRedisValue>(
        &self,
        mut connection: MultiplexedConnection,
        name: &'static str,
        command: &Cmd,
    ) -> Result<T, ReadError> {
        let timeout_ms = self.options.response_timeout.as_millis();
        command
            .query_async(&mut connection)
            .await
            .map_err(|error| ReadError::of_command(&self.server, name, timeout_ms, &error))
    }

    /// The lock is held while connecting: whoever else needs a connection waits for this one instead of making another.
    async fn connection(&self) -> Result<(MultiplexedConnection, u64, Origin), ReadError> {
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

    async fn connect(&self) -> Result<MultiplexedConnection, ReadError> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(self.options.connect_timeout))
            .set_response_timeout(Some(self.options.response_timeout));
        let connecting = self.client.get_multiplexed_async_connection_with_config(&config);
        // The crate's own limit begins after name resolution; this one covers everything.
        match tokio::time::timeout(self.options.connect_timeout, connecting).await {
            Ok(connected) => connected.map_err(|error| ReadError::of_connect(&self.server, &error)),
            Err(_) => Err(ReadError::Unreachable {
                server: self.server.clone(),
                reason: format!("no connection within {} ms", self.options.connect_timeout.as_millis()),
            }),
        }
    }

    /// Drops the connection of that generation, unless somebody else has replaced it already.
    async fn discard(&self, generation: u64) {
        let mut slot = self.slot.lock().await;
        if slot.generation == generation {
            slot.connection = None;
        }
    }
}

/// The crate's texts for a bad URL do not repeat it, but its `detail` may; so only the constant part is kept.
fn reason_without_url(error: &redis::RedisError) -> String {
    format!("{} (expected redis://, rediss:// or redis+unix://)", error.category())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neither_errors_nor_debug_texts_show_a_password() {
        for url in ["redis://bot:hunter2@", "http://bot:hunter2@localhost", "redis://bot:hunter2@h:99999"] {
            let error = Link::new(url, Options::default()).map(|_| ()).unwrap_err();
            assert!(!format!("{error} {error:?}").contains("hunter2"), "{error}");
        }
        let link = Link::new("redis://bot:hunter2@localhost:6379/2", Options::default()).unwrap();
        assert_eq!(link.server(), "localhost:6379");
        assert!(!format!("{link:?}").contains("hunter2"));
    }
}
