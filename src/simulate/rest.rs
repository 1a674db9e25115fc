//! The REST endpoints of Binance's public market data.
//!
//! Owns paths, parameters, weights, headers and bodies ("Market Data endpoints" and "LIMITS" of Binance's REST
//! documentation). Never keeps a book: it asks [`super::source::Source`].

use std::fmt::Write;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER};
use hyper::{Request, Response, StatusCode};
use rust_decimal::Decimal;

use super::book::{BookView, Level, Top};
use super::fault::{Fault, Place};
use super::server::Shared;
use super::source::SymbolInfo;
use crate::clock;

type Answer = Response<Full<Bytes>>;
/// A body, or a status with Binance's code and message.
type Outcome = Result<String, (StatusCode, i32, &'static str)>;

const USED_WEIGHT: HeaderName = HeaderName::from_static("x-mbx-used-weight");
const USED_WEIGHT_1M: HeaderName = HeaderName::from_static("x-mbx-used-weight-1m");
const LEVELS_MAX: usize = 5000;

/// Answers one request.
pub(super) async fn answer(request: &Request<Incoming>, shared: &Arc<Shared>) -> Answer {
    shared.counters.rest_requests.fetch_add(1, Ordering::Relaxed);
    let (path, query) = (request.uri().path(), request.uri().query());
    let asked = request.uri().path_and_query().map_or(path, |whole| whole.as_str());
    let mut garbage = false;
    for fault in shared.faults.strike(Place::Rest, asked) {
        match fault {
            Fault::Status { status, retry_after_s } => return refused(status, retry_after_s),
            Fault::SlowRest(time) => tokio::time::sleep(time).await,
            Fault::GarbageBody => garbage = true,
            _ => {}
        }
    }
    let now = clock::mono();
    let used = shared.weight.lock().unwrap_or_else(PoisonError::into_inner).add(weight(path, query), now);
    if used.used > shared.limits.weight_per_minute {
        let wait = u32::try_from(used.resets_in_s).unwrap_or(60);
        return refused(429, Some(wait));
    }
    if garbage {
        return respond(StatusCode::OK, "{\"lastUpdateId\":\"<garbage>".to_owned());
    }
    let mut response = match body(path, query, shared).await {
        Ok(body) => respond(StatusCode::OK, body),
        Err((status, 0, message)) => respond(status, message.to_owned()),
        Err((status, code, message)) => respond(status, error_body(code, message)),
    };
    response.headers_mut().insert(USED_WEIGHT, HeaderValue::from(used.used));
    response.headers_mut().insert(USED_WEIGHT_1M, HeaderValue::from(used.used));
    response
}

/// The answer of a [`Fault::Status`] that strikes at a websocket's handshake.
pub(super) fn status_fault(shared: &Shared, path: &str) -> Option<Answer> {
    let faults = shared.faults.strike(Place::Rest, path);
    faults.into_iter().find_map(|fault| match fault {
        Fault::Status { status, retry_after_s } => Some(refused(status, retry_after_s)),
        _ => None,
    })
}

fn respond(status: StatusCode, body: String) -> Answer {
    let mut response = Response::new(Full::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json;charset=UTF-8"));
    response
}

fn refused(status: u16, retry_after_s: Option<u32>) -> Answer {
    let body = match status {
        429 => error_body(
            -1003,
            "Too much request weight used; current limit is 6000 request weight per 1 MINUTE. Please use \
             WebSocket Streams for live updates to avoid polling the API.",
        ),
        418 => error_body(
            -1003,
            "Way too much request weight used; IP banned. Please use WebSocket Streams for live updates to \
             avoid bans.",
        ),
        _ => error_body(-1000, "An unknown error occurred while processing the request."),
    };
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = respond(status, body);
    if let Some(seconds) = retry_after_s {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

fn error_body(code: i32, message: &str) -> String {
    format!("{{\"code\":{code},\"msg\":\"{message}\"}}")
}

/// A parameter of a query. Binance's own names and symbols need no percent-decoding.
pub(super) fn parameter<'a>(query: Option<&'a str>, name: &str) -> Option<&'a str> {
    query?
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .find(|(key, _)| *key == name)
        .map(|(_, value)| value)
}

fn weight(path: &str, query: Option<&str>) -> u32 {
    let limit = parameter(query, "limit").and_then(|text| text.parse().ok()).unwrap_or(100_u64);
    match (path, limit) {
        ("/api/v3/depth", ..=100) => 5,
        ("/api/v3/depth", ..=500) => 25,
        ("/api/v3/depth", ..=1000) => 50,
        ("/api/v3/depth", _) => 250,
        ("/api/v3/ticker/bookTicker", _) if parameter(query, "symbol").is_some() => 2,
        ("/api/v3/ticker/bookTicker", _) => 4,
        ("/api/v3/exchangeInfo", _) => 20,
        _ => 1,
    }
}

async fn body(path: &str, query: Option<&str>, shared: &Arc<Shared>) -> Outcome {
    match path {
        "/api/v3/ping" => Ok("{}".to_owned()),
        "/api/v3/time" => Ok(format!("{{\"serverTime\":{}}}", millis())),
        "/api/v3/depth" => depth(query, shared).await,
        "/api/v3/ticker/bookTicker" => book_ticker(query, shared).await,
        "/api/v3/exchangeInfo" => Ok(exchange_info(&shared.source.symbols())),
        _ => Err((StatusCode::NOT_FOUND, 0, "<html><body>404 Not found</body></html>")),
    }
}

fn millis() -> i64 {
    clock::wall().nanos() / 1_000_000
}

const INVALID_SYMBOL: (StatusCode, i32, &str) = (StatusCode::BAD_REQUEST, -1121, "Invalid symbol.");
const NO_SYMBOL: (StatusCode, i32, &str) = (
    StatusCode::BAD_REQUEST,
    -1102,
    "Mandatory parameter 'symbol' was not sent, was empty/null, or malformed.",
);
const BAD_LIMIT: (StatusCode, i32, &str) = (
    StatusCode::BAD_REQUEST,
    -1100,
    "Illegal characters found in parameter 'limit'; legal range is '^[0-9]{1,20}$'.",
);

async fn depth(query: Option<&str>, shared: &Arc<Shared>) -> Outcome {
    let symbol = parameter(query, "symbol").filter(|text| !text.is_empty()).ok_or(NO_SYMBOL)?;
    let limit = match parameter(query, "limit") {
        None => 100,
        Some(text) => text.parse::<usize>().map_err(|_| BAD_LIMIT)?.clamp(1, LEVELS_MAX),
    };
    let view = view(shared, symbol, limit).await.ok_or(INVALID_SYMBOL)?;
    let mut body = format!("{{\"lastUpdateId\":{},\"bids\":", view.update_id);
    write_levels(&mut body, &view.bids);
    body.push_str(",\"asks\":");
    write_levels(&mut body, &view.asks);
    body.push('}');
    Ok(body)
}

/// A replay may have thousands of recorded deltas to apply first: that is no work for the thread that sends frames.
async fn view(shared: &Arc<Shared>, symbol: &str, limit: usize) -> Option<BookView> {
    let (shared, symbol) = (shared.clone(), symbol.to_owned());
    tokio::task::spawn_blocking(move || shared.source.view(&symbol, limit)).await.ok().flatten()
}

/// Writes `[["price","quantity"],..]`.
pub(super) fn write_levels(body: &mut String, levels: &[Level]) {
    body.push('[');
    for (index, (price, quantity)) in levels.iter().enumerate() {
        let comma = if index == 0 { "" } else { "," };
        write!(body, "{comma}[\"{price}\",\"{quantity}\"]").expect("a String takes all");
    }
    body.push(']');
}

async fn book_ticker(query: Option<&str>, shared: &Arc<Shared>) -> Outcome {
    let shared = shared.clone();
    if let Some(symbol) = parameter(query, "symbol") {
        let symbol = symbol.to_owned();
        let asked = symbol.clone();
        let top = tokio::task::spawn_blocking(move || shared.source.top(&asked)).await.ok().flatten();
        return top.map(|top| ticker_body(&symbol, &top)).ok_or(INVALID_SYMBOL);
    }
    let all = tokio::task::spawn_blocking(move || {
        let symbols = shared.source.symbols();
        let tops = symbols
            .iter()
            .filter_map(|info| Some(ticker_body(&info.symbol, &shared.source.top(&info.symbol)?)));
        tops.collect::<Vec<_>>()
    });
    Ok(format!("[{}]", all.await.unwrap_or_default().join(",")))
}

fn ticker_body(symbol: &str, top: &Top) -> String {
    let none = (Decimal::new(0, 8), Decimal::new(0, 8));
    let ((bid, bid_size), (ask, ask_size)) = (top.bid.unwrap_or(none), top.ask.unwrap_or(none));
    format!(
        "{{\"symbol\":\"{symbol}\",\"bidPrice\":\"{bid}\",\"bidQty\":\"{bid_size}\",\"askPrice\":\"{ask}\",\
         \"askQty\":\"{ask_size}\"}}"
    )
}

fn exchange_info(symbols: &[SymbolInfo]) -> String {
    let symbols: Vec<String> = symbols.iter().map(symbol_body).collect();
    format!(
        "{{\"timezone\":\"UTC\",\"serverTime\":{},\"rateLimits\":[{{\"rateLimitType\":\"REQUEST_WEIGHT\",\
         \"interval\":\"MINUTE\",\"intervalNum\":1,\"limit\":6000}}],\"exchangeFilters\":[],\"symbols\":[{}]}}",
        millis(),
        symbols.join(",")
    )
}

fn symbol_body(info: &SymbolInfo) -> String {
    let SymbolInfo { symbol, base, quote, tick, lot } = info;
    format!(
        "{{\"symbol\":\"{symbol}\",\"status\":\"TRADING\",\"baseAsset\":\"{base}\",\"baseAssetPrecision\":8,\
         \"quoteAsset\":\"{quote}\",\"quotePrecision\":8,\"quoteAssetPrecision\":8,\"orderTypes\":[\"LIMIT\",\
         \"MARKET\"],\"isSpotTradingAllowed\":true,\"isMarginTradingAllowed\":false,\"filters\":[\
         {{\"filterType\":\"PRICE_FILTER\",\"minPrice\":\"{tick}\",\"maxPrice\":\"1000000.00000000\",\
         \"tickSize\":\"{tick}\"}},{{\"filterType\":\"LOT_SIZE\",\"minQty\":\"{lot}\",\
         \"maxQty\":\"9000000.00000000\",\"stepSize\":\"{lot}\"}}],\"permissions\":[\"SPOT\"]}}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_are_those_of_the_documentation() {
        for (path, query, expected) in [
            ("/api/v3/depth", "symbol=A", 5),
            ("/api/v3/depth", "symbol=A&limit=100", 5),
            ("/api/v3/depth", "symbol=A&limit=500", 25),
            ("/api/v3/depth", "symbol=A&limit=1000", 50),
            ("/api/v3/depth", "symbol=A&limit=5000", 250),
            ("/api/v3/ticker/bookTicker", "symbol=A", 2),
            ("/api/v3/ticker/bookTicker", "", 4),
            ("/api/v3/exchangeInfo", "", 20),
            ("/api/v3/ping", "", 1),
        ] {
            assert_eq!(weight(path, Some(query)), expected, "{path}?{query}");
        }
    }

    #[test]
    fn exchange_info_is_json() {
        let eight = |text: &str| text.parse::<Decimal>().unwrap();
        let info = SymbolInfo {
            symbol: "AB".to_owned(),
            base: "A".to_owned(),
            quote: "B".to_owned(),
            tick: eight("0.01000000"),
            lot: eight("0.00001000"),
        };
        let value: serde_json::Value = serde_json::from_str(&exchange_info(&[info])).unwrap();
        assert_eq!(value["symbols"][0]["filters"][0]["tickSize"], "0.01000000");
    }
}
