//! A recorded session of OKX into books: each is what a plain reading of the same JSON comes to, and every checksum holds.
//!
//! What the recording does not hold (sequences, contracts worth more than one) is made here, in the venue's form.

#![allow(clippy::unwrap_used, reason = "a test fails where it unwraps nothing")]

#[path = "support/recorded.rs"]
mod recorded;

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde_json::Value;
use tickcache::domain::{PriceRecord, Reason, Record, SizeUnit, State};
use tickcache::feed::VenueProtocol;
use tickcache::feed::okx::Okx;

use recorded::{Feed, Side, decimal, frames};

const SYMBOLS: [&str; 2] = ["BTC-USDT", "BTC-USD-220527"];
const INSTRUMENTS: [&str; 2] = ["BTC-USDT", "BTC-USD-20220527"];

/// Bids and asks by price.
#[derive(Default)]
struct Plain([BTreeMap<Decimal, Decimal>; 2]);

impl Plain {
    fn take(&mut self, frame: &Value) {
        if frame["action"] == "snapshot" {
            *self = Self::default();
        }
        for (side, name) in self.0.iter_mut().zip(["bids", "asks"]) {
            for level in frame["data"][0][name].as_array().unwrap() {
                let number =
                    |index: usize| level[index].as_str().unwrap().parse::<Decimal>().unwrap().normalize();
                let (price, size) = (number(0), number(1));
                if size.is_zero() {
                    side.remove(&price)
                } else {
                    side.insert(price, size)
                };
            }
        }
    }

    /// Best first, sizes in what one contract is worth.
    fn sides(&self, depth: usize, worth: Decimal) -> [Side; 2] {
        let level = |(&price, &size): (&Decimal, &Decimal)| (price, (size * worth).normalize());
        [
            self.0[0].iter().rev().take(depth).map(level).collect(),
            self.0[1].iter().take(depth).map(level).collect(),
        ]
    }
}

#[test]
fn recorded_books_are_the_venues_and_every_checksum_holds() {
    let Some(frames) = frames("okx/session-20220513.txt.gz") else { return };
    let mut feed = Feed::new(&Okx, &INSTRUMENTS, 400, frames[0].0);
    let mut plain = [Plain::default(), Plain::default()];
    let mut books = 0;
    for (time, text) in &frames {
        feed.take(*time, text);
        let frame: Value = serde_json::from_str(text).unwrap();
        if frame["arg"]["channel"] != "books" || frame["data"].is_null() {
            continue;
        }
        books += 1;
        let index = SYMBOLS.iter().position(|symbol| frame["arg"]["instId"] == *symbol).unwrap();
        plain[index].take(&frame);
        let worth = [Decimal::ONE, Decimal::from(100)][index];
        let instrument = u32::try_from(index).unwrap();
        assert_eq!(feed.sides(instrument), plain[index].sides(400, worth), "book {books}");
        let book = feed.book(instrument);
        assert_eq!((book.stamp.state, book.checked_levels), (State::Live, Some(25)), "book {books}");
    }
    assert_eq!(books, 197);
    assert_eq!(feed.book(1).size_unit, SizeUnit::Quote);
    let never_live: Vec<u32> = feed.last.suspect.keys().copied().collect();
    assert_eq!(never_live, [0, 3], "prices, of which there was no quote");
    let counts = feed.counts();
    assert_eq!((counts.gaps, counts.mismatches, counts.unusable), (0, 0, 0));
    assert_eq!(counts.taken, [0, 73, 197, 27]);
}

