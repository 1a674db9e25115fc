//! How a websocket comes about: address, TLS, upgrade; and in words why it does not.
//!
//! Owns the deadlines of each step and the reading of a refusal. Never retries. An address that took the connection and was of
//! no use is tried last the next time.

use std::io;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::{Error, protocol::WebSocketConfig};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use super::circuit::Failure;
use super::error::SessionEnd;
use super::governor::Leave;
use super::refusal;
use super::stamped::{ReadStamp, Stamped};
use crate::clock;
use crate::net::{self, Limits, Others, Reached, Unfit};

/// The longest frame. The largest that Binance sends, a depth update of thousands of levels, is below 1 MiB.
const FRAME_BYTES_MAX: usize = 4 << 20;

/// Reaching an address of the venue's name (RFC 8305 recommends the quarter of a second). A resolver asks its second server after five
/// seconds.
const REACHING: Limits = Limits {
    lookup: Duration::from_secs(10),
    within: Duration::from_secs(10),
    stagger: Duration::from_millis(250),
};

/// The longest that TLS and upgrade may take together, once an address is reached.
const UPGRADE_TIMEOUT: Duration = Duration::from_secs(10);

/// The same where the name has other addresses, unless the path is slow: they may be of more use.
const UPGRADE_TIMEOUT_OF_MANY: Duration = Duration::from_secs(3);

/// Round trips of TLS and upgrade, and some for a server that takes its time.
const UPGRADE_ROUND_TRIPS: u32 = 6;

pub(super) type Socket = WebSocketStream<MaybeTlsStream<Stamped<TcpStream>>>;

/// A connected websocket, and what is known of the way to it.
pub(super) struct Connected {
    pub(super) socket: Socket,
    pub(super) address: std::net::SocketAddr,
    /// One round trip.
    pub(super) took: Duration,
}

/// Connects to `url`. `leave` is told where the venue wants no connects.
pub(super) async fn connect(
    url: &str,
    stamp: ReadStamp,
    unfit: &Unfit,
    leave: Leave<'_>,
) -> Result<Connected, SessionEnd> {
    let bad_url = |reason| SessionEnd::Url { url: url.to_owned(), reason };
    let parsed = url::Url::parse(url).map_err(|_| bad_url("not a URL"))?;
    let name = parsed.host_str().ok_or_else(|| bad_url("it names no host"))?;
    let port = parsed.port_or_known_default().ok_or_else(|| bad_url("it names no port"))?;
    let host = format!("{name}:{port}");
    let reached = net::connect(name, port, REACHING, unfit).await;
    let reached = reached.map_err(|source| SessionEnd::Connect { host: host.clone(), source })?;
    let Reached { stream, address, took, others } = reached;
    let waited = upgrade_limit(others, took);
    let timeout = tokio::time::timeout(waited, upgrade(url, stream, stamp)).await;
    let end = match timeout {
        Ok(Ok(socket)) => {
            leave.succeeded();
            return Ok(Connected { socket, address, took });
        }
        Ok(Err(error)) => explain(host, error),
        Err(_) => SessionEnd::ConnectTimeout { host, waited },
    };
    unfit.note(address);
    if let SessionEnd::Refused { status, retry_after, .. } = &end
        && (retry_after.is_some() || is_unwanted(*status))
    {
        leave.failed(Failure::Refused, *status, *retry_after, &end);
    }
    Err(end)
}

fn upgrade_limit(others: Others, round_trip: Duration) -> Duration {
    match others {
        Others::None => UPGRADE_TIMEOUT,
        Others::Some => (round_trip * UPGRADE_ROUND_TRIPS).clamp(UPGRADE_TIMEOUT_OF_MANY, UPGRADE_TIMEOUT),
    }
}

async fn upgrade(url: &str, stream: TcpStream, stamp: ReadStamp) -> Result<Socket, Error> {
    stream.set_nodelay(true)?;
    let config = WebSocketConfig::default()
        .max_message_size(Some(FRAME_BYTES_MAX))
        .max_frame_size(Some(FRAME_BYTES_MAX));
    let stream = Stamped::new(stream, stamp);
    let upgraded = tokio_tungstenite::client_async_tls_with_config(url, stream, Some(config), None).await;
    upgraded.map(|(socket, _)| socket)
}

/// Whether a status means that this address shall not come again soon. Others (a page, maintenance) get the session's own backoff,
/// whose longest wait is short: it must be live within seconds of the cure.
const fn is_unwanted(status: u16) -> bool {
    matches!(status, 401 | 403 | 418 | 429 | 451)
}

/// What went wrong, by whoever said so.
fn explain(host: String, error: Error) -> SessionEnd {
    match error {
        Error::Http(response) => SessionEnd::Refused {
            host,
            status: response.status().as_u16(),
            retry_after: refusal::retry_after(response.headers(), clock::wall()),
            body: refusal::words(response.body().as_deref().unwrap_or_default()),
        },
        Error::Io(source) if is_of_tls(&source) => SessionEnd::Tls { host, source },
        Error::Tls(source) => SessionEnd::Tls { host, source: io::Error::other(source) },
        source => SessionEnd::Upgrade { host, source: Box::new(source) },
    }
}

