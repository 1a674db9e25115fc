//! Commands for Redis, packed into one reused buffer, and what each of their replies will speak of.
//!
//! Owns the bytes of a pipeline. Never talks to a socket, never encodes a record. A batch takes no further value beyond
//! [`BATCH_VALUES_MAX`] values ([`SCRIPT_VALUES_MAX`] where a script writes them: it blocks the server) or
//! [`BATCH_BYTES_MAX`] ([`SCRIPT_BYTES_MAX`]) bytes.

use crate::domain::{EventKind, MonoTime, Now, SlotId, Version, WallTime};

use super::FeedIndex;
use super::lease::Ask;

/// Values in a batch of plain commands.
pub const BATCH_VALUES_MAX: usize = 256;
/// Values in a batch that scripts write.
pub const SCRIPT_VALUES_MAX: usize = 64;
/// Bytes of a batch, its last value aside.
pub const BATCH_BYTES_MAX: usize = 64 << 10;
/// Likewise where a script writes the values: 64 prices fit, but only some 20 books, so that a quote that comes behind a batch of
/// books does not wait for a millisecond.
pub const SCRIPT_BYTES_MAX: usize = 8 << 10;

/// What a reply speaks of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Entry {
    /// A script that writes so many of the batch's values: the next ones that no entry before it speaks of.
    Fenced {
        /// How many.
        values: u16,
    },
    /// A SET of the next value.
    Set,
    /// A question to the lease script.
    Lease {
        /// Of which feed.
        feed: FeedIndex,
        /// Which.
        ask: Ask,
    },
    /// The script that says which engines live.
    Engines,
    /// A command about the catalog.
    Catalog,
    /// A command about `meta`.
    Meta,
    /// The PUBLISH of an event.
    Event(EventKind),
    /// A command whose answer changes nothing: a push, a heartbeat, a script's text, the end of a derived key.
    Aside,
    /// A PING.
    Ping,
}

/// A value that was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct SentValue {
    /// Of which key.
    pub(super) slot: SlotId,
    /// Its version.
    pub(super) version: Version,
    /// When its update was received, if its latency counts.
    pub(super) received: Option<MonoTime>,
    /// The number of the last event that waited for it.
    pub(super) events_upto: Option<u64>,
}

/// A pipeline: built, sent, answered, used again.
#[derive(Debug)]
pub(super) struct Batch {
    /// The commands.
    pub(super) bytes: Vec<u8>,
    /// How many of the bytes the socket took.
    pub(super) taken: usize,
    /// One entry a command.
    pub(super) entries: Vec<Entry>,
    /// How many of the entries were answered.
    answered: usize,
    /// The values, in the order of their commands.
    pub(super) values: Vec<SentValue>,
    /// How many of the values were answered.
    pub(super) values_answered: usize,
    /// When it was built.
    pub(super) sent: Now,
}

impl Default for Batch {
    fn default() -> Self {
        Self {
            bytes: Vec::new(),
            taken: 0,
            entries: Vec::new(),
            answered: 0,
            values: Vec::new(),
            values_answered: 0,
            sent: Now { wall: WallTime::from_nanos(0), mono: MonoTime::default() },
        }
    }
}

impl Batch {
    /// Empties it; keeps its memory.
    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.entries.clear();
        self.values.clear();
        (self.taken, self.answered, self.values_answered) = (0, 0, 0);
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

    /// The next values that no reply has spoken of.
    pub(super) fn answer_values(&mut self, count: usize) -> std::ops::Range<usize> {
        let start = self.values_answered;
        self.values_answered = (start + count).min(self.values.len());
        start..self.values_answered
    }

    /// The entries that no reply has come for.
    pub(super) fn unanswered(&self) -> &[Entry] {
        &self.entries[self.answered..]
    }

    /// The values that no reply has come for.
    pub(super) fn unanswered_values(&self) -> &[SentValue] {
        &self.values[self.values_answered..]
    }

    /// Appends a command that writes no value.
    pub(super) fn push_command(&mut self, entry: Entry, words: &[&[u8]]) {
        append_command(&mut self.bytes, words);
        self.entries.push(entry);
    }
}

/// Appends a command as an array of bulk strings.
pub(super) fn append_command(out: &mut Vec<u8>, words: &[&[u8]]) {
    append_head(out, b'*', words.len());
    for word in words {
        append_bulk(out, word);
    }
}

/// Appends a bulk string.
#[inline]
pub(super) fn append_bulk(out: &mut Vec<u8>, word: &[u8]) {
    append_head(out, b'$', word.len());
    out.extend_from_slice(word);
    out.extend_from_slice(b"\r\n");
}

/// Appends a length of RESP: its type, the number, a line end.
#[inline]
pub(super) fn append_head(out: &mut Vec<u8>, kind: u8, number: usize) {
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
    out.push(kind);
    out.extend_from_slice(&digits[at..]);
    out.extend_from_slice(b"\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_arrays_of_bulk_strings() {
        let mut out = Vec::new();
        append_command(&mut out, &[b"HSET", b"key", b""]);
        assert_eq!(out, b"*3\r\n$4\r\nHSET\r\n$3\r\nkey\r\n$0\r\n\r\n");
    }
}
