//! Following the primary that sentinels name.
//!
//! Owns the list of sentinels, what each of them says and what the servers say of themselves. An address is taken once the
//! server there calls itself a primary; until then, and while nothing can be confirmed, the former one stays. Knows at
//! most [`SENTINELS_MAX`] sentinels; asks each at most once at a time.
//!
//! <https://redis.io/docs/latest/develop/reference/sentinel-clients/>

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use redis::{Cmd, Value, cmd};
use tokio::sync::{Notify, watch};

use crate::clock;
use crate::domain::MonoTime;

use super::super::answer::{field, items, text};
use super::super::session::{Owned, Session};
use super::super::{Credentials, Endpoint, Login, PublishError, Refusal, Topology};
use super::election::{Claim, Role, choose_primary};
use super::pace::Pace;
use super::peers::{Answer, Peers};
use super::{ANSWER_MAX, Board, LOG_EVERY, switches};
use crate::domain::LogThrottle;

/// Sentinels that are asked, those of the settings first.
pub(super) const SENTINELS_MAX: usize = 16;
/// How long we ask quickly after a hint.
const EAGER_FOR: Duration = Duration::from_secs(10);
/// Between rounds while the primary confirms itself, and while none does.
const CALM: Duration = Duration::from_secs(1);
const CALM_UNKNOWN: Duration = Duration::from_millis(500);
/// A sentinel that was learnt and has not answered for so long is forgotten.
const FORGET_AFTER: Duration = Duration::from_secs(60);

/// What a sentinel answers.
#[derive(Debug, PartialEq, Eq)]
struct Told {
    claim: Option<Claim>,
    /// The other sentinels that it knows.
    others: Vec<Endpoint>,
}

/// Keeps `board` at the primary, for ever.
pub(super) async fn run(
    board: Board,
    sentinels: Vec<Endpoint>,
    master: String,
    credentials: Credentials,
    login: Login,
) {
    let hints = Arc::clone(&board.hints);
    let at_sentinels = login.with_credentials(credentials);
    let mut search = Search::new(board, sentinels, master.clone(), at_sentinels.clone(), login);
    let listed = search.list.subscribe();
    let switches = switches::follow(listed, at_sentinels, master, Arc::clone(&hints));
    let _switches = Owned::new(tokio::spawn(switches));
    search.run(&hints).await;
}

struct Search {
    board: Board,
    master: Arc<str>,
    configured: Vec<Endpoint>,
    /// With when each answered last.
    learnt: BTreeMap<Endpoint, MonoTime>,
    /// Both together, for whoever subscribes.
    list: watch::Sender<Vec<Endpoint>>,
    sentinels: Peers<Told>,
    servers: Peers<Role>,
    claims: HashMap<Endpoint, Claim>,
    roles: HashMap<Endpoint, Role>,
    in_force: Option<Claim>,
    pace: Pace,
    trouble: LogThrottle,
}

impl Search {
    fn new(
        board: Board,
        mut sentinels: Vec<Endpoint>,
        master: String,
        at_sentinels: Login,
        at_servers: Login,
    ) -> Self {
        sentinels.truncate(SENTINELS_MAX);
        Self {
            board,
            master: master.into(),
            list: watch::Sender::new(sentinels.clone()),
            configured: sentinels,
            learnt: BTreeMap::new(),
            sentinels: Peers::new(at_sentinels),
            servers: Peers::new(at_servers),
            claims: HashMap::new(),
            roles: HashMap::new(),
            in_force: None,
            pace: Pace::new(clock::mono(), EAGER_FOR),
            trouble: LogThrottle::default(),
        }
    }

    async fn run(&mut self, hints: &Notify) {
        loop {
            let calm = if self.is_confirmed() { CALM } else { CALM_UNKNOWN };
            let wait = self.pace.wait(clock::mono(), calm);
            tokio::select! {
                biased;
                answer = self.sentinels.next() => self.heard(answer),
                answer = self.servers.next() => self.confirmed(answer),
                () = tokio::time::sleep(wait) => self.round(),
                () = hints.notified(), if !self.pace.is_hinted() => self.pace.hint(clock::mono()),
            }
        }
    }

    fn is_confirmed(&self) -> bool {
        let role = self.in_force.as_ref().and_then(|kept| self.roles.get(&kept.primary));
        matches!(role, Some(Role::Primary | Role::Secret))
    }

