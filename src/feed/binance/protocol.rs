//! What we send to Binance spot: stream names, subscription requests, REST paths.
//!
//! Owns the spelling and the venue's limits, each with its source. Never sends, waits or keeps count: the session
//! paces requests by these numbers. A request holds at most [`REQUEST_STREAMS_MAX`] streams and [`REQUEST_BYTES_MAX`] bytes.

use std::fmt::Write as _;
use std::time::Duration;

use crate::domain::Instrument;
use crate::feed::Method;
use crate::feed::rest::query;

/// The combined-stream endpoint (web-socket-streams.md, "General WSS information").
pub const WEBSOCKET_URL: &str = "wss://stream.binance.com:9443/stream";

/// The REST endpoint (rest-api.md, "General API Information").
pub const REST_URL: &str = "https://api.binance.com";

/// "A single connection can listen to a maximum of 1024 streams" (web-socket-streams.md, "Websocket Limits").
pub const STREAMS_PER_CONNECTION_MAX: usize = 1_024;

/// "WebSocket connections have a limit of 5 incoming messages per second", pings and pongs included (as above); whoever
/// goes beyond is disconnected. Other clients see a request each 250 ms closed with 1008, and each 500 ms held.
pub const CLIENT_MESSAGES_PER_SECOND_MAX: u32 = 5;

/// Between two requests: see [`CLIENT_MESSAGES_PER_SECOND_MAX`].
pub(super) const REQUEST_PACE: Duration = Duration::from_millis(500);

/// "A single connection to stream.binance.com is only valid for 24 hours" (as above).
pub(super) const SESSION_MAX: Duration = Duration::from_secs(24 * 3_600);

/// Request weight of `/api/v3/exchangeInfo` (rest-api.md, "Exchange information").
pub(super) const EXCHANGE_INFO_WEIGHT: u32 = 20;

/// "There is a limit of 300 connections per attempt every 5 minutes per IP" (as above).
pub const CONNECTIONS_PER_FIVE_MINUTES_MAX: u32 = 300;

/// Streams of one request; our own limit, the documentation has none.
pub const REQUEST_STREAMS_MAX: usize = 200;

/// Bytes of one request. Undocumented: of a websocket message of more than 4096 bytes, header included, nothing is ever
/// heard again, neither answer nor data (binance-connector-rust#27, Binance.Net#884). We stay a little below.
pub const REQUEST_BYTES_MAX: usize = 4_000;

/// The largest `limit` of a depth snapshot (rest-api.md, "Order book").
pub const SNAPSHOT_LIMIT_MAX: usize = 5_000;

/// Request weight of `/api/v3/ticker/bookTicker` for one symbol (rest-api.md, "Symbol order book ticker").
pub const BOOK_TICKER_WEIGHT: u32 = 2;

/// Bytes of a request beside its streams, with the longest method and the longest id.
const REQUEST_FRAME_BYTES: usize = r#"{"method":"UNSUBSCRIBE","params":[],"id":18446744073709551615}"#.len();

/// The longest stream name: two currencies of 20 characters (WIRE.md) and the longest suffix.
const STREAM_BYTES_MAX: usize = 40 + "@depth@100ms".len();

const _: () = assert!(REQUEST_FRAME_BYTES + STREAM_BYTES_MAX + 3 <= REQUEST_BYTES_MAX);
const _: () = assert!(REQUEST_STREAMS_MAX <= STREAMS_PER_CONNECTION_MAX);

/// Why something cannot be asked of Binance spot.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProtocolError {
    /// A perpetual or a dated contract.
    #[error("{0} is no spot instrument: binance spot has no contract {1:?}")]
    NotSpot(Instrument, String),
    /// No snapshot has that many levels, or none at all.
    #[error("a depth snapshot of {0} levels: the venue has 1 to {SNAPSHOT_LIMIT_MAX}")]
    SnapshotLimit(usize),
}

/// The venue's spelling of an instrument: `BTC-USDT` is `BTCUSDT`.
///
/// # Errors
/// [`ProtocolError::NotSpot`] for `-PERP` and dated contracts.
pub fn symbol(instrument: &Instrument) -> Result<String, ProtocolError> {
    match instrument.contract() {
        Some(contract) => Err(ProtocolError::NotSpot(instrument.clone(), contract.to_owned())),
        None => Ok([instrument.base(), instrument.quote()].concat()),
    }
}

/// The name of a stream: `btcusdt@bookTicker`. "All symbols for streams are lowercase."
#[must_use]
pub fn stream(symbol: &str, channel: &str) -> String {
    format!("{}@{channel}", symbol.to_ascii_lowercase())
}

const fn method_name(method: Method) -> &'static str {
    match method {
        Method::Subscribe => "SUBSCRIBE",
        Method::Unsubscribe => "UNSUBSCRIBE",
    }
}

/// Splits streams into parts that fit into one request each, in order. No part is empty.
///
/// A single name that is too long for any request (no name of [`stream`] is) gets a part of its own.
pub fn batches<S: AsRef<str>>(streams: &[S]) -> impl Iterator<Item = &[S]> {
    let mut rest = streams;
    std::iter::from_fn(move || {
        let (batch, remaining) = rest.split_at(batch_length(rest));
        rest = remaining;
        (!batch.is_empty()).then_some(batch)
    })
}

fn batch_length<S: AsRef<str>>(streams: &[S]) -> usize {
    let mut bytes = REQUEST_FRAME_BYTES;
    let fitting = streams.iter().take(REQUEST_STREAMS_MAX).take_while(|stream| {
        // Quotes and a comma around each.
        bytes += stream.as_ref().len() + 3;
        bytes <= REQUEST_BYTES_MAX
    });
    fitting.count().max(1).min(streams.len())
}

