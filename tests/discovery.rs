//! Finding Redis, and noticing its changes, with real servers, sentinels and a Cluster.
//!
//! Asserts outcomes, with generous time-outs; the times that it prints (`--nocapture`) are for people.

#![allow(
    clippy::unwrap_used,
    reason = "a test fails by panicking; helpers outside of test functions do as well"
)]

#[path = "support/certificates.rs"]
mod certificates;
#[path = "support/cluster.rs"]
mod cluster;
#[path = "discovery/cluster_map.rs"]
mod cluster_map;
#[path = "discovery/primary.rs"]
mod primary;
#[path = "support/redis_server.rs"]
mod redis_server;
#[path = "support/sentinel.rs"]
mod sentinel;
#[path = "discovery/watch.rs"]
mod watch;

use std::sync::Arc;
use std::time::Duration;

use tickcache::publish::{Credentials, Deployment, Discovery, Endpoint, Login, Topology};
use tokio::runtime::Handle;

use redis_server::PATIENCE;

fn tcp(port: u16) -> Endpoint {
    Endpoint::Tcp { host: "127.0.0.1".to_owned(), port }
}

fn secret(password: &str) -> Credentials {
    Credentials { username: None, password: Some(password.to_owned()) }
}

fn login(credentials: Credentials) -> Login {
    Login::new(credentials, 0, None, "tickcache-test".to_owned())
}

fn open() -> Login {
    login(Credentials::default())
}

/// The first topology that is as wanted; panics when there is none in time.
async fn topology_where(discovery: &Discovery, wanted: impl FnMut(&Arc<Topology>) -> bool) -> Arc<Topology> {
    let mut topology = discovery.topology();
    let found = tokio::time::timeout(PATIENCE, topology.wait_for(wanted)).await;
    let found = found.unwrap_or_else(|_| panic!("still {:?}", discovery.topology().borrow()));
    Arc::clone(&found.expect("the task lives"))
}

#[tokio::test]
async fn a_single_server_is_known_without_asking() {
    let discovery = Discovery::spawn(&Handle::current(), Deployment::Single(tcp(1)), open());
    let mut topology = discovery.topology();
    assert_eq!(**topology.borrow_and_update(), Topology::single(1, tcp(1)));
    discovery.hint();
    let changed = tokio::time::timeout(Duration::from_millis(50), topology.changed()).await;
    assert!(changed.is_err(), "it never changes, and does not end");
}
