//! Bybit v5, spot and linear contracts: what its frames and REST bodies mean, and what to send it.
//!
//! Owns the pure half of the venue: [`Decoder`], the REST bodies, the protocol's text and its documented limits. Never does I/O, never
//! reads a clock, never keeps a book. A side of a frame holds at most [`crate::domain::LEVELS_MAX`] levels.
//!
//! Books (<https://bybit-exchange.github.io/docs/v5/websocket/public/orderbook>): (1) after the subscription a snapshot comes;
//! (2) deltas follow, each with the update id `u` one above the one before; (3) a snapshot at any time replaces the book; (4) `u` of 1
//! is a snapshot after a restart of the service. `orderbook.1` sends snapshots only, and the same one again, with the same `u`,
//! after three seconds of quiet: that confirms the price.
//!
//! A channel of depth names 50, 200 or 1000 levels a side. The recording shows that levels which leave its window are removed by
//! name; the book is cut to the window all the same, which changes nothing then, and else keeps forgotten levels from
//! coming back.

mod decode;
mod fast;
mod general;
mod protocol;
mod rest;
mod symbols;
mod topics;
mod venue;
mod wire;

#[cfg(test)]
mod tests;

pub use decode::Decoder;
pub use protocol::{LINEAR_URL, REQUEST_TOPICS_MAX, REST_URL, SESSION_TOPIC_BYTES_MAX, SPOT_URL};
pub use venue::Bybit;
