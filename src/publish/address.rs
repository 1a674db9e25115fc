//! Where a Redis is and who we are there.
//!
//! Owns the settled address. Never parses a URL (`config` does) and never shows a password: `Debug` masks it.

use std::fmt;
use std::path::PathBuf;

/// How to reach a server.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Endpoint {
    /// Plain TCP.
    Tcp {
        /// Name or IP address.
        host: String,
        /// Usually 6379.
        port: u16,
    },
    /// TLS over TCP; the certificate must be valid for `host`.
    Tls {
        /// Name or IP address.
        host: String,
        /// Usually 6379.
        port: u16,
    },
    /// A unix socket.
    Unix {
        /// Its path.
        path: PathBuf,
    },
}

/// As people write it, without user, password and database.
impl fmt::Display for Endpoint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp { host, port } => write!(formatter, "redis://{}:{port}", Bracketed(host)),
            Self::Tls { host, port } => write!(formatter, "rediss://{}:{port}", Bracketed(host)),
            Self::Unix { path } => write!(formatter, "redis+unix://{}", path.display()),
        }
    }
}

/// An IPv6 address stands in brackets before a port.
struct Bracketed<'a>(&'a str);

impl fmt::Display for Bracketed<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(host) = self;
        if host.contains(':') { write!(formatter, "[{host}]") } else { formatter.write_str(host) }
    }
}

impl Endpoint {
    /// Another server that is reached as this one is, TLS or not; `None` next to a unix socket.
    #[must_use]
    pub fn sibling(&self, host: &str, port: u16) -> Option<Self> {
        let host = host.to_owned();
        match self {
            Self::Tcp { .. } => Some(Self::Tcp { host, port }),
            Self::Tls { .. } => Some(Self::Tls { host, port }),
            Self::Unix { .. } => None,
        }
    }

    /// Name or IP address; `None` for a unix socket.
    #[must_use]
    pub fn host(&self) -> Option<&str> {
        match self {
            Self::Tcp { host, .. } | Self::Tls { host, .. } => Some(host),
            Self::Unix { .. } => None,
        }
    }
}

/// Who we are at a server.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Credentials {
    /// ACL user; `None` = the server's default user.
    pub username: Option<String>,
    /// `None` = no AUTH is sent.
    pub password: Option<String>,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Credentials")
            .field("username", &self.username)
            .field("password", &self.password.as_ref().map(|_| "***"))
            .finish()
    }
}

/// A server, a user and a database.
#[derive(Clone, PartialEq, Eq)]
pub struct RedisAddress {
    /// How to reach it.
    pub endpoint: Endpoint,
    /// ACL user; `None` = the server's default user.
    pub username: Option<String>,
    /// `None` = no AUTH is sent.
    pub password: Option<String>,
    /// Number of the database; 0 sends no SELECT.
    pub db: u32,
}

impl RedisAddress {
    /// The default user's database 0, without a password.
    #[must_use]
    pub const fn open(endpoint: Endpoint) -> Self {
        Self { endpoint, username: None, password: None, db: 0 }
    }
}

impl fmt::Debug for RedisAddress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("RedisAddress")
            .field("endpoint", &self.endpoint)
            .field("username", &self.username)
            .field("password", &self.password.as_ref().map(|_| "***"))
            .field("db", &self.db)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_never_shows_the_password() {
        let address = RedisAddress {
            username: Some("writer".to_owned()),
            password: Some("hunter2".to_owned()),
            ..RedisAddress::open(Endpoint::Tcp { host: "localhost".to_owned(), port: 6379 })
        };
        let credentials =
            Credentials { username: address.username.clone(), password: address.password.clone() };
        let text = format!("{address:?} {} {credentials:?}", address.endpoint);
        assert!(!text.contains("hunter2"), "{text}");
        assert!(text.contains("writer"), "{text}");
    }

    #[test]
    fn a_sibling_is_reached_in_the_same_way_and_ipv6_stands_in_brackets() {
        let tls = Endpoint::Tls { host: "a".to_owned(), port: 1 };
        assert_eq!(tls.sibling("::1", 2).unwrap().to_string(), "rediss://[::1]:2");
        let unix = Endpoint::Unix { path: "/run/redis.sock".into() };
        assert_eq!((unix.sibling("b", 2), unix.host()), (None, None));
    }
}
