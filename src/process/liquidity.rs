//! The liquidity of one instrument: deltas and snapshots in, `liquidity` records out.
//!
//! Owns the book, its procedure and the record of its top levels. Never publishes a level whose better neighbours are
//! unknown; never asks for a second snapshot while one is under way.

use std::time::Duration;

use super::book::Book;
use super::contract;
use super::depth_sync::{Checksums, DepthSync, Progress};
use super::key::{AnyKey, Key, confirm_at};
use super::outlet::Outlet;
use crate::domain::{
    Anchor, BookImage, BookRules, Contract, Coverage, DepthDelta, DepthLevel, LiquidityRecord, MonoTime, Now,
    NumberError, Quote, RawLevel, Reach, Reason, Scales, Side, Urgency, VenueSequence, doubled,
};

/// How long a snapshot may take before it is asked for again.
const SNAPSHOT_PATIENCE: Duration = Duration::from_secs(30);

/// How long a new subscription may take to bring its image before it is asked for again.
const IMAGE_PATIENCE: Duration = Duration::from_secs(10);

/// How long the stream has to catch up with a snapshot: deltas that are still older then come from a venue that counts anew.
const JOINING_MAX: Duration = Duration::from_secs(3);

/// How long a book may stay crossed before it begins anew.
const CROSSED_PATIENCE: Duration = Duration::from_secs(2);

/// The shortest time between two snapshots, or images, that only make the known part of the book deeper.
const REFRESH_PACE: Duration = Duration::from_secs(20);

/// The same where nothing of a side is known any more: the price has left what the last snapshot covered.
const BLANK_PACE: Duration = Duration::from_secs(1);

/// How long a book must stand after its beginning for that to have held.
const HOLDS_AFTER: Duration = Duration::from_secs(1);

/// Before the third beginning in a row where none held; doubled with each further one. The second is asked for at once.
const FAILURE_PAUSE: Duration = Duration::from_millis(100);

/// The longest of those.
const FAILURE_PAUSE_MAX: Duration = Duration::from_secs(5);

#[derive(Debug)]
pub(super) struct LiquidityKey {
    pub(super) key: Key<LiquidityRecord>,
    depth: usize,
    contract: Contract,
    sync: DepthSync,
    asked: Option<MonoTime>,
    /// What the next snapshot is to show.
    reach: Reach,
    refreshed: MonoTime,
    crossed_since: Option<MonoTime>,
    /// Beginnings in a row that did not hold.
    failures: u32,
    pause_until: MonoTime,
}

/// What the caller has to do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wish {
    Nothing,
    /// Fetch one over REST.
    Snapshot(Reach),
    /// Make the subscription anew: it begins with the whole book.
    Image,
}

/// What is around a change of the book.
#[derive(Debug, Clone, Copy)]
pub(super) struct Arrival {
    /// When its frame was read.
    pub(super) received: Now,
    /// Why it is not to be trusted although it is in order; [`Reason::None`] = it is.
    pub(super) doubt: Reason,
    /// A quote was compared with a book that stands.
    pub(super) beside_book: bool,
}

impl LiquidityKey {
    pub(super) fn new(key: Key<LiquidityRecord>, depth: usize, rules: BookRules, contract: Contract) -> Self {
        Self {
            key,
            depth,
            contract,
            sync: DepthSync::new(rules),
            asked: None,
            reach: Reach::Near,
            refreshed: MonoTime::default(),
            crossed_since: None,
            failures: 0,
            pause_until: MonoTime::default(),
        }
    }

    pub(super) const fn anchor(&self) -> Anchor {
        self.sync.rules().anchor
    }

    pub(super) const fn checksums(&self) -> Checksums {
        self.sync.checksums()
    }

    pub(super) fn is_synced(&self) -> bool {
        self.sync.is_synced()
    }

    pub(super) const fn book(&self) -> &Book {
        self.sync.book()
    }

    /// A new session or subscription. A snapshot that is under way belongs to the old one: deltas between may be lost.
    pub(super) fn restart(&mut self) {
        self.key.restart();
        self.sync.restart();
        self.asked = None;
        self.reach = Reach::Near;
        self.failures = 0;
        self.pause_until = MonoTime::default();
    }

