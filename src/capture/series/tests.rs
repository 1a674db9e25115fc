//! Rotation, torn ends, restarts, disks that fail.

use super::*;
use crate::capture::{CaptureError, Line, Reader};

/// 2026-11-21T17:59:59 UTC.
const START_S: i64 = 1_795_283_999;

fn feed() -> Feed {
    Feed { venue: "binance".parse().unwrap(), partition: 0 }
}

fn series(dir: &Path) -> Series {
    Series::new(dir, &feed(), 1 << 30).unwrap()
}

fn at(seconds: i64) -> ReceiveTime {
    ReceiveTime::from_nanos((START_S + seconds) * 1_000_000_000)
}

fn mono(millis: u64) -> MonoTime {
    MonoTime::from_nanos(millis * 1_000_000)
}

/// The names of the files and what is in them, in the order of the names.
fn files(dir: &Path) -> Vec<(String, Vec<String>)> {
    let mut paths: Vec<_> =
        fs::read_dir(dir.join("binance")).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let name = |path: &Path| path.file_name().unwrap().to_str().unwrap().to_owned();
    paths.iter().map(|path| (name(path), payloads(path).0)).collect()
}

fn payloads(path: &Path) -> (Vec<String>, u64) {
    let mut reader = Reader::open(path).unwrap();
    let lines: Result<Vec<Line>, CaptureError> = reader.by_ref().collect();
    (lines.unwrap().iter().map(|line| line.payload().to_owned()).collect(), reader.torn())
}

#[test]
fn each_hour_has_its_file_and_an_answer_stays_with_the_frames_around_it() {
    let dir = tempfile::tempdir().unwrap();
    let mut series = series(dir.path());
    series.append(Source::Rest, at(-9), b"/p early", mono(0));
    series.append(Source::Ws, at(0), b"one", mono(0));
    series.append(Source::Rest, at(1), b"/p late", mono(0));
    series.append(Source::Ws, at(1), b"two", mono(0));
    series.append(Source::Ws, at(3_601), b"three", mono(0));
    series.close(mono(0));
    let expected = [
        ("binance-0-20261121T175950-0.txt.zst", vec!["early", "one", "late"]),
        ("binance-0-20261121T180000-0.txt.zst", vec!["two"]),
        ("binance-0-20261121T190000-0.txt.zst", vec!["three"]),
    ];
    let found = files(dir.path());
    assert_eq!(found.len(), expected.len(), "{found:?}");
    for ((name, lines), (expected_name, expected_lines)) in found.iter().zip(expected) {
        assert_eq!(
            (name.as_str(), lines),
            (expected_name, &expected_lines.iter().map(|s| (*s).to_owned()).collect())
        );
    }
    assert_eq!((series.stats().records, series.stats().files), (5, 3));
}

#[test]
fn a_file_that_is_large_enough_is_followed_by_another_one() {
    let dir = tempfile::tempdir().unwrap();
    let mut series = Series::new(dir.path(), &feed(), 1_000).unwrap();
    let mut frames = Vec::new();
    for index in 0..400_u64 {
        // Hardly compressible.
        frames.push(format!("{:x}", index.wrapping_mul(0x9e37_79b9_7f4a_7c15)));
        series.append(Source::Ws, at(1), frames.last().unwrap().as_bytes(), mono(index * 50));
        series.tick(mono(index * 50));
    }
    series.close(mono(0));
    let found = files(dir.path());
    assert!(found.len() > 3, "{}", found.len());
    // The names differ in their last number only, which sorts as text does up to ten.
    let mut all: Vec<String> = found.into_iter().flat_map(|(_, lines)| lines).collect();
    all.sort();
    frames.sort();
    assert_eq!(all, frames);
}

#[test]
fn a_block_is_written_after_a_second_without_another_frame() {
    let dir = tempfile::tempdir().unwrap();
    let mut series = series(dir.path());
    series.append(Source::Ws, at(1), b"one", mono(0));
    series.tick(mono(999));
    assert_eq!(files(dir.path()), []);
    series.tick(mono(1_000));
    assert_eq!(files(dir.path())[0].1, ["one"], "readable while the file is open");
}

