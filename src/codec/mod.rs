//! What bytes in Redis mean: keys, envelope, records, messages on channels (the wire contract, schema v1).
//!
//! Owns the bytes, both ways. Never does I/O, never reads a clock. Everything that is read is bounded: a value that
//! claims more than the contract allows is an error, before anything is allocated for it.

mod claim;
mod compare;
mod cursor;
mod decode;
mod decoder;
mod encode;
mod encoder;
pub mod envelope;
mod error;
mod history;
pub mod key;
mod message;
#[cfg(test)]
mod properties;
mod registry;
mod writer;

pub use claim::Claim;
pub use decoder::{Decoded, Decoder, RECORD_BYTES_MAX, decode};
pub use encoder::Encoder;
pub use envelope::{Codec, Envelope, peek_version};
pub use error::DecodeError;
pub use message::{
    Command, CommandKind, ENGINE_ID_MAX, EventMessage, FeedMessage, MESSAGE_BYTES_MAX, decode_command,
    decode_event, decode_feed, encode_command, encode_event, encode_feed,
};
pub use registry::{
    Breakers, ENGINE_BYTES_MAX, ENGINE_FEEDS_MAX, ENGINE_VERSION_CHARS_MAX, EngineEntry, FeedRole,
    RegistryError, UnknownFeedRole, decode_engine, decode_lease, encode_engine, encode_lease, is_engine_id,
    is_run_of, lease_owner,
};

use crate::domain::Version;

/// Whether a value of version `new` may take the place of one of version `old`.
///
/// A reader never replaces a greater (epoch, sequence) by a smaller one while its copy is within its TTL (WIRE.md).
/// The same version again changes nothing, so it does not supersede.
#[must_use]
pub fn supersedes(new: Version, old: Version) -> bool {
    new > old
}
