//! The engine's own endpoint beside a real redis-server that the same engine writes: the same bytes to both, and the same bytes
//! back; and real clients on both.
//!
//! Whatever must differ is listed with its reason (`differences`). Asserts answers and final states, measures nothing.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "alike/answers.rs"]
mod answers;
#[path = "alike/clients.rs"]
mod clients;
#[path = "alike/differences.rs"]
mod differences;
#[path = "alike/foreign.rs"]
mod foreign;
#[path = "support/redis_server.rs"]
mod redis_server;
#[path = "alike/replay.rs"]
mod replay;
#[path = "publish/rig.rs"]
mod rig;
#[path = "alike/subscribers.rs"]
mod subscribers;
#[path = "alike/world.rs"]
mod world;
