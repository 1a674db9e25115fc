//! Who may go to a venue when: the budgets of one venue, kept by everybody in this process and, through a gate, by every engine
//! behind the same address.
//!
//! Owns this process's own budgets, which hold whatever the gate says, and the pauses after a refusal, which are this process's
//! alone: other engines may have another address. Never talks to anybody but the gate. Who waits, waits in its own task: at most
//! its [`Governor::spend`]'s patience. Where the gate does not know, the own budget decides alone.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::future::BoxFuture;
use metrics::{Counter, counter};

use super::budget::{Allowance, Budget};
use super::circuit::{Circuit, Failure, News, Permit, Trust};
use crate::clock;
use crate::domain::{Feed, MonoTime, Venue};
use crate::telemetry::names;

/// Added to what a gate asks to wait, at most: whoever waits for the same must not come back at the same moment.
const SPREAD: Duration = Duration::from_millis(20);

/// A wait for a connect of this length is worth a line in the log.
const LONG_WAIT: Duration = Duration::from_secs(1);

/// What is spent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spending {
    /// Request weight of REST calls.
    Rest,
    /// Connects of websockets.
    Connect,
}

impl Spending {
    /// Both, in the order of their numbers.
    pub const ALL: [Self; 2] = [Self::Rest, Self::Connect];

    /// As in keys and labels.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Rest => "rest",
            Self::Connect => "connect",
        }
    }
}

/// What a gate says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is spent.
    Spent,
    /// It is not, and will not be before this has passed.
    Wait(Duration),
    /// Nobody can say: the own budget decides alone.
    Unknown,
}

/// A budget that several engines share.
pub trait Gate: fmt::Debug + Send + Sync {
    /// Spends so much of what all engines together may. MUST answer within a fraction of a second, on any runtime.
    fn spend<'a>(
        &'a self,
        venue: &'a Venue,
        spending: Spending,
        weight: u32,
        allowance: Allowance,
    ) -> BoxFuture<'a, Verdict>;
}

/// One of the two budgets.
struct Purse {
    allowance: Allowance,
    own: Mutex<Budget>,
    circuit: Mutex<Circuit>,
    pauses: Counter,
    waits_own: Counter,
    waits_shared: Counter,
    alone: Counter,
}

impl Purse {
    fn new(feed: &Feed, spending: Spending, allowance: Allowance) -> Self {
        let (feed, kind) = (feed.to_string(), spending.as_str());
        let waits = |whose: &'static str| counter!(names::FEED_BUDGET_WAITS, "feed" => feed.clone(), "kind" => kind, "whose" => whose);
        let (waits_own, waits_shared) = (waits("own"), waits("shared"));
        let alone = counter!(names::FEED_BUDGET_ALONE, "feed" => feed.clone(), "kind" => kind);
        let pauses = counter!(names::FEED_PAUSES, "feed" => feed, "kind" => kind);
        let trust = match spending {
            Spending::Rest => Trust::Earned,
            // Sessions begin together; how many may is the budget's matter.
            Spending::Connect => Trust::Given,
        };
        let (own, circuit) = (Mutex::new(Budget::new(allowance)), Mutex::new(Circuit::new(trust)));
        Self { allowance, own, circuit, pauses, waits_own, waits_shared, alone }
    }

    fn circuit(&self) -> MutexGuard<'_, Circuit> {
        self.circuit.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn own(&self) -> MutexGuard<'_, Budget> {
        self.own.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The budgets of one venue.
pub struct Governor {
    feed: Feed,
    purses: [Purse; 2],
    gate: Option<Arc<dyn Gate>>,
    weight: Counter,
}

impl fmt::Debug for Governor {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Governor").field("feed", &self.feed).finish_non_exhaustive()
    }
}

impl Governor {
    /// Of one venue, which has one feed: `connects` are so many within so long. Without a `gate`, this process's budgets are all
    /// there is.
    #[must_use]
    pub fn new(
        feed: &Feed,
        rest_weight_per_minute: u32,
        connects: (u32, Duration),
        gate: Option<Arc<dyn Gate>>,
    ) -> Self {
        let rest = Allowance::of(rest_weight_per_minute, Duration::from_secs(60));
        let connects = Allowance::of(connects.0, connects.1);
        Self {
            purses: [Purse::new(feed, Spending::Rest, rest), Purse::new(feed, Spending::Connect, connects)],
            gate,
            weight: counter!(names::FEED_REST_WEIGHT, "feed" => feed.to_string()),
            feed: feed.clone(),
        }
    }

