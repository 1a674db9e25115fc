//! Kraken, version 2.
//!
//! Owns its words, and the checksum: CRC32 of the ten lowest asks, then of the ten highest bids, each price and quantity as
//! sent, without point and leading zeros (docs.kraken.com, "Book checksum v2"). Numbers are JSON numbers; their digits are
//! kept. Clients truncate books to the depth that they subscribed to.

mod rest;

use std::fmt::Write;

use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::text::{Named, iso, micros_of, number};
use super::{
    Answered, Asked, Beyond, Chain, Channel, Delta, Dialect, Kind, Look, Moment, On, Reading, Role, Scene,
    Stats, Talk, Trade, Turn, channel,
};
use crate::simulate::book::{BookView, Level, Side, Top};
use crate::simulate::server::Limits;
use crate::simulate::source::Source;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Kraken;

const fn of_depth(depth: usize) -> Kind {
    Kind::Deltas { depth, beyond: Beyond::Truncated }
}

const DEPTHS: [usize; 5] = [10, 25, 100, 500, 1000];
const CHANNELS: [Channel; 8] = [
    channel("ticker.bbo", Kind::Ticker(On::Top)),
    channel("ticker", Kind::Ticker(On::Trade)),
    channel("trade", Kind::Trades),
    channel("book.10", of_depth(10)),
    channel("book.25", of_depth(25)),
    channel("book.100", of_depth(100)),
    channel("book.500", of_depth(500)),
    channel("book.1000", of_depth(1000)),
];

#[derive(Deserialize)]
struct Frame<'a> {
    channel: &'a str,
    #[serde(rename = "type")]
    what: &'a str,
    #[serde(borrow)]
    data: Vec<Data<'a>>,
}

#[derive(Deserialize)]
struct Data<'a> {
    symbol: &'a str,
    timestamp: Option<&'a str>,
    #[serde(borrow, default)]
    bids: Vec<Named<'a>>,
    #[serde(borrow, default)]
    asks: Vec<Named<'a>>,
}

