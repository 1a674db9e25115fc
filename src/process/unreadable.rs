//! What follows from frames that were not understood.
//!
//! Owns, for one key, how many such frames came of late, whether a complete value has come since the last one, how long a value
//! stays suspect after it, and when the subscription was last to be made anew. Never looks at a value. One such frame is healed by
//! the next complete value; where they keep coming the value stays suspect for [`hold`] after the last one, at most
//! [`HOLD_MAX`], and the venue is asked at growing intervals, at most [`ASK_MAX`]. After [`FORGET_AFTER`] without one all is forgotten.

use std::time::Duration;

use crate::domain::{MonoTime, doubled};

/// How long a value that is complete again stays suspect after the second such frame in a row; doubled with each further one that comes at
/// least so long after the one that was counted before: a burst of a fast stream is one fault, not many.
const HOLD: Duration = Duration::from_millis(500);

/// The longest of those.
const HOLD_MAX: Duration = Duration::from_secs(30);

/// Between two requests for a new beginning: this, doubled with each, until the frames end.
const ASK: Duration = Duration::from_secs(1);

/// The longest of those.
const ASK_MAX: Duration = Duration::from_secs(60);

/// After so long without one, the next such frame is the first.
const FORGET_AFTER: Duration = Duration::from_secs(60);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Phase {
    #[default]
    /// Nothing speaks against the value.
    Clear,
    /// What has changed since is not known.
    Void,
    /// A complete value has come since; it is on probation.
    Whole,
}

#[derive(Debug, Default)]
pub(super) struct Unreadable {
    phase: Phase,
    frames: u32,
    last: MonoTime,
    /// How often the hold was doubled, and when that was last.
    doublings: u32,
    counted: MonoTime,
    requests: u32,
    asked: MonoTime,
    /// The venue was asked, and nothing complete has come since.
    is_unheard: bool,
}

impl Unreadable {
    /// A frame came that was not understood.
    pub(super) fn frame(&mut self, now: MonoTime) {
        if self.frames == 0 || now.since(self.last) >= FORGET_AFTER {
            (self.frames, self.doublings, self.requests) = (0, 0, 0);
            self.counted = now;
        }
        self.frames = self.frames.saturating_add(1);
        if now.since(self.counted) >= HOLD {
            self.doublings = self.doublings.saturating_add(1);
            self.counted = now;
        }
        self.last = now;
        self.phase = Phase::Void;
    }

    /// A complete value came, or the venue says by another way that the known one stands.
    pub(super) fn whole(&mut self) {
        self.is_unheard = false;
        if self.phase == Phase::Void {
            self.phase = Phase::Whole;
        }
    }

    /// Whether a value that is right otherwise may be live.
    pub(super) fn is_clear(&mut self, now: MonoTime) -> bool {
        if self.phase == Phase::Whole && now.since(self.last) >= hold(self.frames, self.doublings) {
            self.phase = Phase::Clear;
        }
        self.phase == Phase::Clear
    }

    /// Whether it is known that the value is not: something was missed and nothing complete has come since.
    pub(super) fn is_void(&self) -> bool {
        self.phase == Phase::Void
    }

    /// Whether something that was asked of the venue at `asked` can know of the last such frame.
    pub(super) fn is_known_at(&self, asked: MonoTime) -> bool {
        self.phase == Phase::Clear || asked > self.last
    }

    /// Whether it was asked before, and nothing complete has come since.
    pub(super) fn is_unheard(&self) -> bool {
        self.is_unheard
    }

    /// Whether the venue is to be asked for a new beginning now; remembers that it was.
    pub(super) fn ask(&mut self, now: MonoTime) -> bool {
        let wait = doubled(ASK, self.requests.saturating_sub(1), ASK_MAX);
        let is_due = self.phase == Phase::Void && (self.requests == 0 || now.since(self.asked) >= wait);
        if is_due {
            self.requests = self.requests.saturating_add(1);
            self.asked = now;
            self.is_unheard = true;
        }
        is_due
    }
}

/// How long a complete value stays suspect after so many frames that were not understood.
fn hold(frames: u32, doublings: u32) -> Duration {
    if frames < 2 {
        return Duration::ZERO;
    }
    doubled(HOLD, doublings, HOLD_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> MonoTime {
        MonoTime::from_nanos(millis * 1_000_000)
    }

    #[test]
    fn the_first_frame_is_healed_by_the_next_complete_value() {
        let mut unreadable = Unreadable::default();
        assert!(unreadable.is_clear(at(0)) && unreadable.is_known_at(at(0)));
        unreadable.frame(at(1_000));
        assert!(!unreadable.is_clear(at(900_000)) && unreadable.is_void(), "time heals nothing");
        assert!(!unreadable.is_known_at(at(1_000)) && unreadable.is_known_at(at(1_001)));
        unreadable.whole();
        assert!(unreadable.is_clear(at(1_000)));
    }

    #[test]
    fn while_they_keep_coming_a_value_stays_suspect_ever_longer() {
        let mut unreadable = Unreadable::default();
        for (frames, doublings, hold_ms) in [
            (1, 0, 0),
            (2, 0, 500),
            (40, 0, 500),
            (3, 1, 1_000),
            (4, 2, 2_000),
            (8, 6, 30_000),
            (u32::MAX, u32::MAX, 30_000),
        ] {
            assert_eq!(hold(frames, doublings), Duration::from_millis(hold_ms), "{frames} {doublings}");
        }
        for millis in [0, 100, 200] {
            unreadable.frame(at(millis));
            unreadable.whole();
        }
        assert!(!unreadable.is_clear(at(699)) && unreadable.is_clear(at(700)), "a burst is one fault");
        for millis in [800, 1_400, 2_000] {
            unreadable.frame(at(millis));
            unreadable.whole();
        }
        assert!(
            !unreadable.is_clear(at(5_999)) && unreadable.is_clear(at(6_000)),
            "three more half seconds of it"
        );
        unreadable.frame(at(62_100));
        unreadable.whole();
        assert!(unreadable.is_clear(at(62_100)), "a minute later it is the first again");
    }

    #[test]
    fn the_venue_is_asked_at_growing_intervals_and_not_once_something_complete_came() {
        let mut unreadable = Unreadable::default();
        assert!(!unreadable.ask(at(0)), "nothing is missing");
        unreadable.frame(at(0));
        let asked: Vec<u64> = (0..130).filter(|second| unreadable.ask(at(second * 1_000))).collect();
        assert_eq!(asked, [0, 1, 3, 7, 15, 31, 63, 123]);
        unreadable.whole();
        assert!(!unreadable.ask(at(900_000)));
    }
}
