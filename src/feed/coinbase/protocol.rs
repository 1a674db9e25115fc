//! What we send to Coinbase Exchange: symbols, subscription requests, REST paths.
//!
//! Owns the spelling and the venue's limits, each with its source. Never sends, waits or keeps count: the session paces
//! requests by these numbers. A request names at most [`REQUEST_STREAMS_MAX`] streams.

use std::time::Duration;

use crate::domain::Instrument;
use crate::feed::rest::query;
use crate::feed::{Method, Stream};

/// "Coinbase Market Data is our traditional feed which is available without authentication"
/// (<https://docs.cdp.coinbase.com/exchange/websocket-feed/overview>).
pub(super) const WEBSOCKET_URL: &str = "wss://ws-feed.exchange.coinbase.com";

/// <https://docs.cdp.coinbase.com/exchange/rest-api/requests>.
pub(super) const REST_URL: &str = "https://api.exchange.coinbase.com";

/// "WebSocket inbound messages are subject to a rate limit of 10 RPS / 1000 burst RPS"
/// (<https://docs.cdp.coinbase.com/exchange/websocket-feed/rate-limits>). The first request "within 5 seconds".
pub(super) const REQUEST_PACE: Duration = Duration::from_millis(125);

/// "Requests per second per IP: 8" (as above): of connections.
pub(super) const CONNECTS: (u32, Duration) = (8, Duration::from_secs(1));

/// Our own limit, unproved: the documentation has none.
pub(super) const STREAMS_PER_SESSION_MAX: usize = 300;

/// Streams of one request. Our own limit: the documentation has none but "The message size is too large".
pub(super) const REQUEST_STREAMS_MAX: usize = 30;

/// "Public endpoints: Requests per second per IP: 10" (<https://docs.cdp.coinbase.com/exchange/rest-api/rate-limits>).
pub(super) const REST_WEIGHT_PER_MINUTE: u32 = 600;

/// "To receive heartbeat messages for specific products every second, subscribe to the heartbeat channel"
/// (<https://docs.cdp.coinbase.com/exchange/websocket-feed/channels>).
const HEARTBEAT: &str = "heartbeat";

/// The venue's spelling of an instrument, which is ours; `None` for contracts.
pub(super) fn symbol(instrument: &Instrument) -> Option<String> {
    instrument.contract().is_none().then(|| instrument.as_str().to_owned())
}

/// `matches:BTC-USD`. No product has a colon.
pub(super) fn stream(symbol: &str, name: &str) -> Stream {
    Stream::plain(format!("{name}:{symbol}"))
}

/// What shows that a product's session lives.
pub(super) fn heartbeat(symbol: &str) -> Stream {
    stream(symbol, HEARTBEAT)
}

/// Splits topics into requests.
pub(super) fn batches(topics: &[String]) -> Vec<Vec<String>> {
    topics.chunks(REQUEST_STREAMS_MAX).map(<[String]>::to_vec).collect()
}

/// `{"type":"subscribe","channels":[{"name":"matches","product_ids":["BTC-USD"]}]}`. The answer carries no id.
pub(super) fn request(method: Method, topics: &[String]) -> String {
    let method = match method {
        Method::Subscribe => "subscribe",
        Method::Unsubscribe => "unsubscribe",
    };
    let mut channels: Vec<(&str, Vec<String>)> = Vec::new();
    for topic in topics {
        let (name, product) = topic.rsplit_once(':').unwrap_or((topic, ""));
        let product = format!("\"{product}\"");
        match channels.iter_mut().find(|(known, _)| *known == name) {
            Some((_, products)) => products.push(product),
            None => channels.push((name, vec![product])),
        }
    }
    let channel = |(name, products): (&str, Vec<String>)| {
        format!(r#"{{"name":"{name}","product_ids":[{}]}}"#, products.join(","))
    };
    let channels: Vec<String> = channels.into_iter().map(channel).collect();
    format!(r#"{{"type":"{method}","channels":[{}]}}"#, channels.join(","))
}

/// Path and query of the best level of each side.
pub(super) fn book_path(symbol: &str) -> String {
    format!("/products/{}/book?level=1", query(symbol))
}

/// Path of the list of products.
pub(super) const PRODUCTS_PATH: &str = "/products";
