//! What does a value cost to encode and to decode, and from which size on does zstd pay?
//! Expectation: a price at most 50 ns to encode, several times less than rmp-serde on the same fields.
//! Run: `cargo bench --bench codec`; with recorded markets in `../shared/captures` (or `TICKCACHE_CAPTURES`) it first
//! prints the table of books below.
//!
//! Found on a virtual machine with 2 vCPUs of an AMD EPYC. Means of a run with nothing else to do: encode a price 58, 20 levels
//! 279; decode 174 and 455; by rmp-serde 184, 718, 270 and 708: the 50 ns are missed by the mean and reached by the best
//! batches. Undisturbed times, the best of 30,000 batches of 100:
//!
//! | ns | codec | rmp-serde, same fields |
//! |---|---|---|
//! | encode a price, every item set, 120 bytes | 45 | 158 |
//! | encode 20 levels a side, 421 bytes | 278 | 714 |
//! | decode a price | 131 | 237 |
//! | decode 20 levels a side | 402 | 638 |
//!
//! zstd on books of two Binance captures (BTC-USDT, ETH-USDT; a book per 100 depth frames, 34 of each), best of 200
//! rounds; levels 1, 3 and 9; the three bytes of the `bin` around a frame not counted:
//!
//! | levels a side | plain, bytes | saved, bytes | time, µs |
//! |---|---|---|---|
//! | 5 | 141–147 | 9–13, 21–26, 22–27 | 5.1, 5.5, 7.3 |
//! | 10 | 230–241 | 32–39, 46–51, 55–65 | 5.4, 6.1, 9.0 |
//! | 20 | 416–436 | 76–93, 116–128, 133–156 | 6.1, 7.2, 13.3 |
//! | 50 | 939–1005 | 239–294, 371–426, 378–431 | 7.9–11.4, 10.6, 24.5 |
//!
//! So level 3: level 1 saves two thirds of it for six sevenths of the time. About 5 µs are the price of any call. Below
//! 384 bytes about a fifth or less is saved. A book of 20 levels shrinks by 28 %, which a network slower than about 135 Mbit/s
//! would pay back in time (50 levels: 300 Mbit/s); on anything faster zstd saves memory and traffic, and costs latency:
//! the 7 µs are 25 times the plain encoding, on the thread that also sends quotes. 384 compresses books of 20 levels,
//! 512 leaves them plain and compresses those of 50.

use std::collections::BTreeMap;
use std::hint::black_box;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use flate2::read::MultiGzDecoder;
use serde::{Deserialize, Serialize};
use tickcache::clock;
use tickcache::codec::envelope::BODY_OFFSET;
use tickcache::codec::{Decoder, Encoder, decode};
use tickcache::domain::*;

const TIME: i64 = 1_723_161_254_087_891_268;

fn version(sequence: u64) -> Version {
    Version {
        epoch: Epoch::new(1_795_207_622_296).expect("below 2^53"),
        sequence: Sequence::new(sequence).expect("below 2^53"),
    }
}

fn scales(price: u8, size: u8) -> Scales {
    let scale = |digits| Scale::new(digits).expect("at most 18");
    Scales { price: scale(price), size: scale(size) }
}

fn stamp() -> Stamp {
    Stamp {
        state: State::Live,
        reason: Reason::None,
        venue_time: Some(VenueTime::from_nanos(TIME - 1_000_000)),
        receive_time: ReceiveTime::from_nanos(TIME),
        confirmed_time: ConfirmedTime::from_nanos(TIME),
    }
}

fn price_record() -> PriceRecord {
    let level = |price, size| PriceLevel { price: Price(price), size: Some(Size(size)) };
    PriceRecord {
        stamp: stamp(),
        scales: scales(2, 5),
        size_unit: SizeUnit::Base,
        bid: Some(level(6_183_763, 378_826)),
        ask: Some(level(6_183_764, 154_698)),
        venue_sequence: Some(VenueSequence(50_093_239_212)),
        last: Some(LastTrade {
            price: Price(6_183_763),
            size: Some(Size(2_000)),
            venue_time: Some(VenueTime::from_nanos(TIME)),
            receive_time: Some(ReceiveTime::from_nanos(TIME)),
        }),
    }
}

