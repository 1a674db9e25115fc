//! Each way in which a running Redis refuses, forgets or holds something else than we wrote: in the end the newest values are
//! there, written by the owner of a living lease, and nothing else was touched.
//!
//! | what | where |
//! |---|---|
//! | OOM, NOPERM, WRONGPASS at the start | `faults` |
//! | MOVED, ASK, TRYAGAIN, CLUSTERDOWN | the binary `matrix`, with a Cluster |
//! | a changed run_id | `faults`, by a restart; without one, what comes with it: everything forgotten behind a living connection |

use std::time::Duration;

use redis::AsyncCommands;
use tickcache::publish::{RedisAddress, Servers, Store};

use crate::market::{Market, settled};
use crate::redis_server::{RedisServer, free_port};
use crate::rig::{Rig, bid, local, on_one_thread, until, version};
use crate::watcher::Watcher;

const KEYS: usize = 10;

/// An engine under load, and the eyes of a reader.
struct Scene {
    server: RedisServer,
    servers: Servers,
    rig: Rig,
    market: Market,
    watcher: Watcher,
}

impl Scene {
    async fn open(arguments: &[&str]) -> Self {
        Self::with(arguments, Rig::start).await
    }

    async fn with(arguments: &[&str], start: impl FnOnce(Store, usize) -> Rig) -> Self {
        Self::of(RedisServer::start_with(arguments), RedisAddress::open, start).await
    }

    async fn of(
        server: RedisServer,
        address: impl FnOnce(tickcache::publish::Endpoint) -> RedisAddress,
        start: impl FnOnce(Store, usize) -> Rig,
    ) -> Self {
        let servers = Servers::at(address(local(server.port())), "tickcache-test");
        let rig = start(Store::Redis(servers.clone()), KEYS).connected().await;
        rig.epoch().await;
        let watcher = Watcher::start(&servers, &rig.keys).await;
        let market = Market::open(&[&rig]);
        market.go_on(10).await;
        let scene = Self { server, servers, rig, market, watcher };
        scene.tell("SET app:theirs 1").await;
        scene
    }

    async fn tell(&self, words: &str) {
        let words: Vec<&str> = words.split(' ').collect();
        let told: redis::RedisResult<redis::Value> = self.server.ask(&words).await;
        told.unwrap_or_else(|error| panic!("{words:?}: {error}"));
    }

    /// Tells the server, and waits until the writer has got an error reply since.
    async fn refuses_after(&self, words: &str) {
        let before = self.errors();
        self.tell(words).await;
        self.refuses(before).await;
    }

    fn errors(&self) -> u64 {
        self.rig.writer.stats().errors
    }

    /// Waits for an error reply beyond these. Count them before the cause: there may be only one, and it may be here at once.
    async fn refuses(&self, before: u64) {
        until("it refuses", async || self.errors() > before).await;
    }

    async fn ends_well(&self) {
        self.market.go_on(10).await;
        let price = self.market.halt();
        assert_eq!(settled(&self.servers, &[&self.rig], price).await, [0]);
        self.rig.drain().await;
        let value: Vec<u8> = self.server.observe().await.get(&self.rig.keys[0]).await.unwrap();
        self.watcher.has(0, &value).await;
    }

    async fn ends_well_with_nothing_lost(&self) {
        self.ends_well().await;
        self.watcher.assert_nothing_went_back();
        let theirs: i64 = self.server.observe().await.get("app:theirs").await.unwrap();
        assert_eq!(theirs, 1);
    }
}

#[test]
fn readonly_a_server_that_becomes_a_replica_and_a_primary_again() {
    on_one_thread(async {
        let scene = Scene::open(&[]).await;
        let nobody = free_port();
        scene.refuses_after(&format!("REPLICAOF 127.0.0.1 {nobody}")).await;
        scene.tell("REPLICAOF NO ONE").await;
        scene.ends_well_with_nothing_lost().await;
    });
}

