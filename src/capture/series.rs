//! The files of one feed, one after the other.
//!
//! Owns the open file, its rotation by size and by hour, and the block of lines that is gathered for it. A block becomes one
//! zstd frame and goes out in one write, at [`BLOCK_BYTES_MAX`] or after [`BLOCK_AGE_MAX`]: whenever the process ends, the file
//! holds whole frames and at most one torn one behind them. Files are created new, so nothing is ever overwritten. An
//! error costs the block and ends the file, from which the torn frame is cut off where that is possible.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use zstd::bulk::Compressor;

use super::line::{self, Source, Written};
use super::stats::RecordStats;
use crate::domain::{Feed, MonoTime, ReceiveTime, civil_from_days};

/// Lines that are compressed at a time. One that is longer is a block of its own.
const BLOCK_BYTES_MAX: usize = 1 << 20;

/// How long lines wait for more. On recorded Binance frames of one instrument, zstd frames of a second take 1.4 % more
/// than a single one.
const BLOCK_AGE_MAX: Duration = Duration::from_secs(1);

const ZSTD_LEVEL: i32 = 3;

/// Files of the same second, of which there are two after a quick restart.
const SAME_NAMES_MAX: u32 = 1_000;

const HOUR_NANOS: i64 = 3_600_000_000_000;

/// Between two log lines about errors.
const LOG_EVERY: Duration = Duration::from_secs(10);

/// A file of which the end can be cut off.
trait Sink: Write {
    fn cut(&mut self, length: u64) -> io::Result<()>;
}

impl Sink for File {
    fn cut(&mut self, length: u64) -> io::Result<()> {
        self.set_len(length)?;
        self.seek(SeekFrom::Start(length)).map(drop)
    }
}

/// Appends all of `bytes` to a sink of `length` bytes, or nothing, as far as that is possible.
fn append_whole(sink: &mut impl Sink, length: u64, bytes: &[u8]) -> io::Result<()> {
    // Where it cannot be cut either, readers skip the torn end.
    sink.write_all(bytes).inspect_err(|_| drop(sink.cut(length)))
}

#[derive(Debug)]
struct Open {
    file: File,
    path: PathBuf,
    bytes: u64,
}

/// The files of one feed.
pub(super) struct Series {
    folder: PathBuf,
    /// `<venue>-<partition>`.
    stem: String,
    feed: Feed,
    file_bytes_max: u64,
    open: Option<Open>,
    /// The hour that the open file and the block belong to.
    hour: Option<i64>,
    block: Vec<u8>,
    block_records: u64,
    /// When the first record of the block was received, and when it came here.
    block_begun: Option<(ReceiveTime, MonoTime)>,
    compressor: Compressor<'static>,
    compressed: Vec<u8>,
    stats: RecordStats,
    logged: Option<MonoTime>,
}

impl Series {
    /// Creates the folder, so that a wrong one is found at the start.
    pub(super) fn new(dir: &Path, feed: &Feed, file_bytes_max: u64) -> io::Result<Self> {
        let folder = dir.join(feed.venue.as_str());
        fs::create_dir_all(&folder)?;
        let mut compressor = Compressor::new(ZSTD_LEVEL)?;
        compressor.include_checksum(true)?;
        Ok(Self {
            folder,
            stem: format!("{}-{}", feed.venue, feed.partition),
            feed: feed.clone(),
            file_bytes_max,
            open: None,
            hour: None,
            block: Vec::with_capacity(BLOCK_BYTES_MAX),
            block_records: 0,
            block_begun: None,
            compressor,
            compressed: Vec::new(),
            stats: RecordStats::default(),
            logged: None,
        })
    }

    /// What was done so far.
    pub(super) fn stats(&self) -> RecordStats {
        self.stats
    }

    /// Takes a record. A frame of another hour begins another file; an answer stays with the frames around it.
    pub(super) fn append(&mut self, source: Source, received: ReceiveTime, record: &[u8], now: MonoTime) {
        let hour = received.nanos().div_euclid(HOUR_NANOS);
        let is_of_hour = self.hour == Some(hour);
        if self.hour.is_none() || (source == Source::Ws && !is_of_hour) {
            self.close(now);
            self.hour = Some(hour);
        }
        let before = self.block.len();
        match line::append(&mut self.block, received, source, record) {
            Written::Whole => {}
            Written::Altered => self.stats.altered += 1,
            Written::Unfit => {
                self.stats.unfit += 1;
                return;
            }
        }
        self.stats.line_bytes += (self.block.len() - before) as u64;
        self.block_records += 1;
        self.block_begun.get_or_insert((received, now));
        if self.block.len() >= BLOCK_BYTES_MAX {
            self.flush(now);
        }
    }

