//! A Cluster whose slots move while prices change: MOVED, ASK, TRYAGAIN, CLUSTERDOWN.

use std::time::Duration;

use redis::aio::MultiplexedConnection;
use tickcache::codec::key::{cluster_slot, epoch_key, lease_key};
use tickcache::domain::Namespace;
use tickcache::publish::{Deployment, Fencing, LeaseTimes, Servers, Store};

use crate::cluster::Cluster;
use crate::market::{Market, settled};
use crate::rig::{FEED, PATIENT, Rig, bid, feeds, local, on_one_thread, until};
use crate::watcher::{Watcher, connect};
use crate::world::discover;

const INSTRUMENTS: usize = 8;
const VENUES: [&str; 2] = ["binance", "okx"];

/// One engine; two keys in each of some slots.
struct Scene {
    cluster: Cluster,
    servers: Servers,
    rig: Rig,
    market: Market,
    watcher: Watcher,
}

impl Scene {
    async fn open(lease: LeaseTimes) -> Self {
        let cluster = Cluster::start().await;
        let seeds = cluster.nodes.iter().map(|node| local(node.port())).collect();
        let servers = discover(Deployment::Cluster { seeds });
        let rig = Rig::at_venues(Store::Redis(servers.clone()), INSTRUMENTS, &VENUES, |options| {
            options.fencing = Fencing::On(lease);
        });
        rig.epoch().await;
        let watcher = Watcher::start(&servers, &rig.keys).await;
        let market = Market::open(&[&rig]);
        market.go_on(10).await;
        rig.drain().await;
        Self { cluster, servers, rig, market, watcher }
    }

    /// A primary that does not have the slot.
    async fn another(&self, slot: u16) -> usize {
        let from = self.cluster.primary_of(slot).await;
        for other in [0, 8_000, 16_000] {
            let place = self.cluster.primary_of(other).await;
            if place != from {
                return place;
            }
        }
        unreachable!("there are three");
    }

    /// Everything is written and acknowledged, though the slots are still on the move; returns the price.
    async fn written(&self) -> u64 {
        let price = self.market.halt();
        self.rig.drain().await;
        price
    }

    async fn ends_well(&self) {
        self.market.go_on(10).await;
        let price = self.market.halt();
        assert_eq!(settled(&self.servers, &[&self.rig], price).await, [0]);
        self.watcher.assert_no_message_went_back();
        assert_eq!(self.watcher.take_refused(), 0);
        self.market.go_on(1).await;
    }
}

/// A key at a server that is only about to get its slot.
async fn asking(connection: &mut MultiplexedConnection, key: &str) -> Vec<u8> {
    let mut both = redis::pipe();
    both.cmd("ASKING").ignore().cmd("GET").arg(key);
    let (value,): (Option<Vec<u8>>,) = both.query_async(connection).await.unwrap();
    value.unwrap_or_else(|| panic!("{key} is not there yet"))
}

#[test]
fn slots_that_move_lose_no_newest_value() {
    on_one_thread(async {
        let scene = Scene::open(PATIENT).await;
        let (cluster, rig) = (&scene.cluster, &scene.rig);
        let slot = cluster_slot(&rig.keys[0]);
        assert_eq!(slot, cluster_slot(&rig.keys[1]));
        let epoch = rig.epoch().await;

        // MOVED.
        let errors = rig.writer.stats().errors;
        cluster.move_slot(slot, scene.another(slot).await).await;
        scene.ends_well().await;
        assert!(rig.writer.stats().errors > errors, "it was told MOVED");

        // TRYAGAIN and ASK: one of two keys has left.
        let to = scene.another(slot).await;
        let from = cluster.begin_move(slot, to).await;
        scene.market.go_on(20).await;
        cluster.move_keys(from, to, &[&rig.keys[0]]).await;
        // Longer than an ASK is remembered.
        scene.market.go_on(400).await;
        let price = scene.written().await;
        let mut taker = connect(cluster.nodes[to].port(), None).await.unwrap();
        assert_eq!(bid(&asking(&mut taker, &rig.keys[0]).await), price);
        let mut giver = connect(cluster.nodes[from].port(), None).await.unwrap();
        let stays: Vec<u8> = redis::cmd("GET").arg(&rig.keys[1]).query_async(&mut giver).await.unwrap();
        assert_eq!(bid(&stays), price);

        // ASK: both have left.
        scene.market.go_on(1).await;
        cluster.move_keys(from, to, &[&rig.keys[1]]).await;
        scene.market.go_on(100).await;
        let price = scene.written().await;
        for key in &rig.keys[..2] {
            assert_eq!(bid(&asking(&mut taker, key).await), price);
        }
        cluster.finish_move(slot, from, to).await;
        cluster.wait_for_failover(slot, from).await;
        scene.ends_well().await;
        assert_eq!(rig.epoch().await, epoch, "the lease has nothing to do with it");
    });
}

