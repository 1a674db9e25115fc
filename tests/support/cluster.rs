//! A Redis Cluster of six nodes, three primaries with a replica each. Needs `mod redis_server` beside it.
//!
//! Owns the processes; all of them are gone when it is dropped. Nodes are named by their place in `nodes`; places 0, 1
//! and 2 are the first primaries, 3, 4 and 5 their replicas. On a very busy machine nodes may fail over unasked, so who
//! is the primary of a slot is always asked, never remembered.
#![allow(dead_code, reason = "every test binary uses another part of it")]

use std::time::Duration;

use redis::RedisResult;

use super::redis_server::{Data, RedisServer, eventually, now};

const PRIMARIES: usize = 3;
const SLOTS: u16 = 16_384;
/// After this silence a node counts as failed: so long that a machine that stands still makes no replica take over unasked,
/// and no longer, because by it nodes ping each other.
const CALM_MS: &str = "5000";
/// And while a test waits for a failover.
const HURRY_MS: &str = "800";

/// How a replica takes its primary's place while that one is alive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Takeover {
    /// With the primary's help: nothing is lost.
    Agreed,
    /// Without the primary, but with the votes of the others.
    Forced,
    /// Without asking anybody.
    Unasked,
}

/// One line of `CLUSTER NODES`.
#[derive(Debug, Clone)]
struct Seen {
    id: String,
    port: u16,
    primary: Option<String>,
    epoch: u64,
    slots: Vec<(u16, u16)>,
    healthy: bool,
}

#[derive(Debug)]
pub(crate) struct Cluster {
    pub(crate) nodes: Vec<RedisServer>,
    password: Option<String>,
}

impl Cluster {
    pub(crate) async fn start() -> Self {
        Self::start_with(None, &[]).await
    }

    /// With a password of the default user, and further arguments of every node.
    pub(crate) async fn start_with(password: Option<&str>, further: &[&str]) -> Self {
        let mut arguments = vec!["--cluster-enabled", "yes", "--cluster-node-timeout", CALM_MS];
        arguments.extend(["--repl-diskless-sync-delay", "0", "--repl-ping-replica-period", "1"]);
        if let Some(password) = password {
            arguments.extend(["--requirepass", password, "--masterauth", password]);
        }
        arguments.extend(further);
        let nodes = (0..2 * PRIMARIES).map(|_| RedisServer::start_with(&arguments)).collect();
        let cluster = Self { nodes, password: password.map(str::to_owned) };
        cluster.form().await;
        cluster.ready().await;
        cluster
    }

    async fn form(&self) {
        for place in 0..PRIMARIES {
            let share = usize::from(SLOTS) / PRIMARIES;
            let last = if place + 1 == PRIMARIES { usize::from(SLOTS) - 1 } else { (place + 1) * share - 1 };
            let range = ["CLUSTER", "ADDSLOTSRANGE", &(place * share).to_string(), &last.to_string()];
            self.tell(place, &range).await;
        }
        for place in 0..self.nodes.len() {
            self.tell(place, &["CLUSTER", "SET-CONFIG-EPOCH", &(place + 1).to_string()]).await;
        }
        for node in &self.nodes[1..] {
            self.tell(0, &["CLUSTER", "MEET", "127.0.0.1", &node.port().to_string()]).await;
        }
        for node in &self.nodes {
            eventually("a node knows everybody", async || {
                let seen = view(node).await;
                self.nodes.iter().all(|other| seen.iter().any(|line| line.port == other.port()))
            })
            .await;
        }
        for place in PRIMARIES..self.nodes.len() {
            let primary = self.id(place - PRIMARIES).await;
            self.tell(place, &["CLUSTER", "REPLICATE", &primary]).await;
        }
    }

    async fn tell(&self, place: usize, words: &[&str]) {
        let told: RedisResult<redis::Value> = self.nodes[place].ask(words).await;
        told.unwrap_or_else(|error| panic!("{words:?} at node {place}: {error}"));
    }

    async fn id(&self, place: usize) -> String {
        self.nodes[place].ask(&["CLUSTER", "MYID"]).await.expect("it answers")
    }

    /// `redis://127.0.0.1:port` of every node.
    pub(crate) fn seeds(&self) -> Vec<String> {
        self.nodes.iter().map(RedisServer::url).collect()
    }

    /// Waits until all is well: all nodes agree that the cluster is, and every primary has a replica that follows it.
    pub(crate) async fn ready(&self) {
        for node in &self.nodes {
            eventually("a node finds the cluster in order", async || {
                let seen = view(node).await;
                let primaries = seen.iter().filter(|line| !line.slots.is_empty());
                works(node).await
                    && follows(node).await
                    && seen.len() == self.nodes.len()
                    && seen.iter().all(|line| line.healthy)
                    && primaries.clone().all(|primary| {
                        seen.iter().any(|line| line.primary.as_deref() == Some(primary.id.as_str()))
                    })
            })
            .await;
        }
    }

