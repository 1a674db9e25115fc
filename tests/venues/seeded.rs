//! Many faults in no order, the same for a seed: nothing false is ever live, and once they are over everything is right.
//!
//! One seed is one venue, one engine and fifteen seconds of faults, on paused time. CI takes [`SEEDS`]; `TICKCACHE_FAULT_SEEDS` says
//! otherwise (`./test.sh long` takes thousands), and `TICKCACHE_FAULT_SEED` runs one again.

use std::time::Duration;

use tickcache::domain::Channel;
use tickcache::simulate::{Break, Fault, Rule};

use crate::cases::{CASES, Case};
use crate::stage::{BASES, Stage, on_paused_time};
use crate::table::{Of, Outcome, WHATS, What, outcome};

const SEEDS: u64 = 50;

/// How long faults strike.
const STORM: Duration = Duration::from_secs(15);

/// After it all that was struck is noticed, however quiet it was, and begun anew at the slowest venue's pace; a name that was refused
/// is tried again.
const CALM: Duration = Duration::from_secs(45);

/// About one in so many frames is struck.
const ONE_IN: u32 = 30;

/// Threads that run seeds.
const THREADS: u64 = 2;

pub(crate) fn wanted(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().map(|text| text.parse().expect("a number"))
}

/// The faults of a stream that the table promises something about, whatever else happens at the same time. A part of a book
/// that no sum covers may be wrong unnoticed, and so may one that is put together without a check.
fn promised(venue: &str, of: Of) -> Vec<Fault> {
    let is_promised = |what: &What| match outcome(*what, of, venue) {
        Some(Outcome::Detected(..) | Outcome::Harmless | Outcome::Replaced) => true,
        Some(Outcome::DetectedWhere(..) | Outcome::Undetectable(_)) | None => false,
    };
    // Silence is of a subscription, which no frame has; and at Coinbase one frame that is late is missing until then.
    let is_of_frames =
        |what: &What| !what.is_of_request() && (venue != "coinbase" || *what != What::Reordered);
    WHATS.into_iter().filter(is_promised).filter(is_of_frames).map(What::fault).collect()
}

/// By how much the engine's wall clock is set at most, and how long a name is refused.
const STEP_MS_MAX: i64 = 5_000;
const REFUSED: Duration = Duration::from_secs(4);

/// The host's clock is set, in either direction.
fn step_clock(random: &mut fastrand::Rng) {
    tickcache::clock::step_wall(random.i64(-STEP_MS_MAX..=STEP_MS_MAX) * 1_000_000);
}

/// After a reconnection the venue refuses one name.
async fn refuse(stage: &Stage, random: &mut fastrand::Rng) {
    let name = stage.refusable(Channel::Depth, random.usize(..BASES.len()));
    stage.simulator.faults().set([Rule::new(&name, Fault::Refuse)]);
    stage.simulator.break_sessions(Break::Reset).await;
    tokio::time::sleep(REFUSED).await;
    stage.simulator.faults().clear();
}

/// One stream at a time is struck: another each few seconds. In between a clock is set, or a name refused.
async fn storm(stage: &Stage, seed: u64) {
    let mut random = fastrand::Rng::with_seed(seed);
    let started = tickcache::clock::mono();
    while tickcache::clock::mono().since(started) < STORM {
        match random.u32(..8) {
            0 => step_clock(&mut random),
            1 => refuse(stage, &mut random).await,
            _ => {}
        }
        let of = if random.bool() { Of::Quote } else { Of::Book };
        let of = if promised(stage.case.venue, of).is_empty() { Of::Book } else { of };
        let channel = match of {
            Of::Quote => Channel::Quote,
            Of::Book => Channel::Depth,
        };
        let base = BASES[random.usize(..BASES.len())];
        let faults = stage.simulator.faults();
        let stream = stage.case.stream(channel, base);
        faults.seeded(random.u64(..), &stream, ONE_IN, promised(stage.case.venue, of));
        tokio::time::sleep(Duration::from_millis(random.u64(500..6_000))).await;
        faults.clear();
        tokio::time::sleep(Duration::from_millis(random.u64(0..3_000))).await;
    }
}

fn survives(case: Case, seed: u64) {
    on_paused_time(async {
        let stage = Stage::start(case, seed).await;
        stage.live().await;
        stage.desk.log.borrow_mut().lies.clear();
        storm(&stage, seed).await;
        tokio::time::sleep(CALM).await;
        stage.live().await;
        let lies = stage.desk.log.borrow().lies.clone();
        stage.right().await;
        let (counts, turns) = (stage.counts(), stage.take_turns().len());
        eprintln!("seed {seed} at {}: {turns} turns, {} ends, {counts:?}", case.venue, stage.desk.ends.get());
        assert_eq!(lies, [], "seed {seed} at {}: live, and false", case.venue);
        stage.stop().await;
    });
}

fn case_of(seed: u64) -> Case {
    let count = u64::try_from(CASES.len()).unwrap();
    CASES[usize::try_from(seed % count).unwrap()]
}

#[test]
fn whatever_goes_wrong_nothing_false_is_live_and_all_is_right_again() {
    if let Some(seed) = wanted("TICKCACHE_FAULT_SEED") {
        return survives(case_of(seed), seed);
    }
    let seeds = wanted("TICKCACHE_FAULT_SEEDS").unwrap_or(SEEDS);
    let failed: Vec<u64> = std::thread::scope(|scope| {
        let run = |thread: u64| {
            let failed = (thread..seeds).step_by(usize::try_from(THREADS).unwrap()).filter(|&seed| {
                std::thread::scope(|inner| inner.spawn(|| survives(case_of(seed), seed)).join().is_err())
            });
            failed.collect::<Vec<u64>>()
        };
        let threads: Vec<_> = (0..THREADS).map(|thread| scope.spawn(move || run(thread))).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(failed, Vec::<u64>::new(), "seeds, each to be run again by TICKCACHE_FAULT_SEED");
}
