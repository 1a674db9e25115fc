//! What the three keys of an instrument have in common: their state, their confirmation, their way out.
//!
//! Owns the rule that a change of state is published at once, ahead of other values and with an event, and that a quiet key, live
//! or halted, is published again with a newer confirmed time. Never looks into a record but for its stamp.

use std::time::Duration;

use super::listing::Standing;
use super::liveness::Liveness;
use super::outlet::{Outlet, Told};
use super::unreadable::Unreadable;
use super::watch::{LiquidityWatch, PriceWatch, Watch};
use crate::domain::{
    ConfirmedTime, EventDetail, EventKind, EventPolicy, LiquidityRecord, MonoTime, Now, PriceRecord, Reason,
    RecordRef, SlotId, Stamp, State, Trading, Update, Urgency, VolumeRecord, WallTime,
};

/// How much earlier than WIRE.md wants it a value is confirmed: the timer adds a tick.
const CONFIRM_EARLIER: Duration = Duration::from_millis(150);

/// Between two looks at a key that waits for something.
const LOOK_AGAIN: Duration = Duration::from_millis(200);

/// A record that a key can hold.
pub(super) trait Stamped: Sized {
    /// What is watched in it.
    type Watch: Watch<Self>;

    fn stamp(&self) -> &Stamp;
    fn stamp_mut(&mut self) -> &mut Stamp;
    fn as_record(&self) -> RecordRef<'_>;

    /// Whether it holds a bid at or above an ask, which no reason's end makes right.
    fn is_crossed(&self) -> bool;

    /// Moves the stamps of this machine's clock.
    fn shift(&mut self, nanos: i64) {
        let stamp = self.stamp_mut();
        stamp.receive_time = stamp.receive_time.shifted(nanos);
        stamp.confirmed_time = stamp.confirmed_time.shifted(nanos);
    }
}

macro_rules! stamped {
    ($($record:ident => $variant:ident, $watch:ty, $crossed:expr);+) => {
        $(impl Stamped for $record {
            type Watch = $watch;

            fn stamp(&self) -> &Stamp {
                &self.stamp
            }

            fn stamp_mut(&mut self) -> &mut Stamp {
                &mut self.stamp
            }

            fn as_record(&self) -> RecordRef<'_> {
                RecordRef::$variant(self)
            }

            #[inline]
            fn is_crossed(&self) -> bool {
                let crossed: fn(&$record) -> bool = $crossed;
                crossed(self)
            }
        })+
    };
}
stamped!(
    PriceRecord => Price, PriceWatch,
    |record| matches!((record.bid, record.ask), (Some(bid), Some(ask)) if bid.price >= ask.price);
    LiquidityRecord => Liquidity, LiquidityWatch,
    |record| matches!((record.bids.first(), record.asks.first()), (Some(bid), Some(ask)) if bid.price >= ask.price);
    VolumeRecord => Volume, (), |_| false
);

/// One key: its newest record, where it goes, when it last went there, and with which verdict.
#[derive(Debug)]
pub(super) struct Key<R: Stamped> {
    /// `None` for a value that is kept for others' sake and published nowhere.
    slot: Option<SlotId>,
    confirm_every: Duration,
    pushed: MonoTime,
    told: Option<(State, Reason)>,
    /// What the venue says; a value that is right otherwise is halted while it does not trade.
    trading: Trading,
    /// What the venue's list says.
    standing: Standing,
    /// Since when.
    stands_since: WallTime,
    /// Whether it was ever right: before that there is nothing to doubt.
    had_data: HadData,
    watch: R::Watch,
    pub(super) record: R,
    pub(super) liveness: Liveness,
    pub(super) unreadable: Unreadable,
}

