//! Commands for Redis, packed into one reused buffer.
//!
//! Owns the bytes of a pipeline and what each of its replies will speak of. Never talks to a socket, never encodes a
//! record. A batch takes no further value beyond [`BATCH_VALUES_MAX`] values or [`BATCH_BYTES_MAX`] bytes.

use crate::domain::{MonoTime, SlotId};

use super::SlotPlan;

/// Values in a batch.
pub const BATCH_VALUES_MAX: usize = 256;
/// Bytes of a batch, its last value aside.
pub const BATCH_BYTES_MAX: usize = 64 << 10;

/// What a reply speaks of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Entry {
    /// A SET of a slot's value.
    Value {
        /// Which.
        slot: SlotId,
        /// When its update was received, if its latency counts.
        received: Option<MonoTime>,
    },
    /// A command about the catalog.
    Catalog,
    /// A PING.
    Ping,
}

/// A pipeline: built, sent, answered, used again.
#[derive(Debug, Default)]
pub(super) struct Batch {
    /// The commands.
    pub(super) bytes: Vec<u8>,
    /// How many of the bytes the socket took.
    pub(super) taken: usize,
    /// One entry a command.
    pub(super) entries: Vec<Entry>,
    /// How many of the entries were answered.
    pub(super) answered: usize,
    /// How many of the entries are values.
    pub(super) values: usize,
    /// When it was built.
    pub(super) sent: MonoTime,
}

impl Batch {
    /// Empties it; keeps its memory.
    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.entries.clear();
        (self.taken, self.answered, self.values) = (0, 0, 0);
    }

    /// Whether another value may be added.
    pub(super) fn has_room(&self) -> bool {
        self.values < BATCH_VALUES_MAX && self.bytes.len() < BATCH_BYTES_MAX
    }

    /// The bytes that the socket has not taken yet.
    pub(super) fn unsent(&self) -> &[u8] {
        &self.bytes[self.taken..]
    }

    /// The entry that the next reply speaks of.
    pub(super) fn answer(&mut self) -> Option<Entry> {
        let entry = *self.entries.get(self.answered)?;
        self.answered += 1;
        Some(entry)
    }

    /// The entries that no reply has come for.
    pub(super) fn unanswered(&self) -> &[Entry] {
        &self.entries[self.answered..]
    }

    /// Appends a command that is no SET of ours.
    pub(super) fn push_command(&mut self, entry: Entry, words: &[&[u8]]) {
        append_command(&mut self.bytes, words);
        self.entries.push(entry);
    }
}

/// The parts of `SET key value PX ttl` that never change, ready to be copied.
#[derive(Debug)]
pub(super) struct SetCommands {
    /// Of each slot: everything before the value's length, and which suffix.
    slots: Vec<(Box<[u8]>, usize)>,
    /// Of each TTL: everything after the value.
    suffixes: Vec<Box<[u8]>>,
}

impl SetCommands {
    /// Of the plan's keys.
    pub(super) fn new(plan: &SlotPlan) -> Self {
        let (mut ttls, mut suffixes, mut slots) = (Vec::new(), Vec::new(), Vec::new());
        for slot in plan.slots() {
            let ttl_ms = slot.ttl_ms();
            let suffix = ttls.iter().position(|&known| known == ttl_ms).unwrap_or_else(|| {
                let digits = ttl_ms.to_string();
                ttls.push(ttl_ms);
                suffixes
                    .push(format!("\r\n$2\r\nPX\r\n${}\r\n{digits}\r\n", digits.len()).into_bytes().into());
                ttls.len() - 1
            });
            let prefix = format!("*5\r\n$3\r\nSET\r\n${}\r\n{}\r\n$", slot.key.len(), slot.key);
            slots.push((prefix.into_bytes().into(), suffix));
        }
        Self { slots, suffixes }
    }

    /// Appends the SET of a slot's value.
    #[inline]
    pub(super) fn append(&self, batch: &mut Batch, slot: SlotId, received: Option<MonoTime>, value: &[u8]) {
        let (prefix, suffix) = &self.slots[slot.0 as usize];
        batch.bytes.extend_from_slice(prefix);
        append_number(&mut batch.bytes, value.len());
        batch.bytes.extend_from_slice(b"\r\n");
        batch.bytes.extend_from_slice(value);
        batch.bytes.extend_from_slice(&self.suffixes[*suffix]);
        batch.entries.push(Entry::Value { slot, received });
        batch.values += 1;
    }
}

/// Appends a command as an array of bulk strings.
pub(super) fn append_command(out: &mut Vec<u8>, words: &[&[u8]]) {
    out.push(b'*');
    append_number(out, words.len());
    out.extend_from_slice(b"\r\n");
    for word in words {
        out.push(b'$');
        append_number(out, word.len());
        out.extend_from_slice(b"\r\n");
        out.extend_from_slice(word);
        out.extend_from_slice(b"\r\n");
    }
}

#[inline]
fn append_number(out: &mut Vec<u8>, number: usize) {
    let mut digits = [0_u8; 20];
    let (mut at, mut rest) = (digits.len(), number);
    loop {
        at -= 1;
        digits[at] = b"0123456789"[rest % 10];
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[at..]);
}

#[cfg(test)]
mod tests {
    use super::super::testing::plan;
    use super::*;

    #[test]
    fn a_set_command_is_what_redis_expects() {
        let commands = SetCommands::new(&plan(1, 1));
        let mut batch = Batch::default();
        commands.append(&mut batch, SlotId(0), None, b"a value!");
        commands.append(&mut batch, SlotId(1), None, &[b'x'; 105]);
        let expected = format!(
            "*5\r\n$3\r\nSET\r\n$4\r\nkey0\r\n$8\r\na value!\r\n$2\r\nPX\r\n$5\r\n30000\r\n\
             *5\r\n$3\r\nSET\r\n$4\r\nkey1\r\n$105\r\n{}\r\n$2\r\nPX\r\n$6\r\n300000\r\n",
            "x".repeat(105)
        );
        assert_eq!(String::from_utf8_lossy(&batch.bytes), expected);
        assert_eq!(batch.values, 2);
    }

    #[test]
    fn commands_are_arrays_of_bulk_strings() {
        let mut out = Vec::new();
        append_command(&mut out, &[b"HSET", b"key", b""]);
        assert_eq!(out, b"*3\r\n$4\r\nHSET\r\n$3\r\nkey\r\n$0\r\n\r\n");
    }

    #[test]
    fn a_batch_is_full_by_values_or_by_bytes() {
        let commands = SetCommands::new(&plan(1, 0));
        for (length, limit) in [(10, BATCH_VALUES_MAX), (1_000, BATCH_BYTES_MAX / 1_000)] {
            let mut batch = Batch::default();
            while batch.has_room() {
                commands.append(&mut batch, SlotId(0), None, &vec![0; length]);
            }
            assert!((limit - 5..=limit).contains(&batch.values), "{length}: {}", batch.values);
        }
    }
}
