//! The whole engine at each venue, over real sockets in real time.

use std::fmt::Debug;
use std::time::Duration;

use tickcache::app::{Engine, venue_defaults};
use tickcache::clock;
use tickcache::codec::decode;
use tickcache::config::Settings;
use tickcache::domain::Record;
use tickcache::simulate::{Config, MarketOptions, Simulator};

use crate::cases::{CASES, Case};
use crate::truth;

/// Generous: reached only where something hangs.
const PATIENCE: Duration = Duration::from_secs(60);

/// Waits until `look` finds nothing to object to; fails with its last objection.
pub(crate) async fn until_ok<E: Debug>(what: &str, mut look: impl FnMut() -> Result<(), E>) {
    let started = clock::mono();
    while let Err(objection) = look() {
        assert!(clock::mono().since(started) < PATIENCE, "{what}: not within {PATIENCE:?}: {objection:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// An engine of one venue, with its values in its own table.
pub(crate) fn start(
    venue: &str,
    simulator: &Simulator,
    instruments: &[&str],
    depth: usize,
    entities: &[&str],
    feed: &str,
) -> Engine {
    let urls = simulator.websocket_urls();
    let text = format!(
        "[store]\nkind = \"embedded\"\n[embedded]\nlisten = \"\"\n[http]\nlisten = \"\"\n[[feed]]\nvenue = \"{venue}\"\n\
         instruments = {instruments:?}\nentities = {entities:?}\ndepth = {depth}\ncongestion_ms = 0\nwebsocket_url = \"{}\"\n\
         volume_websocket_url = \"{}\"\nrest_url = \"{}\"\n{feed}\n",
        urls[0],
        urls[urls.len() - 1],
        simulator.rest_url(),
    );
    let settings = Settings::load(&text, "test", std::iter::empty(), &venue_defaults()).unwrap();
    Engine::start(&settings).unwrap()
}

/// Objects to a value of the engine's table.
pub(crate) fn each(
    engine: &Engine,
    mut look: impl FnMut(&str, &Record) -> Result<(), String>,
) -> Result<(), String> {
    for key in engine.keys() {
        let read = |bytes: &[u8], _| decode(key.entity, bytes).expect("the engine writes what can be read");
        let found = engine.read(key, clock::mono(), read).ok_or("no value".to_owned());
        found
            .and_then(|value| look(key.instrument.as_str(), &value.record))
            .map_err(|error| format!("{} {}: {error}", key.entity, key.instrument))?;
    }
    Ok(())
}

async fn becomes_live_and_right(case: Case) {
    let options =
        MarketOptions { updates_per_second: 60, jump_every: None, levels: 400, ..Default::default() };
    let config = Config::market(options.only(&["BTC", "ETH"])).venue(case.venue);
    let simulator = Simulator::start(config).await.unwrap();
    let instruments = ["BTC", "ETH"].map(|base| case.instrument(base));
    let names = instruments.each_ref().map(String::as_str);
    let engine = start(case.venue, &simulator, &names, case.depth, &["price", "liquidity", "volume"], "");
    let what = format!("{}: every value is live", case.venue);
    until_ok(&what, || each(&engine, |_, record| truth::is_live(record))).await;
    for _ in 0..3 {
        tokio::time::sleep(Duration::from_millis(500)).await;
        simulator.pause().await;
        let what = format!("{}: every value is the venue's", case.venue);
        let right = |instrument: &str, record: &Record| {
            truth::agrees(record, &simulator, &Case::symbol(instrument, &simulator), case.depth)
        };
        until_ok(&what, || each(&engine, right)).await;
        simulator.resume();
    }
    let stats = engine.feeds().next().expect("one feed").1.read();
    assert_eq!((stats.decode_errors, stats.unusable, stats.reconnects), (0, 0, 0), "{}", case.venue);
    assert_eq!((stats.gaps, stats.mismatches, stats.times_back), (0, 0, 0), "{}", case.venue);
    // A ticker that is also the quote counts as that.
    assert!(stats.trades > 0 && stats.updates() > 40, "{}: {stats:?}", case.venue);
    assert!(!engine.is_dead());
    engine.stop().await.unwrap();
    simulator.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_venue_becomes_live_and_right() {
    let mut running = tokio::task::JoinSet::new();
    for case in CASES {
        running.spawn(becomes_live_and_right(case));
    }
    let mut failed = 0;
    while let Some(ended) = running.join_next().await {
        failed += usize::from(ended.is_err());
    }
    assert_eq!(failed, 0, "what failed is told above");
}
