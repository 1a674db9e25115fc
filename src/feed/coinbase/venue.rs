//! Coinbase Exchange, as a venue among others.
//!
//! Owns nothing: it joins the parts of this folder to the contract of `feed::venue`.

use super::{Decoder, protocol, rest};
use crate::domain::{
    Anchor, BookRules, Channel, Contract, Coverage, DEPTH_MAX, Instrument, PriceFrom, Quote, TickerTop,
};
use crate::feed::{
    ChannelDefaults, ChannelNames, DecodeError, FrameDecoder, Listing, Method, Ping, RestCall, Stream,
    SymbolError, VenueDefaults, VenueProtocol,
};

const fn channel(name: &'static str) -> ChannelDefaults {
    ChannelDefaults { name, websocket_url: protocol::WEBSOCKET_URL }
}

/// What Coinbase Exchange is like. It has no top of book but the ticker's, which comes with trades only.
const DEFAULTS: VenueDefaults = VenueDefaults {
    name: "coinbase",
    channels: [channel("ticker"), channel("matches"), channel("level2_batch"), channel("ticker")],
    rest_url: protocol::REST_URL,
    prices_from: &[PriceFrom::Book],
    depth_max: DEPTH_MAX,
    ping: Ping::Frame,
    request_pace: protocol::REQUEST_PACE,
    request_burst: 1,
    streams_per_session_max: protocol::STREAMS_PER_SESSION_MAX,
    connects: protocol::CONNECTS,
    session_max: None,
    rest_weight_per_minute: protocol::REST_WEIGHT_PER_MINUTE,
};

/// Coinbase Exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Coinbase;

impl VenueProtocol for Coinbase {
    fn defaults(&self) -> &'static VenueDefaults {
        &DEFAULTS
    }

    fn symbol(&self, instrument: &Instrument) -> Result<String, SymbolError> {
        protocol::symbol(instrument).ok_or_else(|| SymbolError {
            instrument: instrument.clone(),
            reason: "coinbase exchange has no contracts".to_owned(),
        })
    }

    fn contract(&self, _: &Instrument) -> Option<Contract> {
        Some(Contract::PLAIN)
    }

    fn book_rules(&self, _: usize) -> BookRules {
        BookRules { anchor: Anchor::Stream, window: None, checksum: None, coverage: Coverage::Nothing }
    }

    /// A ticker between two trades says nothing of the top of book: no price is made from it.
    fn ticker_top(&self, price_from: PriceFrom) -> TickerTop {
        match price_from {
            PriceFrom::Book => TickerTop::Witness,
            PriceFrom::Bbo => TickerTop::Nothing,
        }
    }

    fn stream(&self, symbol: &str, _: Channel, name: &str, _: usize) -> Stream {
        protocol::stream(symbol, name)
    }

    fn companions(&self, symbol: &str) -> Vec<Stream> {
        vec![protocol::heartbeat(symbol)]
    }

    fn frame_words<'a>(&self, channel: Channel, name: &'a str) -> Vec<&'a str> {
        match channel {
            Channel::Depth => vec![name, "snapshot", "l2update"],
            Channel::Trade => vec![name, "match"],
            Channel::Quote | Channel::Volume => vec![name],
        }
    }

    fn batches(&self, topics: &[String]) -> Vec<Vec<String>> {
        protocol::batches(topics)
    }

    fn request(&self, method: Method, topics: &[String], _: u64) -> String {
        protocol::request(method, topics)
    }

    fn decoder(&self, names: &ChannelNames) -> Box<dyn FrameDecoder> {
        Box::new(Decoder::new(names))
    }

    fn quote_call(&self, symbol: &str) -> RestCall {
        RestCall { path: protocol::book_path(symbol), body: None, weight: 1 }
    }

    fn parse_quote(&self, body: &[u8]) -> Result<Quote, DecodeError> {
        rest::parse_quote(body)
    }

    fn list_calls(&self) -> Vec<RestCall> {
        vec![RestCall { path: protocol::PRODUCTS_PATH.to_owned(), body: None, weight: 1 }]
    }

    fn parse_list(&self, body: &[u8]) -> Result<Vec<Listing>, DecodeError> {
        rest::parse_list(body)
    }
}
