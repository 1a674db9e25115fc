//! What does an update cost with 10, 100, 1,000 and 10,000 instruments, and how much memory is an instrument?
//!
//! The way of a frame without sockets: decoder, route, book or quote, state, conflation, encoding, the engine's own table. Four quotes
//! to one depth update of ten levels, instruments in random order, 20 frames a second of each, a flush every 16 frames, the timer every
//! 50 ms of that time. Each number of instruments runs in a process of its own, so that memory is its own; each instrument has price,
//! liquidity (a book of 100 levels a side) and volume. A trip to memory = reading one line of as much memory, whose place the line
//! before tells: the reference for what more instruments can cost. Wanted: at most 1.3 times the cost at 10 instruments.
//! Run: `cargo bench --bench scale`.
//!
//! Measured on 2 vCPUs of an Intel Xeon (L2 2 MiB, L3 shared with other machines), rustc 1.95, others compiling beside; median of 5
//! rounds (least to most):
//!
//! | instruments | ns an update | against 10 | ns a trip to memory | KiB an instrument |
//! |---|---|---|---|---|
//! | 10 | 394 (394 to 396) | 1.00 | 6 | 95.6 (the program's own pages among them) |
//! | 100 | 457 (438 to 557) | 1.16 | 33 | 27.6 |
//! | 1,000 | 845 (781 to 889) | 2.14 | 184 | 20.1 |
//! | 10,000 | 2,298 (2,156 to 2,380) | 5.82 | 295 | 19.5 |
//!
//! Flat as long as the second cache holds what is used (2 MiB: some hundred instruments). Beyond it an update is as many instructions and
//! two to seven trips to memory more, and here one trip alone is half of what an update costs: 1.3 times is out of reach of any
//! layout. Measured and left out: huge pages (0.85 at 10,000), names of streams stored in their routes (no difference), reading
//! ahead of an event what it will change (0.68 at 10,000, 0.98 at 1,000, but 1.03 at 10 and 1.08 at 100, which is where people are).

#![allow(clippy::print_stdout, reason = "a bench prints its results")]

use std::collections::HashMap;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use tickcache::clock;
use tickcache::domain::{
    Anchor, BookRules, Channel, Contract, Coverage, DepthSnapshot, Entity, EntityDurations, Epoch,
    EventPolicy, Feed, InstrumentId, KeyEvent, MarketRules, MonoTime, Namespace, Now, Number, PriceFrom,
    RawLevel, SessionId, SlotId, Subscription, TickerTop, Update, UpdateSink, VenueSequence, WallTime,
};
use tickcache::feed::Frame;
use tickcache::feed::binance::Decoder;
use tickcache::process::{Book, FeedState, InstrumentSpec};
use tickcache::publish::pipeline::Pipeline;
use tickcache::publish::{
    FeedIndex, Fencing, PipelineOptions, Push, SlotKey, SlotPlan, Spread, StatsBoard, ValueTable,
};

const COUNTS: [u32; 4] = [10, 100, 1_000, 10_000];
const ROUNDS: usize = 5;
const FRAMES: u64 = 400_000;
const FRAMES_MADE: u64 = 1_000;
/// Of each instrument, whatever their number: what a timer does for an update is the same then.
const FRAMES_A_SECOND: u32 = 20;
const TICK: Duration = Duration::from_millis(50);
const FRAMES_A_FLUSH: u64 = 16;

struct Sink(Pipeline);

impl UpdateSink for Sink {
    fn update(&mut self, update: Update<'_>) {
        self.0.update(update);
    }

    fn event(&mut self, event: KeyEvent) {
        self.0.event(event);
    }
}

struct Rig {
    decoder: Decoder,
    routes: HashMap<String, Subscription>,
    state: FeedState,
    sink: Sink,
    update_ids: Vec<Ids>,
    now: Now,
    /// Between two frames.
    pace: Duration,
}

/// The last update of an instrument, and the last that was in a depth update.
#[derive(Clone, Copy)]
struct Ids {
    last: u64,
    depth: u64,
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if let Some(count) = arguments.iter().position(|argument| argument == "--count") {
        let count = arguments[count + 1].parse().expect("a number");
        return one(count);
    }
    println!(
        "instruments | ns an update: median (least to most) of {ROUNDS} | against 10 | ns a trip to memory | KiB an instrument"
    );
    let mut first = None;
    for count in COUNTS {
        let output = std::process::Command::new(&arguments[0])
            .args(["--count", &count.to_string()])
            .output()
            .expect("this program starts");
        let text = String::from_utf8(output.stdout).expect("its own words");
        let numbers: Vec<f64> = text.split_whitespace().map(|word| word.parse().expect("numbers")).collect();
        let [memory, trip, costs @ ..] = numbers.as_slice() else { panic!("{text:?}") };
        let mut costs = costs.to_vec();
        costs.sort_by(f64::total_cmp);
        let median = costs[costs.len() / 2];
        let ratio = median / *first.get_or_insert(median);
        println!(
            "{count:>11} | {median:.0} ({:.0} to {:.0}) | {ratio:.2} | {trip:.0} | {memory:.1}",
            costs[0],
            costs[costs.len() - 1]
        );
    }
}

