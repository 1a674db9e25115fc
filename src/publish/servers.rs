//! Where values go: the servers, as they are known at the moment, and how to connect to one.
//!
//! Owns the address, and the way to ask for news of the topology. Never finds a topology out itself: that is handed in.

use std::fmt;
use std::sync::Arc;

use rustls::ClientConfig;
use tokio::sync::watch;

use super::handshake::{Demand, handshake};
use super::transport::{Transport, server_name, web_trust};
use super::{Credentials, Endpoint, PublishError, RedisAddress, Spread, Topology};

/// Asks for a look at the topology: a connection was lost, or a server said that it is not the right one. Never waits.
pub type Hint = Arc<dyn Fn() + Send + Sync>;

/// The servers that values go to.
#[derive(Clone)]
pub struct Servers {
    /// The user, the same at each.
    pub credentials: Credentials,
    /// Number of the database; 0 sends no SELECT.
    pub db: u32,
    /// The servers that take writes.
    pub topology: watch::Receiver<Arc<Topology>>,
    /// How to ask for a newer one.
    pub hint: Hint,
    /// How the keys are spread over them.
    pub spread: Spread,
    /// Whether a server must call itself a primary: where others decide which one is.
    pub primaries_only: bool,
}

impl fmt::Debug for Servers {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { credentials, db, topology, spread, .. } = self;
        formatter
            .debug_struct("Servers")
            .field("credentials", credentials)
            .field("db", db)
            .field("topology", &*topology.borrow())
            .field("spread", spread)
            .finish_non_exhaustive()
    }
}

impl Servers {
    /// One server, whatever happens.
    #[must_use]
    pub fn single(address: RedisAddress) -> Self {
        let RedisAddress { endpoint, username, password, db } = address;
        let (_, topology) = watch::channel(Arc::new(Topology::single(1, endpoint)));
        Self {
            credentials: Credentials { username, password },
            db,
            topology,
            hint: Arc::new(|| {}),
            spread: Spread::One,
            primaries_only: false,
        }
    }
}

/// How to connect to any of them.
#[derive(Debug)]
pub(super) struct Connector {
    credentials: Credentials,
    db: u32,
    client_name: String,
    tls: Arc<ClientConfig>,
    demand: Demand,
}

impl Connector {
    /// Checks the names that can be checked before a connection is made.
    pub(super) fn new(
        servers: &Servers,
        client_name: String,
        tls: Option<Arc<ClientConfig>>,
        demand: Demand,
    ) -> Result<Self, PublishError> {
        for endpoint in &servers.topology.borrow().nodes {
            if let Endpoint::Tls { host, .. } = endpoint {
                server_name(host)?;
            }
        }
        let credentials = servers.credentials.clone();
        Ok(Self { credentials, db: servers.db, client_name, tls: tls.unwrap_or_else(web_trust), demand })
    }

    /// A connection that takes commands.
    pub(super) async fn connect(&self, endpoint: &Endpoint) -> Result<Transport, PublishError> {
        let mut transport = Transport::connect(endpoint, &self.tls).await?;
        let address = RedisAddress {
            endpoint: endpoint.clone(),
            username: self.credentials.username.clone(),
            password: self.credentials.password.clone(),
            db: self.db,
        };
        handshake(&mut transport, &address, &self.client_name, self.demand).await?;
        Ok(transport)
    }
}
