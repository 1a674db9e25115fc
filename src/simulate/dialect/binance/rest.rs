//! The REST endpoints of Binance's public market data.
//!
//! Owns paths, parameters, weights and bodies ("Market Data endpoints" and "LIMITS" of Binance's REST documentation), for the
//! spot market below `/api/v3` and for USD-M futures below `/fapi/v1`.

use rust_decimal::Decimal;

use super::Market;
use crate::simulate::book::Top;
use crate::simulate::dialect::text::{Digits, pairs};
use crate::simulate::dialect::{Answered, Asked, parameter};
use crate::simulate::source::{Source, SymbolInfo};

/// A status with Binance's code and message.
type Problem = (u16, i32, &'static str);

const LEVELS_MAX: usize = 5000;
const FUTURES_LEVELS_MAX: usize = 1000;
const INVALID_SYMBOL: Problem = (400, -1121, "Invalid symbol.");
const NO_SYMBOL: Problem =
    (400, -1102, "Mandatory parameter 'symbol' was not sent, was empty/null, or malformed.");
const BAD_LIMIT: Problem =
    (400, -1100, "Illegal characters found in parameter 'limit'; legal range is '^[0-9]{1,20}$'.");

pub(super) fn answer(market: Market, asked: &Asked<'_>, source: &Source) -> Answered {
    let root = match market {
        Market::Spot => "/api/v3/",
        Market::UsdM => "/fapi/v1/",
    };
    let body = match asked.path.strip_prefix(root) {
        Some("ping") => Ok("{}".to_owned()),
        Some("time") => Ok(format!("{{\"serverTime\":{}}}", asked.ms())),
        Some("depth") => depth(market, asked, source),
        Some("ticker/bookTicker") => book_ticker(market, asked, source),
        Some("exchangeInfo") => Ok(exchange_info(market, asked.ms(), &source.symbols())),
        _ => return Answered::not_found(),
    };
    match body {
        Ok(body) => Answered::ok(body),
        Err((status, code, message)) => Answered::refused(status, &error_body(code, message)),
    }
}

fn error_body(code: i32, message: &str) -> String {
    format!("{{\"code\":{code},\"msg\":\"{message}\"}}")
}

pub(super) fn refusal(status: u16) -> String {
    match status {
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
    }
}

pub(super) fn weight(path: &str, query: Option<&str>) -> u32 {
    let limit = parameter(query, "limit").and_then(|text| text.parse().ok());
    let symbol = parameter(query, "symbol");
    match (path, limit.unwrap_or(100_u64)) {
        ("/api/v3/depth", ..=100) => 5,
        ("/api/v3/depth", ..=500) => 25,
        ("/api/v3/depth", ..=1000) => 50,
        ("/api/v3/depth", _) => 250,
        ("/fapi/v1/depth", _) => match limit.unwrap_or(500) {
            0..=50 => 2,
            51..=100 => 5,
            101..=500 => 10,
            _ => 20,
        },
        ("/api/v3/ticker/bookTicker" | "/fapi/v1/ticker/bookTicker", _) if symbol.is_some() => 2,
        ("/api/v3/ticker/bookTicker", _) => 4,
        ("/fapi/v1/ticker/bookTicker", _) => 5,
        ("/api/v3/exchangeInfo", _) => 20,
        _ => 1,
    }
}

fn depth(market: Market, asked: &Asked<'_>, source: &Source) -> Result<String, Problem> {
    let symbol = asked.parameter("symbol").filter(|text| !text.is_empty()).ok_or(NO_SYMBOL)?;
    let (default, most) = match market {
        Market::Spot => (100, LEVELS_MAX),
        Market::UsdM => (500, FUTURES_LEVELS_MAX),
    };
    let limit = match parameter(asked.query, "limit") {
        None => default,
        Some(text) => text.parse::<usize>().map_err(|_| BAD_LIMIT)?.clamp(1, most),
    };
    let view = source.view(&symbol, limit).ok_or(INVALID_SYMBOL)?;
    let (bids, asks) = (pairs(&view.bids, Digits::Kept, ""), pairs(&view.asks, Digits::Kept, ""));
    let times = match market {
        Market::Spot => String::new(),
        Market::UsdM => {
            let ms = source.clock_us(asked.now_us) / 1000;
            format!(",\"E\":{ms},\"T\":{ms}")
        }
    };
    Ok(format!("{{\"lastUpdateId\":{}{times},\"bids\":{bids},\"asks\":{asks}}}", view.update_id))
}

fn book_ticker(market: Market, asked: &Asked<'_>, source: &Source) -> Result<String, Problem> {
    let ms = source.clock_us(asked.now_us) / 1000;
    let body = |symbol: &str, top: &Top| ticker_body(market, symbol, top, ms);
    if let Some(symbol) = asked.parameter("symbol") {
        return source.top(&symbol).map(|top| body(&symbol, &top)).ok_or(INVALID_SYMBOL);
    }
    let symbols = source.symbols();
    let tops = symbols.iter().filter_map(|info| Some(body(&info.symbol, &source.top(&info.symbol)?)));
    Ok(format!("[{}]", tops.collect::<Vec<_>>().join(",")))
}

fn ticker_body(market: Market, symbol: &str, top: &Top, ms: i64) -> String {
    let none = (Decimal::new(0, 8), Decimal::new(0, 8));
    let ((bid, bid_size), (ask, ask_size)) = (top.bid.unwrap_or(none), top.ask.unwrap_or(none));
    let rest = match market {
        Market::Spot => String::new(),
        Market::UsdM => format!(",\"time\":{ms},\"lastUpdateId\":{}", top.update_id),
    };
    format!(
        "{{\"symbol\":\"{symbol}\",\"bidPrice\":\"{bid}\",\"bidQty\":\"{bid_size}\",\"askPrice\":\"{ask}\",\
         \"askQty\":\"{ask_size}\"{rest}}}"
    )
}

fn exchange_info(market: Market, ms: i64, symbols: &[SymbolInfo]) -> String {
    let one = |info: &SymbolInfo| match market {
        Market::Spot => symbol_body(info),
        Market::UsdM => contract_body(info),
    };
    let symbols: Vec<String> = symbols.iter().map(one).collect();
    format!(
        "{{\"timezone\":\"UTC\",\"serverTime\":{ms},\"rateLimits\":[{{\"rateLimitType\":\"REQUEST_WEIGHT\",\
         \"interval\":\"MINUTE\",\"intervalNum\":1,\"limit\":6000}}],\"exchangeFilters\":[],\"symbols\":[{}]}}",
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

fn contract_body(info: &SymbolInfo) -> String {
    let SymbolInfo { symbol, base, quote, tick, lot } = info;
    let (tick, lot) = (tick.normalize(), lot.normalize());
    format!(
        "{{\"symbol\":\"{symbol}\",\"pair\":\"{symbol}\",\"contractType\":\"PERPETUAL\",\"status\":\"TRADING\",\
         \"baseAsset\":\"{base}\",\"quoteAsset\":\"{quote}\",\"marginAsset\":\"{quote}\",\"pricePrecision\":{},\
         \"quantityPrecision\":{},\"filters\":[{{\"filterType\":\"PRICE_FILTER\",\"minPrice\":\"{tick}\",\
         \"maxPrice\":\"1000000\",\"tickSize\":\"{tick}\"}},{{\"filterType\":\"LOT_SIZE\",\"minQty\":\"{lot}\",\
         \"maxQty\":\"1000000\",\"stepSize\":\"{lot}\"}}],\"orderTypes\":[\"LIMIT\",\"MARKET\"]}}",
        tick.scale(),
        lot.scale()
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
            ("/fapi/v1/depth", "symbol=A", 10),
            ("/fapi/v1/depth", "symbol=A&limit=1000", 20),
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
        for (market, expected) in [(Market::Spot, "0.01000000"), (Market::UsdM, "0.01")] {
            let text = exchange_info(market, 1, std::slice::from_ref(&info));
            let value: serde_json::Value = serde_json::from_str(&text).unwrap();
            assert_eq!(value["symbols"][0]["filters"][0]["tickSize"], expected);
        }
    }
}
