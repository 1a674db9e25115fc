//! A recording of one venue through decoder and state, with public API only: what every `tests/venue_*.rs` of ours shares.
//!
//! The truth that values are compared with is made in the tests, from a plain reading of the same lines.

#![allow(dead_code, reason = "each test uses its part of this")]

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::time::Duration;

use rust_decimal::Decimal;
use serde_json::Value;
use tickcache::domain::{
    Channel, DepthLevel, Entity, EntityDurations, EventPolicy, InstrumentId, KeyEvent, LiquidityRecord,
    MarketRules, MonoTime, Now, PriceLevel, PriceRecord, Record, Request, Scales, SessionId, SlotId,
    Subscription, Update, UpdateSink, WallTime,
};
use tickcache::feed::{ChannelNames, Frame, FrameDecoder, VenueProtocol};
use tickcache::process::{Book, FeedState, InstrumentSpec};

const SESSION: SessionId = SessionId(0);

/// The lines of a recording; `None`, and says so, where it is absent.
pub(crate) fn lines(file: &str) -> Option<impl Iterator<Item = String>> {
    let root = std::env::var_os("TICKCACHE_CAPTURES")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/captures"), PathBuf::from);
    let Ok(packed) = std::fs::File::open(root.join(file)) else {
        eprintln!("skipped: no recording {file} (TICKCACHE_CAPTURES, or ../shared/captures)");
        return None;
    };
    Some(BufReader::new(flate2::read::GzDecoder::new(packed)).lines().map(Result::unwrap))
}

/// The newest value of each slot.
#[derive(Default)]
pub(crate) struct Written(BTreeMap<u32, Record>);

impl UpdateSink for Written {
    fn update(&mut self, update: Update<'_>) {
        self.0.insert(update.slot.0, update.record.to_record());
    }

    fn event(&mut self, _: KeyEvent) {}
}

/// One feed, all instruments on one session.
pub(crate) struct Replay {
    venue: &'static dyn VenueProtocol,
    decoder: Box<dyn FrameDecoder>,
    routes: BTreeMap<String, Subscription>,
    pub(crate) state: FeedState,
    pub(crate) written: Written,
}

impl Replay {
    pub(crate) fn new(venue: &str, instruments: &[&str], depth: usize, depth_channel: Option<&str>) -> Self {
        let venue = tickcache::feed::venue(venue).expect("registered");
        let defaults = venue.defaults();
        let mut names = ChannelNames::of(defaults);
        if let Some(name) = depth_channel {
            names.0[Channel::Depth as usize] = name.to_owned();
        }
        let mut routes = BTreeMap::new();
        let specs = instruments.iter().zip(0_u32..).map(|(text, index)| {
            let instrument = text.parse().unwrap();
            let symbol = venue.symbol(&instrument).unwrap();
            for channel in Channel::ALL {
                let route = venue.stream(&symbol, channel, names.get(channel), depth).route;
                routes.insert(route, Subscription { instrument: InstrumentId(index), channel });
            }
            InstrumentSpec {
                slots: [Entity::Price, Entity::Liquidity, Entity::Volume]
                    .into_iter()
                    .zip(3 * index..)
                    .map(|(entity, slot)| (entity, SlotId(slot)))
                    .collect(),
                depth,
                sessions: Channel::ALL.map(|channel| (channel, SESSION)).to_vec(),
                rules: MarketRules {
                    book: venue.book_rules(depth),
                    price_from: defaults.price_from(),
                    ticker_top: venue.ticker_top(defaults.price_from()),
                    contract: venue.contract(&instrument).unwrap(),
                },
            }
        });
        let specs: Vec<InstrumentSpec> = specs.collect();
        let silence = EntityDurations {
            price: Duration::from_secs(60),
            liquidity: Duration::from_secs(60),
            volume: Duration::from_secs(600),
        };
        let state =
            FeedState::new(&specs, 1, silence, std::time::Duration::ZERO, EventPolicy::default(), at("0"));
        Self { venue, decoder: venue.decoder(&names), routes, state, written: Written::default() }
    }

