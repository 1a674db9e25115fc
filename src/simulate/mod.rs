//! The venue simulator: a made-up market, or recordings, over a venue's own protocol.
//!
//! Owns one TCP port that speaks a venue's websocket and REST (see [`Config::venue`]), and a book of its own written without
//! a look at the engine's. Never uses `feed` or `process`. Every queue has a bound: a made-up market ends the session
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
mod dialect;
mod distort;
mod edit;
mod fault;
mod hub;
mod market;
mod outlet;
mod replay;
mod rest;
mod scan;
mod server;
mod session;
mod simulator;
mod source;
mod window;

pub use book::{BookView, Level, Top};
pub use fault::{Break, Fault, Faults, Garbage, RULES_MAX, Rule, Undecodable};
pub use market::{InstrumentSpec, MarketOptions};
pub use replay::{
    CAPTURE_BYTES_MAX, Ending, Loaded, Progress, ReplayError, ReplayOptions, Speed, SpeedError, Windows,
};
pub use server::Limits;
pub use simulator::{Config, Simulator, StartError, Stats, What};
pub use source::SymbolInfo;