#[test]
fn masterdown_a_replica_that_serves_nothing_without_its_primary() {
    on_one_thread(async {
        let scene = Scene::open(&[]).await;
        scene.tell("CONFIG SET replica-serve-stale-data no").await;
        let nobody = free_port();
        scene.refuses_after(&format!("REPLICAOF 127.0.0.1 {nobody}")).await;
        tokio::time::sleep(Duration::from_millis(500)).await;
        scene.tell("REPLICAOF NO ONE").await;
        scene.ends_well_with_nothing_lost().await;
    });
}

#[test]
fn noreplicas_a_primary_that_wants_a_replica() {
    on_one_thread(async {
        let scene = Scene::open(&[]).await;
        scene.refuses_after("CONFIG SET min-replicas-to-write 1").await;
        scene.tell("CONFIG SET min-replicas-to-write 0").await;
        scene.ends_well_with_nothing_lost().await;
    });
}

#[test]
fn oom_a_full_server_under_load() {
    on_one_thread(async {
        let scene = Scene::open(&[]).await;
        scene.refuses_after("CONFIG SET maxmemory 1").await;
        // Longer than the lease lasts: it cannot be renewed without memory, nor taken.
        tokio::time::sleep(Duration::from_millis(2_500)).await;
        scene.tell("CONFIG SET maxmemory 0").await;
        scene.ends_well_with_nothing_lost().await;
    });
}

#[test]
fn loading_a_server_that_reads_its_data_behind_a_living_connection() {
    on_one_thread(async {
        let scene = Scene::open(&[
            "--enable-debug-command",
            "yes",
            "--loading-process-events-interval-bytes",
            "1024",
        ])
        .await;
        let mut redis = scene.server.observe().await;
        let mut filling = redis::pipe();
        for index in 0..2_000 {
            filling.set(format!("app:{index}"), "x".repeat(50)).ignore();
        }
        let _: () = filling.query_async(&mut redis).await.unwrap();
        // Microseconds a key: two seconds in all.
        scene.tell("CONFIG SET key-load-delay 1000").await;
        let before = scene.errors();
        let port = scene.server.port();
        let reload = tokio::task::spawn_local(async move {
            let mut connection = crate::watcher::connect(port, None).await.unwrap();
            let _: redis::RedisResult<()> =
                redis::cmd("DEBUG").arg("RELOAD").query_async(&mut connection).await;
        });
        scene.refuses(before).await;
        reload.await.unwrap();
        scene.ends_well().await;
        scene.watcher.assert_no_message_went_back();
    });
}

#[test]
fn busy_a_script_that_does_not_end_for_seconds() {
    on_one_thread(async {
        let scene = Scene::open(&["--busy-reply-threshold", "50"]).await;
        let before = scene.errors();
        scene.server.block(Duration::from_secs(3));
        scene.refuses(before).await;
        tokio::time::sleep(Duration::from_millis(3_000)).await;
        scene.ends_well_with_nothing_lost().await;
    });
}

#[test]
fn busy_a_server_that_a_new_connection_finds_blocked() {
    on_one_thread(async {
        let scene = Scene::open(&["--busy-reply-threshold", "50"]).await;
        let _: redis::Value =
            scene.server.ask(&["CLIENT", "KILL", "TYPE", "normal"]).await.unwrap_or(redis::Value::Nil);
        scene.server.block(Duration::from_secs(3));
        tokio::time::sleep(Duration::from_millis(3_000)).await;
        scene.ends_well_with_nothing_lost().await;
    });
}

/// Trap: the crate loads a script again for single calls only, not in pipelines.
#[test]
fn noscript_a_server_that_has_forgotten_the_scripts() {
    on_one_thread(async {
        let scene = Scene::open(&[]).await;
        for _ in 0..3 {
            scene.refuses_after("SCRIPT FLUSH").await;
            scene.market.go_on(20).await;
        }
        scene.ends_well_with_nothing_lost().await;
    });
}

