//! Where a Redis is and who we are there.
//!
//! Owns the settled address. Never parses a URL (`config` does) and never shows a password: `Debug` masks it.

use std::fmt;
use std::path::PathBuf;

/// How to reach a server.
#[derive(Debug, Clone, PartialEq, Eq)]
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
            Self::Tcp { host, port } => write!(formatter, "redis://{host}:{port}"),
            Self::Tls { host, port } => write!(formatter, "rediss://{host}:{port}"),
            Self::Unix { path } => write!(formatter, "redis+unix://{}", path.display()),
        }
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
        let text = format!("{address:?} {}", address.endpoint);
        assert!(!text.contains("hunter2"), "{text}");
        assert!(text.contains("writer"), "{text}");
    }
}
