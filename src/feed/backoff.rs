//! How long to wait before the next attempt. The only backoff of this stage.
//!
//! Owns the count of failures in a row. Never gives up: the wait is capped, the attempts are not. Binance allows 300
//! connects in five minutes from one address; at the cap a session makes 30.

use std::time::Duration;

/// The first wait.
const WAIT_MIN: Duration = Duration::from_millis(100);

/// The longest wait, before the jitter.
const WAIT_MAX: Duration = Duration::from_secs(10);

/// A session that lived so long was a good one: the next failure is a first one.
pub(super) const GOOD_AFTER: Duration = Duration::from_secs(30);

/// Failures after which the wait no longer grows: 100 ms · 2^7 is beyond the cap.
const FAILURES_MAX: u32 = 7;

#[derive(Debug, Default)]
pub(super) struct Backoff {
    failures: u32,
}

impl Backoff {
    /// The wait after one more failure: doubled each time, capped, then half of it to all of it at random
    /// (`random` in 0.0 to 1.0), so that sessions that fell together do not rise together.
    pub(super) fn after_failure(&mut self, random: f64) -> Duration {
        let wait = (WAIT_MIN * 2_u32.pow(self.failures)).min(WAIT_MAX);
        self.failures = (self.failures + 1).min(FAILURES_MAX);
        wait.mul_f64(0.5 + random / 2.0)
    }

    /// The session that ended was a good one.
    pub(super) const fn reset(&mut self) {
        self.failures = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_cap_and_jitter_only_shortens_them() {
        let mut backoff = Backoff::default();
        let waits: Vec<_> = (0..9).map(|_| backoff.after_failure(1.0).as_millis()).collect();
        assert_eq!(waits, [100, 200, 400, 800, 1_600, 3_200, 6_400, 10_000, 10_000]);
        assert_eq!(backoff.after_failure(0.0), WAIT_MAX / 2);
        backoff.reset();
        assert_eq!(backoff.after_failure(1.0), WAIT_MIN);
    }
}
