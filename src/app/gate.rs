//! The budgets of venues, as `feed` spends them, over those in Redis, as `publish` keeps them.
//!
//! Owns how much of a shared budget may be spent at once. Never waits longer than `publish` does.

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use crate::domain::Venue;
use crate::feed::{Allowance, Gate, Spending, Verdict};
use crate::publish::{Grant, SharedBudget, Spent};

/// Budgets in Redis.
#[derive(Debug)]
pub(super) struct RedisGate(pub(super) SharedBudget);

impl Gate for RedisGate {
    fn spend<'a>(
        &'a self,
        venue: &'a Venue,
        spending: Spending,
        weight: u32,
        allowance: Allowance,
    ) -> BoxFuture<'a, Verdict> {
        let Allowance { most, within } = allowance;
        let grant = Grant { most, burst: burst(spending, most), within };
        let spent = self.0.spend(venue, spending.as_str(), weight, grant);
        let verdict = |spent| match spent {
            Spent::Now => Verdict::Spent,
            Spent::After(wait) => Verdict::Wait(wait),
            Spent::Unknown => Verdict::Unknown,
        };
        spent.map(verdict).boxed()
    }
}

/// Snapshots of many books come in long series, where what is left for the long run counts; connects come at once.
const fn burst(spending: Spending, most: u32) -> u32 {
    match spending {
        Spending::Rest => most / 4,
        Spending::Connect => most / 2,
    }
}
