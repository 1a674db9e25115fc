//! The settings in force, as a file that loads again.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use toml::Value;

use super::engine_id::EngineId;
use super::keys::{self, Key};
use super::secret::MASK;
use super::settings::{AliasSettings, EmbeddedSettings, FeedSettings, Settings};
use super::validate::decimal;

impl Settings {
    /// For `check-config`: valid TOML that loads to these very settings, but for a password, which is masked.
    /// What came from the environment says so in a comment.
    #[must_use]
    pub fn effective_toml(&self) -> String {
        let mut out = Writer { text: String::new(), section: "", settings: self };
        out.value(&keys::NAMESPACE, text(self.namespace.as_str()));
        out.value(&keys::ENGINE_ID, text(self.engine_id.as_ref().map_or("", EngineId::as_str)));
        out.value(&keys::SHARDS, self.shards.to_string());
        out.value(&keys::CACHE_DIR, text(&self.cache_dir.to_string()));
        out.value(&keys::LIST_REFRESH, seconds(self.list_refresh));
        out.value(&keys::STORE_KIND, text(self.store.as_str()));
        out.redis();
        out.embedded();
        out.value(&keys::HTTP_LISTEN, listen(self.http_listen));
        out.value(&keys::TTL_PRICE, seconds(self.ttl.price));
        out.value(&keys::TTL_LIQUIDITY, seconds(self.ttl.liquidity));
        out.value(&keys::TTL_VOLUME, seconds(self.ttl.volume));
        out.value(&keys::ZSTD_THRESHOLD, self.zstd_threshold_bytes.unwrap_or(0).to_string());
        out.value(&keys::FENCING, text(self.fencing.as_str()));
        out.value(&keys::PUSH, text(self.push.as_str()));
        out.value(&keys::LEASE_TTL, self.lease.ttl.as_millis().to_string());
        out.value(&keys::LEASE_RENEW, self.lease.renew.as_millis().to_string());
        out.value(&keys::PRICE_MOVE, text(&decimal(self.price_move_limit)));
        out.value(&keys::MOVE_PRICE, text(self.move_price.as_str()));
        out.value(&keys::LIQUIDITY_CHANGE, self.liquidity_change_percent.to_string());
        out.value(&keys::EVENT_KINDS, texts(self.event_kinds.iter().map(|kind| kind.as_str())));
        out.value(&keys::EVENTS_PER_SECOND, self.events_per_second_max.to_string());
        let dir = self.record.dir.as_deref().unwrap_or(Path::new(""));
        out.value(&keys::RECORD_DIR, text(&dir.to_string_lossy()));
        out.value(&keys::RECORD_FILE_BYTES, self.record.file_bytes_max.to_string());
        out.value(&keys::RECORD_BUFFER_BYTES, self.record.buffer_bytes_max.to_string());
        for feed in &self.feeds {
            out.feed(feed);
        }
        for alias in &self.aliases {
            out.alias(alias);
        }
        out.text
    }
}

struct Writer<'a> {
    text: String,
    section: &'static str,
    settings: &'a Settings,
}

