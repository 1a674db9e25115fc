//! Every venue that the engine knows: live and right over real sockets, from recordings too, and right again after each fault.
//!
//! The venue is the simulator, whose books are written independently of the engine's. What is told of faults and delays is told of
//! paused time: the engine's own sessions, books and states, over sockets, on a clock that goes only where nothing is left to
//! do. The table in `table` is the README's.

#![allow(clippy::unwrap_used, reason = "a test fails where it unwraps nothing")]

#[path = "venues/cases.rs"]
mod cases;
#[path = "venues/engine.rs"]
mod engine;
#[path = "venues/halts.rs"]
mod halts;
#[path = "venues/matches.rs"]
mod matches;
#[path = "venues/readme.rs"]
mod readme;
#[path = "venues/recorded.rs"]
mod recorded;
#[path = "venues/rows.rs"]
mod rows;
#[path = "venues/seeded.rs"]
mod seeded;
#[path = "venues/stage.rs"]
mod stage;
#[path = "venues/table.rs"]
mod table;
#[path = "venues/truth.rs"]
mod truth;
#[path = "venues/unanswered.rs"]
mod unanswered;
