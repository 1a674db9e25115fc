//! The command line and the wiring.

pub mod read;