/// Prints the memory of an instrument, what a trip to memory costs in as much memory, and the cost of each round.
fn one(count: u32) {
    let before = resident_kib();
    let mut rig = Rig::new(count);
    let held = resident_kib() - before;
    let memory = held as f64 / f64::from(count);
    let mut random = fastrand::Rng::with_seed(7);
    rig.play(FRAMES / 4, &mut random);
    print!("{memory:.1} {:.1}", trip(held));
    for _ in 0..ROUNDS {
        print!(" {:.1}", rig.play(FRAMES, &mut random).as_nanos() as f64 / FRAMES as f64);
    }
    println!();
}

/// Nanoseconds for reading one cache line whose place the line before tells, among so many KiB.
fn trip(kib: usize) -> f64 {
    const LINE_WORDS: usize = 8;
    const TRIPS: usize = 1_000_000;
    let lines = kib * 16;
    let mut places: Vec<usize> = (0..lines).collect();
    fastrand::Rng::with_seed(3).shuffle(&mut places);
    let mut memory = vec![0; lines * LINE_WORDS];
    for pair in places.windows(2) {
        memory[pair[0] * LINE_WORDS] = pair[1] * LINE_WORDS;
    }
    memory[places[lines - 1] * LINE_WORDS] = places[0] * LINE_WORDS;
    let follow = |from: usize| (0..TRIPS).fold(from, |place, _| memory[place]);
    let start = follow(places[0] * LINE_WORDS);
    let started = clock::mono();
    black_box(follow(start));
    clock::mono().since(started).as_nanos() as f64 / TRIPS as f64
}

fn resident_kib() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    4 * statm.split_whitespace().nth(1).and_then(|pages| pages.parse::<usize>().ok()).unwrap_or(0)
}

impl Rig {
    fn new(count: u32) -> Self {
        let (mut plan, mut specs, mut routes) = (SlotPlan::new(), Vec::new(), HashMap::new());
        for index in 0..count {
            specs.push(spec(index, &mut plan));
            for (suffix, channel) in [("bookTicker", Channel::Quote), ("depth@100ms", Channel::Depth)] {
                let subscription = Subscription { instrument: InstrumentId(index), channel };
                routes.insert(format!("c{index}usdt@{suffix}"), subscription);
            }
        }
        let options = PipelineOptions {
            embedded: true,
            namespace: Namespace::default(),
            engine: "bench".to_owned(),
            owner: "bench.1".to_owned(),
            started_ms: 1,
            feeds: vec![Feed { venue: "binance".parse().expect("a venue"), partition: 0 }],
            fencing: Fencing::Off(Epoch::new(1).expect("in range")),
            push: Push::Off,
            spread: Spread::One,
            zstd_threshold: 512,
        };
        let table = Arc::new(ValueTable::new(&plan));
        let sink = Sink(Pipeline::new(options, &plan, table, Arc::new(StatsBoard::new())));
        let second = Duration::from_secs(3_600);
        let silence = EntityDurations { price: second, liquidity: second, volume: second };
        let now =
            Now { wall: WallTime::from_nanos(1_795_000_000_000_000_000), mono: MonoTime::from_nanos(1) };
        let state = FeedState::new(&specs, 1, silence, Duration::ZERO, EventPolicy::default(), now);
        let mut rig = Self {
            decoder: Decoder::new(),
            routes,
            state,
            sink,
            update_ids: vec![Ids { last: 1_000, depth: 1_000 }; count as usize],
            now,
            pace: Duration::from_secs(1) / (FRAMES_A_SECOND * count),
        };
        let mut text = String::new();
        for index in 0..count {
            rig.render(index, 0, &mut text);
            rig.take(&text);
            let book = Book::from_snapshot(&snapshot()).expect("small numbers");
            rig.state.snapshot(InstrumentId(index), book, rig.now.mono, rig.now, &mut rig.sink);
            rig.render(index, 1, &mut text);
            rig.take(&text);
        }
        rig.sink.0.fill(rig.now);
        rig
    }

