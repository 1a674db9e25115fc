//! Hyperliquid's perpetuals: what its frames and REST bodies mean, and what to send it.
//!
//! Owns the pure half of the venue: spelling, requests, limits, [`Decoder`], the REST bodies. Never does I/O, never reads a
//! clock, never keeps a book. A side of a frame holds at most [`crate::domain::LEVELS_MAX`] levels.
//!
//! Sources: <https://hyperliquid.gitbook.io/hyperliquid-docs/for-developers/api> (websocket, subscriptions, info endpoint, rate limits);
//! what the documentation does not tell is told from where, at each constant. Books and trades are proved by a recording of 2025.
//!
//! How a book is proved: it is not, and the value says so (no checked levels). Every `l2Book` is a whole book without a sequence;
//! only its time orders it. An older image, or one whose bid is not below its ask, replaces nothing and makes the book suspect. How
//! often it comes and how deep it is depends on the depth that is published: up to [`FAST_LEVELS`] levels every 0.5 s
//! (`"fast":true`), up to 20 levels every 5 s.
//!
//! A coin that the venue does not know makes it close the connection without a word, and with it every other stream on it.

mod decode;
mod fast;
mod general;
mod protocol;
mod rest;
mod venue;
mod wire;

#[cfg(test)]
mod tests;

pub use decode::Decoder;
pub use protocol::FAST_LEVELS;
pub use rest::{parse_book, parse_meta};
pub use venue::Hyperliquid;
