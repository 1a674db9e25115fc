//! The command line and the wiring: the only place that knows every stage.
//!
//! Owns the commands, the engine made of the stages, and what a terminal shows. No logic of prices is in here.
//!
//! | file | owns |
//! |---|---|
//! | `cli` | the commands and their options |
//! | `run`, `demo`, `record`, `replay`, `check`, `instruments`, `verify` | one command each |
//! | `listings`, `lister`, `list_cache`, `list_refresh` | what venues offer; the lists of it on disk; what changes while the engine runs |
//! | `read` | the commands of whoever reads: `get`, `watch`, `list`, `status`, `invalidate` |
//! | `engine` | from settings to a running engine |
//! | `store` | from settings to where values go |
//! | `deal` | which feed is on which shard |
//! | `shards`, `shard`, `feed_task` | the hot threads, one of them, and a feed on it |
//! | `gate` | budgets of venues that engines share |
//! | `rest_worker` | what a feed wants over REST |
//! | `board`, `feed_metrics` | a feed's figures for other threads and for Prometheus |
//! | `display` | the live table |

mod board;
mod check;
mod cli;
mod deal;
mod demo;
mod demo_fault;
mod display;
mod endpoint;
mod engine;
mod feed_metrics;
mod feed_plan;
mod feed_task;
mod gate;
mod instruments;
mod list_cache;
mod list_refresh;
mod lister;
mod listings;
pub mod read;
mod record;
mod replay;
mod rest_worker;
mod run;
mod shard;
mod shards;
mod store;
pub mod verify;

pub use board::{FeedBoard, FeedStats};
pub use cli::main;
pub use engine::{Engine, WrittenKey, venue_defaults};
pub use listings::{Listings, NotListed, gather};
