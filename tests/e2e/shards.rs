//! Engines with several hot threads: as one to readers and operators, as several to other engines.

use std::collections::{BTreeMap, BTreeSet};

use redis::Commands as _;
use serde_json::Value;
use tickcache::app::Engine;
use tickcache::codec::key::{catalog_key, engines_key, feed_channel, lease_key, parse_feed, update_channel};
use tickcache::codec::{decode, decode_engine, decode_feed, decode_lease, is_run_of};
use tickcache::domain::{Namespace, Reason, State, Version};
use tickcache::simulate::{Config, MarketOptions, Simulator};

use crate::cluster::Cluster;
use crate::program::{Program, get, succeed};
use crate::redis_server::RedisServer;
use crate::support::{EMBEDDED, load, name, redis_store, small_market, stored, until, until_ok, value};
use crate::truth;

const FEEDS: [&str; 3] = ["binance/0", "binance/1", "kraken/0"];

/// Of two shards the first has the largest feed, three instruments, and the second has the others, one each.
const SECOND: [&str; 2] = ["binance/1", "kraken/0"];

/// Two venues. Of Binance's instruments XRP is in another partition than the rest.
struct Venues {
    binance: Simulator,
    kraken: Simulator,
}

impl Venues {
    async fn start() -> Self {
        let market = |bases: &[&str]| {
            let all = MarketOptions { instruments: MarketOptions::default().instruments, ..small_market() };
            Config::market(all.only(bases))
        };
        let binance = Simulator::start(market(&["BTC", "ETH", "SOL", "XRP"])).await.unwrap();
        let kraken = Simulator::start(market(&["BTC"]).venue("kraken")).await.unwrap();
        Self { binance, kraken }
    }

    /// Settings of an engine that streams all of it.
    fn config(&self, engine: &str, shards: u32, store: &str) -> String {
        let feed = |venue, simulator: &Simulator, rest: &str| {
            format!(
                "[[feed]]\nvenue = \"{venue}\"\ncongestion_ms = 0\nwebsocket_url = \"{}\"\nrest_url = \"{}\"\n{rest}\n",
                simulator.websocket_url(),
                simulator.rest_url(),
            )
        };
        let binance =
            "instruments = [\"BTC-USDT\", \"ETH-USDT\", \"SOL-USDT\", \"XRP-USDT\"]\npartitions = 2";
        let kraken = "instruments = [\"BTC-USDT\"]\nentities = [\"price\"]";
        format!(
            "[engine]\nid = \"{engine}\"\nshards = {shards}\n{store}[embedded]\nlisten = \"127.0.0.1:0\"\n\
             [http]\nlisten = \"127.0.0.1:0\"\n{}{}",
            feed("binance", &self.binance, binance),
            feed("kraken", &self.kraken, kraken),
        )
    }

    /// Both stand still, and every value becomes what its venue says. Then they go on.
    async fn right(&self, mut connection: &mut impl redis::ConnectionLike) {
        self.binance.pause().await;
        self.kraken.pause().await;
        until_ok("Redis says what the venues say", || {
            for key in keys() {
                let (_, record) = stored(&mut connection, &key).ok_or_else(|| format!("{key}: absent"))?;
                let stamp = *record.stamp();
                if stamp.state != State::Live {
                    return Err(format!("{key}: {} {}", stamp.state, stamp.reason));
                }
                let base = &key[key.find('{').unwrap() + 1..key.find('-').unwrap()];
                let (simulator, symbol) = if key.ends_with("binance") {
                    (&self.binance, format!("{base}USDT"))
                } else {
                    (&self.kraken, format!("{base}/USDT"))
                };
                truth::record_agrees(simulator, &symbol, &record)
                    .map_err(|error| format!("{key}: {error}"))?;
            }
            Ok::<_, String>(())
        })
        .await;
        self.binance.resume();
        self.kraken.resume();
    }

    async fn stop(self) {
        self.binance.stop().await;
        self.kraken.stop().await;
    }
}

