//! OKX v5: what its frames and REST bodies mean, and what to send it.
//!
//! Owns the pure half of the venue: spelling, requests, limits, [`Decoder`], the REST bodies, the checksum. Never does I/O,
//! never reads a clock, never keeps a book. A side of a frame holds at most [`crate::domain::LEVELS_MAX`] levels.
//!
//! Source: <https://www.okx.com/docs-v5/en/>. What a session of 2022 recorded (acknowledgements, tickers, trades, `books` with real
//! checksums) is proved by that recording; what has changed since is told from where, at each constant.
//!
//! How a book is proved: each update of `books` names the update before it (`prevSeqId`), and until June 2026 carried a CRC32
//! over its best 25 levels a side; since then that is always 0, which says nothing. An update with neither is applied and the
//! book is suspect.

mod checksum;
mod decode;
mod fast;
mod general;
mod protocol;
mod rest;
mod venue;
mod wire;

#[cfg(test)]
mod tests;

pub use checksum::checksum;
pub use decode::Decoder;
pub use rest::{parse_books, parse_instruments};
pub use venue::Okx;
