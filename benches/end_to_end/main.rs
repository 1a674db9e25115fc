//! From the venue's socket to Redis: how close is the whole engine to the machine's floor?
//!
//! Four questions, each answered against a real `redis-server`, with processes of their own for venue, contender and
//! Redis, all on this machine and so on one clock:
//!
//! 1. *Paced.* Recorded Binance frames (top of book and trades of two instruments) at pace 1 and 20. From the stamp before the
//!    venue's write to the execution in Redis of a SET that holds this quote or a newer one. Expectation: the engine's p50 is
//!    within 1.3 times that of the floor, a `std`-only forwarder that writes each frame unparsed (`floor.rs`).
//! 2. *Burst.* The recording several times over, as fast as the sockets take it. Expectation: at least 80 % of the floor's
//!    frames a second; the newest value never more than 5 ms behind the newest frame read.
//! 3. *Depth.* Quotes of 50 instruments: alone, with depth, and while all 50 books resynchronise. Expectation: the median
//!    stays, the 99th percentile grows by what one turn of depth costs.
//! 4. *Many.* 2,000 instruments, 500 at each of four simulated venues, with books and figures. Expectation: all of it live,
//!    nothing lost, below a core.
//!
//! Three contenders take turns: the engine as it comes (leases, fence script, push, events), the engine with all of that
//! switched off, and the floor. The spread of their runs is printed, and at the end the ratios of the medians. The depth
//! runs are the engine's as it comes. What watching costs, and whom, is said in `observe.rs`.
//! Needs a `redis-server`; without the captures (`TICKCACHE_CAPTURES`, else `../shared/captures`) a made-up market is
//! recorded first. Run: `cargo bench --bench end_to_end [-- --quick] [-- --only paced|burst|depth|many]`; some five minutes.
//!
//! Measured on 2 vCPUs of an Intel Xeon, Linux 6.18, Redis 7.0.15, p50 in us (p50 of the runs):
//!
//! | sent -> Redis | engine as it comes | all of it off | floor | ratios |
//! |---|---|---|---|---|
//! | pace 1, seen by a replica | 217 (183..256) | 180 (166..202) | 135 (121..143) | 1.61, 1.33 |
//! | pace 20, seen by a replica | 174 (163..181) | 135 (127..148) | 141 (120..175) | 1.23, 0.95 |
//! | pace 1, executed (MONITOR) | 191 (108..264) | 85 (65..129) | 68 (45..85) | 2.79, 1.24 |
//! | pace 20, executed (MONITOR) | 158 (149..172) | 89 (78..113) | 146 (136..156) | 1.07, 0.60 |
//!
//! MONITOR taxes the script: it prints the call before the SET is executed, and each value three times. At pace 1 a script that finds
//! cold caches costs Redis 37 us more than a SET (2 ms between calls: 106 and 69 us a round trip; back to back 12 and 8).
//! Burst: 1,228 k frames/s, floor 381 k; newest value behind the newest frame read 0.6 ms, p99 11, most 28. Quotes of 50 instruments:
//! alone 175, with depth 191, while 50 books resynchronise 2,386 us (4,944 before a script was limited to 8 KiB; 159 without one).
//!
//! Many (2,000 instruments at bybit, bybit-linear, kraken and okx; 2,000 fault seeds ran beside): all 6,000 keys live 7.1 s after the
//! start, the engine takes 0.16 cores and 71 MiB for 15 k frames and 15 k values a second, no gap, no reconnect; read ->
//! acknowledged p50 1.8 ms, p99 10 ms, as the venues take the cores for a burst of frames every 20 ms.
//!
//! Those below are from before leases, fence and push, on another machine.
//!
//! Measured on 2 shared vCPUs of an AMD EPYC (load 0.7 to 1.4), Linux 6.18, Redis 7.0.15, p50 / p99:
//!
//! | sent -> Redis, us | engine | floor | p50, engine / floor |
//! |---|---|---|---|
//! | pace 1, executed (MONITOR) | 133 / 361 | 136 / 834 | 0.97 |
//! | pace 1, seen by a replica | 174 / 467 | 146 / 399 | 1.19 (1.37 and 1.38 in two other runs) |
//! | pace 20, executed (MONITOR) | 151 / 604 | 290 / 5267 | 0.51: the floor writes each frame, and MONITOR makes each dear |
//! | pace 20, seen by a replica | 206 / 1067 | 178 / 1125 | 1.15 |
//!
//! Burst of 407,880 frames: engine 1,083 k/s (992..1,400), floor 567 k/s (428..633): the engine writes 3 % of the values, the
//! floor all. The newest value is behind the newest frame read by 0.3 ms, 3.9 ms at p99, 9.0 ms at most: the 5 ms are
//! missed now and then, with venue, engine, Redis and observer on two cores.
//!
//! Quotes of 50 instruments, us: alone 166 / 859, with depth 158 / 696, while all 50 books resynchronise (30 ms) 159 / 5755,
//! of 364 quotes only. At pace 1 a replica's view is against the engine, which wakes up for each reply on the core that the
//! observer needs; the floor reads replies when the next frame comes.

