//! What does one frame cost, from the bytes of the socket to exact domain values, venue by venue and kind by kind?
//!
//! Expectation: a quote or a trade at most 200 ns, a level of depth at most 30 ns, on the fast path. `general` is the general path
//! alone, on the same bytes; it checks everything, so it is dearer than the bare parsers. `serde_json` and `sonic_rs` parse into
//! borrowed structs and then into the same numbers, as one would do it without a path of one's own. Where a kind has no fast
//! path, both figures are those of the general one. Run: `cargo bench --bench decode`.
//!
//! Fastest of 50 samples, ns, while three other builds kept both vCPUs of an AMD EPYC busy (load 5; medians are up to three
//! times as much, so that only the fastest say something of the code), rustc 1.95:
//!
//! | | quote | trade | ticker | depth of 10 | depth of 100 | image of 400 |
//! |---|---|---|---|---|---|---|
//! | binance, fast | 68 | 71 | 220 | 224 | 1812 |  |
//! | binance, general | 440 | 482 | 1009 | 1473 | 9872 |  |
//! | binance, serde_json | 271 |  |  |  | 6257 |  |
//! | binance, sonic_rs | 200 |  |  |  | 4729 |  |
//! | binance-usdm, fast | 74 | 63 | 860 | 224 | 1779 |  |
//! | binance-usdm, general | 574 | 495 | 840 | 1464 | 10091 |  |
//! | bybit-linear, fast | 95 | 821 | 729 | 231 | 1831 | 7046 |
//! | bybit-linear, general | 691 | 770 | 693 | 1406 | 9681 | 36153 |
//! | bybit-linear, serde_json | 433 |  |  |  | 6083 |  |
//! | bybit-linear, sonic_rs | 317 |  |  |  | 4674 |  |
//! | coinbase, fast |  | 513 | 906 | 251 | 1864 | 40565 |
//! | coinbase, general |  | 503 | 889 | 1486 | 11507 | 40635 |
//! | hyperliquid, fast | 82 | 1239 | 853 |  |  | 1005 (of 40) |
//! | hyperliquid, general | 759 | 1221 | 831 |  |  | 10969 (of 40) |
//! | kraken, fast |  | 1158 | 238 | 379 | 3150 | 95657 |
//! | kraken, general |  | 1118 | 1102 | 3141 | 24727 | 93708 |
//! | okx, fast | 121 | 1096 | 1269 | 361 | 2962 | 65377 |
//! | okx, general | 958 | 1068 | 1257 | 2657 | 17256 | 64793 |
//! | okx, serde_json | 459 |  |  |  | 9235 |  |
//! | okx, sonic_rs | 342 |  |  |  | 6559 |  |
//!
//! The general path is on serde_json: sonic-rs would take a quarter off a path that no usual frame takes, for a dependency built
//! on unsafe code. Images come once a session, and after a gap; Bybit's and Hyperliquid's come again and again.

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
