//! Binance's messages as it sends them: the structs of the general path, the raw payload quoted above each.
//!
//! Owns names and JSON types only. Never judges a value: every field that may be absent is an `Option`, and `general` and
//! `rest` say which must be there. Unknown fields are skipped, a field given twice is an error.

use serde::de::{Deserialize, Deserializer, IgnoredAny};
use serde_json::value::RawValue;

use crate::feed::json::Text;

/// Whether a field is there, whatever it holds: `"result":null` is.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) enum Presence {
    #[default]
    Absent,
    Present,
}

impl<'de> Deserialize<'de> for Presence {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        IgnoredAny::deserialize(deserializer).map(|_| Self::Present)
    }
}

/// Every kind of frame of a combined connection:
/// ```json
/// {"stream":"<streamName>","data":<rawPayload>}
/// {"result":null,"id":1}
/// {"code":2,"msg":"Invalid request: too many parameters"}
/// {"error":{"code":2,"msg":"Invalid request: too many parameters"},"id":1}
/// {"e":"serverShutdown","E":1770123456789}
/// {"event":{"e":"serverShutdown","E":1770123456789}}
/// ```
#[derive(Debug, serde::Deserialize)]
pub(super) struct Envelope<'a> {
    #[serde(borrow)]
    pub(super) stream: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) data: Option<&'a RawValue>,
    #[serde(default)]
    pub(super) result: Presence,
    #[serde(borrow)]
    pub(super) id: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) error: Option<&'a RawValue>,
    pub(super) code: Option<i64>,
    #[serde(borrow)]
    pub(super) msg: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) e: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) event: Option<&'a RawValue>,
}

/// `{"code":-1121,"msg":"Invalid symbol."}`
#[derive(Debug, serde::Deserialize)]
pub(super) struct Refusal<'a> {
    pub(super) code: Option<i64>,
    #[serde(borrow)]
    pub(super) msg: Option<Text<'a>>,
}

/// The event type of any payload: `{"e":"serverShutdown","E":1770123456789}`
#[derive(Debug, serde::Deserialize)]
pub(super) struct Typed<'a> {
    #[serde(borrow)]
    pub(super) e: Option<Text<'a>>,
}

/// `<symbol>@bookTicker`; spot sends neither event type nor time:
/// ```json
/// {"u":400900217,"s":"BNBUSDT","b":"25.35190000","B":"31.21000000","a":"25.36520000","A":"40.66000000"}
/// ```
#[derive(Debug, serde::Deserialize)]
pub(super) struct BookTicker<'a> {
    #[serde(borrow)]
    pub(super) e: Option<Text<'a>>,
    /// "order book updateId"
    pub(super) u: Option<u64>,
    #[serde(borrow)]
    pub(super) s: Option<Text<'a>>,
    /// "best bid price"
    #[serde(borrow)]
    pub(super) b: Option<Text<'a>>,
    /// "best bid qty"
    #[serde(borrow, rename = "B")]
    pub(super) bid_size: Option<Text<'a>>,
    /// "best ask price"
    #[serde(borrow)]
    pub(super) a: Option<Text<'a>>,
    /// "best ask qty"
    #[serde(borrow, rename = "A")]
    pub(super) ask_size: Option<Text<'a>>,
}

/// `<symbol>@trade`; until 2024 with the order ids `b` and `a` between `q` and `T`:
/// ```json
/// {"e":"trade","E":1672515782136,"s":"BNBBTC","t":12345,"p":"0.001","q":"100","T":1672515782136,"m":true,"M":true}
/// ```
#[derive(Debug, serde::Deserialize)]
pub(super) struct Trade<'a> {
    #[serde(borrow)]
    pub(super) e: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) s: Option<Text<'a>>,
    /// "Trade ID"
    pub(super) t: Option<u64>,
    /// "Price"
    #[serde(borrow)]
    pub(super) p: Option<Text<'a>>,
    /// "Quantity"
    #[serde(borrow)]
    pub(super) q: Option<Text<'a>>,
    /// "Trade time", milliseconds
    #[serde(rename = "T")]
    pub(super) trade_time: Option<u64>,
    /// "Is the buyer the market maker?"
    pub(super) m: Option<bool>,
}

