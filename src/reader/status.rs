//! Who writes: engines, leases, heartbeats, and what the servers say of themselves.
//!
//! Owns these questions and the reading of their answers. Never changes anything. At most [`ENGINES_READ_MAX`] engines are
//! read, and [`FEEDS_ASKED_AT_ONCE`] leases are asked for at a time.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;

use super::options::Mode;
use super::push::Keep;
use super::{ReadError, Reader};
use crate::codec::key;
use crate::codec::{EngineEntry, FeedMessage, RegistryError, decode_engine, decode_feed, decode_lease};
use crate::domain::{Epoch, Feed};

/// Engines of one namespace.
pub const ENGINES_READ_MAX: usize = 1_000;

/// Leases that are asked for before the answers to the earlier ones are in.
const FEEDS_ASKED_AT_ONCE: usize = 64;

/// An engine's id, and what it says of itself where that can be read.
pub type Engine = (String, Result<EngineEntry, RegistryError>);

/// Who writes a feed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lease {
    /// This engine, in this epoch.
    Held {
        /// Its id.
        engine: String,
        /// Made when it took over, from the counter or from Redis' clock in milliseconds, whichever was greater.
        epoch: Epoch,
        /// Until the lease ends, if nobody renews it.
        remaining: Duration,
    },
    /// Nobody.
    Free,
    /// Something that is no lease stands there.
    Unreadable,
}

/// What a server says of itself. What it does not say is `None`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ServerFacts {
    /// Host and port.
    pub server: String,
    /// Of the server program.
    pub version: Option<String>,
    /// `master` or `slave`.
    pub role: Option<String>,
    /// Bytes.
    pub used_memory: Option<u64>,
    /// Bytes; 0 = no limit.
    pub maxmemory: Option<u64>,
    /// What goes when the limit is reached.
    pub maxmemory_policy: Option<String>,
    /// Keys that had to go so far.
    pub evicted_keys: Option<u64>,
    /// Replicas that are connected.
    pub connected_replicas: Option<u64>,
    /// The server's clock, milliseconds since the Unix epoch.
    pub time_ms: Option<u64>,
}

impl ServerFacts {
    /// Reads the answer to INFO. <https://redis.io/docs/latest/commands/info/>
    #[must_use]
    pub fn parse(server: String, info: &str) -> Self {
        let lines: HashMap<&str, &str> =
            info.lines().filter_map(|line| line.trim_end().split_once(':')).collect();
        let text =
            |name| lines.get(name).map(|&value| value.chars().filter(|char| !char.is_control()).collect());
        let number = |name| lines.get(name).and_then(|value: &&str| value.parse::<u64>().ok());
        Self {
            server,
            version: text("redis_version"),
            role: text("role"),
            used_memory: number("used_memory"),
            maxmemory: number("maxmemory"),
            maxmemory_policy: text("maxmemory_policy"),
            evicted_keys: number("evicted_keys"),
            connected_replicas: number("connected_slaves"),
            time_ms: number("server_time_usec").map(|micros| micros / 1_000),
        }
    }
}

impl Reader {
    /// The engines of the registry, by id. One that has died stands there until another one notices (2 s).
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn engines(&self) -> Result<Vec<Engine>, ReadError> {
        let mut command = redis::cmd("HGETALL");
        command.arg(key::engines_key(self.namespace()));
        let fields: Vec<(String, Vec<u8>)> = self.link().query("HGETALL", &command).await?;
        let mut engines: Vec<Engine> = fields
            .into_iter()
            .take(ENGINES_READ_MAX)
            .map(|(id, value)| {
                let entry = decode_engine(&value);
                (id, entry)
            })
            .collect();
        engines.sort_by(|(a, _), (b, _)| a.cmp(b));
        Ok(engines)
    }

