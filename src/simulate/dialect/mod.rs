//! How the venues speak: what differs from one to the next.
//!
//! Owns one [`Dialect`] a venue: paths, requests and answers on the websocket, the words of its frames, what a recorded frame
//! is, and REST. Never does I/O and never keeps a book: books, windows and clocks are arguments. Written from the venues'
//! documents and recordings, without a look at the engine's decoders.

mod binance;
mod bybit;
mod coinbase;
mod hyperliquid;
mod kraken;
mod okx;
mod rest;
mod text;

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;

use rust_decimal::Decimal;

pub(super) use rest::{Answered, Asked, parameter};
pub(super) use text::{hash, iso, micros_of};

use super::book::{BookView, Level, Side, Top};
use super::server::Limits;
use super::source::{Source, SymbolInfo};

/// What is told on a channel, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// The top, whenever it changes, and again after so many quiet milliseconds.
    Top { repeat_ms: Option<i64> },
    /// The best levels: a snapshot at subscription, then what changed.
    Deltas { depth: usize, beyond: Beyond },
    /// The best levels, whole each time.
    Whole { depth: usize, every_ms: i64 },
    /// What changed in the whole book, without a snapshot: that is REST's matter.
    Changes,
    /// Trades.
    Trades,
    /// The 24 h statistics.
    Ticker(On),
    /// The session's own beat.
    Heartbeat,
}

/// What becomes of a level that another one pushes out of a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Beyond {
    /// The venue removes it.
    Removed,
    /// The client does, by truncating.
    Truncated,
}

/// When 24 h statistics are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum On {
    /// Each second.
    Beat,
    /// At each trade.
    Trade,
    /// At each trade and each change of the top.
    Top,
}

/// A channel: with a symbol it is a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Channel {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
}

pub(super) const fn channel(name: &'static str, kind: Kind) -> Channel {
    Channel { name, kind }
}

/// What a frame is about.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scene<'a> {
    /// The stream's name.
    pub(super) stream: &'a str,
    pub(super) channel: &'a str,
    pub(super) info: &'a SymbolInfo,
    /// The venue's clock, in microseconds.
    pub(super) at_us: i64,
}

impl Scene<'_> {
    pub(super) fn symbol(&self) -> &str {
        &self.info.symbol
    }

    pub(super) fn ms(&self) -> i64 {
        self.at_us / 1000
    }
}

/// The numbers by which deltas follow each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Chain {
    /// The id of the delta or snapshot before.
    pub(super) previous: u64,
    /// The first and last change in this one.
    pub(super) first: u64,
    pub(super) last: u64,
    /// How many deltas there were on the stream: counts up by one.
    pub(super) count: u64,
    /// Whether the recording knows such ids at all; a made-up market does.
    pub(super) known: bool,
}

/// Changed levels, and the levels that stand after them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Delta<'a> {
    pub(super) chain: Chain,
    pub(super) bids: &'a [Level],
    pub(super) asks: &'a [Level],
    pub(super) after: &'a BookView,
}

/// One trade.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Trade {
    pub(super) id: u64,
    pub(super) price: Decimal,
    pub(super) quantity: Decimal,
    /// The side of the level that was hit.
    pub(super) maker: Side,
    pub(super) at_us: i64,
}

/// Whether a frame answers a subscription or tells news.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Moment {
    Greeting,
    News,
}

/// The rolling 24 h statistics, and the top that some venues tell with them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stats {
    pub(super) open: Decimal,
    pub(super) high: Decimal,
    pub(super) low: Decimal,
    pub(super) last: Trade,
    pub(super) volume: Decimal,
    pub(super) quote_volume: Decimal,
    pub(super) first_trade: u64,
    pub(super) top: Top,
}

/// The form of Binance's frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// As they are; for Binance `{"stream":..,"data":..}`.
    Whole,
    /// The payload only, at `/ws`.
    Bare,
}

/// What a session knows when its client says something.
pub(super) struct Talk<'a> {
    pub(super) path: &'a str,
    /// The streams subscribed to, in the client's words.
    pub(super) streams: &'a BTreeSet<String>,
    /// Whether there is such a symbol. A replay knows no more than its recordings and believes in all.
    pub(super) is_symbol: &'a dyn Fn(&str) -> bool,
    /// Whether a test wants a name refused that there is: only where unknown names are not.
    pub(super) is_refused: &'a dyn Fn(&str) -> bool,
    pub(super) streams_max: usize,
    pub(super) form: Form,
    pub(super) connection: u64,
    pub(super) now_us: i64,
    /// What state the venue is in, in its own word; `None` = it trades as ever.
    pub(super) system: Option<&'a str>,
}

/// What a session does about it, in this order. Snapshots follow the last of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Turn {
    Say(String),
    Subscribe(String),
    /// Counts as subscribed, and stays silent.
    Pretend(String),
    Unsubscribe(String),
    Form(Form),
}

/// What a recorded frame is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Look {
    pub(super) stream: String,
    pub(super) symbol: Option<String>,
    pub(super) role: Role,
}

/// What a recorded frame tells of a book.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// A delta that continues a snapshot of REST: first and last id, and the last one of the delta before where the venue
    /// names it; then ids leave gaps.
    Changes {
        first: u64,
        last: u64,
        previous: Option<u64>,
    },
    /// A snapshot or delta of a book that needs nothing else.
    Book,
    /// The top alone.
    Top,
    Other,
}

/// The levels of a frame.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Reading {
    /// Whether it replaces all that was.
    pub(super) is_whole: bool,
    pub(super) bids: Vec<Level>,
    pub(super) asks: Vec<Level>,
    pub(super) id: Option<u64>,
    pub(super) at_us: Option<i64>,
}

