//! What a venue has to say to be streamed: the contract of every folder beside this file, and their registry.
//!
//! Owns the trait and the list. Never talks to anybody: a venue describes its requests, sessions send them.

use std::fmt;
use std::time::Duration;

use super::{Answers, DecodeError, Frame, Listing, json};
use crate::domain::{BookRules, Channel, Contract, DepthSnapshot, Instrument, PriceFrom, Quote, TickerTop};

/// A channel, before anything is configured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChannelDefaults {
    /// The venue's name for it, as it stands in subscriptions.
    pub name: &'static str,
    /// Where it is served.
    pub websocket_url: &'static str,
}

/// How a client asks for a sign of life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ping {
    /// A websocket ping.
    Frame,
    /// A text of the venue's own.
    Text(&'static str),
}

/// What a venue is like, before anything is configured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VenueDefaults {
    /// Its name in keys (WIRE.md).
    pub name: &'static str,
    /// Its channels, in the order of [`Channel::ALL`].
    pub channels: [ChannelDefaults; 4],
    /// Where its public REST interface is.
    pub rest_url: &'static str,
    /// What a price can be made from; the first unless somebody says otherwise.
    pub prices_from: &'static [PriceFrom],
    /// Levels a side that can be published at most.
    pub depth_max: usize,
    /// How it is asked for a sign of life.
    pub ping: Ping,
    /// Between two requests of one session.
    pub request_pace: Duration,
    /// Requests that may go at once where none went for so many paces; at least one.
    pub request_burst: u32,
    /// Streams that one session may carry.
    pub streams_per_session_max: usize,
    /// Connections that it takes from one address: how many, within how long.
    pub connects: (u32, Duration),
    /// After how long it ends a session, whatever that does; `None` where it does not.
    pub session_max: Option<Duration>,
    /// Request weight that it grants a minute, in the units of [`RestCall::weight`].
    pub rest_weight_per_minute: u32,
}

impl VenueDefaults {
    /// What a price is made from unless somebody says otherwise.
    #[must_use]
    pub const fn price_from(&self) -> PriceFrom {
        self.prices_from[0]
    }

    /// One of its channels.
    #[must_use]
    pub const fn channel(&self, channel: Channel) -> &ChannelDefaults {
        &self.channels[channel as usize]
    }
}

/// The venue's names of the four channels, in the order of [`Channel::ALL`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChannelNames(pub [String; 4]);

impl ChannelNames {
    /// The venue's own.
    #[must_use]
    pub fn of(defaults: &VenueDefaults) -> Self {
        Self(defaults.channels.map(|channel| channel.name.to_owned()))
    }

    /// One of them.
    #[must_use]
    pub fn get(&self, channel: Channel) -> &str {
        &self.0[channel as usize]
    }
}

/// What can be subscribed to. Two of our channels may be one stream of the venue's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stream {
    /// What [`Frame::Market`] carries back.
    pub route: String,
    /// What requests name it by.
    pub topic: String,
}

impl Stream {
    /// A stream that is called the same in requests and in data.
    #[must_use]
    pub fn plain(name: String) -> Self {
        Self { route: name.clone(), topic: name }
    }
}

/// Writes the usual route of a stream, `books:BTC-USDT`; [`VenueProtocol::route_symbol`] reads it.
#[inline]
pub(super) fn write_route(into: &mut String, channel: &str, symbol: &str) {
    into.clear();
    for part in [channel, ":", symbol] {
        into.push_str(part);
    }
}

/// Starts or ends subscriptions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Start.
    Subscribe,
    /// End.
    Unsubscribe,
}

/// A REST call: what to get and what it costs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RestCall {
    /// Path and query.
    pub path: String,
    /// What is posted, as JSON; `None` = it is a GET.
    pub body: Option<String>,
    /// Of the venue's request-weight budget.
    pub weight: u32,
}

/// An instrument that the venue cannot have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{instrument}: {reason}")]
pub struct SymbolError {
    /// Which.
    pub instrument: Instrument,
    /// Why not.
    pub reason: String,
}

/// A venue: its spelling, its requests, its answers. Implementations are pure.
pub trait VenueProtocol: fmt::Debug + Send + Sync {
    /// What it is like.
    fn defaults(&self) -> &'static VenueDefaults;

    /// Its spelling of an instrument, where its list is not to be had: what the list says counts more.
    ///
    /// # Errors
    /// [`SymbolError`] for an instrument that it cannot have.
    fn symbol(&self, instrument: &Instrument) -> Result<String, SymbolError>;

    /// What an instrument's units are, where that is known without the venue's list; `None` = the list has to say.
    fn contract(&self, instrument: &Instrument) -> Option<Contract>;

    /// How books that serve to publish `depth` levels are kept.
    fn book_rules(&self, depth: usize) -> BookRules;

    /// What the top of book in its ticker is good for, where prices are made from this.
    fn ticker_top(&self, price_from: PriceFrom) -> TickerTop;

    /// One channel of one symbol, for books that serve to publish `depth` levels. `name` is the venue's name of the channel.
    fn stream(&self, symbol: &str, channel: Channel, name: &str, depth: usize) -> Stream;

