//! How late a path's answers are, and so how long a silent connection may still be alive.
//!
//! Owns the longest delay of the last one to two [`WINDOW`]s, for all connections of a session. Never declares anything dead: it
//! says how long to wait. Where answers come quickly that is [`DEAD_AFTER`]; where they come late, [`DEAD_AFTER_MAX`] at most.

use std::time::Duration;

use crate::domain::MonoTime;

/// A session that is quiet for so long is asked for a sign of life.
pub(super) const HEARTBEAT: Duration = Duration::from_secs(1);

/// How long a connection may be silent where answers come quickly.
pub(super) const DEAD_AFTER: Duration = Duration::from_millis(2_500);

/// How long a connection may be silent however late answers are.
const DEAD_AFTER_MAX: Duration = Duration::from_secs(11);

/// How long the first answer of a connection may take: nothing is known of the path yet, and nothing that it brought is trusted for
/// its silence.
const FIRST_ANSWER: Duration = Duration::from_secs(5);

/// Connections in a row that ended without any answer, each of which doubles [`FIRST_ANSWER`] for the next one.
const DOUBLINGS_MAX: u32 = 1;

/// The time after which a delay is forgotten, at least.
const WINDOW: Duration = Duration::from_secs(60);

/// Whether a connection has answered a ping.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answers {
    /// Not yet.
    None,
    /// It has.
    Some,
}

#[derive(Debug, Default)]
pub(super) struct PathDelay {
    /// When the present window began.
    since: MonoTime,
    present: Duration,
    previous: Duration,
    /// How long the last connecting took.
    reached: Duration,
    mute: u32,
}

impl PathDelay {
    /// Connecting has taken so long. A lost packet makes it a second longer than answers are: it counts for the first one only.
    pub(super) fn reached(&mut self, took: Duration) {
        self.reached = took;
    }

    /// An answer has taken so long. One beyond every patience is no answer to that ping: the venue answers none, or in its own way.
    pub(super) fn answered(&mut self, delay: Duration, now: MonoTime) {
        self.mute = 0;
        if delay > DEAD_AFTER_MAX {
            return;
        }
        let age = now.since(self.since);
        if age >= WINDOW {
            self.previous = if age < 2 * WINDOW { self.present } else { Duration::ZERO };
            (self.present, self.since) = (Duration::ZERO, now);
        }
        self.present = self.present.max(delay);
    }

    /// A connection has ended for its silence, without one answer.
    pub(super) fn was_mute(&mut self) {
        self.mute = (self.mute + 1).min(DOUBLINGS_MAX);
    }

    /// The longest delay of late.
    pub(super) fn worst(&self) -> Duration {
        self.present.max(self.previous)
    }

    /// How long a connection may be silent before it is asked for a sign of life. Where answers come late it is asked earlier, so that
    /// one comes at each heartbeat.
    pub(super) fn ask_after(&self) -> Duration {
        HEARTBEAT.saturating_sub(self.worst())
    }

    /// How long a connection may be silent before it is dead: until it is asked, and then twice as long as the latest answer took.
    pub(super) fn dead_after(&self, answers: Answers) -> Duration {
        let twice = |delay: Duration| (HEARTBEAT + 2 * delay).clamp(DEAD_AFTER, DEAD_AFTER_MAX);
        match answers {
            Answers::None => twice(self.worst().max(self.reached)).max(FIRST_ANSWER * 2_u32.pow(self.mute)),
            Answers::Some => twice(self.worst()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> MonoTime {
        MonoTime::from_nanos(seconds * 1_000_000_000)
    }

    fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn a_quick_path_is_dead_after_two_and_a_half_seconds_and_a_slow_one_after_twice_its_delay() {
        for (delay, expected) in [
            (0, 2_500),
            (20, 2_500),
            (750, 2_500),
            (1_700, 4_400),
            (3_000, 7_000),
            (9_000, 11_000),
            (60_000, 2_500),
        ] {
            let mut path = PathDelay::default();
            path.answered(ms(delay), at(1));
            assert_eq!(path.dead_after(Answers::Some), ms(expected), "{delay}");
        }
    }

    #[test]
    fn the_later_answers_are_the_earlier_they_are_asked_for() {
        for (delay, expected) in [(0, 1_000), (30, 970), (1_700, 0)] {
            let mut path = PathDelay::default();
            path.answered(ms(delay), at(1));
            assert_eq!(path.ask_after(), ms(expected), "{delay}");
        }
    }

    #[test]
    fn a_delay_is_forgotten_within_two_windows() {
        let mut path = PathDelay::default();
        path.answered(ms(3_000), at(100));
        path.answered(ms(10), at(159));
        assert_eq!(path.worst(), ms(3_000));
        path.answered(ms(10), at(161));
        assert_eq!(path.worst(), ms(3_000), "it was in the window before");
        path.answered(ms(10), at(222));
        assert_eq!(path.worst(), ms(10));
        path.answered(ms(3_000), at(223));
        path.answered(ms(10), at(999));
        assert_eq!(path.worst(), ms(10), "nothing is known of the time between");
    }

    #[test]
    fn the_first_answer_may_take_longer_and_longer_still_after_a_mute_connection() {
        let mut path = PathDelay::default();
        assert_eq!(path.dead_after(Answers::None), ms(5_000));
        path.was_mute();
        path.was_mute();
        assert_eq!(path.dead_after(Answers::None), ms(10_000));
        assert_eq!(path.dead_after(Answers::Some), ms(2_500));
        path.reached(ms(6_000));
        assert_eq!(path.dead_after(Answers::None), DEAD_AFTER_MAX, "so long did connecting take");
        path.reached(ms(10));
        path.answered(ms(6_000), at(1));
        assert_eq!(
            path.dead_after(Answers::None),
            DEAD_AFTER_MAX,
            "what one connection learnt the next one knows"
        );
        path.answered(ms(10), at(200));
        assert_eq!(path.dead_after(Answers::None), ms(5_000));
    }
}
