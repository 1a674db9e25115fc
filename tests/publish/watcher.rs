//! What a bot sees of some keys: every message on their update channels, and what stands in Redis again and again.
//!
//! Asks whichever server the topology names. Each key has a connection of its own, so the order of messages, and the order of
//! answers, is the order in which the server wrote.
#![allow(dead_code, reason = "every test binary uses another part of it")]

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{AsyncCommands, AsyncConnectionConfig, PushInfo, PushKind, RedisResult, Value};
use tickcache::codec::key::cluster_slot;
use tickcache::publish::{Endpoint, Servers, Spread, Topology};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use crate::rig::{until, version};

const LOOK_EVERY: Duration = Duration::from_millis(5);
const TRY_AGAIN: Duration = Duration::from_millis(20);
const PATIENCE: Duration = Duration::from_secs(1);

/// Epoch and sequence.
type Version = (u64, u64);

/// What was seen of one key.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// Every message, in the order of arrival.
    pub(crate) messages: Vec<Vec<u8>>,
    /// What a reader of ours keeps: never replaced by an older one.
    pub(crate) copy: Version,
    /// How often the server showed an older value than it had shown before. A reader refused it.
    pub(crate) refused: usize,
    /// How often the server showed a value.
    pub(crate) looks: usize,
    told: Version,
    shown: Version,
    /// Messages that went back.
    wrong: Vec<(Version, Version)>,
    subscriptions: usize,
}

impl Seen {
    fn message(&mut self, value: Vec<u8>) {
        let now = version(&value);
        if now <= self.told {
            self.wrong.push((self.told, now));
        }
        self.told = now;
        self.copy = self.copy.max(now);
        self.messages.push(value);
    }

    fn look(&mut self, value: &[u8]) {
        let now = version(value);
        self.looks += 1;
        self.refused += usize::from(now < self.shown);
        self.shown = now;
        self.copy = self.copy.max(now);
    }
}

/// The eyes on some keys.
#[derive(Debug)]
pub(crate) struct Watcher {
    keys: Vec<(String, Rc<RefCell<Seen>>, JoinHandle<()>)>,
}

impl Watcher {
    /// Begins to look; returns when it listens to every key.
    pub(crate) async fn start(servers: &Servers, keys: &[String]) -> Self {
        let keys = keys.iter().map(|key| {
            let seen = Rc::new(RefCell::new(Seen::default()));
            let eye = Eye {
                key: key.clone(),
                topology: servers.topology.clone(),
                spread: servers.spread,
                seen: Rc::clone(&seen),
            };
            (key.clone(), seen, tokio::task::spawn_local(eye.watch()))
        });
        let watcher = Self { keys: keys.collect() };
        for (key, seen, _) in &watcher.keys {
            until(key, async || seen.borrow().subscriptions > 0).await;
        }
        watcher
    }

    pub(crate) fn of(&self, key: usize) -> std::cell::RefMut<'_, Seen> {
        self.keys[key].1.borrow_mut()
    }

    /// The number of values that readers refused because they were older, in all keys since the last call.
    pub(crate) fn take_refused(&self) -> usize {
        self.keys.iter().map(|(_, seen, _)| std::mem::take(&mut seen.borrow_mut().refused)).sum()
    }

    /// No message was older than the one before it.
    pub(crate) fn assert_no_message_went_back(&self) {
        for (key, seen, _) in &self.keys {
            let seen = seen.borrow();
            assert!(seen.wrong.is_empty(), "{key}: messages went back: {:?}", seen.wrong);
        }
    }

    /// Nothing that a reader sees has ever gone back.
    pub(crate) fn assert_nothing_went_back(&self) {
        self.assert_no_message_went_back();
        for (key, seen, _) in &self.keys {
            let seen = seen.borrow();
            assert_eq!(seen.refused, 0, "{key}: {seen:?}");
            assert!(seen.looks > 0, "{key} was never seen");
        }
    }

    /// Whether readers have this value, and no other.
    pub(crate) fn shows(&self, key: usize, value: &[u8]) -> bool {
        self.keys[key].1.borrow().copy == version(value)
    }

    /// Readers have this value: it took the place of every one that they had.
    pub(crate) async fn has(&self, key: usize, value: &[u8]) {
        let seen = &self.keys[key].1;
        let wanted = version(value);
        until("a reader takes the newest value", async || seen.borrow().copy >= wanted).await;
        assert_eq!(seen.borrow().copy, wanted, "a reader has a newer version than Redis");
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        for (_, _, task) in &self.keys {
            task.abort();
        }
    }
}