    /// Asks everybody who is not being asked.
    fn round(&mut self) {
        let now = clock::mono();
        self.pace.asked(now);
        self.learnt.retain(|_, answered| now.since(*answered) < FORGET_AFTER);
        let listed: Vec<Endpoint> = self.configured.iter().chain(self.learnt.keys()).cloned().collect();
        for sentinel in &listed {
            let master = Arc::clone(&self.master);
            self.sentinels.ask(sentinel, |session, from| question(session, from, master));
        }
        self.claims.retain(|sentinel, _| listed.contains(sentinel));
        self.list.send_if_modified(|list| {
            let is_new = *list != listed;
            *list = listed;
            is_new
        });
        let servers: HashSet<Endpoint> =
            self.claims.values().chain(&self.in_force).map(|claim| claim.primary.clone()).collect();
        self.roles.retain(|server, _| servers.contains(server));
        self.servers.keep_only(|server| servers.contains(server));
        for server in &servers {
            self.servers.ask(server, role);
        }
    }

    /// A sentinel has answered, or has not.
    fn heard(&mut self, answer: Answer<Told>) {
        let now = clock::mono();
        let Told { claim, others } = match answer.said {
            Ok(told) => told,
            Err(error) => {
                self.claims.remove(&answer.from);
                if self.claims.is_empty() {
                    self.complain("no sentinel answers", &answer.from, Some(&error));
                }
                return;
            }
        };
        if let Some(answered) = self.learnt.get_mut(&answer.from) {
            *answered = now;
        }
        self.learn(others, now);
        let Some(claim) = claim else {
            self.claims.remove(&answer.from);
            if self.claims.is_empty() {
                self.complain("the sentinels know no such primary", &answer.from, None);
            }
            return;
        };
        if !self.roles.contains_key(&claim.primary) {
            self.servers.ask(&claim.primary, role);
        }
        self.claims.insert(answer.from, claim);
        self.decide();
    }

    fn learn(&mut self, others: Vec<Endpoint>, now: MonoTime) {
        for other in others {
            if self.configured.len() + self.learnt.len() >= SENTINELS_MAX {
                return;
            }
            if !self.configured.contains(&other) {
                self.learnt.entry(other).or_insert(now);
            }
        }
    }

    /// A server has told its role, or has not.
    fn confirmed(&mut self, answer: Answer<Role>) {
        match answer.said {
            Ok(role) => {
                self.roles.insert(answer.from.clone(), role);
                self.decide();
                if role == Role::Replica && !self.is_confirmed() {
                    let what = "the sentinels name a server that is a replica, so that nothing is written";
                    self.complain(what, &answer.from, None);
                }
            }
            Err(error) => {
                self.roles.remove(&answer.from);
                // What a sentinel names and does not answer is a failover under way, or settings that are wrong.
                if !self.is_confirmed() {
                    self.complain("the primary does not answer", &answer.from, Some(&error));
                }
            }
        }
    }

    fn decide(&mut self) {
        let sentinels = self.configured.len() + self.learnt.len();
        let Some(claim) = choose_primary(&self.claims, &self.roles, self.in_force.as_ref(), sentinels) else {
            return;
        };
        self.trouble.settle();
        let primary = claim.primary.clone();
        if self.in_force.replace(claim).is_none_or(|before| before.primary != primary) {
            let topology = Topology::single(0, primary.clone());
            self.board.publish(&topology.nodes, &topology.slots);
            self.pace.calm_down(clock::mono());
            tracing::info!(%primary, master = %self.master, "redis primary found");
        }
    }

    fn complain(&mut self, what: &'static str, server: &Endpoint, error: Option<&PublishError>) {
        if self.trouble.is_due(clock::mono(), LOG_EVERY) {
            let error = error.map(|error| error as &dyn std::error::Error);
            tracing::warn!(%server, master = %self.master, error, "{what}");
        }
    }
}