fn is_of_tls(error: &io::Error) -> bool {
    error.get_ref().is_some_and(<dyn std::error::Error + Send + Sync>::is::<rustls::Error>)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::super::governor::Governor;
    use super::*;
    use crate::domain::Feed;

    fn governor() -> Governor {
        let feed = Feed { venue: "binance".parse().unwrap(), partition: 0 };
        Governor::new(&feed, 100, (1_000, Duration::from_secs(300)), None)
    }

    /// Answers every connection with these bytes; returns its port.
    async fn answering(bytes: &'static [u8]) -> u16 {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut request = [0; 4_096];
                let _ = stream.read(&mut request).await;
                let _ = stream.write_all(bytes).await;
                let _ = stream.shutdown().await;
            }
        });
        port
    }

    async fn attempt(scheme: &str, port: u16, governor: &Governor, unfit: &Unfit) -> SessionEnd {
        let url = format!("{scheme}://127.0.0.1:{port}/ws");
        let leave = governor.connect().await;
        connect(&url, ReadStamp::default(), unfit, leave).await.err().unwrap()
    }

    #[tokio::test]
    async fn a_page_in_the_websocket_s_place_is_quoted_with_its_status_and_host() {
        let page =
            b"HTTP/1.1 200 OK\r\nContent-Length: 39\r\n\r\n\n<html>Scheduled maintenance</html>\n\n\n\n";
        let port = answering(page).await;
        let end = attempt("ws", port, &governor(), &Unfit::default()).await;
        assert_eq!(
            end.to_string(),
            format!(
                "127.0.0.1:{port} answered the websocket upgrade with status 200: <html>Scheduled maintenance</html>"
            )
        );
    }

    #[tokio::test]
    async fn who_does_not_want_connects_is_left_alone_and_who_is_only_out_of_order_is_not() {
        let patience = Duration::from_millis(20);
        for (answer, is_left_alone) in [
            (&b"HTTP/1.1 429 Too Many Requests\r\n\r\n"[..], true),
            (b"HTTP/1.1 403 Forbidden\r\n\r\n<html>", true),
            (b"HTTP/1.1 418 I'm a teapot\r\n\r\n", true),
            (b"HTTP/1.1 451 Unavailable\r\n\r\n", true),
            (b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 30\r\n\r\n", true),
            (b"HTTP/1.1 503 Service Unavailable\r\n\r\n", false),
            (b"HTTP/1.1 502 Bad Gateway\r\n\r\n<html>", false),
            (b"HTTP/1.1 200 OK\r\n\r\n<html>", false),
            (b"SSH-2.0-OpenSSH_9.2\r\n", false),
            (b"", false),
        ] {
            let governor = governor();
            attempt("ws", answering(answer).await, &governor, &Unfit::default()).await;
            let next = tokio::time::timeout(patience, governor.connect()).await;
            assert_eq!(next.is_err(), is_left_alone, "{}", String::from_utf8_lossy(answer));
        }
    }

    #[tokio::test]
    async fn an_address_that_took_the_connection_and_was_of_no_use_is_remembered() {
        let unfit = Unfit::default();
        let port = answering(b"").await;
        let end = attempt("ws", port, &governor(), &unfit).await;
        assert!(matches!(end, SessionEnd::Upgrade { .. }), "{end}");
        assert!(format!("{unfit:?}").contains(&port.to_string()));
    }

    #[tokio::test]
    async fn plain_text_where_tls_belongs_is_an_error_of_tls() {
        let port = answering(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
        let end = attempt("wss", port, &governor(), &Unfit::default()).await;
        assert!(matches!(end, SessionEnd::Tls { .. }), "{end}");
        assert!(end.to_string().starts_with(&format!("TLS with 127.0.0.1:{port}: ")), "{end}");
    }

    #[test]
    fn an_address_that_hangs_costs_three_seconds_where_there_are_others() {
        let seconds = Duration::from_secs;
        for (others, round_trip, expected) in [
            (Others::None, seconds(0), seconds(10)),
            (Others::Some, seconds(0), seconds(3)),
            (Others::Some, seconds(1), seconds(6)),
            (Others::Some, seconds(5), seconds(10)),
        ] {
            assert_eq!(upgrade_limit(others, round_trip), expected, "{others:?} {round_trip:?}");
        }
    }

    #[test]
    fn an_expired_certificate_is_said_to_be_one() {
        let expired = rustls::Error::InvalidCertificate(rustls::CertificateError::Expired);
        let error = Error::Io(io::Error::new(io::ErrorKind::InvalidData, expired));
        let end = explain("venue:443".to_owned(), error);
        assert_eq!(
            (end.to_string().as_str(), end.label()),
            ("TLS with venue:443: invalid peer certificate: Expired", "tls")
        );
        let other = rustls::Error::InvalidCertificate(rustls::CertificateError::Other(rustls::OtherError(
            Arc::new(io::Error::other("x")),
        )));
        assert!(matches!(explain(String::new(), Error::Io(io::Error::other(other))), SessionEnd::Tls { .. }));
    }
}
