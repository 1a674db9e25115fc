//! A log line that is written once in a while.
//!
//! Owns when it was last written. Never writes it, never reads the clock.

use std::time::Duration;

use crate::domain::MonoTime;

/// Whether it is time to log something again.
#[derive(Debug, Default)]
pub struct LogThrottle {
    logged: Option<MonoTime>,
}

impl LogThrottle {
    /// Whether it was not logged within `every`; if so, it counts as logged now.
    pub fn is_due(&mut self, now: MonoTime, every: Duration) -> bool {
        let is_due = self.logged.is_none_or(|logged| now.since(logged) >= every);
        if is_due {
            self.logged = Some(now);
        }
        is_due
    }

    /// The matter is settled: the next time is logged at once.
    pub fn settle(&mut self) {
        self.logged = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_logged_is_not_logged_again_for_a_while() {
        let at = |seconds: u64| MonoTime::from_nanos(seconds * 1_000_000_000);
        let (mut throttle, every) = (LogThrottle::default(), Duration::from_secs(10));
        let logged: Vec<bool> = [1, 2, 10, 11, 12].map(|second| throttle.is_due(at(second), every)).into();
        assert_eq!(logged, [true, false, false, true, false]);
        throttle.settle();
        assert!(throttle.is_due(at(13), every));
    }
}
