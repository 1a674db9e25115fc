//! The first part of every key and channel.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// Characters that a namespace can hold (WIRE.md).
pub const NAMESPACE_CHARS_MAX: usize = 64;

/// Segments `[a-z0-9][a-z0-9_-]*` joined by `:`, at most [`NAMESPACE_CHARS_MAX`] characters, none of them like a schema
/// version (`v1`), which follows the namespace in every key (WIRE.md). Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Namespace(Arc<str>);

/// Why a text is no namespace.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NamespaceError {
    /// Longer than [`NAMESPACE_CHARS_MAX`].
    #[error("expected at most {NAMESPACE_CHARS_MAX} characters, got {chars}")]
    Length {
        /// How many there are.
        chars: usize,
    },
    /// A segment that breaks the grammar.
    #[error(
        "{segment:?} in {text:?} is no segment: expected [a-z0-9][a-z0-9_-]*, several joined by ':' \
         (tickcache, prod:tickcache)"
    )]
    Segment {
        /// The whole text.
        text: String,
        /// The part that is wrong.
        segment: String,
    },
    /// A segment that reads like a schema version.
    #[error("{segment:?} in {text:?} reads like a schema version, which follows the namespace in every key")]
    SchemaVersion {
        /// The whole text.
        text: String,
        /// The part that is wrong.
        segment: String,
    },
}

impl Namespace {
    /// As it stands in front of keys, without the `:` that follows it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// `tickcache` (WIRE.md).
impl Default for Namespace {
    fn default() -> Self {
        Self("tickcache".into())
    }
}

impl FromStr for Namespace {
    type Err = NamespaceError;

    fn from_str(text: &str) -> Result<Self, NamespaceError> {
        let chars = text.chars().count();
        if chars > NAMESPACE_CHARS_MAX {
            return Err(NamespaceError::Length { chars });
        }
        for segment in text.split(':') {
            let wrong = || (text.to_owned(), segment.to_owned());
            if !is_segment(segment) {
                let (text, segment) = wrong();
                return Err(NamespaceError::Segment { text, segment });
            }
            if is_schema_version(segment) {
                let (text, segment) = wrong();
                return Err(NamespaceError::SchemaVersion { text, segment });
            }
        }
        Ok(Self(text.into()))
    }
}

fn is_segment(text: &str) -> bool {
    let letter_or_digit = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    text.bytes().next().is_some_and(letter_or_digit)
        && text.bytes().all(|byte| letter_or_digit(byte) || matches!(byte, b'_' | b'-'))
}

fn is_schema_version(segment: &str) -> bool {
    segment.strip_prefix('v').is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_digit()))
}

impl fmt::Display for Namespace {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_grammar_of_the_wire_contract_is_enforced() {
        let longest = "n".repeat(NAMESPACE_CHARS_MAX);
        let too_long = "n".repeat(NAMESPACE_CHARS_MAX + 1);
        for (text, valid) in [
            ("tickcache", true),
            ("prod:tickcache", true),
            ("eu-1:prod_a:tickcache", true),
            ("0", true),
            ("vault", true),
            ("v", true),
            (longest.as_str(), true),
            ("", false),
            ("prod:", false),
            (":prod", false),
            ("prod::tickcache", false),
            ("-prod", false),
            ("_prod", false),
            ("Prod", false),
            ("prod tickcache", false),
            ("{prod}", false),
            ("prod*", false),
            ("v1", false),
            ("prod:v12", false),
            ("v1:prod", false),
            ("prøve", false),
            (too_long.as_str(), false),
        ] {
            assert_eq!(text.parse::<Namespace>().is_ok(), valid, "{text}");
        }
    }
}
