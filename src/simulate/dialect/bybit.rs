//! Bybit, version 5: the spot market and linear contracts.
//!
//! Owns its words: topics, snapshots and deltas with an update id that counts up by one, `orderbook.1` sent whole and again,
//! with the same `u`, after 3 s of quiet.

use std::time::Duration;

use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::{Value, json};

use super::rest::{book, page};
use super::text::{Digits, Rows, levels, pairs};
use super::{
    Answered, Asked, Beyond, Chain, Channel, Delta, Dialect, Kind, Look, Moment, On, Reading, Role, Scene,
    Stats, Talk, Trade, Turn, channel,
};
use crate::simulate::book::{BookView, Level, Side, Top};
use crate::simulate::server::Limits;
use crate::simulate::source::{Source, SymbolInfo};

/// Which of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Market {
    Spot,
    Linear,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Bybit {
    market: Market,
}

impl Bybit {
    pub(super) const SPOT: Self = Self { market: Market::Spot };
    pub(super) const LINEAR: Self = Self { market: Market::Linear };

    fn reply(self, op: &str, request: &Value, talk: &Talk<'_>, problem: Option<String>) -> Turn {
        let message = match (&problem, op, self.market) {
            (Some(problem), ..) => problem.clone(),
            (None, "ping", _) => "pong".to_owned(),
            (None, _, Market::Spot) => op.to_owned(),
            (None, _, Market::Linear) => String::new(),
        };
        let id = request.get("req_id").cloned().unwrap_or(json!(""));
        let connection = format!("2324d924-aa4d-45b0-a858-{:012x}", talk.connection);
        Turn::Say(
            json!({"success": problem.is_none(), "ret_msg": message, "conn_id": connection, "req_id": id, "op": op})
                .to_string(),
        )
    }

    fn subscribe(self, op: &str, request: &Value, talk: &Talk<'_>) -> Vec<Turn> {
        let args: Vec<&str> =
            request["args"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let refused = |problem: String| vec![self.reply(op, request, talk, Some(problem))];
        if self.market == Market::Spot && args.len() > 10 {
            return refused("args size >10".to_owned());
        }
        for topic in &args {
            if self.kind(topic).is_none() {
                return refused(format!("error:handler not found,topic:{topic}"));
            }
            if !(talk.is_symbol)(&self.symbol_of(topic)) {
                return refused(format!("error:handler not found,topic:{topic}"));
            }
            if op == "subscribe" && talk.streams.contains(*topic) {
                return refused(format!("error:already subscribed,topic:{topic}"));
            }
        }
        let names = args.into_iter().map(str::to_owned);
        let mut turns: Vec<Turn> = match op {
            "subscribe" => names.map(Turn::Subscribe).collect(),
            _ => names.map(Turn::Unsubscribe).collect(),
        };
        turns.push(self.reply(op, request, talk, None));
        turns
    }
}

const fn of_depth(depth: usize) -> Kind {
    Kind::Deltas { depth, beyond: Beyond::Removed }
}

const CHANNELS: [Channel; 6] = [
    channel("orderbook.1", Kind::Top { repeat_ms: Some(3000) }),
    channel("orderbook.50", of_depth(50)),
    channel("orderbook.200", of_depth(200)),
    channel("orderbook.1000", of_depth(1000)),
    channel("publicTrade", Kind::Trades),
    channel("tickers", Kind::Ticker(On::Beat)),
];

#[derive(Deserialize)]
struct Frame<'a> {
    topic: &'a str,
    #[serde(rename = "type")]
    what: &'a str,
    ts: Option<i64>,
}

#[derive(Deserialize)]
struct BookFrame<'a> {
    #[serde(borrow)]
    data: Data<'a>,
}

#[derive(Deserialize)]
struct Data<'a> {
    #[serde(borrow)]
    b: Rows<'a>,
    #[serde(borrow)]
    a: Rows<'a>,
    u: u64,
}

