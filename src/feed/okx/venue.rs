//! OKX, as a venue among others.
//!
//! Owns nothing: it joins the parts of this folder to the contract of `feed::venue`.

use super::{Decoder, checksum, protocol, rest};
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

/// What OKX is like. For the book only incremental channels will do: `books`, or `books-l2-tbt` and `books50-l2-tbt`, which
/// want a login.
const DEFAULTS: VenueDefaults = VenueDefaults {
    name: "okx",
    channels: [channel("bbo-tbt"), channel("trades"), channel("books"), channel("tickers")],
    rest_url: protocol::REST_URL,
    prices_from: &[PriceFrom::Bbo, PriceFrom::Book],
    depth_max: protocol::BOOK_LEVELS,
    ping: Ping::Text(protocol::PING),
    request_pace: protocol::REQUEST_PACE,
    request_burst: protocol::REQUEST_BURST,
    streams_per_session_max: protocol::STREAMS_PER_SESSION_MAX,
    connects: protocol::CONNECTS,
    session_max: None,
    rest_weight_per_minute: protocol::REST_WEIGHT_PER_MINUTE,
};

/// OKX: spot, perpetuals and dated contracts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Okx;

impl VenueProtocol for Okx {
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
        BookRules {
            anchor: Anchor::Stream,
            window: None,
            checksum: Some(checksum::CHECKSUM),
            coverage: Coverage::Everything,
        }
    }

    fn ticker_top(&self, _: PriceFrom) -> TickerTop {
        TickerTop::Nothing
    }

    fn stream(&self, symbol: &str, _: Channel, name: &str, _: usize) -> Stream {
        protocol::stream(symbol, name)
    }

    fn companions(&self, symbol: &str) -> Vec<Stream> {
        vec![protocol::instruments(symbol)]
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
        protocol::books_call(symbol)
    }

    fn parse_quote(&self, body: &[u8]) -> Result<Quote, DecodeError> {
        rest::parse_books(body)
    }

    fn list_calls(&self) -> Vec<RestCall> {
        protocol::instruments_calls()
    }

    /// A contract of a symbol that we have no name for is worth what the list says.
    fn plain_contract(&self, symbol: &str) -> Option<Contract> {
        (symbol.matches('-').count() == 1).then_some(Contract::PLAIN)
    }

    fn parse_list(&self, body: &[u8]) -> Result<Vec<Listing>, DecodeError> {
        rest::parse_instruments(body)
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
