//! Coinbase's recorded session through decoder, book and witness.

use std::collections::BTreeMap;

use serde_json::Value;
use tickcache::domain::{Channel, PriceLevel, Reason, Request, State};
use tickcache::feed::venue;

use crate::frames;
use crate::plain::{Books, Plain, number};
use crate::session::{Session, decimal, symbols};

pub(crate) const FILE: &str = "coinbase/session-20210417.txt.gz";

/// Levels a side that are published, and compared.
const DEPTH: usize = 1_000;

pub(crate) fn apply(books: &mut Books, frame: &Value) {
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
    let Some(frames) = frames(FILE) else { return };
    let (mut books, mut last) = (Books::new(), BTreeMap::new());
    for (_, frame) in &frames {
        let value: Value = serde_json::from_str(frame).unwrap();
        apply(&mut books, &value);
        if value["type"] == "ticker" {
            last.insert(value["product_id"].as_str().unwrap().to_owned(), value);
        }
    }
    let venue = venue("coinbase").unwrap();
    let mut session = Session::new(venue, &symbols(books.keys().cloned()), DEPTH, frames[0].0);
    for (at, frame) in &frames {
        session.take(*at, frame);
    }
    session.ticks_until(frames.last().unwrap().0 + 3_000_000_000);
    let counts = session.counts();
    assert_eq!((counts.gaps, counts.times_back, counts.unusable), (0, 0, 0));
    assert_eq!(session.seen, (frames.len() as u64 - 3, 3), "three acknowledgements");
    assert_eq!(session.written.reasons.len(), 0, "{:?}", session.written.reasons);
    let is_question = |request: &Request| matches!(request, Request::ConfirmQuote(_));
    assert!(
        session.requests.iter().all(is_question),
        "quiet markets are asked about, no book is asked for again"
    );
    assert!(frames.len() > 8_000 && books.len() == 7);
    for ((symbol, book), index) in books.iter().zip(0_u32..) {
        let record = session.book(index);
        assert_eq!((record.stamp.state, record.checked_levels), (State::Live, None), "{symbol}");
        assert_eq!(session.sides(index), book.sides(DEPTH), "{symbol}");
        let price = session.price(index);
        let best = |level: Option<PriceLevel>| level.map(|level| decimal(level.price.0, price.scales.price));
        assert_eq!([best(price.bid), best(price.ask)], book.best(), "{symbol}");
        assert!(!book.bids.is_empty() && !book.asks.is_empty(), "{symbol}: nothing to compare");
        let volume = session.volume(index);
        let traded = decimal(volume.base_volume.unwrap().0, volume.scales.size);
        assert_eq!(traded, number(&last[symbol]["volume_24h"]), "{symbol}");
    }
}

/// The busiest product: what is lost there for good shows in later trades and tickers.
const BUSIEST: &str = "SKL-USD";

/// Nanoseconds after which a wrong best price has been contradicted often enough.
const FOUND_AFTER: i64 = 6_000_000_000;

/// How long at a stretch the best price is wrong at most without this frame, in nanoseconds.
fn wrong_for(frames: &[(i64, Value)], gone: usize) -> i64 {
    let (mut true_books, mut books) = (Books::new(), Books::new());
    let (mut since, mut longest) = (None, 0);
    for (index, (at, frame)) in frames.iter().enumerate() {
        apply(&mut true_books, frame);
        if index != gone {
            apply(&mut books, frame);
        }
        let best = |books: &Books| books.get(BUSIEST).map(Plain::best);
        since = if best(&books) == best(&true_books) { None } else { since.or(Some(*at)) };
        longest = longest.max(since.map_or(0, |since| at - since));
    }
    longest
}