fn message(scene: &Scene<'_>, what: &str, ids: (u64, u64), bids: &[Level], asks: &[Level]) -> String {
    let (stream, symbol, ms, (u, sequence)) = (scene.stream, scene.symbol(), scene.ms(), ids);
    // A level that is gone has quantity "0".
    let gone = |levels: &[Level]| -> Vec<Level> {
        levels
            .iter()
            .map(|(price, size)| (*price, if size.is_zero() { Decimal::ZERO } else { *size }))
            .collect()
    };
    format!(
        "{{\"topic\":\"{stream}\",\"type\":\"{what}\",\"ts\":{ms},\"data\":{{\"s\":\"{symbol}\",\"b\":{},\"a\":{},\
         \"u\":{u},\"seq\":{sequence}}},\"cts\":{ms}}}",
        pairs(&gone(bids), Digits::Kept, ""),
        pairs(&gone(asks), Digits::Kept, "")
    )
}

impl Dialect for Bybit {
    fn venue(&self) -> &'static str {
        match self.market {
            Market::Spot => "bybit",
            Market::Linear => "bybit-linear",
        }
    }

    fn paths(&self) -> &'static [&'static str] {
        match self.market {
            Market::Spot => &["/v5/public/spot"],
            Market::Linear => &["/v5/public/linear"],
        }
    }

    fn limits(&self) -> Limits {
        Limits {
            client_messages_per_second: None,
            idle_timeout: Some(Duration::from_secs(600)),
            ..Limits::quiet()
        }
    }

    fn channels(&self) -> &'static [Channel] {
        &CHANNELS
    }

    fn symbol(&self, base: &str, quote: &str) -> String {
        format!("{base}{quote}")
    }

    fn stream_name(&self, channel: &str, symbol: &str) -> String {
        format!("{channel}.{symbol}")
    }

    fn symbol_of(&self, stream: &str) -> String {
        stream.rsplit_once('.').map_or(stream, |(_, symbol)| symbol).to_owned()
    }

    fn kind(&self, stream: &str) -> Option<Kind> {
        let (name, _) = stream.rsplit_once('.')?;
        CHANNELS.iter().find(|channel| channel.name == name).map(|channel| channel.kind)
    }

    fn converse(&self, text: &str, talk: &Talk<'_>) -> Vec<Turn> {
        let request: Value = serde_json::from_str(text).unwrap_or(Value::Null);
        match request["op"].as_str().unwrap_or_default() {
            "ping" => vec![self.reply("ping", &request, talk, None)],
            op @ ("subscribe" | "unsubscribe") => self.subscribe(op, &request, talk),
            op => vec![self.reply(op, &request, talk, Some("error:invalid op".to_owned()))],
        }
    }

    fn top(&self, scene: &Scene<'_>, top: &Top) -> Option<String> {
        let ids = (top.update_id, top.update_id);
        Some(message(scene, "snapshot", ids, top.bid.as_slice(), top.ask.as_slice()))
    }

    fn snapshot(&self, scene: &Scene<'_>, chain: Chain, view: &BookView) -> Option<String> {
        Some(message(scene, "snapshot", (chain.count, chain.last), &view.bids, &view.asks))
    }

    fn delta(&self, scene: &Scene<'_>, delta: &Delta<'_>) -> Option<String> {
        Some(message(scene, "delta", (delta.chain.count, delta.chain.last), delta.bids, delta.asks))
    }

    fn trades(&self, scene: &Scene<'_>, trades: &[Trade], moment: Moment) -> Option<String> {
        let Trade { id, price, quantity, maker, at_us } =
            *trades.last().filter(|_| moment == Moment::News)?;
        let (side, tick) = if maker == Side::Bid { ("Sell", "MinusTick") } else { ("Buy", "PlusTick") };
        let tick = match self.market {
            Market::Spot => String::new(),
            Market::Linear => format!("\"L\":\"{tick}\","),
        };
        let (stream, symbol, ms) = (scene.stream, scene.symbol(), at_us / 1000);
        Some(format!(
            "{{\"topic\":\"{stream}\",\"type\":\"snapshot\",\"ts\":{ms},\"data\":[{{\"T\":{ms},\"s\":\"{symbol}\",\
             \"S\":\"{side}\",\"v\":\"{quantity}\",\"p\":\"{price}\",{tick}\"i\":\"{id}\",\"BT\":false}}]}}"
        ))
    }

    fn ticker(&self, scene: &Scene<'_>, stats: &Stats, before: Option<&Stats>) -> Option<String> {
        let (stream, symbol, ms, id) = (scene.stream, scene.symbol(), scene.ms(), stats.top.update_id);
        if self.market == Market::Spot {
            let fields = common(stats, None).join(",");
            return Some(format!(
                "{{\"topic\":\"{stream}\",\"ts\":{ms},\"type\":\"snapshot\",\"cs\":{id},\"data\":{{\
                 \"symbol\":\"{symbol}\",{fields},\"usdIndexPrice\":\"\"}}}}"
            ));
        }
        // Linear contracts: after the first, only the fields that changed.
        let mut fields = common(stats, before);
        fields.extend(quote(stats, before));
        let what = if before.is_some() { "delta" } else { "snapshot" };
        let fields = fields.iter().map(|field| format!(",{field}")).collect::<String>();
        Some(format!(
            "{{\"topic\":\"{stream}\",\"type\":\"{what}\",\"data\":{{\"symbol\":\"{symbol}\"{fields}}},\
             \"cs\":{id},\"ts\":{ms}}}"
        ))
    }

    fn look(&self, text: &str) -> Option<Look> {
        let frame: Frame = serde_json::from_str(text).ok()?;
        let role = match self.kind(frame.topic)? {
            Kind::Deltas { .. } => Role::Book,
            Kind::Top { .. } => Role::Top,
            _ => Role::Other,
        };
        let symbol = self.symbol_of(frame.topic);
        Some(Look { stream: frame.topic.to_owned(), symbol: Some(symbol), role })
    }

    fn read(&self, text: &str) -> Option<Reading> {
        let frame: Frame = serde_json::from_str(text).ok()?;
        let BookFrame { data } = serde_json::from_str(text).ok()?;
        Some(Reading {
            is_whole: frame.what == "snapshot",
            bids: levels(&data.b)?,
            asks: levels(&data.a)?,
            id: Some(data.u),
            at_us: frame.ts.map(|ms| ms * 1000),
        })
    }

    fn answer(&self, asked: &Asked<'_>, source: &Source) -> Answered {
        let category = asked.parameter("category").unwrap_or_default();
        let ms = asked.ms();
        let around = |code: i32, message: &str, result: &str| {
            Answered::ok(format!(
                "{{\"retCode\":{code},\"retMsg\":\"{message}\",\"result\":{result},\"retExtInfo\":{{}},\"time\":{ms}}}"
            ))
        };
        match asked.path {
            "/v5/market/time" => {
                let result =
                    format!("{{\"timeSecond\":\"{}\",\"timeNano\":\"{}\"}}", ms / 1000, ms * 1_000_000);
                around(0, "OK", &result)
            }
            "/v5/market/instruments-info" => {
                // Spot gives all, whatever is asked for.
                let limit = if category == "spot" { usize::MAX } else { asked.number("limit", 500, 1000) };
                let (list, cursor) = page(asked, source, limit, |info| instrument(info, &category));
                around(
                    0,
                    "OK",
                    &format!(
                        "{{\"category\":\"{category}\",\"list\":[{list}],\"nextPageCursor\":\"{cursor}\"}}"
                    ),
                )
            }
            "/v5/market/orderbook" => {
                let symbol = asked.parameter("symbol").unwrap_or_default();
                let default = if category == "spot" { 1 } else { 25 };
                let Some((_, view)) = book(source, &symbol, asked.number("limit", default, 1000)) else {
                    return around(10001, "params error: symbol invalid", "{}");
                };
                let (id, at) = (view.update_id, source.clock_us(asked.now_us) / 1000);
                let (bids, asks) = (pairs(&view.bids, Digits::Kept, ""), pairs(&view.asks, Digits::Kept, ""));
                around(
                    0,
                    "OK",
                    &format!(
                        "{{\"s\":\"{symbol}\",\"b\":{bids},\"a\":{asks},\"ts\":{at},\"u\":{id},\"seq\":{id},\"cts\":{at}}}"
                    ),
                )
            }
            _ => Answered::refused(404, ""),
        }
    }

    fn refusal(&self, status: u16) -> String {
        match status {
            403 | 429 => "{\"retCode\":10006,\"retMsg\":\"Too many visits!\",\"result\":{}}".to_owned(),
            _ => "{\"retCode\":10016,\"retMsg\":\"Server error.\",\"result\":{}}".to_owned(),
        }
    }

    fn unknown_event(&self, stream: &str) -> String {
        let symbol = self.symbol_of(stream);
        format!(
            "{{\"topic\":\"moonPhase.{symbol}\",\"type\":\"snapshot\",\"ts\":1,\"data\":{{\"phase\":\"1\"}}}}"
        )
    }

    fn sequence_keys(&self) -> &'static [&'static str] {
        &["u"]
    }

    fn time_keys(&self) -> &'static [&'static str] {
        &["ts", "cts", "T"]
    }

    fn level_keys(&self) -> &'static [&'static str] {
        &["b", "a"]
    }

    fn bids_open(&self) -> &'static [&'static str] {
        &["\"b\":["]
    }

    fn level(&self, _opened: &str, price: Decimal, quantity: Decimal) -> String {
        format!("[\"{price}\",\"{quantity}\"]")
    }
}

