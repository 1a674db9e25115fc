//! The book of one symbol, at any moment of a playback.
//!
//! Owns the book and which recorded deltas it holds. Follows "How to manage a local order book correctly" of Binance's
//! documentation, from the recording alone. Applies deltas when someone asks, not when they are played.

use std::collections::HashMap;

use rust_decimal::Decimal;
use serde::Deserialize;

use super::Recorded;
use crate::simulate::book::{Book, Side};

/// A recorded delta: `U` and `u`, and where it is.
#[derive(Debug, Clone, Copy)]
pub(super) struct DeltaAt {
    pub(super) index: usize,
    pub(super) first_id: u64,
    pub(super) last_id: u64,
}

/// `[["price","quantity"],..]` of a frame or a snapshot.
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

#[derive(Deserialize)]
struct DeltaFrame<'a> {
    #[serde(borrow)]
    data: DeltaBody<'a>,
}

/// No other field is looked at; `E` and the like may be anything.
#[derive(Deserialize)]
struct DeltaBody<'a> {
    #[serde(borrow)]
    b: Levels<'a>,
    #[serde(borrow)]
    a: Levels<'a>,
}

#[derive(Debug, Default)]
pub(super) struct Cursor {
    deltas: Vec<DeltaAt>,
    /// Where the symbol's bookTicker frames are.
    tickers: Vec<usize>,
    snapshots: Vec<Book>,
    book: Book,
    /// The next of `deltas` to apply.
    next: usize,
    anchored: bool,
}

impl Cursor {
    /// From the bodies of the recorded snapshots, in order, and the places of deltas and tops.
    pub(super) fn new(snapshots: Vec<Book>, deltas: Vec<DeltaAt>, tickers: Vec<usize>) -> Self {
        let mut cursor = Self { deltas, tickers, snapshots, ..Self::default() };
        cursor.rewind();
        cursor
    }

    pub(super) fn book(&self) -> &Book {
        &self.book
    }

    /// Back to the start of the recording.
    pub(super) fn rewind(&mut self) {
        self.next = 0;
        self.anchored = !self.snapshots.is_empty();
        self.book = self.snapshots.first().cloned().unwrap_or_default();
        if !self.anchored {
            // Nothing is known but what the deltas will say: an empty book just before the first of them.
            self.book.update_id = self.deltas.first().map_or(0, |delta| delta.first_id.saturating_sub(1));
        }
    }

    /// Applies all deltas among the frames before `position`.
    pub(super) fn advance(&mut self, position: usize, frames: &[Recorded]) {
        while let Some(delta) = self.deltas.get(self.next).copied().filter(|delta| delta.index < position) {
            self.next += 1;
            if delta.first_id > self.book.update_id + 1 {
                self.resynchronise(delta);
            }
            if delta.last_id > self.book.update_id {
                apply(&mut self.book, &frames[delta.index].text);
                self.book.update_id = delta.last_id;
            }
        }
    }

    /// The recording has a gap: its recorder lost frames. A later snapshot heals it; without one the levels go on as the
    /// deltas name them.
    fn resynchronise(&mut self, delta: DeltaAt) {
        let healing = self.snapshots.iter().find(|book| book.update_id + 1 >= delta.first_id);
        match healing {
            Some(book) => self.book = book.clone(),
            None => {
                tracing::warn!(first_id = delta.first_id, "the recording has a gap and no snapshot after it")
            }
        }
    }

    /// The last bookTicker frame before `position`.
    pub(super) fn last_ticker(&self, position: usize) -> Option<usize> {
        let count = self.tickers.partition_point(|index| *index < position);
        count.checked_sub(1).map(|last| self.tickers[last])
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

/// Loading has checked `U` and `u`; a delta whose levels are no numbers is left out as far as they are not.
fn apply(book: &mut Book, text: &str) {
    let read = serde_json::from_str::<DeltaFrame>(text).map_err(|error| error.to_string());
    let applied = read.and_then(|DeltaFrame { data }| {
        set_levels(book, Side::Bid, &data.b).and_then(|()| set_levels(book, Side::Ask, &data.a))
    });
    if let Err(error) = applied {
        tracing::warn!(%error, "a recorded delta cannot be read");
    }
}

/// The symbols' cursors, by symbol, while loading.
pub(super) type Places = HashMap<String, (Vec<Book>, Vec<DeltaAt>, Vec<usize>)>;
