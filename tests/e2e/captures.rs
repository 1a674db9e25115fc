//! Recordings into Redis: every value ever written is a state that the venue was in, and the last one is its last.
//!
//! The judges are `tests/scripts/final_state.py` and `check_monitor.py`, which share no code with the engine.

use std::path::{Path, PathBuf};
use std::process::Command;

use rust_decimal::Decimal;
use serde_json::Value;
use tempfile::TempDir;
use tickcache::app::Engine;
use tickcache::domain::{Record, State};
use tickcache::simulate::{Config, Ending, ReplayOptions, Simulator, Speed};

use crate::monitor::Monitor;
use crate::redis_server::RedisServer;
use crate::support::{Rig, load, name, redis_store, settings_text, stored, until, until_ok};
use crate::truth;

/// The recordings of Binance spot, where they are.
fn recordings() -> Option<Vec<PathBuf>> {
    let folder = std::env::var_os("TICKCACHE_CAPTURES")
        .map(PathBuf::from)
        .unwrap_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/captures"));
    let files = ["btcusdt", "ethusdt"].map(|symbol| folder.join(format!("binance/{symbol}-20240808.txt.gz")));
    if let Some(absent) = files.iter().find(|file| !file.is_file()) {
        eprintln!("skipped: no recording {}", absent.display());
        return None;
    }
    if Command::new("python3").arg("--version").output().is_err() {
        eprintln!("skipped: no python3, which judges what was written");
        return None;
    }
    Some(files.into())
}

fn python(script: &str, arguments: &[&Path]) -> String {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scripts").join(script);
    let output = Command::new("python3").arg(script).args(arguments).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{}{}", text(&output.stdout), text(&output.stderr));
    text(&output.stdout)
}

/// What the recordings amount to, told by `final_state.py`: the last states, and a file of all.
fn judged(recordings: &[PathBuf], folder: &Path) -> (Value, PathBuf) {
    let states = folder.join("states.jsonl");
    let mut arguments = vec![Path::new("--states"), &states];
    arguments.extend(recordings.iter().map(PathBuf::as_path));
    let last = python("final_state.py", &arguments);
    (serde_json::from_str(&last).unwrap(), states)
}

/// Whether everything that was written is true, told by `check_monitor.py`. When the engine gets its snapshot depends on the
/// machine, and with it how deep it knows the book: a side may be short, until the engine has fetched a deeper one.
fn check(states: &Path, watched: &Path) -> Value {
    let arguments = [Path::new("--resynchronised"), Path::new("--states"), states, watched];
    serde_json::from_str(&python("check_monitor.py", &arguments)).unwrap()
}

async fn replay(recordings: &[PathBuf], speed: Speed, ending: Ending) -> Simulator {
    let options = ReplayOptions { speed, ending, ..ReplayOptions::new(recordings) };
    Simulator::start(Config::replay(options)).await.unwrap()
}

fn start(simulator: Simulator, server: &RedisServer) -> Rig {
    // There are no rolling figures in the recordings.
    let text = settings_text(&simulator, &redis_store(&server.url()), &["price", "liquidity"], "");
    let engine = Engine::start(&load(&text)).unwrap();
    Rig { simulator, engine }
}

/// Plays the recordings once, and lets both scripts judge what Redis was told.
async fn every_value_is_true(speed: Speed) {
    let Some(recordings) = recordings() else { return };
    let folder = TempDir::new().unwrap();
    let (last, states) = judged(&recordings, folder.path());
    let server = RedisServer::start();
    let watched = folder.path().join("monitor.txt");
    let monitor = Monitor::start(server.port(), &watched);
    let rig = start(replay(&recordings, speed, Ending::Stay).await, &server);
    rig.simulator.finished().await;
    let mut connection = server.connection();
    until_ok("Redis holds the last state", || last_in_redis(&rig, &last, &mut connection)).await;
    assert_eq!((rig.stats().gaps, rig.stats().reconnects, rig.stats().decode_errors), (0, 0, 0));
    rig.stop().await;
    let commands = monitor.finish();
    let counts = check(&states, &watched);
    eprintln!("{commands} commands at speed {speed:?}: {counts}");
    for entity in ["price", "liquidity"] {
        assert!(counts[entity]["live"].as_u64() > Some(100), "{entity}: {counts}");
    }
}

fn last_in_redis(rig: &Rig, last: &Value, connection: &mut redis::Connection) -> Result<(), String> {
    for key in rig.engine.keys() {
        let name = name(key);
        let truth = &last[key.instrument.as_str().replace('-', "")];
        let (_, record) = stored(connection, &name).ok_or_else(|| format!("{name}: absent"))?;
        if record.stamp().state != State::Live {
            return Err(format!("{name}: {}", record.stamp().reason));
        }
        let (ours, truth) = match &record {
            Record::Price(_) => (truth::price_text(&record), price_text(truth)),
            _ => (truth::book_text(&record), book_text(&truth["liquidity"], &record)),
        };
        if ours != truth {
            return Err(format!("{name}: {ours} instead of {truth}"));
        }
    }
    Ok(())
}

fn number(value: &Value) -> Decimal {
    value.as_str().unwrap().parse().unwrap()
}

fn price_text(truth: &Value) -> String {
    let (price, last) = (&truth["price"], &truth["last"]);
    let level = |price: &Value, size: &Value| (number(price).normalize(), number(size).normalize());
    format!(
        "{:?}",
        (
            price["u"].as_u64(),
            Some(level(&price["bid"], &price["bid_size"])),
            Some(level(&price["ask"], &price["ask_size"])),
            Some(level(&last["price"], &last["size"])),
        )
    )
}

/// A side may be shorter where levels beyond the recorded snapshot are unknown, but never than what is `known`.
fn book_text(truth: &Value, record: &Record) -> String {
    let Record::Liquidity(book) = record else { panic!("a book is compared with a book") };
    let side = |name: &str, known: usize, ours: usize| -> Vec<_> {
        let known = truth["known"][known].as_u64().unwrap();
        let shown = ours.max(usize::try_from(known).unwrap());
        let levels = truth[name].as_array().unwrap().iter().take(shown);
        levels.map(|level| (number(&level[0]).normalize(), number(&level[1]).normalize())).collect()
    };
    let (bids, asks) = (side("bids", 0, book.bids.len()), side("asks", 1, book.asks.len()));
    format!("{:?}", (truth["u"].as_u64(), bids, asks))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_value_is_true_at_twenty_times_the_recorded_speed() {
    every_value_is_true(Speed::Times(20)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_value_is_true_as_fast_as_the_engine_reads() {
    every_value_is_true(Speed::Max).await;
}

/// At the seam of a loop the sessions are closed, and the venue's update ids begin anew, below those that are known.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_the_seam_of_a_loop_values_are_those_of_the_new_pass() {
    let Some(recordings) = recordings() else { return };
    let folder = TempDir::new().unwrap();
    let (_, states) = judged(&recordings, folder.path());
    let server = RedisServer::start();
    let watched = folder.path().join("monitor.txt");
    let monitor = Monitor::start(server.port(), &watched);
    let rig = start(replay(&recordings, Speed::Max, Ending::Loop).await, &server);
    until("two passes are over", || rig.simulator.progress().unwrap().passes >= 2).await;
    until("every session came back twice", || rig.stats().connects >= 6).await;
    assert_eq!(rig.stats().gaps, 0, "a new session is a new beginning, not a gap");
    rig.stop().await;
    monitor.finish();
    eprintln!("{}", check(&states, &watched));
}
