//! What every record carries, and the three records that feeds write.

use super::{
    ConfirmedTime, Entity, LiquidityRecord, PriceRecord, Reason, ReceiveTime, RecordRef, State, VenueTime,
    VolumeRecord,
};

/// Items 0 to 4 of every record: how far to trust it, and its times. Item 5, the publish time, is set at the encoding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    /// Whether to trade on it.
    pub state: State,
    /// Why not.
    pub reason: Reason,
    /// The venue's own stamp, where it sends one.
    pub venue_time: Option<VenueTime>,
    /// Socket read of the frame that last changed the quote (book, figure).
    pub receive_time: ReceiveTime,
    /// When it was last known to stand; never before `receive_time`.
    pub confirmed_time: ConfirmedTime,
}

impl Stamp {
    /// Of a key about which nothing is known yet.
    #[must_use]
    pub const fn connecting(now: ReceiveTime) -> Self {
        Self {
            state: State::Suspect,
            reason: Reason::Connecting,
            venue_time: None,
            receive_time: now,
            confirmed_time: now.confirmed(),
        }
    }
}

/// The newest value of a key, typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Record {
    /// Of a `price` key.
    Price(PriceRecord),
    /// Of a `liquidity` key.
    Liquidity(LiquidityRecord),
    /// Of a `volume` key.
    Volume(VolumeRecord),
}

impl Record {
    /// Which entity's record this is.
    #[must_use]
    pub const fn entity(&self) -> Entity {
        match self {
            Self::Price(_) => Entity::Price,
            Self::Liquidity(_) => Entity::Liquidity,
            Self::Volume(_) => Entity::Volume,
        }
    }

    /// Borrowed, for an [`Update`](super::Update).
    #[must_use]
    pub const fn as_ref(&self) -> RecordRef<'_> {
        match self {
            Self::Price(record) => RecordRef::Price(record),
            Self::Liquidity(record) => RecordRef::Liquidity(record),
            Self::Volume(record) => RecordRef::Volume(record),
        }
    }

    /// State and times.
    #[must_use]
    pub const fn stamp(&self) -> &Stamp {
        match self {
            Self::Price(record) => &record.stamp,
            Self::Liquidity(record) => &record.stamp,
            Self::Volume(record) => &record.stamp,
        }
    }
}