    /// The slot of a key.
    pub(crate) async fn slot_of(&self, key: &str) -> u16 {
        let node = self.nodes.iter().find(|node| node.runs()).expect("a node that runs");
        node.ask(&["CLUSTER", "KEYSLOT", key]).await.expect("it answers")
    }

    /// The place of a slot's primary: whom the running nodes name with the greatest epoch.
    pub(crate) async fn primary_of(&self, slot: u16) -> usize {
        let mut newest: Option<Seen> = None;
        for node in self.nodes.iter().filter(|node| node.runs()) {
            let owner = view(node).await.into_iter().find(|line| line.owns(slot));
            newest = newest.into_iter().chain(owner).max_by_key(|line| line.epoch);
        }
        self.place(newest.expect("a slot with an owner").port)
    }

    fn place(&self, port: u16) -> usize {
        self.nodes.iter().position(|node| node.port() == port).expect("one of ours")
    }

    /// The place of the replica of a slot's primary, as that one or any other running node knows it.
    pub(crate) async fn replica_of(&self, slot: u16) -> usize {
        let primary = self.primary_of(slot).await;
        for node in self.nodes.iter().filter(|node| node.runs()) {
            let seen = view(node).await;
            let owner = seen.iter().find(|line| line.port == self.nodes[primary].port());
            let replica = owner.and_then(|owner| {
                seen.iter().find(|line| line.primary.as_deref() == Some(owner.id.as_str()))
            });
            if let Some(replica) = replica {
                return self.place(replica.port);
            }
        }
        panic!("the primary of slot {slot} has no replica");
    }

    /// Kills the primary of a slot and returns its place.
    pub(crate) async fn kill_primary(&mut self, slot: u16) -> usize {
        let primary = self.primary_of(slot).await;
        self.nodes[primary].kill();
        self.hurry().await;
        primary
    }

    /// Lets the primary of a slot hang and returns its place.
    pub(crate) async fn stop_primary(&self, slot: u16) -> usize {
        let primary = self.primary_of(slot).await;
        self.nodes[primary].stop();
        self.hurry().await;
        primary
    }

    /// From now on a node that is silent is soon replaced; until [`wait_for_failover`](Self::wait_for_failover) returns.
    pub(crate) async fn hurry(&self) {
        self.node_timeout(HURRY_MS).await;
    }

    async fn node_timeout(&self, milliseconds: &str) {
        for place in 0..self.nodes.len() {
            if self.nodes[place].runs() {
                self.tell(place, &["CONFIG", "SET", "cluster-node-timeout", milliseconds]).await;
            }
        }
    }

    /// Starts a killed node again, as the member that it was: empty, unless it was told to `SAVE`.
    pub(crate) fn restart(&mut self, place: usize) {
        self.nodes[place].restart_with(Data::Kept);
    }

    /// Waits until all running nodes find that a slot has another primary than the node at this place, and that the
    /// cluster works. Returns how long that took from the call on.
    pub(crate) async fn wait_for_failover(&self, slot: u16, from: usize) -> Duration {
        let start = now();
        self.hurry().await;
        eventually("another node becomes the primary", async || {
            for (place, node) in self.nodes.iter().enumerate() {
                let moved = async || {
                    let seen = view(node).await;
                    let owner = seen.iter().find(|line| line.owns(slot));
                    owner.is_some_and(|owner| owner.port != self.nodes[from].port()) && works(node).await
                };
                if place != from && node.runs() && !moved().await {
                    return false;
                }
            }
            true
        })
        .await;
        self.node_timeout(CALM_MS).await;
        start.elapsed()
    }

    /// Makes the replica of a slot's living primary take over. Returns the place of the former primary; wait for the
    /// end with [`wait_for_failover`](Self::wait_for_failover).
    pub(crate) async fn failover(&self, slot: u16, how: Takeover) -> usize {
        let (primary, replica) = (self.primary_of(slot).await, self.replica_of(slot).await);
        let words: &[&str] = match how {
            Takeover::Agreed => &["CLUSTER", "FAILOVER"],
            Takeover::Forced => &["CLUSTER", "FAILOVER", "FORCE"],
            Takeover::Unasked => &["CLUSTER", "FAILOVER", "TAKEOVER"],
        };
        eventually("the replica takes over", async || self.nodes[replica].ask::<()>(words).await.is_ok())
            .await;
        primary
    }

    /// From here on the primary of a slot acknowledges writes that its replica does not get: the replica loses its link
    /// and cannot log in any more. What is written now is the tail that a failover loses, natural (`kill_primary`,
    /// `stop_primary`) or asked for (`failover` without the primary's help). Then `wait_for_failover` and
    /// `heal_replication`. All within 10 s: older copies are not promoted unless unasked.
    pub(crate) async fn cut_replication(&self, slot: u16) {
        let (primary, replica) = (self.primary_of(slot).await, self.replica_of(slot).await);
        self.tell(replica, &["CONFIG", "SET", "masterauth", "not the password"]).await;
        self.tell(primary, &["CLIENT", "KILL", "TYPE", "replica"]).await;
        eventually("the replica is cut off", async || !follows(&self.nodes[replica]).await).await;
    }