#[test]
fn the_lease_is_renewed_while_its_own_slot_moves() {
    on_one_thread(async {
        let scene = Scene::open(LeaseTimes { ttl: Duration::from_secs(4), ..PATIENT }).await;
        let (cluster, rig) = (&scene.cluster, &scene.rig);
        let namespace = Namespace::default();
        let (lease, counter) = (lease_key(&namespace, &feeds(1)[0]), epoch_key(&namespace, &feeds(1)[0]));
        let slot = cluster_slot(&lease);
        let epoch = rig.epoch().await;
        let to = scene.another(slot).await;
        let from = cluster.begin_move(slot, to).await;
        cluster.move_keys(from, to, &[&lease, &counter]).await;
        // Longer than the lease lasts.
        scene.market.go_on(1_100).await;
        assert_eq!(rig.writer.authority(FEED).map(|now| now.get()), Some(epoch));
        scene.written().await;
        cluster.finish_move(slot, from, to).await;
        cluster.wait_for_failover(slot, from).await;
        scene.ends_well().await;
        assert_eq!(rig.epoch().await, epoch);

        // The registry's and the catalog's.
        for key in ["engines", "catalog", "meta"] {
            let key = format!("tickcache:v1:{key}");
            let slot = cluster_slot(&key);
            let to = scene.another(slot).await;
            let from = cluster.begin_move(slot, to).await;
            cluster.move_keys(from, to, &[&key]).await;
            assert!(rig.writer.announce(FEED, "C0-USDT:binance", &key));
            scene.market.go_on(20).await;
            scene.written().await;
            cluster.finish_move(slot, from, to).await;
            scene.ends_well().await;
        }
    });
}

#[test]
fn slots_that_come_without_their_keys_are_filled_again() {
    on_one_thread(async {
        let mut scene = Scene::open(PATIENT).await;
        let price = scene.written().await;
        let slot = cluster_slot(&scene.rig.keys[0]);
        let to = scene.another(slot).await;
        let from = scene.cluster.begin_move(slot, to).await;
        let mut giver = connect(scene.cluster.nodes[from].port(), None).await.unwrap();
        let deleted: i64 = redis::cmd("DEL").arg(&scene.rig.keys[..2]).query_async(&mut giver).await.unwrap();
        assert_eq!(deleted, 2);
        scene.cluster.finish_move(slot, from, to).await;
        // Nothing changes any more: nobody is told MOVED.
        assert_eq!(settled(&scene.servers, &[&scene.rig], price).await, [0]);
        for venue in 0..2 {
            scene.rig.push(venue, 7);
        }
        scene.rig.drain().await;
    });
}

#[test]
fn clusterdown_a_shard_that_is_gone_takes_everything_with_it_and_back() {
    on_one_thread(async {
        let mut scene = Scene::open(LeaseTimes::default()).await;
        let slot = cluster_slot(&scene.rig.keys[0]);
        let (primary, replica) = (scene.cluster.primary_of(slot).await, scene.cluster.replica_of(slot).await);
        scene.cluster.nodes[replica].kill();
        scene.cluster.nodes[primary].kill();
        scene.cluster.hurry().await;
        let errors = scene.rig.writer.stats().errors;
        until("the others refuse, too", async || scene.rig.writer.stats().errors > errors + 3).await;
        scene.market.go_on(200).await;
        scene.cluster.restart(primary);
        scene.cluster.restart(replica);
        scene.market.go_on(10).await;
        let price = scene.market.halt();
        assert_eq!(settled(&scene.servers, &[&scene.rig], price).await, [0]);
        scene.watcher.assert_no_message_went_back();
    });
}
