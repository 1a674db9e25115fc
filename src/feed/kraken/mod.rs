//! Kraken spot over its websocket v2: what its frames and REST bodies mean, and what to send it.
//!
//! Owns the pure half of the venue: [`Decoder`], the REST bodies, the protocol's text and its limits, the checksum. Never
//! does I/O, never reads a clock, never keeps a book. A side of a frame holds at most [`crate::domain::LEVELS_MAX`] levels.
//!
//! Sources: <https://docs.kraken.com/exchange/api-reference/spot-websocket-v2/ticker>, `/book`, `/trade`,
//! <https://docs.kraken.com/exchange/guides/websockets/book-checksum-v2>.

mod checksum;
mod decode;
mod exact;
mod fast;
mod general;
mod protocol;
mod rest;
mod venue;
mod wire;

#[cfg(test)]
mod tests;

pub use decode::Decoder;
pub use venue::Kraken;
