//! A recorded session of OKX into books: each is what a plain reading of the same JSON comes to, and every checksum holds.
//!
//! What the recording does not hold (sequences, contracts worth more than one) is made here, in the venue's form.

use rust_decimal::Decimal;
use serde_json::Value;
use tickcache::domain::{Entity, Reason, SizeUnit, State};
use tickcache::feed::VenueProtocol;
use tickcache::feed::okx::Okx;

use crate::frames;
use crate::plain::{Books, Plain, Side};
use crate::session::{Session, decimal, instruments};

pub(crate) const FILE: &str = "okx/session-20220513.txt.gz";

const SYMBOLS: [&str; 2] = ["BTC-USDT", "BTC-USD-220527"];
const INSTRUMENTS: [&str; 2] = ["BTC-USDT", "BTC-USD-20220527"];

fn session(texts: &[&str], depth: usize, start: i64) -> Session {
    Session::new(&Okx, &instruments(&Okx, texts), depth, start)
}

/// Which book was changed; `None` where it was none.
pub(crate) fn read(books: &mut Books, frame: &str) -> Option<String> {
    let frame: Value = serde_json::from_str(frame).unwrap();
    if frame["arg"]["channel"] != "books" || frame["data"].is_null() {
        return None;
    }
    let symbol = frame["arg"]["instId"].as_str()?;
    let book = books.entry(symbol.to_owned()).or_default();
    if frame["action"] == "snapshot" {
        *book = Plain::default();
    }
    book.apply(&frame["data"][0]["bids"], &frame["data"][0]["asks"]);
    Some(symbol.to_owned())
}

#[test]
fn recorded_books_are_the_venues_and_every_checksum_holds() {
    let Some(frames) = frames(FILE) else { return };
    let mut session = session(&INSTRUMENTS, 400, frames[0].0);
    let mut plain = Books::new();
    let mut books = 0;
    for (time, text) in &frames {
        session.take(*time, text);
        let Some(symbol) = read(&mut plain, text) else { continue };
        books += 1;
        let index = SYMBOLS.iter().position(|known| symbol == *known).unwrap();
        let worth = [Decimal::ONE, Decimal::from(100)][index];
        let expected = plain[&symbol]
            .sides(400)
            .map(|side| -> Side { side.into_iter().map(|(price, size)| (price, size * worth)).collect() });
        let index = u32::try_from(index).unwrap();
        assert_eq!(session.sides(index), expected, "book {books}");
        let book = session.book(index);
        assert_eq!((book.stamp.state, book.checked_levels), (State::Live, Some(25)), "book {books}");
    }
    assert_eq!(books, 197);
    assert_eq!(session.book(1).size_unit, SizeUnit::Quote);
    let suspect: Vec<_> = session.written.suspect.iter().copied().collect();
    assert_eq!(suspect, [(0, Entity::Price), (1, Entity::Price)], "of which there was no quote");
    let counts = session.counts();
    assert_eq!((counts.gaps, counts.mismatches, counts.unusable), (0, 0, 0));
    assert_eq!(counts.taken, [0, 73, 197, 27]);
}

/// One digit in one level is enough.
#[test]
fn a_level_that_was_changed_on_the_way_is_found_by_the_checksum() {
    let Some(frames) = frames(FILE) else { return };
    let mut session = session(&INSTRUMENTS, 10, frames[0].0);
    let of_books = frames.iter().filter(|(_, text)| text.contains(r#""books","instId":"BTC-USDT""#));
    for (time, text) in of_books.filter(|(_, text)| text.contains("\"data\"")).take(20) {
        session.take(*time, &text.replace(r#"["30243.5","1.44679""#, r#"["30243.5","1.44678""#));
    }
    let book = session.book(0);
    assert_eq!((book.stamp.state, book.stamp.reason), (State::Suspect, Reason::ChecksumMismatch));
    assert_eq!(session.counts().mismatches, 1, "what follows waits for a new image");
}

fn book(action: &str, sequence: &str, bid: &str) -> String {
    format!(
        r#"{{"arg":{{"channel":"books","instId":"BTC-USDT-SWAP"}},"action":"{action}","data":[{{"asks":[["101","5","0","1"]],"bids":[{bid}],"ts":"1000","checksum":0{sequence}}}]}}"#
    )
}

#[test]
fn contracts_are_multiplied_out_and_sequences_followed() {
    let mut session = session(&["BTC-USDT-PERP"], 10, 0);
    let quote = r#"{"arg":{"channel":"bbo-tbt","instId":"BTC-USDT-SWAP"},"data":[{"asks":[["101","5","0","1"]],"bids":[["100","7","0","1"]],"ts":"1000","seqId":10}]}"#;
    assert!(session.take(1, quote).is_some());
    let record = session.price(0);
    let bid = record.bid.unwrap();
    assert_eq!(decimal(bid.price.0, record.scales.price), Decimal::from(100));
    assert_eq!(decimal(bid.size.unwrap().0, record.scales.size), Decimal::new(7, 2));
    session.take(2, &book("snapshot", r#","seqId":10,"prevSeqId":-1"#, r#"["100","7","0","1"]"#));
    session.take(3, &book("update", r#","seqId":15,"prevSeqId":10"#, r#"["99","1","0","1"]"#));
    session
        .take(4, &book("update", r#","seqId":15,"prevSeqId":15"#, "").replace(r#"["101","5","0","1"]"#, ""));
    session.take(5, &book("update", r#","seqId":3,"prevSeqId":15"#, r#"["98","2","0","1"]"#));
    let bids = |sizes: [i64; 3]| -> Side {
        [100_i64, 99, 98]
            .into_iter()
            .zip(sizes)
            .map(|(price, size)| (price.into(), Decimal::new(size, 2)))
            .collect()
    };
    assert_eq!(session.sides(0)[0], bids([7, 1, 2]));
    assert_eq!((session.book(0).stamp.state, session.book(0).checked_levels), (State::Live, Some(3)));
    session.take(6, &book("update", r#","seqId":8,"prevSeqId":7"#, r#"["97","2","0","1"]"#));
    assert_eq!(session.book(0).stamp.reason, Reason::SequenceGap);
    assert_eq!(session.counts().gaps, 1);
}

#[test]
fn an_update_with_neither_sequence_nor_checksum_makes_the_book_suspect_and_an_image_heals_it() {
    let mut session = session(&["BTC-USDT-PERP"], 10, 0);
    session.take(1, &book("snapshot", "", r#"["100","7","0","1"]"#));
    assert_eq!(session.book(0).stamp.state, State::Live);
    session.take(2, &book("update", "", r#"["99","1","0","1"]"#));
    assert_eq!(
        (session.book(0).stamp.state, session.book(0).stamp.reason),
        (State::Suspect, Reason::SequenceGap)
    );
    assert_eq!(session.sides(0)[0].len(), 2, "it is told all the same");
    session.take(3, &book("snapshot", r#","seqId":10,"prevSeqId":-1"#, r#"["100","7","0","1"]"#));
    assert_eq!(session.book(0).stamp.state, State::Live);
}

#[test]
fn the_venue_is_in_the_registry() {
    let venue = tickcache::feed::venue("okx").unwrap();
    assert_eq!(venue.defaults(), Okx.defaults());
}
