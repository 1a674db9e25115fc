//! Whether a quiet subscription is still to be believed.
//!
//! Owns, for one key, the time of the last evidence and of the probe that is under way, and when the subscription was last to be
//! made anew. WIRE.md, confirmed_time: it moves on evidence for this very subscription; or, once that has delivered on this
//! session, on any frame of the session while the subscription's silence is within its threshold; beyond the threshold a probe
//! must confirm. Never relies on an answer: a probe may fail for as long as it likes.

use std::time::Duration;

use crate::domain::{MonoTime, Now};

/// How long a probe may take before the key counts as silent.
const PROBE_PATIENCE: Duration = Duration::from_secs(5);

/// Between two subscriptions that nothing came of lies that patience, doubled with each of them so many times at most.
const DOUBLINGS_MAX: u32 = 4;

/// What the silence of a subscription calls for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Silence {
    /// Nothing delivered on this session yet: others watch over that.
    NotDelivering,
    /// Within the threshold: any frame of the session confirms.
    Within,
    /// Just beyond it: probe now.
    Probe,
    /// A probe is under way.
    Probing,
    /// The probe did not confirm in time; the next one is due.
    Unconfirmed(Remedy),
    /// The probe showed that the venue has moved on and the subscription has not: it is dead.
    Dead,
}

/// What else is to be done where probes confirm nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Remedy {
    /// Nothing: the subscription was made anew not long ago.
    Wait,
    /// Make the subscription anew: whether it is dead, or the venue's other way, nobody can tell.
    Resubscribe,
}

/// Gaps after which a subscription's own pace is known.
const GAPS_MIN: u32 = 32;

/// A silence of so many times the longest usual gap is no usual one.
const GAPS_FACTOR: u32 = 8;

/// However busy a subscription is: what is quiet for less is not worth a probe.
const THRESHOLD_MIN: Duration = Duration::from_secs(2);

#[derive(Debug)]
pub(super) struct Liveness {
    /// The threshold that was configured: the most that is ever waited.
    ceiling: Duration,
    threshold: Duration,
    /// The longest gap between two pieces of data, an older one counting less; and how many there were.
    longest: Duration,
    gaps: u32,
    evidence: Option<MonoTime>,
    /// The last data of this very subscription.
    data: Option<Now>,
    /// The newest update of the subscription was not taken: nothing but new evidence vouches for the value.
    ignored: bool,
    probe: Option<Probe>,
    /// How often the subscription was to be made anew since the last evidence, and when that was last.
    remedies: u32,
    remedied: MonoTime,
}

#[derive(Debug, Clone, Copy)]
struct Probe {
    since: MonoTime,
    verdict: Verdict,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Open,
    Contradicted,
}

impl Liveness {
    pub(super) const fn new(ceiling: Duration) -> Self {
        Self {
            ceiling,
            threshold: ceiling,
            longest: Duration::ZERO,
            gaps: 0,
            evidence: None,
            data: None,
            ignored: false,
            probe: None,
            remedies: 0,
            remedied: MonoTime::from_nanos(0),
        }
    }

    /// Data of the subscription that was taken: evidence, and a piece of its pace.
    pub(super) fn data(&mut self, received: Now) {
        let now = received.mono;
        self.data = Some(received);
        if let Some(evidence) = self.evidence {
            let gap = now.since(evidence);
            // A sixty-fourth of the memory goes with each gap.
            self.longest = gap.max(self.longest - self.longest / 64);
            self.gaps = self.gaps.saturating_add(1);
            if self.gaps >= GAPS_MIN {
                self.threshold = (self.longest * GAPS_FACTOR).max(THRESHOLD_MIN).min(self.ceiling);
            }
        }
        self.evidence(now);
    }

    /// A new session or subscription: it has delivered nothing yet.
    pub(super) const fn restart(&mut self) {
        self.evidence = None;
        self.data = None;
        self.ignored = false;
        self.probe = None;
    }

    /// An update came that was not taken: it is no sign that the value stands, and perhaps one that it does not. The value is probed
    /// now, unless the next update is taken.
    pub(super) const fn ignored(&mut self) {
        self.ignored = true;
    }

