//! What does one Binance frame cost, from the bytes of the socket to exact domain values?
//!
//! Expectation: a quote or a trade at most 150 ns, a level of depth at most 25 ns, on the fast path. `general` is the same
//! decoder on a frame whose fields are reordered and joined by an unknown one; it checks everything, so it is dearer than
//! the bare parsers. `serde_json` and `sonic_rs` parse into borrowed structs and then into the same numbers, as one would do it
//! without a path of one's own. Run: `cargo bench --bench decode`.
//!
//! Measured on 2 shared vCPUs of an AMD EPYC, rustc 1.95, while other builds kept the machine busy (load 5); ns, fastest
//! of 100 samples of about 1 ms (medians are 1 to 11 % above):
//!
//! | | quote | trade | ticker | depth of 10 | depth of 100 |
//! |---|---|---|---|---|---|
//! | ours, fast | 119 | 138 | 320 | 339 | 2658 |
//! | ours, general | 687 | 784 | 1535 | 2187 | 14369 |
//! | serde_json | 403 | | | | 8167 |
//! | sonic_rs | 330 | | | | 7227 |
//!
//! Means of a run on the same machine with nothing else to do (neighbours aside): quote 139 to 154, trade 149 to 154, depth of
//! 100 3,548 to 3,980, serde_json's quote 506 to 560, sonic_rs's 351 to 358.
//!
//! The general path is on serde_json: sonic-rs would take a fifth off a path that no usual frame takes, for a dependency
//! built on unsafe code.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use serde::Deserialize;
use tickcache::domain::{Number, RawLevel, VenueSequence};
use tickcache::feed::Frame;
use tickcache::feed::binance::Decoder;

const QUOTE: &str = r#"{"stream":"btcusdt@bookTicker","data":{"u":50000000001,"s":"BTCUSDT","b":"61000.10000000","B":"3.51200000","a":"61000.20000000","A":"0.00012000"}}"#;
const QUOTE_REORDERED: &str = r#"{"stream":"btcusdt@bookTicker","data":{"s":"BTCUSDT","x":1,"u":50000000001,"b":"61000.10000000","B":"3.51200000","a":"61000.20000000","A":"0.00012000"}}"#;
const TRADE: &str = r#"{"stream":"ethusdt@trade","data":{"e":"trade","E":1723161255343,"s":"ETHUSDT","t":3735683259,"p":"2683.80000000","q":"0.02000000","T":1723161255342,"m":true,"M":true}}"#;
const TRADE_REORDERED: &str = r#"{"stream":"ethusdt@trade","data":{"E":1723161255343,"e":"trade","x":1,"s":"ETHUSDT","t":3735683259,"p":"2683.80000000","q":"0.02000000","T":1723161255342,"m":true,"M":true}}"#;
const TICKER: &str = r#"{"stream":"bnbbtc@ticker","data":{"e":"24hrTicker","E":1672515782136,"s":"BNBBTC","p":"-0.00150000","P":"-2.500","w":"0.00180000","x":"0.00090000","c":"0.00250000","Q":"10.00000000","b":"0.00240000","B":"10.00000000","a":"0.00260000","A":"100.00000000","o":"0.00100000","h":"0.00250000","l":"0.00090000","v":"10000.00000000","q":"18.00000000","O":0,"C":86400000,"F":-1,"L":18150,"n":18151}}"#;

/// `count` levels in all, half a side; every third removes its level, as in a real session.
fn depth(count: usize, data_start: &str) -> String {
    let side = |from: usize| {
        let level = |index: usize| {
            let size = if index.is_multiple_of(3) { 0 } else { 7 * index + 12 };
            format!(r#"["{}.{:02}000000","{size}.{:05}000"]"#, from + index, index % 100, size * 37)
        };
        (0..count / 2).map(level).collect::<Vec<_>>().join(",")
    };
    format!(
        r#"{{"stream":"btcusdt@depth@100ms","data":{{{data_start}"s":"BTCUSDT","U":50000000001,"u":50000000099,"b":[{}],"a":[{}]}}}}"#,
        side(60_000),
        side(61_000)
    )
}

#[derive(Deserialize)]
struct Envelope<'a, T> {
    stream: &'a str,
    data: T,
}

#[derive(Deserialize)]
struct WireQuote<'a> {
    u: u64,
    s: &'a str,
    b: &'a str,
    #[serde(rename = "B")]
    bid_size: &'a str,
    a: &'a str,
    #[serde(rename = "A")]
    ask_size: &'a str,
}

