//! The guarantees of a feed's state, with time as an argument.

use std::time::Duration;

use super::{Book, FeedState, InstrumentSpec, Thresholds};
use crate::domain::{
    Channel, DepthDelta, DepthSnapshot, Entity, InstrumentId, LiquidityRecord, MarketEvent, MonoTime, Now,
    Number, PriceRecord, Quote, RawLevel, Reason, Record, Request, SessionId, SlotId, State, Subscription,
    Trade, Update, UpdateSink, Urgency, VenueSequence, VolumeRecord, WallTime,
};

const QUOTES: SessionId = SessionId(0);
const BOOKS: SessionId = SessionId(1);
const BTC: InstrumentId = InstrumentId(0);
const ETH: InstrumentId = InstrumentId(1);
const START: i64 = 1_795_000_000_000_000_000;

#[derive(Default)]
struct Written(Vec<(SlotId, Record, Urgency)>);

impl UpdateSink for Written {
    fn update(&mut self, update: Update<'_>) {
        self.0.push((update.slot, update.record.to_record(), update.urgency));
    }
}

/// Two instruments, prices and books on two sessions, thresholds of ten seconds.
struct Fixture {
    state: FeedState,
    written: Written,
}

fn at_ms(millis: u64) -> Now {
    let wall = START + i64::try_from(millis * 1_000_000).unwrap();
    Now { wall: WallTime::from_nanos(wall), mono: MonoTime::from_nanos(millis * 1_000_000) }
}

fn number(text: &str) -> Number {
    Number::parse(text.as_bytes()).unwrap()
}

fn level(price: &str, size: &str) -> RawLevel {
    RawLevel { price: number(price), size: number(size) }
}

fn quote(u: u64, bid: &str, ask: &str) -> Quote {
    Quote {
        bid: Some(level(bid, "1")),
        ask: Some(level(ask, "2")),
        venue_sequence: Some(VenueSequence(u)),
        venue_time: None,
    }
}

impl Fixture {
    fn new() -> Self {
        let spec = |first: u32| InstrumentSpec {
            slots: vec![
                (Entity::Price, SlotId(first)),
                (Entity::Liquidity, SlotId(first + 1)),
                (Entity::Volume, SlotId(first + 2)),
            ],
            depth: 2,
            sessions: vec![
                (Channel::Quote, QUOTES),
                (Channel::Trade, QUOTES),
                (Channel::Depth, BOOKS),
                (Channel::Volume, BOOKS),
            ],
        };
        let seconds = Duration::from_secs;
        let silence = Thresholds { price: seconds(10), liquidity: seconds(10), volume: seconds(60) };
        Self { state: FeedState::new(&[spec(0), spec(3)], 2, silence, at_ms(0)), written: Written::default() }
    }

    fn quote(&mut self, millis: u64, quote: Quote) {
        let subscription = Subscription { instrument: BTC, channel: Channel::Quote };
        self.state.event(QUOTES, subscription, &MarketEvent::Quote(quote), at_ms(millis), &mut self.written);
    }

    fn depth(&mut self, millis: u64, instrument: InstrumentId, first: u64, last: u64, bids: &[RawLevel]) {
        let delta = DepthDelta {
            first: VenueSequence(first),
            last: VenueSequence(last),
            bids,
            asks: &[],
            venue_time: None,
        };
        let subscription = Subscription { instrument, channel: Channel::Depth };
        self.state.event(BOOKS, subscription, &MarketEvent::Depth(delta), at_ms(millis), &mut self.written);
    }

    fn snapshot(&mut self, millis: u64, instrument: InstrumentId, last: u64) {
        let snapshot = DepthSnapshot {
            last: VenueSequence(last),
            bids: vec![level("100", "1"), level("99", "1"), level("98", "1")],
            asks: vec![level("101", "1"), level("102", "1"), level("103", "1")],
            limit: 3,
            venue_time: None,
        };
        let book = Book::from_snapshot(&snapshot).unwrap();
        self.state.snapshot(instrument, book, at_ms(millis), &mut self.written);
    }

    /// Ticks every 50 ms from `from` to `to`, with a frame on these sessions each time.
    fn ticks(&mut self, from: u64, to: u64, heard: &[SessionId]) {
        for millis in (from..=to).step_by(50) {
            for &session in heard {
                self.state.heard(session, at_ms(millis));
            }
            self.state.tick(at_ms(millis), &mut self.written);
        }
    }

    fn requests(&mut self) -> Vec<Request> {
        std::iter::from_fn(|| self.state.next_request()).collect()
    }

    fn take(&mut self, slot: u32) -> Vec<Record> {
        let (own, others) = self.written.0.drain(..).partition(|(written, ..)| *written == SlotId(slot));
        self.written.0 = others;
        let own: Vec<(SlotId, Record, Urgency)> = own;
        own.into_iter().map(|(_, record, _)| record).collect()
    }

