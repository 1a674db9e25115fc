//! Coinbase Exchange: what its public frames and REST bodies mean, and what to send it.
//!
//! Owns the pure half of the venue: [`Decoder`], the REST bodies, the protocol's text and its limits. Never does I/O, never
//! reads a clock, never keeps a book. A side of a frame holds at most [`crate::domain::LEVELS_MAX`] levels; of a longer
//! snapshot the best ones are taken.
//!
//! Sources: <https://docs.cdp.coinbase.com/exchange/websocket-feed/overview>, `/channels`, `/rate-limits`.

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
pub use venue::Coinbase;
