//! Why bytes from a venue are not what its documentation promises.
//!
//! Owns the error that every decoder shares. Never holds more of the input than [`EXCERPT_BYTES_MAX`] bytes in any
//! field, so that a flood of bad frames costs little and a log line stays a line.

use std::fmt;

use crate::domain::NumberError;

/// The most bytes of input that an [`Excerpt`] keeps.
pub const EXCERPT_BYTES_MAX: usize = 120;

/// A short piece of input, for a log. Invalid UTF-8 is replaced, control characters are escaped when displayed.
#[derive(Clone, PartialEq, Eq)]
pub struct Excerpt(Box<str>);

impl Excerpt {
    /// The first [`EXCERPT_BYTES_MAX`] bytes of `bytes`.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        let kept = &bytes[..bytes.len().min(EXCERPT_BYTES_MAX)];
        Self(String::from_utf8_lossy(kept).into())
    }

    /// The first bytes of `bytes` from `offset` on; empty beyond the end.
    #[must_use]
    pub fn at(bytes: &[u8], offset: usize) -> Self {
        Self::of(bytes.get(offset..).unwrap_or_default())
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Excerpt {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.escape_debug().fmt(formatter)
    }
}

impl fmt::Debug for Excerpt {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, formatter)
    }
}

/// Which value of a message, by the venue's own names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// A field.
    Field(&'static str),
    /// The price of a level.
    LevelPrice {
        /// The field that holds the side's levels.
        side: &'static str,
        /// Counted from 0.
        index: usize,
    },
    /// The size of a level.
    LevelSize {
        /// The field that holds the side's levels.
        side: &'static str,
        /// Counted from 0.
        index: usize,
    },
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Field(name) => write!(formatter, "field {name:?}"),
            Self::LevelPrice { side, index } => write!(formatter, "price of level {index} of {side:?}"),
            Self::LevelSize { side, index } => write!(formatter, "size of level {index} of {side:?}"),
        }
    }
}

/// Why bytes from a venue were not understood. The frame or body is lost; the connection may go on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// No JSON, or not of the documented shape.
    #[error("byte {offset}: {reason}, near \"{near}\"")]
    Malformed {
        /// Counted from 0; the reason was noticed here, its cause may lie a little before.
        offset: usize,
        /// The parser's words.
        reason: Excerpt,
        /// The input from a little before that byte on.
        near: Excerpt,
    },
    /// A field that the documentation promises is absent.
    #[error("field {field:?} is missing")]
    Missing {
        /// Its name.
        field: &'static str,
    },
    /// Not the exact number that belongs there.
    #[error("{place}: \"{text}\": {source}")]
    Number {
        /// Where.
        place: Place,
        /// What stands there.
        text: Excerpt,
        /// What is wrong with it.
        source: NumberError,
    },
    /// A price of zero with a size, or a trade of nothing.
    #[error("{place} is zero")]
    Zero {
        /// Where.
        place: Place,
    },
    /// A time that is no time: beyond 64-bit nanoseconds.
    #[error("field {field:?}: {millis} ms is out of range")]
    Time {
        /// Its name.
        field: &'static str,
        /// What stands there.
        millis: u64,
    },
    /// A text that is no time: not RFC 3339 in UTC, or beyond 64-bit nanoseconds.
    #[error("field {field:?}: \"{text}\" is no time")]
    Timestamp {
        /// Its name.
        field: &'static str,
        /// What stands there.
        text: Excerpt,
    },
    /// The stream's name and the payload's symbol disagree.
    #[error("stream \"{stream}\" carries symbol \"{symbol}\"")]
    SymbolMismatch {
        /// The stream's name.
        stream: Excerpt,
        /// The payload's symbol.
        symbol: Excerpt,
    },
    /// The stream's name and the payload's event type disagree.
    #[error("stream \"{stream}\" carries event \"{event}\"")]
    EventMismatch {
        /// The stream's name.
        stream: Excerpt,
        /// The payload's event type.
        event: Excerpt,
    },
    /// The first update id is greater than the last.
    #[error("first update id {first} is greater than the last, {last}")]
    SequenceReversed {
        /// First.
        first: u64,
        /// Last.
        last: u64,
    },
    /// More levels than a book can hold.
    #[error("more than {limit} levels in {side:?}")]
    TooManyLevels {
        /// The field that holds the side's levels.
        side: &'static str,
        /// The most that is taken.
        limit: usize,
    },
    /// The venue answered with an error of its own.
    #[error("the venue says {code}: {message}")]
    Venue {
        /// The venue's number.
        code: i64,
        /// The venue's words.
        message: Excerpt,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_excerpt_is_short_and_printable_whatever_it_is_of() {
        let excerpt = Excerpt::of(&[0xff; 4_000]);
        assert_eq!(excerpt.as_str().chars().count(), EXCERPT_BYTES_MAX);
        assert_eq!(Excerpt::of(b"a\n\x1b[2Jb").to_string(), "a\\n\\u{1b}[2Jb");
        assert_eq!(Excerpt::at(b"abc", 7).as_str(), "");
    }
}
