//! Where values go: the servers, as they are known at the moment, and how to log in at one.
//!
//! Owns the login, and the way to ask for news of the topology. Never finds a topology out itself: that is handed in.

use std::fmt;
use std::sync::Arc;

use tokio::sync::watch;

use super::{Credentials, Endpoint, Login, RedisAddress, Restarts, Spread, Topology};

/// Asks for a look at the topology: a connection was lost, or a server said that it is not the right one. Never waits.
pub type Hint = Arc<dyn Fn() + Send + Sync>;

/// The servers that values go to.
#[derive(Clone)]
pub struct Servers {
    /// Who we are, the same at each.
    pub login: Login,
    /// The servers that take writes.
    pub topology: watch::Receiver<Arc<Topology>>,
    /// How often each of them was restarted, as far as somebody watches; a change has everything published anew.
    pub restarts: watch::Receiver<Arc<Restarts>>,
    /// How to ask for a newer topology.
    pub hint: Hint,
    /// How the keys are spread over them.
    pub spread: Spread,
    /// Whether a server must call itself a primary: where others decide which one is.
    pub primaries_only: bool,
}

impl fmt::Debug for Servers {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { login, topology, spread, .. } = self;
        formatter
            .debug_struct("Servers")
            .field("login", login)
            .field("topology", &*topology.borrow())
            .field("spread", spread)
            .finish_non_exhaustive()
    }
}

impl Servers {
    /// One server, whatever happens.
    #[must_use]
    pub fn single(endpoint: Endpoint, login: Login) -> Self {
        let (_, topology) = watch::channel(Arc::new(Topology::single(1, endpoint)));
        let (_, restarts) = watch::channel(Arc::default());
        Self { login, topology, restarts, hint: Arc::new(|| {}), spread: Spread::One, primaries_only: false }
    }

    /// One server at an address, with the web's certificate authorities.
    #[must_use]
    pub fn at(address: RedisAddress, client_name: &str) -> Self {
        let RedisAddress { endpoint, username, password, db } = address;
        let credentials = Credentials { username, password };
        Self::single(endpoint, Login::new(credentials, db, None, client_name.to_owned()))
    }
}
