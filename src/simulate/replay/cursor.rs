//! The book of one symbol, at any moment of a playback.
//!
//! Owns the book and which recorded deltas it holds. Where snapshots come over REST it follows "How to manage a local order
//! book correctly" of Binance's documentation, from the recording alone; elsewhere each snapshot of the stream replaces the
//! book. Applies deltas when someone asks, not when they are played.

use rust_decimal::Decimal;
use serde::Deserialize;

use super::Recorded;
use crate::simulate::book::{Book, Side};
use crate::simulate::dialect::Dialect;
use crate::simulate::hub::StreamId;

/// A recorded delta: its ids, and where it is.
#[derive(Debug, Clone, Copy)]
pub(super) struct DeltaAt {
    pub(super) index: usize,
    /// The id that a book must have reached for it.
    pub(super) needs: u64,
    pub(super) last_id: u64,
}

/// `[["price","quantity"],..]` of a snapshot.
type Levels<'a> = Vec<(&'a str, &'a str)>;

#[derive(Deserialize)]
pub(super) struct SnapshotBody<'a> {
    #[serde(rename = "lastUpdateId")]
    last_update_id: u64,
    #[serde(borrow)]
    bids: Levels<'a>,
    #[serde(borrow)]
    asks: Levels<'a>,
}

/// Where the recordings speak of a symbol.
#[derive(Debug, Default)]
pub(super) struct Places {
    /// The bodies of the recorded REST snapshots, in order.
    pub(super) snapshots: Vec<Book>,
    /// Deltas that continue them.
    pub(super) deltas: Vec<DeltaAt>,
    /// Snapshots and deltas of a book that needs nothing else.
    pub(super) books: Vec<usize>,
    /// The first whole one of them.
    pub(super) first: Option<Book>,
    /// The stream that they are of.
    pub(super) stream: Option<StreamId>,
    /// Frames that tell the top.
    pub(super) tops: Vec<usize>,
}

/// The last frame that was applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Last {
    /// The venue's time, where it gave one.
    pub(super) at_us: Option<i64>,
    /// Whether it replaced all that was.
    pub(super) is_whole: bool,
    /// Whether it had an id.
    pub(super) has_id: bool,
}

#[derive(Debug)]
pub(super) struct Cursor {
    dialect: &'static dyn Dialect,
    places: Places,
    /// To how many levels clients truncate the book, where they do.
    depth: Option<usize>,
    book: Book,
    /// The next of `deltas`, or of `books`, to apply.
    next: usize,
    last: Last,
    /// Whether the frames so far make a book.
    is_known: bool,
}

impl Cursor {
    pub(super) fn new(dialect: &'static dyn Dialect, places: Places, depth: Option<usize>) -> Self {
        let book = Book::default();
        let mut cursor =
            Self { dialect, places, depth, book, next: 0, last: Last::default(), is_known: false };
        cursor.rewind();
        cursor
    }

    pub(super) fn stream(&self) -> Option<StreamId> {
        self.places.stream
    }

    pub(super) fn last(&self) -> Last {
        self.last
    }

    /// Whether the frames played so far make a book, so that a snapshot of now continues them.
    pub(super) fn is_known(&self) -> bool {
        self.is_known
    }

    /// The book; before the playback has come to one, the first that it will come to.
    pub(super) fn book(&self) -> &Book {
        match &self.places.first {
            Some(first) if !self.is_known => first,
            _ => &self.book,
        }
    }

    /// Back to the start of the recording.
    pub(super) fn rewind(&mut self) {
        let Places { snapshots, deltas, .. } = &self.places;
        (self.next, self.last, self.is_known) = (0, Last::default(), false);
        // Without a snapshot nothing is known but what the deltas will say: an empty book just before the first of them.
        let before = deltas.first().map_or(0, |delta| delta.needs);
        self.book = snapshots.first().cloned().unwrap_or_else(|| Book::at(before));
    }

    /// Applies all deltas among the frames before `position`.
    pub(super) fn advance(&mut self, position: usize, frames: &[Recorded]) {
        while let Some(index) = self.places.books.get(self.next).copied().filter(|index| *index < position) {
            self.next += 1;
            self.apply(&frames[index].text);
        }
        while let Some(delta) =
            self.places.deltas.get(self.next).copied().filter(|delta| delta.index < position)
        {
            self.next += 1;
            if delta.needs > self.book.update_id {
                self.resynchronise(delta);
            }
            if delta.last_id > self.book.update_id {
                self.apply(&frames[delta.index].text);
                self.book.update_id = delta.last_id;
            }
        }
    }

    /// A frame whose levels are no numbers is left out.
    fn apply(&mut self, text: &str) {
        let Some(reading) = self.dialect.read(text) else {
            return tracing::warn!("a recorded frame of a book cannot be read");
        };
        let (is_whole, has_id) = (reading.is_whole, reading.id.is_some());
        self.is_known |= is_whole;
        self.last = Last { at_us: reading.at_us.or(self.last.at_us), is_whole, has_id };
        self.book.take(&reading);
        if let Some(depth) = self.depth {
            self.book.truncate(depth);
        }
    }

    /// The recording has a gap: its recorder lost frames. A later snapshot heals it; without one the levels go on as the
    /// deltas name them.
    fn resynchronise(&mut self, delta: DeltaAt) {
        let healing = self.places.snapshots.iter().find(|book| book.update_id >= delta.needs);
        match healing {
            Some(book) => self.book = book.clone(),
            None => {
                tracing::warn!(needs = delta.needs, "the recording has a gap and no snapshot after it")
            }
        }
    }

    /// The last frame before `position` that tells the top.
    pub(super) fn last_top(&self, position: usize) -> Option<usize> {
        let count = self.places.tops.partition_point(|index| *index < position);
        count.checked_sub(1).map(|last| self.places.tops[last])
    }
}

/// A book from a snapshot's body.
pub(super) fn read_snapshot(body: &str) -> Result<Book, String> {
    let snapshot: SnapshotBody = serde_json::from_str(body).map_err(|error| error.to_string())?;
    let mut book = Book::at(snapshot.last_update_id);
    set_levels(&mut book, Side::Bid, &snapshot.bids)?;
    set_levels(&mut book, Side::Ask, &snapshot.asks)?;
    Ok(book)
}

fn set_levels(book: &mut Book, side: Side, levels: &Levels) -> Result<(), String> {
    for (price, quantity) in levels {
        let number = |text: &str| text.parse::<Decimal>().map_err(|error| format!("{text:?}: {error}"));
        book.set(side, number(price)?, number(quantity)?);
    }
    Ok(())
}
