//! Kraken's messages as it sends them: the structs of the general path, the raw payload quoted above each.
//!
//! Owns names and JSON types only. Never judges a value: every field that may be absent is an `Option`, and `general` and
//! `rest` say which must be there. Unknown fields are skipped, a field given twice is an error.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use crate::feed::json::Text;

/// Every kind of frame:
/// ```json
/// {"channel":"ticker","type":"update","data":[...]}
/// {"channel":"heartbeat"}
/// {"channel":"status","type":"update","data":[{"system":"online","api_version":"v2",...}]}
/// {"method":"subscribe","result":{"channel":"book","depth":10,"snapshot":true,"symbol":"BTC/USD"},"success":true,"req_id":1}
/// {"method":"unsubscribe","result":{"channel":"book","depth":10,"symbol":"BTC/USD"},"success":true,"req_id":2}
/// {"error":"Currency pair not supported XDG/USD","method":"subscribe","success":false,"symbol":"XDG/USD","req_id":3}
/// {"method":"pong","time_in":"2023-09-24T14:10:23.799685Z","time_out":"2023-09-24T14:10:23.799703Z"}
/// {"Error":"Exceeded msg rate"}
/// ```
#[derive(Debug, serde::Deserialize)]
pub(super) struct Envelope<'a> {
    #[serde(borrow)]
    pub(super) channel: Option<Text<'a>>,
    #[serde(borrow, rename = "type")]
    pub(super) kind: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) data: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) method: Option<Text<'a>>,
    pub(super) success: Option<bool>,
    #[serde(borrow, alias = "Error")]
    pub(super) error: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) req_id: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) result: Option<&'a RawValue>,
}

/// Of the channel `status`, which is sent unasked on connecting and with each change; `system` is "online", "maintenance",
/// "cancel_only" or "post_only" (<https://docs.kraken.com/exchange/api-reference/spot-websocket-v2/status>):
/// ```json
/// {"version":"2.0.10","system":"online","api_version":"v2","connection_id":18445481735210549513}
/// ```
#[derive(Debug, serde::Deserialize)]
pub(super) struct Status<'a> {
    #[serde(borrow)]
    pub(super) system: Option<Text<'a>>,
}

/// What was subscribed to: `{"channel":"book","depth":10,"snapshot":true,"symbol":"BTC/USD"}`
#[derive(Debug, serde::Deserialize)]
pub(super) struct Subscribed<'a> {
    #[serde(borrow)]
    pub(super) channel: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) symbol: Option<Text<'a>>,
}

/// Of the channel `ticker`, "level 1 market data"; `timestamp` came later than the rest:
/// ```json
/// {"symbol":"ALGO/USD","bid":0.10025,"bid_qty":740.0,"ask":0.10036,"ask_qty":1361.44813783,"last":0.10035,
///  "volume":997038.98383185,"vwap":0.10148,"low":0.09979,"high":0.10285,"change":-0.00017,"change_pct":-0.17,
///  "timestamp":"2023-10-04T16:25:05.123456Z"}
/// ```
#[derive(Debug, serde::Deserialize)]
pub(super) struct Ticker<'a> {
    #[serde(borrow)]
    pub(super) symbol: Option<Text<'a>>,
    /// "Best bid price."; null where nobody bids, which is another thing than absent
    #[serde(borrow, default, deserialize_with = "present")]
    pub(super) bid: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    pub(super) bid_qty: Option<&'a RawValue>,
    /// "Best ask price."
    #[serde(borrow, default, deserialize_with = "present")]
    pub(super) ask: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    pub(super) ask_qty: Option<&'a RawValue>,
    /// "Last traded price (only guaranteed if traded within the past 24h)."
    #[serde(borrow)]
    pub(super) last: Option<&'a RawValue>,
    /// "24-hour traded volume (in base currency terms)."
    #[serde(borrow)]
    pub(super) volume: Option<&'a RawValue>,
    /// "24-hour lowest trade price."
    #[serde(borrow)]
    pub(super) low: Option<&'a RawValue>,
    /// "24-hour highest trade price."
    #[serde(borrow)]
    pub(super) high: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) timestamp: Option<Text<'a>>,
}

