//! From the newest typed record of each key to the bytes in Redis, and in this process's own table.
//!
//! Owns the conflation table, the leases, the batches, the connections to Redis and their supervision, and the table that other
//! threads read. Never parses a venue, never makes a record. Holds at most [`SLOTS_MAX`] keys and two batches a server in
//! flight; whatever comes faster than Redis takes it is overwritten by its newer value.
//!
//! On the hot thread: a session calls [`Writer`]'s `update` for each record and [`Writer::flush`] after each group of frames, and the
//! flush itself writes to the socket. The task [`Writer::run`] does the rest: connecting, leftovers, replies. Other threads read
//! [`ValueTable`] and [`StatsBoard`]. On the slow runtime: [`Discovery`] finds the servers, [`ServerWatch`] looks after their
//! memory, [`Commands`] listens to what others ask, [`SharedBudget`] asks for shares of what venues allow.
//!
//! What is consistent with what: a key's bytes in the table and in Redis are the same bytes, the table's a moment earlier (but for
//! a standby, whose table holds epoch 0). While the window of batches is full or Redis stalls (at most 500 ms, then its
//! connection is given up), both wait; while Redis is away or refuses writes, the table goes on and Redis gets the newest values
//! afterwards. There is no order between keys, but urgent ones go first.
//!
//! | file | owns |
//! |---|---|
//! | `conflation`, `lanes` | the newest record of each key, and which goes first |
//! | `lease`, `roster` | who may write a feed; which engine is to have it |
//! | `pipeline` | the state machine: what is sent when, what a reply changes |
//! | `writes`, `batch`, `script`, `scripts/` | the commands |
//! | `outbox` | events that wait for their value |
//! | `reply`, `items` | Redis' answers |
//! | `writer`, `keepers`, `link`, `handshake`, `transport`, `tls` | connections |
//! | `discovery`, `topology`, `servers`, `session` | which servers there are |
//! | `server_watch`, `memory_policy`, `commands` | what is asked on the slow runtime |
//! | `endpoint/`, `noticeboard` | the engine's own endpoint, and what the writer leaves for it |
//! | `shared_budget` | what engines behind one address may spend together |
//! | `table`, `cell`, `stats`, `meters`, `breaker` | what others see |

mod address;
mod answer;
pub mod batch;
mod breaker;
pub mod catalog;
mod cell;
mod commands;
pub mod conflation;
pub mod discovery;
pub mod endpoint;
mod error;
pub mod handshake;
mod items;
mod keepers;
mod lanes;
pub mod lease;
pub mod link;
mod memory_policy;
mod meters;
mod noticeboard;
mod outbox;
pub mod pipeline;
mod plan;
pub mod reply;
mod roster;
mod script;
mod server_watch;
mod servers;
mod session;
mod shared_budget;
#[cfg(test)]
mod simulation;
mod stats;
mod table;
#[cfg(test)]
mod testing;
pub mod tls;
pub mod topology;
pub mod transport;
mod writer;
mod writes;

pub use address::{Credentials, Endpoint, RedisAddress};
pub use breaker::Breaker;
pub use commands::{COMMANDS_MAX, Commands};
pub use discovery::{Deployment, Discovery};
pub use endpoint::{EmbeddedLimits, EmbeddedOptions, EmbeddedServer};
pub use error::{MESSAGE_MAX, PublishError, Recovery, Refusal, ReplyError};
pub use lease::LeaseTimes;
pub use memory_policy::{MemoryWarning, assess};
pub use noticeboard::{NOTICES_MAX, Notice, Noticeboard, ShownEngine, ShownLease, Watching};
pub use pipeline::{FeedHealth, Fencing, PipelineOptions};
pub use plan::{FeedIndex, NodeIndex, SLOTS_MAX, SlotKey, SlotPlan};
pub use server_watch::{Restarts, ServerWatch};
pub use servers::{Hint, Servers};
pub use session::Login;
pub use shared_budget::{ANSWER_MAX, ASKS_MAX, BudgetDesk, BudgetTask, Grant, SharedBudget, Spent};
pub use stats::{StatsBoard, WriterStats};
pub use table::{TableValue, ValueTable};
pub use topology::{SlotMap, Topology};
pub use writer::{Drained, Store, Writer, WriterOptions};
pub use writes::{Push, Spread};
