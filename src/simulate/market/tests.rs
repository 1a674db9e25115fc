//! Tests of the made-up market: no sockets, no clock.

use std::collections::HashMap;
use std::time::Duration;

use rust_decimal::Decimal;
use serde_json::Value;

use super::*;
use crate::simulate::book::{Book, Side};

const START_MS: i64 = 1_723_161_254_000;

/// Keeps all frames, parsed.
#[derive(Default)]
struct Kept(Vec<(StreamId, Value)>);

impl Sink for Kept {
    fn wants(&self, _: StreamId) -> bool {
        true
    }

    fn push(&mut self, stream: StreamId, text: String) {
        self.0.push((stream, serde_json::from_str(&text).expect("frames are JSON")));
    }
}

fn spot() -> &'static dyn Dialect {
    crate::simulate::dialect::of("binance").expect("it is there")
}

fn run(options: &MarketOptions, seconds: i64) -> (Market, Vec<(String, Value)>, BookView) {
    let mut market = Market::new(spot(), options);
    let first = market.symbols()[0].symbol.clone();
    let snapshot = market.view(&first, 5000).unwrap();
    let names = market.stream_names();
    let mut kept = Kept::default();
    for step in 0..seconds * 200 {
        market.step(START_MS + step * 5, &mut kept);
    }
    market.flush(START_MS + seconds * 1000, &mut kept);
    let frames = kept
        .0
        .into_iter()
        .map(|(stream, value)| {
            let name = names[usize::try_from(stream.0).unwrap()].to_string();
            assert_eq!(value["stream"], name.as_str());
            (name, value["data"].clone())
        })
        .collect();
    (market, frames, snapshot)
}

fn number(value: &Value) -> Decimal {
    let text = value.as_str().expect("numbers are strings");
    assert_eq!(text.split_once('.').expect("a point").1.len(), 8, "{text}");
    text.parse().unwrap()
}

fn apply(book: &mut Book, delta: &Value) {
    for (side, levels) in [(Side::Bid, &delta["b"]), (Side::Ask, &delta["a"])] {
        for level in levels.as_array().unwrap() {
            book.set(side, number(&level[0]), number(&level[1]));
        }
    }
    book.update_id = delta["u"].as_u64().unwrap();
}

fn book_of(view: &BookView) -> Book {
    let mut book = Book::at(view.update_id);
    view.bids.iter().for_each(|(price, quantity)| book.set(Side::Bid, *price, *quantity));
    view.asks.iter().for_each(|(price, quantity)| book.set(Side::Ask, *price, *quantity));
    book
}

/// Binance's own rules, over five minutes: `U` follows the last `u`, and whenever a delta is whole, the last bookTicker
/// with a `u` not above it is the top of the book that the deltas add up to.
#[test]
fn deltas_are_contiguous_and_add_up_to_the_top_that_book_ticker_tells() {
    let options =
        MarketOptions { updates_per_second: 60, levels: 200, ..MarketOptions::default() }.only(&["BTC"]);
    let (market, frames, snapshot) = run(&options, 300);
    let mut book = book_of(&snapshot);
    let (mut tops, mut deltas) = (Vec::new(), 0);
    for (name, data) in &frames {
        match name.as_str() {
            "btcusdt@bookTicker" => tops.push(data),
            "btcusdt@depth@100ms" => {
                assert_eq!(data["U"].as_u64().unwrap(), book.update_id + 1);
                apply(&mut book, data);
                deltas += 1;
                let Some(top) = tops.iter().rev().find(|top| top["u"].as_u64().unwrap() <= book.update_id)
                else {
                    continue;
                };
                assert_eq!(book.best_bid().unwrap(), (number(&top["b"]), number(&top["B"])));
                assert_eq!(book.best_ask().unwrap(), (number(&top["a"]), number(&top["A"])));
                assert!(book.best_bid().unwrap().0 < book.best_ask().unwrap().0);
            }
            _ => {}
        }
    }
    assert!(deltas > 2900, "{deltas}");
    assert!(tops.len() > 5000, "{}", tops.len());
    assert!(tops.windows(2).all(|pair| pair[0]["u"].as_u64() < pair[1]["u"].as_u64()));
    assert_eq!(book.view(5000), market.view("BTCUSDT", 5000).unwrap(), "deltas add up to the truth");
}

