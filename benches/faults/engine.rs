//! An engine of this bench: a writer with what finds and watches its servers, and made-up prices.
//!
//! Owns the thread. Ends it as a killed process ends (sockets close, nothing is released) or as `tickcache run` does.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use tickcache::clock;
use tickcache::codec::key::value_key;
use tickcache::domain::{
    Entity, Feed, Namespace, Now, Price, PriceLevel, PriceRecord, Reason, RecordRef, Scale, Scales, Size,
    SlotId, Stamp, State, Update, UpdateSink, Urgency,
};
use tickcache::publish::{
    Credentials, Deployment, Discovery, Endpoint, FeedHealth, FeedIndex, Fencing, Hint, LeaseTimes, Login,
    PipelineOptions, Push, ServerWatch, Servers, SlotKey, SlotPlan, Spread, StatsBoard, Store, ValueTable,
    Writer, WriterOptions,
};
use tokio::runtime::Runtime;
use tokio::sync::watch;
use tokio::task::LocalSet;

/// Price keys.
const KEYS: u32 = 300;
/// Between two values of a lively key.
const EVERY: Duration = Duration::from_millis(20);
/// What a stopping engine gives a standby, and Redis, as `tickcache run` does.
const TAKEOVER_WAIT: Duration = Duration::from_millis(150);
const DRAIN_TIMEOUT: Duration = Duration::from_millis(1_500);
const FEED: FeedIndex = FeedIndex(0);

pub(crate) fn feed() -> Feed {
    Feed { venue: "binance".parse().expect("a venue"), partition: 0 }
}

pub(crate) fn local(port: u16) -> Endpoint {
    Endpoint::Tcp { host: "127.0.0.1".to_owned(), port }
}

/// How a key changes; its number says which.
#[derive(Clone, Copy)]
enum Kind {
    Still,
    /// When [`Engine::change`] says so.
    Changed,
    Lively,
}

