//! Real recordings of all venues, where they are.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value;
use tickcache::capture::{Kind, Reader};
use tickcache::clock;
use tickcache::simulate::{Config, ReplayOptions, Simulator, Speed, StartError, Windows};
use tokio::sync::watch;

use crate::client::{Client, LocalBook, get};
use crate::rebuilt::Rebuilt;
use crate::replay::captures;
use crate::venues::request;

/// A venue's recording: the channel of its books, and further ones.
struct Recording {
    venue: &'static str,
    file: &'static str,
    book: &'static str,
    depth: usize,
    others: &'static [&'static str],
}

const RECORDINGS: [Recording; 5] = [
    Recording {
        venue: "coinbase",
        file: "coinbase/session-20210417.txt.gz",
        book: "level2",
        depth: 100_000,
        others: &["ticker", "matches"],
    },
    Recording {
        venue: "kraken",
        file: "kraken/book-20210417.txt.gz",
        book: "book.1000",
        depth: 1000,
        others: &[],
    },
    Recording {
        venue: "okx",
        file: "okx/session-20220513.txt.gz",
        book: "books",
        depth: 400,
        others: &["trades", "tickers"],
    },
    Recording {
        venue: "bybit-linear",
        file: "bybit/book-20210417.txt.gz",
        book: "orderbook.50",
        depth: 50,
        others: &[],
    },
    Recording {
        venue: "hyperliquid",
        file: "hyperliquid/btc-20250126.txt.gz",
        book: "l2Book",
        depth: 20,
        others: &["trades"],
    },
];

async fn start(file: PathBuf, venue: Option<&str>, speed: Speed) -> Simulator {
    let options = ReplayOptions { speed, ..ReplayOptions::new([file]) };
    let config = Config::replay(options);
    let config = match venue {
        Some(venue) => config.venue(venue),
        None => config,
    };
    Simulator::start(config).await.unwrap()
}

/// The recorded frames that belong to streams: all but acknowledgements.
fn recorded(file: &PathBuf) -> Vec<String> {
    let frames = Reader::open(file).unwrap().map(Result::unwrap).filter_map(|line| match line.kind {
        Kind::Ws { frame } => Some(frame),
        Kind::Rest { .. } => None,
    });
    let is_answer =
        |frame: &String| frame.contains("\"subscriptions\"") || frame.contains("\"event\":\"subscribe\"");
    frames.filter(|frame| !is_answer(frame)).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_venues_recording_is_recognised_and_played_completely() {
    let Some(folder) = captures() else { return };
    for Recording { venue, file, book, depth, others } in RECORDINGS {
        let path = folder.join(file);
        let expected = recorded(&path);
        let simulator = start(path, None, Speed::Max).await;
        assert_eq!(simulator.venue(), venue);
        let symbols: Vec<String> = simulator.symbols().into_iter().map(|info| info.symbol).collect();
        let mut client = Client::connect(&simulator).await;
        for symbol in &symbols {
            for channel in std::iter::once(&book).chain(others) {
                client.send(&request(venue, "subscribe", channel, symbol)).await;
            }
        }
        let mut books: Vec<Rebuilt> = symbols.iter().map(|_| Rebuilt::new(venue, depth)).collect();
        let mut seen = 0;
        while seen < expected.len() {
            let text = client.text().await;
            if text != expected[seen] {
                let is_other =
                    ["subscri", "heartbeat", "\"status\"", "\"op\""].iter().any(|word| text.contains(word));
                assert!(is_other, "{venue}: {text} instead of {}", expected[seen]);
                continue;
            }
            seen += 1;
            // The old OKX recording has no sequence to follow.
            books.iter_mut().zip(&symbols).for_each(|(book, symbol)| book.take(symbol, &text));
        }
        simulator.finished().await;
        for (book, symbol) in books.iter().zip(&symbols) {
            assert_eq!(book.problems, Vec::<String>::new(), "{venue} {symbol}");
            assert!(book.is(simulator.book(symbol, depth), depth), "{venue} {symbol}");
        }
        simulator.stop().await;
    }
}

/// A client that resubscribes in the middle, and one of another depth, become right again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_snapshot_in_the_middle_and_the_recorded_deltas_make_the_same_book() {
    let Some(folder) = captures() else { return };
    for Recording { venue, file, book, depth, .. } in RECORDINGS {
        let simulator = start(folder.join(file), Some(venue), Speed::Times(10)).await;
        let symbols: Vec<String> = simulator.symbols().into_iter().map(|info| info.symbol).collect();
        let mut channels = vec![(book, depth)];
        if venue == "kraken" {
            channels.extend([("book.10", 10), ("book.100", 100)]);
        }
        let (mut tasks, (end, ended)) = (Vec::new(), watch::channel(false));
        for (channel, depth) in channels {
            for symbol in symbols.clone() {
                let client = Client::connect(&simulator).await;
                tasks.push(tokio::spawn(follow(client, venue, channel, symbol, depth, ended.clone())));
            }
        }
        simulator.finished().await;
        let truth = |symbol: &str, depth| simulator.book(symbol, depth);
        end.send_replace(true);
        let (mut snapshots, mut sums) = (0, 0);
        for task in tasks {
            let (symbol, depth, book) = task.await.unwrap();
            assert_eq!(book.problems, Vec::<String>::new(), "{venue} {symbol}");
            assert!(book.is(truth(&symbol, depth), depth), "{venue} {symbol} {depth}");
            snapshots += book.snapshots;
            sums += book.sums;
        }
        assert!(snapshots > 0);
        assert!(venue != "kraken" || sums > 1000, "{sums} checksums were compared");
        simulator.stop().await;
    }
}

