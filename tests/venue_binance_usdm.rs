//! A recorded session of Binance USD-M futures: every value is what a plain reading of the same lines gives.

#![allow(clippy::unwrap_used, reason = "a test fails where it unwraps nothing")]

#[path = "support/venue_replay.rs"]
mod venue_replay;

use serde_json::Value;
use tickcache::domain::{InstrumentId, State};
use venue_replay::{Replay, Truth, decimal, levels, lines, top};

const BTC: InstrumentId = InstrumentId(0);
const DEPTH: usize = 20;

/// The venue's procedure, spelled out over plain JSON.
#[derive(Default)]
struct Procedure {
    truth: Truth,
    waiting: Vec<Value>,
    last: Option<u64>,
    joined: bool,
}

impl Procedure {
    fn snapshot(&mut self, body: &Value) {
        self.last = body["lastUpdateId"].as_u64();
        self.truth.apply(&body["bids"], &body["asks"]);
        for update in std::mem::take(&mut self.waiting) {
            self.update(update);
        }
    }

    fn update(&mut self, update: Value) {
        let Some(last) = self.last else { return self.waiting.push(update) };
        let id = |name: &str| update[name].as_u64().unwrap();
        if self.joined {
            assert_eq!(id("pu"), last, "the recording has no holes");
        } else if id("u") < last {
            return;
        } else {
            assert!((id("U") <= last && last <= id("u")) || id("pu") == last, "it spans the snapshot");
            self.joined = true;
        }
        self.truth.apply(&update["b"], &update["a"]);
        self.last = Some(id("u"));
    }
}

#[test]
fn every_value_is_that_of_the_venues_own_procedure() {
    let Some(lines) = lines("binance-usdm/btcusdt-20240808.txt.gz") else { return };
    let mut replay = Replay::new("binance-usdm", &["BTC-USDT-PERP"], DEPTH, Some("depth@0ms"));
    let mut procedure = Procedure::default();
    let (mut compared, mut full, mut quotes, mut trades) = (0, 0, 0, 0);
    for line in lines {
        let mut parts = line.splitn(4, ' ');
        let (time, kind, third) = (parts.next().unwrap(), parts.next().unwrap(), parts.next().unwrap());
        if kind == "rest" {
            let body = parts.next().unwrap();
            procedure.snapshot(&serde_json::from_str(body).unwrap());
            replay.snapshot(time, body, 1_000);
            continue;
        }
        let value: Value = serde_json::from_str(third).unwrap();
        let data = &value["data"];
        replay.frame(time, third);
        match value["stream"].as_str().unwrap() {
            "btcusdt@bookTicker" => {
                let price = replay.price(BTC);
                let side = |price: &str, size: &str| Some((decimal(&data[price]), decimal(&data[size])));
                assert_eq!(top(price.scales, price.bid), side("b", "B"));
                assert_eq!(top(price.scales, price.ask), side("a", "A"));
                assert_eq!(price.venue_sequence.map(|u| u.0), data["u"].as_u64());
                assert_eq!(price.stamp.state, State::Live, "{}", price.stamp.reason);
                quotes += 1;
            }
            "btcusdt@trade" => {
                let price = replay.price(BTC);
                let last = price.last.unwrap();
                assert_eq!(
                    price.scales.price_number(last.price).to_string().parse(),
                    Ok(decimal(&data["p"]))
                );
                trades += 1;
            }
            _ => {
                procedure.update(data.clone());
                if !procedure.joined {
                    continue;
                }
                let (book, truth) = (replay.book(BTC), &procedure.truth);
                assert_eq!(book.venue_sequence.map(|u| u.0), procedure.last);
                assert_eq!(levels(book.scales, &book.bids), truth.bids(book.bids.len()));
                assert_eq!(levels(book.scales, &book.asks), truth.asks(book.asks.len()));
                full += usize::from(book.bids.len() == DEPTH && book.asks.len() == DEPTH);
                compared += 1;
            }
        }
    }
    let counts = replay.state.take_counts();
    assert_eq!((counts.gaps, counts.times_back, counts.unusable), (0, 0, 0));
    assert!(compared > 6_500 && quotes > 66_000 && trades > 21_000, "{compared} {quotes} {trades}");
    eprintln!("{compared} books compared, {full} of them {DEPTH} levels deep on both sides");
    assert!(full > 1_000, "{full}");
}