fn kind(slot: u32) -> Kind {
    match slot % 3 {
        0 => Kind::Still,
        1 => Kind::Changed,
        _ => Kind::Lively,
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    Running,
    /// As by kill -9.
    Killed,
    /// Releases its leases first.
    Leaves,
}

/// What the threads tell each other.
#[derive(Default)]
struct Shared {
    /// The newest bid of lively keys that the writer has.
    round: AtomicU64,
    /// What is wanted as the bid of keys that change, and the newest that the writer has.
    wanted: AtomicU64,
    changed: AtomicU64,
    /// With which the engine writes; 0: it does not.
    epoch: AtomicU64,
}

/// A running engine; killed when dropped.
pub(crate) struct Engine {
    pub(crate) keys: Vec<String>,
    shared: Arc<Shared>,
    end: watch::Sender<End>,
    thread: Option<JoinHandle<()>>,
    _watch: ServerWatch,
}

impl Engine {
    /// `name` decides which feeds it prefers.
    pub(crate) fn start(runtime: &Runtime, name: &str, deployment: Deployment) -> Self {
        let mut plan = SlotPlan::new();
        for index in 0..KEYS {
            plan.add(slot_key(index)).expect("few keys, all different");
        }
        let keys = plan.slots().iter().map(|slot| slot.key.clone()).collect();
        let pipeline = PipelineOptions {
            embedded: false,
            namespace: Namespace::default(),
            engine: name.to_owned(),
            owner: format!("{name}.{:06x}", fastrand::u32(..1 << 24)),
            started_ms: 1,
            feeds: vec![feed()],
            fencing: Fencing::On(LeaseTimes::default()),
            push: Push::On,
            spread: Spread::One,
            zstd_threshold: 384,
        };
        let (servers, watch) = servers(runtime, deployment);
        let options = WriterOptions { store: Store::Redis(servers), pipeline };
        let (end, ended) = watch::channel(End::Running);
        let shared = Arc::new(Shared::default());
        shared.wanted.store(1, Ordering::SeqCst);
        let told = Arc::clone(&shared);
        let thread = std::thread::spawn(move || {
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            LocalSet::new().block_on(&runtime, run(options, &plan, &told, ended));
        });
        Self { keys, shared, end, thread: Some(thread), _watch: watch }
    }

    /// The epoch that it writes with, if it does.
    pub(crate) fn epoch(&self) -> Option<u64> {
        Some(self.shared.epoch.load(Ordering::SeqCst)).filter(|epoch| *epoch > 0)
    }

    /// Changes the keys that change only when this is called. Returns when the writer has them.
    pub(crate) fn change(&self) {
        let wanted = self.shared.wanted.fetch_add(1, Ordering::SeqCst) + 1;
        while self.shared.changed.load(Ordering::SeqCst) < wanted {
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// The newest bid that the writer has of each key.
    pub(crate) fn newest(&self) -> Vec<u64> {
        let (changed, round) =
            (self.shared.changed.load(Ordering::SeqCst), self.shared.round.load(Ordering::SeqCst));
        let bid = |slot| match kind(slot) {
            Kind::Still => 1,
            Kind::Changed => changed,
            Kind::Lively => round,
        };
        (0..KEYS).map(bid).collect()
    }

    /// Ends it; returns at once.
    pub(crate) fn end(&self, end: End) {
        self.end.send_replace(end);
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.end.send_if_modified(|end| std::mem::replace(end, End::Killed) == End::Running);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn slot_key(index: u32) -> SlotKey {
    let instrument = format!("C{index}-USDT").parse().expect("an instrument");
    let venue = feed().venue;
    SlotKey {
        key: value_key(&Namespace::default(), Entity::Price, &instrument, &venue),
        entity: Entity::Price,
        instrument,
        venue,
        feed: FEED,
        ttl: Duration::from_secs(30),
    }
}

fn servers(runtime: &Runtime, deployment: Deployment) -> (Servers, ServerWatch) {
    let spread = match deployment {
        Deployment::Cluster { .. } => Spread::Cluster,
        Deployment::Single(_) | Deployment::Sentinel { .. } => Spread::One,
    };
    let primaries_only = matches!(deployment, Deployment::Sentinel { .. });
    let login = Login::new(Credentials::default(), 0, None, "bench".to_owned());
    let discovery = Discovery::spawn(runtime.handle(), deployment, login.clone());
    let topology = discovery.topology();
    let watch = ServerWatch::spawn(runtime.handle(), topology.clone(), login.clone());
    let restarts = watch.restarts();
    let hint: Hint = Arc::new(move || discovery.hint());
    (Servers { login, topology, restarts, hint, spread, primaries_only }, watch)
}

async fn run(options: WriterOptions, plan: &SlotPlan, shared: &Arc<Shared>, mut ended: watch::Receiver<End>) {
    let table = Arc::new(ValueTable::new(plan));
    let writer = Writer::new(options, plan, table, Arc::new(StatsBoard::new())).expect("no TLS, no bad name");
    tokio::task::spawn_local(writer.clone().run(std::future::pending()));
    writer.set_health(FEED, FeedHealth { state: State::Live, reason: Reason::None, warm: true });
    let market = tokio::task::spawn_local(make_prices(writer.clone(), Arc::clone(shared)));
    let end = ended.wait_for(|end| *end != End::Running).await.map_or(End::Killed, |end| *end);
    if end == End::Leaves {
        if writer.leave() {
            tokio::time::sleep(TAKEOVER_WAIT).await;
        }
        market.abort();
        let _ = writer.drain(clock::mono().after(DRAIN_TIMEOUT)).await;
    }
}

async fn make_prices(mut writer: Writer, shared: Arc<Shared>) {
    let mut timer = tokio::time::interval(EVERY);
    let mut changed = 0;
    for round in 1.. {
        timer.tick().await;
        let now = clock::now();
        let wanted = shared.wanted.load(Ordering::SeqCst);
        for slot in 0..KEYS {
            match kind(slot) {
                Kind::Still if round == 1 => push(&mut writer, slot, 1, now),
                Kind::Changed if wanted != changed => push(&mut writer, slot, wanted, now),
                Kind::Lively => push(&mut writer, slot, round, now),
                Kind::Still | Kind::Changed => {}
            }
        }
        writer.flush(now);
        changed = wanted;
        shared.round.store(round, Ordering::SeqCst);
        shared.changed.store(changed, Ordering::SeqCst);
        shared.epoch.store(writer.authority(FEED).map_or(0, |epoch| epoch.get()), Ordering::SeqCst);
    }
}

fn push(writer: &mut Writer, slot: u32, bid: u64, now: Now) {
    let scale = Scale::new(2).expect("in range");
    let level = |price| Some(PriceLevel { price: Price(price), size: Some(Size(7)) });
    let stamp = Stamp { state: State::Live, reason: Reason::None, ..Stamp::connecting(now.wall.received()) };
    let record = PriceRecord::unknown(stamp, Scales { price: scale, size: scale });
    let record = PriceRecord { bid: level(i128::from(bid)), ask: level(i128::from(bid) + 1), ..record };
    let record = RecordRef::Price(&record);
    writer.update(Update { slot: SlotId(slot), record, received: now.mono, urgency: Urgency::Normal });
}