/// Prices on a grid with gaps, sizes of one to seven digits without a pattern.
fn liquidity_record(depth: usize) -> LiquidityRecord {
    let mut random = fastrand::Rng::with_seed(7);
    let mut side = |step: i128| {
        let mut price = 6_183_763 + step;
        let mut level = || {
            price += step * i128::from(random.u32(1..40));
            let size = 1 + random.u32(..10_000_000) / 10_u32.pow(random.u32(..7));
            DepthLevel { price: Price(price), size: Size(i128::from(size)) }
        };
        (0..depth).map(|_| level()).collect()
    };
    let (bids, asks) = (side(-1), side(1));
    book(scales(2, 5), bids, asks, 50_093_239_212)
}

fn book(scales: Scales, bids: Vec<DepthLevel>, asks: Vec<DepthLevel>, sequence: u64) -> LiquidityRecord {
    LiquidityRecord {
        stamp: stamp(),
        scales,
        size_unit: SizeUnit::Base,
        checked_levels: u32::try_from(bids.len()).ok(),
        bids,
        asks,
        venue_sequence: Some(VenueSequence(sequence)),
    }
}

/// The same fields for rmp-serde, which writes structs as arrays: what the codec would be without a hand-written one.
#[derive(Serialize, Deserialize)]
struct ReferencePrice(u8, u64, u64, u8, ReferenceItems);

#[derive(Serialize, Deserialize)]
struct ReferenceItems {
    head: (u8, u8, Option<i64>, i64, i64, i64, u8, u8, u8),
    quote: [Option<i64>; 4],
    venue_sequence: Option<u64>,
    last: [Option<i64>; 4],
}

#[derive(Serialize, Deserialize)]
struct ReferenceLiquidity {
    head: (u8, u8, Option<i64>, i64, i64, i64, u8, u8, u8),
    columns: [Vec<i64>; 4],
    venue_sequence: Option<u64>,
    checked_levels: Option<u32>,
}

fn reference_price() -> ReferencePrice {
    let items = ReferenceItems {
        head: (0, 0, Some(TIME - 1_000_000), TIME, TIME, TIME, 2, 5, 0),
        quote: [Some(6_183_763), Some(378_826), Some(6_183_764), Some(154_698)],
        venue_sequence: Some(50_093_239_212),
        last: [Some(6_183_763), Some(2_000), Some(TIME), Some(TIME)],
    };
    ReferencePrice(1, 1_795_207_622_296, 77, 0, items)
}

fn reference_liquidity(depth: usize) -> ReferenceLiquidity {
    let record = liquidity_record(depth);
    let column = |side: &[DepthLevel], of: fn(&DepthLevel) -> i128| {
        side.iter().map(|level| i64::try_from(of(level)).expect("small")).collect()
    };
    let columns = [
        column(&record.bids, |level| level.price.0),
        column(&record.bids, |level| level.size.0),
        column(&record.asks, |level| level.price.0),
        column(&record.asks, |level| level.size.0),
    ];
    ReferenceLiquidity {
        head: (0, 0, Some(TIME - 1_000_000), TIME, TIME, TIME, 2, 5, 0),
        columns,
        venue_sequence: Some(50_093_239_212),
        checked_levels: Some(20),
    }
}

fn encoded(record: RecordRef<'_>, zstd_threshold_bytes: usize) -> Vec<u8> {
    let mut out = Vec::new();
    Encoder::new(zstd_threshold_bytes).encode(record, version(77), PublishTime::from_nanos(TIME), &mut out);
    out
}

