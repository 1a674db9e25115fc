//! Binance spot, as a venue among others.
//!
//! Owns nothing: it joins the parts of this folder to the contract of `feed::venue`.

use std::time::Duration;

use super::{Decoder, protocol, rest};
use crate::domain::{
    Anchor, BookRules, Channel, Contract, Coverage, DEPTH_MAX, DepthSnapshot, Instrument, PriceFrom, Quote,
    TickerTop,
};
use crate::feed::{
    ChannelDefaults, ChannelNames, DecodeError, FrameDecoder, Listing, Method, Ping, RestCall, Stream,
    SymbolError, VenueDefaults, VenueProtocol,
};

const fn channel(name: &'static str) -> ChannelDefaults {
    ChannelDefaults { name, websocket_url: protocol::WEBSOCKET_URL }
}

/// What Binance spot is like.
const DEFAULTS: VenueDefaults = VenueDefaults {
    name: "binance",
    channels: [channel("bookTicker"), channel("trade"), channel("depth@100ms"), channel("ticker")],
    rest_url: protocol::REST_URL,
    prices_from: &[PriceFrom::Bbo, PriceFrom::Book],
    depth_max: DEPTH_MAX,
    ping: Ping::Frame,
    request_pace: protocol::REQUEST_PACE,
    request_burst: 1,
    streams_per_session_max: protocol::STREAMS_PER_CONNECTION_MAX,
    connects: (protocol::CONNECTIONS_PER_FIVE_MINUTES_MAX, Duration::from_secs(300)),
    session_max: Some(protocol::SESSION_MAX),
    rest_weight_per_minute: 6_000,
};

/// The most levels that a snapshot has at each price: 5, 25, 50 and 250 of the venue's 6,000 a minute.
const SNAPSHOT_LIMITS: [usize; 4] = [100, 500, 1_000, protocol::SNAPSHOT_LIMIT_MAX];

/// Binance spot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Binance;

impl VenueProtocol for Binance {
    fn defaults(&self) -> &'static VenueDefaults {
        &DEFAULTS
    }

    fn symbol(&self, instrument: &Instrument) -> Result<String, SymbolError> {
        protocol::symbol(instrument)
            .map_err(|error| SymbolError { instrument: instrument.clone(), reason: error.to_string() })
    }

    fn contract(&self, _: &Instrument) -> Option<Contract> {
        Some(Contract::PLAIN)
    }

    fn book_rules(&self, _: usize) -> BookRules {
        BookRules { anchor: Anchor::Rest, window: None, checksum: None, coverage: Coverage::Everything }
    }

    fn ticker_top(&self, _: PriceFrom) -> TickerTop {
        TickerTop::Nothing
    }

    fn stream(&self, symbol: &str, _: Channel, name: &str, _: usize) -> Stream {
        Stream::plain(protocol::stream(symbol, name))
    }

    fn route_symbol<'a>(&self, route: &'a str) -> Option<&'a str> {
        route.split_once('@').map(|(symbol, _)| symbol)
    }

    fn other_names(&self, channel: Channel) -> &'static [&'static str] {
        if channel == Channel::Depth { &["depth"] } else { &[] }
    }

    fn frame_words<'a>(&self, channel: Channel, name: &'a str) -> Vec<&'a str> {
        match channel {
            Channel::Depth => vec![name, "depthUpdate"],
            Channel::Volume => vec![name, "24hrTicker"],
            Channel::Quote | Channel::Trade => vec![name],
        }
    }

    fn batches(&self, topics: &[String]) -> Vec<Vec<String>> {
        protocol::batches(topics).map(<[String]>::to_vec).collect()
    }

    fn request(&self, method: Method, topics: &[String], id: u64) -> String {
        protocol::request(method, topics, id)
    }

    fn decoder(&self, names: &ChannelNames) -> Box<dyn FrameDecoder> {
        Box::new(Decoder::named(names))
    }

    fn snapshot_call(&self, symbol: &str, levels: usize) -> Option<(RestCall, usize)> {
        let limit = SNAPSHOT_LIMITS.into_iter().find(|&limit| limit >= levels);
        let limit = limit.unwrap_or(protocol::SNAPSHOT_LIMIT_MAX);
        let path = protocol::depth_path(symbol, limit).expect("the limits are the venue's own");
        let weight = protocol::depth_weight(limit).expect("the limits are the venue's own");
        Some((RestCall { path, body: None, weight }, limit))
    }

    fn parse_snapshot(&self, body: &[u8], limit: usize) -> Result<DepthSnapshot, DecodeError> {
        rest::parse_depth_snapshot(body, limit)
    }

    fn quote_call(&self, symbol: &str) -> RestCall {
        RestCall {
            path: protocol::book_ticker_path(symbol),
            body: None,
            weight: protocol::BOOK_TICKER_WEIGHT,
        }
    }

    fn parse_quote(&self, body: &[u8]) -> Result<Quote, DecodeError> {
        rest::parse_book_ticker(body)
    }

    fn list_calls(&self) -> Vec<RestCall> {
        let path = "/api/v3/exchangeInfo?permissions=SPOT&showPermissionSets=false".to_owned();
        vec![RestCall { path, body: None, weight: protocol::EXCHANGE_INFO_WEIGHT }]
    }

    fn parse_list(&self, body: &[u8]) -> Result<Vec<Listing>, DecodeError> {
        rest::parse_exchange_info(body)
    }
}
