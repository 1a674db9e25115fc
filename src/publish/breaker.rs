//! Whether a server is tried: the circuit breaker of one connection, as others see it.
//!
//! Owns the state and its metric. Never decides anything: the connection itself is the breaker. It opens when the connection
//! is lost or silent for [`SILENCE_MAX`](super::pipeline::SILENCE_MAX); while it is open nothing waits for Redis, values go into
//! the table and are conflated; the probe is the next handshake; when that succeeds, leases are renewed and everything is
//! published anew.

use metrics::{Gauge, counter, gauge};

use crate::telemetry::names;

use super::Endpoint;

/// Whether a server is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Breaker {
    /// The connection works.
    Closed,
    /// A connection is being tried.
    HalfOpen,
    /// There is none.
    Open,
}

/// The breaker of one server.
pub(super) struct ShownBreaker {
    state: Breaker,
    gauge: Gauge,
    server: String,
}

impl std::fmt::Debug for ShownBreaker {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("ShownBreaker")
            .field("state", &self.state)
            .field("server", &self.server)
            .finish()
    }
}

impl ShownBreaker {
    /// Open: nothing was tried yet.
    pub(super) fn new(endpoint: &Endpoint, shard: u16) -> Self {
        let server = endpoint.to_string();
        let gauge = gauge!(names::PUBLISH_BREAKER, "server" => server.clone(), "shard" => shard.to_string());
        gauge.set(value(Breaker::Open));
        counter!(names::PUBLISH_BREAKER_OPENED, "server" => server.clone()).increment(0);
        Self { state: Breaker::Open, gauge, server }
    }

    /// It is in another state now.
    pub(super) fn set(&mut self, state: Breaker) {
        if self.state == Breaker::Closed && state == Breaker::Open {
            counter!(names::PUBLISH_BREAKER_OPENED, "server" => self.server.clone()).increment(1);
        }
        self.state = state;
        self.gauge.set(value(state));
    }
}

impl Drop for ShownBreaker {
    /// A server that is not used any more is not tried: nothing to complain about.
    fn drop(&mut self) {
        self.gauge.set(value(Breaker::Closed));
    }
}

const fn value(state: Breaker) -> f64 {
    match state {
        Breaker::Closed => 0.0,
        Breaker::HalfOpen => 1.0,
        Breaker::Open => 2.0,
    }
}
