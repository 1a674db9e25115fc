//! How the real binary ends, and how it goes on after it was frozen.

use std::time::Duration;

use tickcache::clock;
use tickcache::domain::{Reason, State};
use tickcache::simulate::{Config, Simulator};

use crate::program::Program;
use crate::redis_server::RedisServer;
use crate::support::{ALL, redis_store, settings_text, small_market, stored, until, until_ok};
use crate::truth;

/// The keys of the small market.
fn keys() -> Vec<String> {
    let of = |instrument| ALL.map(|entity| format!("tickcache:v1:{entity}:{{{instrument}}}:binance"));
    ["BTC-USDT", "ETH-USDT"].into_iter().flat_map(of).collect()
}

async fn live_in_redis(server: &RedisServer) {
    let mut connection = server.connection();
    until("every key in Redis is live", || {
        keys().iter().all(|key| {
            stored(&mut connection, key).is_some_and(|(_, record)| record.stamp().state == State::Live)
        })
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ctrl_c_and_sigterm_leave_every_key_suspect_and_exit_with_zero() {
    let server = RedisServer::start();
    let simulator = Simulator::start(Config::market(small_market())).await.unwrap();
    let config = settings_text(&simulator, &redis_store(&server.url()), &ALL, "");
    let mut connection = server.connection();
    for signal in ["INT", "TERM"] {
        let engine = Program::start_engine(&config);
        live_in_redis(&server).await;
        engine.signal(signal);
        let signalled = clock::mono();
        let (status, said) = engine.ended().await;
        // Printed, not asserted: two seconds are promised, and this machine may be busy with other things.
        eprintln!("SIG{signal}: ended within {:?}", clock::mono().since(signalled));
        assert_eq!(status.code(), Some(0), "{said}");
        for key in keys() {
            let (_, record) = stored(&mut connection, &key).expect("suspect, not gone");
            let stamp = record.stamp();
            assert_eq!((stamp.state, stamp.reason), (State::Suspect, Reason::WriterStopping), "{key}");
        }
    }
    simulator.stop().await;
}

/// The second start writes above what the first one left: a reader never goes back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_start_has_a_greater_epoch() {
    let server = RedisServer::start();
    let simulator = Simulator::start(Config::market(small_market())).await.unwrap();
    let config = settings_text(&simulator, &redis_store(&server.url()), &ALL, "");
    let mut epochs = Vec::new();
    for _ in 0..2 {
        let engine = Program::start_engine(&config);
        live_in_redis(&server).await;
        epochs.push(stored(&mut server.connection(), &keys()[0]).unwrap().0.epoch);
        engine.signal("TERM");
        engine.ended().await;
    }
    assert!(epochs[0] < epochs[1], "{epochs:?}");
    simulator.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sigterm_while_redis_is_away_ends_with_zero_too() {
    let mut server = RedisServer::start();
    let simulator = Simulator::start(Config::market(small_market())).await.unwrap();
    let engine = Program::start_engine(&settings_text(&simulator, &redis_store(&server.url()), &ALL, ""));
    live_in_redis(&server).await;
    server.kill();
    until("it says so", || engine.said().contains("redis connection lost")).await;
    engine.signal("TERM");
    let (status, said) = engine.ended().await;
    assert_eq!(status.code(), Some(0), "{said}");
    assert!(said.contains("Partly"), "it says what it could not write: {said}");
    simulator.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sigterm_without_a_venue_and_without_redis_ends_with_zero() {
    let mut server = RedisServer::start();
    server.kill();
    let simulator = Simulator::start(Config::market(small_market())).await.unwrap();
    let config = settings_text(&simulator, &redis_store(&server.url()), &ALL, "");
    simulator.stop().await;
    let engine = Program::start_engine(&config);
    until("it tried", || engine.said().contains("session ended")).await;
    engine.signal("TERM");
    let (status, said) = engine.ended().await;
    assert_eq!(status.code(), Some(0), "{said}");
}

/// As a virtual machine is that moves to another host.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_engine_that_was_frozen_for_some_seconds_comes_back_right() {
    let server = RedisServer::start();
    let simulator = Simulator::start(Config::market(small_market())).await.unwrap();
    let engine = Program::start_engine(&settings_text(&simulator, &redis_store(&server.url()), &ALL, ""));
    live_in_redis(&server).await;
    engine.signal("STOP");
    tokio::time::sleep(Duration::from_secs(4)).await;
    let mut connection = server.connection();
    let frozen: Vec<_> =
        keys().iter().map(|key| stored(&mut connection, key).expect("it was live").0).collect();
    engine.signal("CONT");
    until("every key goes on, with greater versions", || {
        keys()
            .iter()
            .zip(&frozen)
            .all(|(key, before)| stored(&mut connection, key).is_some_and(|(version, _)| version > *before))
    })
    .await;
    live_in_redis(&server).await;
    simulator.pause().await;
    until_ok("Redis says what the venue says", || {
        for key in keys() {
            let (_, record) = stored(&mut connection, &key).ok_or_else(|| key.clone())?;
            let symbol = if key.contains("BTC") { "BTCUSDT" } else { "ETHUSDT" };
            truth::record_agrees(&simulator, symbol, &record).map_err(|error| format!("{key}: {error}"))?;
        }
        Ok::<_, String>(())
    })
    .await;
    simulator.resume();
    let stats = simulator.stats();
    assert_eq!(
        stats.sessions,
        2 + stats.slow_sessions,
        "no session is given up for what the engine did not read"
    );
    engine.signal("TERM");
    assert_eq!(engine.ended().await.0.code(), Some(0));
    simulator.stop().await;
}
