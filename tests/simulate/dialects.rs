//! Each venue's made-up market, spoken to in the venue's own words.

use std::time::Duration;

use serde_json::{Value, json};
use tickcache::simulate::{Config, MarketOptions, Simulator, StartError};

use crate::client::{Client, LocalBook, get};
use crate::rebuilt::Rebuilt;
use crate::venues::{BOOKS, Case};

fn options() -> MarketOptions {
    MarketOptions { updates_per_second: 300, ..MarketOptions::default() }.only(&["BTC", "ETH"])
}

async fn start(venue: &str) -> Simulator {
    Simulator::start(Config::market(options()).venue(venue)).await.unwrap()
}

/// Reads on until the rebuilt book is the simulator's.
async fn catch_up(client: &mut Client, book: &mut Rebuilt, simulator: &Simulator, case: Case) {
    let limit = case.depth;
    while !book.is(simulator.book(case.symbol, limit), limit) {
        book.take(case.symbol, &client.text().await);
    }
}

#[tokio::test]
async fn a_snapshot_and_deltas_make_the_simulators_own_book_again_and_after_resubscription() {
    for case in BOOKS {
        let simulator = start(case.venue).await;
        let mut client = Client::connect(&simulator).await;
        client.request(case.venue, "subscribe", case.channel, case.symbol).await;
        let mut book = Rebuilt::new(case.venue, case.depth);
        while book.snapshots == 0 {
            book.take(case.symbol, &client.text().await);
        }
        assert_eq!(book.deltas, 0, "{case:?}: the snapshot comes first");
        for round in 0..2 {
            while book.deltas + book.snapshots < 8 * (round + 1) && case.venue != "hyperliquid" {
                book.take(case.symbol, &client.text().await);
            }
            simulator.pause().await;
            catch_up(&mut client, &mut book, &simulator, case).await;
            assert_eq!(book.problems, Vec::<String>::new(), "{case:?}");
            simulator.resume();
            client.request(case.venue, "unsubscribe", case.channel, case.symbol).await;
            tokio::time::sleep(Duration::from_millis(250)).await;
            let ahead = client.request(case.venue, "subscribe", case.channel, case.symbol).await;
            assert!(
                ahead.iter().all(|text| text.contains("heartbeat")),
                "{case:?}: silent in between: {ahead:?}"
            );
            let before = book.snapshots;
            while book.snapshots == before {
                book.take(case.symbol, &client.text().await);
            }
        }
        simulator.stop().await;
    }
}

#[tokio::test]
async fn two_clients_that_come_one_after_the_other_have_the_same_book() {
    for case in BOOKS {
        let simulator = start(case.venue).await;
        let mut first = Client::connect(&simulator).await;
        first.request(case.venue, "subscribe", case.channel, case.symbol).await;
        let mut books = [Rebuilt::new(case.venue, case.depth), Rebuilt::new(case.venue, case.depth)];
        while books[0].deltas + books[0].snapshots < 3 {
            books[0].take(case.symbol, &first.text().await);
        }
        let mut second = Client::connect(&simulator).await;
        second.request(case.venue, "subscribe", case.channel, case.symbol).await;
        while books[1].snapshots < 1 {
            books[1].take(case.symbol, &second.text().await);
        }
        simulator.pause().await;
        catch_up(&mut first, &mut books[0], &simulator, case).await;
        catch_up(&mut second, &mut books[1], &simulator, case).await;
        assert!(books.iter().all(|book| book.problems.is_empty()), "{case:?}");
        simulator.stop().await;
    }
}

/// "pu" of each delta is "u" of the one before; the first one after the snapshot may reach back before it.
#[tokio::test]
async fn futures_deltas_follow_each_other_by_pu_and_continue_the_rest_snapshot() {
    let simulator = start("binance-usdm").await;
    let mut client = Client::connect(&simulator).await;
    client.subscribe(&["btcusdt@depth@0ms"]).await;
    let first = client.json().await;
    let snapshot = get(&simulator, "/fapi/v1/depth?symbol=BTCUSDT&limit=1000").await.json();
    let mut book = LocalBook::from_snapshot(&snapshot);
    let mut last = first["data"]["u"].as_u64().unwrap();
    for _ in 0..20 {
        let delta = client.json().await["data"].clone();
        assert_eq!(delta["pu"].as_u64(), Some(last));
        last = delta["u"].as_u64().unwrap();
        book.apply(&delta);
    }
    assert!(book.applied > 10 && book.gaps == 0);
    simulator.stop().await;
}

