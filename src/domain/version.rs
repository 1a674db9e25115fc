//! Versions of values, and the venue's own sequence numbers.

use std::fmt;

/// Epochs and sequences stay below 2^53: Redis Lua and JavaScript count in doubles (WIRE.md).
pub const VERSION_MAX: u64 = (1 << 53) - 1;

/// Which writer: grows when another one takes over. 0 marks a value that no lease stands behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Epoch(u64);

/// Counts the values that a writer sent for one key, within its epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sequence(u64);

macro_rules! counted_below_2_53 {
    ($name:ident) => {
        impl $name {
            /// `None` above [`VERSION_MAX`].
            #[must_use]
            pub const fn new(number: u64) -> Option<Self> {
                if number <= VERSION_MAX { Some(Self(number)) } else { None }
            }

            /// The number.
            #[must_use]
            pub const fn get(self) -> u64 {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(formatter)
            }
        }
    };
}
counted_below_2_53!(Epoch);
counted_below_2_53!(Sequence);

impl Epoch {
    /// Of values that no lease stands behind.
    pub const UNOWNED: Self = Self(0);
}

impl Sequence {
    /// Before the first value.
    pub const ZERO: Self = Self(0);

    /// The next one.
    ///
    /// # Panics
    /// Beyond 2^53, which a million values a second reach after 285 years: a programmer's error.
    #[must_use]
    pub const fn next(self) -> Self {
        assert!(self.0 < VERSION_MAX, "sequence beyond 2^53");
        Self(self.0 + 1)
    }
}

/// Orders the values of one key: the greater is newer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version {
    /// Compared first.
    pub epoch: Epoch,
    /// Compared within an epoch.
    pub sequence: Sequence,
}

impl fmt::Display for Version {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}.{}", self.epoch, self.sequence)
    }
}

/// A venue's own update id. Its meaning is the venue's; it is no time and no version of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VenueSequence(pub u64);

impl fmt::Display for VenueSequence {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}
