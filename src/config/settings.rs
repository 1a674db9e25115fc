//! The settings, checked: whoever holds them need not check again.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::num::NonZeroU16;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use crate::domain::{Entity, EntityDurations, EventKind, Instrument, Namespace, Number, PriceFrom, Venue};

use super::cache_dir::CacheDir;
use super::choice::{Fencing, MovePrice, Push, RedisMode, StoreKind};
use super::endpoint::Endpoint;
use super::engine_id::EngineId;
use super::environment::{self, Environment, Remarks};
use super::error::ConfigErrors;
use super::redis_node::RedisNode;
use super::redis_url::RedisUrl;
use super::secret::Secret;
use super::{raw, validate};

/// Of use while `redis.mode` is [`RedisMode::Sentinel`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SentinelSettings {
    /// The name that the Sentinels know the primary by.
    pub master: String,
    /// For AUTH at the Sentinels; `None` is Redis's user `default`.
    pub username: Option<String>,
    /// For AUTH at the Sentinels; `None` sends none. Those of the servers stand in `redis.url`.
    pub password: Option<Secret>,
}

/// Files in PEM form, of use while `redis.url` is `rediss://`. Not read here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// The only authorities to trust; `None` = the public ones.
    pub ca: Option<PathBuf>,
    /// Who we are; there only together with `key`.
    pub certificate: Option<PathBuf>,
    /// The certificate's private key.
    pub key: Option<PathBuf>,
}

/// The engine's own endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EmbeddedSettings {
    /// Where it listens; `None` = off.
    pub listen: Option<SocketAddr>,
    /// What clients must say; always there where other machines can reach it.
    pub password: Option<Secret>,
    /// Files in PEM form; `None` = no TLS. Not read here.
    pub certificate_and_key: Option<(PathBuf, PathBuf)>,
    /// Clients at a time.
    pub clients_max: u32,
    /// Bytes of one reply.
    pub output_buffer_bytes_max: u32,
    /// Channels of one client.
    pub subscriptions_max: u32,
    /// How long a client may take nothing of what is sent to it.
    pub stalled_max: Duration,
}

/// How long a feed is an engine's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LeaseSettings {
    /// From its last renewal on.
    pub ttl: Duration,
    /// Between two renewals: two fit before the engine's own deadline.
    pub renew: Duration,
}

/// The recording of raw frames and REST answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordSettings {
    /// The folder to record into; `None` = nothing is recorded.
    pub dir: Option<PathBuf>,
    /// Bytes of a file after which the next one begins.
    pub file_bytes_max: u32,
    /// Bytes of a feed's records that may wait for the disk.
    pub buffer_bytes_max: u32,
}

/// What a venue's code says about itself: handed in, because it is the feeds' knowledge and not the configuration's.
#[derive(Debug, Clone)]
pub struct VenueDefaults {
    /// The name, as in keys.
    pub name: &'static str,
    /// Its public websocket: `ws://` or `wss://`.
    pub websocket_url: &'static str,
    /// Where its rolling figures are, which may be elsewhere.
    pub volume_websocket_url: &'static str,
    /// Its names of the channels, in the order of [`Channel::ALL`](crate::domain::Channel::ALL).
    pub channels: [&'static str; 4],
    /// What prices can be made from; the first unless somebody says otherwise.
    pub prices_from: &'static [PriceFrom],
    /// After how many seconds it ends a connection; 0 = it does not.
    pub session_max_s: u32,
    /// Its public REST interface: `http://` or `https://`.
    pub rest_url: &'static str,
    /// Levels a side that can be published.
    pub depth_max: u32,
    /// Request weight a minute that the engine allows itself.
    pub rest_weight_per_minute: u32,
    /// From what one snapshot costs to what the venue allows.
    pub rest_weight_per_minute_range: RangeInclusive<u32>,
    /// Its spelling of our instruments.
    pub symbols: VenueSymbols,
}

/// The venue's spelling of an instrument, or why it cannot have it; known without asking it.
#[derive(Debug, Clone, Copy)]
pub struct VenueSymbols(pub fn(venue: &str, instrument: &Instrument) -> Result<String, String>);

/// One `[[alias]]`: a symbol of a venue that our own rules cannot name, or would name otherwise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AliasSettings {
    /// Whose symbol.
    pub venue: Venue,
    /// The venue's spelling, to the letter.
    pub symbol: String,
    /// Our name for it; no other alias of the venue has it.
    pub instrument: Instrument,
    /// How many of our base one of the venue's units is; above zero, and one divided by it is an exact decimal.
    pub multiplier: Number,
    /// One divided by it.
    pub inverse: Number,
}