    /// Writes the block when it is old enough.
    pub(super) fn tick(&mut self, now: MonoTime) {
        if self.block_begun.is_some_and(|(_, begun)| now.since(begun) >= BLOCK_AGE_MAX) {
            self.flush(now);
        }
    }

    /// Writes the block, and ends the file.
    pub(super) fn close(&mut self, now: MonoTime) {
        self.flush(now);
        self.end_file(now);
    }

    fn flush(&mut self, now: MonoTime) {
        let Some((first, _)) = self.block_begun.take() else { return };
        let records = std::mem::take(&mut self.block_records);
        match self.write_block(first) {
            Ok(()) => self.stats.records += records,
            Err(error) => {
                self.stats.lost += records;
                self.failed(&error, now);
                // Another one may be taken where this one is not: it has grown too large, its disk was replaced.
                self.end_file(now);
            }
        }
        self.block.clear();
        if self.open.as_ref().is_some_and(|open| open.bytes >= self.file_bytes_max) {
            self.end_file(now);
        }
    }

    fn write_block(&mut self, first: ReceiveTime) -> io::Result<()> {
        self.compressed.clear();
        self.compressed.reserve(zstd::zstd_safe::compress_bound(self.block.len()));
        self.compressor.compress_to_buffer(self.block.as_slice(), &mut self.compressed)?;
        let mut open = match self.open.take() {
            Some(open) => open,
            None => self.create(first)?,
        };
        let written = append_whole(&mut open.file, open.bytes, &self.compressed);
        if written.is_ok() {
            if open.bytes == 0 {
                tracing::info!(feed = %self.feed, file = %open.path.display(), "recording file begun");
                self.stats.files += 1;
            }
            open.bytes += self.compressed.len() as u64;
            self.stats.file_bytes += self.compressed.len() as u64;
        }
        self.open = Some(open);
        written
    }

    /// `<venue>-<partition>-<time of the first record>-<n>.txt.zst`, one that is not there yet.
    fn create(&self, first: ReceiveTime) -> io::Result<Open> {
        // Somebody may have moved the folder away.
        fs::create_dir_all(&self.folder)?;
        let time = spelled(first);
        for count in 0..SAME_NAMES_MAX {
            let path = self.folder.join(format!("{}-{time}-{count}.txt.zst", self.stem));
            match OpenOptions::new().write(true).create_new(true).open(&path) {
                Ok(file) => return Ok(Open { file, path, bytes: 0 }),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
        Err(io::ErrorKind::AlreadyExists.into())
    }

    fn end_file(&mut self, now: MonoTime) {
        let Some(Open { file, path, bytes }) = self.open.take() else { return };
        let ended = if bytes == 0 { fs::remove_file(path) } else { file.sync_data() };
        if let Err(error) = ended {
            self.failed(&error, now);
        }
    }

    fn failed(&mut self, error: &io::Error, now: MonoTime) {
        self.stats.errors += 1;
        if self.logged.is_none_or(|logged| now.since(logged) >= LOG_EVERY) {
            self.logged = Some(now);
            let (errors, lost, folder) = (self.stats.errors, self.stats.lost, self.folder.display());
            tracing::error!(feed = %self.feed, %folder, %error, errors, lost, "recording failed; it goes on trying");
        }
    }
}

/// `yyyymmddThhmmss`, in UTC.
fn spelled(time: ReceiveTime) -> String {
    let seconds = time.nanos().div_euclid(1_000_000_000);
    let (year, month, day) = civil_from_days(seconds.div_euclid(86_400));
    let (hour, minute) = (seconds.rem_euclid(86_400) / 3_600, seconds.rem_euclid(3_600) / 60);
    format!("{year:04}{month:02}{day:02}T{hour:02}{minute:02}{:02}", seconds.rem_euclid(60))
}

#[cfg(test)]
mod tests;
