//! The last two parts of a history key: the interval of its candles, and their hour.

use std::fmt;

use crate::domain::{WallTime, civil_from_days};

/// The length of a candle, at least a second. Spelled as `1m` in the largest unit of s, m, h, d that divides it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Interval(u32);

impl Interval {
    /// `None` for zero.
    #[must_use]
    pub const fn from_seconds(seconds: u32) -> Option<Self> {
        if seconds == 0 { None } else { Some(Self(seconds)) }
    }

    /// In seconds, as a record names it.
    #[must_use]
    pub const fn seconds(self) -> u32 {
        self.0
    }
}

impl fmt::Display for Interval {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (unit, name) = [(86_400, 'd'), (3_600, 'h'), (60, 'm')]
            .into_iter()
            .find(|(unit, _)| self.0.is_multiple_of(*unit))
            .unwrap_or((1, 's'));
        write!(formatter, "{}{name}", self.0 / unit)
    }
}

/// An hour of UTC. Spelled as `2026-11-20T14`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UtcHour(i64);

impl UtcHour {
    /// The hour that `time` is in.
    #[must_use]
    pub const fn containing(time: WallTime) -> Self {
        Self(time.nanos().div_euclid(3_600_000_000_000))
    }

    /// Its first second, counted since the Unix epoch.
    #[must_use]
    pub const fn first_second(self) -> i64 {
        self.0 * 3_600
    }
}

impl fmt::Display for UtcHour {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = civil_from_days(self.0.div_euclid(24));
        write!(formatter, "{year:04}-{month:02}-{day:02}T{:02}", self.0.rem_euclid(24))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_are_spelled_in_utc() {
        for (seconds, expected) in [
            (0, "1970-01-01T00"),
            (-1, "1969-12-31T23"),
            (951_782_400, "2000-02-29T00"),
            (1_709_251_199, "2024-02-29T23"),
            (1_709_251_200, "2024-03-01T00"),
            (1_723_161_254, "2024-08-08T23"),
            (1_795_184_630, "2026-11-20T14"),
            (4_107_542_400, "2100-03-01T00"),
        ] {
            let hour = UtcHour::containing(WallTime::from_nanos(seconds * 1_000_000_000));
            assert_eq!(hour.to_string(), expected);
            assert!((0..3_600).contains(&(seconds - hour.first_second())), "{expected}");
        }
    }

    #[test]
    fn intervals_take_the_largest_unit() {
        for (seconds, expected) in
            [(1, "1s"), (15, "15s"), (60, "1m"), (90, "90s"), (900, "15m"), (3_600, "1h"), (86_400, "1d")]
        {
            assert_eq!(
                Interval::from_seconds(seconds).map(|interval| interval.to_string()),
                Some(expected.into())
            );
        }
        assert_eq!(Interval::from_seconds(0), None);
    }
}
