//! What the three keys of an instrument have in common: their state, their confirmation, their way out.
//!
//! Owns the rule that a change of state is published at once and ahead of other values, and that a quiet live key is
//! published again with a newer confirmed time. Never looks into a record but for its stamp.

use std::time::Duration;

use super::liveness::Liveness;
use crate::domain::{
    ConfirmedTime, LiquidityRecord, MonoTime, Now, PriceRecord, Reason, RecordRef, SlotId, Stamp, State,
    Update, UpdateSink, Urgency, VolumeRecord,
};

/// A record that a key can hold.
pub(super) trait Stamped {
    fn stamp(&self) -> &Stamp;
    fn stamp_mut(&mut self) -> &mut Stamp;
    fn as_record(&self) -> RecordRef<'_>;
}

macro_rules! stamped {
    ($($record:ident => $variant:ident),+) => {
        $(impl Stamped for $record {
            fn stamp(&self) -> &Stamp {
                &self.stamp
            }

            fn stamp_mut(&mut self) -> &mut Stamp {
                &mut self.stamp
            }

            fn as_record(&self) -> RecordRef<'_> {
                RecordRef::$variant(self)
            }
        })+
    };
}
stamped!(PriceRecord => Price, LiquidityRecord => Liquidity, VolumeRecord => Volume);

/// One key: its newest record, where it goes, and when it last went there.
#[derive(Debug)]
pub(super) struct Key<R> {
    slot: SlotId,
    confirm_every: Duration,
    pushed: MonoTime,
    pub(super) record: R,
    pub(super) liveness: Liveness,
}

/// Whether a stamp's state or reason became another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Transition {
    Changed,
    Same,
}

impl Transition {
    /// A change of state goes ahead of everything.
    pub(super) const fn urgency_or(self, otherwise: Urgency) -> Urgency {
        match self {
            Self::Changed => Urgency::First,
            Self::Same => otherwise,
        }
    }
}

impl<R: Stamped> Key<R> {
    pub(super) const fn new(slot: SlotId, record: R, confirm_every: Duration, silence: Duration) -> Self {
        Self {
            slot,
            confirm_every,
            pushed: MonoTime::from_nanos(0),
            record,
            liveness: Liveness::new(silence),
        }
    }

    pub(super) fn is_live(&self) -> bool {
        self.record.stamp().state == State::Live
    }

    pub(super) fn push(&mut self, urgency: Urgency, at: Now, sink: &mut dyn UpdateSink) {
        self.pushed = at.mono;
        sink.update(Update { slot: self.slot, record: self.record.as_record(), received: at.mono, urgency });
    }

    /// Moves the confirmed time to the last frame of the session, where WIRE.md lets it.
    pub(super) fn confirm(&mut self, heard: Option<Now>) {
        if let Some(heard) = heard.filter(|heard| self.liveness.is_within(heard.mono)) {
            confirm_at(self.record.stamp_mut(), heard);
        }
    }

    /// The venue said the same by another way than the subscription: a silent key is live again.
    pub(super) fn confirmed(&mut self, at: Now, sink: &mut dyn UpdateSink) {
        self.liveness.evidence(at.mono);
        confirm_at(self.record.stamp_mut(), at);
        let transition = match self.record.stamp().reason {
            Reason::Silent => set_reason(self.record.stamp_mut(), Reason::None),
            _ => Transition::Same,
        };
        self.push(transition.urgency_or(Urgency::Confirmation), at, sink);
    }

    /// Publishes the reason, once. A key that never had data stays "connecting" while its session comes and goes.
    pub(super) fn fail(&mut self, reason: Reason, now: Now, sink: &mut dyn UpdateSink) {
        if reason == Reason::Disconnected && self.record.stamp().reason == Reason::Connecting {
            return;
        }
        if set_reason(self.record.stamp_mut(), reason) == Transition::Changed {
            self.push(Urgency::First, now, sink);
        }
    }

    /// Publishes a live record again, with a newer confirmed time, when that is due.
    pub(super) fn confirm_if_due(&mut self, now: Now, heard: Option<Now>, sink: &mut dyn UpdateSink) {
        if self.is_live() && now.mono.since(self.pushed) >= self.confirm_every {
            self.confirm(heard);
            self.push(Urgency::Confirmation, now, sink);
        }
    }
}

/// Moves the confirmed time forward to `at`; never back.
pub(super) fn confirm_at(stamp: &mut Stamp, at: Now) {
    stamp.confirmed_time = stamp.confirmed_time.max(ConfirmedTime::from_nanos(at.wall.nanos()));
}

/// Sets the reason and the state that goes with it.
pub(super) fn set_reason(stamp: &mut Stamp, reason: Reason) -> Transition {
    if stamp.reason == reason {
        return Transition::Same;
    }
    stamp.reason = reason;
    stamp.state = match reason {
        Reason::None => State::Live,
        Reason::VenueHalt => State::Halted,
        Reason::Connecting
        | Reason::Disconnected
        | Reason::SequenceGap
        | Reason::ChecksumMismatch
        | Reason::CrossedBook
        | Reason::Congested
        | Reason::Silent
        | Reason::WriterStopping
        | Reason::TimeWentBack
        | Reason::SourcesDisagree
        | Reason::NoFirstData
        | Reason::RestoredFromHistory => State::Suspect,
    };
    Transition::Changed
}
