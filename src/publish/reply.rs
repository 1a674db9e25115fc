//! Redis' replies, counted as they come (RESP2 and RESP3).
//!
//! Owns the state between two reads of the socket, and the elements of the last array. Never builds more of a value: the
//! writer only needs to know that a command worked, or the words of its error. An aggregate nests at most [`NESTING_MAX`] deep, holds at most [`ELEMENTS_MAX`]
//! elements, a bulk at most [`BULK_MAX`] bytes, a line at most [`LINE_MAX`]; anything beyond, and anything that is no
//! RESP, ends the connection. Streamed aggregates (`$?`, `*?`), which Redis never sends, count as malformed.

use super::items::Items;
pub use super::items::{ITEMS_MAX, ITEMS_TEXT_MAX, Item};
use super::{MESSAGE_MAX, Refusal, ReplyError};

/// Aggregates within aggregates.
pub const NESTING_MAX: usize = 8;
/// Elements of an aggregate; of a map, keys and values both count.
pub const ELEMENTS_MAX: u64 = 1 << 20;
/// Bytes of a bulk string.
pub const BULK_MAX: u64 = 64 << 20;
/// Bytes of a line.
pub const LINE_MAX: usize = 64 << 10;

/// A reply that is complete.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reply {
    /// Anything but an error.
    Success,
    /// An error; [`ReplyScanner::message`] has its words until the next reply.
    Error(Refusal),
    /// Not an answer: an out-of-band message.
    Push,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Before a type byte.
    Type,
    /// Within a line whose content does not matter, or is an error's.
    Line { kind: u8, length: usize },
    /// After the `\r` of such a line.
    LineEnd { kind: u8 },
    /// Within a length.
    Length { kind: u8, digits: u64, negative: bool, any: bool },
    /// After the `\r` of a length.
    LengthEnd { kind: u8, length: Option<u64> },
    /// Within a bulk; its `\r\n` is still to come.
    Bulk { kind: u8, left: u64 },
    /// Before the `\r` of a bulk.
    BulkReturn { kind: u8 },
    /// Before the `\n` of a bulk.
    BulkNewline { kind: u8 },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Value,
    Error,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Level {
    kind: u8,
    left: u64,
}

/// Finds the ends of replies in a stream of bytes, however it is cut.
#[derive(Debug)]
pub struct ReplyScanner {
    state: State,
    levels: [Level; NESTING_MAX],
    depth: usize,
    message: Vec<u8>,
    items: Items,
}

impl Default for ReplyScanner {
    fn default() -> Self {
        Self::new()
    }
}

impl ReplyScanner {
    /// Before the first byte of a connection.
    #[must_use]
    pub const fn new() -> Self {
        let empty = Level { kind: b'*', left: 0 };
        Self {
            state: State::Type,
            levels: [empty; NESTING_MAX],
            depth: 0,
            message: Vec::new(),
            items: Items::new(),
        }
    }

    /// Back to before the first byte; keeps its memory.
    pub fn reset(&mut self) {
        self.state = State::Type;
        self.depth = 0;
        self.message.clear();
    }

    /// The words of the last error, without its `-`, cut at [`MESSAGE_MAX`] bytes.
    #[must_use]
    pub fn message(&self) -> String {
        String::from_utf8_lossy(&self.message).into_owned()
    }

