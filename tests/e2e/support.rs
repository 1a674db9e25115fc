//! An engine on a simulated venue, and waiting for what it does.

use std::fmt::Debug;
use std::time::Duration;

use tickcache::app::{Engine, FeedStats, WrittenKey, venue_defaults};
use tickcache::clock;
use tickcache::codec::{Decoded, decode};
use tickcache::config::Settings;
use tickcache::domain::{Entity, Reason, Record, State, Version};
use tickcache::simulate::{Config, MarketOptions, Simulator};

use crate::truth;

/// Generous: reached only where something hangs.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// How often a condition is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Waits until `look` finds nothing to object to; fails with its last objection.
pub(crate) async fn until_ok<E: Debug>(what: &str, mut look: impl FnMut() -> Result<(), E>) {
    let started = clock::mono();
    while let Err(objection) = look() {
        assert!(clock::mono().since(started) < PATIENCE, "{what}: not within {PATIENCE:?}: {objection:?}");
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// Waits until `look` is true.
pub(crate) async fn until(what: &str, mut look: impl FnMut() -> bool) {
    until_ok(what, || if look() { Ok(()) } else { Err("still false") }).await;
}

/// The market of most tests: two instruments, lively, without jumps of more than a percent.
pub(crate) fn small_market() -> MarketOptions {
    MarketOptions { updates_per_second: 100, jump_every: None, ..MarketOptions::default() }
        .only(&["BTC", "ETH"])
}

/// Where values go, as a part of the settings' text.
pub(crate) fn redis_store(url: &str) -> String {
    format!("[store]\nkind = \"redis\"\n[redis]\nurl = \"{url}\"\n")
}

/// Values stay in the engine's own table.
pub(crate) const EMBEDDED: &str = "[store]\nkind = \"embedded\"\n";

/// The text of settings: everything that the simulator has, and what `store` and `feed` add.
pub(crate) fn settings_text(simulator: &Simulator, store: &str, entities: &[&str], feed: &str) -> String {
    let instruments: Vec<String> =
        simulator.symbols().iter().map(|info| format!("{}-{}", info.base, info.quote)).collect();
    format!(
        "{store}[embedded]\nlisten = \"127.0.0.1:0\"\n[http]\nlisten = \"127.0.0.1:0\"\n[[feed]]\nvenue = \"binance\"\ncongestion_ms = 0\n\
         instruments = {instruments:?}\nentities = {entities:?}\ndepth = 20\nwebsocket_url = \"{}\"\n\
         rest_url = \"{}\"\n{feed}\n",
        simulator.websocket_url(),
        simulator.rest_url(),
    )
}

/// Every entity that a feed can have.
pub(crate) const ALL: [&str; 3] = ["price", "liquidity", "volume"];

/// Settings without an environment.
pub(crate) fn load(text: &str) -> Settings {
    Settings::load(text, "test", std::iter::empty(), &venue_defaults()).unwrap()
}

/// An engine and its venue.
#[derive(Debug)]
pub(crate) struct Rig {
    pub(crate) simulator: Simulator,
    pub(crate) engine: Engine,
}

impl Rig {
    /// The small market into the engine's own table.
    pub(crate) async fn start() -> Self {
        Self::with(Config::market(small_market()), EMBEDDED, "").await
    }

    /// The small market into a Redis.
    pub(crate) async fn into_redis(url: &str) -> Self {
        Self::with(Config::market(small_market()), &redis_store(url), "").await
    }

    pub(crate) async fn with(config: Config, store: &str, feed: &str) -> Self {
        let simulator = Simulator::start(config).await.unwrap();
        Self::on(simulator, store, feed)
    }

    pub(crate) fn on(simulator: Simulator, store: &str, feed: &str) -> Self {
        let engine = Engine::start(&load(&settings_text(&simulator, store, &ALL, feed))).unwrap();
        Self { simulator, engine }
    }

    pub(crate) fn stats(&self) -> FeedStats {
        self.engine.feeds().next().expect("one feed").1.read()
    }

    /// Waits until every key of the engine's table is live.
    pub(crate) async fn live(&self) {
        until_ok("every key is live", || truth::all_live(&self.engine)).await;
        // Figures are told some times a second: those of now, what made the keys live among them, are there with the next frames.
        let told = self.stats().frames;
        until("the figures are those of now", || self.stats().frames > told).await;
    }

    /// Waits until each book has moved on `times` times.
    pub(crate) async fn moved_on(&self, times: usize) {
        for _ in 0..times {
            let before = self.sequences();
            until("every price and book moves on", || {
                self.sequences().iter().zip(&before).all(|(now, before)| now > before)
            })
            .await;
        }
    }

    fn sequences(&self) -> Vec<Option<u64>> {
        let keys = self.engine.keys().iter().filter(|key| key.entity != Entity::Volume);
        keys.map(|key| value(&self.engine, key).and_then(|value| truth::venue_sequence(&value.record)))
            .collect()
    }

    /// The venue stands still, and every value becomes what the venue says: live, the same numbers, the same update id.
    /// Then the venue goes on.
    pub(crate) async fn right_when_still(&self) {
        self.moved_on(2).await;
        self.simulator.pause().await;
        until_ok("every value is the venue's", || truth::agrees(&self.engine, &self.simulator)).await;
        self.simulator.resume();
    }

    pub(crate) async fn stop(self) {
        assert!(!self.engine.is_dead(), "the hot thread lives to the end");
        self.engine.stop().await.unwrap();
        self.simulator.stop().await;
    }
}

/// The value of a key in the engine's own table.
pub(crate) fn value(engine: &Engine, key: &WrittenKey) -> Option<Decoded> {
    let read = |bytes: &[u8], _| decode(key.entity, bytes).expect("the engine writes what can be read");
    engine.read(key, clock::mono(), read)
}

/// State and reason of one key in the engine's own table.
pub(crate) fn state(engine: &Engine, entity: Entity, instrument: &str) -> Option<(State, Reason)> {
    let key =
        engine.keys().iter().find(|key| key.entity == entity && key.instrument.as_str() == instrument)?;
    value(engine, key).map(|value| (value.record.stamp().state, value.record.stamp().reason))
}

/// A value in Redis.
pub(crate) fn stored(connection: &mut impl redis::ConnectionLike, key: &str) -> Option<(Version, Record)> {
    let bytes: Option<Vec<u8>> = redis::cmd("GET").arg(key).query(connection).unwrap();
    let entity = key.split(':').nth(2).unwrap().parse().unwrap();
    bytes.map(|bytes| decode(entity, &bytes).unwrap()).map(|value| (value.version, value.record))
}

/// The name of a key of the default namespace.
pub(crate) fn name(key: &WrittenKey) -> String {
    format!("tickcache:v1:{}:{{{}}}:{}", key.entity, key.instrument, key.venue)
}