    /// When the subscription last brought data that was taken, and that data is newer than the evidence of `other`: then it can vouch
    /// for the other's value. What another channel has vouched for is no data: two values never keep each other alive.
    pub(super) fn newer_than(&self, other: &Self) -> Option<Now> {
        self.data.filter(|data| !self.ignored && other.evidence.is_some_and(|known| data.mono > known))
    }

    /// What shows that the value stands: data of the subscription, or a probe that confirmed it.
    pub(super) fn evidence(&mut self, now: MonoTime) {
        self.evidence = Some(self.evidence.map_or(now, |known| known.max(now)));
        self.ignored = false;
        self.probe = None;
        self.remedies = 0;
    }

    /// The probe that is under way found the venue elsewhere. Data that is merely late still clears it.
    pub(super) fn contradicted(&mut self) {
        if let Some(probe) = &mut self.probe {
            probe.verdict = Verdict::Contradicted;
        }
    }

    /// Whether the subscription has delivered anything on this session.
    pub(super) const fn has_delivered(&self) -> bool {
        self.evidence.is_some()
    }

    /// Whether there was data, or a confirming probe, within the threshold before `now`.
    pub(super) fn is_within(&self, now: MonoTime) -> bool {
        !self.ignored && self.evidence.is_some_and(|evidence| now.since(evidence) <= self.threshold)
    }

    /// The first moment that is no longer within its threshold; `None` where nothing was delivered.
    pub(super) fn silent_at(&self) -> Option<MonoTime> {
        let silent = |evidence: MonoTime| evidence.after(self.threshold + Duration::from_nanos(1));
        self.evidence.map(|evidence| if self.ignored { evidence } else { silent(evidence) })
    }

    /// What to do at `now`. [`Silence::Probe`] starts the probe's clock, [`Silence::Unconfirmed`] starts it again.
    pub(super) fn assess(&mut self, now: MonoTime) -> Silence {
        if self.evidence.is_none() {
            return Silence::NotDelivering;
        }
        if self.is_within(now) {
            return Silence::Within;
        }
        let fresh = Probe { since: now, verdict: Verdict::Open };
        match self.probe {
            None => {
                self.probe = Some(fresh);
                Silence::Probe
            }
            Some(probe) if now.since(probe.since) < PROBE_PATIENCE => Silence::Probing,
            Some(Probe { verdict: Verdict::Open, .. }) => {
                self.probe = Some(fresh);
                Silence::Unconfirmed(self.remedy(now))
            }
            Some(Probe { verdict: Verdict::Contradicted, .. }) => Silence::Dead,
        }
    }

