//! The first part of every key.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// Characters of a namespace.
pub const NAMESPACE_LENGTH_MAX: usize = 64;

/// What stands in front of every key and channel: segments `[a-z0-9][a-z0-9_-]*` joined by `:`, at most
/// [`NAMESPACE_LENGTH_MAX`] characters, no segment that looks like a schema version (WIRE.md). Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Namespace(Arc<str>);

/// Why a text is no namespace.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NamespaceError {
    /// No character at all.
    #[error("the namespace is empty")]
    Empty,
    /// More than [`NAMESPACE_LENGTH_MAX`] characters.
    #[error("the namespace has {length} characters, more than {NAMESPACE_LENGTH_MAX}")]
    TooLong {
        /// How many it has.
        length: usize,
    },
    /// A segment that breaks the grammar.
    #[error(
        "namespace {namespace:?}: segment {segment:?} must be of a-z, 0-9, _ and -, and begin with a-z or 0-9"
    )]
    Segment {
        /// The whole text.
        namespace: String,
        /// The segment that is wrong.
        segment: String,
    },
    /// A segment such as `v1`: keys could not be taken apart again.
    #[error("namespace {namespace:?}: segment {segment:?} looks like a schema version")]
    SchemaVersion {
        /// The whole text.
        namespace: String,
        /// The segment that is wrong.
        segment: String,
    },
}

impl Namespace {
    /// The whole name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// `tickcache`.
impl Default for Namespace {
    fn default() -> Self {
        Self("tickcache".into())
    }
}

impl FromStr for Namespace {
    type Err = NamespaceError;

    fn from_str(text: &str) -> Result<Self, NamespaceError> {
        if text.is_empty() {
            return Err(NamespaceError::Empty);
        }
        let length = text.chars().count();
        if length > NAMESPACE_LENGTH_MAX {
            return Err(NamespaceError::TooLong { length });
        }
        for segment in text.split(':') {
            let (namespace, wrong) = (text.to_owned(), segment.to_owned());
            if !is_segment(segment) {
                return Err(NamespaceError::Segment { namespace, segment: wrong });
            }
            if is_schema_version(segment) {
                return Err(NamespaceError::SchemaVersion { namespace, segment: wrong });
            }
        }
        Ok(Self(text.into()))
    }
}

fn is_segment(text: &str) -> bool {
    let ordinary = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    match text.as_bytes() {
        [first, rest @ ..] => {
            ordinary(*first) && rest.iter().all(|&byte| ordinary(byte) || matches!(byte, b'_' | b'-'))
        }
        [] => false,
    }
}

fn is_schema_version(segment: &str) -> bool {
    segment
        .strip_prefix('v')
        .is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()))
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
    fn a_namespace_keeps_to_the_grammar_of_the_wire_contract() {
        for text in
            ["tickcache", "prod:tickcache", "a", "0", "eu-1:prod_2:tick", "v", "vx1", "1v1", &"a".repeat(64)]
        {
            assert_eq!(text.parse::<Namespace>().map(|parsed| parsed.to_string()), Ok(text.to_owned()));
        }
    }

    #[test]
    fn a_wrong_namespace_is_refused_by_name() {
        let error = |text: &str| text.parse::<Namespace>().unwrap_err().to_string();
        assert_eq!(error(""), "the namespace is empty");
        assert!(error(&"a".repeat(65)).contains("65"));
        assert!(error("prod:v1").contains("\"v1\" looks like a schema version"));
        assert!(error("v23:prod").contains("\"v23\""));
        for text in ["Prod", "a b", "a::b", ":a", "a:", "-a", "_a", "a{b}", "ä", "a:*"] {
            assert!(matches!(text.parse::<Namespace>(), Err(NamespaceError::Segment { .. })), "{text}");
        }
    }
}
