//! Every key of the configuration: its shape, range, unit and default. The only place where they stand.

use std::ops::RangeInclusive;

use crate::domain::DEPTH_MAX;

/// What a key takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Shape {
    /// A string.
    Text,
    /// An array of strings.
    Texts,
    /// A whole number.
    Number {
        /// Both ends are allowed.
        range: RangeInclusive<u32>,
        /// What it counts, for people.
        unit: &'static str,
    },
}

/// What holds when nobody sets the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fallback {
    /// This text.
    Text(&'static str),
    /// This number.
    Number(u32),
    /// These texts.
    Texts(&'static [&'static str]),
    /// What the venue's own defaults say.
    Venue,
    /// Nothing: it must be set.
    Required,
}

/// One key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Key {
    /// Section and name, as in `ttl.price_s`.
    pub(super) path: &'static str,
    /// What it takes.
    pub(super) shape: Shape,
    /// What holds when nobody sets it.
    pub(super) fallback: Fallback,
}

impl Key {
    /// The table that it stands in; `""` is the top level.
    pub(super) fn section(&self) -> &'static str {
        self.path.split_once('.').map_or("", |(section, _)| section)
    }

    /// Its name within the section.
    pub(super) fn name(&self) -> &'static str {
        self.path.split_once('.').map_or(self.path, |(_, name)| name)
    }

    /// `TICKCACHE_<SECTION>_<KEY>`.
    pub(super) fn variable(&self) -> String {
        format!("{VARIABLE_PREFIX}{}", self.path.replace('.', "_").to_ascii_uppercase())
    }
}

/// In front of every environment variable that is ours.
pub(super) const VARIABLE_PREFIX: &str = "TICKCACHE_";

/// Variables of ours that are no settings: read elsewhere, and passed over here.
pub const VARIABLES_THAT_ARE_NO_SETTINGS: [&str; 1] = ["TICKCACHE_CAPTURES"];

/// A value must be confirmed this often within its TTL, so that one late confirmation does not expire a live key.
pub(super) const CONFIRMATIONS_PER_TTL_MIN: u32 = 3;

/// Seconds between two confirmations of a live value (WIRE.md, "confirmed at least every").
pub(super) const PRICE_CONFIRMED_EVERY_S: u32 = 1;
/// Likewise.
pub(super) const LIQUIDITY_CONFIRMED_EVERY_S: u32 = 2;
/// Likewise.
pub(super) const VOLUME_CONFIRMED_EVERY_S: u32 = 30;

const fn text(path: &'static str, fallback: Fallback) -> Key {
    Key { path, shape: Shape::Text, fallback }
}

const fn number(path: &'static str, range: RangeInclusive<u32>, unit: &'static str, fallback: u32) -> Key {
    Key { path, shape: Shape::Number { range, unit }, fallback: Fallback::Number(fallback) }
}

const fn ttl(path: &'static str, confirmed_every_s: u32, max_s: u32, fallback: u32) -> Key {
    number(path, confirmed_every_s * CONFIRMATIONS_PER_TTL_MIN..=max_s, "seconds", fallback)
}

#[expect(clippy::cast_possible_truncation, reason = "checked in the line below it, at compile time")]
const DEPTH_LIMIT: u32 = DEPTH_MAX as u32;
const _: () = assert!(DEPTH_LIMIT as usize == DEPTH_MAX);

pub(super) static NAMESPACE: Key = text("namespace", Fallback::Text("tickcache"));
pub(super) static STORE_KIND: Key = text("store.kind", Fallback::Text("embedded"));
pub(super) static REDIS_URL: Key = text("redis.url", Fallback::Text("redis://127.0.0.1:6379"));
pub(super) static EMBEDDED_LISTEN: Key = text("embedded.listen", Fallback::Text("127.0.0.1:6380"));
pub(super) static HTTP_LISTEN: Key = text("http.listen", Fallback::Text("127.0.0.1:8080"));
pub(super) static TTL_PRICE: Key = ttl("ttl.price_s", PRICE_CONFIRMED_EVERY_S, 3_600, 30);
pub(super) static TTL_LIQUIDITY: Key = ttl("ttl.liquidity_s", LIQUIDITY_CONFIRMED_EVERY_S, 3_600, 60);
pub(super) static TTL_VOLUME: Key = ttl("ttl.volume_s", VOLUME_CONFIRMED_EVERY_S, 86_400, 300);
pub(super) static ZSTD_THRESHOLD: Key = number("codec.zstd_threshold_bytes", 0..=1_048_576, "bytes", 512);

/// Every key outside of feeds, in the file's order.
pub(super) static SCALARS: [&Key; 9] = [
    &NAMESPACE,
    &STORE_KIND,
    &REDIS_URL,
    &EMBEDDED_LISTEN,
    &HTTP_LISTEN,
    &TTL_PRICE,
    &TTL_LIQUIDITY,
    &TTL_VOLUME,
    &ZSTD_THRESHOLD,
];

pub(super) static VENUE: Key = text("feed.venue", Fallback::Required);
pub(super) static INSTRUMENTS: Key =
    Key { path: "feed.instruments", shape: Shape::Texts, fallback: Fallback::Required };
pub(super) static ENTITIES: Key = Key {
    path: "feed.entities",
    shape: Shape::Texts,
    fallback: Fallback::Texts(&["price", "liquidity", "volume"]),
};
pub(super) static DEPTH: Key = number("feed.depth", 1..=DEPTH_LIMIT, "levels", 20);
pub(super) static WEBSOCKET_URL: Key = text("feed.websocket_url", Fallback::Venue);
pub(super) static REST_URL: Key = text("feed.rest_url", Fallback::Venue);
pub(super) static REST_WEIGHT: Key = Key {
    path: "feed.rest_weight_per_minute",
    shape: Shape::Number { range: 1..=u32::MAX, unit: "weight per minute" },
    fallback: Fallback::Venue,
};
pub(super) static FIRST_DATA: Key = number("feed.first_data_s", 1..=300, "seconds", 10);
pub(super) static PRICE_SILENCE: Key = number("feed.price_silence_s", 1..=3_600, "seconds", 10);
pub(super) static LIQUIDITY_SILENCE: Key = number("feed.liquidity_silence_s", 1..=3_600, "seconds", 10);
pub(super) static VOLUME_SILENCE: Key = number("feed.volume_silence_s", 1..=3_600, "seconds", 60);

/// Every key of a feed, in the file's order.
pub(super) static FEED: [&Key; 11] = [
    &VENUE,
    &INSTRUMENTS,
    &ENTITIES,
    &DEPTH,
    &WEBSOCKET_URL,
    &REST_URL,
    &REST_WEIGHT,
    &FIRST_DATA,
    &PRICE_SILENCE,
    &LIQUIDITY_SILENCE,
    &VOLUME_SILENCE,
];

/// The name of the tables that hold feeds.
pub(super) const FEED_TABLE: &str = "feed";

/// The tables outside of feeds, in the file's order.
pub(super) fn sections() -> Vec<&'static str> {
    let mut sections: Vec<_> =
        SCALARS.iter().map(|key| key.section()).filter(|name| !name.is_empty()).collect();
    sections.dedup();
    sections
}
