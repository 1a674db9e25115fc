//! The reader and its commands against a real redis-server: what was written is what a user sees.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should fail there and then")]

#[path = "support/golden.rs"]
mod golden;
#[path = "support/price_store.rs"]
mod price_store;
#[path = "support/redis_server.rs"]
mod redis_server;

use std::time::Duration;

use clap::Parser;
use golden::{check_golden, hex};
use price_store::{Printed, Store, instrument, price};
use redis::Commands as _;
use redis_server::RedisServer;
use serde_json::Value;
use tickcache::app::read::{self, CommandError, GetArgs, ListArgs, WatchArgs};
use tickcache::clock;
use tickcache::codec::key::catalog_key;
use tickcache::domain::{Entity, Reason, State};
use tickcache::reader::{Change, Lookup, ReadError, Recovery, Trust, Venues, Watch};

/// Arguments as typed behind `tickcache get`, `watch` or `list`.
#[derive(Debug, Parser)]
struct Typed<A: clap::Args> {
    #[command(flatten)]
    args: A,
}

fn typed<A: clap::Args>(words: &str) -> A {
    Typed::parse_from(std::iter::once("tickcache").chain(words.split_whitespace())).args
}

async fn get(url: &str, words: &str) -> Result<String, CommandError> {
    let mut out = Vec::new();
    read::get(&typed::<GetArgs>(words), url, &mut out).await?;
    Ok(String::from_utf8(out).unwrap())
}

async fn list(url: &str, words: &str) -> Result<String, CommandError> {
    let mut out = Vec::new();
    read::list(&typed::<ListArgs>(words), url, &mut out).await?;
    Ok(String::from_utf8(out).unwrap())
}

/// The next change that is no mere confirmation.
async fn next(watch: &mut Watch) -> Change {
    tokio::time::timeout(Duration::from_secs(30), watch.next()).await.expect("a change within 30 s")
}

#[tokio::test]
async fn every_golden_value_is_printed_with_all_its_digits() {
    let mut store = Store::new();
    let vectors: Value = serde_json::from_str(include_str!("data/wire-vectors.json")).unwrap();
    let mut seen = 0;
    for vector in vectors["vectors"].as_array().unwrap() {
        let key = vector["key"].as_str().unwrap();
        let mut parts = key.split(':').skip(2);
        let entity = parts.next().unwrap();
        if entity.parse::<Entity>().is_err() {
            continue;
        }
        let instrument = parts.next().unwrap().trim_matches(['{', '}']);
        let venue = parts.next().unwrap();
        store.set(key, &hex(vector["hex"].as_str().unwrap()));
        let printed = get(&store.url(), &format!("{instrument} --venue {venue} --entity {entity} --json"))
            .await
            .unwrap_or_else(|error| panic!("{}: {error}", vector["name"]));
        let object: Value = serde_json::from_str(&printed).unwrap();
        check_golden(entity, vector, &object);
        seen += 1;
    }
    assert!(seen >= 8, "{seen} vectors");
}

#[tokio::test]
async fn get_shows_every_venue_with_its_state_and_age() {
    let mut store = Store::new();
    for venue in ["binance", "kraken", "okx", "bybit"] {
        store.list("BTC-USDT", venue, &[Entity::Price]);
    }
    store.list("BTC-USDT", "deribit", &[Entity::Volume]);
    store.write("binance", (1_795_207_622_296, 12), &price(0));
    store.write("kraken", (7, 1), &price(600));
    let mut gap = price(0);
    (gap.stamp.state, gap.stamp.reason) = (State::Suspect, Reason::SequenceGap);
    (gap.ask, gap.last) = (None, None);
    store.write("okx", (7, 2), &gap);

    let table = get(&store.url(), "BTC-USDT").await.unwrap();
    let lines: Vec<Vec<&str>> = table.lines().map(|line| line.split_whitespace().collect()).collect();
    let starts = |line: usize, expected: &str| {
        let expected: Vec<&str> = expected.split_whitespace().collect();
        assert_eq!(lines[line][..expected.len()], expected, "{table}");
    };
    assert_eq!(lines.len(), 5, "{table}");
    starts(0, "VENUE STATE BID BID SIZE ASK ASK SIZE SPREAD LAST AGE VERSION");
    starts(1, "binance live 61837.63 3.78826 61837.64 1.54698 0.01 61837.63");
    assert_eq!(lines[1].last(), Some(&"1795207622296.12"), "{table}");
    starts(2, "bybit expired: no value within its TTL");
    starts(3, "kraken stale 61837.63 3.78826 61837.64 1.54698 0.01 61837.63 10 min 7.1");
    starts(4, "okx suspect (sequence gap) 61837.63 3.78826 - - - -");

    let one = get(&store.url(), "BTC-USDT --venue kraken --json").await.unwrap();
    let object: Value = serde_json::from_str(&one).unwrap();
    assert_eq!((&object["state"], &object["trust"]), (&"live".into(), &"stale".into()));
    assert_eq!((&object["bid"], &object["venue_sequence"]), (&"61837.63".into(), &50_093_239_212_u64.into()));
}

