//! An engine's name among the engines.

use std::fmt;
use std::str::FromStr;

/// Bytes of an engine's name.
pub const ENGINE_ID_BYTES_MAX: usize = 64;
/// The same where the engine has several shards: behind it go a shard's end (`.s15`) and, in leases, that of the very run
/// (`.0123ab`).
pub(super) const SHARDED_BYTES_MAX: usize = ENGINE_ID_BYTES_MAX - ".s15".len() - ".0123ab".len();

/// The name of one engine: in its leases, its heartbeats and the list of engines. No two that run may share one.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct EngineId(String);

/// Not the name of an engine.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EngineIdError {
    /// Not made of the letters of one, or of too many.
    #[error("expected 1 to {ENGINE_ID_BYTES_MAX} of A-Z, a-z, 0-9, '.', '_' and '-', got {0:?}")]
    Grammar(String),
    /// The second shard of an engine `a` is `a.s1` in the list of engines: an engine of that name would overwrite it.
    #[error(
        "expected another end than \".s\" and a number, which is how shards of an engine are named, got {0:?}"
    )]
    Shard(String),
}

impl EngineId {
    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for EngineId {
    type Err = EngineIdError;

    fn from_str(text: &str) -> Result<Self, EngineIdError> {
        match text {
            _ if !is_name(text) => Err(EngineIdError::Grammar(text.to_owned())),
            _ if is_shard(text) => Err(EngineIdError::Shard(text.to_owned())),
            _ => Ok(Self(text.to_owned())),
        }
    }
}

impl fmt::Display for EngineId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(&self.0)
    }
}

/// Whether it ends as the names of an engine's further shards do.
fn is_shard(text: &str) -> bool {
    text.rsplit_once(".s")
        .is_some_and(|(_, number)| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Whether it is fit for an engine or, by Sentinel's own rule, for the name of a primary.
pub(super) fn is_name(text: &str) -> bool {
    let fit = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    (1..=ENGINE_ID_BYTES_MAX).contains(&text.len()) && text.bytes().all(fit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_made_of_the_characters_that_keys_and_replies_are_split_at_none_of() {
        for name in ["a", "engine-a", "host.example-4711-0f3a", "A_9", &"x".repeat(ENGINE_ID_BYTES_MAX)] {
            assert_eq!(name.parse::<EngineId>().map(|id| id.to_string()), Ok(name.to_owned()));
        }
        for name in ["a.s1", "host.s15", ".s0"] {
            assert_eq!(name.parse::<EngineId>(), Err(EngineIdError::Shard(name.to_owned())));
        }
        for name in ["a.s", "a.s1x", "as1", "a.s1.b"] {
            assert!(name.parse::<EngineId>().is_ok(), "{name}");
        }
        for name in ["", "a:1", "a b", "a=b", "a,b", "é", "a\n", &"x".repeat(ENGINE_ID_BYTES_MAX + 1)] {
            assert_eq!(name.parse::<EngineId>(), Err(EngineIdError::Grammar(name.to_owned())));
        }
    }
}
