//! Binance spot, as a venue among others.
//!
//! Owns nothing: it joins the parts of this folder to the contract of `feed::venue`.

use super::{Decoder, protocol, rest};
use crate::domain::{Channel, DepthSnapshot, Instrument, Quote};
use crate::feed::{
    DecodeError, Frame, FrameDecoder, Method, RestCall, SymbolError, VenueDefaults, VenueProtocol,
};

/// What Binance spot is like.
const DEFAULTS: VenueDefaults = VenueDefaults {
    name: "binance",
    websocket_url: protocol::WEBSOCKET_URL,
    rest_url: protocol::REST_URL,
    streams_per_session_max: protocol::STREAMS_PER_CONNECTION_MAX,
    rest_weight_per_minute: 6_000,
};

/// A snapshot holds so many times the published levels, so that a market may move before the known levels run out.
const SNAPSHOT_DEPTH_FACTOR: usize = 5;

/// A snapshot of 1,000 levels costs 50 of the venue's 6,000 a minute; one of 5,000 costs 250.
const SNAPSHOT_LIMITS: [usize; 2] = [1_000, protocol::SNAPSHOT_LIMIT_MAX];

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

    fn stream(&self, symbol: &str, channel: Channel) -> String {
        protocol::stream(symbol, channel)
    }

    fn batches(&self, streams: &[String]) -> Vec<Vec<String>> {
        protocol::batches(streams).map(<[String]>::to_vec).collect()
    }

    fn request(&self, method: Method, streams: &[String], id: u64) -> String {
        protocol::request(method, streams, id)
    }

    fn decoder(&self) -> Box<dyn FrameDecoder> {
        Box::new(Decoder::new())
    }

    fn snapshot_call(&self, symbol: &str, depth: usize) -> (RestCall, usize) {
        let wanted = depth * SNAPSHOT_DEPTH_FACTOR;
        let limit = SNAPSHOT_LIMITS.into_iter().find(|&limit| limit >= wanted).unwrap_or(SNAPSHOT_LIMITS[1]);
        let path = protocol::depth_path(symbol, limit).expect("the limits are the venue's own");
        let weight = protocol::depth_weight(limit).expect("the limits are the venue's own");
        (RestCall { path, weight }, limit)
    }

    fn parse_snapshot(&self, body: &[u8], limit: usize) -> Result<DepthSnapshot, DecodeError> {
        rest::parse_depth_snapshot(body, limit)
    }

    fn quote_call(&self, symbol: &str) -> RestCall {
        RestCall { path: protocol::book_ticker_path(symbol), weight: protocol::BOOK_TICKER_WEIGHT }
    }

    fn parse_quote(&self, body: &[u8]) -> Result<Quote, DecodeError> {
        rest::parse_book_ticker(body)
    }
}

impl FrameDecoder for Decoder {
    #[inline]
    fn decode<'a>(&'a mut self, frame: &'a [u8]) -> Result<Frame<'a>, DecodeError> {
        Self::decode(self, frame)
    }
}
