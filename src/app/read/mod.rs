//! The commands that read: `get`, `watch`, `list`.
//!
//! Owns their arguments and what they print. All of it goes through [`crate::reader`] and into the `out` of the caller, so
//! that tests see what a user sees. Never writes to Redis.

mod get;
mod json;
mod json_event;
mod list;
mod source;
mod table;
mod text;
mod watch;

use std::io;
use std::process::ExitCode;

use crate::config::{process_environment, redis_url_from_env};
use crate::domain::{Entity, Instrument, Namespace, Venue};
use crate::reader::ReadError;
use source::connect;

pub use get::{GetArgs, get};
pub use list::{ListArgs, list};
pub use source::{ModeChoice, SentinelPassword, SourceArgs};
pub use watch::{WatchArgs, watch};

/// Why a reading command ends with an error.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CommandError {
    /// Nobody writes it.
    #[error(
        "{entity} of {what}: not in the catalog of {namespace} at {server}; `tickcache list` shows what is"
    )]
    NotInCatalog {
        /// Of what kind.
        entity: Entity,
        /// Instrument, and venue where one was asked for.
        what: String,
        /// Whose catalog.
        namespace: Namespace,
        /// Which Redis.
        server: String,
    },
    /// Somebody should write it, but does not.
    #[error(
        "{entity} of {what}: in the catalog, but expired: nobody has written it within its TTL (feed {feeds})"
    )]
    Expired {
        /// Of what kind.
        entity: Entity,
        /// Instrument, and venue where one was asked for.
        what: String,
        /// Who should write it.
        feeds: String,
    },
    /// There is something, but this version cannot read it.
    #[error("{entity} of {what}: not readable: {reason}")]
    Unreadable {
        /// Of what kind.
        entity: Entity,
        /// Instrument, and venue where one was asked for.
        what: String,
        /// The first value's error.
        reason: String,
    },
    /// The catalog is empty.
    #[error("the catalog of {namespace} at {server} is empty: no engine writes there")]
    EmptyCatalog {
        /// Whose catalog.
        namespace: Namespace,
        /// Which Redis.
        server: String,
    },
    /// Redis does not answer.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The output cannot be written.
    #[error("cannot write the output: {0}")]
    Output(#[from] io::Error),
}

impl CommandError {
    /// What the process ends with: 1, and 0 where only the reader of our output went away (`| head`).
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => 0,
            Self::NotInCatalog { .. }
            | Self::Expired { .. }
            | Self::Unreadable { .. }
            | Self::EmptyCatalog { .. }
            | Self::Read(_)
            | Self::Output(_) => 1,
        }
    }
}

/// `BTC-USDT`, or `BTC-USDT at kraken`.
fn what(instrument: &Instrument, venue: Option<&Venue>) -> String {
    venue.map_or_else(|| instrument.to_string(), |venue| format!("{instrument} at {venue}"))
}

/// `tickcache get`.
pub(super) async fn run_get(args: GetArgs) -> anyhow::Result<ExitCode> {
    let url = url(&args.source)?;
    finish(get(&args, &url, &mut io::stdout()).await)
}

/// `tickcache watch`.
pub(super) async fn run_watch(args: WatchArgs) -> anyhow::Result<ExitCode> {
    let url = url(&args.source)?;
    finish(watch(&args, &url, &mut io::stdout()).await)
}

/// `tickcache list`.
pub(super) async fn run_list(args: ListArgs) -> anyhow::Result<ExitCode> {
    let url = url(&args.source)?;
    finish(list(&args, &url, &mut io::stdout()).await)
}

fn url(source: &SourceArgs) -> anyhow::Result<String> {
    Ok(redis_url_from_env(source.redis.as_deref(), process_environment())?.to_url())
}

fn finish(outcome: Result<(), CommandError>) -> anyhow::Result<ExitCode> {
    match outcome {
        Ok(()) => Ok(ExitCode::SUCCESS),
        Err(error) if error.exit_code() == 0 => Ok(ExitCode::SUCCESS),
        Err(error) => Err(error.into()),
    }
}
