//! Binance: the spot market and USD-M futures.
//!
//! Owns what the two share and where they differ: paths, the fields of frames, the chain of deltas (`U..u` on spot, with `pu`
//! on futures). Since 2026-03-06 the futures' streams are split by path, and a stream asked for on the wrong one is
//! acknowledged and silent (cryptofeed#1128).

mod protocol;
mod render;
mod rest;

use rust_decimal::Decimal;
use serde::Deserialize;

use self::protocol::{Action, Request};
use super::text::{Rows, levels};
use super::{
    Answered, Asked, Chain, Channel, Delta, Dialect, Form, Kind, Look, Moment, On, Reading, Role, Scene,
    Stats, Talk, Trade, Turn, channel, parameter,
};
use crate::simulate::book::{BookView, Top};
use crate::simulate::server::Limits;
use crate::simulate::source::Source;

/// Which of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Market {
    Spot,
    UsdM,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Binance {
    market: Market,
}

impl Binance {
    pub(super) const SPOT: Self = Self { market: Market::Spot };
    pub(super) const USDM: Self = Self { market: Market::UsdM };

    /// Whether a stream is served on a path.
    fn carries(self, path: &str, stream: &str) -> bool {
        let name = stream.split_once('@').map_or(stream, |(_, name)| name);
        let is_public =
            ["depth", "bookTicker", "trade", "rpiDepth"].iter().any(|kind| name.starts_with(kind));
        match self.market {
            Market::Spot => true,
            Market::UsdM if path.starts_with("/public/") => is_public,
            Market::UsdM => !is_public && path.starts_with("/market/"),
        }
    }

    fn subscribe(self, streams: Vec<String>, talk: &Talk<'_>) -> Vec<Turn> {
        let turn = |name: String| {
            if self.carries(talk.path, &name) { Turn::Subscribe(name) } else { Turn::Pretend(name) }
        };
        streams.into_iter().map(turn).collect()
    }
}

const SPOT_CHANNELS: [Channel; 4] = [
    channel("bookTicker", Kind::Top { repeat_ms: None }),
    channel("depth@100ms", Kind::Changes),
    channel("trade", Kind::Trades),
    channel("ticker", Kind::Ticker(On::Beat)),
];
const USDM_CHANNELS: [Channel; 6] = [
    channel("bookTicker", Kind::Top { repeat_ms: None }),
    channel("depth@0ms", Kind::Changes),
    channel("depth@100ms", Kind::Changes),
    channel("trade", Kind::Trades),
    channel("aggTrade", Kind::Trades),
    channel("ticker", Kind::Ticker(On::Beat)),
];

/// What is looked at in a frame. Trades have `a` and `b` too, in other forms: only ids and the symbol are read.
#[derive(Deserialize)]
struct Frame<'a> {
    stream: &'a str,
    data: FrameData<'a>,
}

#[derive(Deserialize)]
struct FrameData<'a> {
    s: Option<&'a str>,
    #[serde(rename = "U")]
    first_id: Option<u64>,
    #[serde(rename = "u")]
    last_id: Option<u64>,
    /// Only in futures' deltas.
    pu: Option<u64>,
    #[serde(rename = "T")]
    transaction_ms: Option<i64>,
    #[serde(rename = "M")]
    spot_mark: Option<bool>,
}

impl FrameData<'_> {
    /// What a frame shows of its market: both share the names of streams.
    fn market(&self, stream: &str) -> Option<Market> {
        let is_futures = match stream.split_once('@').map_or("", |(_, name)| name) {
            "trade" | "aggTrade" => self.spot_mark.is_none(),
            "bookTicker" => self.transaction_ms.is_some(),
            name if name.starts_with("depth") => self.pu.is_some(),
            _ => return None,
        };
        Some(if is_futures { Market::UsdM } else { Market::Spot })
    }
}

#[derive(Deserialize)]
struct DeltaFrame<'a> {
    #[serde(borrow)]
    data: DeltaBody<'a>,
}

#[derive(Deserialize)]
struct DeltaBody<'a> {
    u: u64,
    #[serde(rename = "E")]
    event_ms: Option<i64>,
    #[serde(borrow)]
    b: Rows<'a>,
    #[serde(borrow)]
    a: Rows<'a>,
}

#[derive(Deserialize)]
struct TopFrame<'a> {
    #[serde(borrow)]
    data: TopBody<'a>,
}

