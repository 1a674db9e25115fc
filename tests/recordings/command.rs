//! `tickcache verify` as a command: what it prints, and how it ends.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

use crate::{capture, frames, kraken, okx};

fn verify(arguments: &[&str], captures: &[&Path]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tickcache"));
    command.arg("verify").args(arguments).args(captures).output().unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

/// A capture of these frames, not packed.
fn written(folder: &tempfile::TempDir, frames: impl IntoIterator<Item = String>) -> PathBuf {
    let path = folder.path().join("capture.txt");
    let mut file = std::fs::File::create(&path).unwrap();
    for (frame, at) in frames.into_iter().zip(1_700_000_000_000_000_000_i64..) {
        writeln!(file, "{at} ws {frame}").unwrap();
    }
    path
}

#[test]
fn several_recordings_that_hold() {
    let (Some(okx), Some(kraken)) = (capture(okx::FILE), capture(kraken::FILE)) else { return };
    let output = verify(&[], &[&okx, &kraken]);
    let said = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert_eq!(said.matches("every check holds").count(), 2, "{said}");
    assert!(said.contains("checksums 847 of 847 held"), "{said}");
    assert_eq!(text(&output.stderr).matches("frames/s").count(), 2);
    assert_eq!(
        verify(&[], &[&okx, &kraken]).stdout,
        output.stdout,
        "the report depends on the recordings alone"
    );
}

#[test]
fn json_for_programs() {
    let (Some(okx), Some(kraken)) = (capture(okx::FILE), capture(kraken::FILE)) else { return };
    let output = verify(&["--json"], &[&okx, &kraken]);
    assert_eq!(output.status.code(), Some(0));
    let reports: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(reports.as_array().map(Vec::len), Some(2));
    assert_eq!((&reports[0]["venue"], &reports[1]["venue"]), (&"okx".into(), &"kraken".into()));
    assert_eq!(reports[1]["instruments"][6]["checksums_held"], 847);
    assert_eq!(reports[1]["instruments"][6]["digest"], "9f7faf7b43ba94fd");
}

/// One digit of one level is wrong: it fails, beside a recording that holds.
#[test]
fn an_altered_recording_fails() {
    let (Some(frames), Some(okx)) = (frames(kraken::FILE), capture(okx::FILE)) else { return };
    let folder = tempfile::tempdir().unwrap();
    let mut wrong = None;
    let altered = frames.into_iter().map(|(_, frame)| match kraken::with_a_wrong_digit(&frame) {
        Some((altered, symbol)) if wrong.is_none() => {
            wrong = Some(symbol);
            altered
        }
        _ => frame,
    });
    let path = written(&folder, altered.collect::<Vec<_>>());
    let output = verify(&[], &[&path, &okx]);
    let (said, symbol) = (text(&output.stdout), wrong.unwrap());
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains(&format!("FAILED: {symbol}: 1 checksums that did not hold")), "{said}");
    assert_eq!(said.matches("every check holds").count(), 1, "{said}");
    assert!(text(&output.stderr).contains("1 of 2 recordings failed"));
    let json: Value = serde_json::from_slice(&verify(&["--json"], &[&path]).stdout).unwrap();
    let sums =
        json[0]["instruments"].as_array().unwrap().iter().map(|one| one["mismatches"].as_u64().unwrap());
    assert_eq!(sums.sum::<u64>(), 1);
}

#[test]
fn a_missing_update_is_a_gap() {
    let folder = tempfile::tempdir().unwrap();
    let update = |kind: &str, u: u64| {
        format!(
            r#"{{"topic":"orderbook.50.BTCUSDT","type":"{kind}","ts":1700000000002,"data":{{"s":"BTCUSDT","b":[["100","1"]],"a":[["101","1"]],"u":{u},"seq":9}},"cts":1700000000001}}"#
        )
    };
    let frames = [update("snapshot", 500), update("delta", 501), update("delta", 503)];
    let output = verify(&["--venue", "bybit-linear"], &[&written(&folder, frames)]);
    let said = text(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(
        said.contains("FAILED: BTCUSDT: 1 gaps") && said.contains("the book ends sequence gap"),
        "{said}"
    );
}

#[test]
fn what_nobody_knows_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = written(&folder, ["{}".to_owned()]);
    let output = verify(&[], &[&path]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("--venue says whose it is"), "{}", text(&output.stderr));
    let output = verify(&["--venue", "nyse"], &[&path]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains(r#"no venue "nyse""#), "{}", text(&output.stderr));
    let output = verify(&[], &[Path::new("absent.txt.gz")]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("absent.txt.gz"));
    let output = verify(&["--venue", "okx"], &[&path]);
    assert_eq!(output.status.code(), Some(1), "no market data is a failure");
    assert!(text(&output.stdout).contains("no market data"));
}
