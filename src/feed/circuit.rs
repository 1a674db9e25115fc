//! Circuit breaker of one venue: when it may be asked again after it refused, or did not answer.
//!
//! Owns the pause and its growth: each failure in a row makes the next pause longer, a success of the same path makes it short
//! again. Never waits and never asks: it says how long to wait. A failure pauses every path of the venue: what one call meets
//! (a ban, maintenance, a dead host) the next one meets, too. After a pause one call goes first, and the others wait for what
//! becomes of it; likewise on a path that has never succeeded. At most [`PATHS_MAX`] paths; further ones share the last place.

use std::time::Duration;

use crate::domain::MonoTime;

/// Paths that are told apart.
const PATHS_MAX: usize = 16;

/// The longest that a venue's `Retry-After` is kept: beyond it we ask once, and hear it again.
pub(super) const RETRY_AFTER_MAX: Duration = Duration::from_secs(3_600);

/// The longest that our own ladder adds to a `Retry-After`: a venue that names a time and means it is asked soon after that.
const GROWTH_BESIDE_RETRY_AFTER_MAX: Duration = Duration::from_secs(10);

/// How soon somebody who waits for another one's outcome looks again.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// What kind of failure it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Failure {
    /// The venue, or something in front of it, answered that it does not want the call. Asking sooner may prolong a ban.
    Refused,
    /// No answer came, or half of one. Asking costs the venue little.
    Unreachable,
}

impl Failure {
    /// The pauses; the last one is repeated.
    const fn pauses(self) -> &'static [Duration] {
        const REFUSED: [Duration; 6] =
            [seconds(2), seconds(4), seconds(8), seconds(16), seconds(32), seconds(60)];
        const UNREACHABLE: [Duration; 5] = [seconds(1), seconds(2), seconds(4), seconds(8), seconds(10)];
        match self {
            Self::Refused => &REFUSED,
            Self::Unreachable => &UNREACHABLE,
        }
    }
}

/// Whether calls on a path go one at a time until the first one has succeeded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trust {
    /// They do.
    Earned,
    /// All may go at once until one has failed.
    Given,
}

/// Leave to make one call, to be given back to the circuit with its outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Permit {
    number: u64,
    path: usize,
    began: MonoTime,
}

/// What a failure led to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pause {
    /// How long nothing may be asked.
    pub(super) wait: Duration,
    /// Whether this is worth a line in the log.
    pub(super) news: News,
}

/// Whether a failure says something that was not said before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum News {
    /// The first failure after a success, or one of another cause.
    New,
    /// The same again.
    Repeated,
}

#[derive(Debug)]
struct Path {
    name: String,
    /// Failures in a row.
    failures: usize,
    trust: Trust,
}

#[derive(Debug)]
struct Trouble {
    since: MonoTime,
    path: usize,
    cause: u16,
}

#[derive(Debug)]
pub(super) struct Circuit {
    start: Trust,
    paths: Vec<Path>,
    /// When the last pause began, and when it ends.
    pause: Option<(MonoTime, MonoTime)>,
    /// There was a failure and no success after it.
    is_doubtful: bool,
    /// The call whose outcome others wait for.
    probe: Option<u64>,
    number: u64,
    trouble: Option<Trouble>,
}

impl Circuit {
    /// Nothing has failed yet.
    pub(super) const fn new(start: Trust) -> Self {
        Self {
            start,
            paths: Vec::new(),
            pause: None,
            is_doubtful: false,
            probe: None,
            number: 0,
            trouble: None,
        }
    }

    /// Leave to make a call now, or how long to wait before asking again.
    pub(super) fn admit(&mut self, path: &str, now: MonoTime) -> Result<Permit, Duration> {
        if let Some((_, until)) = self.pause.filter(|(_, until)| *until > now) {
            return Err(until.since(now));
        }
        let path = self.place(path);
        let goes_first = self.is_doubtful || self.paths[path].trust == Trust::Earned;
        if goes_first && self.probe.is_some() {
            return Err(LOOK_AGAIN);
        }
        self.number += 1;
        if goes_first {
            self.probe = Some(self.number);
        }
        Ok(Permit { number: self.number, path, began: now })
    }

    /// The call was not made, or nobody waits for its outcome any more.
    pub(super) fn released(&mut self, permit: Permit) {
        self.probe = self.probe.filter(|probe| *probe != permit.number);
    }

