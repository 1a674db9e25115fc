//! How REST calls reach an address: the race of `net`, as the HTTP library wants it.
//!
//! Owns which address was reached last, and those that were of no use. Never speaks HTTP or TLS.
//!
//! Why not the library's own: it races the two families with each other, but tries the addresses of a family one after the other,
//! without a limit of its own. One dead IPv4 address of two then costs the whole time of every call (hyper-util 0.1.21, by its source).

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::Uri;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tower_service::Service;

use crate::net::{self, ConnectError, Limits, Unfit};

/// A call takes ten seconds at most, connecting included.
const REACHING: Limits = Limits {
    lookup: Duration::from_secs(10),
    within: Duration::from_secs(10),
    stagger: Duration::from_millis(250),
};

/// Connects, for one venue.
#[derive(Debug, Clone, Default)]
pub(super) struct Connector(Arc<Ways>);

#[derive(Debug, Default)]
struct Ways {
    unfit: Unfit,
    last: Mutex<Option<SocketAddr>>,
}

impl Connector {
    /// A call has failed: the address that was reached last is tried last the next time.
    pub(super) fn note_last(&self) {
        let last = *self.0.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(address) = last {
            self.0.unfit.note(address);
        }
    }

    async fn connect(self, uri: Uri) -> Result<TokioIo<TcpStream>, ConnectError> {
        let is_secure = uri.scheme_str() == Some("https");
        let port = uri.port_u16().unwrap_or(if is_secure { 443 } else { 80 });
        let reached = net::connect(uri.host().unwrap_or_default(), port, REACHING, &self.0.unfit).await?;
        *self.0.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(reached.address);
        // A socket that is gone already says so at the first write.
        let _ = reached.stream.set_nodelay(true);
        Ok(TokioIo::new(reached.stream))
    }
}

impl Service<Uri> for Connector {
    type Response = TokioIo<TcpStream>;
    type Error = ConnectError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        Box::pin(self.clone().connect(uri))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_address_that_was_of_no_use_is_noted() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut connector = Connector::default();
        connector.note_last();
        assert!(!format!("{connector:?}").contains("127.0.0.1"), "nothing was reached yet");
        connector.call(format!("http://localhost:{}", address.port()).parse().unwrap()).await.unwrap();
        connector.note_last();
        assert_eq!(format!("{:?}", connector.0.unfit), format!("{:?}", noted(address)));
    }

    fn noted(address: SocketAddr) -> Unfit {
        let unfit = Unfit::default();
        unfit.note(address);
        unfit
    }
}
