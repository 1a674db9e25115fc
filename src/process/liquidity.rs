//! The liquidity of one instrument: deltas and snapshots in, `liquidity` records out.
//!
//! Owns the book, its procedure and the record of its top levels. Never publishes a level whose better neighbours are
//! unknown; never asks for a second snapshot while one is under way.

use std::time::Duration;

use super::book::Book;
use super::depth_sync::{DepthSync, Progress};
use super::key::{AnyKey, Key, confirm_at, set_reason};
use super::outlet::Outlet;
use crate::domain::{
    DepthDelta, LiquidityRecord, MonoTime, Now, Reason, Scales, Side, Urgency, VenueSequence,
};

/// How long a snapshot may take before it is asked for again.
const SNAPSHOT_PATIENCE: Duration = Duration::from_secs(30);

/// The shortest time between two snapshots that only make the known part of the book deeper.
const REFRESH_PACE: Duration = Duration::from_secs(20);

/// The same where nothing of a side is known any more: the price has left what the last snapshot covered.
const BLANK_PACE: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(super) struct LiquidityKey {
    pub(super) key: Key<LiquidityRecord>,
    depth: usize,
    sync: DepthSync,
    asked: Option<MonoTime>,
    refreshed: MonoTime,
}

/// What the caller has to do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wish {
    Nothing,
    Snapshot,
}

impl LiquidityKey {
    pub(super) fn new(key: Key<LiquidityRecord>, depth: usize) -> Self {
        Self { key, depth, sync: DepthSync::new(), asked: None, refreshed: MonoTime::default() }
    }

    pub(super) const fn book(&self) -> &Book {
        self.sync.book()
    }

    /// A new session or subscription. A snapshot that is under way belongs to the old one: deltas between may be lost.
    pub(super) fn restart(&mut self) {
        self.key.restart();
        self.sync.restart();
        self.asked = None;
    }

    /// Applies a delta. The scales of key and book must hold its numbers, see [`Self::rescale`].
    pub(super) fn delta(
        &mut self,
        delta: &DepthDelta<'_>,
        received: Now,
        out: &mut Outlet<'_>,
    ) -> (Progress, Wish) {
        self.key.liveness.evidence(received.mono);
        let progress = self.sync.delta(delta);
        match progress {
            Progress::Applied => self.publish(received, out),
            Progress::Covered | Progress::Buffered | Progress::SnapshotTooOld => {}
            Progress::Gap | Progress::Unusable(_) => self.key.fail(Reason::SequenceGap, received, out),
        }
        (progress, self.wish(received.mono))
    }

    /// Takes the book of a snapshot. Where the stream was quiet beyond its threshold, the snapshot is also the probe: the
    /// same update id confirms the book, a later one says that deltas are missing.
    pub(super) fn snapshot(&mut self, book: Book, now: Now, out: &mut Outlet<'_>) -> (Progress, Wish) {
        if self.asked.take().is_none() {
            return (Progress::SnapshotTooOld, Wish::Nothing);
        }
        self.refreshed = now.mono;
        let before = self.sync.is_synced().then(|| self.sync.book().last());
        let progress = self.sync.snapshot(book);
        match progress {
            Progress::Applied if before == Some(self.sync.book().last()) && self.is_deep_enough() => {
                self.key.confirmed(now, out);
            }
            Progress::Applied => {
                self.key.liveness.contradicted();
                self.publish(now, out);
            }
            Progress::Covered | Progress::Buffered | Progress::SnapshotTooOld => {}
            Progress::Gap | Progress::Unusable(_) => self.key.fail(Reason::SequenceGap, now, out),
        }
        (progress, self.wish(now.mono))
    }

    /// The top of book, which agrees with the book's, was last changed by this update.
    pub(super) fn confirm_if_current(&mut self, top: Option<VenueSequence>, at: Now, out: &mut Outlet<'_>) {
        if self.sync.is_synced() && top.is_some_and(|top| top <= self.sync.book().last()) {
            self.key.confirmed(at, out);
        }
    }

    /// The snapshot could not be had.
    pub(super) const fn snapshot_failed(&mut self) {
        self.asked = None;
    }

    /// Whether a snapshot has to be fetched now; remembers that it was said.
    pub(super) fn wish(&mut self, now: MonoTime) -> Wish {
        let needed = if self.sync.is_synced() {
            let pace = if self.is_blank() { BLANK_PACE } else { REFRESH_PACE };
            !self.is_deep_enough() && now.since(self.refreshed) >= pace
        } else {
            self.key.liveness.is_within(now)
        };
        if needed { self.ask(now) } else { Wish::Nothing }
    }

    /// Asks for a snapshot where one can be joined to the stream, unless one is under way.
    pub(super) fn ask_again(&mut self, now: MonoTime) -> Wish {
        if self.sync.is_synced() { self.ask(now) } else { self.wish(now) }
    }

    /// Asks for a snapshot, whatever the book looks like, unless one is under way.
    pub(super) fn ask(&mut self, now: MonoTime) -> Wish {
        if self.asked.is_some_and(|asked| now.since(asked) < SNAPSHOT_PATIENCE) {
            return Wish::Nothing;
        }
        self.asked = Some(now);
        self.sync.begin_refresh();
        Wish::Snapshot
    }

    pub(super) fn rescale(&mut self, to: Scales) {
        let record = &mut self.key.record;
        let (price, size) = (record.scales.price_factor(to), record.scales.size_factor(to));
        for level in record.bids.iter_mut().chain(&mut record.asks) {
            level.price.0 *= price;
            level.size.0 *= size;
        }
        record.scales = to;
        self.sync.raise(to);
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

    /// Reads the record off the book. A book that is crossed although its sequence is whole is not to be trusted, nor is
    /// one with a blank side.
    fn publish(&mut self, at: Now, out: &mut Outlet<'_>) {
        let book = self.sync.book();
        let record = &mut self.key.record;
        book.top(Side::Buy, self.depth, &mut record.bids);
        book.top(Side::Sell, self.depth, &mut record.asks);
        record.scales = book.scales();
        record.venue_sequence = Some(book.last());
        record.checked_levels = u32::try_from(record.bids.len().max(record.asks.len())).ok();
        record.stamp.venue_time = book.venue_time();
        record.stamp.receive_time = at.wall.received();
        confirm_at(&mut record.stamp, at);
        let crossed = book.is_crossed();
        let reason = match (crossed, self.is_blank()) {
            (true, _) => Reason::CrossedBook,
            (false, true) => Reason::SequenceGap,
            (false, false) => Reason::None,
        };
        let transition = set_reason(&mut self.key.record.stamp, reason);
        self.key.push(transition.urgency_or(Urgency::Normal), at, out);
    }
}