#[test]
fn wrongpass_a_user_that_is_taken_away_and_comes_back() {
    on_one_thread(async {
        let server = RedisServer::start();
        server.allow("writer", &["on", ">secret", "~*", "&*", "+@all"]);
        let login = |endpoint| RedisAddress {
            username: Some("writer".to_owned()),
            password: Some("secret".to_owned()),
            ..RedisAddress::open(endpoint)
        };
        let scene = Scene::of(server, login, Rig::start).await;
        scene.tell("ACL DELUSER writer").await;
        until("it is thrown out", async || !scene.rig.writer.stats().connected).await;
        scene.server.allow("writer", &["on", ">another", "~*", "&*", "+@all"]);
        tokio::time::sleep(Duration::from_millis(300)).await;
        assert!(!scene.rig.writer.stats().connected);
        scene.server.allow("writer", &[">secret"]);
        scene.ends_well_with_nothing_lost().await;
    });
}

#[test]
fn noperm_rights_that_are_taken_away_and_given_back() {
    on_one_thread(async {
        let server = RedisServer::start();
        server.allow("writer", &["on", ">secret", "~*", "&*", "+@all"]);
        let login = |endpoint| RedisAddress {
            username: Some("writer".to_owned()),
            password: Some("secret".to_owned()),
            ..RedisAddress::open(endpoint)
        };
        let scene = Scene::of(server, login, Rig::start).await;
        for taken in ["-set", "-evalsha"] {
            let before = scene.errors();
            scene.server.allow("writer", &[taken]);
            scene.refuses(before).await;
            scene.server.allow("writer", &["+@all"]);
            scene.market.go_on(20).await;
        }
        scene.server.allow("writer", &["-publish"]);
        scene.market.go_on(20).await;
        let price = scene.market.halt();
        assert_eq!(settled(&scene.servers, &[&scene.rig], price).await, [0], "who polls gets the values");
        scene.server.allow("writer", &["+@all"]);
        scene.ends_well_with_nothing_lost().await;
    });
}

#[test]
fn client_kill_again_and_again() {
    on_one_thread(async {
        let scene = Scene::open(&[]).await;
        for _ in 0..5 {
            let before = scene.rig.writer.stats().reconnects;
            scene.tell("CLIENT KILL TYPE normal SKIPME yes").await;
            scene.market.go_on(20).await;
            let back = async || {
                let stats = scene.rig.writer.stats();
                stats.reconnects > before && stats.connected
            };
            until("it is back", back).await;
        }
        scene.ends_well_with_nothing_lost().await;
        assert!(scene.rig.writer.stats().reconnects >= 5);
    });
}

#[test]
fn flushall_of_values_that_no_longer_change() {
    on_one_thread(async {
        for (forgotten, start) in [
            ("FLUSHALL", Rig::start as fn(Store, usize) -> Rig),
            ("FLUSHALL", Rig::unfenced),
            ("SCRIPT FLUSH", Rig::start),
            ("SCRIPT FLUSH", Rig::unfenced),
        ] {
            let server = RedisServer::start();
            let store = Store::Redis(Servers::at(RedisAddress::open(local(server.port())), "tickcache-test"));
            let mut rig = start(store, KEYS).connected().await;
            for slot in 0..KEYS {
                rig.push(slot, 5);
            }
            rig.drain().await;
            let mut redis = server.observe().await;
            let before: Vec<Vec<u8>> = redis.mget(&rig.keys).await.unwrap();
            // With the scripts a server forgets its data as well: it was started again behind a proxy that kept the connection.
            let _: () = redis.flushall().await.unwrap();
            if forgotten == "SCRIPT FLUSH" {
                let _: () = redis::cmd("SCRIPT").arg("FLUSH").query_async(&mut redis).await.unwrap();
            }
            until("everything is there again", async || {
                let values: Vec<Option<Vec<u8>>> = redis.mget(&rig.keys).await.unwrap();
                values.iter().zip(&before).all(|(value, before)| {
                    value.as_ref().is_some_and(|value| bid(value) == 5 && version(value) > version(before))
                })
            })
            .await;
            assert!(redis.exists::<_, bool>("tickcache:v1:meta").await.unwrap());
        }
    });
}

#[test]
fn flushall_again_and_again_under_load() {
    on_one_thread(async {
        let scene = Scene::open(&[]).await;
        for _ in 0..5 {
            scene.tell("FLUSHALL").await;
            scene.market.go_on(30).await;
        }
        scene.ends_well().await;
        scene.watcher.assert_nothing_went_back();
    });
}

