//! What does a level of depth cost in the book, the top 20 read after each update?
//!
//! `ours` applies the depth updates of the captures (of Binance spot and of its USD-M futures, after their snapshot) to `process::Book` and reads the
//! top 20 of both sides after each; `btree_map` does the same with `BTreeMap<Decimal, Decimal>` of rust_decimal, as one would
//! write it first. Numbers are parsed before the timer starts. `apply` leaves the top 20 out. Expectation: at most 100 ns a
//! level for ours, and below the map. Without the captures (`TICKCACHE_CAPTURES`, else `../shared/captures`) the updates
//! are made up. Run: `cargo bench --bench book`.
//!
//! Fastest samples of three runs, ns a level, on 2 shared vCPUs of an AMD EPYC that other builds kept busy (load 5), rustc 1.95.
//! Medians of the quietest of the runs: ours 85 to 91, the map 127 to 142; of the busiest up to three times as much, for both.
//!
//! | | BTC-USDT | ETH-USDT | BTC-USDT-PERP |
//! |---|---|---|---|
//! | ours, with the top 20 | 86 | 83 | 81 |
//! | ours, apply alone | 84 | 73 | 78 |
//! | `BTreeMap<Decimal, Decimal>`, with the top 20 | 135 | 121 | 128 |
//!
//! A short cut for mantissas of 64 bits when numbers are brought to the scale of the book took 2 to 4 % off `apply` and nothing
//! measurable off the whole: it was left out.
//!
//! A map by integer prices. A sorted vector, best level last, took 174 and 115: most updates are far from the top, where an
//! insertion moves all better levels.

use std::collections::BTreeMap;
use std::hint::black_box;
use std::path::PathBuf;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use rust_decimal::Decimal;
use tickcache::capture::{Kind, Reader};
use tickcache::domain::{
    Channel, DepthDelta, DepthLevel, DepthSnapshot, Link, MarketEvent, Number, RawLevel, Scale, Side,
    VenueSequence,
};
use tickcache::feed::{self, ChannelNames, Frame};
use tickcache::process::Book;

const TOP: usize = 20;
const SNAPSHOT_LEVELS: usize = 1_000;

/// One update, as the decoder gives it.
struct Delta {
    last: VenueSequence,
    bids: Vec<RawLevel>,
    asks: Vec<RawLevel>,
}

impl Delta {
    fn borrowed(&self) -> DepthDelta<'_> {
        DepthDelta {
            link: Link::Unsaid,
            last: Some(self.last),
            bids: &self.bids,
            asks: &self.asks,
            venue_time: None,
            check: None,
        }
    }
}

/// A snapshot and the updates behind it.
struct Session {
    name: &'static str,
    snapshot: DepthSnapshot,
    deltas: Vec<Delta>,
}

impl Session {
    fn levels(&self) -> u64 {
        self.deltas.iter().map(|delta| delta.bids.len() as u64 + delta.asks.len() as u64).sum()
    }
}

fn recorded(venue: &str, symbol: &str, depth: &str, name: &'static str) -> Option<Session> {
    let folder = std::env::var_os("TICKCACHE_CAPTURES").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/captures")),
        PathBuf::from,
    );
    let reader = Reader::open(folder.join(format!("{venue}/{symbol}-20240808.txt.gz"))).ok()?;
    let venue = feed::venue(venue).expect("a venue of ours");
    let mut names = ChannelNames::of(venue.defaults());
    names.0[Channel::Depth as usize] = depth.to_owned();
    let mut decoder = venue.decoder(&names);
    let (mut snapshot, mut deltas) = (None::<DepthSnapshot>, Vec::new());
    for line in reader {
        match line.expect("a sound capture").kind {
            Kind::Rest { body, .. } => {
                let parsed = venue.parse_snapshot(body.as_bytes(), SNAPSHOT_LEVELS);
                snapshot = Some(parsed.expect("a sound snapshot"));
            }
            Kind::Ws { frame } => {
                if let Ok(Frame::Market { event: MarketEvent::Depth(delta), .. }) =
                    decoder.decode(frame.as_bytes())
                    && let Some(last) = delta.last
                    && snapshot.as_ref().is_some_and(|snapshot| last > snapshot.last)
                {
                    let (bids, asks) = (delta.bids.to_vec(), delta.asks.to_vec());
                    deltas.push(Delta { last, bids, asks });
                }
            }
        }
    }
    Some(Session { name, snapshot: snapshot?, deltas })
}