    fn prices(&mut self) -> Vec<PriceRecord> {
        let price = |record| match record {
            Record::Price(record) => record,
            Record::Liquidity(_) | Record::Volume(_) => panic!("slot 0 holds prices"),
        };
        self.take(0).into_iter().map(price).collect()
    }

    fn books(&mut self) -> Vec<LiquidityRecord> {
        let book = |record| match record {
            Record::Liquidity(record) => record,
            Record::Price(_) | Record::Volume(_) => panic!("slot 1 holds books"),
        };
        self.take(1).into_iter().map(book).collect()
    }
}

fn verdicts(records: &[PriceRecord]) -> Vec<(State, Reason)> {
    records.iter().map(|record| (record.stamp.state, record.stamp.reason)).collect()
}

#[test]
fn a_key_is_suspect_until_the_first_data_and_live_from_then_on() {
    let mut feed = Fixture::new();
    feed.state.announce(at_ms(0), &mut feed.written);
    feed.quote(10, quote(7, "99.5", "100"));
    let prices = feed.prices();
    assert_eq!(verdicts(&prices), [(State::Suspect, Reason::Connecting), (State::Live, Reason::None)]);
    assert_eq!(prices[0].bid, None);
    let record = &prices[1];
    let bid = record.bid.map(|level| record.scales.price_number(level.price).to_string());
    assert_eq!((bid.as_deref(), record.venue_sequence), (Some("99.5"), Some(VenueSequence(7))));
    assert_eq!(record.stamp.receive_time, at_ms(10).wall.received());
    assert_eq!(record.stamp.venue_time, None, "spot quotes carry no venue time, ours never takes its place");
}

#[test]
fn the_end_of_a_session_makes_its_keys_suspect_once_and_no_others() {
    let mut feed = Fixture::new();
    feed.quote(10, quote(7, "99", "100"));
    feed.depth(10, BTC, 1, 5, &[]);
    feed.snapshot(20, BTC, 5);
    feed.prices();
    feed.books();
    feed.state.session_down(QUOTES, at_ms(30), &mut feed.written);
    feed.state.session_down(QUOTES, at_ms(40), &mut feed.written);
    feed.ticks(50, 5_000, &[BOOKS]);
    let prices = feed.prices();
    assert_eq!(verdicts(&prices), [(State::Suspect, Reason::Disconnected)], "once, then left to expire");
    assert!(prices[0].bid.is_some(), "the last known price stays readable");
    assert!(feed.books().iter().all(|book| book.stamp.state == State::Live));
    feed.quote(5_100, quote(3, "98", "99"));
    let prices = feed.prices();
    assert_eq!(verdicts(&prices), [(State::Live, Reason::None)], "a new session may number from anywhere");
}

#[test]
fn a_key_without_data_stays_connecting_while_its_session_comes_and_goes() {
    let mut feed = Fixture::new();
    feed.state.announce(at_ms(0), &mut feed.written);
    feed.state.session_down(QUOTES, at_ms(30), &mut feed.written);
    assert_eq!(verdicts(&feed.prices()), [(State::Suspect, Reason::Connecting)]);
}

#[test]
fn a_quiet_price_is_confirmed_every_second_while_its_session_is_heard() {
    let mut feed = Fixture::new();
    feed.quote(0, quote(7, "99", "100"));
    feed.prices();
    feed.ticks(50, 9_000, &[QUOTES]);
    let prices = feed.prices();
    assert!((9..=11).contains(&prices.len()), "{} in nine seconds", prices.len());
    for pair in prices.windows(2) {
        assert!(pair[0].stamp.confirmed_time < pair[1].stamp.confirmed_time);
        let apart = pair[1].stamp.confirmed_time.nanos() - pair[0].stamp.confirmed_time.nanos();
        assert!(apart <= 1_000_000_000, "{apart} ns between two confirmations");
        assert_eq!(pair[0].stamp.receive_time, pair[1].stamp.receive_time, "the quote itself did not change");
    }
}

#[test]
fn a_session_that_is_not_heard_confirms_nothing() {
    let mut feed = Fixture::new();
    feed.quote(0, quote(7, "99", "100"));
    feed.prices();
    feed.ticks(50, 5_000, &[]);
    let confirmed = at_ms(0).wall.received().confirmed();
    assert!(feed.prices().iter().all(|price| price.stamp.confirmed_time == confirmed));
}

#[test]
fn a_session_that_is_heard_vouches_for_no_subscription_that_never_delivered() {
    let mut feed = Fixture::new();
    feed.ticks(50, 30_000, &[QUOTES, BOOKS]);
    assert!(feed.written.0.is_empty(), "nothing was delivered, nothing is confirmed");
}