/// One digit in one level is enough.
#[test]
fn a_level_that_was_changed_on_the_way_is_found_by_the_checksum() {
    let Some(frames) = frames("okx/session-20220513.txt.gz") else { return };
    let mut feed = Feed::new(&Okx, &INSTRUMENTS, 10, frames[0].0);
    let of_books = frames.iter().filter(|(_, text)| text.contains(r#""books","instId":"BTC-USDT""#));
    for (time, text) in of_books.filter(|(_, text)| text.contains("\"data\"")).take(20) {
        feed.take(*time, &text.replace(r#"["30243.5","1.44679""#, r#"["30243.5","1.44678""#));
    }
    let book = feed.book(0);
    assert_eq!((book.stamp.state, book.stamp.reason), (State::Suspect, Reason::ChecksumMismatch));
    assert_eq!(feed.counts().mismatches, 1, "what follows waits for a new image");
}

fn price(feed: &Feed) -> &PriceRecord {
    match &feed.last.records[&0] {
        Record::Price(record) => record,
        _ => panic!("slot of prices"),
    }
}

fn book(action: &str, sequence: &str, bid: &str) -> String {
    format!(
        r#"{{"arg":{{"channel":"books","instId":"BTC-USDT-SWAP"}},"action":"{action}","data":[{{"asks":[["101","5","0","1"]],"bids":[{bid}],"ts":"1000","checksum":0{sequence}}}]}}"#
    )
}

#[test]
fn contracts_are_multiplied_out_and_sequences_followed() {
    let mut feed = Feed::new(&Okx, &["BTC-USDT-PERP"], 10, 0);
    let quote = r#"{"arg":{"channel":"bbo-tbt","instId":"BTC-USDT-SWAP"},"data":[{"asks":[["101","5","0","1"]],"bids":[["100","7","0","1"]],"ts":"1000","seqId":10}]}"#;
    assert!(feed.take(1, quote));
    let record = price(&feed);
    let bid = record.bid.unwrap();
    assert_eq!(decimal(bid.price.0, record.scales.price), Decimal::from(100));
    assert_eq!(decimal(bid.size.unwrap().0, record.scales.size), Decimal::new(7, 2));
    feed.take(2, &book("snapshot", r#","seqId":10,"prevSeqId":-1"#, r#"["100","7","0","1"]"#));
    feed.take(3, &book("update", r#","seqId":15,"prevSeqId":10"#, r#"["99","1","0","1"]"#));
    feed.take(4, &book("update", r#","seqId":15,"prevSeqId":15"#, "").replace(r#"["101","5","0","1"]"#, ""));
    feed.take(5, &book("update", r#","seqId":3,"prevSeqId":15"#, r#"["98","2","0","1"]"#));
    let bids = |sizes: [i64; 3]| -> Side {
        [100_i64, 99, 98]
            .into_iter()
            .zip(sizes)
            .map(|(price, size)| (price.into(), Decimal::new(size, 2)))
            .collect()
    };
    assert_eq!(feed.sides(0)[0], bids([7, 1, 2]));
    assert_eq!((feed.book(0).stamp.state, feed.book(0).checked_levels), (State::Live, Some(3)));
    feed.take(6, &book("update", r#","seqId":8,"prevSeqId":7"#, r#"["97","2","0","1"]"#));
    assert_eq!(feed.book(0).stamp.reason, Reason::SequenceGap);
    assert_eq!(feed.counts().gaps, 1);
}

#[test]
fn an_update_with_neither_sequence_nor_checksum_makes_the_book_suspect_and_an_image_heals_it() {
    let mut feed = Feed::new(&Okx, &["BTC-USDT-PERP"], 10, 0);
    feed.take(1, &book("snapshot", "", r#"["100","7","0","1"]"#));
    assert_eq!(feed.book(0).stamp.state, State::Live);
    feed.take(2, &book("update", "", r#"["99","1","0","1"]"#));
    assert_eq!((feed.book(0).stamp.state, feed.book(0).stamp.reason), (State::Suspect, Reason::SequenceGap));
    assert_eq!(feed.sides(0)[0].len(), 2, "it is told all the same");
    feed.take(3, &book("snapshot", r#","seqId":10,"prevSeqId":-1"#, r#"["100","7","0","1"]"#));
    assert_eq!(feed.book(0).stamp.state, State::Live);
}

#[test]
fn the_venue_is_in_the_registry() {
    let venue = tickcache::feed::venue("okx").unwrap();
    assert_eq!(venue.defaults(), Okx.defaults());
}
