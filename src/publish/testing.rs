//! Plans and records for this stage's unit tests.

use std::time::Duration;

use crate::domain::{
    Entity, Price, PriceLevel, PriceRecord, Reason, ReceiveTime, Record, Scale, Scales, Size, Stamp, State,
    VolumeRecord,
};

use super::{FeedIndex, SlotKey, SlotPlan};

/// `prices` price keys with 30 s, then `volumes` volume keys with 300 s.
pub(super) fn plan(prices: usize, volumes: usize) -> SlotPlan {
    let mut plan = SlotPlan::new();
    for index in 0..prices + volumes {
        let (entity, ttl_s) = if index < prices { (Entity::Price, 30) } else { (Entity::Volume, 300) };
        plan.add(slot_key(&format!("key{index}"), entity, ttl_s)).expect("few keys, all different");
    }
    plan
}

/// A key of the first feed.
pub(super) fn slot_key(key: &str, entity: Entity, ttl_s: u64) -> SlotKey {
    SlotKey {
        key: key.to_owned(),
        entity,
        instrument: "BTC-USDT".parse().expect("an instrument"),
        venue: "binance".parse().expect("a venue"),
        feed: FeedIndex(0),
        ttl: Duration::from_secs(ttl_s),
    }
}

fn stamp() -> Stamp {
    Stamp { state: State::Live, reason: Reason::None, ..Stamp::connecting(ReceiveTime::from_nanos(1)) }
}

/// A quote whose bid has this mantissa.
pub(super) fn price(bid: i128) -> Record {
    let scale = Scale::new(2).expect("in range");
    let level = |price| Some(PriceLevel { price: Price(price), size: Some(Size(1)) });
    let record = PriceRecord::unknown(stamp(), Scales { price: scale, size: scale });
    Record::Price(PriceRecord { bid: level(bid), ask: level(bid + 1), ..record })
}

/// Figures whose last price has this mantissa.
pub(super) fn volume(last: i128) -> Record {
    Record::Volume(VolumeRecord { last: Some(Price(last)), ..VolumeRecord::unknown(stamp(), 86_400) })
}
