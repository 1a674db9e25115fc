//! Budgets that engines behind one address share: one key of Redis each, spent by a script.
//!
//! Owns the questions, at most [`ASKS_MAX`] at a time, and a connection to each server that is asked, on the slow runtime. Whoever
//! asks waits at most [`ANSWER_MAX`], on any runtime; what is not answered by then is for the caller's own budget to decide. Never
//! repeats a question. In any stretch as long as the budget's own no more is spent than it grants (GCRA): a part of it at once,
//! the rest evenly. A key that Redis loses is a budget that nobody has spent of.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use redis::{Cmd, Value, cmd};
use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot, watch};

use crate::clock;
use crate::codec::key::{budget_key, cluster_slot};
use crate::domain::{MonoTime, Namespace, Venue};

use super::script::BUDGET;
use super::session::{Owned, Session};
use super::{Endpoint, Hint, Login, PublishError, Refusal, Servers, Topology};
use crate::domain::LogThrottle;

/// Questions that wait at most; a further one is not answered.
pub const ASKS_MAX: usize = 1_024;
/// How long the answer to a question may take.
pub const ANSWER_MAX: Duration = Duration::from_millis(200);
/// How long a server that could not be reached is left alone.
const UNREACHABLE_PAUSE: Duration = Duration::from_millis(500);
/// That budgets are not shared is logged so often.
const LOG_EVERY: Duration = Duration::from_secs(60);
/// What errors call the question.
const COMMAND: &str = "EVALSHA budget";

/// What one budget grants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grant {
    /// Units, in any stretch of `within`. At least 1.
    pub most: u32,
    /// How many of them at once; the fewer, the more there are in the long run. Less than `most`.
    pub burst: u32,
    /// The stretch.
    pub within: Duration,
}

impl Grant {
    /// The script's numbers for so many units, in microseconds of earning: these units, the burst, the rest of a stretch's.
    fn script_numbers(self, units: u32) -> [u64; 3] {
        let most = self.most.max(1);
        let burst = self.burst.min(most - 1);
        let within_us = u64::try_from(self.within.as_micros()).unwrap_or(u64::MAX);
        // Between the end of a burst and the end of the stretch only the rest may be earned.
        let unit_us = within_us.div_ceil(u64::from(most - burst)).clamp(1, 1 << 40);
        [units.clamp(1, most), burst, most - burst].map(|units| u64::from(units) * unit_us)
    }
}

/// What became of a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spent {
    /// It is spent.
    Now,
    /// It is not, and cannot be before this has passed.
    After(Duration),
    /// Redis did not answer.
    Unknown,
}

/// A question, and where its answer goes.
#[derive(Debug)]
struct Ask {
    key: String,
    numbers: [u64; 3],
    answer: oneshot::Sender<Spent>,
}

/// Asks for shares of budgets. Cheap to clone; of use on any runtime.
#[derive(Debug, Clone)]
pub struct SharedBudget {
    namespace: Namespace,
    asks: mpsc::Sender<Ask>,
}

/// The other end: whoever answers.
#[derive(Debug)]
pub struct BudgetDesk(mpsc::Receiver<Ask>);

