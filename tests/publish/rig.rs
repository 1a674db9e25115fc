//! A writer with its table, on the thread of the test.
#![allow(dead_code, reason = "every test binary uses another part of it")]

use std::sync::Arc;
use std::time::Duration;

use tickcache::clock;
use tickcache::codec::peek_version;
use tickcache::domain::{
    Entity, Epoch, EventDetail, Feed, KeyEvent, Namespace, Now, Price, PriceLevel, PriceRecord, Reason,
    ReceiveTime, RecordRef, Scale, Scales, Size, SlotId, Stamp, State, Update, UpdateSink, Urgency,
};
use tickcache::publish::{
    Endpoint, FeedHealth, FeedIndex, Fencing, LeaseTimes, PipelineOptions, Push, RedisAddress, Servers,
    SlotKey, SlotPlan, Spread, StatsBoard, Store, ValueTable, Writer, WriterOptions,
};
use tokio::task::{JoinHandle, LocalSet};

/// Longer than a test machine stands still.
pub(crate) const PATIENT: LeaseTimes =
    LeaseTimes { ttl: Duration::from_secs(10), renew: Duration::from_millis(400) };

/// Of a writer without a fence.
pub(crate) const EPOCH: u64 = 1_763_647_415_123;

#[derive(Debug)]
pub(crate) struct Rig {
    pub(crate) writer: Writer,
    pub(crate) table: Arc<ValueTable>,
    pub(crate) keys: Vec<String>,
    /// As the lease says it.
    pub(crate) owner: String,
    pub(crate) feeds: Vec<Feed>,
    task: JoinHandle<()>,
}

impl Rig {
    /// A running engine of its own name over `count` price keys, with the fence.
    pub(crate) fn start(store: Store, count: usize) -> Self {
        Self::engine("engine-a", store, count)
    }

    /// Likewise, under another name.
    pub(crate) fn engine(name: &str, store: Store, count: usize) -> Self {
        Self::with(store, count, |options| options.engine = name.to_owned())
    }

    /// Likewise, with a lease that no busy machine lets lapse: for tests that count on who writes.
    pub(crate) fn patient(name: &str, store: Store, count: usize) -> Self {
        Self::with(store, count, |options| {
            options.engine = name.to_owned();
            options.fencing = Fencing::On(PATIENT);
        })
    }

    /// Without leases and fence.
    pub(crate) fn unfenced(store: Store, count: usize) -> Self {
        Self::with(store, count, |options| options.fencing = Fencing::Off(Epoch::new(EPOCH).unwrap()))
    }

    /// With other options; where they name several feeds, the keys are dealt out to them in turn.
    pub(crate) fn with(store: Store, count: usize, change: impl FnOnce(&mut PipelineOptions)) -> Self {
        Self::at_venues(store, count, &["binance"], change)
    }

    /// `count` instruments at each venue: the keys of one instrument lie side by side, and in one slot of a Cluster.
    pub(crate) fn at_venues(
        store: Store,
        count: usize,
        venues: &[&str],
        change: impl FnOnce(&mut PipelineOptions),
    ) -> Self {
        let mut pipeline = PipelineOptions {
            embedded: false,
            namespace: Namespace::default(),
            engine: "engine-a".to_owned(),
            owner: String::new(),
            started_ms: 1,
            feeds: feeds(1),
            fencing: Fencing::On(LeaseTimes::default()),
            push: Push::On,
            spread: Spread::One,
            zstd_threshold: 384,
        };
        if matches!(store, Store::Embedded) {
            pipeline.fencing = Fencing::Off(Epoch::new(EPOCH).unwrap());
        }
        change(&mut pipeline);
        if pipeline.owner.is_empty() {
            pipeline.owner = format!("{}.1", pipeline.engine);
        }
        let (owner, feeds) = (pipeline.owner.clone(), pipeline.feeds.clone());
        let plan = plan(count, venues, feeds.len());
        let keys = plan.slots().iter().map(|slot| slot.key.clone()).collect();
        let table = Arc::new(ValueTable::new(&plan));
        let options = WriterOptions { store, pipeline };
        let writer = Writer::new(options, &plan, Arc::clone(&table), Arc::new(StatsBoard::new())).unwrap();
        let task = tokio::task::spawn_local(writer.clone().run(std::future::pending()));
        Self { writer, table, keys, owner, feeds, task }
    }

    /// As `kill -9` does: its connections are gone, and nothing was said before.
    pub(crate) async fn kill(&mut self) {
        self.task.abort();
        let _ = (&mut self.task).await;
    }

    /// Others may hand it their feeds: its books are current.
    pub(crate) fn warm(self) -> Self {
        let health = FeedHealth { state: State::Live, reason: Reason::None, warm: true };
        for feed in self.feed_indexes() {
            self.writer.set_health(feed, health);
        }
        self
    }

    pub(crate) fn feed_indexes(&self) -> impl Iterator<Item = FeedIndex> + use<> {
        (0..u16::try_from(self.feeds.len()).unwrap()).map(FeedIndex)
    }

    /// The epochs that it writes its feeds with; 0: another engine does.
    pub(crate) fn epochs(&self) -> Vec<u64> {
        self.feed_indexes().map(|feed| self.writer.authority(feed).map_or(0, Epoch::get)).collect()
    }

