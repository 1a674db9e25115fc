//! What can be wrong with a configuration, and where.
//!
//! Owns the collecting and the printing: one line an error, all of them, sorted by place. Never quotes the value of a
//! key that may hold a password. At most [`ERRORS_MAX`] are kept; more are counted. What now? Always the same: do not
//! start, print them, exit with code 2.

use std::fmt;

use crate::domain::{InstrumentError, NamespaceError, UnknownEntity, VenueError};

use super::engine_id::EngineIdError;
use super::redis_node::RedisNodeError;
use super::redis_url::RedisUrlError;

/// Errors that are kept and shown; a file that is no configuration at all would fill the terminal.
pub const ERRORS_MAX: usize = 100;

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// An option of the command line, by its name.
    Flag(&'static str),
    /// The file, at this line (from 1).
    File(usize),
    /// Nobody set it.
    Default,
    /// Environment variables, by name.
    Environment(String),
}

/// What is wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// The file is larger than is read.
    #[error("expected at most {max} bytes, got {got}")]
    TooLong {
        /// The limit.
        max: usize,
        /// The file's size.
        got: usize,
    },
    /// No TOML.
    #[error("no valid TOML: {0}")]
    Syntax(String),
    /// Not a key of ours.
    #[error("unknown key; {hint}")]
    UnknownKey {
        /// What may have been meant.
        hint: String,
    },
    /// A `TICKCACHE_` variable that sets nothing.
    #[error("unknown variable; {hint}")]
    UnknownVariable {
        /// What may have been meant.
        hint: String,
    },
    /// Of another type than the key takes.
    #[error("expected {expected}, got {got}")]
    Type {
        /// What the key takes.
        expected: String,
        /// What stands there.
        got: String,
    },
    /// A number outside of its range.
    #[error("expected {min} to {max} {unit}, got {got}")]
    Range {
        /// The least one.
        min: u32,
        /// The greatest one.
        max: u32,
        /// What it counts.
        unit: &'static str,
        /// What stands there.
        got: String,
    },
    /// Not one of the words that the key takes.
    #[error("expected {expected}, got {got:?}")]
    Choice {
        /// The words.
        expected: String,
        /// What stands there.
        got: String,
    },
    /// A key that must be set, and is not.
    #[error("missing; expected {expected}")]
    Missing {
        /// What belongs there.
        expected: &'static str,
    },
    /// A list without elements.
    #[error("expected at least one, got an empty list")]
    Empty,
    /// A list with too many elements.
    #[error("expected at most {max}, got {got}")]
    TooMany {
        /// The limit.
        max: usize,
        /// How many there are.
        got: usize,
    },
    /// The same thing twice.
    #[error("{what:?} is there already, in line {first}")]
    Duplicate {
        /// Which thing.
        what: String,
        /// Where it came first.
        first: usize,
    },
    /// The same thing twice in one variable.
    #[error("{what:?} is there twice")]
    Repeated {
        /// Which thing.
        what: String,
    },
    /// A decimal that is none, or out of its range.
    #[error("expected {min} to {max} {unit} with at most 3 decimals, got {got:?}")]
    Decimal {
        /// The least one.
        min: String,
        /// The greatest one.
        max: String,
        /// What it counts.
        unit: &'static str,
        /// What stands there.
        got: String,
    },
    /// Renewals of a lease that would come too late.
    #[error(
        "expected at most {max_ms} milliseconds while lease.ttl_ms is {ttl_ms}, so that a lost renewal does not cost \
         the lease, got {got_ms}"
    )]
    RenewTooRare {
        /// The longest time between two renewals.
        max_ms: u32,
        /// How long the lease lives.
        ttl_ms: u32,
        /// What stands there.
        got_ms: u32,
    },
    /// An instrument that the venue cannot have, in the words of its code.
    #[error("{instrument}: {reason}")]
    Symbol {
        /// Which.
        instrument: String,
        /// Why not.
        reason: String,
    },
    /// Two instruments of a feed that are one symbol at the venue.
    #[error("{instrument} and {other} are the same symbol at the venue, {symbol:?}")]
    SameSymbol {
        /// The later one.
        instrument: String,
        /// The earlier one.
        other: String,
        /// The venue's spelling.
        symbol: String,
    },
    /// No symbol of a venue.
    #[error("expected 1 to {max} characters without spaces, quotes, backslashes and control characters")]
    AliasSymbol {
        /// The most.
        max: usize,
    },
    /// No multiplier.
    #[error(
        "expected a decimal above zero whose reciprocal is one, too, such as 1000, 0.001 or 2.5, got {0:?}"
    )]
    Multiplier(String),
    /// Two keys that do not go together; says what to do.
    #[error("{0}")]
    Relation(&'static str),
    /// No address to listen on.
    #[error("expected an address and port such as 127.0.0.1:8080, or \"\" for off, got {0:?}")]
    Listen(String),
    /// Two servers on one port.
    #[error("{address} is taken by {other}")]
    PortTaken {
        /// The address.
        address: std::net::SocketAddr,
        /// The key that has it.
        other: &'static str,
    },
    /// No URL of a venue. Not quoted: people put keys into URLs.
    #[error("expected {0} with a host, and without user, query and fragment")]
    Endpoint(&'static str),
    /// No name of a channel.
    #[error("expected 1 to {max} printable ASCII characters without quotes and backslashes")]
    Channel {
        /// The most.
        max: usize,
    },
    /// A part of a Redis address that does not fit the address in force.
    #[error("{0}")]
    RedisPart(&'static str),
    /// No namespace.
    #[error(transparent)]
    Namespace(#[from] NamespaceError),
    /// No instrument.
    #[error(transparent)]
    Instrument(#[from] InstrumentError),
    /// No venue name.
    #[error(transparent)]
    Venue(#[from] VenueError),
    /// No entity.
    #[error(transparent)]
    Entity(#[from] UnknownEntity),
    /// No name of an engine.
    #[error(transparent)]
    EngineId(#[from] EngineIdError),
    /// No room behind the engine's name for those of its shards.
    #[error("expected at most {max} characters while engine.shards is more than 1, got {got}")]
    ShardedId {
        /// The most.
        max: usize,
        /// How many there are.
        got: usize,
    },
    /// No node.
    #[error(transparent)]
    RedisNode(#[from] RedisNodeError),
    /// No Redis URL.
    #[error(transparent)]
    RedisUrl(#[from] RedisUrlError),
}

/// One error: where, which key, what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    /// Where the value comes from.
    pub origin: Origin,
    /// The key's path (`ttl.price_s`); empty where no key is concerned.
    pub key: String,
    /// What is wrong with it.
    pub problem: Problem,
}

/// Everything that is wrong with a configuration, one line each: `config/tickcache.toml:12: ttl.price_s: expected 3 to
/// 3600 seconds, got 0`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigErrors {
    file_name: String,
    errors: Vec<ConfigError>,
    dropped: usize,
}

impl ConfigErrors {
    pub(super) fn new(file_name: &str) -> Self {
        Self { file_name: file_name.to_owned(), errors: Vec::new(), dropped: 0 }
    }

    pub(super) fn push(&mut self, origin: &Origin, key: impl Into<String>, problem: impl Into<Problem>) {
        if self.errors.len() == ERRORS_MAX {
            self.dropped += 1;
        } else {
            self.errors.push(ConfigError {
                origin: origin.clone(),
                key: key.into(),
                problem: problem.into(),
            });
        }
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.errors.is_empty()
    }

    pub(super) fn sort(&mut self) {
        self.errors.sort_by(|a, b| a.origin.cmp(&b.origin));
    }

    /// Each of them, the file's in the order of its lines, then the environment's.
    #[must_use]
    pub fn errors(&self) -> &[ConfigError] {
        &self.errors
    }
}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.errors.iter().enumerate() {
            if index > 0 {
                formatter.write_str("\n")?;
            }
            match &error.origin {
                Origin::Flag(name) => write!(formatter, "{name}: ")?,
                Origin::File(line) => write!(formatter, "{}:{line}: ", self.file_name)?,
                Origin::Default => write!(formatter, "{}: ", self.file_name)?,
                Origin::Environment(names) => write!(formatter, "{names}: ")?,
            }
            if !error.key.is_empty() {
                write!(formatter, "{}: ", error.key)?;
            }
            write!(formatter, "{}", error.problem)?;
        }
        if self.dropped > 0 {
            write!(formatter, "\n{}: and {} more", self.file_name, self.dropped)?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigErrors {}
