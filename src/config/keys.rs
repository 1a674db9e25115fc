//! Every key of the configuration: its shape, range, unit and default. The only place where they stand.

use std::ops::RangeInclusive;

use crate::domain::{DEPTH_MAX, PriceFrom};

use super::cache_dir::AUTO;
use super::choice::{Choice, Fencing, MovePrice, Push, RedisMode, StoreKind};

/// What a key takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Shape {
    /// A string.
    Text,
    /// A string that nothing prints.
    Secret,
    /// One of these strings.
    Choice(&'static [&'static str]),
    /// An array of strings.
    Texts,
    /// Any number, as a string or not: read digit by digit.
    Exact,
    /// A number with at most three decimals, as a string or not.
    Decimal {
        /// Both ends are allowed. In thousandths.
        range: RangeInclusive<u32>,
        /// What it counts, for people.
        unit: &'static str,
    },
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
pub const VARIABLES_THAT_ARE_NO_SETTINGS: [&str; 3] =
    ["TICKCACHE_CAPTURES", "TICKCACHE_SIM_SEED", "TICKCACHE_SIM_SEEDS"];

/// A value must be confirmed this often within its TTL, so that one late confirmation does not expire a live key.
pub(super) const CONFIRMATIONS_PER_TTL_MIN: u32 = 3;

/// Seconds between two confirmations of a live value (WIRE.md, "confirmed at least every").
pub(super) const PRICE_CONFIRMED_EVERY_S: u32 = 1;
/// Likewise.
pub(super) const LIQUIDITY_CONFIRMED_EVERY_S: u32 = 2;
/// Likewise.
pub(super) const VOLUME_CONFIRMED_EVERY_S: u32 = 30;

/// Of a lease's TTL the time that its last write may still be under way (REDIS.md, "The lease").
pub const LEASE_WRITE_TIMEOUT_MS: u32 = 500;
/// Of a lease's TTL what two clocks may drift apart meanwhile.
pub const LEASE_DRIFT_PERCENT: u32 = 1;

/// The longest time between two renewals of a lease that lives for `ttl_ms`: 55 % of the time until the engine's own deadline. A
/// renewal that is refused is asked for again 100 ms later, so that one error does not cost the lease.
pub(super) const fn lease_renew_ms_max(ttl_ms: u32) -> u32 {
    (ttl_ms * (100 - LEASE_DRIFT_PERCENT) / 100 - LEASE_WRITE_TIMEOUT_MS) * 11 / 20
}

const LEASE_TTL_MS_MAX: u32 = 60_000;
const LEASE_RENEW_MS_MAX: u32 = 32_395;
const _: () = assert!(LEASE_RENEW_MS_MAX == lease_renew_ms_max(LEASE_TTL_MS_MAX));

const fn text(path: &'static str, fallback: Fallback) -> Key {
    Key { path, shape: Shape::Text, fallback }
}

