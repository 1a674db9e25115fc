//! How long a reader leaves Redis alone after it could not be reached.
//!
//! Owns the ladder 20, 50, 100, 200, 500 ms. Never sleeps and never reads the clock: while the wait lasts, calls fail at
//! once with the last error, so nothing ever queues up behind a server that is not there.

use std::time::Duration;

use super::ReadError;
use crate::domain::MonoTime;

const LADDER_MS: [u64; 5] = [20, 50, 100, 200, 500];

/// The failures since the last success.
#[derive(Debug, Default)]
pub(super) struct Backoff {
    failures: usize,
    wait: Option<(MonoTime, ReadError)>,
}

impl Backoff {
    /// The error to answer with, while it is too early for another attempt.
    pub(super) fn refuses(&self, now: MonoTime) -> Option<ReadError> {
        self.wait.as_ref().filter(|(until, _)| now < *until).map(|(_, error)| error.clone())
    }

    /// An attempt failed.
    pub(super) fn failed(&mut self, now: MonoTime, error: ReadError) {
        let wait = Duration::from_millis(LADDER_MS[self.failures.min(LADDER_MS.len() - 1)]);
        self.failures += 1;
        self.wait = Some((now.after(wait), error));
    }

    /// An attempt succeeded.
    pub(super) fn succeeded(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at_ms(ms: u64) -> MonoTime {
        MonoTime::from_nanos(ms * 1_000_000)
    }

    #[test]
    fn attempts_are_spaced_out_up_to_half_a_second_and_begin_anew_after_a_success() {
        let error = ReadError::Unreachable { server: "h:1".into(), reason: "refused".into() };
        let mut backoff = Backoff::default();
        assert_eq!(backoff.refuses(at_ms(0)), None);
        let mut now_ms = 0;
        for wait_ms in [20, 50, 100, 200, 500, 500, 500] {
            backoff.failed(at_ms(now_ms), error.clone());
            assert_eq!(backoff.refuses(at_ms(now_ms + wait_ms - 1)), Some(error.clone()));
            now_ms += wait_ms;
            assert_eq!(backoff.refuses(at_ms(now_ms)), None);
        }
        backoff.succeeded();
        backoff.failed(at_ms(now_ms), error);
        assert_eq!(backoff.refuses(at_ms(now_ms + 20)), None);
    }
}
