//! Recordings, served as the venue served them.
//!
//! Owns the recorded frames, how far they have been played, and a book of its own for each symbol, so that it can answer
//! for the market at any moment of the playback. Frames are looked into once, at loading. The recordings are held in memory
//! as they are, at most [`CAPTURE_BYTES_MAX`].
//!
//! **What a snapshot shows.** Before the playback passes the recorded snapshot's `lastUpdateId`: the recorded one, which is
//! then newer than the deltas sent so far; a client that follows Binance's procedure buffers until the deltas reach it.
//! Afterwards: the recorded one with all deltas sent so far. So a snapshot always lies within or at the end of what a client
//! that subscribed before asking has received or will receive. Levels beyond a recorded snapshot's limit are unknown to it
//! until a delta names them.
//!
//! Where snapshots come on the stream, a subscription amid the playback is answered with the book as of the frames played so
//! far; the recorded deltas continue it. A subscription ahead of the recorded snapshot gets that one when it comes.
//!
//! **What is told besides.** A recorded book also tells the streams of the same symbol that are windows on it (other depths,
//! the top), unless [`ReplayOptions::windows`] says otherwise. All other streams that the recordings do not hold are silent.
//!
//! **When the playback starts.** As soon as each stream of the recordings has a subscriber, or when no further SUBSCRIBE
//! came for [`ReplayOptions::settle`] after the last one was acknowledged.

mod cursor;
mod load;
mod options;
mod playback;
mod told;

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use rust_decimal::Decimal;
use tokio::sync::watch;
use tokio_tungstenite::tungstenite::Utf8Bytes;

use cursor::Cursor;
pub use load::{CAPTURE_BYTES_MAX, ReplayError};
pub use options::{Ending, ReplayOptions, Speed, SpeedError, Windows};
pub(super) use playback::play;
use told::Told;

use super::book::{BookView, Top};
use super::dialect::{Chain, Dialect, Kind, Scene};
use super::hub::{Router, StreamId};
use super::source::SymbolInfo;

/// A recorded frame.
#[derive(Debug)]
struct Recorded {
    nanos: i64,
    stream: StreamId,
    /// The streams that are told from this frame's book, besides its own.
    told: Option<u32>,
    text: Utf8Bytes,
}

/// How far a replay is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Progress {
    /// Frames played in this pass, subscribed or not.
    pub played: usize,
    /// Frames in the recordings.
    pub total: usize,
    /// Passes completed.
    pub passes: u64,
}

/// What loading found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Loaded {
    /// Frames that will be played.
    pub frames: usize,
    /// Snapshots over REST.
    pub snapshots: usize,
    /// Frames that belong to no stream (acknowledgements): left out.
    pub left_out: u64,
    /// Torn ends of files: skipped.
    pub torn: u64,
}

#[derive(Debug)]
pub(super) struct Replay {
    dialect: &'static dyn Dialect,
    frames: Vec<Recorded>,
    streams: Vec<Arc<str>>,
    symbols: Vec<SymbolInfo>,
    /// By symbol.
    told: Vec<Told>,
    cursors: HashMap<String, Mutex<Cursor>>,
    /// The next frame to play: those before it are in the sessions' queues.
    position: AtomicUsize,
    passes: AtomicU64,
    finished: watch::Sender<bool>,
    loaded: Loaded,
    options: ReplayOptions,
}

impl Replay {
    pub(super) fn stream_names(&self) -> Vec<Arc<str>> {
        self.streams.clone()
    }

    /// The streams told from others' recordings: their names, and whose.
    pub(super) fn told_names(&self) -> Vec<(Arc<str>, StreamId)> {
        self.told.iter().flat_map(|told| told.names().map(|name| (name, told.base()))).collect()
    }

    /// The recording's clock: the time of the last frame played.
    pub(super) fn clock_us(&self) -> i64 {
        let last = self.position.load(Ordering::Acquire).saturating_sub(1);
        self.frames.get(last).map_or(0, |frame| frame.nanos / 1000)
    }

