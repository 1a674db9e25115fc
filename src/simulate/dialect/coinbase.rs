//! Coinbase Exchange.
//!
//! Owns its words: one acknowledgement that lists all subscriptions, books without a sequence, heartbeats by product. The
//! channels `level2` and `level2_batch` carry the same frames here.

use std::borrow::Cow;
use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::{Value, json};

use super::rest::{book, listed};
use super::text::{Digits, Rows, iso, levels, micros_of, pairs};
use super::{
    Answered, Asked, Beyond, Chain, Channel, Delta, Dialect, Kind, Look, Moment, On, Reading, Role, Scene,
    Stats, Talk, Trade, Turn, channel,
};
use crate::simulate::book::{BookView, Side, Top};
use crate::simulate::server::Limits;
use crate::simulate::source::{Source, SymbolInfo};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Coinbase;

const BOOK: &str = "level2_batch";
const CHANNELS: [Channel; 4] = [
    channel(BOOK, Kind::Deltas { depth: usize::MAX, beyond: Beyond::Removed }),
    channel("matches", Kind::Trades),
    channel("ticker", Kind::Ticker(On::Trade)),
    channel("heartbeat", Kind::Heartbeat),
];

#[derive(Deserialize)]
struct Frame<'a> {
    #[serde(rename = "type")]
    what: &'a str,
    product_id: &'a str,
    time: Option<&'a str>,
    #[serde(borrow, default)]
    bids: Rows<'a>,
    #[serde(borrow, default)]
    asks: Rows<'a>,
    #[serde(borrow, default)]
    changes: Rows<'a>,
}

/// `("channel", "product")` of all that a request names.
fn named(request: &Value) -> Result<Vec<(String, String)>, String> {
    let texts = |value: &Value| -> Vec<String> {
        value.as_array().into_iter().flatten().filter_map(|one| one.as_str().map(str::to_owned)).collect()
    };
    let common = texts(&request["product_ids"]);
    let mut pairs = Vec::new();
    for channel in request["channels"].as_array().into_iter().flatten() {
        let name = channel.as_str().or(channel["name"].as_str()).unwrap_or_default();
        if name != "level2" && !CHANNELS.iter().any(|known| known.name == name) {
            return Err(format!("{name} is not a valid channel"));
        }
        let own = texts(&channel["product_ids"]);
        let products = if own.is_empty() { &common } else { &own };
        pairs.extend(products.iter().map(|product| (name.to_owned(), product.clone())));
    }
    Ok(pairs)
}

fn failed(message: &str, reason: &str) -> Vec<Turn> {
    vec![Turn::Say(json!({"type": "error", "message": message, "reason": reason}).to_string())]
}

/// The acknowledgement: all subscriptions of the connection.
fn subscriptions<'a>(streams: impl Iterator<Item = &'a str>) -> String {
    let mut channels: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (channel, product) in streams.filter_map(|stream| stream.split_once(':')) {
        let products = channels.entry(channel).or_default();
        if !products.contains(&product) {
            products.push(product);
        }
    }
    let channels: Vec<Value> = channels
        .into_iter()
        .map(|(name, product_ids)| json!({"name": name, "product_ids": product_ids, "account_ids": null}))
        .collect();
    json!({"type": "subscriptions", "channels": channels}).to_string()
}

fn side(side: Side) -> &'static str {
    match side {
        Side::Bid => "buy",
        Side::Ask => "sell",
    }
}

