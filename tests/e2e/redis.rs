//! Redis that is absent, dies, and comes back empty; and what stands in it when all is well.

use std::collections::BTreeMap;

use tickcache::app::Engine;
use tickcache::domain::Version;
use tickcache::simulate::{Config, Simulator};

use crate::monitor::Monitor;
use crate::redis_server::RedisServer;
use crate::support::{
    ALL, Rig, load, name, redis_store, settings_text, small_market, stored, until, until_ok,
};
use crate::truth;

/// The version of every key in Redis; `Err` names one that is absent.
fn versions(rig: &Rig, connection: &mut redis::Connection) -> Result<BTreeMap<String, Version>, String> {
    let read = |key| {
        let name = name(key);
        let (version, _) = stored(connection, &name).ok_or_else(|| format!("{name}: absent"))?;
        Ok((name, version))
    };
    rig.engine.keys().iter().map(read).collect()
}

/// While the venue stands still, everything in Redis is what the venue says.
async fn right_in_redis(rig: &Rig, server: &RedisServer) {
    right_in(rig, &mut server.connection()).await;
}

/// The venue stands still, and every value in Redis becomes what the venue says. Then the venue goes on.
pub(crate) async fn right_in(rig: &Rig, mut connection: &mut impl redis::ConnectionLike) {
    rig.moved_on(2).await;
    rig.simulator.pause().await;
    until_ok("Redis says what the venue says", || {
        truth::agrees(&rig.engine, &rig.simulator)?;
        for key in rig.engine.keys() {
            let symbol = key.instrument.as_str().replace('-', "");
            let (_, record) = stored(&mut connection, &name(key)).ok_or_else(|| name(key))?;
            truth::record_agrees(&rig.simulator, &symbol, &record)?;
        }
        Ok::<_, String>(())
    })
    .await;
    rig.simulator.resume();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_that_dies_and_comes_back_empty_gets_everything_anew_with_greater_versions() {
    let mut server = RedisServer::start();
    let rig = Rig::into_redis(&server.url()).await;
    rig.live().await;
    right_in_redis(&rig, &server).await;
    let before = versions(&rig, &mut server.connection()).unwrap();
    for round in 1..=2 {
        server.kill();
        until("the engine knows that Redis is away", || !rig.engine.writer().connected).await;
        without_redis(&rig).await;
        server.restart();
        let mut connection = server.connection();
        until_ok("every key is back", || versions(&rig, &mut connection).map(drop)).await;
        let after = versions(&rig, &mut connection).unwrap();
        for (key, version) in &after {
            assert!(version > &before[key], "{key} in round {round}: {version} after {}", before[key]);
        }
        right_in_redis(&rig, &server).await;
    }
    assert_eq!(rig.stats().reconnects, 0, "the venue's sessions did not notice");
    rig.stop().await;
}

/// The engine's own table stays right, and of all that happens meanwhile nothing waits in a queue: what is overwritten
/// is counted as conflated.
async fn without_redis(rig: &Rig) {
    let before = rig.engine.writer();
    rig.right_when_still().await;
    rig.moved_on(20).await;
    rig.right_when_still().await;
    until("the writer's figures move on", || {
        let now = rig.engine.writer();
        now.updates > before.updates && now.encoded > before.encoded
    })
    .await;
    let now = rig.engine.writer();
    assert_eq!(now.written, before.written, "nobody acknowledged anything");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_that_is_absent_at_the_start_is_awaited() {
    let mut server = RedisServer::start();
    server.kill();
    let rig = Rig::into_redis(&server.url()).await;
    rig.live().await;
    without_redis(&rig).await;
    assert!(!rig.engine.writer().connected);
    server.restart();
    until("the engine is connected", || rig.engine.writer().connected).await;
    right_in_redis(&rig, &server).await;
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_an_outage_redis_gets_the_newest_values_once_and_not_the_history() {
    let mut server = RedisServer::start();
    let rig = Rig::into_redis(&server.url()).await;
    rig.live().await;
    server.kill();
    until("the engine knows that Redis is away", || !rig.engine.writer().connected).await;
    rig.moved_on(40).await;
    rig.simulator.pause().await;
    until_ok("the table has caught up", || truth::agrees(&rig.engine, &rig.simulator)).await;
    let before = rig.engine.writer();
    server.restart();
    let mut connection = server.connection();
    until_ok("every key is back", || versions(&rig, &mut connection).map(drop)).await;
    until("it is counted", || rig.engine.writer().written > before.written).await;
    let written = rig.engine.writer().written - before.written;
    // Six keys, each once, and a few confirmations; forty changes of four keys were not sent.
    assert!((6..60).contains(&written), "{written} values");
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_have_the_configured_ttl_and_the_hashes_say_what_there_is() {
    let server = RedisServer::start();
    let simulator = Simulator::start(Config::market(small_market())).await.unwrap();
    let store = format!(
        "namespace = \"prod:test\"\n{}[ttl]\nprice_s = 7\nliquidity_s = 11\nvolume_s = 123\n",
        redis_store(&server.url())
    );
    let watched = tempfile::NamedTempFile::new().unwrap();
    let monitor = Monitor::start(server.port(), watched.path());
    let engine = Engine::start(&load(&settings_text(&simulator, &store, &ALL, ""))).unwrap();
    let rig = Rig { simulator, engine };
    rig.live().await;
    rig.moved_on(2).await;
    let mut connection = server.connection();
    until_ok("every key is there", || {
        rig.engine.keys().iter().try_for_each(|key| {
            let name = name(key).replace("tickcache:", "prod:test:");
            let there: bool = redis::cmd("EXISTS").arg(&name).query(&mut connection).unwrap();
            if there { Ok(()) } else { Err(name) }
        })
    })
    .await;
    let ask = |connection: &mut redis::Connection, words: &[&str]| -> Vec<String> {
        let mut command = redis::cmd(words[0]);
        command.arg(&words[1..]).query(connection).unwrap()
    };
    for (entity, ttl_ms) in [("price", 7_000), ("liquidity", 11_000), ("volume", 123_000)] {
        for instrument in ["BTC-USDT", "ETH-USDT"] {
            let key = format!("prod:test:v1:{entity}:{{{instrument}}}:binance");
            let left: i64 = redis::cmd("PTTL").arg(&key).query(&mut connection).unwrap();
            assert!((1..=ttl_ms).contains(&left), "{key}: {left} ms");
        }
    }
    let mut catalog = ask(&mut connection, &["HGETALL", "prod:test:v1:catalog"]);
    catalog.sort();
    let value = "binance/0 price liquidity volume";
    assert_eq!(catalog, ["BTC-USDT:binance", "ETH-USDT:binance", value, value]);
    let meta = ask(&mut connection, &["HGETALL", "prod:test:v1:meta"]);
    assert_eq!(meta, ["transport", "publish", "schema", "1"]);
    let keys = ask(&mut connection, &["KEYS", "*"]);
    assert_eq!(keys.len(), 13, "six values, catalog, meta, lease, epoch, engines, two budgets: {keys:?}");
    for (kind, ttl_ms) in [("rest", 62_000 + 20_700), ("connect", 302_000 + 302_000)] {
        let left: i64 = redis::cmd("PTTL")
            .arg(format!("prod:test:v1:budget:{{binance}}:{kind}"))
            .query(&mut connection)
            .unwrap();
        assert!((1..=ttl_ms).contains(&left), "{kind}: {left} ms");
    }
    rig.stop().await;
    monitor.finish();
    let text = std::fs::read_to_string(watched.path()).unwrap();
    for (entity, end) in
        [("price", "\"PX\" \"7000\""), ("liquidity", "\"PX\" \"11000\""), ("volume", "\"PX\" \"123000\"")]
    {
        let set = format!("\"SET\" \"prod:test:v1:{entity}:");
        let writes: Vec<&str> = text.lines().filter(|line| line.contains(&set)).collect();
        assert!(writes.len() >= 4, "{entity}: {}", writes.len());
        assert!(writes.iter().all(|line| line.ends_with(end)), "{entity}: each write has the configured TTL");
    }
}

/// A server that neither answers nor closes is as good as dead, and found by the engine's own deadline.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_that_hangs_is_given_up_and_taken_back() {
    let server = RedisServer::start();
    let rig = Rig::into_redis(&server.url()).await;
    rig.live().await;
    right_in_redis(&rig, &server).await;
    let info: String = redis::cmd("INFO").arg("server").query(&mut server.connection()).unwrap();
    let pid = info.lines().find_map(|line| line.strip_prefix("process_id:")).unwrap().trim().to_owned();
    let signal = |name: &str| {
        assert!(std::process::Command::new("kill").args(["-s", name, &pid]).status().unwrap().success());
    };
    signal("STOP");
    until("the engine knows that Redis is away", || !rig.engine.writer().connected).await;
    without_redis(&rig).await;
    signal("CONT");
    until("the engine is connected", || rig.engine.writer().connected).await;
    right_in_redis(&rig, &server).await;
    assert_eq!(rig.stats().reconnects, 0, "the venue's sessions did not notice");
    rig.stop().await;
}
