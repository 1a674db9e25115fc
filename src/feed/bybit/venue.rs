//! Bybit's spot and linear markets, as two venues among others.
//!
//! Owns nothing: it joins the parts of this folder to the contract of `feed::venue`.

use super::protocol::{self, Category};
use super::{Decoder, rest, symbols, topics};
use crate::domain::{
    Anchor, BookRules, Channel, Contract, Coverage, DEPTH_MAX, Instrument, PriceFrom, Quote, TickerTop,
};
use crate::feed::{
    ChannelDefaults, ChannelNames, DecodeError, FrameDecoder, Listing, Method, Ping, RestCall, Stream,
    SymbolError, VenueDefaults, VenueProtocol, thousands,
};

const fn defaults(name: &'static str, websocket_url: &'static str) -> VenueDefaults {
    VenueDefaults {
        name,
        channels: [
            ChannelDefaults { name: "orderbook.1", websocket_url },
            ChannelDefaults { name: "publicTrade", websocket_url },
            ChannelDefaults { name: "orderbook", websocket_url },
            ChannelDefaults { name: "tickers", websocket_url },
        ],
        rest_url: protocol::REST_URL,
        prices_from: &[PriceFrom::Bbo, PriceFrom::Book],
        depth_max: DEPTH_MAX,
        ping: Ping::Text(protocol::PING),
        request_pace: protocol::REQUEST_PACE,
        request_burst: 1,
        streams_per_session_max: protocol::STREAMS_PER_SESSION_MAX,
        connects: protocol::CONNECTS,
        session_max: None,
        rest_weight_per_minute: protocol::WEIGHT_PER_MINUTE,
    }
}

const SPOT: VenueDefaults = defaults("bybit", protocol::SPOT_URL);

const LINEAR: VenueDefaults = defaults("bybit-linear", protocol::LINEAR_URL);

const _: () = assert!(DEPTH_MAX <= topics::BOOKS[2]);

/// One of Bybit's markets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bybit(Category);

impl Bybit {
    /// Spot.
    pub const SPOT: Self = Self(Category::Spot);

    /// Perpetuals and dated contracts that are settled in USDT or USDC.
    pub const LINEAR: Self = Self(Category::Linear);
}

impl VenueProtocol for Bybit {
    fn defaults(&self) -> &'static VenueDefaults {
        match self.0 {
            Category::Spot => &SPOT,
            Category::Linear => &LINEAR,
        }
    }

    fn symbol(&self, instrument: &Instrument) -> Result<String, SymbolError> {
        symbols::symbol(self.0, instrument)
    }

    fn contract(&self, instrument: &Instrument) -> Option<Contract> {
        Some(thousands::contract(symbols::factor(self.0, instrument)))
    }

    fn book_rules(&self, depth: usize) -> BookRules {
        BookRules {
            anchor: Anchor::Stream,
            window: Some(topics::book_levels(depth)),
            checksum: None,
            coverage: Coverage::Everything,
        }
    }

    fn ticker_top(&self, _: PriceFrom) -> TickerTop {
        TickerTop::Nothing
    }

    fn stream(&self, symbol: &str, channel: Channel, name: &str, depth: usize) -> Stream {
        Stream::plain(topics::topic(channel, name, symbol, depth))
    }

    fn route_symbol<'a>(&self, route: &'a str) -> Option<&'a str> {
        route.rsplit_once('.').map(|(_, symbol)| symbol)
    }

    fn batches(&self, topics: &[String]) -> Vec<Vec<String>> {
        topics.chunks(protocol::REQUEST_TOPICS_MAX).map(<[String]>::to_vec).collect()
    }

    fn request(&self, method: Method, topics: &[String], id: u64) -> String {
        protocol::request(method, topics, id)
    }

    fn decoder(&self, names: &ChannelNames) -> Box<dyn FrameDecoder> {
        Box::new(Decoder::named(names))
    }

    fn quote_call(&self, symbol: &str) -> RestCall {
        protocol::book_call(self.0, symbol)
    }

    fn parse_quote(&self, body: &[u8]) -> Result<Quote, DecodeError> {
        rest::parse_quote(body)
    }

    fn list_calls(&self) -> Vec<RestCall> {
        vec![protocol::instruments_call(self.0, None)]
    }

    fn parse_list(&self, body: &[u8]) -> Result<Vec<Listing>, DecodeError> {
        rest::parse_list(self.0, body)
    }

    fn next_list_call(&self, body: &[u8]) -> Result<Option<RestCall>, DecodeError> {
        let cursor = rest::next_page(body)?;
        Ok(cursor.map(|cursor| protocol::instruments_call(self.0, Some(&cursor))))
    }
}
