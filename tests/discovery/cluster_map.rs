//! The map of a Cluster.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tickcache::publish::{Credentials, Deployment, Discovery};
use tokio::runtime::Handle;

use super::cluster::{Cluster, Takeover};
use super::redis_server::{RedisServer, command, free_port, now};
use super::{login, open, secret, tcp, topology_where};

const SLOT: u16 = 12_182;

fn discover(cluster: &Cluster, places: &[usize], credentials: Credentials) -> Discovery {
    let seeds = places.iter().map(|&place| tcp(cluster.nodes[place].port())).collect();
    Discovery::spawn(&Handle::current(), Deployment::Cluster { seeds }, login(credentials))
}

/// Waits until the slot is served by the node at this place, and every slot by somebody.
async fn serves(discovery: &Discovery, cluster: &Cluster, place: usize) {
    let wanted = tcp(cluster.nodes[place].port());
    topology_where(discovery, |topology| {
        let node = topology.node_of(SLOT).map(|node| &topology.nodes[node]);
        node == Some(&wanted) && topology.slots.is_complete()
    })
    .await;
}

/// Another node serves the slot; prints how long after all running nodes agreed.
async fn follows(discovery: &Discovery, cluster: &Cluster, former: usize, what: &str) {
    let start = now();
    let left = tcp(cluster.nodes[former].port());
    let (agreed, found) = tokio::join!(
        async {
            cluster.wait_for_failover(SLOT, former).await;
            start.elapsed()
        },
        async {
            topology_where(discovery, |topology| {
                topology.node_of(SLOT).is_some_and(|node| topology.nodes[node] != left)
            })
            .await;
            start.elapsed()
        }
    );
    let (sign, lag) = if found < agreed { ("-", agreed - found) } else { ("", found - agreed) };
    eprintln!("{what}: all nodes agree after {agreed:?}, found {sign}{lag:?} later");
    serves(discovery, cluster, cluster.primary_of(SLOT).await).await;
}

/// A node that prefers host names and has none calls itself "?" and knows no IP of its own (redis/redis-doc#2420).
#[tokio::test]
async fn a_node_that_does_not_know_its_own_name_is_reached_where_it_was_asked() {
    let bus = free_port().to_string();
    let arguments =
        ["--cluster-enabled", "yes", "--cluster-preferred-endpoint-type", "hostname", "--cluster-port", &bus];
    let server = RedisServer::start_with(&arguments);
    let _: () = command(&["CLUSTER", "ADDSLOTSRANGE", "0", "16383"]).query(&mut server.connection()).unwrap();
    let seeds = vec![tcp(server.port())];
    let discovery = Discovery::spawn(&Handle::current(), Deployment::Cluster { seeds }, open());
    topology_where(&discovery, |topology| {
        topology.nodes == [tcp(server.port())] && topology.slots.is_complete()
    })
    .await;
}

#[tokio::test]
async fn one_seed_is_enough_in_a_flood_of_hints_and_a_moved_slot_is_followed() {
    let cluster = Cluster::start_with(Some("hunter2"), &[]).await;
    let discovery = discover(&cluster, &[3], secret("hunter2"));
    let (hints, stop) = (discovery.clone(), Arc::new(AtomicBool::new(false)));
    let stopped = Arc::clone(&stop);
    let flood = std::thread::spawn(move || {
        while !stopped.load(Ordering::Relaxed) {
            hints.hint();
        }
    });
    let from = cluster.primary_of(SLOT).await;
    serves(&discovery, &cluster, from).await;
    assert_eq!(discovery.topology().borrow().nodes.len(), 3);
    stop.store(true, Ordering::Relaxed);
    flood.join().unwrap();
    let to = cluster.primary_of(0).await;
    cluster.move_slot(SLOT, to).await;
    discovery.hint();
    follows(&discovery, &cluster, from, "moved slot").await;
}

#[tokio::test]
async fn a_killed_primary_is_replaced_though_the_first_seed_hangs() {
    let mut cluster = Cluster::start().await;
    let discovery = discover(&cluster, &[5, 0, 1, 2], Credentials::default());
    serves(&discovery, &cluster, cluster.primary_of(SLOT).await).await;
    let hung = cluster.replica_of(0).await;
    cluster.nodes[hung].stop();
    let former = cluster.kill_primary(SLOT).await;
    discovery.hint();
    follows(&discovery, &cluster, former, "kill -9, a replica hangs").await;
}

#[tokio::test]
async fn a_hung_primary_is_replaced_and_not_returned_to_when_it_wakes_up() {
    let cluster = Cluster::start().await;
    let discovery = discover(&cluster, &[0, 1, 2], Credentials::default());
    serves(&discovery, &cluster, cluster.primary_of(SLOT).await).await;
    let former = cluster.stop_primary(SLOT).await;
    discovery.hint();
    follows(&discovery, &cluster, former, "SIGSTOP").await;
    let generation = discovery.topology().borrow().generation;
    cluster.nodes[former].cont();
    discovery.hint();
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(discovery.topology().borrow().generation, generation);
}

#[tokio::test]
async fn a_failover_that_was_asked_for_is_followed_without_a_hint() {
    let cluster = Cluster::start().await;
    let discovery = discover(&cluster, &[0], Credentials::default());
    serves(&discovery, &cluster, cluster.primary_of(SLOT).await).await;
    let former = cluster.failover(SLOT, Takeover::Agreed).await;
    follows(&discovery, &cluster, former, "CLUSTER FAILOVER, no hint").await;
}

#[tokio::test]
async fn a_server_that_is_no_cluster_has_no_map() {
    let server = super::redis_server::RedisServer::start();
    let deployment = Deployment::Cluster { seeds: vec![tcp(server.port())] };
    let discovery = Discovery::spawn(&Handle::current(), deployment, open());
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert!(discovery.topology().borrow().nodes.is_empty());
}
