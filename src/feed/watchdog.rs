//! Which subscriptions have kept their promise: acknowledged, then data.
//!
//! Owns the stage of each subscription of one session. Venues acknowledge a wrong subscription and then stay silent for
//! ever; only a deadline finds that. The patience doubles with each alarm, up to [`DOUBLINGS_MAX`] times.

use std::time::Duration;

use crate::domain::MonoTime;

/// Alarms after which the patience stays as it is.
const DOUBLINGS_MAX: u32 = 4;

/// An acknowledged subscription that has brought nothing for so long may well have nothing to bring: it need not be waited for.
const QUIET_AFTER: Duration = Duration::from_secs(3);

/// How long after its acknowledgement a subscription may be why the venue ends the connection.
const SETTLED_AFTER: Duration = Duration::from_secs(1);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Not asked for yet.
    Idle,
    /// Asked for, not acknowledged.
    Requested { since: MonoTime },
    /// Acknowledged, nothing came yet.
    Acknowledged { since: MonoTime },
    /// Data came.
    Delivered,
    /// The venue refuses it: nothing is awaited until it is asked for again.
    Refused,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    stage: Stage,
    alarms: u32,
    asked: bool,
    has_delivered: bool,
}

/// What is overdue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Overdue {
    /// The venue does not even acknowledge: the session is no good.
    Acknowledgement,
    /// It acknowledges others, and has never delivered this one: it does not know the name, and says nothing.
    Unanswered(usize),
    /// Acknowledged, then silence: this subscription should be made anew.
    FirstData(usize),
}

#[derive(Debug)]
pub(super) struct Watchdog {
    entries: Vec<Entry>,
    patience: Duration,
}

impl Watchdog {
    pub(super) fn new(subscriptions: usize, patience: Duration) -> Self {
        Self {
            entries: vec![
                Entry { stage: Stage::Idle, alarms: 0, asked: false, has_delivered: false };
                subscriptions
            ],
            patience,
        }
    }

    pub(super) fn requested(&mut self, index: usize, now: MonoTime) {
        let entry = &mut self.entries[index];
        entry.stage = Stage::Requested { since: now };
        entry.asked = true;
    }

    pub(super) fn acknowledged(&mut self, index: usize, now: MonoTime) {
        let entry = &mut self.entries[index];
        if matches!(entry.stage, Stage::Requested { .. }) {
            entry.stage = Stage::Acknowledged { since: now };
        }
    }

    /// The venue refuses it.
    pub(super) fn refused(&mut self, index: usize) {
        self.entries[index].stage = Stage::Refused;
    }

    /// It is to be asked for once more: the request that was sent for it does not count.
    pub(super) fn idle(&mut self, index: usize) {
        self.entries[index].stage = Stage::Idle;
    }

    /// Whether it was asked for, and neither acknowledged nor refused.
    pub(super) fn is_unanswered(&self, index: usize) -> bool {
        matches!(self.entries[index].stage, Stage::Requested { .. })
    }

    /// Whether the venue has delivered it, or taken it a while ago without harm.
    pub(super) fn is_settled(&self, index: usize, now: MonoTime) -> bool {
        match self.entries[index].stage {
            Stage::Delivered => true,
            Stage::Acknowledged { since } => now.since(since) >= SETTLED_AFTER,
            Stage::Idle | Stage::Requested { .. } | Stage::Refused => false,
        }
    }

    /// Whether it was asked for just now: if the connection ends, it may be why.
    pub(super) fn is_unsettled(&self, index: usize, now: MonoTime) -> bool {
        self.is_awaited(index) && !self.is_settled(index, now)
    }

    #[inline]
    pub(super) fn delivered(&mut self, index: usize) {
        let entry = &mut self.entries[index];
        if entry.stage != Stage::Delivered {
            *entry = Entry { stage: Stage::Delivered, alarms: 0, asked: true, has_delivered: true };
        }
    }

    /// Whether data is awaited, and an alarm raised if it does not come.
    pub(super) fn is_awaited(&self, index: usize) -> bool {
        matches!(self.entries[index].stage, Stage::Requested { .. } | Stage::Acknowledged { .. })
    }