impl Dialect for Coinbase {
    fn venue(&self) -> &'static str {
        "coinbase"
    }

    fn paths(&self) -> &'static [&'static str] {
        &["/"]
    }

    fn limits(&self) -> Limits {
        Limits {
            client_messages_per_second: Some(100),
            first_request: Some(std::time::Duration::from_secs(5)),
            ..Limits::quiet()
        }
    }

    fn channels(&self) -> &'static [Channel] {
        &CHANNELS
    }

    fn symbol(&self, base: &str, quote: &str) -> String {
        format!("{base}-{quote}")
    }

    fn canonical<'a>(&self, stream: &'a str) -> Cow<'a, str> {
        match stream.strip_prefix("level2:") {
            Some(product) => Cow::Owned(format!("{BOOK}:{product}")),
            None => Cow::Borrowed(stream),
        }
    }

    fn converse(&self, text: &str, talk: &Talk<'_>) -> Vec<Turn> {
        let Ok(request) = serde_json::from_str::<Value>(text) else {
            return vec![Turn::Say(json!({"type": "error", "message": "Malformed JSON"}).to_string())];
        };
        let what = request["type"].as_str().unwrap_or_default();
        if what != "subscribe" && what != "unsubscribe" {
            return failed("Malformed JSON", &format!("Type {what:?} is not valid"));
        }
        let pairs = match named(&request) {
            Ok(pairs) => pairs,
            Err(reason) => return failed(&format!("Failed to {what}"), &reason),
        };
        if let Some((_, product)) = pairs.iter().find(|(_, product)| !(talk.is_symbol)(product)) {
            return failed(&format!("Failed to {what}"), &format!("{product} is not a valid product"));
        }
        let names: Vec<String> =
            pairs.iter().map(|(channel, product)| format!("{channel}:{product}")).collect();
        let (ack, mut turns): (_, Vec<Turn>) = if what == "subscribe" {
            let all = talk.streams.iter().chain(&names).map(String::as_str);
            (subscriptions(all), names.iter().cloned().map(Turn::Subscribe).collect())
        } else {
            let left = talk.streams.iter().filter(|name| !names.contains(name)).map(String::as_str);
            (subscriptions(left), names.iter().cloned().map(Turn::Unsubscribe).collect())
        };
        turns.push(Turn::Say(ack));
        turns
    }

    fn beats(&self, talk: &Talk<'_>, source: &Source) -> Vec<String> {
        let products = talk.streams.iter().filter_map(|stream| stream.strip_prefix("heartbeat:"));
        products
            .map(|product| {
                let sequence = source.top(product).map_or(0, |top| top.update_id);
                let (trade, time) =
                    (source.last_trade(product).unwrap_or(0), iso(source.clock_us(talk.now_us)));
                format!(
                    "{{\"type\":\"heartbeat\",\"last_trade_id\":{trade},\"product_id\":\"{product}\",\
                     \"sequence\":{sequence},\"time\":\"{time}\"}}"
                )
            })
            .collect()
    }

    fn top(&self, _scene: &Scene<'_>, _top: &Top) -> Option<String> {
        None
    }

    fn snapshot(&self, scene: &Scene<'_>, _chain: Chain, view: &BookView) -> Option<String> {
        let (bids, asks) = (pairs(&view.bids, Digits::Kept, ""), pairs(&view.asks, Digits::Kept, ""));
        let (product, time) = (scene.symbol(), iso(scene.at_us));
        Some(format!(
            "{{\"type\":\"snapshot\",\"product_id\":\"{product}\",\"asks\":{asks},\"bids\":{bids},\"time\":\"{time}\"}}"
        ))
    }

    fn delta(&self, scene: &Scene<'_>, delta: &Delta<'_>) -> Option<String> {
        let change = |side| {
            move |(price, quantity): &(Decimal, Decimal)| format!("[\"{side}\",\"{price}\",\"{quantity}\"]")
        };
        let bids = delta.bids.iter().map(change("buy"));
        let changes: Vec<String> = bids.chain(delta.asks.iter().map(change("sell"))).collect();
        Some(format!(
            "{{\"type\":\"l2update\",\"product_id\":\"{}\",\"changes\":[{}],\"time\":\"{}\"}}",
            scene.symbol(),
            changes.join(","),
            iso(scene.at_us)
        ))
    }

    fn trades(&self, scene: &Scene<'_>, trades: &[Trade], moment: Moment) -> Option<String> {
        let Trade { id, price, quantity, maker, at_us } = *trades.last()?;
        let what = match moment {
            Moment::Greeting => "last_match",
            Moment::News => "match",
        };
        let (price, quantity) = (price.normalize(), quantity.normalize());
        Some(format!(
            "{{\"type\":\"{what}\",\"trade_id\":{id},\"maker_order_id\":\"{id:032x}\",\"taker_order_id\":\"{:032x}\",\
             \"side\":\"{}\",\"size\":\"{quantity}\",\"price\":\"{price}\",\"product_id\":\"{}\",\
             \"sequence\":{id},\"time\":\"{}\"}}",
            id + 1,
            side(maker),
            scene.symbol(),
            iso(at_us)
        ))
    }

    fn ticker(&self, scene: &Scene<'_>, stats: &Stats, _before: Option<&Stats>) -> Option<String> {
        let Stats { open, high, low, last, volume, top, .. } = stats;
        let ((bid, bid_size), (ask, ask_size)) = (top.bid?, top.ask?);
        let taker = match last.maker {
            Side::Bid => "sell",
            Side::Ask => "buy",
        };
        let (price, size) = (last.price.normalize(), last.quantity.normalize());
        let (open, high, low) = (open.normalize(), high.normalize(), low.normalize());
        Some(format!(
            "{{\"type\":\"ticker\",\"sequence\":{},\"product_id\":\"{}\",\"price\":\"{price}\",\"open_24h\":\"{open}\",\
             \"volume_24h\":\"{volume}\",\"low_24h\":\"{low}\",\"high_24h\":\"{high}\",\"volume_30d\":\"{volume}\",\
             \"best_bid\":\"{bid}\",\"best_bid_size\":\"{bid_size}\",\"best_ask\":\"{ask}\",\
             \"best_ask_size\":\"{ask_size}\",\"side\":\"{taker}\",\"time\":\"{}\",\"trade_id\":{},\
             \"last_size\":\"{size}\"}}",
            top.update_id,
            scene.symbol(),
            iso(scene.at_us),
            last.id
        ))
    }

    fn look(&self, text: &str) -> Option<Look> {
        let frame: Frame = serde_json::from_str(text).ok()?;
        let (channel, role) = match frame.what {
            "snapshot" | "l2update" => (BOOK, Role::Book),
            "ticker" => ("ticker", Role::Other),
            "match" | "last_match" => ("matches", Role::Other),
            "heartbeat" => ("heartbeat", Role::Other),
            _ => return None,
        };
        let stream = self.stream_name(channel, frame.product_id);
        Some(Look { stream, symbol: Some(frame.product_id.to_owned()), role })
    }

    fn read(&self, text: &str) -> Option<Reading> {
        let frame: Frame = serde_json::from_str(text).ok()?;
        let at_us = frame.time.and_then(micros_of);
        if frame.what == "snapshot" {
            let (bids, asks) = (levels(&frame.bids)?, levels(&frame.asks)?);
            return Some(Reading { is_whole: true, bids, asks, id: None, at_us });
        }
        let mut reading = Reading { at_us, ..Reading::default() };
        for change in &frame.changes {
            let level = (change.get(1)?.parse().ok()?, change.get(2)?.parse().ok()?);
            match *change.first()? {
                "buy" => reading.bids.push(level),
                _ => reading.asks.push(level),
            }
        }
        Some(reading)
    }

    fn answer(&self, asked: &Asked<'_>, source: &Source) -> Answered {
        let path = asked.path.trim_end_matches('/');
        if path == "/products" {
            let one = |info: &SymbolInfo| {
                let SymbolInfo { symbol, base, quote, tick, lot } = info;
                let (tick, lot) = (tick.normalize(), lot.normalize());
                Some(format!(
                    "{{\"id\":\"{symbol}\",\"base_currency\":\"{base}\",\"quote_currency\":\"{quote}\",\
                     \"quote_increment\":\"{tick}\",\"base_increment\":\"{lot}\",\"display_name\":\"{base}/{quote}\",\
                     \"min_market_funds\":\"1\",\"margin_enabled\":false,\"post_only\":false,\"limit_only\":false,\
                     \"cancel_only\":false,\"status\":\"online\",\"status_message\":\"\",\"trading_disabled\":false,\
                     \"auction_mode\":false}}"
                ))
            };
            return Answered::ok(format!("[{}]", listed(source, one)));
        }
        let product = path.strip_prefix("/products/").and_then(|rest| rest.strip_suffix("/book"));
        let Some(product) = product else { return Answered::refused(404, "{\"message\":\"NotFound\"}") };
        let limit = match asked.number("level", 1, 3) {
            1 => 1,
            _ => usize::MAX,
        };
        let Some((_, view)) = book(source, product, limit) else {
            return Answered::refused(404, "{\"message\":\"NotFound\"}");
        };
        let rows = |levels: &[(Decimal, Decimal)]| pairs(levels, Digits::Kept, ",1");
        let time = iso(source.clock_us(asked.now_us));
        Answered::ok(format!(
            "{{\"bids\":{},\"asks\":{},\"sequence\":{},\"auction_mode\":false,\"auction\":null,\"time\":\"{time}\"}}",
            rows(&view.bids),
            rows(&view.asks),
            view.update_id
        ))
    }

    fn unknown_event(&self, stream: &str) -> String {
        format!("{{\"type\":\"moon_phase\",\"product_id\":\"{}\",\"sequence\":1}}", self.symbol_of(stream))
    }

    fn time_keys(&self) -> &'static [&'static str] {
        &["time"]
    }

    fn level_keys(&self) -> &'static [&'static str] {
        &["bids", "asks", "changes", "best_bid", "best_ask"]
    }

    fn bids_open(&self) -> &'static [&'static str] {
        &["\"changes\":[", "\"bids\":["]
    }

    fn level(&self, opened: &str, price: Decimal, quantity: Decimal) -> String {
        if opened.starts_with("\"changes") {
            format!("[\"buy\",\"{price}\",\"{quantity}\"]")
        } else {
            format!("[\"{price}\",\"{quantity}\"]")
        }
    }
}
