//! How many values a second does the writer bring to Redis, beside hand-made pipelines of the same commands?
//!
//! Four writers: fence and push (the default), fence alone, push alone, and neither. Each takes a batch through update,
//! conflation, encoding, table, batch, tokio and reply matching, and is waited for until all of it is acknowledged.
//! Three pipelines of nothing but `std` as what cannot be beaten: the very script of the writer by `EVALSHA` with push,
//! the same without, and `SET key value PX ttl`. Their bytes are made once, outside the timer; between two batches only
//! each value's sequence grows, so that the script always finds an older value and writes. One write, then all replies
//! are read and compared; what 256 values need (four scripts of 64) is sent at once.
//!
//! Same server, same keys but for the namespace, one connection each, nobody subscribed. Contenders take turns of 40 ms;
//! a turn's figure is its mean, printed are the median of the turns and the least and greatest of them. Between turns
//! the writers stay connected and keep their leases: some 30 commands a second beside what is measured.
//!
//! Expectation: from 64 values on a writer reaches at least 80 % of the pipeline of its own commands; the fence costs
//! what the script costs, which the pipelines show. Needs a `redis-server`. Run:
//! `cargo bench --bench redis_pipeline [-- --quick]`; about 25 s.
//!
//! Measured on 2 vCPUs of an Intel Xeon (a build of something else on one of them), Linux 6.18, Redis 7.0.15; microseconds a batch,
//! median (least..most) of 25 turns:
//!
//! | | 16 values | 64 | 256 |
//! |---|---|---|---|
//! | script with push, std | 73 (71..122) | 255 (244..755) | 1280 (1196..2124) |
//! | script, std | 61 (58..267) | 204 (192..589) | 1032 (846..1911) |
//! | SET PX, std | 23 (21..162) | 94 (59..240) | 393 (338..786) |
//! | writer, fence and push | 87 (82..772) | 359 (251..870) | 1511 (1319..2553) |
//! | writer, fence | 69 (66..258) | 323 (205..663) | 1182 (1041..1746) |
//! | writer, push | 37 (35..363) | 147 (120..422) | 626 (537..1099) |
//! | writer, neither | 28 (26..44) | 83 (75..340) | 427 (381..675) |
//!
//! The writer brings 0.84, 0.71 (0.97 by the least) and 0.85 of the values of its own script's pipeline. What the fence costs is
//! the script: 4 to 5 us of the server's time a key with push, 1.3 for a SET.

#![allow(clippy::print_stdout, reason = "a bench prints its results")]

#[path = "../tests/support/redis_server.rs"]
mod redis_server;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use redis_server::RedisServer;
use tickcache::clock;
use tickcache::codec::Encoder;
use tickcache::codec::key::value_key;
use tickcache::domain::{
    Entity, Epoch, Feed, Instrument, Namespace, Price, PriceLevel, PriceRecord, Reason, RecordRef, Scale,
    Scales, Sequence, Size, SlotId, Stamp, State, Update, UpdateSink, Urgency, Venue, Version,
};
use tickcache::publish::{
    Drained, Endpoint, FeedIndex, Fencing, LeaseTimes, PipelineOptions, Push, RedisAddress, Servers, SlotKey,
    SlotPlan, Spread, StatsBoard, Store, ValueTable, Writer, WriterOptions,
};
use tokio::runtime::Runtime;
use tokio::task::LocalSet;

const BATCHES: [u32; 3] = [16, 64, 256];
const KEYS: u32 = 256;
/// Keys of a script, as the writer's.
const SCRIPT_VALUES: u32 = 64;
const SCRIPT: &str = include_str!("../src/publish/scripts/write.lua");
/// Where a value's sequence is, after its epoch: eight bytes, big-endian.
const SEQUENCE: Range<usize> = 12..20;
const EPOCH: u64 = 1_763_647_415_123;
const TTL: &str = "30000";

/// How long a turn lasts at least, and how many each contender gets.
struct Effort {
    turn: Duration,
    turns: usize,
}

fn instrument(index: u32) -> Instrument {
    format!("C{index}-USDT").parse().expect("an instrument")
}

fn venue() -> Venue {
    "binance".parse().expect("a venue")
}

