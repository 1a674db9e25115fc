//! What a recording has done so far, for whoever wants to know.

use std::sync::{Arc, Mutex, PoisonError};

use crate::domain::Feed;

/// What the recording of one feed has done so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RecordStats {
    /// Records in files.
    pub records: u64,
    /// Bytes of lines, uncompressed, lost ones included.
    pub line_bytes: u64,
    /// Bytes in files.
    pub file_bytes: u64,
    /// Files begun.
    pub files: u64,
    /// Records that found the buffer full, and are in no file.
    pub dropped: u64,
    /// Records that no line can hold (binary frames), and are in no file.
    pub unfit: u64,
    /// Records that a failing disk did not take.
    pub lost: u64,
    /// Records with spaces in the place of line breaks.
    pub altered: u64,
    /// Failed attempts to create, write or end a file.
    pub errors: u64,
}

impl RecordStats {
    /// Records that are in no file.
    #[must_use]
    pub const fn missing(&self) -> u64 {
        self.dropped + self.unfit + self.lost
    }
}

/// The newest [`RecordStats`] of each feed, readable from every thread, also after the recording's end.
#[derive(Debug, Clone)]
pub struct RecordBoard(Arc<[(Feed, Mutex<RecordStats>)]>);

impl RecordBoard {
    pub(super) fn new(feeds: &[Feed]) -> Self {
        Self(feeds.iter().map(|feed| (feed.clone(), Mutex::default())).collect())
    }

    /// The figures of each feed, in the order of the feeds.
    #[must_use]
    pub fn read(&self) -> Vec<(Feed, RecordStats)> {
        let read = |stats: &Mutex<RecordStats>| *stats.lock().unwrap_or_else(PoisonError::into_inner);
        self.0.iter().map(|(feed, stats)| (feed.clone(), read(stats))).collect()
    }

    /// Puts `stats` into the place of a feed's former ones, which are returned.
    pub(super) fn replace(&self, feed: usize, stats: RecordStats) -> RecordStats {
        let mut place = self.0[feed].1.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut *place, stats)
    }
}
