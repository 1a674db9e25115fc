//! Recorded sessions through a venue's decoder and `process`, by public names only, and a plain reading of a book to compare
//! with.
//!
//! Owns the replay and the comparison. Never decodes by itself: each test reads its venue's frames a second time, its own way.

#![allow(dead_code, unreachable_pub, reason = "shared by several test binaries, each of which uses a part")]

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::PathBuf;
use std::time::Duration;

use rust_decimal::Decimal;
use tickcache::capture::{Kind, Line, Reader};
use tickcache::domain::{
    Channel, Entity, EntityDurations, EventPolicy, InstrumentId, LiquidityRecord, MarketRules, MonoTime, Now,
    Number, PriceRecord, Reason, Record, Request, SessionId, SlotId, Subscription, Update, UpdateSink,
    VolumeRecord, WallTime,
};
use tickcache::feed::{ChannelNames, Frame, FrameDecoder, VenueProtocol};
use tickcache::process::{FeedState, InstrumentSpec};

const SESSION: SessionId = SessionId(0);

const TICK_NANOS: i64 = 50_000_000;

/// The recordings of a venue; says so where there are none.
#[expect(clippy::print_stdout, reason = "says that there was nothing to test with")]
pub fn captures(venue: &str) -> Vec<PathBuf> {
    let root = std::env::var_os("TICKCACHE_CAPTURES")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/captures"), PathBuf::from);
    let files = std::fs::read_dir(root.join(venue)).into_iter().flatten().flatten();
    let files: Vec<PathBuf> =
        files.map(|file| file.path()).filter(|path| path.to_string_lossy().ends_with(".txt.gz")).collect();
    if files.is_empty() {
        println!("skipped: no captures of {venue} (TICKCACHE_CAPTURES, or ../shared/captures)");
    }
    files
}

/// The websocket frames of a recording, with their times of receipt.
pub fn frames(file: &PathBuf) -> Vec<(i64, String)> {
    let lines: Vec<Line> = Reader::open(file).unwrap().map(Result::unwrap).collect();
    let frames = lines.iter().filter(|line| matches!(line.kind, Kind::Ws { .. }));
    frames.map(|line| (line.receive_time.nanos(), line.payload().to_owned())).collect()
}

/// The newest value of every key, and why any of them was ever not to be trusted.
#[derive(Default)]
pub struct Written {
    records: HashMap<SlotId, Record>,
    pub reasons: BTreeSet<String>,
}

impl UpdateSink for Written {
    fn update(&mut self, update: Update<'_>) {
        let record = update.record.to_record();
        let stamp = match &record {
            Record::Price(record) => record.stamp,
            Record::Liquidity(record) => record.stamp,
            Record::Volume(record) => record.stamp,
        };
        if !matches!(stamp.reason, Reason::None | Reason::Connecting) {
            self.reasons.insert(format!("{:?}", stamp.reason));
        }
        self.records.insert(update.slot, record);
    }

    fn event(&mut self, _: tickcache::domain::KeyEvent) {}
}

/// A feed of these symbols on one session.
pub struct Replay {
    pub state: FeedState,
    pub written: Written,
    decoder: Box<dyn FrameDecoder>,
    routes: HashMap<String, Subscription>,
    symbols: Vec<String>,
    start: i64,
    ticked: i64,
    /// Frames of each kind: market data, anything else.
    pub seen: (u64, u64),
    pub requests: Vec<Request>,
}

impl Replay {
    pub fn new(venue: &'static dyn VenueProtocol, symbols: &[String], start: i64, depth: usize) -> Self {
        let defaults = venue.defaults();
        let names = ChannelNames::of(defaults);
        let mut routes = HashMap::new();
        for (symbol, index) in symbols.iter().zip(0_u32..) {
            // The first channel of a stream is what its data is counted under, as in a session.
            for channel in Channel::ALL.into_iter().rev() {
                let stream = venue.stream(symbol, channel, names.get(channel), depth);
                routes.insert(stream.route, Subscription { instrument: InstrumentId(index), channel });
            }
        }
        let rules = MarketRules {
            book: venue.book_rules(depth),
            price_from: defaults.price_from(),
            ticker_top: venue.ticker_top(defaults.price_from()),
            contract: tickcache::domain::Contract::PLAIN,
        };
        let spec = |index: usize| InstrumentSpec {
            slots: Entity::ALL.into_iter().zip((0..).map(|place| slot(index, place))).collect(),
            depth,
            sessions: Channel::ALL.into_iter().map(|channel| (channel, SESSION)).collect(),
            rules,
        };
        let specs: Vec<InstrumentSpec> = (0..symbols.len()).map(spec).collect();
        let silence = Duration::from_secs(600);
        let silence = EntityDurations { price: silence, liquidity: silence, volume: silence };
        Self {
            state: FeedState::new(
                &specs,
                1,
                silence,
                std::time::Duration::ZERO,
                EventPolicy::default(),
                now(start, start),
            ),
            written: Written::default(),
            decoder: venue.decoder(&names),
            routes,
            symbols: symbols.to_vec(),
            start,
            ticked: start,
            seen: (0, 0),
            requests: Vec::new(),
        }
    }