    /// A beginning did not hold, or none could be joined to the stream: the next one is asked for after a pause, which grows with each.
    /// A book that stood for [`HOLDS_AFTER`] begins anew at once.
    fn count_failure(&mut self, progress: Progress, now: MonoTime) {
        // A number that fits nowhere has a pace of its own: `Unreadable::ask`.
        if !matches!(progress, Progress::Gap | Progress::Mismatch | Progress::SnapshotTooOld) {
            return;
        }
        let held = now.since(self.refreshed) >= HOLDS_AFTER && progress != Progress::SnapshotTooOld;
        self.failures = if held { 0 } else { self.failures.saturating_add(1) };
        let pause = match self.failures.checked_sub(2) {
            None => Duration::ZERO,
            Some(times) => doubled(FAILURE_PAUSE, times, FAILURE_PAUSE_MAX),
        };
        self.pause_until = now.after(pause);
    }

    /// Applies a delta.
    pub(super) fn delta(
        &mut self,
        delta: &DepthDelta<'_>,
        arrival: Arrival,
        out: &mut Outlet<'_>,
    ) -> (Progress, Wish) {
        let mut progress = self.sync.delta(delta);
        let joining = arrival.received.mono.since(self.refreshed);
        if progress == Progress::Covered && self.sync.is_joining() && joining >= JOINING_MAX {
            progress = self.sync.give_up_joining(delta);
        }
        self.follow(progress, arrival, out)
    }

    /// Takes a whole book from the stream.
    pub(super) fn image(
        &mut self,
        image: &BookImage<'_>,
        arrival: Arrival,
        out: &mut Outlet<'_>,
    ) -> (Progress, Wish) {
        self.asked = None;
        self.refreshed = arrival.received.mono;
        // An image that begins a subscription is as old as its last change: that is not late. Where books are images again and
        // again, all but the first one can be.
        let rules = self.sync.rules();
        let repeats = self.sync.is_synced() && rules.coverage == Coverage::Nothing;
        let doubt = if repeats { arrival.doubt } else { Reason::None };
        let arrival = Arrival { doubt, ..arrival };
        let progress = self.sync.image(image);
        self.follow(progress, arrival, out)
    }

    fn follow(&mut self, progress: Progress, arrival: Arrival, out: &mut Outlet<'_>) -> (Progress, Wish) {
        let received = arrival.received;
        match progress {
            // What waits for a snapshot shows that the subscription delivers; nothing is live then.
            Progress::Applied | Progress::Unproved | Progress::Same | Progress::Buffered => {
                self.key.liveness.data(received);
            }
            Progress::Repeated => {}
            // The stream has yet to catch up with the snapshot.
            Progress::Covered if self.sync.is_joining() => {}
            Progress::Covered | Progress::TimeWentBack | Progress::Crossed => self.key.liveness.ignored(),
            Progress::Gap | Progress::Mismatch | Progress::SnapshotTooOld | Progress::Unusable(_) => {
                self.key.liveness.data(received);
            }
        }
        let progress = match progress {
            Progress::Unproved => {
                let arrival = Arrival { doubt: Reason::SequenceGap, ..arrival };
                self.publish(arrival, out).err().map_or(progress, Progress::Unusable)
            }
            Progress::Applied => self.publish(arrival, out).err().map_or(progress, Progress::Unusable),
            _ => progress,
        };
        if let Some(reason) = doubt(progress) {
            self.key.fail(reason, received, out);
        }
        self.count_failure(progress, received.mono);
        (progress, self.wish(received.mono))
    }

    /// Takes the book of a snapshot. Where the stream was quiet beyond its threshold, the snapshot is also the probe: the
    /// same update id confirms the book, a later one says that deltas are missing.
    ///
    /// `asked`: when the venue was asked for it. One from before an unreadable frame may lack what that has changed.
    pub(super) fn snapshot(
        &mut self,
        book: Book,
        asked: MonoTime,
        now: Now,
        out: &mut Outlet<'_>,
    ) -> (Progress, Wish) {
        if self.asked.take().is_none() {
            return (Progress::SnapshotTooOld, Wish::Nothing);
        }
        if !self.key.unreadable.is_known_at(asked) {
            return (Progress::SnapshotTooOld, self.wish(now.mono));
        }
        let before = self.sync.is_synced().then(|| self.sync.book().last());
        let mut progress = self.sync.snapshot(book);
        match progress {
            Progress::Applied if before == Some(self.sync.book().last()) && self.is_deep_enough() => {
                self.key.confirmed(now, out);
            }
            Progress::Applied => {
                self.key.liveness.contradicted();
                let arrival = Arrival { received: now, doubt: Reason::None, beside_book: false };
                progress = self.publish(arrival, out).err().map_or(progress, Progress::Unusable);
            }
            _ => {}
        }
        if let Some(reason) = doubt(progress) {
            self.key.fail(reason, now, out);
        }
        self.refreshed = now.mono;
        self.count_failure(progress, now.mono);
        (progress, self.wish(now.mono))
    }

