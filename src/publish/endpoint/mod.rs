//! The engine's own endpoint: its newest values over the protocol of Redis, for whoever has none.
//!
//! Owns the listener, one task a client, and what is told to subscribers. It is a read endpoint of the engine's tables and no
//! database: what would write is refused (`-READONLY tickcache embedded store: ...`). Runs on a runtime of its own; the
//! hot thread neither wakes it nor waits for it. Answers are those of redis-server 7.0, errors included, where a client can
//! depend on them.
//!
//! What is consistent with what: a value is read in one turn of its cell, so it is one whole value, within its TTL at that very
//! moment. The values of an MGET or a transaction are each of their own moment. A subscriber gets the newest value of a
//! key, never an older one after a newer one, and an event after the value that it speaks of; values that follow each other
//! within [`LOOK_EVERY`] are told once.
//!
//! | what | bound | then |
//! |---|---|---|
//! | clients | `embedded.clients_max` | `-ERR max number of clients reached` |
//! | a request | [`REQUEST_BYTES_MAX`], [`ARGUMENTS_MAX`] arguments | `-ERR Protocol error: ...`, and the end |
//! | a line of HTTP, TLS, SSH or PROXY | | it is disconnected without a word |
//! | requests before others get their turn | [`PIPELINE_MAX`] | the rest waits in the kernel |
//! | a reply | `embedded.output_buffer_bytes_max` | an error in its place |
//! | a client that takes nothing | `embedded.stalled_s_max` | it is disconnected |
//! | a client that does not log in, or no TLS | [`LOGIN_MAX`] | it is disconnected |
//! | channels of a client | `embedded.subscriptions_max` | an error |
//! | patterns, or tracked prefixes, of a client | [`PATTERNS_MAX`] | an error |
//! | values that wait for a subscriber | one a key | the newer one replaces the older one |
//! | events and heartbeats that wait for a subscriber | [`MESSAGES_MAX`] | it is disconnected |
//! | a transaction | [`TRANSACTION_MAX`] requests, [`REQUEST_BYTES_MAX`] | an error, and EXECABORT |
//!
//! | file | owns |
//! |---|---|
//! | `listener`, `connection` | sockets |
//! | `parser`, `reply`, `glob` | the protocol's grammar |
//! | `foreign` | who speaks another protocol |
//! | `spec`, `commands/` | what there is to ask, and the answers |
//! | `session` | the state of one client |
//! | `view` | the keys |
//! | `hub`, `mailbox` | who is told what |
//! | `offline` | all of it without a socket, for fuzzing |

mod commands;
mod connection;
mod foreign;
mod glob;
mod hub;
mod listener;
mod mailbox;
pub mod offline;
mod parser;
#[cfg(test)]
mod parser_tests;
mod reply;
mod session;
mod spec;
#[cfg(test)]
mod tests;
mod view;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rustls::ServerConfig;

use crate::domain::{Feed, Namespace};

use super::ValueTable;

pub use commands::pubsub::PATTERNS_MAX;
pub use connection::{LOGIN_MAX, PIPELINE_MAX};
pub use hub::LOOK_EVERY;
pub use listener::EmbeddedServer;
pub use mailbox::MESSAGES_MAX;
pub use parser::{ARGUMENTS_MAX, REQUEST_BYTES_MAX};
pub use session::TRANSACTION_MAX;

/// The bounds that an operator may set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EmbeddedLimits {
    /// Clients at a time.
    pub clients_max: usize,
    /// Bytes of one reply.
    pub output_bytes_max: usize,
    /// Channels of one client.
    pub subscriptions_max: usize,
    /// How long a client may take nothing of what is sent to it.
    pub stalled_max: Duration,
}

/// What an endpoint is made of.
#[derive(Debug, Clone)]
pub struct EmbeddedOptions {
    /// Where it listens; port 0 takes a free one.
    pub listen: SocketAddr,
    /// What clients must say; `None` = nothing.
    pub password: Option<String>,
    /// With which certificate; `None` = no TLS.
    pub tls: Option<Arc<ServerConfig>>,
    /// The bounds.
    pub limits: EmbeddedLimits,
    /// In front of every key.
    pub namespace: Namespace,
    /// The tables, each with the feeds of its writer.
    pub tables: Vec<(Arc<ValueTable>, Vec<Feed>)>,
}