/// Every key of the venues.
fn keys() -> Vec<String> {
    let mut keys = vec!["tickcache:v1:price:{BTC-USDT}:kraken".to_owned()];
    for instrument in ["BTC-USDT", "ETH-USDT", "SOL-USDT", "XRP-USDT"] {
        keys.extend(
            crate::support::ALL.map(|entity| format!("tickcache:v1:{entity}:{{{instrument}}}:binance")),
        );
    }
    keys
}

/// The newest of each key that is live.
fn live(connection: &mut impl redis::ConnectionLike) -> Result<BTreeMap<String, Version>, String> {
    let one = |key: String| match stored(connection, &key) {
        Some((version, record)) if record.stamp().state == State::Live => Ok((key, version)),
        found => Err(format!("{key}: {:?}", found.map(|(_, record)| *record.stamp()))),
    };
    keys().into_iter().map(one).collect()
}

/// Every key is live, and newer than this.
async fn live_after(connection: &mut impl redis::ConnectionLike, before: &BTreeMap<String, Version>) {
    until_ok("every key is live and newer", || {
        let now = live(connection)?;
        let old = now.iter().find(|(key, version)| before.get(*key) >= Some(version));
        old.map_or(Ok(()), |(key, version)| Err(format!("{key}: {version} after {}", before[key])))
    })
    .await;
}

/// Which of these engines holds the lease of each feed; `None` where one is nobody's, or another's.
fn writers(connection: &mut impl redis::ConnectionLike, engines: &[&str]) -> Option<Vec<String>> {
    let writer = |feed: &str| {
        let key = lease_key(&Namespace::default(), &parse_feed(feed).unwrap());
        let lease: Option<Vec<u8>> = redis::cmd("GET").arg(key).query(connection).unwrap();
        let lease = lease?;
        let (owner, _) = decode_lease(&lease).unwrap();
        engines.iter().find(|engine| is_run_of(owner, engine)).map(|engine| (*engine).to_owned())
    };
    FEEDS.into_iter().map(writer).collect()
}

/// The feeds that each engine of the registry lists.
fn registry(connection: &mut impl redis::ConnectionLike) -> BTreeMap<String, Vec<String>> {
    let engines: BTreeMap<String, Vec<u8>> =
        redis::cmd("HGETALL").arg(engines_key(&Namespace::default())).query(connection).unwrap();
    let feeds = |value: Vec<u8>| {
        decode_engine(&value).unwrap().feeds.into_iter().map(|(feed, _)| feed.to_string()).collect()
    };
    engines.into_iter().map(|(id, value)| (id, feeds(value))).collect()
}

/// What the registry says of an engine with two shards.
fn two_shards(id: &str) -> BTreeMap<String, Vec<String>> {
    let feeds = |feeds: &[&str]| feeds.iter().map(|feed| (*feed).to_owned()).collect();
    BTreeMap::from([(id.to_owned(), feeds(&FEEDS[..1])), (format!("{id}.s1"), feeds(&SECOND))])
}

fn hot_threads(pid: u32) -> BTreeSet<String> {
    let tasks = std::fs::read_dir(format!("/proc/{pid}/task")).unwrap();
    let names = tasks.filter_map(|task| std::fs::read_to_string(task.unwrap().path().join("comm")).ok());
    names.map(|name| name.trim().to_owned()).filter(|name| name.starts_with("tickcache-hot")).collect()
}

fn on_redis(arguments: &[&str], url: &str) -> String {
    let all: Vec<&str> = arguments.iter().copied().chain(["--redis", url]).collect();
    tokio::task::block_in_place(|| succeed(&all))
}

