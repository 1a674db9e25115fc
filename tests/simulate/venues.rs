//! What clients say to each venue, in its words.

use futures_util::SinkExt;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use crate::client::Client;

/// A venue with one of its books.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Case {
    pub(crate) venue: &'static str,
    /// The stream's name in the simulator.
    pub(crate) channel: &'static str,
    /// How many levels a client sees.
    pub(crate) depth: usize,
    /// BTC's symbol in a made-up market.
    pub(crate) symbol: &'static str,
}

const fn case(venue: &'static str, channel: &'static str, depth: usize, symbol: &'static str) -> Case {
    Case { venue, channel, depth, symbol }
}

/// All venues whose books begin with a snapshot on the stream.
pub(crate) const BOOKS: [Case; 12] = [
    case("coinbase", "level2_batch", 5000, "BTC-USDT"),
    case("coinbase", "level2", 5000, "BTC-USDT"),
    case("kraken", "book.10", 10, "BTC/USDT"),
    case("kraken", "book.100", 100, "BTC/USDT"),
    case("kraken", "book.1000", 1000, "BTC/USDT"),
    case("okx", "books", 400, "BTC-USDT"),
    case("bybit", "orderbook.1", 1, "BTCUSDT"),
    case("bybit", "orderbook.50", 50, "BTCUSDT"),
    case("bybit-linear", "orderbook.200", 200, "BTCUSDT"),
    case("bybit-linear", "orderbook.50", 50, "BTCUSDT"),
    case("hyperliquid", "l2Book", 20, "BTC"),
    case("hyperliquid", "l2Book.fast", 5, "BTC"),
];

/// The request for one stream.
pub(crate) fn request(venue: &str, what: &str, channel: &str, symbol: &str) -> Value {
    match venue {
        "binance" | "binance-usdm" => {
            let stream = format!("{}@{channel}", symbol.to_lowercase());
            json!({"method": what.to_uppercase(), "params": [stream], "id": 1})
        }
        "coinbase" => json!({"type": what, "product_ids": [symbol], "channels": [channel]}),
        "kraken" => {
            let mut params = json!({"channel": channel, "symbol": [symbol]});
            if let Some(depth) = channel.strip_prefix("book.") {
                params["channel"] = json!("book");
                params["depth"] = json!(depth.parse::<u32>().unwrap());
            }
            if channel == "ticker.bbo" {
                params["channel"] = json!("ticker");
                params["event_trigger"] = json!("bbo");
            }
            json!({"method": what, "params": params, "req_id": 7})
        }
        "okx" => json!({"op": what, "args": [{"channel": channel, "instId": symbol}], "id": "a1"}),
        "bybit" | "bybit-linear" => {
            json!({"op": what, "args": [format!("{channel}.{symbol}")], "req_id": "r1"})
        }
        "hyperliquid" => {
            let mut wanted = json!({"type": channel, "coin": symbol});
            if channel == "l2Book.fast" {
                wanted = json!({"type": "l2Book", "coin": symbol, "fast": true});
            }
            json!({"method": what, "subscription": wanted})
        }
        other => panic!("{other}"),
    }
}

/// Whether this is a venue's acknowledgement of a request.
pub(crate) fn is_acknowledgement(venue: &str, what: &str, text: &str) -> bool {
    let Ok(value) = serde_json::from_str::<Value>(text) else { return false };
    match venue {
        "binance" | "binance-usdm" => value.get("id").is_some() && value["result"].is_null(),
        "coinbase" => value["type"] == "subscriptions",
        "kraken" => value["method"] == what && value["success"] == true && value["req_id"] == 7,
        "okx" => value["event"] == what && value["id"] == "a1",
        "bybit" | "bybit-linear" => {
            value["op"] == what && value["success"] == true && value["req_id"] == "r1"
        }
        "hyperliquid" => value["channel"] == "subscriptionResponse" && value["data"]["method"] == what,
        other => panic!("{other}"),
    }
}

impl Client {
    /// The next text, as it came.
    pub(crate) async fn text(&mut self) -> String {
        loop {
            match self.message().await {
                Some(Ok(Message::Text(text))) => return text.to_string(),
                Some(Ok(Message::Ping(_))) => {}
                other => panic!("expected a text, got {other:?}"),
            }
        }
    }

    pub(crate) async fn say(&mut self, text: &str) {
        self.socket.send(Message::text(text)).await.unwrap();
    }

    /// Sends a request in a venue's words; gives what came ahead of the acknowledgement.
    pub(crate) async fn request(
        &mut self,
        venue: &str,
        what: &str,
        channel: &str,
        symbol: &str,
    ) -> Vec<String> {
        self.send(&request(venue, what, channel, symbol)).await;
        let mut ahead = Vec::new();
        loop {
            let text = self.text().await;
            if is_acknowledgement(venue, what, &text) {
                return ahead;
            }
            assert!(ahead.len() < 100_000, "no acknowledgement: {:?}", ahead.first());
            ahead.push(text);
        }
    }
}
