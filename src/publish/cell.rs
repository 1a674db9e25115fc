//! A value that one thread replaces and any other reads, neither ever waiting for a lock.
//!
//! Owns the bytes of one key, their version and their end. The writer counts a turn up before and after it writes and never looks back:
//! a reader that was interrupted, or died, cannot hold it up. A reader whose turn changed meanwhile reads again. One thread writes,
//! which is for the owner of the cell to see to: two could leave bytes of both (never anything unsafe). Memory: what the
//! longest value so far needed, in steps of four; a value beyond [`VALUE_BYTES_MAX`] is not taken.
//!
//! What a store needs stands together, and as few pointers as can be lead to the bytes: where thousands of keys take turns each step
//! along a pointer is a trip to memory.

use std::array;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering, fence};
use std::time::Duration;

use crate::domain::{Epoch, MonoTime, Sequence, Version};

/// The longest value: far beyond any that is encoded.
pub(super) const VALUE_BYTES_MAX: usize = LONG_BYTES_MIN << (2 * (CLASSES - 1));

const WORD: usize = size_of::<u64>();

/// What a price or a volume needs at most stands beside the version, so that a read is one trip to memory.
const SHORT_WORDS: usize = 24;
const LONG_WORDS: usize = LONG_BYTES_MIN / WORD;
const LONG_BYTES_MIN: usize = 512;
const CLASSES: usize = 7;

/// Reads that may fail before a reader lets others run: the writer may need its core.
const SPINS: u32 = 64;

/// Buffers for longer values, each four times the one before. Beyond the first those that were ever needed are there.
#[derive(Debug)]
struct Long {
    first: [AtomicU64; LONG_WORDS],
    others: [OnceLock<Box<[AtomicU64]>>; CLASSES - 1],
}

impl Long {
    fn new() -> Self {
        Self { first: array::from_fn(|_| AtomicU64::new(0)), others: array::from_fn(|_| OnceLock::new()) }
    }
}

#[derive(Debug)]
#[repr(align(64))]
pub(super) struct Cell {
    /// Zero: nothing was written yet. Odd: it is being written.
    turn: AtomicU64,
    expires: AtomicU64,
    epoch: AtomicU64,
    sequence: AtomicU64,
    length: AtomicU32,
    /// How long a value is there, in nanoseconds.
    ttl: u64,
    long: OnceLock<Box<Long>>,
    short: [AtomicU64; SHORT_WORDS],
}

/// What is said of a value beside its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) version: Version,
    pub(super) expires: MonoTime,
}

impl Cell {
    /// Empty; what is stored is there for `ttl`.
    pub(super) fn new(ttl: Duration) -> Self {
        Self {
            ttl: u64::try_from(ttl.as_nanos()).unwrap_or(u64::MAX),
            turn: AtomicU64::new(0),
            expires: AtomicU64::new(0),
            epoch: AtomicU64::new(0),
            sequence: AtomicU64::new(0),
            length: AtomicU32::new(0),
            long: OnceLock::new(),
            short: array::from_fn(|_| AtomicU64::new(0)),
        }
    }

    /// Replaces the value. To be called by one thread only.
    #[inline]
    pub(super) fn store(&self, bytes: &[u8], version: Version, now: MonoTime) {
        debug_assert!(bytes.len() <= VALUE_BYTES_MAX, "{} bytes are no value", bytes.len());
        let Some(words) = self.words_for(bytes.len()) else { return };
        let turn = self.turn.load(Ordering::Relaxed);
        self.turn.store(turn | 1, Ordering::Relaxed);
        // Whoever sees a word of this turn sees that the turn has begun.
        fence(Ordering::Release);
        self.expires.store(now.nanos().saturating_add(self.ttl), Ordering::Relaxed);
        self.epoch.store(version.epoch.get(), Ordering::Relaxed);
        self.sequence.store(version.sequence.get(), Ordering::Relaxed);
        #[expect(clippy::cast_possible_truncation, reason = "below VALUE_BYTES_MAX")]
        self.length.store(bytes.len() as u32, Ordering::Relaxed);
        let (whole, rest) = bytes.as_chunks::<WORD>();
        for (word, bytes) in words.iter().zip(whole) {
            word.store(u64::from_le_bytes(*bytes), Ordering::Relaxed);
        }
        if !rest.is_empty() {
            let mut last = [0; WORD];
            last[..rest.len()].copy_from_slice(rest);
            words[whole.len()].store(u64::from_le_bytes(last), Ordering::Relaxed);
        }
        self.turn.store((turn | 1) + 1, Ordering::Release);
    }

    /// Copies the value into `out`, which is emptied first. `None`: there was never one.
    #[inline]
    pub(super) fn load(&self, out: &mut Vec<u8>) -> Option<Head> {
        self.consistent(|| {
            out.clear();
            let length = self.length.load(Ordering::Relaxed) as usize;
            // A length of another turn than the buffer's is found out afterwards.
            let words = self.words(length)?;
            out.resize(length.next_multiple_of(WORD), 0);
            for (to, word) in out.as_chunks_mut::<WORD>().0.iter_mut().zip(words) {
                *to = word.load(Ordering::Relaxed).to_le_bytes();
            }
            out.truncate(length);
            Some(self.head())
        })
    }

    /// What is said of the value. `None`: there was never one.
    #[inline]
    pub(super) fn peek(&self) -> Option<Head> {
        self.consistent(|| Some(self.head()))
    }