    /// Leave for one REST call of this path, after waiting at most for `patience`; its weight is spent.
    ///
    /// # Errors
    /// How much longer it would take, when that is more.
    pub(super) async fn rest(
        &self,
        path: &str,
        weight: u32,
        patience: Duration,
    ) -> Result<Leave<'_>, Duration> {
        let leave = self.spend(Spending::Rest, path, weight, patience).await?;
        self.weight.increment(weight.into());
        Ok(leave)
    }

    /// Leave for one connect, however long that takes.
    pub(super) async fn connect(&self) -> Leave<'_> {
        let mut is_told = false;
        loop {
            let wait = match self.spend(Spending::Connect, "", 1, LONG_WAIT).await {
                Ok(leave) => return leave,
                Err(wait) => wait,
            };
            if !is_told {
                tracing::warn!(feed = %self.feed, ?wait, "connecting waits: the venue takes no more connects for now");
                is_told = true;
            }
            tokio::time::sleep(wait).await;
        }
    }

    /// Spends, after waiting at most for `patience`; else says how long it would still take.
    async fn spend(
        &self,
        spending: Spending,
        path: &str,
        weight: u32,
        patience: Duration,
    ) -> Result<Leave<'_>, Duration> {
        let purse = self.purse(spending);
        let last = clock::mono().after(patience);
        loop {
            let now = clock::mono();
            // In a statement of its own: the lock must not be held while waiting.
            let admitted = purse.circuit().admit(path, now);
            let wait = match admitted {
                Ok(permit) => {
                    let leave = Leave { governor: self, spending, permit: Some(permit) };
                    match self.pay(spending, weight, now).await {
                        Ok(()) => return Ok(leave),
                        Err(wait) => wait,
                    }
                }
                Err(wait) => wait,
            };
            if clock::mono().after(wait) > last {
                return Err(wait);
            }
            tokio::time::sleep(wait).await;
        }
    }

    /// Spends from the own budget and from the shared one, or says when to try again.
    async fn pay(&self, spending: Spending, weight: u32, now: MonoTime) -> Result<(), Duration> {
        let purse = self.purse(spending);
        let own = purse.own().spend(weight, now);
        if let Err(wait) = own {
            purse.waits_own.increment(1);
            return Err(wait);
        }
        match self.ask(spending, weight).await {
            Verdict::Spent => Ok(()),
            Verdict::Unknown => {
                purse.alone.increment(1);
                Ok(())
            }
            Verdict::Wait(wait) => {
                purse.own().give_back(weight, now);
                purse.waits_shared.increment(1);
                Err(wait + SPREAD.mul_f64(fastrand::f64()))
            }
        }
    }

    async fn ask(&self, spending: Spending, weight: u32) -> Verdict {
        let Some(gate) = &self.gate else { return Verdict::Spent };
        let allowance = self.purse(spending).allowance;
        gate.spend(&self.feed.venue, spending, weight.clamp(1, allowance.most), allowance).await
    }

    const fn purse(&self, spending: Spending) -> &Purse {
        &self.purses[spending as usize]
    }
}

/// Leave for one call or connect. Its outcome decides when the next one may go; dropped without one, it decides nothing.
#[derive(Debug)]
pub(super) struct Leave<'a> {
    governor: &'a Governor,
    spending: Spending,
    permit: Option<Permit>,
}

impl Leave<'_> {
    /// The venue has answered.
    pub(super) fn succeeded(mut self) {
        let Some(permit) = self.permit.take() else { return };
        let ended = self.governor.purse(self.spending).circuit().succeeded(permit, clock::mono());
        if let Some(lasted) = ended {
            let (feed, kind) = (&self.governor.feed, self.spending.as_str());
            tracing::info!(%feed, kind, ?lasted, "the venue answers again");
        }
    }

    /// The venue wants to be left alone, or cannot be reached: everything of this kind pauses. Says for how long. One line a cause
    /// (`cause` tells one from another) until something succeeds.
    pub(super) fn failed(
        mut self,
        failure: Failure,
        cause: u16,
        retry_after: Option<Duration>,
        why: &dyn fmt::Display,
    ) -> Duration {
        let Some(permit) = self.permit.take() else { return Duration::ZERO };
        let purse = self.governor.purse(self.spending);
        let (now, random) = (clock::mono(), fastrand::f64());
        let pause = purse.circuit().failed(permit, failure, cause, retry_after, now, random);
        purse.pauses.increment(1);
        let (feed, kind, wait) = (&self.governor.feed, self.spending.as_str(), pause.wait);
        match pause.news {
            News::New => {
                tracing::warn!(%feed, kind, %why, ?wait, "the venue is left alone for a while, longer each time");
            }
            News::Repeated => tracing::debug!(%feed, kind, %why, ?wait, "the venue is left alone again"),
        }
        wait
    }
}

