//! A recorded session of Bybit's linear books: every book is what a plain reading of the same lines gives.
//!
//! What the recording does not hold (gaps, restarts, quotes) is made here, in the venue's form.

use serde_json::Value;
use tickcache::domain::{Reason, State};
use tickcache::feed::venue;

use crate::frames;
use crate::plain::Books;
use crate::session::{Session, decimal, instruments};

pub(crate) const FILE: &str = "bybit/book-20210417.txt.gz";

const BASES: [&str; 5] = ["BCH", "UNI", "DOT", "LINK", "ADA"];

fn session(depth: usize, start: i64) -> Session {
    let venue = venue("bybit-linear").unwrap();
    let names = BASES.map(|base| format!("{base}-USDT-PERP"));
    Session::new(venue, &instruments(venue, &names.each_ref().map(String::as_str)), depth, start)
}

/// Which book was changed.
pub(crate) fn read(books: &mut Books, frame: &str) -> String {
    let frame: Value = serde_json::from_str(frame).unwrap();
    let symbol = frame["data"]["s"].as_str().unwrap();
    let book = books.entry(symbol.to_owned()).or_default();
    if frame["type"] == "snapshot" {
        *book = crate::plain::Plain::default();
    }
    book.apply(&frame["data"]["b"], &frame["data"]["a"]);
    symbol.to_owned()
}

#[test]
fn every_book_is_that_of_a_plain_reading_and_none_outgrows_its_window() {
    let Some(frames) = frames(FILE) else { return };
    let mut session = session(50, frames[0].0);
    let mut books = Books::new();
    for (at, frame) in &frames {
        let id = session.take(*at, frame).unwrap().instrument;
        let symbol = read(&mut books, frame);
        let book = &books[&symbol];
        assert!(
            book.bids.len() <= 50 && book.asks.len() <= 50,
            "levels that leave the window are removed by name"
        );
        assert_eq!(session.sides(id.0), book.sides(usize::MAX));
        let record = session.book(id.0);
        let update = frame.split(r#""u":"#).nth(1).unwrap().split(',').next().unwrap();
        assert_eq!(record.venue_sequence.map(|u| u.0), update.parse().ok());
        assert_eq!((record.stamp.state, record.checked_levels), (State::Live, Some(25)));
    }
    let counts = session.counts();
    assert_eq!((counts.gaps, counts.times_back, counts.unusable), (0, 0, 0));
    assert_eq!(frames.len(), 1_875);
}

fn book(symbol: &str, kind: &str, u: i64, bids: &str, asks: &str) -> String {
    format!(
        r#"{{"topic":"orderbook.50.{symbol}","type":"{kind}","ts":1700000000002,"data":{{"s":"{symbol}","b":{bids},"a":{asks},"u":{u},"seq":9}},"cts":1700000000001}}"#
    )
}

/// Of made frames.
const START: i64 = 1_700_000_000_000_000_000;

const BIDS: &str = r#"[["100","1"],["99","2"]]"#;
const ASKS: &str = r#"[["101","1"]]"#;

#[test]
fn a_missing_update_is_a_gap_and_a_restart_is_none() {
    let mut session = session(50, START);
    let mut feed = |u, kind| {
        session.take(START + u, &book("BCHUSDT", kind, u, BIDS, ASKS));
        let stamp = session.book(0).stamp;
        (stamp.state, stamp.reason, session.counts().gaps)
    };
    assert_eq!(feed(500, "snapshot").0, State::Live);
    assert_eq!(feed(501, "delta").0, State::Live);
    assert_eq!(feed(501, "delta").2, 0, "a duplicate is no gap");
    let (state, _, gaps) = feed(503, "delta");
    assert_eq!((state, gaps), (State::Suspect, 1));
    assert_eq!(feed(504, "delta").0, State::Suspect, "nothing is told off a book with a hole");
    assert_eq!(feed(510, "snapshot").0, State::Live);
    assert_eq!(feed(1, "delta"), (State::Live, Reason::None, 0), "u of 1 is a new beginning");
    assert_eq!(feed(2, "delta").0, State::Live);
}

#[test]
fn the_same_top_again_confirms_the_price_and_a_restart_replaces_it() {
    let mut session = session(50, START);
    let quote = |u: i64, bid: &str| {
        book("BCHUSDT", "snapshot", u, &format!(r#"[["{bid}","1"]]"#), ASKS)
            .replace("orderbook.50", "orderbook.1")
    };
    session.take(START, &quote(900, "100"));
    let first = session.price(0).stamp;
    session.take(START + 3_000_000_000, &quote(900, "100"));
    session.ticks_until(START + 3_100_000_000);
    let again = session.price(0).stamp;
    assert_eq!(again.receive_time, first.receive_time, "the value is as old as it is");
    assert!(again.confirmed_time > first.confirmed_time, "and was confirmed");
    session.take(START + 4_000_000_000, &quote(1, "99.5"));
    let price = session.price(0);
    let bid = price.bid.unwrap().price;
    assert_eq!(decimal(bid.0, price.scales.price).to_string(), "99.5");
    assert_eq!((price.stamp.state, price.venue_sequence.map(|u| u.0)), (State::Live, Some(1)));
}
