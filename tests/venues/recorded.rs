//! Recordings through the simulator into the engine: at their end every value is what the recorded books amount to.

use std::path::PathBuf;

use tickcache::domain::Instrument;
use tickcache::simulate::{Config, ReplayOptions, Simulator, Speed};

use crate::engine::{each, start, until_ok};
use crate::truth;

/// A recording, what of it is asked for, and how deep its books are.
struct Recording {
    venue: &'static str,
    file: &'static str,
    depth: usize,
    /// Further settings of the feed.
    feed: &'static str,
    /// Instruments without their base currency, as they are called at this venue.
    suffix: &'static str,
}

const RECORDINGS: [Recording; 7] = [
    Recording {
        venue: "binance",
        file: "binance/btcusdt-20240808.txt.gz",
        depth: 20,
        feed: "",
        suffix: "-USDT",
    },
    Recording {
        venue: "binance-usdm",
        file: "binance-usdm/btcusdt-20240808.txt.gz",
        depth: 20,
        feed: "depth_channel = \"depth@0ms\"",
        suffix: "-USDT-PERP",
    },
    Recording {
        venue: "coinbase",
        file: "coinbase/session-20210417.txt.gz",
        depth: 20,
        feed: "",
        suffix: "-USD",
    },
    // No tops were recorded, and the venue's come with figures that nobody knows.
    Recording {
        venue: "kraken",
        file: "kraken/book-20210417.txt.gz",
        depth: 1000,
        feed: "price_from = \"book\"",
        suffix: "-USD",
    },
    Recording { venue: "okx", file: "okx/session-20220513.txt.gz", depth: 20, feed: "", suffix: "-USDT" },
    Recording {
        venue: "bybit-linear",
        file: "bybit/book-20210417.txt.gz",
        depth: 20,
        feed: "",
        suffix: "-USDT-PERP",
    },
    Recording {
        venue: "hyperliquid",
        file: "hyperliquid/btc-20250126.txt.gz",
        depth: 20,
        feed: "",
        suffix: "-USDC-PERP",
    },
];

fn folder() -> PathBuf {
    std::env::var_os("TICKCACHE_CAPTURES")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/captures"), PathBuf::from)
}

/// What of ours the simulator has, with the symbol of each.
fn instruments(recording: &Recording, simulator: &Simulator) -> Vec<(String, String)> {
    let venue = tickcache::feed::venue(recording.venue).expect("registered");
    let symbols = simulator.symbols();
    let named = symbols.iter().filter_map(|info| {
        let name = format!("{}{}", info.base, recording.suffix);
        let instrument: Instrument = name.parse().ok()?;
        venue
            .symbol(&instrument)
            .is_ok_and(|symbol| symbol == info.symbol)
            .then(|| (name, info.symbol.clone()))
    });
    named.collect()
}

async fn is_right_at_the_end(recording: Recording) {
    let Recording { venue, file, depth, feed, .. } = recording;
    let path = folder().join(file);
    if !path.is_file() {
        eprintln!("skipped: no recording {file} (TICKCACHE_CAPTURES, or ../shared/captures)");
        return;
    }
    let options = ReplayOptions { speed: Speed::Max, ..ReplayOptions::new([path]) };
    let simulator = Simulator::start(Config::replay(options).venue(venue)).await.unwrap();
    let known = instruments(&recording, &simulator);
    assert!(!known.is_empty(), "{venue}: {:?}", simulator.symbols());
    let names: Vec<&str> = known.iter().map(|(name, _)| name.as_str()).collect();
    let engine = start(venue, &simulator, &names, depth, &["price", "liquidity"], feed);
    simulator.finished().await;
    let symbol = |instrument: &str| known.iter().find(|(name, _)| name == instrument).unwrap().1.as_str();
    let what = format!("{venue}: every value is the recording's last");
    until_ok(&what, || {
        each(&engine, |instrument, record| truth::agrees(record, &simulator, symbol(instrument), depth))
    })
    .await;
    let stats = engine.feeds().next().expect("one feed").1.read();
    assert_eq!((stats.decode_errors, stats.unusable, stats.mismatches), (0, 0, 0), "{venue}");
    engine.stop().await.unwrap();
    simulator.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_recording_ends_in_the_values_of_its_books() {
    let mut running = tokio::task::JoinSet::new();
    for recording in RECORDINGS {
        running.spawn(is_right_at_the_end(recording));
    }
    let mut failed = 0;
    while let Some(ended) = running.join_next().await {
        failed += usize::from(ended.is_err());
    }
    assert_eq!(failed, 0, "what failed is told above");
}
