//! How many values a second does the writer bring to Redis, beside raw pipelined SETs of the same size?
//!
//! `raw` writes one ready-made buffer of `SET key value PX ttl` over a blocking socket of `std` and reads its replies: one
//! pipeline after the other, nothing encoded. `writer` does the same amount through update, conflation, encoding, table,
//! batch, tokio and reply matching, waiting for the acknowledgement of each batch. Same server, same run, in turns.
//! Expectation: beyond 64 values a batch the writer reaches at least 80 % of raw; for one value it adds a few µs (tokio's
//! wake-up) to the round trip. Needs a `redis-server`; it is started outside the timer. Run:
//! `cargo bench --bench redis_pipeline`.
//!
//! Redis 7.0.15 on loopback, 2-core VM shared with other builds (load 3; figures move by a fifth), µs a batch:
//!
//! | values | raw | writer |
//! |---|---|---|
//! | 1 | 21 | 29 |
//! | 16 | 42 | 46 |
//! | 64 | 98 | 119 |
//! | 256 | 357 | 454 |

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use tickcache::clock;
use tickcache::codec::Encoder;
use tickcache::domain::{
    Entity, Epoch, Namespace, Price, PriceLevel, PriceRecord, Reason, RecordRef, Scale, Scales, Sequence,
    Size, SlotId, Stamp, State, Update, UpdateSink, Urgency, Version,
};
use tickcache::publish::{
    Drained, Endpoint, RedisAddress, SlotKey, SlotPlan, StatsBoard, Store, ValueTable, Writer, WriterOptions,
};
use tokio::runtime::Runtime;
use tokio::task::LocalSet;

const BATCHES: [u32; 4] = [1, 16, 64, 256];

struct Server(Child, u16);

impl Server {
    fn start() -> Self {
        let port =
            TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr()).expect("a port").port();
        let child = Command::new("redis-server")
            .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"])
            .stdout(Stdio::null())
            .spawn()
            .expect("redis-server is installed");
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            std::thread::sleep(Duration::from_millis(10));
        }
        Self(child, port)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn key(index: u32) -> String {
    format!("tickcache:v1:price:{{C{index}-USDT}}:binance")
}

fn price(bid: i128) -> PriceRecord {
    let scale = |digits| Scale::new(digits).expect("in range");
    let level = |price| Some(PriceLevel { price: Price(price), size: Some(Size(123_456)) });
    let stamp =
        Stamp { state: State::Live, reason: Reason::None, ..Stamp::connecting(clock::wall().received()) };
    let record = PriceRecord::unknown(stamp, Scales { price: scale(2), size: scale(5) });
    PriceRecord { bid: level(bid), ask: level(bid + 1), ..record }
}

fn raw_commands(values: u32) -> Vec<u8> {
    let (mut encoder, mut out) = (Encoder::new(384), Vec::new());
    let epoch = Epoch::new(1_763_647_415_123).expect("below 2^53");
    let version = Version { epoch, sequence: Sequence::ZERO.next() };
    for index in 0..values {
        let (key, mut value) = (key(index), Vec::new());
        let record = price(6_183_763);
        encoder.encode(RecordRef::Price(&record), version, clock::wall().published(), &mut value);
        out.extend(format!("*5\r\n$3\r\nSET\r\n${}\r\n{key}\r\n${}\r\n", key.len(), value.len()).bytes());
        out.extend(value);
        out.extend(b"\r\n$2\r\nPX\r\n$5\r\n30000\r\n");
    }
    out
}

fn start_writer(runtime: &Runtime, local: &LocalSet, port: u16) -> Writer {
    let mut plan = SlotPlan::new();
    for index in 0..256 {
        let slot = SlotKey { key: key(index), entity: Entity::Price, ttl: Duration::from_secs(30) };
        plan.add(slot).expect("few keys, all different");
    }
    let options = WriterOptions {
        store: Store::Redis(RedisAddress::open(Endpoint::Tcp { host: "127.0.0.1".to_owned(), port })),
        epoch: Epoch::new(1_763_647_415_123).expect("below 2^53"),
        zstd_threshold: 384,
        namespace: Namespace::default(),
        client_name: "bench".to_owned(),
        tls: None,
    };
    let table = Arc::new(ValueTable::new(&plan));
    let writer =
        Writer::new(options, &plan, table, Arc::new(StatsBoard::new())).expect("no TLS, no bad name");
    local.spawn_local(writer.clone().run(std::future::pending()));
    let deadline = clock::mono().after(Duration::from_secs(10));
    let drained = local.block_on(runtime, writer.drain(deadline));
    assert_eq!(drained, Drained::All);
    writer
}

/// Pushes a burst and waits until all of it is acknowledged.
async fn burst(writer: &mut Writer, records: &[PriceRecord]) {
    let now = clock::now();
    for (slot, record) in (0_u32..).zip(records) {
        let record = RecordRef::Price(record);
        writer.update(Update { slot: SlotId(slot), record, received: now.mono, urgency: Urgency::Normal });
    }
    writer.flush(now);
    assert_eq!(writer.drain(now.mono.after(Duration::from_secs(10))).await, Drained::All);
}

fn compare(criterion: &mut Criterion) {
    let server = Server::start();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let local = LocalSet::new();
    let mut writer = start_writer(&runtime, &local, server.1);
    let mut group = criterion.benchmark_group("redis_pipeline");
    for values in BATCHES {
        group.throughput(Throughput::Elements(values.into()));
        let mut socket = TcpStream::connect(("127.0.0.1", server.1)).expect("it listens");
        socket.set_nodelay(true).expect("a TCP socket");
        let (commands, mut replies) = (raw_commands(values), vec![0; 5 * values as usize]);
        group.bench_function(format!("raw/{values}"), |bencher| {
            bencher.iter(|| {
                socket.write_all(&commands).expect("redis lives");
                socket.read_exact(&mut replies).expect("redis answers");
            });
        });
        let records: Vec<PriceRecord> =
            (0..values).map(|index| price(6_183_763 + i128::from(index))).collect();
        group.bench_function(format!("writer/{values}"), |bencher| {
            bencher.iter(|| local.block_on(&runtime, burst(&mut writer, &records)));
        });
    }
    group.finish();
}

criterion_group!(benches, compare);
criterion_main!(benches);
