//! The words of a lease: its times, what is asked of the script, what it answers, and what that changes.

use std::time::Duration;

use crate::domain::{Epoch, FNV_START, fnv1a};

use super::WRITE_TIMEOUT;

/// How long a lease lasts and how often it is renewed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LeaseTimes {
    /// Redis forgets it so long after the last renewal.
    pub ttl: Duration,
    /// Between two renewals.
    pub renew: Duration,
}

impl Default for LeaseTimes {
    fn default() -> Self {
        Self { ttl: Duration::from_secs(2), renew: Duration::from_millis(400) }
    }
}

impl LeaseTimes {
    /// How long after the *sending* of a renewal this engine may write: the TTL, less the time that a write may take and 1 % for
    /// clocks that run at different speeds.
    #[must_use]
    pub fn authority(self) -> Duration {
        self.ttl.saturating_sub(WRITE_TIMEOUT).saturating_sub(self.ttl / 100)
    }
}

/// A question to the lease script.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ask {
    /// Give it to me if it is nobody's; the epoch must be greater than this one.
    Acquire {
        /// The highest epoch that this engine ever saw.
        floor: u64,
    },
    /// Whose is it?
    Look,
    /// It is still mine.
    Renew {
        /// Of ours.
        epoch: u64,
    },
    /// I give it up.
    Release {
        /// Of ours.
        epoch: u64,
    },
}

impl Ask {
    /// The script's word for it, and the epoch that goes with it.
    #[must_use]
    pub const fn words(self) -> (&'static str, u64) {
        match self {
            Self::Acquire { floor } => ("acquire", floor),
            Self::Look => ("look", 0),
            Self::Renew { epoch } => ("renew", epoch),
            Self::Release { epoch } => ("release", epoch),
        }
    }
}

/// Whose the lease is, as the script says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owner {
    /// The one who asked.
    Asker,
    /// Another engine.
    Other,
    /// Nobody.
    Nobody,
}

/// The script's answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answer {
    /// Whose the lease is now.
    pub owner: Owner,
    /// Its epoch; 0 where it is nobody's.
    pub epoch: u64,
}

/// What a step changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Change {
    /// Nothing that others need to know.
    None,
    /// This engine writes the feed from now on: everything of it is to be sent.
    Acquired(Epoch),
    /// The server of a new connection knows the lease, too: what waited for that is to be sent.
    Confirmed,
    /// It no longer does.
    Lost(LostBy),
}

/// Why a lease was lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LostBy {
    /// A value of a greater epoch stands in Redis.
    Outranked,
    /// The lease is another's or nobody's.
    Taken,
    /// No renewal was answered in time.
    Lapsed,
    /// Given to the engine that prefers the feed.
    HandedOver,
}

impl LostBy {
    /// Every one.
    pub const ALL: [Self; 4] = [Self::Outranked, Self::Taken, Self::Lapsed, Self::HandedOver];

    /// For logs and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Outranked => "outranked",
            Self::Taken => "taken",
            Self::Lapsed => "lapsed",
            Self::HandedOver => "handed_over",
        }
    }
}

/// Remainders that epochs can have.
const MARKS: u64 = 1_000;

/// The remainder of every epoch of an owner, from its name (FNV-1a). Where the server's clock and all data have gone back, and
/// nobody knows the epochs that were given before, two owners still do not get the same one (but for one pair in a thousand).
#[must_use]
pub fn mark(owner: &str) -> u64 {
    fnv1a(FNV_START, owner.bytes()) % MARKS
}
