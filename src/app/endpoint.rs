//! The engine's own endpoint, from settings to a running task.
//!
//! Owns the thread: it ends with the engine. What it serves is the business of `publish`. One thread with a runtime of its own:
//! busy clients take one core and no more, and neither REST nor `/metrics` waits behind them; and replies need no thread to be woken.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use tokio::runtime::Builder;
use tokio::sync::oneshot;

use crate::config::{EmbeddedSettings, Settings};
use crate::domain::Feed;
use crate::publish::{EmbeddedLimits, EmbeddedOptions, EmbeddedServer, ValueTable, tls};

/// How long subscribers have to be told of the last values, once the engine has ended.
const LAST_WORDS: Duration = Duration::from_millis(20);

/// A running endpoint. Dropping it ends every connection, a moment later.
#[derive(Debug)]
pub(super) struct Served {
    address: SocketAddr,
    /// Dropped = the thread ends.
    _running: oneshot::Sender<()>,
}

impl Served {
    /// Listens and serves; `None` where the settings turn it off.
    pub(super) fn start(
        settings: &Settings,
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
            tables,
        };
        let server = EmbeddedServer::bind(options).map_err(|error| refused(listen, &error))?;
        let address = server.address().context("embedded.listen")?;
        let (running, ended) = oneshot::channel();
        std::thread::Builder::new()
            .name("tickcache-endpoint".to_owned())
            .spawn(move || {
                if let Err(error) = serve(server, ended) {
                    tracing::error!(%error, "the embedded endpoint ended");
                }
            })
            .context("the endpoint's thread cannot be started")?;
        tracing::info!(%address, "serving the newest values over the protocol of redis");
        Ok(Some(Self { address, _running: running }))
    }

    pub(super) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Lets the last values be told, and ends.
    pub(super) async fn stop(self) {
        tokio::time::sleep(LAST_WORDS).await;
    }
}

/// Until the engine ends.
fn serve(server: EmbeddedServer, ended: oneshot::Receiver<()>) -> io::Result<()> {
    Builder::new_current_thread().enable_all().build()?.block_on(async {
        tokio::select! {
            outcome = server.run() => outcome,
            // An error means that the engine is gone, which is the same wish.
            _ = ended => Ok(()),
        }
    })
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
