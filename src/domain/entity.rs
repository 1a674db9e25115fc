//! What a key holds.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// The kinds of value that feeds write, in the order of their urgency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Entity {
    /// Best bid and ask, last trade.
    Price,
    /// The top levels of the book.
    Liquidity,
    /// The venue's rolling figures.
    Volume,
}

impl Entity {
    /// Every one.
    pub const ALL: [Self; 3] = [Self::Price, Self::Liquidity, Self::Volume];

    /// As it stands in keys.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Price => "price",
            Self::Liquidity => "liquidity",
            Self::Volume => "volume",
        }
    }

    /// How often a live value is published again at least, if only with a newer confirmed time (WIRE.md).
    #[must_use]
    pub const fn confirmed_every(self) -> Duration {
        match self {
            Self::Price => Duration::from_secs(1),
            Self::Liquidity => Duration::from_secs(2),
            Self::Volume => Duration::from_secs(30),
        }
    }
}

impl fmt::Display for Entity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.as_str())
    }
}

/// Not the name of an entity.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown entity {0:?}: expected price, liquidity or volume")]
pub struct UnknownEntity(String);

impl FromStr for Entity {
    type Err = UnknownEntity;

    fn from_str(text: &str) -> Result<Self, UnknownEntity> {
        Self::ALL
            .into_iter()
            .find(|entity| entity.as_str() == text)
            .ok_or_else(|| UnknownEntity(text.to_owned()))
    }
}
