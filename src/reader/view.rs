//! A value as a reader sees it: what it says, which version it is, how old it is, and how far to trust it now.
//!
//! Owns the judgement of freshness. Pure: never reads the clock, never talks to Redis. The judgement can only lower what
//! the writer said: nothing that was written as suspect is ever shown as live.

use std::fmt;
use std::time::Duration;

use crate::codec::key::ValueKey;
use crate::codec::{DecodeError, Decoded};
use crate::domain::{EntityDurations, PublishTime, Record, State, Version, WallTime};

/// How long after its confirmation a value counts as fresh.
///
/// By default three of the intervals within which a healthy writer confirms (WIRE.md: 1, 2 and 30 s). The age is taken
/// between two machines' wall clocks, so a limit must leave room for what they disagree by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AgeLimits(pub EntityDurations);

/// Prices 3 s, books 6 s, rolling figures 90 s.
impl Default for AgeLimits {
    fn default() -> Self {
        Self(EntityDurations {
            price: Duration::from_secs(3),
            liquidity: Duration::from_secs(6),
            volume: Duration::from_secs(90),
        })
    }
}

/// Time since a value was last confirmed, by this machine's clock; negative when the writer's clock is ahead of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Age(i64);

impl Age {
    /// From nanoseconds.
    #[must_use]
    pub const fn from_nanos(nanos: i64) -> Self {
        Self(nanos)
    }

    /// In nanoseconds.
    #[must_use]
    pub const fn nanos(self) -> i64 {
        self.0
    }

    /// Whether it is beyond `limit`, either way: a confirmation from the future means that the clocks disagree, and then
    /// a dead writer would look alive for just that long.
    #[must_use]
    pub fn exceeds(self, limit: Duration) -> bool {
        u128::from(self.0.unsigned_abs()) > limit.as_nanos()
    }
}

/// For people: `12 ms`, `3.4 s`, `5 min`, `7 h`, `30 d`.
impl fmt::Display for Age {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let millis = self.0.unsigned_abs() / 1_000_000;
        let text = match millis {
            0..1_000 => format!("{sign}{millis} ms"),
            1_000..120_000 => format!("{sign}{}.{} s", millis / 1_000, millis % 1_000 / 100),
            120_000..7_200_000 => format!("{sign}{} min", millis / 60_000),
            7_200_000..172_800_000 => format!("{sign}{} h", millis / 3_600_000),
            _ => format!("{sign}{} d", millis / 86_400_000),
        };
        formatter.pad(&text)
    }
}

/// What a reader may do with a value now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Trust {
    /// Written as live, and confirmed within its limit.
    Live,
    /// Written as live or halted, but not confirmed for too long (or, the clocks disagreeing, in the future).
    Stale,
    /// The writer itself doubts it; the reason stands in the record.
    Suspect,
    /// The venue does not trade.
    Halted,
}

impl Trust {
    /// The word for people.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Stale => "stale",
            Self::Suspect => "suspect",
            Self::Halted => "halted",
        }
    }
}

impl fmt::Display for Trust {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.as_str())
    }
}

/// A decoded value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct View {
    /// Where it stands.
    pub key: ValueKey,
    /// Orders the values of this key.
    pub version: Version,
    /// When the writer encoded it.
    pub publish_time: PublishTime,
    /// What it says.
    pub record: Record,
}

impl View {
    pub(super) fn new(key: ValueKey, decoded: Decoded) -> Self {
        let Decoded { version, publish_time, record } = decoded;
        Self { key, version, publish_time, record }
    }

    /// How long ago it was last known to stand.
    #[must_use]
    pub const fn age(&self, now: WallTime) -> Age {
        Age(now.nanos_since(self.record.stamp().confirmed_time.nanos()))
    }

    /// How far to trust it at `now`.
    #[must_use]
    pub fn trust(&self, now: WallTime, limits: &AgeLimits) -> Trust {
        let stale = self.age(now).exceeds(limits.0.of(self.key.entity));
        match self.record.stamp().state {
            State::Suspect => Trust::Suspect,
            State::Live | State::Halted if stale => Trust::Stale,
            State::Live => Trust::Live,
            State::Halted => Trust::Halted,
        }
    }

