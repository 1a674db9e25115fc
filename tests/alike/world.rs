//! One writer, its Redis and its endpoint; and clients that send bytes to either.

use std::net::SocketAddr;
use std::sync::Arc;

use tickcache::domain::Namespace;
use tickcache::publish::{EmbeddedLimits, EmbeddedOptions, EmbeddedServer};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

use crate::redis_server::{PATIENCE, RedisServer};
use crate::rig::{FEED, Rig, tcp, until};

/// What ends the answers to what a connection begins with.
const READY: &str = "alike-ready";
/// Keys of the writer; the last one never gets a value.
pub(crate) const KEYS: usize = 5;
/// Keys that have a value.
pub(crate) const VALUES: usize = KEYS - 1;

/// A writer that writes a redis-server and serves its endpoint. Nothing moves unless a test moves it.
pub(crate) struct World {
    pub(crate) server: RedisServer,
    pub(crate) rig: Rig,
    pub(crate) endpoint: SocketAddr,
    task: JoinHandle<()>,
}

impl Drop for World {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Who is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Redis,
    Endpoint,
}

pub(crate) const SIDES: [Side; 2] = [Side::Redis, Side::Endpoint];

impl World {
    pub(crate) async fn start() -> Self {
        Self::with(&[""; 0], None).await
    }

    /// With a password on both sides; the writer has a user of its own.
    pub(crate) async fn with_password(password: &str) -> Self {
        Self::with(&["--requirepass", password], Some(password.to_owned())).await
    }

    async fn with(arguments: &[&str], password: Option<String>) -> Self {
        let server = RedisServer::start_with(arguments);
        let store = if password.is_some() {
            server.allow("writer", &["on", "nopass", "~*", "&*", "+@all"]);
            crate::rig::at(tickcache::publish::RedisAddress {
                username: Some("writer".to_owned()),
                password: Some("any".to_owned()),
                ..tickcache::publish::RedisAddress::open(crate::rig::local(server.port()))
            })
        } else {
            tcp(server.port())
        };
        let mut rig = Rig::patient("engine-a", store, KEYS).connected().await;
        let options = EmbeddedOptions {
            listen: "127.0.0.1:0".parse().unwrap(),
            password,
            tls: None,
            limits: EmbeddedLimits {
                clients_max: 256,
                output_bytes_max: 4 << 20,
                subscriptions_max: 10_000,
                stalled_max: PATIENCE,
            },
            namespace: Namespace::default(),
            tables: vec![(Arc::clone(&rig.table), rig.feeds.clone())],
        };
        let endpoint = EmbeddedServer::bind(options).unwrap();
        let address = endpoint.address().unwrap();
        let task = tokio::spawn(async move { endpoint.run().await.unwrap() });
        rig.epoch().await;
        // In the order in which the endpoint lists them: that of a hash is nobody's business.
        for slot in 0..KEYS {
            let field = format!("C{slot}-USDT:binance");
            assert!(rig.writer.announce(FEED, &field, "binance/0 price"));
        }
        (0..VALUES).for_each(|slot| rig.push(slot, 6_183_600 + slot as i128));
        rig.drain().await;
        let world = Self { server, rig, endpoint: address, task };
        // A heartbeat tells the endpoint of the lease and of the engine, a pipeline the server.
        until("both list the engine", async || {
            let board = world.rig.table.board();
            let exists: usize =
                world.server.ask(&["EXISTS", "tickcache:v1:engines", "tickcache:v1:catalog"]).await.unwrap();
            exists == 2 && board.lease(0).is_some() && board.engine().is_some()
        })
        .await;
        world
    }

    pub(crate) fn address(&self, side: Side) -> SocketAddr {
        match side {
            Side::Redis => SocketAddr::from(([127, 0, 0, 1], self.server.port())),
            Side::Endpoint => self.endpoint,
        }
    }

    pub(crate) async fn client(&self, side: Side) -> Client {
        Client::connect(self.address(side)).await
    }

