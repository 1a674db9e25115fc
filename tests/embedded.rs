//! The engine's own endpoint, over TCP: a real writer, a real listener, raw bytes.
//!
//! What is expected is what redis-server 7.0.15 answers to the same bytes. No Redis is needed.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "support/certificates.rs"]
mod certificates;
#[path = "embedded/channels.rs"]
mod channels;
#[path = "embedded/commands.rs"]
mod commands;
#[path = "embedded/conversations.rs"]
mod conversations;
#[path = "embedded/engine.rs"]
mod engine;
#[path = "embedded/limits.rs"]
mod limits;
#[path = "embedded/login.rs"]
mod login;
#[path = "embedded/rig.rs"]
mod rig;
