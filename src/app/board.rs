//! What a feed has done so far, readable from every thread.
//!
//! Owns counters that the hot thread publishes a few times a second; between that it counts in plain memory.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::domain::State;

macro_rules! board {
    ($($(#[$doc:meta])* $field:ident),+ $(,)?) => {
        /// What a feed has done so far.
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
        pub struct FeedStats {
            $($(#[$doc])* pub $field: u64,)+
        }

        /// [`FeedStats`], shared between the hot thread and everybody else.
        #[derive(Debug, Default)]
        pub struct FeedBoard {
            $($field: AtomicU64,)+
        }

        impl FeedBoard {
            /// The newest figures. Each is exact; together they may be a tick apart.
            #[must_use]
            pub fn read(&self) -> FeedStats {
                FeedStats { $($field: self.$field.load(Ordering::Relaxed),)+ }
            }

            pub(super) fn write(&self, stats: &FeedStats) {
                $(self.$field.store(stats.$field, Ordering::Relaxed);)+
            }
        }
    };
}

board! {
    /// The epoch that this engine writes the feed with; 0 = another engine writes it, or nobody.
    epoch,
    /// Frames read.
    frames,
    /// Bytes of those frames.
    frame_bytes,
    /// Frames that were not understood.
    decode_errors,
    /// Quotes that changed a price.
    quotes,
    /// Trades taken.
    trades,
    /// Depth updates and snapshots taken.
    depth,
    /// Rolling figures taken.
    volume,
    /// Events that said nothing new, or waited for a snapshot.
    ignored,
    /// Holes in the venue's sequence.
    gaps,
    /// Checksums that did not hold.
    mismatches,
    /// Events whose time went back.
    times_back,
    /// Numbers that fit nowhere.
    unusable,
    /// Stamps of the venue that cannot be meant.
    absurd_stamps,
    /// Subscriptions that the venue refused, each time that it did.
    refused,
    /// Times that this machine's wall clock was set.
    clock_steps,
    /// Sessions established.
    connects,
    /// Sessions that ended, and attempts to connect that failed.
    reconnects,
    /// Subscriptions that stayed silent.
    alarms,
    /// Snapshots that came.
    snapshots,
    /// Snapshots that did not.
    snapshot_failures,
    /// Sessions that stand.
    sessions_up,
    /// Times that a key stopped being live, or changed the reason why it is not.
    doubts,
    /// Keys that are live.
    live,
    /// Keys that are suspect.
    suspect,
    /// Keys that are halted.
    halted,
}

impl FeedStats {
    /// Values that changed.
    #[must_use]
    pub const fn updates(&self) -> u64 {
        self.quotes + self.trades + self.depth + self.volume
    }

    /// Keys in a state.
    #[must_use]
    pub const fn keys(&self, state: State) -> u64 {
        match state {
            State::Live => self.live,
            State::Suspect => self.suspect,
            State::Halted => self.halted,
        }
    }
}
