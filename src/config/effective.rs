//! The settings in force, as a file that loads again.

use std::fmt::Write as _;
use std::time::Duration;

use toml::Value;

use super::keys::{self, Key};
use super::settings::{FeedSettings, Settings};

impl Settings {
    /// For `check-config`: valid TOML that loads to these very settings, but for a password, which is masked.
    /// What came from the environment says so in a comment.
    #[must_use]
    pub fn effective_toml(&self) -> String {
        let mut out = Writer { text: String::new(), section: "", settings: self };
        out.value(&keys::NAMESPACE, text(self.namespace.as_str()));
        out.value(&keys::STORE_KIND, text(self.store.as_str()));
        out.value(&keys::REDIS_URL, text(&self.redis.to_string_masked()));
        let listen =
            |address: Option<std::net::SocketAddr>| text(&address.map(|a| a.to_string()).unwrap_or_default());
        out.value(&keys::EMBEDDED_LISTEN, listen(self.embedded_listen));
        out.value(&keys::HTTP_LISTEN, listen(self.http_listen));
        out.value(&keys::TTL_PRICE, seconds(self.ttl.price));
        out.value(&keys::TTL_LIQUIDITY, seconds(self.ttl.liquidity));
        out.value(&keys::TTL_VOLUME, seconds(self.ttl.volume));
        out.value(&keys::ZSTD_THRESHOLD, self.zstd_threshold_bytes.unwrap_or(0).to_string());
        for feed in &self.feeds {
            out.feed(feed);
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

    fn feed(&mut self, feed: &FeedSettings) {
        self.section = keys::FEED_TABLE;
        self.line(format_args!("\n[[{}]]", keys::FEED_TABLE));
        self.value(&keys::VENUE, text(feed.venue.as_str()));
        self.value(&keys::INSTRUMENTS, texts(feed.instruments.iter().map(|instrument| instrument.as_str())));
        self.value(&keys::ENTITIES, texts(feed.entities.iter().map(|entity| entity.as_str())));
        self.value(&keys::DEPTH, feed.depth.to_string());
        self.value(&keys::WEBSOCKET_URL, text(feed.websocket_url.as_str()));
        self.value(&keys::REST_URL, text(feed.rest_url.as_str()));
        self.value(&keys::REST_WEIGHT, feed.rest_weight_per_minute.to_string());
        self.value(&keys::FIRST_DATA, seconds(feed.first_data));
        self.value(&keys::PRICE_SILENCE, seconds(feed.silence.price));
        self.value(&keys::LIQUIDITY_SILENCE, seconds(feed.silence.liquidity));
        self.value(&keys::VOLUME_SILENCE, seconds(feed.silence.volume));
    }

    fn line(&mut self, line: std::fmt::Arguments<'_>) {
        writeln!(self.text, "{line}").expect("a String takes everything");
    }
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