    /// Lets replicas log in again.
    pub(crate) async fn heal_replication(&self) {
        for place in 0..self.nodes.len() {
            if self.nodes[place].runs() {
                let password = self.password.as_deref().unwrap_or("");
                self.tell(place, &["CONFIG", "SET", "masterauth", password]).await;
            }
        }
    }

    /// Opens the move of a slot: from now on its primary answers ASK for keys that it does not have, and TRYAGAIN for
    /// several keys of which it has only some. Move keys with [`move_keys`](Self::move_keys), then
    /// [`finish_move`](Self::finish_move). Returns the place of the primary that gives it away.
    pub(crate) async fn begin_move(&self, slot: u16, to: usize) -> usize {
        let from = self.primary_of(slot).await;
        let (slot, giver, taker) = (slot.to_string(), self.id(from).await, self.id(to).await);
        self.tell(to, &["CLUSTER", "SETSLOT", &slot, "IMPORTING", &giver]).await;
        self.tell(from, &["CLUSTER", "SETSLOT", &slot, "MIGRATING", &taker]).await;
        from
    }

    /// Moves some keys of a slot whose move was begun.
    pub(crate) async fn move_keys(&self, from: usize, to: usize, keys: &[&str]) {
        let port = self.nodes[to].port().to_string();
        let mut words = vec!["MIGRATE", "127.0.0.1", &port, "", "0", "10000"];
        if let Some(password) = &self.password {
            words.extend(["AUTH", password]);
        }
        words.push("KEYS");
        words.extend(keys);
        self.tell(from, &words).await;
    }

    /// Moves the keys that are left and gives the slot to its new primary: the old one answers MOVED.
    pub(crate) async fn finish_move(&self, slot: u16, from: usize, to: usize) {
        let (slot, taker) = (slot.to_string(), self.id(to).await);
        loop {
            let words = ["CLUSTER", "GETKEYSINSLOT", &slot, "100"];
            let left: Vec<String> = self.nodes[from].ask(&words).await.expect("it answers");
            if left.is_empty() {
                break;
            }
            self.move_keys(from, to, &left.iter().map(String::as_str).collect::<Vec<_>>()).await;
        }
        for place in [to, from] {
            self.tell(place, &["CLUSTER", "SETSLOT", &slot, "NODE", &taker]).await;
        }
    }

    /// Moves a slot with all its keys, and waits until everybody knows.
    pub(crate) async fn move_slot(&self, slot: u16, to: usize) {
        let from = self.begin_move(slot, to).await;
        self.finish_move(slot, from, to).await;
        self.wait_for_failover(slot, from).await;
    }
}

impl Seen {
    fn owns(&self, slot: u16) -> bool {
        self.slots.iter().any(|(first, last)| (*first..=*last).contains(&slot))
    }

    /// `id host:port@bus flags primary ping pong epoch link slot slot-slot ...`; slots on the move are in brackets.
    fn parse(line: &str) -> Option<Self> {
        let mut words = line.split(' ');
        let id = words.next()?.to_owned();
        let port = words.next()?.split('@').next()?.rsplit(':').next()?.parse().ok()?;
        let flags = words.next()?;
        let primary = words.next().filter(|word| *word != "-").map(str::to_owned);
        let epoch = words.nth(2)?.parse().ok()?;
        let linked = words.next()? == "connected";
        let range = |word: &str| {
            let (first, last) = word.split_once('-').unwrap_or((word, word));
            Some((first.parse().ok()?, last.parse().ok()?))
        };
        let slots = words.filter_map(range).collect();
        let healthy = linked && !flags.contains("fail") && !flags.contains("handshake");
        Some(Self { id, port, primary, epoch, slots, healthy })
    }
}

/// What a node says of everybody; nothing where it does not answer.
async fn view(node: &RedisServer) -> Vec<Seen> {
    let lines: RedisResult<String> = node.ask(&["CLUSTER", "NODES"]).await;
    lines.map(|lines| lines.lines().filter_map(Seen::parse).collect()).unwrap_or_default()
}

async fn works(node: &RedisServer) -> bool {
    let told: RedisResult<String> = node.ask(&["CLUSTER", "INFO"]).await;
    told.is_ok_and(|told| told.contains("cluster_state:ok"))
}

/// A primary that keeps a replica up to date, or a replica with a living link to its primary.
async fn follows(node: &RedisServer) -> bool {
    let told: RedisResult<String> = node.ask(&["INFO", "replication"]).await;
    told.is_ok_and(|told| told.contains("state=online") || told.contains("master_link_status:up"))
}
