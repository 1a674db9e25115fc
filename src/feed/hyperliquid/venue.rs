//! Hyperliquid, as a venue among others.
//!
//! Owns nothing: it joins the parts of this folder to the contract of `feed::venue`.

use super::{Decoder, protocol, rest};
use crate::domain::{
    Anchor, BookRules, Channel, Contract, Coverage, Instrument, PriceFrom, Quote, TickerTop,
};
use crate::feed::{
    Answers, ChannelDefaults, ChannelNames, DecodeError, Frame, FrameDecoder, Listing, Method, Ping,
    RestCall, Stream, SymbolError, VenueDefaults, VenueProtocol,
};

const fn channel(name: &'static str) -> ChannelDefaults {
    ChannelDefaults { name, websocket_url: protocol::WEBSOCKET_URL }
}

/// What Hyperliquid is like.
const DEFAULTS: VenueDefaults = VenueDefaults {
    name: "hyperliquid",
    channels: [channel("bbo"), channel("trades"), channel("l2Book"), channel("activeAssetCtx")],
    rest_url: protocol::REST_URL,
    prices_from: &[PriceFrom::Bbo, PriceFrom::Book],
    depth_max: protocol::BOOK_LEVELS,
    ping: Ping::Text(protocol::PING),
    request_pace: protocol::REQUEST_PACE,
    request_burst: 1,
    streams_per_session_max: protocol::STREAMS_PER_SESSION_MAX,
    connects: protocol::CONNECTS,
    session_max: None,
    rest_weight_per_minute: protocol::REST_WEIGHT_PER_MINUTE,
};

/// Hyperliquid: its own perpetuals, neither spot nor those of builders.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hyperliquid;

impl VenueProtocol for Hyperliquid {
    fn defaults(&self) -> &'static VenueDefaults {
        &DEFAULTS
    }

    fn symbol(&self, instrument: &Instrument) -> Result<String, SymbolError> {
        protocol::symbol(instrument).map_err(|reason| SymbolError { instrument: instrument.clone(), reason })
    }

    fn contract(&self, instrument: &Instrument) -> Option<Contract> {
        protocol::contract(instrument)
    }

    fn book_rules(&self, _: usize) -> BookRules {
        BookRules { anchor: Anchor::Stream, window: None, checksum: None, coverage: Coverage::Nothing }
    }

    fn ticker_top(&self, _: PriceFrom) -> TickerTop {
        TickerTop::Nothing
    }

    /// Books of up to 5 published levels come every 0.5 s, deeper ones every 5 s.
    fn stream(&self, symbol: &str, channel: Channel, name: &str, depth: usize) -> Stream {
        protocol::stream(symbol, channel, name, depth)
    }

    fn answers(&self) -> Answers {
        Answers::Stream
    }

    fn batches(&self, topics: &[String]) -> Vec<Vec<String>> {
        topics.iter().map(|topic| vec![topic.clone()]).collect()
    }

    fn request(&self, method: Method, topics: &[String], _: u64) -> String {
        debug_assert_eq!(topics.len(), 1, "one stream a request");
        protocol::request(method, topics.first().map_or("null", String::as_str))
    }

    fn decoder(&self, names: &ChannelNames) -> Box<dyn FrameDecoder> {
        Box::new(Decoder::new(names))
    }

    fn quote_call(&self, symbol: &str) -> RestCall {
        protocol::book_call(symbol)
    }

    fn parse_quote(&self, body: &[u8]) -> Result<Quote, DecodeError> {
        rest::parse_book(body)
    }

    fn list_calls(&self) -> Vec<RestCall> {
        vec![protocol::meta_call()]
    }

    fn further_list_calls(&self, symbols: &[String]) -> Vec<RestCall> {
        protocol::builder_calls(symbols)
    }

    fn parse_list(&self, body: &[u8]) -> Result<Vec<Listing>, DecodeError> {
        rest::parse_meta(body)
    }
}

impl FrameDecoder for Decoder {
    #[inline]
    fn decode<'a>(&'a mut self, frame: &'a [u8]) -> Result<Frame<'a>, DecodeError> {
        Self::decode(self, frame)
    }

    fn decode_general<'a>(&'a mut self, frame: &'a [u8]) -> Result<Frame<'a>, DecodeError> {
        Self::decode_general(self, frame)
    }
}
