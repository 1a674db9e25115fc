//! How a reader is made: which form of Redis, with which certificates, how long to wait, whether to be pushed to.
//!
//! Owns the options and the grammar of a node's address. Never reads a file and never connects. Nothing printed from
//! here holds a password.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use super::AgeLimits;

/// Sentinels or Cluster nodes that a reader may be given.
pub const NODES_MAX: usize = 64;

/// What a reader may take, and what it takes for fresh.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// Which form of Redis. Default [`Mode::Single`].
    pub mode: Mode,
    /// Certificates, for `rediss://`.
    pub tls: TlsFiles,
    /// Whether followers are pushed to. Default [`Push::On`].
    pub push: Push,
    /// For resolving, connecting, TLS and login together. Default 1 s.
    pub connect_timeout: Duration,
    /// For each command. Default 500 ms.
    pub response_timeout: Duration,
    /// Between two looks of a [`Watch`](super::Watch) that is not pushed to. Default 50 ms.
    pub poll_interval: Duration,
    /// Between two looks of a [`Watch`](super::Watch) that is: they find what a lost push would have said. Default 1 s.
    pub safety_interval: Duration,
    /// What counts as stale.
    pub age_limits: AgeLimits,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            mode: Mode::Single,
            tls: TlsFiles::default(),
            push: Push::On,
            connect_timeout: Duration::from_secs(1),
            response_timeout: Duration::from_millis(500),
            poll_interval: Duration::from_millis(50),
            safety_interval: Duration::from_secs(1),
            age_limits: AgeLimits::default(),
        }
    }
}

/// Whether followers subscribe to update channels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Push {
    /// Where the deployment's `meta` says that there are any; looks go on, more slowly.
    On,
    /// Only looks.
    Off,
}

/// Which form of Redis.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mode {
    /// The one server of the URL.
    Single,
    /// The primary that sentinels name. The URL holds the primary's user, password, database and TLS; its host is unused.
    Sentinel(Sentinels),
    /// A Redis Cluster. The URL holds user, password and TLS.
    Cluster {
        /// Some of its nodes, to begin with; empty = the URL's host.
        nodes: Vec<NodeAddress>,
    },
}

/// Whom to ask for the primary.
#[derive(Clone, PartialEq, Eq)]
pub struct Sentinels {
    /// Where they listen; at least one.
    pub nodes: Vec<NodeAddress>,
    /// The name that they know the primary by.
    pub master: String,
    /// Their own ACL user.
    pub username: Option<String>,
    /// Their own password.
    pub password: Option<String>,
}

impl fmt::Debug for Sentinels {
    /// Without the password.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Sentinels")
            .field("nodes", &self.nodes)
            .field("master", &self.master)
            .field("username", &self.username)
            .field("password", &self.password.as_ref().map(|_| "***"))
            .finish()
    }
}

/// PEM files for TLS. They are read when the reader is made.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TlsFiles {
    /// Whom to trust; `None` = the web's certificate authorities.
    pub ca_file: Option<PathBuf>,
    /// Our certificate and its key, where the server wants one.
    pub client: Option<(PathBuf, PathBuf)>,
}

/// Whether a node is spoken to in TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NodeTls {
    /// As the URL says.
    AsUrl,
    /// `redis://`.
    Off,
    /// `rediss://`.
    On,
}

/// `host:port`, `redis://host:port` or `rediss://host:port`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeAddress {
    /// A name, or an address without brackets.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// Whether to encrypt.
    pub tls: NodeTls,
}

/// Not the address of a node. The text is left out: it may hold a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not the address of a node: expected host:port; user and password belong into the Redis URL")]
pub struct NodeAddressError;

impl NodeAddress {
    /// A node that is spoken to as the URL says.
    #[must_use]
    pub fn new(host: impl Into<String>, port: u16) -> Self {
        Self { host: host.into(), port, tls: NodeTls::AsUrl }
    }
}

impl FromStr for NodeAddress {
    type Err = NodeAddressError;

    fn from_str(text: &str) -> Result<Self, NodeAddressError> {
        let (tls, rest) = match text.split_once("://") {
            None => (NodeTls::AsUrl, text),
            Some(("redis", rest)) => (NodeTls::Off, rest),
            Some(("rediss", rest)) => (NodeTls::On, rest),
            Some(_) => return Err(NodeAddressError),
        };
        let (host, port) = rest.trim_end_matches('/').rsplit_once(':').ok_or(NodeAddressError)?;
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        let plain = bare.is_some() || !host.contains(':');
        let host = bare.unwrap_or(host);
        let valid = plain && !host.is_empty() && !host.contains(['@', '/', '?', '#', ' ', '[', ']']);
        let port = port.parse().ok().filter(|&port: &u16| port != 0 && valid).ok_or(NodeAddressError)?;
        Ok(Self { host: host.to_owned(), port, tls })
    }
}

impl fmt::Display for NodeAddress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(formatter, "[{}]:{}", self.host, self.port)
        } else {
            write!(formatter, "{}:{}", self.host, self.port)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_is_a_host_and_a_port() {
        for (text, host, port, tls) in [
            ("redis-1:7000", "redis-1", 7_000, NodeTls::AsUrl),
            ("redis://10.0.0.1:26379", "10.0.0.1", 26_379, NodeTls::Off),
            ("rediss://redis.example:6380/", "redis.example", 6_380, NodeTls::On),
            ("[::1]:7000", "::1", 7_000, NodeTls::AsUrl),
        ] {
            assert_eq!(text.parse(), Ok(NodeAddress { host: host.to_owned(), port, tls }), "{text}");
        }
    }

    #[test]
    fn what_is_no_node_is_refused_and_not_repeated() {
        for text in
            ["", "host", "host:", ":1", "host:0", "host:99999", "http://h:1", "u:hunter2@h:1", "::1:7000"]
        {
            let error = text.parse::<NodeAddress>().unwrap_err();
            assert!(!error.to_string().contains("hunter2"), "{text}");
        }
    }

    #[test]
    fn debug_never_shows_a_password() {
        let sentinels = Sentinels {
            nodes: vec![NodeAddress::new("h", 1)],
            master: "mymaster".to_owned(),
            username: None,
            password: Some("hunter2".to_owned()),
        };
        assert!(!format!("{:?}", Mode::Sentinel(sentinels)).contains("hunter2"));
    }
}
