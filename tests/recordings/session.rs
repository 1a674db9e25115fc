//! One feed of a venue: frames go through its decoder and `process`, the newest value of each key stays.
//!
//! Owns the way from a frame to values. Judges nothing, reads no frame by itself.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use rust_decimal::Decimal;
use tickcache::domain::{
    Channel, Contract, Entity, EntityDurations, EventPolicy, InstrumentId, KeyEvent, LiquidityRecord,
    MarketEvent, MarketRules, MonoTime, Now, PriceLevel, PriceRecord, Reason, Record, Request, Scale, Scales,
    SessionId, SlotId, State, Subscription, Update, UpdateSink, VolumeRecord, WallTime,
};
use tickcache::feed::{ChannelNames, Frame, FrameDecoder, VenueProtocol};
use tickcache::process::{Book, Counts, FeedState, InstrumentSpec};

use crate::plain::{Level, Side};

const SESSION: SessionId = SessionId(0);

const TICK_NANOS: i64 = 50_000_000;

/// What is watched: the venue's symbol, and what a contract is worth.
pub(crate) type Market = (String, Contract);

/// Instruments in our spelling, as the venue has them.
pub(crate) fn instruments(venue: &dyn VenueProtocol, texts: &[&str]) -> Vec<Market> {
    let market = |text: &&str| {
        let instrument = text.parse().unwrap();
        (venue.symbol(&instrument).unwrap(), venue.contract(&instrument).unwrap())
    };
    texts.iter().map(market).collect()
}

/// Symbols of which one is one.
pub(crate) fn symbols(symbols: impl IntoIterator<Item = String>) -> Vec<Market> {
    symbols.into_iter().map(|symbol| (symbol, Contract::PLAIN)).collect()
}

/// The newest value of every key, and why any of them was ever not to be trusted.
#[derive(Default)]
pub(crate) struct Written {
    records: HashMap<SlotId, Record>,
    pub(crate) reasons: BTreeSet<&'static str>,
    /// Instruments and keys that were ever not live.
    pub(crate) suspect: BTreeSet<(u32, Entity)>,
}

impl UpdateSink for Written {
    fn update(&mut self, update: Update<'_>) {
        let record = update.record.to_record();
        let stamp = record.stamp();
        if !matches!(stamp.reason, Reason::None | Reason::Connecting) {
            self.reasons.insert(stamp.reason.as_str());
        }
        if stamp.state != State::Live {
            self.suspect.insert((update.slot.0 / 3, Entity::ALL[update.slot.0 as usize % 3]));
        }
        self.records.insert(update.slot, record);
    }

    fn event(&mut self, _: KeyEvent) {}
}

/// A feed of some markets on one session, which is alive all the time.
pub(crate) struct Session {
    venue: &'static dyn VenueProtocol,
    state: FeedState,
    decoder: Box<dyn FrameDecoder>,
    routes: BTreeMap<String, Subscription>,
    start: i64,
    ticked: i64,
    pub(crate) written: Written,
    /// Frames of each kind: market data, anything else.
    pub(crate) seen: (u64, u64),
    pub(crate) requests: Vec<Request>,
}

impl Session {
    pub(crate) fn new(
        venue: &'static dyn VenueProtocol,
        markets: &[Market],
        depth: usize,
        start: i64,
    ) -> Self {
        Self::named(venue, &ChannelNames::of(venue.defaults()), markets, depth, start)
    }

    pub(crate) fn named(
        venue: &'static dyn VenueProtocol,
        names: &ChannelNames,
        markets: &[Market],
        depth: usize,
        start: i64,
    ) -> Self {
        let price_from = venue.defaults().price_from();
        let mut routes = BTreeMap::new();
        let mut specs = Vec::new();
        for ((symbol, contract), index) in markets.iter().zip(0_u32..) {
            // The first channel of a stream is what its data is counted under, as in a session of the engine.
            for channel in Channel::ALL.into_iter().rev() {
                let stream = venue.stream(symbol, channel, names.get(channel), depth);
                routes.insert(stream.route, Subscription { instrument: InstrumentId(index), channel });
            }
            specs.push(InstrumentSpec {
                slots: Entity::ALL.into_iter().zip((3 * index..).map(SlotId)).collect(),
                depth,
                sessions: Channel::ALL.map(|channel| (channel, SESSION)).to_vec(),
                rules: MarketRules {
                    book: venue.book_rules(depth),
                    price_from,
                    ticker_top: venue.ticker_top(price_from),
                    contract: *contract,
                },
            });
        }
        let silence = Duration::from_secs(600);
        let silence = EntityDurations { price: silence, liquidity: silence, volume: silence };
        let at = now(start, start);
        Self {
            venue,
            state: FeedState::new(&specs, 1, silence, Duration::ZERO, EventPolicy::default(), at),
            decoder: venue.decoder(names),
            routes,
            start,
            ticked: start,
            written: Written::default(),
            seen: (0, 0),
            requests: Vec::new(),
        }
    }

