//! What a venue offers: the command, the list on disk, and what an engine's start makes of it.

use std::fs;
use std::io::{BufRead as _, Write as _};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;
use tickcache::app::{Engine, gather};
use tickcache::domain::{Entity, Reason, Record, State};
use tickcache::simulate::{Config, Fault, MarketOptions, Rule, Simulator};

use crate::program::{Program, run, succeed};
use crate::support::{EMBEDDED, load, settings_text, small_market, state, until, until_ok, value};
use crate::truth;

/// Options of the command, for a simulator and a folder.
fn arguments<'a>(url: &'a str, folder: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    [&["instruments", "--venue", "binance", "--rest-url", url, "--cache-dir", folder], more].concat()
}

/// Changes when the only list in the folder was fetched.
fn age(folder: &Path, hours: i64) {
    let file = fs::read_dir(folder).unwrap().next().unwrap().unwrap().path();
    let mut list: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    list["fetched_s"] = Value::from(list["fetched_s"].as_i64().unwrap() - hours * 3_600);
    fs::write(&file, list.to_string()).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_command_lists_what_the_venue_offers_and_keeps_it_for_a_day() {
    let simulator = Simulator::start(Config::market(small_market())).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (url, path) = (simulator.rest_url().to_owned(), folder.path().to_str().unwrap());
    let asked = || simulator.stats().rest_requests;
    let list = |more: &[&str]| tokio::task::block_in_place(|| succeed(&arguments(&url, path, more)));

    assert_eq!(list(&[]), "BTC-USDT  BTCUSDT\nETH-USDT  ETHUSDT\n");
    let first: Value = serde_json::from_str(list(&["--json"]).lines().next().unwrap()).unwrap();
    assert_eq!(
        (&first["instrument"], &first["contract"]["size"]),
        (&Value::from("BTC-USDT"), &Value::from("1"))
    );
    assert_eq!(asked(), 1, "the second one comes from disk");
    list(&["--refresh"]);
    assert_eq!(asked(), 2);
    age(folder.path(), 25);
    list(&[]);
    assert_eq!(asked(), 3, "a day later it is fetched again");

    let file = fs::read_dir(folder.path()).unwrap().next().unwrap().unwrap().path();
    fs::write(&file, "{").unwrap();
    let output = tokio::task::block_in_place(|| run(&arguments(&url, path, &[])));
    assert!(String::from_utf8_lossy(&output.stderr).contains("is of no use"), "{output:?}");
    assert_eq!((output.status.code(), asked()), (Some(0), 4), "a damaged one is fetched anew");

    // The venue is away: an old list is better than none, and says that it is old.
    age(folder.path(), 49);
    simulator.faults().set([Rule::new("exchangeInfo", Fault::Status { status: 500, retry_after_s: None })]);
    let output = tokio::task::block_in_place(|| run(&arguments(&url, path, &[])));
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        output.status.success() && text.contains("the one on disk is used") && text.contains("2 days"),
        "{text}"
    );
    let output = tokio::task::block_in_place(|| run(&arguments(&url, "", &[])));
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        output.status.code() == Some(1) && text.contains("status 500") && text.contains("--rest-url"),
        "{text}"
    );
    simulator.stop().await;
}

#[test]
fn wrong_options_are_answered_with_right_ones() {
    for (arguments, expected) in [
        (&["instruments", "--venue", "binanse"][..], "did you mean binance?"),
        (&["instruments", "--venue", "nowhere"], "expected binance"),
        (
            &["instruments", "--venue", "binance", "--rest-url", "api.binance.com"],
            "expected an http:// or https:// URL",
        ),
        (&["instruments"], "--venue"),
    ] {
        let output = run(arguments);
        let text = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code() == Some(2) && text.contains(expected), "{arguments:?}: {text}");
    }
}