    /// What both sides answer to the same bytes, each on a connection of its own.
    pub(crate) async fn both(&self, before: &[u8], bytes: &[u8]) -> [Vec<u8>; 2] {
        let mut answers = [Vec::new(), Vec::new()];
        for (side, answer) in SIDES.into_iter().zip(&mut answers) {
            let mut client = self.client(side).await;
            if !before.is_empty() {
                client.ask_until(&[before, &array(&["ECHO", READY])].concat(), READY).await;
            }
            *answer = client.ask(bytes).await;
        }
        answers
    }

    /// The value of a key in the writer's table.
    pub(crate) fn value(&self, slot: usize) -> Vec<u8> {
        self.rig.table.get_key(&self.rig.keys[slot], tickcache::clock::mono()).unwrap().bytes
    }

    /// `$0` and the like are the writer's keys, `$n` the one without a value, `$c` and `$m` hashes, `$u0` an update channel.
    pub(crate) fn fill(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (slot, key) in self.rig.keys.iter().enumerate().take(VALUES) {
            let update = key.replace(":price:", ":update:price:");
            text = text.replace(&format!("$u{slot}"), &update).replace(&format!("${slot}"), key);
        }
        text.replace("$n", &self.rig.keys[KEYS - 1])
            .replace("$c", "tickcache:v1:catalog")
            .replace("$m", "tickcache:v1:meta")
    }
}

/// The requests of a script, a line each, as arrays. `""` is an empty word.
pub(crate) fn arrays(script: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    for line in script.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let words: Vec<&str> = line.split(' ').map(|word| if word == "\"\"" { "" } else { word }).collect();
        bytes.extend(array(&words));
    }
    bytes
}

pub(crate) fn array(words: &[&str]) -> Vec<u8> {
    let mut bytes = format!("*{}\r\n", words.len()).into_bytes();
    for word in words {
        bytes.extend(format!("${}\r\n{word}\r\n", word.len()).into_bytes());
    }
    bytes
}

/// The same, as lines.
pub(crate) fn lines(script: &str) -> Vec<u8> {
    let lines = script.lines().map(str::trim).filter(|line| !line.is_empty());
    lines.flat_map(|line| format!("{line}\r\n").into_bytes()).collect()
}

pub(crate) struct Client(pub(crate) tokio::io::BufStream<TcpStream>);

impl Client {
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Self(tokio::io::BufStream::new(stream))
    }

    pub(crate) async fn send(&mut self, bytes: &[u8]) {
        // Whoever closes early has answered before.
        let _ = self.0.write_all(bytes).await;
        let _ = self.0.flush().await;
    }

    /// Sends, says that nothing more comes, and returns every byte that comes back until the other side closes.
    pub(crate) async fn ask(mut self, bytes: &[u8]) -> Vec<u8> {
        self.send(bytes).await;
        let _ = self.0.shutdown().await;
        self.rest().await
    }

    /// Every byte until the other side closes.
    pub(crate) async fn rest(&mut self) -> Vec<u8> {
        let mut got = Vec::new();
        // A reset is an end, too.
        let reading = async { while self.0.read_buf(&mut got).await.unwrap_or(0) > 0 {} };
        let in_time = tokio::time::timeout(PATIENCE, reading).await.is_ok();
        assert!(in_time, "no end after {:?}", shown(&got));
        got
    }

    /// Sends, and returns every byte up to a text and the line's end behind it.
    pub(crate) async fn ask_until(&mut self, bytes: &[u8], text: &str) -> Vec<u8> {
        self.send(bytes).await;
        self.until_bytes(format!("{text}\r\n").as_bytes()).await
    }

    /// Every byte up to these, and not one more.
    pub(crate) async fn until_bytes(&mut self, end: &[u8]) -> Vec<u8> {
        let mut got = Vec::new();
        let reading = async {
            while !got.ends_with(end) {
                got.push(
                    self.0.read_u8().await.unwrap_or_else(|error| panic!("{error} after {:?}", shown(&got))),
                );
            }
        };
        let in_time = tokio::time::timeout(PATIENCE, reading).await.is_ok();
        assert!(in_time, "no {:?} in {:?}", shown(end), shown(&got));
        got
    }
}

/// Bytes for people.
pub(crate) fn shown(bytes: &[u8]) -> String {
    bytes.escape_ascii().to_string()
}
