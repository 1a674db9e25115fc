//! OKX, version 5.
//!
//! Owns its words: text `ping` and `pong`, one acknowledgement for each argument, books chained by `prevSeqId` and `seqId`.
//! The checksum of books is 0, as the venue sends it since 2026.

use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::{Value, json};

use super::rest::{book, listed};
use super::text::{Digits, Rows, levels, pairs};
use super::{
    Answered, Asked, Beyond, Chain, Channel, Delta, Dialect, Kind, Look, Moment, On, Reading, Role, Scene,
    Stats, Talk, Trade, Turn, channel,
};
use crate::simulate::book::{BookView, Level, Side, Top};
use crate::simulate::server::Limits;
use crate::simulate::source::{Source, SymbolInfo};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Okx;

const CHANNELS: [Channel; 5] = [
    channel("bbo-tbt", Kind::Top { repeat_ms: None }),
    channel("books", Kind::Deltas { depth: 400, beyond: Beyond::Removed }),
    channel("books5", Kind::Whole { depth: 5, every_ms: 100 }),
    channel("trades", Kind::Trades),
    channel("tickers", Kind::Ticker(On::Beat)),
];
/// Channels that are there and have nothing to say here.
const SILENT: [&str; 3] = ["mark-price", "funding-rate", "open-interest"];

#[derive(Deserialize)]
struct Frame<'a> {
    arg: Arg<'a>,
    action: Option<&'a str>,
    #[serde(borrow)]
    data: Vec<Data<'a>>,
}

#[derive(Deserialize)]
struct Arg<'a> {
    channel: &'a str,
    #[serde(rename = "instId")]
    symbol: &'a str,
}

#[derive(Deserialize)]
struct Data<'a> {
    #[serde(borrow, default)]
    bids: Rows<'a>,
    #[serde(borrow, default)]
    asks: Rows<'a>,
    ts: Option<&'a str>,
    #[serde(rename = "seqId")]
    sequence: Option<u64>,
}

/// What an instrument is, by its name.
fn instrument_type(symbol: &str) -> &'static str {
    match symbol.split('-').collect::<Vec<_>>()[..] {
        [_, _, "SWAP"] => "SWAP",
        [_, _, _] => "FUTURES",
        _ => "SPOT",
    }
}

fn rows(bids: &[Level], asks: &[Level]) -> String {
    let tail = ",\"0\",\"1\"";
    format!("\"asks\":{},\"bids\":{}", pairs(asks, Digits::Short, tail), pairs(bids, Digits::Short, tail))
}

/// What is pushed of an instrument whose state is told as `BTC-USDT suspend`, where it is of this type.
fn state(system: Option<&str>, kind: &str) -> Option<String> {
    let (symbol, state) = system?.split_once(' ').filter(|(symbol, _)| instrument_type(symbol) == kind)?;
    let data = json!([{"instType": kind, "instId": symbol, "state": state}]);
    Some(json!({"arg": {"channel": "instruments", "instType": kind}, "data": data}).to_string())
}

fn around(scene: &Scene<'_>, action: &str, data: &str) -> String {
    format!(
        "{{\"arg\":{{\"channel\":\"{}\",\"instId\":\"{}\"}},{action}\"data\":[{data}]}}",
        scene.channel,
        scene.symbol()
    )
}

fn error(code: &str, message: &str, request: &Value, talk: &Talk<'_>) -> Turn {
    let mut fields = json!({"event": "error", "code": code, "msg": message, "connId": connection(talk)});
    if let Some(id) = request.get("id") {
        fields["id"] = id.clone();
    }
    Turn::Say(fields.to_string())
}

fn connection(talk: &Talk<'_>) -> String {
    format!("{:08x}", talk.connection.wrapping_add(0xa4d3_ae54))
}

fn acknowledged(event: &str, arg: &Value, request: &Value, talk: &Talk<'_>) -> Turn {
    let mut fields = json!({"event": event, "arg": arg, "connId": connection(talk)});
    if let Some(id) = request.get("id") {
        fields["id"] = id.clone();
    }
    Turn::Say(fields.to_string())
}

