//! The procedures that make a book out of what a venue sends, and the rule that each update continues the one before.
//!
//! Owns the book and the deltas that wait for a snapshot. Never fetches anything: it says when a book has to begin anew.
//! Bounded as `buffer` and `book` are.
//!
//! Books that begin with a snapshot over REST. Binance, "How to manage a local order book correctly": (1) open the stream; (2)
//! buffer its events; (3) fetch a snapshot; (4) if its lastUpdateId is before the first event's `U`, fetch another one; (5)
//! drop events with `u <= lastUpdateId`; the first kept one has `U <= lastUpdateId + 1 <= u`; (6) every further event continues
//! the one before (`U = u + 1` of it), otherwise start again. Binance USD-M: the first kept event spans the snapshot (its `pu` is not
//! after it), every further one names the `u` of the one before as its `pu`.
//!
//! Books that begin in the stream: the image replaces everything, deltas continue it as their links say. What comes before
//! the image is passed over.

use super::book::Book;
use super::buffer::DeltaBuffer;
use crate::domain::{
    Anchor, BookImage, BookRules, Check, DepthDelta, Link, NumberError, VenueSequence, VenueTime,
};

/// Updates in a row that the book has already, after which the venue's numbering itself is in doubt.
const COVERED_MAX: u32 = 64;

/// What came of a delta, an image or a snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Progress {
    /// The book is the venue's book up to this update.
    Applied,
    /// It was there already (a duplicate, or older than the snapshot).
    Covered,
    /// It waits for a snapshot, or came before the stream's image.
    Buffered,
    /// Updates between the book and this one are missing. The book is void until it begins anew.
    Gap,
    /// The venue's checksum is another one. The book is void until it begins anew.
    Mismatch,
    /// The venue's time is before that of the book, and nothing else orders its updates or checks the outcome. A delta voids the book, an image is passed over.
    TimeWentBack,
    /// The snapshot is too old to meet the first delta that waits; another one is needed.
    SnapshotTooOld,
    /// A number that fits nowhere: the book is void.
    Unusable(NumberError),
}

#[derive(Debug)]
pub(super) struct DepthSync {
    rules: BookRules,
    book: Book,
    buffer: DeltaBuffer,
    phase: Phase,
    covered: u32,
    checksums: Checksums,
}

/// How many checksums the venue sent, and how many of those were ours, too.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Checksums {
    pub(super) compared: u64,
    pub(super) held: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// The book has not begun: deltas wait for a snapshot, or are passed over.
    Buffering,
    /// A snapshot stands and nothing was applied to it yet.
    Joining,
    /// Deltas are applied.
    Synced,
    /// Deltas are applied, and also kept for the snapshot that will replace the book.
    Refreshing,
}

impl DepthSync {
    pub(super) fn new(rules: BookRules) -> Self {
        Self {
            rules,
            book: Book::empty(),
            buffer: DeltaBuffer::default(),
            phase: Phase::Buffering,
            covered: 0,
            checksums: Checksums::default(),
        }
    }

    pub(super) const fn rules(&self) -> &BookRules {
        &self.rules
    }

    pub(super) const fn checksums(&self) -> Checksums {
        self.checksums
    }

    /// A new subscription: what is known of the stream no longer counts. The book stays readable, as the last known.
    pub(super) fn restart(&mut self) {
        self.phase = Phase::Buffering;
        self.covered = 0;
        self.buffer.clear();
    }

    /// A snapshot was asked for while the book is synced: deltas are kept from now on, so that it can be joined.
    pub(super) fn begin_refresh(&mut self) {
        if self.is_synced() && self.rules.anchor == Anchor::Rest {
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
            if self.rules.anchor == Anchor::Rest {
                self.buffer.push(delta);
            }
            return Progress::Buffered;
        }
        match self.order(delta) {
            Order::Next => {}
            Order::Same => return Progress::Covered,
            Order::Known => {
                self.covered += 1;
                return if self.covered < COVERED_MAX { Progress::Covered } else { self.void(Progress::Gap) };
            }
            Order::Gap => {
                let progress = self.void(Progress::Gap);
                if self.rules.anchor == Anchor::Rest {
                    self.buffer.push(delta);
                }
                return progress;
            }
            Order::Back => return self.void(Progress::TimeWentBack),
        }
        self.covered = 0;
        match self.phase {
            Phase::Refreshing => self.buffer.push(delta),
            Phase::Joining => self.phase = Phase::Synced,
            Phase::Buffering | Phase::Synced => {}
        }
        let applied = self.book.apply(delta);
        self.settle(applied, delta.check)
    }

