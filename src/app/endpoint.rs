//! The engine's own endpoint, from settings to a running task.
//!
//! Owns the task: it ends with the engine. What it serves is the business of `publish`.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use tokio::task::JoinHandle;

use crate::config::{EmbeddedSettings, Settings};
use crate::domain::Feed;
use crate::publish::{EmbeddedLimits, EmbeddedOptions, EmbeddedServer, ValueTable, tls};

/// How long subscribers have to be told of the last values, once the engine has ended.
const LAST_WORDS: Duration = Duration::from_millis(20);

/// A running endpoint. Dropping it ends every connection.
#[derive(Debug)]
pub(super) struct Served {
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl Served {
    /// Listens and serves, on the runtime that this is called in; `None` where the settings turn it off.
    pub(super) fn start(
        settings: &Settings,
        engine: &str,
        tables: Vec<(Arc<ValueTable>, Vec<Feed>)>,
    ) -> anyhow::Result<Option<Self>> {
        let embedded = &settings.embedded;
        let Some(listen) = embedded.listen else { return Ok(None) };
        let tls = match &embedded.certificate_and_key {
            Some((certificate, key)) => Some(tls::server_config(certificate, key).context("[embedded]")?),
            None => None,
        };
        let options = EmbeddedOptions {
            listen,
            password: embedded.password.as_ref().map(|secret| secret.expose().to_owned()),
            tls,
            limits: limits(embedded),
            namespace: settings.namespace.clone(),
            engine: engine.to_owned(),
            tables,
        };
        let server = EmbeddedServer::bind(options).map_err(|error| refused(listen, &error))?;
        let address = server.address().context("embedded.listen")?;
        tracing::info!(%address, "serving the newest values over the protocol of redis");
        Ok(Some(Self { address, task: tokio::spawn(server.run()) }))
    }

    pub(super) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Lets the last values be told, and ends.
    pub(super) async fn stop(self) {
        tokio::time::sleep(LAST_WORDS).await;
        self.task.abort();
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn limits(embedded: &EmbeddedSettings) -> EmbeddedLimits {
    EmbeddedLimits {
        clients_max: embedded.clients_max as usize,
        output_bytes_max: embedded.output_buffer_bytes_max as usize,
        subscriptions_max: embedded.subscriptions_max as usize,
        stalled_max: embedded.stalled_max,
    }
}

fn refused(listen: SocketAddr, error: &io::Error) -> anyhow::Error {
    let what_now = if error.kind() == io::ErrorKind::AddrInUse {
        "; another program listens there (a second engine?): set embedded.listen (TICKCACHE_EMBEDDED_LISTEN), \"\" turns it off"
    } else {
        ""
    };
    anyhow::anyhow!("embedded.listen {listen}: {error}{what_now}")
}
