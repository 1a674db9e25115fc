//! How `process` hands a new value to whoever publishes it.

use super::{Entity, KeyEvent, LiquidityRecord, MonoTime, PriceRecord, Record, VolumeRecord};

/// An instrument of a feed: its place in the feed's configured list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InstrumentId(pub u32);

/// One websocket session of a feed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId(pub u32);

/// A key that values are published under: its place in the shard's table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SlotId(pub u32);

/// Which values go first when several wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Urgency {
    /// Ahead of everything: a change of state, a price move.
    First,
    /// A changed value.
    Normal,
    /// Nothing changed but the confirmation.
    Confirmation,
}

/// A borrowed [`Record`]: producers keep theirs and overwrite it in place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecordRef<'a> {
    /// Of a `price` key.
    Price(&'a PriceRecord),
    /// Of a `liquidity` key.
    Liquidity(&'a LiquidityRecord),
    /// Of a `volume` key.
    Volume(&'a VolumeRecord),
}

impl RecordRef<'_> {
    /// Which entity's record this is.
    #[must_use]
    pub const fn entity(self) -> Entity {
        match self {
            Self::Price(_) => Entity::Price,
            Self::Liquidity(_) => Entity::Liquidity,
            Self::Volume(_) => Entity::Volume,
        }
    }

    /// Overwrites `target`, reusing its memory where it holds the same entity.
    pub fn store_into(self, target: &mut Record) {
        match (self, target) {
            (Self::Price(source), Record::Price(target)) => target.clone_from(source),
            (Self::Liquidity(source), Record::Liquidity(target)) => target.clone_from(source),
            (Self::Volume(source), Record::Volume(target)) => target.clone_from(source),
            (source, target) => *target = source.to_record(),
        }
    }

    /// An owned copy.
    #[must_use]
    pub fn to_record(self) -> Record {
        match self {
            Self::Price(source) => Record::Price(source.clone()),
            Self::Liquidity(source) => Record::Liquidity(source.clone()),
            Self::Volume(source) => Record::Volume(source.clone()),
        }
    }
}

/// A new value of a key.
#[derive(Debug, Clone, Copy)]
pub struct Update<'a> {
    /// Which key.
    pub slot: SlotId,
    /// Its newest value.
    pub record: RecordRef<'a>,
    /// When the frame that caused it was read from the socket (or the timer that did, fired).
    pub received: MonoTime,
    /// Which values go first.
    pub urgency: Urgency,
}

/// Takes new values. Implementations never block and never fail: an older value that still waits is overwritten.
pub trait UpdateSink {
    /// Takes the newest value of a key.
    fn update(&mut self, update: Update<'_>);

    /// Takes an event about a key, after the update that it speaks of. It is told once that value is where it belongs,
    /// and dropped where the value is refused.
    fn event(&mut self, event: KeyEvent);
}
