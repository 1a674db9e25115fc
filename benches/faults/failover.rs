//! A primary dies, and others decide who follows it.

use std::time::Duration;

use tickcache::codec::key::{cluster_slot, lease_key};
use tickcache::domain::Namespace;
use tickcache::publish::{Credentials, Deployment};
use tokio::runtime::Runtime;

use crate::cluster::Cluster;
use crate::engine::{Engine, feed, local};
use crate::probe::{connect, right, when};
use crate::redis_server::Data;
use crate::sentinel::{NAME, SentinelGroup};

const SLOTS: u16 = 16_384;

pub(crate) fn sentinel(runtime: &Runtime, turns: usize) -> Vec<Duration> {
    let mut group = runtime.block_on(SentinelGroup::start(2));
    let deployment = Deployment::Sentinel {
        sentinels: group.sentinels.iter().map(|sentinel| local(sentinel.port())).collect(),
        master: NAME.to_owned(),
        credentials: Credentials::default(),
    };
    let engine = Engine::start(runtime, "engine-a", deployment);
    let mut sentinels: Vec<_> = group.sentinels.iter().map(|sentinel| connect(sentinel.port())).collect();
    let turn = |_| {
        let primary = runtime.block_on(group.primary());
        let former = group.servers[primary].port();
        right(former, &engine.keys, &engine.newest());
        group.servers[primary].kill();
        runtime.block_on(group.hurry());
        engine.change();
        let (named, start) = when("another primary is named", || {
            sentinels.iter_mut().find_map(|sentinel| {
                let mut ask = redis::cmd("SENTINEL");
                ask.arg("GET-MASTER-ADDR-BY-NAME").arg(NAME);
                let (_, port): (String, u16) = ask.query(sentinel).ok()?;
                (port != former).then_some(port)
            })
        });
        let took = right(named, &engine.keys, &engine.newest()).since(start);
        group.servers[primary].restart_with(Data::Lost);
        runtime.block_on(group.ready());
        took
    };
    (0..turns).map(turn).collect()
}

pub(crate) fn cluster(runtime: &Runtime, turns: usize) -> Vec<Duration> {
    let mut cluster = runtime.block_on(Cluster::start());
    let seeds = cluster.nodes.iter().map(|node| local(node.port())).collect();
    let engine = Engine::start(runtime, "engine-a", Deployment::Cluster { seeds });
    let lease_slot = cluster_slot(&lease_key(&Namespace::default(), &feed()));
    let turn = |turn| {
        // A third of all slots further is another primary's.
        let slot = if turn % 2 == 0 { (lease_slot + SLOTS / 3) % SLOTS } else { lease_slot };
        let (primary, replica) =
            runtime.block_on(async { (cluster.primary_of(slot).await, cluster.replica_of(slot).await) });
        let port = cluster.nodes[primary].port();
        let places = keys_at(port, &engine.keys);
        let keys: Vec<String> = places.iter().map(|place| engine.keys[*place].clone()).collect();
        let newest = || {
            let bids = engine.newest();
            places.iter().map(|place| bids[*place]).collect::<Vec<_>>()
        };
        right(port, &keys, &newest());
        let mut heir = connect(cluster.nodes[replica].port());
        cluster.nodes[primary].kill();
        runtime.block_on(cluster.hurry());
        engine.change();
        let ((), start) = when("the replica is primary", || {
            // A replica's answer to ROLE has five parts.
            type Primary = (String, redis::Value, redis::Value);
            let asked = redis::pipe().cmd("ROLE").cmd("CLUSTER").arg("INFO").query(&mut heir);
            let ((role, ..), info): (Primary, String) = asked.ok()?;
            (role == "master" && info.contains("cluster_state:ok")).then_some(())
        });
        let took = right(cluster.nodes[replica].port(), &keys, &newest()).since(start);
        cluster.restart(primary);
        runtime.block_on(cluster.ready());
        took
    };
    (0..turns).map(turn).collect()
}

/// The places of the keys that this node serves.
fn keys_at(port: u16, keys: &[String]) -> Vec<usize> {
    let mut connection = connect(port);
    let mut is_here =
        |key: &String| redis::cmd("GET").arg(key).query::<Option<Vec<u8>>>(&mut connection).is_ok();
    (0..keys.len()).filter(|place| is_here(&keys[*place])).collect()
}
