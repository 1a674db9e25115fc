//! A wish that anybody may tell the engines: `[schema, kind, instrument, venue or nil, who, why]`.
//!
//! Owns the kinds of commands. Never decides whether one is followed.

use super::super::cursor::Cursor;
use super::super::decode;
use super::super::envelope::SCHEMA;
use super::super::error::DecodeError;
use super::{append, read_person_text, read_whole, write_person_text};
use crate::domain::{Instrument, Venue};

const ITEMS: usize = 6;

/// A command, as it is given on the command channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// What is wanted.
    pub kind: CommandKind,
    /// Of which instrument.
    pub instrument: Instrument,
    /// At which venue; `None` = at every one.
    pub venue: Option<Venue>,
    /// Who asks, at most [`INVALIDATION_TEXT_MAX`](crate::domain::INVALIDATION_TEXT_MAX) bytes.
    pub who: Box<str>,
    /// Why, likewise.
    pub why: Box<str>,
}

/// The kinds of commands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CommandKind {
    /// Send the values of the instrument anew, and confirm them at the venue.
    Invalidate = 1,
}

impl CommandKind {
    /// The number on the wire.
    #[must_use]
    pub const fn code(self) -> u8 {
        self as u8
    }
}

/// Appends the message to `out`. Texts beyond their limit are cut.
pub fn encode_command(message: &Command, out: &mut Vec<u8>) {
    append(out, |writer| {
        writer.array(ITEMS);
        writer.small([SCHEMA, message.kind.code()]);
        writer.text(message.instrument.as_str());
        match &message.venue {
            Some(venue) => writer.text(venue.as_str()),
            None => writer.nil(),
        }
        write_person_text(writer, &message.who);
        write_person_text(writer, &message.why);
    });
}

/// Reads a command.
///
/// # Errors
/// [`DecodeError`], where the bytes are no command that this version knows, or a text is beyond its limit.
pub fn decode_command(bytes: &[u8]) -> Result<Command, DecodeError> {
    read_whole(bytes, |cursor, items| {
        let further = items.beyond(ITEMS, cursor)?;
        let message = Command {
            kind: read_kind(cursor)?,
            instrument: decode::instrument(cursor)?,
            venue: cursor.optional(decode::venue)?,
            who: read_person_text(cursor)?,
            why: read_person_text(cursor)?,
        };
        cursor.skip(further)?;
        Ok(message)
    })
}

fn read_kind(cursor: &mut Cursor<'_>) -> Result<CommandKind, DecodeError> {
    match cursor.integer()? {
        1 => Ok(CommandKind::Invalidate),
        _ => Err(cursor.invalid("kind of command that this version knows")),
    }
}
