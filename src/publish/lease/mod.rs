//! Who writes a feed: its lease, as a state machine without a socket and without a clock.
//!
//! Owns what this engine believes about one lease, and when it asks Redis again. Never writes anything itself. Time is an
//! argument, on the engine's own monotonic clock: past its own deadline an engine has no authority, whatever Redis says.
//!
//! The lease keeps engines from doing the same work; it is no lock. What protects the values is the fence: who wakes up with an old
//! epoch is refused by the write script, key by key. The fence is forgotten when a key expires; by then the engine's own
//! deadline has long passed, and readers never go back while their copy lives.

mod terms;

use std::time::Duration;

use crate::domain::{Epoch, MonoTime, VERSION_MAX};

pub use terms::{Answer, Ask, Change, LeaseTimes, LostBy, Owner, mark};

/// A batch that was built within the deadline may reach Redis so much later: then its connection is given up.
pub const WRITE_TIMEOUT: Duration = super::pipeline::SILENCE_MAX;
/// A standby looks at the lease so often. Twice this and a round trip is what a graceful takeover costs.
pub const LOOK_EVERY: Duration = Duration::from_millis(40);
/// How long a lease must have been nobody's before the second in preference takes it; the third waits twice as long, ..
pub const PATIENCE: Duration = Duration::from_millis(40);
/// No engine is made to wait longer than this by its rank.
pub const PATIENCE_MAX: Duration = Duration::from_millis(400);
/// No epoch of ours is as great: far enough below [`VERSION_MAX`] that a greater one always exists. The scripts know it, too.
pub const EPOCH_END: u64 = 9_007_199_254_000_000;
const _: () = assert!(EPOCH_END + 1_000_000 / 2 < VERSION_MAX);
/// Whoever has handed a feed over does not ask for it again so soon: the engine that it was given to goes first.
pub const HANDED_OVER_FOR: Duration = Duration::from_millis(500);
/// After a failed question.
pub const ASK_AGAIN: Duration = Duration::from_millis(100);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Standby,
    Held {
        epoch: Epoch,
        since: MonoTime,
        deadline: MonoTime,
    },
    /// Given up at the end of the engine: the last values may still go, nothing is asked any more.
    Leaving {
        epoch: Epoch,
        deadline: MonoTime,
    },
    /// Nothing is written and nothing asked any more.
    Gone,
}

/// One feed's lease, as this engine sees it.
#[derive(Debug)]
pub struct Lease {
    times: LeaseTimes,
    state: State,
    /// The highest epoch that was ever seen.
    floor: u64,
    /// Engines that are to take it before this one.
    rank: u32,
    /// Since when it is known to be nobody's.
    free_since: Option<MonoTime>,
    /// Asked and not answered.
    asked: bool,
    /// The last question failed.
    failing: bool,
    /// The server of a new connection was not asked yet whether it knows this lease.
    unconfirmed: bool,
    release: Option<u64>,
    next_at: MonoTime,
}

impl Lease {
    /// A standby that asks at once.
    #[must_use]
    pub const fn new(times: LeaseTimes) -> Self {
        Self {
            times,
            state: State::Standby,
            floor: 0,
            rank: 0,
            free_since: None,
            asked: false,
            failing: false,
            unconfirmed: false,
            release: None,
            next_at: MonoTime::from_nanos(0),
        }
    }

    /// How long Redis keeps it after a renewal.
    #[must_use]
    pub const fn ttl(&self) -> Duration {
        self.times.ttl
    }

    /// The epoch to write with, if this engine may write now.
    #[must_use]
    #[inline]
    pub fn authority(&self, now: MonoTime) -> Option<Epoch> {
        match self.state {
            State::Held { epoch, deadline, .. } | State::Leaving { epoch, deadline } if now < deadline => {
                Some(epoch)
            }
            State::Standby | State::Held { .. } | State::Leaving { .. } | State::Gone => None,
        }
    }