/// What an operator sees of the engine with two shards.
fn operators_see_both(url: &str, address: &str) {
    let status: Value = serde_json::from_str(&on_redis(&["status", "--json"], url)).unwrap();
    let feeds = status["feeds"].as_array().unwrap();
    assert_eq!(feeds.iter().map(|feed| feed["feed"].as_str().unwrap()).collect::<Vec<_>>(), FEEDS);
    for feed in feeds {
        let of_second = SECOND.contains(&feed["feed"].as_str().unwrap());
        let engine = if of_second { "engine-a.s1" } else { "engine-a" };
        assert!(is_run_of(feed["writer"].as_str().unwrap(), engine), "{feed}");
        assert_eq!((&feed["preferred"], &feed["state"]), (&engine.into(), &"live".into()), "{feed}");
    }
    let text = on_redis(&["status"], url);
    for feed in FEEDS {
        let line = text.lines().find(|line| line.starts_with(feed)).unwrap();
        assert!(line.ends_with(" -"), "no other engine has it, and its writer is known as such: {line}");
    }
    let told = on_redis(&["invalidate", "BTC-USDT", "--why", "a test"], url);
    for venue in ["binance", "kraken"] {
        let line = format!("BTC-USDT {venue}  invalidated");
        assert!(told.contains(&line), "{line} in {told}");
    }
    let (status, health) = get(address, "/healthz");
    let health: Value = serde_json::from_str(&health).unwrap();
    assert_eq!((status, health["feeds"].as_array().unwrap().len()), (200, 3), "{health}");
    let metrics = get(address, "/metrics").1;
    for shard in ["0", "1"] {
        let line = format!("tickcache_publish_redis_up_ratio{{shard=\"{shard}\"}} 1");
        assert!(metrics.lines().any(|known| known == line), "{line} in {metrics}");
    }
    assert!(metrics.lines().any(|line| line == "tickcache_publish_slots 13"), "{metrics}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hot_threads_share_the_feeds_of_two_venues() {
    let (server, venues) = (RedisServer::start(), Venues::start().await);
    let config = venues.config("engine-a", 2, &redis_store(&server.url()));
    let mut connection = server.connection();
    let mut engine = Program::start_engine(&config);
    let address = engine.value_after("serving /metrics and /healthz address=").await;
    live_after(&mut connection, &BTreeMap::new()).await;
    assert_eq!(hot_threads(engine.pid()), ["tickcache-hot0", "tickcache-hot1"].map(str::to_owned).into());
    venues.right(&mut connection).await;
    until_ok("the registry is complete", || {
        let seen = registry(&mut connection);
        if seen == two_shards("engine-a") { Ok(()) } else { Err(seen) }
    })
    .await;
    until("it is healthy", || get(&address, "/healthz").0 == 200).await;
    operators_see_both(&server.url(), &address);

    // A Redis that has forgotten everything is noticed by each of them.
    let before = live(&mut connection).unwrap();
    redis::cmd("FLUSHALL").exec(&mut connection).unwrap();
    live_after(&mut connection, &before).await;
    until("the catalog is complete", || {
        connection.hlen::<_, usize>(catalog_key(&Namespace::default())).unwrap() == 5
    })
    .await;

    let before = live(&mut connection).unwrap();
    engine.signal("TERM");
    let (status, said) = engine.ended().await;
    assert_eq!(status.code(), Some(0), "{said}");
    for key in keys() {
        let (_, record) = stored(&mut connection, &key).expect("suspect, not gone");
        let stamp = record.stamp();
        assert_eq!((stamp.state, stamp.reason), (State::Suspect, Reason::WriterStopping), "{key}");
    }
    assert_eq!((registry(&mut connection), writers(&mut connection, &[])), (BTreeMap::new(), None));
    let engine = Program::start_engine(&config);
    live_after(&mut connection, &before).await;
    venues.right(&mut connection).await;
    engine.signal("TERM");
    assert_eq!(engine.ended().await.0.code(), Some(0));
    venues.stop().await;
}

/// Each feed is written by one of these engines, and no other is listed.
async fn takes_over(connection: &mut impl redis::ConnectionLike, engines: &[&str]) {
    until_ok(&format!("all feeds are written by {engines:?}"), || {
        writers(connection, engines).map(drop).ok_or("some are not")
    })
    .await;
    until_ok("nobody else is listed", || {
        let listed = registry(connection);
        let ids: Vec<&str> = listed.keys().map(String::as_str).collect();
        if ids == engines { Ok(()) } else { Err(listed) }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_engine_with_two_shards_and_one_with_one_take_each_others_place() {
    let (server, venues) = (RedisServer::start(), Venues::start().await);
    let mut connection = server.connection();
    let start = |id, shards| Program::start_engine(&venues.config(id, shards, &redis_store(&server.url())));
    let both = ["engine-a", "engine-a.s1", "engine-b"];
    let first = start("engine-a", 2);
    live_after(&mut connection, &BTreeMap::new()).await;
    let second = start("engine-b", 1);
    takes_over(&mut connection, &both).await;
    until("the second could take over", || {
        let warm = |role: &str| role == "ready" || role == "owner";
        let status: Value = serde_json::from_str(&on_redis(&["status", "--json"], &server.url())).unwrap();
        let engines = status["engines"].as_array().unwrap();
        let feeds = engines.iter().flat_map(|engine| engine["feeds"].as_array().unwrap());
        let roles: Vec<&str> = feeds.map(|feed| feed["role"].as_str().unwrap()).collect();
        roles.len() == 6 && roles.into_iter().all(warm)
    })
    .await;

    let before = live(&mut connection).unwrap();
    // As a crash is.
    drop(first);
    takes_over(&mut connection, &["engine-b"]).await;
    live_after(&mut connection, &before).await;
    venues.right(&mut connection).await;

    let first = start("engine-a", 2);
    takes_over(&mut connection, &both).await;
    let before = live(&mut connection).unwrap();
    drop(second);
    takes_over(&mut connection, &["engine-a", "engine-a.s1"]).await;
    assert_eq!(registry(&mut connection), two_shards("engine-a"));
    live_after(&mut connection, &before).await;
    venues.right(&mut connection).await;
    first.signal("TERM");
    assert_eq!(first.ended().await.0.code(), Some(0));
    venues.stop().await;
}

/// What is told on these channels, until something was on each.
fn heard(url: &str, channels: &BTreeSet<String>) -> BTreeMap<String, Vec<u8>> {
    let mut listening = redis::Client::open(url).unwrap().get_connection().unwrap();
    listening.set_read_timeout(Some(crate::support::PATIENCE)).unwrap();
    let mut pubsub = listening.as_pubsub();
    for channel in channels {
        pubsub.subscribe(channel).unwrap();
    }
    let mut heard = BTreeMap::new();
    while heard.len() < channels.len() {
        let message = pubsub.get_message().unwrap();
        heard.insert(message.get_channel_name().to_owned(), message.get_payload_bytes().to_vec());
    }
    heard
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_endpoint_serves_the_values_of_all_shards() {
    let venues = Venues::start().await;
    let engine = Engine::start(&load(&venues.config("engine-a", 2, EMBEDDED))).unwrap();
    until_ok("every key is live", || truth::all_live(&engine)).await;
    let shards: BTreeSet<usize> = engine.keys().iter().map(|key| key.shard).collect();
    assert_eq!((shards, engine.keys().len()), (BTreeSet::from([0, 1]), keys().len()));
    let url = format!("redis://{}", engine.endpoint().unwrap());
    let mut connection = redis::Client::open(url.as_str()).unwrap().get_connection().unwrap();
    venues.right(&mut connection).await;
    for key in engine.keys() {
        let bytes: Vec<u8> = connection.get(name(key)).unwrap();
        let served = decode(key.entity, &bytes).unwrap();
        // The engine's own table, a moment later.
        assert!(served.version <= value(&engine, key).unwrap().version, "{}", name(key));
    }
    // The values, a lease each feed, and the catalog, the meta hash and the engines.
    let count = keys().len() + FEEDS.len() + 3;
    let size: usize = redis::cmd("DBSIZE").query(&mut connection).unwrap();
    let scanned: BTreeSet<String> = connection.scan().unwrap().map(Result::unwrap).collect();
    assert_eq!((size, scanned.len()), (count, count), "{scanned:?}");
    assert!(keys().iter().all(|key| scanned.contains(key)), "{scanned:?}");
    let catalog: BTreeMap<String, String> = connection.hgetall(catalog_key(&Namespace::default())).unwrap();
    let of = |field: &str| catalog[field].split(' ').next().unwrap().to_owned();
    assert_eq!(catalog.len(), 5);
    assert_eq!(["BTC-USDT:binance", "XRP-USDT:binance", "BTC-USDT:kraken"].map(of), FEEDS);
    assert_eq!(registry(&mut connection), two_shards("engine-a"));
    assert_eq!(
        writers(&mut connection, &["engine-a", "engine-a.s1"]).unwrap(),
        ["engine-a", "engine-a.s1", "engine-a.s1"]
    );

    let namespace = Namespace::default();
    let updates =
        engine.keys().iter().map(|key| update_channel(&namespace, key.entity, &key.instrument, &key.venue));
    let feeds = FEEDS.map(|feed| feed_channel(&namespace, &parse_feed(feed).unwrap()));
    let channels: BTreeSet<String> = updates.chain(feeds.clone()).collect();
    let told = tokio::task::block_in_place(|| heard(&url, &channels));
    let engines = feeds.map(|channel| decode_feed(&told[&channel]).unwrap().engine.to_string());
    assert_eq!(engines, ["engine-a", "engine-a.s1", "engine-a.s1"]);

    assert!(!engine.is_dead());
    engine.stop().await.unwrap();
    venues.stop().await;
}

/// Each shard has a connection to each server, and follows moved slots by itself.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_shards_write_to_a_cluster() {
    let (cluster, venues) = (Cluster::start().await, Venues::start().await);
    let nodes = cluster.seeds();
    let store = format!("[store]\nkind = \"redis\"\n[redis]\nmode = \"cluster\"\nnodes = {nodes:?}\n");
    let engine = Engine::start(&load(&venues.config("engine-a", 2, &store))).unwrap();
    let client = redis::cluster::ClusterClient::new(nodes).unwrap();
    let mut connection = client.get_connection().unwrap();
    live_after(&mut connection, &BTreeMap::new()).await;
    for shard in [0, 1] {
        let key = engine.keys().iter().find(|key| key.shard == shard).unwrap();
        let slot = cluster.slot_of(&name(key)).await;
        let to = (cluster.primary_of(slot).await + 1) % 3;
        cluster.move_slot(slot, to).await;
    }
    venues.right(&mut connection).await;
    assert_eq!(registry(&mut connection), two_shards("engine-a"));
    engine.stop().await.unwrap();
    venues.stop().await;
}

/// The surplus is not started: a feed is never on two threads. Each thread leaves its frames for the recording.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn more_shards_than_feeds_are_as_many_as_feeds() {
    let venues = Venues::start().await;
    let folder = tempfile::TempDir::new().unwrap();
    let store = format!("{EMBEDDED}[record]\ndir = {:?}\n", folder.path().to_str().unwrap());
    let mut engine = Program::start_engine(&venues.config("engine-a", 16, &store));
    let address = engine.value_after("serving /metrics and /healthz address=").await;
    until("it is healthy", || get(&address, "/healthz").0 == 200).await;
    assert_eq!(hot_threads(engine.pid()).len(), FEEDS.len());
    assert!(engine.said().contains("no more of them than feeds are started"), "{}", engine.said());
    until("every feed is live", || {
        let metrics = get(&address, "/metrics").1;
        let live = metrics.lines().filter(|line| {
            line.starts_with("tickcache_feed_keys{") && line.contains("\"live\"") && !line.ends_with(" 0")
        });
        live.count() == FEEDS.len()
    })
    .await;
    engine.signal("TERM");
    let (status, said) = engine.ended().await;
    assert_eq!(status.code(), Some(0), "{said}");
    for (venue, file) in [("binance", "binance-0-"), ("binance", "binance-1-"), ("kraken", "kraken-0-")] {
        let files = std::fs::read_dir(folder.path().join(venue)).unwrap().map(Result::unwrap);
        let recorded: Vec<u64> = files
            .filter(|entry| entry.file_name().to_string_lossy().starts_with(file))
            .map(|entry| entry.metadata().unwrap().len())
            .collect();
        assert!(recorded.iter().sum::<u64>() > 100, "{file}: {recorded:?}");
    }
    venues.stop().await;
}
