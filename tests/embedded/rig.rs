//! A writer with its table and endpoint, on the thread of the test; and a client that sends bytes.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tickcache::clock;
use tickcache::domain::{
    Entity, Epoch, EventDetail, Feed, KeyEvent, Namespace, Price, PriceLevel, PriceRecord, Reason, RecordRef,
    Scale, Scales, Size, SlotId, Stamp, State, Update, UpdateSink, Urgency,
};
use tickcache::publish::{
    EmbeddedLimits, EmbeddedOptions, EmbeddedServer, FeedHealth, FeedIndex, Fencing, PipelineOptions, Push,
    SlotKey, SlotPlan, Spread, StatsBoard, Store, ValueTable, Writer, WriterOptions,
};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::{JoinHandle, LocalSet};

/// Of every value.
pub(crate) const EPOCH: u64 = 1_763_647_415_123;
const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) struct Rig {
    pub(crate) writer: Writer,
    pub(crate) table: Arc<ValueTable>,
    pub(crate) address: SocketAddr,
    tasks: [JoinHandle<()>; 2],
}

pub(crate) fn limits() -> EmbeddedLimits {
    EmbeddedLimits {
        clients_max: 64,
        output_bytes_max: 1 << 20,
        subscriptions_max: 100,
        stalled_max: Duration::from_secs(10),
    }
}

impl Rig {
    /// `count` keys that live for 30 s.
    pub(crate) fn start(count: usize) -> Self {
        Self::with(count, Duration::from_secs(30), |_| ())
    }

    pub(crate) fn with(count: usize, ttl: Duration, change: impl FnOnce(&mut EmbeddedOptions)) -> Self {
        let mut plan = SlotPlan::new();
        for index in 0..count {
            let slot = SlotKey {
                key: key(index),
                entity: Entity::Price,
                instrument: format!("C{index}-USDT").parse().unwrap(),
                venue: "binance".parse().unwrap(),
                feed: FeedIndex(0),
                ttl,
            };
            plan.add(slot).unwrap();
        }
        let feeds = vec![Feed { venue: "binance".parse().unwrap(), partition: 0 }];
        let pipeline = PipelineOptions {
            embedded: true,
            namespace: Namespace::default(),
            engine: "engine-a".to_owned(),
            owner: "engine-a.1".to_owned(),
            started_ms: 1,
            feeds: feeds.clone(),
            fencing: Fencing::Off(Epoch::new(EPOCH).unwrap()),
            push: Push::On,
            spread: Spread::One,
            zstd_threshold: 384,
        };
        let table = Arc::new(ValueTable::new(&plan));
        let mut options = EmbeddedOptions {
            listen: "127.0.0.1:0".parse().unwrap(),
            password: None,
            tls: None,
            limits: limits(),
            namespace: Namespace::default(),
            tables: vec![(Arc::clone(&table), feeds)],
        };
        change(&mut options);
        let server = EmbeddedServer::bind(options).unwrap();
        let address = server.address().unwrap();
        let options = WriterOptions { store: Store::Embedded, pipeline };
        let writer = Writer::new(options, &plan, Arc::clone(&table), Arc::new(StatsBoard::new())).unwrap();
        let tasks = [
            tokio::task::spawn_local(writer.clone().run(std::future::pending())),
            tokio::spawn(async move { server.run().await.unwrap() }),
        ];
        Self { writer, table, address, tasks }
    }

