//! Three primaries, three replicas.

use std::time::Duration;

use tickcache::codec::key::{cluster_slot, lease_key};
use tickcache::domain::Namespace;
use tickcache::publish::Deployment;

use crate::cluster::{Cluster, Takeover};
use crate::redis_server::Data;
use crate::rig::{feeds, local};
use crate::world::{Loss, World, discover, pause, row};

/// The slot of the lease: its primary is the one whose loss hurts most. Keys live on all primaries.
fn slot() -> u16 {
    cluster_slot(&lease_key(&Namespace::default(), &feeds(1)[0]))
}

async fn tell(cluster: &Cluster, place: usize, words: &str) {
    let words: Vec<&str> = words.split(' ').collect();
    let told: redis::RedisResult<redis::Value> = cluster.nodes[place].ask(&words).await;
    told.unwrap_or_else(|error| panic!("{words:?}: {error}"));
}

async fn primaries(cluster: &Cluster) -> Vec<usize> {
    let mut places = Vec::new();
    for slot in [0, 8_000, 16_000] {
        places.push(cluster.primary_of(slot).await);
    }
    places
}

/// Traps: a Cluster connection never leaves a hung primary; a pipeline over several slots is an error.
#[test]
fn cluster() {
    row(async {
        let mut cluster = Cluster::start().await;
        let seeds = cluster.nodes.iter().map(|node| local(node.port())).collect();
        let world = World::new(discover(Deployment::Cluster { seeds })).await;
        world
            .cell("failover that was asked for", Loss::Nothing, async {
                let former = cluster.failover(slot(), Takeover::Agreed).await;
                cluster.wait_for_failover(slot(), former).await;
            })
            .await;
        cluster.ready().await;
        let former = cluster.primary_of(slot()).await;
        world
            .cell("kill -9", Loss::Data, async {
                cluster.nodes[former].kill();
                cluster.wait_for_failover(slot(), former).await;
            })
            .await;
        world
            .cell("the former primary comes back", Loss::Data, async {
                cluster.restart(former);
                cluster.ready().await;
            })
            .await;
        world
            .cell("SIGSTOP", Loss::Data, async {
                let former = cluster.stop_primary(slot()).await;
                cluster.wait_for_failover(slot(), former).await;
                world.market.go_on(50).await;
                cluster.nodes[former].cont();
            })
            .await;
        cluster.ready().await;
        lost_writes(&world, &mut cluster).await;
        network(&world).await;
        restarts(&world, &mut cluster).await;
        server_side(&world, &cluster).await;
    });
}

async fn lost_writes(world: &World, cluster: &mut Cluster) {
    world
        .cell("failover with lost acknowledged writes, unasked", Loss::Data, async {
            cluster.cut_replication(slot()).await;
            world.market.go_on(60).await;
            let former = cluster.failover(slot(), Takeover::Unasked).await;
            cluster.wait_for_failover(slot(), former).await;
            cluster.heal_replication().await;
        })
        .await;
    cluster.ready().await;
    world
        .cell("failover with lost acknowledged writes, kill -9", Loss::Data, async {
            cluster.cut_replication(slot()).await;
            world.market.go_on(60).await;
            let former = cluster.kill_primary(slot()).await;
            cluster.wait_for_failover(slot(), former).await;
            cluster.heal_replication().await;
            cluster.restart(former);
        })
        .await;
    cluster.ready().await;
}

async fn network(world: &World) {
    world
        .cell("black hole before all", Loss::Nothing, async {
            world.gates.each(|gate| gate.black_hole());
            world.market.go_on(400).await;
            world.gates.each(|gate| gate.pass());
        })
        .await;
    let port = crate::watcher::port_of(&world.servers.topology.borrow(), &world.engines[0].keys[0]).unwrap();
    world
        .cell("black hole before one", Loss::Nothing, async {
            world.gates.only(port, |gate| gate.black_hole());
            world.market.go_on(400).await;
            world.gates.only(port, |gate| gate.pass());
        })
        .await;
    world
        .cell("RST", Loss::Nothing, async {
            for _ in 0..5 {
                world.gates.each(|gate| gate.reset());
                world.market.go_on(20).await;
            }
        })
        .await;
}

async fn restarts(world: &World, cluster: &mut Cluster) {
    let primary = cluster.primary_of(slot()).await;
    world
        .cell("restart, empty", Loss::Data, async {
            cluster.restart(primary);
        })
        .await;
    cluster.ready().await;
    let primary = cluster.primary_of(slot()).await;
    world
        .cell("restart with old data", Loss::Data, async {
            tell(cluster, primary, "SAVE").await;
            world.market.go_on(50).await;
            cluster.nodes[primary].restart_with(Data::Kept);
        })
        .await;
    cluster.ready().await;
}

async fn server_side(world: &World, cluster: &Cluster) {
    let primaries = primaries(cluster).await;
    let lease = cluster.primary_of(slot()).await;
    world
        .cell("FLUSHALL at one without the lease, then at all", Loss::Nothing, async {
            let other = primaries.iter().find(|place| **place != lease).unwrap();
            tell(cluster, *other, "FLUSHALL").await;
            world.market.go_on(20).await;
            for place in &primaries {
                tell(cluster, *place, "FLUSHALL").await;
            }
        })
        .await;
    world
        .cell("out of memory", Loss::Nothing, async {
            for place in &primaries {
                tell(cluster, *place, "CONFIG SET maxmemory 1").await;
            }
            world.market.go_on(400).await;
            for place in &primaries {
                tell(cluster, *place, "CONFIG SET maxmemory 0").await;
            }
        })
        .await;
    world
        .cell("blocked for 200 ms, again and again", Loss::Data, async {
            for _ in 0..6 {
                cluster.nodes[cluster.primary_of(slot()).await].block(Duration::from_millis(200));
                pause(260).await;
            }
        })
        .await;
}
