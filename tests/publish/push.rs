//! Who is told of what: values on update channels, heartbeats, events.

use redis::AsyncCommands;
use tickcache::codec::key::{compare_key, event_channel, feed_channel};
use tickcache::codec::{decode_event, decode_feed};
use tickcache::domain::{EventDetail, Namespace, Reason, State};
use tickcache::publish::{FeedHealth, RedisAddress, Servers, Store};

use crate::redis_server::RedisServer;
use crate::rig::{FEED, Rig, bid, local, on_one_thread, tcp, until, version};
use crate::watcher::{Watcher, listen, next_message};

fn servers(server: &RedisServer) -> Servers {
    Servers::at(RedisAddress::open(local(server.port())), "tickcache-test")
}

/// A value as another engine of this epoch would have written it.
fn of_epoch(value: &[u8], epoch: u64) -> Vec<u8> {
    let mut value = value.to_vec();
    value[3..11].copy_from_slice(&epoch.to_be_bytes());
    value
}

#[test]
fn each_accepted_value_is_pushed_byte_for_byte_and_a_refused_one_is_not() {
    on_one_thread(async {
        let server = RedisServer::start();
        let servers = servers(&server);
        let mut rig = Rig::start(Store::Redis(servers.clone()), 2).connected().await;
        let watcher = Watcher::start(&servers, &rig.keys).await;
        let mut redis = server.observe().await;
        let mut written: Vec<Vec<u8>> = Vec::new();
        rig.epoch().await;
        for price in 1..=20 {
            rig.push(0, price);
            rig.drain().await;
            written.push(redis.get(&rig.keys[0]).await.unwrap());
        }
        until("all are told", async || watcher.of(0).messages.len() == 20).await;
        assert_eq!(watcher.of(0).messages, written);
        assert!(watcher.of(1).messages.is_empty());

        let theirs = of_epoch(written.last().unwrap(), rig.epoch().await + 1_000_000);
        let _: () = redis.set(&rig.keys[0], &theirs).await.unwrap();
        rig.push(0, 21);
        rig.drain().await;
        let after: Vec<u8> = redis.get(&rig.keys[0]).await.unwrap();
        assert_eq!(bid(&after), 21);
        assert!(version(&after).0 > version(&theirs).0);
        until("it is told", async || watcher.of(0).messages.last() == Some(&after)).await;
        let epochs: Vec<u64> = watcher.of(0).messages[20..].iter().map(|value| version(value).0).collect();
        assert!(epochs.iter().all(|&epoch| epoch > version(&theirs).0), "{epochs:?}");
        watcher.assert_no_message_went_back();
    });
}

#[test]
fn heartbeats_tell_who_writes_a_feed_and_how_it_is() {
    on_one_thread(async {
        let server = RedisServer::start();
        let rig = Rig::start(tcp(server.port()), 1).connected().await;
        let epoch = rig.epoch().await;
        let channel = feed_channel(&Namespace::default(), &rig.feeds[0]);
        let (_connection, mut pushes) = listen(server.port(), &channel).await;
        let mut times = Vec::new();
        for _ in 0..6 {
            let beat = decode_feed(&next_message(&mut pushes).await).unwrap();
            assert_eq!((beat.feed.to_string().as_str(), beat.engine.as_str()), ("binance/0", "engine-a"));
            assert_eq!(
                (beat.epoch.get(), beat.state, beat.reason),
                (epoch, State::Suspect, Reason::Connecting)
            );
            // One machine, one clock.
            assert!(beat.clock_offset.abs() < 60_000_000_000, "{}", beat.clock_offset);
            times.push(beat.time.nanos());
        }
        let gaps: Vec<i64> = times.windows(2).map(|pair| (pair[1] - pair[0]) / 1_000_000).collect();
        assert!(gaps.iter().all(|gap| *gap >= 200), "{gaps:?}");
        rig.writer.set_health(FEED, FeedHealth { state: State::Live, reason: Reason::None, warm: true });
        until("the change is told", async || {
            let beat = decode_feed(&next_message(&mut pushes).await).unwrap();
            (beat.state, beat.reason) == (State::Live, Reason::None)
        })
        .await;
    });
}

fn happened(who: &str) -> EventDetail {
    EventDetail::Invalidated { who: who.into(), why: "filled".into() }
}

#[test]
fn an_event_comes_after_its_value_is_there_and_takes_what_was_derived_away() {
    on_one_thread(async {
        let server = RedisServer::start();
        let mut writer = Rig::start(tcp(server.port()), 1).connected().await;
        writer.epoch().await;
        let mut standby = Rig::engine("engine-b", tcp(server.port()), 1).connected().await;
        let mut redis = server.observe().await;
        let instrument = "C0-USDT".parse().unwrap();
        let compare = compare_key(&Namespace::default(), &instrument);
        let (_connection, mut pushes) =
            listen(server.port(), &event_channel(&Namespace::default(), &instrument)).await;
        for price in 1..=50 {
            let _: () = redis.set(&compare, "derived").await.unwrap();
            writer.push(0, 0);
            standby.push_event(0, price, happened("standby"));
            writer.push_event(0, price, happened(&price.to_string()));
            let event = decode_event(&next_message(&mut pushes).await).unwrap();
            let value: Vec<u8> = redis.get(&writer.keys[0]).await.unwrap();
            assert_eq!(event.detail, happened(&price.to_string()));
            assert!(version(&value) >= (event.version.epoch.get(), event.version.sequence.get()));
            assert!(!redis.exists::<_, bool>(&compare).await.unwrap(), "what was derived is gone");
        }
    });
}

#[test]
fn an_event_whose_value_was_refused_is_not_told() {
    on_one_thread(async {
        let server = RedisServer::start();
        let mut rig = Rig::start(tcp(server.port()), 1).connected().await;
        rig.push(0, 1);
        rig.drain().await;
        let mut redis = server.observe().await;
        let value: Vec<u8> = redis.get(&rig.keys[0]).await.unwrap();
        let instrument = "C0-USDT".parse().unwrap();
        let (_connection, mut pushes) =
            listen(server.port(), &event_channel(&Namespace::default(), &instrument)).await;
        let theirs = of_epoch(&value, rig.epoch().await + 1_000_000);
        let _: () = redis.set(&rig.keys[0], &theirs).await.unwrap();
        rig.push_event(0, 2, happened("refused"));
        rig.drain().await;
        rig.push_event(0, 3, happened("accepted"));
        let event = decode_event(&next_message(&mut pushes).await).unwrap();
        assert_eq!(event.detail, happened("accepted"));
        assert!(event.version.epoch.get() > version(&theirs).0);
    });
}
