//! The made-up market and the protocol.

use std::time::Duration;

use serde_json::{Value, json};
use tickcache::simulate::{Config, Fault, MarketOptions, Rule, Simulator};
use tokio_tungstenite::tungstenite::Message;

use crate::client::{Client, LocalBook, get};

async fn start() -> Simulator {
    Simulator::start(Config::market(MarketOptions::default())).await.unwrap()
}

#[tokio::test]
async fn requests_are_acknowledged_listed_and_undone() {
    let simulator = start().await;
    let mut client = Client::connect(&simulator).await;
    client.subscribe(&["btcusdt@bookTicker", "nosuch@trade"]).await;
    let listed = client.ask("LIST_SUBSCRIPTIONS", &[]).await;
    assert_eq!(listed["result"], json!(["btcusdt@bookTicker", "nosuch@trade"]));
    let frame = client.json().await;
    assert_eq!(frame["stream"], "btcusdt@bookTicker");
    assert_eq!(client.ask("UNSUBSCRIBE", &["btcusdt@bookTicker"]).await["result"], Value::Null);
    assert_eq!(client.ask("LIST_SUBSCRIPTIONS", &[]).await["result"], json!(["nosuch@trade"]));
    simulator.stop().await;
}

#[tokio::test]
async fn a_malformed_request_gets_the_venues_error_and_the_session_lives() {
    let simulator = start().await;
    let mut client = Client::connect(&simulator).await;
    client.send(&json!({"method": "SUBSCRIB", "params": [], "id": 7})).await;
    let reply = client.json().await;
    assert_eq!((reply["error"]["code"].as_i64(), reply["id"].as_i64()), (Some(2), Some(7)));
    client.subscribe(&["ethusdt@trade"]).await;
    simulator.stop().await;
}

#[tokio::test]
async fn the_sixth_message_within_a_second_closes_the_session_with_1008() {
    let simulator = start().await;
    let mut client = Client::connect(&simulator).await;
    for id in 0..6 {
        client.send(&json!({"method": "LIST_SUBSCRIPTIONS", "id": id})).await;
    }
    assert_eq!(client.close_code().await, 1008);
    simulator.stop().await;
}

#[tokio::test]
async fn streams_in_the_url_and_raw_payloads_work_as_documented() {
    let simulator = start().await;
    let mut combined =
        Client::connect_to(&format!("{}?streams=btcusdt@bookTicker/x@y", simulator.websocket_url())).await;
    assert_eq!(combined.json().await["stream"], "btcusdt@bookTicker");
    let mut raw = Client::connect_to(&format!("ws://{}/ws/btcusdt@bookTicker", simulator.addr())).await;
    let payload = raw.json().await;
    assert_eq!((payload["s"].as_str(), payload.get("stream")), (Some("BTCUSDT"), None));
    simulator.stop().await;
}

#[tokio::test]
async fn the_server_pings() {
    let mut config = Config::market(MarketOptions::default());
    config.limits.ping_interval = Duration::from_millis(20);
    let simulator = Simulator::start(config).await.unwrap();
    let mut client = Client::connect(&simulator).await;
    assert!(matches!(client.message().await, Some(Ok(Message::Ping(payload))) if !payload.is_empty()));
    simulator.stop().await;
}