/// Between two new subscriptions: also a client that catches up with what it has not read asks no more often than a venue lets it
/// (Kraken: 50 messages a second).
const RESUBSCRIBES_EVERY: Duration = Duration::from_millis(100);

/// Follows one book, with a new subscription now and then, until the recording has ended.
async fn follow(
    mut client: Client,
    venue: &'static str,
    channel: &'static str,
    symbol: String,
    depth: usize,
    mut ended: watch::Receiver<bool>,
) -> (String, usize, Rebuilt) {
    let mut book = Rebuilt::new(venue, depth);
    client.request(venue, "subscribe", channel, &symbol).await;
    let (mut taken, mut subscribed) = (0, clock::mono());
    loop {
        let text = tokio::select! {
            text = client.text() => text,
            _ = ended.wait_for(|ended| *ended) => break,
        };
        book.take(&symbol, &text);
        taken += 1;
        if taken >= 20 && clock::mono().since(subscribed) >= RESUBSCRIBES_EVERY {
            (taken, subscribed) = (0, clock::mono());
            for what in ["unsubscribe", "subscribe"] {
                for text in client.request(venue, what, channel, &symbol).await {
                    book.take(&symbol, &text);
                }
            }
        }
    }
    // What comes ahead of the answer is all that was on its way.
    for text in client.request(venue, "unsubscribe", channel, &symbol).await {
        book.take(&symbol, &text);
    }
    (symbol, depth, book)
}

/// Both of the futures' websockets are the one replay's; deltas continue the recorded snapshot by `pu`.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_futures_recording_adds_up_to_its_truth() {
    let Some(folder) = captures() else { return };
    let simulator = start(folder.join("binance-usdm/btcusdt-20240808.txt.gz"), None, Speed::Max).await;
    assert_eq!(simulator.venue(), "binance-usdm");
    let total = simulator.loaded().unwrap().frames;
    let mut client = Client::connect(&simulator).await;
    client.subscribe(&["btcusdt@bookTicker", "btcusdt@trade"]).await;
    let snapshot = get(&simulator, "/fapi/v1/depth?symbol=BTCUSDT&limit=1000").await.json();
    let mut book = LocalBook::from_snapshot(&snapshot);
    client.send(&request("binance-usdm", "subscribe", "depth@0ms", "BTCUSDT")).await;
    let (mut frames, mut last, mut breaks) = (0, None, 0);
    while frames < total {
        let text = client.text().await;
        frames += usize::from(text.starts_with("{\"stream\""));
        if text.contains("depthUpdate") {
            let delta = serde_json::from_str::<Value>(&text).unwrap()["data"].clone();
            breaks += u32::from(last.is_some() && delta["pu"].as_u64() != last);
            last = delta["u"].as_u64();
            book.take_futures(&delta);
        }
    }
    simulator.finished().await;
    assert_eq!(breaks, 0);
    assert_eq!(book.view(100), simulator.book("BTCUSDT", 100).unwrap());
    simulator.stop().await;
}

#[tokio::test]
async fn recordings_of_several_venues_at_once_are_refused() {
    let Some(folder) = captures() else { return };
    let files = [RECORDINGS[1].file, RECORDINGS[2].file].map(|file| folder.join(file));
    let refused = Simulator::start(Config::replay(ReplayOptions::new(files))).await;
    let Err(StartError::Replay(error)) = refused else { panic!("{refused:?}") };
    assert_eq!(
        error.to_string(),
        "the captures hold frames of kraken and of okx: start one simulator for each"
    );
}

/// Tops that are not recorded are told from the recorded book, unless that is not wanted.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_recorded_book_tells_the_top_too_unless_told_not_to() {
    let Some(folder) = captures() else { return };
    for (index, channel, bid) in
        [(2, "bbo-tbt", "/data/0/bids/0/0"), (3, "orderbook.1", "/data/b/0/0"), (4, "bbo", "/data/bbo/0/px")]
    {
        let Recording { venue, file, book, .. } = RECORDINGS[index];
        for windows in [Windows::Told, Windows::Silent] {
            let options =
                ReplayOptions { speed: Speed::Max, windows, ..ReplayOptions::new([folder.join(file)]) };
            let simulator = Simulator::start(Config::replay(options).venue(venue)).await.unwrap();
            let symbol = simulator.symbols()[0].symbol.clone();
            let mut client = Client::connect(&simulator).await;
            client.request(venue, "subscribe", channel, &symbol).await;
            client.request(venue, "subscribe", book, &symbol).await;
            let (mut last, mut others) = (None, 0);
            let mut take = |text: &str| {
                let frame: Value = serde_json::from_str(text).unwrap();
                let is_book = text.contains("\"books\"") || frame["topic"] == format!("{book}.{symbol}");
                match frame.pointer(bid).filter(|_| !is_book) {
                    Some(price) => last = price.as_str().map(str::to_owned),
                    None => others += 1,
                }
            };
            loop {
                tokio::select! {
                    text = client.text() => take(&text),
                    () = simulator.finished() => break,
                }
            }
            // What comes ahead of the answer is all that was on its way.
            for text in client.request(venue, "unsubscribe", channel, &symbol).await {
                take(&text);
            }
            assert!(others > 0, "{venue}: the book itself comes");
            let truth = simulator.book(&symbol, 1).unwrap().bids[0].0;
            match windows {
                Windows::Told => assert_eq!(last.unwrap().parse::<rust_decimal::Decimal>().unwrap(), truth),
                Windows::Silent => assert_eq!(last, None, "{venue}"),
            }
            simulator.stop().await;
        }
    }
}