#[test]
fn silence_beyond_the_threshold_is_probed_and_an_agreeing_answer_keeps_the_price_live() {
    let mut feed = Fixture::new();
    feed.quote(0, quote(7, "99", "100"));
    feed.ticks(50, 10_100, &[QUOTES]);
    assert_eq!(feed.requests(), [Request::ConfirmQuote(BTC)]);
    let before = feed.prices().last().unwrap().stamp.confirmed_time;
    assert!(
        before <= at_ms(10_000).wall.received().confirmed(),
        "beyond the threshold only the probe confirms"
    );
    feed.state.quote_confirmation(BTC, &quote(0, "99", "100"), at_ms(10_300), &mut feed.written);
    let price = feed.prices().pop().unwrap();
    assert_eq!(
        (price.stamp.state, price.stamp.confirmed_time),
        (State::Live, at_ms(10_300).wall.received().confirmed())
    );
}

#[test]
fn silence_that_nothing_confirms_is_suspect_and_ends_with_the_next_answer() {
    let mut feed = Fixture::new();
    feed.quote(0, quote(7, "99", "100"));
    feed.ticks(50, 15_200, &[QUOTES]);
    assert_eq!(feed.requests(), [Request::ConfirmQuote(BTC), Request::ConfirmQuote(BTC)], "asked again");
    assert_eq!(verdicts(&feed.prices()).pop(), Some((State::Suspect, Reason::Silent)));
    feed.state.quote_confirmation(BTC, &quote(0, "99", "100"), at_ms(16_000), &mut feed.written);
    assert_eq!(verdicts(&feed.prices()), [(State::Live, Reason::None)]);
}

#[test]
fn a_probe_that_finds_another_price_proves_the_subscription_dead() {
    let mut feed = Fixture::new();
    feed.quote(0, quote(7, "99", "100"));
    feed.ticks(50, 10_100, &[QUOTES]);
    feed.requests();
    feed.state.quote_confirmation(BTC, &quote(0, "98", "99"), at_ms(10_200), &mut feed.written);
    feed.ticks(10_250, 15_300, &[QUOTES]);
    let subscription = Subscription { instrument: BTC, channel: Channel::Quote };
    assert_eq!(feed.requests(), [Request::Resubscribe(subscription)]);
    assert_eq!(verdicts(&feed.prices()).pop(), Some((State::Suspect, Reason::Silent)));
}

#[test]
fn an_older_quote_never_replaces_a_newer_one_and_many_of_them_ask_for_a_new_subscription() {
    let mut feed = Fixture::new();
    feed.quote(0, quote(100, "99", "100"));
    feed.prices();
    for turn in 0..15 {
        feed.quote(1 + turn, quote(50 + turn, "90", "91"));
    }
    assert_eq!(feed.prices(), []);
    assert_eq!(feed.requests(), []);
    feed.quote(20, quote(80, "90", "91"));
    assert_eq!(verdicts(&feed.prices()), [(State::Suspect, Reason::SequenceGap)]);
    assert_eq!(feed.requests().len(), 1);
    feed.quote(21, quote(81, "90", "91"));
    assert_eq!(verdicts(&feed.prices()), [(State::Live, Reason::None)]);
}

#[test]
fn a_crossed_quote_is_told_as_it_is_and_suspect() {
    let mut feed = Fixture::new();
    feed.quote(0, quote(1, "100", "100"));
    feed.quote(1, quote(2, "99", "100"));
    let prices = feed.prices();
    assert_eq!(verdicts(&prices), [(State::Suspect, Reason::CrossedBook), (State::Live, Reason::None)]);
}

#[test]
fn a_gap_resynchronises_that_instrument_only() {
    let mut feed = Fixture::new();
    for instrument in [BTC, ETH] {
        feed.depth(0, instrument, 1, 5, &[]);
        assert_eq!(feed.requests(), [Request::Snapshot(instrument)]);
        feed.snapshot(10, instrument, 5);
    }
    feed.books();
    feed.take(4);
    feed.depth(20, BTC, 8, 9, &[level("99", "7")]);
    let books = feed.books();
    assert_eq!((books.len(), books[0].stamp.reason), (1, Reason::SequenceGap));
    assert_eq!(feed.requests(), [Request::Snapshot(BTC)]);
    assert_eq!(feed.take(4), [], "the other instrument is none of its business");
    feed.depth(30, BTC, 10, 11, &[level("98", "0")]);
    assert_eq!(feed.books(), [], "nothing is published off a book with a hole");
    feed.snapshot(40, BTC, 8);
    let book = feed.books().pop().unwrap();
    assert_eq!((book.stamp.state, book.venue_sequence), (State::Live, Some(VenueSequence(11))));
    let bids: Vec<_> = book.bids.iter().map(|level| (level.price.0, level.size.0)).collect();
    assert_eq!(bids, [(100, 1), (99, 7)], "the delta that waited was applied to the snapshot");
}

