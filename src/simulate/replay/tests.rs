//! Tests of the recorded book at every position: no sockets, no clock.

use std::io::Write;
use std::path::PathBuf;

use super::*;

fn capture(lines: &[&str]) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all((lines.join("\n") + "\n").as_bytes()).unwrap();
    file
}

fn delta(time: i64, ids: (u64, u64), bid: &str, quantity: &str) -> String {
    format!(
        "{time} ws {{\"stream\":\"abusdt@depth@100ms\",\"data\":{{\"e\":\"depthUpdate\",\"E\":1,\"s\":\"ABUSDT\",\
         \"U\":{},\"u\":{},\"b\":[[\"{bid}\",\"{quantity}\"]],\"a\":[]}}}}",
        ids.0, ids.1
    )
}

fn snapshot(time: i64, id: u64) -> String {
    format!(
        "{time} rest /api/v3/depth?symbol=ABUSDT&limit=1000 {{\"lastUpdateId\":{id},\
         \"bids\":[[\"9.90000000\",\"{id}.00000000\"]],\"asks\":[[\"10.10000000\",\"1.00000000\"]]}}"
    )
}

fn loaded(files: &[&tempfile::NamedTempFile]) -> Replay {
    let paths = files.iter().map(|file| PathBuf::from(file.path()));
    Replay::load(ReplayOptions::new(paths), None).unwrap().0
}

fn id_at(replay: &Replay, position: usize) -> (u64, usize) {
    replay.position.store(position, Ordering::Release);
    let view = replay.view("ABUSDT", 100).unwrap();
    (view.update_id, view.bids.len())
}

/// A snapshot that a client gets at any moment lies within or at the end of what it has received or will receive.
#[test]
fn the_snapshot_is_the_recorded_one_until_the_playback_passes_it_and_moves_on_from_there() {
    let lines = [
        delta(1, (1, 4), "9.10000000", "1.0"),
        delta(2, (5, 9), "9.20000000", "1.0"),
        delta(3, (10, 12), "9.30000000", "1.0"),
        snapshot(4, 7),
        delta(5, (13, 13), "9.40000000", "1.0"),
    ];
    let file = capture(&lines.each_ref().map(String::as_str));
    let replay = loaded(&[&file]);
    for (position, expected) in [(0, (7, 1)), (1, (7, 1)), (2, (9, 2)), (3, (12, 3)), (4, (13, 4))] {
        assert_eq!(id_at(&replay, position), expected, "position {position}");
    }
    assert_eq!(replay.loaded(), Loaded { frames: 4, snapshots: 1, left_out: 0, torn: 0 });
}

#[test]
fn a_gap_in_the_recording_is_healed_by_a_later_snapshot() {
    let lines = [
        snapshot(1, 7),
        delta(2, (8, 9), "9.20000000", "1.0"),
        delta(3, (50, 60), "9.30000000", "1.0"),
        snapshot(4, 55),
        delta(5, (61, 61), "9.40000000", "1.0"),
    ];
    let file = capture(&lines.each_ref().map(String::as_str));
    let replay = loaded(&[&file]);
    assert_eq!(id_at(&replay, 1), (9, 2));
    assert_eq!(id_at(&replay, 2), (60, 2), "9.20 was of before the gap");
    assert_eq!(id_at(&replay, 3), (61, 3));
}

#[test]
fn captures_are_merged_by_receive_time_and_other_frames_left_out() {
    let trade = |time: i64, name: &str| {
        format!("{time} ws {{\"stream\":\"{name}@trade\",\"data\":{{\"e\":\"trade\",\"b\":7,\"a\":8}}}}")
    };
    let one = capture(&[&trade(1, "a"), &trade(4, "a"), "5 ws {\"result\":null,\"id\":1}"]);
    let two = capture(&[&trade(2, "b"), &trade(3, "b"), "9 ws {\"cut"]);
    let replay = loaded(&[&two, &one]);
    let times: Vec<i64> = replay.frames.iter().map(|frame| frame.nanos).collect();
    assert_eq!(times, [1, 2, 3, 4]);
    assert_eq!(replay.loaded().left_out, 2);
    assert_eq!(replay.stream_names().len(), 2);
}

#[test]
fn the_top_is_the_last_recorded_one_and_the_books_before_there_is_any() {
    let ticker = "5 ws {\"stream\":\"abusdt@bookTicker\",\"data\":{\"u\":8,\"s\":\"ABUSDT\",\"b\":\"9.95000000\",\
                  \"B\":\"2.00000000\",\"a\":\"10.00000000\",\"A\":\"3.00000000\"}}";
    let file = capture(&[&snapshot(1, 7), ticker]);
    let replay = loaded(&[&file]);
    let bid = |replay: &Replay| replay.top("ABUSDT").unwrap().bid.unwrap().0.to_string();
    assert_eq!(bid(&replay), "9.90000000");
    replay.position.store(1, Ordering::Release);
    assert_eq!(bid(&replay), "9.95000000");
    let info = &replay.symbols()[0];
    assert_eq!((info.base.as_str(), info.quote.as_str()), ("AB", "USDT"));
    assert_eq!(info.tick.to_string(), "0.10000000");
}

#[test]
fn files_that_hold_nothing_to_play_are_refused() {
    let file = capture(&["1 ws {\"result\":null,\"id\":1}"]);
    let refused = Replay::load(ReplayOptions::new([file.path()]), None);
    assert!(matches!(refused, Err(ReplayError::NoFrames { files: 1, venue: None })));
    let file = capture(&["1 rest /api/v3/depth?symbol=X {\"lastUpdateId\":\"x\"}"]);
    let refused = Replay::load(ReplayOptions::new([file.path()]), None);
    assert!(matches!(refused, Err(ReplayError::Snapshot { symbol, .. }) if symbol == "X"));
}
