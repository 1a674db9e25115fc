//! What does recording cost the thread that receives, and how much can the recorder's thread write?
//!
//! Expectation: a frame left at a tap costs at most 40 ns more than its bare copy into a reused buffer, a tap that is off nothing
//! that can be measured; the recorder's thread writes a hundred times what a busy venue sends (1 MB/s).
//! Run: `cargo bench --bench capture`.
//!
//! Intel Xeon VM, 2 cores shared with other builds (load 3 to 6), rustc 1.95: quotes of 150 bytes 50 ns against 11 ns for the bare
//! copy, deltas of 1,500 bytes 163 against 78 ns, of 15,000 bytes 3.8 against 2.0 µs; a tap that is off 0.95 ns; the recorder
//! 98 MiB/s from the taps to the ended file. The expectation holds for quotes. Of long frames the larger part is no cost of
//! the tap's own: it fills two buffers in turn, the bare copy one, so twice the memory goes through the caches.

use std::hint::black_box;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use tickcache::capture::{RecordOptions, Recorder, Tap};
use tickcache::domain::{Feed, ReceiveTime};

/// As many as come between two looks of the recorder, at 20,000 a second.
const FRAMES: usize = 1_000;

/// Room for all of them at any size measured.
const BUFFER: usize = 64 << 20;

const SIZES: [(&str, usize); 3] =
    [("quote_150_bytes", 150), ("delta_1500_bytes", 1_500), ("delta_15000_bytes", 15_000)];

fn receive_time() -> ReceiveTime {
    ReceiveTime::from_nanos(1_795_283_999_123_456_789)
}

fn hot_thread(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("capture/frame");
    group.throughput(Throughput::Elements(FRAMES as u64));
    for (name, size) in SIZES {
        let frame = vec![b'x'; size];
        let mut buffer = Vec::with_capacity(BUFFER);
        group.bench_function(format!("{name}/bare_copy"), |bencher| {
            bencher.iter(|| {
                buffer.clear();
                for _ in 0..FRAMES {
                    buffer.extend_from_slice(black_box(&frame));
                }
                black_box(buffer.len())
            });
        });
        let (tap, mut outlet) = Tap::on(BUFFER);
        group.bench_function(format!("{name}/tap"), |bencher| {
            let taken = || outlet.discard();
            let leave = |()| (0..FRAMES).for_each(|_| tap.frame(receive_time(), black_box(&frame)));
            bencher.iter_batched(taken, leave, BatchSize::PerIteration);
        });
        assert_eq!(outlet.dropped(), 0, "frames were measured, and no refusals");
    }
    let frame = vec![b'x'; 150];
    let off = Tap::off();
    group.bench_function("tap_that_is_off", |bencher| {
        bencher.iter(|| (0..FRAMES).for_each(|_| black_box(&off).frame(receive_time(), black_box(&frame))));
    });
    group.finish();
}

/// Frames of a market: the same names, other numbers.
fn frames() -> Vec<String> {
    let frame = |index: u64| {
        let noise = index.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40;
        format!(
            "{{\"stream\":\"btcusdt@bookTicker\",\"data\":{{\"u\":{},\"s\":\"BTCUSDT\",\"b\":\"61836.{:08}\",\
             \"B\":\"{}.{:08}\",\"a\":\"61837.{:08}\",\"A\":\"0.{:08}\"}}}}",
            49_000_000_000 + index,
            noise % 100,
            noise % 7,
            noise,
            noise % 90,
            noise / 3,
        )
    };
    (0..200_000).map(frame).collect()
}

fn recorder(criterion: &mut Criterion) {
    let frames = frames();
    let bytes: usize = frames.iter().map(String::len).sum();
    let folder = tempfile::tempdir().expect("a folder");
    let options =
        RecordOptions { dir: folder.path().to_owned(), file_bytes_max: 256 << 20, buffer_bytes_max: BUFFER };
    let feed = Feed { venue: "binance".parse().expect("a venue"), partition: 0 };
    let mut group = criterion.benchmark_group("capture/recorder");
    group.throughput(Throughput::Bytes(bytes as u64)).sample_size(10);
    group.bench_function("200000_quotes_to_the_file_s_end", |bencher| {
        let start = || Recorder::start(&options, std::slice::from_ref(&feed)).expect("a recording");
        let record = |(recorder, taps): (Recorder, Vec<Tap>)| {
            for frame in &frames {
                taps[0].frame(receive_time(), frame.as_bytes());
            }
            recorder.stop();
        };
        bencher.iter_batched(start, record, BatchSize::PerIteration);
    });
    group.finish();
}

criterion_group!(benches, hot_thread, recorder);
criterion_main!(benches);
