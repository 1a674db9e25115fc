//! What does one update cost when every instrument ticks many times between two flushes, and what does a flush cost
//! besides the system call?
//!
//! Expectation: an update in place below 20 ns for a price, whatever the number of keys that fit the cache; update, encode
//! and pack together below 1 µs. Run: `cargo bench --bench conflate`.
//!
//! 2-core VM shared with other builds (load 3): a price 21 to 23 ns (1 to 10,000 keys; the expectation is missed by a
//! little), a book of 20 levels a side 50 to 56 ns, 10,000 keys marked dirty in 125 µs, and update + encode + table + batch
//! + reply 175 ns for one value, 160 ns each for 256.

use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use tickcache::domain::{
    DepthLevel, Entity, Epoch, LiquidityRecord, MonoTime, Namespace, Now, Price, PriceLevel, PriceRecord,
    Reason, ReceiveTime, RecordRef, Scale, Scales, Size, SlotId, Stamp, State, Update, UpdateSink, Urgency,
    WallTime,
};
use tickcache::publish::conflation::Conflation;
use tickcache::publish::pipeline::Pipeline;
use tickcache::publish::{SlotKey, SlotPlan, StatsBoard, ValueTable};

const NOW: Now = Now { wall: WallTime::from_nanos(1_763_647_415_123_456_789), mono: MonoTime::from_nanos(1) };

fn plan(keys: u32, entity: Entity) -> SlotPlan {
    let mut plan = SlotPlan::new();
    for index in 0..keys {
        let key = format!("tickcache:v1:{entity}:{{C{index}-USDT}}:binance");
        plan.add(SlotKey { key, entity, ttl: Duration::from_secs(30) }).expect("few keys, all different");
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
    group.bench_function("mark_all_dirty/10000_keys", |bencher| {
        let mut table = Conflation::new(&plan(10_000, Entity::Price));
        (0..10_000).for_each(|slot| table.update(update(slot, RecordRef::Price(&price))));
        bencher.iter_batched(|| (), |()| table.mark_all_dirty(), BatchSize::PerIteration);
    });
    group.finish();
}

/// Update, encode, store in the table, pack, and take in the reply: all of a price's way but the system calls.
fn pipeline(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("pipeline");
    let price = price();
    for values in [1_u32, 16, 256] {
        let plan = plan(500, Entity::Price);
        let epoch = Epoch::new(1_763_647_415_123).expect("below 2^53");
        let table = Arc::new(ValueTable::new(&plan));
        let board = Arc::new(StatsBoard::new());
        let mut pipeline = Pipeline::new(false, epoch, 384, &Namespace::default(), &plan, table, board);
        pipeline.link_up(NOW.mono);
        pipeline.fill(NOW);
        pipeline.took(pipeline.output().len());
        pipeline.input(b":2\r\n", NOW.mono).expect("the reply to the catalog's first command");
        let replies = b"+OK\r\n".repeat(values as usize);
        group.throughput(Throughput::Elements(values.into()));
        group.bench_function(format!("update_flush_reply/{values}_values"), |bencher| {
            bencher.iter(|| {
                (0..values)
                    .for_each(|slot| pipeline.update(update(slot, RecordRef::Price(black_box(&price)))));
                pipeline.fill(NOW);
                pipeline.took(black_box(pipeline.output()).len());
                pipeline.input(black_box(&replies), NOW.mono).expect("replies to what was sent");
            });
        });
    }
    group.finish();
}

criterion_group!(benches, push, pipeline);
criterion_main!(benches);