/// A field that is there, whatever it holds: null is.
fn present<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<&'de RawValue>, D::Error> {
    <&RawValue as serde::Deserialize>::deserialize(deserializer).map(Some)
}

/// Of the channel `book`, type `snapshot` or `update`; older snapshots have no `timestamp`:
/// ```json
/// {"symbol":"MATIC/USD","bids":[{"price":0.5657,"qty":1098.3947558}],"asks":[],"checksum":2114181697,
///  "timestamp":"2023-10-06T17:35:55.440295Z"}
/// ```
#[derive(Debug, serde::Deserialize)]
pub(super) struct Book<'a> {
    #[serde(borrow)]
    pub(super) symbol: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) bids: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) asks: Option<&'a RawValue>,
    pub(super) checksum: Option<u32>,
    #[serde(borrow)]
    pub(super) timestamp: Option<Text<'a>>,
}

/// One level: `{"price":0.5666,"qty":4831.75496356}`
#[derive(Debug, serde::Deserialize)]
pub(super) struct Level<'a> {
    #[serde(borrow)]
    pub(super) price: &'a RawValue,
    #[serde(borrow)]
    pub(super) qty: &'a RawValue,
}

/// Of the channel `trade`, several in one message:
/// ```json
/// {"symbol":"MATIC/USD","side":"sell","price":0.5117,"qty":40.0,"ord_type":"market","trade_id":4665906,
///  "timestamp":"2023-09-25T07:49:37.708706Z"}
/// ```
#[derive(Debug, serde::Deserialize)]
pub(super) struct Trade<'a> {
    #[serde(borrow)]
    pub(super) symbol: Option<Text<'a>>,
    /// "The side of the taker order."
    pub(super) side: Option<TakerSide>,
    #[serde(borrow)]
    pub(super) price: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) qty: Option<&'a RawValue>,
    /// "Trade identifier is a sequence number, unique per book."
    pub(super) trade_id: Option<u64>,
    #[serde(borrow)]
    pub(super) timestamp: Option<Text<'a>>,
}

/// "One of: buy, sell"
#[derive(Debug, Clone, Copy, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum TakerSide {
    Buy,
    Sell,
}

/// Every REST body: `{"error":[],"result":{...}}` or `{"error":["EQuery:Unknown asset pair"]}`
#[derive(Debug, serde::Deserialize)]
pub(super) struct Body<'a> {
    #[serde(borrow)]
    pub(super) error: Option<Vec<Text<'a>>>,
    #[serde(borrow)]
    pub(super) result: Option<&'a RawValue>,
}

/// `GET /0/public/Depth?pair=XBTUSD&count=1`, by the venue's internal name of the pair:
/// ```json
/// {"XXBTZUSD":{"asks":[["52523.00000","1.199",1616663113]],"bids":[["52522.90000","0.753",1616663112]]}}
/// ```
pub(super) type Depths<'a> = BTreeMap<Text<'a>, Depth<'a>>;

/// One of those: price, volume, time.
#[derive(Debug, serde::Deserialize)]
pub(super) struct Depth<'a> {
    #[serde(borrow)]
    pub(super) asks: Vec<(Text<'a>, Text<'a>, serde::de::IgnoredAny)>,
    #[serde(borrow)]
    pub(super) bids: Vec<(Text<'a>, Text<'a>, serde::de::IgnoredAny)>,
}

/// `GET /0/public/AssetPairs`, by the venue's internal name of the pair:
/// ```json
/// {"XXBTZUSD":{"altname":"XBTUSD","wsname":"XBT/USD","status":"online",...}}
/// ```
pub(super) type Pairs<'a> = BTreeMap<Text<'a>, Pair<'a>>;

/// One of those.
#[derive(Debug, serde::Deserialize)]
pub(super) struct Pair<'a> {
    /// "WebSocket pair name (if available)", in the spelling of the websocket v1.
    #[serde(borrow)]
    pub(super) wsname: Option<Text<'a>>,
    /// "online", "cancel_only", "post_only", "limit_only", "reduce_only"
    #[serde(borrow)]
    pub(super) status: Option<Text<'a>>,
}
