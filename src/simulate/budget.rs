//! The venue's limits on what a client may send or ask.
//!
//! Owns the counting; `now` is an argument, and what happens at the limit is the caller's matter.

use std::collections::VecDeque;
use std::time::Duration;

use crate::domain::MonoTime;

/// At most so many messages in any second.
#[derive(Debug)]
pub(super) struct MessageBudget {
    per_second: usize,
    recent: VecDeque<MonoTime>,
}

/// Whether something is within a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Within,
    Exceeded,
}

impl MessageBudget {
    pub(super) fn new(per_second: u32) -> Self {
        let per_second = usize::try_from(per_second).unwrap_or(usize::MAX);
        Self { per_second, recent: VecDeque::new() }
    }

    pub(super) fn count(&mut self, now: MonoTime) -> Verdict {
        while self.recent.front().is_some_and(|time| now.since(*time) >= Duration::from_secs(1)) {
            self.recent.pop_front();
        }
        if self.recent.len() >= self.per_second {
            return Verdict::Exceeded;
        }
        self.recent.push_back(now);
        Verdict::Within
    }
}

/// Request weight within the running minute.
#[derive(Debug, Default)]
pub(super) struct WeightBudget {
    minute: u64,
    used: u32,
}

/// The weight used, and the seconds until it is forgotten.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct WeightUsed {
    pub(super) used: u32,
    pub(super) resets_in_s: u64,
}

impl WeightBudget {
    pub(super) fn add(&mut self, weight: u32, now: MonoTime) -> WeightUsed {
        let seconds = now.nanos() / 1_000_000_000;
        if seconds / 60 != self.minute {
            *self = Self { minute: seconds / 60, used: 0 };
        }
        self.used = self.used.saturating_add(weight);
        WeightUsed { used: self.used, resets_in_s: 60 - seconds % 60 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> MonoTime {
        MonoTime::from_nanos(millis * 1_000_000)
    }

    #[test]
    fn the_sixth_message_within_a_second_exceeds_a_limit_of_five() {
        let mut budget = MessageBudget::new(5);
        for millis in [0, 100, 200, 300, 400] {
            assert_eq!(budget.count(at(millis)), Verdict::Within);
        }
        assert_eq!(budget.count(at(999)), Verdict::Exceeded);
        assert_eq!(budget.count(at(1000)), Verdict::Within);
    }

    #[test]
    fn used_weight_is_forgotten_with_the_minute() {
        let mut budget = WeightBudget::default();
        assert_eq!(budget.add(50, at(1_000)), WeightUsed { used: 50, resets_in_s: 59 });
        assert_eq!(budget.add(50, at(59_000)), WeightUsed { used: 100, resets_in_s: 1 });
        assert_eq!(budget.add(5, at(60_000)), WeightUsed { used: 5, resets_in_s: 60 });
    }
}
