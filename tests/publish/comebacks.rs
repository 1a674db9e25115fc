//! Engines that come back: after a restart under the same name, or when the network does.

use redis::AsyncCommands;
use tickcache::publish::{RedisAddress, Servers, Store};

use crate::market::{Market, settled};
use crate::proxy::{Cut, Proxy};
use crate::redis_server::RedisServer;
use crate::rig::{FEED, Rig, bid, local, on_one_thread, tcp, until, version};
use crate::watcher::Watcher;

const KEYS: usize = 6;

fn servers(server: &RedisServer) -> Servers {
    Servers::at(RedisAddress::open(local(server.port())), "tickcache-test")
}

/// The first run of an engine, or a later one.
fn run(store: Store, number: u32) -> Rig {
    Rig::with(store, KEYS, |options| {
        options.engine = "engine-a".to_owned();
        options.owner = format!("engine-a.{number}");
    })
}

#[test]
fn an_engine_that_was_killed_and_started_again_begins_a_new_epoch() {
    on_one_thread(async {
        let server = RedisServer::start();
        let servers = servers(&server);
        let mut first = run(Store::Redis(servers.clone()), 1).connected().await;
        let watcher = Watcher::start(&servers, &first.keys).await;
        for price in 1..=50 {
            first.push(0, price);
            first.drain().await;
        }
        let epoch = first.epoch().await;
        first.kill().await;
        // Its sequences begin anew: under the old epoch they would be older.
        let mut second = run(Store::Redis(servers), 2);
        second.push(0, 51);
        second.drain().await;
        let value: Vec<u8> = server.observe().await.get(&first.keys[0]).await.unwrap();
        assert_eq!(bid(&value), 51);
        assert!(version(&value).0 > epoch && version(&value).1 < 50, "{:?}", version(&value));
        watcher.has(0, &value).await;
        watcher.assert_no_message_went_back();
    });
}

#[test]
fn an_engine_that_the_network_cuts_off_is_a_standby_when_it_is_back() {
    on_one_thread(async {
        let server = RedisServer::start();
        let proxy = Proxy::start(server.port());
        let servers = servers(&server);
        let first = Rig::engine("engine-a", tcp(proxy.port()), KEYS).connected().await;
        let before = first.epoch().await;
        let second = Rig::patient("engine-b", Store::Redis(servers.clone()), KEYS).connected().await;
        let watcher = Watcher::start(&servers, &first.keys).await;
        let market = Market::open(&[&first, &second]);
        market.go_on(10).await;
        proxy.black_hole();
        let epoch = second.epoch().await;
        assert!(epoch > before);
        assert_eq!(first.writer.authority(FEED), None, "its own deadline came first");
        proxy.pass();
        until("it is back", async || first.writer.stats().connected).await;
        market.go_on(100).await;
        assert_eq!(settled(&servers, &[&first, &second], market.halt()).await, [1]);
        assert_eq!(second.writer.authority(FEED).map(|now| now.get()), Some(epoch), "nothing disturbed it");
        watcher.assert_nothing_went_back();
    });
}

#[test]
fn replies_that_are_lost_cost_no_lease_and_no_value() {
    on_one_thread(async {
        let server = RedisServer::start();
        let proxy = Proxy::start(server.port());
        let servers = servers(&server);
        // The reply to the very first acquisition, too.
        proxy.cut_replies_after(150, Cut::Reset);
        let rig = Rig::patient("engine-a", tcp(proxy.port()), KEYS).connected().await;
        let epoch = rig.epoch().await;
        let watcher = Watcher::start(&servers, &rig.keys).await;
        let market = Market::open(&[&rig]);
        for round in 0..12 {
            let before = rig.writer.stats().reconnects;
            proxy.cut_replies_after(round * 17, Cut::Reset);
            until("the cut comes", async || rig.writer.stats().reconnects > before).await;
            until("it is back", async || rig.writer.stats().connected).await;
        }
        assert_eq!(settled(&servers, &[&rig], market.halt()).await, [0]);
        rig.drain().await;
        assert_eq!(rig.epoch().await, epoch, "what was there already is no refusal");
        watcher.assert_nothing_went_back();
    });
}