#[test]
fn a_crash_at_any_byte_leaves_whole_lines_and_a_restart_begins_another_file() {
    let dir = tempfile::tempdir().unwrap();
    let mut first = series(dir.path());
    for block in 0..3 {
        first.append(Source::Ws, at(1), format!("{{\"a\":{block}}}").as_bytes(), mono(0));
        first.append(Source::Ws, at(1), format!("{{\"b\":{block}}}").as_bytes(), mono(0));
        first.flush(mono(0));
    }
    let path = dir.path().join("binance/binance-0-20261121T180000-0.txt.zst");
    let whole = fs::read(&path).unwrap();
    let block = whole.len() / 3;
    let expected = ["{\"a\":0}", "{\"b\":0}", "{\"a\":1}", "{\"b\":1}", "{\"a\":2}", "{\"b\":2}"];
    for length in 0..=whole.len() {
        let torn = dir.path().join("torn");
        fs::write(&torn, &whole[..length]).unwrap();
        let (lines, torn) = payloads(&torn);
        assert_eq!(lines, expected[..lines.len()], "{length}");
        assert!(lines.len() >= length / block * 2, "{length}: {lines:?}");
        assert_eq!(torn, u64::from(length % block != 0), "{length}: {lines:?}");
    }
    fs::write(&path, &whole[..whole.len() - 3]).unwrap();
    let mut second = series(dir.path());
    second.append(Source::Ws, at(1), b"{}", mono(0));
    second.close(mono(0));
    let found = files(dir.path());
    assert_eq!(found[1], ("binance-0-20261121T180000-1.txt.zst".to_owned(), vec!["{}".to_owned()]));
    assert_eq!(fs::read(&path).unwrap(), whole[..whole.len() - 3], "untouched");
}

#[test]
fn what_is_no_text_is_left_out_and_counted() {
    let dir = tempfile::tempdir().unwrap();
    let mut series = series(dir.path());
    series.append(Source::Ws, at(1), b"\x1f\x8b\xff", mono(0));
    series.append(Source::Ws, at(1), b"{\n}", mono(0));
    series.close(mono(0));
    assert_eq!(files(dir.path())[0].1, ["{ }"]);
    let stats = series.stats();
    assert_eq!((stats.records, stats.unfit, stats.altered), (1, 1, 1));
}

#[test]
fn a_disk_that_fails_costs_what_it_did_not_take_and_the_recording_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let mut series = series(dir.path());
    let folder = dir.path().join("binance");
    fs::remove_dir(&folder).unwrap();
    fs::write(&folder, b"in the way").unwrap();
    series.append(Source::Ws, at(1), b"lost", mono(0));
    series.tick(mono(1_000));
    let stats = series.stats();
    assert_eq!((stats.records, stats.lost, stats.errors, stats.files), (0, 1, 1, 0));
    fs::remove_file(&folder).unwrap();
    series.append(Source::Ws, at(2), b"kept", mono(2_000));
    series.close(mono(2_000));
    assert_eq!(files(dir.path())[0].1, ["kept"]);
    assert_eq!((series.stats().records, series.stats().lost), (1, 1));
}

/// A disk with room for so many bytes.
struct Small {
    bytes: Vec<u8>,
    room: usize,
}

impl Write for Small {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = bytes.len().min(self.room - self.bytes.len());
        if taken == 0 {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.bytes.extend_from_slice(&bytes[..taken]);
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Sink for Small {
    fn cut(&mut self, length: u64) -> io::Result<()> {
        self.bytes.truncate(usize::try_from(length).unwrap());
        Ok(())
    }
}

#[test]
fn a_full_disk_leaves_no_part_of_a_block_behind() {
    let mut sink = Small { bytes: Vec::new(), room: 10 };
    append_whole(&mut sink, 0, b"123456").unwrap();
    let error = append_whole(&mut sink, 6, b"789abc").unwrap_err();
    assert_eq!((error.kind(), sink.bytes.as_slice()), (io::ErrorKind::StorageFull, &b"123456"[..]));
    append_whole(&mut sink, 6, b"7").unwrap();
    assert_eq!(sink.bytes, b"1234567");
}
