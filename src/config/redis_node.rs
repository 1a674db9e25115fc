//! One of several servers: a Sentinel, or a seed of a Cluster.
//!
//! Owns its grammar. No error quotes the text: somebody may have put a password into it, where none belongs.

use std::fmt;
use std::str::FromStr;

use super::redis_url::{Tls, checked_host};

/// Nodes that may be listed. A Cluster of any size is found from one of them.
pub const REDIS_NODES_MAX: usize = 64;

/// Host and port of a node. Who we are there, and whether the connection is encrypted, `redis.url` says for all.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RedisNode {
    /// A name, or an address without brackets.
    pub host: String,
    /// Its port.
    pub port: u16,
}

impl fmt::Display for RedisNode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(formatter, "[{}]:{}", self.host, self.port)
        } else {
            write!(formatter, "{}:{}", self.host, self.port)
        }
    }
}

/// Why a text is no node.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RedisNodeError {
    /// Something else than host and port.
    #[error(
        "expected host:port, redis://host:port or rediss://host:port (not shown: it may hold a password)"
    )]
    Malformed,
    /// A user or password.
    #[error("expected no user and password here; those of redis.url count for every node")]
    Credentials,
}

/// A node as typed: its scheme, where it has one, must agree with that of `redis.url`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct TypedNode {
    pub(super) node: RedisNode,
    pub(super) tls: Option<Tls>,
}

impl FromStr for TypedNode {
    type Err = RedisNodeError;

    fn from_str(text: &str) -> Result<Self, RedisNodeError> {
        let (tls, address) = match text.split_once("://") {
            Some(("redis", rest)) => (Some(Tls::Off), rest),
            Some(("rediss", rest)) => (Some(Tls::On), rest),
            Some(_) => return Err(RedisNodeError::Malformed),
            None => (None, text),
        };
        if address.contains('@') {
            return Err(RedisNodeError::Credentials);
        }
        let (host, port) = address.rsplit_once(':').ok_or(RedisNodeError::Malformed)?;
        // Without brackets nobody can tell where an IPv6 address ends.
        if host.contains(':') && !(host.starts_with('[') && host.ends_with(']')) {
            return Err(RedisNodeError::Malformed);
        }
        let host = checked_host(host).map_err(|_| RedisNodeError::Malformed)?;
        let digits = port.bytes().all(|byte| byte.is_ascii_digit());
        let port = port.parse().ok().filter(|port| digits && *port > 0).ok_or(RedisNodeError::Malformed)?;
        Ok(Self { node: RedisNode { host, port }, tls })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_is_a_host_and_a_port_with_or_without_a_scheme() {
        for (text, printed, tls) in [
            ("sentinel-1:26379", "sentinel-1:26379", None),
            ("redis://10.0.0.1:7000", "10.0.0.1:7000", Some(Tls::Off)),
            ("rediss://cache.example:6380", "cache.example:6380", Some(Tls::On)),
            ("[::1]:7000", "[::1]:7000", None),
        ] {
            let typed: TypedNode = text.parse().expect(text);
            assert_eq!((typed.node.to_string().as_str(), typed.tls), (printed, tls));
        }
    }

    #[test]
    fn what_is_no_node_is_refused_without_quoting_it() {
        for (text, error) in [
            ("", RedisNodeError::Malformed),
            ("s3cr3t", RedisNodeError::Malformed),
            ("host:0", RedisNodeError::Malformed),
            ("host:+1", RedisNodeError::Malformed),
            ("host:65536", RedisNodeError::Malformed),
            ("::1:7000", RedisNodeError::Malformed),
            ("0.0.0.0:1", RedisNodeError::Malformed),
            ("host:1/0", RedisNodeError::Malformed),
            ("http://host:1", RedisNodeError::Malformed),
            ("redis://:s3cr3t@host:1", RedisNodeError::Credentials),
            ("s3cr3t@host:1", RedisNodeError::Credentials),
        ] {
            let refused = text.parse::<TypedNode>().expect_err(text);
            assert_eq!(refused, error, "{text}");
            assert!(!format!("{refused} {refused:?}").contains("s3cr3t"), "{text}");
        }
    }
}