/// The three questions to a sentinel, on one connection at once.
async fn question(session: Arc<Session>, from: Endpoint, master: Arc<str>) -> Result<Told, PublishError> {
    let about = |words: &[&str]| -> Cmd {
        let mut command = cmd("SENTINEL");
        command.arg(words).arg(&*master);
        command
    };
    let [address, details, others] =
        ["GET-MASTER-ADDR-BY-NAME", "MASTER", "SENTINELS"].map(|word| about(&[word]));
    let (address, details, others) = tokio::join!(
        session.ask("SENTINEL GET-MASTER-ADDR-BY-NAME", &address, ANSWER_MAX),
        session.ask("SENTINEL MASTER", &details, ANSWER_MAX),
        session.ask("SENTINEL SENTINELS", &others, ANSWER_MAX),
    );
    // The first one is what we need; an ACL may forbid the others, and for an unknown primary they are errors.
    Ok(told(&address?, details.ok().as_ref(), others.ok().as_ref(), &from))
}

fn told(address: &Value, details: Option<&Value>, others: Option<&Value>, from: &Endpoint) -> Told {
    let primary = match items(address) {
        Some([host, port]) => sibling(from, Some(host), Some(port)),
        _ => None,
    };
    let epoch = details.and_then(|details| field(details, "config-epoch")).and_then(text);
    let epoch = epoch.and_then(|epoch| epoch.parse().ok()).unwrap_or(0);
    let others = others.and_then(items).unwrap_or_default().iter().take(SENTINELS_MAX);
    Told {
        claim: primary.map(|primary| Claim { primary, epoch }),
        others: others.filter_map(|other| sibling(from, field(other, "ip"), field(other, "port"))).collect(),
    }
}

fn sibling(from: &Endpoint, host: Option<&Value>, port: Option<&Value>) -> Option<Endpoint> {
    let (host, port) = (host.and_then(text)?, port.and_then(text)?);
    let port = port.parse().ok().filter(|&port: &u16| port != 0)?;
    if host.is_empty() { None } else { from.sibling(host, port) }
}

/// What the server says of itself. <https://redis.io/docs/latest/commands/role/>
async fn role(session: Arc<Session>, _: Endpoint) -> Result<Role, PublishError> {
    let answer = match session.ask("ROLE", &cmd("ROLE"), ANSWER_MAX).await {
        Err(PublishError::Question { refusal: Refusal::NoPerm, .. }) => return Ok(Role::Secret),
        other => other?,
    };
    match items(&answer).and_then(<[Value]>::first).and_then(text) {
        Some("master") => Ok(Role::Primary),
        Some(_) => Ok(Role::Replica),
        None => Err(PublishError::Answer { command: "ROLE", problem: "no role" }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bulk(text: &str) -> Value {
        Value::BulkString(text.as_bytes().to_vec())
    }

    #[test]
    fn a_sentinels_answers_are_read_in_both_protocols() {
        let from = Endpoint::Tls { host: "s1".to_owned(), port: 26_379 };
        let tls = |host: &str, port| Endpoint::Tls { host: host.to_owned(), port };
        let address = Value::Array(vec![bulk("10.0.0.1"), bulk("6379")]);
        let details = Value::Array(vec![bulk("name"), bulk("mymaster"), bulk("config-epoch"), bulk("7")]);
        let other = Value::Map(vec![(bulk("ip"), bulk("::2")), (bulk("port"), bulk("26379"))]);
        let broken = Value::Map(vec![(bulk("ip"), bulk("")), (bulk("port"), bulk("26379"))]);
        let others = Value::Array([vec![broken], vec![other; 20]].concat());
        let heard = told(&address, Some(&details), Some(&others), &from);
        assert_eq!(heard.claim, Some(Claim { primary: tls("10.0.0.1", 6379), epoch: 7 }));
        assert_eq!(heard.others, vec![tls("::2", 26_379); SENTINELS_MAX - 1]);
        let alone = told(&address, None, None, &from);
        assert_eq!((alone.claim.unwrap().epoch, alone.others), (0, vec![]));
    }

    #[test]
    fn an_unknown_name_or_nonsense_is_no_claim() {
        let from = Endpoint::Tcp { host: "s1".to_owned(), port: 26_379 };
        for (case, address) in [
            ("unknown name", Value::Nil),
            ("no port", Value::Array(vec![bulk("a")])),
            ("no number", Value::Array(vec![bulk("a"), bulk("b")])),
            ("port 0", Value::Array(vec![bulk("a"), bulk("0")])),
            ("no host", Value::Array(vec![bulk(""), bulk("6379")])),
        ] {
            assert_eq!(told(&address, None, None, &from), Told { claim: None, others: vec![] }, "{case}");
        }
    }
}