#[tokio::test]
async fn nothing_there_says_why_and_ends_with_1() {
    let mut store = Store::new();
    let url = store.url();
    let error = list(&url, "").await.unwrap_err();
    assert!(error.to_string().contains("is empty"), "{error}");

    store.list("BTC-USDT", "binance", &[Entity::Price]);
    let error = get(&url, "ETH-USDT").await.unwrap_err();
    assert!(error.to_string().starts_with("price of ETH-USDT: not in the catalog of tickcache"), "{error}");
    let error = get(&url, "BTC-USDT --entity volume").await.unwrap_err();
    assert!(matches!(error, CommandError::NotInCatalog { .. }), "{error}");
    let error = get(&url, "BTC-USDT").await.unwrap_err();
    assert!(error.to_string().contains("expired") && error.to_string().contains("binance/0"), "{error}");
    assert_eq!(error.exit_code(), 1);
    let error = get(&url, "BTC-USDT --namespace test:tickcache").await.unwrap_err();
    assert!(matches!(error, CommandError::NotInCatalog { .. }), "{error}");
}

#[tokio::test]
async fn expired_and_foreign_values_are_missing_and_foreign_ones_are_counted() {
    let mut store = Store::new();
    let reader = store.reader().await;
    let venue = "binance".parse().unwrap();
    let key = store.key("binance");

    store.write("binance", (1, 1), &price(0));
    let _: () = store.connection.pexpire(&key, 1).unwrap();
    while store.connection.exists::<_, bool>(&key).unwrap() {}
    let lookup = reader.get(Entity::Price, &instrument(), &venue).await.unwrap();
    assert!(matches!(lookup, Lookup::Absent), "{lookup:?}");

    for (count, bytes) in [(1, &b"61837.63"[..]), (2, b"\x95\x02\xcf"), (3, b""), (4, b"\x95\x01")] {
        store.set(&key, bytes);
        let lookup = reader.get(Entity::Price, &instrument(), &venue).await.unwrap();
        assert!(matches!(lookup, Lookup::Unreadable(_)), "{bytes:?}: {lookup:?}");
        assert_eq!(reader.unreadable(), count);
    }
    let error = get(&store.url(), "BTC-USDT --venue binance").await.unwrap_err();
    assert!(error.to_string().contains("BTC-USDT at binance: not readable"), "{error}");

    let _: () = store.connection.del(&key).unwrap();
    let _: () = store.connection.hset(&key, "a", "hash").unwrap();
    let lookup = reader.get(Entity::Price, &instrument(), &venue).await.unwrap();
    assert!(matches!(lookup, Lookup::Absent), "MGET says nil for what is no string: {lookup:?}");
}

#[tokio::test]
async fn list_prints_the_catalog_in_order_and_leaves_out_what_is_not_ours() {
    let mut store = Store::new();
    store.list("ETH-USDT", "binance", &[Entity::Price]);
    store.list("BTC-USDT", "okx", &Entity::ALL);
    let _: () = store.connection.hset(catalog_key(&store.namespace), "no field", "of ours").unwrap();
    let expected = "\
INSTRUMENT  VENUE    FEED       ENTITIES
BTC-USDT    okx      okx/0      price liquidity volume
ETH-USDT    binance  binance/0  price
";
    assert_eq!(list(&store.url(), "").await.unwrap(), expected);
    let json = list(&store.url(), "--json").await.unwrap();
    assert_eq!(
        json.lines().next().unwrap(),
        r#"{"instrument":"BTC-USDT","venue":"okx","feed":"okx/0","entities":["price","liquidity","volume"]}"#
    );
}

