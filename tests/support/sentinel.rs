//! One primary, its replicas and three Sentinels, all of the test's own. Needs `mod redis_server` beside it.
//!
//! Owns the processes; all of them are gone when it is dropped. Every server is started as a primary and told its place
//! afterwards: one that comes back after a failover is first a primary again, until a Sentinel tells it otherwise.
#![allow(dead_code, reason = "every test binary uses another part of it")]

use std::collections::HashMap;
use std::time::Duration;

use super::redis_server::{RedisServer, eventually, now};

/// The name under which the Sentinels watch the primary.
pub(crate) const NAME: &str = "mymaster";
const SENTINELS: usize = 3;
const QUORUM: usize = 2;
/// After this silence a server counts as down: so long that a machine that stands still makes no Sentinel change the
/// primary unasked.
const CALM_MS: u64 = 30_000;
/// And while a test waits for a failover.
const HURRY_MS: u64 = 600;
/// Twice this passes until a failed attempt is repeated, for example after votes were split.
const FAILOVER_TIMEOUT_MS: u64 = 4_000;

/// What a group is started with beside the defaults.
#[derive(Debug, Clone, Default)]
pub(crate) struct Options {
    pub(crate) replicas: usize,
    /// Password of the servers' default user.
    pub(crate) password: Option<String>,
    /// ACL user and password with which the Sentinels log in to the servers, instead of the default user.
    pub(crate) sentinel_login: Option<(String, String)>,
    /// Password of the Sentinels themselves.
    pub(crate) sentinel_password: Option<String>,
    /// Of every server.
    pub(crate) arguments: Vec<String>,
}

#[derive(Debug)]
pub(crate) struct SentinelGroup {
    /// Place 0 is the first primary.
    pub(crate) servers: Vec<RedisServer>,
    pub(crate) sentinels: Vec<RedisServer>,
    options: Options,
}

impl SentinelGroup {
    pub(crate) async fn start(replicas: usize) -> Self {
        Self::start_with(Options { replicas, ..Options::default() }).await
    }

    pub(crate) async fn start_with(options: Options) -> Self {
        let arguments = server_arguments(&options);
        let servers = (0..=options.replicas).map(|_| RedisServer::start_with(&arguments)).collect();
        let mut group = Self { servers, sentinels: Vec::new(), options };
        let port = group.servers[0].port();
        for replica in &group.servers[1..] {
            let words = ["REPLICAOF", "127.0.0.1", &port.to_string()];
            let _: () = replica.ask(&words).await.expect("it becomes a replica");
        }
        for replica in &group.servers[1..] {
            eventually("a replica follows", async || linked(replica).await).await;
        }
        let password = group.options.sentinel_password.clone();
        let arguments: Vec<String> =
            password.iter().flat_map(|secret| ["--requirepass".to_owned(), secret.clone()]).collect();
        let directives = group.directives(port);
        group.sentinels =
            (0..SENTINELS).map(|_| RedisServer::start_sentinel(&directives, &arguments)).collect();
        // A busy machine must not make them distrust their clocks for 30 s.
        group.tune(&["TILT-TRIGGER", "20000", "TILT-PERIOD", "1000"]).await;
        group.ready().await;
        group
    }

    fn directives(&self, primary: u16) -> String {
        let mut lines = format!(
            "sentinel monitor {NAME} 127.0.0.1 {primary} {QUORUM}\n\
             sentinel down-after-milliseconds {NAME} {CALM_MS}\n\
             sentinel failover-timeout {NAME} {FAILOVER_TIMEOUT_MS}\n"
        );
        if let Some((user, password)) = &self.options.sentinel_login {
            lines += &format!("sentinel auth-user {NAME} {user}\nsentinel auth-pass {NAME} {password}\n");
        } else if let Some(password) = &self.options.password {
            lines += &format!("sentinel auth-pass {NAME} {password}\n");
        }
        if let Some(password) = &self.options.sentinel_password {
            lines += &format!("sentinel sentinel-pass {password}\n");
        }
        lines
    }

    /// Servers older than 7.0 know none of it and are slower.
    async fn tune(&self, values: &[&str]) {
        for sentinel in &self.sentinels {
            let _ = sentinel.ask::<redis::Value>(&[&["SENTINEL", "DEBUG"], values].concat()).await;
        }
    }