    /// Whether `newer` only says that this value still stands.
    pub(super) fn is_confirmed_by(&self, newer: &Self) -> bool {
        let mut confirmed = self.record.clone();
        let stamp = match &mut confirmed {
            Record::Price(record) => &mut record.stamp,
            Record::Liquidity(record) => &mut record.stamp,
            Record::Volume(record) => &mut record.stamp,
        };
        stamp.confirmed_time = newer.record.stamp().confirmed_time;
        confirmed == newer.record
    }
}

/// What stands under a key.
#[derive(Debug)]
pub enum Lookup {
    /// A value.
    Found(Box<View>),
    /// Nothing: never written, or expired because its writer is gone.
    Absent,
    /// Bytes that this version cannot read: no envelope, or another schema. To be treated as absent; counted.
    Unreadable(DecodeError),
}

impl Lookup {
    /// The value, if there is one that can be read.
    #[must_use]
    pub fn into_view(self) -> Option<View> {
        match self {
            Self::Found(view) => Some(*view),
            Self::Absent | Self::Unreadable(_) => None,
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::domain::{
        ConfirmedTime, Epoch, PriceRecord, Reason, ReceiveTime, Scales, Sequence, Stamp, VenueSequence,
    };

    pub(in crate::reader) const SECOND: i64 = 1_000_000_000;

    pub(in crate::reader) fn version(epoch: u64, sequence: u64) -> Version {
        Version { epoch: Epoch::new(epoch).unwrap(), sequence: Sequence::new(sequence).unwrap() }
    }

    /// A price that was received at second 100 and last confirmed at `confirmed_s`.
    pub(in crate::reader) fn price(venue: &str, state: State, version: Version, confirmed_s: i64) -> View {
        let stamp = Stamp {
            state,
            reason: if state == State::Suspect { Reason::Disconnected } else { Reason::None },
            venue_time: None,
            receive_time: ReceiveTime::from_nanos(100 * SECOND),
            confirmed_time: ConfirmedTime::from_nanos(confirmed_s * SECOND),
        };
        let mut record = PriceRecord::unknown(stamp, Scales::default());
        record.venue_sequence = Some(VenueSequence(1));
        View {
            key: ValueKey {
                entity: crate::domain::Entity::Price,
                instrument: "BTC-USDT".parse().unwrap(),
                venue: venue.parse().unwrap(),
            },
            version,
            publish_time: PublishTime::from_nanos(confirmed_s * SECOND),
            record: Record::Price(record),
        }
    }

    fn at_s(seconds: i64) -> WallTime {
        WallTime::from_nanos(seconds * SECOND)
    }

    #[test]
    fn a_value_that_says_live_is_shown_as_stale_when_nobody_confirms_it() {
        let limits = AgeLimits::default();
        for (name, state, age_s, expected) in [
            ("fresh", State::Live, 3, Trust::Live),
            ("unconfirmed", State::Live, 4, Trust::Stale),
            ("from the future", State::Live, -4, Trust::Stale),
            ("clocks a little apart", State::Live, -2, Trust::Live),
            ("doubted and old", State::Suspect, 9, Trust::Suspect),
            ("halted", State::Halted, 1, Trust::Halted),
            ("halted, writer gone", State::Halted, 9, Trust::Stale),
        ] {
            let view = price("binance", state, version(1, 1), 100);
            assert_eq!(view.trust(at_s(100 + age_s), &limits), expected, "{name}");
        }
    }

    #[test]
    fn ages_read_as_people_say_them() {
        for (nanos, expected) in [
            (12_999_999, "12 ms"),
            (-1_500_000_000, "-1.5 s"),
            (119_900_000_000, "119.9 s"),
            (300 * SECOND, "5 min"),
            (86_400 * SECOND, "24 h"),
            (259_200 * SECOND, "3 d"),
        ] {
            assert_eq!(Age(nanos).to_string(), expected);
        }
    }

    #[test]
    fn a_confirmation_is_told_from_a_change() {
        let first = price("binance", State::Live, version(1, 1), 100);
        assert!(first.is_confirmed_by(&price("binance", State::Live, version(1, 2), 101)));
        assert!(!first.is_confirmed_by(&price("binance", State::Suspect, version(1, 2), 101)));
    }
}
