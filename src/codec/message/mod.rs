//! What is said on channels, both ways (WIRE.md, "Channels"): events, the heartbeats of feeds, commands.
//!
//! Owns which item stands where in each message. Never reads more than [`MESSAGE_BYTES_MAX`] bytes and never writes more
//! than [`WRITTEN_BYTES_MAX`]: texts of people and the engine's id have limits, which a writer keeps by cutting and a
//! reader by refusing. Items that a later version appends are ignored.

mod command;
mod event;
mod feed;
#[cfg(test)]
mod tests;

pub use command::{Command, CommandKind, decode_command, encode_command};
pub use event::{EventMessage, decode_event, encode_event};
pub use feed::{ENGINE_ID_MAX, FeedMessage, decode_feed, encode_feed};

use super::cursor::Cursor;
use super::envelope::SCHEMA;
use super::error::DecodeError;
use super::writer::{ITEM_BYTES_MAX, SLACK_BYTES, Writer};
use crate::domain::INVALIDATION_TEXT_MAX;

/// A longer message is refused unread: what later versions append to one of ours does not come near it.
pub const MESSAGE_BYTES_MAX: usize = 65_536;

/// No message of ours has more than sixteen items, and no name in one is longer than a mantissa by more than 32 bytes;
/// the two texts of people come on top.
const WRITTEN_BYTES_MAX: usize = 16 * (ITEM_BYTES_MAX + 32) + 2 * INVALIDATION_TEXT_MAX + SLACK_BYTES;

const _: () = assert!(WRITTEN_BYTES_MAX < MESSAGE_BYTES_MAX);

/// A text of a message has one byte of length.
const _: () = assert!(INVALIDATION_TEXT_MAX <= 255 && ENGINE_ID_MAX <= 255);

/// Appends what `write` writes to `out`.
fn append(out: &mut Vec<u8>, write: impl FnOnce(&mut Writer<'_>)) {
    let mut buffer = [0; WRITTEN_BYTES_MAX];
    let mut writer = Writer::new(&mut buffer);
    write(&mut writer);
    let end = writer.written();
    out.extend_from_slice(&buffer[..end]);
}

/// Reads a whole message of the schema that this version knows: `read` gets the number of items after the schema.
fn read_whole<'a, T>(
    bytes: &'a [u8],
    read: impl FnOnce(&mut Cursor<'a>, Items) -> Result<T, DecodeError>,
) -> Result<T, DecodeError> {
    if bytes.len() > MESSAGE_BYTES_MAX {
        let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        return Err(DecodeError::RecordTooLarge { length, max: MESSAGE_BYTES_MAX });
    }
    let mut cursor = Cursor::new(bytes);
    let length = cursor.array_of(1)? + 1;
    let schema = cursor.number("number of a schema")?;
    if schema != SCHEMA {
        return Err(DecodeError::UnknownSchema { schema });
    }
    let message = read(&mut cursor, Items { length })?;
    cursor.end()?;
    Ok(message)
}

/// How many items the message that is being read has.
#[derive(Debug, Clone, Copy)]
struct Items {
    length: usize,
}

impl Items {
    /// How many there are beyond the `min` that the message needs.
    fn beyond(self, min: usize, cursor: &Cursor<'_>) -> Result<usize, DecodeError> {
        self.length.checked_sub(min).ok_or_else(|| cursor.too_few(self.length, min))
    }
}

/// A text that a person gave.
fn read_person_text(cursor: &mut Cursor<'_>) -> Result<Box<str>, DecodeError> {
    let text = cursor.text()?;
    if text.len() > INVALIDATION_TEXT_MAX {
        return Err(cursor.invalid("text within the limit for who and why"));
    }
    Ok(text.into())
}

fn write_person_text(writer: &mut Writer<'_>, text: &str) {
    writer.text(cut(text, INVALIDATION_TEXT_MAX));
}

/// As much of `text` as `bytes_max` bytes hold.
fn cut(text: &str, bytes_max: usize) -> &str {
    let mut end = text.len().min(bytes_max);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}
