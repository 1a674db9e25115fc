//! Two engines: the one that writes goes, with or without a word.

use std::time::Duration;

use tickcache::clock;
use tickcache::publish::Deployment;
use tokio::runtime::Runtime;

use crate::engine::{End, Engine, local};
use crate::probe::{connect, right, taken_over, when};
use crate::redis_server::RedisServer;

/// The engines know each other afterwards. With a turn's shift it is shorter than what an engine holds a lease at least
/// before it hands it over.
const ACQUAINTANCE: Duration = Duration::from_millis(1_200);
/// Leases are renewed every 400 ms; this moves the end of the engine through that time, turn by turn.
const SHIFT: Duration = Duration::from_millis(70);

pub(crate) fn kill(runtime: &Runtime, turns: usize) -> Vec<Duration> {
    measure(runtime, turns, End::Killed)
}

pub(crate) fn leave(runtime: &Runtime, turns: usize) -> Vec<Duration> {
    measure(runtime, turns, End::Leaves)
}

fn measure(runtime: &Runtime, turns: usize, end: End) -> Vec<Duration> {
    let server = RedisServer::start();
    let port = server.port();
    let turn = |turn: u32| {
        redis::cmd("FLUSHALL").exec(&mut connect(port)).expect("it answers");
        let [first, second] =
            if turn.is_multiple_of(2) { ["engine-a", "engine-b"] } else { ["engine-b", "engine-a"] };
        let owner = Engine::start(runtime, first, Deployment::Single(local(port)));
        when("it writes", || owner.epoch());
        right(port, &owner.keys, &owner.newest());
        let standby = Engine::start(runtime, second, Deployment::Single(local(port)));
        std::thread::sleep(ACQUAINTANCE + SHIFT * (turn % 6));
        let epoch = owner.epoch().expect("it still writes");
        assert_eq!(standby.epoch(), None, "there is one writer");
        let start = clock::mono();
        owner.end(end);
        taken_over(port, &standby.keys, epoch).since(start)
    };
    (0..).take(turns).map(turn).collect()
}
