//! The reader when it is pushed to, against a real redis-server and a writer made by hand.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should fail there and then")]
#![allow(clippy::print_stdout, reason = "a test that measures says what it measured")]

#[path = "support/price_store.rs"]
mod price_store;
#[path = "support/redis_server.rs"]
mod redis_server;

use std::time::Duration;

use clap::Parser;
use price_store::{Printed, Store, encoded, instrument, price};
use redis::Commands as _;
use tickcache::app::read::{self, WatchArgs};
use tickcache::clock;
use tickcache::domain::{Entity, EventDetail, PriceRecord, Reason, Scale, State};
use tickcache::reader::{Change, Options, Push, Reader, Venues, Watch};

/// How long what takes a second may take on a machine that has other things to do; nothing waits so long.
const GENEROUS: Duration = Duration::from_secs(20);

/// After which a feed without heartbeats counts as silent.
const SILENCE: Duration = Duration::from_secs(1);

/// Looks so seldom that whatever is reported was pushed.
fn blind() -> Options {
    let never = Duration::from_secs(600);
    Options { poll_interval: never, safety_interval: never, ..Options::default() }
}

/// Pushed to as usual, with looks of its own choice.
fn following(store: &Store, options: Options) -> Watch {
    let reader = Reader::lazy(&store.url(), store.namespace.clone(), options).unwrap();
    reader.watch(Entity::Price, instrument(), Venues::Only(vec!["binance".parse().unwrap()]))
}

async fn next(watch: &mut Watch) -> Change {
    tokio::time::timeout(Duration::from_secs(30), watch.next()).await.expect("a change within 30 s")
}

/// The next value's version; nothing but the kinds that `passed` names may come before it.
async fn next_version(watch: &mut Watch) -> String {
    loop {
        match next(watch).await {
            Change::Value(view, _) | Change::Confirmed(view, _) => break view.version.to_string(),
            Change::Aged(..) | Change::Lost(_) | Change::Restored | Change::Silent(_) | Change::Heard(_) => {}
            change => panic!("{change:?}"),
        }
    }
}

/// Lets the watch run until it is subscribed, which it shows by a value that nobody else could have brought.
async fn subscribed(store: &mut Store, watch: &mut Watch) -> u64 {
    store.write("binance", (1, 1), &price(0));
    assert_eq!(next_version(watch).await, "1.1");
    for sequence in 2.. {
        store.push("binance", (1, sequence), &price(0));
        let pushed = tokio::time::timeout(Duration::from_millis(100), next_version(watch)).await;
        if pushed.is_ok() && watch.is_pushed() {
            return sequence;
        }
    }
    unreachable!("the loop has no end")
}

#[tokio::test]
async fn a_value_is_reported_when_it_is_pushed_and_not_when_somebody_looks() {
    let mut store = Store::new();
    store.declare("publish");
    let mut watch = following(&store, blind());
    let last = subscribed(&mut store, &mut watch).await;
    let mut micros: Vec<u128> = Vec::new();
    for sequence in last + 1..last + 200 {
        let start = clock::mono();
        assert_eq!(store.push("binance", (1, sequence), &price(0)), 1);
        assert_eq!(next_version(&mut watch).await, format!("1.{sequence}"));
        micros.push(clock::mono().since(start).as_micros());
    }
    micros.sort_unstable();
    println!("SET, PUBLISH and the report: p50 {} us, p99 {} us", micros[100], micros[197]);
    assert!(micros[100] < 20_000, "{micros:?}");
}

#[tokio::test]
async fn a_push_never_takes_a_value_back() {
    let mut store = Store::new();
    store.declare("publish");
    let mut watch = following(&store, blind());
    let last = subscribed(&mut store, &mut watch).await;
    store.push("binance", (7, 5), &price(0));
    assert_eq!(next_version(&mut watch).await, "7.5");
    for older in [(7, 4), (6, 900), (1, last)] {
        store.publish_value("binance", &encoded(older, &price(0)));
    }
    store.push("binance", (7, 6), &price(0));
    assert_eq!(next_version(&mut watch).await, "7.6");
    assert!(watch.refused() + watch.conflated() >= 3, "{} {}", watch.refused(), watch.conflated());
}

