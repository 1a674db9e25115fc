//! Who may go to a venue when: the budgets of one venue, kept by everybody in this process and, through a gate, by every engine
//! behind the same address.
//!
//! Owns this process's own budgets, which hold whatever the gate says. Never talks to anybody but the gate. Who waits, waits in
//! its own task: at most its [`Governor::spend`]'s patience. Where the gate does not know, the own budget decides alone.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::future::BoxFuture;
use metrics::{Counter, counter};

use super::budget::{Allowance, Budget};
use crate::clock;
use crate::domain::{Feed, Venue};
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
    waits_own: Counter,
    waits_shared: Counter,
    alone: Counter,
}

impl Purse {
    fn new(feed: &Feed, spending: Spending, allowance: Allowance) -> Self {
        let (feed, kind) = (feed.to_string(), spending.as_str());
        let waits = |whose: &'static str| counter!(names::FEED_BUDGET_WAITS, "feed" => feed.clone(), "kind" => kind, "whose" => whose);
        let (waits_own, waits_shared) = (waits("own"), waits("shared"));
        let alone = counter!(names::FEED_BUDGET_ALONE, "feed" => feed, "kind" => kind);
        Self { allowance, own: Mutex::new(Budget::new(allowance)), waits_own, waits_shared, alone }
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

    /// Spends request weight, after waiting for it at most for `patience`.
    ///
    /// # Errors
    /// How much longer it would take, when that is more.
    pub(super) async fn rest(&self, weight: u32, patience: Duration) -> Result<(), Duration> {
        self.spend(Spending::Rest, weight, patience).await?;
        self.weight.increment(weight.into());
        Ok(())
    }

    /// The venue wants to be left alone. Other engines find out by themselves: they may have another address.
    pub(super) fn close(&self, pause: Duration) {
        self.purse(Spending::Rest).own().close(pause, clock::mono());
    }

    /// Spends one connect, however long that takes.
    pub(super) async fn connect(&self) {
        let mut is_told = false;
        while let Err(wait) = self.spend(Spending::Connect, 1, LONG_WAIT).await {
            if !is_told {
                tracing::warn!(feed = %self.feed, ?wait, "connecting waits: the venue takes no more connects for now");
                is_told = true;
            }
            tokio::time::sleep(wait).await;
        }
    }

    /// Spends, after waiting at most for `patience`; else says how long it would still take.
    async fn spend(&self, spending: Spending, weight: u32, patience: Duration) -> Result<(), Duration> {
        let purse = self.purse(spending);
        let last = clock::mono().after(patience);
        loop {
            let now = clock::mono();
            // In a statement of its own: the lock must not be held while waiting.
            let own = purse.own().spend(weight, now);
            let wait = match own {
                Ok(()) => match self.ask(spending, weight).await {
                    Verdict::Spent => return Ok(()),
                    Verdict::Unknown => {
                        purse.alone.increment(1);
                        return Ok(());
                    }
                    Verdict::Wait(wait) => {
                        purse.own().give_back(weight, now);
                        purse.waits_shared.increment(1);
                        wait + SPREAD.mul_f64(fastrand::f64())
                    }
                },
                Err(wait) => {
                    purse.waits_own.increment(1);
                    wait
                }
            };
            if clock::mono().after(wait) > last {
                return Err(wait);
            }
            tokio::time::sleep(wait).await;
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
        governor.rest(60, Duration::from_secs(10)).await.unwrap();
        assert_eq!(gate.asked.lock().unwrap().len(), 3);
        governor.rest(40, Duration::from_secs(10)).await.unwrap();
        assert!(governor.rest(1, Duration::from_secs(1)).await.is_err(), "the own budget is an upper bound");
        assert_eq!(gate.asked.lock().unwrap().len(), 4, "the gate is not asked for what the own one refuses");
    }

    #[tokio::test]
    async fn a_wait_beyond_the_patience_is_an_error_and_costs_nothing() {
        let (governor, gate) = governor(100, FIVE, &[Verdict::Wait(Duration::from_secs(30))]);
        let error = governor.rest(500, Duration::from_secs(10)).await.unwrap_err();
        assert!((30..31).contains(&error.as_secs()), "{error:?}");
        assert_eq!(gate.asked.lock().unwrap()[0].1, 100, "cut to what there is");
        governor.rest(100, Duration::ZERO).await.unwrap();
    }

    #[tokio::test]
    async fn connects_and_rest_calls_are_budgets_of_their_own() {
        let (governor, gate) = governor(1, FIVE, &[]);
        for _ in 0..5 {
            governor.connect().await;
        }
        governor.rest(1, Duration::ZERO).await.unwrap();
        let sixth = tokio::time::timeout(Duration::from_millis(50), governor.connect()).await;
        assert!(sixth.is_err(), "it waits for the venue's five minutes to end");
        let asked = gate.asked.lock().unwrap();
        assert_eq!(asked.iter().filter(|(spending, ..)| *spending == Spending::Connect).count(), 5);
        assert_eq!(asked[0].2, Allowance { most: 5, within: Duration::from_secs(302) });
    }
}