fn encode(criterion: &mut Criterion) {
    let (price, liquidity) = (price_record(), liquidity_record(20));
    let mut group = criterion.benchmark_group("codec/encode");
    group.throughput(Throughput::Elements(1));
    for (name, record, threshold) in [
        ("price", RecordRef::Price(&price), 384),
        ("liquidity_20_plain", RecordRef::Liquidity(&liquidity), 0),
        ("liquidity_20_zstd", RecordRef::Liquidity(&liquidity), 1),
    ] {
        let (mut encoder, mut out) = (Encoder::new(threshold), Vec::with_capacity(64 * 1024));
        let mut sequence = 0;
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                sequence += 1;
                out.clear();
                let time = PublishTime::from_nanos(black_box(TIME));
                encoder.encode(black_box(record), version(sequence), time, &mut out);
                black_box(out.len())
            });
        });
    }
    let mut out = Vec::with_capacity(64 * 1024);
    let (price, liquidity) = (reference_price(), reference_liquidity(20));
    group.bench_function("price_rmp_serde", |bencher| {
        bencher.iter(|| {
            out.clear();
            rmp_serde::encode::write(&mut out, black_box(&price)).expect("a Vec takes everything");
            black_box(out.len())
        });
    });
    group.bench_function("liquidity_20_rmp_serde", |bencher| {
        bencher.iter(|| {
            out.clear();
            rmp_serde::encode::write(&mut out, black_box(&liquidity)).expect("a Vec takes everything");
            black_box(out.len())
        });
    });
    group.finish();
}

fn decoding(criterion: &mut Criterion) {
    let (price, liquidity) = (price_record(), liquidity_record(20));
    let mut group = criterion.benchmark_group("codec/decode");
    group.throughput(Throughput::Elements(1));
    let mut decoder = Decoder::new();
    for (name, entity, value) in [
        ("price", Entity::Price, encoded(RecordRef::Price(&price), 0)),
        ("liquidity_20_plain", Entity::Liquidity, encoded(RecordRef::Liquidity(&liquidity), 0)),
        ("liquidity_20_zstd", Entity::Liquidity, encoded(RecordRef::Liquidity(&liquidity), 1)),
    ] {
        group.bench_function(name, |bencher| {
            bencher.iter(|| decoder.decode(entity, black_box(&value)).expect("just encoded"));
        });
    }
    let value = encoded(RecordRef::Liquidity(&liquidity), 1);
    group.bench_function("liquidity_20_zstd_without_a_kept_decoder", |bencher| {
        bencher.iter(|| decode(Entity::Liquidity, black_box(&value)).expect("just encoded"));
    });
    let value = rmp_serde::to_vec(&reference_price()).expect("serializable");
    group.bench_function("price_rmp_serde", |bencher| {
        bencher.iter(|| rmp_serde::from_slice::<ReferencePrice>(black_box(&value)).expect("just encoded"));
    });
    let value = rmp_serde::to_vec(&reference_liquidity(20)).expect("serializable");
    group.bench_function("liquidity_20_rmp_serde", |bencher| {
        bencher
            .iter(|| rmp_serde::from_slice::<ReferenceLiquidity>(black_box(&value)).expect("just encoded"));
    });
    group.finish();
}

fn zstd_by_depth(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("codec/encode_liquidity_zstd");
    for depth in [5, 10, 20, 50] {
        let record = liquidity_record(depth);
        let (mut encoder, mut out) = (Encoder::new(1), Vec::with_capacity(64 * 1024));
        group.throughput(Throughput::Elements(1));
        group.bench_function(BenchmarkId::from_parameter(depth), |bencher| {
            bencher.iter(|| {
                out.clear();
                let time = PublishTime::from_nanos(TIME);
                encoder.encode(RecordRef::Liquidity(black_box(&record)), version(1), time, &mut out);
                black_box(out.len())
            });
        });
    }
    group.finish();
}

type Side = BTreeMap<i128, i128>;

#[derive(Deserialize)]
struct Combined {
    stream: String,
    data: Depth,
}

#[derive(Deserialize)]
struct Depth {
    #[serde(alias = "lastUpdateId", default)]
    u: u64,
    #[serde(alias = "bids", default)]
    b: serde_json::Value,
    #[serde(alias = "asks", default)]
    a: serde_json::Value,
}