fn levels(named: &[Named<'_>]) -> Option<Vec<Level>> {
    named.iter().map(|level| Some((number(level.price)?, number(level.qty)?))).collect()
}

fn objects(levels: &[Level]) -> String {
    let mut text = String::with_capacity(2 + 48 * levels.len());
    text.push('[');
    for (index, (price, quantity)) in levels.iter().enumerate() {
        let comma = if index == 0 { "" } else { "," };
        write!(text, "{comma}{{\"price\":{price},\"qty\":{quantity}}}").expect("a String takes all");
    }
    text.push(']');
    text
}

/// The checksum of a book.
fn checksum(view: &BookView) -> u32 {
    let mut crc = flate2::Crc::new();
    for (price, quantity) in view.asks.iter().take(10).chain(view.bids.iter().take(10)) {
        for number in [price, quantity] {
            let digits = number.to_string().replace('.', "");
            crc.update(digits.trim_start_matches('0').as_bytes());
        }
    }
    crc.sum()
}

/// What a request to subscribe or unsubscribe names, but for the symbol.
struct Wish {
    channel: String,
    /// The stream's name without its symbol.
    stream: String,
    echo: Map<String, Value>,
}

fn wish(params: &Value) -> Result<Wish, String> {
    let channel = params["channel"].as_str().unwrap_or_default().to_owned();
    let mut echo = Map::new();
    echo.insert("channel".to_owned(), json!(channel));
    let stream = match channel.as_str() {
        "book" => {
            let depth = params.get("depth").map_or(Some(10), |depth| depth.as_u64());
            let depth =
                depth.and_then(|depth| DEPTHS.iter().find(|known| u64::try_from(**known) == Ok(depth)));
            let depth = depth.ok_or("Subscription depth not supported")?;
            echo.insert("depth".to_owned(), json!(depth));
            format!("book.{depth}")
        }
        "ticker" => match params["event_trigger"].as_str().unwrap_or("trades") {
            "bbo" => "ticker.bbo".to_owned(),
            "trades" => "ticker".to_owned(),
            other => return Err(format!("Unsupported event_trigger {other}")),
        },
        "trade" | "ohlc" | "instrument" | "level3" => channel.clone(),
        other => return Err(format!("Channel name {other:?} is not supported")),
    };
    if channel == "ticker" {
        let trigger = if stream == "ticker" { "trades" } else { "bbo" };
        echo.insert("event_trigger".to_owned(), json!(trigger));
    }
    Ok(Wish { channel, stream, echo })
}

/// An answer, with the request's id and times around it.
fn reply(mut fields: Value, request: &Value, now_us: i64) -> Turn {
    if let Some(id) = request.get("req_id") {
        fields["req_id"] = id.clone();
    }
    fields["time_in"] = json!(iso(now_us));
    fields["time_out"] = json!(iso(now_us + 12));
    Turn::Say(fields.to_string())
}

/// What one symbol of a request gets.
fn one(method: &str, symbol: &str, wish: &Wish, request: &Value, talk: &Talk<'_>) -> Vec<Turn> {
    let name = format!("{}:{symbol}", wish.stream);
    let refused = |error: String| {
        vec![reply(
            json!({"error": error, "method": method, "success": false, "symbol": symbol}),
            request,
            talk.now_us,
        )]
    };
    if !(talk.is_symbol)(symbol) {
        return refused(format!("Currency pair not supported {symbol}"));
    }
    let is_subscribed = talk.streams.contains(&name);
    let mut echo = wish.echo.clone();
    echo.insert("symbol".to_owned(), json!(symbol));
    let turn = match (method, is_subscribed) {
        ("subscribe", true) => return refused("Already subscribed".to_owned()),
        ("subscribe", false) => {
            echo.insert(
                "snapshot".to_owned(),
                json!(request["params"]["snapshot"].as_bool().unwrap_or(true)),
            );
            Turn::Subscribe(name)
        }
        (_, true) => Turn::Unsubscribe(name),
        (_, false) => return refused("Subscription Not Found".to_owned()),
    };
    vec![turn, reply(json!({"method": method, "result": echo, "success": true}), request, talk.now_us)]
}

impl Dialect for Kraken {
    fn venue(&self) -> &'static str {
        "kraken"
    }

    fn paths(&self) -> &'static [&'static str] {
        &["/v2"]
    }

    fn limits(&self) -> Limits {
        Limits { client_messages_per_second: Some(50), ..Limits::quiet() }
    }

    fn channels(&self) -> &'static [Channel] {
        &CHANNELS
    }

    fn symbol(&self, base: &str, quote: &str) -> String {
        format!("{base}/{quote}")
    }

    fn digits(&self, tick: Decimal, _lot: Decimal) -> (u32, u32) {
        (tick.normalize().scale(), 8)
    }

    fn hello(&self, talk: &Talk<'_>) -> Option<String> {
        let (id, system) = (talk.connection, talk.system.unwrap_or("online"));
        Some(format!(
            "{{\"channel\":\"status\",\"type\":\"update\",\"data\":[{{\"version\":\"2.0.10\",\"system\":\"{system}\",\
             \"api_version\":\"v2\",\"connection_id\":{id}}}]}}"
        ))
    }

    fn converse(&self, text: &str, talk: &Talk<'_>) -> Vec<Turn> {
        let Ok(request) = serde_json::from_str::<Value>(text) else {
            return vec![Turn::Say("{\"error\":\"Malformed request\",\"success\":false}".to_owned())];
        };
        let method = request["method"].as_str().unwrap_or_default();
        match method {
            "ping" => vec![reply(json!({"method": "pong"}), &request, talk.now_us)],
            "subscribe" | "unsubscribe" => {
                let params = &request["params"];
                let wish = match wish(params) {
                    Ok(wish) => wish,
                    Err(error) => {
                        let fields = json!({"error": error, "method": method, "success": false});
                        return vec![reply(fields, &request, talk.now_us)];
                    }
                };
                let symbols = params["symbol"].as_array().map(Vec::as_slice).unwrap_or_default();
                if symbols.is_empty() && wish.channel != "instrument" {
                    let fields = json!({"error": "Symbol(s) not found", "method": method, "success": false});
                    return vec![reply(fields, &request, talk.now_us)];
                }
                let symbols = symbols.iter().filter_map(Value::as_str);
                symbols.flat_map(|symbol| one(method, symbol, &wish, &request, talk)).collect()
            }
            other => {
                let fields = json!({"error": "Unsupported method", "method": other, "success": false});
                vec![reply(fields, &request, talk.now_us)]
            }
        }
    }

    fn beats(&self, talk: &Talk<'_>, _source: &Source) -> Vec<String> {
        let beat = || "{\"channel\":\"heartbeat\"}".to_owned();
        (!talk.streams.is_empty()).then(beat).into_iter().collect()
    }

    fn top(&self, _scene: &Scene<'_>, _top: &Top) -> Option<String> {
        None
    }

    fn snapshot(&self, scene: &Scene<'_>, _chain: Chain, view: &BookView) -> Option<String> {
        Some(format!(
            "{{\"channel\":\"book\",\"type\":\"snapshot\",\"data\":[{{\"symbol\":\"{}\",\"bids\":{},\"asks\":{},\
             \"checksum\":{}}}]}}",
            scene.symbol(),
            objects(&view.bids),
            objects(&view.asks),
            checksum(view)
        ))
    }

    fn delta(&self, scene: &Scene<'_>, delta: &Delta<'_>) -> Option<String> {
        Some(format!(
            "{{\"channel\":\"book\",\"type\":\"update\",\"data\":[{{\"symbol\":\"{}\",\"bids\":{},\"asks\":{},\
             \"checksum\":{},\"timestamp\":\"{}\"}}]}}",
            scene.symbol(),
            objects(delta.bids),
            objects(delta.asks),
            checksum(delta.after),
            iso(scene.at_us)
        ))
    }

    fn trades(&self, scene: &Scene<'_>, trades: &[Trade], moment: Moment) -> Option<String> {
        let what = match moment {
            Moment::Greeting => "snapshot",
            Moment::News => "update",
        };
        let one = |trade: &Trade| {
            let Trade { id, price, quantity, maker, at_us } = trade;
            let side = if *maker == Side::Bid { "sell" } else { "buy" };
            format!(
                "{{\"symbol\":\"{}\",\"side\":\"{side}\",\"price\":{price},\"qty\":{quantity},\"ord_type\":\"market\",\
                 \"trade_id\":{id},\"timestamp\":\"{}\"}}",
                scene.symbol(),
                iso(*at_us)
            )
        };
        let trades: Vec<String> = trades.iter().map(one).collect();
        Some(format!("{{\"channel\":\"trade\",\"type\":\"{what}\",\"data\":[{}]}}", trades.join(",")))
    }

    fn ticker(&self, scene: &Scene<'_>, stats: &Stats, before: Option<&Stats>) -> Option<String> {
        let Stats { open, high, low, last, volume, quote_volume, top, .. } = stats;
        let what = if before.is_some() { "update" } else { "snapshot" };
        let ((bid, bid_size), (ask, ask_size)) = (top.bid?, top.ask?);
        let change = last.price - open;
        let percent = (change * Decimal::ONE_HUNDRED / open).round_dp(2);
        let vwap = (quote_volume / volume).round_dp(scene.info.tick.scale());
        Some(format!(
            "{{\"channel\":\"ticker\",\"type\":\"{what}\",\"data\":[{{\"symbol\":\"{}\",\"bid\":{bid},\
             \"bid_qty\":{bid_size},\"ask\":{ask},\"ask_qty\":{ask_size},\"last\":{},\"volume\":{volume},\
             \"vwap\":{vwap},\"low\":{low},\"high\":{high},\"change\":{change},\"change_pct\":{percent},\
             \"timestamp\":\"{}\"}}]}}",
            scene.symbol(),
            last.price,
            iso(scene.at_us)
        ))
    }

    fn look(&self, text: &str) -> Option<Look> {
        let frame: Frame = serde_json::from_str(text).ok()?;
        let symbol = frame.data.first()?.symbol;
        let role = match frame.channel {
            "book" => Role::Book,
            "ticker" | "trade" => Role::Other,
            _ => return None,
        };
        Some(Look { stream: self.stream_name(frame.channel, symbol), symbol: Some(symbol.to_owned()), role })
    }

    /// Frames do not say to which depth their subscription was: the smallest that their levels fit into.
    fn recorded_name(&self, name: &str, levels_max: usize) -> String {
        match name.strip_prefix("book:") {
            Some(symbol) => {
                let depth = DEPTHS.into_iter().find(|depth| *depth >= levels_max).unwrap_or(1000);
                format!("book.{depth}:{symbol}")
            }
            None => name.to_owned(),
        }
    }

    fn read(&self, text: &str) -> Option<Reading> {
        let frame: Frame = serde_json::from_str(text).ok()?;
        let data = frame.data.first().filter(|_| frame.channel == "book")?;
        Some(Reading {
            is_whole: frame.what == "snapshot",
            bids: levels(&data.bids)?,
            asks: levels(&data.asks)?,
            id: None,
            at_us: data.timestamp.and_then(micros_of),
        })
    }

    fn answer(&self, asked: &Asked<'_>, source: &Source) -> Answered {
        rest::answer(asked, source)
    }

    fn unknown_event(&self, stream: &str) -> String {
        let symbol = self.symbol_of(stream);
        format!(
            "{{\"channel\":\"moon\",\"type\":\"update\",\"data\":[{{\"symbol\":\"{symbol}\",\"phase\":1}}]}}"
        )
    }

    fn time_keys(&self) -> &'static [&'static str] {
        &["timestamp"]
    }

    fn level_keys(&self) -> &'static [&'static str] {
        &["price", "qty", "bid", "bid_qty", "ask", "ask_qty"]
    }

    fn bids_open(&self) -> &'static [&'static str] {
        &["\"bids\":["]
    }

    fn level(&self, _opened: &str, price: Decimal, quantity: Decimal) -> String {
        format!("{{\"price\":{price},\"qty\":{quantity}}}")
    }

    fn with_checksum(&self, text: &str, after: &BookView) -> Option<String> {
        let (head, rest) = text.split_once("\"checksum\":")?;
        let end = rest.find(|letter: char| !letter.is_ascii_digit())?;
        Some(format!("{head}\"checksum\":{}{}", checksum(after), &rest[end..]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The worked example of the venue's documentation of the v1 checksum, whose digits are the same in v2.
    #[test]
    fn the_checksum_is_that_of_the_venues_own_example() {
        let levels =
            |prices: [i64; 10]| prices.map(|price| (Decimal::new(price, 5), Decimal::new(500, 8))).to_vec();
        let view = BookView {
            update_id: 0,
            bids: levels([5000, 4995, 4990, 4980, 4975, 4970, 4965, 4960, 4955, 4950]),
            asks: levels([5005, 5010, 5015, 5020, 5025, 5030, 5035, 5040, 5045, 5050]),
        };
        assert_eq!(checksum(&view), 974_947_235);
    }
}