    /// `127.0.0.1:port` of every Sentinel.
    pub(crate) fn addresses(&self) -> Vec<String> {
        self.sentinels.iter().map(|sentinel| format!("127.0.0.1:{}", sentinel.port())).collect()
    }

    /// As the first Sentinel that answers says; the new one as soon as it was chosen.
    pub(crate) async fn primary_port(&self) -> u16 {
        for sentinel in self.sentinels.iter().filter(|sentinel| sentinel.runs()) {
            if let Some(port) = named_by(sentinel).await {
                return port;
            }
        }
        panic!("no Sentinel answers");
    }

    /// The place of the primary among `servers`.
    pub(crate) async fn primary(&self) -> usize {
        let port = self.primary_port().await;
        self.servers.iter().position(|server| server.port() == port).expect("one of ours")
    }

    /// Waits until all is well: everybody runs, follows the one primary, and every Sentinel knows that.
    pub(crate) async fn ready(&self) {
        // By what they publish they find each other, by what they ask they learn who follows whom; then as usual again.
        self.tune(&["PUBLISH-PERIOD", "100", "INFO-PERIOD", "200"]).await;
        for sentinel in &self.sentinels {
            eventually("a Sentinel knows everybody", async || self.content(sentinel).await.unwrap_or(false))
                .await;
        }
        let online = async || replicas_of(&self.servers[self.primary().await]).await == self.options.replicas;
        eventually("the primary serves its replicas", online).await;
        self.tune(&["PUBLISH-PERIOD", "2000", "INFO-PERIOD", "10000"]).await;
    }

    async fn content(&self, sentinel: &RedisServer) -> redis::RedisResult<bool> {
        type Facts = HashMap<String, String>;
        let is = |facts: &Facts, name: &str, value: &str| facts.get(name).is_some_and(|fact| fact == value);
        let group: Facts = sentinel.ask(&["SENTINEL", "MASTER", NAME]).await?;
        let replicas: Vec<Facts> = sentinel.ask(&["SENTINEL", "REPLICAS", NAME]).await?;
        let quorum: String = sentinel.ask(&["SENTINEL", "CKQUORUM", NAME]).await?;
        let primary = self.primary_port().await.to_string();
        Ok(quorum.starts_with(&format!("OK {SENTINELS} usable"))
            && is(&group, "flags", "master")
            && is(&group, "port", &primary)
            && is(&group, "num-other-sentinels", &(SENTINELS - 1).to_string())
            && replicas.len() == self.options.replicas
            && replicas.iter().all(|replica| {
                is(replica, "flags", "slave")
                    && is(replica, "master-link-status", "ok")
                    && is(replica, "master-port", &primary)
            }))
    }

    /// Kills the primary and returns its place.
    pub(crate) async fn kill_primary(&mut self) -> usize {
        let primary = self.primary().await;
        self.servers[primary].kill();
        self.hurry().await;
        primary
    }

    /// Lets the primary hang and returns its place.
    pub(crate) async fn stop_primary(&self) -> usize {
        let primary = self.primary().await;
        self.servers[primary].stop();
        self.hurry().await;
        primary
    }

    /// From now on a server that is silent is soon replaced; until [`wait_for_failover`](Self::wait_for_failover) returns.
    pub(crate) async fn hurry(&self) {
        self.down_after(HURRY_MS).await;
    }

    async fn down_after(&self, milliseconds: u64) {
        let words = ["SENTINEL", "SET", NAME, "down-after-milliseconds", &milliseconds.to_string()];
        for sentinel in self.sentinels.iter().filter(|sentinel| sentinel.runs()) {
            let () = sentinel.ask(&words).await.expect("a Sentinel answers");
        }
    }

    /// Asks a Sentinel for a failover from a healthy primary, whose place is returned.
    pub(crate) async fn failover(&self) -> usize {
        let primary = self.primary().await;
        eventually("a Sentinel begins a failover", async || {
            self.sentinels[0].ask::<()>(&["SENTINEL", "FAILOVER", NAME]).await.is_ok()
        })
        .await;
        primary
    }

