//! What we send to Kraken: symbols, subscription requests, REST paths.
//!
//! Owns the spelling and the venue's limits, each with its source. Never sends, waits or keeps count: the session paces
//! requests by these numbers. A request names at most [`REQUEST_SYMBOLS_MAX`] symbols of one channel.

use std::fmt::Write as _;
use std::time::Duration;

use crate::domain::{Channel, Instrument};
use crate::feed::rest::query;
use crate::feed::{Method, Stream};

/// <https://docs.kraken.com/exchange/api-reference/spot-websocket>: "v2 — Primary".
pub(super) const WEBSOCKET_URL: &str = "wss://ws.kraken.com/v2";

/// <https://docs.kraken.com/api/docs/rest-api/get-asset-info>.
pub(super) const REST_URL: &str = "https://api.kraken.com";

/// A request that the venue answers with `{"method":"pong",...}`
/// (<https://docs.kraken.com/exchange/api-reference/spot-websocket-v2/ping>).
pub(super) const PING: &str = r#"{"method":"ping"}"#;

/// Between two requests. The venue's limit "is dynamic"; beyond it comes "Exceeded msg rate"
/// (<https://docs.kraken.com/api/docs/guides/spot-ratelimits>). Our own number, unproved.
pub(super) const REQUEST_PACE: Duration = Duration::from_millis(250);

/// Our own limit, unproved: the documentation has none.
pub(super) const STREAMS_PER_SESSION_MAX: usize = 400;

/// About 150 connections and reconnections in ten minutes from one address. From memory, unproved.
pub(super) const CONNECTS: (u32, Duration) = (150, Duration::from_secs(600));

/// Symbols of one request. Our own limit, unproved: the documentation has none.
pub(super) const REQUEST_SYMBOLS_MAX: usize = 50;

/// Public REST calls: one a second from one address. From memory, unproved.
pub(super) const REST_WEIGHT_PER_MINUTE: u32 = 60;

/// "depth: One of: 10, 25, 100, 500, 1000" (<https://docs.kraken.com/exchange/api-reference/spot-websocket-v2/book>).
const DEPTHS: [usize; 5] = [10, 25, 100, 500, DEPTH_MAX];

/// The deepest of them.
pub(super) const DEPTH_MAX: usize = 1_000;

/// Currencies whose old names the REST interface still has; the websocket v2 refuses those ("Currency pair not supported XDG/USD",
/// nautilus_trader#3960; "XBT/USDC", Kraken.Net#126). Ours and the websocket's name first.
const OLD_NAMES: [(&str, &str); 2] = [("BTC", "XBT"), ("DOGE", "XDG")];

/// The smallest depth of the venue's that holds the published levels.
pub(super) fn book_depth(published: usize) -> usize {
    DEPTHS.into_iter().find(|&depth| depth >= published).unwrap_or(DEPTH_MAX)
}

/// The websocket's spelling of an instrument: `BTC-USD` is `BTC/USD`; `None` for contracts.
pub(super) fn symbol(instrument: &Instrument) -> Option<String> {
    instrument.contract().is_none().then(|| [instrument.base(), "/", instrument.quote()].concat())
}

/// Our name of a pair that the REST interface calls `XBT/USD`.
pub(super) fn instrument(wsname: &str) -> Option<Instrument> {
    let (base, quote) = wsname.split_once('/')?;
    [renamed(base), "-", renamed(quote)].concat().parse().ok()
}

fn renamed(old: &str) -> &str {
    OLD_NAMES.iter().find(|(_, known)| *known == old).map_or(old, |(new, _)| new)
}

/// The REST interface's spelling: `BTC/USD` is `XBTUSD`. It takes such names for every pair.
fn pair(symbol: &str) -> String {
    let old = |name| OLD_NAMES.iter().find(|(known, _)| *known == name).map_or(name, |&(_, old)| old);
    symbol.split('/').map(old).collect()
}

/// Whether a symbol is a tokenized share, as `AAPLx/USD`: no currency has small letters in its name.
pub(super) fn is_tokenized(symbol: &str) -> bool {
    symbol.split('/').next().is_some_and(|base| base.ends_with('x') && base.len() > 1)
}

/// Path and query of the best level of each side. "asset_class: required on requests for non-crypto pairs, i.e. use
/// `tokenized_asset` for xstocks" (from memory, unproved).
pub(super) fn depth_path(symbol: &str) -> String {
    let class = if is_tokenized(symbol) { "&asset_class=tokenized_asset" } else { "" };
    format!("/0/public/Depth?pair={}&count=1{class}", query(&pair(symbol)))
}

/// Path of the list of pairs of tokenized shares (from memory, unproved).
pub(super) const TOKENIZED_PAIRS_PATH: &str = "/0/public/AssetPairs?aclass_base=tokenized_asset";

/// Path of the list of pairs.
pub(super) const PAIRS_PATH: &str = "/0/public/AssetPairs";

/// The route is `book:BTC/USD`. The topic holds the request's parameters: channel, parameter and symbol, with spaces
/// between, which no name of a channel has.
pub(super) fn stream(symbol: &str, channel: Channel, name: &str, depth: usize) -> Stream {
    let parameter = match channel {
        // One stream for both: the venue has no quotes without figures.
        Channel::Quote | Channel::Volume => r#""event_trigger":"bbo""#.to_owned(),
        Channel::Trade => String::new(),
        Channel::Depth => format!(r#""depth":{}"#, book_depth(depth)),
    };
    Stream { route: format!("{name}:{symbol}"), topic: format!("{name} {parameter} {symbol}") }
}

/// Channel and parameter of a topic, and its symbol.
fn parts(topic: &str) -> (&str, &str) {
    topic.rsplit_once(' ').unwrap_or((topic, ""))
}

/// Splits topics into requests: a request has one channel and one parameter.
pub(super) fn batches(topics: &[String]) -> Vec<Vec<String>> {
    let mut open: Vec<Vec<String>> = Vec::new();
    let mut full = Vec::new();
    for topic in topics {
        let same = |batch: &&mut Vec<String>| parts(&batch[0]).0 == parts(topic).0;
        match open.iter_mut().find(same) {
            Some(batch) if batch.len() < REQUEST_SYMBOLS_MAX => batch.push(topic.clone()),
            Some(batch) => full.push(std::mem::replace(batch, vec![topic.clone()])),
            None => open.push(vec![topic.clone()]),
        }
    }
    full.append(&mut open);
    full
}

/// `{"method":"subscribe","params":{"channel":"book","depth":10,"symbol":["BTC/USD"]},"req_id":1}`. Pass one part of [`batches`].
pub(super) fn request(method: Method, topics: &[String], id: u64) -> String {
    let method = match method {
        Method::Subscribe => "subscribe",
        Method::Unsubscribe => "unsubscribe",
    };
    let common = topics.first().map_or("", |topic| parts(topic).0);
    let (channel, parameter) = common.split_once(' ').unwrap_or((common, ""));
    let comma = if parameter.is_empty() { "" } else { "," };
    let mut text =
        format!(r#"{{"method":"{method}","params":{{"channel":"{channel}"{comma}{parameter},"symbol":["#);
    for (index, topic) in topics.iter().enumerate() {
        let comma = if index == 0 { "" } else { "," };
        write!(text, r#"{comma}"{}""#, parts(topic).1).expect("writing to a String cannot fail");
    }
    write!(text, r#"]}},"req_id":{id}}}"#).expect("writing to a String cannot fail");
    text
}
