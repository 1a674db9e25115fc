//! How late a path's answers are, and so how long a silent connection may still be alive.
//!
//! Owns the delays of the last [`ANSWERS`] answers, for all connections of a session. Never declares anything dead: it says how
//! long to wait. Where answers come quickly that is [`DEAD_AFTER`]; where they come late, [`DEAD_AFTER_MAX`] at most.

use std::time::Duration;

/// A session that is quiet for so long is asked for a sign of life.
pub(super) const HEARTBEAT: Duration = Duration::from_secs(1);

/// How long a connection may be silent where answers come quickly.
pub(super) const DEAD_AFTER: Duration = Duration::from_millis(2_500);

/// How long a connection may be silent however late answers are.
pub(super) const DEAD_AFTER_MAX: Duration = Duration::from_secs(11);

/// How long the first answer of a connection may take: nothing is known of the path yet, and nothing that it brought is trusted for
/// its silence.
const FIRST_ANSWER: Duration = Duration::from_secs(5);

/// Connections in a row that ended without any answer, each of which doubles [`FIRST_ANSWER`] for the next one.
const DOUBLINGS_MAX: u32 = 1;

/// Answers that count. While a late one is among them there is one each second, so a path that is quick again is soon known to be.
const ANSWERS: usize = 4;

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
    answers: [Duration; ANSWERS],
    /// Where the next one goes.
    next: usize,
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
    pub(super) fn answered(&mut self, delay: Duration) {
        self.mute = 0;
        if delay <= DEAD_AFTER_MAX {
            self.answers[self.next] = delay;
            self.next = (self.next + 1) % ANSWERS;
        }
    }

    /// A connection has ended for its silence, without one answer.
    pub(super) fn was_mute(&mut self) {
        self.mute = (self.mute + 1).min(DOUBLINGS_MAX);
    }

    fn worst(&self) -> Duration {
        self.answers.into_iter().max().unwrap_or_default()
    }

    /// How long a connection may be silent before it is asked for a sign of life. Where answers come late it is asked at each heartbeat,
    /// silent or not, so that an answer comes at each heartbeat.
    pub(super) fn ask_after(&self) -> Duration {
        if patience(self.worst()) > DEAD_AFTER { Duration::ZERO } else { HEARTBEAT }
    }

    /// How long a connection may be silent before it is dead: until it is asked, and then twice as long as the latest answer took.
    pub(super) fn dead_after(&self, answers: Answers) -> Duration {
        match answers {
            Answers::None => {
                patience(self.worst().max(self.reached)).max(FIRST_ANSWER * 2_u32.pow(self.mute))
            }
            Answers::Some => patience(self.worst()),
        }
    }
}

fn patience(delay: Duration) -> Duration {
    (HEARTBEAT + 2 * delay).clamp(DEAD_AFTER, DEAD_AFTER_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

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
            path.answered(ms(delay));
            assert_eq!(path.dead_after(Answers::Some), ms(expected), "{delay}");
        }
    }

    #[test]
    fn late_answers_are_asked_for_at_each_heartbeat_and_forgotten_after_four_quick_ones() {
        let mut path = PathDelay::default();
        path.answered(ms(30));
        assert_eq!((path.ask_after(), path.dead_after(Answers::Some)), (HEARTBEAT, DEAD_AFTER));
        path.answered(ms(1_700));
        for _ in 0..3 {
            path.answered(ms(30));
            assert_eq!((path.ask_after(), path.dead_after(Answers::Some)), (Duration::ZERO, ms(4_400)));
        }
        path.answered(ms(30));
        assert_eq!((path.ask_after(), path.dead_after(Answers::Some)), (HEARTBEAT, DEAD_AFTER));
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
        path.answered(ms(6_000));
        assert_eq!(
            path.dead_after(Answers::None),
            DEAD_AFTER_MAX,
            "what one connection learnt the next one knows"
        );
        path.reached(ms(10));
        (0..4).for_each(|_| path.answered(ms(10)));
        assert_eq!(path.dead_after(Answers::None), ms(5_000));
    }
}
