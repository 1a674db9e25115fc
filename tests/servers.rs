//! The servers and the proxy with which other tests make Redis fail: each does what it says.
//!
//! Asserts what happens, never how fast; the times of starts and failovers are printed (`--nocapture`).

#![allow(clippy::print_stdout, reason = "times are shown where they are asked for")]

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

#[path = "servers/clusters.rs"]
mod clusters;
#[path = "servers/network.rs"]
mod network;
#[path = "servers/sentinels.rs"]
mod sentinels;
#[path = "servers/single.rs"]
mod single;

/// One command of several words, with an answer of the type that the test expects.
async fn ask<T: redis::FromRedisValue>(server: &redis_server::RedisServer, words: &str) -> T {
    let words: Vec<&str> = words.split(' ').collect();
    server.ask(&words).await.unwrap_or_else(|error| panic!("{words:?}: {error}"))
}

/// One command that is refused: the code of the error.
async fn refused(server: &redis_server::RedisServer, words: &str) -> String {
    let words: Vec<&str> = words.split(' ').collect();
    let answer: redis::RedisResult<redis::Value> = server.ask(&words).await;
    answer.expect_err("it is refused").code().unwrap_or("no code").to_owned()
}

/// Sets a key to 1 and waits until so many replicas have it; on one connection, which is what `WAIT` goes by.
async fn set_and_wait(server: &redis_server::RedisServer, key: &str, replicas: u64) {
    let mut both = redis::pipe();
    both.cmd("SET").arg(key).arg(1).ignore().cmd("WAIT").arg(replicas).arg(50_000);
    let have: (u64,) = both.query_async(&mut server.observe().await).await.expect("both are answered");
    assert!(have.0 >= replicas, "{key} is on {} replicas", have.0);
}