    /// Waits until every running Sentinel names another primary than the server at this place, and that one says so
    /// itself. Returns how long that took from the call on.
    pub(crate) async fn wait_for_failover(&self, from: usize) -> Duration {
        let start = now();
        self.hurry().await;
        eventually("another server becomes the primary", async || self.has_left(from).await).await;
        self.down_after(CALM_MS).await;
        start.elapsed()
    }

    async fn has_left(&self, from: usize) -> bool {
        let mut named = None;
        for sentinel in self.sentinels.iter().filter(|sentinel| sentinel.runs()) {
            let port = named_by(sentinel).await;
            if port.is_none() || port == Some(self.servers[from].port()) || (named.is_some() && named != port)
            {
                return false;
            }
            named = port;
        }
        let Some(server) = self.servers.iter().find(|server| Some(server.port()) == named) else {
            return false;
        };
        let role: redis::RedisResult<(String, redis::Value, redis::Value)> = server.ask(&["ROLE"]).await;
        role.is_ok_and(|(role, ..)| role == "master")
    }

    /// From here on the primary acknowledges writes that no replica gets: its replicas lose their links and cannot log
    /// in any more. Everybody stays healthy in the eyes of the Sentinels. What is written now is the tail that a
    /// failover loses:
    ///
    /// 1. `cut_replication`; 2. write; 3. `kill_primary`, `stop_primary` or `failover`; 4. `wait_for_failover`;
    /// 5. `heal_replication`.
    ///
    /// Steps 1 to 3 must not take more than ten times the time after which a primary counts as down (6 s in all):
    /// older copies are not promoted.
    pub(crate) async fn cut_replication(&self) {
        let primary = self.primary().await;
        self.log_replicas_in_with("not the password", primary).await;
        let kill = ["CLIENT", "KILL", "TYPE", "replica"];
        let _: i64 = self.servers[primary].ask(&kill).await.expect("the primary answers");
        for (place, replica) in self.servers.iter().enumerate() {
            if place != primary {
                eventually("a replica is cut off", async || !linked(replica).await).await;
            }
        }
    }

    /// Lets replicas log in again.
    pub(crate) async fn heal_replication(&self) {
        self.log_replicas_in_with(self.options.password.as_deref().unwrap_or(""), usize::MAX).await;
    }

    async fn log_replicas_in_with(&self, password: &str, except: usize) {
        for (place, server) in self.servers.iter().enumerate() {
            if place != except && server.runs() {
                let _: () = server.ask(&["CONFIG", "SET", "masterauth", password]).await.expect("it answers");
            }
        }
    }
}

fn server_arguments(options: &Options) -> Vec<String> {
    // Replicas get their first copy at once, and notice what becomes of it within a second.
    let mut arguments: Vec<String> =
        ["--repl-diskless-sync-delay", "0", "--repl-ping-replica-period", "1"].map(str::to_owned).to_vec();
    if let Some(password) = &options.password {
        arguments.extend(["--requirepass", password, "--masterauth", password].map(str::to_owned));
    }
    if let Some((user, password)) = &options.sentinel_login {
        let rules = "allchannels +multi +slaveof +ping +exec +subscribe +config|rewrite +role +publish +info \
            +client|setname +client|kill +script|kill";
        arguments.extend(["--user", user, "on", &format!(">{password}")].map(str::to_owned));
        arguments.extend(rules.split_whitespace().map(str::to_owned));
    }
    arguments.extend(options.arguments.iter().cloned());
    arguments
}

async fn named_by(sentinel: &RedisServer) -> Option<u16> {
    let words = ["SENTINEL", "GET-MASTER-ADDR-BY-NAME", NAME];
    sentinel.ask::<(String, u16)>(&words).await.ok().map(|(_, port)| port)
}

/// How many replicas a primary keeps up to date.
async fn replicas_of(primary: &RedisServer) -> usize {
    let told: redis::RedisResult<String> = primary.ask(&["INFO", "replication"]).await;
    told.map_or(0, |told| told.matches("state=online").count())
}

async fn linked(replica: &RedisServer) -> bool {
    let told: redis::RedisResult<String> = replica.ask(&["INFO", "replication"]).await;
    told.is_ok_and(|told| told.contains("master_link_status:up"))
}
