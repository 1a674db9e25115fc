//! A recorded session, driven through decoder and books with nothing but the public interface.
//!
//! Owns the way from a capture's lines to the last record of each key. Judges nothing.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::time::Duration;

use rust_decimal::Decimal;
use tickcache::domain::{
    Channel, Entity, EntityDurations, EventPolicy, InstrumentId, KeyEvent, LiquidityRecord, MarketRules,
    MonoTime, Now, Record, Scale, SessionId, SlotId, State, Subscription, Update, UpdateSink, WallTime,
};
use tickcache::feed::{ChannelNames, Frame, VenueProtocol};
use tickcache::process::{Counts, FeedState, InstrumentSpec};

/// Price and size of each level, best first.
pub(crate) type Side = Vec<(Decimal, Decimal)>;

/// The lines of a capture: receive time in nanoseconds, and the frame. `None` where it is not there.
pub(crate) fn frames(file: &str) -> Option<Vec<(i64, String)>> {
    let root = std::env::var_os("TICKCACHE_CAPTURES")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/captures"), PathBuf::from);
    let path = root.join(file);
    let Ok(capture) = std::fs::File::open(&path) else {
        eprintln!("skipped: no capture {}", path.display());
        return None;
    };
    let lines = BufReader::new(flate2::read::GzDecoder::new(capture)).lines();
    let frame = |line: String| {
        let mut parts = line.splitn(3, ' ');
        let time = parts.next().unwrap().parse().unwrap();
        assert_eq!(parts.next(), Some("ws"));
        (time, parts.next().unwrap().to_owned())
    };
    Some(lines.map(|line| frame(line.unwrap())).collect())
}

/// The last record of each slot, and how many of each were not live.
#[derive(Default)]
pub(crate) struct Last {
    pub(crate) records: BTreeMap<u32, Record>,
    pub(crate) suspect: BTreeMap<u32, usize>,
}

impl UpdateSink for Last {
    fn update(&mut self, update: Update<'_>) {
        let record = update.record.to_record();
        if record.stamp().state != State::Live {
            *self.suspect.entry(update.slot.0).or_default() += 1;
        }
        self.records.insert(update.slot.0, record);
    }

    fn event(&mut self, _: KeyEvent) {}
}

/// One feed of a venue.
pub(crate) struct Feed {
    state: FeedState,
    routes: BTreeMap<String, Subscription>,
    decoder: Box<dyn tickcache::feed::FrameDecoder>,
    pub(crate) last: Last,
    start: i64,
}

impl Feed {
    /// Slots are `3 * instrument` and the two after it: price, liquidity, volume.
    pub(crate) fn new(
        venue: &'static dyn VenueProtocol,
        instruments: &[&str],
        depth: usize,
        start: i64,
    ) -> Self {
        let names = ChannelNames::of(venue.defaults());
        let mut routes = BTreeMap::new();
        let mut specs = Vec::new();
        for (text, index) in instruments.iter().zip(0_u32..) {
            let instrument = text.parse().unwrap();
            let symbol = venue.symbol(&instrument).unwrap();
            for channel in Channel::ALL {
                let stream = venue.stream(&symbol, channel, names.get(channel), depth);
                routes.insert(stream.route, Subscription { instrument: InstrumentId(index), channel });
            }
            let price_from = venue.defaults().price_from();
            specs.push(InstrumentSpec {
                slots: vec![
                    (Entity::Price, SlotId(3 * index)),
                    (Entity::Liquidity, SlotId(3 * index + 1)),
                    (Entity::Volume, SlotId(3 * index + 2)),
                ],
                depth,
                sessions: Channel::ALL.map(|channel| (channel, SessionId(0))).to_vec(),
                rules: MarketRules {
                    book: venue.book_rules(depth),
                    price_from,
                    ticker_top: venue.ticker_top(price_from),
                    contract: venue.contract(&instrument).expect("known"),
                },
            });
        }
        let minute = Duration::from_secs(60);
        let silence = EntityDurations { price: minute, liquidity: minute, volume: minute };
        let state =
            FeedState::new(&specs, 1, silence, Duration::ZERO, EventPolicy::default(), now(start, start));
        Self { state, routes, decoder: venue.decoder(&names), last: Last::default(), start }
    }

    /// Takes a frame, which must be understood. Whether it was market data of a subscription.
    pub(crate) fn take(&mut self, time: i64, text: &str) -> bool {
        match self.decoder.decode(text.as_bytes()).expect(text) {
            Frame::Market { stream, event } => {
                let subscription = self.routes[stream];
                let at = now(self.start, time);
                self.state.event(SessionId(0), subscription, &event, at, &mut self.last);
                true
            }
            _ => false,
        }
    }

    pub(crate) fn counts(&mut self) -> Counts {
        self.state.take_counts()
    }

    pub(crate) fn book(&self, instrument: u32) -> &LiquidityRecord {
        match &self.last.records[&(3 * instrument + 1)] {
            Record::Liquidity(record) => record,
            _ => panic!("slot of books"),
        }
    }

    /// Bids and asks.
    pub(crate) fn sides(&self, instrument: u32) -> [Side; 2] {
        let book = self.book(instrument);
        [&book.bids, &book.asks].map(|side| {
            let level = |mantissa, scale| decimal(mantissa, scale);
            side.iter()
                .map(|one| (level(one.price.0, book.scales.price), level(one.size.0, book.scales.size)))
                .collect()
        })
    }
}

pub(crate) fn decimal(mantissa: i128, scale: Scale) -> Decimal {
    Decimal::from_i128_with_scale(mantissa, u32::from(scale.digits())).normalize()
}

fn now(start: i64, time: i64) -> Now {
    let since = u64::try_from(time - start).unwrap();
    Now { wall: WallTime::from_nanos(time), mono: MonoTime::from_nanos(since) }
}
