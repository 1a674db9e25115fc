//! When to ask again.
//!
//! Owns the rhythm: quick for a while after a hint, calm otherwise. Never waits itself, never reads the clock. Hints that
//! come close together lead to one round.

use std::time::Duration;

use crate::domain::MonoTime;

/// Between rounds after a hint.
pub(super) const EAGER: Duration = Duration::from_millis(100);
/// Between a round and the one that a hint asks for.
const HINT_GAP: Duration = Duration::from_millis(20);

/// When to ask again.
#[derive(Debug)]
pub(super) struct Pace {
    eager_for: Duration,
    eager_until: MonoTime,
    asked: Option<MonoTime>,
    hinted: bool,
}

impl Pace {
    /// Begins as after a hint, with a round at once.
    pub(super) fn new(now: MonoTime, eager_for: Duration) -> Self {
        Self { eager_for, eager_until: now.after(eager_for), asked: None, hinted: true }
    }

    /// Something may have changed.
    pub(super) fn hint(&mut self, now: MonoTime) {
        self.hinted = true;
        self.eager_until = now.after(self.eager_for);
    }

    /// Whether a round is due anyway: further hints can wait until it has begun, so that a flood of them keeps nobody busy.
    pub(super) fn is_hinted(&self) -> bool {
        self.hinted
    }

    /// What the hints spoke of was found.
    pub(super) fn calm_down(&mut self, now: MonoTime) {
        self.eager_until = now;
    }

    /// A round begins.
    pub(super) fn asked(&mut self, now: MonoTime) {
        self.asked = Some(now);
        self.hinted = false;
    }

    /// How long until the next round; `calm` is the time between rounds when nothing presses.
    pub(super) fn wait(&self, now: MonoTime, calm: Duration) -> Duration {
        let Some(asked) = self.asked else { return Duration::ZERO };
        let gap = if self.hinted {
            HINT_GAP
        } else if now < self.eager_until {
            EAGER
        } else {
            calm
        };
        asked.after(gap).since(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CALM: Duration = Duration::from_secs(1);

    fn at(millis: u64) -> MonoTime {
        MonoTime::from_nanos(millis * 1_000_000)
    }

    #[test]
    fn a_hint_is_followed_at_once_and_then_often_for_a_while() {
        let mut pace = Pace::new(at(0), Duration::from_secs(10));
        assert_eq!(pace.wait(at(0), CALM), Duration::ZERO);
        pace.asked(at(0));
        pace.calm_down(at(5));
        assert_eq!(pace.wait(at(5), CALM), Duration::from_millis(995));
        pace.hint(at(500));
        assert_eq!(pace.wait(at(500), CALM), Duration::ZERO);
        pace.asked(at(500));
        assert_eq!(pace.wait(at(510), CALM), Duration::from_millis(90));
        pace.asked(at(10_450));
        assert_eq!(pace.wait(at(10_500), CALM), Duration::from_millis(950), "the hint is old");
    }

    #[test]
    fn many_hints_make_one_round() {
        let mut pace = Pace::new(at(0), Duration::from_secs(10));
        pace.asked(at(0));
        for millis in 0..10 {
            pace.hint(at(millis));
            assert_eq!(pace.wait(at(millis), CALM), Duration::from_millis(20 - millis));
        }
        assert!(pace.is_hinted());
        pace.asked(at(20));
        assert!(!pace.is_hinted());
    }
}