    /// Whether everything has delivered that was asked for, or was acknowledged [`QUIET_AFTER`] ago and is still quiet.
    pub(super) fn is_delivering(&self, now: MonoTime) -> bool {
        self.entries.iter().all(|entry| match entry.stage {
            Stage::Delivered | Stage::Refused => true,
            Stage::Acknowledged { since } => now.since(since) >= QUIET_AFTER,
            // What is not watched is never asked for.
            Stage::Idle => !entry.asked,
            Stage::Requested { .. } => false,
        })
    }

    /// The subscriptions that are overdue at `now`. Each is reported once, until it is requested again.
    pub(super) fn overdue(&mut self, now: MonoTime) -> Vec<Overdue> {
        let mut overdue = Vec::new();
        let answers = |entry: &Entry| matches!(entry.stage, Stage::Acknowledged { .. } | Stage::Delivered);
        let answers_others = self.entries.iter().any(answers);
        for (index, entry) in self.entries.iter_mut().enumerate() {
            match entry.stage {
                Stage::Requested { since } if now.since(since) >= self.patience => {
                    if entry.has_delivered || !answers_others {
                        return vec![Overdue::Acknowledgement];
                    }
                    entry.stage = Stage::Refused;
                    overdue.push(Overdue::Unanswered(index));
                }
                Stage::Acknowledged { since }
                    if now.since(since) >= self.patience * 2_u32.pow(entry.alarms.min(DOUBLINGS_MAX)) =>
                {
                    *entry = Entry { stage: Stage::Idle, alarms: entry.alarms + 1, ..*entry };
                    overdue.push(Overdue::FirstData(index));
                }
                Stage::Idle
                | Stage::Requested { .. }
                | Stage::Acknowledged { .. }
                | Stage::Delivered
                | Stage::Refused => {}
            }
        }
        overdue
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> MonoTime {
        MonoTime::from_nanos(seconds * 1_000_000_000)
    }

    #[test]
    fn silence_after_an_acknowledgement_is_reported_with_doubling_patience() {
        let mut watchdog = Watchdog::new(2, Duration::from_secs(10));
        for index in 0..2 {
            watchdog.requested(index, at(0));
            watchdog.acknowledged(index, at(1));
        }
        watchdog.delivered(1);
        assert_eq!(watchdog.overdue(at(10)), []);
        assert_eq!(watchdog.overdue(at(11)), [Overdue::FirstData(0)]);
        assert_eq!(watchdog.overdue(at(99)), [], "reported once");
        watchdog.requested(0, at(100));
        watchdog.acknowledged(0, at(100));
        assert_eq!(watchdog.overdue(at(119)), []);
        assert_eq!(watchdog.overdue(at(120)), [Overdue::FirstData(0)]);
    }

    #[test]
    fn a_missing_acknowledgement_condemns_the_session() {
        let mut watchdog = Watchdog::new(1, Duration::from_secs(10));
        watchdog.requested(0, at(0));
        assert_eq!(watchdog.overdue(at(10)), [Overdue::Acknowledgement]);
    }

    #[test]
    fn a_name_that_is_never_answered_beside_others_is_set_aside() {
        let mut watchdog = Watchdog::new(2, Duration::from_secs(10));
        watchdog.requested(0, at(0));
        watchdog.requested(1, at(0));
        watchdog.acknowledged(1, at(1));
        watchdog.delivered(1);
        assert_eq!(watchdog.overdue(at(10)), [Overdue::Unanswered(0)]);
        assert_eq!(watchdog.overdue(at(99)), [], "reported once");
        // What the venue knew a moment ago it knows: there the session is no good.
        watchdog.requested(1, at(100));
        watchdog.requested(0, at(100));
        watchdog.acknowledged(0, at(101));
        assert_eq!(watchdog.overdue(at(110)), [Overdue::Acknowledgement]);
    }

    #[test]
    fn data_without_an_acknowledgement_is_data() {
        let mut watchdog = Watchdog::new(1, Duration::from_secs(10));
        watchdog.requested(0, at(0));
        watchdog.delivered(0);
        assert_eq!(watchdog.overdue(at(100)), []);
    }
}
