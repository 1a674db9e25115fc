//! `tickcache status`: who writes what, and on which Redis.
//!
//! Owns the command's arguments and the joining of catalog, registry, leases and heartbeats into one line a feed. Listens
//! for heartbeats for at most [`LISTEN_MAX`]. Ends with an error where a feed has no writer, after printing everything.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::time::Duration;

use clap::Args;

use super::{CommandError, SourceArgs, connect, json_status, text_status};
use crate::clock;
use crate::codec::{Claim, EngineEntry, FeedMessage, FeedRole, RegistryError};
use crate::domain::Feed;
use crate::reader::{Engine, Lease, ReadError, Reader, ServerFacts};

/// Heartbeats come every 250 ms: two of them may be lost.
const LISTEN_MAX: Duration = Duration::from_millis(600);

/// Arguments of `tickcache status`.
#[derive(Debug, Clone, Args)]
pub struct StatusArgs {
    /// One JSON object
    #[arg(long)]
    pub json: bool,
    /// Where to read from.
    #[command(flatten)]
    pub source: SourceArgs,
}

/// Everything that is known of a deployment at one moment.
#[derive(Debug)]
pub(super) struct Status {
    /// What each server says of itself, or why it does not.
    pub(super) servers: Result<Vec<ServerFacts>, ReadError>,
    /// Redis' clock, in ms since 1970; our own where Redis does not tell.
    pub(super) now_ms: u64,
    pub(super) engines: Vec<Engine>,
    pub(super) feeds: Vec<FeedStatus>,
}

#[derive(Debug)]
pub(super) struct FeedStatus {
    pub(super) feed: Feed,
    pub(super) lease: Lease,
    pub(super) heartbeat: Option<FeedMessage>,
    /// Who is to have it, of those that live.
    pub(super) preferred: Option<String>,
    /// What each engine does with it.
    pub(super) roles: Vec<(String, FeedRole)>,
}

impl Status {
    /// How long ago that was, by Redis' clock; `None` for what is no time of the past.
    pub(super) fn since_ms(&self, then_ms: u64) -> Option<u64> {
        // Epochs of before leases counted from one: those are no times.
        const FIRST_TIME_MS: u64 = 1_500_000_000_000;
        (then_ms >= FIRST_TIME_MS).then(|| self.now_ms.saturating_sub(then_ms))
    }
}

/// Prints the status.
///
/// # Errors
/// [`CommandError`], also when a feed has no writer or there are no feeds.
pub async fn status(args: &StatusArgs, url: &str, out: &mut dyn Write) -> Result<(), CommandError> {
    let reader = connect(url, &args.source).await?;
    let status = ask(&reader).await?;
    if args.json {
        writeln!(out, "{}", json_status::object(&status))?;
    } else {
        write!(out, "{}", text_status::page(&status))?;
    }
    if status.feeds.is_empty() {
        let (namespace, server) = (args.source.namespace.clone(), reader.server().to_owned());
        return Err(CommandError::EmptyCatalog { namespace, server });
    }
    let orphans = status.feeds.iter().filter(|feed| !matches!(feed.lease, Lease::Held { .. }));
    let orphans: Vec<String> = orphans.map(|feed| feed.feed.to_string()).collect();
    if orphans.is_empty() { Ok(()) } else { Err(CommandError::NoWriter { feeds: orphans.join(", ") }) }
}

async fn ask(reader: &Reader) -> Result<Status, ReadError> {
    let engines = reader.engines().await?;
    let named = engines.iter().filter_map(|(_, entry)| entry.as_ref().ok());
    let mut feeds: BTreeSet<Feed> =
        named.flat_map(|entry| entry.feeds.iter().map(|(feed, _)| feed.clone())).collect();
    feeds.extend(reader.catalog().await?.into_iter().map(|line| line.feed));
    let feeds: Vec<Feed> = feeds.into_iter().collect();
    let heartbeats = reader.heartbeats(&feeds, LISTEN_MAX).await;
    let leases = reader.leases(&feeds).await?;
    let servers = reader.server_facts().await;
    let now_ms = servers
        .as_ref()
        .ok()
        .and_then(|servers| servers.first()?.time_ms)
        .unwrap_or_else(|| u64::try_from(clock::wall().nanos() / 1_000_000).unwrap_or(0));
    let feeds = join(&engines, leases, heartbeats);
    Ok(Status { servers, now_ms, engines, feeds })
}

fn join(
    engines: &[(String, Result<EngineEntry, RegistryError>)],
    leases: Vec<(Feed, Lease)>,
    mut heartbeats: BTreeMap<Feed, FeedMessage>,
) -> Vec<FeedStatus> {
    let one = |(feed, lease): (Feed, Lease)| {
        let role = |(id, entry): &(String, Result<EngineEntry, RegistryError>)| {
            let (_, role) = entry.as_ref().ok()?.feeds.iter().find(|(known, _)| *known == feed)?;
            Some((id.clone(), *role))
        };
        let roles: Vec<(String, FeedRole)> = engines.iter().filter_map(role).collect();
        let best = roles.iter().map(|(id, role)| Claim::new(id, &feed, *role)).max();
        let preferred = best.map(|claim| claim.engine().to_owned());
        let heartbeat = heartbeats.remove(&feed);
        FeedStatus { feed, lease, heartbeat, preferred, roles }
    };
    leases.into_iter().map(one).collect()
}
