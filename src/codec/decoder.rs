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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::Encoder;
    use crate::codec::envelope::BODY_OFFSET;
    use crate::domain::{
        DEPTH_MAX, DepthLevel, LiquidityRecord, Price, PriceRecord, Reason, ReceiveTime, RecordRef, Scales,
        Size, Stamp, State,
    };

    const HEAD: [u8; 21] = *b"\x95\x01\xcf\0\0\0\0\0\0\0\x01\xcf\0\0\0\0\0\0\0\x02\0";

    /// Live, times 1 to 3, scales 2 and 5, base, bid 100 × 7, nothing else.
    const PRICE: &[u8] = b"\xdc\0\x12\0\0\xc0\x01\x02\x03\x02\x05\0\x64\x07\xc0\xc0\xc0\xc0\xc0\xc0\xc0";

    fn value(codec: u8, body: &[u8]) -> Vec<u8> {
        let mut value = HEAD.to_vec();
        value[20] = codec;
        value.extend_from_slice(body);
        value
    }

    fn price(body: &[u8]) -> Result<PriceRecord, DecodeError> {
        match decode(Entity::Price, &value(0, body))?.record {
            Record::Price(record) => Ok(record),
            other => panic!("not a price: {other:?}"),
        }
    }

    fn changed(at: usize, byte: u8) -> Vec<u8> {
        let mut body = PRICE.to_vec();
        body[at] = byte;
        body
    }

    fn framed(frame: &[u8]) -> Vec<u8> {
        let mut body = Vec::new();
        rmp::encode::write_bin(&mut body, frame).unwrap();
        value(1, &body)
    }

    fn book(levels: usize) -> LiquidityRecord {
        let mut record =
            LiquidityRecord::unknown(Stamp::connecting(ReceiveTime::from_nanos(1)), Scales::default());
        record.bids = vec![DepthLevel { price: Price(100), size: Size(7) }; levels];
        record
    }

    fn encoded(record: &LiquidityRecord) -> Vec<u8> {
        let version = Envelope::read(&value(0, PRICE)).unwrap().version;
        let mut out = Vec::new();
        Encoder::new(0).encode(RecordRef::Liquidity(record), version, PublishTime::from_nanos(1), &mut out);
        out
    }

    #[test]
    fn items_that_a_later_version_appends_are_ignored() {
        let mut body = changed(2, 0x14);
        body.extend_from_slice(b"\x92\x01\x81\xa1k\xc0\xcb\0\0\0\0\0\0\0\0");
        assert_eq!(price(&body).unwrap(), price(PRICE).unwrap());
    }

    #[test]
    fn a_state_that_this_version_does_not_know_is_suspect() {
        assert_eq!(price(&changed(3, 3)).unwrap().stamp.state, State::Suspect);
        assert_eq!(price(&changed(3, 0xff)).unwrap().stamp.state, State::Suspect);
    }

    #[test]
    fn a_reason_that_this_version_does_not_know_leaves_the_state_to_speak() {
        let mut body = changed(3, 1);
        body[4] = 0x7f;
        let stamp = price(&body).unwrap().stamp;
        assert_eq!((stamp.state, stamp.reason), (State::Suspect, Reason::None));
    }

    #[test]
    fn numbers_that_make_no_sense_are_refused() {
        for (at, byte, what) in [
            (9, 19, "a scale beyond 18"),
            (9, 0xff, "a negative scale"),
            (11, 2, "an unknown size unit"),
            (13, 0xff, "a negative size"),
            (6, 0xc0, "no receive time"),
            (12, 0xc2, "a boolean for a price"),
        ] {
            assert!(price(&changed(at, byte)).is_err(), "{what}");
        }
        let body = [b"\xdc\0\x11", &PRICE[3..20]].concat();
        assert!(matches!(price(&body), Err(DecodeError::TooFewItems { length: 17, min: 18, .. })));
    }

    #[test]
    fn a_level_of_size_zero_is_refused() {
        let mut record = book(3);
        record.bids[1].size = Size(0);
        let error = decode(Entity::Liquidity, &encoded(&record)).unwrap_err();
        assert!(matches!(error, DecodeError::Invalid { .. }), "{error}");
    }

    #[test]
    fn a_side_holds_as_many_levels_as_the_contract_has_room_for() {
        let Record::Liquidity(read) =
            decode(Entity::Liquidity, &encoded(&book(DEPTH_MAX + 5))).unwrap().record
        else {
            panic!("not a book")
        };
        assert_eq!(read.bids.len(), DEPTH_MAX);
    }

    #[test]
    fn lengths_are_not_believed() {
        let start = &encoded(&book(0))[BODY_OFFSET..BODY_OFFSET + 10];
        for (array, what) in [
            (&b"\xdc\xff\xff"[..], "more levels than allowed"),
            (b"\xdd\xff\xff\xff\xff", "far more"),
            (b"\xdc\x03\xe8\x01", "more than there are bytes"),
        ] {
            let value = value(0, &[start, array].concat());
            assert!(decode(Entity::Liquidity, &value).is_err(), "{what}");
        }
    }

    #[test]
    fn a_frame_that_says_or_holds_too_much_is_refused() {
        let zeros = vec![0; RECORD_BYTES_MAX + 1];
        let bomb = zstd::bulk::compress(&zeros, 1).unwrap();
        let error = decode(Entity::Price, &framed(&bomb)).unwrap_err();
        assert!(matches!(error, DecodeError::RecordTooLarge { length: 1_048_577, .. }), "{error}");
        let unsaid = zstd::stream::encode_all(&zeros[..], 1).unwrap();
        let error = decode(Entity::Price, &framed(&unsaid)).unwrap_err();
        assert!(matches!(error, DecodeError::Decompression { .. }), "{error}");
    }

    #[test]
    fn frames_of_other_encoders_are_read() {
        let plain = price(PRICE).unwrap();
        let said = zstd::bulk::compress(PRICE, 19).unwrap();
        let unsaid = zstd::stream::encode_all(PRICE, 3).unwrap();
        let mut decoder = Decoder::new();
        for frame in [said, unsaid] {
            let decoded = decoder.decode(Entity::Price, &framed(&frame)).unwrap();
            assert_eq!(decoded.record, Record::Price(plain.clone()));
        }
    }

    #[test]
    fn a_broken_frame_and_a_missing_dictionary_are_told_apart() {
        let error = |value: &[u8]| decode(Entity::Price, value).unwrap_err();
        assert!(matches!(error(&framed(b"no frame")), DecodeError::Decompression { length: 8, .. }));
        assert!(matches!(error(&value(2, b"\xc4\0")), DecodeError::DictionaryMissing));
        assert!(matches!(error(&value(1, PRICE)), DecodeError::WrongType { offset: 0, marker: 0xdc, .. }));
    }
}