#[tokio::test]
async fn a_snapshot_and_the_deltas_add_up_to_the_simulators_own_book() {
    let options = MarketOptions { updates_per_second: 500, ..MarketOptions::default() };
    let simulator = Simulator::start(Config::market(options)).await.unwrap();
    let mut client = Client::connect(&simulator).await;
    client.subscribe(&["btcusdt@depth@100ms", "btcusdt@bookTicker"]).await;
    let mut frames = Vec::new();
    while frames.len() < 200 {
        frames.push(client.json().await);
    }
    let snapshot = get(&simulator, "/api/v3/depth?symbol=BTCUSDT&limit=5000").await.json();
    while frames.len() < 1000 {
        frames.push(client.json().await);
    }
    simulator.pause().await;
    let (truth, top) = (simulator.book("BTCUSDT", 5000).unwrap(), simulator.top("BTCUSDT").unwrap());
    let mut book = LocalBook::from_snapshot(&snapshot);
    let mut last_top = Value::Null;
    let mut take = |frame: Value, book: &mut LocalBook| match frame["stream"].as_str().unwrap() {
        "btcusdt@depth@100ms" => book.apply(&frame["data"]),
        _ => last_top = frame["data"].clone(),
    };
    frames.into_iter().for_each(|frame| take(frame, &mut book));
    while book.update_id < truth.update_id {
        take(client.json().await, &mut book);
    }
    assert_eq!(book.gaps, 0);
    assert_eq!(book.view(5000), truth);
    assert_eq!(top.bid.unwrap().0.to_string(), last_top["b"].as_str().unwrap());
    assert_eq!(top.ask.unwrap().1.to_string(), last_top["A"].as_str().unwrap());
    simulator.resume();
    client.json().await;
    simulator.stop().await;
}

#[tokio::test]
async fn rest_answers_with_the_venues_headers_and_errors() {
    let simulator = start().await;
    let depth = get(&simulator, "/api/v3/depth?symbol=ETHUSDT&limit=1000").await;
    assert_eq!(depth.status, 200);
    assert!(depth.head.contains("x-mbx-used-weight-1m: 50"), "{}", depth.head);
    assert_eq!(get(&simulator, "/api/v3/ping").await.body, "{}");
    assert!(get(&simulator, "/api/v3/time").await.json()["serverTime"].is_i64());
    let ticker = get(&simulator, "/api/v3/ticker/bookTicker?symbol=ETHUSDT").await.json();
    assert!(ticker["bidPrice"].as_str().unwrap().split_once('.').unwrap().1.len() == 8);
    assert_eq!(get(&simulator, "/api/v3/exchangeInfo").await.json()["symbols"][0]["symbol"], "BTCUSDT");
    for (path, status, code) in [
        ("/api/v3/depth", 400, -1102),
        ("/api/v3/depth?symbol=NOSUCH", 400, -1121),
        ("/api/v3/depth?symbol=ETHUSDT&limit=ten", 400, -1100),
    ] {
        let answer = get(&simulator, path).await;
        assert_eq!((answer.status, answer.json()["code"].as_i64()), (status, Some(code)), "{path}");
    }
    assert_eq!(get(&simulator, "/nowhere").await.status, 404);
    simulator.stop().await;
}

#[tokio::test]
async fn too_much_weight_in_a_minute_is_refused_with_retry_after() {
    let mut config = Config::market(MarketOptions::default());
    config.limits.weight_per_minute = 60;
    let simulator = Simulator::start(config).await.unwrap();
    // Three of weight 50: whichever minute they fall into, the last two share one or follow one that was full.
    let mut refused = 0;
    for _ in 0..3 {
        let answer = get(&simulator, "/api/v3/depth?symbol=ETHUSDT&limit=1000").await;
        if answer.status == 429 {
            assert!(answer.head.contains("retry-after: "), "{}", answer.head);
            refused += 1;
        }
    }
    assert!(refused >= 1);
    simulator.stop().await;
}

#[tokio::test]
async fn a_client_that_does_not_read_is_ended_and_others_go_on() {
    let options = MarketOptions { updates_per_second: 1000, ..MarketOptions::default() };
    let simulator = Simulator::start(Config::market(options)).await.unwrap();
    // What the kernel buffers for the deaf one is soon full.
    simulator.faults().set([Rule::new("ethusdt", Fault::Huge(1 << 20))]);
    let mut deaf = Client::connect(&simulator).await;
    deaf.subscribe(&["ethusdt@bookTicker"]).await;
    let mut reader = Client::connect(&simulator).await;
    reader.subscribe(&["btcusdt@bookTicker"]).await;
    while simulator.stats().slow_sessions == 0 {
        reader.json().await;
    }
    reader.json().await;
    assert_eq!(simulator.stats().slow_sessions, 1);
    simulator.stop().await;
}