/// One `[[feed]]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedSettings {
    /// Whose data; no venue comes twice.
    pub venue: Venue,
    /// At least one, none twice, at most [`INSTRUMENTS_MAX`](crate::domain::INSTRUMENTS_MAX).
    pub instruments: Vec<Instrument>,
    /// Those of the venue, whether or not `instruments` has what they name.
    pub aliases: Vec<AliasSettings>,
    /// At least one, none twice.
    pub entities: Vec<Entity>,
    /// Levels a side to publish.
    pub depth: u32,
    /// What prices are made from.
    pub price_from: PriceFrom,
    /// Where to stream from.
    pub websocket_url: Endpoint,
    /// Where to stream rolling figures from.
    pub volume_websocket_url: Endpoint,
    /// The venue's names of its channels, in the order of [`Channel::ALL`](crate::domain::Channel::ALL).
    pub channels: [String; 4],
    /// Where to fetch snapshots from.
    pub rest_url: Endpoint,
    /// Request weight a minute for snapshots.
    pub rest_weight_per_minute: u32,
    /// From a subscription's acknowledgement to the alarm that no data came.
    pub first_data: Duration,
    /// How long each entity's channel may be quiet before its values need evidence of their own (WIRE.md, reason 7).
    pub silence: EntityDurations,
    /// How much longer than at best a frame may take from the venue before what it says is suspect.
    pub congestion: Duration,
    /// Connections that carry the same at a time: 1 or 2.
    pub redundant: u32,
    /// After how long the venue ends a connection; `None` = it does not.
    pub session_max: Option<Duration>,
    /// Parts that the instruments are split into: each is a feed, with a lease of its own.
    pub partitions: NonZeroU16,
}

/// Everything that can be set. `==` compares the settings, not where they come from.
#[derive(Debug, Clone)]
pub struct Settings {
    /// In front of every key.
    pub namespace: Namespace,
    /// The engine's name; `None` = to be made up at start.
    pub engine_id: Option<EngineId>,
    /// Hot threads that the feeds are dealt out to.
    pub shards: NonZeroU16,
    /// Where lists of instruments are kept between runs.
    pub cache_dir: CacheDir,
    /// Between two looks at the venues' lists of instruments, at most.
    pub list_refresh: Duration,
    /// Where values are kept.
    pub store: StoreKind,
    /// Where Redis is; of use while `store` is [`StoreKind::Redis`].
    /// For all nodes it says who we are, which database, and whether to encrypt.
    pub redis: RedisUrl,
    /// Single server, Sentinel or Cluster.
    pub redis_mode: RedisMode,
    /// Sentinels, or seeds of the Cluster: at least one; none with a single server.
    pub redis_nodes: Vec<RedisNode>,
    /// What the Sentinels are asked, and as whom.
    pub sentinel: SentinelSettings,
    /// Certificates for Redis; none where the connection is not encrypted.
    pub tls_files: TlsFiles,
    /// The Redis-protocol endpoint.
    pub embedded: EmbeddedSettings,
    /// Metrics and health; `None` = off.
    pub http_listen: Option<SocketAddr>,
    /// How long values live after their last write: at least three of WIRE.md's confirmation intervals.
    pub ttl: EntityDurations,
    /// Bytes of a record from which it is compressed; `None` = never.
    pub zstd_threshold_bytes: Option<u32>,
    /// Whether values are written through the fence.
    pub fencing: Fencing,
    /// Whether accepted values are published.
    pub push: Push,
    /// The leases of feeds.
    pub lease: LeaseSettings,
    /// How far a price may be from its reference without an event, in thousandths of a percent: 1000 is 1 %.
    pub price_move_limit: u32,
    /// Which price that is.
    pub move_price: MovePrice,
    /// By how much a side's published size may change without an event, in percent.
    pub liquidity_change_percent: u32,
    /// Which events are published, none twice, in the order of their codes. Empty = none.
    pub event_kinds: Vec<EventKind>,
    /// Events a second for each instrument and kind; further ones are dropped and counted.
    pub events_per_second_max: u32,
    /// What is recorded beside.
    pub record: RecordSettings,
    /// At least one.
    pub feeds: Vec<FeedSettings>,
    /// Of all venues, also of those that have no feed.
    pub aliases: Vec<AliasSettings>,
    /// What was noticed and is no error. Not compared.
    pub remarks: Remarks,
    /// The variables behind each value that came from the environment, by the key's path.
    pub(super) variables: BTreeMap<&'static str, String>,
}

