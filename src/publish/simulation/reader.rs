//! A bot: it polls, or it hears what is told, and keeps its own copy by the readers' rule.
//!
//! Owns the copies. Never decides what a server answers.

use crate::codec::supersedes;
use crate::domain::{Epoch, Sequence, Version};

use super::market::version;

/// How a reader gets values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    Poll,
    Subscribe,
}

/// What a reader holds of a key.
#[derive(Debug, Clone)]
pub(super) struct Copy {
    pub(super) bytes: Vec<u8>,
    version: Version,
    /// In nanoseconds of the simulation.
    deadline: u64,
}

#[derive(Debug)]
pub(super) struct Reader {
    pub(super) way: Way,
    /// Which server it is connected to.
    pub(super) server: usize,
    pub(super) copies: Vec<Option<Copy>>,
    ttl: u64,
    /// When the last message was delivered.
    pub(super) told_at: u64,
}

/// What became of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Taken {
    Shown,
    /// It is older than the copy.
    KeptOut,
    /// It is no value.
    Unreadable,
}

impl Reader {
    pub(super) fn new(way: Way, keys: usize, ttl_ms: u64) -> Self {
        Self { way, server: 0, copies: vec![None; keys], ttl: ttl_ms * 1_000_000, told_at: 0 }
    }

    /// A value of a key has come.
    pub(super) fn take(&mut self, key: usize, bytes: &[u8], now: u64) -> Taken {
        let Some((epoch, sequence)) = version(bytes) else { return Taken::Unreadable };
        let (Some(epoch), Some(sequence)) = (Epoch::new(epoch), Sequence::new(sequence)) else {
            return Taken::Unreadable;
        };
        let new = Version { epoch, sequence };
        let copy = self.copies[key].as_ref().filter(|copy| now < copy.deadline);
        match copy {
            Some(copy) if supersedes(copy.version, new) => return Taken::KeptOut,
            Some(copy) if copy.version == new => return Taken::Shown,
            Some(_) | None => {}
        }
        self.copies[key] = Some(Copy { bytes: bytes.to_vec(), version: new, deadline: now + self.ttl });
        Taken::Shown
    }

    /// The version that it shows.
    pub(super) fn shows(&self, key: usize, now: u64) -> Option<(Version, &[u8])> {
        let copy = self.copies[key].as_ref().filter(|copy| now < copy.deadline)?;
        Some((copy.version, &copy.bytes))
    }
}
