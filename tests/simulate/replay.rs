//! Recordings: one made up here, and the real ones where they are.

use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value;
use tickcache::capture::{Kind, Reader};
use tickcache::simulate::{Config, Ending, Fault, ReplayOptions, Rule, Simulator, Speed};

use crate::client::{Client, LocalBook, get};

/// A recording of so many deltas, in gzip: ids 10 apart, the snapshot in the middle of the third delta.
fn made_up(deltas: u64) -> tempfile::NamedTempFile {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    let mut line = |text: String| writeln!(encoder, "{text}").unwrap();
    for n in 0..deltas {
        let (time, first, last) = (n * 1_000_000, n * 10 + 1, n * 10 + 10);
        line(format!(
            "{time} ws {{\"stream\":\"abusdt@depth@100ms\",\"data\":{{\"e\":\"depthUpdate\",\"E\":{n},\
             \"s\":\"ABUSDT\",\"U\":{first},\"u\":{last},\"b\":[[\"{}.00000000\",\"{}.00000000\"]],\
             \"a\":[[\"{}.00000000\",\"1.00000000\"]]}}}}",
            n % 50 + 1,
            n % 3,
            n % 50 + 100
        ));
        line(format!(
            "{time} ws {{\"stream\":\"abusdt@bookTicker\",\"data\":{{\"u\":{last},\"s\":\"ABUSDT\",\
             \"b\":\"1.00000000\",\"B\":\"{n}.00000000\",\"a\":\"100.00000000\",\"A\":\"1.00000000\"}}}}"
        ));
        if n == 4 {
            line(format!(
                "{time} rest /api/v3/depth?symbol=ABUSDT {{\"lastUpdateId\":25,\"bids\":[[\"50.00000000\",\
                 \"7.00000000\"]],\"asks\":[[\"99.00000000\",\"7.00000000\"]]}}"
            ));
        }
    }
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(&encoder.finish().unwrap()).unwrap();
    file
}

async fn start(file: &tempfile::NamedTempFile, change: impl FnOnce(&mut ReplayOptions)) -> Simulator {
    let mut options = ReplayOptions::new([file.path()]);
    options.speed = Speed::Max;
    change(&mut options);
    Simulator::start(Config::replay(options)).await.unwrap()
}

const BOTH: [&str; 2] = ["abusdt@depth@100ms", "abusdt@bookTicker"];

#[tokio::test]
async fn all_frames_arrive_in_order_once_all_streams_are_subscribed() {
    let file = made_up(2000);
    // It settles never: the playback starts by the subscriptions being complete.
    let simulator = start(&file, |options| options.settle = Duration::from_secs(3600)).await;
    let mut client = Client::connect(&simulator).await;
    client.subscribe(&BOTH[..1]).await;
    assert_eq!(simulator.progress().unwrap().played, 0);
    let snapshot = get(&simulator, "/api/v3/depth?symbol=ABUSDT&limit=1000").await.json();
    assert_eq!(snapshot["lastUpdateId"], 25, "the recorded one, before the start");
    let mut book = LocalBook::from_snapshot(&snapshot);
    client.subscribe(&BOTH[1..]).await;
    for n in 0..2000_u64 {
        let depth = client.json().await;
        assert_eq!(
            (&depth["stream"], depth["data"]["u"].as_u64()),
            (&Value::from(BOTH[0]), Some(n * 10 + 10))
        );
        book.apply(&depth["data"]);
        assert_eq!(client.json().await["data"]["B"], format!("{n}.00000000"));
    }
    simulator.finished().await;
    assert_eq!(book.gaps, 0);
    assert_eq!(book.view(1000), simulator.book("ABUSDT", 1000).unwrap());
    assert_eq!(simulator.top("ABUSDT").unwrap().update_id, 20_000);
    assert_eq!(simulator.stats().frames, 4000);
    simulator.stop().await;
}

#[tokio::test]
async fn a_client_can_resynchronise_in_the_middle_and_a_late_one_join() {
    let file = made_up(3000);
    let simulator = start(&file, |options| {
        options.speed = Speed::Times(1);
        options.settle = Duration::from_millis(50);
    })
    .await;
    let mut first = Client::connect(&simulator).await;
    first.subscribe(&BOTH[..1]).await;
    while first.json().await["data"]["u"].as_u64().unwrap() < 5000 {}
    let mut late = Client::connect(&simulator).await;
    late.subscribe(&BOTH[..1]).await;
    for client in [&mut first, &mut late] {
        let snapshot = get(&simulator, "/api/v3/depth?symbol=ABUSDT&limit=5000").await.json();
        assert!(snapshot["lastUpdateId"].as_u64().unwrap() > 5000);
        let mut book = LocalBook::from_snapshot(&snapshot);
        while book.applied < 200 {
            book.apply(&client.json().await["data"]);
        }
        assert_eq!(book.gaps, 0);
    }
    simulator.pause().await;
    let (still, truth) = (simulator.progress(), simulator.book("ABUSDT", 100).unwrap());
    assert_eq!((simulator.progress(), simulator.book("ABUSDT", 100).unwrap()), (still, truth));
    simulator.resume();
    simulator.stop().await;
}

