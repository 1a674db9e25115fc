//! Recordings: what the venue sent, byte for byte, whatever ends the recorder, and good enough to be replayed.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tempfile::TempDir;
use tickcache::capture::{Kind, Reader};
use tickcache::simulate::{Config, ReplayOptions, Simulator, Speed};
use tokio::task::JoinHandle;
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::Message;

use crate::program::Program;
use crate::support::{ALL, EMBEDDED, Rig, load, settings_text, small_market, until};

/// Frames by their streams, in order.
type Streams = BTreeMap<String, Vec<String>>;

fn recording_into(dir: &Path) -> String {
    format!("{EMBEDDED}[record]\ndir = {:?}\n", dir.to_str().unwrap())
}

/// The files of a recording, in the order of their beginnings.
fn files(dir: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(dir.join("binance")) else { return Vec::new() };
    let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

/// The market frames of some files, and the paths of their REST answers.
fn read(files: &[PathBuf]) -> (Streams, Vec<String>) {
    let (mut streams, mut paths) = (Streams::new(), Vec::new());
    for line in files.iter().flat_map(|file| Reader::open(file).unwrap()) {
        match line.unwrap().kind {
            Kind::Ws { frame } => add(&mut streams, frame),
            Kind::Rest { path_and_query, body } => {
                assert!(body.starts_with('{'), "{body}");
                paths.push(path_and_query);
            }
        }
    }
    (streams, paths)
}

/// Acknowledgements are passed over.
fn add(streams: &mut Streams, frame: String) {
    let value: Value = serde_json::from_str(&frame).unwrap();
    if let Some(stream) = value["stream"].as_str() {
        streams.entry(stream.to_owned()).or_default().push(frame);
    }
}

/// A plain client that keeps all that it gets, until the simulator is gone.
async fn witness(simulator: &Simulator) -> JoinHandle<Streams> {
    let (mut socket, _) = connect_async(simulator.websocket_url()).await.unwrap();
    let symbols = simulator.symbols();
    let of = |info: &tickcache::simulate::SymbolInfo| {
        let symbol = info.symbol.to_lowercase();
        ["bookTicker", "trade", "depth@100ms", "ticker"].map(|channel| format!("{symbol}@{channel}"))
    };
    let streams: Vec<String> = symbols.iter().flat_map(of).collect();
    let request = json!({"method": "SUBSCRIBE", "params": streams, "id": 1}).to_string();
    socket.send(Message::text(request)).await.unwrap();
    let first = socket.next().await.unwrap().unwrap();
    assert!(first.to_text().unwrap().contains("null"), "{first:?}");
    tokio::spawn(async move {
        let mut seen = Streams::new();
        while let Some(Ok(message)) = socket.next().await {
            if let Message::Text(text) = message {
                add(&mut seen, text.to_string());
            }
        }
        seen
    })
}

/// Waits until the engine gets nothing more.
async fn quiet(rig: &Rig) {
    let (mut frames, mut looks) = (0, 0);
    until("nothing more comes", || {
        looks = if rig.stats().frames == frames { looks + 1 } else { 0 };
        frames = rig.stats().frames;
        looks == 15
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_recording_holds_every_frame_byte_for_byte_and_replays_as_itself() {
    let (first, second) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let simulator = Simulator::start(Config::market(small_market())).await.unwrap();
    let witness = witness(&simulator).await;
    let rig = Rig::on(simulator, &recording_into(first.path()), "");
    rig.live().await;
    rig.moved_on(20).await;
    rig.simulator.pause().await;
    quiet(&rig).await;
    let board = rig.engine.recording().unwrap().clone();
    let frames = rig.stats().frames;
    rig.stop().await;
    let (recorded, paths) = read(&files(first.path()));
    let sent = witness.await.unwrap();
    assert_eq!(recorded.len(), 2 * 4, "{:?}", recorded.keys());
    for (stream, frames) in &recorded {
        assert!(sent[stream].ends_with(frames), "{stream}: all from the subscription to the end");
    }
    for symbol in ["BTCUSDT", "ETHUSDT"] {
        let asked = |path: &String| path.starts_with("/api/v3/depth?") && path.contains(symbol);
        assert!(paths.iter().any(asked), "{symbol}: {paths:?}");
    }
    let [(_, stats)] = board.read()[..] else { panic!("one feed") };
    assert_eq!((stats.records, stats.missing(), stats.altered), (frames + paths.len() as u64, 0, 0));

    let options = ReplayOptions { speed: Speed::Max, ..ReplayOptions::new(files(first.path())) };
    let simulator = Simulator::start(Config::replay(options)).await.unwrap();
    let rig = Rig::on(simulator, &recording_into(second.path()), "");
    rig.simulator.finished().await;
    quiet(&rig).await;
    rig.stop().await;
    let (again, _) = read(&files(second.path()));
    assert!(again == recorded, "the recording of a recording holds the same frames in the same order");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_recorder_leaves_whole_lines_and_the_next_one_begins_other_files() {
    let dir = TempDir::new().unwrap();
    let simulator = Simulator::start(Config::market(small_market())).await.unwrap();
    let config = dir.path().join("tickcache.toml");
    fs::write(&config, settings_text(&simulator, EMBEDDED, &ALL, "")).unwrap();
    let (config, out) = (config.to_str().unwrap().to_owned(), dir.path().join("out"));
    let start = || Program::start(&["record", "--config", &config, "--out", out.to_str().unwrap()]);
    let lines = |files: &[PathBuf]| read(files).0.values().map(Vec::len).sum::<usize>();

    let killed = start();
    until("much is recorded", || lines(&files(&out)) > 500).await;
    killed.signal("KILL");
    killed.ended().await;
    let left = files(&out);
    let bytes: Vec<_> = left.iter().map(|file| fs::read(file).unwrap()).collect();

    let interrupted = start();
    until("much is recorded again", || lines(&files(&out)[left.len()..]) > 500).await;
    interrupted.signal("INT");
    let (status, said) = interrupted.ended().await;
    assert!(status.success(), "{said}");
    assert!(said.contains("summary\nbinance/0: ") && said.contains(", 0 dropped"), "{said}");

    for (file, bytes) in left.iter().zip(bytes) {
        assert_eq!(fs::read(file).unwrap(), bytes, "{}: untouched", file.display());
    }
    let all = files(&out);
    let (before, after) = all.split_at(left.len());
    let (before, after) = (read(before).0, read(after).0);
    assert_eq!(before.len(), 2 * 4);
    for (stream, frames) in &before {
        let second = &after[stream];
        assert_without_holes(stream, frames);
        assert_without_holes(stream, second);
        let ends = [frames.last().unwrap(), &second[0]].map(|frame| id(frame, "u").or(id(frame, "t")));
        assert!(ends[0] < ends[1] || ends == [None, None], "{stream}: nothing twice");
    }
    simulator.stop().await;
}

fn id(frame: &str, name: &str) -> Option<u64> {
    serde_json::from_str::<Value>(frame).unwrap()["data"][name].as_u64()
}

/// By the venue's own numbers: of trades and deltas none may be missing, quotes only grow.
fn assert_without_holes(stream: &str, frames: &[String]) {
    for pair in frames.windows(2) {
        let ids = |name| (id(&pair[0], name), id(&pair[1], name));
        if stream.contains("@depth") {
            assert_eq!(id(&pair[0], "u").map(|last| last + 1), id(&pair[1], "U"), "{stream}: {pair:?}");
        } else if stream.ends_with("@trade") {
            let (one, next) = ids("t");
            assert_eq!(one.map(|one| one + 1), next, "{stream}: {pair:?}");
        } else if stream.ends_with("@bookTicker") {
            let (one, next) = ids("u");
            assert!(one < next, "{stream}: {pair:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_that_refuses_costs_what_it_refused_and_the_recording_goes_on() {
    let dir = TempDir::new().unwrap();
    let simulator = Simulator::start(Config::market(small_market())).await.unwrap();
    let config = dir.path().join("tickcache.toml");
    fs::write(&config, settings_text(&simulator, EMBEDDED, &ALL, "")).unwrap();
    let (config, out) = (config.to_str().unwrap(), dir.path().join("out"));
    // The system takes a part of the write that crosses the limit and refuses the rest, as a full disk does.
    let arguments = ["record", "--config", config, "--out", out.to_str().unwrap()];
    let program = Program::start_with_small_files(128, &arguments);
    until("writes were refused, and others not", || {
        program.said().contains(" errors") && files(&out).len() >= 3
    })
    .await;
    program.signal("INT");
    let (status, said) = program.ended().await;
    assert!(status.success(), "{said}");
    assert!(
        said.contains("recording failed; it goes on trying") && said.contains(" lost to the disk"),
        "{said}"
    );
    for (stream, frames) in read(&files(&out)).0 {
        for pair in frames.windows(2) {
            let [one, next] = [0, 1].map(|index| id(&pair[index], "u").or(id(&pair[index], "t")));
            assert!(one < next || one.is_none(), "{stream}: in order, and nothing twice: {pair:?}");
        }
    }
    for file in files(&out) {
        let mut reader = Reader::open(&file).unwrap();
        assert!(reader.by_ref().count() > 0, "{}: no empty file stays", file.display());
        assert_eq!(reader.torn(), 0, "{}: what was torn is cut off", file.display());
    }
    simulator.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_folder_that_cannot_be_stops_the_engine_at_its_start() {
    let dir = TempDir::new().unwrap();
    fs::write(dir.path().join("binance"), b"in the way").unwrap();
    let simulator = Simulator::start(Config::market(small_market())).await.unwrap();
    let text = settings_text(&simulator, &recording_into(dir.path()), &ALL, "");
    let error = tickcache::app::Engine::start(&load(&text)).unwrap_err().to_string();
    assert!(error.starts_with("recording into "), "{error}");
    simulator.stop().await;
}
