//! What does one update cost when every instrument ticks many times between two flushes, and what does a flush cost
//! besides the system call?
//!
//! Expectation: an update in place below 20 ns for a price, whatever the number of keys that fit the cache; update, encode
//! and pack together below 1 µs, with the fence script as with plain SETs. Run: `cargo bench --bench conflate`.
//!
//! Not measured anew with leases and fence. Before them, on a 2-core VM shared with other builds (load 3): a price 21
//! to 23 ns (1 to 10,000 keys), a book of 20 levels a side 50 to 56 ns, 10,000 keys marked dirty in 125 µs, and update +
//! encode + table + batch + reply 175 ns for one value, 160 ns each for 256.

use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use tickcache::domain::{
    DepthLevel, Entity, Epoch, Feed, LiquidityRecord, MonoTime, Namespace, Now, Price, PriceLevel,
    PriceRecord, Reason, ReceiveTime, RecordRef, Scale, Scales, Size, SlotId, Stamp, State, Update, Urgency,
    WallTime,
};
use tickcache::publish::batch::{BATCH_VALUES_MAX, SCRIPT_VALUES_MAX};
use tickcache::publish::conflation::Conflation;
use tickcache::publish::pipeline::Pipeline;
use tickcache::publish::{
    FeedIndex, Fencing, LeaseTimes, NodeIndex, PipelineOptions, Push, SlotKey, SlotPlan, Spread, StatsBoard,
    ValueTable,
};

const NODE: NodeIndex = NodeIndex(0);
const FEED: FeedIndex = FeedIndex(0);

const NOW: Now = Now { wall: WallTime::from_nanos(1_763_647_415_123_456_789), mono: MonoTime::from_nanos(1) };

fn plan(keys: u32, entity: Entity) -> SlotPlan {
    let mut plan = SlotPlan::new();
    for index in 0..keys {
        let slot = SlotKey {
            key: format!("tickcache:v1:{entity}:{{C{index}-USDT}}:binance"),
            entity,
            instrument: format!("C{index}-USDT").parse().expect("an instrument"),
            venue: "binance".parse().expect("a venue"),
            feed: FEED,
            ttl: Duration::from_secs(30),
        };
        plan.add(slot).expect("few keys, all different");
    }
    plan
}

fn stamp() -> Stamp {
    let received = ReceiveTime::from_nanos(NOW.wall.nanos());
    Stamp { state: State::Live, reason: Reason::None, ..Stamp::connecting(received) }
}

fn scales() -> Scales {
    let scale = |digits| Scale::new(digits).expect("in range");
    Scales { price: scale(2), size: scale(5) }
}

fn price() -> PriceRecord {
    let level = |price| Some(PriceLevel { price: Price(price), size: Some(Size(123_456)) });
    PriceRecord { bid: level(6_183_763), ask: level(6_183_764), ..PriceRecord::unknown(stamp(), scales()) }
}

fn book() -> LiquidityRecord {
    let levels = |sign: i128| -> Vec<DepthLevel> {
        (1..=20).map(|n| DepthLevel { price: Price(6_183_763 + sign * n), size: Size(9_000 + n) }).collect()
    };
    LiquidityRecord { bids: levels(-1), asks: levels(1), ..LiquidityRecord::unknown(stamp(), scales()) }
}

