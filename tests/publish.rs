//! The writer against a real redis-server: what is written, and what happens when Redis fails.
//!
//! Asserts order and final state, with generous time-outs; measures nothing.

#![allow(
    clippy::unwrap_used,
    reason = "a test fails by panicking; helpers outside of test functions do as well"
)]

#[path = "publish/budget.rs"]
mod budget;
#[path = "support/certificates.rs"]
mod certificates;
#[path = "publish/comebacks.rs"]
mod comebacks;
#[path = "publish/faults.rs"]
mod faults;
#[path = "publish/market.rs"]
mod market;
#[path = "support/proxy.rs"]
mod proxy;
#[path = "publish/push.rs"]
mod push;
#[path = "support/redis_server.rs"]
mod redis_server;
#[path = "publish/refusals.rs"]
mod refusals;
#[path = "publish/rig.rs"]
mod rig;
#[path = "publish/scripts.rs"]
mod scripts;
#[path = "publish/two_engines.rs"]
mod two_engines;
#[path = "publish/watcher.rs"]
mod watcher;

use redis::AsyncCommands;
use tickcache::clock;
use tickcache::publish::{Endpoint, RedisAddress, Store};

use redis_server::RedisServer;
use rig::{EPOCH, FEED, Rig, at, bid, on_one_thread, tcp, until, version};

#[test]
fn values_arrive_with_their_ttl_and_growing_versions() {
    on_one_thread(async {
        let server = RedisServer::start();
        let mut redis = server.observe().await;
        let mut rig = Rig::start(tcp(server.port()), 3).connected().await;
        for round in 1..=3 {
            rig.push(1, 100 * round);
            rig.drain().await;
        }
        let key = rig.keys[1].clone();
        let value: Vec<u8> = redis.get(&key).await.unwrap();
        assert_eq!(bid(&value), 300);
        assert_eq!(version(&value).0, rig.epoch().await);
        let ttl_ms: i64 = redis.pttl(&key).await.unwrap();
        assert!((1..=30_000).contains(&ttl_ms), "{ttl_ms}");
        assert_eq!(rig.table.get_key(&key, clock::mono()).unwrap().bytes, value);
        let stats = rig.writer.stats();
        assert_eq!((stats.updates, stats.errors, stats.reconnects), (3, 0, 0));
        // A stall that costs the lease has a value encoded again.
        assert!((3..=stats.encoded).contains(&stats.written), "{stats:?}");
        assert!(stats.connected && stats.latency_p50 > std::time::Duration::ZERO, "{stats:?}");
        let none: Option<Vec<u8>> = redis.get(&rig.keys[0]).await.unwrap();
        assert_eq!(none, None, "a key without a record is not written");
    });
}

#[test]
fn a_burst_is_conflated_and_the_newest_of_each_key_wins() {
    on_one_thread(async {
        let server = RedisServer::start();
        let mut redis = server.observe().await;
        let mut rig = Rig::start(tcp(server.port()), 600).connected().await;
        rig.epoch().await;
        for round in 1..=20 {
            for slot in 0..600 {
                rig.push(slot, round * 1_000 + i128::try_from(slot).unwrap());
            }
        }
        rig.drain().await;
        let values: Vec<Vec<u8>> = redis.mget(&rig.keys).await.unwrap();
        for (slot, value) in values.iter().enumerate() {
            assert_eq!(bid(value), 20_000 + slot as u64);
        }
        let stats = rig.writer.stats();
        assert_eq!(stats.updates, 12_000);
        assert!(stats.written >= 600 && stats.written == stats.encoded, "{stats:?}");
        assert_eq!(stats.written + stats.conflated, 12_000);
    });
}

#[test]
fn the_catalog_is_written_and_fields_are_withdrawn() {
    on_one_thread(async {
        let mut server = RedisServer::start();
        let mut redis = server.observe().await;
        let mut rig = Rig::start(tcp(server.port()), 1);
        assert!(rig.writer.announce(FEED, "BTC-USDT:binance", "binance/0 price liquidity"));
        assert!(rig.writer.announce(FEED, "OLD-USDT:binance", "binance/0 price"));
        rig.drain().await;
        assert!(rig.writer.withdraw(FEED, "OLD-USDT:binance"));
        rig.push(0, 1);
        rig.drain().await;
        let catalog: Vec<(String, String)> = redis.hgetall("tickcache:v1:catalog").await.unwrap();
        assert_eq!(catalog, [("BTC-USDT:binance".to_owned(), "binance/0 price liquidity".to_owned())]);
        let transport: String = redis.hget("tickcache:v1:meta", "transport").await.unwrap();
        let schema: String = redis.hget("tickcache:v1:meta", "schema").await.unwrap();
        assert_eq!((transport.as_str(), schema.as_str()), ("publish", "1"));

        server.restart();
        let mut redis = server.observe().await;
        until("the catalog is there again", async || {
            redis.hlen("tickcache:v1:catalog").await.unwrap_or(0) == 1
        })
        .await;
    });
}

#[test]
fn the_embedded_store_counts_as_written_at_once() {
    on_one_thread(async {
        let mut rig = Rig::start(Store::Embedded, 2);
        rig.push(0, 41);
        rig.push(0, 42);
        let value = rig.table.get_key(&rig.keys[0], clock::mono()).unwrap();
        assert_eq!((bid(&value.bytes), version(&value.bytes)), (42, (EPOCH, 2)));
        let stats = rig.writer.stats();
        assert_eq!((stats.encoded, stats.written, stats.batches, stats.connected), (2, 2, 0, true));
        rig.drain().await;
    });
}

#[test]
fn a_unix_socket_a_user_and_a_database_work() {
    on_one_thread(async {
        let server = RedisServer::start();
        server.allow("writer", &["on", ">secret", "~tickcache:*", "+@all"]);
        let mut rig = Rig::start(
            at(RedisAddress {
                endpoint: Endpoint::Unix { path: server.unix_path() },
                username: Some("writer".to_owned()),
                password: Some("secret".to_owned()),
                db: 2,
            }),
            1,
        );
        rig.push(0, 5);
        rig.drain().await;
        let mut redis = server.observe().await;
        let _: () = redis::cmd("SELECT").arg(2).query_async(&mut redis).await.unwrap();
        let value: Vec<u8> = redis.get(&rig.keys[0]).await.unwrap();
        assert_eq!(bid(&value), 5);
        let clients: String = redis::cmd("CLIENT").arg("LIST").query_async(&mut redis).await.unwrap();
        let ours = clients.lines().find(|line| line.contains("name=tickcache-test")).unwrap();
        assert!(ours.contains("user=writer") && ours.contains("resp=3"), "{ours}");
    });
}

#[test]
fn a_value_of_another_type_under_our_key_is_overwritten() {
    on_one_thread(async {
        let server = RedisServer::start();
        let mut redis = server.observe().await;
        let mut rig = Rig::start(tcp(server.port()), 1);
        let _: i64 = redis.lpush(&rig.keys[0], "foreign").await.unwrap();
        rig.push(0, 9);
        rig.drain().await;
        let value: Vec<u8> = redis.get(&rig.keys[0]).await.unwrap();
        assert_eq!((bid(&value), rig.writer.stats().errors), (9, 0));
    });
}