    /// Frames are made up before the timer starts.
    fn play(&mut self, frames: u64, random: &mut fastrand::Rng) -> Duration {
        let count = u32::try_from(self.update_ids.len()).expect("few");
        let mut spent = Duration::ZERO;
        let mut texts = vec![String::new(); usize::try_from(FRAMES_MADE).expect("small")];
        let mut tick_at = self.now.mono;
        for _ in 0..frames / FRAMES_MADE {
            for (text, frame) in texts.iter_mut().zip(0..) {
                self.render(random.u32(..count), frame, text);
            }
            let started = clock::mono();
            for (text, frame) in texts.iter().zip(0_u64..) {
                self.take(text);
                if frame.is_multiple_of(FRAMES_A_FLUSH) {
                    self.sink.0.fill(self.now);
                }
                if self.now.mono >= tick_at {
                    self.state.tick(self.now, &mut self.sink);
                    tick_at = self.now.mono.after(TICK);
                }
            }
            while let Some(request) = self.state.next_request() {
                black_box(request);
            }
            spent += clock::mono().since(started);
        }
        let counts = self.state.take_counts();
        assert_eq!((counts.gaps, counts.unusable), (0, 0), "books stay in step");
        spent
    }

    /// Every fifth frame is a depth update. A venue's books and tops count by the same ids: a quote between two depth updates is
    /// covered by the next of them. It says the sizes of ten levels, so that books stay as they are.
    fn render(&mut self, index: u32, frame: u64, text: &mut String) {
        use std::fmt::Write as _;

        let ids = &mut self.update_ids[index as usize];
        ids.last += 1;
        let (id, cents) = (ids.last, frame % 90 + 10);
        text.clear();
        let wrote = if frame.is_multiple_of(5) {
            let first = std::mem::replace(&mut ids.depth, id) + 1;
            let level = |n: u64| format!(r#"["{}.50000000","1.2{cents}{n:02}000"]"#, 60_000 - n);
            let levels: Vec<String> = (1..=10).map(level).collect();
            write!(
                text,
                r#"{{"stream":"c{index}usdt@depth@100ms","data":{{"e":"depthUpdate","E":1723161255308,"s":"C{index}USDT","U":{first},"u":{id},"b":[{}],"a":[]}}}}"#,
                levels.join(",")
            )
        } else {
            write!(
                text,
                r#"{{"stream":"c{index}usdt@bookTicker","data":{{"u":{id},"s":"C{index}USDT","b":"60000.{cents}000000","B":"3.51200000","a":"61000.20000000","A":"0.00012000"}}}}"#
            )
        };
        wrote.expect("a String takes everything");
    }

    fn take(&mut self, text: &str) {
        self.now = Now { wall: self.now.wall, mono: self.now.mono.after(self.pace) };
        let decoded = self.decoder.decode(text.as_bytes()).expect("a frame of Binance");
        let Frame::Market { stream, event } = decoded else { panic!("market data") };
        let subscription = self.routes[stream];
        self.state.event(SessionId(0), subscription, &event, self.now, &mut self.sink);
    }
}

fn spec(index: u32, plan: &mut SlotPlan) -> InstrumentSpec {
    let slot = |entity: Entity, plan: &mut SlotPlan| -> SlotId {
        plan.add(SlotKey {
            key: format!("tickcache:v1:{entity}:{{C{index}-USDT}}:binance"),
            entity,
            instrument: format!("C{index}-USDT").parse().expect("an instrument"),
            venue: "binance".parse().expect("a venue"),
            feed: FeedIndex(0),
            ttl: Duration::from_secs(30),
        })
        .expect("few keys, all different")
    };
    InstrumentSpec {
        slots: Entity::ALL.iter().map(|&entity| (entity, slot(entity, plan))).collect(),
        depth: 20,
        sessions: Channel::ALL.map(|channel| (channel, SessionId(0))).to_vec(),
        rules: MarketRules {
            book: BookRules {
                anchor: Anchor::Rest,
                window: None,
                checksum: None,
                coverage: Coverage::Everything,
            },
            price_from: PriceFrom::Bbo,
            ticker_top: TickerTop::Nothing,
            contract: Contract::PLAIN,
        },
    }
}

fn snapshot() -> DepthSnapshot {
    let number = |text: String| Number::parse(text.as_bytes()).expect("a number");
    let level = |price: i64| RawLevel { price: number(format!("{price}.5")), size: number("1.5".to_owned()) };
    DepthSnapshot {
        last: VenueSequence(1_001),
        bids: (0..100).map(|n| level(60_000 - n)).collect(),
        asks: (1..=100).map(|n| level(61_000 + n)).collect(),
        limit: 101,
        venue_time: None,
    }
}