/// `<symbol>@depth` and `<symbol>@depth@100ms`:
/// ```json
/// {"e":"depthUpdate","E":1672515782136,"s":"BNBBTC","U":157,"u":160,"b":[["0.0024","10"]],"a":[["0.0026","100"]]}
/// ```
#[derive(Debug, serde::Deserialize)]
pub(super) struct DepthUpdate<'a> {
    #[serde(borrow)]
    pub(super) e: Option<Text<'a>>,
    /// "Event time", milliseconds
    #[serde(rename = "E")]
    pub(super) event_time: Option<u64>,
    #[serde(borrow)]
    pub(super) s: Option<Text<'a>>,
    /// "First update ID in event"
    #[serde(rename = "U")]
    pub(super) first: Option<u64>,
    /// "Final update ID in event"
    pub(super) u: Option<u64>,
    /// "Bids to be updated": price level, quantity
    #[serde(borrow)]
    pub(super) b: Option<&'a RawValue>,
    /// "Asks to be updated"
    #[serde(borrow)]
    pub(super) a: Option<&'a RawValue>,
}

/// `<symbol>@ticker`, "24hr rolling window ticker statistics for a single symbol":
/// ```json
/// {"e":"24hrTicker","E":1672515782136,"s":"BNBBTC","p":"0.0015","P":"250.00","w":"0.0018","x":"0.0009","c":"0.0025",
///  "Q":"10","b":"0.0024","B":"10","a":"0.0026","A":"100","o":"0.0010","h":"0.0025","l":"0.0010","v":"10000","q":"18",
///  "O":0,"C":86400000,"F":0,"L":18150,"n":18151}
/// ```
#[derive(Debug, serde::Deserialize)]
pub(super) struct Ticker<'a> {
    #[serde(borrow)]
    pub(super) e: Option<Text<'a>>,
    /// "Event time", milliseconds
    #[serde(rename = "E")]
    pub(super) event_time: Option<u64>,
    #[serde(borrow)]
    pub(super) s: Option<Text<'a>>,
    /// "Last price"
    #[serde(borrow)]
    pub(super) c: Option<Text<'a>>,
    /// "Open price"
    #[serde(borrow)]
    pub(super) o: Option<Text<'a>>,
    /// "High price"
    #[serde(borrow)]
    pub(super) h: Option<Text<'a>>,
    /// "Low price"
    #[serde(borrow)]
    pub(super) l: Option<Text<'a>>,
    /// "Total traded base asset volume"
    #[serde(borrow)]
    pub(super) v: Option<Text<'a>>,
    /// "Total traded quote asset volume"
    #[serde(borrow)]
    pub(super) q: Option<Text<'a>>,
    /// "Total number of trades"
    pub(super) n: Option<u64>,
}

/// `GET /api/v3/depth` and `GET /fapi/v1/depth`, or a [`Refusal`]:
/// ```json
/// {"lastUpdateId":1027024,"bids":[["4.00000000","431.00000000"]],"asks":[["4.00000200","12.00000000"]]}
/// {"lastUpdateId":1027024,"E":1589436922972,"T":1589436922959,"bids":[["4.000","431.000"]],"asks":[["4.001","12.000"]]}
/// ```
#[derive(Debug, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct DepthBody<'a> {
    pub(super) last_update_id: Option<u64>,
    /// "Transaction time", milliseconds; of futures only.
    #[serde(rename = "T")]
    pub(super) transaction_time: Option<u64>,
    #[serde(borrow)]
    pub(super) bids: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) asks: Option<&'a RawValue>,
}

/// `GET /api/v3/ticker/bookTicker?symbol=` and `GET /fapi/v1/ticker/bookTicker?symbol=`, or a [`Refusal`]:
/// ```json
/// {"symbol":"LTCBTC","bidPrice":"4.00000000","bidQty":"431.00000000","askPrice":"4.00000200","askQty":"9.00000000"}
/// ```
#[derive(Debug, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct BookTickerBody<'a> {
    #[serde(borrow)]
    pub(super) bid_price: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) bid_qty: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) ask_price: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) ask_qty: Option<Text<'a>>,
}

/// `{"timezone":"UTC",...,"symbols":[{"symbol":"ETHBTC","status":"TRADING","baseAsset":"ETH","quoteAsset":"BTC",...}]}`
#[derive(Debug, serde::Deserialize)]
pub(super) struct ExchangeInfo<'a> {
    #[serde(borrow)]
    pub(super) symbols: Option<Vec<SymbolInfo<'a>>>,
}

/// One of those.
#[derive(Debug, serde::Deserialize)]
pub(super) struct SymbolInfo<'a> {
    #[serde(borrow)]
    pub(super) symbol: Text<'a>,
    #[serde(borrow)]
    pub(super) status: Text<'a>,
    #[serde(borrow, rename = "baseAsset")]
    pub(super) base_asset: Text<'a>,
    #[serde(borrow, rename = "quoteAsset")]
    pub(super) quote_asset: Text<'a>,
}
