//! Which fields of each venue's frames are demanded: the table of `docs/venues`, checked.
//!
//! Each documented frame of data loses each of its fields in turn, by name or by value. Where a demanded one is gone the frame is an
//! error; where another one is, all that the frame says otherwise stands. Both paths of the decoder must agree.

use serde_json::Value;

use super::mutations::seeds;
use super::paths::agree::Agreement;
use super::{Frame, venue};
use crate::domain::{MarketEvent, Ticker, Top};

/// A kind of frame: the payload's place, a field by which it is told, and what is demanded of the payload.
struct Kind {
    venue: &'static str,
    target: &'static str,
    payload: &'static str,
    told_by: &'static str,
    demanded: &'static [&'static str],
}

/// Fields that hold nothing but when it was: without it the quote stands as it is, and has no time.
const STAMPS: [&str; 4] = ["timestamp", "T", "ts", "time"];

const fn kind(
    venue: &'static str,
    target: &'static str,
    payload: &'static str,
    told_by: &'static str,
    demanded: &'static [&'static str],
) -> Kind {
    Kind { venue, target, payload, told_by, demanded }
}

const KINDS: &[Kind] = &[
    // Figures: what a market that has not traded for a day, a new listing or an auction lacks.
    kind("binance", "binance_decode", "/data", "w", &["e"]),
    kind("binance-usdm", "binance_usdm_decode", "/data", "w", &["e"]),
    kind("bybit", "bybit_decode", "/data", "turnover24h", &[]),
    kind("coinbase", "coinbase_decode", "", "open_24h", &["type", "product_id"]),
    kind("hyperliquid", "hyperliquid_decode", "/data/ctx", "dayNtlVlm", &[]),
    kind("okx", "okx_decode", "/data/0", "vol24h", &[]),
    // Figures and the price in one: a missing figure never costs bid and ask.
    kind("kraken", "kraken_decode", "/data/0", "vwap", &["symbol", "bid", "bid_qty", "ask", "ask_qty"]),
    // Quotes: whoever bids has a price and a size, and a place in the venue's order.
    kind("binance", "binance_decode", "/data", "B", &["u", "b", "B", "a", "A"]),
    kind("binance-usdm", "binance_usdm_decode", "/data", "B", &["e", "u", "b", "B", "a", "A"]),
    kind("hyperliquid", "hyperliquid_decode", "/data", "bbo", &["coin", "time", "bbo"]),
    // Books: what orders an update, and both sides.
    kind("binance", "binance_decode", "/data", "U", &["e", "U", "u", "b", "a"]),
    kind("binance-usdm", "binance_usdm_decode", "/data", "pu", &["e", "U", "u", "pu", "b", "a"]),
    kind("bybit", "bybit_decode", "/data", "u", &["b", "a", "u"]),
    kind("coinbase", "coinbase_decode", "", "changes", &["type", "product_id", "changes"]),
    kind("kraken", "kraken_decode", "/data/0", "checksum", &["symbol", "bids", "asks", "checksum"]),
    kind("hyperliquid", "hyperliquid_decode", "/data", "levels", &["coin", "time", "levels"]),
];

/// The frames of a kind: those whose payload has the field by which it is told.
fn frames(kind: &Kind) -> Vec<Value> {
    let frames =
        seeds(kind.target).into_iter().filter_map(|seed| serde_json::from_slice::<Value>(&seed).ok());
    let is_data = |frame: &Value| {
        let event = frame.get("stream").and_then(Value::as_str).unwrap_or_default();
        let payload = frame.pointer(kind.payload).is_some_and(|payload| payload.get(kind.told_by).is_some());
        // At Binance a ticker has a bid, too.
        payload && !(kind.told_by == "B" && event.ends_with("@ticker"))
    };
    frames.filter(is_data).collect()
}

/// What a frame says of bid and ask.
fn top(event: &MarketEvent<'_>) -> Option<Top> {
    match event {
        MarketEvent::Quote(quote) => Some(Top::Quote(*quote)),
        MarketEvent::Ticker(Ticker { top, .. }) => Some(*top),
        _ => None,
    }
}

