//! Several engines against a simulated Redis, in simulated time: every run is its seed.
//!
//! Owns the proof that the writer keeps its promises whatever fails. No thread waits, no socket, no clock: the pipelines are
//! the real ones, their bytes travel over a simulated network to simulated servers. A run takes some 30 simulated seconds:
//! start, faults of every kind on top of each other, a quiet time, a last look.
//!
//! `TICKCACHE_SIM_SEEDS=5000` runs so many seeds instead of [`SEEDS`], `TICKCACHE_SIM_SEED=17` one, with its trace.
//!
//! | file | owns |
//! |---|---|
//! | `world` | the clock, the order of events, the market's moves, readers that poll |
//! | `engine`, `driving` | an engine's process around the pipeline |
//! | `network` | a connection |
//! | `server`, `serving`, `resp` | a Redis, what it does with what arrives, its protocol |
//! | `keyspace`, `native` | what a Redis stores, our scripts written again |
//! | `market`, `reader` | the truth, and who looks at what became of it |
//! | `faults` | what goes wrong |
//! | `judge`, `quiet` | what must never happen, and what must hold in the end |

mod driving;
mod engine;
mod faults;
mod judge;
mod keyspace;
mod market;
mod native;
mod network;
mod quiet;
mod reader;
mod resp;
mod server;
mod serving;
mod world;

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use super::pipeline::Sabotage;
use native::Fence;
use world::{Bugs, World};

/// Seeds of an ordinary test run.
const SEEDS: u64 = 50;
/// A bug made on purpose must be found within so many.
const SEEDS_TO_FIND: u64 = 40;
const NO_BUGS: Bugs = Bugs { fence: Fence::Up, sabotage: None };

type Counts = BTreeMap<&'static str, u64>;

/// Runs a seed; the violation, if there is one, and what happened how often.
fn run(seed: u64, bugs: Bugs, traces: bool) -> (Option<String>, Counts, String) {
    let mut world = World::new(seed, bugs, traces);
    // A panic of the pipeline is a violation like any other, and its trace is wanted.
    let panicked = catch_unwind(AssertUnwindSafe(|| world.run())).is_err();
    let violation =
        world.judge.violation.take().or_else(|| panicked.then(|| "a panic, see above".to_owned()));
    (violation, std::mem::take(&mut world.judge.counts), world.trace())
}

/// Runs seeds until one fails; says which and why.
fn run_all(seeds: impl Iterator<Item = u64> + Send, bugs: Bugs) -> (Option<(u64, String)>, Counts) {
    let (seeds, failed) = (Mutex::new(seeds), Mutex::new(None::<(u64, String)>));
    let (totals, done) = (Mutex::new(Counts::new()), AtomicU64::new(0));
    let work = || {
        while failed.lock().unwrap().is_none() {
            let Some(seed) = seeds.lock().unwrap().next() else { break };
            let (violation, counts, _) = run(seed, bugs, false);
            if let Some(violation) = violation {
                failed.lock().unwrap().get_or_insert((seed, violation));
            }
            let mut totals = totals.lock().unwrap();
            for (what, count) in counts {
                let total = totals.entry(what).or_default();
                *total = if what.starts_with("most") { count.max(*total) } else { *total + count };
            }
            done.fetch_add(1, Ordering::Relaxed);
        }
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(work);
        }
    });
    let mut totals = totals.into_inner().unwrap();
    totals.insert("seeds", done.into_inner());
    (failed.into_inner().unwrap(), totals)
}

fn number_from(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().map(|text| text.parse().expect("a number of seeds, or a seed"))
}

#[test]
fn whatever_fails_no_promise_is_broken_and_in_the_end_everything_is_right() {
    let seeds = match number_from("TICKCACHE_SIM_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number_from("TICKCACHE_SIM_SEEDS").unwrap_or(SEEDS),
    };
    let is_single = seeds.end - seeds.start == 1;
    let (failed, counts) = run_all(seeds, NO_BUGS);
    if let Some((seed, violation)) = failed {
        let (_, _, trace) = run(seed, NO_BUGS, true);
        panic!("{trace}\n\nseed {seed}: {violation}\nTICKCACHE_SIM_SEED={seed} runs it again");
    }
    eprintln!("{counts:#?}");
    let often = [
        "epochs",
        "refused by epoch",
        "2: the same",
        "3: older",
        "4: over a foreign value",
        "lost tails",
        "lost: outranked",
        "lost: taken",
        "lost: lapsed",
        "lost: handed over",
        "late and not taken",
        "kept out by readers",
        "repeats",
        "failovers",
        "restarts",
        "flushes",
        "hangs",
        "pauses with a batch in hand",
        "partitions",
        "stalls",
        "given up, and served nevertheless",
        "kills",
        "graceful stops",
        "events",
        "full sockets",
        "OOM",
        "READONLY",
        "LOADING",
        "NOSCRIPT",
    ];
    for what in often {
        assert!(is_single || counts.get(what).is_some_and(|&count| count > 0), "{what} never happened");
    }
}

#[test]
fn every_run_is_its_seed() {
    let (first, second) = (run(7, NO_BUGS, true), run(7, NO_BUGS, true));
    assert_eq!(first, second);
}

#[test]
fn it_finds_a_missing_fence() {
    let bugs = Bugs { fence: Fence::Missing, ..NO_BUGS };
    let (seed, violation) = run_all(0..SEEDS_TO_FIND, bugs).0.expect("a missing fence is found");
    eprintln!("seed {seed}: {violation}");
    assert!(violation.contains("became"), "{violation}");
}

#[test]
fn it_finds_a_same_version_that_is_taken_for_a_refusal() {
    let bugs = Bugs { sabotage: Some(Sabotage::SameIsRefusal), ..NO_BUGS };
    let (seed, violation) = run_all(0..SEEDS_TO_FIND, bugs).0.expect("the demotion is found");
    eprintln!("seed {seed}: {violation}");
    assert!(violation.contains("demoted itself"), "{violation}");
}