    /// Who writes each of these feeds.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn leases(&self, feeds: &[Feed]) -> Result<Vec<(Feed, Lease)>, ReadError> {
        let mut leases = Vec::with_capacity(feeds.len());
        for several in feeds.chunks(FEEDS_ASKED_AT_ONCE) {
            let mut asked = Vec::with_capacity(several.len());
            for feed in several {
                asked.push(self.lease(feed));
            }
            for (feed, answer) in several.iter().zip(join_all(asked).await) {
                leases.push((feed.clone(), answer?));
            }
        }
        Ok(leases)
    }

    async fn lease(&self, feed: &Feed) -> Result<Lease, ReadError> {
        let name = key::lease_key(self.namespace(), feed);
        let (mut get, mut pttl) = (redis::cmd("GET"), redis::cmd("PTTL"));
        let value: Option<Vec<u8>> = self.link().query("GET", get.arg(&name)).await?;
        let Some(value) = value else { return Ok(Lease::Free) };
        let remaining_ms: i64 = self.link().query("PTTL", pttl.arg(&name)).await?;
        Ok(match decode_lease(&value) {
            // It ended in between.
            Some(_) if remaining_ms == -2 => Lease::Free,
            Some((engine, epoch)) => Lease::Held {
                engine: engine.to_owned(),
                epoch,
                remaining: Duration::from_millis(u64::try_from(remaining_ms).unwrap_or(0)),
            },
            None => Lease::Unreadable,
        })
    }

    /// Listens for so long, or until each of these feeds was heard, and returns the last heartbeat of each that was.
    pub async fn heartbeats(&self, feeds: &[Feed], patience: Duration) -> BTreeMap<Feed, FeedMessage> {
        let channel = |feed| Arc::<str>::from(key::feed_channel(self.namespace(), feed));
        let wanted: HashMap<Arc<str>, Keep> =
            feeds.iter().map(|feed| (channel(feed), Keep::Heartbeat)).collect();
        let mut subscription = self.subscription();
        subscription.set(&wanted);
        let mut heard = BTreeMap::new();
        let listening = async {
            while heard.len() < wanted.len() {
                subscription.arrived().await;
                let messages = subscription.take().newest.into_iter();
                let read = messages.filter_map(|(_, message)| decode_feed(&message).ok());
                heard.extend(read.map(|heartbeat| (heartbeat.feed.clone(), heartbeat)));
            }
        };
        let _ = tokio::time::timeout(patience, listening).await;
        heard
    }

    /// What the server says of itself, on a Cluster each primary.
    ///
    /// # Errors
    /// [`ReadError`]; [`ReadError::Refused`] for a user that may not ask.
    pub async fn server_facts(&self) -> Result<Vec<ServerFacts>, ReadError> {
        let servers = self.link().servers();
        let mut facts = Vec::new();
        if matches!(self.options().mode, Mode::Cluster { .. }) {
            for node in servers.topology(&[]).await?.primaries() {
                let info: String = servers.ask(&servers.node(&node), "INFO", &redis::cmd("INFO")).await?;
                facts.push(ServerFacts::parse(node.to_string(), &info));
            }
        } else {
            let info: String = self.link().query("INFO", &redis::cmd("INFO")).await?;
            facts.push(ServerFacts::parse(self.server().to_owned(), &info));
        }
        Ok(facts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_facts_are_read_from_info() {
        let info = "# Server\r\nredis_version:7.0.15\r\nserver_time_usec:1795207622296123\r\n\r\n# Memory\r\n\
                    used_memory:1048576\r\nmaxmemory:0\r\nmaxmemory_policy:noeviction\r\n# Replication\r\nrole:master\r\n\
                    connected_slaves:2\r\nslave0:ip=127.0.0.1,port=1\r\nevicted_keys:x\r\n";
        let expected = ServerFacts {
            server: "h:1".to_owned(),
            version: Some("7.0.15".to_owned()),
            role: Some("master".to_owned()),
            used_memory: Some(1_048_576),
            maxmemory: Some(0),
            maxmemory_policy: Some("noeviction".to_owned()),
            evicted_keys: None,
            connected_replicas: Some(2),
            time_ms: Some(1_795_207_622_296),
        };
        assert_eq!(ServerFacts::parse("h:1".to_owned(), info), expected);
        let nothing = ServerFacts { server: "h:1".to_owned(), ..ServerFacts::default() };
        assert_eq!(ServerFacts::parse("h:1".to_owned(), "nonsense"), nothing);
    }
}
