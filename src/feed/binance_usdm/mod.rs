//! Binance USD-M futures: what differs from spot.
//!
//! Owns the spelling, the limits, the payloads and the continuity of this market. Frames, requests and most REST bodies are
//! those of `feed::binance` and are used from there. Never does I/O, never reads a clock, never keeps a book.
//!
//! Since 2026-03-06 its websocket is split by path: `/public` serves bookTicker, depth and trade, `/market` the rolling figures. A
//! subscription on the wrong path is acknowledged and stays silent.
//!
//! "How to manage a local order book correctly" (developers.binance.com, USDS-M futures): (1) open the stream; (2) buffer its events;
//! (3) fetch `/fapi/v1/depth?limit=1000`; (4) drop events with `u < lastUpdateId`; (5) the first one to be processed has
//! `U <= lastUpdateId <= u`; (6) every further event's `pu` is the `u` of the one before, otherwise start again from (3). An event
//! whose `pu` is `lastUpdateId` continues the snapshot just as well. `process` has this as the rule for `Link::After`.

mod decode;
mod fast;
mod general;
mod protocol;
mod rest;
mod symbols;
mod venue;
mod wire;

#[cfg(test)]
mod tests;

pub use decode::Decoder;
pub use protocol::{MARKET_URL, PUBLIC_URL, REST_URL, SNAPSHOT_LIMIT};
pub use rest::parse_exchange_info;
pub use venue::BinanceUsdm;