/// The fields that both markets have, as far as they changed.
fn common(stats: &Stats, before: Option<&Stats>) -> Vec<String> {
    let fields = |stats: &Stats| {
        let share = ((stats.last.price - stats.open) / stats.open).round_dp(4);
        [
            format!("\"lastPrice\":\"{}\"", stats.last.price),
            format!("\"highPrice24h\":\"{}\"", stats.high.normalize()),
            format!("\"lowPrice24h\":\"{}\"", stats.low.normalize()),
            format!("\"prevPrice24h\":\"{}\"", stats.open.normalize()),
            format!("\"volume24h\":\"{}\"", stats.volume.normalize()),
            format!("\"turnover24h\":\"{}\"", stats.quote_volume.normalize()),
            format!("\"price24hPcnt\":\"{share}\""),
        ]
    };
    changed(&fields(stats), before.map(fields).as_ref().map(<[String; 7]>::as_slice))
}

fn quote(stats: &Stats, before: Option<&Stats>) -> Vec<String> {
    let fields = |stats: &Stats| {
        let none = (Decimal::ZERO, Decimal::ZERO);
        let ((bid, bid_size), (ask, ask_size)) =
            (stats.top.bid.unwrap_or(none), stats.top.ask.unwrap_or(none));
        [
            format!("\"bid1Price\":\"{bid}\""),
            format!("\"bid1Size\":\"{bid_size}\""),
            format!("\"ask1Price\":\"{ask}\""),
            format!("\"ask1Size\":\"{ask_size}\""),
        ]
    };
    changed(&fields(stats), before.map(fields).as_ref().map(<[String; 4]>::as_slice))
}