#[test]
fn the_same_seed_makes_the_same_market_and_another_seed_another() {
    let options = MarketOptions::default();
    let (_, one, _) = run(&options, 3);
    let (_, same, _) = run(&options, 3);
    let (_, other, _) = run(&MarketOptions { seed: 2, ..options }, 3);
    assert_eq!(one, same);
    assert_ne!(one, other);
}

#[test]
fn prices_jump_by_more_than_one_percent_from_time_to_time_and_stay_believable() {
    let options = MarketOptions { jump_every: Some(Duration::from_secs(20)), ..MarketOptions::default() };
    let (market, frames, _) = run(&options, 120);
    let mut last: HashMap<&str, Decimal> = HashMap::new();
    let mut jumps = 0;
    for (name, data) in frames.iter().filter(|(name, _)| name.ends_with("@bookTicker")) {
        let bid = number(&data["b"]);
        if let Some(before) = last.insert(name, bid) {
            let moved = ((bid - before) / before).abs();
            assert!(moved < Decimal::new(21, 3), "{name}: {before} to {bid}");
            jumps += u32::from(moved > Decimal::new(11, 3));
        }
    }
    assert!((3..=12).contains(&jumps), "{jumps} jumps in 120 s");
    for info in market.symbols() {
        let view = market.view(&info.symbol, 5000).unwrap();
        assert!((800..=1200).contains(&view.bids.len()), "{}: {}", info.symbol, view.bids.len());
        assert!((800..=1200).contains(&view.asks.len()), "{}: {}", info.symbol, view.asks.len());
        for (price, quantity) in view.bids.iter().chain(&view.asks) {
            assert!((price % info.tick).is_zero() && (quantity % info.lot).is_zero(), "{price} {quantity}");
        }
    }
}

#[test]
fn trades_and_tickers_have_all_of_the_venues_fields_in_its_order() {
    let mut market = Market::new(spot(), &MarketOptions::default().only(&["ETH"]));
    struct Texts(HashMap<u32, String>);
    impl Sink for Texts {
        fn wants(&self, _: StreamId) -> bool {
            true
        }
        fn push(&mut self, stream: StreamId, text: String) {
            self.0.insert(stream.0, text);
        }
    }
    let mut texts = Texts(HashMap::new());
    (0..1000).for_each(|step| market.step(START_MS + step * 5, &mut texts));
    for (stream, fields) in [
        (0, "u s b B a A"),
        (1, "e E s U u b a"),
        (2, "e E s t p q T m M"),
        (3, "e E s p P w x c Q b B a A o h l v q O C F L n"),
    ] {
        let text = &texts.0[&stream];
        let mut from = text.find("\"data\":{").unwrap() + 7;
        for field in fields.split(' ') {
            let at = text[from..].find(&format!("\"{field}\":"));
            from += at.unwrap_or_else(|| panic!("{field} in its place in {text}"));
        }
        let value: Value = serde_json::from_str(text).unwrap();
        assert_eq!(value["data"].as_object().unwrap().len(), fields.split(' ').count(), "{text}");
    }
}

#[test]
fn five_hundred_instruments_are_no_harder_than_one() {
    let options = MarketOptions { levels: 50, ..MarketOptions::with_instruments(500) };
    let (market, frames, _) = run(&options, 1);
    assert_eq!(market.symbols().len(), 500);
    let streams: std::collections::HashSet<&String> = frames.iter().map(|(name, _)| name).collect();
    assert!(streams.len() > 1900, "{}", streams.len());
}