/// The text of a request: `{"method":"SUBSCRIBE","params":["btcusdt@bookTicker"],"id":1}`. The answer carries `id`.
///
/// Pass one part of [`batches`]. Names are written as they are: those of [`stream`] need no escapes.
#[must_use]
pub fn request<S: AsRef<str>>(method: Method, streams: &[S], id: u64) -> String {
    debug_assert!(!streams.is_empty() && streams.len() <= REQUEST_STREAMS_MAX, "{} streams", streams.len());
    let mut text = String::with_capacity(REQUEST_BYTES_MAX);
    text.push_str(r#"{"method":""#);
    text.push_str(method_name(method));
    text.push_str(r#"","params":["#);
    for (index, stream) in streams.iter().enumerate() {
        text.push_str(if index == 0 { "\"" } else { ",\"" });
        text.push_str(stream.as_ref());
        text.push('"');
    }
    write!(text, r#"],"id":{id}}}"#).expect("writing to a String cannot fail");
    text
}

/// Path and query of a depth snapshot with `limit` levels a side.
///
/// # Errors
/// [`ProtocolError::SnapshotLimit`] outside 1 to [`SNAPSHOT_LIMIT_MAX`].
pub fn depth_path(symbol: &str, limit: usize) -> Result<String, ProtocolError> {
    depth_weight(limit).map(|_| format!("/api/v3/depth?symbol={}&limit={limit}", query(symbol)))
}

/// What a depth snapshot of `limit` levels costs of the request-weight budget (rest-api.md, "Order book").
///
/// # Errors
/// As [`depth_path`].
pub const fn depth_weight(limit: usize) -> Result<u32, ProtocolError> {
    match limit {
        1..=100 => Ok(5),
        101..=500 => Ok(25),
        501..=1_000 => Ok(50),
        1_001..=SNAPSHOT_LIMIT_MAX => Ok(250),
        _ => Err(ProtocolError::SnapshotLimit(limit)),
    }
}

/// Path and query of one symbol's top of book; it costs [`BOOK_TICKER_WEIGHT`].
#[must_use]
pub fn book_ticker_path(symbol: &str) -> String {
    format!("/api/v3/ticker/bookTicker?symbol={}", query(symbol))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn instrument(text: &str) -> Instrument {
        text.parse().unwrap()
    }

    #[test]
    fn spot_instruments_have_symbols_and_contracts_do_not() {
        assert_eq!(symbol(&instrument("BTC-USDT")).as_deref(), Ok("BTCUSDT"));
        assert_eq!(symbol(&instrument("1INCH-BTC")).as_deref(), Ok("1INCHBTC"));
        for contract in ["PERP", "20270326"] {
            let dated = instrument(&format!("BTC-USDT-{contract}"));
            assert_eq!(symbol(&dated), Err(ProtocolError::NotSpot(dated.clone(), contract.to_owned())));
        }
    }

    #[test]
    fn streams_are_spelled_as_the_venue_does() {
        let names = ["bookTicker", "depth@100ms"].map(|channel| stream("BTCUSDT", channel));
        assert_eq!(names, ["btcusdt@bookTicker", "btcusdt@depth@100ms"]);
    }

    #[test]
    fn a_request_is_the_documented_json() {
        assert_eq!(
            request(Method::Subscribe, &["btcusdt@bookTicker", "ethusdt@trade"], 7),
            r#"{"method":"SUBSCRIBE","params":["btcusdt@bookTicker","ethusdt@trade"],"id":7}"#
        );
        assert_eq!(
            request(Method::Unsubscribe, &["btcusdt@ticker"], u64::MAX),
            r#"{"method":"UNSUBSCRIBE","params":["btcusdt@ticker"],"id":18446744073709551615}"#
        );
    }

    #[test]
    fn batches_hold_every_stream_once_within_both_limits() {
        for (case, count, symbol_length, requests) in [
            ("none", 0, 7, 0),
            ("one", 1, 7, 1),
            ("as many as one request takes", 200, 1, 1),
            ("one more", 201, 1, 2),
            ("long names fill a request sooner", 200, 40, 3),
            ("a whole connection", 1_024, 7, 6),
        ] {
            let streams: Vec<String> =
                (0..count).map(|_| stream(&"A".repeat(symbol_length), "depth@100ms")).collect();
            let batches: Vec<&[String]> = batches(&streams).collect();
            assert_eq!(batches.len(), requests, "{case}");
            assert_eq!(batches.concat(), streams, "{case}");
            for batch in batches {
                let text = request(Method::Unsubscribe, batch, u64::MAX);
                assert!(batch.len() <= REQUEST_STREAMS_MAX && text.len() <= REQUEST_BYTES_MAX, "{case}");
            }
        }
    }

    #[test]
    fn a_name_too_long_for_any_request_still_ends_the_iteration() {
        let streams = ["x".repeat(5_000), "y".repeat(5_000)];
        assert_eq!(batches(&streams).count(), 2);
    }

    #[test]
    fn a_snapshot_costs_what_the_venue_says() {
        for (limit, weight) in
            [(1, 5), (100, 5), (101, 25), (500, 25), (501, 50), (1_000, 50), (1_001, 250), (5_000, 250)]
        {
            assert_eq!(depth_weight(limit), Ok(weight), "{limit}");
        }
        assert_eq!(depth_path("BTCUSDT", 1_000).as_deref(), Ok("/api/v3/depth?symbol=BTCUSDT&limit=1000"));
        for limit in [0, 5_001] {
            assert_eq!(depth_path("BTCUSDT", limit), Err(ProtocolError::SnapshotLimit(limit)));
        }
        assert_eq!(book_ticker_path("BTCUSDT"), "/api/v3/ticker/bookTicker?symbol=BTCUSDT");
    }
}