#[tokio::test]
async fn a_push_that_was_lost_is_made_good_within_the_safety_interval() {
    let mut store = Store::new();
    store.declare("publish");
    let mut watch = following(&store, Options::default());
    let last = subscribed(&mut store, &mut watch).await;
    let start = clock::mono();
    store.write("binance", (1, last + 1), &price(0));
    assert_eq!(next_version(&mut watch).await, format!("1.{}", last + 1));
    let took = clock::mono().since(start);
    println!("a lost push was made good after {took:?}");
    assert!(took < GENEROUS, "{took:?}");
    assert!(!watch.is_pushed(), "looks are frequent until a push comes");

    store.push("binance", (1, last + 2), &price(0));
    assert_eq!(next_version(&mut watch).await, format!("1.{}", last + 2));
    let _: () = store.connection.del(store.key("binance")).unwrap();
    let start = clock::mono();
    loop {
        match next(&mut watch).await {
            Change::Gone(key) => break assert_eq!(key.venue.as_str(), "binance"),
            Change::Aged(..) => {}
            change => panic!("{change:?}"),
        }
    }
    assert!(clock::mono().since(start) < GENEROUS, "DEL is seen by the look");
}

#[tokio::test]
async fn channels_that_a_user_may_not_follow_cost_nobody_the_others() {
    let mut store = Store::new();
    store.declare("publish");
    store.list("BTC-USDT", "binance", &[Entity::Price]);
    let channels = "&tickcache:v1:update:*";
    for (channels, pushed) in [(channels, true), ("&tickcache:v1:none", false)] {
        let rules =
            ["reset", "on", ">secret", "~tickcache:v1:*", channels, "+@read", "+@connection", "+subscribe"];
        let mut allow = redis::cmd("ACL");
        let _: () = allow.arg("SETUSER").arg("reader").arg(&rules).query(&mut store.connection).unwrap();
        let url = format!("redis://reader:secret@127.0.0.1:{}", store.server.port());
        let reader = Reader::connect(&url, store.namespace.clone()).await.unwrap();
        let mut watch = reader.watch(Entity::Price, instrument(), Venues::All).with_events();
        let (epoch, start) = (if pushed { 1 } else { 2 }, clock::mono());
        for sequence in 1.. {
            store.push("binance", (epoch, sequence), &price(0));
            assert_eq!(next_version(&mut watch).await, format!("{epoch}.{sequence}"));
            let took = clock::mono().since(start);
            if took > GENEROUS || (took > Duration::from_millis(1_500) && watch.is_pushed() == pushed) {
                break;
            }
        }
        assert_eq!(watch.is_pushed(), pushed);
    }
}

#[tokio::test]
async fn while_pushes_come_looks_are_seldom() {
    let mut store = Store::new();
    store.declare("publish");
    let mut watch = following(&store, Options::default());
    let mut sequence = subscribed(&mut store, &mut watch).await;
    let looks = |store: &mut Store| -> u64 {
        let told: String = redis::cmd("INFO").arg("commandstats").query(&mut store.connection).unwrap();
        let line = told.lines().find_map(|line| line.strip_prefix("cmdstat_mget:calls="));
        line.and_then(|line| line.split(',').next()).map_or(0, |calls| calls.parse().unwrap())
    };
    let (before, start) = (looks(&mut store), clock::mono());
    let (mut looked, mut took) = (0, Duration::ZERO);
    while looked < 2 || took < Duration::from_secs(3) {
        sequence += 1;
        store.push("binance", (1, sequence), &price(0));
        assert_eq!(next_version(&mut watch).await, format!("1.{sequence}"));
        tokio::time::sleep(Duration::from_millis(10)).await;
        (looked, took) = (looks(&mut store) - before, clock::mono().since(start));
        assert!(took < GENEROUS, "{looked} looks in {took:?}");
    }
    assert!(looked <= 2 * took.as_secs() + 2, "{looked} looks in {took:?}");
}