    /// The epoch that it writes with, once it does.
    pub(crate) async fn epoch(&self) -> u64 {
        until("it holds the lease", async || self.writer.authority(FEED).is_some()).await;
        self.writer.authority(FEED).unwrap().get()
    }

    /// A new price of a key, as after a frame.
    pub(crate) fn push(&mut self, slot: usize, bid: i128) {
        push(&mut self.writer, slot, bid);
    }

    /// Something that happened with a new price, as `process` tells it.
    pub(crate) fn push_event(&mut self, slot: usize, bid: i128, detail: EventDetail) {
        let now = clock::now();
        update(&mut self.writer, slot, &price(bid, now.wall.received()), now);
        self.writer.event(KeyEvent { slot: slot_id(slot), time: now.wall, detail });
        self.writer.flush(now);
    }

    /// The last word of an engine that stops.
    pub(crate) fn push_suspect(&mut self, slot: usize) {
        let now = clock::now();
        let mut record = price(1, now.wall.received());
        (record.stamp.state, record.stamp.reason) = (State::Suspect, Reason::WriterStopping);
        update(&mut self.writer, slot, &record, now);
        self.writer.flush(now);
    }

    /// Waits for the connection.
    pub(crate) async fn connected(self) -> Self {
        until("it connects", async || self.writer.stats().connected).await;
        self
    }

    /// Waits until everything is written, by this engine: under one epoch from beginning to end.
    pub(crate) async fn drain(&self) {
        let deadline = clock::mono().after(Duration::from_secs(30));
        loop {
            let epoch = self.epoch().await;
            let drained = self.writer.drain(deadline).await;
            // A lease that lapses meanwhile ends a drain, too.
            let stayed = self.writer.authority(FEED).is_some_and(|now| now.get() == epoch);
            if stayed && drained == tickcache::publish::Drained::All {
                return;
            }
            assert!(clock::mono() < deadline, "{drained:?} {:?}", self.writer.stats());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

fn plan(count: usize, venues: &[&str], feeds: usize) -> SlotPlan {
    let mut plan = SlotPlan::new();
    for index in 0..count {
        for venue in venues {
            let slot = SlotKey {
                key: format!("tickcache:v1:price:{{C{index}-USDT}}:{venue}"),
                entity: Entity::Price,
                instrument: format!("C{index}-USDT").parse().unwrap(),
                venue: venue.parse().unwrap(),
                feed: FeedIndex(u16::try_from(index % feeds).unwrap()),
                ttl: Duration::from_secs(30),
            };
            plan.add(slot).unwrap();
        }
    }
    plan
}

/// As many feeds of one venue.
pub(crate) fn feeds(count: u16) -> Vec<Feed> {
    (0..count).map(|partition| Feed { venue: "binance".parse().unwrap(), partition }).collect()
}

fn slot_id(slot: usize) -> SlotId {
    SlotId(u32::try_from(slot).unwrap())
}

/// A new price of a key, as after a frame.
pub(crate) fn push(writer: &mut Writer, slot: usize, bid: i128) {
    let now = clock::now();
    update(writer, slot, &price(bid, now.wall.received()), now);
    writer.flush(now);
}

fn update(writer: &mut Writer, slot: usize, record: &PriceRecord, now: Now) {
    let record = RecordRef::Price(record);
    writer.update(Update { slot: slot_id(slot), record, received: now.mono, urgency: Urgency::Normal });
}

impl Drop for Rig {
    fn drop(&mut self) {
        self.task.abort();
    }
}

pub(crate) fn price(bid: i128, received: ReceiveTime) -> PriceRecord {
    let scale = Scale::new(2).unwrap();
    let level = |price| Some(PriceLevel { price: Price(price), size: Some(Size(7)) });
    let stamp = Stamp { state: State::Live, reason: Reason::None, ..Stamp::connecting(received) };
    let record = PriceRecord::unknown(stamp, Scales { price: scale, size: scale });
    PriceRecord { bid: level(bid), ask: level(bid + 1), ..record }
}

/// The bid of a value, read with nothing of ours but the version's place.
pub(crate) fn bid(value: &[u8]) -> u64 {
    let mut body = &value[21..];
    let record: Vec<Option<u64>> = rmp_serde::from_read(&mut body).unwrap();
    record[9].unwrap()
}

/// Epoch and sequence of a value.
pub(crate) fn version(value: &[u8]) -> (u64, u64) {
    let version = peek_version(value).unwrap();
    (version.epoch.get(), version.sequence.get())
}

pub(crate) const FEED: FeedIndex = FeedIndex(0);

/// A server on this machine, without a password.
pub(crate) fn tcp(port: u16) -> Store {
    at(RedisAddress::open(local(port)))
}

pub(crate) fn local(port: u16) -> Endpoint {
    Endpoint::Tcp { host: "127.0.0.1".to_owned(), port }
}

pub(crate) fn at(address: RedisAddress) -> Store {
    Store::Redis(Servers::at(address, "tickcache-test"))
}

/// Waits until something holds; the test fails when it does not within 60 s.
pub(crate) async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    for _ in 0..6_000 {
        if holds().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("not within 60 s: {what}");
}

/// Runs a test as a shard runs: one thread, tasks that never leave it.
pub(crate) fn on_one_thread(test: impl Future<Output = ()>) {
    // Shown only when the test fails.
    let _ = tracing_subscriber::fmt().with_test_writer().try_init();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    LocalSet::new().block_on(&runtime, test);
}
