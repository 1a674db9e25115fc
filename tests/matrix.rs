//! Two engines on Redis in every form, and every fault that we can make: in the end each key has its newest value, written by
//! one owner with a living lease, and no reader ever saw a price go back.
//!
//! | fault | single | Sentinel | Cluster |
//! |---|---|---|---|
//! | kill -9 | absent, then empty | failover, the former comes back | likewise |
//! | SIGSTOP, then CONT | later than the lease lasts | failover, the former wakes up | likewise |
//! | black hole between engine and server | yes | yes: the servers see no fault | likewise |
//! | RST, again and again | yes | yes | yes, all nodes |
//! | replies that are lost, at any byte | yes | the same code | the same code |
//! | restart, empty | that is what kill -9 does | faster than a failover: replicas become empty, too | likewise |
//! | restart with old data | yes | likewise | likewise |
//! | failover that loses acknowledged writes | nobody fails over | yes | yes |
//! | failover that was asked for | nobody fails over | yes | yes |
//! | FLUSHALL | yes | yes | one node, then all |
//! | out of memory | yes | yes | yes |
//! | blocked for 200 ms again and again | yes | yes | yes |
//!
//! Asserts outcomes, never times; those that it prints (`--nocapture`) are for people. One row is one test: its cells share
//! servers, engines and the readers' eyes.

#![allow(
    clippy::unwrap_used,
    reason = "a test fails by panicking; helpers outside of test functions do as well"
)]

#[path = "support/cluster.rs"]
mod cluster;
#[path = "publish/market.rs"]
mod market;
#[path = "support/proxy.rs"]
mod proxy;
#[path = "support/redis_server.rs"]
mod redis_server;
#[path = "publish/rig.rs"]
mod rig;
#[path = "matrix/row_cluster.rs"]
mod row_cluster;
#[path = "matrix/row_sentinel.rs"]
mod row_sentinel;
#[path = "matrix/row_single.rs"]
mod row_single;
#[path = "support/sentinel.rs"]
mod sentinel;
#[path = "matrix/slots.rs"]
mod slots;
#[path = "publish/watcher.rs"]
mod watcher;
#[path = "matrix/world.rs"]
mod world;