    pub(crate) async fn client(&self) -> Client<TcpStream> {
        let stream = TcpStream::connect(self.address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Client(stream)
    }

    /// A new price, as after a frame.
    pub(crate) fn push(&mut self, slot: usize, bid: i128) {
        self.update(slot, bid);
        self.writer.flush(clock::now());
    }

    fn update(&mut self, slot: usize, bid: i128) {
        let now = clock::now();
        let scale = Scale::new(2).unwrap();
        let level = |price| Some(PriceLevel { price: Price(price), size: Some(Size(7)) });
        let stamp =
            Stamp { state: State::Live, reason: Reason::None, ..Stamp::connecting(now.wall.received()) };
        let record = PriceRecord::unknown(stamp, Scales { price: scale, size: scale });
        let record = PriceRecord { bid: level(bid), ask: level(bid + 1), ..record };
        let slot = SlotId(u32::try_from(slot).unwrap());
        let record = RecordRef::Price(&record);
        self.writer.update(Update { slot, record, received: now.mono, urgency: Urgency::Normal });
    }

    /// A new price, and something to be told about it.
    pub(crate) fn push_event(&mut self, slot: usize, bid: i128) {
        self.update(slot, bid);
        let now = clock::now();
        let detail = EventDetail::State { state: State::Live, reason: Reason::None };
        let event = KeyEvent { slot: SlotId(u32::try_from(slot).unwrap()), time: now.wall, detail };
        self.writer.event(event);
        self.writer.flush(now);
    }

    pub(crate) fn set_health(&self, state: State, reason: Reason) {
        self.writer.set_health(FeedIndex(0), FeedHealth { state, reason, warm: true });
        self.writer.flush(clock::now());
    }

    /// The value of a key in the table.
    pub(crate) fn value(&self, slot: usize) -> Option<Vec<u8>> {
        self.table.get_key(&key(slot), clock::mono()).map(|value| value.bytes)
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

pub(crate) fn key(index: usize) -> String {
    format!("tickcache:v1:price:{{C{index}-USDT}}:binance")
}

pub(crate) fn channel(index: usize) -> String {
    format!("tickcache:v1:update:price:{{C{index}-USDT}}:binance")
}

/// Bytes as a bulk string.
pub(crate) fn bulk(bytes: &[u8]) -> Vec<u8> {
    [format!("${}\r\n", bytes.len()).as_bytes(), bytes, b"\r\n"].concat()
}

/// Parts one after the other.
pub(crate) fn joined(parts: &[&[u8]]) -> Vec<u8> {
    parts.concat()
}

pub(crate) struct Client<S>(pub(crate) S);

impl<S: AsyncRead + AsyncWrite + Unpin> Client<S> {
    pub(crate) async fn send(&mut self, bytes: &[u8]) {
        self.0.write_all(bytes).await.unwrap();
        self.0.flush().await.unwrap();
    }

    /// The next bytes must be these.
    pub(crate) async fn expect(&mut self, expected: &[u8]) {
        let mut got = vec![0; expected.len()];
        let mut filled = 0;
        let reading = async {
            while filled < got.len() {
                match self.0.read(&mut got[filled..]).await {
                    Ok(0) | Err(_) => break,
                    Ok(read) => filled += read,
                }
            }
        };
        let in_time = tokio::time::timeout(PATIENCE, reading).await.is_ok();
        let (got, expected) = (String::from_utf8_lossy(&got[..filled]), String::from_utf8_lossy(expected));
        assert!(in_time && got == expected, "in time: {in_time}\n     got {got:?}\nexpected {expected:?}");
    }

    /// A line, and the answer to it.
    pub(crate) async fn ask(&mut self, line: &str, expected: impl AsRef<[u8]>) {
        self.send(format!("{line}\r\n").as_bytes()).await;
        let got = self.expect(expected.as_ref());
        got.await;
    }

    /// One line of an answer.
    pub(crate) async fn line(&mut self) -> String {
        let mut line = Vec::new();
        let reading = async {
            while !line.ends_with(b"\r\n") {
                line.push(self.0.read_u8().await.unwrap());
            }
        };
        tokio::time::timeout(PATIENCE, reading).await.expect("a line in time");
        String::from_utf8_lossy(&line).trim_end().to_owned()
    }

    /// One bulk string.
    pub(crate) async fn text(&mut self) -> Vec<u8> {
        let head = self.line().await;
        let length: usize = head.strip_prefix('$').unwrap_or_else(|| panic!("{head:?}")).parse().unwrap();
        let mut bytes = vec![0; length + 2];
        tokio::time::timeout(PATIENCE, self.0.read_exact(&mut bytes)).await.expect("in time").unwrap();
        bytes.truncate(length);
        bytes
    }

    /// A message on a channel: an array or push of three.
    pub(crate) async fn message(&mut self) -> (String, Vec<u8>) {
        let head = self.line().await;
        assert!(head == "*3" || head == ">3", "{head:?}");
        assert_eq!(self.text().await, b"message");
        (String::from_utf8(self.text().await).unwrap(), self.text().await)
    }

    /// Everything until the other side closes.
    pub(crate) async fn rest(&mut self) -> String {
        let mut rest = Vec::new();
        // A reset is an end, too.
        let _ = tokio::time::timeout(PATIENCE, self.0.read_to_end(&mut rest)).await.expect("an end in time");
        String::from_utf8_lossy(&rest).into_owned()
    }
}

/// Waits until something holds.
pub(crate) async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    for _ in 0..3_000 {
        if holds() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("not within 30 s: {what}");
}

/// Runs a test as a shard runs.
pub(crate) fn on_one_thread(test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    LocalSet::new().block_on(&runtime, test);
}
