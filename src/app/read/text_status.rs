//! The status as people read it.
//!
//! Owns the wording and the columns. What is not known is `-`; a feed without a lease says `no writer`.

use std::fmt::Write as _;

use super::status::{FeedStatus, Status};
use super::table::Table;
use super::text::{UNKNOWN, optional};
use crate::codec::{EngineEntry, FeedRole, is_run_of};
use crate::domain::Reason;
use crate::reader::{Age, Lease, ServerFacts};

/// Servers, engines, feeds.
pub(super) fn page(status: &Status) -> String {
    let mut page = String::new();
    match &status.servers {
        Ok(servers) => {
            let mut table =
                Table::new(&["REDIS", "VERSION", "ROLE", "MEMORY", "POLICY", "EVICTED"]).left_aligned();
            servers.iter().for_each(|facts| table.push(server(facts)));
            writeln!(page, "{table}")
        }
        Err(error) => write!(page, "{error}\n\n"),
    }
    .expect("a String takes everything");
    let mut engines = Table::new(&["ENGINE", "VERSION", "SEEN", "UP", "FEEDS", "BREAKERS"]).left_aligned();
    for (id, entry) in &status.engines {
        engines.push(match entry {
            Ok(entry) => engine(status, id, entry),
            Err(error) => vec![id.clone(), format!("not readable: {error}")],
        });
    }
    let mut feeds =
        Table::new(&["FEED", "WRITER", "EPOCH", "SINCE", "LEASE", "STATE", "CLOCK", "PREFERRED", "OTHERS"])
            .left_aligned();
    status.feeds.iter().for_each(|feed| feeds.push(self::feed(status, feed)));
    let engines = if status.engines.is_empty() { "no engine\n".to_owned() } else { engines.to_string() };
    write!(page, "{engines}\n{feeds}").expect("a String takes everything");
    page
}

fn server(facts: &ServerFacts) -> Vec<String> {
    let role = match (facts.role.as_deref(), facts.connected_replicas) {
        (Some("master"), Some(replicas)) => format!("primary, replicas: {replicas}"),
        (Some("master"), None) => "primary".to_owned(),
        (Some("slave"), _) => "replica".to_owned(),
        (other, _) => other.unwrap_or(UNKNOWN).to_owned(),
    };
    let used = optional(facts.used_memory, mebibytes);
    let memory = match facts.maxmemory {
        Some(0) => format!("{used}, no limit"),
        Some(limit) => {
            let percent = facts.used_memory.map(|used| used.saturating_mul(100) / limit);
            format!("{used} of {} ({} %)", mebibytes(limit), optional(percent, |number| number.to_string()))
        }
        None => used,
    };
    vec![
        facts.server.clone(),
        optional(facts.version.clone(), |version| version),
        role,
        memory,
        optional(facts.maxmemory_policy.clone(), |policy| policy),
        optional(facts.evicted_keys, |keys| keys.to_string()),
    ]
}

fn engine(status: &Status, id: &str, entry: &EngineEntry) -> Vec<String> {
    let count = |role| entry.feeds.iter().filter(|(_, known)| *known == role).count();
    let feeds: Vec<String> = FeedRole::ALL
        .into_iter()
        .map(|role| (role, count(role)))
        .filter(|(_, count)| *count > 0)
        .map(|(role, count)| format!("{role}: {count}"))
        .collect();
    vec![
        id.to_owned(),
        entry.version.clone(),
        optional(status.since_ms(entry.seen_ms), |ms| format!("{} ago", age(ms))),
        optional(status.since_ms(entry.started_ms), age),
        if feeds.is_empty() { UNKNOWN.to_owned() } else { feeds.join(", ") },
        optional(entry.breakers, |breakers| format!("closed {breakers}")),
    ]
}

fn feed(status: &Status, feed: &FeedStatus) -> Vec<String> {
    let (writer, epoch, since, lease) = match &feed.lease {
        Lease::Held { engine, epoch, remaining } => (
            engine.clone(),
            epoch.to_string(),
            optional(status.since_ms(epoch.get()), age),
            age(u64::try_from(remaining.as_millis()).unwrap_or(u64::MAX)),
        ),
        Lease::Free => ("no writer".to_owned(), UNKNOWN.into(), UNKNOWN.into(), UNKNOWN.into()),
        Lease::Unreadable => {
            ("no writer: the lease is not readable".into(), UNKNOWN.into(), UNKNOWN.into(), UNKNOWN.into())
        }
    };
    let (state, clock) = match &feed.heartbeat {
        None => ("not heard".to_owned(), UNKNOWN.to_owned()),
        Some(heartbeat) => {
            let state = match heartbeat.reason {
                Reason::None => heartbeat.state.to_string(),
                reason => format!("{} ({reason})", heartbeat.state),
            };
            (state, offset(heartbeat.clock_offset))
        }
    };
    // One that believes to be the owner, while the lease is another's, is shown here too.
    let others = feed.roles.iter().filter(|(id, _)| !is_run_of(&writer, id));
    let others: Vec<String> = others.map(|(id, role)| format!("{id} ({role})")).collect();
    vec![
        feed.feed.to_string(),
        writer,
        epoch,
        since,
        lease,
        state,
        clock,
        optional(feed.preferred.clone(), |id| id),
        if others.is_empty() { UNKNOWN.to_owned() } else { others.join(", ") },
    ]
}

fn age(ms: u64) -> String {
    Age::from_nanos(i64::try_from(ms.saturating_mul(1_000_000)).unwrap_or(i64::MAX)).to_string()
}

/// `+1.5 ms`: the engine's clock is ahead of Redis'.
fn offset(nanos: i64) -> String {
    let sign = if nanos < 0 { '-' } else { '+' };
    let tenths = nanos.unsigned_abs() / 100_000;
    format!("{sign}{}.{} ms", tenths / 10, tenths % 10)
}

fn mebibytes(bytes: u64) -> String {
    let tenths = bytes / 104_858;
    format!("{}.{} MiB", tenths / 10, tenths % 10)
}
