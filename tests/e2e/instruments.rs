//! What a venue offers: the command, the list on disk, and what an engine's start makes of it.

use std::fs;
use std::path::Path;
use std::time::Duration;

use serde_json::Value;
use tickcache::app::{Engine, gather};
use tickcache::simulate::{Config, Fault, MarketOptions, Rule, Simulator};

use crate::program::{Program, run, succeed};
use crate::support::{EMBEDDED, load, settings_text, small_market, until, until_ok};
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
async fn an_instrument_that_the_venue_does_not_offer_stops_the_start() {
    let simulator = Simulator::start(Config::market(small_market())).await.unwrap();
    let wrong = settings(&simulator, "[\"BTC-USDT\", \"ETH-USTD\", \"BTC-EUR\"]", "");
    let (status, said) = Program::start_engine(&wrong).ended().await;
    assert_eq!(status.code(), Some(2), "{said}");
    for part in
        ["ETH-USTD is not among the 2", "did you mean ETH-USDT", "BTC-EUR is not", "did you mean BTC-USDT"]
    {
        assert!(said.contains(part), "{part}: {said}");
    }
    assert!(!said.contains("engine started"), "{said}");

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
async fn a_list_from_disk_that_lacks_an_instrument_is_fetched_before_anything_is_refused() {
    let simulator = Simulator::start(Config::market(small_market())).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_str().unwrap();
    let text = settings(&simulator, "[\"BTC-USDT\", \"ETH-USDT\"]", path);
    let asked = || simulator.stats().rest_requests;
    gather(&load(&text)).await.unwrap();
    gather(&load(&text)).await.unwrap();
    assert_eq!(asked(), 1);

    // Yesterday's list did not have it yet.
    let file = fs::read_dir(folder.path()).unwrap().next().unwrap().unwrap().path();
    let list = fs::read_to_string(&file).unwrap();
    fs::write(&file, list.replace("ETH-USDT", "OLD-USDT")).unwrap();
    let listings = gather(&load(&text)).await.unwrap();
    assert_eq!(asked(), 2);
    let (venue, instrument) = ("binance".parse().unwrap(), "ETH-USDT".parse().unwrap());
    assert!(listings.contract(&venue, &instrument).is_some_and(|contract| contract.is_plain()));
    let engine = Engine::start_with(&load(&text), &listings).unwrap();
    engine.stop().await.unwrap();

    // One that nobody can confirm is no reason to stay away.
    fs::write(&file, list.replace("ETH-USDT", "OLD-USDT")).unwrap();
    age(folder.path(), 30);
    simulator.faults().set([Rule::new("exchangeInfo", Fault::GarbageBody)]);
    gather(&load(&text)).await.unwrap();

    simulator.faults().set([]);
    let wrong = settings(&simulator, "[\"BTC-USDT\", \"OLD-USDT\"]", path);
    let error = gather(&load(&wrong)).await.unwrap_err().to_string();
    assert!(error.contains("feed binance: OLD-USDT is not among the 2 instruments"), "{error}");
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
    let listings = gather(&load(&text)).await.unwrap();
    let engine = Engine::start_with(&load(&text), &listings).unwrap();
    until_ok("what stands on the second page is live", || truth::all_live(&engine)).await;
    engine.stop().await.unwrap();

    let wrong = load(&text.replace("C0999-USDT", "C1234-USDT"));
    let error = gather(&wrong).await.unwrap_err().to_string();
    assert!(error.contains("C1234-USDT-PERP is not among the 1002 instruments"), "{error}");
    simulator.stop().await;
}
