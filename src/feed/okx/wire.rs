//! OKX's messages as it sends them: the structs of the general path, the raw payload quoted above each.
//!
//! Owns names and JSON types only. Never judges a value: every field that may be absent is an `Option`, and `general` and
//! `rest` say which must be there. Unknown fields are skipped, a field given twice is an error.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _, IgnoredAny, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::feed::json::Text;

/// Every kind of frame but `pong`:
/// ```json
/// {"event":"subscribe","arg":{"channel":"tickers","instId":"BTC-USDT"},"connId":"a4d3ae55"}
/// {"id":"7","event":"error","code":"60012","msg":"Invalid request: ...","connId":"a4d3ae55"}
/// {"event":"notice","code":"64008","msg":"The connection will soon be closed for a service upgrade. Please reconnect.","connId":"a4d3ae55"}
/// {"arg":{"channel":"bbo-tbt","instId":"BTC-USDT"},"data":[...]}
/// {"arg":{"channel":"books","instId":"BTC-USDT"},"action":"update","data":[...]}
/// ```
#[derive(Debug, serde::Deserialize)]
pub(super) struct Envelope<'a> {
    #[serde(borrow)]
    pub(super) event: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) arg: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) action: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) data: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) id: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) code: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) msg: Option<Text<'a>>,
}

/// `{"channel":"books","instId":"BTC-USDT"}`, `{"channel":"instruments","instType":"SPOT"}`; channels of accounts have other fields.
#[derive(Debug, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Arg<'a> {
    #[serde(borrow)]
    pub(super) channel: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) inst_id: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) inst_type: Option<Text<'a>>,
}

/// An element of `instruments`, as far as it is of use; `state` is "live", "suspend", "preopen" or "test":
/// ```json
/// {"instType":"SPOT","instId":"BTC-USDT","baseCcy":"BTC","quoteCcy":"USDT","tickSz":"0.1","lotSz":"0.00000001","state":"live",...}
/// ```
#[derive(Debug, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Listed<'a> {
    #[serde(borrow)]
    pub(super) inst_id: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) state: Option<Text<'a>>,
}

/// An element of `bbo-tbt`, of `books` and of `GET /api/v5/market/books`. `checksum` is always 0 since June 2026, and `bbo-tbt` has none;
/// the numbers of the sequence came later than the recording of 2022.
/// ```json
/// {"asks":[["8476.98","415","0","13"]],"bids":[["8476.97","256","0","12"]],"ts":"1597026383085","checksum":-855196043,"prevSeqId":-1,"seqId":123456}
/// ```
#[derive(Debug, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Book<'a> {
    #[serde(borrow)]
    pub(super) asks: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) bids: Option<&'a RawValue>,
    /// "Order book generation time", milliseconds
    #[serde(borrow)]
    pub(super) ts: Option<Text<'a>>,
    pub(super) checksum: Option<i64>,
    /// "Sequence ID of the last sent message"
    pub(super) prev_seq_id: Option<i64>,
    /// "Sequence ID of the current message"
    pub(super) seq_id: Option<i64>,
}

/// `["8476.98","415","0","13"]`: price, size, "deprecated and always 0", number of orders. What follows the size is skipped.
#[derive(Debug)]
pub(super) struct Level<'a>(pub(super) Text<'a>, pub(super) Text<'a>);

impl<'de> Deserialize<'de> for Level<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(LevelVisitor)
    }
}

struct LevelVisitor;

impl<'de> Visitor<'de> for LevelVisitor {
    type Value = Level<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("[\"price\",\"size\",...]")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut parts: A) -> Result<Level<'de>, A::Error> {
        let price = parts.next_element()?.ok_or_else(|| A::Error::invalid_length(0, &self))?;
        let size = parts.next_element()?.ok_or_else(|| A::Error::invalid_length(1, &self))?;
        while parts.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Level(price, size))
    }
}

