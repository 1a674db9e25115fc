//! The client library: prices out of Redis, each with how far to trust it.
//!
//! Owns the connection that reads, the decision whether a value is fresh, and the local copy that never goes back. Never
//! writes to Redis and never reads configuration files: URL, namespace and limits are arguments. Holds one value a
//! followed key, at most [`CATALOG_MAX`] catalog fields, and one connection; nothing queues up while Redis is away.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use tickcache::domain::{Entity, Record};
//! use tickcache::reader::{AgeLimits, Reader, Trust};
//!
//! let reader = Reader::connect("redis://127.0.0.1:6379", "tickcache".parse()?).await?;
//! let (instrument, venue) = ("BTC-USDT".parse()?, "binance".parse()?);
//! if let Some(view) = reader.get(Entity::Price, &instrument, &venue).await?.into_view() {
//!     let now = tickcache::clock::wall();
//!     if let (Trust::Live, Record::Price(price)) = (view.trust(now, &AgeLimits::default()), &view.record) {
//!         println!("bid {:?}, {} old", price.bid, view.age(now));
//!     }
//! }
//! # Ok(())
//! # }
//! ```
//!
//! [`Reader::watch`] polls the followed keys with one MGET every [`Options::poll_interval`] (50 ms by default). It is a
//! bounded delay, and the same calls will be served by pushed values once writers publish them.

mod client;
mod copy;
mod error;
mod link;
mod pause;
mod view;
mod watch;

pub use client::{CATALOG_MAX, CatalogLine, Reader};
pub use error::{ReadError, Recovery};
pub use link::Options;
pub use view::{Age, AgeLimits, Lookup, Trust, View};
pub use watch::{Change, Venues, Watch};
