//! What an operator sees of the real binary: `/metrics` and `/healthz`.

use serde_json::Value;
use tickcache::simulate::{Config, Fault, Garbage, Rule, Simulator};
use tickcache::telemetry::names::{self, Kind};

use crate::program::{Program, get};
use crate::redis_server::RedisServer;
use crate::support::{ALL, redis_store, settings_text, small_market, until, until_ok};

/// The sum of a metric over the labels that contain `label`.
fn figure(metrics: &str, name: &str, label: &str) -> f64 {
    let of_name = |line: &&str| {
        line.strip_prefix(name).is_some_and(|rest| rest.starts_with([' ', '{'])) && line.contains(label)
    };
    metrics.lines().filter(of_name).map(|line| line.rsplit(' ').next().unwrap().parse::<f64>().unwrap()).sum()
}

/// Metrics that only an event makes: a value that a reader cannot read, a lost connection.
const MADE_BY_EVENTS: [&str; 3] =
    [names::READER_UNREADABLE, names::PUBLISH_RECONNECTS, names::FEED_RECONNECTS];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn metrics_hold_every_name_with_plausible_values_and_health_follows_redis() {
    let mut server = RedisServer::start();
    let simulator = Simulator::start(Config::market(small_market())).await.unwrap();
    let folder = tempfile::TempDir::new().unwrap();
    let store =
        format!("{}[record]\ndir = {:?}\n", redis_store(&server.url()), folder.path().to_str().unwrap());
    let mut engine = Program::start_engine(&settings_text(&simulator, &store, &ALL, ""));
    let address = engine.value_after("serving /metrics and /healthz address=").await;
    until("it is healthy", || get(&address, "/healthz").0 == 200).await;
    until("every key is live", || {
        figure(&get(&address, "/metrics").1, names::FEED_STATES, "state=\"live\"") == 6.0
    })
    .await;
    simulator.faults().set([
        Rule::new("bookTicker", Fault::Garbage(Garbage::NotJson)).times(5),
        Rule::new("btcusdt@depth", Fault::Drop).times(1),
    ]);
    until_ok("metrics are complete and plausible", || plausible(&get(&address, "/metrics").1)).await;

    server.kill();
    until("it is not healthy without Redis", || get(&address, "/healthz").0 == 503).await;
    let details: Value = serde_json::from_str(&get(&address, "/healthz").1).unwrap();
    assert_eq!((&details["healthy"], &details["redis_connected"]), (&false.into(), &false.into()));
    assert_eq!(details["feeds"][0]["sessions_up"], 2);
    let encoded = || figure(&get(&address, "/metrics").1, names::PUBLISH_ENCODED, "");
    let before = encoded();
    until("values are still encoded, and counted", || encoded() > before + 100.0).await;
    assert!(figure(&get(&address, "/metrics").1, names::PUBLISH_RECONNECTS, "") >= 1.0);
    assert!(figure(&get(&address, "/metrics").1, names::PUBLISH_REDIS_UP, "").abs() < 0.1);
    server.restart();
    until("it is healthy again", || get(&address, "/healthz").0 == 200).await;

    simulator.stop().await;
    until("it is not healthy without its venue", || get(&address, "/healthz").0 == 503).await;
    let metrics = get(&address, "/metrics").1;
    assert!(figure(&metrics, names::FEED_RECONNECTS, "feed=\"binance/0\"") >= 2.0, "{metrics}");
    engine.signal("TERM");
    assert_eq!(engine.ended().await.0.code(), Some(0));
}

fn plausible(metrics: &str) -> Result<(), String> {
    for (name, kind, _) in names::ALL.iter().filter(|(name, ..)| !MADE_BY_EVENTS.contains(name)) {
        let kind = match kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
        };
        if !metrics.contains(&format!("# TYPE {name} {kind}\n")) {
            return Err(format!("no {kind} {name} in\n{metrics}"));
        }
    }
    let feed = "feed=\"binance/0\"";
    let buckets = format!("{}_bucket", names::PUBLISH_LATENCY);
    for (name, label, least) in [
        (names::FEED_FRAMES, feed, 100.0),
        (names::FEED_FRAME_BYTES, feed, 10_000.0),
        (names::FEED_DECODE_ERRORS, feed, 5.0),
        (names::FEED_CONNECTS, feed, 2.0),
        (names::FEED_GAPS, feed, 1.0),
        (names::FEED_SNAPSHOTS, "outcome=\"taken\"", 3.0),
        (names::FEED_REST_WEIGHT, feed, 100.0),
        (names::PROCESS_UPDATES, "entity=\"price\"", 100.0),
        (names::PROCESS_UPDATES, "entity=\"liquidity\"", 10.0),
        (names::PROCESS_UPDATES, "entity=\"volume\"", 2.0),
        (names::PUBLISH_SLOTS, "", 6.0),
        (names::PUBLISH_ENCODED, "", 100.0),
        (names::PUBLISH_WRITTEN, "", 100.0),
        (names::PUBLISH_BYTES, "", 10_000.0),
        (names::PUBLISH_BATCHES, "", 50.0),
        (names::PUBLISH_REDIS_UP, "", 1.0),
        (&format!("{}_count", names::PUBLISH_BATCH_VALUES), "", 50.0),
        (&format!("{}_count", names::PUBLISH_ROUND_TRIP), "", 50.0),
        (&format!("{}_count", names::PUBLISH_LATENCY), "", 100.0),
        (names::CAPTURE_RECORDS, feed, 100.0),
        (names::CAPTURE_FILE_BYTES, feed, 1_000.0),
        (&buckets, "le=\"+Inf\"", 100.0),
    ] {
        let found = figure(metrics, name, label);
        if found < least {
            return Err(format!("{name}{{{label}}} is {found}, at least {least} expected"));
        }
    }
    let missing = figure(metrics, names::CAPTURE_MISSING, feed);
    if missing > 0.0 {
        return Err(format!("{missing} records are missing"));
    }
    let written = figure(metrics, names::PUBLISH_WRITTEN, "");
    let encoded = figure(metrics, names::PUBLISH_ENCODED, "");
    if written > encoded { Err(format!("{written} written of {encoded} encoded")) } else { Ok(()) }
}