impl Writer<'_> {
    /// `value` is TOML already.
    fn value(&mut self, key: &Key, value: String) {
        if self.section != key.section() {
            self.section = key.section();
            self.line(format_args!("\n[{}]", key.section()));
        }
        match self.settings.variables.get(key.path) {
            Some(names) => self.line(format_args!("{} = {value} # from {names}", key.name())),
            None => self.line(format_args!("{} = {value}", key.name())),
        }
    }

    fn redis(&mut self) {
        let Settings { redis, redis_mode, redis_nodes, sentinel, tls_files, .. } = self.settings;
        let nodes: Vec<String> = redis_nodes.iter().map(ToString::to_string).collect();
        let path = |path: &Option<PathBuf>| text(&path.as_deref().unwrap_or(Path::new("")).to_string_lossy());
        self.value(&keys::REDIS_URL, text(&redis.to_string_masked()));
        self.value(&keys::REDIS_MODE, text(redis_mode.as_str()));
        self.value(&keys::REDIS_NODES, texts(nodes.iter().map(String::as_str)));
        self.value(&keys::SENTINEL_MASTER, text(&sentinel.master));
        self.value(&keys::SENTINEL_USERNAME, text(sentinel.username.as_deref().unwrap_or_default()));
        self.value(&keys::SENTINEL_PASSWORD, text(sentinel.password.as_ref().map_or("", |_| MASK)));
        self.value(&keys::REDIS_CA_FILE, path(&tls_files.ca));
        self.value(&keys::REDIS_CERTIFICATE_FILE, path(&tls_files.certificate));
        self.value(&keys::REDIS_KEY_FILE, path(&tls_files.key));
    }

    fn embedded(&mut self) {
        let EmbeddedSettings { listen: address, password, certificate_and_key, .. } = &self.settings.embedded;
        let (certificate, key) = certificate_and_key.clone().unwrap_or_default();
        self.value(&keys::EMBEDDED_LISTEN, listen(*address));
        self.value(&keys::EMBEDDED_PASSWORD, text(password.as_ref().map_or("", |_| MASK)));
        self.value(&keys::EMBEDDED_CERTIFICATE_FILE, text(&certificate.to_string_lossy()));
        self.value(&keys::EMBEDDED_KEY_FILE, text(&key.to_string_lossy()));
        let EmbeddedSettings { clients_max, output_buffer_bytes_max, subscriptions_max, stalled_max, .. } =
            self.settings.embedded;
        self.value(&keys::EMBEDDED_CLIENTS_MAX, clients_max.to_string());
        self.value(&keys::EMBEDDED_OUTPUT_MAX, output_buffer_bytes_max.to_string());
        self.value(&keys::EMBEDDED_SUBSCRIPTIONS_MAX, subscriptions_max.to_string());
        self.value(&keys::EMBEDDED_STALLED_MAX, seconds(stalled_max));
    }

    fn feed(&mut self, feed: &FeedSettings) {
        self.section = keys::FEED_TABLE;
        self.line(format_args!("\n[[{}]]", keys::FEED_TABLE));
        self.value(&keys::VENUE, text(feed.venue.as_str()));
        self.value(&keys::INSTRUMENTS, texts(feed.instruments.iter().map(|instrument| instrument.as_str())));
        self.value(&keys::ENTITIES, texts(feed.entities.iter().map(|entity| entity.as_str())));
        self.value(&keys::DEPTH, feed.depth.to_string());
        self.value(&keys::PRICE_FROM, text(feed.price_from.as_str()));
        self.value(&keys::WEBSOCKET_URL, text(feed.websocket_url.as_str()));
        self.value(&keys::VOLUME_WEBSOCKET_URL, text(feed.volume_websocket_url.as_str()));
        for (key, channel) in keys::CHANNELS.iter().zip(&feed.channels) {
            self.value(key, text(channel));
        }
        self.value(&keys::REST_URL, text(feed.rest_url.as_str()));
        self.value(&keys::REST_WEIGHT, feed.rest_weight_per_minute.to_string());
        self.value(&keys::FIRST_DATA, seconds(feed.first_data));
        self.value(&keys::PRICE_SILENCE, seconds(feed.silence.price));
        self.value(&keys::LIQUIDITY_SILENCE, seconds(feed.silence.liquidity));
        self.value(&keys::VOLUME_SILENCE, seconds(feed.silence.volume));
        self.value(&keys::CONGESTION, feed.congestion.as_millis().to_string());
        self.value(&keys::REDUNDANT, feed.redundant.to_string());
        self.value(&keys::SESSION_MAX, seconds(feed.session_max.unwrap_or_default()));
        self.value(&keys::PARTITIONS, feed.partitions.to_string());
    }

    fn alias(&mut self, alias: &AliasSettings) {
        self.section = keys::ALIAS_TABLE;
        self.line(format_args!("\n[[{}]]", keys::ALIAS_TABLE));
        self.value(&keys::ALIAS_VENUE, text(alias.venue.as_str()));
        self.value(&keys::ALIAS_SYMBOL, text(&alias.symbol));
        self.value(&keys::ALIAS_INSTRUMENT, text(alias.instrument.as_str()));
        self.value(&keys::ALIAS_MULTIPLIER, text(&alias.multiplier.to_string()));
    }

    fn line(&mut self, line: std::fmt::Arguments<'_>) {
        writeln!(self.text, "{line}").expect("a String takes everything");
    }
}

fn listen(address: Option<SocketAddr>) -> String {
    text(&address.map(|address| address.to_string()).unwrap_or_default())
}

fn text(text: &str) -> String {
    Value::String(text.to_owned()).to_string()
}

fn texts<'a>(texts: impl Iterator<Item = &'a str>) -> String {
    Value::Array(texts.map(|text| Value::String(text.to_owned())).collect()).to_string()
}

fn seconds(duration: Duration) -> String {
    duration.as_secs().to_string()
}