fn apply(side: &mut Side, levels: &serde_json::Value, scales: Scales) {
    for level in levels.as_array().into_iter().flatten() {
        let text = |at: usize| level[at].as_str().unwrap_or_default().as_bytes();
        let number = |at: usize| Number::parse(text(at)).expect("the venue's number");
        let price = scales.price_of(number(0)).expect("on the tick").0;
        match scales.size_of(number(1)).expect("on the lot").0 {
            0 => side.remove(&price),
            size => side.insert(price, size),
        };
    }
}

/// A book after every 100th depth frame: the top `depth` levels.
fn captured_books(file: &str, scales: Scales, depth: usize) -> Option<Vec<LiquidityRecord>> {
    let folder = std::env::var_os("TICKCACHE_CAPTURES")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/captures"), PathBuf::from);
    let file = std::fs::File::open(folder.join(file)).ok()?;
    let (mut bids, mut asks, mut frames, mut books) = (Side::new(), Side::new(), 0, Vec::new());
    for line in BufReader::new(MultiGzDecoder::new(file)).lines() {
        let line = line.expect("a readable capture");
        let mut words = line.splitn(3, ' ');
        let change = match (words.nth(1), words.next()) {
            (Some("rest"), Some(rest)) => {
                (bids, asks) = (Side::new(), Side::new());
                serde_json::from_str(rest.split_once(' ')?.1).ok()
            }
            (Some("ws"), Some(frame)) if frame.contains("@depth") => serde_json::from_str::<Combined>(frame)
                .ok()
                .filter(|frame| frame.stream.contains("@depth"))
                .map(|frame| frame.data),
            _ => None,
        };
        let Some(change): Option<Depth> = change else { continue };
        apply(&mut bids, &change.b, scales);
        apply(&mut asks, &change.a, scales);
        frames += 1;
        if frames % 100 == 0 && bids.len() >= depth && asks.len() >= depth {
            let level =
                |(&price, &size): (&i128, &i128)| DepthLevel { price: Price(price), size: Size(size) };
            let bids = bids.iter().rev().take(depth).map(level).collect();
            books.push(book(scales, bids, asks.iter().take(depth).map(level).collect(), change.u));
        }
    }
    Some(books)
}

/// The scales are those of the finest number in each file: a handful of sizes are ten times finer than the lot.
///
/// Not a criterion bench: it prints bytes beside times, for each depth and zstd level.
fn books_of_captures(_: &mut Criterion) {
    for (file, scales) in
        [("binance/btcusdt-20240808.txt.gz", scales(2, 6)), ("binance/ethusdt-20240808.txt.gz", scales(2, 5))]
    {
        for depth in [5, 10, 20, 50] {
            let Some(books) = captured_books(file, scales, depth) else {
                eprintln!("{file}: skipped, there is no such capture");
                break;
            };
            let records: Vec<Vec<u8>> = books
                .iter()
                .map(|book| encoded(RecordRef::Liquidity(book), 0).split_off(BODY_OFFSET))
                .collect();
            let plain = records.iter().map(Vec::len).sum::<usize>() / records.len();
            let results: Vec<String> = [-5, -1, 1, 3, 9].map(|level| compressed(&records, level)).into();
            eprintln!(
                "{file} depth {depth:2} books {}: plain {plain} B; {}",
                books.len(),
                results.join("; ")
            );
        }
    }
}

/// The time is that of the best of 200 rounds: what it costs while nobody else needs the core.
fn compressed(records: &[Vec<u8>], level: i32) -> String {
    let mut compressor = zstd::bulk::Compressor::new(level).expect("one of zstd's levels");
    let (mut buffer, mut bytes, mut best) = (Vec::with_capacity(64 * 1024), 0, u128::MAX);
    for _ in 0..200 {
        bytes = 0;
        let start = clock::mono();
        for record in records {
            buffer.clear();
            bytes += compressor.compress_to_buffer(record, &mut buffer).expect("there is room");
        }
        best = best.min(clock::mono().since(start).as_nanos());
    }
    let nanos = best / records.len() as u128;
    format!("level {level}: {} B {nanos} ns", bytes / records.len())
}

criterion_group!(benches, books_of_captures, encode, decoding, zstd_by_depth);
criterion_main!(benches);
