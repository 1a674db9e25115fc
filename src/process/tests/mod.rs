//! The guarantees of a feed's state, with time as an argument. This file holds what the tests have in common.

mod books;
mod chained;
mod events;
mod halts;
mod listing;
mod moves;
mod quality;
mod sync;
mod truth;
mod witness;

use std::time::Duration;

use super::{Book, FeedState, InstrumentSpec};
use crate::domain::{
    Anchor, BookRules, Channel, Contract, Coverage, DepthDelta, DepthSnapshot, Entity, EntityDurations,
    EventPolicy, Form, InstrumentId, KeyEvent, Link, LiquidityRecord, MarketEvent, MarketRules, MonoTime,
    Now, Number, PriceFrom, PriceRecord, Quote, RawLevel, Reason, Record, Request, SessionId, SlotId, State,
    Subscription, TickerTop, Trade, Update, UpdateSink, Urgency, VenueSequence, VolumeFigures, VolumeRecord,
    VolumeUnit, WallTime,
};

const QUOTES: SessionId = SessionId(0);
const BOOKS: SessionId = SessionId(1);
const BTC: InstrumentId = InstrumentId(0);
const ETH: InstrumentId = InstrumentId(1);
const START: i64 = 1_795_000_000_000_000_000;

const RULES: MarketRules = MarketRules {
    book: BookRules { anchor: Anchor::Rest, window: None, checksum: None, coverage: Coverage::Everything },
    price_from: PriceFrom::Bbo,
    ticker_top: TickerTop::Nothing,
    contract: Contract::PLAIN,
};

/// Figures that say nothing.
const FIGURES: VolumeFigures = VolumeFigures {
    form: Form::Whole,
    unit: VolumeUnit::Base,
    base_volume: None,
    quote_volume: None,
    trade_count: None,
    open: None,
    high: None,
    low: None,
    last: None,
    window_s: 86_400,
    venue_time: None,
};

#[derive(Default)]
struct Written(Vec<(SlotId, Record, Urgency)>, Vec<KeyEvent>);

impl UpdateSink for Written {
    fn update(&mut self, update: Update<'_>) {
        self.0.push((update.slot, update.record.to_record(), update.urgency));
    }

    fn event(&mut self, event: KeyEvent) {
        self.1.push(event);
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
        Self::with(EventPolicy::default())
    }

    fn with(policy: EventPolicy) -> Self {
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
            rules: RULES,
        };
        let seconds = Duration::from_secs;
        let silence = EntityDurations { price: seconds(10), liquidity: seconds(10), volume: seconds(60) };
        let state = FeedState::new(&[spec(0), spec(3)], 2, silence, seconds(1), policy, at_ms(0));
        Self { state, written: Written::default() }
    }

    fn quote(&mut self, millis: u64, quote: Quote) {
        let subscription = Subscription { instrument: BTC, channel: Channel::Quote };
        self.state.event(QUOTES, subscription, &MarketEvent::Quote(quote), at_ms(millis), &mut self.written);
    }

    fn depth(&mut self, millis: u64, instrument: InstrumentId, first: u64, last: u64, bids: &[RawLevel]) {
        let delta = DepthDelta {
            link: Link::From(VenueSequence(first)),
            last: Some(VenueSequence(last)),
            bids,
            asks: &[],
            venue_time: None,
            check: None,
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
        self.state.snapshot(instrument, book, at_ms(millis).mono, at_ms(millis), &mut self.written);
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