    /// Takes a whole book from the stream.
    pub(super) fn image(&mut self, image: &BookImage<'_>) -> Progress {
        if self.is_synced() && image.last.is_none() && went_back(image.venue_time, self.book.venue_time()) {
            return Progress::TimeWentBack;
        }
        self.covered = 0;
        self.phase = Phase::Synced;
        let replaced = self.book.replace(image);
        self.settle(replaced, image.check)
    }

    /// What follows once the levels are in the book: the venue's window, and its checksum.
    fn settle(&mut self, applied: Result<(), NumberError>, check: Option<Check<'_>>) -> Progress {
        if let Err(error) = applied {
            return self.void(Progress::Unusable(error));
        }
        if let Some(window) = self.rules.window {
            self.book.keep_first(window);
        }
        if let (Some(sum), Some(checksum)) = (check.and_then(|check| check.sum), &self.rules.checksum) {
            self.checksums.compared += 1;
            if self.book.checksum(checksum) != Some(sum) {
                return self.void(Progress::Mismatch);
            }
            self.checksums.held += 1;
        }
        Progress::Applied
    }

    fn void(&mut self, progress: Progress) -> Progress {
        self.restart();
        progress
    }

    /// Takes a snapshot's book and the deltas that waited for it.
    pub(super) fn snapshot(&mut self, book: Book) -> Progress {
        self.buffer.discard_to(book.last());
        let too_old = match self.buffer.first() {
            Some(link) => !joins(book.last(), link),
            None => self.is_synced() && book.last() < self.book.last(),
        };
        if too_old {
            return Progress::SnapshotTooOld;
        }
        let scales = self.book.scales();
        self.book = book;
        self.book.raise(scales);
        self.phase = Phase::Joining;
        let (known, phase) = (&mut self.book, &mut self.phase);
        let joined = self.buffer.drain(|delta| {
            let continues = match *phase {
                Phase::Joining => joins(known.last(), delta.link),
                Phase::Buffering | Phase::Synced | Phase::Refreshing => continues(known.last(), delta.link),
            };
            *phase = Phase::Synced;
            if continues { known.apply(delta).map_err(Progress::Unusable) } else { Err(Progress::Gap) }
        });
        match joined {
            Ok(()) => Progress::Applied,
            Err(progress) => self.void(progress),
        }
    }

    /// Where a delta stands to the book.
    fn order(&self, delta: &DepthDelta<'_>) -> Order {
        let last = self.book.last();
        if delta.link == Link::Unsaid {
            // Where a checksum comes with it, that decides, whatever the times say.
            if delta.check.is_some_and(|check| check.sum.is_some()) {
                return Order::Next;
            }
            let back = went_back(delta.venue_time, self.book.venue_time());
            return if back { Order::Back } else { Order::Next };
        }
        if continues(last, delta.link) && (delta.last > last || matches!(delta.link, Link::After(_))) {
            // Also where the venue begins to count anew: the delta names the one before it.
            return if delta.last == last { Order::Same } else { Order::Next };
        }
        if delta.last <= last {
            return Order::Known;
        }
        if self.phase == Phase::Joining && joins(last, delta.link) { Order::Next } else { Order::Gap }
    }
}

enum Order {
    Next,
    Known,
    /// The venue says that nothing has changed.
    Same,
    Gap,
    Back,
}

/// Whether an update is the next one after `last`.
fn continues(last: Option<VenueSequence>, link: Link) -> bool {
    let last = last.map_or(0, |last| last.0);
    match link {
        Link::From(first) => first.0 <= last.saturating_add(1),
        Link::After(before) => before.0 == last,
        Link::Unsaid => true,
    }
}

/// Whether an update that ends after `last` is the first one to be applied to a snapshot at `last`.
fn joins(last: Option<VenueSequence>, link: Link) -> bool {
    match link {
        Link::After(before) => before.0 <= last.map_or(0, |last| last.0),
        Link::From(_) | Link::Unsaid => continues(last, link),
    }
}

