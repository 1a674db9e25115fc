//! Hyperliquid.
//!
//! Owns its words: everything is a snapshot, ordered by the block's `time` alone. `l2Book` comes each 5 s with 20 levels, and
//! with `"fast":true` each 0.5 s with 5 (nktkas/hyperliquid#142).

use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::{Value, json};

use super::rest::{book, listed};
use super::{
    Answered, Asked, Chain, Channel, Delta, Dialect, Kind, Look, Moment, On, Reading, Role, Scene, Stats,
    Talk, Trade, Turn, channel,
};
use crate::simulate::book::{BookView, Level, Side, Top};
use crate::simulate::server::Limits;
use crate::simulate::source::Source;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Hyperliquid;

const BOOK_LEVELS: usize = 20;
const CHANNELS: [Channel; 5] = [
    channel("bbo", Kind::Top { repeat_ms: None }),
    channel("l2Book", Kind::Whole { depth: BOOK_LEVELS, every_ms: 5000 }),
    channel("l2Book.fast", Kind::Whole { depth: 5, every_ms: 500 }),
    channel("trades", Kind::Trades),
    channel("activeAssetCtx", Kind::Ticker(On::Beat)),
];
/// Channels that are there and have nothing to say here.
const SILENT: [&str; 2] = ["candle", "allMids"];

#[derive(Deserialize)]
struct Frame<'a> {
    channel: &'a str,
    #[serde(borrow)]
    data: &'a serde_json::value::RawValue,
}

#[derive(Deserialize)]
struct OfCoin<'a> {
    coin: &'a str,
}

#[derive(Deserialize)]
struct BookData<'a> {
    #[serde(borrow)]
    levels: (Vec<Px<'a>>, Vec<Px<'a>>),
    time: i64,
}

#[derive(Deserialize)]
struct BboData<'a> {
    #[serde(borrow)]
    bbo: (Option<Px<'a>>, Option<Px<'a>>),
    time: i64,
}

#[derive(Deserialize)]
struct Px<'a> {
    px: &'a str,
    sz: &'a str,
}

impl Px<'_> {
    fn level(&self) -> Option<Level> {
        Some((self.px.parse().ok()?, self.sz.parse().ok()?))
    }
}

fn one((price, quantity): &Level) -> String {
    format!("{{\"px\":\"{price}\",\"sz\":\"{}\",\"n\":1}}", quantity.normalize())
}

fn all(levels: &[Level]) -> String {
    format!("[{}]", levels.iter().map(one).collect::<Vec<_>>().join(","))
}

fn error(text: &str) -> Vec<Turn> {
    vec![Turn::Say(json!({"channel": "error", "data": text}).to_string())]
}

fn book_data(coin: &str, view: &BookView, ms: i64) -> String {
    format!("{{\"coin\":\"{coin}\",\"time\":{ms},\"levels\":[{},{}]}}", all(&view.bids), all(&view.asks))
}

