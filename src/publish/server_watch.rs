//! What the servers say of themselves: memory, evictions, hits and misses, and whether they were restarted.
//!
//! Owns one connection and one question every [`LOOK_EVERY`] to each server of the topology. Never changes a setting. A
//! server that was restarted behind the same address (a proxy hides that) is seen by its `run_id`.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use metrics::{Counter, Gauge, counter, gauge};
use redis::cmd;
use tokio::runtime::Handle;
use tokio::sync::watch;

use crate::clock;
use crate::domain::{Backoff, Ladder};
use crate::telemetry::names;

use super::answer::{field, line, text};
use super::memory_policy::{MemoryWarning, assess};
use super::session::{Owned, Session};
use super::{Endpoint, Login, PublishError, Topology};
use crate::domain::LogThrottle;

/// Between two looks at a server.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// How long an answer may take: a busy server is nothing to complain about here.
const ANSWER_MAX: Duration = Duration::from_secs(1);
/// That a question is refused is logged so often.
const LOG_EVERY: Duration = Duration::from_secs(600);
/// Between attempts to connect.
const LADDER: Ladder = Ladder {
    waits: &[Duration::ZERO, Duration::from_millis(250), Duration::from_millis(500), Duration::from_secs(1)],
    good_after: Duration::from_secs(5),
};

/// For each server that was ever restarted while it was watched: how often.
pub type Restarts = BTreeMap<Endpoint, u64>;

/// Looks at the servers of a topology, until it is dropped.
#[derive(Debug)]
pub struct ServerWatch {
    restarts: watch::Receiver<Arc<Restarts>>,
    _task: Owned,
}

impl ServerWatch {
    /// Begins to look, in tasks on `runtime` (the slow one). Install the metrics recorder first.
    #[must_use]
    pub fn spawn(runtime: &Handle, topology: watch::Receiver<Arc<Topology>>, login: Login) -> Self {
        let (sender, restarts) = watch::channel(Arc::new(Restarts::new()));
        let task = runtime.spawn(supervise(topology, login, Arc::new(sender)));
        Self { restarts, _task: Owned::new(task) }
    }

    /// Follows the restarts. Whoever writes to a server whose count has grown publishes everything anew.
    #[must_use]
    pub fn restarts(&self) -> watch::Receiver<Arc<Restarts>> {
        self.restarts.clone()
    }
}

/// One task a server.
async fn supervise(
    mut topology: watch::Receiver<Arc<Topology>>,
    login: Login,
    restarts: Arc<watch::Sender<Arc<Restarts>>>,
) {
    let mut watched: HashMap<Endpoint, Owned> = HashMap::new();
    loop {
        let nodes: HashSet<Endpoint> = topology.borrow_and_update().nodes.iter().cloned().collect();
        watched.retain(|node, _| nodes.contains(node));
        for node in nodes {
            watched.entry(node.clone()).or_insert_with(|| {
                Owned::new(tokio::spawn(observe(node, login.clone(), Arc::clone(&restarts))))
            });
        }
        if topology.changed().await.is_err() {
            return;
        }
    }
}

