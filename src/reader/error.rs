//! What can go wrong between a reader and Redis, and what the reader does next.
//!
//! Owns the only error type of this stage. Texts name the server by host and port, never the URL: user and password are
//! not in them. An absent or unreadable value is no error but a [`Lookup`](super::Lookup).

use redis::{ErrorKind, RedisError, ServerErrorKind};

/// Why Redis could not be asked, or did not answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The URL is none of Redis. The URL is left out: it may hold a password.
    #[error("the Redis URL is not valid: {reason}")]
    Url {
        /// What the client library says of it.
        reason: String,
    },
    /// No connection came about.
    #[error("Redis at {server} cannot be reached: {reason}")]
    Unreachable {
        /// Host and port, or the path of the socket.
        server: String,
        /// What the system says.
        reason: String,
    },
    /// Redis wants other credentials.
    #[error("Redis at {server} refused the login: {reason}")]
    Login {
        /// Host and port, or the path of the socket.
        server: String,
        /// What Redis says.
        reason: String,
    },
    /// No answer in time.
    #[error("Redis at {server} did not answer {command} within {timeout_ms} ms")]
    Timeout {
        /// Host and port, or the path of the socket.
        server: String,
        /// What was asked.
        command: &'static str,
        /// [`Options::response_timeout`](super::Options::response_timeout).
        timeout_ms: u128,
    },
    /// The connection broke while it was used.
    #[error("the connection to Redis at {server} broke during {command}: {reason}")]
    Broken {
        /// Host and port, or the path of the socket.
        server: String,
        /// What was asked.
        command: &'static str,
        /// What the system says.
        reason: String,
    },
    /// Redis is there, but not ready: it loads its data, fails over, or is a replica without a primary.
    #[error("Redis at {server} cannot answer {command} yet: {reason}")]
    NotReady {
        /// Host and port, or the path of the socket.
        server: String,
        /// What was asked.
        command: &'static str,
        /// What Redis says.
        reason: String,
    },
    /// Redis says no: a missing permission, or something else stands where ours should.
    #[error("Redis at {server} refused {command}: {reason}")]
    Refused {
        /// Host and port, or the path of the socket.
        server: String,
        /// What was asked.
        command: &'static str,
        /// What Redis says.
        reason: String,
    },
    /// The catalog has more fields than any deployment of ours.
    #[error("the catalog at {server} has more than {fields_max} fields")]
    CatalogTooLarge {
        /// Host and port, or the path of the socket.
        server: String,
        /// [`CATALOG_MAX`](super::CATALOG_MAX).
        fields_max: usize,
    },
}

/// What to do after an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recovery {
    /// Ask again a little later, over the same connection.
    Retry,
    /// The connection is given up; the next call makes a new one.
    Reconnect,
    /// Asking again gives the same: somebody has to change something.
    Stop,
}

impl ReadError {
    /// What to do next. No wildcard arm: a new variant must choose.
    #[must_use]
    pub const fn recovery(&self) -> Recovery {
        match self {
            Self::NotReady { .. } => Recovery::Retry,
            Self::Unreachable { .. } | Self::Timeout { .. } | Self::Broken { .. } => Recovery::Reconnect,
            Self::Url { .. } | Self::Login { .. } | Self::Refused { .. } | Self::CatalogTooLarge { .. } => {
                Recovery::Stop
            }
        }
    }

    /// Sorts a failed attempt to connect.
    pub(super) fn of_connect(server: &str, error: &RedisError) -> Self {
        let (server, reason) = (server.to_owned(), text_of(error));
        let refused = error.kind() == ErrorKind::AuthenticationFailed
            || matches!(error.code(), Some("NOAUTH" | "WRONGPASS" | "NOPERM"));
        match error.kind() {
            _ if refused => Self::Login { server, reason },
            ErrorKind::Server(_) => Self::NotReady { server, command: "HELLO", reason },
            _ => Self::Unreachable { server, reason },
        }
    }

    /// Sorts a failed command.
    pub(super) fn of_command(
        server: &str,
        command: &'static str,
        timeout_ms: u128,
        error: &RedisError,
    ) -> Self {
        let server = server.to_owned();
        let reason = text_of(error);
        match error.kind() {
            _ if error.is_timeout() => Self::Timeout { server, command, timeout_ms },
            ErrorKind::AuthenticationFailed => Self::Login { server, reason },
            ErrorKind::Server(
                ServerErrorKind::BusyLoading
                | ServerErrorKind::MasterDown
                | ServerErrorKind::ClusterDown
                | ServerErrorKind::TryAgain
                | ServerErrorKind::Moved
                | ServerErrorKind::Ask,
            ) => Self::NotReady { server, command, reason },
            ErrorKind::Server(_) | ErrorKind::Extension | ErrorKind::UnexpectedReturnType => {
                if error.code() == Some("NOAUTH") {
                    return Self::Login { server, reason };
                }
                Self::Refused { server, command, reason }
            }
            _ => Self::Broken { server, command, reason },
        }
    }
}

/// The client's and the server's words on one line; a server's answer is bounded, so no text floods a log.
fn text_of(error: &RedisError) -> String {
    const LENGTH_MAX: usize = 200;
    error
        .to_string()
        .chars()
        .take(LENGTH_MAX)
        .map(|char| if char.is_control() { ' ' } else { char })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server_error(line: &str) -> RedisError {
        redis::parse_redis_value(line.as_bytes()).and_then(redis::Value::extract_error).unwrap_err()
    }

    #[test]
    fn answers_of_the_server_are_sorted_by_what_helps() {
        for (line, expected) in [
            ("-LOADING Redis is loading the dataset in memory\r\n", Recovery::Retry),
            ("-MASTERDOWN Link with MASTER is down\r\n", Recovery::Retry),
            ("-CLUSTERDOWN Hash slot not served\r\n", Recovery::Retry),
            ("-MOVED 3999 127.0.0.1:6381\r\n", Recovery::Retry),
            ("-NOPERM this user has no permissions to run the 'mget' command\r\n", Recovery::Stop),
            ("-NOAUTH Authentication required.\r\n", Recovery::Stop),
            ("-WRONGTYPE Operation against a key holding the wrong kind of value\r\n", Recovery::Stop),
        ] {
            let error = ReadError::of_command("h:1", "MGET", 500, &server_error(line));
            assert_eq!(error.recovery(), expected, "{line}: {error}");
        }
    }

    #[test]
    fn a_refused_login_is_told_from_an_unreachable_server() {
        let wrong = server_error("-WRONGPASS invalid username-password pair or user is disabled.\r\n");
        assert!(matches!(ReadError::of_connect("h:1", &wrong), ReadError::Login { .. }));
        let gone = RedisError::from(std::io::Error::from(std::io::ErrorKind::ConnectionRefused));
        assert!(matches!(ReadError::of_connect("h:1", &gone), ReadError::Unreachable { .. }));
    }
}
