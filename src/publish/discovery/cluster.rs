//! Following the map of a Redis Cluster.
//!
//! Owns the list of nodes and what each of them said a moment ago. Asks [`ASKED_AT_ONCE`] nodes a round, in turn, so that
//! nodes that hang hold nothing up. When nodes disagree (during a failover, while slots move, after a partition) those
//! with the newest epoch are believed, among them the map that most share.
//!
//! <https://redis.io/docs/latest/commands/cluster-slots/>

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use redis::cmd;
use tokio::sync::Notify;

use crate::clock;
use crate::codec::key::CLUSTER_SLOTS;
use crate::domain::MonoTime;

use super::super::answer::{line, text};
use super::super::session::Session;
use super::super::topology::{ClusterSlots, parse_cluster_slots};
use super::super::{Endpoint, Login, PublishError};
use super::election::{View, choose_slots};
use super::pace::Pace;
use super::peers::{Answer, Peers};
use super::{ANSWER_MAX, Board, LOG_EVERY};
use crate::domain::LogThrottle;

/// Nodes that are asked in a round.
const ASKED_AT_ONCE: usize = 3;
/// How long we ask quickly after a hint, unless the map changes before.
const EAGER_FOR: Duration = Duration::from_secs(5);
/// Between rounds when nothing presses, and while no map is known.
const CALM: Duration = Duration::from_secs(5);
const CALM_UNKNOWN: Duration = Duration::from_millis(500);
/// How long an answer counts.
const VIEW_AGE_MAX: Duration = Duration::from_secs(2);

/// What is wrong with an answer that leads nowhere.
const NO_PRIMARY: &str = "the redis cluster names no node that takes writes, so that nothing is written: assign its slots \
     (redis-cli --cluster create), and check cluster-announce-ip, cluster-announce-hostname and cluster-announce-port";

/// Keeps `board` at the Cluster's map, for ever.
pub(super) async fn run(board: Board, seeds: Vec<Endpoint>, login: Login) {
    let hints = Arc::clone(&board.hints);
    Search::new(board, seeds, login).run(&hints).await;
}

struct Search {
    board: Board,
    seeds: Vec<Endpoint>,
    /// Seeds and what was learnt.
    nodes: Vec<Endpoint>,
    /// Whose turn it is.
    turn: usize,
    peers: Peers<View>,
    /// With when each was heard.
    views: HashMap<Endpoint, (View, MonoTime)>,
    in_force: Option<ClusterSlots>,
    pace: Pace,
    trouble: LogThrottle,
}

impl Search {
    fn new(board: Board, seeds: Vec<Endpoint>, login: Login) -> Self {
        Self {
            board,
            nodes: seeds.clone(),
            seeds,
            turn: 0,
            peers: Peers::new(login),
            views: HashMap::new(),
            in_force: None,
            pace: Pace::new(clock::mono(), EAGER_FOR),
            trouble: LogThrottle::default(),
        }
    }

    async fn run(&mut self, hints: &Notify) {
        loop {
            let calm = if self.in_force.is_some() { CALM } else { CALM_UNKNOWN };
            let wait = self.pace.wait(clock::mono(), calm);
            tokio::select! {
                biased;
                answer = self.peers.next() => self.heard(answer),
                () = tokio::time::sleep(wait) => self.round(),
                () = hints.notified(), if !self.pace.is_hinted() => self.pace.hint(clock::mono()),
            }
        }
    }

    /// Asks the next nodes in turn.
    fn round(&mut self) {
        let now = clock::mono();
        self.pace.asked(now);
        self.views.retain(|_, (_, heard)| now.since(*heard) < VIEW_AGE_MAX);
        let mut asked = 0;
        for _ in 0..self.nodes.len() {
            self.turn = (self.turn + 1) % self.nodes.len();
            if self.peers.ask(&self.nodes[self.turn], question) {
                asked += 1;
            }
            if asked == ASKED_AT_ONCE {
                break;
            }
        }
    }

    fn heard(&mut self, answer: Answer<View>) {
        match answer.said {
            Ok(view) => {
                self.views.insert(answer.from.clone(), (view, clock::mono()));
                self.decide();
                if self.in_force.is_none() {
                    self.complain(NO_PRIMARY, &answer.from, None);
                }
            }
            Err(error) => {
                self.views.remove(&answer.from);
                if self.views.is_empty() {
                    self.complain("no node of the redis cluster answers", &answer.from, Some(&error));
                }
            }
        }
    }

    fn decide(&mut self) {
        let views = self.views.values().map(|(view, _)| view);
        let Some(view) = choose_slots(views, self.in_force.as_ref()) else { return };
        self.trouble.settle();
        if self.in_force.as_ref() == Some(&view.slots) {
            return;
        }
        let found = view.slots.clone();
        let nodes: BTreeSet<&Endpoint> =
            self.seeds.iter().chain(&found.primaries).chain(&found.replicas).collect();
        self.nodes = nodes.into_iter().cloned().collect();
        let nodes = &self.nodes;
        self.peers.keep_only(|node| nodes.contains(node));
        if self.board.publish(&found.primaries, &found.slots) {
            let (nodes, slots) = (found.primaries.len(), found.slots.served());
            tracing::info!(nodes, slots, epoch = view.epoch, "redis cluster mapped");
            if found.slots.is_complete() {
                self.pace.calm_down(clock::mono());
            } else {
                let unserved = usize::from(CLUSTER_SLOTS) - slots;
                tracing::warn!(
                    unserved,
                    "slots of the redis cluster are served by no node that can be reached: their keys are not written"
                );
            }
        }
        self.in_force = Some(found);
    }

    fn complain(&mut self, what: &'static str, server: &Endpoint, error: Option<&PublishError>) {
        if self.trouble.is_due(clock::mono(), LOG_EVERY) {
            let error = error.map(|error| error as &dyn std::error::Error);
            tracing::warn!(%server, error, "{what}");
        }
    }
}

/// Both questions to a node, on one connection at once.
async fn question(session: Arc<Session>, from: Endpoint) -> Result<View, PublishError> {
    let (mut slots, mut info) = (cmd("CLUSTER"), cmd("CLUSTER"));
    slots.arg("SLOTS");
    info.arg("INFO");
    let (slots, info) = tokio::join!(
        session.ask("CLUSTER SLOTS", &slots, ANSWER_MAX),
        session.ask("CLUSTER INFO", &info, ANSWER_MAX),
    );
    let slots = parse_cluster_slots(&slots?, &from)?;
    // An ACL may forbid the second one; then the majority decides.
    let info = info.ok();
    let epoch = info.as_ref().and_then(text).and_then(|info| line(info, "cluster_current_epoch"));
    Ok(View { epoch: epoch.and_then(|epoch| epoch.parse().ok()).unwrap_or(0), slots })
}
