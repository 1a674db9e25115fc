//! What stands in front of every record: schema, version, codec (WIRE.md, "Envelope").
//!
//! Owns the 21 bytes and their offsets, which scripts in Redis and readers in other languages rely on. Never looks into
//! the record. Always 21 bytes, whatever the numbers.

use super::error::DecodeError;
use super::writer::Writer;
use crate::domain::{Epoch, Sequence, VERSION_MAX, Version};

/// The first byte of every value: a MessagePack array of five.
pub const ARRAY_OF_FIVE: u8 = 0x95;

/// The schema that this version writes and reads.
pub const SCHEMA: u8 = 1;

/// Where the schema stands.
pub const SCHEMA_OFFSET: usize = 1;

/// Where the eight bytes of the epoch begin, big-endian; a `0xcf` stands before them.
pub const EPOCH_OFFSET: usize = 3;

/// Where the eight bytes of the sequence begin, big-endian; a `0xcf` stands before them.
pub const SEQUENCE_OFFSET: usize = 12;

/// Where the codec stands.
pub const CODEC_OFFSET: usize = 20;

/// Where the body begins.
pub const BODY_OFFSET: usize = 21;

const UINT_64: u8 = 0xcf;

/// Redis Lua and JavaScript count in doubles.
const _: () = assert!(VERSION_MAX < 1 << 53);

/// Item 0, and the markers before both numbers, stand right before what they mark.
const _: () = assert!(SCHEMA_OFFSET + 2 == EPOCH_OFFSET && EPOCH_OFFSET + 9 == SEQUENCE_OFFSET);
const _: () = assert!(SEQUENCE_OFFSET + 8 == CODEC_OFFSET && CODEC_OFFSET + 1 == BODY_OFFSET);

/// How the body holds the record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Codec {
    /// As it is.
    Plain,
    /// As a `bin` with one zstd frame of it.
    Zstd,
    /// The same, with a dictionary that the frame names.
    ZstdDictionary,
}

impl Codec {
    /// The number on the wire.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Plain => 0,
            Self::Zstd => 1,
            Self::ZstdDictionary => 2,
        }
    }

    /// From the number on the wire.
    #[must_use]
    pub const fn from_code(code: u8) -> Option<Self> {
        match code {
            0 => Some(Self::Plain),
            1 => Some(Self::Zstd),
            2 => Some(Self::ZstdDictionary),
            _ => None,
        }
    }
}

/// A value, its record not yet looked into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Envelope<'a> {
    /// Which of the key's values this is.
    pub version: Version,
    /// How `body` holds the record.
    pub codec: Codec,
    /// The record, packed as `codec` says.
    pub body: &'a [u8],
}

impl<'a> Envelope<'a> {
    /// Takes a value apart.
    ///
    /// # Errors
    /// [`DecodeError`], when the bytes are no envelope of this schema.
    #[inline]
    pub fn read(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let no_envelope = || DecodeError::NoEnvelope { length: bytes.len() };
        let (head, body) = bytes.split_first_chunk::<BODY_OFFSET>().ok_or_else(no_envelope)?;
        if head[0] != ARRAY_OF_FIVE {
            return Err(no_envelope());
        }
        match head[SCHEMA_OFFSET] {
            SCHEMA => {}
            // A schema is a positive fixint; what is none is no envelope either.
            schema @ 0..=0x7f => return Err(DecodeError::UnknownSchema { schema }),
            _ => return Err(no_envelope()),
        }
        let (epoch, sequence) = numbers(head).ok_or_else(no_envelope)?;
        let version = version(epoch, sequence).ok_or(DecodeError::VersionBeyondLimit { epoch, sequence })?;
        let code = head[CODEC_OFFSET];
        let codec = Codec::from_code(code).ok_or(DecodeError::UnknownCodec { code })?;
        Ok(Self { version, codec, body })
    }
}

/// The version of a value, without a look at its schema's record; `None` when the bytes are no envelope of this
/// schema. Cheap: 20 bytes are looked at, nothing is copied.
#[must_use]
#[inline]
pub fn peek_version(bytes: &[u8]) -> Option<Version> {
    let head = bytes.first_chunk::<BODY_OFFSET>()?;
    if head[0] != ARRAY_OF_FIVE || head[SCHEMA_OFFSET] != SCHEMA {
        return None;
    }
    numbers(head).and_then(|(epoch, sequence)| version(epoch, sequence))
}