const fn choice(path: &'static str, words: &'static [&'static str], fallback: &'static str) -> Key {
    Key { path, shape: Shape::Choice(words), fallback: Fallback::Text(fallback) }
}

const fn texts(path: &'static str, fallback: &'static [&'static str]) -> Key {
    Key { path, shape: Shape::Texts, fallback: Fallback::Texts(fallback) }
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
pub(super) static ENGINE_ID: Key = text("engine.id", Fallback::Text(""));
pub(super) static SHARDS: Key = number("engine.shards", 1..=16, "shards", 1);
pub(super) static CACHE_DIR: Key = text("engine.cache_dir", Fallback::Text(AUTO));
pub(super) static LIST_REFRESH: Key = number("engine.list_refresh_s", 1..=86_400, "seconds", 600);
pub(super) static STORE_KIND: Key = choice("store.kind", StoreKind::WORDS, "embedded");
pub(super) static REDIS_URL: Key = text("redis.url", Fallback::Text("redis://127.0.0.1:6379"));
pub(super) static REDIS_MODE: Key = choice("redis.mode", RedisMode::WORDS, "single");
pub(super) static REDIS_NODES: Key = texts("redis.nodes", &[]);
pub(super) static SENTINEL_MASTER: Key = text("redis.sentinel_master", Fallback::Text("mymaster"));
pub(super) static SENTINEL_USERNAME: Key = text("redis.sentinel_username", Fallback::Text(""));
pub(super) static SENTINEL_PASSWORD: Key =
    Key { path: "redis.sentinel_password", shape: Shape::Secret, fallback: Fallback::Text("") };
pub(super) static REDIS_CA_FILE: Key = text("redis.ca_file", Fallback::Text(""));
pub(super) static REDIS_CERTIFICATE_FILE: Key = text("redis.certificate_file", Fallback::Text(""));
pub(super) static REDIS_KEY_FILE: Key = text("redis.key_file", Fallback::Text(""));
pub(super) static EMBEDDED_LISTEN: Key = text("embedded.listen", Fallback::Text("127.0.0.1:6380"));
pub(super) static EMBEDDED_PASSWORD: Key =
    Key { path: "embedded.password", shape: Shape::Secret, fallback: Fallback::Text("") };
pub(super) static EMBEDDED_CERTIFICATE_FILE: Key = text("embedded.certificate_file", Fallback::Text(""));
pub(super) static EMBEDDED_KEY_FILE: Key = text("embedded.key_file", Fallback::Text(""));
pub(super) static EMBEDDED_CLIENTS_MAX: Key = number("embedded.clients_max", 1..=10_000, "clients", 256);
pub(super) static EMBEDDED_OUTPUT_MAX: Key =
    number("embedded.output_buffer_bytes_max", 65_536..=268_435_456, "bytes", 4_194_304);
pub(super) static EMBEDDED_SUBSCRIPTIONS_MAX: Key =
    number("embedded.subscriptions_max", 1..=100_000, "channels", 10_000);
pub(super) static EMBEDDED_STALLED_MAX: Key = number("embedded.stalled_s_max", 1..=600, "seconds", 10);
pub(super) static HTTP_LISTEN: Key = text("http.listen", Fallback::Text("127.0.0.1:8080"));
pub(super) static TTL_PRICE: Key = ttl("ttl.price_s", PRICE_CONFIRMED_EVERY_S, 3_600, 30);
pub(super) static TTL_LIQUIDITY: Key = ttl("ttl.liquidity_s", LIQUIDITY_CONFIRMED_EVERY_S, 3_600, 60);
pub(super) static TTL_VOLUME: Key = ttl("ttl.volume_s", VOLUME_CONFIRMED_EVERY_S, 86_400, 300);
pub(super) static ZSTD_THRESHOLD: Key = number("codec.zstd_threshold_bytes", 0..=1_048_576, "bytes", 512);
pub(super) static FENCING: Key = choice("publish.fencing", Fencing::WORDS, "on");
pub(super) static PUSH: Key = choice("publish.push", Push::WORDS, "on");
pub(super) static LEASE_TTL: Key = number("lease.ttl_ms", 1_000..=LEASE_TTL_MS_MAX, "milliseconds", 2_000);
pub(super) static LEASE_RENEW: Key = number("lease.renew_ms", 100..=LEASE_RENEW_MS_MAX, "milliseconds", 400);
pub(super) static PRICE_MOVE: Key = Key {
    path: "invalidation.price_move_percent",
    shape: Shape::Decimal { range: 1..=1_000_000, unit: "percent" },
    fallback: Fallback::Text("1.0"),
};
pub(super) static MOVE_PRICE: Key = choice("invalidation.price", MovePrice::WORDS, "mid");
pub(super) static LIQUIDITY_CHANGE: Key =
    number("invalidation.liquidity_change_percent", 1..=1_000, "percent", 25);
pub(super) static EVENT_KINDS: Key =
    texts("events.kinds", &["price_move", "liquidity_change", "state", "invalidated"]);
pub(super) static EVENTS_PER_SECOND: Key = number("events.per_second_max", 1..=1_000, "events a second", 10);
pub(super) static RECORD_DIR: Key = text("record.dir", Fallback::Text(""));
pub(super) static RECORD_FILE_BYTES: Key =
    number("record.file_bytes_max", 1_048_576..=u32::MAX, "bytes", 268_435_456);
pub(super) static RECORD_BUFFER_BYTES: Key =
    number("record.buffer_bytes_max", 1_048_576..=1_073_741_824, "bytes", 16_777_216);

/// Every key outside of feeds, in the file's order.
pub(super) static SCALARS: [&Key; 40] = [
    &NAMESPACE,
    &ENGINE_ID,
    &SHARDS,
    &CACHE_DIR,
    &LIST_REFRESH,
    &STORE_KIND,
    &REDIS_URL,
    &REDIS_MODE,
    &REDIS_NODES,
    &SENTINEL_MASTER,
    &SENTINEL_USERNAME,
    &SENTINEL_PASSWORD,
    &REDIS_CA_FILE,
    &REDIS_CERTIFICATE_FILE,
    &REDIS_KEY_FILE,
    &EMBEDDED_LISTEN,
    &EMBEDDED_PASSWORD,
    &EMBEDDED_CERTIFICATE_FILE,
    &EMBEDDED_KEY_FILE,
    &EMBEDDED_CLIENTS_MAX,
    &EMBEDDED_OUTPUT_MAX,
    &EMBEDDED_SUBSCRIPTIONS_MAX,
    &EMBEDDED_STALLED_MAX,
    &HTTP_LISTEN,
    &TTL_PRICE,
    &TTL_LIQUIDITY,
    &TTL_VOLUME,
    &ZSTD_THRESHOLD,
    &FENCING,
    &PUSH,
    &LEASE_TTL,
    &LEASE_RENEW,
    &PRICE_MOVE,
    &MOVE_PRICE,
    &LIQUIDITY_CHANGE,
    &EVENT_KINDS,
    &EVENTS_PER_SECOND,
    &RECORD_DIR,
    &RECORD_FILE_BYTES,
    &RECORD_BUFFER_BYTES,
];

pub(super) static VENUE: Key = text("feed.venue", Fallback::Required);
pub(super) static INSTRUMENTS: Key =
    Key { path: "feed.instruments", shape: Shape::Texts, fallback: Fallback::Required };
pub(super) static ENTITIES: Key = texts("feed.entities", &["price", "liquidity", "volume"]);
pub(super) static DEPTH: Key = number("feed.depth", 1..=DEPTH_LIMIT, "levels", 20);
pub(super) static PRICE_FROM: Key =
    Key { path: "feed.price_from", shape: Shape::Choice(PriceFrom::WORDS), fallback: Fallback::Venue };
pub(super) static WEBSOCKET_URL: Key = text("feed.websocket_url", Fallback::Venue);
pub(super) static VOLUME_WEBSOCKET_URL: Key = text("feed.volume_websocket_url", Fallback::Venue);
/// In the order of [`Channel::ALL`](crate::domain::Channel::ALL).
pub(super) static CHANNELS: [Key; 4] = [
    text("feed.quote_channel", Fallback::Venue),
    text("feed.trade_channel", Fallback::Venue),
    text("feed.depth_channel", Fallback::Venue),
    text("feed.volume_channel", Fallback::Venue),
];
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

pub(super) static CONGESTION: Key = number("feed.congestion_ms", 0..=60_000, "milliseconds", 1_000);

pub(super) static REDUNDANT: Key = number("feed.redundant", 1..=2, "connections", 1);
pub(super) static SESSION_MAX: Key = Key {
    path: "feed.session_max_s",
    shape: Shape::Number { range: 0..=604_800, unit: "seconds" },
    fallback: Fallback::Venue,
};
pub(super) static PARTITIONS: Key = number("feed.partitions", 1..=64, "partitions", 1);

/// Every key of a feed, in the file's order.
pub(super) static FEED: [&Key; 21] = [
    &VENUE,
    &INSTRUMENTS,
    &ENTITIES,
    &DEPTH,
    &PRICE_FROM,
    &WEBSOCKET_URL,
    &VOLUME_WEBSOCKET_URL,
    &CHANNELS[0],
    &CHANNELS[1],
    &CHANNELS[2],
    &CHANNELS[3],
    &REST_URL,
    &REST_WEIGHT,
    &FIRST_DATA,
    &PRICE_SILENCE,
    &LIQUIDITY_SILENCE,
    &VOLUME_SILENCE,
    &CONGESTION,
    &REDUNDANT,
    &SESSION_MAX,
    &PARTITIONS,
];

pub(super) static ALIAS_VENUE: Key = text("alias.venue", Fallback::Required);
pub(super) static ALIAS_SYMBOL: Key = text("alias.symbol", Fallback::Required);
pub(super) static ALIAS_INSTRUMENT: Key = text("alias.instrument", Fallback::Required);
pub(super) static ALIAS_MULTIPLIER: Key =
    Key { path: "alias.multiplier", shape: Shape::Exact, fallback: Fallback::Text("1") };

/// Every key of an alias, in the file's order.
pub(super) static ALIAS: [&Key; 4] = [&ALIAS_VENUE, &ALIAS_SYMBOL, &ALIAS_INSTRUMENT, &ALIAS_MULTIPLIER];

/// The name of the tables that hold aliases.
pub(super) const ALIAS_TABLE: &str = "alias";

/// The name of the tables that hold feeds.
pub(super) const FEED_TABLE: &str = "feed";

/// The tables outside of feeds, in the file's order.
pub(super) fn sections() -> Vec<&'static str> {
    let mut sections: Vec<_> =
        SCALARS.iter().map(|key| key.section()).filter(|name| !name.is_empty()).collect();
    sections.dedup();
    sections
}
