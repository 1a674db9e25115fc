//! What does one frame cost, from the bytes of the socket to exact domain values, venue by venue and kind by kind?
//!
//! Expectation: a quote or a trade at most 200 ns, a level of depth at most 30 ns, on the fast path. `general` is the general path
//! alone, on the same bytes; it checks everything, so it is dearer than the bare parsers. `serde_json` and `sonic_rs` parse into
//! borrowed structs and then into the same numbers, as one would do it without a path of one's own. Where a kind has no fast
//! path, both figures are those of the general one. Run: `cargo bench --bench decode`.
//!
//! TABLE

mod frames;
mod parsers;

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use tickcache::feed::{self, ChannelNames, Frame};

use frames::Case;
use parsers::{BinanceDepth, BinanceQuote, BybitBook, OkxBook, Read};

fn ours(criterion: &mut Criterion) {
    for Case { venue, kind, frame } in frames::cases() {
        let mut group = criterion.benchmark_group(format!("decode/{venue}"));
        let protocol = feed::venue(venue).expect("a venue of ours");
        let mut decoder = protocol.decoder(&ChannelNames::of(protocol.defaults()));
        let bytes = frame.as_bytes();
        assert!(matches!(decoder.decode(bytes), Ok(Frame::Market { .. })), "{frame}");
        group.throughput(Throughput::Bytes(bytes.len() as u64));
        group.bench_function(BenchmarkId::new("fast", &kind), |bencher| {
            bencher.iter(|| black_box(&decoder.decode(black_box(bytes))).is_ok());
        });
        group.bench_function(BenchmarkId::new("general", &kind), |bencher| {
            bencher.iter(|| black_box(&decoder.decode_general(black_box(bytes))).is_ok());
        });
        group.finish();
    }
}

/// One frame with both parsers.
macro_rules! parsed {
    ($criterion:expr, $venue:literal, $kind:literal, $wire:ident, $frame:expr) => {
        let (frame, mut levels) = ($frame, Vec::new());
        let mut group = $criterion.benchmark_group(concat!("decode/", $venue));
        group.throughput(Throughput::Bytes(frame.len() as u64));
        group.bench_function(BenchmarkId::new("serde_json", $kind), |bencher| {
            bencher.iter(|| {
                levels.clear();
                let wire: $wire<'_> =
                    serde_json::from_slice(black_box(frame.as_bytes())).expect("of this form");
                black_box(wire.read(&mut levels))
            });
        });
        group.bench_function(BenchmarkId::new("sonic_rs", $kind), |bencher| {
            bencher.iter(|| {
                levels.clear();
                let wire: $wire<'_> =
                    sonic_rs::from_slice(black_box(frame.as_bytes())).expect("of this form");
                black_box(wire.read(&mut levels))
            });
        });
        group.finish();
    };
}

fn parsers(criterion: &mut Criterion) {
    let cases = frames::cases();
    let frame = |venue: &str, kind: &str| {
        let case = cases.iter().find(|case| case.venue == venue && case.kind == kind);
        case.expect("there is such a frame").frame.clone()
    };
    parsed!(criterion, "binance", "quote", BinanceQuote, frame("binance", "quote"));
    parsed!(criterion, "binance", "depth of 100", BinanceDepth, frame("binance", "depth of 100"));
    parsed!(criterion, "bybit-linear", "quote", BybitBook, frame("bybit-linear", "quote"));
    parsed!(criterion, "bybit-linear", "depth of 100", BybitBook, frame("bybit-linear", "depth of 100"));
    parsed!(criterion, "okx", "quote", OkxBook, frame("okx", "quote"));
    parsed!(criterion, "okx", "depth of 100", OkxBook, frame("okx", "depth of 100"));
}

criterion_group!(benches, ours, parsers);
criterion_main!(benches);
