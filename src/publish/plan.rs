//! Which keys a shard writes: decided once, before it starts.
//!
//! Owns the list of keys with their entity and TTL; a key's place in it is its [`SlotId`]. Never holds a value. At most
//! [`SLOTS_MAX`] keys; a further one is refused.

use std::collections::HashMap;
use std::time::Duration;

use crate::domain::{Entity, INSTRUMENTS_MAX, Instrument, SlotId, Venue};

use super::PublishError;

/// Keys of one shard: every entity of ten feeds of the largest size.
pub const SLOTS_MAX: usize = 300_000;

const _: () = assert!(SLOTS_MAX >= INSTRUMENTS_MAX * Entity::ALL.len());
const _: () = assert!(SLOTS_MAX < u32::MAX as usize);

/// A feed of this shard: its place in the list of feeds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FeedIndex(pub u16);

/// A Redis server that this shard writes to. 0 is the only one, or, with a Cluster, nowhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeIndex(pub u16);

/// One key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SlotKey {
    /// As it stands in Redis.
    pub key: String,
    /// What it holds.
    pub entity: Entity,
    /// Of which instrument.
    pub instrument: Instrument,
    /// At which venue.
    pub venue: Venue,
    /// Whose lease stands behind it.
    pub feed: FeedIndex,
    /// How long Redis and the table keep a value that is not renewed; whole milliseconds, at least one.
    pub ttl: Duration,
}

impl SlotKey {
    /// The TTL in milliseconds, as Redis takes it: at least 1.
    #[must_use]
    pub fn ttl_ms(&self) -> u64 {
        u64::try_from(self.ttl.as_millis()).unwrap_or(u64::MAX).clamp(1, 1 << 53)
    }
}

/// The keys of a shard, in the order of their slots.
#[derive(Debug, Clone, Default)]
pub struct SlotPlan {
    slots: Vec<SlotKey>,
    places: HashMap<String, SlotId>,
    refused: u64,
}

impl SlotPlan {
    /// Of no keys.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a key and says which slot it is.
    ///
    /// # Errors
    /// [`PublishError::SlotsFull`] beyond [`SLOTS_MAX`], [`PublishError::DuplicateKey`] for a key that is there already.
    pub fn add(&mut self, slot: SlotKey) -> Result<SlotId, PublishError> {
        if self.slots.len() >= SLOTS_MAX {
            self.refused += 1;
            return Err(PublishError::SlotsFull { key: slot.key, limit: SLOTS_MAX });
        }
        if self.places.contains_key(&slot.key) {
            return Err(PublishError::DuplicateKey { key: slot.key });
        }
        let id = SlotId(u32::try_from(self.slots.len()).expect("SLOTS_MAX is below 2^32"));
        self.places.insert(slot.key.clone(), id);
        self.slots.push(slot);
        Ok(id)
    }

    /// The keys, in the order of their slots.
    #[must_use]
    pub fn slots(&self) -> &[SlotKey] {
        &self.slots
    }

    /// The slot of a key.
    #[must_use]
    pub fn find(&self, key: &str) -> Option<SlotId> {
        self.places.get(key).copied()
    }

    /// How many keys [`SLOTS_MAX`] kept out.
    #[must_use]
    pub const fn refused(&self) -> u64 {
        self.refused
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slot(key: &str) -> SlotKey {
        super::super::testing::slot_key(key, Entity::Price, 30)
    }

    #[test]
    fn a_key_has_one_slot() {
        let mut plan = SlotPlan::new();
        let first = plan.add(slot("a")).unwrap();
        assert_eq!(plan.add(slot("b")).unwrap(), SlotId(1));
        assert!(matches!(plan.add(slot("a")), Err(PublishError::DuplicateKey { key }) if key == "a"));
        assert_eq!(plan.find("a"), Some(first));
    }

    #[test]
    fn a_key_beyond_the_limit_is_refused_and_counted() {
        let mut plan = SlotPlan::new();
        for index in 0..SLOTS_MAX {
            plan.add(slot(&index.to_string())).unwrap();
        }
        assert!(matches!(plan.add(slot("one more")), Err(PublishError::SlotsFull { limit: SLOTS_MAX, .. })));
        assert_eq!(plan.refused(), 1);
    }
}
