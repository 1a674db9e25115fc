//! The request weight that a venue grants, spent no faster than it allows.
//!
//! Owns what was spent in the last minute and the end of a ban. Never waits: it says how long to. In no sixty seconds is
//! more spent than a minute's weight, wherever the venue's own minutes begin. Holds at most one entry a unit of weight.
//! Binance: 6000 weight a minute for an address; 429 means slow down for `Retry-After` seconds, ignoring it means 418
//! and a ban of minutes to days.

use std::collections::VecDeque;
use std::time::Duration;

use crate::domain::MonoTime;

/// How long to stay away when the venue does not say how long.
pub(super) const DEFAULT_PAUSE: Duration = Duration::from_secs(60);

/// A venue's minute, and some for what a call may be under way.
const MINUTE: Duration = Duration::from_secs(62);

#[derive(Debug)]
pub(super) struct Budget {
    per_minute: u32,
    spent: VecDeque<(MonoTime, u32)>,
    sum: u32,
    closed_until: Option<MonoTime>,
}

impl Budget {
    /// Nothing is spent yet.
    pub(super) const fn new(per_minute: u32) -> Self {
        Self { per_minute, spent: VecDeque::new(), sum: 0, closed_until: None }
    }

    /// Spends `weight`, or says how long to wait before asking again. A weight beyond the whole budget is spent when
    /// nothing else was.
    pub(super) fn spend(&mut self, weight: u32, now: MonoTime) -> Result<(), Duration> {
        if let Some(until) = self.closed_until.filter(|until| *until > now) {
            return Err(until.since(now));
        }
        while let Some(&(at, old)) = self.spent.front()
            && now.since(at) >= MINUTE
        {
            self.spent.pop_front();
            self.sum -= old;
        }
        let weight = weight.clamp(1, self.per_minute);
        if self.sum + weight <= self.per_minute {
            self.spent.push_back((now, weight));
            self.sum += weight;
            return Ok(());
        }
        let mut freed = 0;
        let enough = self.spent.iter().find(|(_, old)| {
            freed += old;
            self.sum - freed + weight <= self.per_minute
        });
        let (at, _) = enough.expect("all that was spent, freed, leaves room for any clamped weight");
        Err(at.after(MINUTE).since(now))
    }

    /// The venue wants to be left alone.
    pub(super) fn close(&mut self, pause: Duration, now: MonoTime) {
        let until = now.after(pause);
        self.closed_until = Some(self.closed_until.map_or(until, |known| known.max(until)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> MonoTime {
        MonoTime::from_nanos(millis * 1_000_000)
    }

    #[test]
    fn no_minute_spends_more_than_its_budget_wherever_it_begins() {
        let mut budget = Budget::new(600);
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
        let mut budget = Budget::new(600);
        for millis in [0, 5_000, 9_000] {
            budget.spend(200, at(millis)).expect("within the budget");
        }
        let wait = budget.spend(300, at(10_000)).expect_err("spent");
        assert_eq!(wait, Duration::from_millis(5_000 + 62_000 - 10_000), "the first two must be over");
        assert!(budget.spend(300, at(10_000).after(wait)).is_ok());
    }

    #[test]
    fn a_closed_budget_spends_nothing_until_it_opens() {
        let mut budget = Budget::new(600);
        budget.close(Duration::from_secs(30), at(0));
        assert_eq!(budget.spend(1, at(0)), Err(Duration::from_secs(30)));
        assert!(budget.spend(1, at(29_999)).is_err());
        assert!(budget.spend(1, at(30_000)).is_ok());
    }

    #[test]
    fn a_call_heavier_than_the_budget_still_happens_once_nothing_else_was_spent() {
        let mut budget = Budget::new(100);
        assert!(budget.spend(250, at(0)).is_ok());
        assert!(budget.spend(1, at(1)).is_err());
        assert!(budget.spend(250, at(62_000)).is_ok());
    }
}
