//! tickcache: a low-latency market price cache.

pub mod app;
pub mod capture;
pub mod clock;
pub mod codec;
pub mod config;
pub mod domain;
pub mod feed;
pub mod process;
pub mod publish;
pub mod reader;
pub mod simulate;
pub mod telemetry;
