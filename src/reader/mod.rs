//! The client library: prices out of Redis, each with how far to trust it.
//!
//! Owns the connection that reads, the decision whether a value is fresh, and the local copy that never goes back. Never
//! writes a key and never reads configuration files: URL, namespace and options are arguments. Holds one value a
//! followed key, at most [`CATALOG_MAX`] catalog fields, [`CHANNELS_MAX`] channels and [`EVENTS_MAX`] events a follower;
//! nothing queues up while Redis is away.
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
//! [`Reader::watch`] subscribes to the update channels of what it follows, reads it with one MGET, and applies both by the
//! rule that a greater (epoch, sequence) is never replaced by a smaller one. It goes on looking, every
//! [`Options::safety_interval`] while pushes come and every [`Options::poll_interval`] while they do not: no push that is
//! lost is missed for long.
//!
//! | file | owns |
//! |---|---|
//! | `client` | the questions: values, catalog |
//! | `status`, `command` | who writes, and asking them for something |
//! | `options`, `servers`, `topology` | which form of Redis, and where its servers are |
//! | `link`, `pause` | the connection for questions, and the waits between attempts |
//! | `push` | the connections for subscriptions |
//! | `watch`, `rhythm`, `copy`, `change` | following: what is reported, when to look, what must not go back |
//! | `view` | a value and how far to trust it |

mod change;
mod client;
mod command;
mod copy;
mod error;
mod link;
mod options;
mod pause;
mod push;
mod rhythm;
mod servers;
mod status;
mod topology;
mod view;
mod watch;

pub use change::{Change, Venues};
pub use client::{CATALOG_MAX, CatalogLine, Reader};
pub use command::Events;
pub use error::{ReadError, Recovery};
pub use options::{
    Mode, NODES_MAX, NodeAddress, NodeAddressError, NodeTls, Options, Push, Sentinels, TlsFiles,
};
pub use push::{CHANNELS_MAX, EVENTS_MAX};
pub use status::{ENGINES_READ_MAX, Engine, Lease, ServerFacts};
pub use view::{Age, AgeLimits, Lookup, Trust, View};
pub use watch::Watch;
