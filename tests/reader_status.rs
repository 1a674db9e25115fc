//! `status` and `invalidate` against a real redis-server, with engines made by hand.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should fail there and then")]

#[path = "support/price_store.rs"]
mod price_store;
#[path = "support/redis_server.rs"]
mod redis_server;

use std::time::Duration;

use clap::Parser;
use price_store::{Store, event};
use redis::Commands as _;
use redis_server::RedisServer;
use serde_json::Value;
use tickcache::app::read::{self, CommandError, InvalidateArgs, StatusArgs};
use tickcache::clock;
use tickcache::codec::key::{command_channel, engines_key, event_channel, lease_key};
use tickcache::codec::{
    Breakers, Command, FeedRole, decode_command, encode_engine, encode_event, encode_lease,
};
use tickcache::domain::{Entity, Epoch, EventDetail, Feed};

/// Arguments as typed behind `tickcache status` or `invalidate`.
#[derive(Debug, Parser)]
struct Typed<A: clap::Args> {
    #[command(flatten)]
    args: A,
}

fn typed<A: clap::Args>(words: &[&str]) -> A {
    Typed::parse_from(["tickcache"].iter().chain(words)).args
}

/// What was printed, and how it ended.
async fn status(url: &str, words: &[&str]) -> (String, Result<(), CommandError>) {
    let mut out = Vec::new();
    let ended = read::status(&typed::<StatusArgs>(words), url, &mut out).await;
    (String::from_utf8(out).unwrap(), ended)
}

fn feed(venue: &str) -> Feed {
    Feed { venue: venue.parse().unwrap(), partition: 0 }
}

fn wall_ms() -> u64 {
    u64::try_from(clock::wall().nanos() / 1_000_000).unwrap()
}

fn register(store: &mut Store, id: &str, started_ms: u64, roles: &[(&str, FeedRole)]) {
    let mut value = format!("{} ", wall_ms()).into_bytes();
    let roles: Vec<(Feed, FeedRole)> = roles.iter().map(|(venue, role)| (feed(venue), *role)).collect();
    encode_engine(started_ms, "0.1.0", &roles, Breakers { closed: 1, servers: 1 }, &mut value);
    let _: () = store.connection.hset(engines_key(&store.namespace), id, value).unwrap();
}

fn lease(store: &mut Store, venue: &str, engine: &str, epoch: u64) {
    let mut value = Vec::new();
    encode_lease(engine, Epoch::new(epoch).unwrap(), &mut value);
    let _: () = store.connection.pset_ex(lease_key(&store.namespace, &feed(venue)), value, 60_000).unwrap();
}

