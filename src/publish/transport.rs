//! The socket: TCP, TLS or unix, behind one type.
//!
//! Owns making it and its options. Never retries, never speaks Redis. A connection is made within [`CONNECT_MAX`]
//! (TLS: as much again for its handshake) or not at all, once its name is looked up, which takes [`LOOKUP_MAX`] at most.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::{Endpoint, PublishError};
use crate::net::{self, Limits, Reached, Unfit};

/// How long making a connection may take.
pub const CONNECT_MAX: Duration = Duration::from_millis(300);
/// How long looking a name up may take: a resolver is often farther away than the server.
pub const LOOKUP_MAX: Duration = Duration::from_secs(1);
/// How long one address of a name has the way to itself: a server that is near answers within a few milliseconds.
const STAGGER: Duration = Duration::from_millis(50);
/// Unacknowledged bytes end a connection after so long (Linux).
pub const USER_TIMEOUT: Duration = Duration::from_millis(600);
/// Keepalive: idle time before the first probe, and between probes.
pub const KEEPALIVE: Duration = Duration::from_secs(1);
/// Keepalive: probes before the connection counts as dead.
pub const KEEPALIVE_PROBES: u32 = 2;

/// A connected socket.
#[derive(Debug)]
pub(super) enum Transport {
    /// Plain TCP.
    Tcp(TcpStream),
    /// TLS over TCP.
    Tls(Box<TlsStream<TcpStream>>),
    /// A unix socket.
    Unix(UnixStream),
}

impl Transport {
    /// Connects. `tls` is used for TLS endpoints only.
    ///
    /// An address that takes the connection and fails at TLS is noted in `unfit`.
    pub(super) async fn connect(
        endpoint: &Endpoint,
        tls: &Arc<ClientConfig>,
        unfit: &Unfit,
    ) -> Result<Self, PublishError> {
        match endpoint {
            Endpoint::Tcp { host, port } => {
                Ok(Self::Tcp(connect_tcp(endpoint, host, *port, unfit).await?.stream))
            }
            Endpoint::Tls { host, port } => {
                let name = server_name(host)?;
                let Reached { stream, address, .. } = connect_tcp(endpoint, host, *port, unfit).await?;
                let handshake = TlsConnector::from(Arc::clone(tls)).connect(name, stream);
                let made = in_time(endpoint, handshake).await;
                if made.is_err() {
                    unfit.note(address);
                }
                Ok(Self::Tls(Box::new(made?)))
            }
            Endpoint::Unix { path } => in_time(endpoint, UnixStream::connect(path)).await.map(Self::Unix),
        }
    }

    /// The other end's address; `None` for a unix socket.
    pub(super) fn peer(&self) -> Option<SocketAddr> {
        match self {
            Self::Tcp(socket) => socket.peer_addr().ok(),
            Self::Tls(socket) => socket.get_ref().0.peer_addr().ok(),
            Self::Unix(_) => None,
        }
    }

    /// Writes what the socket takes now. `WouldBlock` wakes nobody: whoever finishes the rest polls by themselves.
    #[inline]
    pub(super) fn try_write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(socket) => socket.try_write(bytes),
            Self::Unix(socket) => socket.try_write(bytes),
            Self::Tls(socket) => {
                match Pin::new(socket).poll_write(&mut Context::from_waker(Waker::noop()), bytes) {
                    Poll::Ready(result) => result,
                    Poll::Pending => Err(io::ErrorKind::WouldBlock.into()),
                }
            }
        }
    }

    /// Whether every byte that was written has reached the kernel, pushing what has not. Like [`Self::try_write`] it
    /// wakes nobody.
    #[inline]
    pub(super) fn try_flush(&mut self) -> io::Result<bool> {
        match self {
            Self::Tcp(_) | Self::Unix(_) => Ok(true),
            Self::Tls(_) => match self.poll_flush(&mut Context::from_waker(Waker::noop())) {
                Poll::Ready(result) => result.map(|()| true),
                Poll::Pending => Ok(false),
            },
        }
    }

    /// Reads into `buffer`; 0 bytes = the end.
    pub(super) fn poll_read(
        &mut self,
        context: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let mut buffer = ReadBuf::new(buffer);
        let result = match self {
            Self::Tcp(socket) => Pin::new(socket).poll_read(context, &mut buffer),
            Self::Tls(socket) => Pin::new(socket).poll_read(context, &mut buffer),
            Self::Unix(socket) => Pin::new(socket).poll_read(context, &mut buffer),
        };
        result.map_ok(|()| buffer.filled().len())
    }

    /// Writes what the socket takes, or wakes when it takes something.
    pub(super) fn poll_write(&mut self, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self {
            Self::Tcp(socket) => Pin::new(socket).poll_write(context, bytes),
            Self::Tls(socket) => Pin::new(socket).poll_write(context, bytes),
            Self::Unix(socket) => Pin::new(socket).poll_write(context, bytes),
        }
    }

    /// Pushes written bytes to the kernel (TLS keeps records back).
    pub(super) fn poll_flush(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Tcp(socket) => Pin::new(socket).poll_flush(context),
            Self::Tls(socket) => Pin::new(socket).poll_flush(context),
            Self::Unix(socket) => Pin::new(socket).poll_flush(context),
        }
    }
}

