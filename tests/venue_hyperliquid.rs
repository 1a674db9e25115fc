//! A recorded session of Hyperliquid into books: each is what a plain reading of the same JSON comes to.
//!
//! What the recording does not hold (quotes, figures, books that go back or cross) is made here, in the venue's form.

#![allow(clippy::unwrap_used, reason = "a test fails where it unwraps nothing")]

#[path = "support/recorded.rs"]
mod recorded;

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde_json::Value;
use tickcache::domain::{PriceRecord, Reason, Record, State, VolumeRecord};
use tickcache::feed::VenueProtocol;
use tickcache::feed::hyperliquid::Hyperliquid;

use recorded::{Feed, Side, decimal, frames};

fn plain(frame: &Value) -> [Side; 2] {
    [0, 1].map(|side: usize| {
        let levels = frame["data"]["levels"][side].as_array().unwrap().iter();
        let number = |text: &Value| text.as_str().unwrap().parse::<Decimal>().unwrap().normalize();
        // Through a map: the order is that of the numbers, not that of the frame.
        let by_price: BTreeMap<Decimal, Decimal> =
            levels.map(|level| (number(&level["px"]), number(&level["sz"]))).collect();
        if side == 0 { by_price.into_iter().rev().collect() } else { by_price.into_iter().collect() }
    })
}

#[test]
fn recorded_books_are_the_venues() {
    let Some(frames) = frames("hyperliquid/btc-20250126.txt.gz") else { return };
    let mut feed = Feed::new(&Hyperliquid, &["BTC-USDC-PERP"], 20, frames[0].0);
    let mut books = 0;
    for (time, text) in &frames {
        assert!(feed.take(*time, text), "nothing else is in this recording");
        let frame: Value = serde_json::from_str(text).unwrap();
        if frame["channel"] == "l2Book" {
            books += 1;
            assert_eq!(feed.sides(0), plain(&frame), "book {books}");
            let book = feed.book(0);
            assert_eq!((book.stamp.state, book.checked_levels), (State::Live, None), "book {books}");
        }
    }
    let counts = feed.counts();
    assert_eq!((counts.taken[2], counts.times_back, counts.unusable), (46, 0, 0));
    let last = price(&feed).last.unwrap();
    let expected = frames.iter().rev().find(|(_, text)| text.contains("trades")).unwrap();
    let expected: Value = serde_json::from_str(&expected.1).unwrap();
    let newest = expected["data"].as_array().unwrap().iter().max_by_key(|trade| trade["time"].as_u64());
    let newest: Decimal = newest.unwrap()["px"].as_str().unwrap().parse().unwrap();
    assert_eq!(decimal(last.price.0, price(&feed).scales.price), newest.normalize());
}

fn price(feed: &Feed) -> &PriceRecord {
    match &feed.last.records[&0] {
        Record::Price(record) => record,
        _ => panic!("slot of prices"),
    }
}

fn volume(feed: &Feed) -> &VolumeRecord {
    match &feed.last.records[&2] {
        Record::Volume(record) => record,
        _ => panic!("slot of figures"),
    }
}

fn level(price: &str) -> String {
    format!(r#"{{"px":"{price}","sz":"2.0","n":1}}"#)
}

fn quote(time: u64, bid: &str, ask: &str) -> String {
    let (bid, ask) = (level(bid), level(ask));
    format!(r#"{{"channel":"bbo","data":{{"coin":"kPEPE","time":{time},"bbo":[{bid},{ask}]}}}}"#)
}

fn image(time: u64, bid: &str, ask: &str) -> String {
    let (bid, ask) = (level(bid), level(ask));
    format!(
        r#"{{"channel":"l2Book","data":{{"coin":"kPEPE","time":{time},"levels":[[{bid}],[{ask}]],"fast":true}}}}"#
    )
}

fn feed() -> Feed {
    Feed::new(&Hyperliquid, &["PEPE-USDC-PERP"], 5, 0)
}

fn best_bid(feed: &Feed) -> String {
    let record = price(feed);
    decimal(record.bid.unwrap().price.0, record.scales.price).to_string()
}

#[test]
fn a_quote_older_than_the_one_before_is_not_taken() {
    let mut feed = feed();
    feed.take(1, &quote(100, "0.0040", "0.0041"));
    assert_eq!((best_bid(&feed).as_str(), price(&feed).stamp.state), ("0.000004", State::Live));
    feed.take(2, &quote(99, "0.0030", "0.0031"));
    assert_eq!((best_bid(&feed).as_str(), price(&feed).stamp.reason), ("0.000004", Reason::TimeWentBack));
    feed.take(3, &quote(100, "0.0039", "0.0041"));
    assert_eq!((best_bid(&feed).as_str(), price(&feed).stamp.state), ("0.0000039", State::Live));
    assert_eq!(feed.counts().times_back, 1);
}

#[test]
fn a_book_that_is_older_or_crossed_is_not_taken() {
    let mut feed = feed();
    feed.take(1, &image(100, "0.0040", "0.0041"));
    let before = feed.sides(0);
    assert_eq!(before[0], [(Decimal::new(4, 6), Decimal::from(2_000))], "thousands are multiplied out");
    for (time, bid, reason) in [(99, "0.0039", Reason::TimeWentBack), (101, "0.0041", Reason::CrossedBook)] {
        feed.take(2, &image(time, bid, "0.0041"));
        assert_eq!(feed.sides(0), before, "{reason}");
        assert_eq!((feed.book(0).stamp.state, feed.book(0).stamp.reason), (State::Suspect, reason));
    }
    feed.take(3, &image(102, "0.0039", "0.0041"));
    assert_eq!(feed.book(0).stamp.state, State::Live);
    assert_ne!(feed.sides(0), before);
}

#[test]
fn figures_are_told_in_our_units() {
    let mut feed = feed();
    let figures = r#"{"channel":"activeAssetCtx","data":{"coin":"kPEPE","ctx":{"prevDayPx":"0.004","dayNtlVlm":"8000.5","dayBaseVlm":"2000000"}}}"#;
    feed.take(1, figures);
    let record = volume(&feed);
    assert_eq!(decimal(record.base_volume.unwrap().0, record.scales.size), Decimal::from(2_000_000_000_i64));
    assert_eq!(decimal(record.quote_volume.unwrap().0, record.quote_scale), Decimal::new(80_005, 1));
    assert_eq!(decimal(record.open.unwrap().0, record.scales.price), Decimal::new(4, 6));
    assert_eq!((record.last, record.stamp.venue_time), (None, None));
}

#[test]
fn the_venue_is_in_the_registry() {
    let venue = tickcache::feed::venue("hyperliquid").unwrap();
    assert_eq!(venue.defaults(), Hyperliquid.defaults());
}