fn key(namespace: &Namespace, index: u32) -> String {
    value_key(namespace, Entity::Price, &instrument(index), &venue())
}

fn price(bid: i128) -> PriceRecord {
    let scale = |digits| Scale::new(digits).expect("in range");
    let level = |price| Some(PriceLevel { price: Price(price), size: Some(Size(123_456)) });
    let stamp =
        Stamp { state: State::Live, reason: Reason::None, ..Stamp::connecting(clock::wall().received()) };
    let record = PriceRecord::unknown(stamp, Scales { price: scale(2), size: scale(5) });
    PriceRecord { bid: level(bid), ask: level(bid + 1), ..record }
}

/// What a hand-made pipeline says.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Command {
    Script(Push),
    Set,
}

/// Ready-made bytes, a blocking socket, and the replies that are to come.
struct Bare {
    socket: TcpStream,
    bytes: Vec<u8>,
    /// Where each value's sequence is.
    sequences: Vec<usize>,
    sequence: u64,
    expected: Vec<u8>,
    replies: Vec<u8>,
}

impl Bare {
    fn new(server: &RedisServer, command: Command, values: u32) -> Self {
        let mut socket = TcpStream::connect(("127.0.0.1", server.port())).expect("it listens");
        socket.set_nodelay(true).expect("a TCP socket");
        let hash = load_script(&mut socket);
        let mut bare = Self {
            socket,
            bytes: Vec::new(),
            sequences: Vec::new(),
            sequence: 1,
            expected: Vec::new(),
            replies: Vec::new(),
        };
        match command {
            Command::Script(push) => bare.append_scripts(&hash, push, values),
            Command::Set => bare.append_sets(values),
        }
        bare.replies = vec![0; bare.expected.len()];
        bare
    }

    fn append_scripts(&mut self, hash: &str, push: Push, values: u32) {
        // Sequences begin anew with each size of batch, so the keys are others.
        let name = if push == Push::On { "pushed" } else { "quiet" };
        let namespace: Namespace = format!("bare:{name}:{values}").parse().expect("a namespace");
        let verb = if push == Push::On { Spread::One.verb() } else { "" };
        for first in (0..values).step_by(SCRIPT_VALUES as usize) {
            let keys: Vec<String> = (first..values.min(first + SCRIPT_VALUES))
                .map(|index| self::key(&namespace, index))
                .collect();
            let count = keys.len();
            write!(self.bytes, "*{}\r\n", 5 + 3 * count).expect("a Vec takes everything");
            ["EVALSHA", hash, &count.to_string()]
                .iter()
                .for_each(|word| bulk(&mut self.bytes, word.as_bytes()));
            keys.iter().for_each(|key| bulk(&mut self.bytes, key.as_bytes()));
            [verb, namespace.as_str()].iter().for_each(|word| bulk(&mut self.bytes, word.as_bytes()));
            for _ in 0..count {
                self.append_value();
                bulk(&mut self.bytes, TTL.as_bytes());
            }
            write!(self.expected, "*{count}\r\n").expect("a Vec takes everything");
            self.expected.extend(b":1\r\n".repeat(count));
        }
    }

    fn append_sets(&mut self, values: u32) {
        let namespace: Namespace = "bare:set".parse().expect("a namespace");
        for index in 0..values {
            self.bytes.extend(b"*5\r\n$3\r\nSET\r\n");
            bulk(&mut self.bytes, key(&namespace, index).as_bytes());
            self.append_value();
            bulk(&mut self.bytes, b"PX");
            bulk(&mut self.bytes, TTL.as_bytes());
            self.expected.extend(b"+OK\r\n");
        }
    }

    fn append_value(&mut self) {
        let mut value = Vec::new();
        let epoch = Epoch::new(EPOCH).expect("below 2^53");
        let version = Version { epoch, sequence: Sequence::ZERO.next() };
        let record = price(6_183_763);
        Encoder::new(384).encode(RecordRef::Price(&record), version, clock::wall().published(), &mut value);
        assert_eq!(value[SEQUENCE], 1_u64.to_be_bytes(), "the place of the sequence");
        bulk(&mut self.bytes, &value);
        self.sequences.push(self.bytes.len() - 2 - value.len() + SEQUENCE.start);
    }

