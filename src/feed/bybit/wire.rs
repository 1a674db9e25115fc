//! Bybit's messages as it sends them: the structs of the general path, the raw payload quoted above each.
//!
//! Owns names and JSON types only. Never judges a value: every field that may be absent is an `Option`, and `general` and `rest`
//! say which must be there. Unknown fields are skipped, a field given twice is an error.

use serde_json::value::RawValue;

use crate::domain::Side;
use crate::feed::json::Text;

/// Every kind of frame:
/// ```json
/// {"topic":"orderbook.50.BTCUSDT","type":"snapshot","ts":1672304484978,"data":{...},"cts":1672304484976}
/// {"success":true,"ret_msg":"","conn_id":"cejreassvfrsfvb9v1a0-2m","req_id":"7","op":"subscribe"}
/// {"success":false,"ret_msg":"error:handler not found,topic:orderbook.7.BTCUSDT","conn_id":"...","req_id":"8","op":"subscribe"}
/// {"success":true,"ret_msg":"pong","conn_id":"0970e817-426e-429a-a679-ff7f55e0b16a","op":"ping"}
/// ```
#[derive(Debug, serde::Deserialize)]
pub(super) struct Envelope<'a> {
    #[serde(borrow)]
    pub(super) topic: Option<Text<'a>>,
    #[serde(borrow, rename = "type")]
    pub(super) kind: Option<Text<'a>>,
    /// When the gateway made the message, milliseconds
    pub(super) ts: Option<u64>,
    #[serde(borrow)]
    pub(super) data: Option<&'a RawValue>,
    /// When the matching engine made the book, milliseconds
    pub(super) cts: Option<u64>,
    pub(super) success: Option<bool>,
    #[serde(borrow)]
    pub(super) ret_msg: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) req_id: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) op: Option<Text<'a>>,
}

/// `orderbook.<levels>.<symbol>`, `data`:
/// ```json
/// {"s":"BTCUSDT","b":[["16493.50","0.006"],["16493.00","0.100"]],"a":[["16611.00","0.029"]],"u":18521288,"seq":7961638724}
/// ```
#[derive(Debug, serde::Deserialize)]
pub(super) struct Book<'a> {
    #[serde(borrow)]
    pub(super) s: Option<Text<'a>>,
    /// Bids: price, size
    #[serde(borrow)]
    pub(super) b: Option<&'a RawValue>,
    /// Asks
    #[serde(borrow)]
    pub(super) a: Option<&'a RawValue>,
    /// Update ID
    pub(super) u: Option<u64>,
}

/// `publicTrade.<symbol>`, one of `data`, which holds 1 to 1024:
/// ```json
/// {"T":1672304486865,"s":"BTCUSDT","S":"Buy","v":"0.001","p":"16578.50","L":"PlusTick",
///  "i":"20f43950-d8dd-5b31-9112-a178eb6023af","BT":false,"RPI":false,"seq":1783284617}
/// ```
#[derive(Debug, serde::Deserialize)]
pub(super) struct Trade<'a> {
    /// When it was made, milliseconds
    #[serde(rename = "T")]
    pub(super) time: Option<u64>,
    #[serde(borrow)]
    pub(super) s: Option<Text<'a>>,
    /// The taker's side
    #[serde(rename = "S")]
    pub(super) side: Option<Taker>,
    /// Trade size
    #[serde(borrow)]
    pub(super) v: Option<Text<'a>>,
    /// Trade price
    #[serde(borrow)]
    pub(super) p: Option<Text<'a>>,
    /// Whether it is a block trade
    #[serde(rename = "BT")]
    pub(super) block: Option<bool>,
}

/// Who came to the other.
#[derive(Debug, Clone, Copy, serde::Deserialize)]
pub(super) enum Taker {
    Buy,
    Sell,
}

impl From<Taker> for Side {
    fn from(taker: Taker) -> Self {
        match taker {
            Taker::Buy => Self::Buy,
            Taker::Sell => Self::Sell,
        }
    }
}

/// `tickers.<symbol>`, `data`; spot sends all of it, linear contracts send all of it and then what has changed:
/// ```json
/// {"symbol":"BTCUSDT","lastPrice":"21109.77","highPrice24h":"21426.99","lowPrice24h":"20575","prevPrice24h":"20704.93",
///  "volume24h":"6780.866843","turnover24h":"141946527.22907118","price24hPcnt":"0.0196","usdIndexPrice":"21120.2400136"}
/// ```
#[derive(Debug, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Ticker<'a> {
    #[serde(borrow)]
    pub(super) symbol: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) last_price: Option<Text<'a>>,
    #[serde(borrow, rename = "highPrice24h")]
    pub(super) high: Option<Text<'a>>,
    #[serde(borrow, rename = "lowPrice24h")]
    pub(super) low: Option<Text<'a>>,
    /// The price 24 hours ago
    #[serde(borrow, rename = "prevPrice24h")]
    pub(super) open: Option<Text<'a>>,
    /// Volume for 24h
    #[serde(borrow, rename = "volume24h")]
    pub(super) volume: Option<Text<'a>>,
    /// Turnover for 24h
    #[serde(borrow, rename = "turnover24h")]
    pub(super) turnover: Option<Text<'a>>,
}

/// Every REST body: `{"retCode":0,"retMsg":"OK","result":{...},"retExtInfo":{},"time":1716863719382}`
#[derive(Debug, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Body<'a> {
    pub(super) ret_code: Option<i64>,
    #[serde(borrow)]
    pub(super) ret_msg: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) result: Option<&'a RawValue>,
}

/// `GET /v5/market/instruments-info`, `result`: `{"category":"linear","list":[...],"nextPageCursor":""}`
#[derive(Debug, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Instruments<'a> {
    #[serde(borrow)]
    pub(super) list: Option<Vec<InstrumentInfo<'a>>>,
    /// Empty on the last page, and where everything is one page
    #[serde(borrow)]
    pub(super) next_page_cursor: Option<Text<'a>>,
}

/// One of those; spot has no contract type:
/// ```json
/// {"symbol":"BTCUSDT","contractType":"LinearPerpetual","status":"Trading","baseCoin":"BTC","quoteCoin":"USDT","settleCoin":"USDT",
///  "deliveryTime":"0"}
/// ```
#[derive(Debug, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct InstrumentInfo<'a> {
    #[serde(borrow)]
    pub(super) symbol: Text<'a>,
    #[serde(borrow)]
    pub(super) contract_type: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) status: Text<'a>,
    #[serde(borrow)]
    pub(super) base_coin: Text<'a>,
    #[serde(borrow)]
    pub(super) quote_coin: Text<'a>,
}