    /// What a new subscriber is told first, with the routes held: nothing where the recording's own snapshot is to come.
    pub(super) fn greet(&self, stream: StreamId, is_wanted: bool) -> Option<String> {
        if let Some(told) = self.told.iter().find(|told| told.has(stream)) {
            return self.with_cursor(told.symbol(), |cursor| {
                cursor.is_known().then(|| told.greet(stream, cursor, self.clock_us(), is_wanted)).flatten()
            })?;
        }
        let name = self.streams.get(stream.index())?;
        let symbol = self.dialect.symbol_of(name);
        let channel = *self
            .dialect
            .channels()
            .iter()
            .find(|channel| self.dialect.stream_name(channel.name, &symbol) == **name)?;
        let info = self.symbols.iter().find(|info| info.symbol == symbol)?;
        let position = self.position.load(Ordering::Acquire);
        self.with_cursor(&symbol, |cursor| match channel.kind {
            Kind::Deltas { depth, .. } | Kind::Whole { depth, .. } => {
                if !cursor.is_known() || cursor.stream() != Some(stream) {
                    return None;
                }
                let at_us = cursor.last().at_us.unwrap_or_else(|| self.clock_us());
                let scene = Scene { stream: name, channel: channel.name, info, at_us };
                let view = cursor.book().view(depth);
                let id = view.update_id;
                let known = cursor.last().has_id;
                let chain = Chain { previous: id, first: id, last: id, count: id, known };
                self.dialect.snapshot(&scene, chain, &view)
            }
            Kind::Top { .. } if self.dialect.greets() => {
                cursor.last_top(position).map(|index| self.frames[index].text.as_str().to_owned())
            }
            _ => None,
        })?
    }

    /// Lets the streams speak that are told from a frame's book, with the routes held.
    fn tell(&self, index: usize, router: &mut Router<'_>) {
        let frame = &self.frames[index];
        let told = frame.told.and_then(|told| self.told.get(usize::try_from(told).ok()?));
        let Some((told, cursor)) = told.and_then(|told| Some((told, self.cursors.get(told.symbol())?)))
        else {
            return;
        };
        if told.is_wanted(router) {
            let mut cursor = cursor.lock().unwrap_or_else(PoisonError::into_inner);
            cursor.advance(index + 1, &self.frames);
            told.tell(&cursor, frame.nanos / 1000, router);
        }
    }

    pub(super) fn loaded(&self) -> Loaded {
        self.loaded
    }

    pub(super) fn finished(&self) -> watch::Receiver<bool> {
        self.finished.subscribe()
    }

    pub(super) fn progress(&self) -> Progress {
        Progress {
            played: self.position.load(Ordering::Acquire),
            total: self.frames.len(),
            passes: self.passes.load(Ordering::Acquire),
        }
    }

    pub(super) fn symbols(&self) -> Vec<SymbolInfo> {
        self.symbols.clone()
    }

    pub(super) fn view(&self, symbol: &str, limit: usize) -> Option<BookView> {
        self.with_cursor(symbol, |cursor| cursor.book().view(limit))
    }

    /// The last recorded top, or the book's where none was recorded yet.
    pub(super) fn top(&self, symbol: &str) -> Option<Top> {
        let position = self.position.load(Ordering::Acquire);
        self.with_cursor(symbol, |cursor| {
            let reading =
                cursor.last_top(position).and_then(|index| self.dialect.read(&self.frames[index].text));
            let top = reading.map(|reading| Top {
                update_id: reading.id.unwrap_or(0),
                bid: reading.bids.first().copied(),
                ask: reading.asks.first().copied(),
            });
            top.unwrap_or_else(|| cursor.book().top())
        })
    }

    fn with_cursor<T>(&self, symbol: &str, read: impl FnOnce(&Cursor) -> T) -> Option<T> {
        let mut cursor = self.cursors.get(symbol)?.lock().unwrap_or_else(PoisonError::into_inner);
        // Read under the lock: the cursor never goes back but at the seam of a loop.
        let position = self.position.load(Ordering::Acquire);
        cursor.advance(position, &self.frames);
        Some(read(&cursor))
    }
}

/// The step of prices or quantities that these digits show: the finest power of ten among them.
fn step_of(numbers: impl Iterator<Item = Decimal>) -> Decimal {
    let finest = numbers.map(|number| number.normalize().scale()).max().unwrap_or(8).min(8);
    let mut step = Decimal::new(1, finest);
    step.rescale(8);
    step
}

#[cfg(test)]
mod tests;