    fn batch(&mut self) {
        self.sequence += 1;
        for &at in &self.sequences {
            self.bytes[at..at + 8].copy_from_slice(&self.sequence.to_be_bytes());
        }
        self.socket.write_all(&self.bytes).expect("redis lives");
        self.socket.read_exact(&mut self.replies).expect("redis answers");
        assert_eq!(self.replies, self.expected, "each value is written");
    }
}

fn bulk(out: &mut Vec<u8>, word: &[u8]) {
    write!(out, "${}\r\n", word.len()).expect("a Vec takes everything");
    out.extend([word, b"\r\n"].concat());
}

fn load_script(socket: &mut TcpStream) -> String {
    let mut command = b"*3\r\n".to_vec();
    ["SCRIPT", "LOAD", SCRIPT].iter().for_each(|word| bulk(&mut command, word.as_bytes()));
    socket.write_all(&command).expect("redis lives");
    let (mut reader, mut line) = (BufReader::new(socket), String::new());
    reader.read_line(&mut line).expect("redis answers");
    assert_eq!(line, "$40\r\n", "the hash of a script");
    line.clear();
    reader.read_line(&mut line).expect("redis answers");
    line.trim_end().to_owned()
}

/// A writer on this thread, and what it is given.
struct Ours {
    writer: Writer,
    records: Vec<PriceRecord>,
}

impl Ours {
    async fn start(server: &RedisServer, name: &str, fencing: Fencing, push: Push) -> Self {
        let namespace: Namespace = format!("writer:{name}").parse().expect("a namespace");
        let mut plan = SlotPlan::new();
        for index in 0..KEYS {
            let slot = SlotKey {
                key: key(&namespace, index),
                entity: Entity::Price,
                instrument: instrument(index),
                venue: venue(),
                feed: FeedIndex(0),
                ttl: Duration::from_secs(30),
            };
            plan.add(slot).expect("few keys, all different");
        }
        let address = RedisAddress::open(Endpoint::Tcp { host: "127.0.0.1".to_owned(), port: server.port() });
        let pipeline = PipelineOptions {
            embedded: false,
            namespace,
            engine: "bench".to_owned(),
            owner: "bench.1".to_owned(),
            started_ms: 1,
            feeds: vec![Feed { venue: venue(), partition: 0 }],
            fencing,
            push,
            spread: Spread::One,
            zstd_threshold: 384,
        };
        let options = WriterOptions { store: Store::Redis(Servers::at(address, "bench")), pipeline };
        let table = Arc::new(ValueTable::new(&plan));
        let writer =
            Writer::new(options, &plan, table, Arc::new(StatsBoard::new())).expect("no TLS, no bad name");
        tokio::task::spawn_local(writer.clone().run(std::future::pending()));
        while !writer.stats().connected || writer.authority(FeedIndex(0)).is_none() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let records = (0..KEYS).map(|index| price(6_183_763 + i128::from(index))).collect();
        Self { writer, records }
    }

    /// Takes a batch, and waits until all of it is acknowledged.
    async fn batch(&mut self, values: u32) {
        let now = clock::now();
        for (slot, record) in (0..values).zip(&self.records) {
            let record = RecordRef::Price(record);
            let slot = SlotId(slot);
            self.writer.update(Update { slot, record, received: now.mono, urgency: Urgency::Normal });
        }
        self.writer.flush(now);
        let drained = self.writer.drain(now.mono.after(Duration::from_secs(10))).await;
        assert_eq!(drained, Drained::All);
    }

    async fn turn(&mut self, values: u32, least: Duration) -> f64 {
        let (start, mut batches) = (clock::mono(), 0);
        loop {
            self.batch(values).await;
            batches += 1;
            let took = clock::mono().since(start);
            if took >= least {
                return took.as_secs_f64() * 1e6 / f64::from(batches);
            }
        }
    }
}

fn bare_turn(bare: &mut Bare, least: Duration) -> f64 {
    let (start, mut batches) = (clock::mono(), 0);
    loop {
        bare.batch();
        batches += 1;
        let took = clock::mono().since(start);
        if took >= least {
            return took.as_secs_f64() * 1e6 / f64::from(batches);
        }
    }
}

