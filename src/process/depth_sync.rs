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
//! the image is passed over. Where every message is an image and only its time orders it, an older or a crossed one replaces nothing.

use super::book::{self, Book};
use super::buffer::DeltaBuffer;
use crate::domain::{
    Anchor, BookImage, BookRules, Check, Coverage, DepthDelta, Link, NumberError, VenueSequence, VenueTime,
};

/// Updates in a row below what the book has, after which the venue counts anew, until shown otherwise. One alone is a straggler.
const COVERED_MAX: u32 = 2;

/// Images in a row that do not replace the book, after which the book itself is in doubt: the next one is taken.
const REFUSED_MAX: u32 = 2;

/// What came of a delta, an image or a snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Progress {
    /// The book is the venue's book up to this update.
    Applied,
    /// Applied, but neither a link nor a checksum says that nothing is missing, at a venue that promises one: the book is suspect.
    Unproved,
    /// It is older than what the book has.
    Covered,
    /// It is what the book had last, once more: it says nothing of what came since.
    Repeated,
    /// The venue says that nothing has changed.
    Same,
    /// It waits for a snapshot, or came before the stream's image.
    Buffered,
    /// Updates between the book and this one are missing. The book is void until it begins anew.
    Gap,
    /// The venue's checksum is another one. The book is void until it begins anew.
    Mismatch,
    /// The venue's time is before that of the book, and nothing else orders its updates or checks the outcome. A delta voids the book, an image is passed over.
    TimeWentBack,
    /// An image of its own, with the bid not below the ask, came for a book that stands: it is passed over.
    Crossed,
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
    /// The last number that this subscription brought, whatever became of it: no snapshot below it is the book.
    newest: Option<VenueSequence>,
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
    /// A snapshot or an image stands and nothing was applied to it yet.
    Joining,
    /// Deltas are applied.
    Synced,
    /// Deltas are applied, and nothing proves that none is missing.
    Unproved,
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
            newest: None,
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
        self.newest = None;
        self.begin_anew();
    }

    /// The book is void; the subscription goes on.
    pub(super) fn begin_anew(&mut self) {
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

    /// Whether the stream has yet to catch up with the snapshot or image that the book began with.
    pub(super) fn is_joining(&self) -> bool {
        self.phase == Phase::Joining
    }

    /// Whether the book stands, and the venue's check with it.
    pub(super) fn is_proved(&self) -> bool {
        self.is_synced() && self.phase != Phase::Unproved
    }

    /// What the venue's check covers of the book as it is: where the venue has stopped to count, its checksum alone.
    pub(super) fn coverage(&self) -> Coverage {
        match (self.rules.coverage, self.book.last(), &self.rules.checksum) {
            (Coverage::Everything, None, Some(checksum)) => Coverage::Top(checksum.levels),
            (coverage, ..) => coverage,
        }
    }

    pub(super) const fn book(&self) -> &Book {
        &self.book
    }

    pub(super) fn raise(&mut self, scales: crate::domain::Scales) {
        self.book.raise(scales);
    }

    pub(super) fn delta(&mut self, delta: &DepthDelta<'_>) -> Progress {
        let progress = self.take(delta);
        if !matches!(progress, Progress::Covered | Progress::Repeated) {
            self.newest = delta.last;
        }
        progress
    }

    fn take(&mut self, delta: &DepthDelta<'_>) -> Progress {
        if self.phase == Phase::Buffering {
            if self.rules.anchor == Anchor::Rest {
                self.buffer.push(delta);
            }
            return Progress::Buffered;
        }
        match self.order(delta) {
            Order::Next => {}
            Order::Same => {
                self.covered = 0;
                return Progress::Same;
            }
            Order::Repeated => return Progress::Repeated,
            // A snapshot may be far ahead of the stream.
            Order::Known if self.phase == Phase::Joining => return Progress::Covered,
            Order::Known => {
                self.covered += 1;
                return if self.covered < COVERED_MAX { Progress::Covered } else { self.begin_at(delta) };
            }
            Order::Gap => return self.begin_at(delta),
            Order::Back => return self.void(Progress::TimeWentBack),
        }
        self.covered = 0;
        match self.phase {
            Phase::Refreshing => self.buffer.push(delta),
            Phase::Joining | Phase::Unproved => self.phase = Phase::Synced,
            Phase::Buffering | Phase::Synced => {}
        }
        let applied = self.book.apply(delta);
        let progress = self.settle(applied, delta.check);
        if progress == Progress::Applied && !self.is_promised(delta) {
            self.phase = Phase::Unproved;
            return Progress::Unproved;
        }
        progress
    }

    /// The stream has not caught up with a snapshot in all the time that it had: the venue counts anew.
    pub(super) fn give_up_joining(&mut self, delta: &DepthDelta<'_>) -> Progress {
        self.newest = delta.last;
        self.begin_at(delta)
    }

    /// The book is void; a snapshot may join it to this delta.
    fn begin_at(&mut self, delta: &DepthDelta<'_>) -> Progress {
        let progress = self.void(Progress::Gap);
        if self.rules.anchor == Anchor::Rest {
            self.buffer.push(delta);
        }
        progress
    }

    /// Whether a delta carries the proof that the venue's rules promise.
    fn is_promised(&self, delta: &DepthDelta<'_>) -> bool {
        let summed = self.rules.checksum.is_some() && delta.check.is_some_and(|check| check.sum.is_some());
        delta.link != Link::Unsaid || summed || self.rules.coverage != Coverage::Everything
    }

    /// Takes a whole book from the stream.
    pub(super) fn image(&mut self, image: &BookImage<'_>) -> Progress {
        if let Some(refused) = self.refusal(image) {
            self.covered += 1;
            return if self.covered < REFUSED_MAX { refused } else { self.void(refused) };
        }
        self.covered = 0;
        self.phase = Phase::Joining;
        let replaced = self.book.replace(image);
        self.settle(replaced, image.check)
    }

    /// Why an image that nothing but its time orders does not replace the book that stands.
    fn refusal(&self, image: &BookImage<'_>) -> Option<Progress> {
        if !self.is_synced() || image.last.is_some() {
            return None;
        }
        if went_back(image.venue_time, self.book.venue_time()) {
            return Some(Progress::TimeWentBack);
        }
        book::is_crossed(image).then_some(Progress::Crossed)
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
        self.begin_anew();
        progress
    }

    /// Takes a snapshot's book and the deltas that waited for it.
    pub(super) fn snapshot(&mut self, book: Book) -> Progress {
        self.buffer.discard_to(book.last());
        let too_old = match self.buffer.first() {
            Some(link) => !joins(book.last(), link),
            None => book.last() < self.newest || (self.is_synced() && book.last() < self.book.last()),
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
                Phase::Buffering | Phase::Synced | Phase::Unproved | Phase::Refreshing => {
                    continues(known.last(), delta.link)
                }
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
            let nothing = delta.bids.is_empty() && delta.asks.is_empty();
            return if delta.last != last {
                Order::Next
            } else if nothing {
                Order::Same
            } else {
                Order::Gap
            };
        }
        if delta.last <= last {
            // In the middle of a chain of the stream that is no repetition: the venue counts anew, and its first update was lost.
            let chain = matches!((self.rules.anchor, delta.link), (Anchor::Stream, Link::After(_)));
            let anew = chain && self.phase != Phase::Joining && delta.last != last;
            return if anew {
                Order::Gap
            } else if delta.last == last {
                Order::Repeated
            } else {
                Order::Known
            };
        }
        if self.phase == Phase::Joining && joins(last, delta.link) { Order::Next } else { Order::Gap }
    }
}

enum Order {
    Next,
    /// Below what the book has.
    Known,
    /// What the book had last, once more.
    Repeated,
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