impl Dialect for Okx {
    fn venue(&self) -> &'static str {
        "okx"
    }

    fn paths(&self) -> &'static [&'static str] {
        &["/ws/v5/public", "/ws/v5/business"]
    }

    fn limits(&self) -> Limits {
        Limits {
            client_messages_per_second: None,
            idle_timeout: Some(std::time::Duration::from_secs(30)),
            ..Limits::quiet()
        }
    }

    fn channels(&self) -> &'static [Channel] {
        &CHANNELS
    }

    fn symbol(&self, base: &str, quote: &str) -> String {
        format!("{base}-{quote}")
    }

    fn hello(&self, talk: &Talk<'_>) -> Option<String> {
        let kinds = talk.streams.iter().filter_map(|stream| stream.strip_prefix("instruments:"));
        kinds.filter_map(|kind| state(talk.system, kind)).next()
    }

    fn converse(&self, text: &str, talk: &Talk<'_>) -> Vec<Turn> {
        if text == "ping" {
            return vec![Turn::Say("pong".to_owned())];
        }
        let request: Value = serde_json::from_str(text).unwrap_or(Value::Null);
        let op = request["op"].as_str().unwrap_or_default();
        let args = request["args"].as_array();
        let (Some(args), "subscribe" | "unsubscribe") = (args, op) else {
            return vec![error("60012", &format!("Invalid request: {text}"), &request, talk)];
        };
        let mut turns = Vec::new();
        for arg in args {
            let (channel, symbol) =
                (arg["channel"].as_str().unwrap_or(""), arg["instId"].as_str().unwrap_or(""));
            if let ("instruments", Some(kind), "subscribe") = (channel, arg["instType"].as_str(), op) {
                turns.push(Turn::Pretend(self.stream_name(channel, kind)));
                turns.push(acknowledged(op, arg, &request, talk));
                turns.extend(state(talk.system, kind).map(Turn::Say));
                continue;
            }
            let is_there = CHANNELS.iter().any(|known| known.name == channel) || SILENT.contains(&channel);
            let is_public = talk.path.ends_with("/public");
            if !is_there || !is_public || !(talk.is_symbol)(symbol) {
                let message = format!(
                    "Wrong URL or channel:{channel},instId:{symbol} doesn't exist. Please use the correct URL, channel \
                     and parameters referring to API document."
                );
                turns.push(error("60018", &message, &request, talk));
                continue;
            }
            let name = self.stream_name(channel, symbol);
            if op == "subscribe" {
                // A second subscription starts anew, with a snapshot.
                turns.push(Turn::Unsubscribe(name.clone()));
                turns.push(Turn::Subscribe(name));
            } else {
                turns.push(Turn::Unsubscribe(name));
            }
            turns.push(acknowledged(op, arg, &request, talk));
        }
        turns
    }

    fn top(&self, scene: &Scene<'_>, top: &Top) -> Option<String> {
        let levels = rows(top.bid.as_slice(), top.ask.as_slice());
        let data = format!("{{{levels},\"ts\":\"{}\",\"seqId\":{}}}", scene.ms(), top.update_id);
        Some(around(scene, "", &data))
    }

    fn snapshot(&self, scene: &Scene<'_>, chain: Chain, view: &BookView) -> Option<String> {
        let (levels, ms, last) = (rows(&view.bids, &view.asks), scene.ms(), chain.last);
        if scene.channel == "books5" {
            let symbol = scene.symbol();
            let data = format!("{{{levels},\"instId\":\"{symbol}\",\"ts\":\"{ms}\",\"seqId\":{last}}}");
            return Some(around(scene, "", &data));
        }
        // Recordings of before 2023 know no sequence: a snapshot amid them has none either.
        let sequence =
            if chain.known { format!(",\"prevSeqId\":-1,\"seqId\":{last}") } else { String::new() };
        let data = format!("{{{levels},\"ts\":\"{ms}\",\"checksum\":0{sequence}}}");
        Some(around(scene, "\"action\":\"snapshot\",", &data))
    }

    fn delta(&self, scene: &Scene<'_>, delta: &Delta<'_>) -> Option<String> {
        let Chain { previous, last, .. } = delta.chain;
        let data = format!(
            "{{{},\"ts\":\"{}\",\"checksum\":0,\"prevSeqId\":{previous},\"seqId\":{last}}}",
            rows(delta.bids, delta.asks),
            scene.ms()
        );
        Some(around(scene, "\"action\":\"update\",", &data))
    }

    fn trades(&self, scene: &Scene<'_>, trades: &[Trade], _moment: Moment) -> Option<String> {
        let Trade { id, price, quantity, maker, at_us } = *trades.last()?;
        let side = if maker == Side::Bid { "sell" } else { "buy" };
        let (price, quantity, symbol) = (price.normalize(), quantity.normalize(), scene.symbol());
        let data = format!(
            "{{\"instId\":\"{symbol}\",\"tradeId\":\"{id}\",\"px\":\"{price}\",\"sz\":\"{quantity}\",\"side\":\"{side}\",\
             \"ts\":\"{}\",\"count\":\"1\",\"source\":\"0\",\"seqId\":{id}}}",
            at_us / 1000
        );
        Some(around(scene, "", &data))
    }

    fn ticker(&self, scene: &Scene<'_>, stats: &Stats, _before: Option<&Stats>) -> Option<String> {
        let Stats { open, high, low, last, volume, quote_volume, top, .. } = stats;
        let ((bid, bid_size), (ask, ask_size)) = (top.bid?, top.ask?);
        let [open, high, low, last_price, last_size] =
            [*open, *high, *low, last.price, last.quantity].map(|number| number.normalize());
        let [bid, bid_size, ask, ask_size] = [bid, bid_size, ask, ask_size].map(|number| number.normalize());
        let (volume, quote_volume) = (volume.normalize(), quote_volume.normalize());
        let symbol = scene.symbol();
        let data = format!(
            "{{\"instType\":\"{}\",\"instId\":\"{symbol}\",\"last\":\"{last_price}\",\"lastSz\":\"{last_size}\",\
             \"askPx\":\"{ask}\",\"askSz\":\"{ask_size}\",\"bidPx\":\"{bid}\",\"bidSz\":\"{bid_size}\",\
             \"open24h\":\"{open}\",\"high24h\":\"{high}\",\"low24h\":\"{low}\",\"sodUtc0\":\"{open}\",\
             \"sodUtc8\":\"{open}\",\"volCcy24h\":\"{quote_volume}\",\"vol24h\":\"{volume}\",\"ts\":\"{}\"}}",
            instrument_type(symbol),
            scene.ms()
        );
        Some(around(scene, "", &data))
    }

    fn look(&self, text: &str) -> Option<Look> {
        let frame: Frame = serde_json::from_str(text).ok()?;
        let role = match frame.arg.channel {
            "books" | "books-l2-tbt" | "books50-l2-tbt" | "books5" => Role::Book,
            "bbo-tbt" => Role::Top,
            _ => Role::Other,
        };
        let stream = self.stream_name(frame.arg.channel, frame.arg.symbol);
        Some(Look { stream, symbol: Some(frame.arg.symbol.to_owned()), role })
    }

    fn read(&self, text: &str) -> Option<Reading> {
        let frame: Frame = serde_json::from_str(text).ok()?;
        let data = frame.data.first()?;
        Some(Reading {
            is_whole: frame.action != Some("update"),
            bids: levels(&data.bids)?,
            asks: levels(&data.asks)?,
            id: data.sequence,
            at_us: data.ts.and_then(|ms| ms.parse::<i64>().ok()).map(|ms| ms * 1000),
        })
    }

    fn answer(&self, asked: &Asked<'_>, source: &Source) -> Answered {
        let data = match asked.path {
            "/api/v5/public/time" => format!("{{\"ts\":\"{}\"}}", asked.ms()),
            "/api/v5/public/instruments" => {
                let wanted = asked.parameter("instType").unwrap_or_default();
                listed(source, |info| instrument(info, &wanted))
            }
            "/api/v5/market/books" => {
                let symbol = asked.parameter("instId").unwrap_or_default();
                let Some((_, view)) = book(source, &symbol, asked.number("sz", 1, 400)) else {
                    let body = "{\"code\":\"51001\",\"data\":[],\"msg\":\"Instrument ID doesn't exist.\"}";
                    return Answered::ok(body.to_owned());
                };
                let ms = source.clock_us(asked.now_us) / 1000;
                format!("{{{},\"ts\":\"{ms}\",\"seqId\":{}}}", rows(&view.bids, &view.asks), view.update_id)
            }
            _ => return Answered::refused(404, "{\"msg\":\"Not Found\",\"code\":\"404\",\"data\":[]}"),
        };
        Answered::ok(format!("{{\"code\":\"0\",\"msg\":\"\",\"data\":[{data}]}}"))
    }

    fn refusal(&self, status: u16) -> String {
        match status {
            429 => "{\"code\":\"50011\",\"msg\":\"Too Many Requests\",\"data\":[]}".to_owned(),
            _ => "{\"code\":\"50001\",\"msg\":\"Service temporarily unavailable. Please try again later\",\"data\":[]}"
                .to_owned(),
        }
    }

    fn unknown_event(&self, stream: &str) -> String {
        let symbol = self.symbol_of(stream);
        format!(
            "{{\"arg\":{{\"channel\":\"moon-phase\",\"instId\":\"{symbol}\"}},\"data\":[{{\"phase\":\"1\"}}]}}"
        )
    }

    fn sequence_keys(&self) -> &'static [&'static str] {
        &["seqId"]
    }

    fn time_keys(&self) -> &'static [&'static str] {
        &["ts"]
    }

    fn level_keys(&self) -> &'static [&'static str] {
        &["bids", "asks"]
    }

    fn bids_open(&self) -> &'static [&'static str] {
        &["\"bids\":["]
    }

    fn level(&self, _opened: &str, price: Decimal, quantity: Decimal) -> String {
        format!("[\"{}\",\"{}\",\"0\",\"1\"]", price.normalize(), quantity.normalize())
    }
}

