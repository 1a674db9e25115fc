//! The reader against Sentinels, a Cluster, TLS and a failing network, all real, with a writer made by hand.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should fail there and then")]
#![allow(clippy::print_stdout, reason = "a test that measures says what it measured")]

#[path = "support/certificates.rs"]
mod certificates;
#[path = "support/cluster.rs"]
mod cluster;
#[path = "support/price_store.rs"]
mod price_store;
#[path = "support/proxy.rs"]
mod proxy;
#[path = "support/redis_server.rs"]
mod redis_server;
#[path = "support/sentinel.rs"]
mod sentinel;

use std::sync::atomic::{AtomicU16, AtomicU64, Ordering};
use std::time::Duration;

use certificates::{Certificates, Clients};
use cluster::{Cluster, Takeover};
use price_store::{encoded, instrument, price};
use proxy::Proxy;
use redis::AsyncConnectionConfig;
use redis_server::RedisServer;
use sentinel::SentinelGroup;
use tickcache::clock;
use tickcache::codec::key::{catalog_field, catalog_key, catalog_value, meta_key, update_channel, value_key};
use tickcache::domain::{Entity, Feed, MonoTime, Namespace, Venue};
use tickcache::reader::{
    Change, Lookup, Mode, Options, ReadError, Reader, Sentinels, TlsFiles, Venues, Watch,
};

fn venue() -> Venue {
    "binance".parse().unwrap()
}

/// Writes and publishes a value every few milliseconds at whatever server it is told to.
struct Writer {
    verb: &'static str,
    port: AtomicU16,
    written: AtomicU64,
}

impl Writer {
    fn new(verb: &'static str, port: u16) -> Self {
        Self { verb, port: AtomicU16::new(port), written: AtomicU64::new(0) }
    }

    /// What a deployment has, so that readers find their way.
    async fn declare(&self, servers: &[RedisServer]) {
        let namespace = Namespace::default();
        let transport = if self.verb == "SPUBLISH" { "spublish" } else { "publish" };
        let feed = Feed { venue: venue(), partition: 0 };
        let (field, value) = (catalog_field(&instrument(), &venue()), catalog_value(&feed, &[Entity::Price]));
        for words in [
            ["HSET", &meta_key(&namespace), "transport", transport],
            ["HSET", &catalog_key(&namespace), &field, &value],
        ] {
            let mut done = false;
            // On a Cluster only one of them takes it.
            for server in servers {
                done |= server.ask::<u64>(&words).await.is_ok();
            }
            assert!(done, "{words:?}");
        }
    }