#[tokio::test]
async fn on_the_wrong_path_futures_streams_are_acknowledged_and_silent() {
    let simulator = start("binance-usdm").await;
    let urls = simulator.websocket_urls();
    for (url, heard, silent) in [
        (&urls[0], "btcusdt@bookTicker", "btcusdt@aggTrade"),
        (&urls[1], "btcusdt@aggTrade", "btcusdt@bookTicker"),
    ] {
        let mut client = Client::connect_to(url).await;
        client.subscribe(&[heard, silent]).await;
        for _ in 0..20 {
            assert_eq!(client.json().await["stream"], heard);
        }
    }
    let legacy = format!("ws://{}/stream", simulator.addr());
    assert!(tokio_tungstenite::connect_async(legacy).await.is_err(), "the old root is gone");
    simulator.stop().await;
}

#[tokio::test]
async fn pings_are_answered_in_the_venues_words() {
    for (venue, ping, answer) in [
        ("okx", "ping", "pong"),
        ("kraken", r#"{"method":"ping","req_id":5}"#, r#""method":"pong","req_id":5"#),
        ("bybit", r#"{"op":"ping","req_id":"x"}"#, r#""ret_msg":"pong""#),
        ("hyperliquid", r#"{"method":"ping"}"#, r#"{"channel":"pong"}"#),
    ] {
        let simulator = start(venue).await;
        let mut client = Client::connect(&simulator).await;
        client.say(ping).await;
        let mut text = client.text().await;
        if venue == "kraken" {
            assert!(text.contains(r#""channel":"status""#), "{text}");
            text = client.text().await;
        }
        assert!(text.contains(answer), "{venue}: {text}");
        simulator.stop().await;
    }
}

#[tokio::test]
async fn what_there_is_not_is_refused_in_the_venues_words() {
    for (venue, request, answer) in [
        (
            "coinbase",
            json!({"type": "subscribe", "product_ids": ["NO-SUCH"], "channels": ["ticker"]}),
            "NO-SUCH is not a valid product",
        ),
        (
            "kraken",
            json!({"method": "subscribe", "params": {"channel": "book", "symbol": ["NO/SUCH"]}}),
            "Currency pair not supported NO/SUCH",
        ),
        ("okx", json!({"op": "subscribe", "args": [{"channel": "books", "instId": "NO-SUCH"}]}), "\"60018\""),
        ("okx", json!({"op": "nonsense"}), "\"60012\""),
        ("bybit", json!({"op": "subscribe", "args": ["orderbook.7.BTCUSDT"]}), "error:handler not found"),
        ("bybit", json!({"op": "subscribe", "args": vec!["orderbook.1.BTCUSDT"; 11]}), "args size >10"),
        (
            "hyperliquid",
            json!({"method": "subscribe", "subscription": {"type": "bbo", "coin": "NOSUCH"}}),
            "Invalid subscription",
        ),
    ] {
        let simulator = start(venue).await;
        let mut client = Client::connect(&simulator).await;
        client.send(&request).await;
        let mut text = client.text().await;
        while text.contains("\"status\"") {
            text = client.text().await;
        }
        assert!(text.contains(answer), "{venue}: {text}");
        simulator.stop().await;
    }
}

#[tokio::test]
async fn heartbeats_come_where_the_venue_sends_them() {
    for (venue, channel, symbol, beat) in [
        ("kraken", "trade", "BTC/USDT", r#"{"channel":"heartbeat"}"#),
        ("coinbase", "heartbeat", "BTC-USDT", r#""type":"heartbeat""#),
    ] {
        let simulator = start(venue).await;
        let mut client = Client::connect(&simulator).await;
        client.request(venue, "subscribe", channel, symbol).await;
        let mut beats = 0;
        while beats < 2 {
            beats += u32::from(client.text().await.contains(beat));
        }
        simulator.stop().await;
    }
}

/// Prices, trades and statistics of each venue, by the names of their fields.
#[tokio::test]
async fn prices_trades_and_statistics_come_with_the_venues_fields() {
    for (venue, channel, symbol, fields) in [
        (
            "binance-usdm",
            "bookTicker",
            "btcusdt",
            "/data/e /data/u /data/b /data/B /data/a /data/A /data/T /data/E",
        ),
        ("binance-usdm", "trade", "btcusdt", "/data/t /data/p /data/q /data/X /data/m"),
        ("coinbase", "ticker", "BTC-USDT", "/price /best_bid /best_ask /volume_24h /trade_id /time"),
        ("coinbase", "matches", "BTC-USDT", "/trade_id /size /price /side /sequence"),
        ("kraken", "ticker.bbo", "BTC/USDT", "/data/0/bid /data/0/bid_qty /data/0/ask /data/0/volume"),
        ("kraken", "trade", "BTC/USDT", "/data/0/price /data/0/qty /data/0/side /data/0/trade_id"),
        ("okx", "bbo-tbt", "BTC-USDT", "/data/0/asks/0/0 /data/0/bids/0/1 /data/0/ts /data/0/seqId"),
        ("okx", "books5", "BTC-USDT", "/data/0/asks/4/0 /data/0/bids/4/1 /data/0/instId"),
        ("okx", "trades", "BTC-USDT", "/data/0/tradeId /data/0/px /data/0/sz /data/0/side"),
        ("okx", "tickers", "BTC-USDT", "/data/0/vol24h /data/0/volCcy24h /data/0/last /data/0/bidPx"),
        ("bybit", "publicTrade", "BTCUSDT", "/data/0/p /data/0/v /data/0/S /data/0/i /data/0/T"),
        ("bybit", "tickers", "BTCUSDT", "/data/volume24h /data/turnover24h /data/lastPrice"),
        ("bybit-linear", "tickers", "BTCUSDT", "/data/volume24h /data/bid1Price /data/ask1Size"),
        ("hyperliquid", "bbo", "BTC", "/data/coin /data/time /data/bbo/0/px /data/bbo/1/sz"),
        ("hyperliquid", "trades", "BTC", "/data/0/px /data/0/sz /data/0/side /data/0/tid"),
        ("hyperliquid", "activeAssetCtx", "BTC", "/data/ctx/dayNtlVlm /data/ctx/markPx /data/ctx/dayBaseVlm"),
    ] {
        let simulator = start(venue).await;
        let mut client = Client::connect(&simulator).await;
        client.request(venue, "subscribe", channel, symbol).await;
        let mut text = client.text().await;
        while text.contains("heartbeat") {
            text = client.text().await;
        }
        let frame: Value = serde_json::from_str(&text).unwrap();
        for field in fields.split(' ') {
            assert!(frame.pointer(field).is_some(), "{venue} {channel}: {field} in {frame}");
        }
        simulator.stop().await;
    }
}

#[tokio::test]
async fn rest_lists_instruments_and_shows_books() {
    for (venue, list, id, book, bids) in [
        (
            "binance-usdm",
            "/fapi/v1/exchangeInfo",
            "/symbols/0/symbol=BTCUSDT",
            "/fapi/v1/depth?symbol=BTCUSDT",
            "/bids",
        ),
        ("coinbase", "/products", "/0/id=BTC-USDT", "/products/BTC-USDT/book?level=2", "/bids"),
        (
            "kraken",
            "/0/public/AssetPairs",
            "/result/BTCUSDT/wsname=BTC/USDT",
            "/0/public/Depth?pair=BTC%2FUSDT&count=10",
            "/result/BTCUSDT/bids",
        ),
        (
            "okx",
            "/api/v5/public/instruments?instType=SPOT",
            "/data/0/instId=BTC-USDT",
            "/api/v5/market/books?instId=BTC-USDT&sz=50",
            "/data/0/bids",
        ),
        (
            "bybit-linear",
            "/v5/market/instruments-info?category=linear",
            "/result/list/0/symbol=BTCUSDT",
            "/v5/market/orderbook?category=linear&symbol=BTCUSDT&limit=50",
            "/result/b",
        ),
    ] {
        let simulator = start(venue).await;
        simulator.pause().await;
        let listed = get(&simulator, list).await.json();
        let (pointer, expected) = id.split_once('=').unwrap();
        assert_eq!(listed.pointer(pointer), Some(&Value::from(expected)), "{listed}");
        let shown = get(&simulator, book).await.json();
        let best = simulator.top(expected).unwrap().bid.unwrap().0;
        let price = shown.pointer(bids).unwrap()[0][0].as_str().unwrap().parse::<rust_decimal::Decimal>();
        assert_eq!(price.unwrap(), best, "{venue}");
        simulator.stop().await;
    }
}

#[tokio::test]
async fn a_venue_that_there_is_not_is_refused_by_name() {
    let refused = Simulator::start(Config::market(options()).venue("mtgox")).await;
    let Err(error @ StartError::UnknownVenue { .. }) = refused else { panic!("{refused:?}") };
    assert!(error.to_string().contains("mtgox") && error.to_string().contains("hyperliquid"), "{error}");
}