#[derive(Deserialize)]
struct TopBody<'a> {
    u: u64,
    #[serde(rename = "E")]
    event_ms: Option<i64>,
    b: &'a str,
    #[serde(rename = "B")]
    bid_size: &'a str,
    a: &'a str,
    #[serde(rename = "A")]
    ask_size: &'a str,
}

impl Dialect for Binance {
    fn venue(&self) -> &'static str {
        match self.market {
            Market::Spot => "binance",
            Market::UsdM => "binance-usdm",
        }
    }

    fn paths(&self) -> &'static [&'static str] {
        match self.market {
            Market::Spot => &["/stream", "/ws"],
            Market::UsdM => &["/public/stream", "/market/stream", "/public/ws", "/market/ws"],
        }
    }

    fn urls(&self) -> &'static [&'static str] {
        match self.market {
            Market::Spot => &["/stream"],
            Market::UsdM => &["/public/stream", "/market/stream"],
        }
    }

    fn serves(&self, path: &str) -> bool {
        let listed = |known: &&str| {
            path == *known || (known.ends_with("/ws") && path.starts_with(&format!("{known}/")))
        };
        self.paths().iter().any(listed)
    }

    fn form(&self, path: &str) -> Form {
        if path.ends_with("/stream") { Form::Whole } else { Form::Bare }
    }

    /// `/stream?streams=a/b` or `/ws/a/b`.
    fn url_streams(&self, path: &str, query: Option<&str>) -> Vec<String> {
        let listed = match path.split_once("/ws/") {
            Some((_, streams)) => streams,
            None => parameter(query, "streams").unwrap_or_default(),
        };
        let named =
            listed.split('/').filter(|name| protocol::is_stream_name(name) && self.carries(path, name));
        named.map(str::to_owned).collect()
    }

    fn limits(&self) -> Limits {
        match self.market {
            Market::Spot => Limits::default(),
            Market::UsdM => Limits {
                client_messages_per_second: Some(10),
                weight_per_minute: 2400,
                ping_interval: std::time::Duration::from_secs(180),
                pong_timeout: std::time::Duration::from_secs(600),
                ..Limits::default()
            },
        }
    }

    fn channels(&self) -> &'static [Channel] {
        match self.market {
            Market::Spot => &SPOT_CHANNELS,
            Market::UsdM => &USDM_CHANNELS,
        }
    }

    fn symbol(&self, base: &str, quote: &str) -> String {
        format!("{base}{quote}")
    }

    fn digits(&self, tick: Decimal, lot: Decimal) -> (u32, u32) {
        match self.market {
            // All of the spot market's numbers have eight.
            Market::Spot => (8, 8),
            Market::UsdM => (tick.normalize().scale().max(2), lot.normalize().scale()),
        }
    }

    fn stream_name(&self, channel: &str, symbol: &str) -> String {
        format!("{}@{channel}", symbol.to_lowercase())
    }

    fn symbol_of(&self, stream: &str) -> String {
        stream.split_once('@').map_or(stream, |(symbol, _)| symbol).to_uppercase()
    }

    fn kind(&self, stream: &str) -> Option<Kind> {
        let (_, name) = stream.split_once('@')?;
        let listed = self.channels().iter().find(|channel| channel.name == name).map(|channel| channel.kind);
        listed.or_else(|| name.starts_with("depth").then_some(Kind::Changes))
    }

    fn greets(&self) -> bool {
        false
    }

    fn converse(&self, text: &str, talk: &Talk<'_>) -> Vec<Turn> {
        let Request { id, action } = match protocol::parse(text) {
            Ok(request) => request,
            Err(reply) => return vec![Turn::Say(reply)],
        };
        let mut turns = Vec::new();
        let reply = match action {
            Action::Subscribe(streams) => {
                let new = streams.iter().filter(|name| !talk.streams.contains(*name)).count();
                if talk.streams.len() + new > talk.streams_max {
                    let problem = "Invalid request: too many parameters";
                    return vec![Turn::Say(protocol::error_reply(2, problem, Some(&id)))];
                }
                if let Some(name) = streams.iter().find(|name| (talk.is_refused)(name)) {
                    let problem = format!("Invalid request: unknown stream {name}");
                    return vec![Turn::Say(protocol::error_reply(2, &problem, Some(&id)))];
                }
                turns = self.subscribe(streams, talk);
                protocol::acknowledged(&id)
            }
            Action::Unsubscribe(streams) => {
                turns.extend(streams.into_iter().map(Turn::Unsubscribe));
                protocol::acknowledged(&id)
            }
            Action::List => {
                let names = serde_json::to_string(talk.streams).expect("a set of strings is JSON");
                protocol::result(&names, &id)
            }
            Action::SetCombined(on) => {
                turns.push(Turn::Form(if on { Form::Whole } else { Form::Bare }));
                protocol::acknowledged(&id)
            }
            Action::GetCombined => {
                protocol::result(if talk.form == Form::Whole { "true" } else { "false" }, &id)
            }
        };
        turns.push(Turn::Say(reply));
        turns
    }

    fn top(&self, scene: &Scene<'_>, top: &Top) -> Option<String> {
        Some(render::top(self.market, scene, top))
    }

    /// Snapshots are REST's matter.
    fn snapshot(&self, _scene: &Scene<'_>, _chain: Chain, _view: &BookView) -> Option<String> {
        None
    }

    fn delta(&self, scene: &Scene<'_>, delta: &Delta<'_>) -> Option<String> {
        Some(render::delta(self.market, scene, delta))
    }

    fn trades(&self, scene: &Scene<'_>, trades: &[Trade], moment: Moment) -> Option<String> {
        (moment == Moment::News).then(|| render::trade(self.market, scene, trades.last()?)).flatten()
    }

    fn ticker(&self, scene: &Scene<'_>, stats: &Stats, _before: Option<&Stats>) -> Option<String> {
        Some(render::ticker(self.market, scene, stats))
    }

    fn look(&self, text: &str) -> Option<Look> {
        let Frame { stream, data } = serde_json::from_str::<Frame>(text).ok()?;
        let ids = data.first_id.zip(data.last_id).filter(|_| stream.contains("@depth"));
        let role = match ids {
            Some((first, last)) => Role::Changes { first, last, previous: data.pu },
            None if stream.ends_with("@bookTicker") => Role::Top,
            None => Role::Other,
        };
        let symbol = data.s.filter(|_| role != Role::Other).map(str::to_owned);
        // Made-up recordings of tests name no symbol, and belong to either market.
        let fits = data.s.is_none() || data.market(stream).is_none_or(|market| market == self.market);
        fits.then(|| Look { stream: stream.to_owned(), symbol, role })
    }

    fn read(&self, text: &str) -> Option<Reading> {
        if let Ok(DeltaFrame { data }) = serde_json::from_str::<DeltaFrame>(text) {
            let (bids, asks) = (levels(&data.b)?, levels(&data.a)?);
            let at_us = data.event_ms.map(|ms| ms * 1000);
            return Some(Reading { is_whole: false, bids, asks, id: Some(data.u), at_us });
        }
        let TopFrame { data } = serde_json::from_str(text).ok()?;
        let bid = (data.b.parse().ok()?, data.bid_size.parse().ok()?);
        let ask = (data.a.parse().ok()?, data.ask_size.parse().ok()?);
        let at_us = data.event_ms.map(|ms| ms * 1000);
        Some(Reading { is_whole: true, bids: vec![bid], asks: vec![ask], id: Some(data.u), at_us })
    }

    fn answer(&self, asked: &Asked<'_>, source: &Source) -> Answered {
        rest::answer(self.market, asked, source)
    }

    fn weight(&self, path: &str, query: Option<&str>) -> u32 {
        rest::weight(path, query)
    }

    fn refusal(&self, status: u16) -> String {
        rest::refusal(status)
    }

    fn wrong_types(&self, stream: &str, _frame: &str) -> String {
        format!(
            "{{\"stream\":\"{stream}\",\"data\":{{\"e\":7,\"u\":\"one\",\"U\":-1.5,\"s\":null,\"b\":{{}},\"B\":[],\
             \"a\":\"1e999\",\"A\":true,\"p\":\"NaN\",\"q\":\"--1\",\"c\":[[]],\"T\":\"now\"}}}}"
        )
    }

    fn unknown_event(&self, stream: &str) -> String {
        format!("{{\"stream\":\"{stream}\",\"data\":{{\"e\":\"moonPhase\",\"E\":1}}}}")
    }

    fn sequence_keys(&self) -> &'static [&'static str] {
        &["u"]
    }

    fn time_keys(&self) -> &'static [&'static str] {
        &["E", "T"]
    }

    fn level_keys(&self) -> &'static [&'static str] {
        &["b", "B", "a", "A"]
    }

    fn bids_open(&self) -> &'static [&'static str] {
        &["\"b\":["]
    }

    fn level(&self, _opened: &str, price: Decimal, quantity: Decimal) -> String {
        format!("[\"{price}\",\"{quantity}\"]")
    }
}