    fn head(&self) -> Head {
        let epoch = Epoch::new(self.epoch.load(Ordering::Relaxed)).unwrap_or(Epoch::UNOWNED);
        let sequence = Sequence::new(self.sequence.load(Ordering::Relaxed)).unwrap_or(Sequence::ZERO);
        let expires = MonoTime::from_nanos(self.expires.load(Ordering::Relaxed));
        Head { version: Version { epoch, sequence }, expires }
    }

    /// Reads again until nothing was written meanwhile.
    #[inline]
    fn consistent(&self, mut read: impl FnMut() -> Option<Head>) -> Option<Head> {
        for tries in 0_u32.. {
            let turn = self.turn.load(Ordering::Acquire);
            if turn == 0 {
                return None;
            }
            if turn.is_multiple_of(2) {
                let found = read();
                fence(Ordering::Acquire);
                if self.turn.load(Ordering::Relaxed) == turn {
                    return found;
                }
            }
            if tries < SPINS { std::hint::spin_loop() } else { std::thread::yield_now() }
        }
        None
    }

    /// Where a value of this length stands.
    #[inline]
    fn words(&self, length: usize) -> Option<&[AtomicU64]> {
        if length <= SHORT_WORDS * WORD {
            return Some(&self.short);
        }
        let long = self.long.get()?;
        match class(length).checked_sub(1) {
            None => Some(&long.first),
            Some(other) => Some(long.others.get(other)?.get()?),
        }
    }

    /// The same; makes it where there is none yet.
    #[inline]
    fn words_for(&self, length: usize) -> Option<&[AtomicU64]> {
        if length <= SHORT_WORDS * WORD {
            return Some(&self.short);
        }
        let long = self.long.get_or_init(|| Box::new(Long::new()));
        let class = class(length);
        let Some(other) = class.checked_sub(1) else { return Some(&long.first) };
        let make = || (0..LONG_WORDS << (2 * class)).map(|_| AtomicU64::new(0)).collect();
        Some(long.others.get(other)?.get_or_init(make))
    }
}

/// Which buffer a value beyond the short ones needs: the first that is long enough.
#[inline]
fn class(length: usize) -> usize {
    let steps = length.div_ceil(LONG_BYTES_MIN).next_power_of_two().trailing_zeros();
    steps.div_ceil(2) as usize
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicBool;

    use super::*;

    const TTL: Duration = Duration::from_secs(30);

    fn version(number: u64) -> Version {
        Version { epoch: Epoch::new(number).unwrap(), sequence: Sequence::new(number).unwrap() }
    }

    fn head(number: u64) -> Head {
        Head { version: version(number), expires: MonoTime::from_nanos(number).after(TTL) }
    }

    fn store(cell: &Cell, bytes: &[u8], number: u64) {
        cell.store(bytes, version(number), MonoTime::from_nanos(number));
    }

    #[test]
    fn a_value_of_any_length_comes_back_as_it_was_stored() {
        let (cell, mut out) = (Cell::new(TTL), vec![1; 9]);
        assert_eq!((cell.load(&mut out), cell.peek()), (None, None));
        let lengths = [0, 1, 7, 8, 9, 191, 192, 193, 511, 512, 513, 2_048, 2_049, 9_000, 33_000, 140_000, 3];
        for (length, number) in lengths.into_iter().zip(1_u64..) {
            let bytes: Vec<u8> =
                (0..length).map(|place| u8::try_from((place * 31 + 1) % 256).unwrap()).collect();
            store(&cell, &bytes, number);
            assert_eq!((cell.load(&mut out), cell.peek()), (Some(head(number)), Some(head(number))));
            assert!(out == bytes, "{length}");
        }
    }

    #[test]
    fn the_buffer_is_the_smallest_that_holds_the_value() {
        for (length, wanted) in [(193, 0), (512, 0), (513, 1), (2_048, 1), (2_049, 2), (VALUE_BYTES_MAX, 6)] {
            assert_eq!(class(length), wanted, "{length}");
            assert!(length <= LONG_BYTES_MIN << (2 * wanted));
        }
        assert_eq!(class(VALUE_BYTES_MAX + 1), CLASSES);
    }

    /// Every byte of a value, and its head, is made of one number: a value of two turns would show.
    #[test]
    fn readers_never_see_a_value_of_two_turns() {
        const STORES: u64 = 300_000;
        let (cell, over) = (Cell::new(TTL), AtomicBool::new(false));
        std::thread::scope(|scope| {
            let reader = || {
                let (mut out, mut newest, mut reads) = (Vec::new(), 0, 0_u64);
                while !over.load(Ordering::Relaxed) || reads == 0 {
                    let Some(found) = cell.load(&mut out) else { continue };
                    let number = found.version.sequence.get();
                    assert_eq!(found, head(number));
                    assert!(number >= newest, "{number} after {newest}");
                    assert_eq!(out.len() as u64, length(number));
                    assert!(out.iter().all(|&byte| u64::from(byte) == number % 251), "{number}");
                    (newest, reads) = (number, reads + 1);
                }
                reads
            };
            let readers = [scope.spawn(reader), scope.spawn(reader)];
            let mut bytes = Vec::new();
            for number in 1..=STORES {
                bytes.clear();
                bytes.resize(usize::try_from(length(number)).unwrap(), u8::try_from(number % 251).unwrap());
                store(&cell, &bytes, number);
            }
            over.store(true, Ordering::Relaxed);
            for reader in readers {
                assert!(reader.join().unwrap() > 0);
            }
        });
    }

    /// Short ones and long ones of two buffers.
    fn length(number: u64) -> u64 {
        [150, 152, 700, 181, 3_000][usize::try_from(number % 5).unwrap()]
    }
}