    fn remedy(&mut self, now: MonoTime) -> Remedy {
        let patience = PROBE_PATIENCE * 2_u32.pow(self.remedies.saturating_sub(1).min(DOUBLINGS_MAX));
        if self.remedies > 0 && now.since(self.remedied) < patience {
            return Remedy::Wait;
        }
        self.remedies = self.remedies.saturating_add(1);
        self.remedied = now;
        Remedy::Resubscribe
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::WallTime;

    fn at(seconds: u64) -> MonoTime {
        MonoTime::from_nanos(seconds * 1_000_000_000)
    }

    fn read_at(mono: MonoTime) -> Now {
        Now { wall: WallTime::from_nanos(0), mono }
    }

    #[test]
    fn silence_is_probed_then_unconfirmed_and_evidence_ends_it() {
        let mut liveness = Liveness::new(Duration::from_secs(10));
        assert_eq!(liveness.assess(at(100)), Silence::NotDelivering);
        liveness.evidence(at(100));
        assert_eq!(liveness.assess(at(110)), Silence::Within);
        assert_eq!(liveness.assess(at(111)), Silence::Probe);
        assert_eq!(liveness.assess(at(115)), Silence::Probing);
        assert_eq!(liveness.assess(at(116)), Silence::Unconfirmed(Remedy::Resubscribe));
        assert_eq!(liveness.assess(at(117)), Silence::Probing);
        liveness.evidence(at(118));
        assert_eq!(liveness.assess(at(119)), Silence::Within);
    }

    #[test]
    fn a_contradicted_subscription_is_dead_unless_its_data_was_only_late() {
        let mut liveness = Liveness::new(Duration::from_secs(10));
        liveness.evidence(at(100));
        assert_eq!(liveness.assess(at(111)), Silence::Probe);
        liveness.contradicted();
        assert_eq!(liveness.assess(at(112)), Silence::Probing);
        assert_eq!(liveness.assess(at(116)), Silence::Dead);
        liveness.evidence(at(117));
        assert_eq!(liveness.assess(at(118)), Silence::Within);
    }

    #[test]
    fn a_subscription_is_made_anew_with_doubling_patience_while_no_probe_is_answered() {
        let mut liveness = Liveness::new(Duration::from_secs(10));
        let anew = |liveness: &mut Liveness, from: u64, to: u64| -> Vec<u64> {
            let is_due =
                |second: &u64| liveness.assess(at(*second)) == Silence::Unconfirmed(Remedy::Resubscribe);
            (from..to).filter(is_due).map(|second| second - from).collect()
        };
        liveness.evidence(at(100));
        // Ten seconds of silence, a probe of five; then 5, 10, 20, 40 seconds, and 80 from then on.
        assert_eq!(anew(&mut liveness, 100, 450), [16, 21, 31, 51, 91, 171, 251, 331]);
        liveness.evidence(at(1_000));
        assert_eq!(anew(&mut liveness, 1_000, 1_030), [16, 21], "evidence ends the doubling");
    }

    #[test]
    fn a_busy_subscription_is_probed_sooner_and_a_quiet_one_never_later_than_configured() {
        let millis = |millis: u64| MonoTime::from_nanos(millis * 1_000_000);
        for (pace_ms, threshold_ms) in [(10, 2_000), (500, 4_000), (5_000, 10_000)] {
            let mut liveness = Liveness::new(Duration::from_secs(10));
            (0..40).for_each(|step| liveness.data(read_at(millis(step * pace_ms))));
            let last = 39 * pace_ms;
            assert!(liveness.is_within(millis(last + threshold_ms)), "{pace_ms}");
            assert!(!liveness.is_within(millis(last + threshold_ms + 1)), "{pace_ms}");
        }
    }

    #[test]
    fn a_new_session_has_delivered_nothing() {
        let mut liveness = Liveness::new(Duration::from_secs(10));
        liveness.evidence(at(1));
        liveness.restart();
        assert!(!liveness.is_within(at(1)));
        assert_eq!(liveness.assess(at(1)), Silence::NotDelivering);
    }

    #[test]
    fn an_update_that_was_not_taken_ends_the_confirmation_until_the_next_evidence() {
        let mut liveness = Liveness::new(Duration::from_secs(10));
        liveness.data(read_at(at(100)));
        liveness.ignored();
        assert!(!liveness.is_within(at(100)));
        assert_eq!(liveness.silent_at(), Some(at(100)));
        assert_eq!(liveness.assess(at(101)), Silence::Probe);
        liveness.data(read_at(at(102)));
        assert_eq!(liveness.assess(at(112)), Silence::Within);
    }

    #[test]
    fn only_data_of_its_own_lets_a_subscription_vouch_for_another() {
        let mut one = Liveness::new(Duration::from_secs(10));
        let mut other = Liveness::new(Duration::from_secs(10));
        one.data(read_at(at(100)));
        assert_eq!(one.newer_than(&other), None, "the other has delivered nothing");
        other.data(read_at(at(99)));
        assert_eq!(one.newer_than(&other), Some(read_at(at(100))));
        other.evidence(at(100));
        assert_eq!((one.newer_than(&other), other.newer_than(&one)), (None, None));
        one.evidence(at(105));
        assert_eq!(one.newer_than(&other), None, "evidence from elsewhere is not its own data");
        one.data(read_at(at(106)));
        one.ignored();
        assert_eq!(one.newer_than(&other), None);
    }
}
