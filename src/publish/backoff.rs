//! How long to wait before the next attempt to connect.
//!
//! Owns the count of attempts. Never waits itself. The waits grow as REDIS.md says: none, 20, 50, 100, 200, 350, 500 ms
//! and 500 ms from then on, for ever, each less up to a quarter at random, so that many engines do not come back at once.

use std::time::Duration;

const WAITS_MS: [u32; 7] = [0, 20, 50, 100, 200, 350, 500];

/// A connection that lived this long was a good one: the next attempt is made at once.
pub(super) const GOOD_AFTER: Duration = Duration::from_secs(1);

/// How long to wait before the next attempt.
#[derive(Debug, Default)]
pub(super) struct Backoff {
    attempts: usize,
    flapping: bool,
}

impl Backoff {
    /// The wait before the next attempt; `random` is uniform in 0..1.
    pub(super) fn next(&mut self, random: f64) -> Duration {
        let wait_ms = WAITS_MS[self.attempts.min(WAITS_MS.len() - 1)];
        self.attempts = self.attempts.saturating_add(1);
        Duration::from_millis(wait_ms.into()).mul_f64(1.0 - random.clamp(0.0, 1.0) / 4.0)
    }

    /// How many attempts were made since the last good connection.
    pub(super) const fn attempts(&self) -> usize {
        self.attempts
    }

    /// Whether the last connection was no good one.
    pub(super) const fn is_flapping(&self) -> bool {
        self.flapping
    }

    /// A connection was made and lived so long. Only a good one lets the waits begin anew.
    pub(super) fn connection_lived(&mut self, lived: Duration) {
        self.flapping = lived < GOOD_AFTER;
        if !self.flapping {
            self.attempts = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_attempt_is_at_once_and_waits_stay_below_half_a_second() {
        let mut backoff = Backoff::default();
        let waits: Vec<_> = (0..9).map(|_| backoff.next(0.0).as_millis()).collect();
        assert_eq!(waits, [0, 20, 50, 100, 200, 350, 500, 500, 500]);
        assert_eq!(backoff.next(1.0), Duration::from_millis(375));
        backoff.connection_lived(GOOD_AFTER / 2);
        assert_eq!((backoff.next(0.0).as_millis(), backoff.is_flapping()), (500, true));
        backoff.connection_lived(GOOD_AFTER);
        assert_eq!((backoff.next(0.5), backoff.is_flapping()), (Duration::ZERO, false));
    }
}
