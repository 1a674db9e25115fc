//! Records to values.
//!
//! Owns the reused buffers and the zstd context. Never allocates once its buffers have grown to the largest record,
//! never formats, never fails. A value holds at most about 170 KB: [`DEPTH_MAX`](crate::domain::DEPTH_MAX) levels a
//! side, every mantissa at its longest.

use std::fmt;

use zstd::bulk::Compressor;

use super::encode;
use super::envelope::{self, BODY_OFFSET, Codec};
use super::writer::{SLACK_BYTES, Writer};
use crate::domain::{PublishTime, RecordRef, Version};

/// Of a book of 20 levels, level 3 saves half as much again as level 1 for a sixth more time (`benches/codec.rs`).
const ZSTD_LEVEL: i32 = 3;

/// The head of a value, the head of a `bin`, and slack.
const HEAD_BYTES_MAX: usize = BODY_OFFSET + 5 + SLACK_BYTES;

/// Encodes values, one after another, into the caller's buffer.
pub struct Encoder {
    zstd_threshold_bytes: usize,
    plain: Vec<u8>,
    compressed: Vec<u8>,
    compressor: Compressor<'static>,
}

impl Encoder {
    /// An encoder that tries zstd on records of at least `zstd_threshold_bytes` bytes (plain, without the envelope),
    /// and keeps the compressed form where it makes the value smaller. `0` = never.
    #[must_use]
    pub fn new(zstd_threshold_bytes: usize) -> Self {
        Self {
            zstd_threshold_bytes,
            plain: Vec::new(),
            compressed: Vec::new(),
            compressor: Compressor::new(ZSTD_LEVEL).expect("the level is one of zstd's"),
        }
    }

    /// Appends one whole value to `out`: the bytes that stand under the record's key.
    pub fn encode(
        &mut self,
        record: RecordRef<'_>,
        version: Version,
        publish_time: PublishTime,
        out: &mut Vec<u8>,
    ) {
        self.encode_with(encode::items(record), version, out, |writer| {
            encode::write(writer, record, publish_time);
        });
    }

    /// `write` writes a record of at most `items` items.
    #[inline]
    pub(super) fn encode_with(
        &mut self,
        items: usize,
        version: Version,
        out: &mut Vec<u8>,
        write: impl FnOnce(&mut Writer<'_>),
    ) {
        let bytes_max = HEAD_BYTES_MAX + encode::bytes_max(items);
        if self.plain.len() < bytes_max {
            self.plain.resize(bytes_max, 0);
        }
        let mut writer = Writer::new(&mut self.plain);
        envelope::write_head(&mut writer, version, Codec::Plain);
        write(&mut writer);
        let end = writer.written();
        let try_zstd = self.zstd_threshold_bytes > 0 && end - BODY_OFFSET >= self.zstd_threshold_bytes;
        if !(try_zstd && self.append_compressed(end, version, out)) {
            out.extend_from_slice(&self.plain[..end]);
        }
    }

    /// Appends the value compressed, where that is smaller; says whether it did.
    fn append_compressed(&mut self, end: usize, version: Version, out: &mut Vec<u8>) -> bool {
        let record = &self.plain[BODY_OFFSET..end];
        self.compressed.clear();
        self.compressed.reserve(zstd::zstd_safe::compress_bound(record.len()));
        let Ok(length) = self.compressor.compress_to_buffer(record, &mut self.compressed) else {
            return false;
        };
        let mut head = [0; HEAD_BYTES_MAX];
        let mut writer = Writer::new(&mut head);
        envelope::write_head(&mut writer, version, Codec::Zstd);
        writer.binary_head(length);
        let head_end = writer.written();
        if head_end + length >= end {
            return false;
        }
        out.extend_from_slice(&head[..head_end]);
        out.extend_from_slice(&self.compressed);
        true
    }
}

impl fmt::Debug for Encoder {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Encoder")
            .field("zstd_threshold_bytes", &self.zstd_threshold_bytes)
            .finish_non_exhaustive()
    }
}