impl Dialect for Hyperliquid {
    fn venue(&self) -> &'static str {
        "hyperliquid"
    }

    fn paths(&self) -> &'static [&'static str] {
        &["/ws"]
    }

    fn limits(&self) -> Limits {
        Limits {
            client_messages_per_second: Some(200),
            streams_per_connection: 1000,
            idle_timeout: Some(std::time::Duration::from_secs(60)),
            ..Limits::quiet()
        }
    }

    fn channels(&self) -> &'static [Channel] {
        &CHANNELS
    }

    fn symbol(&self, base: &str, _quote: &str) -> String {
        base.to_owned()
    }

    fn digits(&self, tick: Decimal, lot: Decimal) -> (u32, u32) {
        (tick.normalize().scale().max(1), lot.normalize().scale())
    }

    fn converse(&self, text: &str, talk: &Talk<'_>) -> Vec<Turn> {
        let Ok(request) = serde_json::from_str::<Value>(text) else {
            return error(&format!("Error parsing JSON into valid websocket request: {text}"));
        };
        let method = request["method"].as_str().unwrap_or_default();
        if method == "ping" {
            return vec![Turn::Say("{\"channel\":\"pong\"}".to_owned())];
        }
        let wanted = &request["subscription"];
        let (kind, coin) = (wanted["type"].as_str().unwrap_or(""), wanted["coin"].as_str().unwrap_or(""));
        let is_there = CHANNELS.iter().any(|known| known.name == kind) || SILENT.contains(&kind);
        if !matches!(method, "subscribe" | "unsubscribe") || !is_there || kind.contains('.') {
            return error(&format!("Error parsing JSON into valid websocket request: {text}"));
        }
        if kind != "allMids" && !(talk.is_symbol)(coin) {
            return error(&format!("Invalid subscription {wanted}"));
        }
        let is_fast = kind == "l2Book" && wanted["fast"] == true;
        let name = self.stream_name(if is_fast { "l2Book.fast" } else { kind }, coin);
        let turn = match (method, talk.streams.contains(&name)) {
            ("subscribe", true) => return error(&format!("Already subscribed: {wanted}")),
            ("subscribe", false) if talk.streams.len() >= talk.streams_max => {
                return error("Cannot track more than 1000 total subscriptions.");
            }
            ("subscribe", false) => Turn::Subscribe(name),
            (_, true) => Turn::Unsubscribe(name),
            (_, false) => return error(&format!("Already unsubscribed: {wanted}")),
        };
        let mut echo = wanted.clone();
        if kind == "l2Book" {
            for field in ["nSigFigs", "mantissa"] {
                echo[field] = wanted.get(field).cloned().unwrap_or(Value::Null);
            }
        }
        let data = json!({"method": method, "subscription": echo});
        vec![turn, Turn::Say(json!({"channel": "subscriptionResponse", "data": data}).to_string())]
    }

    fn top(&self, scene: &Scene<'_>, top: &Top) -> Option<String> {
        let side = |level: &Option<Level>| level.as_ref().map_or("null".to_owned(), one);
        Some(format!(
            "{{\"channel\":\"bbo\",\"data\":{{\"coin\":\"{}\",\"time\":{},\"bbo\":[{},{}]}}}}",
            scene.symbol(),
            scene.ms(),
            side(&top.bid),
            side(&top.ask)
        ))
    }

    fn snapshot(&self, scene: &Scene<'_>, _chain: Chain, view: &BookView) -> Option<String> {
        let data = book_data(scene.symbol(), view, scene.ms());
        Some(format!("{{\"channel\":\"l2Book\",\"data\":{data}}}"))
    }

    fn delta(&self, _scene: &Scene<'_>, _delta: &Delta<'_>) -> Option<String> {
        None
    }

    fn trades(&self, scene: &Scene<'_>, trades: &[Trade], _moment: Moment) -> Option<String> {
        let coin = scene.symbol();
        let one = |trade: &Trade| {
            let Trade { id, price, quantity, maker, at_us } = trade;
            let side = if *maker == Side::Bid { "A" } else { "B" };
            format!(
                "{{\"coin\":\"{coin}\",\"side\":\"{side}\",\"px\":\"{price}\",\"sz\":\"{}\",\"time\":{},\
                 \"hash\":\"0x{id:064x}\",\"tid\":{id},\"users\":[\"0x{id:040x}\",\"0x{:040x}\"]}}",
                quantity.normalize(),
                at_us / 1000,
                id + 1
            )
        };
        let trades: Vec<String> = trades.iter().map(one).collect();
        Some(format!("{{\"channel\":\"trades\",\"data\":[{}]}}", trades.join(",")))
    }

    fn ticker(&self, scene: &Scene<'_>, stats: &Stats, _before: Option<&Stats>) -> Option<String> {
        let ((bid, _), (ask, _)) = (stats.top.bid?, stats.top.ask?);
        let middle = ((bid + ask) / Decimal::TWO).normalize();
        let (volume, quote_volume) = (stats.volume.normalize(), stats.quote_volume.normalize());
        Some(format!(
            "{{\"channel\":\"activeAssetCtx\",\"data\":{{\"coin\":\"{}\",\"ctx\":{{\"funding\":\"0.0000125\",\
             \"openInterest\":\"{volume}\",\"prevDayPx\":\"{}\",\"dayNtlVlm\":\"{quote_volume}\",\"premium\":\"0.0\",\
             \"oraclePx\":\"{}\",\"markPx\":\"{}\",\"midPx\":\"{middle}\",\"impactPxs\":[\"{bid}\",\"{ask}\"],\
             \"dayBaseVlm\":\"{volume}\"}}}}}}",
            scene.symbol(),
            stats.open.normalize(),
            stats.last.price,
            stats.last.price
        ))
    }

    fn look(&self, text: &str) -> Option<Look> {
        let frame: Frame = serde_json::from_str(text).ok()?;
        let data = frame.data.get();
        let (coin, role) = match frame.channel {
            "trades" => {
                let trades: Vec<OfCoin> = serde_json::from_str(data).ok()?;
                (trades.first()?.coin, Role::Other)
            }
            "l2Book" => (serde_json::from_str::<OfCoin>(data).ok()?.coin, Role::Book),
            "bbo" => (serde_json::from_str::<OfCoin>(data).ok()?.coin, Role::Top),
            "activeAssetCtx" => (serde_json::from_str::<OfCoin>(data).ok()?.coin, Role::Other),
            _ => return None,
        };
        Some(Look { stream: self.stream_name(frame.channel, coin), symbol: Some(coin.to_owned()), role })
    }

    fn read(&self, text: &str) -> Option<Reading> {
        let frame: Frame = serde_json::from_str(text).ok()?;
        let data = frame.data.get();
        let side = |levels: &[Px<'_>]| levels.iter().map(Px::level).collect::<Option<Vec<_>>>();
        let (bids, asks, time) = if frame.channel == "bbo" {
            let BboData { bbo: (bid, ask), time } = serde_json::from_str(data).ok()?;
            (side(bid.as_slice())?, side(ask.as_slice())?, time)
        } else {
            let BookData { levels: (bids, asks), time } = serde_json::from_str(data).ok()?;
            (side(&bids)?, side(&asks)?, time)
        };
        let id = u64::try_from(time).ok();
        Some(Reading { is_whole: true, bids, asks, id, at_us: Some(time * 1000) })
    }

    fn answer(&self, asked: &Asked<'_>, source: &Source) -> Answered {
        let request: Value = serde_json::from_str(asked.body).unwrap_or(Value::Null);
        let what = request["type"].as_str().unwrap_or_default();
        if asked.path != "/info" || asked.method != "POST" {
            return Answered::refused(404, "");
        }
        match what {
            "meta" => {
                let one = |info: &crate::simulate::source::SymbolInfo| {
                    let digits = info.lot.normalize().scale();
                    let name = &info.symbol;
                    Some(format!(
                        "{{\"name\":\"{name}\",\"szDecimals\":{digits},\"maxLeverage\":50,\"marginTableId\":50}}"
                    ))
                };
                Answered::ok(format!("{{\"universe\":[{}],\"marginTables\":[]}}", listed(source, one)))
            }
            "l2Book" => {
                let coin = request["coin"].as_str().unwrap_or_default();
                match book(source, coin, BOOK_LEVELS) {
                    Some((_, view)) => {
                        Answered::ok(book_data(coin, &view, source.clock_us(asked.now_us) / 1000))
                    }
                    None => Answered::refused(500, "null"),
                }
            }
            _ => Answered::refused(422, "Failed to deserialize the JSON body into the target type"),
        }
    }

    fn refusal(&self, _status: u16) -> String {
        "null".to_owned()
    }

    fn unknown_event(&self, stream: &str) -> String {
        format!(
            "{{\"channel\":\"moonPhase\",\"data\":{{\"coin\":\"{}\",\"phase\":1}}}}",
            self.symbol_of(stream)
        )
    }

    fn time_keys(&self) -> &'static [&'static str] {
        &["time"]
    }

    fn level_keys(&self) -> &'static [&'static str] {
        &["px", "sz"]
    }

    fn bids_open(&self) -> &'static [&'static str] {
        &["\"levels\":[["]
    }

    fn level(&self, _opened: &str, price: Decimal, quantity: Decimal) -> String {
        one(&(price, quantity))
    }
}
