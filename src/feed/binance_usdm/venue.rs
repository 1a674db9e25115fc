//! Binance USD-M futures, as a venue among others.
//!
//! Owns nothing: it joins the parts of this folder, and what they share with spot, to the contract of `feed::venue`.

use super::{Decoder, protocol, rest, symbols};
use crate::domain::{
    Anchor, BookRules, Channel, Contract, Coverage, DepthSnapshot, Instrument, PriceFrom, Quote, TickerTop,
};
use crate::feed::{
    ChannelDefaults, ChannelNames, DecodeError, FrameDecoder, Listing, Method, Ping, RestCall, Stream,
    SymbolError, VenueDefaults, VenueProtocol, binance, thousands,
};

const fn channel(name: &'static str, websocket_url: &'static str) -> ChannelDefaults {
    ChannelDefaults { name, websocket_url }
}

/// Half of a snapshot, so that a market may move before the known levels run out.
const DEPTH_MAX: usize = protocol::SNAPSHOT_LIMIT / 2;

/// What Binance USD-M futures are like.
const DEFAULTS: VenueDefaults = VenueDefaults {
    name: "binance-usdm",
    channels: [
        channel("bookTicker", protocol::PUBLIC_URL),
        channel("trade", protocol::PUBLIC_URL),
        channel("depth@100ms", protocol::PUBLIC_URL),
        channel("ticker", protocol::MARKET_URL),
    ],
    rest_url: protocol::REST_URL,
    prices_from: &[PriceFrom::Bbo, PriceFrom::Book],
    depth_max: DEPTH_MAX,
    ping: Ping::Frame,
    request_pace: protocol::REQUEST_PACE,
    request_burst: 1,
    streams_per_session_max: protocol::STREAMS_PER_CONNECTION_MAX,
    connects: protocol::CONNECTS,
    session_max: Some(protocol::SESSION_MAX),
    rest_weight_per_minute: protocol::WEIGHT_PER_MINUTE,
};

/// Binance USD-M futures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BinanceUsdm;

impl VenueProtocol for BinanceUsdm {
    fn defaults(&self) -> &'static VenueDefaults {
        &DEFAULTS
    }

    fn symbol(&self, instrument: &Instrument) -> Result<String, SymbolError> {
        symbols::symbol(instrument)
    }

    fn contract(&self, instrument: &Instrument) -> Option<Contract> {
        Some(thousands::contract(symbols::factor(instrument)))
    }

    fn book_rules(&self, _: usize) -> BookRules {
        BookRules { anchor: Anchor::Rest, window: None, checksum: None, coverage: Coverage::Everything }
    }

    fn ticker_top(&self, _: PriceFrom) -> TickerTop {
        TickerTop::Nothing
    }

    fn stream(&self, symbol: &str, _: Channel, name: &str, _: usize) -> Stream {
        Stream::plain(binance::stream(symbol, name))
    }

    fn route_symbol<'a>(&self, route: &'a str) -> Option<&'a str> {
        route.split_once('@').map(|(symbol, _)| symbol)
    }

    fn other_names(&self, channel: Channel) -> &'static [&'static str] {
        if channel == Channel::Depth { &["depth", "depth@0ms", "depth@500ms"] } else { &[] }
    }

    fn frame_words<'a>(&self, channel: Channel, name: &'a str) -> Vec<&'a str> {
        match channel {
            Channel::Depth => vec![name, "depthUpdate"],
            Channel::Volume => vec![name, "24hrTicker"],
            Channel::Quote | Channel::Trade => vec![name],
        }
    }

    fn batches(&self, topics: &[String]) -> Vec<Vec<String>> {
        binance::batches(topics).map(<[String]>::to_vec).collect()
    }

    fn request(&self, method: Method, topics: &[String], id: u64) -> String {
        binance::request(method, topics, id)
    }

    fn decoder(&self, names: &ChannelNames) -> Box<dyn FrameDecoder> {
        Box::new(Decoder::named(names))
    }

    fn snapshot_call(&self, symbol: &str, levels: usize) -> Option<(RestCall, usize)> {
        Some(protocol::snapshot_call(symbol, levels))
    }

    fn parse_snapshot(&self, body: &[u8], limit: usize) -> Result<DepthSnapshot, DecodeError> {
        binance::parse_depth_snapshot(body, limit)
    }

    fn quote_call(&self, symbol: &str) -> RestCall {
        protocol::book_ticker_call(symbol)
    }

    fn parse_quote(&self, body: &[u8]) -> Result<Quote, DecodeError> {
        binance::parse_book_ticker(body)
    }

    fn list_calls(&self) -> Vec<RestCall> {
        vec![protocol::exchange_info_call()]
    }

    fn parse_list(&self, body: &[u8]) -> Result<Vec<Listing>, DecodeError> {
        rest::parse_exchange_info(body)
    }
}
