//! Venues, and the feeds that they are split into.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// The name of a venue: `[a-z0-9-]{1,32}` (WIRE.md). Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Venue(Arc<str>);

/// Not the name of a venue.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no venue name: expected 1 to 32 of a-z, 0-9 and -")]
pub struct VenueError(String);

impl Venue {
    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Venue {
    type Err = VenueError;

    fn from_str(text: &str) -> Result<Self, VenueError> {
        let valid = (1..=32).contains(&text.len())
            && text.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'));
        if valid { Ok(Self(text.into())) } else { Err(VenueError(text.to_owned())) }
    }
}

impl fmt::Display for Venue {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(&self.0)
    }
}

/// `venue/partition`: what sessions, shards, leases and failover go by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Feed {
    /// Whose data it is.
    pub venue: Venue,
    /// Which part of the venue's instruments.
    pub partition: u16,
}

impl fmt::Display for Feed {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.venue, self.partition)
    }
}