/// Whether a key was ever right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum HadData {
    No,
    Yes,
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
    pub(super) fn new(slot: Option<SlotId>, record: R, silence: Duration) -> Self {
        Self {
            slot,
            confirm_every: record.as_record().entity().confirmed_every().saturating_sub(CONFIRM_EARLIER),
            pushed: MonoTime::from_nanos(0),
            told: None,
            trading: Trading::Open,
            standing: Standing::Trading,
            stands_since: WallTime::from_nanos(0),
            had_data: HadData::No,
            watch: R::Watch::default(),
            record,
            liveness: Liveness::new(silence),
            unreadable: Unreadable::default(),
        }
    }

    pub(super) fn is_live(&self) -> bool {
        self.record.stamp().state == State::Live
    }

    /// Whether nothing speaks against the record, whether or not the venue trades.
    pub(super) fn is_right(&self) -> bool {
        self.record.stamp().state != State::Suspect
    }

    /// Sets the reason and the state that goes with it. What is doubtful is suspect, halted or not: nobody knows that it is the
    /// venue's last price. What is not is halted while the venue does not trade. After a frame that was not understood neither counts
    /// for a while.
    pub(super) fn set_reason(&mut self, reason: Reason, now: MonoTime) -> Transition {
        if reason == Reason::None {
            self.had_data = HadData::Yes;
        }
        let is_right = matches!(reason, Reason::None | Reason::VenueHalt);
        let reason = if is_right && !self.unreadable.is_clear(now) {
            Reason::Undecodable
        } else if is_right && self.record.is_crossed() {
            Reason::CrossedBook
        } else {
            reason
        };
        let reason = match (reason, self.halted()) {
            (Reason::None | Reason::VenueHalt, Trading::Halted) => Reason::VenueHalt,
            (Reason::VenueHalt, Trading::Open) => Reason::None,
            (reason, _) => self.standing.explains(reason),
        };
        set_reason(self.record.stamp_mut(), reason)
    }

    /// Whether the venue trades: neither its session nor its list says otherwise.
    fn halted(&self) -> Trading {
        if self.standing == Standing::NotTrading { Trading::Halted } else { self.trading }
    }

    /// Publishes the record as it is, and tells what is worth telling of it. A price move goes ahead of other values.
    #[inline]
    pub(super) fn push(&mut self, urgency: Urgency, at: Now, out: &mut Outlet<'_>) {
        let Some(slot) = self.slot else { return };
        let found = if self.is_live() {
            self.watch.look(&self.record, out.policy)
        } else {
            self.watch.forget(&self.record);
            Vec::new()
        };
        let moved = found.iter().any(|detail| detail.kind() == EventKind::PriceMove);
        let urgency = if moved { Urgency::First } else { urgency };
        self.pushed = at.mono;
        out.update(Update { slot, record: self.record.as_record(), received: at.mono, urgency });
        let Stamp { state, reason, .. } = *self.record.stamp();
        let before = self.told.replace((state, reason));
        if before.is_some_and(|before| before != (state, reason)) {
            out.changed(slot, at, state, reason);
        }
        for detail in found {
            out.tell(slot, at, detail);
        }
    }

    /// Tells of the value that was pushed last.
    pub(super) fn tell(&self, at: Now, detail: EventDetail, out: &mut Outlet<'_>) -> Told {
        self.slot.map_or(Told::Dropped, |slot| out.tell(slot, at, detail))
    }

    /// Whether it is published at all.
    pub(super) const fn is_published(&self) -> bool {
        self.slot.is_some()
    }

    /// A new session or subscription: nothing from before it vouches for the value, or is a reference for later ones.
    pub(super) fn restart(&mut self) {
        self.liveness.restart();
        self.watch.forget(&self.record);
    }

    /// Moves the confirmed time to the last frame of the session, where WIRE.md lets it.
    pub(super) fn confirm(&mut self, heard: Option<Now>) {
        if let Some(heard) = heard.filter(|heard| self.liveness.is_within(heard.mono)) {
            confirm_at(self.record.stamp_mut(), heard);
        }
    }

    /// The venue said the same by another way than the subscription: a silent key is live again, and so is one that came late.
    pub(super) fn confirmed(&mut self, at: Now, out: &mut Outlet<'_>) {
        if self.standing == Standing::Missing {
            // A venue may answer for what it has taken off its list; only data shows that it still trades.
            return;
        }
        self.liveness.evidence(at.mono);
        confirm_at(self.record.stamp_mut(), at);
        self.unreadable.whole();
        let transition = match self.record.stamp().reason {
            Reason::Silent | Reason::Congested | Reason::VenueHalt | Reason::Undecodable => {
                self.set_reason(Reason::None, at.mono)
            }
            _ => Transition::Same,
        };
        self.push(transition.urgency_or(Urgency::Confirmation), at, out);
    }

    /// When it has to be confirmed or doubted; `None` where nothing has come that could be. One that is not live, or is being probed,
    /// is looked at now and then.
    pub(super) fn next_look(&self, now: MonoTime) -> Option<MonoTime> {
        let silent = self.liveness.silent_at()?;
        Some(if self.is_right() && silent > now {
            silent.min(self.pushed.after(self.confirm_every))
        } else {
            now.after(LOOK_AGAIN)
        })
    }

    /// Something speaks against a value that is right otherwise.
    pub(super) fn doubt(&mut self, reason: Reason, now: Now, out: &mut Outlet<'_>) {
        if self.is_right() {
            self.fail(reason, now, out);
        }
    }

    /// What spoke against it does so no longer.
    pub(super) fn agree(&mut self, reason: Reason, now: Now, out: &mut Outlet<'_>) {
        if self.record.stamp().reason == reason {
            self.set_reason(Reason::None, now.mono);
            self.push(Urgency::First, now, out);
        }
    }

    /// A value that is complete again, and on probation, is believed once that is over.
    pub(super) fn settle(&mut self, now: Now, out: &mut Outlet<'_>) {
        if self.record.stamp().reason == Reason::Undecodable && self.unreadable.is_clear(now.mono) {
            self.set_reason(Reason::None, now.mono);
            self.push(Urgency::First, now, out);
        }
    }

    /// Publishes a record that is live or halted again, with a newer confirmed time, when that is due.
    pub(super) fn confirm_if_due(&mut self, now: Now, heard: Option<Now>, out: &mut Outlet<'_>) {
        if self.is_right() && now.mono.since(self.pushed) >= self.confirm_every {
            self.confirm(heard);
            self.push(Urgency::Confirmation, now, out);
        }
    }
}

