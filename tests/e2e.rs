//! The whole engine, from a venue's websocket to what stands in Redis, over real sockets.
//!
//! The venue is the simulator, whose book is written independently of the engine's: it is the truth that values are
//! compared with. Redis is a real redis-server. Nothing here measures time: conditions are polled with generous limits.

#![allow(clippy::unwrap_used, reason = "a test fails where it unwraps nothing")]

#[path = "support/certificates.rs"]
mod certificates;
#[path = "support/cluster.rs"]
mod cluster;
#[path = "support/proxy.rs"]
mod proxy;
#[path = "support/redis_server.rs"]
mod redis_server;
#[path = "support/sentinel.rs"]
mod sentinel;

#[path = "e2e/captures.rs"]
mod captures;
#[path = "e2e/commands.rs"]
mod commands;
#[path = "e2e/frames.rs"]
mod frames;
#[path = "e2e/instruments.rs"]
mod instruments;
#[path = "e2e/lanes.rs"]
mod lanes;
#[path = "e2e/market.rs"]
mod market;
#[path = "e2e/monitor.rs"]
mod monitor;
#[path = "e2e/operations.rs"]
mod operations;
#[path = "e2e/partitions.rs"]
mod partitions;
#[path = "e2e/paths.rs"]
mod paths;
#[path = "e2e/program.rs"]
mod program;
#[path = "e2e/record.rs"]
mod record;
#[path = "e2e/redis.rs"]
mod redis_faults;
#[path = "e2e/rest.rs"]
mod rest;
#[path = "e2e/sessions.rs"]
mod sessions;
#[path = "e2e/several.rs"]
mod several;
#[path = "e2e/shards.rs"]
mod shards;
#[path = "e2e/shutdown.rs"]
mod shutdown;
#[path = "e2e/support.rs"]
mod support;
#[path = "e2e/truth.rs"]
mod truth;
