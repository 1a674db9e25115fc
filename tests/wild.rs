//! What real venues do and no recording shows: scripted venues, the whole engine, and what a reader sees.
//!
//! A case is a text file below `wild/cases`: what it is about and where it was seen, what the venue sends and when, and what must be
//! true of the values meanwhile. `wild/README.md` has the format. The engine runs in this process with its own store; it is read as
//! often as once in ten milliseconds. What is compared is written in the case by hand.

#![allow(clippy::unwrap_used, reason = "a test fails where it unwraps nothing")]
#![allow(clippy::print_stdout, reason = "a failed case tells its story")]

#[path = "wild/case.rs"]
mod case;
#[path = "wild/catalogue.rs"]
mod catalogue;
#[path = "wild/judge.rs"]
mod judge;
#[path = "wild/run.rs"]
mod run;
#[path = "wild/script.rs"]
mod script;
#[path = "wild/server.rs"]
mod server;
#[path = "wild/template.rs"]
mod template;
#[path = "wild/venue.rs"]
mod venue;
