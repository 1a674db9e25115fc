//! The simulator over real sockets, seen by a client that follows Binance's documentation.

#![allow(clippy::unwrap_used, reason = "a test fails where it unwraps nothing")]

mod client;
mod faults;
mod market;
mod replay;
