//! Venue by fault: each goes wrong as ordered, and in nothing else.

use std::time::Duration;

use serde_json::Value;
use tickcache::simulate::{Break, Config, Fault, Garbage, MarketOptions, Rule, Simulator, Undecodable};
use tokio_tungstenite::tungstenite::Message;

use crate::client::Client;
use crate::rebuilt::Rebuilt;
use crate::venues::{BOOKS, Case};

async fn start(venue: &str) -> Simulator {
    let options = MarketOptions { updates_per_second: 300, jump_every: None, ..MarketOptions::default() };
    Simulator::start(Config::market(options.only(&["BTC"])).venue(venue)).await.unwrap()
}

/// The name by which faults match a stream.
fn stream(case: Case) -> String {
    match case.venue {
        "bybit" | "bybit-linear" => format!("{}.{}", case.channel, case.symbol),
        _ => format!("{}:{}", case.channel, case.symbol),
    }
}

/// One book of each venue; those that are sent whole each time have nothing to add up.
fn chained() -> impl Iterator<Item = Case> {
    let is_chained = |case: &Case| {
        case.venue != "hyperliquid" && case.channel != "orderbook.1" && case.channel != "level2"
    };
    BOOKS.into_iter().filter(is_chained)
}

async fn subscribed(simulator: &Simulator, case: Case) -> (Client, Rebuilt) {
    let mut client = Client::connect(simulator).await;
    client.request(case.venue, "subscribe", case.channel, case.symbol).await;
    (client, Rebuilt::new(case.venue, case.depth))
}

/// Reads so many frames of a book into it.
async fn read(client: &mut Client, book: &mut Rebuilt, case: Case, frames: u32) -> Vec<String> {
    let until = book.snapshots + book.deltas + frames;
    let mut texts = Vec::new();
    while book.snapshots + book.deltas < until {
        let text = client.text().await;
        let before = book.snapshots + book.deltas;
        book.take(case.symbol, &text);
        if book.snapshots + book.deltas > before {
            texts.push(text);
        }
    }
    texts
}

#[tokio::test]
async fn dropped_doubled_and_swapped_deltas_break_the_venues_chain_where_it_has_one() {
    for case in chained() {
        for fault in [Fault::Drop, Fault::Duplicate, Fault::Swap] {
            let simulator = start(case.venue).await;
            // The first frame is the snapshot.
            simulator.faults().set([Rule::new(&stream(case), fault.clone()).every(4).times(1)]);
            let (mut client, mut book) = subscribed(&simulator, case).await;
            let texts = read(&mut client, &mut book, case, 10).await;
            assert_eq!(simulator.faults().struck(), [1], "{case:?}");
            if fault == Fault::Duplicate {
                assert!(texts.windows(2).any(|pair| pair[0] == pair[1]), "{case:?}");
            }
            let has_chain = ["okx", "bybit", "bybit-linear"].contains(&case.venue);
            // What is repeated changes no book: checksums hold.
            let is_seen = has_chain || (case.venue == "kraken" && fault == Fault::Drop && case.depth == 10);
            if is_seen {
                assert!(!book.problems.is_empty(), "{case:?} {fault:?}");
            }
            simulator.stop().await;
        }
    }
}

#[tokio::test]
async fn an_altered_digit_makes_another_book_and_breaks_checksums() {
    for case in chained() {
        let simulator = start(case.venue).await;
        // The snapshot: then the altered level may be any.
        simulator.faults().set([Rule::new(&stream(case), Fault::Alter).times(1)]);
        simulator.pause().await;
        let (mut client, mut book) = subscribed(&simulator, case).await;
        let texts = read(&mut client, &mut book, case, 1).await;
        assert!(serde_json::from_str::<Value>(&texts[0]).is_ok());
        let mut clean = subscribed(&simulator, case).await;
        let others = read(&mut clean.0, &mut clean.1, case, 1).await;
        assert!(clean.1.problems.is_empty());
        assert_ne!(book.view(case.depth), clean.1.view(case.depth), "{case:?}");
        assert_eq!(texts[0].len(), others[0].len(), "{case:?}: one digit for another");
        assert!(case.venue != "kraken" || case.depth > 10 || !book.problems.is_empty(), "{case:?}");
        simulator.stop().await;
    }
}