fn update(slot: u32, record: RecordRef<'_>) -> Update<'_> {
    Update { slot: SlotId(slot), record, received: NOW.mono, urgency: Urgency::Normal }
}

fn push(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("conflate");
    let (price, book) = (price(), book());
    for (name, keys, record) in [
        ("push/price/1_key", 1, RecordRef::Price(&price)),
        ("push/price/500_keys", 500, RecordRef::Price(&price)),
        ("push/price/10000_keys", 10_000, RecordRef::Price(&price)),
        ("push/liquidity_20/500_keys", 500, RecordRef::Liquidity(&book)),
    ] {
        let entity = record.to_record().entity();
        let mut table = Conflation::new(&plan(keys, entity));
        (0..keys).for_each(|slot| table.update(update(slot, record)));
        const BURST: u32 = 10_000;
        group.throughput(Throughput::Elements(BURST.into()));
        group.bench_function(name, |bencher| {
            bencher.iter(|| (0..BURST).for_each(|n| table.update(update(n % keys, black_box(record)))));
        });
    }
    group.throughput(Throughput::Elements(10_000));
    group.bench_function("mark_node_dirty/10000_keys", |bencher| {
        let mut table = Conflation::new(&plan(10_000, Entity::Price));
        (0..10_000).for_each(|slot| table.update(update(slot, RecordRef::Price(&price))));
        bencher.iter_batched(|| (), |()| table.mark_node_dirty(NODE), BatchSize::PerIteration);
    });
    group.finish();
}

/// A pipeline whose connection is up and which may write; everything that it says at first is answered.
fn ready(fencing: Fencing, push: Push) -> Pipeline {
    let plan = plan(500, Entity::Price);
    let table = Arc::new(ValueTable::new(&plan));
    let options = PipelineOptions {
        embedded: false,
        namespace: Namespace::default(),
        engine: "bench".to_owned(),
        owner: "bench.1".to_owned(),
        started_ms: 1,
        feeds: vec![Feed { venue: "binance".parse().expect("a venue"), partition: 0 }],
        fencing,
        push,
        spread: Spread::One,
        zstd_threshold: 384,
    };
    let mut pipeline = Pipeline::new(options, &plan, table, Arc::new(StatsBoard::new()));
    pipeline.link_up(NODE, NOW.mono);
    if matches!(fencing, Fencing::On(_)) {
        // The lease and the registry of engines.
        say(&mut pipeline, b"*5\r\n:1\r\n:7\r\n:2000\r\n:1\r\n:1\r\n*0\r\n");
    }
    // The first heartbeat, the registry, and `meta`.
    say(&mut pipeline, b":0\r\n*0\r\n:2\r\n");
    assert!(pipeline.authority(FEED, NOW.mono).is_some());
    assert_eq!(pipeline.unwritten(), 0);
    pipeline
}

fn say(pipeline: &mut Pipeline, replies: &[u8]) {
    pipeline.tick(NODE, NOW).expect("no time has passed");
    pipeline.fill(NOW);
    pipeline.took(NODE, pipeline.output(NODE).len());
    pipeline.input(NODE, replies, NOW).expect("replies to what was sent");
}

/// Update, encode, store in the table, pack, and take in the reply: all of a price's way but the system calls.
fn pipeline(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("pipeline");
    let price = price();
    let plain = Fencing::Off(Epoch::new(1_763_647_415_123).expect("below 2^53"));
    let fenced = Fencing::On(LeaseTimes::default());
    for (name, fencing, push, most) in [
        ("plain", plain, Push::Off, BATCH_VALUES_MAX),
        ("fenced_pushed", fenced, Push::On, SCRIPT_VALUES_MAX),
    ] {
        for values in [1_u32, 16, 64, 256].into_iter().filter(|values| *values as usize <= most) {
            let mut pipeline = ready(fencing, push);
            let replies = match fencing {
                Fencing::Off(_) => b"+OK\r\n".repeat(values as usize),
                Fencing::On(_) => {
                    [format!("*{values}\r\n").as_bytes(), &b":1\r\n".repeat(values as usize)].concat()
                }
            };
            group.throughput(Throughput::Elements(values.into()));
            group.bench_function(format!("update_flush_reply/{name}/{values}_values"), |bencher| {
                bencher.iter(|| {
                    (0..values)
                        .for_each(|slot| pipeline.update(update(slot, RecordRef::Price(black_box(&price)))));
                    pipeline.fill(NOW);
                    pipeline.took(NODE, black_box(pipeline.output(NODE)).len());
                    pipeline.input(NODE, black_box(&replies), NOW).expect("replies to what was sent");
                });
            });
            assert_eq!(pipeline.unwritten(), 0);
        }
    }
    group.finish();
}

criterion_group!(benches, push, pipeline);
criterion_main!(benches);