    /// The elements of the last reply, where it was an array; at most [`ITEMS_MAX`].
    pub fn items(&self) -> impl Iterator<Item = Item<'_>> {
        self.items.iter()
    }

    /// The next complete reply, and `input` moved behind it; `None` when the input is used up before one is.
    ///
    /// # Errors
    /// [`ReplyError`], after which the connection is of no use.
    #[inline]
    pub fn next(&mut self, input: &mut &[u8]) -> Result<Option<Reply>, ReplyError> {
        if self.state == State::Type
            && self.depth == 0
            && let Some(rest) = input.strip_prefix(b"+OK\r\n")
        {
            *input = rest;
            self.items.clear();
            return Ok(Some(Reply::Success));
        }
        while !input.is_empty() {
            if let Some(reply) = self.step(input)? {
                return Ok(Some(reply));
            }
        }
        Ok(None)
    }

    /// Uses up at least one byte of the input, which is not empty.
    fn step(&mut self, input: &mut &[u8]) -> Result<Option<Reply>, ReplyError> {
        // What the write script says of nearly every key.
        if self.state == State::Type
            && self.depth == 1
            && let Some(rest) = input.strip_prefix(b":1\r\n")
        {
            *input = rest;
            self.items.push_integer(1);
            self.levels[0].left -= 1;
            return Ok(self.close());
        }
        match self.state {
            State::Line { kind, length } => self.line(kind, length, input),
            State::Bulk { kind, left } => {
                let taken = usize::try_from(left).unwrap_or(usize::MAX).min(input.len());
                self.keep(kind, &input[..taken]);
                *input = &input[taken..];
                let left = left - taken as u64;
                self.state = if left == 0 { State::BulkReturn { kind } } else { State::Bulk { kind, left } };
                Ok(None)
            }
            State::Type
            | State::LineEnd { .. }
            | State::Length { .. }
            | State::LengthEnd { .. }
            | State::BulkReturn { .. }
            | State::BulkNewline { .. } => {
                let byte = input[0];
                *input = &input[1..];
                self.byte(byte)
            }
        }
    }

    fn line(&mut self, kind: u8, length: usize, input: &mut &[u8]) -> Result<Option<Reply>, ReplyError> {
        let end = input.iter().position(|&byte| byte == b'\r' || byte == b'\n');
        let (taken, next) = match end {
            Some(at) if input[at] == b'\n' => return Err(ReplyError::LineEnd(b'\n')),
            Some(at) => (at, at + 1),
            None => (input.len(), input.len()),
        };
        let length = length.saturating_add(taken);
        if length > LINE_MAX {
            return Err(ReplyError::TooLong { length: length as u64, limit: LINE_MAX as u64 });
        }
        self.keep(kind, &input[..taken]);
        *input = &input[next..];
        self.state = if end.is_some() { State::LineEnd { kind } } else { State::Line { kind, length } };
        Ok(None)
    }

    fn byte(&mut self, byte: u8) -> Result<Option<Reply>, ReplyError> {
        match self.state {
            State::Type => return self.start(byte).map(|()| None),
            State::LineEnd { kind } | State::BulkNewline { kind } => {
                expect(byte, b'\n')?;
                let outcome = if is_error(kind) { Outcome::Error } else { Outcome::Value };
                return Ok(self.complete(kind, outcome));
            }
            State::Length { kind, digits, negative, any } => self.digit(byte, kind, digits, negative, any)?,
            State::LengthEnd { kind, length } => {
                expect(byte, b'\n')?;
                return self.sized(kind, length);
            }
            State::BulkReturn { kind } => {
                expect(byte, b'\r')?;
                self.state = State::BulkNewline { kind };
            }
            State::Line { .. } | State::Bulk { .. } => unreachable!("step takes these many bytes at a time"),
        }
        Ok(None)
    }

    fn start(&mut self, kind: u8) -> Result<(), ReplyError> {
        if self.depth == 0 {
            self.items.clear();
            if is_error(kind) {
                self.message.clear();
            }
        }
        self.state = match kind {
            b'+' | b'-' | b':' | b'_' | b',' | b'#' | b'(' => State::Line { kind, length: 0 },
            b'$' | b'=' | b'!' | b'*' | b'~' | b'%' | b'|' | b'>' => {
                State::Length { kind, digits: 0, negative: false, any: false }
            }
            other => return Err(ReplyError::Type(other)),
        };
        Ok(())
    }

    fn digit(
        &mut self,
        byte: u8,
        kind: u8,
        digits: u64,
        negative: bool,
        any: bool,
    ) -> Result<(), ReplyError> {
        self.state = match byte {
            b'0'..=b'9' => {
                let digits = digits * 10 + u64::from(byte - b'0');
                if digits > BULK_MAX {
                    return Err(ReplyError::TooLong { length: digits, limit: BULK_MAX });
                }
                State::Length { kind, digits, negative, any: true }
            }
            b'-' if !any && !negative => State::Length { kind, digits, negative: true, any },
            // RESP2 has one negative length, -1: a null.
            b'\r' if any && negative && digits == 1 && matches!(kind, b'$' | b'*') => {
                State::LengthEnd { kind, length: None }
            }
            b'\r' if any && !negative => State::LengthEnd { kind, length: Some(digits) },
            other => return Err(ReplyError::Length(other)),
        };
        Ok(())
    }

    fn sized(&mut self, kind: u8, length: Option<u64>) -> Result<Option<Reply>, ReplyError> {
        let Some(length) = length else { return Ok(self.complete(b'_', Outcome::Value)) };
        if matches!(kind, b'$' | b'=' | b'!') {
            self.state =
                if length == 0 { State::BulkReturn { kind } } else { State::Bulk { kind, left: length } };
            return Ok(None);
        }
        let left = if matches!(kind, b'%' | b'|') { length * 2 } else { length };
        if left > ELEMENTS_MAX {
            return Err(ReplyError::TooLong { length: left, limit: ELEMENTS_MAX });
        }
        if self.depth == NESTING_MAX {
            return Err(ReplyError::TooDeep);
        }
        if kind == b'>' && self.depth > 0 {
            return Err(ReplyError::Type(kind));
        }
        self.levels[self.depth] = Level { kind, left };
        self.depth += 1;
        self.state = State::Type;
        Ok(self.close())
    }

    /// A value that is no aggregate has ended.
    fn complete(&mut self, kind: u8, outcome: Outcome) -> Option<Reply> {
        self.state = State::Type;
        if self.depth == 1 {
            self.items.end(kind);
        }
        let Some(top) = self.depth.checked_sub(1) else {
            return Some(match outcome {
                Outcome::Value => Reply::Success,
                Outcome::Error => Reply::Error(self.refusal()),
            });
        };
        self.levels[top].left -= 1;
        self.close()
    }

    /// Ends every aggregate that has all its elements.
    fn close(&mut self) -> Option<Reply> {
        while let Some(top) = self.depth.checked_sub(1) {
            let Level { kind, left } = self.levels[top];
            if left > 0 {
                return None;
            }
            self.depth = top;
            // An attribute stands before a value; it is none itself.
            if kind == b'|' {
                return None;
            }
            if top == 0 {
                return Some(if kind == b'>' { Reply::Push } else { Reply::Success });
            }
            if top == 1 {
                self.items.push_other();
            }
            self.levels[top - 1].left -= 1;
        }
        None
    }

    fn refusal(&self) -> Refusal {
        let word = self.message.split(|&byte| byte == b' ').next().unwrap_or_default();
        Refusal::from_word(word)
    }

    /// Keeps the words of a top-level error, and the elements of a top-level array.
    fn keep(&mut self, kind: u8, bytes: &[u8]) {
        if self.depth == 1 {
            self.items.extend(bytes);
        }
        if is_error(kind) && self.depth == 0 {
            let room = MESSAGE_MAX.saturating_sub(self.message.len()).min(bytes.len());
            self.message.extend_from_slice(&bytes[..room]);
        }
    }
}

const fn is_error(kind: u8) -> bool {
    matches!(kind, b'-' | b'!')
}

const fn expect(byte: u8, expected: u8) -> Result<(), ReplyError> {
    if byte == expected { Ok(()) } else { Err(ReplyError::LineEnd(byte)) }
}

#[cfg(test)]
#[path = "reply_tests.rs"]
mod tests;
