//! One Redis: restarted empty, or hung.

use std::time::Duration;

use tickcache::publish::Deployment;
use tokio::runtime::Runtime;

use crate::engine::{Engine, local};
use crate::probe::{answers, right};
use crate::redis_server::{Data, RedisServer};

const STALL: Duration = Duration::from_secs(2);

pub(crate) fn restart(runtime: &Runtime, turns: usize) -> Vec<Duration> {
    // How far the writer's waits between attempts have grown differs from turn to turn.
    let away = |turn: usize| Duration::from_millis(500 + 170 * (turn as u64 % 7));
    measure(runtime, turns, |server, engine, turn| {
        server.kill();
        engine.change();
        std::thread::sleep(away(turn));
        server.launch(Data::Lost);
    })
}

pub(crate) fn stall(runtime: &Runtime, turns: usize) -> Vec<Duration> {
    measure(runtime, turns, |server, engine, _| {
        server.stop();
        engine.change();
        std::thread::sleep(STALL);
        server.cont();
    })
}

fn measure(
    runtime: &Runtime,
    turns: usize,
    fail: impl Fn(&mut RedisServer, &Engine, usize),
) -> Vec<Duration> {
    let mut server = RedisServer::start();
    let port = server.port();
    let engine = Engine::start(runtime, "engine-a", Deployment::Single(local(port)));
    let turn = |turn| {
        right(port, &engine.keys, &engine.newest());
        std::thread::sleep(Duration::from_millis(300));
        fail(&mut server, &engine, turn);
        let start = answers(port);
        right(port, &engine.keys, &engine.newest()).since(start)
    };
    (0..turns).map(turn).collect()
}
