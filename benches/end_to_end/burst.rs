//! As fast as the sockets take it: how many frames a second go in, and how old does the newest value get?

use std::io::Write;
use std::time::Duration;

use anyhow::{Context, ensure};
use tickcache::clock;
use tickcache::codec::Decoder;

use crate::contender::{Contender, Safety};
use crate::floor;
use crate::observe::Observer;
use crate::recording::{INSTRUMENTS, Recording, quote_of};
use crate::report::{histogram, median, ms, ratio, spread};
use crate::run::{Seen, Sent, latencies, nanos, pairs, price_key, quote_in, quotes, start};
use crate::server::Server;
use crate::venue::Venue;

/// Bytes of one write of the venue.
const WRITE_BYTES: usize = 64 << 10;

/// How often Redis is asked for the last quote.
const ASK_EVERY: Duration = Duration::from_millis(1);

/// The longest that a burst may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// Throughput, in turns, with nobody watching but a GET a millisecond behind the last write.
pub(crate) fn compare(server: &Server, venue: &Venue, burst: &Recording, turns: usize) -> anyhow::Result<()> {
    println!("\nburst: {} frames, {} MB, {turns} turns", burst.frames.len(), burst.wire.len() >> 20);
    let mut rates = [const { Vec::new() }; Contender::COUNT];
    let mut report = None;
    for _ in 0..turns {
        for (index, contender) in Contender::ALL.into_iter().enumerate() {
            let (running, mut session) = start(contender, server, venue)?;
            let began = clock::mono();
            session.socket.write_all(&burst.wire)?;
            wait_for_last(contender, server, burst)?;
            let took = clock::mono().since(began);
            rates[index].push(u64::try_from(burst.frames.len() as u128 * 1_000_000_000 / took.as_nanos())?);
            if let Contender::Engine(safety) = contender {
                // The board is a tick behind.
                std::thread::sleep(Duration::from_millis(100));
                let engine = running.report()?;
                let all = burst.frames.len() as u64 + 1;
                ensure!(engine.frames == all, "{} of {all} frames were read", engine.frames);
                if safety == Safety::Default {
                    report = Some(engine);
                }
            }
        }
    }
    println!("  | | frames/s | least..most |\n  |---|---|---|");
    for (contender, rates) in Contender::ALL.iter().zip(&rates) {
        let (least, most) = spread(rates);
        println!("  | {} | {} | {least}..{most} |", contender.name(), median(rates));
    }
    let [ours, bare, floor] = rates.each_ref().map(|rates| median(rates));
    println!("  | engine / floor | {} (to reach: 0.80) | |", ratio(ours, floor));
    println!("  | the same with fence, push and events off | {} | |", ratio(bare, floor));
    let report = report.context("at least one turn")?;
    println!("  the engine wrote {} values, {} updates were conflated", report.written, report.conflated);
    Ok(())
}

/// Staleness, with a replica watching: it stamps later than Redis executes, so what it sees is an upper bound.
pub(crate) fn staleness(
    server: &Server,
    venue: &Venue,
    burst: &Recording,
    turns: usize,
) -> anyhow::Result<()> {
    println!("\nburst, age of the newest value in ms ({turns} runs, seen by a replica, so an upper bound)");
    println!("  | | p50 | p99 | most |\n  |---|---|---|---|");
    let line = |name: &str, ages: &[u64]| {
        let all = histogram(ages);
        let quantile = |quantile| ms(all.value_at_quantile(quantile));
        println!("  | {name} | {} | {} | {} |", quantile(0.5), quantile(0.99), ms(all.max()));
    };
    for contender in Contender::ALL {
        let (mut behind_sent, mut behind_read) = (Vec::new(), Vec::new());
        for _ in 0..turns {
            let (running, mut session) = start(contender, server, venue)?;
            let observer = Observer::replica(server)?;
            let mut sent = Vec::with_capacity(burst.frames.len());
            let (mut next, mut end) = (0, 0);
            for chunk in burst.wire.chunks(WRITE_BYTES) {
                let at = clock::wall().nanos();
                session.socket.write_all(chunk)?;
                end += chunk.len();
                while let Some(frame) = burst.frames.get(next).filter(|frame| frame.bytes.end <= end) {
                    sent.extend(frame.quote.map(|(instrument, sequence)| Sent { instrument, sequence, at }));
                    next += 1;
                }
            }
            wait_for_last(contender, server, burst)?;
            std::thread::sleep(Duration::from_millis(100));
            let seen = quotes(&observer.finish()?, &INSTRUMENTS.map(str::to_owned));
            drop(running);
            behind_sent.extend(latencies(&pairs(&sent, &seen, INSTRUMENTS.len())?));
            behind_read.extend(read_ages(&seen));
        }
        if contender != Contender::Floor {
            let name = format!("{}, behind the newest frame read (to reach: 5 at most)", contender.name());
            line(&name, &behind_read);
        }
        let name = format!("{}, behind the newest frame sent (socket buffers included)", contender.name());
        line(&name, &behind_sent);
    }
    Ok(())
}

/// How old each value was when the next one took its place: nothing that was read can have been missing for longer.
fn read_ages(seen: &[Seen]) -> Vec<u64> {
    let mut last: [Option<Seen>; INSTRUMENTS.len()] = [None; INSTRUMENTS.len()];
    let mut ages = Vec::with_capacity(seen.len());
    for &quote in seen {
        let before = last[quote.instrument].replace(quote);
        if let Some(before) = before.filter(|before| before.sequence < quote.sequence) {
            ages.push(nanos(quote.at - before.received));
        }
    }
    ages
}

fn wait_for_last(contender: Contender, server: &Server, burst: &Recording) -> anyhow::Result<()> {
    let last = burst.last_quote().context("the burst has quotes")?;
    let (mut client, mut decoder) = (server.client()?, Decoder::new());
    let began = clock::mono();
    let key = match contender {
        Contender::Engine(_) => price_key(INSTRUMENTS[last.0]),
        Contender::Floor => floor::KEY.to_owned(),
    };
    loop {
        let value = client.get(&key)?;
        let sequence = value.and_then(|value| match contender {
            Contender::Engine(_) => quote_in(&mut decoder, &value).map(|quote| quote.0),
            Contender::Floor => quote_of(&value).filter(|quote| quote.0 == last.0).map(|quote| quote.1),
        });
        if sequence.is_some_and(|sequence| sequence >= last.1) {
            return Ok(());
        }
        ensure!(
            clock::mono().since(began) < PATIENCE,
            "the last quote did not come: {sequence:?} of {last:?}"
        );
        std::thread::sleep(ASK_EVERY);
    }
}
