//! The request weight that a venue grants, spent no faster than it allows.
//!
//! Owns a token bucket and the end of a ban. Never waits: it says how long to. Binance: 6000 weight a minute for an
//! address; 429 means slow down for `Retry-After` seconds, ignoring it means 418 and a ban of minutes to days.

use std::time::Duration;

use crate::domain::MonoTime;

/// How long to stay away when the venue does not say how long.
pub(super) const DEFAULT_PAUSE: Duration = Duration::from_secs(60);

#[derive(Debug)]
pub(super) struct Budget {
    per_minute: u32,
    /// Weight that can be spent at once, in thousandths, so that slow refills do not round to nothing.
    milli: u64,
    refilled: MonoTime,
    closed_until: Option<MonoTime>,
}

impl Budget {
    /// Full: a burst of one minute's weight is what venues allow.
    pub(super) fn new(per_minute: u32, now: MonoTime) -> Self {
        Self { per_minute, milli: u64::from(per_minute) * 1_000, refilled: now, closed_until: None }
    }

    /// Spends `weight`, or says how long to wait before asking again. A weight beyond the whole budget is spent when the
    /// budget is full.
    pub(super) fn spend(&mut self, weight: u32, now: MonoTime) -> Result<(), Duration> {
        self.refill(now);
        if let Some(until) = self.closed_until {
            let left = until.since(now);
            if left > Duration::ZERO {
                return Err(left);
            }
            self.closed_until = None;
        }
        let needed = u64::from(weight.min(self.per_minute)) * 1_000;
        match needed.checked_sub(self.milli) {
            None | Some(0) => {
                self.milli -= needed;
                Ok(())
            }
            Some(missing) => Err(Duration::from_millis(missing * 60 / u64::from(self.per_minute).max(1) + 1)),
        }
    }

    /// The venue wants to be left alone.
    pub(super) fn close(&mut self, pause: Duration, now: MonoTime) {
        let until = now.after(pause);
        self.closed_until = Some(self.closed_until.map_or(until, |known| known.max(until)));
        self.milli = 0;
        self.refilled = now;
    }

    fn refill(&mut self, now: MonoTime) {
        let elapsed = u64::try_from(now.since(self.refilled).as_millis()).unwrap_or(u64::MAX);
        // A minute brings `per_minute` units, so a millisecond brings `per_minute / 60` thousandths.
        let gained = elapsed.saturating_mul(u64::from(self.per_minute)) / 60;
        if gained > 0 {
            self.milli = self.milli.saturating_add(gained).min(u64::from(self.per_minute) * 1_000);
            self.refilled = now;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> MonoTime {
        MonoTime::from_nanos(millis * 1_000_000)
    }

    #[test]
    fn a_minute_spends_at_most_a_full_budget_and_a_refill() {
        let mut budget = Budget::new(600, at(0));
        let mut spent = 0;
        for millis in 0..60_000 {
            while budget.spend(50, at(millis)).is_ok() {
                spent += 50;
            }
        }
        assert_eq!(spent, 600 + 600 - 50, "the last refill is not whole yet");
    }

    #[test]
    fn the_wait_that_it_names_suffices() {
        let mut budget = Budget::new(600, at(0));
        budget.spend(600, at(0)).expect("full at the start");
        let wait = budget.spend(50, at(0)).expect_err("empty");
        assert!(budget.spend(50, at(0).after(wait)).is_ok(), "{wait:?}");
    }

    #[test]
    fn a_closed_budget_spends_nothing_until_it_opens() {
        let mut budget = Budget::new(600, at(0));
        budget.close(Duration::from_secs(30), at(0));
        assert_eq!(budget.spend(1, at(0)), Err(Duration::from_secs(30)));
        assert!(budget.spend(1, at(29_999)).is_err());
        assert!(budget.spend(1, at(30_000)).is_ok());
    }

    #[test]
    fn a_call_heavier_than_the_budget_still_happens_once_it_is_full() {
        let mut budget = Budget::new(100, at(0));
        assert!(budget.spend(250, at(0)).is_ok());
        assert!(budget.spend(1, at(1)).is_err());
    }
}
