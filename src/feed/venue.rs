//! What a venue has to say to be streamed: the contract of every folder beside this file, and their registry.
//!
//! Owns the trait and the list. Never talks to anybody: a venue describes its requests, sessions send them.

use std::fmt;

use super::{DecodeError, Frame};
use crate::domain::{Channel, DepthSnapshot, Instrument, Quote};

/// What a venue is like, before anything is configured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VenueDefaults {
    /// Its name in keys (WIRE.md).
    pub name: &'static str,
    /// Where its public streams are.
    pub websocket_url: &'static str,
    /// Where its public REST interface is.
    pub rest_url: &'static str,
    /// Streams that one session may carry.
    pub streams_per_session_max: usize,
    /// Request weight that the venue grants a minute.
    pub rest_weight_per_minute: u32,
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

    /// Its spelling of an instrument.
    ///
    /// # Errors
    /// [`SymbolError`] for an instrument that it cannot have.
    fn symbol(&self, instrument: &Instrument) -> Result<String, SymbolError>;

    /// Its name for one channel of one symbol. [`Frame::Market`] carries it back.
    fn stream(&self, symbol: &str, channel: Channel) -> String;

    /// Splits streams into parts that fit into one request each.
    fn batches(&self, streams: &[String]) -> Vec<Vec<String>>;

    /// The text of a request for one part. [`Frame::Acknowledged`] carries `id` back.
    fn request(&self, method: Method, streams: &[String], id: u64) -> String;

    /// A decoder for one session.
    fn decoder(&self) -> Box<dyn FrameDecoder>;

    /// How to fetch a snapshot that serves to publish `depth` levels, and the levels a side that it asks for.
    fn snapshot_call(&self, symbol: &str, depth: usize) -> (RestCall, usize);

    /// Reads the answer.
    ///
    /// # Errors
    /// [`DecodeError`], the venue's own refusals included.
    fn parse_snapshot(&self, body: &[u8], limit: usize) -> Result<DepthSnapshot, DecodeError>;

    /// How to fetch the top of book.
    fn quote_call(&self, symbol: &str) -> RestCall;

    /// Reads the answer.
    ///
    /// # Errors
    /// [`DecodeError`], the venue's own refusals included.
    fn parse_quote(&self, body: &[u8]) -> Result<Quote, DecodeError>;
}

/// Turns the frames of one session into events. Owns scratch memory, so that a frame costs no allocation.
pub trait FrameDecoder: fmt::Debug {
    /// Reads one frame.
    ///
    /// # Errors
    /// [`DecodeError`]: the frame is lost, the session goes on.
    fn decode<'a>(&'a mut self, frame: &'a [u8]) -> Result<Frame<'a>, DecodeError>;
}

/// Every venue that tickcache knows.
static VENUES: &[&dyn VenueProtocol] = &[&super::binance::Binance];

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
