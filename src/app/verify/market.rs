//! One instrument of a recording: its events go through `process`, what comes out is looked at.

use std::time::Duration;

use super::report::InstrumentReport;
use crate::domain::{
    Channel, Contract, DepthLevel, DepthSnapshot, Entity, EntityDurations, EventPolicy, InstrumentId,
    KeyEvent, LEVELS_MAX, MarketEvent, MarketRules, Now, NumberError, PriceLevel, Reason, Record, Scales,
    SessionId, Side, SlotId, Subscription, Update, UpdateSink,
};
use crate::domain::{FNV_START, fnv1a};
use crate::feed::VenueProtocol;
use crate::process::{Book, Counts, FeedState, InstrumentSpec};

const BTC: InstrumentId = InstrumentId(0);
const PRICE: SlotId = SlotId(0);
const LIQUIDITY: SlotId = SlotId(1);
const VOLUME: SlotId = SlotId(2);

/// Levels a side that each update is looked at by; at the end every level counts.
const DEPTH: usize = 20;

/// Levels a side in the report.
const SHOWN: usize = 5;

pub(super) struct Market {
    state: FeedState,
    last: Last,
    events: u64,
}

/// The newest record of each key, and how often a book or a price was crossed.
#[derive(Default)]
struct Last {
    price: Option<Record>,
    liquidity: Option<Record>,
    volume: Option<Record>,
    crossed: u64,
    was_crossed: bool,
}

impl UpdateSink for Last {
    fn update(&mut self, update: Update<'_>) {
        let record = update.record.to_record();
        let place = match update.slot {
            PRICE => &mut self.price,
            LIQUIDITY => &mut self.liquidity,
            _ => &mut self.volume,
        };
        if update.slot == LIQUIDITY {
            let crossed = record.stamp().reason == Reason::CrossedBook;
            self.crossed += u64::from(crossed && !self.was_crossed);
            self.was_crossed = crossed;
        }
        *place = Some(record);
    }

    fn event(&mut self, _: KeyEvent) {}
}

impl Market {
    pub(super) fn new(venue: &dyn VenueProtocol, now: Now) -> Self {
        let session = SessionId(0);
        let price_from = venue.defaults().price_from();
        let spec = InstrumentSpec {
            slots: vec![(Entity::Price, PRICE), (Entity::Liquidity, LIQUIDITY), (Entity::Volume, VOLUME)],
            depth: DEPTH,
            sessions: Channel::ALL.map(|channel| (channel, session)).to_vec(),
            rules: MarketRules {
                book: venue.book_rules(venue.defaults().depth_max),
                price_from,
                ticker_top: venue.ticker_top(price_from),
                contract: Contract::PLAIN,
            },
        };
        let hour = Duration::from_secs(3_600);
        let silence = EntityDurations { price: hour, liquidity: hour, volume: hour };
        let never = Duration::ZERO;
        let state = FeedState::new(&[spec], 1, silence, never, EventPolicy::default(), now);
        Self { state, last: Last::default(), events: 0 }
    }

    pub(super) fn event(&mut self, event: &MarketEvent<'_>, now: Now) {
        self.events += 1;
        let channel = match event {
            MarketEvent::Quote(_) => Channel::Quote,
            MarketEvent::Trades(_) | MarketEvent::NewestTrade(_) => Channel::Trade,
            MarketEvent::Depth(_) | MarketEvent::Book(_) => Channel::Depth,
            MarketEvent::Volume(_) | MarketEvent::Ticker(_) => Channel::Volume,
        };
        let subscription = Subscription { instrument: BTC, channel };
        self.state.event(SessionId(0), subscription, event, now, &mut self.last);
        while self.state.next_request().is_some() {}
    }

    pub(super) fn snapshot(&mut self, snapshot: &DepthSnapshot, now: Now) -> Result<(), NumberError> {
        let book = Book::from_snapshot(snapshot)?;
        self.state.snapshot(BTC, book, now.mono, now, &mut self.last);
        while self.state.next_request().is_some() {}
        Ok(())
    }

    pub(super) fn into_report(mut self, symbol: String) -> InstrumentReport {
        let Counts { taken, gaps, mismatches, times_back, unusable, .. } = self.state.take_counts();
        let (compared, held) = self.state.checksums(BTC);
        let book_state = self.last.liquidity.as_ref().map(|record| record.stamp().reason);
        let side = |side| -> Vec<[String; 2]> {
            let (mut levels, Some(book)) = (Vec::new(), self.state.book(BTC)) else { return Vec::new() };
            book.top(side, LEVELS_MAX, &mut levels);
            levels.iter().map(|level| text(book.scales(), *level)).collect()
        };
        let (bids, asks) = (side(Side::Buy), side(Side::Sell));
        let digest = [&bids, &asks].into_iter().flatten().fold(FNV_START, |hash, [price, size]| {
            fnv1a(hash, price.bytes().chain([b' ']).chain(size.bytes()).chain([b'\n']))
        });
        let bbo = self.bbo();
        let digest = bbo
            .iter()
            .flatten()
            .flatten()
            .fold(digest, |hash, number| fnv1a(hash, number.bytes().chain([b';'])));
        InstrumentReport {
            symbol,
            frames: self.events,
            quotes: taken[Channel::Quote as usize],
            trades: taken[Channel::Trade as usize],
            depth: taken[Channel::Depth as usize],
            volume: taken[Channel::Volume as usize],
            gaps,
            mismatches,
            times_back,
            unusable,
            checksums: compared,
            checksums_held: held,
            crossed: self.last.crossed,
            book: book_state.map(Reason::as_str),
            bid: bbo[0].clone(),
            ask: bbo[1].clone(),
            levels: [bids.len(), asks.len()],
            bids: bids.into_iter().take(SHOWN).collect(),
            asks: asks.into_iter().take(SHOWN).collect(),
            digest: format!("{digest:016x}"),
        }
    }

    /// The last price; where the recording holds none, the top of the book.
    fn bbo(&self) -> [Option<[String; 2]>; 2] {
        if let Some(Record::Price(price)) = &self.last.price
            && (price.bid.is_some() || price.ask.is_some())
        {
            let level = |level: Option<PriceLevel>| {
                level.map(|level| {
                    let size = level.size.unwrap_or_default();
                    text(price.scales, DepthLevel { price: level.price, size })
                })
            };
            return [level(price.bid), level(price.ask)];
        }
        match &self.last.liquidity {
            Some(Record::Liquidity(book)) => {
                [&book.bids, &book.asks].map(|side| side.first().map(|&level| text(book.scales, level)))
            }
            _ => [None, None],
        }
    }
}

/// Without trailing zeros: how fine the scale has become does not matter.
fn text(scales: Scales, level: DepthLevel) -> [String; 2] {
    let plain = |text: String| match text.split_once('.') {
        Some((whole, fraction)) => {
            let fraction = fraction.trim_end_matches('0');
            if fraction.is_empty() { whole.to_owned() } else { format!("{whole}.{fraction}") }
        }
        None => text,
    };
    [plain(scales.price_number(level.price).to_string()), plain(scales.size_number(level.size).to_string())]
}
