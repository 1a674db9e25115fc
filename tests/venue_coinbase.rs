//! Coinbase's recorded session through decoder, book and witness, by public names only.

#![allow(clippy::unwrap_used, reason = "tests, and what they have in common")]

#[path = "support/venue_books.rs"]
mod venue_books;

use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::Decimal;
use serde_json::Value;
use tickcache::domain::{Channel, Request, State};
use tickcache::feed::venue;
use venue_books::{PlainBook, Replay, captures, decimal, frames};

/// Levels a side that are published, and compared.
const DEPTH: usize = 1_000;

fn number(value: &Value) -> Decimal {
    value.as_str().unwrap().parse().unwrap()
}

fn symbols(frames: &[(i64, String)]) -> Vec<String> {
    let parsed = frames.iter().map(|(_, frame)| serde_json::from_str::<Value>(frame).unwrap());
    let products = parsed.filter_map(|frame| frame["product_id"].as_str().map(str::to_owned));
    products.collect::<BTreeSet<_>>().into_iter().collect()
}

fn apply(books: &mut BTreeMap<String, PlainBook>, frame: &Value) {
    let Some(product) = frame["product_id"].as_str() else { return };
    let book = books.entry(product.to_owned()).or_default();
    for (name, is_bid) in [("bids", true), ("asks", false)] {
        for level in frame[name].as_array().into_iter().flatten() {
            book.set(is_bid, number(&level[0]), number(&level[1]));
        }
    }
    for change in frame["changes"].as_array().into_iter().flatten() {
        book.set(change[0] == "buy", number(&change[1]), number(&change[2]));
    }
}

#[test]
fn the_books_are_those_of_a_plain_reading_and_the_witness_is_silent() {
    for file in captures("coinbase") {
        let frames = frames(&file);
        let symbols = symbols(&frames);
        let mut replay = Replay::new(venue("coinbase").unwrap(), &symbols, frames[0].0, DEPTH);
        let (mut books, mut last) = (BTreeMap::new(), BTreeMap::new());
        for (at, frame) in &frames {
            replay.frame(*at, frame);
            let value: Value = serde_json::from_str(frame).unwrap();
            if value["type"] == "ticker" {
                last.insert(value["product_id"].as_str().unwrap().to_owned(), value.clone());
            }
            apply(&mut books, &value);
        }
        replay.ticks_until(frames.last().unwrap().0 + 3_000_000_000);
        let counts = replay.state.take_counts();
        assert_eq!((counts.gaps, counts.times_back, counts.unusable), (0, 0, 0));
        assert_eq!(replay.seen, (frames.len() as u64 - 3, 3), "three acknowledgements");
        assert_eq!(replay.written.reasons.len(), 0, "{:?}", replay.written.reasons);
        assert_eq!(replay.requests, []);
        assert!(frames.len() > 8_000 && books.len() == 7);
        for (symbol, book) in &books {
            let record = replay.liquidity(symbol);
            assert_eq!((record.stamp.state, record.checked_levels), (State::Live, None), "{symbol}");
            book.assert_equals(record, symbol, DEPTH);
            let price = replay.price(symbol).unwrap();
            let best = |level: Option<tickcache::domain::PriceLevel>| {
                decimal(price.scales.price_number(level.unwrap().price))
            };
            assert_eq!(best(price.bid), *book.bids.last_key_value().unwrap().0, "{symbol}");
            assert_eq!(best(price.ask), *book.asks.first_key_value().unwrap().0, "{symbol}");
            let volume = replay.volume(symbol).unwrap();
            let traded = decimal(volume.scales.size_number(volume.base_volume.unwrap()));
            assert_eq!(traded, number(&last[symbol]["volume_24h"]), "{symbol}");
        }
    }
}

/// The busiest product: what is lost there for good shows in later trades and tickers.
const BUSIEST: &str = "SKL-USD";

/// Nanoseconds after which a wrong best price has been contradicted often enough.
const FOUND_AFTER: i64 = 6_000_000_000;

/// How long at a stretch the best price is wrong at most without this frame, in nanoseconds.
fn wrong_for(frames: &[(i64, Value)], gone: usize) -> i64 {
    let (mut true_books, mut books) = (BTreeMap::new(), BTreeMap::new());
    let (mut since, mut longest) = (None, 0);
    for (index, (at, frame)) in frames.iter().enumerate() {
        apply(&mut true_books, frame);
        if index != gone {
            apply(&mut books, frame);
        }
        let best = |books: &BTreeMap<String, PlainBook>| books.get(BUSIEST).map(PlainBook::best);
        since = if best(&books) == best(&true_books) { None } else { since.or(Some(*at)) };
        longest = longest.max(since.map_or(0, |since| at - since));
    }
    longest
}

/// Each change of the busiest product is lost, one a run.
#[test]
fn a_lost_change_that_leaves_the_best_price_wrong_for_long_is_found_and_the_book_is_asked_for_again() {
    for file in captures("coinbase") {
        let own = frames(&file).into_iter().filter(|(_, frame)| frame.contains(BUSIEST));
        let own = own.filter(|(_, frame)| !frame.contains(r#""subscriptions""#));
        let (frames, values): (Vec<_>, Vec<_>) =
            own.map(|(at, frame)| ((at, frame.clone()), (at, serde_json::from_str(&frame).unwrap()))).unzip();
        let is_change = |index: &usize| frames[*index].1.contains(r#""l2update""#);
        // Every seventh, so that the test takes seconds.
        let lost: Vec<usize> = (0..frames.len()).filter(is_change).step_by(7).collect();
        let lost: Vec<usize> =
            lost.into_iter().filter(|&gone| wrong_for(&values, gone) >= FOUND_AFTER).collect();
        assert!(!lost.is_empty(), "nothing was lost that matters");
        for gone in lost {
            let venue = venue("coinbase").unwrap();
            let mut replay = Replay::new(venue, &[BUSIEST.to_owned()], frames[0].0, 20);
            for (_, (at, frame)) in frames.iter().enumerate().filter(|(index, _)| *index != gone) {
                replay.frame(*at, frame);
            }
            // A crossed book is found by itself.
            let doubted =
                ["SourcesDisagree", "CrossedBook"].map(|reason| replay.written.reasons.contains(reason));
            assert!(doubted.contains(&true), "frame {gone} is missing: {}", frames[gone].1);
            let is_book = |request: &Request| matches!(request, Request::Resubscribe(subscription) if subscription.channel == Channel::Depth);
            assert!(replay.requests.iter().any(is_book), "doubt alone heals nothing");
        }
    }
}
