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
//! **When the playback starts.** As soon as each stream of the recordings has a subscriber, or when no further SUBSCRIBE
//! came for [`ReplayOptions::settle`] after the last one was acknowledged.

mod cursor;
mod load;
mod options;
mod playback;

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use rust_decimal::Decimal;
use tokio::sync::watch;
use tokio_tungstenite::tungstenite::Utf8Bytes;

use cursor::Cursor;
pub use load::{CAPTURE_BYTES_MAX, ReplayError};
pub use options::{Ending, ReplayOptions, Speed, SpeedError};
pub(super) use playback::play;

use super::book::{BookView, Top};
use super::hub::StreamId;
use super::source::SymbolInfo;

/// A recorded frame.
#[derive(Debug)]
struct Recorded {
    nanos: i64,
    stream: StreamId,
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
    frames: Vec<Recorded>,
    streams: Vec<Arc<str>>,
    symbols: Vec<SymbolInfo>,
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
            let index = cursor.last_ticker(position);
            index
                .and_then(|index| load::read_top(&self.frames[index].text))
                .unwrap_or_else(|| cursor.book().top())
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
