//! Hyperliquid's messages as it sends them: the structs of the general path, the raw payload quoted above each.
//!
//! Owns names and JSON types only. Never judges a value: every field that may be absent is an `Option`, and `general` and
//! `rest` say which must be there. Unknown fields are skipped, a field given twice is an error.

use serde_json::value::RawValue;

use crate::feed::json::Text;

/// Every kind of frame but the greeting:
/// ```json
/// {"channel":"bbo","data":{...}}
/// {"channel":"trades","data":[...]}
/// {"channel":"subscriptionResponse","data":{"method":"subscribe","subscription":{"type":"bbo","coin":"BTC"}}}
/// {"channel":"error","data":"Already subscribed: {\"type\":\"bbo\",\"coin\":\"BTC\"}"}
/// {"channel":"pong"}
/// ```
#[derive(Debug, serde::Deserialize)]
pub(super) struct Envelope<'a> {
    #[serde(borrow)]
    pub(super) channel: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) data: Option<&'a RawValue>,
}

/// `{"method":"subscribe","subscription":{"type":"l2Book","coin":"BTC","nSigFigs":null,"mantissa":null,"fast":true}}`
#[derive(Debug, serde::Deserialize)]
pub(super) struct Response<'a> {
    #[serde(borrow)]
    pub(super) method: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) subscription: Option<&'a RawValue>,
}

/// What is subscribed to, as above.
#[derive(Debug, serde::Deserialize)]
pub(super) struct Subscribed<'a> {
    #[serde(borrow, rename = "type")]
    pub(super) channel: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) coin: Option<Text<'a>>,
}

/// The data of `bbo`; a side may be null:
/// ```json
/// {"coin":"BTC","time":1708622398623,"bbo":[{"px":"64437.0","sz":"1.4491","n":2},null]}
/// ```
#[derive(Debug, serde::Deserialize)]
pub(super) struct Bbo<'a> {
    #[serde(borrow)]
    pub(super) coin: Option<Text<'a>>,
    /// Milliseconds
    pub(super) time: Option<u64>,
    /// Bid, ask
    #[serde(borrow)]
    pub(super) bbo: Option<&'a RawValue>,
}

/// The data of `l2Book`, and the answer to the info request of that name. With `"fast":true` it says so at its end.
/// ```json
/// {"coin":"BTC","time":1790232236546,"levels":[[{"px":"84143.0","sz":"10.25923","n":36}],[{"px":"84144.0","sz":"50.66449","n":18}]]}
/// ```
#[derive(Debug, serde::Deserialize)]
pub(super) struct Book<'a> {
    #[serde(borrow)]
    pub(super) coin: Option<Text<'a>>,
    /// Milliseconds
    pub(super) time: Option<u64>,
    /// Bids, asks, each best first
    #[serde(borrow)]
    pub(super) levels: Option<&'a RawValue>,
}

/// `{"px":"64437.0","sz":"1.4491","n":2}`
#[derive(Debug, serde::Deserialize)]
pub(super) struct Level<'a> {
    #[serde(borrow)]
    pub(super) px: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) sz: Option<Text<'a>>,
}

/// An element of the data of `trades`:
/// ```json
/// {"coin":"BTC","side":"B","px":"85561.0","sz":"0.00047","time":1791261053067,"hash":"0x00","tid":635248800193868,"users":["0x1e","0xf5"]}
/// ```
#[derive(Debug, serde::Deserialize)]
pub(super) struct Trade<'a> {
    #[serde(borrow)]
    pub(super) coin: Option<Text<'a>>,
    /// Of the aggressor: "B" = bid, "A" = ask ("Notation")
    #[serde(borrow)]
    pub(super) side: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) px: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) sz: Option<Text<'a>>,
    /// Milliseconds
    pub(super) time: Option<u64>,
}

/// The data of `activeAssetCtx`; it has no time:
/// ```json
/// {"coin":"BTC","ctx":{"funding":"0.0000125","openInterest":"32227.66018","prevDayPx":"63564.0","dayNtlVlm":"1128098483.2000689507",
///  "premium":"-0.0002483354","oraclePx":"64429.0","markPx":"64405.0","midPx":"64412.5","impactPxs":["64404.4","64413.0"],"dayBaseVlm":"17577.61508"}}
/// ```
#[derive(Debug, serde::Deserialize)]
pub(super) struct AssetContext<'a> {
    #[serde(borrow)]
    pub(super) coin: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) ctx: Option<&'a RawValue>,
}

/// The `ctx` of it.
#[derive(Debug, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Figures<'a> {
    /// Price of a day ago
    #[serde(borrow)]
    pub(super) prev_day_px: Option<Text<'a>>,
    /// Traded in a day, in quote currency
    #[serde(borrow)]
    pub(super) day_ntl_vlm: Option<Text<'a>>,
    /// Traded in a day, in the coin's own units
    #[serde(borrow)]
    pub(super) day_base_vlm: Option<Text<'a>>,
}

/// The answer to the info request `meta`:
/// ```json
/// {"universe":[{"name":"BTC","szDecimals":5,"maxLeverage":50},{"name":"MATIC","szDecimals":1,"maxLeverage":20,"isDelisted":true}]}
/// ```
#[derive(Debug, serde::Deserialize)]
pub(super) struct Meta<'a> {
    #[serde(borrow)]
    pub(super) universe: Option<&'a RawValue>,
}

/// One of those.
#[derive(Debug, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Asset<'a> {
    #[serde(borrow)]
    pub(super) name: Text<'a>,
    #[serde(default)]
    pub(super) is_delisted: bool,
}
