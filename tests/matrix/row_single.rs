//! One server.

use std::time::Duration;

use tickcache::publish::Deployment;

use crate::proxy::Cut;
use crate::redis_server::{Data, RedisServer};
use crate::rig::local;
use crate::world::{Loss, World, discover, pause, row};

async fn ask(server: &RedisServer, words: &str) {
    let words: Vec<&str> = words.split(' ').collect();
    let told: redis::RedisResult<redis::Value> = server.ask(&words).await;
    told.unwrap_or_else(|error| panic!("{words:?}: {error}"));
}

#[test]
fn single() {
    row(async {
        let mut server = RedisServer::start();
        let world = World::new(discover(Deployment::Single(local(server.port())))).await;
        world
            .cell("kill -9, then empty", Loss::Data, async {
                server.kill();
                world.market.go_on(150).await;
                server.restart();
            })
            .await;
        world
            .cell("restart with old data", Loss::Data, async {
                ask(&server, "SAVE").await;
                world.market.go_on(50).await;
                server.restart_with(Data::Kept);
            })
            .await;
        world
            .cell("SIGSTOP", Loss::Nothing, async {
                server.stop();
                world.market.go_on(600).await;
                server.cont();
            })
            .await;
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
        world
            .cell("lost replies", Loss::Nothing, async {
                for round in 0..12 {
                    let cut = if round % 4 == 3 { Cut::BlackHole } else { Cut::Reset };
                    world.gates.each(|gate| gate.cut_replies_after(40 * round, cut));
                    world.market.go_on(20).await;
                }
            })
            .await;
        server_side(&world, &server).await;
    });
}

async fn server_side(world: &World, server: &RedisServer) {
    world
        .cell("FLUSHALL", Loss::Nothing, async {
            for _ in 0..3 {
                ask(server, "FLUSHALL").await;
                world.market.go_on(20).await;
            }
        })
        .await;
    world
        .cell("out of memory", Loss::Nothing, async {
            ask(server, "CONFIG SET maxmemory 1").await;
            world.market.go_on(400).await;
            ask(server, "CONFIG SET maxmemory 0").await;
        })
        .await;
    world
        .cell("blocked for 200 ms, again and again", Loss::Nothing, async {
            for _ in 0..6 {
                server.block(Duration::from_millis(200));
                pause(260).await;
            }
        })
        .await;
}
