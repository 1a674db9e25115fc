//! The status as programs read it: one JSON object.
//!
//! Owns the field names. Times and durations are in ms, the clock offset is in ns, what is not known is null.

use serde::Serialize;

use super::json::line;
use super::status::{FeedStatus, Status};
use crate::codec::{EngineEntry, RegistryError};
use crate::reader::{Lease, ServerFacts};

#[derive(Serialize)]
struct Object<'a> {
    redis: Vec<Server<'a>>,
    redis_error: Option<String>,
    engines: Vec<Engine<'a>>,
    feeds: Vec<Feed<'a>>,
}

#[derive(Serialize)]
struct Server<'a> {
    server: &'a str,
    version: Option<&'a str>,
    role: Option<&'a str>,
    replicas: Option<u64>,
    used_memory: Option<u64>,
    maxmemory: Option<u64>,
    maxmemory_policy: Option<&'a str>,
    evicted_keys: Option<u64>,
}

#[derive(Serialize)]
struct Engine<'a> {
    id: &'a str,
    version: Option<&'a str>,
    seen_ms_ago: Option<u64>,
    up_ms: Option<u64>,
    feeds: Vec<Role<'a>>,
    breakers_closed: Option<u16>,
    redis_servers: Option<u16>,
    error: Option<String>,
}

#[derive(Serialize)]
struct Role<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    feed: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    engine: Option<&'a str>,
    role: &'a str,
}

#[derive(Serialize)]
struct Feed<'a> {
    feed: String,
    writer: Option<&'a str>,
    epoch: Option<u64>,
    since_ms: Option<u64>,
    lease_ms: Option<u128>,
    preferred: Option<&'a str>,
    roles: Vec<Role<'a>>,
    state: Option<&'a str>,
    reason: Option<&'a str>,
    heartbeat_time: Option<i64>,
    clock_offset_ns: Option<i64>,
}

/// The whole status on one line.
pub(super) fn object(status: &Status) -> String {
    line(&Object {
        redis: status.servers.iter().flatten().map(server).collect(),
        redis_error: status.servers.as_ref().err().map(ToString::to_string),
        engines: status.engines.iter().map(|(id, entry)| engine(status, id, entry)).collect(),
        feeds: status.feeds.iter().map(|it| feed(status, it)).collect(),
    })
}

fn server(facts: &ServerFacts) -> Server<'_> {
    Server {
        server: &facts.server,
        version: facts.version.as_deref(),
        role: facts.role.as_deref(),
        replicas: facts.connected_replicas,
        used_memory: facts.used_memory,
        maxmemory: facts.maxmemory,
        maxmemory_policy: facts.maxmemory_policy.as_deref(),
        evicted_keys: facts.evicted_keys,
    }
}

fn engine<'a>(status: &Status, id: &'a str, entry: &'a Result<EngineEntry, RegistryError>) -> Engine<'a> {
    let known = entry.as_ref().ok();
    let roles = known.into_iter().flat_map(|entry| &entry.feeds);
    Engine {
        id,
        version: known.map(|entry| entry.version.as_str()),
        seen_ms_ago: known.and_then(|entry| status.since_ms(entry.seen_ms)),
        up_ms: known.and_then(|entry| status.since_ms(entry.started_ms)),
        feeds: roles
            .map(|(feed, role)| Role { feed: Some(feed.to_string()), engine: None, role: role.as_str() })
            .collect(),
        breakers_closed: known.and_then(|entry| entry.breakers).map(|breakers| breakers.closed),
        redis_servers: known.and_then(|entry| entry.breakers).map(|breakers| breakers.servers),
        error: entry.as_ref().err().map(ToString::to_string),
    }
}

fn feed<'a>(status: &Status, feed: &'a FeedStatus) -> Feed<'a> {
    let (writer, epoch, lease_ms) = match &feed.lease {
        Lease::Held { engine, epoch, remaining } => {
            (Some(engine.as_str()), Some(epoch.get()), Some(remaining.as_millis()))
        }
        Lease::Free | Lease::Unreadable => (None, None, None),
    };
    let heartbeat = feed.heartbeat.as_ref();
    let roles = feed.roles.iter();
    Feed {
        feed: feed.feed.to_string(),
        writer,
        epoch,
        since_ms: epoch.and_then(|epoch| status.since_ms(epoch)),
        lease_ms,
        preferred: feed.preferred.as_deref(),
        roles: roles.map(|(id, role)| Role { feed: None, engine: Some(id), role: role.as_str() }).collect(),
        state: heartbeat.map(|heartbeat| heartbeat.state.as_str()),
        reason: heartbeat.map(|heartbeat| heartbeat.reason.as_str()),
        heartbeat_time: heartbeat.map(|heartbeat| heartbeat.time.nanos()),
        clock_offset_ns: heartbeat.map(|heartbeat| heartbeat.clock_offset),
    }
}