    /// Every frame must decode.
    pub fn frame(&mut self, at: i64, frame: &str) {
        self.ticks_until(at);
        match self.decoder.decode(frame.as_bytes()) {
            Ok(Frame::Market { stream, event }) => {
                self.seen.0 += 1;
                let subscription = *self.routes.get(stream).unwrap_or_else(|| panic!("no route {stream}"));
                self.state.event(SESSION, subscription, &event, now(self.start, at), &mut self.written);
            }
            Ok(_) => self.seen.1 += 1,
            Err(error) => panic!("{error}: {frame}"),
        }
        self.requests.extend(std::iter::from_fn(|| self.state.next_request()));
    }

    pub fn ticks_until(&mut self, at: i64) {
        while self.ticked + TICK_NANOS <= at {
            self.ticked += TICK_NANOS;
            let now = now(self.start, self.ticked);
            self.state.heard(SESSION, now);
            self.state.tick(now, &mut self.written);
            self.requests.extend(std::iter::from_fn(|| self.state.next_request()));
        }
    }

    fn record(&self, symbol: &str, entity: Entity) -> Option<&Record> {
        let index = self.symbols.iter().position(|known| known == symbol).unwrap();
        let place = Entity::ALL.iter().position(|&known| known == entity).unwrap();
        self.written.records.get(&slot(index, place))
    }

    pub fn liquidity(&self, symbol: &str) -> &LiquidityRecord {
        match self.record(symbol, Entity::Liquidity) {
            Some(Record::Liquidity(record)) => record,
            other => panic!("{symbol}: {other:?}"),
        }
    }

    pub fn price(&self, symbol: &str) -> Option<&PriceRecord> {
        match self.record(symbol, Entity::Price)? {
            Record::Price(record) => Some(record),
            other => panic!("{symbol}: {other:?}"),
        }
    }

    pub fn volume(&self, symbol: &str) -> Option<&VolumeRecord> {
        match self.record(symbol, Entity::Volume)? {
            Record::Volume(record) => Some(record),
            other => panic!("{symbol}: {other:?}"),
        }
    }
}

fn slot(instrument: usize, entity: usize) -> SlotId {
    SlotId(u32::try_from(3 * instrument + entity).unwrap())
}

fn now(start: i64, at: i64) -> Now {
    let mono = MonoTime::from_nanos(u64::try_from(at - start).unwrap() + 1_000_000_000);
    Now { wall: WallTime::from_nanos(at), mono }
}

/// A book, read plainly.
#[derive(Default)]
pub struct PlainBook {
    pub bids: BTreeMap<Decimal, Decimal>,
    pub asks: BTreeMap<Decimal, Decimal>,
}

impl PlainBook {
    pub fn set(&mut self, is_bid: bool, price: Decimal, size: Decimal) {
        let side = if is_bid { &mut self.bids } else { &mut self.asks };
        if size.is_zero() {
            side.remove(&price);
        } else {
            side.insert(price, size);
        }
    }

    /// Only the best `most` levels of each side.
    pub fn keep(&mut self, most: usize) {
        while self.bids.len() > most {
            self.bids.pop_first();
        }
        while self.asks.len() > most {
            self.asks.pop_last();
        }
    }

    /// The best bid and the best ask.
    pub fn best(&self) -> [Option<Decimal>; 2] {
        [self.bids.last_key_value(), self.asks.first_key_value()].map(|level| level.map(|(price, _)| *price))
    }

    pub fn assert_equals(&self, record: &LiquidityRecord, symbol: &str, depth: usize) {
        let levels = |levels: &[tickcache::domain::DepthLevel]| -> Vec<(Decimal, Decimal)> {
            let price =
                |level: &tickcache::domain::DepthLevel| decimal(record.scales.price_number(level.price));
            let size = |level: &tickcache::domain::DepthLevel| decimal(record.scales.size_number(level.size));
            levels.iter().map(|level| (price(level), size(level))).collect()
        };
        let bids: Vec<_> = self.bids.iter().rev().take(depth).map(|(price, size)| (*price, *size)).collect();
        let asks: Vec<_> = self.asks.iter().take(depth).map(|(price, size)| (*price, *size)).collect();
        assert!(!bids.is_empty() && !asks.is_empty(), "{symbol}: nothing to compare");
        assert_eq!(levels(&record.bids), bids, "{symbol}");
        assert_eq!(levels(&record.asks), asks, "{symbol}");
    }
}

pub fn decimal(number: Number) -> Decimal {
    number.to_string().parse().unwrap()
}