impl Drop for Leave<'_> {
    fn drop(&mut self) {
        if let Some(permit) = self.permit.take() {
            self.governor.purse(self.spending).circuit().released(permit);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use super::*;

    /// Says what it is told to say, and then that it does not know.
    #[derive(Debug, Default)]
    struct Script {
        verdicts: Mutex<VecDeque<Verdict>>,
        asked: Mutex<Vec<(Spending, u32, Allowance)>>,
    }

    impl Gate for Script {
        fn spend<'a>(
            &'a self,
            _: &'a Venue,
            spending: Spending,
            weight: u32,
            allowance: Allowance,
        ) -> BoxFuture<'a, Verdict> {
            self.asked.lock().unwrap().push((spending, weight, allowance));
            let verdict = self.verdicts.lock().unwrap().pop_front().unwrap_or(Verdict::Unknown);
            Box::pin(async move { verdict })
        }
    }

    fn governor(weight: u32, connects: (u32, Duration), verdicts: &[Verdict]) -> (Governor, Arc<Script>) {
        let gate = Arc::new(Script::default());
        gate.verdicts.lock().unwrap().extend(verdicts);
        let feed = Feed { venue: "binance".parse().unwrap(), partition: 0 };
        (Governor::new(&feed, weight, connects, Some(Arc::clone(&gate) as Arc<dyn Gate>)), gate)
    }

    const FIVE: (u32, Duration) = (5, Duration::from_secs(300));

    #[tokio::test]
    async fn what_the_gate_refuses_is_asked_for_again_and_costs_the_own_budget_once() {
        let wait = Verdict::Wait(Duration::from_millis(1));
        let (governor, gate) = governor(100, FIVE, &[wait, wait, Verdict::Spent]);
        governor.rest("/x", 60, Duration::from_secs(10)).await.unwrap().succeeded();
        assert_eq!(gate.asked.lock().unwrap().len(), 3);
        governor.rest("/x", 40, Duration::from_secs(10)).await.unwrap().succeeded();
        assert!(
            governor.rest("/x", 1, Duration::from_secs(1)).await.is_err(),
            "the own budget is an upper bound"
        );
        assert_eq!(gate.asked.lock().unwrap().len(), 4, "the gate is not asked for what the own one refuses");
    }

    #[tokio::test]
    async fn a_wait_beyond_the_patience_is_an_error_and_costs_nothing() {
        let (governor, gate) = governor(100, FIVE, &[Verdict::Wait(Duration::from_secs(30))]);
        let error = governor.rest("/x", 500, Duration::from_secs(10)).await.unwrap_err();
        assert!((30..31).contains(&error.as_secs()), "{error:?}");
        assert_eq!(gate.asked.lock().unwrap()[0].1, 100, "cut to what there is");
        governor.rest("/x", 100, Duration::ZERO).await.unwrap().succeeded();
    }

    #[tokio::test]
    async fn connects_and_rest_calls_are_budgets_of_their_own() {
        let (governor, gate) = governor(1, FIVE, &[]);
        for _ in 0..5 {
            governor.connect().await.succeeded();
        }
        governor.rest("/x", 1, Duration::ZERO).await.unwrap().succeeded();
        let sixth = tokio::time::timeout(Duration::from_millis(50), governor.connect()).await;
        assert!(sixth.is_err(), "it waits for the venue's five minutes to end");
        let asked = gate.asked.lock().unwrap();
        assert_eq!(asked.iter().filter(|(spending, ..)| *spending == Spending::Connect).count(), 5);
        assert_eq!(asked[0].2, Allowance { most: 5, within: Duration::from_secs(302) });
    }

    #[tokio::test]
    async fn a_refused_connect_makes_all_others_wait_and_rest_calls_not() {
        let (governor, _) = governor(100, FIVE, &[]);
        let asked = Some(Duration::from_secs(30));
        let wait = governor.connect().await.failed(Failure::Refused, 429, asked, &"status 429");
        assert!((30..=33).contains(&wait.as_secs()), "{wait:?}");
        let second = tokio::time::timeout(Duration::from_millis(20), governor.connect()).await;
        assert!(second.is_err());
        governor.rest("/x", 1, Duration::ZERO).await.unwrap().succeeded();
    }

    #[tokio::test]
    async fn a_call_that_is_given_up_lets_the_next_one_go() {
        let (governor, _) = governor(100, FIVE, &[]);
        let first = governor.rest("/x", 1, Duration::ZERO).await.unwrap();
        assert!(governor.rest("/x", 1, Duration::ZERO).await.is_err(), "nothing has succeeded there yet");
        drop(first);
        governor.rest("/x", 1, Duration::ZERO).await.unwrap().succeeded();
        let both =
            [governor.rest("/x", 1, Duration::ZERO).await, governor.rest("/x", 1, Duration::ZERO).await];
        assert!(both.iter().all(Result::is_ok));
    }
}
