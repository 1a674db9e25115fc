//! The scripts that Redis runs for us: their text, and the commands that load and call them.
//!
//! Owns nothing that changes. A script is called by the hash of its text; it is loaded on each new connection, and again
//! where Redis says that it does not know it.

use std::sync::LazyLock;

use super::batch::append_command;

/// A script and its name at the server.
#[derive(Debug)]
pub(super) struct Script {
    text: &'static str,
    /// SHA-1 of the text, in hexadecimal.
    pub(super) hash: String,
}

impl Script {
    fn new(text: &'static str) -> Self {
        Self { text, hash: redis::Script::new(text).get_hash().to_owned() }
    }

    /// Appends the command that loads it.
    pub(super) fn append_load(&self, out: &mut Vec<u8>) {
        append_command(out, &[b"SCRIPT", b"LOAD", self.text.as_bytes()]);
    }

    /// The same for a connection of the crate's.
    pub(super) fn load(&self) -> redis::Cmd {
        let mut command = redis::cmd("SCRIPT");
        command.arg("LOAD").arg(self.text);
        command
    }
}

/// Writes values, unless newer ones are there.
pub(super) static WRITE: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("scripts/write.lua")));
/// One step of a lease.
pub(super) static LEASE: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("scripts/lease.lua")));
/// Which engines live.
pub(super) static ENGINES: LazyLock<Script> =
    LazyLock::new(|| Script::new(include_str!("scripts/engines.lua")));
/// Spends of a budget that engines share. Loaded where Redis says that it does not know it: it is no hot connection's.
pub(super) static BUDGET: LazyLock<Script> =
    LazyLock::new(|| Script::new(include_str!("scripts/budget.lua")));

/// Every script of the hot connections.
pub(super) fn all() -> [&'static Script; 3] {
    [&WRITE, &LEASE, &ENGINES]
}
