//! What we send to Binance USD-M futures, beside what spot has in the same form: URLs, REST paths, limits.
//!
//! Owns the numbers, each with its source. Never sends, waits or keeps count. Requests are those of `binance::protocol`,
//! with the same bounds.

use std::time::Duration;

use crate::feed::RestCall;
use crate::feed::rest::query;

/// bookTicker, depth and trade. Split since 2026-03-06, proved by other clients (nautilus_trader, tardis-node, ccxt#28091), not by us.
pub const PUBLIC_URL: &str = "wss://fstream.binance.com/public/stream";

/// The rolling figures; as [`PUBLIC_URL`].
pub const MARKET_URL: &str = "wss://fstream.binance.com/market/stream";

/// <https://developers.binance.com/docs/derivatives/usds-margined-futures/general-info>
pub const REST_URL: &str = "https://fapi.binance.com";

/// The documentation says 1024 now, and said 200; other clients stay at 200
/// (<https://developers.binance.com/docs/derivatives/usds-margined-futures/websocket-market-streams>).
pub(super) const STREAMS_PER_CONNECTION_MAX: usize = 200;

/// Between two requests: half of "a limit of 10 incoming messages per second" (as above); pings and pongs are messages, too.
pub(super) const REQUEST_PACE: Duration = Duration::from_millis(200);

/// "A single connection is only valid for 24 hours" (as above).
pub(super) const SESSION_MAX: Duration = Duration::from_secs(24 * 3_600);

/// Unproved: spot's limit.
pub(super) const CONNECTS: (u32, Duration) = (300, Duration::from_secs(300));

/// `REQUEST_WEIGHT` of `GET /fapi/v1/exchangeInfo`, per minute and address; from memory.
pub(super) const WEIGHT_PER_MINUTE: u32 = 2_400;

/// The most levels a side of a snapshot that there are.
pub const SNAPSHOT_LIMIT: usize = 1_000;

/// Levels a side of a snapshot (`GET /fapi/v1/depth`: 5, 10, 20, 50, 100, 500 or 1000), and what it costs (from memory).
const SNAPSHOTS: [(usize, u32); 4] = [(50, 2), (100, 5), (500, 10), (SNAPSHOT_LIMIT, 20)];

/// For one symbol (`GET /fapi/v1/ticker/bookTicker`; from memory).
const BOOK_TICKER_WEIGHT: u32 = 2;

/// `GET /fapi/v1/exchangeInfo`; from memory.
const EXCHANGE_INFO_WEIGHT: u32 = 1;

fn get(path: String, weight: u32) -> RestCall {
    RestCall { path, body: None, weight }
}

/// Of at least so many levels, or of all that are shown.
pub(super) fn snapshot_call(symbol: &str, levels: usize) -> (RestCall, usize) {
    let cheapest = SNAPSHOTS.into_iter().find(|(limit, _)| *limit >= levels);
    let (limit, weight) = cheapest.unwrap_or(SNAPSHOTS[SNAPSHOTS.len() - 1]);
    (get(format!("/fapi/v1/depth?symbol={}&limit={limit}", query(symbol)), weight), limit)
}

pub(super) fn book_ticker_call(symbol: &str) -> RestCall {
    get(format!("/fapi/v1/ticker/bookTicker?symbol={}", query(symbol)), BOOK_TICKER_WEIGHT)
}

pub(super) fn exchange_info_call() -> RestCall {
    get("/fapi/v1/exchangeInfo".to_owned(), EXCHANGE_INFO_WEIGHT)
}
