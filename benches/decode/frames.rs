//! Frames of each venue and kind, in the very bytes that the venue sends.
//!
//! Quotes, trades and figures are the fuzzer's seeds; books are made here, as large as one wants.

use std::path::Path;

/// What is decoded.
pub(crate) struct Case {
    pub(crate) venue: &'static str,
    pub(crate) kind: String,
    pub(crate) frame: String,
}

/// Kinds that are seeds: venue, folder, kind, file.
const SEEDS: &[(&str, &str, &str, &str)] = &[
    ("binance", "binance", "quote", "quote"),
    ("binance", "binance", "trade", "trade"),
    ("binance", "binance", "ticker", "ticker"),
    ("binance-usdm", "binance_usdm", "quote", "quote"),
    ("binance-usdm", "binance_usdm", "trade", "trade"),
    ("binance-usdm", "binance_usdm", "ticker", "ticker"),
    ("bybit-linear", "bybit", "quote", "quote"),
    ("bybit-linear", "bybit", "trade", "trade"),
    ("bybit-linear", "bybit", "ticker", "ticker"),
    ("coinbase", "coinbase", "trade", "match"),
    ("coinbase", "coinbase", "ticker", "ticker"),
    ("hyperliquid", "hyperliquid", "quote", "quote"),
    ("hyperliquid", "hyperliquid", "trade", "trades"),
    ("hyperliquid", "hyperliquid", "ticker", "figures"),
    ("kraken", "kraken", "ticker", "ticker"),
    ("kraken", "kraken", "trade", "trade"),
    ("okx", "okx", "quote", "quote"),
    ("okx", "okx", "trade", "trades"),
    ("okx", "okx", "ticker", "ticker"),
];

/// Levels in all of a small, of a large delta, and of an image.
const DEPTHS: [usize; 2] = [10, 100];
const IMAGE: usize = 400;

pub(crate) fn cases() -> Vec<Case> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds");
    let seed = |&(venue, target, kind, file): &(&'static str, _, &str, _)| {
        let path = folder.join(format!("{target}_decode/{file}"));
        let frame = std::fs::read_to_string(path).expect("a seed").trim_end().to_owned();
        Case { venue, kind: kind.to_owned(), frame }
    };
    let mut cases: Vec<_> = SEEDS.iter().map(seed).collect();
    for venue in ["binance", "binance-usdm", "bybit-linear", "coinbase", "kraken", "okx"] {
        for count in DEPTHS {
            cases.push(Case { venue, kind: format!("depth of {count}"), frame: delta(venue, count) });
        }
    }
    for venue in ["bybit-linear", "coinbase", "kraken", "okx"] {
        cases.push(Case { venue, kind: format!("image of {IMAGE}"), frame: image(venue, IMAGE) });
    }
    // Twenty a side is all that it sends.
    cases.push(Case {
        venue: "hyperliquid",
        kind: "image of 40".to_owned(),
        frame: image("hyperliquid", 40),
    });
    cases
}

/// Levels of one side; every third is a removal in a delta, as in a real session.
fn side(from: usize, count: usize, removals: bool, level: impl Fn(&str, &str) -> String) -> String {
    let one = |index: usize| {
        let size = if removals && index.is_multiple_of(3) { 0 } else { 7 * index + 12 };
        level(
            &format!("{}.{:02}", from + index, index % 99 + 1),
            &format!("{size}.{:05}", size * 37 % 100_000),
        )
    };
    (0..count).map(one).collect::<Vec<_>>().join(",")
}

fn sides(count: usize, removals: bool, level: impl Fn(&str, &str) -> String) -> [String; 2] {
    [side(60_000, count / 2, removals, &level), side(61_000, count / 2, removals, &level)]
}

fn pair(price: &str, size: &str) -> String {
    format!(r#"["{price}","{size}"]"#)
}

/// `count` levels in all, half a side.
pub(crate) fn delta(venue: &str, count: usize) -> String {
    match venue {
        "binance" => {
            let [b, a] =
                sides(count, true, |price, size| pair(&format!("{price}000000"), &format!("{size}000")));
            format!(
                r#"{{"stream":"btcusdt@depth@100ms","data":{{"e":"depthUpdate","E":1723161255308,"s":"BTCUSDT","U":50000000001,"u":50000000099,"b":[{b}],"a":[{a}]}}}}"#
            )
        }
        "binance-usdm" => {
            let [b, a] = sides(count, true, pair);
            format!(
                r#"{{"stream":"btcusdt@depth@100ms","data":{{"e":"depthUpdate","E":1723161256299,"T":1723161256298,"s":"BTCUSDT","U":158,"u":160,"pu":149,"b":[{b}],"a":[{a}]}}}}"#
            )
        }
        "coinbase" => {
            let b = side(60_000, count / 2, true, |price, size| format!(r#"["buy","{price}","{size}"]"#));
            let a = side(61_000, count / 2, true, |price, size| format!(r#"["sell","{price}","{size}"]"#));
            format!(
                r#"{{"type":"l2update","product_id":"BTC-USD","changes":[{b},{a}],"time":"2022-08-04T15:25:05.010758Z"}}"#
            )
        }
        _ => book(venue, count, true),
    }
}

fn image(venue: &str, count: usize) -> String {
    match venue {
        "coinbase" => {
            let [b, a] = sides(count, false, pair);
            format!(r#"{{"type":"snapshot","product_id":"BTC-USD","bids":[{b}],"asks":[{a}]}}"#)
        }
        "hyperliquid" => {
            let [b, a] =
                sides(count, false, |price, size| format!(r#"{{"px":"{price}","sz":"{size}","n":7}}"#));
            format!(
                r#"{{"channel":"l2Book","data":{{"coin":"BTC","time":1790232236546,"levels":[[{b}],[{a}]],"fast":true}}}}"#
            )
        }
        _ => book(venue, count, false),
    }
}

/// Of the venues whose deltas and images have one form.
fn book(venue: &str, count: usize, is_delta: bool) -> String {
    match venue {
        "bybit-linear" => {
            let [b, a] = sides(count, is_delta, pair);
            let kind = if is_delta { "delta" } else { "snapshot" };
            format!(
                r#"{{"topic":"orderbook.50.BTCUSDT","type":"{kind}","ts":1687940967466,"data":{{"s":"BTCUSDT","b":[{b}],"a":[{a}],"u":177400507,"seq":66544703342}},"cts":1687940967464}}"#
            )
        }
        "kraken" => {
            let [b, a] =
                sides(count, is_delta, |price, size| format!(r#"{{"price":{price},"qty":{size}000}}"#));
            let (kind, time) = if is_delta {
                ("update", r#","timestamp":"2023-10-06T17:35:55.440295Z""#)
            } else {
                ("snapshot", "")
            };
            format!(
                r#"{{"channel":"book","type":"{kind}","data":[{{"symbol":"BTC/USD","bids":[{b}],"asks":[{a}],"checksum":2114181697{time}}}]}}"#
            )
        }
        "okx" => {
            let [b, a] = sides(count, is_delta, |price, size| format!(r#"["{price}","{size}","0","1"]"#));
            let (kind, before) = if is_delta { ("update", "32032594283") } else { ("snapshot", "-1") };
            format!(
                r#"{{"arg":{{"channel":"books","instId":"SOL-USDT"}},"action":"{kind}","data":[{{"asks":[{a}],"bids":[{b}],"ts":"1790394877300","checksum":0,"seqId":32032594315,"prevSeqId":{before}}}]}}"#
            )
        }
        other => unreachable!("{other} has no such frames"),
    }
}
