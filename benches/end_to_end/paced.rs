//! At the market's own pace, and twenty times faster: how long does a quote take from the venue's write to Redis?

use std::io::Write;
use std::time::Duration;

use tickcache::clock;

use crate::contender::Contender;
use crate::observe::Observer;
use crate::recording::{Frame, INSTRUMENTS, Recording};
use crate::report::{histogram, ratio, spread, us};
use crate::run::{Seen, Sent, latencies, nanos, pairs, quotes, start};
use crate::server::Server;
use crate::venue::{Session, Venue};

/// Quotes at the start of a run that do not count: caches and connections are cold.
const WARM_UP: usize = 100;

/// What is left to do behind the last frame.
const SETTLE: Duration = Duration::from_millis(200);

pub(crate) struct Plan {
    pub(crate) pace: u32,
    /// How long a run takes.
    pub(crate) length: Duration,
    pub(crate) turns: usize,
}

/// Who watches: with what it costs, see `observe`.
#[derive(Clone, Copy)]
enum Watch {
    Monitor,
    Replica,
}

impl Watch {
    const fn name(self) -> &'static str {
        match self {
            Self::Monitor => "executed in Redis (MONITOR)",
            Self::Replica => "seen by a replica",
        }
    }
}

/// Medians of all runs at a pace, in ns, in the order of [`Contender::ALL`].
pub(crate) struct Medians {
    pace: u32,
    watch: Watch,
    p50: [u64; Contender::COUNT],
}

impl Medians {
    pub(crate) fn print(&self) {
        let [ours, bare, floor] = self.p50;
        println!(
            "  | {}, {} | {} (to reach: 1.30) | {} |",
            self.pace,
            self.watch.name(),
            ratio(ours, floor),
            ratio(bare, floor)
        );
    }
}

pub(crate) fn compare(
    server: &Server,
    venue: &Venue,
    recording: &Recording,
    plan: &Plan,
) -> anyhow::Result<Vec<Medians>> {
    let frames = recording.stretch(plan.length * plan.pace);
    println!(
        "\npace {}: {} frames in {} s a run, {} turns",
        plan.pace,
        frames.len(),
        plan.length.as_secs(),
        plan.turns
    );
    let mut found = Vec::new();
    for watch in [Watch::Monitor, Watch::Replica] {
        let mut pooled = [const { Vec::new() }; Contender::COUNT];
        let mut medians = [const { Vec::new() }; Contender::COUNT];
        for _ in 0..plan.turns {
            for (index, contender) in Contender::ALL.into_iter().enumerate() {
                let run = run(contender, server, venue, recording, frames, plan.pace, watch)?;
                medians[index].push(histogram(&latencies(&run)).value_at_quantile(0.5));
                pooled[index].extend(run);
            }
        }
        let p50 = print(watch, &pooled, &medians);
        found.push(Medians { pace: plan.pace, watch, p50 });
    }
    Ok(found)
}

/// Returns the medians.
fn print(
    watch: Watch,
    pooled: &[Vec<(Sent, Seen)>; Contender::COUNT],
    medians: &[Vec<u64>; Contender::COUNT],
) -> [u64; Contender::COUNT] {
    let name = watch.name();
    println!("  | sent -> {name}, us | p50 | p50 of the runs | p99 | quotes |\n  |---|---|---|---|---|");
    let all = pooled.each_ref().map(|pairs| histogram(&latencies(pairs)));
    for ((contender, all), medians) in Contender::ALL.iter().zip(&all).zip(medians) {
        let (least, most) = spread(medians);
        let quantile = |quantile| us(all.value_at_quantile(quantile));
        println!(
            "  | {} | {} | {}..{} | {} | {} |",
            contender.name(),
            quantile(0.5),
            us(least),
            us(most),
            quantile(0.99),
            all.len()
        );
    }
    let of = |place: usize, quantile| {
        ratio(all[place].value_at_quantile(quantile), all[Contender::COUNT - 1].value_at_quantile(quantile))
    };
    println!("  | engine / floor | {} (to reach: 1.30) | | {} | |", of(0, 0.5), of(0, 0.99));
    println!("  | the same with fence, push and events off | {} | | {} | |", of(1, 0.5), of(1, 0.99));
    let part = |from: fn(&(Sent, Seen)) -> i64| {
        let parts: Vec<u64> = pooled[0].iter().map(|pair| nanos(from(pair))).collect();
        us(histogram(&parts).value_at_quantile(0.5))
    };
    println!(
        "  p50 of the engine's parts: {} sent -> read, {} read -> encoded, {} encoded -> {name}",
        part(|(sent, seen)| seen.received - sent.at),
        part(|(_, seen)| seen.encoded - seen.received),
        part(|(_, seen)| seen.at - seen.encoded),
    );
    all.map(|all| all.value_at_quantile(0.5))
}

fn run(
    contender: Contender,
    server: &Server,
    venue: &Venue,
    recording: &Recording,
    frames: &[Frame],
    pace: u32,
    watch: Watch,
) -> anyhow::Result<Vec<(Sent, Seen)>> {
    let (running, mut session) = start(contender, server, venue)?;
    let observer = match watch {
        Watch::Monitor => Observer::monitor(server)?,
        Watch::Replica => Observer::replica(server)?,
    };
    let sent = send(&mut session, recording, frames, pace)?;
    std::thread::sleep(SETTLE);
    let written = observer.finish()?;
    drop(running);
    let seen = quotes(&written, &INSTRUMENTS.map(str::to_owned));
    pairs(&sent[WARM_UP.min(sent.len())..], &seen, INSTRUMENTS.len())
}

/// Sends each frame when it is due, by a write of its own.
fn send(
    session: &mut Session,
    recording: &Recording,
    frames: &[Frame],
    pace: u32,
) -> anyhow::Result<Vec<Sent>> {
    let start = clock::mono();
    let mut sent = Vec::with_capacity(frames.len());
    for frame in frames {
        let due = Duration::from_nanos(u64::try_from(frame.at)?) / pace;
        let early = due.saturating_sub(clock::mono().since(start));
        if !early.is_zero() {
            std::thread::sleep(early);
        }
        let at = clock::wall().nanos();
        session.socket.write_all(&recording.wire[frame.bytes.clone()])?;
        if let Some((instrument, sequence)) = frame.quote {
            sent.push(Sent { instrument, sequence, at });
        }
    }
    Ok(sent)
}