    /// Since when it is held without interruption.
    #[must_use]
    pub const fn held_since(&self) -> Option<MonoTime> {
        match self.state {
            State::Held { since, .. } => Some(since),
            State::Standby | State::Leaving { .. } | State::Gone => None,
        }
    }

    /// When [`Self::poll`] is to be called at the latest.
    #[must_use]
    pub fn due(&self) -> MonoTime {
        let never = MonoTime::from_nanos(u64::MAX);
        let asking = if self.asked { never } else { self.next_at };
        match self.state {
            _ if self.release.is_some() => MonoTime::from_nanos(0),
            State::Standby => asking,
            State::Held { deadline, .. } => asking.min(deadline),
            State::Leaving { deadline, .. } => deadline,
            State::Gone => never,
        }
    }

    /// Time has passed: a lease whose deadline is over is lost.
    pub fn tick(&mut self, now: MonoTime) -> Change {
        match self.state {
            State::Held { deadline, .. } | State::Leaving { deadline, .. } if now >= deadline => {
                self.stand_down(LostBy::Lapsed, now)
            }
            State::Standby | State::Held { .. } | State::Leaving { .. } | State::Gone => Change::None,
        }
    }

    /// The question to send now, if one is due; it counts as asked until [`Self::answered`] or [`Self::failed`].
    pub fn poll(&mut self, now: MonoTime) -> Option<Ask> {
        if let Some(epoch) = self.release.take() {
            self.asked = true;
            return Some(Ask::Release { epoch });
        }
        if self.asked || now < self.next_at {
            return None;
        }
        let ask = match self.state {
            State::Leaving { .. } | State::Gone => return None,
            State::Held { epoch, .. } => Ask::Renew { epoch: epoch.get() },
            State::Standby if self.is_entitled(now) => Ask::Acquire { floor: self.floor },
            State::Standby => Ask::Look,
        };
        self.asked = true;
        Some(ask)
    }

    fn patience(&self) -> Duration {
        (PATIENCE * self.rank).min(PATIENCE_MAX)
    }

    fn is_entitled(&self, now: MonoTime) -> bool {
        self.rank == 0 || self.free_since.is_some_and(|since| now.since(since) >= self.patience())
    }

    /// An answer has come. `sent` = when its question was built.
    pub fn answered(&mut self, ask: Ask, sent: MonoTime, answer: Answer, now: MonoTime) -> Change {
        (self.asked, self.failing) = (false, false);
        // What was encoded past the deadline went nowhere: nothing is given back, the lease must be acquired anew.
        let lapsed = self.tick(now);
        if lapsed != Change::None {
            return lapsed;
        }
        let deadline = sent.after(self.times.authority());
        match (ask, answer.owner) {
            (Ask::Acquire { .. }, Owner::Asker) => self.acquired(answer.epoch, sent, deadline, now),
            (Ask::Renew { epoch }, Owner::Asker) => {
                if let State::Held { epoch: held, deadline: known, .. } = &mut self.state
                    && held.get() == epoch
                {
                    *known = deadline.max(*known);
                    self.next_at = sent.after(self.times.renew).max(now);
                    if std::mem::take(&mut self.unconfirmed) {
                        return Change::Confirmed;
                    }
                }
                Change::None
            }
            (Ask::Renew { epoch }, Owner::Other | Owner::Nobody) => {
                self.saw(answer.epoch);
                let ours = matches!(self.state, State::Held { epoch: held, .. } if held.get() == epoch);
                if ours { self.stand_down(LostBy::Taken, now) } else { Change::None }
            }
            (Ask::Acquire { .. } | Ask::Look, Owner::Other) => {
                self.saw(answer.epoch);
                self.free_since = None;
                self.next_at = now.after(LOOK_EVERY);
                Change::None
            }
            (Ask::Look | Ask::Acquire { .. }, Owner::Nobody) => {
                let since = *self.free_since.get_or_insert(now);
                self.next_at = since.after(self.patience()).max(now).min(now.after(LOOK_EVERY));
                Change::None
            }
            // Whoever looks knows what it holds; whoever released is done.
            (Ask::Look, Owner::Asker) | (Ask::Release { .. }, _) => {
                self.next_at = self.next_at.max(now.after(LOOK_EVERY));
                Change::None
            }
        }
    }

