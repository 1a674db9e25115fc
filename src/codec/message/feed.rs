//! The heartbeat of a feed: `[schema, feed, engine, epoch, state, reason, time, clock_offset]`.
//!
//! Owns the form of an engine's id. Never says how often a heartbeat comes or when it is late.

use super::super::cursor::Cursor;
use super::super::decode;
use super::super::envelope::SCHEMA;
use super::super::error::DecodeError;
use super::super::key;
use super::super::registry::is_engine_id;
use super::{append, cut, read_whole};
use crate::domain::{Epoch, Feed, Reason, Sequence, State, WallTime};

/// Characters of an engine's id, each one of `A-Z`, `a-z`, `0-9`, `.`, `_` and `-`.
pub const ENGINE_ID_MAX: usize = 64;

const ITEMS: usize = 8;

/// How a feed is, as its owner tells it on the feed's channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedMessage {
    /// Which feed.
    pub feed: Feed,
    /// Who writes it: at most [`ENGINE_ID_MAX`] characters.
    pub engine: String,
    /// Under which epoch.
    pub epoch: Epoch,
    /// How far the feed as a whole can be trusted.
    pub state: State,
    /// Why no farther.
    pub reason: Reason,
    /// When it was said, by the engine's clock.
    pub time: WallTime,
    /// The engine's clock less the clock of Redis, in nanoseconds.
    pub clock_offset: i64,
}

/// Appends the message to `out`. An engine id beyond [`ENGINE_ID_MAX`] is cut.
pub fn encode_feed(message: &FeedMessage, out: &mut Vec<u8>) {
    append(out, |writer| {
        writer.array(ITEMS);
        writer.small([SCHEMA]);
        writer.text(&message.feed.to_string());
        writer.text(cut(&message.engine, ENGINE_ID_MAX));
        writer.uint(message.epoch.get());
        writer.small([message.state.code(), message.reason.code()]);
        writer.time(message.time.nanos());
        writer.int(message.clock_offset);
    });
}

/// Reads a heartbeat.
///
/// # Errors
/// [`DecodeError`], where the bytes are none.
pub fn decode_feed(bytes: &[u8]) -> Result<FeedMessage, DecodeError> {
    read_whole(bytes, |cursor, items| {
        let further = items.beyond(ITEMS, cursor)?;
        let message = FeedMessage {
            feed: read_feed(cursor)?,
            engine: read_engine(cursor)?,
            epoch: read_epoch(cursor)?,
            state: decode::state(cursor)?,
            reason: decode::reason(cursor)?,
            time: WallTime::from_nanos(decode::nanos(cursor)?),
            clock_offset: cursor.number("clock offset in nanoseconds")?,
        };
        cursor.skip(further)?;
        Ok(message)
    })
}

fn read_feed(cursor: &mut Cursor<'_>) -> Result<Feed, DecodeError> {
    let text = cursor.text()?;
    key::parse_feed(text).map_err(|_| cursor.invalid("name of a feed"))
}

fn read_engine(cursor: &mut Cursor<'_>) -> Result<String, DecodeError> {
    let text = cursor.text()?;
    if is_engine_id(text) { Ok(text.to_owned()) } else { Err(cursor.invalid("id of an engine")) }
}

fn read_epoch(cursor: &mut Cursor<'_>) -> Result<Epoch, DecodeError> {
    let epoch = cursor.number("epoch")?;
    let sequence = Sequence::ZERO.get();
    Epoch::new(epoch).ok_or(DecodeError::VersionBeyondLimit { epoch, sequence })
}