fn instrument(info: &SymbolInfo, wanted: &str) -> Option<String> {
    let SymbolInfo { symbol, base, quote, tick, lot } = info;
    let kind = instrument_type(symbol);
    if kind != wanted {
        return None;
    }
    let (tick, lot) = (tick.normalize(), lot.normalize());
    let settled = quote.split('-').next().unwrap_or(quote);
    let (bases, contract) = match kind {
        "SPOT" => (
            format!(
                "\"baseCcy\":\"{base}\",\"quoteCcy\":\"{quote}\",\"settleCcy\":\"\",\"uly\":\"\",\"instFamily\":\"\""
            ),
            "\"ctVal\":\"\",\"ctMult\":\"\",\"ctValCcy\":\"\",\"ctType\":\"\"".to_owned(),
        ),
        // Contracts on dollars are worth dollars and settled in the coin.
        _ if settled == "USD" => (
            format!(
                "\"baseCcy\":\"\",\"quoteCcy\":\"\",\"settleCcy\":\"{base}\",\"uly\":\"{base}-USD\",\
                 \"instFamily\":\"{base}-USD\""
            ),
            "\"ctVal\":\"100\",\"ctMult\":\"1\",\"ctValCcy\":\"USD\",\"ctType\":\"inverse\"".to_owned(),
        ),
        _ => (
            format!(
                "\"baseCcy\":\"\",\"quoteCcy\":\"\",\"settleCcy\":\"{settled}\",\"uly\":\"{base}-{settled}\",\
                 \"instFamily\":\"{base}-{settled}\""
            ),
            format!("\"ctVal\":\"0.01\",\"ctMult\":\"1\",\"ctValCcy\":\"{base}\",\"ctType\":\"linear\""),
        ),
    };
    Some(format!(
        "{{\"instType\":\"{kind}\",\"instId\":\"{symbol}\",{bases},{contract},\"tickSz\":\"{tick}\",\"lotSz\":\"{lot}\",\
         \"minSz\":\"{lot}\",\"state\":\"live\",\"listTime\":\"1548133413000\",\"expTime\":\"\",\"lever\":\"10\"}}"
    ))
}