#[tokio::test]
async fn a_loop_closes_the_sessions_at_the_seam_and_starts_anew() {
    let file = made_up(300);
    let simulator = start(&file, |options| options.ending = Ending::Loop).await;
    for pass in 1..=3 {
        let mut client = Client::connect(&simulator).await;
        client.subscribe(&BOTH).await;
        let first = client.json().await;
        assert_eq!(first["data"]["u"], 10, "pass {pass}");
        assert_eq!(client.close_code().await, 1001);
        assert_eq!(simulator.progress().unwrap().passes, pass);
        let snapshot = get(&simulator, "/api/v3/depth?symbol=ABUSDT").await.json();
        assert_eq!(snapshot["lastUpdateId"], 25);
    }
    simulator.stop().await;
}

#[tokio::test]
async fn a_client_that_reads_slowly_slows_the_playback_and_loses_nothing() {
    let file = made_up(30_000);
    let simulator = start(&file, |_| {}).await;
    // More than any kernel buffers.
    simulator.faults().set([Rule::new("", Fault::Huge(64 << 10)).every(50)]);
    let mut client = Client::connect(&simulator).await;
    client.subscribe(&BOTH).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    let played = simulator.progress().unwrap().played;
    assert!(played < 60_000, "it waits for the client: {played}");
    for n in 0..60_000_u64 {
        let mut data = client.json().await["data"].take();
        if data.is_string() {
            data = client.json().await["data"].take();
        }
        assert_eq!(data["u"].as_u64().unwrap(), n / 2 * 10 + 10);
    }
    simulator.finished().await;
    simulator.stop().await;
}

pub(crate) fn captures() -> Option<PathBuf> {
    let folder = std::env::var_os("TICKCACHE_CAPTURES")
        .map(PathBuf::from)
        .unwrap_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/captures"));
    let found = folder.is_dir();
    if !found {
        eprintln!("skipped: no recordings in {}", folder.display());
    }
    found.then_some(folder)
}

#[test]
fn all_real_recordings_can_be_read() {
    let Some(folder) = captures() else { return };
    let mut lines = 0;
    for venue in std::fs::read_dir(folder).unwrap().flatten().filter(|entry| entry.path().is_dir()) {
        for file in std::fs::read_dir(venue.path()).unwrap().flatten() {
            let mut reader = Reader::open(file.path()).unwrap();
            lines += reader.by_ref().map(|line| line.unwrap().payload().len()).filter(|len| *len > 0).count();
            assert_eq!(reader.torn(), 0);
        }
    }
    assert!(lines > 100_000, "{lines}");
}

/// The snapshot is asked for at several moments: before the start, and in the middle.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn real_recordings_add_up_to_the_same_books_from_any_snapshot() {
    let Some(folder) = captures() else { return };
    let files = ["btcusdt", "ethusdt"].map(|name| folder.join(format!("binance/{name}-20240808.txt.gz")));
    let recorded: Vec<String> = recorded_frames(&files[0]);
    let mut options = ReplayOptions::new(files);
    options.speed = Speed::Max;
    let simulator = Simulator::start(Config::replay(options)).await.unwrap();
    let mut client = Client::connect(&simulator).await;
    let path = "/api/v3/depth?symbol=BTCUSDT&limit=5000";
    client.subscribe(&["btcusdt@bookTicker", "btcusdt@depth@100ms", "btcusdt@trade"]).await;
    client.subscribe(&["ethusdt@bookTicker", "ethusdt@depth@100ms"]).await;
    let mut books = vec![LocalBook::from_snapshot(&get(&simulator, path).await.json())];
    client.subscribe(&["ethusdt@trade"]).await;
    let mut seen = 0;
    while seen < recorded.len() {
        let frame = client.json().await;
        if !frame["stream"].as_str().unwrap().starts_with("btc") {
            continue;
        }
        let expected: Value = serde_json::from_str(&recorded[seen]).unwrap();
        assert_eq!(frame, expected);
        seen += 1;
        if frame["stream"] == "btcusdt@depth@100ms" {
            books.iter_mut().for_each(|book| book.apply(&frame["data"]));
        }
        if seen % 7000 == 0 {
            books.push(LocalBook::from_snapshot(&get(&simulator, path).await.json()));
        }
    }
    simulator.finished().await;
    let truth = simulator.book("BTCUSDT", 1000).unwrap();
    assert!(truth.bids.len() == 1000 && truth.asks.len() == 1000);
    for book in &books {
        assert_eq!(book.gaps, 0);
        assert_eq!(book.view(1000), truth);
    }
    simulator.stop().await;
}

fn recorded_frames(file: &std::path::Path) -> Vec<String> {
    let lines = Reader::open(file).unwrap().map(Result::unwrap);
    lines
        .filter_map(|line| match line.kind {
            Kind::Ws { frame } => Some(frame),
            Kind::Rest { .. } => None,
        })
        .collect()
}