#![allow(clippy::print_stdout, reason = "a bench prints its results")]

mod burst;
mod contender;
mod depth;
mod floor;
mod many;
mod observe;
mod paced;
mod recording;
mod report;
mod run;
mod server;
mod venue;

use std::time::Duration;

use recording::Recording;
use server::Server;
use venue::Venue;

/// The recording so many times over is a burst.
const BURST_ROUNDS: u64 = 6;

/// How much is measured.
struct Effort {
    paces: [paced::Plan; 2],
    burst_turns: usize,
    stale_turns: usize,
    depth_length: Duration,
    resyncs: usize,
    many_length: Duration,
}

impl Effort {
    const fn whole() -> Self {
        Self {
            paces: [
                paced::Plan { pace: 1, length: Duration::from_secs(5), turns: 3 },
                paced::Plan { pace: 20, length: Duration::from_secs(2), turns: 3 },
            ],
            burst_turns: 4,
            stale_turns: 2,
            depth_length: Duration::from_secs(4),
            resyncs: 6,
            many_length: Duration::from_secs(20),
        }
    }

    const fn quick() -> Self {
        Self {
            paces: [
                paced::Plan { pace: 1, length: Duration::from_secs(3), turns: 1 },
                paced::Plan { pace: 20, length: Duration::from_secs(1), turns: 1 },
            ],
            burst_turns: 1,
            stale_turns: 1,
            depth_length: Duration::from_secs(1),
            resyncs: 1,
            many_length: Duration::from_secs(2),
        }
    }
}

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.first().is_some_and(|first| first == contender::ROLE) {
        return contender::run(&arguments[1..]);
    }
    let has = |wanted: &str| arguments.iter().any(|argument| argument == wanted);
    // `cargo test --benches` runs this without `--bench`: then it only has to work.
    let effort = if has("--quick") || !has("--bench") { Effort::quick() } else { Effort::whole() };
    let only = arguments.iter().skip_while(|argument| *argument != "--only").nth(1);
    let is_wanted = |name: &str| only.is_none_or(|only| only == name);
    let Some(server) = Server::start()? else {
        println!("end_to_end: no redis-server is installed; nothing was measured");
        return Ok(());
    };
    println!("{}", machine());
    let mut medians = Vec::new();
    let venue = Venue::start()?;
    if is_wanted("paced") || is_wanted("burst") {
        let recording = Recording::load()?;
        println!("venue: {}, {} frames", recording.source, recording.frames.len());
        if is_wanted("paced") {
            for plan in &effort.paces {
                medians.extend(paced::compare(&server, &venue, &recording, plan)?);
            }
        }
        if is_wanted("burst") {
            let burst = recording.repeated(BURST_ROUNDS);
            burst::compare(&server, &venue, &burst, effort.burst_turns)?;
            burst::staleness(&server, &venue, &burst, effort.stale_turns)?;
        }
    }
    if is_wanted("depth") {
        depth::compare(&server, effort.depth_length, effort.resyncs)?;
    }
    if is_wanted("many") {
        many::measure(&server, effort.many_length)?;
    }
    if !medians.is_empty() {
        println!(
            "\np50, sent -> Redis, of the floor's\n  | pace | engine | fence, push and events off |\n  |---|---|---|"
        );
        medians.iter().for_each(paced::Medians::print);
    }
    println!("\n{}", machine());
    Ok(())
}

fn machine() -> String {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let cpus = read("/proc/cpuinfo");
    let model = cpus.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    format!(
        "machine: {cores} x {}, Linux {}, load {}",
        model.map_or("unknown", |(_, name)| name),
        read("/proc/sys/kernel/osrelease").trim(),
        read("/proc/loadavg").trim()
    )
}