#[tokio::test]
async fn a_catalog_larger_than_one_page_is_read_whole() {
    let mut store = Store::new();
    let names: Vec<String> = (0..3_000).map(|number| format!("A{number}-USDT")).collect();
    for name in &names {
        store.list(name, "binance", &[Entity::Price]);
    }
    store.list("A1-USDT", "okx", &[Entity::Price]);
    let reader = store.reader().await;
    assert_eq!(reader.catalog().await.unwrap().len(), names.len() + 1);
    let lines = reader.venues_of(&"A1-USDT".parse().unwrap()).await.unwrap();
    let venues: Vec<&str> = lines.iter().map(|line| line.venue.as_str()).collect();
    assert_eq!(venues, ["binance", "okx"]);
}

#[tokio::test]
async fn a_follower_never_sees_an_older_version_after_a_newer_one() {
    let mut store = Store::new();
    let mut watch = store.reader().await.watch(
        Entity::Price,
        instrument(),
        Venues::Only(vec!["binance".parse().unwrap()]),
    );
    store.write("binance", (7, 5), &price(0));
    let Change::Value(view, Trust::Live) = next(&mut watch).await else { panic!("the first value") };
    assert_eq!(view.version.to_string(), "7.5");

    let mut other = price(0);
    other.bid = None;
    store.write("binance", (7, 4), &other);
    for _ in 0..300 {
        let _ = tokio::time::timeout(Duration::from_millis(100), watch.next()).await;
        if watch.refused() > 0 {
            break;
        }
    }
    assert!(watch.refused() > 0, "the older version was never met");
    store.write("binance", (6, 900), &other);
    store.write("binance", (8, 1), &other);
    loop {
        match next(&mut watch).await {
            Change::Value(view, _) => break assert_eq!(view.version.to_string(), "8.1"),
            Change::Aged(view, _) => assert_eq!(view.version.to_string(), "7.5"),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_follower_learns_of_new_venues_of_the_end_of_values_and_of_the_loss_of_redis() {
    let mut store = Store::new();
    let mut watch = store.reader().await.watch(Entity::Price, instrument(), Venues::All);
    store.list("BTC-USDT", "binance", &[Entity::Price]);
    store.write("binance", (1, 1), &price(0));
    assert!(matches!(next(&mut watch).await, Change::Value(..)));

    store.list("BTC-USDT", "okx", &[Entity::Price]);
    store.write("okx", (1, 1), &price(3_600));
    let change = loop {
        match next(&mut watch).await {
            Change::Aged(view, Trust::Stale) => assert_eq!(view.key.venue.as_str(), "binance"),
            change => break change,
        }
    };
    let Change::Value(view, Trust::Stale) = change else { panic!("{change:?}") };
    assert_eq!(view.key.venue.as_str(), "okx");

    let _: () = store.connection.del(store.key("okx")).unwrap();
    let mut seen = String::new();
    store.server.kill();
    while !seen.ends_with("restored ") {
        match next(&mut watch).await {
            Change::Gone(key) => seen.push_str(&format!("gone {} ", key.venue)),
            Change::Lost(error) => {
                assert_eq!(error.recovery(), Recovery::Reconnect, "{error}");
                seen.push_str("lost ");
                store.server.restart();
                store.connection = store.server.connection();
            }
            Change::Restored => seen.push_str("restored "),
            Change::Aged(..) => {}
            change => panic!("{change:?}"),
        }
    }
    assert!(seen.contains("lost restored "), "{seen}");
    store.write("binance", (1, 2), &price(0));
    loop {
        match next(&mut watch).await {
            Change::Value(view, Trust::Live) => break assert_eq!(view.version.to_string(), "1.2"),
            Change::Gone(_) | Change::Aged(..) => {}
            change => panic!("{change:?}"),
        }
    }
}

#[tokio::test]
async fn watch_prints_a_line_a_change_and_none_for_confirmations() {
    for (words, marks) in [
        ("BTC-USDT --json --seconds 60", ["\"sequence\":1,", "\"sequence\":2,", "\"sequence\":3,"]),
        ("BTC-USDT --venue binance --seconds 60", ["v1.1", "v1.2", "v1.3"]),
    ] {
        let mut store = Store::new();
        store.list("BTC-USDT", "binance", &[Entity::Price]);
        let mut record = price(0);
        store.write("binance", (1, 1), &record);
        let (url, printed, args) = (store.url(), Printed::default(), typed::<WatchArgs>(words));
        let mut out = printed.clone();
        let driving = async {
            printed.until(marks[0]).await;
            record.stamp.confirmed_time = clock::wall().received().confirmed();
            store.write("binance", (1, 2), &record);
            // Long enough for some looks, so that a wrongly printed line would be there; right ones do not depend on it.
            tokio::time::sleep(Duration::from_millis(300)).await;
            record.bid = None;
            record.stamp.confirmed_time = clock::wall().received().confirmed();
            store.write("binance", (1, 3), &record);
            printed.until(marks[2]).await;
        };
        tokio::select! {
            ended = read::watch(&args, &url, &mut out) => panic!("{ended:?}"),
            () = driving => {}
        }
        let text = printed.text();
        assert!(!text.lines().any(|line| line.contains(marks[1]) && !line.contains("stale")), "{text}");
    }
}

#[tokio::test]
async fn watch_ends_well_after_its_seconds() {
    let store = Store::new();
    let mut out = Vec::new();
    read::watch(&typed::<WatchArgs>("BTC-USDT --seconds 1"), &store.url(), &mut out).await.unwrap();
    assert_eq!(out, b"");
}

#[tokio::test]
async fn a_connection_that_died_while_idle_is_replaced_without_an_error() {
    let mut store = Store::new();
    let reader = store.reader().await;
    store.server.restart();
    store.connection = store.server.connection();
    store.write("binance", (1, 1), &price(0));
    let lookup = reader.get(Entity::Price, &instrument(), &"binance".parse().unwrap()).await.unwrap();
    assert!(matches!(lookup, Lookup::Found(_)), "{lookup:?}");
}

#[tokio::test]
async fn a_wrong_password_is_named_and_never_shown() {
    let server = RedisServer::start_with(&["--requirepass", "right-secret"]);
    for (login, password) in [(":wrong-secret@", "wrong-secret"), ("", "right-secret")] {
        let url = format!("redis://{login}127.0.0.1:{}", server.port());
        let error = get(&url, "BTC-USDT").await.unwrap_err();
        let text = format!("{error} {error:?}");
        assert!(matches!(error, CommandError::Read(ReadError::Login { .. })), "{error}");
        assert!(!text.contains(password) && text.contains("127.0.0.1"), "{text}");
        assert_eq!(error.exit_code(), 1);
    }
    let url = format!("redis://:right-secret@127.0.0.1:{}", server.port());
    assert!(matches!(get(&url, "BTC-USDT").await, Err(CommandError::NotInCatalog { .. })));
}

#[tokio::test]
async fn an_unreachable_or_mute_redis_is_an_error_within_the_time_allowed() {
    let refused = format!("redis://bot:secret@127.0.0.1:{}", redis_server::free_port());
    let error = get(&refused, "BTC-USDT").await.unwrap_err();
    assert!(error.to_string().contains("cannot be reached"), "{error}");
    assert!(!format!("{error} {error:?}").contains("secret"), "{error}");

    let mute = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("redis://127.0.0.1:{}", mute.local_addr().unwrap().port());
    let error = get(&url, "BTC-USDT").await.unwrap_err();
    assert!(
        matches!(&error, CommandError::Read(error) if error.recovery() == Recovery::Reconnect),
        "{error}"
    );
}

#[tokio::test]
async fn a_hung_redis_costs_one_response_timeout_and_the_connection() {
    let mut store = Store::new();
    store.write("binance", (1, 1), &price(0));
    let reader = store.reader().await;
    let venue = "binance".parse().unwrap();
    // Accepted, and then not answered: what a stopped server or a silent proxy looks like.
    let _: () = redis::cmd("CLIENT").arg("PAUSE").arg(1_500).arg("ALL").query(&mut store.connection).unwrap();
    let error = reader.get(Entity::Price, &instrument(), &venue).await.unwrap_err();
    assert!(matches!(error, ReadError::Timeout { command: "MGET", timeout_ms: 500, .. }), "{error}");
    let lookup = loop {
        match reader.get(Entity::Price, &instrument(), &venue).await {
            Ok(lookup) => break lookup,
            Err(error) => assert_eq!(error.recovery(), Recovery::Reconnect, "{error}"),
        }
    };
    assert!(matches!(lookup, Lookup::Found(_)), "{lookup:?}");
}
