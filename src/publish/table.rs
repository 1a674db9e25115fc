//! The newest encoded value of every key, for other threads.
//!
//! Owns a cell a slot over reused memory: the one writer stores, anybody reads, and the writer never waits for a reader. Never serves a
//! value beyond its TTL: expiry is checked at the read, not by a janitor. The keys are fixed when it is made.

use std::cell::Cell as LocalCell;
use std::collections::HashMap;
use std::time::Duration;

use crate::domain::{MonoTime, SlotId, Version};

use super::cell::Cell;
use super::noticeboard::Noticeboard;
use super::{SlotKey, SlotPlan};

thread_local! {
    /// What [`ValueTable::read`] lends, kept for its memory.
    static COPY: LocalCell<Vec<u8>> = const { LocalCell::new(Vec::new()) };
}

/// A value as it stands in the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableValue {
    /// The envelope's bytes, the very ones that go to Redis.
    pub bytes: Vec<u8>,
    /// The version in the envelope.
    pub version: Version,
    /// What is left of its TTL; above zero.
    pub ttl: Duration,
}

/// The newest encoded value of every key of a shard. Shared by `Arc`.
#[derive(Debug)]
pub struct ValueTable {
    keys: Vec<SlotKey>,
    places: HashMap<String, SlotId>,
    cells: Vec<Cell>,
    board: Noticeboard,
}

impl ValueTable {
    /// An empty table over the plan's keys.
    #[must_use]
    pub fn new(plan: &SlotPlan) -> Self {
        let keys = plan.slots().to_vec();
        let places = keys.iter().filter_map(|slot| Some((slot.key.clone(), plan.find(&slot.key)?))).collect();
        let cells = keys.iter().map(|key| Cell::new(Duration::from_millis(key.ttl_ms()))).collect();
        let board = Noticeboard::new(keys.len());
        Self { keys, places, cells, board }
    }

    /// What the writer tells beside the values.
    #[must_use]
    pub const fn board(&self) -> &Noticeboard {
        &self.board
    }

    /// The slot of a key; `None` for one that this shard does not write.
    #[must_use]
    pub fn find(&self, key: &str) -> Option<SlotId> {
        self.places.get(key).copied()
    }

    /// The key of a slot.
    #[must_use]
    pub fn key(&self, slot: SlotId) -> Option<&str> {
        Some(self.keys.get(slot.0 as usize)?.key.as_str())
    }

    /// Every key with its slot, whether or not it holds a value now.
    pub fn list(&self) -> impl Iterator<Item = (SlotId, &SlotKey)> {
        (0_u32..).map(SlotId).zip(&self.keys)
    }

    /// The value of a slot; `None` where there is none or its TTL is over.
    #[must_use]
    pub fn get(&self, slot: SlotId, now: MonoTime) -> Option<TableValue> {
        let mut bytes = Vec::new();
        let head = self.cells.get(slot.0 as usize)?.load(&mut bytes)?;
        (now < head.expires).then(|| TableValue {
            bytes,
            version: head.version,
            ttl: head.expires.since(now),
        })
    }

    /// The value of a key, as [`Self::get`].
    #[must_use]
    pub fn get_key(&self, key: &str, now: MonoTime) -> Option<TableValue> {
        self.get(self.find(key)?, now)
    }

    /// Lends a copy of the value of a slot to `read`.
    #[inline]
    pub fn read<T>(&self, slot: SlotId, now: MonoTime, read: impl FnOnce(&[u8], Version) -> T) -> Option<T> {
        let cell = self.cells.get(slot.0 as usize)?;
        // Taken and put back: `read` may read another slot.
        let mut copy = COPY.take();
        let found = cell.load(&mut copy).filter(|head| now < head.expires);
        let answer = found.map(|head| read(&copy, head.version));
        COPY.set(copy);
        answer
    }

    /// What is left of the TTL of a slot's value; `None` where there is no value.
    #[must_use]
    pub fn ttl(&self, slot: SlotId, now: MonoTime) -> Option<Duration> {
        let head = self.cells.get(slot.0 as usize)?.peek()?;
        (now < head.expires).then(|| head.expires.since(now))
    }

    /// Replaces the value of a slot. The writer's sequences only grow, so the newest is the last one stored.
    #[inline]
    pub(super) fn store(&self, slot: SlotId, bytes: &[u8], version: Version, now: MonoTime) {
        let cell = &self.cells[slot.0 as usize];
        debug_assert!(
            cell.peek().is_none_or(|known| known.version.sequence < version.sequence),
            "a slot's sequence only grows, whatever becomes of its epoch"
        );
        cell.store(bytes, version, now);
        self.board.mark(slot);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Entity, Epoch, Sequence};

    fn table() -> ValueTable {
        let mut plan = SlotPlan::new();
        for (key, ttl_s) in [("a", 30), ("b", 60)] {
            plan.add(super::super::testing::slot_key(key, Entity::Price, ttl_s)).unwrap();
        }
        ValueTable::new(&plan)
    }

    fn version(sequence: u64) -> Version {
        Version { epoch: Epoch::new(7).unwrap(), sequence: Sequence::new(sequence).unwrap() }
    }

    fn at(seconds: u64) -> MonoTime {
        MonoTime::from_nanos(seconds * 1_000_000_000)
    }

    #[test]
    fn a_value_is_gone_the_moment_its_ttl_is_over() {
        let table = table();
        table.store(SlotId(0), b"first", version(1), at(10));
        let value = table.get_key("a", at(39)).unwrap();
        assert_eq!((value.bytes.as_slice(), value.ttl), (&b"first"[..], Duration::from_secs(1)));
        assert_eq!(table.get_key("a", at(40)), None);
    }

    #[test]
    fn a_newer_value_replaces_the_older_and_renews_its_ttl() {
        let table = table();
        table.store(SlotId(0), b"a long first value", version(1), at(0));
        table.store(SlotId(0), b"second", version(2), at(20));
        let value = table.get(SlotId(0), at(49)).unwrap();
        assert_eq!((value.bytes.as_slice(), value.version), (&b"second"[..], version(2)));
    }

    #[test]
    fn keys_without_a_value_are_listed_and_read_as_missing() {
        let table = table();
        let keys: Vec<_> = table.list().map(|(slot, key)| (slot, key.key.as_str())).collect();
        assert_eq!(keys, [(SlotId(0), "a"), (SlotId(1), "b")]);
        assert_eq!(table.get(SlotId(1), at(0)), None);
        assert_eq!(table.get(SlotId(9), at(0)), None);
        assert_eq!(table.get_key("unknown", at(0)), None);
    }
}