    /// The venue has answered. Says how long it had not, where that is over now.
    pub(super) fn succeeded(&mut self, permit: Permit, now: MonoTime) -> Option<Duration> {
        self.released(permit);
        if self.pause.is_some_and(|(paused, _)| permit.began < paused) {
            // It was under way when another call failed, and says nothing of what came after.
            return None;
        }
        self.is_doubtful = false;
        let path = &mut self.paths[permit.path];
        (path.failures, path.trust) = (0, Trust::Given);
        let trouble = self.trouble.take_if(|trouble| trouble.path == permit.path)?;
        Some(now.since(trouble.since))
    }

    /// The call has failed for a reason that concerns every call. `cause` tells one from another (a status); `random` is uniform
    /// in 0..1: who was refused together shall not come back together.
    pub(super) fn failed(
        &mut self,
        permit: Permit,
        failure: Failure,
        cause: u16,
        retry_after: Option<Duration>,
        now: MonoTime,
        random: f64,
    ) -> Pause {
        self.released(permit);
        let was_under_way = self.pause.is_some_and(|(paused, _)| permit.began < paused);
        let retry_after = retry_after.map(|wait| wait.min(RETRY_AFTER_MAX));
        let path = &mut self.paths[permit.path];
        path.trust = Trust::Earned;
        let own = if was_under_way {
            // It failed together with the one that the pause is for.
            Duration::ZERO
        } else {
            let pauses = failure.pauses();
            let own = pauses[path.failures.min(pauses.len() - 1)];
            path.failures = path.failures.saturating_add(1);
            own
        };
        let wait = match retry_after {
            Some(asked) => asked.max(own.min(GROWTH_BESIDE_RETRY_AFTER_MAX)),
            None => own,
        };
        let until = now.after(wait.mul_f64(1.0 + random.clamp(0.0, 1.0) / 10.0));
        let until = self.pause.map_or(until, |(_, known)| known.max(until));
        if !was_under_way {
            self.pause = Some((now, until));
        } else if let Some((_, end)) = &mut self.pause {
            *end = until;
        }
        self.is_doubtful = true;
        let is_known = self.trouble.as_ref().is_some_and(|trouble| trouble.cause == cause);
        let since = self.trouble.as_ref().map_or(now, |trouble| trouble.since);
        self.trouble = Some(Trouble { since, path: permit.path, cause });
        Pause { wait: until.since(now), news: if is_known { News::Repeated } else { News::New } }
    }

