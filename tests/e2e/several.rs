//! Several engines, and Redis in its other forms: the whole engine, from the configuration's words on.

use std::time::Duration;

use redis::ConnectionLike;
use tickcache::app::Engine;
use tickcache::clock;
use tickcache::domain::{Reason, State, Version};
use tickcache::simulate::{Config, Simulator};

use crate::certificates::{Certificates, Clients};
use crate::cluster::Cluster;
use crate::redis_faults::right_in;
use crate::redis_server::RedisServer;
use crate::sentinel::SentinelGroup;
use crate::support::{
    ALL, Rig, load, name, redis_store, settings_text, small_market, stored, until, until_ok,
};

/// Settings of an engine of this name, beside those of the store.
fn named(engine: &str, store: &str) -> String {
    format!("[engine]\nid = \"{engine}\"\n{store}")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sentinels_are_asked_for_the_primary_and_followed() {
    let group = SentinelGroup::start(1).await;
    let store = format!(
        "[store]\nkind = \"redis\"\n[redis]\nmode = \"sentinel\"\nnodes = {:?}\nsentinel_master = \"mymaster\"\n",
        group.addresses()
    );
    let rig = Rig::with(Config::market(small_market()), &store, "").await;
    rig.live().await;
    let first = group.primary().await;
    let budgets: usize = redis::cmd("EXISTS")
        .arg(&["tickcache:v1:budget:{binance}:rest", "tickcache:v1:budget:{binance}:connect"])
        .query(&mut group.servers[first].connection())
        .unwrap();
    assert_eq!(budgets, 2, "the engine has spent of both where the Sentinels said");
    right_in(&rig, &mut group.servers[first].connection()).await;
    group.failover().await;
    group.wait_for_failover(first).await;
    let second = group.primary().await;
    assert_ne!(first, second);
    right_in(&rig, &mut group.servers[second].connection()).await;
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_gets_each_key_where_its_slot_lives() {
    let cluster = Cluster::start().await;
    let nodes: Vec<String> = cluster.seeds().into_iter().take(2).collect();
    let store = format!("[store]\nkind = \"redis\"\n[redis]\nmode = \"cluster\"\nnodes = {nodes:?}\n");
    let rig = Rig::with(Config::market(small_market()), &store, "").await;
    rig.live().await;
    let client = redis::cluster::ClusterClient::new(cluster.seeds()).unwrap();
    let mut connection = client.get_connection().unwrap();
    right_in(&rig, &mut connection).await;
    let meta: String =
        redis::cmd("HGET").arg("tickcache:v1:meta").arg("transport").query(&mut connection).unwrap();
    assert_eq!(meta, "spublish");
    for kind in ["rest", "connect"] {
        let key = format!("tickcache:v1:budget:{{binance}}:{kind}");
        let left_ms: i64 = redis::cmd("PTTL").arg(&key).query(&mut connection).unwrap();
        assert!(left_ms > 0, "{key}: {left_ms}");
    }
    let slot = cluster.slot_of(&name(&rig.engine.keys()[0])).await;
    let to = (cluster.primary_of(slot).await + 1) % 3;
    cluster.move_slot(slot, to).await;
    right_in(&rig, &mut connection).await;
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_that_asks_for_a_certificate_gets_ours() {
    let certificates = Certificates::make();
    let server = RedisServer::start_tls(&certificates.server_arguments(Clients::WithCertificate));
    let [ca, certificate, key] = [certificates.authority(), certificates.client(), certificates.client_key()]
        .map(|path| path.display().to_string());
    let store = format!(
        "[store]\nkind = \"redis\"\n[redis]\nurl = \"rediss://localhost:{}/2\"\nca_file = {ca:?}\n\
         certificate_file = {certificate:?}\nkey_file = {key:?}\n",
        server.tls_port()
    );
    let rig = Rig::with(Config::market(small_market()), &store, "").await;
    rig.live().await;
    let mut connection = server.connection();
    redis::cmd("SELECT").arg(2).exec(&mut connection).unwrap();
    right_in(&rig, &mut connection).await;
    rig.stop().await;
}

/// Spends all of a venue's connects, so that the next one is free after `wait`.
fn spend_connects(connection: &mut impl ConnectionLike, wait: Duration) {
    let (seconds, micros): (u64, u64) = redis::cmd("TIME").query(connection).unwrap();
    // Of 300 in 302 seconds half may be spent at once: each of the other half takes this long.
    let each_us = 302_000_000_u64.div_ceil(150);
    let wait_us = u64::try_from(wait.as_micros()).unwrap();
    let earned_us = seconds * 1_000_000 + micros + wait_us + 149 * each_us;
    redis::cmd("SET").arg("tickcache:v1:budget:{binance}:connect").arg(earned_us).exec(connection).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_engine_connects_only_when_all_of_them_together_may() {
    let server = RedisServer::start();
    let wait = Duration::from_secs(3);
    let before = clock::mono();
    spend_connects(&mut server.connection(), wait);
    let rig = Rig::into_redis(&server.url()).await;
    until("the first session stands", || rig.stats().connects > 0).await;
    // However late this is seen: never too early.
    assert!(clock::mono().since(before) >= wait, "{:?}", clock::mono().since(before));
    until("both stand", || rig.stats().sessions_up == 2).await;
    assert!(
        clock::mono().since(before) >= wait + Duration::from_secs(2),
        "the second one is earned after the first"
    );
    rig.live().await;
    rig.stop().await;
}

/// A second engine on the same venue and the same Redis.
fn second(simulator: &Simulator, url: &str) -> Engine {
    Engine::start(&load(&settings_text(simulator, &named("engine-b", &redis_store(url)), &ALL, ""))).unwrap()
}

fn versions(
    rig: &Rig,
    connection: &mut impl ConnectionLike,
) -> Result<Vec<(Version, State, Reason)>, String> {
    let version = |key| {
        let (version, record) = stored(connection, &name(key)).ok_or_else(|| name(key))?;
        Ok((version, record.stamp().state, record.stamp().reason))
    };
    rig.engine.keys().iter().map(version).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_standby_takes_over_without_a_value_that_is_not_live() {
    let server = RedisServer::start();
    let simulator = Simulator::start(Config::market(small_market())).await.unwrap();
    let first = Engine::start(&load(&settings_text(
        &simulator,
        &named("engine-a", &redis_store(&server.url())),
        &ALL,
        "",
    )))
    .unwrap();
    until_ok("the first is live", || crate::truth::all_live(&first)).await;
    let rig = Rig { engine: second(&simulator, &server.url()), simulator };
    rig.live().await;
    let mut connection = server.connection();
    let writers = |engine: &Engine| engine.feeds().next().unwrap().1.read().epoch;
    // Either may be preferred; whoever it is, there is one.
    until("one of them writes", || (writers(&first) == 0) != (writers(&rig.engine) == 0)).await;
    let before = versions(&rig, &mut connection).unwrap();
    let seen = std::thread::spawn({
        let (keys, url) = (rig.engine.keys().iter().map(name).collect::<Vec<_>>(), server.url());
        move || watch_states(&keys, &url, Duration::from_secs(3))
    });
    first.stop().await.unwrap();
    until("the second writes", || writers(&rig.engine) > 0).await;
    right_in(&rig, &mut connection).await;
    for (after, before) in versions(&rig, &mut connection).unwrap().iter().zip(&before) {
        assert!(after.0 > before.0, "{after:?} after {before:?}");
        assert_eq!(after.1, State::Live);
    }
    let problems = seen.join().unwrap();
    assert!(problems.is_empty(), "{problems:?}");
    rig.stop().await;
    let last = versions_of(&server, &before.len());
    assert!(
        last.iter().all(|(state, reason)| (*state, *reason) == (State::Suspect, Reason::WriterStopping)),
        "{last:?}"
    );
}

fn versions_of(server: &RedisServer, count: &usize) -> Vec<(State, Reason)> {
    let mut connection = server.connection();
    let keys: Vec<String> =
        redis::cmd("KEYS").arg("tickcache:v1:*:{*}:binance").query(&mut connection).unwrap();
    assert_eq!(keys.len(), *count);
    let state = |key: &String| {
        stored(&mut connection, key).map(|(_, record)| (record.stamp().state, record.stamp().reason))
    };
    keys.iter().filter_map(state).collect()
}

/// Looks at the keys again and again; what was ever not live, or older than before.
fn watch_states(keys: &[String], url: &str, time: Duration) -> Vec<String> {
    let mut connection = redis::Client::open(url).unwrap().get_connection().unwrap();
    let (started, mut newest, mut problems) = (tickcache::clock::mono(), Vec::new(), Vec::new());
    newest.resize(keys.len(), None);
    while tickcache::clock::mono().since(started) < time {
        for (key, newest) in keys.iter().zip(&mut newest) {
            let Some((version, record)) = stored(&mut connection, key) else { continue };
            if record.stamp().state != State::Live || *newest > Some(version) {
                problems.push(format!("{key}: {version} {:?} after {newest:?}", record.stamp()));
            }
            *newest = Some(version);
        }
    }
    problems
}
