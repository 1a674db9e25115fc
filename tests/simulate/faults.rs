//! Faults that are ordered arrive, and nothing else goes wrong.

use std::time::Duration;

use tickcache::simulate::{Break, Config, Fault, Garbage, MarketOptions, Rule, Simulator, Undecodable};
use tokio_tungstenite::tungstenite::Message;

use crate::client::{Client, LocalBook, get};

const STREAM: &str = "btcusdt@bookTicker";

async fn start() -> Simulator {
    let options = MarketOptions { updates_per_second: 500, ..MarketOptions::default() };
    Simulator::start(Config::market(options)).await.unwrap()
}

#[tokio::test]
async fn garbage_goes_out_between_good_frames() {
    let simulator = start().await;
    for garbage in
        [Garbage::NotJson, Garbage::WrongTypes, Garbage::UnknownEvent, Garbage::Empty, Garbage::Binary]
    {
        simulator.faults().set([Rule::new(STREAM, Fault::Garbage(garbage)).every(3)]);
        let mut client = Client::connect(&simulator).await;
        client.subscribe(&[STREAM]).await;
        let (mut good, mut bad) = (0, 0);
        while good < 9 {
            let is_good = match client.message().await.unwrap().unwrap() {
                Message::Text(text) => text.contains("\"u\":") && text.contains("\"b\":\"6"),
                Message::Binary(_) => false,
                _ => continue,
            };
            if is_good { good += 1 } else { bad += 1 }
        }
        assert!((2..=4).contains(&bad), "{garbage:?}: {bad} between {good}");
    }
    simulator.stop().await;
}

#[tokio::test]
async fn text_that_is_no_utf8_breaks_the_clients_protocol() {
    let simulator = start().await;
    simulator.faults().set([Rule::new(STREAM, Fault::Garbage(Garbage::InvalidUtf8)).times(1)]);
    let mut client = Client::connect(&simulator).await;
    client.subscribe(&[STREAM]).await;
    assert!(client.message().await.unwrap().is_err());
    simulator.stop().await;
}

#[tokio::test]
async fn dropped_doubled_and_swapped_deltas_can_be_told_by_their_ids() {
    let simulator = start().await;
    let stream = "btcusdt@depth@100ms";
    for (fault, gaps, repeats) in
        [(Fault::Drop, true, false), (Fault::Duplicate, false, true), (Fault::Swap, true, true)]
    {
        simulator.faults().set([Rule::new(stream, fault.clone()).every(4)]);
        let mut client = Client::connect(&simulator).await;
        client.subscribe(&[stream]).await;
        let (mut last, mut seen_gaps, mut seen_repeats) = (None, false, false);
        for _ in 0..12 {
            let data = client.json().await["data"].clone();
            let (first, end) = (data["U"].as_u64().unwrap(), data["u"].as_u64().unwrap());
            seen_gaps |= last.is_some_and(|last| first > last + 1);
            seen_repeats |= last.is_some_and(|last| end <= last);
            last = Some(end);
        }
        assert_eq!((seen_gaps, seen_repeats), (gaps, repeats), "{fault:?}");
        simulator.faults().clear();
    }
    simulator.stop().await;
}

#[tokio::test]
async fn cut_and_huge_frames_arrive_as_ordered() {
    let simulator = start().await;
    simulator.faults().set([
        Rule::new(STREAM, Fault::Undecodable(Undecodable::Cut)).times(1),
        Rule::new(STREAM, Fault::Huge(3 << 20)).times(1),
    ]);
    let mut client = Client::connect(&simulator).await;
    client.subscribe(&[STREAM]).await;
    let mut next = async || client.message().await.unwrap().unwrap().into_text().unwrap();
    assert_eq!(next().await.len(), 3 << 20);
    assert!(serde_json::from_str::<serde_json::Value>(&next().await).is_err());
    assert!(serde_json::from_str::<serde_json::Value>(&next().await).is_ok());
    simulator.stop().await;
}

#[tokio::test]
async fn a_silent_subscription_is_acknowledged_until_the_rule_is_spent() {
    let simulator = start().await;
    simulator.faults().set([Rule::new("bookTicker", Fault::Silent).times(1)]);
    let mut client = Client::connect(&simulator).await;
    client.subscribe(&[STREAM, "btcusdt@depth@100ms"]).await;
    for _ in 0..5 {
        assert_eq!(client.json().await["stream"], "btcusdt@depth@100ms");
    }
    client.subscribe(&[STREAM]).await;
    while client.json().await["stream"] != STREAM {}
    simulator.stop().await;
}

#[tokio::test]
async fn a_session_closes_after_each_subscription_while_ordered() {
    let simulator = start().await;
    simulator.faults().set([Rule::new("", Fault::CloseOnSubscribe)]);
    for _ in 0..2 {
        let mut client = Client::connect(&simulator).await;
        client.subscribe(&[STREAM]).await;
        assert_eq!(client.close_code().await, 1008);
    }
    simulator.faults().clear();
    let mut client = Client::connect(&simulator).await;
    client.subscribe(&[STREAM]).await;
    client.json().await;
    simulator.stop().await;
}

#[tokio::test]
async fn connections_end_as_ordered() {
    let simulator = start().await;
    for how in [Break::Reset, Break::Fin] {
        let mut client = Client::connect(&simulator).await;
        client.subscribe(&[STREAM]).await;
        simulator.break_sessions(how).await;
        let ending = loop {
            match client.message().await {
                Some(Ok(_)) => {}
                other => break other,
            }
        };
        let text = format!("{ending:?}");
        assert!(matches!(ending, Some(Err(_))), "{how:?}: {text}");
        assert!(how != Break::Reset || text.contains("ConnectionReset"), "{text}");
    }
    let mut client = Client::connect(&simulator).await;
    client.subscribe(&[STREAM]).await;
    simulator.faults().set([Rule::new("", Fault::Break(Break::HalfOpen)).times(1)]);
    let silent = async { while client.message().await.unwrap().is_ok() {} };
    assert!(
        tokio::time::timeout(Duration::from_millis(500), silent).await.is_err(),
        "neither data nor an end"
    );
    simulator.close_sessions(1001, "bye").await;
    simulator.stop().await;
}

#[tokio::test]
async fn rest_and_handshakes_fail_as_ordered() {
    let simulator = start().await;
    let path = "/api/v3/depth?symbol=BTCUSDT&limit=100";
    simulator.faults().set([
        Rule::new("depth", Fault::Status { status: 429, retry_after_s: Some(3) }).times(1),
        Rule::new("depth", Fault::Status { status: 418, retry_after_s: Some(9) }).times(2),
        Rule::new("/stream", Fault::Status { status: 503, retry_after_s: None }).times(1),
    ]);
    let answer = get(&simulator, path).await;
    assert_eq!((answer.status, answer.json()["code"].as_i64()), (429, Some(-1003)));
    assert!(answer.head.contains("retry-after: 3"));
    assert_eq!(get(&simulator, path).await.status, 418);
    assert_eq!(get(&simulator, path).await.status, 200);
    assert!(tokio_tungstenite::connect_async(simulator.websocket_url()).await.is_err());
    Client::connect(&simulator).await;
    simulator.faults().set([Rule::new("depth", Fault::GarbageBody)]);
    assert!(serde_json::from_str::<serde_json::Value>(&get(&simulator, path).await.body).is_err());
    simulator.faults().set([Rule::new("depth", Fault::SlowRest(Duration::from_millis(50)))]);
    LocalBook::from_snapshot(&get(&simulator, path).await.json());
    simulator.stop().await;
}
