//! How long a reader leaves Redis alone after it could not be reached.
//!
//! Owns the ladder 20, 50, 100, 200 ms. Never sleeps and never reads the clock: while the wait lasts, calls fail at
//! once with the last error, so nothing ever queues up behind a server that is not there.

use std::time::Duration;

use super::ReadError;
use crate::domain::{Backoff, Ladder, MonoTime};

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

const LADDER: Ladder = Ladder { waits: &[ms(20), ms(50), ms(100), ms(200)], good_after: Duration::ZERO };

/// The failures since the last success.
#[derive(Debug)]
pub(super) struct Pause {
    backoff: Backoff,
    wait: Option<(MonoTime, ReadError)>,
}

impl Default for Pause {
    fn default() -> Self {
        Self { backoff: Backoff::new(LADDER), wait: None }
    }
}

impl Pause {
    /// The error to answer with, while it is too early for another attempt.
    pub(super) fn refuses(&self, now: MonoTime) -> Option<ReadError> {
        self.wait.as_ref().filter(|(until, _)| now < *until).map(|(_, error)| error.clone())
    }

    /// An attempt failed.
    pub(super) fn failed(&mut self, now: MonoTime, error: ReadError) {
        self.wait = Some((now.after(self.backoff.next(0.0)), error));
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
    fn attempts_are_spaced_out_up_to_a_fifth_of_a_second_and_begin_anew_after_a_success() {
        let error = ReadError::Unreachable { server: "h:1".into(), reason: "refused".into() };
        let mut backoff = Pause::default();
        assert_eq!(backoff.refuses(at_ms(0)), None);
        let mut now_ms = 0;
        for wait_ms in [20, 50, 100, 200, 200, 200] {
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