fn went_back(time: Option<VenueTime>, known: Option<VenueTime>) -> bool {
    matches!((time, known), (Some(time), Some(known)) if time < known)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Coverage, DepthSnapshot, Number, RawLevel, Side};

    const RULES: BookRules =
        BookRules { anchor: Anchor::Rest, window: None, checksum: None, coverage: Coverage::Everything };

    fn level(price: i128) -> [RawLevel; 1] {
        let number = |mantissa| Number { mantissa, ..Number::ZERO };
        [RawLevel { price: number(price), size: number(1) }]
    }

    fn delta(first: u64, last: u64, bids: &[RawLevel]) -> DepthDelta<'_> {
        DepthDelta {
            link: Link::From(VenueSequence(first)),
            last: Some(VenueSequence(last)),
            bids,
            asks: &[],
            venue_time: None,
            check: None,
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
        let mut sync = DepthSync::new(RULES);
        for (first, last) in [(1, 5), (6, 10), (11, 15)] {
            assert_eq!(sync.delta(&delta(first, last, &level(last.into()))), Progress::Buffered);
        }
        assert_eq!(sync.snapshot(snapshot(7)), Progress::Applied);
        assert_eq!(sync.book().last(), Some(VenueSequence(15)));
        let mut bids = Vec::new();
        sync.book().top(Side::Buy, 10, &mut bids);
        assert_eq!(bids.iter().map(|level| level.price.0).collect::<Vec<_>>(), [15, 10], "5 was covered");
    }

    #[test]
    fn a_snapshot_before_the_first_delta_is_too_old() {
        let mut sync = DepthSync::new(RULES);
        sync.delta(&delta(11, 15, &[]));
        assert_eq!(sync.snapshot(snapshot(9)), Progress::SnapshotTooOld);
        assert_eq!(sync.snapshot(snapshot(10)), Progress::Applied);
    }

    #[test]
    fn a_snapshot_ahead_of_the_stream_waits_for_nothing_and_covers_what_it_holds() {
        let mut sync = DepthSync::new(RULES);
        sync.delta(&delta(1, 5, &[]));
        assert_eq!(sync.snapshot(snapshot(12)), Progress::Applied);
        assert_eq!(sync.delta(&delta(6, 10, &[])), Progress::Covered);
        assert_eq!(sync.delta(&delta(11, 14, &[])), Progress::Applied);
    }

    #[test]
    fn a_hole_voids_the_book_until_a_new_snapshot() {
        let mut sync = DepthSync::new(RULES);
        sync.delta(&delta(1, 5, &[]));
        sync.snapshot(snapshot(5));
        assert_eq!(sync.delta(&delta(6, 8, &[])), Progress::Applied);
        assert_eq!(sync.delta(&delta(6, 8, &[])), Progress::Covered, "a duplicate is no hole");
        assert_eq!(sync.delta(&delta(10, 12, &[])), Progress::Gap);
        assert!(!sync.is_synced());
        assert_eq!(sync.delta(&delta(13, 14, &[])), Progress::Buffered);
        assert_eq!(sync.snapshot(snapshot(11)), Progress::Applied);
        assert_eq!(sync.book().last(), Some(VenueSequence(14)));
    }

    #[test]
    fn a_refresh_loses_no_delta_that_came_between_its_request_and_its_snapshot() {
        let mut sync = DepthSync::new(RULES);
        sync.delta(&delta(1, 5, &[]));
        sync.snapshot(snapshot(5));
        sync.begin_refresh();
        for (first, last) in [(6, 8), (9, 12)] {
            assert_eq!(sync.delta(&delta(first, last, &level(last.into()))), Progress::Applied);
        }
        assert_eq!(sync.snapshot(snapshot(4)), Progress::SnapshotTooOld);
        assert_eq!(sync.book().last(), Some(VenueSequence(12)), "an old snapshot takes nothing back");
        assert_eq!(sync.snapshot(snapshot(8)), Progress::Applied);
        assert_eq!(sync.book().last(), Some(VenueSequence(12)));
        assert_eq!(sync.book().best(Side::Buy).map(|level| level.price.0), Some(12));
    }

    #[test]
    fn a_hole_inside_the_buffer_is_found_when_the_snapshot_joins() {
        let mut sync = DepthSync::new(RULES);
        sync.delta(&delta(1, 5, &[]));
        sync.delta(&delta(8, 9, &[]));
        assert_eq!(sync.snapshot(snapshot(3)), Progress::Gap);
        assert!(!sync.is_synced());
    }

    #[test]
    fn where_a_checksum_comes_with_a_delta_it_decides_and_not_the_time() {
        let checksum = Some(crate::domain::Checksum { levels: 1, compute: |_, _| 7 });
        let at = |nanos| Some(VenueTime::from_nanos(nanos));
        for (sum, expected) in [(Some(7), Progress::Applied), (None, Progress::TimeWentBack)] {
            let check = Some(Check { sum, bids: &[], asks: &[] });
            let mut sync = DepthSync::new(BookRules { anchor: Anchor::Stream, checksum, ..RULES });
            sync.image(&BookImage { last: None, bids: &[], asks: &[], venue_time: at(2), check: None });
            let link = Link::Unsaid;
            let earlier = DepthDelta { link, last: None, check, venue_time: at(1), ..delta(0, 0, &[]) };
            assert_eq!(sync.delta(&earlier), expected);
        }
    }
}