    /// Takes a frame, which must be understood; `None` where it was no market data.
    pub(crate) fn take(&mut self, at: i64, frame: &str) -> Option<Subscription> {
        self.ticks_until(at);
        let taken = match self.decoder.decode(frame.as_bytes()).expect(frame) {
            Frame::Market { stream, event } => {
                let subscription = *self.routes.get(stream).expect(stream);
                self.state.event(SESSION, subscription, &event, now(self.start, at), &mut self.written);
                Some(subscription)
            }
            // It is no data of the stream.
            Frame::Counted { stream, newest } => {
                let (subscription, event) = (self.routes[stream], MarketEvent::NewestTrade(newest));
                self.state.event(SESSION, subscription, &event, now(self.start, at), &mut self.written);
                None
            }
            _ => None,
        };
        *(if taken.is_some() { &mut self.seen.0 } else { &mut self.seen.1 }) += 1;
        self.requests.extend(std::iter::from_fn(|| self.state.next_request()));
        taken
    }

    /// Answers a request for a snapshot that must be waiting.
    pub(crate) fn snapshot(&mut self, at: i64, body: &str, limit: usize) {
        let Some(Request::Snapshot(instrument, _)) = self.requests.pop() else { panic!("nobody asks") };
        let snapshot = self.venue.parse_snapshot(body.as_bytes(), limit).unwrap();
        let book = Book::from_snapshot(&snapshot).unwrap();
        let now = now(self.start, at);
        self.state.snapshot(instrument, book, now.mono, now, &mut self.written);
    }

    pub(crate) fn ticks_until(&mut self, at: i64) {
        while self.ticked + TICK_NANOS <= at {
            self.ticked += TICK_NANOS;
            let now = now(self.start, self.ticked);
            self.state.heard(SESSION, now);
            self.state.tick(now, &mut self.written);
            self.requests.extend(std::iter::from_fn(|| self.state.next_request()));
        }
    }

    pub(crate) fn counts(&mut self) -> Counts {
        self.state.take_counts()
    }

    fn record(&self, market: u32, entity: Entity) -> &Record {
        let place = Entity::ALL.iter().zip(3 * market..).find(|(known, _)| **known == entity).unwrap().1;
        &self.written.records[&SlotId(place)]
    }

    pub(crate) fn price(&self, market: u32) -> &PriceRecord {
        match self.record(market, Entity::Price) {
            Record::Price(record) => record,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn book(&self, market: u32) -> &LiquidityRecord {
        match self.record(market, Entity::Liquidity) {
            Record::Liquidity(record) => record,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn volume(&self, market: u32) -> &VolumeRecord {
        match self.record(market, Entity::Volume) {
            Record::Volume(record) => record,
            other => panic!("{other:?}"),
        }
    }

    /// The bids and asks that were published.
    pub(crate) fn sides(&self, market: u32) -> [Side; 2] {
        let book = self.book(market);
        [&book.bids, &book.asks].map(|side| {
            side.iter()
                .map(|one| (decimal(one.price.0, book.scales.price), decimal(one.size.0, book.scales.size)))
                .collect()
        })
    }
}

pub(crate) fn top(scales: Scales, level: Option<PriceLevel>) -> Option<Level> {
    level.map(|level| {
        (decimal(level.price.0, scales.price), decimal(level.size.expect("sized").0, scales.size))
    })
}

pub(crate) fn decimal(mantissa: i128, scale: Scale) -> Decimal {
    Decimal::from_i128_with_scale(mantissa, u32::from(scale.digits())).normalize()
}

fn now(start: i64, at: i64) -> Now {
    // Not zero: a start is before everything.
    let mono = u64::try_from(at - start).unwrap() + 1_000_000_000;
    Now { wall: WallTime::from_nanos(at), mono: MonoTime::from_nanos(mono) }
}