/// Settings for a simulator with one instrument more, or another one.
fn settings(simulator: &Simulator, instruments: &str, folder: &str) -> String {
    let text = settings_text(simulator, EMBEDDED, &["price"], "");
    let offered = "[\"BTC-USDT\", \"ETH-USDT\"]";
    assert!(text.contains(offered), "{text}");
    format!("[engine]\ncache_dir = \"{folder}\"\n{}", text.replace(offered, instruments))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_instrument_that_the_venue_does_not_offer_stops_a_strict_start_only() {
    let simulator = Simulator::start(Config::market(small_market())).await.unwrap();
    let wrong = settings(&simulator, "[\"BTC-USDT\", \"ETH-USTD\", \"BTC-EUR\"]", "");
    let parts =
        ["ETH-USTD is not among the 2", "did you mean ETH-USDT", "BTC-EUR is not", "did you mean BTC-USDT"];
    let (status, said) = Program::start_engine_with(&wrong, &["--strict"]).ended().await;
    assert_eq!(status.code(), Some(2), "{said}");
    assert!(parts.iter().all(|part| said.contains(part)) && !said.contains("engine started"), "{said}");

    let program = Program::start_engine(&wrong);
    let is_live = |line: &str| {
        line.contains("key=\"price BTC-USDT binance\"")
            && line.contains(" live ")
            && !line.contains("not live")
    };
    until("the other one is live", || program.said().lines().any(is_live)).await;
    let said = program.said();
    assert!(parts.iter().all(|part| said.contains(part)), "{said}");
    program.signal("TERM");
    assert!(program.ended().await.0.success());

    // Where the list is not to be had, the instruments are taken on trust.
    simulator.faults().set([Rule::new("exchangeInfo", Fault::SlowRest(Duration::from_secs(60)))]);
    let program = Program::start_engine(&settings(&simulator, "[\"BTC-USDT\", \"ETH-USTD\"]", ""));
    until("it starts", || program.said().contains("engine started")).await;
    assert!(program.said().contains("its instruments are not checked"), "{}", program.said());
    program.signal("TERM");
    assert!(program.ended().await.0.success());
    simulator.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn check_config_asks_the_venues_where_it_is_told_to() {
    let simulator = Simulator::start(Config::market(small_market())).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("t.toml");
    let check = |instruments: &str, more: &[&str]| {
        fs::write(&file, settings(&simulator, instruments, "")).unwrap();
        let all = [&["check-config", "--config", file.to_str().unwrap()], more].concat();
        let output = tokio::task::block_in_place(|| run(&all));
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    assert_eq!(check("[\"BTC-USDT\", \"ETH-USTD\"]", &[]).0, Some(0), "offline it is a name as any other");
    let (code, said) = check("[\"BTC-USDT\", \"ETH-USTD\"]", &["--online"]);
    assert!(code == Some(2) && said.contains("did you mean ETH-USDT"), "{code:?}: {said}");
    assert_eq!(check("[\"BTC-USDT\", \"ETH-USDT\"]", &["--online"]), (Some(0), String::new()));
    simulator.faults().set([Rule::new("exchangeInfo", Fault::GarbageBody)]);
    let (code, said) = check("[\"BTC-USDT\"]", &["--online"]);
    assert!(code == Some(1) && said.contains("list of instruments cannot be fetched"), "{code:?}: {said}");
    simulator.stop().await;
}

/// What `run` refuses without asking anybody, `check-config` refuses, too: all of it at once, with key and line.
#[test]
fn check_config_refuses_what_a_venue_cannot_have() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("t.toml");
    let refused = [
        ("binance", "BTC-USDT-PERP"),
        ("binance-usdm", "1000PEPE-USDT-PERP"),
        ("bybit", "BTC-USDT-PERP"),
        ("bybit-linear", "BTC-USDT"),
        ("coinbase", "BTC-USD-PERP"),
        ("hyperliquid", "BTC-USDT-PERP"),
        ("kraken", "BTC-USD-PERP"),
        ("okx", "BTC-USD-21270326"),
    ];
    let feed = |(venue, instrument): &(&str, &str)| {
        format!("[[feed]]\nvenue = \"{venue}\"\ninstruments = [\"{instrument}\"]\n")
    };
    fs::write(&file, refused.iter().map(feed).collect::<String>()).unwrap();
    for command in ["check-config", "run"] {
        let output = run(&[command, "--config", file.to_str().unwrap()]);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!((output.status.code(), said.lines().count()), (Some(2), refused.len()), "{said}");
        for (place, (_, instrument)) in refused.iter().enumerate() {
            let expected = format!("t.toml:{}: feed.instruments: {instrument}: ", 3 * place + 3);
            assert!(said.contains(&expected), "{expected}: {said}");
        }
    }
}

/// A venue's REST interface that has a list and nothing else.
struct ListServer {
    url: String,
    body: Arc<Mutex<String>>,
    served: Arc<AtomicUsize>,
}

impl ListServer {
    /// Symbols of Binance with their states.
    fn start(symbols: &[(&str, &str)]) -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let body = Arc::new(Mutex::new(String::new()));
        let served = Arc::new(AtomicUsize::new(0));
        let shared = (Arc::clone(&body), Arc::clone(&served));
        std::thread::spawn(move || {
            for socket in listener.incoming().map_while(Result::ok) {
                let shared = shared.clone();
                std::thread::spawn(move || serve(&socket, &shared.0, &shared.1));
            }
        });
        let server = Self { url, body, served };
        server.set(symbols);
        server
    }

    fn set(&self, symbols: &[(&str, &str)]) {
        let symbol = |(base, status): &(&str, &str)| {
            format!(
                r#"{{"symbol":"{base}USDT","status":"{status}","baseAsset":"{base}","quoteAsset":"USDT"}}"#
            )
        };
        let all: Vec<String> = symbols.iter().map(symbol).collect();
        *self.body.lock().unwrap() = format!(r#"{{"symbols":[{}]}}"#, all.join(","));
    }
}

fn serve(socket: &std::net::TcpStream, body: &Mutex<String>, served: &AtomicUsize) {
    let mut list = false;
    for line in std::io::BufReader::new(socket).lines().map_while(Result::ok) {
        list |= line.contains("exchangeInfo");
        if line.is_empty() {
            let (status, text) = if list {
                ("200 OK", body.lock().unwrap().clone())
            } else {
                ("404 Not Found", "{}".to_owned())
            };
            let answer = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n\r\n{text}", text.len());
            if (&*socket).write_all(answer.as_bytes()).is_err() {
                return;
            }
            served.fetch_add(usize::from(list), Ordering::Relaxed);
            list = false;
        }
    }
}

impl ListServer {
    /// Waits until the engine has taken a list that was set before: the second one from now on was asked for after the first was taken.
    async fn taken(&self) {
        let before = self.served.load(Ordering::Relaxed);
        until("lists are fetched", || self.served.load(Ordering::Relaxed) >= before + 3).await;
    }
}

/// An engine of prices whose list comes from a server of its own.
async fn engine(simulator: &Simulator, list: &ListServer, instruments: &str) -> Engine {
    let text = settings(simulator, instruments, "").replace(&simulator.rest_url(), &list.url);
    let text = text.replace("cache_dir = \"\"", "cache_dir = \"\"\nlist_refresh_s = 1");
    let settings = load(&text);
    Engine::start_with(&settings, &gather(&settings).await).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_does_not_trade_starts_halted_and_what_is_not_listed_suspect_and_the_list_is_looked_at_again() {
    let simulator = Simulator::start(Config::market(small_market())).await.unwrap();
    let list = ListServer::start(&[("BTC", "TRADING"), ("ETH", "BREAK"), ("OTHER", "TRADING")]);
    let engine = engine(&simulator, &list, "[\"BTC-USDT\", \"ETH-USDT\", \"OLD-USDT\"]").await;
    let price = |name: &str| state(&engine, Entity::Price, name);
    until("the one that does not trade is halted", || {
        price("ETH-USDT") == Some((State::Halted, Reason::VenueHalt))
    })
    .await;
    until("the one that trades is live", || price("BTC-USDT") == Some((State::Live, Reason::None))).await;
    assert_eq!(price("OLD-USDT"), Some((State::Suspect, Reason::NotListed)));
    list.set(&[("BTC", "TRADING"), ("ETH", "TRADING"), ("OTHER", "TRADING")]);
    until("the halt is over", || price("ETH-USDT") == Some((State::Live, Reason::None))).await;
    list.set(&[("BTC", "HALT"), ("ETH", "TRADING"), ("OTHER", "TRADING")]);
    until("another one begins", || price("BTC-USDT") == Some((State::Halted, Reason::VenueHalt))).await;
    assert_eq!(price("OLD-USDT"), Some((State::Suspect, Reason::NotListed)));
    engine.stop().await.unwrap();
    simulator.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_listed_while_the_engine_runs_is_subscribed_to_without_a_restart() {
    let simulator = Simulator::start(Config::market(small_market())).await.unwrap();
    let list = ListServer::start(&[("BTC", "TRADING"), ("OTHER", "TRADING")]);
    // Also on sessions that have nothing else to carry.
    let alone = engine(&simulator, &list, "[\"ETH-USDT\"]").await;
    let engine = engine(&simulator, &list, "[\"BTC-USDT\", \"ETH-USDT\"]").await;
    let price = |name: &str| state(&engine, Entity::Price, name);
    let (live, missing) = (Some((State::Live, Reason::None)), Some((State::Suspect, Reason::NotListed)));
    until("the one that is listed is live", || price("BTC-USDT") == live).await;
    until("the other one is missing", || state(&alone, Entity::Price, "ETH-USDT") == missing).await;
    assert_eq!(price("ETH-USDT"), missing);
    list.set(&[("BTC", "TRADING"), ("OTHER", "TRADING"), ("ETH", "TRADING")]);
    until("it is live", || price("ETH-USDT") == live).await;
    until("it is live alone", || state(&alone, Entity::Price, "ETH-USDT") == live).await;
    alone.stop().await.unwrap();
    engine.stop().await.unwrap();
    simulator.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_that_is_much_shorter_than_the_one_on_disk_makes_nothing_missing() {
    let simulator = Simulator::start(Config::market(small_market())).await.unwrap();
    let all = [("BTC", "TRADING"), ("ETH", "TRADING"), ("A", "TRADING"), ("B", "TRADING"), ("C", "TRADING")];
    let list = ListServer::start(&all);
    let folder = tempfile::tempdir().unwrap();
    let text = settings(&simulator, "[\"BTC-USDT\", \"ETH-USDT\"]", folder.path().to_str().unwrap());
    let settings = load(&text.replace(&simulator.rest_url(), &list.url));
    gather(&settings).await.strict().unwrap();
    list.set(&all[2..4]);
    age(folder.path(), 25);
    gather(&settings).await.strict().unwrap();
    age(folder.path(), 8 * 24);
    assert!(gather(&settings).await.strict().is_err(), "a week later it is believed");
    simulator.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_from_disk_that_lacks_an_instrument_is_fetched_before_anything_is_refused() {
    let simulator = Simulator::start(Config::market(small_market())).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_str().unwrap();
    let text = settings(&simulator, "[\"BTC-USDT\", \"ETH-USDT\"]", path);
    let asked = || simulator.stats().rest_requests;
    gather(&load(&text)).await;
    gather(&load(&text)).await;
    assert_eq!(asked(), 1);

    // Yesterday's list did not have it yet.
    let file = fs::read_dir(folder.path()).unwrap().next().unwrap().unwrap().path();
    let list = fs::read_to_string(&file).unwrap();
    fs::write(&file, list.replace("ETH-USDT", "OLD-USDT")).unwrap();
    let listings = gather(&load(&text)).await;
    assert_eq!(asked(), 2);
    let (venue, instrument) = ("binance".parse().unwrap(), "ETH-USDT".parse().unwrap());
    assert!(listings.contract(&venue, &instrument).is_some_and(|contract| contract.is_plain()));
    let engine = Engine::start_with(&load(&text), &listings).unwrap();
    engine.stop().await.unwrap();

    // One that nobody can confirm is no reason to stay away.
    fs::write(&file, list.replace("ETH-USDT", "OLD-USDT")).unwrap();
    age(folder.path(), 30);
    simulator.faults().set([Rule::new("exchangeInfo", Fault::GarbageBody)]);
    gather(&load(&text)).await;

    simulator.faults().set([]);
    let wrong = settings(&simulator, "[\"BTC-USDT\", \"OLD-USDT\"]", path);
    let error = gather(&load(&wrong)).await.strict().unwrap_err().to_string();
    assert!(error.contains("feed binance: OLD-USDT is not among the 2 instruments"), "{error}");
    simulator.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_that_has_shrunk_is_not_believed_and_data_wins_over_one_that_has_lost_the_instrument() {
    let simulator = Simulator::start(Config::market(small_market())).await.unwrap();
    let all = [("BTC", "TRADING"), ("ETH", "TRADING"), ("A", "TRADING"), ("B", "TRADING"), ("C", "TRADING")];
    let list = ListServer::start(&all);
    let engine = engine(&simulator, &list, "[\"BTC-USDT\", \"ETH-USDT\"]").await;
    let price = |name: &str| state(&engine, Entity::Price, name);
    let live = Some((State::Live, Reason::None));
    until("both are live", || [price("BTC-USDT"), price("ETH-USDT")] == [live; 2]).await;
    list.set(&[("BTC", "BREAK"), ("ETH", "BREAK")]);
    list.taken().await;
    assert_eq!([price("BTC-USDT"), price("ETH-USDT")], [live; 2], "two of five are no list");
    list.set(&[all[0], all[2], all[3]]);
    list.taken().await;
    assert_eq!(price("ETH-USDT"), live, "its data flows");
    engine.stop().await.unwrap();
    simulator.stop().await;
}

/// A name by an alias: its multiplier counts, and letters that no currency of ours has go through stream names and queries.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_only_an_alias_can_name_is_live_in_our_units() {
    let mut market = small_market();
    market.instruments[1].base = "币安人生".to_owned();
    let simulator = Simulator::start(Config::market(market)).await.unwrap();
    let url = simulator.rest_url().to_owned();
    let printed = tokio::task::block_in_place(|| succeed(&arguments(&url, "", &[])));
    let (_, section) = printed.split_once("[[alias]]").expect("a section");
    let section = section.replace("NAME-USDT", "LIFE-USDT");
    let text = settings_text(&simulator, EMBEDDED, &["price", "liquidity"], "");
    let text = format!("[engine]\ncache_dir = \"\"\n{}", text.replace("币安人生-USDT", "LIFE-USDT"));
    let text = format!("{text}\n[[alias]]{section}multiplier = 1000\n");
    let settings = load(&text);
    let engine = Engine::start_with(&settings, &gather(&settings).await).unwrap();
    until_ok("both are live", || truth::all_live(&engine)).await;
    let key = engine.keys().iter().find(|key| key.instrument.as_str() == "LIFE-USDT").unwrap();
    let Record::Price(record) = value(&engine, key).unwrap().record else {
        panic!("the first key is the price")
    };
    let bid = record.scales.price_number(record.bid.unwrap().price);
    let theirs = simulator.top("币安人生USDT").unwrap().bid.unwrap().0;
    let ours: f64 = bid.to_string().parse().unwrap();
    let theirs: f64 = theirs.to_string().parse().unwrap();
    assert!((ours * 1_000.0 / theirs - 1.0).abs() < 0.05, "{ours} {theirs}");
    engine.stop().await.unwrap();
    simulator.stop().await;
}

/// The list of Bybit's contracts has pages of a thousand. What stands on the second one is offered as well, and called there what only
/// the list says: a thousand of `NEW` is not in any table of ours.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_instrument_of_the_second_page_is_listed_checked_and_live() {
    let mut market =
        MarketOptions { updates_per_second: 1, levels: 30, ..MarketOptions::with_instruments(1_001) };
    let mut last = market.instruments[2].clone();
    last.base = "1000NEW".to_owned();
    market.instruments.push(last);
    let simulator = Simulator::start(Config::market(market).venue("bybit-linear")).await.unwrap();
    let url = simulator.rest_url().to_owned();
    let arguments =
        ["instruments", "--venue", "bybit-linear", "--rest-url", &url, "--cache-dir", "", "--json"];
    let printed = tokio::task::block_in_place(|| succeed(&arguments));
    assert_eq!((printed.lines().count(), simulator.stats().rest_requests), (1_002, 2));
    let offered: Vec<Value> = printed.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let found = offered.iter().find(|one| one["instrument"] == "NEW-USDT-PERP").unwrap();
    assert_eq!((&found["symbol"], &found["contract"]["size"]), (&"1000NEWUSDT".into(), &"1000".into()));

    let text = format!(
        "{EMBEDDED}[engine]\ncache_dir = \"\"\n[embedded]\nlisten = \"\"\n[http]\nlisten = \"\"\n[[feed]]\nvenue = \"bybit-linear\"\n\
         instruments = [\"NEW-USDT-PERP\", \"C0999-USDT-PERP\"]\nentities = [\"price\", \"liquidity\"]\ncongestion_ms = 0\n\
         websocket_url = \"{}\"\nrest_url = \"{url}\"\n",
        simulator.websocket_url(),
    );
    let listings = gather(&load(&text)).await;
    let engine = Engine::start_with(&load(&text), &listings).unwrap();
    until_ok("what stands on the second page is live", || truth::all_live(&engine)).await;
    engine.stop().await.unwrap();

    let wrong = load(&text.replace("C0999-USDT", "C1234-USDT"));
    let error = gather(&wrong).await.strict().unwrap_err().to_string();
    assert!(error.contains("C1234-USDT-PERP is not among the 1002 instruments"), "{error}");
    simulator.stop().await;
}