/// Writes the head of a value; its body follows.
#[inline]
pub(super) fn write_head(writer: &mut Writer<'_>, version: Version, codec: Codec) {
    let mut head = [0; BODY_OFFSET];
    head[0] = ARRAY_OF_FIVE;
    head[SCHEMA_OFFSET] = SCHEMA;
    head[EPOCH_OFFSET - 1] = UINT_64;
    head[EPOCH_OFFSET..EPOCH_OFFSET + 8].copy_from_slice(&version.epoch.get().to_be_bytes());
    head[SEQUENCE_OFFSET - 1] = UINT_64;
    head[SEQUENCE_OFFSET..SEQUENCE_OFFSET + 8].copy_from_slice(&version.sequence.get().to_be_bytes());
    head[CODEC_OFFSET] = codec.code();
    writer.raw(&head);
}

/// Epoch and sequence, where both are full 64-bit integers.
#[inline]
fn numbers(head: &[u8; BODY_OFFSET]) -> Option<(u64, u64)> {
    let number = |offset: usize| {
        let bytes = head[offset..].first_chunk::<8>()?;
        (head[offset - 1] == UINT_64).then(|| u64::from_be_bytes(*bytes))
    };
    Some((number(EPOCH_OFFSET)?, number(SEQUENCE_OFFSET)?))
}

#[inline]
fn version(epoch: u64, sequence: u64) -> Option<Version> {
    Some(Version { epoch: Epoch::new(epoch)?, sequence: Sequence::new(sequence)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(epoch: u64, sequence: u64, codec: Codec) -> Vec<u8> {
        let mut buffer = [0; 64];
        let mut writer = Writer::new(&mut buffer);
        write_head(&mut writer, version(epoch, sequence).unwrap(), codec);
        let end = writer.written();
        buffer[..end].to_vec()
    }

    #[test]
    fn the_head_has_its_bytes_where_scripts_look_for_them() {
        let bytes = head(0x0102_0304_0506, 7, Codec::Zstd);
        assert_eq!(bytes, b"\x95\x01\xcf\0\0\x01\x02\x03\x04\x05\x06\xcf\0\0\0\0\0\0\0\x07\x01");
        assert_eq!(bytes.len(), BODY_OFFSET);
    }

    #[test]
    fn the_head_goes_both_ways_up_to_the_limit() {
        for (epoch, sequence) in [(0, 0), (1, 127), (128, 1 << 32), (VERSION_MAX, VERSION_MAX)] {
            for codec in [Codec::Plain, Codec::Zstd, Codec::ZstdDictionary] {
                let mut bytes = head(epoch, sequence, codec);
                bytes.extend_from_slice(b"body");
                let version = version(epoch, sequence).unwrap();
                let expected = Envelope { version, codec, body: b"body" };
                assert_eq!(Envelope::read(&bytes).unwrap(), expected);
                assert_eq!(peek_version(&bytes), Some(version));
            }
        }
    }

    #[test]
    fn what_is_no_envelope_of_this_schema_is_refused() {
        let good = head(1, 2, Codec::Plain);
        let changed = |at: usize, byte: u8| {
            let mut bytes = good.clone();
            bytes[at] = byte;
            Envelope::read(&bytes).map(|_| ()).unwrap_err()
        };
        assert!(matches!(changed(0, 0x94), DecodeError::NoEnvelope { length: 21 }));
        assert!(matches!(changed(1, 2), DecodeError::UnknownSchema { schema: 2 }));
        assert!(matches!(changed(1, 0xcf), DecodeError::NoEnvelope { .. }));
        assert!(matches!(changed(2, 0xce), DecodeError::NoEnvelope { .. }));
        assert!(matches!(changed(11, 0), DecodeError::NoEnvelope { .. }));
        assert!(matches!(changed(4, 0x20), DecodeError::VersionBeyondLimit { .. }));
        assert!(matches!(changed(20, 3), DecodeError::UnknownCodec { code: 3 }));
        for length in 0..BODY_OFFSET {
            assert!(Envelope::read(&good[..length]).is_err());
            assert_eq!(peek_version(&good[..length]), None);
        }
    }
}