#[tokio::test]
async fn a_crossed_book_is_consistent_otherwise() {
    for case in BOOKS.into_iter().filter(|case| case.channel != "l2Book" && case.channel != "orderbook.1") {
        let simulator = start(case.venue).await;
        let name = stream(case).replace("level2:", "level2_batch:");
        simulator.faults().set([Rule::new(&name, Fault::Cross).every(2).times(1)]);
        let (mut client, mut book) = subscribed(&simulator, case).await;
        read(&mut client, &mut book, case, 2).await;
        let view = book.view(1);
        assert!(view.bids[0].0 > view.asks[0].0, "{case:?}: {view:?}");
        assert_eq!(book.problems, Vec::<String>::new(), "{case:?}");
        simulator.stop().await;
    }
}

#[tokio::test]
async fn a_crossed_quote_has_its_bid_above_its_ask() {
    for (venue, channel, symbol, name, bid, ask) in [
        ("binance", "bookTicker", "BTCUSDT", "btcusdt@bookTicker", "/data/b", "/data/a"),
        ("binance-usdm", "bookTicker", "BTCUSDT", "btcusdt@bookTicker", "/data/b", "/data/a"),
        ("kraken", "ticker.bbo", "BTC/USDT", "ticker.bbo:BTC/USDT", "/data/0/bid", "/data/0/ask"),
        ("okx", "bbo-tbt", "BTC-USDT", "bbo-tbt:BTC-USDT", "/data/0/bids/0/0", "/data/0/asks/0/0"),
        ("bybit", "orderbook.1", "BTCUSDT", "orderbook.1.BTCUSDT", "/data/b/0/0", "/data/a/0/0"),
        ("hyperliquid", "bbo", "BTC", "bbo:BTC", "/data/bbo/0/px", "/data/bbo/1/px"),
    ] {
        let simulator = start(venue).await;
        simulator.faults().set([Rule::new(name, Fault::Cross).every(3).times(1)]);
        let mut client = Client::connect(&simulator).await;
        client.request(venue, "subscribe", channel, symbol).await;
        let mut crossed = Vec::new();
        while crossed.len() < 6 {
            let frame = client.json().await;
            let number = |pointer| {
                let value: &Value = frame.pointer(pointer)?;
                value.as_str().map_or(value.as_f64(), |text| text.parse::<f64>().ok())
            };
            if let (Some(bid), Some(ask)) = (number(bid), number(ask)) {
                crossed.push(bid > ask);
            }
        }
        assert_eq!(crossed, [false, false, true, false, false, false], "{venue}");
        simulator.stop().await;
    }
}

#[tokio::test]
async fn time_goes_back_by_ten_seconds_for_one_frame() {
    for (venue, channel, symbol, name, time) in [
        ("binance-usdm", "bookTicker", "BTCUSDT", "btcusdt@bookTicker", "/data/E"),
        ("binance", "depth@100ms", "BTCUSDT", "btcusdt@depth@100ms", "/data/E"),
        ("coinbase", "level2_batch", "BTC-USDT", "level2_batch:BTC-USDT", "/time"),
        ("kraken", "ticker.bbo", "BTC/USDT", "ticker.bbo:BTC/USDT", "/data/0/timestamp"),
        ("okx", "books", "BTC-USDT", "books:BTC-USDT", "/data/0/ts"),
        ("bybit", "orderbook.50", "BTCUSDT", "orderbook.50.BTCUSDT", "/ts"),
        ("hyperliquid", "bbo", "BTC", "bbo:BTC", "/data/time"),
    ] {
        let simulator = start(venue).await;
        simulator.faults().set([Rule::new(name, Fault::TimeBack).every(3).times(1)]);
        let mut client = Client::connect(&simulator).await;
        client.request(venue, "subscribe", channel, symbol).await;
        let mut times: Vec<String> = Vec::new();
        while times.len() < 4 {
            let frame = client.json().await;
            let found =
                frame.pointer(time).map(|value| value.as_str().map_or(value.to_string(), str::to_owned));
            times.extend(found);
        }
        // All forms of times sort as texts.
        assert!(times[2] < times[0] && times[0] <= times[1] && times[1] <= times[3], "{venue}: {times:?}");
        simulator.stop().await;
    }
}

#[tokio::test]
async fn a_stalled_stream_is_held_back_and_all_of_it_comes_later() {
    for case in chained() {
        let simulator = start(case.venue).await;
        let time = Duration::from_millis(1500);
        simulator.faults().set([Rule::new(&stream(case), Fault::Stall(time)).every(3).times(1)]);
        let (mut client, mut book) = subscribed(&simulator, case).await;
        read(&mut client, &mut book, case, 2).await;
        let next = tokio::time::timeout(time / 2, read(&mut client, &mut book, case, 1)).await;
        assert!(next.is_err(), "{case:?}: nothing for a while");
        read(&mut client, &mut book, case, 10).await;
        assert!(book.problems.is_empty(), "{case:?}: {:?}", book.problems);
        simulator.stop().await;
    }
}