    fn acquired(&mut self, epoch: u64, sent: MonoTime, deadline: MonoTime, now: MonoTime) -> Change {
        let Some(epoch) =
            Epoch::new(epoch).filter(|epoch| epoch.get() >= self.floor && epoch.get() < EPOCH_END)
        else {
            // A greater epoch was seen since the question was asked: ask again, for a still greater one.
            self.next_at = now;
            return Change::None;
        };
        if self.state != State::Standby {
            return Change::None;
        }
        self.saw(epoch.get());
        self.free_since = None;
        self.next_at = sent.after(self.times.renew).max(now);
        self.state = State::Held { epoch, since: now, deadline };
        Change::Acquired(epoch)
    }

    /// No answer will come, or it was an error: one error must not stop the renewals.
    pub fn failed(&mut self, now: MonoTime) {
        (self.asked, self.failing) = (false, true);
        self.next_at = now.after(ASK_AGAIN);
    }

    /// Whether the last question failed: an engine that may not ask cannot take over.
    #[must_use]
    pub const fn is_failing(&self) -> bool {
        self.failing
    }

    /// There is a new connection: ask at once. Behind it may be a server that lost this lease in a failover and gave it away in a
    /// smaller epoch: values of ours would then replace the owner's, just before we hear of it.
    pub fn link_up(&mut self, now: MonoTime) {
        self.asked = false;
        self.unconfirmed = matches!(self.state, State::Held { .. });
        self.next_at = now;
    }

    /// Whether values may go to Redis, if there is authority.
    #[must_use]
    #[inline]
    pub const fn is_confirmed(&self) -> bool {
        !self.unconfirmed
    }

    /// A value of this epoch stands in Redis, greater than the one of ours that it refused.
    pub fn outranked(&mut self, in_place: u64, now: MonoTime) -> Change {
        self.saw(in_place);
        match self.state {
            State::Held { epoch, .. } | State::Leaving { epoch, .. } if epoch.get() < in_place => {
                self.stand_down(LostBy::Outranked, now)
            }
            State::Standby | State::Held { .. } | State::Leaving { .. } | State::Gone => Change::None,
        }
    }

    /// How many living engines are to have the feed rather than this one.
    pub const fn set_rank(&mut self, rank: u32) {
        self.rank = rank;
    }

    /// Gives the feed to the engine that prefers it: from now on nothing is written.
    pub fn hand_over(&mut self, now: MonoTime) -> Change {
        let State::Held { epoch, .. } = self.state else { return Change::None };
        self.release = Some(epoch.get());
        self.stand_down(LostBy::HandedOver, now)
    }

    /// The engine ends: the lease is released, and the last values may go until the deadline or until a standby has taken over.
    pub fn leave(&mut self) {
        if let State::Held { epoch, deadline, .. } = self.state {
            self.release = Some(epoch.get());
            self.unconfirmed = false;
            self.state = State::Leaving { epoch, deadline };
        } else {
            self.state = State::Gone;
        }
    }

    fn stand_down(&mut self, why: LostBy, now: MonoTime) -> Change {
        self.unconfirmed = false;
        self.state = match self.state {
            State::Leaving { .. } | State::Gone => State::Gone,
            State::Standby | State::Held { .. } => State::Standby,
        };
        self.free_since = None;
        self.next_at = match why {
            LostBy::Outranked | LostBy::Taken | LostBy::Lapsed => now,
            LostBy::HandedOver => now.after(HANDED_OVER_FOR),
        };
        Change::Lost(why)
    }

    /// What cannot be an epoch of ours is none: nothing could ever follow it.
    fn saw(&mut self, epoch: u64) {
        self.floor = if epoch < EPOCH_END { self.floor.max(epoch) } else { self.floor };
    }
}

#[cfg(test)]
mod tests;
