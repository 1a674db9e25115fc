//! Where the values and events of one instrument go, and how many events may go there.
//!
//! Owns the limit per instrument and kind, and the counts. Never holds an event back: what is beyond the limit is dropped
//! and counted. Values have no limit here, they are conflated later.

use std::time::Duration;

use crate::domain::{
    EventDetail, EventKind, EventPolicy, InstrumentId, KeyEvent, MonoTime, Now, Reason, SlotId, State,
    Update, UpdateSink,
};

/// The time over which events are counted.
const WINDOW: Duration = Duration::from_secs(1);

const KINDS: usize = EventKind::ALL.len();

/// Changes of state that are named, between two looks; of further ones only the number is known.
pub const CHANGES_NAMED_MAX: usize = 16;

/// Changes of state since the last look.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    /// How many keys turned to each reason, in the order of [`Reason::ALL`].
    pub counts: [u64; REASONS],
    /// The first [`CHANGES_NAMED_MAX`] of them.
    pub named: Vec<(SlotId, State, Reason)>,
}

const REASONS: usize = Reason::ALL.len();

impl Changes {
    /// How many of them were to something else than live.
    #[must_use]
    pub fn doubts(&self) -> u64 {
        self.counts.iter().skip(1).sum()
    }

    fn note(&mut self, slot: SlotId, state: State, reason: Reason) {
        self.counts[usize::from(reason.code())] += 1;
        if self.named.len() < CHANGES_NAMED_MAX {
            self.named.push((slot, state, reason));
        }
    }
}

/// What all outlets of a feed share.
#[derive(Debug)]
pub(super) struct Outlets {
    policy: EventPolicy,
    paces: Vec<Pace>,
    told: [u64; KINDS],
    dropped: [u64; KINDS],
    changes: Changes,
}

impl Outlets {
    /// For so many instruments.
    pub(super) fn new(policy: EventPolicy, instruments: usize) -> Self {
        Self {
            policy,
            paces: vec![Pace::default(); instruments],
            told: [0; KINDS],
            dropped: [0; KINDS],
            changes: Changes::default(),
        }
    }

    /// That of an instrument, which must be one of those.
    #[inline]
    pub(super) fn of<'a>(&'a mut self, instrument: InstrumentId, sink: &'a mut dyn UpdateSink) -> Outlet<'a> {
        Outlet {
            sink,
            policy: &self.policy,
            pace: &mut self.paces[instrument.0 as usize],
            told: &mut self.told,
            dropped: &mut self.dropped,
            changes: &mut self.changes,
        }
    }

    /// Changes of state since the last call.
    pub(super) fn take_changes(&mut self) -> Changes {
        std::mem::take(&mut self.changes)
    }

    pub(super) const fn policy(&self) -> &EventPolicy {
        &self.policy
    }

    /// What was told before `now` counts against no limit any more.
    pub(super) fn restart(&mut self, now: MonoTime) {
        self.paces.fill(Pace([Window { since: now, events: 0 }; KINDS]));
    }

    /// Events told and events dropped since the last call, by kind.
    pub(super) fn take_counts(&mut self) -> ([u64; KINDS], [u64; KINDS]) {
        (std::mem::take(&mut self.told), std::mem::take(&mut self.dropped))
    }
}

/// What became of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Told {
    Yes,
    /// Its kind is off.
    Off,
    /// It is beyond the limit.
    Dropped,
}

/// Where the values and events of one instrument go.
pub(super) struct Outlet<'a> {
    sink: &'a mut dyn UpdateSink,
    pub(super) policy: &'a EventPolicy,
    pace: &'a mut Pace,
    told: &'a mut [u64; KINDS],
    dropped: &'a mut [u64; KINDS],
    changes: &'a mut Changes,
}

impl Outlet<'_> {
    #[inline]
    pub(super) fn update(&mut self, update: Update<'_>) {
        self.sink.update(update);
    }

    /// Counts a change of state, and tells of it. The value went out just before.
    pub(super) fn changed(&mut self, slot: SlotId, at: Now, state: State, reason: Reason) {
        self.changes.note(slot, state, reason);
        self.tell(slot, at, EventDetail::State { state, reason });
    }

    /// Tells of a value that went out just before.
    pub(super) fn tell(&mut self, slot: SlotId, at: Now, detail: EventDetail) -> Told {
        let kind = detail.kind();
        if !self.policy.kinds.contains(kind) {
            return Told::Off;
        }
        if !self.pace.admits(kind, at.mono, self.policy.per_second_max) {
            self.dropped[index(kind)] += 1;
            return Told::Dropped;
        }
        self.told[index(kind)] += 1;
        self.sink.event(KeyEvent { slot, time: at.wall, detail });
        Told::Yes
    }
}

/// How many events of each kind an instrument has had since when. A window begins with the first event after the one
/// before has ended, so that within any second at most twice the limit goes out.
#[derive(Debug, Clone, Copy, Default)]
struct Pace([Window; KINDS]);

#[derive(Debug, Clone, Copy, Default)]
struct Window {
    since: MonoTime,
    events: u32,
}

impl Pace {
    fn admits(&mut self, kind: EventKind, now: MonoTime, max: u32) -> bool {
        let window = &mut self.0[index(kind)];
        if now.since(window.since) >= WINDOW {
            *window = Window { since: now, events: 0 };
        }
        let admitted = window.events < max;
        window.events += u32::from(admitted);
        admitted
    }
}

/// The place in [`EventKind::ALL`].
const fn index(kind: EventKind) -> usize {
    kind.code() as usize - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_has_its_place_in_the_counts() {
        for (place, kind) in EventKind::ALL.into_iter().enumerate() {
            assert_eq!(index(kind), place);
        }
    }

    #[test]
    fn each_kind_has_a_limit_of_its_own_and_a_second_later_it_starts_anew() {
        let at = |millis: u64| MonoTime::from_nanos(millis * 1_000_000);
        let mut pace = Pace::default();
        let mut admitted = |kind, millis| pace.admits(kind, at(millis), 2);
        assert!(admitted(EventKind::State, 5_500) && admitted(EventKind::State, 5_600));
        assert!(!admitted(EventKind::State, 6_499), "the third within a second");
        assert!(admitted(EventKind::PriceMove, 6_499), "another kind");
        assert!(admitted(EventKind::State, 6_500) && admitted(EventKind::State, 7_499));
        assert!(!admitted(EventKind::State, 7_499));
        assert!(admitted(EventKind::State, 400_000));
        assert!(!Pace::default().admits(EventKind::State, at(0), 0), "none at all");
    }
}
