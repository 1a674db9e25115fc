//! The simulator over real sockets, seen by clients that follow the venues' documentation.

#![allow(clippy::unwrap_used, reason = "a test fails where it unwraps nothing")]

mod captures;
mod client;
mod dialects;
mod faults;
mod market;
mod rebuilt;
mod replay;
mod venue_faults;
mod venues;