/// Each change of the busiest product is lost, one a run.
#[test]
fn a_lost_change_that_leaves_the_best_price_wrong_for_long_is_found_and_the_book_is_asked_for_again() {
    let Some(frames) = frames(FILE) else { return };
    let own = frames.into_iter().filter(|(_, frame)| frame.contains(BUSIEST));
    let own = own.filter(|(_, frame)| !frame.contains(r#""subscriptions""#));
    let (frames, values): (Vec<_>, Vec<_>) =
        own.map(|(at, frame)| ((at, frame.clone()), (at, serde_json::from_str(&frame).unwrap()))).unzip();
    let is_change = |index: &usize| frames[*index].1.contains(r#""l2update""#);
    // Every seventh, so that the test takes seconds.
    let lost: Vec<usize> = (0..frames.len()).filter(is_change).step_by(7).collect();
    let lost: Vec<usize> = lost.into_iter().filter(|&gone| wrong_for(&values, gone) >= FOUND_AFTER).collect();
    assert!(!lost.is_empty(), "nothing was lost that matters");
    for gone in lost {
        let venue = venue("coinbase").unwrap();
        let mut session = Session::new(venue, &symbols([BUSIEST.to_owned()]), 20, frames[0].0);
        for (_, (at, frame)) in frames.iter().enumerate().filter(|(index, _)| *index != gone) {
            session.take(*at, frame);
        }
        // A crossed book is found by itself.
        let reasons = &session.written.reasons;
        let doubted =
            [Reason::SourcesDisagree, Reason::CrossedBook].map(|reason| reasons.contains(reason.as_str()));
        assert!(doubted.contains(&true), "frame {gone} is missing: {}", frames[gone].1);
        let is_book = |request: &Request| matches!(request, Request::Resubscribe(subscription) if subscription.channel == Channel::Depth);
        assert!(session.requests.iter().any(is_book), "doubt alone heals nothing");
    }
}

/// The recording holds no heartbeats. Those that the venue would have sent, made of its own trades: one a second and product.
fn with_heartbeats(frames: &[(i64, String)]) -> Vec<(i64, String)> {
    let (mut all, mut newest, mut next) = (Vec::new(), BTreeMap::new(), 0);
    for (at, frame) in frames {
        while *at >= next {
            next = next.max(*at) + 1_000_000_000;
            for (product, id) in &newest {
                all.push((
                    *at,
                    format!(
                        r#"{{"type":"heartbeat","last_trade_id":{id},"product_id":{product},"sequence":1}}"#
                    ),
                ));
            }
        }
        let value: Value = serde_json::from_str(frame).unwrap();
        if ["match", "last_match"].iter().any(|kind| value["type"] == *kind) {
            newest.insert(value["product_id"].to_string(), value["trade_id"].as_u64().unwrap());
        }
        all.push((*at, frame.clone()));
    }
    all
}

/// A product's last trade is the one whose loss no later one makes up for.
#[test]
fn heartbeats_agree_with_the_recorded_trades_and_show_the_one_that_is_taken_away() {
    let Some(frames) = frames(FILE) else { return };
    let values = frames.iter().map(|(_, frame)| serde_json::from_str::<Value>(frame).unwrap());
    let mut newest = BTreeMap::new();
    for (index, value) in values.enumerate().filter(|(_, value)| value["product_id"].is_string()) {
        let newest = newest.entry(value["product_id"].as_str().unwrap().to_owned()).or_insert(None);
        *newest = if value["type"] == "match" { Some(index) } else { *newest };
    }
    let two_heartbeats_later = |index: &usize| frames.last().unwrap().0 - frames[*index].0 > 3_000_000_000;
    let last = newest.values().flatten().copied().find(two_heartbeats_later).expect("a quiet end");
    let products: Vec<String> = newest.into_keys().collect();
    let all = with_heartbeats(&frames);
    for (gone, expected) in [(None, 0), (Some(&frames[last].1), 1)] {
        let mut session =
            Session::new(venue("coinbase").unwrap(), &symbols(products.clone()), 20, frames[0].0);
        for (at, frame) in all.iter().filter(|(_, frame)| Some(frame) != gone) {
            session.take(*at, frame);
        }
        assert!(session.seen.1 > 100, "{} heartbeats and acknowledgements", session.seen.1);
        assert_eq!(session.counts().gaps, expected, "{gone:?}");
        assert_eq!(session.written.reasons.contains(Reason::SourcesDisagree.as_str()), expected == 1);
    }
}
