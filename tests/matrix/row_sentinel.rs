//! A primary, two replicas, three Sentinels.

use std::time::Duration;

use tickcache::publish::{Credentials, Deployment};

use crate::redis_server::{Data, eventually};
use crate::rig::local;
use crate::sentinel::{NAME, SentinelGroup};
use crate::world::{Loss, World, discover, pause, row};

async fn tell(group: &SentinelGroup, place: usize, words: &str) {
    let words: Vec<&str> = words.split(' ').collect();
    let told: redis::RedisResult<redis::Value> = group.servers[place].ask(&words).await;
    told.unwrap_or_else(|error| panic!("{words:?}: {error}"));
}

/// Waits until a place is the primary, whoever was before: a server that restarts may lose its place or keep it.
async fn settles(group: &SentinelGroup) {
    group.ready().await;
}

/// Traps: `SentinelClient` hands out a plain connection and does not follow a switch; a hung primary is never left.
#[test]
fn sentinel() {
    row(async {
        let mut group = SentinelGroup::start(2).await;
        let deployment = Deployment::Sentinel {
            sentinels: group.sentinels.iter().map(|sentinel| local(sentinel.port())).collect(),
            master: NAME.to_owned(),
            credentials: Credentials::default(),
        };
        let world = World::new(discover(deployment)).await;
        world
            .cell("failover that was asked for", Loss::Data, async {
                let former = group.failover().await;
                group.wait_for_failover(former).await;
            })
            .await;
        settles(&group).await;
        let former = group.primary().await;
        world
            .cell("kill -9", Loss::Data, async {
                group.servers[former].kill();
                group.wait_for_failover(former).await;
            })
            .await;
        world
            .cell("the former primary comes back", Loss::Data, async {
                group.servers[former].restart();
                settles(&group).await;
            })
            .await;
        world
            .cell("SIGSTOP", Loss::Data, async {
                let former = group.stop_primary().await;
                group.wait_for_failover(former).await;
                world.market.go_on(50).await;
                group.servers[former].cont();
            })
            .await;
        settles(&group).await;
        world
            .cell("failover with lost acknowledged writes", Loss::Data, async {
                group.cut_replication().await;
                world.market.go_on(60).await;
                let former = group.kill_primary().await;
                group.wait_for_failover(former).await;
                group.heal_replication().await;
                group.servers[former].restart();
            })
            .await;
        settles(&group).await;
        network(&world).await;
        restarts(&world, &mut group).await;
        server_side(&world, &group).await;
    });
}

async fn network(world: &World) {
    world
        .cell("black hole", Loss::Nothing, async {
            world.gates.each(|gate| gate.black_hole());
            world.market.go_on(400).await;
            world.gates.each(|gate| gate.pass());
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

async fn restarts(world: &World, group: &mut SentinelGroup) {
    for (name, data) in [("restart, empty", Data::Lost), ("restart with old data", Data::Kept)] {
        let primary = group.primary().await;
        world
            .cell(name, Loss::Data, async {
                tell(group, primary, "SAVE").await;
                world.market.go_on(50).await;
                group.servers[primary].restart_with(data);
            })
            .await;
        settles(group).await;
    }
}

async fn server_side(world: &World, group: &SentinelGroup) {
    let primary = group.primary().await;
    world
        .cell("FLUSHALL", Loss::Nothing, async {
            for _ in 0..3 {
                tell(group, primary, "FLUSHALL").await;
                world.market.go_on(20).await;
            }
        })
        .await;
    world
        .cell("out of memory", Loss::Nothing, async {
            tell(group, primary, "CONFIG SET maxmemory 1").await;
            world.market.go_on(400).await;
            tell(group, primary, "CONFIG SET maxmemory 0").await;
        })
        .await;
    world
        .cell("blocked for 200 ms, again and again", Loss::Data, async {
            for _ in 0..6 {
                group.servers[group.primary().await].block(Duration::from_millis(200));
                pause(260).await;
            }
        })
        .await;
    eventually("the group is in order", async || group.servers.iter().all(|server| server.runs())).await;
}
