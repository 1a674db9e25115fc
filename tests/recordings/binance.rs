//! Binance's recorded sessions, spot and USD-M futures: every value is that of the venue's own procedure over plain JSON.

use serde_json::Value;
use tickcache::capture::{Kind, Line};
use tickcache::domain::{Channel, State};
use tickcache::feed::{ChannelNames, VenueProtocol, venue};

use crate::lines;
use crate::plain::{Books, Plain, number};
use crate::session::{Session, decimal, instruments, top};

const DEPTH: usize = 20;

/// How a book is made of a snapshot and the updates around it.
#[derive(Default)]
struct Procedure {
    book: Plain,
    waiting: Vec<Value>,
    last: Option<u64>,
    joined: bool,
}

impl Procedure {
    fn snapshot(&mut self, body: &Value) {
        self.last = body["lastUpdateId"].as_u64();
        self.book.apply(&body["bids"], &body["asks"]);
        // As many as were asked for: there may be more.
        let most = self.book.bids.len().max(self.book.asks.len());
        let is_cut = |levels: usize| levels == most;
        self.book.known = [
            self.book
                .bids
                .first_key_value()
                .filter(|_| is_cut(self.book.bids.len()))
                .map(|(price, _)| *price),
            self.book.asks.last_key_value().filter(|_| is_cut(self.book.asks.len())).map(|(price, _)| *price),
        ];
        for update in std::mem::take(&mut self.waiting) {
            self.update(update);
        }
    }

    fn update(&mut self, update: Value) {
        let Some(last) = self.last else { return self.waiting.push(update) };
        let id = |name: &str| update[name].as_u64().unwrap();
        let is_future = !update["pu"].is_null();
        if self.joined {
            let follows = if is_future { id("pu") == last } else { id("U") == last + 1 };
            assert!(follows, "the recording has no holes");
        } else if (is_future && id("u") < last) || (!is_future && id("u") <= last) {
            return;
        } else {
            let spans = if is_future {
                (id("U") <= last && last <= id("u")) || id("pu") == last
            } else {
                id("U") <= last + 1 && last < id("u")
            };
            assert!(spans, "it spans the snapshot");
            self.joined = true;
        }
        self.book.apply(&update["b"], &update["a"]);
        self.last = Some(id("u"));
    }

    fn line(&mut self, kind: &Kind) {
        match kind {
            Kind::Rest { body, .. } => self.snapshot(&serde_json::from_str(body).unwrap()),
            Kind::Ws { frame } => {
                let mut value: Value = serde_json::from_str(frame).unwrap();
                let data = value["data"].take();
                match channel(&value) {
                    "bookTicker" => {
                        let level = |price: &str, size: &str| (number(&data[price]), number(&data[size]));
                        self.book.quote = Some([level("b", "B"), level("a", "A")]);
                    }
                    "trade" => {}
                    _ => self.update(data),
                }
            }
        }
    }
}

fn channel(frame: &Value) -> &str {
    frame["stream"].as_str().unwrap().split_once('@').unwrap().1
}

/// The book of the one symbol that is recorded.
pub(crate) fn books(lines: &[Line]) -> Books {
    let mut procedure = Procedure::default();
    lines.iter().for_each(|line| procedure.line(&line.kind));
    let symbol = lines.iter().find_map(|line| match &line.kind {
        Kind::Ws { frame } => Some(frame.split('"').nth(3)?.split_once('@')?.0.to_owned()),
        Kind::Rest { .. } => None,
    });
    Books::from([(symbol.unwrap(), procedure.book)])
}

/// How much of each a recording holds at least: books, quotes, trades.
fn every_value_is_that_of_the_procedure(
    venue: &'static dyn VenueProtocol,
    names: &ChannelNames,
    (file, instrument): (&str, &str),
    [books, quotes, trades]: [usize; 3],
) {
    let Some(lines) = lines(file) else { return };
    let start = lines[0].receive_time.nanos();
    let mut session = Session::named(venue, names, &instruments(venue, &[instrument]), DEPTH, start);
    let mut procedure = Procedure::default();
    let mut seen = [0; 3];
    let mut full = 0;
    for line in &lines {
        let at = line.receive_time.nanos();
        procedure.line(&line.kind);
        let frame = match &line.kind {
            Kind::Ws { frame } => frame,
            Kind::Rest { body, .. } => {
                session.snapshot(at, body, 1_000);
                continue;
            }
        };
        session.take(at, frame).expect("market data");
        let value: Value = serde_json::from_str(frame).unwrap();
        match channel(&value) {
            "bookTicker" => {
                let (price, expected) = (session.price(0), procedure.book.quote.unwrap());
                assert_eq!([price.bid, price.ask].map(|side| top(price.scales, side)), expected.map(Some));
                assert_eq!(price.venue_sequence.map(|u| u.0), value["data"]["u"].as_u64());
                assert_eq!(price.stamp.state, State::Live, "{}", price.stamp.reason);
                seen[1] += 1;
            }
            "trade" => {
                let price = session.price(0);
                let last = price.last.unwrap().price;
                assert_eq!(decimal(last.0, price.scales.price), number(&value["data"]["p"]));
                seen[2] += 1;
            }
            _ if procedure.joined => {
                let book = session.book(0);
                assert_eq!(book.venue_sequence.map(|u| u.0), procedure.last);
                assert_eq!(session.sides(0), procedure.book.sides(DEPTH));
                full += usize::from(book.bids.len() == DEPTH && book.asks.len() == DEPTH);
                seen[0] += 1;
            }
            _ => {}
        }
    }
    let counts = session.counts();
    assert_eq!((counts.gaps, counts.times_back, counts.unusable), (0, 0, 0));
    assert!(seen[0] > books && seen[1] > quotes && seen[2] > trades, "{seen:?}");
    assert!(full > 1_000, "{full} books are {DEPTH} levels deep on both sides");
}

#[test]
fn every_value_of_usd_m_futures_is_that_of_the_venues_own_procedure() {
    let venue = venue("binance-usdm").unwrap();
    let mut names = ChannelNames::of(venue.defaults());
    names.0[Channel::Depth as usize] = "depth@0ms".to_owned();
    let recording = ("binance-usdm/btcusdt-20240808.txt.gz", "BTC-USDT-PERP");
    every_value_is_that_of_the_procedure(venue, &names, recording, [6_500, 66_000, 21_000]);
}

#[test]
fn every_value_of_spot_is_that_of_the_venues_own_procedure() {
    let venue = venue("binance").unwrap();
    let names = ChannelNames::of(venue.defaults());
    let btc = ("binance/btcusdt-20240808.txt.gz", "BTC-USDT");
    every_value_is_that_of_the_procedure(venue, &names, btc, [3_400, 28_000, 9_700]);
    let eth = ("binance/ethusdt-20240808.txt.gz", "ETH-USDT");
    every_value_is_that_of_the_procedure(venue, &names, eth, [3_400, 24_000, 6_100]);
}
