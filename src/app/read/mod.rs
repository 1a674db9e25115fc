//! The commands for whoever reads: `get`, `watch`, `list`, `status`, `invalidate`.
//!
//! Owns their arguments and what they print. All of it goes through [`crate::reader`] and into the `out` of the caller, so
//! that tests see what a user sees. Writes no key of Redis.

mod get;
mod invalidate;
mod json;
mod json_event;
mod json_status;
mod list;
mod source;
mod status;
mod table;
mod text;
mod text_status;
mod watch;

use std::io;
use std::process::ExitCode;

use crate::config::{process_environment, redis_url_from_env};
use crate::domain::{Entity, Instrument, Namespace, Venue};
use crate::reader::ReadError;
use source::connect;

pub use get::{GetArgs, get};
pub use invalidate::{InvalidateArgs, invalidate};
pub use list::{ListArgs, list};
pub use source::{ModeChoice, SentinelPassword, SourceArgs};
pub use status::{StatusArgs, status};
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
    /// Feeds that nobody writes.
    #[error("no writer: {feeds}; nothing confirms their values, which expire")]
    NoWriter {
        /// Which ones.
        feeds: String,
    },
    /// The user may not send commands.
    #[error(
        "{what}: this user may not command: {reason}; use one whose ACL allows PUBLISH on the command channel"
    )]
    MayNotCommand {
        /// Instrument, and venue where one was asked for.
        what: String,
        /// What Redis says.
        reason: String,
    },
    /// Nobody listens on the command channel.
    #[error(
        "{what}: nobody heard the command: no engine runs on this namespace; `tickcache status` shows who does"
    )]
    Unheard {
        /// Instrument, and venue where one was asked for.
        what: String,
    },
    /// Somebody heard it, but no event came.
    #[error(
        "{what}: {receivers} heard the command, but no value was invalidated within 2 s: nobody writes that \
         instrument (`tickcache list`), the engine is a standby, or its events of the kind are switched off"
    )]
    NotObeyed {
        /// Instrument, and venue where one was asked for.
        what: String,
        /// How many.
        receivers: u64,
    },
    /// The command was sent, but we could not listen to what came of it.
    #[error(
        "{what}: {receivers} heard the command; whether they obeyed is unknown, because no event channel could be \
         subscribed: nothing is published here, or this user's ACL does not allow it"
    )]
    NotListening {
        /// Instrument, and venue where one was asked for.
        what: String,
        /// How many.
        receivers: u64,
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
            | Self::NoWriter { .. }
            | Self::MayNotCommand { .. }
            | Self::Unheard { .. }
            | Self::NotObeyed { .. }
            | Self::NotListening { .. }
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

/// `tickcache status`.
pub(super) async fn run_status(args: StatusArgs) -> anyhow::Result<ExitCode> {
    let url = url(&args.source)?;
    finish(status(&args, &url, &mut io::stdout()).await)
}

/// `tickcache invalidate`.
pub(super) async fn run_invalidate(args: InvalidateArgs) -> anyhow::Result<ExitCode> {
    let url = url(&args.source)?;
    finish(invalidate(&args, &url, &mut io::stdout()).await)
}

fn url(source: &SourceArgs) -> anyhow::Result<String> {
    // Sentinel and Cluster are forms of Redis, also where only an option asks for them.
    let mode = (source.redis_mode != ModeChoice::Single)
        .then(|| ("TICKCACHE_REDIS_MODE".to_owned(), "several".to_owned()));
    Ok(redis_url_from_env(source.redis.as_deref(), process_environment().chain(mode))?.to_url())
}

fn finish(outcome: Result<(), CommandError>) -> anyhow::Result<ExitCode> {
    match outcome {
        Ok(()) => Ok(ExitCode::SUCCESS),
        Err(error) if error.exit_code() == 0 => Ok(ExitCode::SUCCESS),
        Err(error) => Err(error.into()),
    }
}