    /// The top of book, which agrees with the book's, was last changed by this update.
    pub(super) fn confirm_if_current(&mut self, top: Option<VenueSequence>, at: Now, out: &mut Outlet<'_>) {
        if self.sync.is_synced() && top.is_some() && top <= self.sync.book().last() {
            self.key.confirmed(at, out);
        }
    }

    /// Whether the book begins with these levels, in the venue's own units.
    pub(super) fn shows(&self, quote: &Quote) -> bool {
        let top = self.best();
        let same = |one: Option<RawLevel>, other: Option<RawLevel>| match (one, other) {
            (Some(one), Some(other)) => is_same(one.price, other.price) && is_same(one.size, other.size),
            (None, None) => true,
            (Some(_), None) | (None, Some(_)) => false,
        };
        self.sync.is_proved() && same(top.bid, quote.bid) && same(top.ask, quote.ask)
    }

    /// The top of the book, in the venue's own units.
    pub(super) fn best(&self) -> Quote {
        let book = self.sync.book();
        let scales = book.scales();
        let level = |side| {
            book.best(side).map(|level| RawLevel {
                price: scales.price_number(level.price),
                size: scales.size_number(level.size),
            })
        };
        Quote {
            bid: level(Side::Buy),
            ask: level(Side::Sell),
            venue_sequence: book.last(),
            venue_time: book.venue_time(),
        }
    }

    /// What the venue's units are; nothing has come yet.
    pub(super) const fn set_contract(&mut self, contract: Contract) {
        self.contract = contract;
        self.key.record.size_unit = contract.unit;
    }

    /// The snapshot could not be had.
    pub(super) const fn snapshot_failed(&mut self) {
        self.asked = None;
    }

    /// Whether the book has to begin anew now; remembers that it was said.
    pub(super) fn wish(&mut self, now: MonoTime) -> Wish {
        if self.crossed_since.is_some_and(|since| now.since(since) >= CROSSED_PATIENCE) {
            self.crossed_since = None;
            self.sync.begin_anew();
        }
        if self.key.unreadable.is_void() {
            return self.begin_anew(now);
        }
        let needed = match (self.sync.is_synced(), self.anchor()) {
            (true, Anchor::Rest | Anchor::Stream) => {
                let pace = if self.is_blank() { BLANK_PACE } else { REFRESH_PACE };
                let is_dry = !self.is_deep_enough();
                if is_dry {
                    // What the market has left behind once it leaves behind again.
                    self.reach = Reach::Far;
                }
                is_dry && now.since(self.refreshed) >= pace
            }
            (false, Anchor::Rest | Anchor::Stream) => self.key.liveness.is_within(now),
        };
        if needed { self.ask(now) } else { Wish::Nothing }
    }

    /// Asks for a new beginning where one can be joined to the stream, unless one is under way.
    pub(super) fn ask_again(&mut self, now: MonoTime) -> Wish {
        if self.sync.is_synced() { self.ask(now) } else { self.wish(now) }
    }

    /// Asks for a new beginning, whatever the book looks like, unless one is under way.
    pub(super) fn ask(&mut self, now: MonoTime) -> Wish {
        let (patience, wish) = match self.anchor() {
            Anchor::Rest => (SNAPSHOT_PATIENCE, Wish::Snapshot(self.reach)),
            Anchor::Stream => (IMAGE_PATIENCE, Wish::Image),
        };
        if self.asked.is_some_and(|asked| now.since(asked) < patience) || now < self.pause_until {
            return Wish::Nothing;
        }
        self.asked = Some(now);
        self.sync.begin_refresh();
        wish
    }

    /// A frame of the stream was not understood: the book is void, and begins anew as often as such frames let it.
    pub(super) fn unreadable(&mut self, now: Now, out: &mut Outlet<'_>) -> Wish {
        self.key.fail(Reason::Undecodable, now, out);
        self.sync.begin_anew();
        self.crossed_since = None;
        self.begin_anew(now.mono)
    }

    /// Asks for a new beginning where an unreadable frame has voided the book and it is time to. What is under way may have been
    /// void by then.
    pub(super) fn begin_anew(&mut self, now: MonoTime) -> Wish {
        if !self.key.unreadable.ask(now) {
            return Wish::Nothing;
        }
        self.asked = None;
        self.ask(now)
    }

