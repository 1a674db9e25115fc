//! A connection between an engine and a server: bytes in order, late, cut anywhere.
//!
//! Owns what is on its way and what the server has not read. Never looks into the bytes.

use std::collections::VecDeque;

use crate::domain::MonoTime;

/// Whether bytes arrive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Path {
    Open,
    /// They arrive, but not before this time.
    Stalled(u64),
    /// They never do, and nobody is told.
    BlackHole,
}

#[derive(Debug)]
pub(super) struct Connection {
    pub(super) engine: usize,
    pub(super) run: u32,
    pub(super) server: usize,
    pub(super) path: Path,
    /// Whether the engine still holds it.
    pub(super) engine_open: bool,
    /// Whether the server still reads what comes.
    pub(super) server_open: bool,
    /// The next reply arrives in part, and nothing after it.
    pub(super) cut_in_reply: bool,
    /// Since when it is up; `None` during the handshake.
    pub(super) up_since: Option<u64>,
    /// When the last bytes arrive.
    pub(super) to_server_at: u64,
    pub(super) to_engine_at: u64,
    /// What the server has not taken apart.
    pub(super) received: Vec<u8>,
    /// Bytes that the engine has sent, and that the server has taken apart.
    pub(super) sent: u64,
    pub(super) parsed: u64,
    /// Where each batch ends, and when it was built by the engine's clock.
    pub(super) built: VecDeque<(u64, MonoTime)>,
    /// The engine's socket takes nothing until then.
    pub(super) blocked_until: u64,
}

impl Connection {
    pub(super) fn new(engine: usize, run: u32, server: usize) -> Self {
        Self {
            engine,
            run,
            server,
            path: Path::Open,
            engine_open: true,
            server_open: true,
            cut_in_reply: false,
            up_since: None,
            to_server_at: 0,
            to_engine_at: 0,
            received: Vec::new(),
            sent: 0,
            parsed: 0,
            built: VecDeque::new(),
            blocked_until: 0,
        }
    }

    /// When bytes arrive that need this long; `None` = never.
    pub(super) fn arrival(&self, now: u64, delay: u64, last: u64) -> Option<u64> {
        match self.path {
            Path::Open => Some((now + delay).max(last + 1)),
            Path::Stalled(until) => Some((now + delay).max(until).max(last + 1)),
            Path::BlackHole => None,
        }
    }

    /// When the batch was built whose bytes the server has just taken apart up to `parsed`.
    pub(super) fn built_at(&mut self) -> MonoTime {
        while self.built.front().is_some_and(|(end, _)| *end < self.parsed) {
            self.built.pop_front();
        }
        self.built.front().map_or(MonoTime::default(), |(_, built)| *built)
    }
}