/// What differs from venue to venue. Methods with a body are what most do.
pub(super) trait Dialect: fmt::Debug + Send + Sync {
    /// The name in configurations.
    fn venue(&self) -> &'static str;

    /// The websocket's paths; the first is the one for books and prices.
    fn paths(&self) -> &'static [&'static str];

    /// Those that a configuration names.
    fn urls(&self) -> &'static [&'static str] {
        &self.paths()[..1]
    }

    fn serves(&self, path: &str) -> bool {
        self.paths().contains(&path)
    }

    fn form(&self, _path: &str) -> Form {
        Form::Whole
    }

    /// Streams named in the URL.
    fn url_streams(&self, _path: &str, _query: Option<&str>) -> Vec<String> {
        Vec::new()
    }

    fn limits(&self) -> Limits;

    fn channels(&self) -> &'static [Channel];

    fn symbol(&self, base: &str, quote: &str) -> String;

    /// The digits after the point of prices and of quantities.
    fn digits(&self, tick: Decimal, lot: Decimal) -> (u32, u32) {
        (tick.normalize().scale(), lot.normalize().scale())
    }

    fn stream_name(&self, channel: &str, symbol: &str) -> String {
        format!("{channel}:{symbol}")
    }

    /// The symbol of a stream.
    fn symbol_of(&self, stream: &str) -> String {
        stream.split_once(':').map_or(stream, |(_, symbol)| symbol).to_owned()
    }

    /// The stream that carries what a client calls by another name.
    fn canonical<'a>(&self, stream: &'a str) -> Cow<'a, str> {
        Cow::Borrowed(stream)
    }

    fn kind(&self, stream: &str) -> Option<Kind> {
        let name = stream.split_once(':').map_or(stream, |(channel, _)| channel);
        self.channels().iter().find(|channel| channel.name == name).map(|channel| channel.kind)
    }

    /// Whether a subscription to the top or to statistics is answered with them at once.
    fn greets(&self) -> bool {
        true
    }

    /// Said to each client that connects, and to all once the venue's state is another one.
    fn hello(&self, _talk: &Talk<'_>) -> Option<String> {
        None
    }

    /// What becomes of a client's message.
    fn converse(&self, text: &str, talk: &Talk<'_>) -> Vec<Turn>;

    /// Said each second.
    fn beats(&self, _talk: &Talk<'_>, _source: &Source) -> Vec<String> {
        Vec::new()
    }

    fn top(&self, scene: &Scene<'_>, top: &Top) -> Option<String>;
    fn snapshot(&self, scene: &Scene<'_>, chain: Chain, view: &BookView) -> Option<String>;
    fn delta(&self, scene: &Scene<'_>, delta: &Delta<'_>) -> Option<String>;
    fn trades(&self, scene: &Scene<'_>, trades: &[Trade], moment: Moment) -> Option<String>;

    /// `before` is what was told last, where there was any.
    fn ticker(&self, scene: &Scene<'_>, stats: &Stats, before: Option<&Stats>) -> Option<String>;

    /// What a recorded frame is; nothing where it belongs to no stream.
    fn look(&self, text: &str) -> Option<Look>;

    /// The stream's name, once it is known how many levels its recorded books have at most.
    fn recorded_name(&self, name: &str, _levels_max: usize) -> String {
        name.to_owned()
    }

    fn read(&self, text: &str) -> Option<Reading>;

    fn answer(&self, asked: &Asked<'_>, source: &Source) -> Answered;

    /// What REST counts a request as.
    fn weight(&self, _path: &str, _query: Option<&str>) -> u32 {
        1
    }

    /// The body of a refusal.
    fn refusal(&self, status: u16) -> String {
        format!("{{\"error\":{status},\"message\":\"refused\"}}")
    }

    /// The names of the venue's own times in frames.
    fn time_keys(&self) -> &'static [&'static str];

    /// The names of the ids that order quotes.
    fn sequence_keys(&self) -> &'static [&'static str] {
        &[]
    }

    /// The names of prices and quantities of levels in frames.
    fn level_keys(&self) -> &'static [&'static str];

    /// Where bids begin in frames of books, and what a level is in that place.
    fn bids_open(&self) -> &'static [&'static str];
    fn level(&self, opened: &str, price: Decimal, quantity: Decimal) -> String;

    /// A frame in the stream's envelope whose fields have wrong types.
    fn wrong_types(&self, _stream: &str, frame: &str) -> String {
        text::wrong_types(frame, self.level_keys(), self.time_keys())
    }

    /// A frame of an event that there is not.
    fn unknown_event(&self, stream: &str) -> String;

    /// A frame with the checksum of the book that now stands, where there is one.
    fn with_checksum(&self, _text: &str, _after: &BookView) -> Option<String> {
        None
    }
}

/// All dialects.
static DIALECTS: [&dyn Dialect; 8] = [
    &binance::Binance::SPOT,
    &binance::Binance::USDM,
    &coinbase::Coinbase,
    &kraken::Kraken,
    &okx::Okx,
    &bybit::Bybit::LINEAR,
    &bybit::Bybit::SPOT,
    &hyperliquid::Hyperliquid,
];

/// The dialect of a venue.
pub(super) fn of(venue: &str) -> Option<&'static dyn Dialect> {
    DIALECTS.into_iter().find(|dialect| dialect.venue() == venue)
}

/// The names of all venues.
pub(super) fn venues() -> Vec<&'static str> {
    DIALECTS.iter().map(|dialect| dialect.venue()).collect()
}

/// Whose frame this is. Where two venues speak alike, the first of them in the list: Bybit's spot and linear markets.
pub(super) fn recognise(frame: &str) -> Option<&'static dyn Dialect> {
    DIALECTS.into_iter().find(|dialect| dialect.look(frame).is_some())
}
