//! What there is to publish, and the newest state of each key: the truth that the simulation knows.
//!
//! Owns the keys, their feeds and one number a key that only grows; a price record carries it as its bid.

use std::collections::HashMap;
use std::time::Duration;

use crate::codec::decode;
use crate::codec::key::{event_channel, update_channel, value_key};
use crate::domain::{Entity, Feed, Namespace, Reason, Record, State};

use super::super::testing::price;
use super::super::{FeedIndex, SlotKey, SlotPlan};

/// A key and where its values are told.
#[derive(Debug)]
pub(super) struct Key {
    pub(super) name: Vec<u8>,
    pub(super) feed: usize,
    pub(super) update_channel: Vec<u8>,
    pub(super) event_channel: Vec<u8>,
}

#[derive(Debug)]
pub(super) struct Market {
    pub(super) feeds: Vec<Feed>,
    pub(super) plan: SlotPlan,
    pub(super) keys: Vec<Key>,
    /// Whether values that do not change are published now and then.
    pub(super) confirms: bool,
    places: HashMap<Vec<u8>, usize>,
    /// The newest state of each key; 0 = none yet.
    pub(super) newest: Vec<u64>,
}

impl Market {
    pub(super) fn new(feeds: usize, keys_each: usize, ttl_ms: u64, confirms: bool) -> Self {
        let namespace = Namespace::default();
        let mut market = Self {
            feeds: Vec::new(),
            plan: SlotPlan::new(),
            keys: Vec::new(),
            confirms,
            places: HashMap::new(),
            newest: vec![0; feeds * keys_each],
        };
        for partition in 0..feeds {
            let partition = u16::try_from(partition).expect("few feeds");
            let feed = Feed { venue: "binance".parse().expect("a venue"), partition };
            for number in 0..keys_each {
                let instrument = format!("C{partition}N{number}-USDT").parse().expect("an instrument");
                let name = value_key(&namespace, Entity::Price, &instrument, &feed.venue);
                let update = update_channel(&namespace, Entity::Price, &instrument, &feed.venue);
                let event = event_channel(&namespace, &instrument);
                market.places.insert(name.clone().into_bytes(), market.keys.len());
                market.keys.push(Key {
                    name: name.clone().into_bytes(),
                    feed: usize::from(partition),
                    update_channel: update.into_bytes(),
                    event_channel: event.into_bytes(),
                });
                let key = SlotKey {
                    key: name,
                    entity: Entity::Price,
                    instrument,
                    venue: feed.venue.clone(),
                    feed: FeedIndex(partition),
                    ttl: Duration::from_millis(ttl_ms),
                };
                market.plan.add(key).expect("few keys, all different");
            }
            market.feeds.push(feed);
        }
        market
    }

    pub(super) fn find(&self, name: &[u8]) -> Option<usize> {
        self.places.get(name).copied()
    }

    pub(super) fn of_update_channel(&self, channel: &[u8]) -> Option<usize> {
        self.keys.iter().position(|key| key.update_channel == channel)
    }

    pub(super) fn of_event_channel(&self, channel: &[u8]) -> Option<usize> {
        self.keys.iter().position(|key| key.event_channel == channel)
    }
}

/// A record that carries this number.
pub(super) fn record(number: u64) -> Record {
    price(i128::from(number))
}

/// The same, as an engine writes it before it ends.
pub(super) fn stopping(number: u64) -> Record {
    let Record::Price(mut record) = record(number) else { unreachable!("prices are price records") };
    (record.stamp.state, record.stamp.reason) = (State::Suspect, Reason::WriterStopping);
    Record::Price(record)
}

/// The number that a value carries, and its state.
pub(super) fn read(bytes: &[u8]) -> Option<(u64, State)> {
    let Record::Price(record) = decode(Entity::Price, bytes).ok()?.record else { return None };
    Some((u64::try_from(record.bid?.price.0).ok()?, record.stamp.state))
}

/// Epoch and sequence by their place in the bytes.
pub(super) fn version(bytes: &[u8]) -> Option<(u64, u64)> {
    let part = |from: usize| Some(u64::from_be_bytes(bytes.get(from..from + 8)?.try_into().ok()?));
    if bytes.len() > 20 && bytes[..3] == [0x95, 1, 0xcf] && bytes[11] == 0xcf {
        Some((part(3)?, part(12)?))
    } else {
        None
    }
}
