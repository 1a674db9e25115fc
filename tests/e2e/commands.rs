//! The commands, as a user types them.

use std::io::Write;

use serde_json::Value;
use tickcache::domain::State;

use crate::program::{Program, run, run_with, succeed};
use crate::redis_server::RedisServer;
use crate::support::{Rig, load, redis_store, stored, until, until_ok};

/// For the endpoint of a demo: its own is one that somebody else may have.
const ANY_PORT: &str = "127.0.0.1:0";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn list_get_and_watch_show_what_the_engine_writes() {
    let server = RedisServer::start();
    let rig = Rig::into_redis(&server.url()).await;
    rig.live().await;
    let url = server.url();
    let mut connection = server.connection();
    until("it is in Redis", || {
        let found = stored(&mut connection, "tickcache:v1:price:{BTC-USDT}:binance");
        found.is_some_and(|(_, record)| record.stamp().state == State::Live)
    })
    .await;
    let on_redis = |arguments: &[&str]| {
        let all: Vec<&str> = arguments.iter().copied().chain(["--redis", &url]).collect();
        tokio::task::block_in_place(|| succeed(&all))
    };

    let list = on_redis(&["list"]);
    let words: Vec<Vec<&str>> = list.lines().map(|line| line.split_whitespace().collect()).collect();
    assert!(
        words.contains(&vec!["BTC-USDT", "binance", "binance/0", "price", "liquidity", "volume"]),
        "{list}"
    );
    assert!(
        words.contains(&vec!["ETH-USDT", "binance", "binance/0", "price", "liquidity", "volume"]),
        "{list}"
    );

    let table = on_redis(&["get", "BTC-USDT"]);
    assert!(table.lines().nth(1).unwrap().starts_with("binance"), "{table}");
    let object: Value = serde_json::from_str(&on_redis(&["get", "ETH-USDT", "--json"])).unwrap();
    assert_eq!(
        (&object["instrument"], &object["venue"]),
        (&Value::from("ETH-USDT"), &Value::from("binance"))
    );
    assert!(object["bid"].as_str().unwrap().starts_with("26"), "{object}");
    for entity in ["liquidity", "volume"] {
        let text = on_redis(&["get", "BTC-USDT", "--entity", entity, "--venue", "binance", "--json"]);
        serde_json::from_str::<Value>(&text).unwrap();
    }
    let watched = on_redis(&["watch", "BTC-USDT", "--seconds", "2"]);
    assert!(watched.lines().count() > 3, "{watched}");
    assert!(watched.lines().all(|line| line.contains("BTC-USDT binance")), "{watched}");

    let missing = tokio::task::block_in_place(|| run(&["get", "XYZ-USDT", "--redis", &url]));
    assert_eq!(missing.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&missing.stderr).contains("not in the catalog"));
    rig.stop().await;
}

#[test]
fn the_demo_ends_by_itself_with_a_summary() {
    let output = succeed(&["demo", "--seconds", "4", "--plain", "--listen", ANY_PORT]);
    assert!(output.contains("INSTRUMENT") && output.contains("BTC-USDT"), "{output}");
    let (_, summary) = output.split_once("\nsummary\n").expect("a summary");
    let figure = |name: &str| -> u64 {
        let line = summary.lines().find(|line| line.trim_start().starts_with(name));
        line.and_then(|line| line.split_whitespace().last()?.parse().ok()).unwrap_or_else(|| panic!("{name}"))
    };
    for name in ["frames", "updates", "values encoded", "values written"] {
        assert!(figure(name) > 50, "{summary}");
    }
    figure("values conflated");
    assert!(summary.contains("p50") && summary.contains("p99"), "{summary}");
    assert!(summary.contains("decode errors 0, gaps 0, reconnects 0"), "{summary}");
}

#[test]
fn the_demo_shows_what_becomes_of_a_fault_at_any_venue() {
    let names = String::from_utf8(run(&["demo", "--fault", "list"]).stderr).unwrap();
    for name in ["dropped", "layout", "restart", "refused", "clock"] {
        assert!(names.contains(&format!("\n  {name} ")), "{names}");
    }
    let demo = |venue: &str, fault: &str| {
        succeed(&[
            "demo",
            "--venue",
            venue,
            "--fault",
            fault,
            "--seconds",
            "8",
            "--plain",
            "--listen",
            ANY_PORT,
        ])
    };
    let refused = demo("kraken", "refused");
    assert!(refused.contains("fault refused (the name is refused) strikes BTC/USDT now"), "{refused}");
    assert!(refused.contains("suspect (refused)"), "{refused}");
    let undecodable = demo("bybit-linear", "layout");
    assert!(undecodable.contains("suspect (undecodable)"), "{undecodable}");
}

