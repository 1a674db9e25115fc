//! What happened to a feed's events, in numbers.
//!
//! Owns the names of the counts. Never counts by itself.

use crate::domain::{NumberError, Subscription};

/// What happened since the last [`FeedState::take_counts`](super::FeedState::take_counts).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Events that changed a value: quotes, trades, depth, volume.
    pub taken: [u64; 4],
    /// Events that said nothing new, or wait for a snapshot.
    pub ignored: u64,
    /// Holes in a venue's sequence.
    pub gaps: u64,
    /// Checksums that did not hold.
    pub mismatches: u64,
    /// Events before the time of the one before, where nothing but time orders them.
    pub times_back: u64,
    /// Events with a number that fits nowhere.
    pub unusable: u64,
    /// The last of those.
    pub last_unusable: Option<(Subscription, NumberError)>,
    /// Stamps of the venue that cannot be meant: far ahead of this machine's clock, or before any venue.
    pub absurd_stamps: u64,
    /// Times that this machine's wall clock was set.
    pub clock_steps: u64,
    /// By how much at the last of those, in nanoseconds.
    pub last_clock_step_ns: i64,
    /// Events that were told, in the order of [`EventKind::ALL`](crate::domain::EventKind::ALL).
    pub events: [u64; 5],
    /// Events beyond the limit per instrument and kind, likewise.
    pub events_dropped: [u64; 5],
}
