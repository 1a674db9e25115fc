//! From a venue's websocket to domain events.
//!
//! Owns the sessions and their supervision, the decoders, the REST calls, and the budgets of both. Never knows what becomes of an
//! event: a [`SessionHandler`] takes it on the same thread. Never touches Redis.
//!
//! | file | owns |
//! |---|---|
//! | `venue` | what a venue has to say to be streamed, and the registry of venues |
//! | `binance`, `binance_usdm`, `bybit`, `coinbase`, `hyperliquid`, `kraken`, `okx` | these venues: spelling, requests, decoding |
//! | `listing` | what a venue's list says of a symbol |
//! | `plan` | which session carries which stream |
//! | `relay` | one connection after the other, or two at a time |
//! | `session` | one connection: read, heartbeat |
//! | `upgrade` | how a connection comes about, and why not |
//! | `path_delay` | how late answers may be before a connection is dead |
//! | `blamed` | streams that may be why the venue ended a connection |
//! | `conversation` | requests, acknowledgements and routes of one connection |
//! | `refused_streams` | which subscriptions a venue refuses, and when they are tried again |
//! | `affected` | which subscriptions a frame could have changed that was not understood |
//! | `watchdog` | which subscriptions stay silent |
//! | `stamped` | when a socket was last read |
//! | `thousands` | contracts that are quoted in thousands |
//! | `cursor`, `json`, `levels`, `rfc3339` | what decoders share: bytes that are known beforehand, any JSON, buffers, times as text |
//! | `rest`, `connector` | REST calls, and how they reach an address |
//! | `refusal` | which answers mean "leave me alone" |
//! | `governor`, `budget`, `circuit` | what a venue allows from one address: request weight, connects, and the pauses after a refusal |

mod affected;
pub mod binance;
pub mod binance_usdm;
mod blamed;
mod budget;
pub mod bybit;
mod circuit;
pub mod coinbase;
mod connector;
mod conversation;
mod cursor;
mod decode_error;
mod error;
mod frame;
mod governor;
pub mod hyperliquid;
mod json;
pub mod kraken;
mod levels;
mod listing;
#[cfg(test)]
mod mutations;
pub mod okx;
mod path_delay;
#[cfg(test)]
mod paths;
mod plan;
#[cfg(test)]
mod promised;
mod refusal;
mod refused_streams;
mod relay;
mod rest;
mod rfc3339;
mod session;
mod stamped;
mod thousands;
mod upgrade;
mod venue;
mod watchdog;

pub use budget::Allowance;
pub use conversation::{Answers, Start, StreamPlan};
pub use decode_error::{DecodeError, EXCERPT_BYTES_MAX, Excerpt, Place};
pub use error::{Recovery, RestError, SessionEnd};
pub use frame::{Ack, Frame};
pub use governor::{Gate, Governor, Spending, Verdict};
pub use listing::{Listing, ListingStatus, Naming, settle_names};
pub use plan::{Setup, Wanted, sessions, streams_of};
pub use relay::{LANES_MAX, run};
pub use rest::RestClient;
pub use session::{COMMANDS_MAX, Commands, SessionCommand, SessionHandler, SessionPlan};
pub use venue::{
    ChannelDefaults, ChannelNames, FrameDecoder, Method, Ping, RestCall, Stream, SymbolError, VenueDefaults,
    VenueProtocol, venue, venues,
};
