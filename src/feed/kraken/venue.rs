//! Kraken, as a venue among others.
//!
//! Owns nothing: it joins the parts of this folder to the contract of `feed::venue`.

use super::{Decoder, checksum, protocol, rest};
use crate::domain::{
    Anchor, BookRules, Channel, Contract, Coverage, Instrument, PriceFrom, Quote, TickerTop,
};
use crate::feed::{
    Answers, ChannelDefaults, ChannelNames, DecodeError, FrameDecoder, Listing, Method, Ping, RestCall,
    Stream, SymbolError, VenueDefaults, VenueProtocol,
};

const fn channel(name: &'static str) -> ChannelDefaults {
    ChannelDefaults { name, websocket_url: protocol::WEBSOCKET_URL }
}

/// What Kraken is like.
const DEFAULTS: VenueDefaults = VenueDefaults {
    name: "kraken",
    channels: [channel("ticker"), channel("trade"), channel("book"), channel("ticker")],
    rest_url: protocol::REST_URL,
    prices_from: &[PriceFrom::Bbo, PriceFrom::Book],
    depth_max: protocol::DEPTH_MAX,
    ping: Ping::Text(protocol::PING),
    request_pace: protocol::REQUEST_PACE,
    request_burst: 1,
    streams_per_session_max: protocol::STREAMS_PER_SESSION_MAX,
    connects: protocol::CONNECTS,
    session_max: None,
    rest_weight_per_minute: protocol::REST_WEIGHT_PER_MINUTE,
};

/// Kraken spot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kraken;

impl VenueProtocol for Kraken {
    fn defaults(&self) -> &'static VenueDefaults {
        &DEFAULTS
    }

    fn symbol(&self, instrument: &Instrument) -> Result<String, SymbolError> {
        protocol::symbol(instrument).ok_or_else(|| SymbolError {
            instrument: instrument.clone(),
            reason: "kraken spot has no contracts".to_owned(),
        })
    }

    fn contract(&self, _: &Instrument) -> Option<Contract> {
        Some(Contract::PLAIN)
    }

    fn book_rules(&self, depth: usize) -> BookRules {
        let checksum = checksum::CHECKSUM;
        BookRules {
            anchor: Anchor::Stream,
            window: Some(protocol::book_depth(depth)),
            checksum: Some(checksum),
            coverage: Coverage::Top(checksum.levels),
        }
    }

    fn ticker_top(&self, price_from: PriceFrom) -> TickerTop {
        match price_from {
            PriceFrom::Bbo => TickerTop::Price,
            PriceFrom::Book => TickerTop::Nothing,
        }
    }

    fn stream(&self, symbol: &str, channel: Channel, name: &str, depth: usize) -> Stream {
        protocol::stream(symbol, channel, name, depth)
    }

    fn answers(&self) -> Answers {
        Answers::Stream
    }

    fn batches(&self, topics: &[String]) -> Vec<Vec<String>> {
        protocol::batches(topics)
    }

    fn request(&self, method: Method, topics: &[String], id: u64) -> String {
        protocol::request(method, topics, id)
    }

    fn decoder(&self, names: &ChannelNames) -> Box<dyn FrameDecoder> {
        Box::new(Decoder::new(names))
    }

    fn quote_call(&self, symbol: &str) -> RestCall {
        RestCall { path: protocol::depth_path(symbol), body: None, weight: 1 }
    }

    fn parse_quote(&self, body: &[u8]) -> Result<Quote, DecodeError> {
        rest::parse_quote(body)
    }

    fn list_calls(&self) -> Vec<RestCall> {
        vec![RestCall { path: protocol::PAIRS_PATH.to_owned(), body: None, weight: 1 }]
    }

    fn further_list_calls(&self, symbols: &[String]) -> Vec<RestCall> {
        let path = protocol::TOKENIZED_PAIRS_PATH.to_owned();
        let is_wanted = symbols.iter().any(|symbol| protocol::is_tokenized(symbol));
        if is_wanted { vec![RestCall { path, body: None, weight: 1 }] } else { Vec::new() }
    }

    fn parse_list(&self, body: &[u8]) -> Result<Vec<Listing>, DecodeError> {
        rest::parse_list(body)
    }
}
