//! What a venue grants from one address, spent no faster than it allows: request weight, connects.
//!
//! Owns what was spent lately. Never waits: it says how long to. In no stretch as long as the venue's own
//! is more spent than that one's grant, wherever the venue's own begin. Holds at most one entry a unit.
//! Binance: 6000 weight a minute for an address. What happens once a venue refuses is the circuit's matter.

use std::collections::VecDeque;
use std::time::Duration;

use crate::domain::MonoTime;

/// What the way to the venue may take longer for one call than for the next: the venue counts what arrives.
const UNDER_WAY_MAX: Duration = Duration::from_secs(2);

/// So much, in any stretch of so long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allowance {
    /// Units of weight, or connects.
    pub most: u32,
    /// In any stretch of this length, as we count: somewhat longer than as the venue does.
    pub within: Duration,
}

impl Allowance {
    /// What a venue grants, and some time for what is under way: half of a short period, at most two seconds.
    #[must_use]
    pub fn of(most: u32, within: Duration) -> Self {
        Self { most: most.max(1), within: within + UNDER_WAY_MAX.min(within / 2) }
    }
}

#[derive(Debug)]
pub(super) struct Budget {
    allowance: Allowance,
    spent: VecDeque<(MonoTime, u32)>,
    sum: u32,
}

impl Budget {
    /// Nothing is spent yet.
    pub(super) const fn new(allowance: Allowance) -> Self {
        Self { allowance, spent: VecDeque::new(), sum: 0 }
    }

    /// Spends `weight`, or says how long to wait before asking again. A weight beyond the whole budget is spent when
    /// nothing else was.
    pub(super) fn spend(&mut self, weight: u32, now: MonoTime) -> Result<(), Duration> {
        let Allowance { most, within } = self.allowance;
        while let Some(&(at, old)) = self.spent.front()
            && now.since(at) >= within
        {
            self.spent.pop_front();
            self.sum -= old;
        }
        let weight = weight.clamp(1, most);
        if self.sum + weight <= most {
            self.spent.push_back((now, weight));
            self.sum += weight;
            return Ok(());
        }
        let mut freed = 0;
        let enough = self.spent.iter().find(|(_, old)| {
            freed += old;
            self.sum - freed + weight <= most
        });
        let (at, _) = enough.expect("all that was spent, freed, leaves room for any clamped weight");
        Err(at.after(within).since(now))
    }

    /// What was spent at `at` was not used after all.
    pub(super) fn give_back(&mut self, weight: u32, at: MonoTime) {
        let weight = weight.clamp(1, self.allowance.most);
        if let Some(place) = self.spent.iter().rposition(|&entry| entry == (at, weight)) {
            self.spent.remove(place);
            self.sum -= weight;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> MonoTime {
        MonoTime::from_nanos(millis * 1_000_000)
    }

    fn minute(most: u32) -> Budget {
        Budget::new(Allowance::of(most, Duration::from_secs(60)))
    }

    #[test]
    fn no_minute_spends_more_than_its_budget_wherever_it_begins() {
        let mut budget = minute(600);
        let mut spent = Vec::new();
        for millis in (0..200_000).step_by(7) {
            while budget.spend(50, at(millis)).is_ok() {
                spent.push(millis);
            }
        }
        assert_eq!(spent.len(), 4 * 12, "four bursts in 200 seconds");
        for &start in &spent {
            let within = spent.iter().filter(|&&millis| (start..start + 60_000).contains(&millis)).count();
            assert!(within * 50 <= 600, "{within} calls in the minute from {start}");
        }
    }

    #[test]
    fn the_wait_that_it_names_suffices() {
        let mut budget = minute(600);
        for millis in [0, 5_000, 9_000] {
            budget.spend(200, at(millis)).expect("within the budget");
        }
        let wait = budget.spend(300, at(10_000)).expect_err("spent");
        assert_eq!(wait, Duration::from_millis(5_000 + 62_000 - 10_000), "the first two must be over");
        assert!(budget.spend(300, at(10_000).after(wait)).is_ok());
    }

    #[test]
    fn a_call_heavier_than_the_budget_still_happens_once_nothing_else_was_spent() {
        let mut budget = minute(100);
        assert!(budget.spend(250, at(0)).is_ok());
        assert!(budget.spend(1, at(1)).is_err());
        assert!(budget.spend(250, at(62_000)).is_ok());
    }

    #[test]
    fn what_is_given_back_can_be_spent_again() {
        let mut budget = minute(100);
        assert!(budget.spend(60, at(0)).is_ok() && budget.spend(40, at(1)).is_ok());
        budget.give_back(40, at(1));
        budget.give_back(40, at(1));
        assert!(budget.spend(41, at(2)).is_err(), "given back once only");
        assert!(budget.spend(40, at(2)).is_ok());
    }

    #[test]
    fn short_periods_get_less_time_for_what_is_under_way() {
        let within = |seconds| Allowance::of(3, Duration::from_secs(seconds)).within;
        assert_eq!([1, 60, 300].map(within), [1_500, 62_000, 302_000].map(Duration::from_millis));
    }
}