    fn place(&mut self, name: &str) -> usize {
        if let Some(place) = self.paths.iter().position(|path| path.name == name) {
            return place;
        }
        if self.paths.len() < PATHS_MAX {
            self.paths.push(Path { name: name.to_owned(), failures: 0, trust: self.start });
        }
        self.paths.len() - 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> MonoTime {
        MonoTime::from_nanos(millis * 1_000_000)
    }

    fn refuse(circuit: &mut Circuit, permit: Permit, millis: u64) -> u64 {
        let pause = circuit.failed(permit, Failure::Refused, 403, None, at(millis), 0.0);
        u64::try_from(pause.wait.as_millis()).unwrap()
    }

    #[test]
    fn pauses_grow_until_a_success_and_concern_every_path() {
        let mut circuit = Circuit::new(Trust::Given);
        let (mut now, mut pauses) = (0, Vec::new());
        for _ in 0..8 {
            let permit = circuit.admit("/depth", at(now)).unwrap();
            let pause = refuse(&mut circuit, permit, now);
            assert_eq!(circuit.admit("/ticker", at(now)), Err(Duration::from_millis(pause)));
            assert!(circuit.admit("/ticker", at(now + pause - 1)).is_err());
            pauses.push(pause / 1_000);
            now += pause;
        }
        assert_eq!(pauses, [2, 4, 8, 16, 32, 60, 60, 60]);
        let permit = circuit.admit("/depth", at(now)).unwrap();
        assert_eq!(circuit.succeeded(permit, at(now)), Some(Duration::from_millis(now)));
        let permit = circuit.admit("/depth", at(now)).unwrap();
        assert_eq!(refuse(&mut circuit, permit, now), 2_000);
    }

    #[test]
    fn calls_that_fail_together_are_one_failure() {
        let mut circuit = Circuit::new(Trust::Given);
        let permits = [0, 1, 2, 3].map(|millis| circuit.admit("/depth", at(millis)).unwrap());
        let waits = permits.map(|permit| refuse(&mut circuit, permit, 100));
        assert_eq!(waits, [2_000; 4]);
        let permit = circuit.admit("/depth", at(2_100)).unwrap();
        assert_eq!(refuse(&mut circuit, permit, 2_100), 4_000, "the second pause and not the fifth");
    }

    #[test]
    fn after_a_pause_one_call_goes_first_and_on_a_new_path_too() {
        let mut circuit = Circuit::new(Trust::Earned);
        let first = circuit.admit("/depth", at(0)).unwrap();
        assert_eq!(circuit.admit("/depth", at(0)), Err(LOOK_AGAIN));
        assert_eq!(circuit.succeeded(first, at(1)), None);
        let both = [2, 2].map(|millis| circuit.admit("/depth", at(millis)).unwrap());
        assert_eq!(refuse(&mut circuit, both[0], 3), 2_000);
        circuit.released(both[1]);
        let probe = circuit.admit("/depth", at(2_003)).unwrap();
        assert_eq!(circuit.admit("/depth", at(2_003)), Err(LOOK_AGAIN));
        circuit.released(probe);
        assert!(circuit.admit("/depth", at(2_004)).is_ok(), "one that was given up makes room for the next");
    }

    #[test]
    fn another_path_that_works_does_not_make_the_pauses_short() {
        let mut circuit = Circuit::new(Trust::Given);
        let (mut now, mut pauses) = (0, Vec::new());
        for _ in 0..3 {
            let permit = circuit.admit("/depth", at(now)).unwrap();
            let pause = refuse(&mut circuit, permit, now);
            pauses.push(pause);
            now += pause;
            let permit = circuit.admit("/ticker", at(now)).unwrap();
            assert_eq!(circuit.succeeded(permit, at(now)), None);
        }
        assert_eq!(pauses, [2_000, 4_000, 8_000]);
    }

    #[test]
    fn the_venue_s_own_time_is_kept_within_reason() {
        let fail = |circuit: &mut Circuit, now, seconds| {
            let permit = circuit.admit("/depth", at(now)).unwrap();
            let asked = Some(Duration::from_secs(seconds));
            circuit.failed(permit, Failure::Refused, 503, asked, at(now), 0.0).wait.as_secs()
        };
        for (asked, kept) in [(30, 30), (0, 2), (1, 2), (86_400 * 365, 3_600)] {
            assert_eq!(fail(&mut Circuit::new(Trust::Given), 0, asked), kept, "{asked}");
        }
        let mut circuit = Circuit::new(Trust::Given);
        let (mut now, mut kept) = (0, Vec::new());
        for _ in 0..6 {
            let wait = fail(&mut circuit, now, 1);
            kept.push(wait);
            now += wait * 1_000;
        }
        assert_eq!(kept, [2, 4, 8, 10, 10, 10], "a venue that always says 1 is not asked each second");
    }

    #[test]
    fn a_later_answer_of_the_same_burst_can_only_make_the_pause_longer() {
        let mut circuit = Circuit::new(Trust::Given);
        let permits = [0, 0, 0].map(|millis| circuit.admit("/depth", at(millis)).unwrap());
        refuse(&mut circuit, permits[0], 10);
        let asked = Some(Duration::from_secs(30));
        let pause = circuit.failed(permits[1], Failure::Refused, 503, asked, at(20), 0.0);
        assert_eq!((pause.wait, pause.news), (Duration::from_secs(30), News::New));
        assert_eq!(circuit.succeeded(permits[2], at(30)), None, "it began before the pause");
        assert!(circuit.admit("/depth", at(30_019)).is_err());
        assert!(circuit.admit("/depth", at(30_020)).is_ok());
    }

    #[test]
    fn the_same_cause_is_news_once() {
        let mut circuit = Circuit::new(Trust::Given);
        let mut fail = |now, cause| {
            let permit = circuit.admit("/depth", at(now)).unwrap();
            circuit.failed(permit, Failure::Refused, cause, None, at(now), 0.0).news
        };
        let news =
            [(0, 403), (10_000, 403), (20_000, 503), (40_000, 503)].map(|(now, cause)| fail(now, cause));
        assert_eq!(news, [News::New, News::Repeated, News::New, News::Repeated]);
    }

    #[test]
    fn jitter_never_shortens_what_was_asked_for() {
        let mut circuit = Circuit::new(Trust::Given);
        let permit = circuit.admit("/depth", at(0)).unwrap();
        let wait = circuit.failed(permit, Failure::Unreachable, 0, None, at(0), 0.5).wait;
        assert_eq!(wait, Duration::from_millis(1_050));
    }
}