/// Of one key.
struct Eye {
    key: String,
    topology: watch::Receiver<Arc<Topology>>,
    spread: Spread,
    seen: Rc<RefCell<Seen>>,
}

impl Eye {
    async fn watch(self) {
        loop {
            let port = port_of(&self.topology.borrow(), &self.key);
            if let Some(port) = port {
                let _ = self.look_at(port).await;
            }
            tokio::time::sleep(TRY_AGAIN).await;
        }
    }

    /// Until something fails or the key lives elsewhere.
    async fn look_at(&self, port: u16) -> RedisResult<()> {
        let (sender, mut received) = pushes();
        let mut connection = connect(port, Some(sender)).await?;
        let channel = update_channel(&self.key);
        let verb = match self.spread {
            Spread::One => "SUBSCRIBE",
            Spread::Cluster => "SSUBSCRIBE",
        };
        redis::cmd(verb).arg(&channel).exec_async(&mut connection).await?;
        self.seen.borrow_mut().subscriptions += 1;
        let mut asked = connection.clone();
        let looking = async {
            loop {
                let value: Option<Vec<u8>> = asked.get(&self.key).await?;
                if let Some(value) = value {
                    self.seen.borrow_mut().look(&value);
                }
                if port_of(&self.topology.borrow(), &self.key) != Some(port) {
                    return RedisResult::Ok(());
                }
                tokio::time::sleep(LOOK_EVERY).await;
            }
        };
        let listening = async {
            while let Some(push) = received.recv().await {
                match push.kind {
                    PushKind::Disconnection => return,
                    PushKind::Message | PushKind::SMessage => self.seen.borrow_mut().message(payload(push)),
                    _ => {}
                }
            }
        };
        tokio::select! {
            done = looking => done,
            () = listening => Ok(()),
        }
    }
}

/// The bytes of a message.
pub(crate) fn payload(push: PushInfo) -> Vec<u8> {
    match push.data.into_iter().next_back() {
        Some(Value::BulkString(bytes)) => bytes,
        other => panic!("{other:?} is no message"),
    }
}

/// The channel on which a key's values are pushed.
pub(crate) fn update_channel(key: &str) -> String {
    key.replacen(":v1:", ":v1:update:", 1)
}

/// Where a key lives.
pub(crate) fn port_of(topology: &Topology, key: &str) -> Option<u16> {
    match &topology.nodes[topology.node_of(cluster_slot(key))?] {
        Endpoint::Tcp { port, .. } | Endpoint::Tls { port, .. } => Some(*port),
        Endpoint::Unix { .. } => None,
    }
}

type Pushes = (mpsc::UnboundedSender<PushInfo>, mpsc::UnboundedReceiver<PushInfo>);

#[allow(clippy::disallowed_methods, reason = "what the client library gives messages to; a test ends soon")]
fn pushes() -> Pushes {
    mpsc::unbounded_channel()
}

/// A connection that hears messages.
pub(crate) async fn connect(
    port: u16,
    pushes: Option<mpsc::UnboundedSender<PushInfo>>,
) -> RedisResult<MultiplexedConnection> {
    let client = redis::Client::open(format!("redis://127.0.0.1:{port}/?protocol=resp3"))?;
    let mut config = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(PATIENCE))
        .set_response_timeout(Some(PATIENCE));
    if let Some(pushes) = pushes {
        config = config.set_push_sender(pushes);
    }
    client.get_multiplexed_async_connection_with_config(&config).await
}

/// Every message of a channel from now on.
pub(crate) async fn listen(
    port: u16,
    channel: &str,
) -> (MultiplexedConnection, mpsc::UnboundedReceiver<PushInfo>) {
    let (sender, receiver) = pushes();
    let mut connection = connect(port, Some(sender)).await.unwrap();
    connection.subscribe(channel).await.unwrap();
    (connection, receiver)
}

/// The next message.
pub(crate) async fn next_message(pushes: &mut mpsc::UnboundedReceiver<PushInfo>) -> Vec<u8> {
    let patient = async {
        loop {
            let push = pushes.recv().await.expect("the connection lives");
            if matches!(push.kind, PushKind::Message | PushKind::SMessage) {
                return payload(push);
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(60), patient).await.expect("a message within 60 s")
}
