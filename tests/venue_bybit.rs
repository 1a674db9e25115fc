//! A recorded session of Bybit's linear books: every book is what a plain reading of the same lines gives.

#![allow(clippy::unwrap_used, reason = "a test fails where it unwraps nothing")]

#[path = "support/venue_replay.rs"]
mod venue_replay;

use serde_json::Value;
use tickcache::domain::{InstrumentId, MonoTime, Now, Reason, State, WallTime};
use venue_replay::{Replay, Truth, decimal, levels, lines, top};

const BASES: [&str; 5] = ["BCH", "UNI", "DOT", "LINK", "ADA"];

fn replay(depth: usize) -> Replay {
    let instruments = BASES.map(|base| format!("{base}-USDT-PERP"));
    Replay::new("bybit-linear", &instruments.each_ref().map(String::as_str), depth, None)
}

#[test]
fn every_book_is_that_of_a_plain_reading_and_none_outgrows_its_window() {
    let Some(lines) = lines("bybit/book-20210417.txt.gz") else { return };
    let mut replay = replay(50);
    let mut truths: [Truth; 5] = Default::default();
    let mut compared = 0;
    for line in lines {
        let mut parts = line.splitn(3, ' ');
        let (time, _, frame) = (parts.next().unwrap(), parts.next().unwrap(), parts.next().unwrap());
        let id = replay.frame(time, frame).instrument;
        let (value, truth) = (serde_json::from_str::<Value>(frame).unwrap(), &mut truths[id.0 as usize]);
        if value["type"] == "snapshot" {
            *truth = Truth::default();
        }
        truth.apply(&value["data"]["b"], &value["data"]["a"]);
        assert!(
            truth.bids.len() <= 50 && truth.asks.len() <= 50,
            "levels that leave the window are removed by name"
        );
        let book = replay.book(id);
        assert_eq!(levels(book.scales, &book.bids), truth.bids(usize::MAX));
        assert_eq!(levels(book.scales, &book.asks), truth.asks(usize::MAX));
        assert_eq!(book.venue_sequence.map(|u| u.0), value["data"]["u"].as_u64());
        assert_eq!((book.stamp.state, book.checked_levels), (State::Live, Some(25)));
        compared += 1;
    }
    let counts = replay.state.take_counts();
    assert_eq!((counts.gaps, counts.times_back, counts.unusable), (0, 0, 0));
    assert_eq!(compared, 1_875);
}

fn book(symbol: &str, kind: &str, u: u64, bids: &str, asks: &str) -> String {
    format!(
        r#"{{"topic":"orderbook.50.{symbol}","type":"{kind}","ts":1700000000002,"data":{{"s":"{symbol}","b":{bids},"a":{asks},"u":{u},"seq":9}},"cts":1700000000001}}"#
    )
}

const BIDS: &str = r#"[["100","1"],["99","2"]]"#;
const ASKS: &str = r#"[["101","1"]]"#;

#[test]
fn a_missing_update_is_a_gap_and_a_restart_is_none() {
    let mut replay = replay(50);
    let bch = InstrumentId(0);
    let mut feed = |u, kind| {
        replay.frame(&format!("17000000000{u:08}"), &book("BCHUSDT", kind, u, BIDS, ASKS));
        let stamp = replay.book(bch).stamp;
        (stamp.state, stamp.reason, replay.state.take_counts().gaps)
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
    let mut replay = replay(50);
    let bch = InstrumentId(0);
    let quote = |u: u64, bid: &str| {
        book("BCHUSDT", "snapshot", u, &format!(r#"[["{bid}","1"]]"#), ASKS)
            .replace("orderbook.50", "orderbook.1")
    };
    replay.frame("1700000000000000000", &quote(900, "100"));
    let first = replay.price(bch).stamp;
    replay.frame("1700000003000000000", &quote(900, "100"));
    replay.state.tick(now(1_700_000_003_100_000_000), &mut replay.written);
    let again = replay.price(bch).stamp;
    assert_eq!(again.receive_time, first.receive_time, "the value is as old as it is");
    assert!(again.confirmed_time > first.confirmed_time, "and was confirmed");
    replay.frame("1700000004000000000", &quote(1, "99.5"));
    let price = replay.price(bch);
    assert_eq!(top(price.scales, price.bid).unwrap().0, decimal(&Value::from("99.5")));
    assert_eq!((price.stamp.state, price.venue_sequence.map(|u| u.0)), (State::Live, Some(1)));
}

fn now(nanos: i64) -> Now {
    let mono = MonoTime::from_nanos(u64::try_from(nanos).unwrap());
    Now { wall: WallTime::from_nanos(nanos), mono }
}
