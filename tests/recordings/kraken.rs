//! Kraken's recorded books through decoder, book and checksum.

use rust_decimal::Decimal;
use serde_json::Value;
use tickcache::domain::{Channel, Reason, Request, State};
use tickcache::feed::venue;

use crate::frames;
use crate::plain::Books;
use crate::session::{Session, symbols};

pub(crate) const FILE: &str = "kraken/book-20210417.txt.gz";

/// Levels a side that are published, and compared: as many as the recording was subscribed with.
const DEPTH: usize = 1_000;

/// These numbers are not in quotes.
fn number(value: &Value) -> Decimal {
    let text = value.to_string();
    text.parse().or_else(|_| Decimal::from_scientific(&text)).unwrap()
}

fn symbol(frame: &Value) -> &str {
    frame["data"][0]["symbol"].as_str().unwrap()
}

pub(crate) fn apply(books: &mut Books, frame: &Value) {
    let book = books.entry(symbol(frame).to_owned()).or_default();
    for (name, is_bid) in [("bids", true), ("asks", false)] {
        for level in frame["data"][0][name].as_array().unwrap() {
            book.set(is_bid, number(&level["price"]), number(&level["qty"]));
        }
    }
    book.keep(DEPTH);
}

fn read(frames: &[(i64, String)]) -> (Books, Session) {
    let mut books = Books::new();
    frames.iter().for_each(|(_, frame)| apply(&mut books, &serde_json::from_str(frame).unwrap()));
    let markets = symbols(books.keys().cloned());
    (books, Session::new(venue("kraken").unwrap(), &markets, DEPTH, frames[0].0))
}

#[test]
fn every_checksum_holds_and_the_books_are_those_of_a_plain_reading() {
    let Some(frames) = frames(FILE) else { return };
    let (books, mut session) = read(&frames);
    for (at, frame) in &frames {
        session.take(*at, frame);
    }
    let counts = session.counts();
    assert_eq!((counts.mismatches, counts.gaps, counts.times_back, counts.unusable), (0, 0, 0, 0));
    let changed = counts.taken[Channel::Depth as usize];
    assert_eq!(changed, frames.len() as u64, "every frame changed its book");
    assert_eq!(session.written.reasons.len(), 0, "{:?}", session.written.reasons);
    assert_eq!(session.requests, []);
    assert!(frames.len() > 3_000 && books.len() == 7);
    for ((symbol, book), index) in books.iter().zip(0_u32..) {
        let record = session.book(index);
        assert_eq!((record.stamp.state, record.checked_levels), (State::Live, Some(10)), "{symbol}");
        assert_eq!(session.sides(index), book.sides(DEPTH), "{symbol}");
        assert!(!book.bids.is_empty() && !book.asks.is_empty(), "{symbol}: nothing to compare");
    }
}

/// With one digit more in the size of the first level that changes, and the symbol that it is of.
pub(crate) fn with_a_wrong_digit(frame: &str) -> Option<(String, String)> {
    let changes = frame.contains(r#""type":"update""#) && !frame.contains(r#""qty":0.00000000"#);
    let (head, tail) = frame.split_at(frame.find(r#""qty":"#).filter(|_| changes)? + r#""qty":"#.len());
    Some((format!("{head}9{tail}"), symbol(&serde_json::from_str(frame).unwrap()).to_owned()))
}

#[test]
fn one_wrong_digit_is_a_mismatch_and_a_new_subscription() {
    let Some(frames) = frames(FILE) else { return };
    let (books, mut session) = read(&frames);
    let mut wrong = None;
    for (at, frame) in &frames {
        match with_a_wrong_digit(frame).filter(|_| wrong.is_none()) {
            Some((frame, symbol)) => {
                session.take(*at, &frame);
                wrong = Some(symbol);
            }
            None => drop(session.take(*at, frame)),
        }
    }
    let index = books.keys().zip(0_u32..).find(|(symbol, _)| Some(*symbol) == wrong.as_ref()).unwrap().1;
    assert_eq!(session.counts().mismatches, 1);
    assert_eq!(session.book(index).stamp.reason, Reason::ChecksumMismatch);
    let is_book = |request: &Request| matches!(request, Request::Resubscribe(subscription) if subscription.channel == Channel::Depth);
    assert!(!session.requests.is_empty() && session.requests.iter().all(is_book), "{:?}", session.requests);
}
