//! Binance spot: what its frames and REST bodies mean, and what to send it.
//!
//! Owns the pure half of the venue: [`Decoder`], the REST bodies, the protocol's text and its documented limits. Never does
//! I/O, never reads a clock, never keeps a book. What futures have in common with spot is here, too, and used from there. A side of a frame or body holds at most [`crate::domain::LEVELS_MAX`] levels.
//!
//! Sources: <https://github.com/binance/binance-spot-api-docs>, `web-socket-streams.md` and `rest-api.md`.

pub(super) mod combined;
mod decode;
mod fast;
pub(super) mod general;
mod protocol;
mod rest;
mod venue;
mod wire;

#[cfg(test)]
mod tests;

pub use decode::Decoder;
pub use protocol::{
    BOOK_TICKER_WEIGHT, CLIENT_MESSAGES_PER_SECOND_MAX, CONNECTIONS_PER_FIVE_MINUTES_MAX, ProtocolError,
    REQUEST_BYTES_MAX, REQUEST_STREAMS_MAX, REST_URL, SNAPSHOT_LIMIT_MAX, STREAMS_PER_CONNECTION_MAX,
    WEBSOCKET_URL, batches, book_ticker_path, depth_path, depth_weight, request, stream, symbol,
};
pub(super) use rest::parse as parse_body;
pub use rest::{parse_book_ticker, parse_depth_snapshot, parse_exchange_info};
pub use venue::Binance;
