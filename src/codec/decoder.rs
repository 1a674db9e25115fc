//! Values to records.
//!
//! Owns the reused zstd context and its buffer. Never panics, whatever the bytes; never allocates more than
//! [`RECORD_BYTES_MAX`] for a frame's content, whatever its header says. A decoder that never meets a compressed value
//! holds no memory.

use std::fmt;
use std::io;

use zstd::bulk::Decompressor;

use super::cursor::Cursor;
use super::decode::{self, Stamped};
use super::envelope::{Codec, Envelope};
use super::error::DecodeError;
use super::{compare, history};
use crate::domain::{CompareRecord, Entity, HistoryRecord, PublishTime, Record, Version};

/// The largest record that is decompressed.
pub const RECORD_BYTES_MAX: usize = 1 << 20;

/// A value, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decoded<R = Record> {
    /// Which of the key's values this is.
    pub version: Version,
    /// When it was encoded for sending.
    pub publish_time: PublishTime,
    /// What it says.
    pub record: R,
}

/// Decodes values, one after another.
#[derive(Default)]
pub struct Decoder {
    decompressor: Option<Decompressor<'static>>,
    plain: Vec<u8>,
}

impl Decoder {
    /// A decoder.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Decodes a value of a key of `entity`.
    ///
    /// # Errors
    /// [`DecodeError`]: treat the key as missing, and count it.
    pub fn decode(&mut self, entity: Entity, bytes: &[u8]) -> Result<Decoded, DecodeError> {
        self.decode_with(bytes, |cursor| decode::record(entity, cursor))
    }

    /// Decodes a value of a `history` key.
    ///
    /// # Errors
    /// As [`Decoder::decode`].
    pub fn decode_history(&mut self, bytes: &[u8]) -> Result<Decoded<HistoryRecord>, DecodeError> {
        self.decode_with(bytes, history::read)
    }

    /// Decodes a value of a `compare` key.
    ///
    /// # Errors
    /// As [`Decoder::decode`].
    pub fn decode_compare(&mut self, bytes: &[u8]) -> Result<Decoded<CompareRecord>, DecodeError> {
        self.decode_with(bytes, compare::read)
    }

    fn decode_with<R>(
        &mut self,
        bytes: &[u8],
        read: impl FnOnce(&mut Cursor<'_>) -> Result<Stamped<R>, DecodeError>,
    ) -> Result<Decoded<R>, DecodeError> {
        let Envelope { version, codec, body } = Envelope::read(bytes)?;
        let mut cursor = match codec {
            Codec::Plain => Cursor::new(body),
            Codec::Zstd => Cursor::new(self.decompress(body)?),
            Codec::ZstdDictionary => return Err(DecodeError::DictionaryMissing),
        };
        let (record, publish_time) = read(&mut cursor)?;
        cursor.end()?;
        Ok(Decoded { version, publish_time, record })
    }

    /// The content of the frame in the `bin` that `body` is.
    fn decompress(&mut self, body: &[u8]) -> Result<&[u8], DecodeError> {
        let mut cursor = Cursor::new(body);
        let frame = cursor.binary()?;
        cursor.end()?;
        self.plain.clear();
        self.plain.reserve_exact(content_bytes_max(frame)?);
        let decompressor = self.decompressor.get_or_insert_with(Decompressor::default);
        decompressor.decompress_to_buffer(frame, &mut self.plain).map_err(|source| broken(frame, source))?;
        Ok(&self.plain)
    }
}

impl fmt::Debug for Decoder {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Decoder")
            .field("buffer_bytes", &self.plain.capacity())
            .finish_non_exhaustive()
    }
}

/// Decodes a value of a key of `entity`. Who decodes many compressed ones keeps a [`Decoder`].
///
/// # Errors
/// As [`Decoder::decode`].
pub fn decode(entity: Entity, bytes: &[u8]) -> Result<Decoded, DecodeError> {
    Decoder::new().decode(entity, bytes)
}

/// How much room a frame's content needs. A frame need not say it: then it gets all that is allowed.
fn content_bytes_max(frame: &[u8]) -> Result<usize, DecodeError> {
    let said = zstd::zstd_safe::get_frame_content_size(frame)
        .map_err(|error| broken(frame, io::Error::new(io::ErrorKind::InvalidData, error.to_string())))?;
    match said {
        Some(length) => usize::try_from(length)
            .ok()
            .filter(|&length| length <= RECORD_BYTES_MAX)
            .ok_or(DecodeError::RecordTooLarge { length, max: RECORD_BYTES_MAX }),
        None => Ok(RECORD_BYTES_MAX),
    }
}

fn broken(frame: &[u8], source: io::Error) -> DecodeError {
    DecodeError::Decompression { length: frame.len(), source }
}
