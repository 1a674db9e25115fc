//! Why bytes are no value.

/// Why bytes are no value that can be used. Whatever it is, a reader treats the key as missing, counts it and says so
/// (WIRE.md); a writer overwrites it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// Something else stands under the key.
    #[error("the {length} bytes are no value of tickcache")]
    NoEnvelope {
        /// How many bytes there are.
        length: usize,
    },
    /// Written by a later (or foreign) version.
    #[error("schema {schema} is not known: this version reads schema 1")]
    UnknownSchema {
        /// What the value says.
        schema: u8,
    },
    /// Numbers that Redis Lua and JavaScript cannot count.
    #[error("version {epoch}.{sequence} is beyond 2^53")]
    VersionBeyondLimit {
        /// What the value says.
        epoch: u64,
        /// What the value says.
        sequence: u64,
    },
    /// A codec that WIRE.md does not define.
    #[error("codec {code} is not known")]
    UnknownCodec {
        /// What the value says.
        code: u8,
    },
    /// Codec 2: this version has no dictionaries.
    #[error("the record is compressed with a dictionary that is not at hand")]
    DictionaryMissing,
    /// The zstd frame is broken.
    #[error("the zstd frame of {length} bytes does not decompress")]
    Decompression {
        /// The frame's length.
        length: usize,
        /// What zstd says.
        source: std::io::Error,
    },
    /// The record would be larger than any that the contract allows.
    #[error("the record has {length} bytes, more than {max}")]
    RecordTooLarge {
        /// What the frame says.
        length: u64,
        /// The most that is read.
        max: usize,
    },
    /// The bytes end too early.
    #[error("the record ends at byte {offset}, within an item")]
    Truncated {
        /// Counted from the start of the record.
        offset: usize,
    },
    /// Bytes follow the record.
    #[error("{length} bytes follow the record")]
    TrailingBytes {
        /// How many.
        length: usize,
    },
    /// An item is of another MessagePack type.
    #[error("byte {offset} of the record: expected {expected}, found MessagePack type 0x{marker:02x}")]
    WrongType {
        /// Counted from the start of the record.
        offset: usize,
        /// In words.
        expected: &'static str,
        /// The first byte of what stands there.
        marker: u8,
    },
    /// An item is of the right type, but makes no sense.
    #[error("byte {offset} of the record: this is no {expected}")]
    Invalid {
        /// Right after the item, counted from the start of the record.
        offset: usize,
        /// In words.
        expected: &'static str,
    },
    /// The record, or an array in it, has fewer items than the contract says.
    #[error("byte {offset} of the record: {length} items, fewer than {min}")]
    TooFewItems {
        /// Right after the head of the array, counted from the start of the record.
        offset: usize,
        /// How many it has.
        length: usize,
        /// How many it needs.
        min: usize,
    },
    /// More levels, candles or venues than the contract allows.
    #[error("byte {offset} of the record: {length} items, more than {max}")]
    TooManyItems {
        /// Right after the head of the array, counted from the start of the record.
        offset: usize,
        /// How many it has.
        length: usize,
        /// How many are allowed.
        max: usize,
    },
    /// Arrays that belong together differ in length.
    #[error("byte {offset} of the record: {length} items, where the column before has {expected}")]
    UnequalColumns {
        /// Right after the head of the array, counted from the start of the record.
        offset: usize,
        /// How many it has.
        length: usize,
        /// How many the first one has.
        expected: usize,
    },
}