    /// Two channels of the venue contradict each other: the book is void.
    pub(super) fn doubt(&mut self, reason: Reason, now: Now, out: &mut Outlet<'_>) -> Wish {
        self.sync.begin_anew();
        self.key.fail(reason, now, out);
        self.ask(now.mono)
    }

    pub(super) fn rescale(&mut self, to: Scales) {
        let record = &mut self.key.record;
        let (price, size) = (record.scales.price_factor(to), record.scales.size_factor(to));
        for level in record.bids.iter_mut().chain(&mut record.asks) {
            level.price.0 *= price;
            level.size.0 *= size;
        }
        record.scales = to;
        if self.contract.is_plain() {
            self.sync.raise(to);
        }
    }

    /// The scales that its numbers need once they are in our units.
    ///
    /// # Errors
    /// [`NumberError`] where there are none.
    pub(super) fn scales(&self) -> Result<Scales, NumberError> {
        contract::scales(&self.contract, self.sync.book().scales())
    }

    fn is_deep_enough(&self) -> bool {
        self.has_levels(self.depth)
    }

    /// Whether a side shows nothing although there may be something: then "nobody bids" would be made up.
    fn is_blank(&self) -> bool {
        !self.has_levels(1)
    }

    fn has_levels(&self, depth: usize) -> bool {
        let book = self.sync.book();
        book.suffices(Side::Buy, self.key.record.bids.len(), depth)
            && book.suffices(Side::Sell, self.key.record.asks.len(), depth)
    }

    /// Reads the record off the book. A book that is crossed although it is in order is not to be trusted, nor is one with a
    /// blank side.
    fn publish(&mut self, arrival: Arrival, out: &mut Outlet<'_>) -> Result<(), NumberError> {
        let at = arrival.received;
        // An unreadable frame has voided the book: this one is complete.
        self.key.unreadable.whole();
        let needed = self.scales()?;
        let book = self.sync.book();
        let record = &mut self.key.record;
        book.top(Side::Buy, self.depth, &mut record.bids);
        book.top(Side::Sell, self.depth, &mut record.asks);
        record.scales = record.scales.raised_for(needed.price, needed.size);
        contract::convert(&self.contract, book.scales(), record.scales, &mut record.bids);
        contract::convert(&self.contract, book.scales(), record.scales, &mut record.asks);
        record.venue_sequence = book.last();
        record.checked_levels = checked_levels(self.sync.coverage(), &record.bids, &record.asks);
        record.stamp.venue_time = book.venue_time();
        record.stamp.receive_time = at.wall.received();
        confirm_at(&mut record.stamp, at);
        let crossed = book.is_crossed();
        self.crossed_since = crossed.then(|| self.crossed_since.unwrap_or(at.mono));
        let reason = match (crossed, self.is_blank()) {
            (true, _) => Reason::CrossedBook,
            (false, true) => Reason::SequenceGap,
            (false, false) => arrival.doubt,
        };
        let transition = self.key.set_reason(reason, at.mono);
        self.key.push(transition.urgency_or(Urgency::Normal), at, out);
        Ok(())
    }
}

/// Why a book that came to this is not to be trusted.
pub(super) const fn doubt(progress: Progress) -> Option<Reason> {
    match progress {
        Progress::Gap => Some(Reason::SequenceGap),
        Progress::Unusable(_) => Some(Reason::Undecodable),
        Progress::Mismatch => Some(Reason::ChecksumMismatch),
        Progress::TimeWentBack => Some(Reason::TimeWentBack),
        Progress::Crossed => Some(Reason::CrossedBook),
        // What was published says so already.
        Progress::Unproved => None,
        Progress::Applied
        | Progress::Covered
        | Progress::Repeated
        | Progress::Same
        | Progress::Buffered
        | Progress::SnapshotTooOld => None,
    }
}

fn checked_levels(coverage: Coverage, bids: &[DepthLevel], asks: &[DepthLevel]) -> Option<u32> {
    let shown = bids.len().max(asks.len());
    match coverage {
        Coverage::Nothing => None,
        Coverage::Top(most) => u32::try_from(shown.min(most)).ok(),
        Coverage::Everything => u32::try_from(shown).ok(),
    }
}

fn is_same(one: crate::domain::Number, other: crate::domain::Number) -> bool {
    let scale = one.scale.max(other.scale);
    one.mantissa_at(scale).is_ok() && one.mantissa_at(scale) == other.mantissa_at(scale)
}
