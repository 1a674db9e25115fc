//! A recorded session of Hyperliquid into books: each is what a plain reading of the same JSON comes to.
//!
//! What the recording does not hold (quotes, figures, books that go back or cross) is made here, in the venue's form.

use rust_decimal::Decimal;
use serde_json::Value;
use tickcache::domain::{Reason, State};
use tickcache::feed::VenueProtocol;
use tickcache::feed::hyperliquid::Hyperliquid;

use crate::frames;
use crate::plain::{Books, Plain, number};
use crate::session::{Session, decimal, instruments};

pub(crate) const FILE: &str = "hyperliquid/btc-20250126.txt.gz";

fn session(instrument: &str, depth: usize, start: i64) -> Session {
    Session::new(&Hyperliquid, &instruments(&Hyperliquid, &[instrument]), depth, start)
}

/// Which book was replaced; `None` where it was none. The order is that of the numbers, not that of the frame.
pub(crate) fn read(books: &mut Books, frame: &str) -> Option<String> {
    let frame: Value = serde_json::from_str(frame).unwrap();
    let mut book = Plain::default();
    for (side, is_bid) in [(0, true), (1, false)] {
        for level in frame["data"]["levels"][side].as_array()? {
            book.set(is_bid, number(&level["px"]), number(&level["sz"]));
        }
    }
    let symbol = frame["data"]["coin"].as_str()?;
    books.insert(symbol.to_owned(), book);
    Some(symbol.to_owned())
}

#[test]
fn recorded_books_are_the_venues() {
    let Some(frames) = frames(FILE) else { return };
    let mut session = session("BTC-USDC-PERP", 20, frames[0].0);
    let (mut plain, mut books) = (Books::new(), 0);
    for (time, text) in &frames {
        assert!(session.take(*time, text).is_some(), "nothing else is in this recording");
        if let Some(symbol) = read(&mut plain, text) {
            books += 1;
            assert_eq!(session.sides(0), plain[&symbol].sides(usize::MAX), "book {books}");
            let book = session.book(0);
            assert_eq!((book.stamp.state, book.checked_levels), (State::Live, None), "book {books}");
        }
    }
    let counts = session.counts();
    assert_eq!((counts.taken[2], counts.times_back, counts.unusable), (46, 0, 0));
    let last = session.price(0).last.unwrap();
    let expected = frames.iter().rev().find(|(_, text)| text.contains("trades")).unwrap();
    let expected: Value = serde_json::from_str(&expected.1).unwrap();
    let newest = expected["data"].as_array().unwrap().iter().max_by_key(|trade| trade["time"].as_u64());
    assert_eq!(decimal(last.price.0, session.price(0).scales.price), number(&newest.unwrap()["px"]));
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

fn best_bid(session: &Session) -> String {
    let record = session.price(0);
    decimal(record.bid.unwrap().price.0, record.scales.price).to_string()
}

#[test]
fn a_quote_older_than_the_one_before_is_not_taken() {
    let mut session = session("PEPE-USDC-PERP", 5, 0);
    session.take(1, &quote(100, "0.0040", "0.0041"));
    assert_eq!((best_bid(&session).as_str(), session.price(0).stamp.state), ("0.000004", State::Live));
    session.take(2, &quote(99, "0.0030", "0.0031"));
    assert_eq!(
        (best_bid(&session).as_str(), session.price(0).stamp.reason),
        ("0.000004", Reason::TimeWentBack)
    );
    session.take(3, &quote(100, "0.0039", "0.0041"));
    assert_eq!((best_bid(&session).as_str(), session.price(0).stamp.state), ("0.0000039", State::Live));
    assert_eq!(session.counts().times_back, 1);
}

#[test]
fn a_book_that_is_older_or_crossed_is_not_taken() {
    let mut session = session("PEPE-USDC-PERP", 5, 0);
    session.take(1, &image(100, "0.0040", "0.0041"));
    let before = session.sides(0);
    assert_eq!(before[0], [(Decimal::new(4, 6), Decimal::from(2_000))], "thousands are multiplied out");
    for (time, bid, reason) in [(99, "0.0039", Reason::TimeWentBack), (101, "0.0041", Reason::CrossedBook)] {
        session.take(2, &image(time, bid, "0.0041"));
        assert_eq!(session.sides(0), before, "{reason}");
        assert_eq!((session.book(0).stamp.state, session.book(0).stamp.reason), (State::Suspect, reason));
    }
    session.take(3, &image(102, "0.0039", "0.0041"));
    assert_eq!(session.book(0).stamp.state, State::Live);
    assert_ne!(session.sides(0), before);
}

#[test]
fn figures_are_told_in_our_units() {
    let mut session = session("PEPE-USDC-PERP", 5, 0);
    let figures = r#"{"channel":"activeAssetCtx","data":{"coin":"kPEPE","ctx":{"prevDayPx":"0.004","dayNtlVlm":"8000.5","dayBaseVlm":"2000000"}}}"#;
    session.take(1, figures);
    let record = session.volume(0);
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