#[tokio::test]
async fn without_push_values_are_polled() {
    for (transport, push) in [(None, Push::On), (Some("pigeons"), Push::On), (Some("publish"), Push::Off)] {
        let mut store = Store::new();
        if let Some(transport) = transport {
            store.declare(transport);
        }
        let mut watch = following(&store, Options { push, ..Options::default() });
        for sequence in 1..6 {
            assert_eq!(store.push("binance", (1, sequence), &price(0)), 0, "nobody has subscribed");
            assert_eq!(next_version(&mut watch).await, format!("1.{sequence}"));
        }
        assert!(!watch.is_pushed());
    }
}

#[tokio::test]
async fn after_a_disconnection_everything_is_read_anew_and_pushed_again() {
    let mut store = Store::new();
    store.declare("publish");
    let mut watch = following(&store, blind());
    let last = subscribed(&mut store, &mut watch).await;
    for round in 1..4 {
        // The value changes while nobody is subscribed: only the reading after the resubscription can find it.
        let mut transaction = redis::pipe();
        transaction.atomic().cmd("CLIENT").arg("KILL").arg("TYPE").arg("pubsub").ignore();
        transaction.set(store.key("binance"), encoded((1, last + 10 * round), &price(0))).ignore();
        let start = clock::mono();
        let _: () = transaction.query(&mut store.connection).unwrap();
        assert_eq!(next_version(&mut watch).await, format!("1.{}", last + 10 * round));
        println!("round {round}: read anew after {:?}", clock::mono().since(start));
        let again = last + 10 * round + 1;
        while store.push("binance", (1, again), &price(0)) == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        assert_eq!(next_version(&mut watch).await, format!("1.{again}"));
    }
}

#[tokio::test]
async fn a_server_that_hangs_is_noticed_within_a_second() {
    let mut store = Store::new();
    store.declare("publish");
    let mut watch = following(&store, Options::default());
    let last = subscribed(&mut store, &mut watch).await;
    let start = clock::mono();
    store.server.stop();
    loop {
        match next(&mut watch).await {
            Change::Lost(error) => break println!("{error}"),
            Change::Value(..) | Change::Confirmed(..) | Change::Aged(..) => {}
            change => panic!("{change:?}"),
        }
    }
    let took = clock::mono().since(start);
    println!("a hung server was reported after {took:?}");
    assert!(took < GENEROUS, "{took:?}");
    store.server.cont();
    store.push("binance", (1, last + 1), &price(0));
    assert_eq!(next_version(&mut watch).await, format!("1.{}", last + 1));
    while !watch.is_pushed() {
        let _ = tokio::time::timeout(Duration::from_millis(20), watch.next()).await;
    }
}

#[tokio::test]
async fn a_slow_follower_gets_the_newest_value_and_the_count_of_the_others() {
    let mut store = Store::new();
    store.declare("publish");
    let mut watch = following(&store, blind());
    let last = subscribed(&mut store, &mut watch).await;
    let before = watch.conflated();
    for sequence in last + 1..=last + 500 {
        store.push("binance", (1, sequence), &price(0));
    }
    let newest = format!("1.{}", last + 500);
    let mut seen = 0;
    while next_version(&mut watch).await != newest {
        seen += 1;
    }
    assert_eq!(watch.conflated() - before + seen + 1, 500);
}

