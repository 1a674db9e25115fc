//! Saying a thing once in a while.
//!
//! Owns when it was last said. Never says it itself, never reads the clock.

use std::time::Duration;

use crate::domain::MonoTime;

/// Whether it is time to say something again.
#[derive(Debug, Default)]
pub(super) struct Seldom {
    said: Option<MonoTime>,
}

impl Seldom {
    /// Whether it was not said within `every`; if so, it counts as said now.
    pub(super) fn is_due(&mut self, now: MonoTime, every: Duration) -> bool {
        let is_due = self.said.is_none_or(|said| now.since(said) >= every);
        if is_due {
            self.said = Some(now);
        }
        is_due
    }

    /// The matter is settled: the next time is told of at once.
    pub(super) fn settle(&mut self) {
        self.said = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_said_is_not_said_again_for_a_while() {
        let at = |seconds: u64| MonoTime::from_nanos(seconds * 1_000_000_000);
        let (mut seldom, every) = (Seldom::default(), Duration::from_secs(10));
        let said: Vec<bool> = [1, 2, 10, 11, 12].map(|second| seldom.is_due(at(second), every)).into();
        assert_eq!(said, [true, false, false, true, false]);
        seldom.settle();
        assert!(seldom.is_due(at(13), every));
    }
}