async fn connect_tcp(
    endpoint: &Endpoint,
    host: &str,
    port: u16,
    unfit: &Unfit,
) -> Result<Reached, PublishError> {
    let limits = Limits { lookup: LOOKUP_MAX, within: CONNECT_MAX, stagger: STAGGER };
    let failed = |source| PublishError::Connect { endpoint: endpoint.to_string(), source };
    let reached = net::connect(host, port, limits, unfit)
        .await
        .map_err(|error| if error.is_timeout() { late(endpoint) } else { failed(error.into()) })?;
    set_options(&reached.stream).map_err(failed)?;
    Ok(reached)
}

/// Without NODELAY a second small batch waits for the first one's acknowledgement, up to 40 ms.
fn set_options(socket: &TcpStream) -> io::Result<()> {
    socket.set_nodelay(true)?;
    let socket = SockRef::from(socket);
    let keepalive = TcpKeepalive::new().with_time(KEEPALIVE).with_interval(KEEPALIVE);
    #[cfg(any(target_os = "linux", target_os = "macos"))]
    let keepalive = keepalive.with_retries(KEEPALIVE_PROBES);
    socket.set_tcp_keepalive(&keepalive)?;
    #[cfg(target_os = "linux")]
    socket.set_tcp_user_timeout(Some(USER_TIMEOUT))?;
    Ok(())
}

async fn in_time<T>(
    endpoint: &Endpoint,
    attempt: impl Future<Output = io::Result<T>>,
) -> Result<T, PublishError> {
    match tokio::time::timeout(CONNECT_MAX, attempt).await {
        Ok(Ok(made)) => Ok(made),
        Ok(Err(source)) => Err(PublishError::Connect { endpoint: endpoint.to_string(), source }),
        Err(_) => Err(late(endpoint)),
    }
}

fn late(endpoint: &Endpoint) -> PublishError {
    PublishError::ConnectTimeout {
        endpoint: endpoint.to_string(),
        after_ms: u64::try_from(CONNECT_MAX.as_millis()).unwrap_or(u64::MAX),
    }
}

/// The name that a server's certificate must be valid for.
pub(super) fn server_name(host: &str) -> Result<ServerName<'static>, PublishError> {
    ServerName::try_from(host.to_owned()).map_err(|_| PublishError::TlsName { host: host.to_owned() })
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::super::tls::web_trust;
    use super::*;

    #[tokio::test]
    async fn nodelay_keepalive_and_user_timeout_are_really_set() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let endpoint = Endpoint::Tcp { host: "127.0.0.1".to_owned(), port };
        let Transport::Tcp(socket) =
            Transport::connect(&endpoint, &web_trust(), &Unfit::default()).await.unwrap()
        else {
            panic!("TCP was asked for")
        };
        assert!(socket.nodelay().unwrap());
        let socket = SockRef::from(&socket);
        assert!(socket.keepalive().unwrap());
        #[cfg(target_os = "linux")]
        {
            assert_eq!(socket.tcp_user_timeout().unwrap(), Some(USER_TIMEOUT));
            assert_eq!(socket.tcp_keepalive_time().unwrap(), KEEPALIVE);
            assert_eq!(socket.tcp_keepalive_interval().unwrap(), KEEPALIVE);
            assert_eq!(socket.tcp_keepalive_retries().unwrap(), KEEPALIVE_PROBES);
        }
    }

    #[tokio::test]
    async fn nobody_listening_is_an_error_that_names_the_endpoint() {
        let port = {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            listener.local_addr().unwrap().port()
        };
        let endpoint = Endpoint::Tcp { host: "127.0.0.1".to_owned(), port };
        let error = Transport::connect(&endpoint, &web_trust(), &Unfit::default()).await.unwrap_err();
        assert!(error.to_string().contains(&port.to_string()), "{error}");
    }

    #[test]
    fn what_no_certificate_can_name_is_refused() {
        assert!(matches!(server_name("not a host"), Err(PublishError::TlsName { .. })));
        assert!(server_name("10.0.0.1").is_ok());
    }
}