#[tokio::test]
async fn a_feed_whose_heartbeats_end_is_reported_and_looked_at_often() {
    let mut store = Store::new();
    store.declare("publish");
    store.list("BTC-USDT", "binance", &[Entity::Price]);
    let mut watch = following(&store, Options::default());
    subscribed(&mut store, &mut watch).await;
    let (mut beats, mut start) = (0, clock::mono());
    let start = loop {
        let before = start;
        store.heartbeat("binance");
        beats += 1;
        start = clock::mono();
        let silent =
            tokio::time::timeout(Duration::from_millis(if beats < 30 { 100 } else { 5_000 }), async {
                loop {
                    if let Change::Silent(feed) = watch.next().await {
                        break assert_eq!(feed.to_string(), "binance/0");
                    }
                }
            });
        if silent.await.is_ok() {
            if beats >= 30 {
                break start;
            }
            // A machine that stands still between two heartbeats makes a silence of its own.
            assert!(clock::mono().since(before) >= SILENCE, "it was said while heartbeats came");
            beats = 0;
        }
    };
    println!("silence was reported after {:?}", clock::mono().since(start));
    assert!(!watch.is_pushed());
    store.heartbeat("binance");
    loop {
        match next(&mut watch).await {
            Change::Heard(feed) => break assert_eq!(feed.to_string(), "binance/0"),
            Change::Aged(..) => {}
            change => panic!("{change:?}"),
        }
    }
}

fn moved() -> EventDetail {
    let scale = Scale::new(2).unwrap();
    let price = |mantissa| tickcache::domain::Price(mantissa);
    EventDetail::PriceMove { price_scale: scale, reference: price(6_183_763), price: price(6_300_000) }
}

#[tokio::test]
async fn events_come_after_the_value_that_they_speak_of_and_only_where_they_are_asked_for() {
    let mut store = Store::new();
    store.declare("publish");
    let mut plain = following(&store, blind());
    let mut watch = following(&store, blind()).with_events();
    subscribed(&mut store, &mut watch).await;
    subscribed(&mut store, &mut plain).await;
    store.push("binance", (3, 1), &price(0));
    store.event("okx", (3, 1), moved());
    store.event("binance", (3, 1), moved());
    let mut seen = String::new();
    loop {
        match next(&mut watch).await {
            Change::Value(view, _) | Change::Confirmed(view, _) => seen = view.version.to_string(),
            Change::Event(event) => {
                assert_eq!((event.venue.as_str(), event.version.to_string()), ("binance", "3.1".to_owned()));
                assert_eq!((event.detail, seen.as_str()), (moved(), "3.1"));
                break;
            }
            change => panic!("{change:?}"),
        }
    }
    store.push("binance", (3, 2), &price(0));
    // An event among these would be a panic.
    while next_version(&mut plain).await != "3.2" {}
}

/// Arguments as typed behind `tickcache watch`.
#[derive(Debug, Parser)]
struct Typed {
    #[command(flatten)]
    args: WatchArgs,
}

#[tokio::test]
async fn watch_prints_events_when_it_is_told_to() {
    for (words, mark) in [
        ("BTC-USDT --events --seconds 60", "BTC-USDT binance  price_move  price  61837.63 -> 63000.00  v1.1"),
        (
            "BTC-USDT --venue binance --events --json --seconds 60",
            r#""reference":"61837.63","price":"63000.00"}"#,
        ),
    ] {
        let mut store = Store::new();
        store.declare("publish");
        store.list("BTC-USDT", "binance", &[Entity::Price]);
        let mut record: PriceRecord = price(0);
        store.write("binance", (1, 1), &record);
        let words = std::iter::once("tickcache").chain(words.split_whitespace());
        let (url, printed, args) = (store.url(), Printed::default(), Typed::parse_from(words).args);
        let mut out = printed.clone();
        let driving = async {
            while !printed.text().contains(mark) {
                store.event("binance", (1, 1), moved());
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            (record.stamp.state, record.stamp.reason) = (State::Suspect, Reason::Silent);
            store.push("binance", (1, 2), &record);
            printed.until("silent").await;
        };
        tokio::select! {
            ended = read::watch(&args, &url, &mut out) => panic!("{ended:?}"),
            driven = tokio::time::timeout(Duration::from_secs(30), driving) => driven.expect("printed within 30 s"),
        }
        assert!(printed.text().contains(mark), "{}", printed.text());
    }
}