/// A key of any entity.
pub(super) trait AnyKey {
    /// Publishes the record as it is.
    fn announce(&mut self, now: Now, out: &mut Outlet<'_>);

    /// Publishes the reason, once. A key that never had data stays "connecting" while its session comes and goes. Whatever fails a key
    /// as undecodable is counted as a frame that was not understood: the key is suspect until something complete comes.
    fn fail(&mut self, reason: Reason, now: Now, out: &mut Outlet<'_>);

    /// Moves its stamps of this machine's clock by so many nanoseconds: that clock was set.
    fn shift(&mut self, nanos: i64);

    /// The venue trades, or does not: a live value is halted at once, a halted one live with the next proof.
    fn trading(&mut self, trading: Trading, now: Now, out: &mut Outlet<'_>);

    /// Whether the subscription has delivered anything on this session, or the key was ever right.
    fn has_delivered(&self) -> bool;

    /// What the venue's list says.
    fn standing(&self) -> Standing;

    /// Since when it says so.
    fn stands_since(&self) -> WallTime;

    /// What the list says at the start; nothing is published.
    fn begin(&mut self, standing: Standing, now: Now);

    /// The list says this from now on: a live value is halted at once, and suspect where the list has lost the instrument and nothing
    /// comes for it.
    fn stand(&mut self, standing: Standing, now: Now, out: &mut Outlet<'_>);

    /// Publishes the record as it is, ahead of other values, and tells who wanted that.
    fn invalidate(&mut self, who: &str, why: &str, now: Now, out: &mut Outlet<'_>) -> Told;

    /// A live value, as it stands, is what later ones are compared with.
    fn renew(&mut self, policy: &EventPolicy);
}

impl<R: Stamped> AnyKey for Key<R> {
    fn announce(&mut self, now: Now, out: &mut Outlet<'_>) {
        self.push(Urgency::Normal, now, out);
    }

    fn fail(&mut self, reason: Reason, now: Now, out: &mut Outlet<'_>) {
        if reason == Reason::Undecodable {
            self.unreadable.frame(now.mono);
            // Nothing that came before vouches for it.
            self.liveness.ignored();
        }
        if reason == Reason::Disconnected && self.record.stamp().reason == Reason::Connecting {
            return;
        }
        if self.had_data == HadData::No && self.standing.outlasts(reason) {
            return;
        }
        if self.set_reason(reason, now.mono) == Transition::Changed {
            self.push(Urgency::First, now, out);
        }
    }

    fn shift(&mut self, nanos: i64) {
        self.record.shift(nanos);
    }

    fn trading(&mut self, trading: Trading, now: Now, out: &mut Outlet<'_>) {
        self.trading = trading;
        // The end of a halt proves nothing: what comes next does, or what confirms the value.
        if trading == Trading::Halted && self.is_live() {
            self.fail(Reason::VenueHalt, now, out);
        }
    }

    fn has_delivered(&self) -> bool {
        self.had_data == HadData::Yes || self.liveness.has_delivered()
    }

    fn standing(&self) -> Standing {
        self.standing
    }

    fn stands_since(&self) -> WallTime {
        self.stands_since
    }

    fn begin(&mut self, standing: Standing, now: Now) {
        (self.standing, self.stands_since) = (standing, now.wall);
        match standing {
            Standing::Trading => {}
            Standing::NotTrading => {
                set_reason(self.record.stamp_mut(), Reason::VenueHalt);
            }
            Standing::Missing => {
                set_reason(self.record.stamp_mut(), Reason::NotListed);
            }
        }
    }

    fn stand(&mut self, standing: Standing, now: Now, out: &mut Outlet<'_>) {
        let before = std::mem::replace(&mut self.standing, standing);
        self.stands_since = now.wall;
        let reason = self.record.stamp().reason;
        let waits = self.had_data == HadData::No;
        let next = match standing {
            // The word alone proves nothing: what comes next does, or what confirms the value.
            Standing::Trading if reason == Reason::NotListed => Some(Reason::Connecting),
            Standing::Trading if waits && reason == Reason::VenueHalt && before == Standing::NotTrading => {
                Some(Reason::Connecting)
            }
            Standing::Trading => None,
            Standing::NotTrading if waits || reason == Reason::NotListed => Some(Reason::VenueHalt),
            Standing::NotTrading => self.is_live().then_some(Reason::VenueHalt),
            Standing::Missing => (!self.liveness.is_within(now.mono)).then_some(Reason::NotListed),
        };
        let Some(next) = next else { return };
        if set_reason(self.record.stamp_mut(), next) == Transition::Changed {
            self.push(Urgency::First, now, out);
        }
    }

    fn invalidate(&mut self, who: &str, why: &str, now: Now, out: &mut Outlet<'_>) -> Told {
        self.push(Urgency::First, now, out);
        self.tell(now, EventDetail::Invalidated { who: who.into(), why: why.into() }, out)
    }

    fn renew(&mut self, policy: &EventPolicy) {
        self.watch.clear();
        if self.is_live() {
            // The first look finds a reference and nothing to tell.
            let _ = self.watch.look(&self.record, policy);
        }
    }
}

/// Moves the confirmed time forward to `at`; never back.
pub(super) fn confirm_at(stamp: &mut Stamp, at: Now) {
    stamp.confirmed_time = stamp.confirmed_time.max(ConfirmedTime::from_nanos(at.wall.nanos()));
}

fn set_reason(stamp: &mut Stamp, reason: Reason) -> Transition {
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
        | Reason::RestoredFromHistory
        | Reason::Undecodable
        | Reason::NotListed
        | Reason::Refused => State::Suspect,
    };
    Transition::Changed
}