#[test]
fn the_demo_also_publishes_to_a_redis_that_is_named() {
    let server = RedisServer::start();
    let output =
        succeed(&["demo", "--seconds", "4", "--plain", "--listen", ANY_PORT, "--redis", &server.url()]);
    assert!(output.contains("publishing to redis://"), "{output}");
    let keys: Vec<String> = redis::cmd("KEYS").arg("*").query(&mut server.connection()).unwrap();
    assert_eq!(
        keys.len(),
        6 * 3 + 5,
        "three values of six instruments, the catalog, the meta hash, the last epoch, two budgets: {keys:?}"
    );
    assert_eq!(run(&["demo", "--seconds", "1", "--redis", "nonsense"]).status.code(), Some(1));
}

#[test]
fn check_config_shows_the_settings_or_every_error_with_its_line() {
    let folder = tempfile::tempdir().unwrap();
    let check = |name: &str, text: &str| {
        let file = folder.path().join(name);
        std::fs::write(&file, text).unwrap();
        run(&["check-config", "--config", file.to_str().unwrap()])
    };
    let good = "[redis]\nurl = \"redis://user:secret@example.org:6380\"\n[store]\nkind = \"redis\"\n\
                [[feed]]\nvenue = \"binance\"\ninstruments = [\"BTC-USDT\"]\nentities = [\"price\"]\n";
    let output = check("good.toml", good);
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(0));
    assert!(text.contains("example.org:6380") && !text.contains("secret"), "{text}");

    let bad = format!("{good}depht = 20\n[ttl]\nprice_s = \"soon\"\n");
    let output = check("bad.toml", &bad);
    assert_eq!(output.status.code(), Some(2));
    let text = String::from_utf8_lossy(&output.stderr);
    for part in ["depht", "bad.toml:9", "price_s", "bad.toml:11"] {
        assert!(text.contains(part), "{part} in {text}");
    }
    let absent = run(&["check-config", "--config", "/nowhere/to/be.toml"]);
    assert_eq!(absent.status.code(), Some(2));
    let started = run(&["run", "--config", folder.path().join("bad.toml").to_str().unwrap()]);
    assert_eq!(started.status.code(), Some(2), "nothing starts with wrong settings");
}

/// A recording of our own: a snapshot, then deltas and quotes that follow each other.
fn recording() -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    let levels = |side: i64| {
        let level = |n: i64| format!("[\"{}.00000000\",\"{}.50000000\"]", 100 + side * n, n);
        (1..=30).map(level).collect::<Vec<_>>().join(",")
    };
    let (bids, asks) = (levels(-1), levels(1));
    let path = "/api/v3/depth?symbol=ABUSDT&limit=1000";
    writeln!(file, "0 rest {path} {{\"lastUpdateId\":5,\"bids\":[{bids}],\"asks\":[{asks}]}}").unwrap();
    for n in 0..500_i64 {
        let (time, first, last) = (n * 1_000_000, n * 10 + 1, n * 10 + 10);
        writeln!(
            file,
            "{time} ws {{\"stream\":\"abusdt@depth@100ms\",\"data\":{{\"e\":\"depthUpdate\",\"E\":{n},\"s\":\
             \"ABUSDT\",\"U\":{first},\"u\":{last},\"b\":[[\"99.00000000\",\"{n}.25000000\"]],\"a\":[]}}}}\n\
             {time} ws {{\"stream\":\"abusdt@bookTicker\",\"data\":{{\"u\":{last},\"s\":\"ABUSDT\",\"b\":\
             \"99.00000000\",\"B\":\"{n}.25000000\",\"a\":\"101.00000000\",\"A\":\"1.50000000\"}}}}"
        )
        .unwrap();
    }
    file
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replay_serves_a_recording_to_an_engine() {
    let file = recording();
    let arguments = ["replay", "--listen", "127.0.0.1:0", "--speed", "max", file.path().to_str().unwrap()];
    let mut replay = Program::start(&arguments);
    let websocket = replay.value_after("websocket_url = \"").await;
    let rest = replay.value_after("rest_url = \"").await;
    let server = RedisServer::start();
    let settings = load(&format!(
        "{}[[feed]]\nvenue = \"binance\"\ninstruments = [\"AB-USDT\"]\nentities = [\"price\", \"liquidity\"]\n\
         websocket_url = \"{websocket}\"\nrest_url = \"{rest}\"\n",
        redis_store(&server.url())
    ));
    let engine = tickcache::app::Engine::start(&settings).unwrap();
    let mut connection = server.connection();
    for entity in ["price", "liquidity"] {
        until_ok("the last recorded state is in Redis", || {
            let key = format!("tickcache:v1:{entity}:{{AB-USDT}}:binance");
            let (_, record) = stored(&mut connection, &key).ok_or_else(|| "absent".to_owned())?;
            let last = crate::truth::venue_sequence(&record) == Some(5_000);
            if last && record.stamp().state == State::Live { Ok(()) } else { Err(format!("{record:?}")) }
        })
        .await;
    }
    engine.stop().await.unwrap();
    replay.signal("INT");
    let (status, said) = replay.ended().await;
    assert_eq!(status.code(), Some(0), "{said}");
    assert!(said.contains("loaded 1000 frames and 1 snapshots"), "{said}");
}

