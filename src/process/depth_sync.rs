//! The procedure that joins a depth snapshot and the stream of deltas.
//!
//! Owns the book, the deltas that wait for a snapshot, and the continuity rule. Never fetches anything: it says when a
//! snapshot is needed. Bounded as `buffer` and `book` are.
//!
//! Binance, "How to manage a local order book correctly": (1) open the stream; (2) buffer its events; (3) fetch a
//! snapshot; (4) if its lastUpdateId is before the first event's `U`, fetch another one; (5) drop events with
//! `u <= lastUpdateId`; the first kept one has `U <= lastUpdateId + 1 <= u`; (6) every further event continues the one
//! before (`U = u + 1` of it), otherwise start again.

use super::book::Book;
use super::buffer::DeltaBuffer;
use crate::domain::{DepthDelta, NumberError, VenueSequence};

/// What came of a delta or a snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Progress {
    /// The book is the venue's book up to this update.
    Applied,
    /// It was there already (a duplicate, or older than the snapshot).
    Covered,
    /// It waits for a snapshot.
    Buffered,
    /// Updates between the book and this one are missing. The book is void; deltas are buffered from this one on.
    Gap,
    /// The snapshot is too old to meet the first delta that waits; another one is needed.
    SnapshotTooOld,
    /// A number that fits nowhere: the book is void.
    Unusable(NumberError),
}

#[derive(Debug)]
pub(super) struct DepthSync {
    book: Book,
    buffer: DeltaBuffer,
    phase: Phase,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Deltas wait for a snapshot.
    Buffering,
    /// Deltas are applied.
    Synced,
    /// Deltas are applied, and also kept for the snapshot that will replace the book.
    Refreshing,
}

impl DepthSync {
    pub(super) fn new() -> Self {
        Self { book: Book::empty(), buffer: DeltaBuffer::default(), phase: Phase::Buffering }
    }

    /// A new subscription: what is known of the stream no longer counts. The book stays readable, as the last known.
    pub(super) fn restart(&mut self) {
        self.phase = Phase::Buffering;
        self.buffer.clear();
    }

    /// A snapshot was asked for while the book is synced: deltas are kept from now on, so that it can be joined.
    pub(super) fn begin_refresh(&mut self) {
        if self.phase == Phase::Synced {
            self.phase = Phase::Refreshing;
            self.buffer.clear();
        }
    }

    pub(super) fn is_synced(&self) -> bool {
        self.phase != Phase::Buffering
    }

    pub(super) const fn book(&self) -> &Book {
        &self.book
    }

    pub(super) fn raise(&mut self, scales: crate::domain::Scales) {
        self.book.raise(scales);
    }

    pub(super) fn delta(&mut self, delta: &DepthDelta<'_>) -> Progress {
        if self.phase == Phase::Buffering {
            self.buffer.push(delta);
            return Progress::Buffered;
        }
        if delta.last <= self.book.last() {
            return Progress::Covered;
        }
        if !continues(self.book.last(), delta) {
            self.restart();
            self.buffer.push(delta);
            return Progress::Gap;
        }
        if self.phase == Phase::Refreshing {
            self.buffer.push(delta);
        }
        match self.book.apply(delta) {
            Ok(()) => Progress::Applied,
            Err(error) => {
                self.restart();
                Progress::Unusable(error)
            }
        }
    }

    /// Takes a snapshot's book and the deltas that waited for it.
    pub(super) fn snapshot(&mut self, book: Book) -> Progress {
        self.buffer.discard_to(book.last());
        let too_old = match self.buffer.first() {
            Some(first) => first.0 > book.last().0.saturating_add(1),
            None => self.is_synced() && book.last() < self.book.last(),
        };
        if too_old {
            return Progress::SnapshotTooOld;
        }
        let scales = self.book.scales();
        self.book = book;
        self.book.raise(scales);
        let joined = self.buffer.drain(|delta| {
            if continues(self.book.last(), delta) {
                self.book.apply(delta).map_err(Progress::Unusable)
            } else {
                Err(Progress::Gap)
            }
        });
        self.phase = if joined.is_ok() { Phase::Synced } else { Phase::Buffering };
        joined.err().unwrap_or(Progress::Applied)
    }
}