    async fn run(&self) -> ! {
        let namespace = Namespace::default();
        let key = value_key(&namespace, Entity::Price, &instrument(), &venue());
        let channel = update_channel(&namespace, Entity::Price, &instrument(), &venue());
        let mut sequence = 0;
        loop {
            let port = self.port.load(Ordering::SeqCst);
            let client = redis::Client::open(format!("redis://127.0.0.1:{port}")).unwrap();
            let patience = Some(Duration::from_millis(300));
            let config =
                AsyncConnectionConfig::new().set_connection_timeout(patience).set_response_timeout(patience);
            let connected = client.get_multiplexed_async_connection_with_config(&config).await;
            if let Ok(mut connection) = connected {
                while self.port.load(Ordering::SeqCst) == port {
                    sequence += 1;
                    let bytes = encoded((1, sequence), &price(0));
                    let mut pipeline = redis::pipe();
                    pipeline.cmd("SET").arg(&key).arg(&bytes).arg("PX").arg(30_000).ignore();
                    pipeline.cmd(self.verb).arg(&channel).arg(&bytes).ignore();
                    if pipeline.query_async::<()>(&mut connection).await.is_err() {
                        break;
                    }
                    self.written.store(sequence, Ordering::SeqCst);
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    fn written(&self) -> u64 {
        self.written.load(Ordering::SeqCst)
    }
}

/// Follows, and checks that no version goes back.
struct Follower {
    watch: Watch,
    last: u64,
}

impl Follower {
    fn new(reader: &Reader) -> Self {
        Self { watch: reader.watch(Entity::Price, instrument(), Venues::All), last: 0 }
    }

    /// Until something newer than this was reported, and when that was.
    async fn reaches(&mut self, sequence: u64) -> MonoTime {
        let reached = async {
            while self.last <= sequence {
                let change = self.watch.next().await;
                if let Change::Value(view, _) | Change::Confirmed(view, _) = change {
                    assert!(view.version.sequence.get() > self.last, "{} after {}", view.version, self.last);
                    self.last = view.version.sequence.get();
                }
            }
        };
        tokio::time::timeout(Duration::from_secs(60), reached).await.expect("a newer value within 60 s");
        clock::mono()
    }

    /// Until values are pushed, and stay so: while there is a writer, a look that found news of its own would show.
    async fn is_pushed_to(&mut self) {
        let mut since = clock::mono();
        let end = since.after(Duration::from_secs(60));
        while clock::mono().since(since) < Duration::from_millis(2_500) {
            let _ = tokio::time::timeout(Duration::from_millis(20), self.reaches(self.last)).await;
            if !self.watch.is_pushed() {
                since = clock::mono();
            }
            assert!(clock::mono() < end, "never pushed to");
        }
    }
}

/// After `at` the new primary takes writes: how long until the follower reports one of them.
async fn recovery(writer: &Writer, follower: &mut Follower, to: u16) -> Duration {
    let before = writer.written();
    writer.port.store(to, Ordering::SeqCst);
    let first_write = async {
        while writer.written() == before {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        clock::mono()
    };
    let (written, reached) = tokio::join!(first_write, follower.reaches(before));
    reached.since(written)
}

#[derive(Debug, Clone, Copy)]
enum Failure {
    Kill,
    Hang,
    Agreed,
}

#[tokio::test]
async fn a_follower_stays_with_the_primary_that_sentinels_name() {
    let mut group = SentinelGroup::start(2).await;
    let writer = Writer::new("PUBLISH", group.primary_port().await);
    let first = group.primary().await;
    writer.declare(&group.servers[first..=first]).await;
    let nodes = group.addresses().iter().map(|address| address.parse().unwrap()).collect();
    let mode = Mode::Sentinel(Sentinels {
        nodes,
        master: sentinel::NAME.to_owned(),
        username: None,
        password: None,
    });
    let options = Options { mode, ..Options::default() };
    let reader = Reader::connect_with("redis://unused:1", Namespace::default(), options).await.unwrap();
    let mut follower = Follower::new(&reader);
    let scenario = async {
        follower.reaches(0).await;
        follower.is_pushed_to().await;
        for failure in [Failure::Agreed, Failure::Hang, Failure::Kill] {
            group.ready().await;
            let old = match failure {
                Failure::Kill => group.kill_primary().await,
                Failure::Hang => group.stop_primary().await,
                Failure::Agreed => group.failover().await,
            };
            group.wait_for_failover(old).await;
            let port = group.primary_port().await;
            let took = recovery(&writer, &mut follower, port).await;
            println!("Sentinel, {failure:?}: a value of the new primary after {took:?}");
            follower.is_pushed_to().await;
            match failure {
                Failure::Kill => group.servers[old].restart(),
                Failure::Hang => group.servers[old].cont(),
                Failure::Agreed => {}
            }
        }
    };
    tokio::select! {
        () = scenario => {}
        _ = writer.run() => {}
    }
}

#[tokio::test]
async fn a_follower_stays_with_the_primary_of_its_slot() {
    let mut cluster = Cluster::start().await;
    let key = value_key(&Namespace::default(), Entity::Price, &instrument(), &venue());
    let slot = cluster.slot_of(&key).await;
    let first = cluster.primary_of(slot).await;
    let writer = Writer::new("SPUBLISH", cluster.nodes[first].port());
    writer.declare(&cluster.nodes).await;
    let nodes = cluster.seeds().iter().map(|seed| seed.parse().unwrap()).collect();
    let options = Options { mode: Mode::Cluster { nodes }, ..Options::default() };
    let reader = Reader::connect_with("redis://unused:1", Namespace::default(), options).await.unwrap();
    let mut follower = Follower::new(&reader);
    let scenario = async {
        follower.reaches(0).await;
        follower.is_pushed_to().await;
        for failure in [Failure::Agreed, Failure::Hang, Failure::Kill] {
            cluster.ready().await;
            let old = match failure {
                Failure::Kill => cluster.kill_primary(slot).await,
                Failure::Hang => cluster.stop_primary(slot).await,
                Failure::Agreed => cluster.failover(slot, Takeover::Agreed).await,
            };
            cluster.wait_for_failover(slot, old).await;
            let port = cluster.nodes[cluster.primary_of(slot).await].port();
            let took = recovery(&writer, &mut follower, port).await;
            println!("Cluster, {failure:?}: a value of the new primary after {took:?}");
            follower.is_pushed_to().await;
            match failure {
                Failure::Kill => cluster.restart(old),
                Failure::Hang => cluster.nodes[old].cont(),
                Failure::Agreed => {}
            }
        }
        cluster.ready().await;
        let old = cluster.primary_of(slot).await;
        let other = cluster.primary_of((slot + 8_192) % 16_384).await;
        assert_ne!(old, other);
        cluster.move_slot(slot, other).await;
        let took = recovery(&writer, &mut follower, cluster.nodes[other].port()).await;
        println!("Cluster, slot moved: a value of the new primary after {took:?}");
        follower.is_pushed_to().await;
        let venues = reader.get_all(Entity::Price, &instrument()).await.unwrap();
        assert!(matches!(&venues[..], [(_, Lookup::Found(_))]), "{venues:?}");
        assert_eq!(reader.server_facts().await.unwrap().len(), 3);

        // The slot is on its way back, and the key has gone ahead: who asks is sent on for this one question.
        let from = cluster.begin_move(slot, old).await;
        while reader
            .get(Entity::Price, &instrument(), &venue())
            .await
            .is_ok_and(|it| matches!(it, Lookup::Found(_)))
        {
            cluster.move_keys(from, old, &[&key]).await;
            if cluster.nodes[from].ask::<Option<Vec<u8>>>(&["GET", &key]).await.is_err() {
                break;
            }
        }
        let lookup = reader.get(Entity::Price, &instrument(), &venue()).await.unwrap();
        assert!(matches!(lookup, Lookup::Found(_)), "{lookup:?}");
        cluster.finish_move(slot, from, old).await;
    };
    tokio::select! {
        () = scenario => {}
        _ = writer.run() => {}
    }
}

#[tokio::test]
async fn certificates_are_used_for_questions_and_for_pushes() {
    let certificates = Certificates::make();
    let server = RedisServer::start_tls(&certificates.server_arguments(Clients::WithCertificate));
    let writer = Writer::new("PUBLISH", server.port());
    writer.declare(std::slice::from_ref(&server)).await;
    let url = format!("rediss://localhost:{}", server.tls_port());
    let tls = TlsFiles {
        ca_file: Some(certificates.authority()),
        client: Some((certificates.client(), certificates.client_key())),
    };
    for (name, tls) in [
        ("nobody is trusted", TlsFiles::default()),
        ("no certificate of our own", TlsFiles { client: None, ..tls.clone() }),
    ] {
        let options = Options { tls, ..Options::default() };
        let error = Reader::connect_with(&url, Namespace::default(), options).await.unwrap_err();
        assert!(matches!(error, ReadError::Unreachable { .. } | ReadError::Broken { .. }), "{name}: {error}");
    }
    let missing = TlsFiles { ca_file: Some("/nowhere/ca.pem".into()), client: None };
    let options = Options { tls: missing, ..Options::default() };
    let error = Reader::lazy(&url, Namespace::default(), options).unwrap_err();
    assert!(error.to_string().contains("/nowhere/ca.pem"), "{error}");

    let options = Options { tls, ..Options::default() };
    let reader = Reader::connect_with(&url, Namespace::default(), options).await.unwrap();
    let mut follower = Follower::new(&reader);
    tokio::select! {
        () = follower.is_pushed_to() => {}
        _ = writer.run() => {}
    }
}

#[tokio::test]
async fn a_path_that_swallows_everything_is_found_within_a_second_and_left_behind() {
    let server = RedisServer::start();
    let writer = Writer::new("PUBLISH", server.port());
    writer.declare(std::slice::from_ref(&server)).await;
    let proxy = Proxy::start(server.port());
    let reader = Reader::connect(&proxy.url(), Namespace::default()).await.unwrap();
    let mut follower = Follower::new(&reader);
    let scenario = async {
        follower.is_pushed_to().await;
        let start = clock::mono();
        proxy.black_hole();
        let error = loop {
            if let Change::Lost(error) = follower.watch.next().await {
                break error;
            }
        };
        let took = clock::mono().since(start);
        println!("a black hole was reported after {took:?}: {error}");
        // A second, where the machine has nothing else to do.
        assert!(took < Duration::from_secs(20), "{took:?}");
        proxy.pass();
        let written = writer.written();
        let start = clock::mono();
        let took = follower.reaches(written).await.since(start);
        println!("after it a newer value came within {took:?}");
        follower.is_pushed_to().await;
        proxy.reset();
        proxy.accept();
        let written = writer.written();
        let start = clock::mono();
        let took = follower.reaches(written).await.since(start);
        println!("after a reset a newer value came within {took:?}");
    };
    tokio::select! {
        () = scenario => {}
        _ = writer.run() => {}
    }
}