/// Looks at one server, for ever.
async fn observe(server: Endpoint, login: Login, restarts: Arc<watch::Sender<Arc<Restarts>>>) {
    let mut file = File::new(server.clone());
    let mut backoff = Backoff::new(LADDER);
    loop {
        tokio::time::sleep(backoff.next(fastrand::f64())).await;
        // That a server cannot be reached is for the writer to say.
        let Ok(session) = Session::open(&login, &server).await else { continue };
        let since = clock::mono();
        while session.is_open() {
            match look(&session).await {
                Ok(seen) => {
                    if file.enter(seen) == Identity::Changed {
                        restarts.send_modify(|counts| {
                            *Arc::make_mut(counts).entry(server.clone()).or_default() += 1;
                        });
                    }
                }
                Err(error @ PublishError::Question { .. }) => file.complain(&error),
                Err(_) => break,
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
        backoff.connection_lived(clock::mono().since(since));
    }
}

/// What a server said at one moment; `None` = not told.
#[derive(Debug, Default, PartialEq, Eq)]
struct Seen {
    used: Option<u64>,
    max: Option<u64>,
    policy: Option<String>,
    evicted: Option<u64>,
    hits: Option<u64>,
    misses: Option<u64>,
    run_id: Option<String>,
}

async fn look(session: &Session) -> Result<Seen, PublishError> {
    let info = |section: &str| {
        let mut command = cmd("INFO");
        command.arg(section);
        command
    };
    // Several sections in one command are for Redis 7 only.
    let [memory, stats, server] = ["memory", "stats", "server"].map(info);
    let (memory, stats, server) = tokio::try_join!(
        session.ask("INFO", &memory, ANSWER_MAX),
        session.ask("INFO", &stats, ANSWER_MAX),
        session.ask("INFO", &server, ANSWER_MAX),
    )?;
    let [memory, stats, server] = [&memory, &stats, &server].map(|answer| text(answer).unwrap_or_default());
    let mut seen = read(memory, stats, server);
    if seen.max.is_none() || seen.policy.is_none() {
        ask_settings(session, &mut seen).await?;
    }
    Ok(seen)
}

fn read(memory: &str, stats: &str, server: &str) -> Seen {
    let number = |info, name| line(info, name).and_then(|text| text.parse().ok());
    Seen {
        used: number(memory, "used_memory"),
        max: number(memory, "maxmemory"),
        policy: line(memory, "maxmemory_policy").map(str::to_owned),
        evicted: number(stats, "evicted_keys"),
        hits: number(stats, "keyspace_hits"),
        misses: number(stats, "keyspace_misses"),
        run_id: line(server, "run_id").map(str::to_owned),
    }
}

/// For servers whose INFO does not tell. CONFIG is forbidden to most users, so it is not asked first; a refusal leaves
/// the settings unknown.
async fn ask_settings(session: &Session, seen: &mut Seen) -> Result<(), PublishError> {
    let mut command = cmd("CONFIG");
    command.arg("GET").arg("maxmemory*");
    match session.ask("CONFIG GET", &command, ANSWER_MAX).await {
        Ok(settings) => {
            let setting = |name| field(&settings, name).and_then(text);
            seen.max = seen.max.or(setting("maxmemory").and_then(|text| text.parse().ok()));
            seen.policy = seen.policy.take().or(setting("maxmemory-policy").map(str::to_owned));
            Ok(())
        }
        Err(PublishError::Question { .. }) => Ok(()),
        Err(error) => Err(error),
    }
}

/// Whether it is the server that it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Identity {
    Same,
    Changed,
}

/// What we know of one server.
struct File {
    server: Endpoint,
    run_id: Option<String>,
    warnings: Option<Vec<MemoryWarning>>,
    refused: LogThrottle,
    used: Gauge,
    max: Gauge,
    evicted: Grown,
    hits: Grown,
    misses: Grown,
}

impl File {
    fn new(server: Endpoint) -> Self {
        let label = server.to_string();
        let grown =
            |name: &'static str| Grown { counter: counter!(name, "server" => label.clone()), last: 0 };
        Self {
            run_id: None,
            warnings: None,
            refused: LogThrottle::default(),
            used: gauge!(names::REDIS_MEMORY_USED, "server" => label.clone()),
            max: gauge!(names::REDIS_MEMORY_MAX, "server" => label.clone()),
            evicted: grown(names::REDIS_EVICTED_KEYS),
            hits: grown(names::REDIS_KEYSPACE_HITS),
            misses: grown(names::REDIS_KEYSPACE_MISSES),
            server,
        }
    }

    #[allow(clippy::cast_precision_loss, reason = "a gauge is a float; bytes below 2^53 are exact")]
    fn enter(&mut self, seen: Seen) -> Identity {
        for (gauge, value) in [(&self.used, seen.used), (&self.max, seen.max)] {
            if let Some(value) = value {
                gauge.set(value as f64);
            }
        }
        self.evicted.to(seen.evicted);
        self.hits.to(seen.hits);
        self.misses.to(seen.misses);
        if let (Some(max), Some(policy)) = (seen.max, seen.policy.as_deref()) {
            self.warn(assess(max, policy));
        }
        self.identify(seen.run_id)
    }

    /// Once at the start, and whenever they change.
    fn warn(&mut self, warnings: Vec<MemoryWarning>) {
        if self.warnings.as_ref() == Some(&warnings) {
            return;
        }
        let server = &self.server;
        for warning in &warnings {
            tracing::warn!(%server, %warning, "redis memory settings");
        }
        if warnings.is_empty() && self.warnings.is_some() {
            tracing::info!(%server, "redis memory settings are in order");
        }
        self.warnings = Some(warnings);
    }

    fn identify(&mut self, run_id: Option<String>) -> Identity {
        let Some(run_id) = run_id else { return Identity::Same };
        let is_new = self.run_id.as_ref().is_some_and(|known| *known != run_id);
        self.run_id = Some(run_id);
        if !is_new {
            return Identity::Same;
        }
        tracing::warn!(server = %self.server, "redis was restarted: everything is published anew");
        Identity::Changed
    }

    fn complain(&mut self, error: &PublishError) {
        if self.refused.is_due(clock::mono(), LOG_EVERY) {
            let error = error as &dyn std::error::Error;
            tracing::warn!(server = %self.server, error, "redis does not tell about itself");
        }
    }
}

/// The gauges of a server that left would otherwise stay, and alert for ever.
impl Drop for File {
    fn drop(&mut self) {
        self.used.set(0.0);
        self.max.set(0.0);
    }
}

/// A counter of ours that follows one of the server's, which begins anew when the server does.
struct Grown {
    counter: Counter,
    last: u64,
}

impl Grown {
    fn to(&mut self, now: Option<u64>) {
        let Some(now) = now else { return };
        self.counter.increment(growth(self.last, now));
        self.last = now;
    }
}

const fn growth(last: u64, now: u64) -> u64 {
    if now < last { now } else { now - last }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sections_are_read_and_what_is_missing_is_not_made_up() {
        let seen = read(
            "# Memory\r\nused_memory:1024\r\nmaxmemory:4096\r\nmaxmemory_policy:volatile-lru\r\n",
            "# Stats\r\nevicted_keys:1\r\nkeyspace_hits:2\r\nkeyspace_misses:3\r\n",
            "# Server\r\nredis_version:7.0.15\r\nrun_id:abc\r\n",
        );
        let text = |text: &str| Some(text.to_owned());
        assert_eq!((seen.used, seen.max, seen.policy), (Some(1_024), Some(4_096), text("volatile-lru")));
        assert_eq!((seen.evicted, seen.hits, seen.misses), (Some(1), Some(2), Some(3)));
        assert_eq!(seen.run_id, text("abc"));
        assert_eq!(read("", "", ""), Seen::default());
    }

    #[test]
    fn another_run_id_is_another_server_and_a_missing_one_is_not() {
        let mut file = File::new(Endpoint::Tcp { host: "a".to_owned(), port: 1 });
        let mut enter =
            |run_id: Option<&str>| file.enter(Seen { run_id: run_id.map(str::to_owned), ..Seen::default() });
        let identities = [Some("x"), Some("x"), None, Some("x"), Some("y"), Some("y")].map(&mut enter);
        assert_eq!(identities.iter().position(|identity| *identity == Identity::Changed), Some(4));
        assert_eq!(identities[5], Identity::Same);
    }

    #[test]
    fn a_counter_goes_on_growing_when_the_servers_begins_anew() {
        assert_eq!([growth(0, 7), growth(7, 7), growth(7, 9), growth(9, 2)], [7, 0, 2, 2]);
    }
}