#[tokio::test]
async fn silence_closing_and_half_open_connections_work_for_each_venue() {
    for case in chained() {
        let simulator = start(case.venue).await;
        simulator.faults().set([Rule::new(&stream(case), Fault::Silent).times(1)]);
        let (mut client, mut book) = subscribed(&simulator, case).await;
        let data =
            tokio::time::timeout(Duration::from_millis(400), read(&mut client, &mut book, case, 1)).await;
        assert!(data.is_err(), "{case:?}: acknowledged and silent");

        simulator.faults().set([Rule::new(&stream(case), Fault::CloseOnSubscribe).times(1)]);
        let (mut client, _) = subscribed(&simulator, case).await;
        assert_eq!(client.close_code().await, 1008);

        simulator.faults().set([Rule::new(&stream(case), Fault::Break(Break::HalfOpen)).every(3).times(1)]);
        let (mut client, mut book) = subscribed(&simulator, case).await;
        read(&mut client, &mut book, case, 2).await;
        let more = async { while !matches!(client.message().await, Some(Err(_)) | None) {} };
        let ended = tokio::time::timeout(Duration::from_millis(400), more).await;
        assert!(ended.is_err(), "{case:?}: neither data nor an end");
        simulator.faults().clear();
        let (mut client, mut book) = subscribed(&simulator, case).await;
        read(&mut client, &mut book, case, 3).await;
        assert!(book.problems.is_empty());
        simulator.stop().await;
    }
}

/// What a seed brings is the same each time, so that a failure can be had again.
#[tokio::test]
async fn seeded_faults_strike_the_same_frames_of_a_stream() {
    let mut runs = Vec::new();
    for _ in 0..2 {
        let simulator = start("okx").await;
        simulator.faults().seeded(7, "bbo-tbt", 5, [Fault::Duplicate, Fault::Undecodable(Undecodable::Cut)]);
        let mut client = Client::connect(&simulator).await;
        client.request("okx", "subscribe", "bbo-tbt", "BTC-USDT").await;
        let mut pattern = Vec::new();
        let mut last = String::new();
        while pattern.len() < 60 {
            let Message::Text(text) = client.message().await.unwrap().unwrap() else { continue };
            let is_cut = serde_json::from_str::<Value>(&text).is_err();
            pattern.push((is_cut, *text == *last));
            last = text.to_string();
        }
        assert!(pattern.iter().any(|(is_cut, _)| *is_cut) && pattern.iter().any(|(_, is_double)| *is_double));
        runs.push(pattern);
        simulator.stop().await;
    }
    assert_eq!(runs[0], runs[1]);
}

#[tokio::test]
async fn garbage_and_closes_come_in_the_venues_envelope_between_good_frames() {
    for case in chained() {
        let simulator = start(case.venue).await;
        for garbage in [Garbage::NotJson, Garbage::WrongTypes, Garbage::UnknownEvent, Garbage::Empty] {
            simulator.faults().set([
                Rule::new(&stream(case), Fault::Garbage(garbage)).every(2).times(1),
                Rule::new(&stream(case), Fault::Close(1001)).every(5).times(1),
            ]);
            let mut client = Client::connect(&simulator).await;
            client.request(case.venue, "subscribe", case.channel, case.symbol).await;
            let mut texts = Vec::new();
            let code = loop {
                match client.message().await.unwrap().unwrap() {
                    Message::Text(text) if text.contains("heartbeat") => {}
                    Message::Text(text) => texts.push(text.to_string()),
                    Message::Close(frame) => break u16::from(frame.unwrap().code),
                    _ => {}
                }
            };
            assert_eq!((texts.len(), code), (5, 1001), "{case:?} {garbage:?}");
            let bad = &texts[1];
            match garbage {
                Garbage::WrongTypes => assert!(bad.contains("--1") || bad.contains("[[]]"), "{bad}"),
                Garbage::UnknownEvent => assert!(bad.to_lowercase().contains("moon"), "{bad}"),
                _ => assert!(serde_json::from_str::<Value>(bad).is_err(), "{bad}"),
            }
        }
        simulator.stop().await;
    }
}