/// What is allowed and hardly meant is a warning of `check-config` and of `run`; a value is never in it.
#[test]
fn settings_that_lead_nowhere_are_warned_of() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("t.toml");
    let config = "[embedded]\nlisten = \"\"\n[[feed]]\nvenue = \"binance\"\ninstruments = [\"BTC-USDT\"]\n\
                  [[alias]]\nvenue = \"kraken\"\nsymbol = \"AAPLx/USD\"\ninstrument = \"AAPL-USD\"\n";
    std::fs::write(&file, config).unwrap();
    let variables = [("REDIS_HOST", "cache"), ("REDIS_PASSWORD", "s3cr3t\n"), ("TICKCACHE_ENV_PATH", "/bin")];
    let arguments = ["check-config", "--config", file.to_str().unwrap()];
    let output = run_with(&arguments, &variables);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{said}");
    for expected in [
        "embedded.listen is off: nobody can read the values",
        "REDIS_HOST, REDIS_PASSWORD says where a Redis is, but store.kind is \"embedded\"",
        "REDIS_PASSWORD ends with a line end",
        "[[alias]] kraken AAPL-USD: no feed of kraken has this instrument",
    ] {
        assert!(said.lines().any(|line| line.starts_with("warning: ") && line.contains(expected)), "{said}");
    }
    assert!(!said.contains("s3cr3t") && !said.contains("TICKCACHE_ENV_PATH"), "{said}");
}

/// A file that is named and not there is found before anything starts.
#[test]
fn check_config_reads_the_files_that_run_would_read() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("t.toml");
    let feed = "[[feed]]\nvenue = \"binance\"\ninstruments = [\"BTC-USDT\"]\n";
    for (config, expected) in [
        (
            "[store]\nkind = \"redis\"\n[redis]\nurl = \"rediss://h\"\nca_file = \"/nowhere/ca.pem\"\n",
            "/nowhere/ca.pem",
        ),
        (
            "[embedded]\ncertificate_file = \"/nowhere/c.pem\"\nkey_file = \"/nowhere/k.pem\"\n",
            "/nowhere/k.pem",
        ),
    ] {
        std::fs::write(&file, format!("{config}{feed}")).unwrap();
        let output = run(&["check-config", "--config", file.to_str().unwrap()]);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code() == Some(2) && said.contains(expected), "{said}");
    }
}

/// A Cluster without slots: nothing is written, and that is said until it has some.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_that_serves_no_slots_is_said_to() {
    let bus = crate::redis_server::free_port().to_string();
    let server = RedisServer::start_with(&["--cluster-enabled", "yes", "--cluster-port", &bus]);
    let url = server.url();
    let node = url.trim_start_matches("redis://").trim_end_matches('/');
    let config = format!(
        "[engine]\ncache_dir = \"\"\n[store]\nkind = \"redis\"\n[redis]\nurl = \"{url}\"\nmode = \"cluster\"\nnodes = [\"{node}\"]\n\
         [embedded]\nlisten = \"\"\n[http]\nlisten = \"\"\n[[feed]]\nvenue = \"binance\"\ninstruments = [\"BTC-USDT\"]\n\
         websocket_url = \"ws://127.0.0.1:1/ws\"\nrest_url = \"http://127.0.0.1:1\"\n"
    );
    let program = Program::start_engine(&config);
    until("it is said", || program.said().contains("names no node that takes writes")).await;
    let _: () = crate::redis_server::command(&["CLUSTER", "ADDSLOTSRANGE", "0", "8191"])
        .query(&mut server.connection())
        .unwrap();
    until("the rest is missed", || program.said().contains("unserved=8192")).await;
    program.signal("TERM");
    assert!(program.ended().await.0.success());
}