    /// The symbol that a stream's route speaks of, in the letters of the route: what follows the channel, `books:BTC-USDT`.
    fn route_symbol<'a>(&self, route: &'a str) -> Option<&'a str> {
        route.split_once(':').map(|(_, symbol)| symbol)
    }

    /// Names that a channel has beside its usual one, for the same data. Whoever reads a recording does not know which one was
    /// asked for.
    fn other_names(&self, channel: Channel) -> &'static [&'static str] {
        let _ = channel;
        &[]
    }

    /// The texts by which frames of a channel can be told where they cannot be read. `name` is the venue's name of the channel.
    fn frame_words<'a>(&self, channel: Channel, name: &'a str) -> Vec<&'a str> {
        let _ = channel;
        vec![name]
    }

    /// What else has to be subscribed to for a symbol: streams that only show that the session lives, or whether the venue trades. One
    /// that several symbols name is subscribed to once.
    fn companions(&self, symbol: &str) -> Vec<Stream> {
        let _ = symbol;
        Vec::new()
    }

    /// How it answers a request of which it refuses a part.
    fn answers(&self) -> Answers {
        Answers::Request
    }

    /// Splits the topics of streams into parts that fit into one request each. Each topic is in one part.
    fn batches(&self, topics: &[String]) -> Vec<Vec<String>>;

    /// The text of a request for one part. [`Ack::Request`](super::Ack::Request) carries `id` back where the venue does.
    fn request(&self, method: Method, topics: &[String], id: u64) -> String;

    /// A decoder for one session.
    fn decoder(&self, names: &ChannelNames) -> Box<dyn FrameDecoder>;

    /// How to fetch a snapshot of at least `levels` levels a side, or as many as the venue shows, and how many it asks for. `None`, as
    /// most have it: books begin in the stream.
    fn snapshot_call(&self, symbol: &str, levels: usize) -> Option<(RestCall, usize)> {
        let _ = (symbol, levels);
        None
    }

    /// Reads the answer.
    ///
    /// # Errors
    /// [`DecodeError`], the venue's own refusals included; always where [`Self::snapshot_call`] asks for nothing.
    fn parse_snapshot(&self, body: &[u8], limit: usize) -> Result<DepthSnapshot, DecodeError> {
        let _ = limit;
        Err(json::malformed(body, 0, "books of this venue begin in the stream"))
    }

    /// How to fetch the top of book.
    fn quote_call(&self, symbol: &str) -> RestCall;

    /// Reads the answer.
    ///
    /// # Errors
    /// [`DecodeError`], the venue's own refusals included.
    fn parse_quote(&self, body: &[u8]) -> Result<Quote, DecodeError>;

    /// How to fetch the list of what it offers: each of these, and what [`Self::next_list_call`] says of its answer.
    fn list_calls(&self) -> Vec<RestCall>;

    /// What else has to be fetched where these symbols, which aliases name, are wanted: lists of their own kind.
    fn further_list_calls(&self, symbols: &[String]) -> Vec<RestCall> {
        let _ = symbols;
        Vec::new()
    }

    /// What one unit of a symbol is that only an alias names, where that is known without the venue's list: itself, at most venues.
    fn plain_contract(&self, symbol: &str) -> Option<Contract> {
        let _ = symbol;
        Some(Contract::PLAIN)
    }

    /// Reads one answer: everything that is listed, whether or not it trades now and whether or not we have a name for it. What is
    /// delisted or settled for good is left out, and so is what a contract is not known of.
    ///
    /// # Errors
    /// [`DecodeError`], the venue's own refusals included.
    fn parse_list(&self, body: &[u8]) -> Result<Vec<Listing>, DecodeError>;

    /// How to fetch the page that follows an answer. `None`, as most have it: the answer is all of it.
    ///
    /// # Errors
    /// [`DecodeError`], the venue's own refusals included.
    fn next_list_call(&self, body: &[u8]) -> Result<Option<RestCall>, DecodeError> {
        let _ = body;
        Ok(None)
    }
}

/// Turns the frames of one session into events. Owns scratch memory, so that a frame costs no allocation.
pub trait FrameDecoder: fmt::Debug {
    /// Reads one frame.
    ///
    /// # Errors
    /// [`DecodeError`]: the frame is lost, the session goes on.
    fn decode<'a>(&'a mut self, frame: &'a [u8]) -> Result<Frame<'a>, DecodeError>;

    /// The same, without any short cut for the very bytes that the venue usually sends: what a short cut is checked against.
    ///
    /// # Errors
    /// As [`decode`](Self::decode).
    fn decode_general<'a>(&'a mut self, frame: &'a [u8]) -> Result<Frame<'a>, DecodeError>;
}

/// Every venue that tickcache knows.
static VENUES: &[&dyn VenueProtocol] = &[
    &super::binance::Binance,
    &super::binance_usdm::BinanceUsdm,
    &super::bybit::Bybit::SPOT,
    &super::bybit::Bybit::LINEAR,
    &super::coinbase::Coinbase,
    &super::hyperliquid::Hyperliquid,
    &super::kraken::Kraken,
    &super::okx::Okx,
];

/// Every venue that tickcache knows.
#[must_use]
pub fn venues() -> &'static [&'static dyn VenueProtocol] {
    VENUES
}

/// The venue of this name.
#[must_use]
pub fn venue(name: &str) -> Option<&'static dyn VenueProtocol> {
    VENUES.iter().copied().find(|venue| venue.defaults().name == name)
}