fn continues(last: VenueSequence, delta: &DepthDelta<'_>) -> bool {
    delta.first.0 <= last.0.saturating_add(1) && last < delta.last
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{DepthSnapshot, Number, RawLevel, Side};

    fn level(price: i128) -> [RawLevel; 1] {
        let number = |mantissa| Number { mantissa, ..Number::ZERO };
        [RawLevel { price: number(price), size: number(1) }]
    }

    fn delta(first: u64, last: u64, bids: &[RawLevel]) -> DepthDelta<'_> {
        DepthDelta {
            first: VenueSequence(first),
            last: VenueSequence(last),
            bids,
            asks: &[],
            venue_time: None,
        }
    }

    fn snapshot(last: u64) -> Book {
        Book::from_snapshot(&DepthSnapshot {
            last: VenueSequence(last),
            bids: Vec::new(),
            asks: Vec::new(),
            limit: 10,
            venue_time: None,
        })
        .expect("empty fits")
    }

    #[test]
    fn a_snapshot_in_the_middle_of_the_buffer_joins_and_older_deltas_are_dropped() {
        let mut sync = DepthSync::new();
        for (first, last) in [(1, 5), (6, 10), (11, 15)] {
            assert_eq!(sync.delta(&delta(first, last, &level(last.into()))), Progress::Buffered);
        }
        assert_eq!(sync.snapshot(snapshot(7)), Progress::Applied);
        assert_eq!(sync.book().last(), VenueSequence(15));
        let mut bids = Vec::new();
        sync.book().top(Side::Buy, 10, &mut bids);
        assert_eq!(bids.iter().map(|level| level.price.0).collect::<Vec<_>>(), [15, 10], "5 was covered");
    }

    #[test]
    fn a_snapshot_before_the_first_delta_is_too_old() {
        let mut sync = DepthSync::new();
        sync.delta(&delta(11, 15, &[]));
        assert_eq!(sync.snapshot(snapshot(9)), Progress::SnapshotTooOld);
        assert_eq!(sync.snapshot(snapshot(10)), Progress::Applied);
    }

    #[test]
    fn a_snapshot_ahead_of_the_stream_waits_for_nothing_and_covers_what_it_holds() {
        let mut sync = DepthSync::new();
        sync.delta(&delta(1, 5, &[]));
        assert_eq!(sync.snapshot(snapshot(12)), Progress::Applied);
        assert_eq!(sync.delta(&delta(6, 10, &[])), Progress::Covered);
        assert_eq!(sync.delta(&delta(11, 14, &[])), Progress::Applied);
    }

    #[test]
    fn a_hole_voids_the_book_until_a_new_snapshot() {
        let mut sync = DepthSync::new();
        sync.delta(&delta(1, 5, &[]));
        sync.snapshot(snapshot(5));
        assert_eq!(sync.delta(&delta(6, 8, &[])), Progress::Applied);
        assert_eq!(sync.delta(&delta(6, 8, &[])), Progress::Covered, "a duplicate is no hole");
        assert_eq!(sync.delta(&delta(10, 12, &[])), Progress::Gap);
        assert!(!sync.is_synced());
        assert_eq!(sync.delta(&delta(13, 14, &[])), Progress::Buffered);
        assert_eq!(sync.snapshot(snapshot(11)), Progress::Applied);
        assert_eq!(sync.book().last(), VenueSequence(14));
    }

    #[test]
    fn a_refresh_loses_no_delta_that_came_between_its_request_and_its_snapshot() {
        let mut sync = DepthSync::new();
        sync.delta(&delta(1, 5, &[]));
        sync.snapshot(snapshot(5));
        sync.begin_refresh();
        for (first, last) in [(6, 8), (9, 12)] {
            assert_eq!(sync.delta(&delta(first, last, &level(last.into()))), Progress::Applied);
        }
        assert_eq!(sync.snapshot(snapshot(4)), Progress::SnapshotTooOld);
        assert_eq!(sync.book().last(), VenueSequence(12), "an old snapshot takes nothing back");
        assert_eq!(sync.snapshot(snapshot(8)), Progress::Applied);
        assert_eq!(sync.book().last(), VenueSequence(12));
        assert_eq!(sync.book().best(Side::Buy).map(|level| level.price.0), Some(12));
    }

    #[test]
    fn a_hole_inside_the_buffer_is_found_when_the_snapshot_joins() {
        let mut sync = DepthSync::new();
        sync.delta(&delta(1, 5, &[]));
        sync.delta(&delta(8, 9, &[]));
        assert_eq!(sync.snapshot(snapshot(3)), Progress::Gap);
        assert!(!sync.is_synced());
    }
}
