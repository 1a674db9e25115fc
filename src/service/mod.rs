//! HTTP for operators: metrics and health.
//!
//! Owns the server. Never talks to Redis, never waits for the hot thread: what it shows was published beforehand. Answers
//! at most [`CONNECTIONS_MAX`] connections at a time; further ones wait in the kernel's queue of accepts.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokio::net::TcpListener;

use crate::telemetry::Exporter;

/// Requests that are answered at a time.
pub const CONNECTIONS_MAX: usize = 256;

/// Whether the engine does its work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Health {
    /// The verdict.
    pub verdict: Verdict,
    /// What it rests on, as JSON.
    pub details: String,
}

/// The verdict of `/healthz`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Status 200.
    Healthy,
    /// Status 503.
    Unhealthy,
}

/// Says how the engine is, at any time, from any thread.
pub type HealthProbe = Arc<dyn Fn() -> Health + Send + Sync>;

/// A server that listens already.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
}

impl Server {
    /// Listens on `address`; whoever connects waits for [`Self::run`].
    ///
    /// # Errors
    /// What the system says when the address cannot be had.
    pub async fn bind(address: SocketAddr) -> std::io::Result<Self> {
        Ok(Self { listener: TcpListener::bind(address).await? })
    }

    fn router(exporter: Exporter, health: HealthProbe) -> Router {
        let limit = Arc::new(tokio::sync::Semaphore::new(CONNECTIONS_MAX));
        Router::new()
            .route("/metrics", get(move || metrics(exporter.clone())))
            .route("/healthz", get(move || healthz(Arc::clone(&health))))
            .layer(axum::middleware::from_fn(move |request, next: axum::middleware::Next| {
                let limit = Arc::clone(&limit);
                async move {
                    let _permit = limit.acquire().await;
                    next.run(request).await
                }
            }))
    }

    /// Where it listens: the port is known even where 0 was asked for.
    ///
    /// # Errors
    /// What the system says.
    pub fn address(&self) -> std::io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Answers until the task is dropped: `/metrics` with the Prometheus text, `/healthz` with `health` as JSON.
    ///
    /// # Errors
    /// What the system says when it can no longer accept.
    pub async fn run(self, exporter: Exporter, health: HealthProbe) -> std::io::Result<()> {
        axum::serve(self.listener, Self::router(exporter, health)).await
    }
}

#[allow(clippy::unused_async, reason = "axum's handlers are async")]
async fn metrics(exporter: Exporter) -> Response {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], exporter.render()).into_response()
}

#[allow(clippy::unused_async, reason = "axum's handlers are async")]
async fn healthz(health: HealthProbe) -> Response {
    let Health { verdict, details } = health();
    let status = match verdict {
        Verdict::Healthy => StatusCode::OK,
        Verdict::Unhealthy => StatusCode::SERVICE_UNAVAILABLE,
    };
    (status, [(header::CONTENT_TYPE, "application/json")], details).into_response()
}
