//! A redis-server with prices in it, and what a writer does to it. Needs `mod redis_server` beside it.
#![allow(dead_code, reason = "every test binary uses another part of it")]

use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use redis::Commands as _;
use tickcache::clock;
use tickcache::codec::key::{
    catalog_field, catalog_key, catalog_value, event_channel, feed_channel, meta_key, update_channel,
    value_key,
};
use tickcache::codec::{Encoder, EventMessage, FeedMessage, encode_event, encode_feed};
use tickcache::domain::{
    Entity, Epoch, EventDetail, Feed, Instrument, LastTrade, Namespace, Price, PriceLevel, PriceRecord,
    Reason, Record, Scale, Scales, Sequence, Size, Stamp, State, VenueSequence, Version, WallTime,
};
use tickcache::reader::Reader;

use crate::redis_server::RedisServer;

pub(crate) const SECOND: i64 = 1_000_000_000;

pub(crate) fn instrument() -> Instrument {
    "BTC-USDT".parse().unwrap()
}

/// A redis-server and what a writer does to it.
pub(crate) struct Store {
    pub(crate) server: RedisServer,
    pub(crate) connection: redis::Connection,
    pub(crate) namespace: Namespace,
}

impl Store {
    pub(crate) fn new() -> Self {
        let server = RedisServer::start();
        let connection = server.connection();
        Self { server, connection, namespace: Namespace::default() }
    }

    pub(crate) fn url(&self) -> String {
        self.server.url()
    }

    pub(crate) async fn reader(&self) -> Reader {
        Reader::connect(&self.url(), self.namespace.clone()).await.unwrap()
    }

    pub(crate) fn key(&self, venue: &str) -> String {
        value_key(&self.namespace, Entity::Price, &instrument(), &venue.parse().unwrap())
    }

    pub(crate) fn list(&mut self, instrument: &str, venue: &str, entities: &[Entity]) {
        let (instrument, venue) = (instrument.parse().unwrap(), venue.parse().unwrap());
        let field = catalog_field(&instrument, &venue);
        let value = catalog_value(&Feed { venue, partition: 0 }, entities);
        let _: () = self.connection.hset(catalog_key(&self.namespace), field, value).unwrap();
    }

    pub(crate) fn set(&mut self, key: &str, bytes: &[u8]) {
        let _: () = self.connection.pset_ex(key, bytes, 30_000).unwrap();
    }

    pub(crate) fn write(&mut self, venue: &str, version: (u64, u64), record: &PriceRecord) {
        self.set(&self.key(venue), &encoded(version, record));
    }

    /// Says in `meta` how values are published.
    pub(crate) fn declare(&mut self, transport: &str) {
        let _: () = self.connection.hset(meta_key(&self.namespace), "transport", transport).unwrap();
    }

    /// As the writer's script does: the value under its key, and on its channel. Returns how many got it.
    pub(crate) fn push(&mut self, venue: &str, version: (u64, u64), record: &PriceRecord) -> u64 {
        let bytes = encoded(version, record);
        self.set(&self.key(venue), &bytes);
        self.publish_value(venue, &bytes)
    }

    pub(crate) fn publish_value(&mut self, venue: &str, bytes: &[u8]) -> u64 {
        let venue = venue.parse().unwrap();
        let channel = update_channel(&self.namespace, Entity::Price, &instrument(), &venue);
        self.connection.publish(channel, bytes).unwrap()
    }

    pub(crate) fn heartbeat(&mut self, venue: &str) {
        let feed = Feed { venue: venue.parse().unwrap(), partition: 0 };
        let channel = feed_channel(&self.namespace, &feed);
        let mut bytes = Vec::new();
        encode_feed(&heartbeat(feed), &mut bytes);
        let _: () = self.connection.publish(channel, bytes).unwrap();
    }

    pub(crate) fn event(&mut self, venue: &str, version: (u64, u64), detail: EventDetail) {
        let mut bytes = Vec::new();
        encode_event(&event(venue, version, detail), &mut bytes);
        let _: () = self.connection.publish(event_channel(&self.namespace, &instrument()), bytes).unwrap();
    }
}

pub(crate) fn version((epoch, sequence): (u64, u64)) -> Version {
    Version { epoch: Epoch::new(epoch).unwrap(), sequence: Sequence::new(sequence).unwrap() }
}

/// The bytes of a value.
pub(crate) fn encoded(at: (u64, u64), record: &PriceRecord) -> Vec<u8> {
    let mut bytes = Vec::new();
    let record = Record::Price(record.clone());
    Encoder::new(0).encode(record.as_ref(), version(at), clock::wall().published(), &mut bytes);
    bytes
}

/// Of an engine whose clock is 1.5 ms ahead of the server's.
pub(crate) fn heartbeat(feed: Feed) -> FeedMessage {
    FeedMessage {
        feed,
        engine: "host-1-ab12".to_owned(),
        epoch: Epoch::new(7).unwrap(),
        state: State::Live,
        reason: Reason::None,
        time: clock::wall(),
        clock_offset: 1_500_000,
    }
}

pub(crate) fn event(venue: &str, at: (u64, u64), detail: EventDetail) -> EventMessage {
    EventMessage {
        instrument: instrument(),
        venue: venue.parse().unwrap(),
        entity: Entity::Price,
        version: version(at),
        time: clock::wall(),
        detail,
    }
}

/// 61837.63 x 3.78826 / 61837.64 x 1.54698, last 61837.63; confirmed `age_s` ago.
pub(crate) fn price(age_s: i64) -> PriceRecord {
    let confirmed = WallTime::from_nanos(clock::wall().nanos() - age_s * SECOND).received();
    let mut record =
        PriceRecord::unknown(Stamp::connecting(confirmed), Scales { price: scale(2), size: scale(5) });
    (record.stamp.state, record.stamp.reason) = (State::Live, Reason::None);
    record.bid = Some(PriceLevel { price: Price(6_183_763), size: Some(Size(378_826)) });
    record.ask = Some(PriceLevel { price: Price(6_183_764), size: Some(Size(154_698)) });
    record.venue_sequence = Some(VenueSequence(50_093_239_212));
    record.last =
        Some(LastTrade { price: Price(6_183_763), size: None, venue_time: None, receive_time: None });
    record
}

pub(crate) fn scale(digits: u8) -> Scale {
    Scale::new(digits).unwrap()
}

/// What a command has printed so far, readable while it runs.
#[derive(Clone, Default)]
pub(crate) struct Printed(Arc<Mutex<Vec<u8>>>);

impl Printed {
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }

    pub(crate) async fn until(&self, part: &str) {
        for _ in 0..6_000 {
            if self.text().contains(part) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        panic!("{part:?} was never printed: {}", self.text());
    }
}

impl Write for Printed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