/// Changes near the top of a ladder, every third one a removal.
fn made_up() -> Session {
    let number = |mantissa: i128, digits| Number { mantissa, scale: Scale::new(digits).expect("in range") };
    let level = |price: i128, size: i128| RawLevel { price: number(price, 2), size: number(size, 5) };
    let count = i128::try_from(SNAPSHOT_LEVELS).expect("small");
    let bids = (0..count).map(|step| level(6_000_000 - step, 1_000 + step)).collect();
    let asks = (0..count).map(|step| level(6_000_001 + step, 1_000 + step)).collect();
    let snapshot =
        DepthSnapshot { last: VenueSequence(0), bids, asks, limit: SNAPSHOT_LEVELS, venue_time: None };
    let mut random = fastrand::Rng::with_seed(1);
    let deltas = (1..3_000).map(|id| {
        let mut side = |sign: i128, best: i128| {
            let change = |_| {
                let step = i128::from(random.u8(..)) * i128::from(random.u8(..)) / 400;
                level(best + sign * step, if random.u8(..3) == 0 { 0 } else { i128::from(random.u32(1..)) })
            };
            (0..12).map(change).collect()
        };
        Delta { last: VenueSequence(id), bids: side(-1, 6_000_000), asks: side(1, 6_000_001) }
    });
    Session { name: "made up", deltas: deltas.collect(), snapshot }
}

fn sessions() -> Vec<Session> {
    let recorded: Vec<_> = [
        recorded("binance", "btcusdt", "depth@100ms", "BTC-USDT"),
        recorded("binance", "ethusdt", "depth@100ms", "ETH-USDT"),
        recorded("binance-usdm", "btcusdt", "depth@0ms", "BTC-USDT-PERP"),
    ]
    .into_iter()
    .flatten()
    .collect();
    if recorded.is_empty() { vec![made_up()] } else { recorded }
}

/// The naive book, both sides ascending.
type Maps = [BTreeMap<Decimal, Decimal>; 2];
type DecimalLevels = Vec<(Decimal, Decimal)>;

fn decimals(levels: &[RawLevel]) -> DecimalLevels {
    let decimal =
        |number: Number| Decimal::from_i128_with_scale(number.mantissa, u32::from(number.scale.digits()));
    levels.iter().map(|level| (decimal(level.price), decimal(level.size))).collect()
}

fn apply_to_map(map: &mut BTreeMap<Decimal, Decimal>, levels: &DecimalLevels) {
    for (price, size) in levels {
        if size.is_zero() {
            map.remove(price);
        } else {
            map.insert(*price, *size);
        }
    }
}

fn books(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("book");
    for session in sessions() {
        group.throughput(Throughput::Elements(session.levels()));
        let book = Book::from_snapshot(&session.snapshot).expect("a sound snapshot");
        group.bench_function(format!("ours/{}", session.name), |bencher| {
            bencher.iter_batched_ref(
                || book.clone(),
                |book| run_ours(book, &session, true),
                BatchSize::LargeInput,
            );
        });
        group.bench_function(format!("ours, apply/{}", session.name), |bencher| {
            bencher.iter_batched_ref(
                || book.clone(),
                |book| run_ours(book, &session, false),
                BatchSize::LargeInput,
            );
        });
        let maps: Maps =
            [&session.snapshot.bids, &session.snapshot.asks].map(|side| decimals(side).into_iter().collect());
        let deltas: Vec<[DecimalLevels; 2]> =
            session.deltas.iter().map(|delta| [decimals(&delta.bids), decimals(&delta.asks)]).collect();
        group.bench_function(format!("btree_map/{}", session.name), |bencher| {
            bencher.iter_batched_ref(
                || maps.clone(),
                |maps| run_maps(maps, &deltas, true),
                BatchSize::LargeInput,
            );
        });
        group.bench_function(format!("btree_map, apply/{}", session.name), |bencher| {
            bencher.iter_batched_ref(
                || maps.clone(),
                |maps| run_maps(maps, &deltas, false),
                BatchSize::LargeInput,
            );
        });
    }
    group.finish();
}

fn run_ours(book: &mut Book, session: &Session, top: bool) {
    let mut sides: [Vec<DepthLevel>; 2] = [Vec::with_capacity(TOP), Vec::with_capacity(TOP)];
    for delta in &session.deltas {
        book.apply(&delta.borrowed()).expect("numbers that fit");
        if top {
            book.top(Side::Buy, TOP, &mut sides[0]);
            book.top(Side::Sell, TOP, &mut sides[1]);
            black_box(&sides);
        }
    }
}

fn run_maps(maps: &mut Maps, deltas: &[[DecimalLevels; 2]], top: bool) {
    let mut sides: [DecimalLevels; 2] = [Vec::with_capacity(TOP), Vec::with_capacity(TOP)];
    for [bids, asks] in deltas {
        apply_to_map(&mut maps[0], bids);
        apply_to_map(&mut maps[1], asks);
        if top {
            sides.iter_mut().for_each(Vec::clear);
            sides[0].extend(maps[0].iter().rev().take(TOP).map(|(price, size)| (*price, *size)));
            sides[1].extend(maps[1].iter().take(TOP).map(|(price, size)| (*price, *size)));
            black_box(&sides);
        }
    }
}

criterion_group!(benches, books);
criterion_main!(benches);
