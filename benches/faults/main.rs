//! How long until everything is right again, or said to be wrong, after each kind of failure?
//!
//! Real servers, started by the bench. Where Redis or an engine fails, the engine is a `Writer`, on a thread of its own as a
//! shard has it, with what finds and watches its servers, fence and push; where a venue fails, it is the whole of it. Of the
//! writer's 300 price keys a third never changes, a third while Redis is away, a third every 20 ms. *Right* = each key holds
//! a value no older than the newest that the engine had at the moment from which the time counts; it is asked for every
//! millisecond.
//!
//! | case | from | until | to reach |
//! |---|---|---|---|
//! | `restart` | a single Redis, killed and started empty 0.5 to 1.5 s later, answers PING | right | 1 s |
//! | `stall` | a single Redis, SIGSTOPped for 2 s, answers PING | right | 1 s |
//! | `sentinel` | after kill -9 of the primary a Sentinel names another one | right there | 0.5 s |
//! | `cluster` | after kill -9 of a primary its replica is primary and finds the cluster in order | right there | 0.5 s |
//! | `kill` | the engine that writes dies without a word; a warm standby runs | each key is of a greater epoch | 2.5 s |
//! | `leave` | the engine that writes begins to stop | likewise | 150 ms |
//! | `fin`, `reset` | a venue's connection ends | a subscriber in Redis is told that its price is suspect | 50 ms |
//! | `gap` | a venue's frame of a book is not sent (the next one comes within 100 ms) | likewise, of the book | 200 ms |
//! | `half-open` | a venue's connection goes silent without an end | likewise, of the price | 5 s |
//! | `memory` | see `memory.rs`: only when asked for | | 10 MB |
//!
//! In `kill` the sockets of the engine close, as the kernel closes those of a killed process, and nobody releases the
//! lease. In every second turn of `kill` and `leave` the standby is not the one that rendezvous hashing prefers. In every
//! second turn of `cluster` the primary that is killed has the lease and not only values.
//!
//! Needs `redis-server` and `redis-sentinel`. Run: `cargo bench --bench faults [-- CASE..] [-- --quick]`; below three
//! minutes without `memory`. `cargo bench --bench faults -- memory [--seconds N]`: N (60) and half a minute; fails when the
//! limit is missed.
//!
//! Measured on 2 vCPUs of an Intel Xeon, Linux 6.18, Redis 7.0.15, milliseconds, median (least..most):
//!
//! | | until right | to reach |
//! |---|---|---|
//! | single Redis killed, back and empty | 92 (35..293) | 1000 |
//! | single Redis stopped for 2 s | 8 (7..405) | 1000 |
//! | Sentinel failover, primary killed | 55 (11..68) | 500 |
//! | Cluster failover, a primary killed | 76 (56..144) | 500 |
//! | takeover, engine killed | 1927 (1654..1990) | 2500 |
//! | takeover, engine stops | 49 (9..89) | 150 |
//!
//! | | until a reader is told | to reach |
//! |---|---|---|
//! | venue ends the connection (FIN) | 0.5 (0.3..1.0) | 50 |
//! | venue ends the connection (RST) | 0.4 (0.2..0.6) | 50 |
//! | a frame of the book is lost | 101 (99..102) | 200 |
//! | the connection is half open | 2534 (2517..2539) | 5000 |
//!
//! Memory, Redis stopped for 60 s under 8,000 frames a second: 19.9 MB before, 20.4 MB at most while it stood still, 20.6 MB
//! afterwards. After SIGCONT Redis first executes what waited in its sockets since the beginning of the stall (83 values of the
//! old connection), then each of 150 keys' newest value, none older than 0.7 s.

#![allow(clippy::print_stdout, reason = "a bench prints its results")]

mod engine;
mod failover;
mod memory;
mod probe;
mod single;
mod takeover;
mod venue;

#[path = "../../tests/support/cluster.rs"]
mod cluster;
#[path = "../../tests/support/redis_server.rs"]
mod redis_server;
#[path = "../../tests/support/sentinel.rs"]
mod sentinel;