/// An envelope whose epoch no other could ever follow.
fn absurd(value: &[u8], epoch: u64) -> Vec<u8> {
    let mut value = value.to_vec();
    value[3..11].copy_from_slice(&epoch.to_be_bytes());
    value
}

#[test]
fn foreign_values_under_our_keys_are_overwritten_and_poison_nothing() {
    on_one_thread(async {
        let server = RedisServer::start();
        let servers = Servers::at(RedisAddress::open(local(server.port())), "tickcache-test");
        let mut rig = Rig::patient("engine-a", Store::Redis(servers.clone()), KEYS).connected().await;
        for slot in 0..KEYS {
            rig.push(slot, 1);
        }
        rig.drain().await;
        let mut redis = server.observe().await;
        let value: Vec<u8> = redis.get(&rig.keys[0]).await.unwrap();
        for key in &rig.keys[..8] {
            let _: i64 = redis.del(key).await.unwrap();
        }
        let _: () = redis.hset(&rig.keys[0], "field", "theirs").await.unwrap();
        let _: () = redis.lpush(&rig.keys[1], "theirs").await.unwrap();
        let _: () = redis.set(&rig.keys[2], "theirs").await.unwrap();
        let _: () = redis.set(&rig.keys[3], "").await.unwrap();
        let _: () = redis.set(&rig.keys[4], &value[..20]).await.unwrap();
        let _: () = redis.set(&rig.keys[5], absurd(&value, 1 << 53)).await.unwrap();
        let _: () = redis.set(&rig.keys[6], absurd(&value, u64::MAX)).await.unwrap();
        let _: () = redis.set(&rig.keys[7], absurd(&value, (1 << 53) - 1)).await.unwrap();
        let epoch = rig.epoch().await;
        for slot in 0..KEYS {
            rig.push(slot, 2);
        }
        rig.drain().await;
        assert_eq!(settled(&servers, &[&rig], 2).await, [0]);
        assert_eq!(rig.epoch().await, epoch, "nothing of it is taken for another writer");
        assert_eq!(rig.writer.stats().errors, 0);
    });
}

#[test]
fn foreign_values_under_the_control_keys_stop_nothing() {
    on_one_thread(async {
        for (key, make) in [
            ("lease:{binance/0}", "LPUSH KEY theirs"),
            ("lease:{binance/0}", "SET KEY theirs"),
            ("lease:{binance/0}", "SET KEY engine-a.1:9999999999999999999"),
            ("epoch:{binance/0}", "LPUSH KEY theirs"),
            ("epoch:{binance/0}", "SET KEY nan"),
            ("epoch:{binance/0}", "SET KEY 1e300"),
            ("epoch:{binance/0}", "SET KEY -7"),
            ("engines", "SET KEY theirs"),
            ("catalog", "SET KEY theirs"),
            ("meta", "LPUSH KEY theirs"),
        ] {
            let scene = Scene::open(&[]).await;
            let key = format!("tickcache:v1:{key}");
            let epoch = scene.rig.epoch().await;
            assert!(scene.rig.writer.announce(crate::rig::FEED, "C0-USDT:binance", "binance/0 price"));
            scene.tell(&format!("DEL {key}")).await;
            scene.tell(&make.replace("KEY", &key)).await;
            // A lost lease makes it read the counter as well.
            scene.tell("CLIENT KILL TYPE normal SKIPME yes").await;
            if key.contains("epoch") {
                scene.tell("DEL tickcache:v1:lease:{binance/0}").await;
                until("the epoch is a new one", async || scene.rig.epoch().await > epoch).await;
            }
            scene.ends_well_with_nothing_lost().await;
            let mut redis = scene.server.observe().await;
            for hash in ["engines", "catalog", "meta"] {
                let fields: i64 = redis.hlen(format!("tickcache:v1:{hash}")).await.unwrap();
                assert!(fields > 0, "{make} at {key}: {hash}");
            }
            assert!(scene.rig.epoch().await < 1 << 53);
        }
    });
}
