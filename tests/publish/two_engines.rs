//! Two engines on one Redis: one writes, the other waits, and prices never go back.

use std::time::Duration;

use redis::AsyncCommands;
use tickcache::clock;
use tickcache::codec::decode;
use tickcache::codec::key::lease_key;
use tickcache::domain::{Entity, Namespace, Reason, Record, State};
use tickcache::publish::{RedisAddress, Servers, Store};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::sync::{mpsc, oneshot};

use crate::market::{Market, get, settled};
use crate::proxy::Proxy;
use crate::redis_server::RedisServer;
use crate::rig::{FEED, Rig, bid, feeds, local, on_one_thread, tcp, until, version};
use crate::watcher::Watcher;

const KEYS: usize = 12;

fn servers(server: &RedisServer, name: &str) -> Servers {
    Servers::at(RedisAddress::open(local(server.port())), name)
}

/// Two engines; the first writes.
async fn pair(server: &RedisServer) -> (Rig, Rig) {
    let engine = |name| Rig::engine(name, Store::Redis(servers(server, name)), KEYS);
    let first = engine("engine-a").connected().await;
    first.epoch().await;
    let second = engine("engine-b").connected().await;
    (first, second)
}

/// What a client does for a while, as MONITOR shows it.
async fn commands_of(server: &RedisServer, client: &str, time: Duration) -> Vec<String> {
    let clients: String = server.ask(&["CLIENT", "LIST"]).await.unwrap();
    let line = clients.lines().find(|line| line.contains(&format!("name={client} "))).unwrap();
    let address = line.split(' ').find_map(|word| word.strip_prefix("addr=")).unwrap().to_owned();
    let mut socket = TcpStream::connect(("127.0.0.1", server.port())).await.unwrap();
    socket.write_all(b"MONITOR\r\n").await.unwrap();
    let mut lines = BufReader::new(socket).lines();
    let mut seen = Vec::new();
    let listening = async {
        while let Ok(Some(line)) = lines.next_line().await {
            seen.push(line);
        }
    };
    let _ = tokio::time::timeout(time, listening).await;
    assert!(seen.len() > 100, "there was traffic: {}", seen.len());
    // A script's own commands have no address.
    seen.retain(|line| line.contains(&address));
    seen
}

#[test]
fn a_standby_writes_nothing_and_has_everything_when_the_writer_is_killed() {
    on_one_thread(async {
        let server = RedisServer::start();
        let (mut first, second) = pair(&server).await;
        let servers = servers(&server, "eyes");
        let watcher = Watcher::start(&servers, &first.keys).await;
        let market = Market::open(&[&first, &second]);
        market.go_on(20).await;
        let epoch = first.epoch().await;
        let said = commands_of(&server, "engine-b", Duration::from_millis(700)).await;
        assert!(!said.is_empty() && said.iter().all(|line| !line.contains(":v1:price:")), "{said:#?}");
        assert_eq!((second.writer.stats().written, second.writer.authority(FEED)), (0, None));
        let warm = second.table.get_key(&second.keys[0], clock::mono()).unwrap();
        assert_eq!((version(&warm.bytes).0, bid(&warm.bytes) > 1), (0, true), "its books are current");

        let start = clock::mono();
        first.kill().await;
        let after = second.epoch().await;
        eprintln!("takeover after kill -9: {:?}", clock::mono().since(start));
        market.go_on(20).await;
        assert!(after > epoch);
        let price = market.halt();
        assert_eq!(settled(&servers, &[&first, &second], price).await, [1]);
        let value = get(&servers, &first.keys[3]).await.unwrap().unwrap();
        watcher.has(3, &value).await;
        watcher.assert_nothing_went_back();
    });
}

#[test]
fn whoever_takes_over_publishes_what_no_longer_changes_too() {
    on_one_thread(async {
        let server = RedisServer::start();
        let (mut first, mut second) = pair(&server).await;
        for slot in 0..KEYS {
            first.push(slot, 5);
            second.push(slot, 5);
        }
        first.drain().await;
        let before = first.epoch().await;
        first.kill().await;
        second.drain().await;
        let values: Vec<Vec<u8>> = server.observe().await.mget(&first.keys).await.unwrap();
        let epoch = second.epoch().await;
        assert!(epoch > before && values.iter().all(|value| (bid(value), version(value).0) == (5, epoch)));
    });
}