#[test]
fn levels_that_a_snapshot_does_not_reach_are_asked_for_and_not_made_up() {
    let mut feed = Fixture::new();
    feed.depth(0, BTC, 1, 5, &[]);
    feed.snapshot(10, BTC, 5);
    feed.requests();
    feed.depth(20, BTC, 6, 7, &[level("100", "0"), level("99", "0"), level("90", "4")]);
    let book = feed.books().pop().unwrap();
    assert_eq!(book.bids.len(), 1, "98 is known, 90 is known, what lies between is not");
    assert_eq!((book.stamp.state, book.checked_levels), (State::Live, Some(2)));
    feed.ticks(20_050, 20_100, &[BOOKS]);
    assert_eq!(feed.requests(), [Request::Snapshot(BTC)]);
}

#[test]
fn an_unchanged_snapshot_confirms_a_quiet_book() {
    let mut feed = Fixture::new();
    feed.depth(0, BTC, 1, 5, &[]);
    feed.snapshot(10, BTC, 5);
    feed.requests();
    feed.ticks(50, 10_100, &[BOOKS]);
    assert_eq!(feed.requests(), [Request::Snapshot(BTC)]);
    feed.books();
    feed.snapshot(10_200, BTC, 5);
    let book = feed.books().pop().unwrap();
    assert_eq!((book.stamp.state, book.stamp.receive_time), (State::Live, at_ms(10).wall.received()));
    assert_eq!(book.stamp.confirmed_time, at_ms(10_200).wall.received().confirmed());
}

#[test]
fn a_trade_changes_the_last_price_and_none_of_the_quotes_times() {
    let mut feed = Fixture::new();
    feed.quote(0, quote(1, "99", "100"));
    let subscription = Subscription { instrument: BTC, channel: Channel::Trade };
    let trade = Trade {
        price: number("99.125"),
        size: number("0.5"),
        side: crate::domain::Side::Sell,
        venue_time: None,
    };
    feed.state.event(QUOTES, subscription, &MarketEvent::Trade(trade), at_ms(70), &mut feed.written);
    let price = feed.prices().pop().unwrap();
    let last = price.last.unwrap();
    assert_eq!(price.scales.price_number(last.price).to_string(), "99.125");
    assert_eq!(
        price.bid.map(|level| price.scales.price_number(level.price).to_string()).as_deref(),
        Some("99.000")
    );
    assert_eq!(last.receive_time, Some(at_ms(70).wall.received()));
    assert_eq!(price.stamp.receive_time, at_ms(0).wall.received());
}

#[test]
fn a_number_that_fits_nowhere_makes_the_price_suspect_instead_of_old() {
    let mut feed = Fixture::new();
    feed.quote(0, quote(1, "99", "100"));
    feed.quote(1, quote(2, "99", "99999999999999999999999"));
    let prices = feed.prices();
    assert_eq!(verdicts(&prices).pop(), Some((State::Suspect, Reason::SequenceGap)));
    assert_eq!(feed.state.take_counts().unusable, 1);
}

#[test]
fn a_stopping_writer_leaves_every_key_suspect_and_nothing_changes_afterwards() {
    let mut feed = Fixture::new();
    feed.quote(0, quote(1, "99", "100"));
    feed.written.0.clear();
    feed.state.stop(at_ms(10), &mut feed.written);
    let stopped = |record: &Record| record.stamp().reason == Reason::WriterStopping;
    assert_eq!(
        feed.written.0.iter().filter(|(_, record, _)| stopped(record)).count(),
        6,
        "two instruments, three keys"
    );
    assert!(feed.written.0.iter().all(|(.., urgency)| *urgency == Urgency::First));
    feed.written.0.clear();
    feed.quote(20, quote(2, "98", "99"));
    feed.state.session_down(QUOTES, at_ms(30), &mut feed.written);
    feed.ticks(50, 5_000, &[QUOTES]);
    assert!(feed.written.0.is_empty());
    assert_eq!(feed.state.states(), [0, 6, 0]);
}

#[test]
fn an_acknowledged_and_silent_subscription_says_so() {
    let mut feed = Fixture::new();
    let subscription = Subscription { instrument: BTC, channel: Channel::Volume };
    feed.state.no_first_data(subscription, at_ms(10_000), &mut feed.written);
    let volumes = feed.take(2);
    let [Record::Volume(VolumeRecord { stamp, .. })] = &volumes[..] else { panic!("{volumes:?}") };
    assert_eq!((stamp.state, stamp.reason), (State::Suspect, Reason::NoFirstData));
}
