//! The venue simulator: a made-up market, or recordings, over Binance spot's own protocol.
//!
//! Owns one TCP port that speaks websocket at `/stream` and `/ws` and REST at `/api/v3/..`, and a book of its own written
//! without a look at the engine's. Never uses `feed` or `process`. Every queue has a bound: a made-up market ends the session
//! of a client that does not read, as venues do; a replay waits for it.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use tickcache::simulate::{Config, MarketOptions, Simulator};
//!
//! let simulator = Simulator::start(Config::market(MarketOptions::default())).await?;
//! println!("{} {}", simulator.websocket_url(), simulator.rest_url());
//! simulator.stop().await;
//! # Ok(())
//! # }
//! ```

mod book;
mod budget;
mod distort;
mod fault;
mod hub;
mod market;
mod protocol;
mod replay;
mod rest;
mod server;
mod session;
mod simulator;
mod source;

pub use book::{BookView, Level, Top};
pub use fault::{Break, Fault, Faults, Garbage, RULES_MAX, Rule};
pub use market::{InstrumentSpec, MarketOptions};
pub use replay::{
    CAPTURE_BYTES_MAX, Ending, Loaded, Progress, ReplayError, ReplayOptions, Speed, SpeedError,
};
pub use server::Limits;
pub use simulator::{Config, Simulator, StartError, Stats, What};
pub use source::SymbolInfo;
