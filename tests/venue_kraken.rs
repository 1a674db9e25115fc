//! Kraken's recorded books through decoder, book and checksum, by public names only.

#![allow(clippy::unwrap_used, reason = "tests, and what they have in common")]

#[path = "support/venue_books.rs"]
mod venue_books;

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde_json::Value;
use tickcache::domain::{Channel, Request, State};
use tickcache::feed::venue;
use venue_books::{PlainBook, Replay, captures, frames};

/// Levels a side that are published, and compared: as many as the recording was subscribed with.
const DEPTH: usize = 1_000;

fn number(value: &Value) -> Decimal {
    let text = value.to_string();
    text.parse().or_else(|_| Decimal::from_scientific(&text)).unwrap()
}

fn symbol(frame: &Value) -> &str {
    frame["data"][0]["symbol"].as_str().unwrap()
}

fn symbols(frames: &[(i64, String)]) -> Vec<String> {
    let snapshots = frames.iter().filter(|(_, frame)| frame.contains(r#""type":"snapshot""#));
    snapshots.map(|(_, frame)| symbol(&serde_json::from_str(frame).unwrap()).to_owned()).collect()
}

fn apply(books: &mut BTreeMap<String, PlainBook>, frame: &Value) {
    let book = books.entry(symbol(frame).to_owned()).or_default();
    for (name, is_bid) in [("bids", true), ("asks", false)] {
        for level in frame["data"][0][name].as_array().unwrap() {
            book.set(is_bid, number(&level["price"]), number(&level["qty"]));
        }
    }
    book.keep(DEPTH);
}

#[test]
fn every_checksum_holds_and_the_books_are_those_of_a_plain_reading() {
    for file in captures("kraken") {
        let frames = frames(&file);
        let symbols = symbols(&frames);
        let mut replay = Replay::new(venue("kraken").unwrap(), &symbols, frames[0].0, DEPTH);
        let mut books = BTreeMap::new();
        for (at, frame) in &frames {
            replay.frame(*at, frame);
            apply(&mut books, &serde_json::from_str(frame).unwrap());
        }
        let counts = replay.state.take_counts();
        assert_eq!((counts.mismatches, counts.gaps, counts.times_back, counts.unusable), (0, 0, 0, 0));
        assert_eq!(
            counts.taken[Channel::Depth as usize],
            frames.len() as u64,
            "every frame changed its book"
        );
        assert_eq!(replay.written.reasons.len(), 0, "{:?}", replay.written.reasons);
        assert_eq!(replay.requests, []);
        assert!(frames.len() > 3_000 && books.len() == 7);
        for (symbol, book) in &books {
            let record = replay.liquidity(symbol);
            assert_eq!((record.stamp.state, record.checked_levels), (State::Live, Some(10)), "{symbol}");
            book.assert_equals(record, symbol, DEPTH);
        }
    }
}

/// The size of the first level that changes has one digit more.
#[test]
fn one_wrong_digit_is_a_mismatch_and_a_new_subscription() {
    for file in captures("kraken") {
        let frames = frames(&file);
        let symbols = symbols(&frames);
        let mut replay = Replay::new(venue("kraken").unwrap(), &symbols, frames[0].0, DEPTH);
        let mut wrong = None;
        for (at, frame) in &frames {
            let changes = frame.contains(r#""type":"update""#) && !frame.contains(r#""qty":0.00000000"#);
            if changes && wrong.is_none() {
                let (head, tail) = frame.split_at(frame.find(r#""qty":"#).unwrap() + 6);
                wrong = Some(symbol(&serde_json::from_str(frame).unwrap()).to_owned());
                replay.frame(*at, &format!("{head}9{tail}"));
            } else {
                replay.frame(*at, frame);
            }
        }
        let symbol = wrong.unwrap();
        assert_eq!(replay.state.take_counts().mismatches, 1);
        assert_eq!(replay.liquidity(&symbol).stamp.reason, tickcache::domain::Reason::ChecksumMismatch);
        let is_book = |request: &Request| matches!(request, Request::Resubscribe(subscription) if subscription.channel == Channel::Depth);
        assert!(!replay.requests.is_empty() && replay.requests.iter().all(is_book), "{:?}", replay.requests);
    }
}