    /// Feeds one frame; it must be market data of a subscription.
    pub(crate) fn frame(&mut self, time: &str, frame: &str) -> Subscription {
        let decoded =
            self.decoder.decode(frame.as_bytes()).unwrap_or_else(|error| panic!("{error}: {frame}"));
        let Frame::Market { stream, event } = decoded else { panic!("no market data: {frame}") };
        let subscription = self.routes[stream];
        self.state.event(SESSION, subscription, &event, at(time), &mut self.written);
        subscription
    }

    /// Answers a request for a snapshot that must be waiting.
    pub(crate) fn snapshot(&mut self, time: &str, body: &str, limit: usize) {
        let Some(Request::Snapshot(instrument)) = self.state.next_request() else { panic!("nobody asks") };
        let snapshot = self.venue.parse_snapshot(body.as_bytes(), limit).unwrap();
        self.state.snapshot(instrument, Book::from_snapshot(&snapshot).unwrap(), at(time), &mut self.written);
    }

    pub(crate) fn price(&self, instrument: InstrumentId) -> &PriceRecord {
        match &self.written.0[&(3 * instrument.0)] {
            Record::Price(record) => record,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn book(&self, instrument: InstrumentId) -> &LiquidityRecord {
        match &self.written.0[&(3 * instrument.0 + 1)] {
            Record::Liquidity(record) => record,
            other => panic!("{other:?}"),
        }
    }
}

/// A line's time, nanoseconds.
fn at(time: &str) -> Now {
    let nanos: i64 = time.parse().unwrap();
    let mono = MonoTime::from_nanos(u64::try_from(nanos).unwrap());
    Now { wall: WallTime::from_nanos(nanos), mono }
}

/// A book as a plain reader would keep it.
#[derive(Default)]
pub(crate) struct Truth {
    pub(crate) bids: BTreeMap<Decimal, Decimal>,
    pub(crate) asks: BTreeMap<Decimal, Decimal>,
}

impl Truth {
    pub(crate) fn apply(&mut self, bids: &Value, asks: &Value) {
        for (side, levels) in [(&mut self.bids, bids), (&mut self.asks, asks)] {
            for level in levels.as_array().unwrap() {
                let (price, size) = (decimal(&level[0]), decimal(&level[1]));
                if size.is_zero() {
                    side.remove(&price)
                } else {
                    side.insert(price, size)
                };
            }
        }
    }

    pub(crate) fn bids(&self, most: usize) -> Vec<(Decimal, Decimal)> {
        self.bids.iter().rev().take(most).map(|(price, size)| (*price, *size)).collect()
    }

    pub(crate) fn asks(&self, most: usize) -> Vec<(Decimal, Decimal)> {
        self.asks.iter().take(most).map(|(price, size)| (*price, *size)).collect()
    }
}

pub(crate) fn decimal(value: &Value) -> Decimal {
    value.as_str().unwrap().parse::<Decimal>().unwrap().normalize()
}

pub(crate) fn levels(scales: Scales, levels: &[DepthLevel]) -> Vec<(Decimal, Decimal)> {
    let level = |level: &DepthLevel| number(scales, level.price, level.size);
    levels.iter().map(level).collect()
}

pub(crate) fn top(scales: Scales, level: Option<PriceLevel>) -> Option<(Decimal, Decimal)> {
    level.map(|level| number(scales, level.price, level.size.expect("sized")))
}

fn number(
    scales: Scales,
    price: tickcache::domain::Price,
    size: tickcache::domain::Size,
) -> (Decimal, Decimal) {
    let decimal = |text: String| text.parse::<Decimal>().unwrap().normalize();
    (decimal(scales.price_number(price).to_string()), decimal(scales.size_number(size).to_string()))
}