#[test]
fn whoever_leaves_is_followed_and_its_last_words_are_refused() {
    on_one_thread(async {
        let server = RedisServer::start();
        let (mut first, second) = pair(&server).await;
        let servers = servers(&server, "eyes");
        let watcher = Watcher::start(&servers, &first.keys).await;
        let market = Market::open(&[&first, &second]);
        market.go_on(20).await;
        let price = market.halt();
        let start = clock::mono();
        assert!(first.writer.leave(), "it is worth waiting for a standby");
        let epoch = second.epoch().await;
        eprintln!("graceful takeover: {:?}", clock::mono().since(start));
        assert_eq!(settled(&servers, &[&first, &second], price).await, [1]);
        for slot in 0..KEYS {
            first.push_suspect(slot);
        }
        until("it learns that another writes", async || first.writer.authority(FEED).is_none()).await;
        for key in &first.keys {
            let value = get(&servers, key).await.unwrap().unwrap();
            assert_eq!((bid(&value), version(&value).0), (price, epoch));
        }
        watcher.assert_nothing_went_back();
        drop(market);
        tokio::time::sleep(Duration::from_millis(500)).await;
        let registry: Vec<String> = server.ask(&["HKEYS", "tickcache:v1:engines"]).await.unwrap();
        assert_eq!(registry, ["engine-b"]);
        assert_eq!(first.writer.authority(FEED), None, "whoever has left does not come back");
    });
}

#[test]
fn whoever_leaves_alone_leaves_suspect_values() {
    on_one_thread(async {
        let server = RedisServer::start();
        let mut rig = Rig::start(tcp(server.port()), KEYS).connected().await;
        for slot in 0..KEYS {
            rig.push(slot, 5);
        }
        rig.drain().await;
        assert!(rig.writer.leave());
        for slot in 0..KEYS {
            rig.push_suspect(slot);
        }
        let mut redis = server.observe().await;
        until("every value is suspect", async || {
            let values: Vec<Vec<u8>> = redis.mget(&rig.keys).await.unwrap();
            values.iter().all(|value| {
                let Record::Price(record) = decode(Entity::Price, value).unwrap().record else {
                    return false;
                };
                (record.stamp.state, record.stamp.reason) == (State::Suspect, Reason::WriterStopping)
            })
        })
        .await;
        assert_eq!(redis.exists::<_, i64>("tickcache:v1:lease:{binance/0}").await.unwrap(), 0);
    });
}

/// Which engine writes each feed, and with which epoch.
fn shares(engines: &[&Rig]) -> Option<Vec<(usize, u64)>> {
    let held: Vec<Vec<u64>> = engines.iter().map(|rig| rig.epochs()).collect();
    (0..held[0].len())
        .map(|feed| {
            let mut owners = (0..held.len()).filter(|&engine| held[engine][feed] > 0);
            let owner = owners.next()?;
            owners.next().is_none().then_some((owner, held[owner][feed]))
        })
        .collect()
}

/// The same, when nothing has moved for two seconds.
async fn settled_shares(engines: &[&Rig]) -> Vec<(usize, u64)> {
    let (mut last, mut since) = (None, clock::mono());
    until("the feeds stay where they are", async || {
        let now = shares(engines);
        if now.is_none() || now != last {
            (last, since) = (now, clock::mono());
        }
        clock::mono().since(since) > Duration::from_secs(2)
    })
    .await;
    last.unwrap()
}

#[test]
fn an_engine_that_joins_or_is_killed_moves_only_its_share() {
    on_one_thread(async {
        let server = RedisServer::start();
        let engine = |name: &str| {
            Rig::with(tcp(server.port()), 24, |options| {
                options.engine = name.to_owned();
                options.feeds = feeds(8);
            })
            .warm()
        };
        let first = engine("engine-a");
        until("it has all", async || shares(&[&first]).is_some()).await;
        let mut redis = server.observe().await;
        let mut second = engine("engine-b");
        until("it takes its share", async || second.epochs().iter().any(|&epoch| epoch > 0)).await;
        let before = shares(&[&first]);
        assert!(before.is_none(), "what it has the other gave up");
        let two = settled_shares(&[&first, &second]).await;
        let mine = two.iter().filter(|(owner, _)| *owner == 1).count();
        assert!((1..8).contains(&mine), "{two:?}");

        let third = engine("engine-c");
        until("it takes its share", async || third.epochs().iter().any(|&epoch| epoch > 0)).await;
        let three = settled_shares(&[&first, &second, &third]).await;
        for (feed, (before, after)) in two.iter().zip(&three).enumerate() {
            assert!(after.0 == 2 || before == after, "{feed}: {before:?} -> {after:?}");
            assert!(after == before || after.1 > before.1, "{feed}: the epoch went back");
        }
        assert!(three.iter().any(|(owner, _)| *owner == 2), "{three:?}");

        second.kill().await;
        let survivors = [&first, &third];
        until("its share is taken", async || shares(&survivors).is_some()).await;
        for (feed, after) in shares(&survivors).unwrap().into_iter().enumerate() {
            let before = three[feed];
            let stayed = before == ([0, 2][after.0], after.1);
            assert!(before.0 == 1 || stayed, "{feed}: {before:?} -> {after:?}");
        }
        for feed in &first.feeds {
            let key = lease_key(&Namespace::default(), feed);
            assert!(redis.pttl::<_, i64>(&key).await.unwrap() > 0);
        }
    });
}