#[test]
fn a_field_that_is_not_demanded_costs_nothing_else() {
    for kind in KINDS {
        let mut agreement = Agreement::of(kind.venue);
        let frames = frames(kind);
        let mut read_whole = 0;
        for frame in frames {
            let text = frame.to_string();
            let whole = agreement.frame(text.as_bytes());
            // Some seeds are no data: an endless name, a channel that nobody asked for.
            let Ok(Frame::Market { event, .. }) = &whole else { continue };
            read_whole += 1;
            let before = top(event);
            let payload = frame.pointer(kind.payload).and_then(Value::as_object).expect("an object");
            let names: Vec<String> = payload.keys().cloned().collect();
            for name in names {
                let demanded = kind.demanded.contains(&name.as_str());
                for gone in [Gone::Absent, Gone::Null, Gone::Renamed] {
                    let mut changed = frame.clone();
                    gone.from(changed.pointer_mut(kind.payload).expect("it is there"), &name);
                    let text = changed.to_string();
                    let mut agreement = Agreement::of(kind.venue);
                    let read = agreement.frame(text.as_bytes());
                    let what = format!("{} {gone:?} {name}: {text}: {read:?}", kind.venue);
                    // Where nobody bids or asks there, Kraken's top says null.
                    let is_empty_side =
                        kind.told_by == "vwap" && name.starts_with(['b', 'a']) && gone == Gone::Null;
                    match &read {
                        _ if is_empty_side => {}
                        Ok(Frame::Market { event, .. }) => {
                            assert!(!demanded, "{what}");
                            let is_top_of_witness = matches!(before, Some(Top::Prices { .. }));
                            let is_stamp = STAMPS.contains(&name.as_str());
                            assert!(is_stamp || is_top_of_witness || top(event) == before, "{what}");
                        }
                        // No event type: Binance spot's quotes have none.
                        _ => assert!(demanded, "{what}"),
                    }
                }
            }
        }
        assert!(read_whole > 0, "{} {}: no frame", kind.venue, kind.told_by);
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Gone {
    Absent,
    Null,
    Renamed,
}

impl Gone {
    fn from(self, payload: &mut Value, name: &str) {
        let fields = payload.as_object_mut().expect("an object");
        let value = fields.remove(name).expect("it was there");
        match self {
            Self::Absent => {}
            Self::Null => drop(fields.insert(name.to_owned(), Value::Null)),
            Self::Renamed => drop(fields.insert(format!("{name}_2"), value)),
        }
    }
}

/// Figures may go, one by one; without any it is a form that nobody knows.
#[test]
fn figures_under_other_names_are_no_figures() {
    for kind in KINDS
        .iter()
        .filter(|kind| matches!(kind.told_by, "w" | "turnover24h" | "open_24h" | "dayNtlVlm" | "vol24h"))
    {
        for mut frame in frames(kind) {
            let payload = frame.pointer_mut(kind.payload).and_then(Value::as_object_mut).expect("an object");
            let names: Vec<String> =
                payload.keys().filter(|name| !kind.demanded.contains(&name.as_str())).cloned().collect();
            for name in names {
                let value = payload.remove(&name).expect("it was there");
                payload.insert(format!("{name}_2"), value);
            }
            let text = frame.to_string();
            let mut decoder = {
                let venue = venue(kind.venue).expect("registered");
                venue.decoder(&super::ChannelNames::of(venue.defaults()))
            };
            let read = decoder.decode(text.as_bytes());
            assert!(read.is_err(), "{}: {text}: {read:?}", kind.venue);
        }
    }
}

/// What a frame's event says, once a text of it is another.
fn changed(venue_name: &str, target: &str, seed: &str, from: &str, to: &str) -> Result<String, String> {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds").join(target).join(seed);
    let whole = std::fs::read_to_string(path).expect("a seed");
    let text = whole.replace(from, to);
    assert_ne!(text, whole, "{venue_name} {seed}: {from}");
    let mut agreement = Agreement::of(venue_name);
    match agreement.frame(text.as_bytes()) {
        Ok(Frame::Market { event, .. }) => Ok(format!("{event:?}")),
        other => Err(format!("{other:?}")),
    }
}

/// Where the venue numbers what it sends, a time that is absent, null or empty costs the time alone; where it does not, the time is
/// the order, and its absence an error.
#[test]
fn a_numbered_quote_needs_no_time() {
    for to in ["", r#""ts":null,"#, r#""ts":"","#] {
        let read = changed("okx", "okx_decode", "quote", r#""ts":"1790071390505","#, to);
        let read = read.expect("it has a seqId");
        assert!(read.contains("venue_time: None") && read.contains("4153112115"), "{read}");
    }
    let neither =
        changed("okx", "okx_decode", "quote", r#""ts":"1790071390505","seqId":4153112115"#, r#""else":0"#);
    assert!(neither.expect_err("no order").contains("ts"), "neither number nor time");
}