const BARE: [(&str, Command); 3] = [
    ("script with push, std", Command::Script(Push::On)),
    ("script, std", Command::Script(Push::Off)),
    ("SET PX, std", Command::Set),
];
const WRITERS: [&str; 4] = ["writer, fence and push", "writer, fence", "writer, push", "writer, neither"];

fn start_writers(runtime: &Runtime, local: &LocalSet, server: &RedisServer) -> Vec<Ours> {
    let fenced = Fencing::On(LeaseTimes::default());
    let plain = Fencing::Off(Epoch::new(EPOCH).expect("below 2^53"));
    let kinds = [
        ("both", fenced, Push::On),
        ("fenced", fenced, Push::Off),
        ("pushed", plain, Push::On),
        ("neither", plain, Push::Off),
    ];
    local.block_on(runtime, async {
        let mut writers = Vec::new();
        for (name, fencing, push) in kinds {
            writers.push(Ours::start(server, name, fencing, push).await);
        }
        writers
    })
}

/// The median.
fn middle(turns: &[f64]) -> f64 {
    let mut sorted = turns.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}

fn line(name: &str, values: u32, turns: &[f64]) {
    let micros = middle(turns);
    let least = turns.iter().copied().fold(f64::INFINITY, f64::min);
    let most = turns.iter().copied().fold(0.0, f64::max);
    let rate = f64::from(values) * 1e3 / micros;
    println!("  | {name} | {micros:.0} | {least:.0}..{most:.0} | {rate:.0} |");
}

fn ratios(bare: &[Vec<f64>], ours: &[Vec<f64>]) {
    let ratio = |ours: &[f64], bare: &[f64]| middle(bare) / middle(ours);
    println!(
        "  values/s: fence and push {:.2} of its script (to reach: 0.80), fence {:.2} of its script, neither {:.2} of SET; \
         the script with push itself {:.2} of SET",
        ratio(&ours[0], &bare[0]),
        ratio(&ours[1], &bare[1]),
        ratio(&ours[3], &bare[2]),
        ratio(&bare[0], &bare[2]),
    );
}

fn main() {
    let has = |wanted: &str| std::env::args().any(|argument| argument == wanted);
    // `cargo test --benches` runs this without `--bench`: then it only has to work.
    let effort = if has("--quick") || !has("--bench") {
        Effort { turn: Duration::from_millis(5), turns: 3 }
    } else {
        Effort { turn: Duration::from_millis(40), turns: 25 }
    };
    let server = RedisServer::start();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let local = LocalSet::new();
    let mut writers = start_writers(&runtime, &local, &server);
    for values in BATCHES {
        let mut pipelines = BARE.map(|(_, command)| Bare::new(&server, command, values));
        let (mut bare, mut ours) = (vec![Vec::new(); BARE.len()], vec![Vec::new(); WRITERS.len()]);
        // The first turn of each warms up.
        for turn in 0..=effort.turns {
            let keep = |of: &mut Vec<f64>, micros| (turn > 0).then(|| of.push(micros));
            for (pipeline, turns) in pipelines.iter_mut().zip(&mut bare) {
                keep(turns, bare_turn(pipeline, effort.turn));
            }
            for (writer, turns) in writers.iter_mut().zip(&mut ours) {
                keep(turns, local.block_on(&runtime, writer.turn(values, effort.turn)));
            }
        }
        println!("\nbatches of {values} values, {} turns", effort.turns);
        println!("  | | us a batch | least..most | thousand values/s |\n  |---|---|---|---|");
        BARE.iter().zip(&bare).for_each(|((name, _), turns)| line(name, values, turns));
        WRITERS.iter().zip(&ours).for_each(|(name, turns)| line(name, values, turns));
        ratios(&bare, &ours);
    }
    let errors: u64 = writers.iter().map(|ours| ours.writer.stats().errors).sum();
    let reconnects: u64 = writers.iter().map(|ours| ours.writer.stats().reconnects).sum();
    assert_eq!((errors, reconnects), (0, 0), "nothing but values was measured");
}