#[tokio::test]
async fn status_shows_who_writes_what_and_what_nobody_writes() {
    let mut store = Store::new();
    store.declare("publish");
    store.list("BTC-USDT", "binance", &[Entity::Price]);
    store.list("BTC-USDT", "okx", &[Entity::Price]);
    let started = wall_ms() - 7_200_000;
    register(&mut store, "host-1-ab12", started, &[("binance", FeedRole::Owner), ("okx", FeedRole::Ready)]);
    register(&mut store, "host-2-cd34", started, &[("binance", FeedRole::Warming)]);
    let _: () = store.connection.hset(engines_key(&store.namespace), "odd", "no engine").unwrap();
    lease(&mut store, "binance", "host-1-ab12.0123ab", wall_ms() - 300_000);

    let beating = async {
        let mut other = Store { connection: store.server.connection(), ..Store::new() };
        loop {
            other.heartbeat("binance");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let url = store.url();
    let asking = async { (status(&url, &[]).await, status(&url, &["--json"]).await) };
    let ((text, ended), (json, _)) = tokio::select! {
        both = asking => both,
        () = beating => unreachable!("it beats for ever"),
    };
    let error = ended.unwrap_err();
    assert_eq!((error.exit_code(), error.to_string().starts_with("no writer: okx/0;")), (1, true), "{error}");
    let line = |start: &str| {
        let line =
            text.lines().find(|line| line.starts_with(start)).unwrap_or_else(|| panic!("{start}: {text}"));
        line.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    assert!(line("127.0.0.1").contains("7.") && line("127.0.0.1").contains("primary, replicas: 0"), "{text}");
    assert!(line("127.0.0.1").contains("MiB, no limit noeviction 0"), "{text}");
    assert!(
        line("host-1-ab12").contains("0.1.0")
            && line("host-1-ab12").ends_with("ago 2 h owner: 1, ready: 1 closed 1/1"),
        "{text}"
    );
    assert!(line("host-2-cd34").ends_with("warming: 1 closed 1/1"), "{text}");
    assert!(line("odd").contains("not readable"), "{text}");
    let binance = line("binance/0");
    assert!(binance.starts_with("binance/0 host-1-ab12.0123ab 1") && binance.contains(" 5 min 5"), "{text}");
    assert!(binance.ends_with("live +1.5 ms host-1-ab12 host-2-cd34 (warming)"), "{text}");
    assert_eq!(line("okx/0"), "okx/0 no writer - - - not heard - host-1-ab12 host-1-ab12 (ready)", "{text}");

    let object: Value = serde_json::from_str(&json).unwrap();
    let feeds = object["feeds"].as_array().unwrap();
    assert_eq!((&feeds[0]["writer"], &feeds[1]["writer"]), (&"host-1-ab12.0123ab".into(), &Value::Null));
    assert_eq!(feeds[0]["clock_offset_ns"], 1_500_000);
    assert_eq!(object["engines"][0]["feeds"][0]["role"], "owner");
    assert_eq!(object["redis"][0]["maxmemory_policy"], "noeviction");
    assert!(feeds[0]["since_ms"].as_u64().is_some_and(|ms| (300_000..360_000).contains(&ms)), "{json}");
}

#[tokio::test]
async fn status_ends_well_when_every_feed_has_a_writer_and_says_when_there_is_none_at_all() {
    let mut store = Store::new();
    let (text, ended) = status(&store.url(), &[]).await;
    assert!(text.contains("no engine\n"), "{text}");
    assert!(matches!(ended, Err(CommandError::EmptyCatalog { .. })), "{ended:?}");

    store.list("BTC-USDT", "binance", &[Entity::Price]);
    lease(&mut store, "binance", "host-1-ab12", 7);
    let (text, ended) = status(&store.url(), &[]).await;
    ended.unwrap();
    let line = text.lines().find(|line| line.starts_with("binance/0")).unwrap();
    assert!(line.contains(" 7 ") && line.contains("not heard"), "an epoch that is no time: {line}");
    let _: () = store.connection.set(lease_key(&store.namespace, &feed("binance")), "foreign").unwrap();
    let (text, ended) = status(&store.url(), &[]).await;
    assert!(text.contains("the lease is not readable"), "{text}");
    assert!(matches!(ended, Err(CommandError::NoWriter { .. })), "{ended:?}");
}

#[tokio::test]
async fn status_of_a_user_that_may_not_ask_for_facts_shows_the_rest() {
    let mut store = Store::new();
    store.list("BTC-USDT", "binance", &[Entity::Price]);
    lease(&mut store, "binance", "host-1-ab12", 7);
    let rules =
        ["on", ">secret", "~tickcache:v1:*", "&tickcache:v1:*", "+@read", "+subscribe", "+ping", "+hello"];
    let mut allow = redis::cmd("ACL");
    allow.arg("SETUSER").arg("reader").arg(&rules);
    let _: () = allow.query(&mut store.connection).unwrap();
    let url = format!("redis://reader:secret@127.0.0.1:{}", store.server.port());
    let (text, ended) = status(&url, &[]).await;
    ended.unwrap();
    assert!(
        text.contains("refused INFO") && text.contains("host-1-ab12") && !text.contains("secret"),
        "{text}"
    );
}

async fn invalidate(url: &str, words: &[&str]) -> (String, Result<(), CommandError>) {
    let mut out = Vec::new();
    let ended = read::invalidate(&typed::<InvalidateArgs>(words), url, &mut out).await;
    (String::from_utf8(out).unwrap(), ended)
}

/// Answers the next command as an engine does: an event for each of these venues.
fn obey(server: &RedisServer, venues: &'static [&'static str]) -> std::thread::JoinHandle<Command> {
    let (mut listening, mut talking) = (server.connection(), server.connection());
    let namespace = tickcache::domain::Namespace::default();
    let (ready, waiting) = std::sync::mpsc::sync_channel(1);
    let engine = std::thread::spawn(move || {
        let mut channel = listening.as_pubsub();
        channel.subscribe(command_channel(&namespace)).unwrap();
        ready.send(()).unwrap();
        let message = channel.get_message().unwrap();
        let command = decode_command(message.get_payload_bytes()).unwrap();
        for venue in venues {
            let detail = EventDetail::Invalidated { who: command.who.clone(), why: command.why.clone() };
            let mut bytes = Vec::new();
            encode_event(&event(venue, (7, 1), detail), &mut bytes);
            let _: () = talking.publish(event_channel(&namespace, &command.instrument), bytes).unwrap();
        }
        command
    });
    waiting.recv().unwrap();
    engine
}

#[tokio::test]
async fn invalidate_says_who_obeyed() {
    let mut store = Store::new();
    store.declare("publish");
    let engine = obey(&store.server, &["binance", "okx"]);
    let (text, ended) =
        invalidate(&store.url(), &["BTC-USDT", "--venue", "okx", "--who", "bot@host", "--why", "own fill"])
            .await;
    ended.unwrap();
    let command = engine.join().unwrap();
    assert_eq!((&*command.who, &*command.why), ("bot@host", "own fill"));
    assert_eq!(command.venue.unwrap().as_str(), "okx");
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!((lines.len(), lines[0]), (2, "told 1 listener"), "{text}");
    assert!(lines[1].ends_with("BTC-USDT okx  invalidated  price  by bot@host: own fill  v7.1"), "{text}");
}

#[tokio::test]
async fn invalidate_says_why_nothing_happened() {
    let mut store = Store::new();
    let url = store.url();
    let words = ["BTC-USDT", "--why", "own fill"];
    let (text, ended) = invalidate(&url, &words).await;
    assert_eq!(text, "told 0 listeners\n");
    assert!(matches!(ended, Err(CommandError::Unheard { .. })), "{ended:?}");
    let engine = obey(&store.server, &["binance"]);
    let (_, ended) = invalidate(&url, &words).await;
    engine.join().unwrap();
    assert!(matches!(ended, Err(CommandError::NotListening { receivers: 1, .. })), "{ended:?}");

    store.declare("publish");
    let (_, ended) = invalidate(&url, &words).await;
    assert!(matches!(ended, Err(CommandError::Unheard { .. })), "{ended:?}");

    let engine = obey(&store.server, &[]);
    let (_, ended) = invalidate(&url, &words).await;
    engine.join().unwrap();
    let error = ended.unwrap_err();
    assert!(matches!(error, CommandError::NotObeyed { receivers: 1, .. }), "{error}");
    assert_eq!(error.exit_code(), 1);

    let rules = [
        "on",
        ">secret",
        "~*",
        "&tickcache:v1:event:*",
        "+@read",
        "+subscribe",
        "+publish",
        "+ping",
        "+hello",
    ];
    let mut allow = redis::cmd("ACL");
    allow.arg("SETUSER").arg("reader").arg(&rules);
    let _: () = allow.query(&mut store.connection).unwrap();
    let url = format!("redis://reader:secret@127.0.0.1:{}", store.server.port());
    let (_, ended) = invalidate(&url, &words).await;
    let error = ended.unwrap_err();
    assert!(matches!(error, CommandError::MayNotCommand { .. }), "{error}");
    assert!(error.to_string().contains("ACL"), "{error}");
}
