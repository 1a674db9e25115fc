//! What we send to Bybit: subscription requests, REST paths.
//!
//! Owns the text and the venue's limits, each with its source. Never sends, waits or keeps count: the session paces requests
//! by these numbers. A request holds at most [`REQUEST_TOPICS_MAX`] topics.

use std::fmt::Write as _;
use std::time::Duration;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::feed::rest::query;
use crate::feed::{Method, RestCall};

/// <https://bybit-exchange.github.io/docs/v5/ws/connect>; accounts of Turkey, Kazakhstan and Georgia have hosts of their own.
pub const SPOT_URL: &str = "wss://stream.bybit.com/v5/public/spot";

/// "USDT, USDC perpetual & USDT Futures" (as above).
pub const LINEAR_URL: &str = "wss://stream.bybit.com/v5/public/linear";

/// <https://bybit-exchange.github.io/docs/v5/guide>
pub const REST_URL: &str = "https://api.bybit.com";

/// Spot takes ten topics a request (as [`SPOT_URL`]; from memory); other clients (tardis-node, gocryptotrader) keep to that everywhere.
pub const REQUEST_TOPICS_MAX: usize = 10;

/// All topics of one public connection, in characters (as [`SPOT_URL`]; from memory: it may be meant for one request only, then we
/// stay far below).
pub const SESSION_TOPIC_BYTES_MAX: usize = 21_000;

/// The longest topic: a base and a quote of 20 characters (WIRE.md) and a date, with quotes and a comma.
const TOPIC_BYTES_MAX: usize = "orderbook.1000.".len() + 40 + "-26DEC26".len() + 3;

/// Streams that a session may carry, whatever their names.
pub(super) const STREAMS_PER_SESSION_MAX: usize = 300;

const _: () = assert!(STREAMS_PER_SESSION_MAX * TOPIC_BYTES_MAX <= SESSION_TOPIC_BYTES_MAX);

/// Between two requests. Our own: no limit is documented for public connections.
pub(super) const REQUEST_PACE: Duration = Duration::from_millis(100);

/// From one address, within five minutes (as [`SPOT_URL`]; from memory).
pub(super) const CONNECTS: (u32, Duration) = (500, Duration::from_secs(300));

/// Every call counts one. An address may make 600 within five seconds
/// (<https://bybit-exchange.github.io/docs/v5/rate-limit>; from memory): so many a minute never are too many, however they fall.
pub(super) const WEIGHT_PER_MINUTE: u32 = 600;

/// To be sent every 20 s (as [`SPOT_URL`]); clients that did not were cut off after ten minutes (hirokisan/bybit#99).
pub(super) const PING: &str = r#"{"op":"ping"}"#;

/// Which of the venue's markets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Category {
    Spot,
    Linear,
}

impl Category {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Spot => "spot",
            Self::Linear => "linear",
        }
    }
}

const fn op(method: Method) -> &'static str {
    match method {
        Method::Subscribe => "subscribe",
        Method::Unsubscribe => "unsubscribe",
    }
}

/// The text of a request: `{"op":"subscribe","req_id":"7","args":["orderbook.1.BTCUSDT"]}`. The answer carries `req_id`.
pub(super) fn request(method: Method, topics: &[String], id: u64) -> String {
    debug_assert!(!topics.is_empty() && topics.len() <= REQUEST_TOPICS_MAX, "{} topics", topics.len());
    let mut text = format!(r#"{{"op":"{}","req_id":"{id}","args":["#, op(method));
    for (index, topic) in topics.iter().enumerate() {
        let comma = if index == 0 { "" } else { "," };
        write!(text, r#"{comma}"{topic}""#).expect("writing to a String cannot fail");
    }
    text.push_str("]}");
    text
}

fn get(path: String) -> RestCall {
    RestCall { path, body: None, weight: 1 }
}

pub(super) fn book_call(category: Category, symbol: &str) -> RestCall {
    get(format!("/v5/market/orderbook?category={}&symbol={}&limit=1", category.as_str(), query(symbol)))
}

/// A thousand instruments, the most that one call gives: the first ones, or those at a cursor of the page before; spot always gives
/// all (<https://bybit-exchange.github.io/docs/v5/market/instrument>). A cursor may hold any character, `%` too: it is escaped like
/// any other parameter, as other clients do it (sieblyio/bybit-api#198).
pub(super) fn instruments_call(category: Category, cursor: Option<&str>) -> RestCall {
    let first = format!("/v5/market/instruments-info?category={}&limit=1000", category.as_str());
    get(match cursor {
        None => first,
        Some(cursor) => format!("{first}&cursor={}", utf8_percent_encode(cursor, NON_ALPHANUMERIC)),
    })
}