/// Answers until it is dropped.
#[derive(Debug)]
pub struct BudgetTask(#[expect(dead_code, reason = "ends with its owner")] Owned);

impl SharedBudget {
    /// The budgets of a namespace. Nobody answers before [`BudgetDesk::open`].
    #[must_use]
    pub fn new(namespace: &Namespace) -> (Self, BudgetDesk) {
        let (asks, asked) = mpsc::channel(ASKS_MAX);
        (Self { namespace: namespace.clone(), asks }, BudgetDesk(asked))
    }

    /// Spends `units` of a venue's budget of a `kind`, within [`ANSWER_MAX`]. An answer that comes later may have spent them.
    pub async fn spend(&self, venue: &Venue, kind: &str, units: u32, grant: Grant) -> Spent {
        let (answer, answered) = oneshot::channel();
        let key = budget_key(&self.namespace, venue, kind);
        let ask = Ask { key, numbers: grant.script_numbers(units), answer };
        if self.asks.try_send(ask).is_err() {
            return Spent::Unknown;
        }
        match tokio::time::timeout(ANSWER_MAX, answered).await {
            Ok(Ok(spent)) => spent,
            Ok(Err(_)) | Err(_) => Spent::Unknown,
        }
    }
}

impl BudgetDesk {
    /// Begins to answer, in a task on `runtime` (the slow one).
    #[must_use]
    pub fn open(self, runtime: &Handle, servers: &Servers) -> BudgetTask {
        let clerk = Clerk {
            login: servers.login.clone(),
            topology: servers.topology.clone(),
            hint: Arc::clone(&servers.hint),
            lines: HashMap::new(),
            told: LogThrottle::default(),
        };
        BudgetTask(Owned::new(runtime.spawn(clerk.work(self.0))))
    }
}

/// The way to one server.
enum Line {
    Open(Session),
    /// Could not be reached: not to be tried before.
    Closed(MonoTime),
}

struct Clerk {
    login: Login,
    topology: watch::Receiver<Arc<Topology>>,
    hint: Hint,
    lines: HashMap<Endpoint, Line>,
    told: LogThrottle,
}

impl Clerk {
    /// One question after the other: there are few, and each takes one round trip.
    async fn work(mut self, mut asked: mpsc::Receiver<Ask>) {
        while let Some(ask) = asked.recv().await {
            // Whoever asked this has decided by itself meanwhile.
            if ask.answer.is_closed() {
                continue;
            }
            let spent = match self.put(&ask).await {
                Ok(0) => Spent::Now,
                Ok(wait_ms) => Spent::After(Duration::from_millis(wait_ms)),
                Err(error) => {
                    self.complain(error.as_ref());
                    Spent::Unknown
                }
            };
            // An error means that nobody waits any more.
            let _ = ask.answer.send(spent);
        }
    }

    fn complain(&mut self, error: Option<&PublishError>) {
        let is_elsewhere = matches!(
            error,
            Some(PublishError::Question { refusal: Refusal::Moved | Refusal::Ask | Refusal::ReadOnly, .. })
        );
        if is_elsewhere {
            (self.hint)();
        }
        if self.told.is_due(clock::mono(), LOG_EVERY) {
            let error = error.map(|error| error as &dyn std::error::Error);
            tracing::warn!(error, "redis does not share budgets: this engine keeps to its own");
        }
    }

    /// The script's answer. `None` = the server is not known, or was tried in vain a moment ago.
    async fn put(&mut self, ask: &Ask) -> Result<u64, Option<PublishError>> {
        // Whoever asks first asks before the servers are found.
        let found = self.topology.wait_for(|topology| !topology.nodes.is_empty());
        drop(tokio::time::timeout(ANSWER_MAX, found).await);
        let server = self.server_of(&ask.key).ok_or(None)?;
        let session = self.line(&server).await?;
        match call(session, ask).await {
            Ok(wait_ms) => Ok(wait_ms),
            Err(PublishError::Question { refusal: Refusal::NoScript, .. }) => {
                session.ask("SCRIPT LOAD", &BUDGET.load(), ANSWER_MAX).await.map_err(Some)?;
                call(session, ask).await.map_err(Some)
            }
            Err(error) => Err(Some(error)),
        }
    }

    fn server_of(&mut self, key: &str) -> Option<Endpoint> {
        let topology = self.topology.borrow_and_update();
        // Those that left need no connection.
        self.lines.retain(|server, _| topology.nodes.contains(server));
        topology.nodes.get(topology.node_of(cluster_slot(key))?).cloned()
    }

    async fn line(&mut self, server: &Endpoint) -> Result<&Session, Option<PublishError>> {
        let now = clock::mono();
        let is_usable = match self.lines.get(server) {
            Some(Line::Open(session)) => session.is_open(),
            Some(Line::Closed(until)) if now < *until => return Err(None),
            Some(Line::Closed(_)) | None => false,
        };
        if !is_usable {
            let made = Session::open(&self.login, server).await;
            let until = clock::mono().after(UNREACHABLE_PAUSE);
            let line = made.map(Line::Open);
            let (line, error) =
                line.map_or_else(|error| (Line::Closed(until), Some(error)), |line| (line, None));
            self.lines.insert(server.clone(), line);
            if error.is_some() {
                return Err(error);
            }
        }
        match self.lines.get(server) {
            Some(Line::Open(session)) => Ok(session),
            Some(Line::Closed(_)) | None => Err(None),
        }
    }
}

async fn call(session: &Session, ask: &Ask) -> Result<u64, PublishError> {
    let mut command: Cmd = cmd("EVALSHA");
    command.arg(&BUDGET.hash).arg(1).arg(&ask.key).arg(&ask.numbers[..]);
    match session.ask(COMMAND, &command, ANSWER_MAX).await? {
        Value::Int(wait_ms) => Ok(u64::try_from(wait_ms).unwrap_or(0)),
        _ => Err(PublishError::Answer { command: COMMAND, problem: "no number" }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scripts_numbers_grant_no_more_than_the_budget() {
        let minute = Duration::from_secs(62);
        for (most, burst, units, numbers) in [
            (3_000, 750, 50, [50, 750, 2_250].map(|units| units * 27_556)),
            (300, 150, 1, [1, 150, 150].map(|units| units * 413_334)),
            (1, 0, 1, [62_000_000, 0, 62_000_000]),
            // Nothing is heavier than the whole; a burst of everything leaves one unit to be earned.
            (4, 9, 9, [4, 3, 1].map(|units| units * 62_000_000)),
        ] {
            let grant = Grant { most, burst, within: minute };
            assert_eq!(grant.script_numbers(units), numbers, "{grant:?}");
            assert!(numbers[2] >= 62_000_000, "the rest takes a whole stretch to earn");
        }
    }
}