use std::time::Duration;

use tokio::runtime::Runtime;

/// A failure and what it takes.
struct Case {
    name: &'static str,
    what: &'static str,
    to_reach: Duration,
    turns: usize,
    run: fn(&Runtime, usize) -> Vec<Duration>,
}

const CASES: [Case; 10] = [
    Case {
        name: "restart",
        what: "single Redis killed, back and empty",
        to_reach: Duration::from_secs(1),
        turns: 7,
        run: single::restart,
    },
    Case {
        name: "stall",
        what: "single Redis stopped for 2 s",
        to_reach: Duration::from_secs(1),
        turns: 5,
        run: single::stall,
    },
    Case {
        name: "sentinel",
        what: "Sentinel failover, primary killed",
        to_reach: Duration::from_millis(500),
        turns: 8,
        run: failover::sentinel,
    },
    Case {
        name: "cluster",
        what: "Cluster failover, a primary killed",
        to_reach: Duration::from_millis(500),
        turns: 8,
        run: failover::cluster,
    },
    Case {
        name: "kill",
        what: "takeover, engine killed",
        to_reach: Duration::from_millis(2_500),
        turns: 10,
        run: takeover::kill,
    },
    Case {
        name: "leave",
        what: "takeover, engine stops",
        to_reach: Duration::from_millis(150),
        turns: 20,
        run: takeover::leave,
    },
    Case {
        name: "fin",
        what: "venue ends the connection (FIN)",
        to_reach: Duration::from_millis(50),
        turns: 20,
        run: venue::fin,
    },
    Case {
        name: "reset",
        what: "venue ends the connection (RST)",
        to_reach: Duration::from_millis(50),
        turns: 20,
        run: venue::reset,
    },
    Case {
        name: "gap",
        what: "a frame of the book is lost",
        to_reach: Duration::from_millis(200),
        turns: 20,
        run: venue::gap,
    },
    Case {
        name: "half-open",
        what: "the connection is half open",
        to_reach: Duration::from_secs(5),
        turns: 6,
        run: venue::half_open,
    },
];

/// What `cargo test --benches` runs, which only looks whether it works: the cases that need one server and little time.
const SHORT: [&str; 2] = ["restart", "leave"];

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let has = |wanted: &str| arguments.iter().any(|argument| argument == wanted);
    let runtime = Runtime::new()?;
    if has("memory") {
        let seconds = arguments.iter().skip_while(|argument| *argument != "--seconds").nth(1);
        let stall = Duration::from_secs(seconds.map_or(Ok(60), |seconds| seconds.parse())?);
        return memory::run(&runtime, stall);
    }
    let names: Vec<&str> = CASES.iter().map(|case| case.name).filter(|name| has(name)).collect();
    let is_wanted = |name: &str| match names.is_empty() {
        true => has("--bench") || SHORT.contains(&name),
        false => names.contains(&name),
    };
    println!("| | ms, median | least..most | turns | to reach |\n|---|---|---|---|---|");
    for case in CASES.iter().filter(|case| is_wanted(case.name)) {
        let turns = if has("--quick") || !has("--bench") { 2 } else { case.turns };
        line(case, (case.run)(&runtime, turns));
    }
    Ok(())
}

fn line(case: &Case, mut took: Vec<Duration>) {
    took.sort_unstable();
    let (least, most) = (took.first().copied(), took.last().copied());
    let ms = |took: Option<Duration>| {
        let took = 1_000.0 * took.unwrap_or_default().as_secs_f64();
        if took < 10.0 { format!("{took:.1}") } else { format!("{took:.0}") }
    };
    println!(
        "| {} | {} | {}..{} | {} | {}{} |",
        case.what,
        ms(took.get(took.len() / 2).copied()),
        ms(least),
        ms(most),
        took.len(),
        case.to_reach.as_millis(),
        if most > Some(case.to_reach) { ", MISSED" } else { "" }
    );
}
