//! Times, one type for each meaning, so that none can stand in for another.
//!
//! All but [`MonoTime`] count nanoseconds since the Unix epoch, as WIRE.md does.

use std::fmt;
use std::time::Duration;

macro_rules! wall_clock_time {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(i64);

        impl $name {
            /// From nanoseconds since the Unix epoch.
            #[must_use]
            pub const fn from_nanos(nanos: i64) -> Self {
                Self(nanos)
            }

            /// Nanoseconds since the Unix epoch.
            #[must_use]
            pub const fn nanos(self) -> i64 {
                self.0
            }

            /// This time, so many nanoseconds later, or earlier.
            #[must_use]
            pub const fn shifted(self, nanos: i64) -> Self {
                Self(self.0.saturating_add(nanos))
            }
        }
    };
}

wall_clock_time! {
    /// The venue's own stamp. Absent where the venue sends none: our own clock never takes its place.
    VenueTime
}
wall_clock_time! {
    /// When the bytes of a frame were read from the socket, before they were parsed.
    ReceiveTime
}
wall_clock_time! {
    /// When a value was last known to stand.
    ConfirmedTime
}
wall_clock_time! {
    /// When a value was encoded for sending.
    PublishTime
}
wall_clock_time! {
    /// This machine's wall clock.
    WallTime
}

impl VenueTime {
    /// From a venue's milliseconds; `None` where they leave the range of nanoseconds in 64 bits.
    #[must_use]
    pub const fn from_millis(millis: i64) -> Option<Self> {
        match millis.checked_mul(1_000_000) {
            Some(nanos) => Some(Self(nanos)),
            None => None,
        }
    }
}

impl WallTime {
    /// As the time of a socket read.
    #[must_use]
    pub const fn received(self) -> ReceiveTime {
        ReceiveTime(self.0)
    }

    /// As the time of an encoding.
    #[must_use]
    pub const fn published(self) -> PublishTime {
        PublishTime(self.0)
    }

    /// Nanoseconds from `earlier` to this time; negative when `earlier` is later.
    #[must_use]
    pub const fn nanos_since(self, earlier: i64) -> i64 {
        self.0.saturating_sub(earlier)
    }
}

impl ReceiveTime {
    /// As the time at which the value it brought was known to stand.
    #[must_use]
    pub const fn confirmed(self) -> ConfirmedTime {
        ConfirmedTime(self.0)
    }
}

/// Monotonic time: nanoseconds since the clock was made. Only differences mean anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct MonoTime(u64);

impl MonoTime {
    /// From nanoseconds since the clock was made.
    #[must_use]
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// Nanoseconds since the clock was made.
    #[must_use]
    pub const fn nanos(self) -> u64 {
        self.0
    }

    /// The time from `earlier` to this one; zero when `earlier` is later.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }

    /// This time, `duration` later.
    #[must_use]
    pub fn after(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)))
    }
}

/// One reading of both clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Now {
    /// The wall clock, for stamps.
    pub wall: WallTime,
    /// The monotonic clock, for durations and deadlines.
    pub mono: MonoTime,
}

impl fmt::Display for MonoTime {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:?}", Duration::from_nanos(self.0))
    }
}
