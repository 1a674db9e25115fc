//! The payloads of USD-M futures as Binance sends them: the structs of the general path, the raw payload quoted above each.
//!
//! Owns names and JSON types only. Never judges a value: every field that may be absent is an `Option`, and `general` and `rest`
//! say which must be there. Unknown fields are skipped, a field given twice is an error.

use serde_json::value::RawValue;

use crate::feed::json::Text;

/// `<symbol>@bookTicker`:
/// ```json
/// {"e":"bookTicker","u":5123107839020,"s":"BTCUSDT","b":"61800.20","B":"2.507","a":"61800.30","A":"2.510","T":1723161256313,
///  "E":1723161256313}
/// ```
#[derive(Debug, serde::Deserialize)]
pub(super) struct BookTicker<'a> {
    #[serde(borrow)]
    pub(super) e: Option<Text<'a>>,
    /// "order book updateId": the same count as in depth updates
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
    /// "transaction time", milliseconds
    #[serde(rename = "T")]
    pub(super) transaction_time: Option<u64>,
}

/// `<symbol>@trade`, which the documentation does not have (the recording does):
/// ```json
/// {"e":"trade","E":1723161256322,"T":1723161256322,"s":"BTCUSDT","t":5266583935,"p":"61800.30","q":"0.006","X":"MARKET","m":false}
/// ```
#[derive(Debug, serde::Deserialize)]
pub(super) struct Trade<'a> {
    #[serde(borrow)]
    pub(super) e: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) s: Option<Text<'a>>,
    /// The trade's id: each one more than the one before it
    pub(super) t: Option<u64>,
    /// Price
    #[serde(borrow)]
    pub(super) p: Option<Text<'a>>,
    /// Quantity
    #[serde(borrow)]
    pub(super) q: Option<Text<'a>>,
    /// When it was made, milliseconds
    #[serde(rename = "T")]
    pub(super) trade_time: Option<u64>,
    /// "MARKET", or why it was none: "INSURANCE_FUND", "ADL", "NA"
    #[serde(borrow, rename = "X")]
    pub(super) kind: Option<Text<'a>>,
    /// "Is the buyer the market maker?"
    pub(super) m: Option<bool>,
}

/// `<symbol>@depth@100ms` and `<symbol>@depth@0ms`:
/// ```json
/// {"e":"depthUpdate","E":1723161256299,"T":1723161256298,"s":"BTCUSDT","U":5123107832006,"u":5123107837557,"pu":5123107831937,
///  "b":[["61799.90","0.014"]],"a":[["61800.30","0.000"]]}
/// ```
#[derive(Debug, serde::Deserialize)]
pub(super) struct DepthUpdate<'a> {
    #[serde(borrow)]
    pub(super) e: Option<Text<'a>>,
    /// "transaction time", milliseconds
    #[serde(rename = "T")]
    pub(super) transaction_time: Option<u64>,
    #[serde(borrow)]
    pub(super) s: Option<Text<'a>>,
    /// "First update ID in event"
    #[serde(rename = "U")]
    pub(super) first: Option<u64>,
    /// "Final update ID in event"
    pub(super) u: Option<u64>,
    /// `u` of the update before
    pub(super) pu: Option<u64>,
    /// "Bids to be updated"
    #[serde(borrow)]
    pub(super) b: Option<&'a RawValue>,
    /// "Asks to be updated"
    #[serde(borrow)]
    pub(super) a: Option<&'a RawValue>,
}

/// `GET /fapi/v1/exchangeInfo`: `{"timezone":"UTC",...,"symbols":[...]}`
#[derive(Debug, serde::Deserialize)]
pub(super) struct ExchangeInfo<'a> {
    #[serde(borrow)]
    pub(super) symbols: Option<Vec<SymbolInfo<'a>>>,
}

/// One of those:
/// ```json
/// {"symbol":"BTCUSDT_261226","pair":"BTCUSDT","contractType":"CURRENT_QUARTER","deliveryDate":1798272000000,"status":"TRADING",
///  "baseAsset":"BTC","quoteAsset":"USDT","marginAsset":"USDT"}
/// ```
#[derive(Debug, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SymbolInfo<'a> {
    #[serde(borrow)]
    pub(super) symbol: Text<'a>,
    #[serde(borrow)]
    pub(super) status: Text<'a>,
    #[serde(borrow)]
    pub(super) contract_type: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) base_asset: Text<'a>,
    #[serde(borrow)]
    pub(super) quote_asset: Text<'a>,
}