#[test]
fn an_engine_that_was_paused_longer_than_its_lease_overwrites_nothing() {
    let server = RedisServer::start();
    let (port, (go, told), (done, mut is_done)) = (server.port(), oneshot::channel(), mpsc::channel(4));
    let paused = std::thread::spawn(move || {
        on_one_thread(async move {
            let mut rig = Rig::engine("engine-a", tcp(port), KEYS).connected().await;
            rig.push(0, 1);
            rig.drain().await;
            done.send(rig.epoch().await).await.unwrap();
            told.await.unwrap();
            // What it is to write when it wakes up is built already.
            rig.push(0, 2);
            std::thread::sleep(Duration::from_secs(4));
            for slot in 0..KEYS {
                rig.push(slot, 3);
            }
            until("it stands by", async || rig.writer.authority(FEED).is_none()).await;
            for _ in 0..100 {
                rig.push(0, 4);
                tokio::time::sleep(Duration::from_millis(5)).await;
                assert_eq!(rig.writer.authority(FEED), None, "the other writes");
            }
            done.send(0).await.unwrap();
            until("the other is killed", async || rig.writer.authority(FEED).is_some()).await;
            rig.drain().await;
            done.send(rig.epoch().await).await.unwrap();
        });
    });
    on_one_thread(async {
        let before = is_done.recv().await.unwrap();
        let servers = servers(&server, "eyes");
        let mut rig = Rig::patient("engine-b", Store::Redis(servers.clone()), KEYS).connected().await;
        let watcher = Watcher::start(&servers, &rig.keys).await;
        for slot in 0..KEYS {
            rig.push(slot, 7);
        }
        go.send(()).unwrap();
        let epoch = rig.epoch().await;
        assert!(epoch > before);
        rig.drain().await;
        assert_eq!(is_done.recv().await, Some(0));
        for key in &rig.keys {
            let value = get(&servers, key).await.unwrap().unwrap();
            assert_eq!((bid(&value), version(&value).0), (7, epoch), "{key}");
        }
        rig.kill().await;
        let after = is_done.recv().await.unwrap();
        assert!(after > epoch);
        let value = get(&servers, &rig.keys[0]).await.unwrap().unwrap();
        assert_eq!((bid(&value), version(&value).0), (4, after));
        watcher.has(0, &value).await;
        watcher.assert_nothing_went_back();
    });
    paused.join().unwrap();
}

#[test]
fn a_batch_that_the_network_delivers_after_the_takeover_is_refused() {
    on_one_thread(async {
        let server = RedisServer::start();
        let proxy = Proxy::start(server.port());
        let mut first = Rig::engine("engine-a", tcp(proxy.port()), KEYS).connected().await;
        for slot in 0..KEYS {
            first.push(slot, 1);
        }
        first.drain().await;
        let servers = servers(&server, "eyes");
        let mut second = Rig::patient("engine-b", Store::Redis(servers.clone()), KEYS).connected().await;
        for slot in 0..KEYS {
            second.push(slot, 2);
        }
        let watcher = Watcher::start(&servers, &first.keys).await;
        proxy.hold();
        for slot in 0..KEYS {
            first.push(slot, 3);
        }
        let epoch = second.epoch().await;
        second.drain().await;
        let before: i64 = calls_of_scripts(&server).await;
        proxy.pass();
        until("what was held up arrives", async || first.writer.stats().connected).await;
        until("and is run", async || calls_of_scripts(&server).await > before + 5).await;
        for (index, key) in first.keys.iter().enumerate() {
            let value = get(&servers, key).await.unwrap().unwrap();
            assert_eq!((bid(&value), version(&value).0), (2, epoch), "{key}");
            let seen: Vec<u64> = watcher.of(index).messages.iter().map(|value| bid(value)).collect();
            assert_eq!(seen, [2], "{key}: nobody was told of it");
        }
        watcher.assert_nothing_went_back();
    });
}

async fn calls_of_scripts(server: &RedisServer) -> i64 {
    let stats: String = server.ask(&["INFO", "commandstats"]).await.unwrap();
    let line = stats.lines().find(|line| line.starts_with("cmdstat_evalsha:")).unwrap();
    line.split(['=', ',']).nth(1).unwrap().parse().unwrap()
}
