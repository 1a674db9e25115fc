//! Coinbase's messages as it sends them: the structs of the general path, the raw payload quoted above each.
//!
//! Owns names and JSON types only. Never judges a value: every field that may be absent is an `Option`, and `general` and
//! `rest` say which must be there. Unknown fields are skipped, a field given twice is an error.

use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use crate::feed::json::Text;

/// The type of any frame: "All messages have a type attribute", "Clients are expected to ignore messages they do not support."
/// ```json
/// {"type":"subscriptions","channels":[{"name":"level2_batch","product_ids":["BTC-USD"]}]}
/// {"type":"heartbeat","sequence":90,"last_trade_id":20,"product_id":"BTC-USD","time":"2014-11-07T08:19:28.464459Z"}
/// {"type":"error","message":"Failed to subscribe","reason":"FOO-USD is not a valid product"}
/// ```
#[derive(Debug, serde::Deserialize)]
pub(super) struct Typed<'a> {
    #[serde(borrow, rename = "type")]
    pub(super) kind: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) message: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) reason: Option<Text<'a>>,
}

/// "An initial snapshot of the order book":
/// ```json
/// {"type":"snapshot","product_id":"BTC-USD","bids":[["10101.10","0.45054140"]],"asks":[["10102.55","0.57753524"]]}
/// ```
#[derive(Debug, serde::Deserialize)]
pub(super) struct Snapshot<'a> {
    #[serde(borrow)]
    pub(super) product_id: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) bids: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) asks: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) time: Option<Text<'a>>,
}

/// "size is the updated size at that price level, not a delta. A size of "0" indicates the price level can be removed."
/// ```json
/// {"type":"l2update","product_id":"BTC-USD","changes":[["buy","10101.80000000","0.162567"]],"time":"2019-08-14T20:42:27.265Z"}
/// ```
#[derive(Debug, serde::Deserialize)]
pub(super) struct Update<'a> {
    #[serde(borrow)]
    pub(super) product_id: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) changes: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) time: Option<Text<'a>>,
}

/// One of its changes: side of the book, price, size.
pub(super) type Change<'a> = (BookSide, Text<'a>, Text<'a>);

/// "buy" or "sell".
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum BookSide {
    Buy,
    Sell,
}

/// A trade, `last_match` for the newest one before the subscription. "The side field indicates the maker order side."
/// ```json
/// {"type":"match","trade_id":10,"sequence":50,"maker_order_id":"ac928c66-...","taker_order_id":"132fb6ae-...",
///  "time":"2014-11-07T08:19:27.028459Z","product_id":"BTC-USD","size":"5.23512","price":"400.23","side":"sell"}
/// ```
#[derive(Debug, serde::Deserialize)]
pub(super) struct Match<'a> {
    #[serde(borrow)]
    pub(super) product_id: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) price: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) size: Option<Text<'a>>,
    pub(super) side: Option<BookSide>,
    #[serde(borrow)]
    pub(super) time: Option<Text<'a>>,
    /// One more than that of the product's trade before: so it is in the recordings
    pub(super) trade_id: Option<u64>,
}

/// "Heartbeats also include sequence numbers and last trade IDs that can be used to verify that no messages were missed":
/// ```json
/// {"type":"heartbeat","sequence":90,"last_trade_id":20,"product_id":"BTC-USD","time":"2014-11-07T08:19:28.464459Z"}
/// ```
#[derive(Debug, serde::Deserialize)]
pub(super) struct Heartbeat<'a> {
    #[serde(borrow)]
    pub(super) product_id: Option<Text<'a>>,
    pub(super) last_trade_id: Option<u64>,
}

/// "Real-time price updates every time a match happens":
/// ```json
/// {"type":"ticker","sequence":37475248783,"product_id":"ETH-USD","price":"1285.22","open_24h":"1310.79",
///  "volume_24h":"245532.79269678","low_24h":"1280.52","high_24h":"1313.8","volume_30d":"9788783.60117027",
///  "best_bid":"1285.04","best_bid_size":"0.46688654","best_ask":"1285.27","best_ask_size":"1.56637040",
///  "side":"buy","time":"2022-10-19T23:28:22.061769Z","trade_id":370843401,"last_size":"11.4396987"}
/// ```
#[derive(Debug, serde::Deserialize)]
pub(super) struct Ticker<'a> {
    #[serde(borrow)]
    pub(super) product_id: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) price: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) open_24h: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) volume_24h: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) low_24h: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) high_24h: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) best_bid: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) best_ask: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) time: Option<Text<'a>>,
}

/// `{"message":"NotFound"}`
#[derive(Debug, serde::Deserialize)]
pub(super) struct Refusal<'a> {
    #[serde(borrow)]
    pub(super) message: Option<Text<'a>>,
}

/// `GET /products/{id}/book?level=1`: price, size, number of orders:
/// ```json
/// {"bids":[["6247.58","6.3578146",2]],"asks":[["6251.52","2",1]],"sequence":13051505638,"auction_mode":false,
///  "time":"2021-02-12T01:09:23.334723Z"}
/// ```
#[derive(Debug, serde::Deserialize)]
pub(super) struct BookBody<'a> {
    #[serde(borrow)]
    pub(super) bids: Option<Vec<(Text<'a>, Text<'a>, IgnoredAny)>>,
    #[serde(borrow)]
    pub(super) asks: Option<Vec<(Text<'a>, Text<'a>, IgnoredAny)>>,
}

/// One of `GET /products`:
/// ```json
/// {"id":"BTC-USD","base_currency":"BTC","quote_currency":"USD","status":"online","trading_disabled":false,...}
/// ```
#[derive(Debug, serde::Deserialize)]
pub(super) struct Product<'a> {
    #[serde(borrow)]
    pub(super) id: Text<'a>,
    #[serde(borrow)]
    pub(super) base_currency: Text<'a>,
    #[serde(borrow)]
    pub(super) quote_currency: Text<'a>,
    #[serde(borrow)]
    pub(super) status: Option<Text<'a>>,
    pub(super) trading_disabled: Option<bool>,
    pub(super) cancel_only: Option<bool>,
    pub(super) post_only: Option<bool>,
    pub(super) auction_mode: Option<bool>,
}
