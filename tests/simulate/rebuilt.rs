//! A book put together from a venue's frames alone, by the venue's published rules, with every break of them noted.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use tickcache::simulate::{BookView, Level};

/// Price and quantity as sent.
type Digits = (String, String);

pub(crate) struct Rebuilt {
    venue: &'static str,
    /// To how many levels the client truncates.
    depth: usize,
    bids: BTreeMap<Decimal, Digits>,
    asks: BTreeMap<Decimal, Digits>,
    sequence: Option<i64>,
    pub(crate) snapshots: u32,
    pub(crate) deltas: u32,
    /// Checksums that were compared.
    pub(crate) sums: u32,
    pub(crate) problems: Vec<String>,
}

#[derive(Deserialize)]
struct KrakenFrame<'a> {
    #[serde(rename = "type")]
    what: &'a str,
    #[serde(borrow)]
    data: Vec<KrakenBook<'a>>,
}

#[derive(Deserialize)]
struct KrakenBook<'a> {
    symbol: &'a str,
    #[serde(borrow)]
    bids: Vec<KrakenLevel<'a>>,
    #[serde(borrow)]
    asks: Vec<KrakenLevel<'a>>,
    checksum: u32,
}

#[derive(Deserialize)]
struct KrakenLevel<'a> {
    #[serde(borrow)]
    price: &'a RawValue,
    #[serde(borrow)]
    qty: &'a RawValue,
}

impl Rebuilt {
    pub(crate) fn new(venue: &'static str, depth: usize) -> Self {
        Self {
            venue,
            depth,
            bids: BTreeMap::new(),
            asks: BTreeMap::new(),
            sequence: None,
            snapshots: 0,
            deltas: 0,
            sums: 0,
            problems: Vec::new(),
        }
    }

    /// Takes a frame, if it is of this symbol's book.
    pub(crate) fn take(&mut self, symbol: &str, text: &str) {
        if self.venue == "kraken" {
            return self.take_kraken(symbol, text);
        }
        let Ok(value) = serde_json::from_str::<Value>(text) else { return };
        match self.venue {
            "coinbase" if value["product_id"] == symbol => self.take_coinbase(&value),
            "okx" if value["arg"]["instId"] == symbol => self.take_okx(&value),
            "bybit" | "bybit-linear" if value["data"]["s"] == symbol => self.take_bybit(&value),
            "hyperliquid" if value["data"]["coin"] == symbol && value["channel"] == "l2Book" => {
                let time = value["data"]["time"].as_i64().unwrap();
                if self.sequence.replace(time).is_some_and(|before| before > time) {
                    self.problems.push(format!("time goes back to {time}"));
                }
                self.whole();
                let side = |index: usize| levels(&value["data"]["levels"][index], "px", "sz");
                self.set(side(0), side(1));
            }
            _ => {}
        }
    }

    fn whole(&mut self) {
        self.bids.clear();
        self.asks.clear();
        self.snapshots += 1;
    }

    fn delta(&mut self) {
        self.deltas += 1;
        if self.snapshots == 0 {
            self.problems.push("a delta before any snapshot".to_owned());
        }
    }

    fn take_coinbase(&mut self, value: &Value) {
        match value["type"].as_str().unwrap() {
            "snapshot" => {
                self.whole();
                self.set(rows(&value["bids"], 0), rows(&value["asks"], 0));
            }
            "l2update" => {
                self.delta();
                for change in value["changes"].as_array().unwrap() {
                    let one = rows(&Value::Array(vec![change.clone()]), 1);
                    if change[0] == "buy" { self.set(one, vec![]) } else { self.set(vec![], one) }
                }
            }
            _ => {}
        }
    }

    fn take_okx(&mut self, value: &Value) {
        if value["arg"]["channel"] != "books" {
            return;
        }
        let data = &value["data"][0];
        if value["action"] == "snapshot" {
            self.whole();
            assert!(data["prevSeqId"].is_null() || data["prevSeqId"] == -1);
        } else {
            self.delta();
            if data["prevSeqId"].as_i64() != self.sequence {
                self.problems.push(format!("{:?} is followed by {:?}", self.sequence, data["prevSeqId"]));
            }
        }
        self.sequence = data["seqId"].as_i64();
        self.set(rows(&data["bids"], 0), rows(&data["asks"], 0));
    }

    fn take_bybit(&mut self, value: &Value) {
        if !value["topic"].as_str().unwrap().starts_with("orderbook.") {
            return;
        }
        let (data, sequence) = (&value["data"], value["data"]["u"].as_i64());
        if value["type"] == "snapshot" {
            self.whole();
        } else {
            self.delta();
            if self.sequence.map(|before| before + 1) != sequence {
                self.problems.push(format!("{:?} is followed by {sequence:?}", self.sequence));
            }
        }
        self.sequence = sequence;
        self.set(rows(&data["b"], 0), rows(&data["a"], 0));
    }

    fn take_kraken(&mut self, symbol: &str, text: &str) {
        if !text.starts_with("{\"channel\":\"book\"") {
            return;
        }
        let frame: KrakenFrame = serde_json::from_str(text).unwrap();
        let book = &frame.data[0];
        if book.symbol != symbol {
            return;
        }
        if frame.what == "snapshot" {
            self.whole()
        } else {
            self.delta()
        }
        let side = |levels: &[KrakenLevel<'_>]| -> Vec<Digits> {
            levels.iter().map(|one| (one.price.get().to_owned(), one.qty.get().to_owned())).collect()
        };
        self.set(side(&book.bids), side(&book.asks));
        while self.bids.len() > self.depth {
            self.bids.pop_first();
        }
        while self.asks.len() > self.depth {
            self.asks.pop_last();
        }
        let mut crc = flate2::Crc::new();
        for (price, quantity) in self.asks.values().take(10).chain(self.bids.values().rev().take(10)) {
            for digits in [price, quantity] {
                crc.update(digits.replace('.', "").trim_start_matches('0').as_bytes());
            }
        }
        self.sums += 1;
        if crc.sum() != book.checksum {
            self.problems.push(format!("checksum {} instead of {}", crc.sum(), book.checksum));
        }
    }

    fn set(&mut self, bids: Vec<Digits>, asks: Vec<Digits>) {
        for (side, levels) in [(&mut self.bids, bids), (&mut self.asks, asks)] {
            for (price, quantity) in levels {
                let key: Decimal = price.parse().unwrap();
                if quantity.parse::<Decimal>().unwrap().is_zero() {
                    side.remove(&key);
                } else {
                    side.insert(key, (price, quantity));
                }
            }
        }
    }

    /// The best levels; the update id is not compared.
    pub(crate) fn view(&self, limit: usize) -> BookView {
        let level =
            |(price, (_, quantity)): (&Decimal, &Digits)| -> Level { (*price, quantity.parse().unwrap()) };
        BookView {
            update_id: 0,
            bids: self.bids.iter().rev().take(limit).map(level).collect(),
            asks: self.asks.iter().take(limit).map(level).collect(),
        }
    }

    pub(crate) fn is(&self, truth: Option<BookView>, limit: usize) -> bool {
        let own = self.view(limit);
        truth.is_some_and(|truth| (truth.bids, truth.asks) == (own.bids, own.asks))
    }
}

fn rows(value: &Value, from: usize) -> Vec<Digits> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    value.as_array().unwrap().iter().map(|row| (text(&row[from]), text(&row[from + 1]))).collect()
}

fn levels(value: &Value, price: &str, quantity: &str) -> Vec<Digits> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    value.as_array().unwrap().iter().map(|one| (text(&one[price]), text(&one[quantity]))).collect()
}