/// An element of `trades`:
/// ```json
/// {"instId":"BTC-USDT","tradeId":"130639474","px":"42219.9","sz":"0.12060306","side":"buy","ts":"1630048897897","count":"3"}
/// ```
#[derive(Debug, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Trade<'a> {
    #[serde(borrow)]
    pub(super) inst_id: Option<Text<'a>>,
    /// "Trade ID": of several that one order made, the last one's
    #[serde(borrow)]
    pub(super) trade_id: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) px: Option<Text<'a>>,
    /// "Trade quantity": of a derivative, contracts
    #[serde(borrow)]
    pub(super) sz: Option<Text<'a>>,
    /// "Trade side of taker"
    #[serde(borrow)]
    pub(super) side: Option<Text<'a>>,
    /// "Filled time", milliseconds
    #[serde(borrow)]
    pub(super) ts: Option<Text<'a>>,
}

/// An element of `tickers`. A figure that there is none of is `""`.
/// ```json
/// {"instType":"SWAP","instId":"BTC-USDT-SWAP","last":"9999.99","lastSz":"0.1","askPx":"9999.99","askSz":"11","bidPx":"8888.88","bidSz":"5",
///  "open24h":"9000","high24h":"10000","low24h":"8888.88","volCcy24h":"2222","vol24h":"2222","sodUtc0":"2222","sodUtc8":"2222","ts":"1597026383085"}
/// ```
#[derive(Debug, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Ticker<'a> {
    #[serde(borrow)]
    pub(super) inst_type: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) inst_id: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) last: Option<Text<'a>>,
    #[serde(borrow, rename = "open24h")]
    pub(super) open: Option<Text<'a>>,
    #[serde(borrow, rename = "high24h")]
    pub(super) high: Option<Text<'a>>,
    #[serde(borrow, rename = "low24h")]
    pub(super) low: Option<Text<'a>>,
    /// "24h trading volume, with a unit of contract. If it is a derivatives contract, the value is the number of contracts.
    /// If it is SPOT/MARGIN, the value is the quantity in base currency."
    #[serde(borrow, rename = "vol24h")]
    pub(super) volume: Option<Text<'a>>,
    /// "24h trading volume, with a unit of currency. If it is a derivatives contract, the value is the number of base
    /// currency. If it is SPOT/MARGIN, the value is the quantity in quote currency."
    #[serde(borrow, rename = "volCcy24h")]
    pub(super) currency_volume: Option<Text<'a>>,
    /// "Ticker data generation time", milliseconds
    #[serde(borrow)]
    pub(super) ts: Option<Text<'a>>,
}

/// Every REST body:
/// ```json
/// {"code":"0","msg":"","data":[...]}
/// {"code":"51001","msg":"Instrument ID does not exist","data":[]}
/// ```
#[derive(Debug, serde::Deserialize)]
pub(super) struct Body<'a> {
    #[serde(borrow)]
    pub(super) code: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) msg: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) data: Option<&'a RawValue>,
}

/// An element of `GET /api/v5/public/instruments`:
/// ```json
/// {"instType":"SWAP","instId":"BTC-USDT-SWAP","baseCcy":"","quoteCcy":"","settleCcy":"USDT","ctType":"linear","ctVal":"0.01","ctMult":"1","ctValCcy":"BTC","state":"live"}
/// ```
#[derive(Debug, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct InstrumentInfo<'a> {
    /// "SPOT", "SWAP", "FUTURES"
    #[serde(borrow)]
    pub(super) inst_type: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) inst_id: Text<'a>,
    /// "linear", "inverse", or empty for spot
    #[serde(borrow)]
    pub(super) ct_type: Option<Text<'a>>,
    /// "Contract value"
    #[serde(borrow)]
    pub(super) ct_val: Option<Text<'a>>,
    /// "Contract multiplier"
    #[serde(borrow)]
    pub(super) ct_mult: Option<Text<'a>>,
    /// "Contract value currency"
    #[serde(borrow)]
    pub(super) ct_val_ccy: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) state: Text<'a>,
}
