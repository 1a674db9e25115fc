//! The names of everything in Redis: keys, channels, the catalog (WIRE.md, "Keys" and "Channels").
//!
//! Owns their spelling, both ways. Never talks to Redis. Every part is validated where it is made, so that each name
//! is at most 256 bytes. Building a name allocates: writers build theirs once per key, not per value.

mod catalog;
mod hour;
mod partition;
#[cfg(test)]
mod properties;

pub use catalog::{
    CatalogEntry, catalog_field, catalog_value, parse_catalog_field, parse_catalog_value, parse_feed,
};
pub use hour::{Interval, UtcHour};
pub use partition::{CLUSTER_SLOTS, cluster_slot, partition};

use crate::domain::{Entity, Feed, Instrument, InstrumentError, Namespace, UnknownEntity, Venue, VenueError};

/// Why a key, a channel or a part of the catalog cannot be taken apart.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// It belongs to another namespace or schema.
    #[error("{key:?} does not begin with {prefix:?}")]
    Prefix {
        /// The whole key.
        key: String,
        /// What was expected.
        prefix: String,
    },
    /// Not `{entity}:{<instrument>}:{venue}` after the prefix.
    #[error("{key:?} is no value key: expected <namespace>:v1:<entity>:{{<instrument>}}:<venue>")]
    Shape {
        /// The whole key.
        key: String,
    },
    /// Not `<instrument>:<venue>`.
    #[error("{field:?} is no field of the catalog: expected <instrument>:<venue>")]
    CatalogField {
        /// The whole field.
        field: String,
    },
    /// Not `venue/partition`.
    #[error("{feed:?} is no feed: expected <venue>/<partition>")]
    Feed {
        /// The whole text.
        feed: String,
    },
    /// The entity is not one that feeds write.
    #[error(transparent)]
    Entity(#[from] UnknownEntity),
    /// The instrument breaks the grammar.
    #[error(transparent)]
    Instrument(#[from] InstrumentError),
    /// The venue breaks the grammar.
    #[error(transparent)]
    Venue(#[from] VenueError),
}

/// What a value key speaks of.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ValueKey {
    /// What it holds.
    pub entity: Entity,
    /// Of which instrument.
    pub instrument: Instrument,
    /// At which venue.
    pub venue: Venue,
}

/// `{namespace}:v1:{entity}:{<instrument>}:{venue}`: the key of a value.
#[must_use]
pub fn value_key(namespace: &Namespace, entity: Entity, instrument: &Instrument, venue: &Venue) -> String {
    format!("{namespace}:v1:{entity}:{{{instrument}}}:{venue}")
}

/// `{namespace}:v1:compare:{<instrument>}`: the key of the comparison over venues.
#[must_use]
pub fn compare_key(namespace: &Namespace, instrument: &Instrument) -> String {
    format!("{namespace}:v1:compare:{{{instrument}}}")
}

/// `{namespace}:v1:history:{<instrument>}:{venue}:{interval}:{hour}`: the key of an hour of candles.
#[must_use]
pub fn history_key(
    namespace: &Namespace,
    instrument: &Instrument,
    venue: &Venue,
    interval: Interval,
    hour: UtcHour,
) -> String {
    format!("{namespace}:v1:history:{{{instrument}}}:{venue}:{interval}:{hour}")
}

/// `{namespace}:v1:lease:{<feed>}`: the key of a feed's lease.
#[must_use]
pub fn lease_key(namespace: &Namespace, feed: &Feed) -> String {
    format!("{namespace}:v1:lease:{{{feed}}}")
}

/// `{namespace}:v1:epoch:{<feed>}`: the key of a feed's last epoch; in the slot of its lease.
#[must_use]
pub fn epoch_key(namespace: &Namespace, feed: &Feed) -> String {
    format!("{namespace}:v1:epoch:{{{feed}}}")
}

/// `{namespace}:v1:budget:{<venue>}:{kind}`: the key of what engines spend of a venue's budget.
#[must_use]
pub fn budget_key(namespace: &Namespace, venue: &Venue, kind: &str) -> String {
    format!("{namespace}:v1:budget:{{{venue}}}:{kind}")
}

/// `{namespace}:v1:catalog`: the hash that says what there is.
#[must_use]
pub fn catalog_key(namespace: &Namespace) -> String {
    format!("{namespace}:v1:catalog")
}

/// `{namespace}:v1:meta`: the hash that names the transport and the schema.
#[must_use]
pub fn meta_key(namespace: &Namespace) -> String {
    format!("{namespace}:v1:meta")
}

/// `{namespace}:v1:update:{entity}:{<instrument>}:{venue}`: where each accepted value of a key is published.
#[must_use]
pub fn update_channel(
    namespace: &Namespace,
    entity: Entity,
    instrument: &Instrument,
    venue: &Venue,
) -> String {
    format!("{namespace}:v1:update:{entity}:{{{instrument}}}:{venue}")
}

/// `{namespace}:v1:update:compare:{<instrument>}`: where each comparison is published.
#[must_use]
pub fn compare_update_channel(namespace: &Namespace, instrument: &Instrument) -> String {
    format!("{namespace}:v1:update:compare:{{{instrument}}}")
}

/// `{namespace}:v1:event:{<instrument>}`: where the events of an instrument are published.
#[must_use]
pub fn event_channel(namespace: &Namespace, instrument: &Instrument) -> String {
    format!("{namespace}:v1:event:{{{instrument}}}")
}

/// `{namespace}:v1:feed:{<feed>}`: where a feed's heartbeat is published.
#[must_use]
pub fn feed_channel(namespace: &Namespace, feed: &Feed) -> String {
    format!("{namespace}:v1:feed:{{{feed}}}")
}

/// `{namespace}:v1:engines`: the hash of the engines that live, a field each.
#[must_use]
pub fn engines_key(namespace: &Namespace) -> String {
    format!("{namespace}:v1:engines")
}

/// `{namespace}:v1:command`: where engines are asked to do something.
#[must_use]
pub fn command_channel(namespace: &Namespace) -> String {
    format!("{namespace}:v1:command")
}

/// The keys of an instrument that are computed from its values, and deleted when those jump. Each lives in the
/// instrument's Cluster slot.
#[must_use]
pub fn derived_keys(namespace: &Namespace, instrument: &Instrument) -> Vec<String> {
    vec![compare_key(namespace, instrument)]
}

/// Takes the key of a value apart.
///
/// # Errors
/// [`KeyError`], for a key of another namespace, schema or kind (`history` and `compare` among them).
pub fn parse_value_key(namespace: &Namespace, key: &str) -> Result<ValueKey, KeyError> {
    parse_after(&format!("{namespace}:v1:"), key)
}

/// Takes an update channel apart.
///
/// # Errors
/// As [`parse_value_key`].
pub fn parse_update_channel(namespace: &Namespace, channel: &str) -> Result<ValueKey, KeyError> {
    parse_after(&format!("{namespace}:v1:update:"), channel)
}

fn parse_after(prefix: &str, key: &str) -> Result<ValueKey, KeyError> {
    let rest = key
        .strip_prefix(prefix)
        .ok_or_else(|| KeyError::Prefix { key: key.to_owned(), prefix: prefix.to_owned() })?;
    let shape = || KeyError::Shape { key: key.to_owned() };
    let (entity, rest) = rest.split_once(":{").ok_or_else(shape)?;
    let (instrument, venue) = rest.split_once("}:").ok_or_else(shape)?;
    Ok(ValueKey { entity: entity.parse()?, instrument: instrument.parse()?, venue: venue.parse()? })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::WallTime;

    fn parts() -> (Namespace, Instrument, Venue) {
        ("tickcache".parse().unwrap(), "BTC-USDT".parse().unwrap(), "binance".parse().unwrap())
    }

    #[test]
    fn names_are_spelled_as_in_the_wire_contract() {
        let (namespace, instrument, venue) = parts();
        let feed = Feed { venue: venue.clone(), partition: 0 };
        let hour = UtcHour::containing(WallTime::from_nanos(1_795_184_630_000_000_000));
        let minute = Interval::from_seconds(60).unwrap();
        for (name, expected) in [
            (
                value_key(&namespace, Entity::Price, &instrument, &venue),
                "tickcache:v1:price:{BTC-USDT}:binance",
            ),
            (compare_key(&namespace, &instrument), "tickcache:v1:compare:{BTC-USDT}"),
            (
                history_key(&namespace, &instrument, &venue, minute, hour),
                "tickcache:v1:history:{BTC-USDT}:binance:1m:2026-11-20T14",
            ),
            (lease_key(&namespace, &feed), "tickcache:v1:lease:{binance/0}"),
            (epoch_key(&namespace, &feed), "tickcache:v1:epoch:{binance/0}"),
            (budget_key(&namespace, &venue, "rest"), "tickcache:v1:budget:{binance}:rest"),
            (catalog_key(&namespace), "tickcache:v1:catalog"),
            (meta_key(&namespace), "tickcache:v1:meta"),
            (
                update_channel(&namespace, Entity::Liquidity, &instrument, &venue),
                "tickcache:v1:update:liquidity:{BTC-USDT}:binance",
            ),
            (compare_update_channel(&namespace, &instrument), "tickcache:v1:update:compare:{BTC-USDT}"),
            (event_channel(&namespace, &instrument), "tickcache:v1:event:{BTC-USDT}"),
            (feed_channel(&namespace, &feed), "tickcache:v1:feed:{binance/0}"),
        ] {
            assert_eq!(name, expected);
        }
    }

    #[test]
    fn value_keys_and_update_channels_go_both_ways() {
        let (_, instrument, venue) = parts();
        let namespace: Namespace = "prod:eu:tickcache".parse().unwrap();
        for entity in Entity::ALL {
            let expected = ValueKey { entity, instrument: instrument.clone(), venue: venue.clone() };
            let key = value_key(&namespace, entity, &instrument, &venue);
            assert_eq!(parse_value_key(&namespace, &key), Ok(expected.clone()));
            let channel = update_channel(&namespace, entity, &instrument, &venue);
            assert_eq!(parse_update_channel(&namespace, &channel), Ok(expected));
        }
    }

    #[test]
    fn what_is_no_value_key_is_refused() {
        for key in [
            "",
            "tickcache:v1:catalog",
            "tickcache:v2:price:{BTC-USDT}:binance",
            "prod:tickcache:v1:price:{BTC-USDT}:binance",
            "tickcache:v1:price:BTC-USDT:binance",
            "tickcache:v1:price:{BTC-USDT}",
            "tickcache:v1:price:{BTC-USDT}:binance:x",
            "tickcache:v1:price:{{BTC-USDT}}:binance",
            "tickcache:v1:compare:{BTC-USDT}",
            "tickcache:v1:history:{BTC-USDT}:binance:1m:2026-11-20T14",
            "tickcache:v1:update:price:{BTC-USDT}:binance",
        ] {
            assert!(parse_value_key(&"tickcache".parse().unwrap(), key).is_err(), "{key}");
        }
    }
}