#[derive(Deserialize)]
struct WireDepth<'a> {
    #[serde(rename = "E")]
    event_time: u64,
    s: &'a str,
    #[serde(rename = "U")]
    first: u64,
    u: u64,
    #[serde(borrow)]
    b: Vec<(&'a str, &'a str)>,
    #[serde(borrow)]
    a: Vec<(&'a str, &'a str)>,
}

fn level(price: &str, size: &str) -> RawLevel {
    let number = |text: &str| Number::parse(text.as_bytes()).expect("a number of this bench");
    RawLevel { price: number(price), size: number(size) }
}

fn read_quote(frame: &Envelope<'_, WireQuote<'_>>) -> (RawLevel, RawLevel, VenueSequence) {
    let data = &frame.data;
    assert_eq!(frame.stream.len(), data.s.len() + "@bookTicker".len());
    (level(data.b, data.bid_size), level(data.a, data.ask_size), VenueSequence(data.u))
}

fn read_depth(frame: &Envelope<'_, WireDepth<'_>>, into: &mut [Vec<RawLevel>; 2]) -> [u64; 3] {
    let data = &frame.data;
    assert_eq!(frame.stream.len(), data.s.len() + "@depth@100ms".len());
    for (side, wire) in into.iter_mut().zip([&data.b, &data.a]) {
        side.clear();
        side.extend(wire.iter().map(|(price, size)| level(price, size)));
    }
    [data.event_time, data.first, data.u]
}

fn ours(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("decode/ours");
    let depth_start = r#""e":"depthUpdate","E":1723161255308,"#;
    let depth_reordered = r#""E":1723161255308,"e":"depthUpdate","x":1,"#;
    for (path, kind, frame) in [
        ("fast", "quote", QUOTE.to_owned()),
        ("general", "quote", QUOTE_REORDERED.to_owned()),
        ("fast", "trade", TRADE.to_owned()),
        ("general", "trade", TRADE_REORDERED.to_owned()),
        ("fast", "ticker", TICKER.to_owned()),
        ("general", "ticker", TICKER.replace(r#""s":"#, r#""y":1,"s":"#)),
        ("fast", "depth of 10", depth(10, depth_start)),
        ("general", "depth of 10", depth(10, depth_reordered)),
        ("fast", "depth of 100", depth(100, depth_start)),
        ("general", "depth of 100", depth(100, depth_reordered)),
    ] {
        let mut decoder = Decoder::new();
        assert!(matches!(decoder.decode(frame.as_bytes()), Ok(Frame::Market { .. })), "{frame}");
        group.throughput(Throughput::Bytes(frame.len() as u64));
        group.bench_function(BenchmarkId::new(path, kind), |bencher| {
            bencher.iter(|| {
                let decoded = decoder.decode(black_box(frame.as_bytes()));
                black_box(&decoded).is_ok()
            });
        });
    }
    group.finish();
}

fn parsers(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("decode/parser");
    group.throughput(Throughput::Bytes(QUOTE.len() as u64));
    group.bench_function("serde_json/quote", |bencher| {
        bencher.iter(|| {
            black_box(read_quote(&serde_json::from_slice(black_box(QUOTE.as_bytes())).expect("a quote")))
        });
    });
    group.bench_function("sonic_rs/quote", |bencher| {
        bencher.iter(|| {
            black_box(read_quote(&sonic_rs::from_slice(black_box(QUOTE.as_bytes())).expect("a quote")))
        });
    });
    let frame = depth(100, r#""e":"depthUpdate","E":1723161255308,"#);
    let mut sides = [Vec::new(), Vec::new()];
    group.throughput(Throughput::Bytes(frame.len() as u64));
    group.bench_function("serde_json/depth of 100", |bencher| {
        bencher.iter(|| {
            black_box(read_depth(
                &serde_json::from_slice(black_box(frame.as_bytes())).expect("depth"),
                &mut sides,
            ))
        });
    });
    group.bench_function("sonic_rs/depth of 100", |bencher| {
        bencher.iter(|| {
            black_box(read_depth(
                &sonic_rs::from_slice(black_box(frame.as_bytes())).expect("depth"),
                &mut sides,
            ))
        });
    });
    group.finish();
}

criterion_group!(benches, ours, parsers);
criterion_main!(benches);