fn changed(now: &[String], before: Option<&[String]>) -> Vec<String> {
    let is_new = |field: &&String| before.is_none_or(|before| !before.contains(field));
    now.iter().filter(is_new).cloned().collect()
}

fn instrument(info: &SymbolInfo, category: &str) -> String {
    let SymbolInfo { symbol, base, quote, tick, lot } = info;
    let (tick, lot) = (tick.normalize(), lot.normalize());
    if category == "spot" {
        format!(
            "{{\"symbol\":\"{symbol}\",\"baseCoin\":\"{base}\",\"quoteCoin\":\"{quote}\",\"innovation\":\"0\",\
             \"status\":\"Trading\",\"marginTrading\":\"none\",\"lotSizeFilter\":{{\"basePrecision\":\"{lot}\",\
             \"quotePrecision\":\"0.00000001\",\"minOrderQty\":\"{lot}\",\"maxOrderQty\":\"10000\",\
             \"minOrderAmt\":\"1\",\"maxOrderAmt\":\"2000000\"}},\"priceFilter\":{{\"tickSize\":\"{tick}\"}}}}"
        )
    } else {
        format!(
            "{{\"symbol\":\"{symbol}\",\"contractType\":\"LinearPerpetual\",\"status\":\"Trading\",\
             \"baseCoin\":\"{base}\",\"quoteCoin\":\"{quote}\",\"settleCoin\":\"{quote}\",\
             \"launchTime\":\"1584230400000\",\"deliveryTime\":\"0\",\"priceScale\":\"{}\",\
             \"priceFilter\":{{\"minPrice\":\"{tick}\",\"maxPrice\":\"1999999\",\"tickSize\":\"{tick}\"}},\
             \"lotSizeFilter\":{{\"maxOrderQty\":\"10000\",\"minOrderQty\":\"{lot}\",\"qtyStep\":\"{lot}\"}}}}",
            tick.scale()
        )
    }
}