impl Settings {
    /// Reads `text` (the content of `file_name`), puts `environment` over it and checks everything.
    ///
    /// # Errors
    /// All that is wrong, each with its place.
    pub fn load(
        text: &str,
        file_name: &str,
        environment: impl IntoIterator<Item = (String, String)>,
        venues: &[VenueDefaults],
    ) -> Result<Self, ConfigErrors> {
        let environment = Environment::of(environment);
        let mut errors = ConfigErrors::new(file_name);
        let mut raw = raw::read(text, &mut errors);
        // Of a file that could not be read nothing else is known to be wrong.
        if !errors.errors().iter().any(|error| error.key.is_empty()) {
            environment::overlay(&environment, &mut raw.values, &mut errors);
            let settings = validate::settings(&raw, &environment, venues, &mut errors);
            if let Some(settings) = settings
                && errors.is_empty()
            {
                return Ok(settings);
            }
        }
        assert!(!errors.is_empty(), "settings are refused for a reason that is reported");
        errors.sort();
        Err(errors)
    }
}

impl FeedSettings {
    /// The alias that names an instrument.
    #[must_use]
    pub fn alias(&self, instrument: &Instrument) -> Option<&AliasSettings> {
        self.aliases.iter().find(|alias| alias.instrument == *instrument)
    }
}

impl Settings {
    /// The variables that say where Redis is, if any do.
    #[must_use]
    pub fn redis_variables(&self) -> Option<&str> {
        self.variables.get(super::keys::REDIS_URL.path).map(String::as_str)
    }
}

impl PartialEq for Settings {
    fn eq(&self, other: &Self) -> bool {
        let Self {
            namespace,
            engine_id,
            shards,
            cache_dir,
            list_refresh,
            store,
            redis,
            redis_mode,
            redis_nodes,
            sentinel,
            tls_files,
            embedded,
            http_listen,
            ttl,
            zstd_threshold_bytes,
            fencing,
            push,
            lease,
            price_move_limit,
            move_price,
            liquidity_change_percent,
            event_kinds,
            events_per_second_max,
            record,
            feeds,
            aliases,
            remarks: _,
            variables: _,
        } = self;
        *namespace == other.namespace
            && *engine_id == other.engine_id
            && *shards == other.shards
            && *cache_dir == other.cache_dir
            && *list_refresh == other.list_refresh
            && *store == other.store
            && *redis == other.redis
            && *redis_mode == other.redis_mode
            && *redis_nodes == other.redis_nodes
            && *sentinel == other.sentinel
            && *tls_files == other.tls_files
            && *embedded == other.embedded
            && *http_listen == other.http_listen
            && *ttl == other.ttl
            && *zstd_threshold_bytes == other.zstd_threshold_bytes
            && *fencing == other.fencing
            && *push == other.push
            && *lease == other.lease
            && *price_move_limit == other.price_move_limit
            && *move_price == other.move_price
            && *liquidity_change_percent == other.liquidity_change_percent
            && *event_kinds == other.event_kinds
            && *events_per_second_max == other.events_per_second_max
            && *record == other.record
            && *feeds == other.feeds
            && *aliases == other.aliases
    }
}

impl Eq for Settings {}

/// Where a client reads: `flag` (`--redis URL`), else `TICKCACHE_REDIS_URL`, `REDIS_URL`; where nothing in the environment
/// speaks of a Redis, the engine's own endpoint (`TICKCACHE_EMBEDDED_LISTEN`, else `redis://127.0.0.1:6380`); else
/// `redis://127.0.0.1:6379`. `REDIS_HOST` and the other parts count as they do for the engine.
///
/// # Errors
/// The URL or a part is malformed.
pub fn redis_url_from_env(
    flag: Option<&str>,
    environment: impl IntoIterator<Item = (String, String)>,
) -> Result<RedisUrl, ConfigErrors> {
    let environment = Environment::of(environment);
    let mut errors = ConfigErrors::new("");
    let url = environment::url_without_file(flag, &environment, &mut errors);
    let found = environment::redis_url(url, &environment, &mut errors);
    match found {
        Some(given) if errors.is_empty() => Ok(given.value),
        _ => Err(errors),
    }
}

/// The process's own environment, for [`Settings::load`] and [`redis_url_from_env`]. What is no UTF-8 is replaced by
/// U+FFFD, and then refused where it concerns us.
pub fn process_environment() -> impl Iterator<Item = (String, String)> {
    let lossy = |text: std::ffi::OsString| text.to_string_lossy().into_owned();
    std::env::vars_os().map(move |(name, value)| (lossy(name), lossy(value)))
}
