//! How long to wait before the next attempt.
//!
//! Owns the ladder of connections with the count of attempts, and the doubling of other waits, which are counted elsewhere. Never waits itself and never gives up: the last wait of the ladder is repeated for ever.

use std::time::Duration;

/// A wait that was doubled so many times, `longest` at most.
#[must_use]
pub fn doubled(wait: Duration, times: u32, longest: Duration) -> Duration {
    wait.saturating_mul(2_u32.saturating_pow(times)).min(longest)
}

/// The waits of one kind of attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ladder {
    /// Before the first attempt, the second one, and so on; not empty. The last one is repeated.
    pub waits: &'static [Duration],
    /// What lived this long was good: the waits begin anew.
    pub good_after: Duration,
}

/// How long to wait before the next attempt.
#[derive(Debug, Clone)]
pub struct Backoff {
    ladder: Ladder,
    attempts: usize,
    flapping: bool,
}

impl Backoff {
    /// Before the first attempt.
    #[must_use]
    pub const fn new(ladder: Ladder) -> Self {
        assert!(!ladder.waits.is_empty(), "a ladder has a step");
        Self { ladder, attempts: 0, flapping: false }
    }

    /// The wait before the next attempt, less up to a quarter: `random` is uniform in 0..1, so that those who fell
    /// together do not come back together.
    #[must_use]
    pub fn next(&mut self, random: f64) -> Duration {
        let wait = self.ladder.waits[self.attempts.min(self.ladder.waits.len() - 1)];
        self.attempts = self.attempts.saturating_add(1);
        wait.mul_f64(1.0 - random.clamp(0.0, 1.0) / 4.0)
    }

    /// How many attempts were made since the last good one.
    #[must_use]
    pub const fn attempts(&self) -> usize {
        self.attempts
    }

    /// Whether the last connection was no good one.
    #[must_use]
    pub const fn is_flapping(&self) -> bool {
        self.flapping
    }

    /// A connection was made and lived so long. Only a good one lets the waits begin anew.
    pub fn connection_lived(&mut self, lived: Duration) {
        self.flapping = lived < self.ladder.good_after;
        if !self.flapping {
            self.attempts = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    const LADDER: Ladder = Ladder { waits: &[ms(0), ms(20), ms(500)], good_after: ms(1_000) };

    #[test]
    fn the_last_wait_is_repeated_and_only_a_good_connection_begins_anew() {
        let mut backoff = Backoff::new(LADDER);
        let waits: Vec<_> = (0..5).map(|_| backoff.next(0.0).as_millis()).collect();
        assert_eq!(waits, [0, 20, 500, 500, 500]);
        assert_eq!(backoff.next(1.0), ms(375), "the jitter only shortens");
        backoff.connection_lived(ms(999));
        assert_eq!((backoff.next(0.0), backoff.is_flapping()), (ms(500), true));
        backoff.connection_lived(ms(1_000));
        assert_eq!((backoff.next(0.0), backoff.is_flapping()), (ms(0), false));
    }
}
