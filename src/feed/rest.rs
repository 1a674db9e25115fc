//! REST calls to a venue, within its budget.
//!
//! Owns the HTTP client of one venue; lives on the slow runtime, never on the hot thread. At most
//! [`BODY_BYTES_MAX`] bytes an answer, [`CALL_TIMEOUT`] a call; who waits for the budget waits in its caller's queue.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::header::{CONTENT_TYPE, HeaderValue, USER_AGENT};
use hyper::{Request, Response, Uri};
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::circuit::Failure;
use super::connector::Connector;
use super::error::RestError;
use super::governor::{Governor, Leave};
use super::refusal::{self, Blame};
use super::venue::RestCall;
use crate::clock;

/// The longest answer: a depth snapshot of 5,000 levels a side is below 1 MiB.
const BODY_BYTES_MAX: usize = 8 << 20;

/// The longest call, connecting included.
const CALL_TIMEOUT: Duration = Duration::from_secs(10);

/// What of a symbol stands in a query or a path as it is: letters, digits, and what no URL gives a meaning.
const SYMBOL: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// A symbol as it stands in a query or a path: `币安人生USDT` is percent-encoded.
pub(super) fn query(symbol: &str) -> impl fmt::Display {
    utf8_percent_encode(symbol, SYMBOL)
}

/// Talks to one venue's REST interface.
pub struct RestClient {
    client: Client<HttpsConnector<Connector>, Full<Bytes>>,
    /// The one that `client` connects with.
    connector: Connector,
    base: String,
    governor: Arc<Governor>,
}

impl std::fmt::Debug for RestClient {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("RestClient").field("base", &self.base).finish_non_exhaustive()
    }
}

impl RestClient {
    /// `base` is a URL without path; `governor` keeps what may be spent there.
    #[must_use]
    pub fn new(base: &str, governor: Arc<Governor>) -> Self {
        let connector = Connector::default();
        let secure = hyper_rustls::HttpsConnectorBuilder::new()
            .with_provider_and_webpki_roots(rustls::crypto::ring::default_provider())
            .expect("the provider supports the default TLS versions")
            .https_or_http()
            .enable_http1()
            .wrap_connector(connector.clone());
        Self {
            client: Client::builder(TokioExecutor::new()).build(secure),
            connector,
            base: base.trim_end_matches('/').to_owned(),
            governor,
        }
    }

    /// Makes the call, after waiting for the budget and for the end of a pause.
    ///
    /// # Errors
    /// [`RestError`]; after a refusal that concerns every call, or no answer, every call fails with [`RestError::Limited`] until the pause
    /// is over.
    pub async fn get(&self, call: &RestCall) -> Result<Bytes, RestError> {
        let url = format!("{}{}", self.base, call.path);
        let uri: Uri = url.parse().map_err(|error: hyper::http::uri::InvalidUri| RestError::Url {
            url,
            reason: error.to_string(),
        })?;
        let path = call.path.split('?').next().unwrap_or_default();
        // At most one call's time: a longer wait is the caller's matter.
        let leave = self.governor.rest(path, call.weight, CALL_TIMEOUT).await;
        let leave = leave.map_err(|wait| RestError::Limited { wait })?;
        let request = request(uri, call);
        let answer = async {
            let response = self.client.request(request).await.map_err(|error| transport(&error))?;
            read(response).await
        };
        let answer = tokio::time::timeout(CALL_TIMEOUT, answer).await;
        let answer = answer.unwrap_or(Err(RestError::Timeout { waited: CALL_TIMEOUT }));
        if matches!(answer, Err(RestError::Transport { .. } | RestError::Timeout { .. })) {
            self.connector.note_last();
        }
        settle(leave, answer)
    }
}

/// What came.
struct Answer {
    status: u16,
    retry_after: Option<Duration>,
    body: Bytes,
}

async fn read(response: Response<hyper::body::Incoming>) -> Result<Answer, RestError> {
    let status = response.status().as_u16();
    let retry_after = refusal::retry_after(response.headers(), clock::wall());
    let body = Limited::new(response.into_body(), BODY_BYTES_MAX).collect().await.map_err(|error| {
        if error.is::<http_body_util::LengthLimitError>() {
            RestError::TooLarge { limit: BODY_BYTES_MAX }
        } else {
            transport(&*error)
        }
    });
    match body {
        Ok(body) => Ok(Answer { status, retry_after, body: body.to_bytes() }),
        // What the status and the header say holds whatever becomes of the body.
        Err(_) if status != 200 => Ok(Answer { status, retry_after, body: Bytes::new() }),
        Err(error) => Err(error),
    }
}

/// Tells the governor whom the outcome concerns, and the caller what became of the call.
fn settle(leave: Leave<'_>, answer: Result<Answer, RestError>) -> Result<Bytes, RestError> {
    let Answer { status, retry_after, body } = match answer {
        Ok(answer) => answer,
        Err(error) => {
            match error {
                RestError::Transport { .. } | RestError::Timeout { .. } => {
                    leave.failed(Failure::Unreachable, 0, None, &error);
                }
                // It has answered.
                _ => leave.succeeded(),
            }
            return Err(error);
        }
    };
    let excerpt = refusal::words(&body);
    match refusal::blame(status, &body) {
        Blame::Nobody => {
            leave.succeeded();
            Ok(body)
        }
        Blame::Call if retry_after.is_none() => {
            leave.succeeded();
            Err(RestError::Status { status, body: excerpt })
        }
        Blame::Call | Blame::Venue => {
            let why = format!("status {status}: {excerpt}");
            let wait = leave.failed(Failure::Refused, status, retry_after, &why);
            Err(RestError::Refused { status, wait, body: excerpt })
        }
    }
}

/// Some venues refuse requests that do not say who asks.
fn request(uri: Uri, call: &RestCall) -> Request<Full<Bytes>> {
    let (method, body) = match &call.body {
        Some(body) => (hyper::Method::POST, Bytes::from(body.clone())),
        None => (hyper::Method::GET, Bytes::new()),
    };
    let mut request = Request::new(Full::new(body));
    *request.method_mut() = method;
    *request.uri_mut() = uri;
    let headers = request.headers_mut();
    headers.insert(USER_AGENT, HeaderValue::from_static(concat!("tickcache/", env!("CARGO_PKG_VERSION"))));
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    request
}

/// The whole chain of causes: the library's outermost error says only "client error".
fn transport(error: &dyn std::error::Error) -> RestError {
    let mut reason = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        reason = format!("{reason}: {cause}");
        source = cause.source();
    }
    RestError::Transport { reason }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;
    use crate::domain::Feed;

    /// Answers every call with these bytes and closes; counts the calls.
    struct Venue {
        port: u16,
        calls: Arc<AtomicUsize>,
    }

    impl Venue {
        async fn start(answer: &'static [u8]) -> Self {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let port = listener.local_addr().unwrap().port();
            let calls = Arc::new(AtomicUsize::new(0));
            let counted = Arc::clone(&calls);
            tokio::spawn(async move {
                while let Ok((mut stream, _)) = listener.accept().await {
                    let mut request = [0; 4_096];
                    let _ = stream.read(&mut request).await;
                    counted.fetch_add(1, Ordering::SeqCst);
                    let _ = stream.write_all(answer).await;
                    let _ = stream.shutdown().await;
                }
            });
            Self { port, calls }
        }

        fn client(&self) -> RestClient {
            let feed = Feed { venue: "binance".parse().unwrap(), partition: 0 };
            let governor = Governor::new(&feed, 1_000, (1_000, Duration::from_secs(300)), None);
            RestClient::new(&format!("http://127.0.0.1:{}", self.port), Arc::new(governor))
        }
    }

    fn call(path: &str) -> RestCall {
        RestCall { path: path.to_owned(), body: None, weight: 1 }
    }

    /// What a call brings, and whether another path of the venue is asked after it.
    async fn outcome(answer: &'static [u8]) -> (Result<Bytes, RestError>, bool) {
        let venue = Venue::start(answer).await;
        let client = venue.client();
        let first = client.get(&call("/depth?symbol=A")).await;
        assert_eq!(venue.calls.load(Ordering::SeqCst), 1);
        let second = tokio::time::timeout(Duration::from_millis(300), client.get(&call("/ticker"))).await;
        // It waits, or is refused at once where the pause is longer than its patience.
        let is_asked = venue.calls.load(Ordering::SeqCst) > 1;
        let is_limited = matches!(second, Err(_) | Ok(Err(RestError::Limited { .. })));
        assert_ne!(is_asked, is_limited);
        (first, is_asked)
    }

    #[tokio::test]
    async fn whatever_means_that_every_call_will_fail_pauses_the_venue() {
        for answer in [
            &b"HTTP/1.1 403 Forbidden\r\nConnection: close\r\n\r\n<html>403</html>"[..],
            b"HTTP/1.1 429 Too Many Requests\r\nConnection: close\r\n\r\n",
            b"HTTP/1.1 451 Unavailable\r\nConnection: close\r\n\r\n{\"code\":0}",
            b"HTTP/1.1 503 Unavailable\r\nRetry-After: 30\r\nConnection: close\r\n\r\n",
            b"HTTP/1.1 503 Unavailable\r\nRetry-After: Fri, 31 Dec 2999 23:59:59 GMT\r\nConnection: close\r\n\r\n",
            b"HTTP/1.1 404 Not Found\r\nRetry-After: 30\r\nConnection: close\r\n\r\n{}",
            b"HTTP/1.1 302 Found\r\nLocation: /sorry\r\nConnection: close\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n<html>maintenance</html>",
            b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{\"bids\":[[\"1\",",
            b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"bids\":[[\"1\",",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n7\r\n{\"a\":1}\r\n",
            b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{\"retCode\":10006,\"retMsg\":\"Too many visits!\"}",
            b"nonsense",
            b"",
        ] {
            let (outcome, is_asked) = outcome(answer).await;
            let text = String::from_utf8_lossy(answer);
            let error = outcome.expect_err(&text);
            assert!(error.is_of_venue() && !is_asked, "{text}: {error}");
        }
    }

    #[tokio::test]
    async fn what_concerns_one_instrument_does_not() {
        for answer in [
            &b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n{\"code\":-1121,\"msg\":\"Invalid symbol.\"}"[..],
            b"HTTP/1.1 404 Not Found\r\nConnection: close\r\n\r\n{\"message\":\"NotFound\"}",
            b"HTTP/1.1 422 Unprocessable\r\nConnection: close\r\n\r\nFailed to deserialize",
            b"HTTP/1.1 500 Error\r\nConnection: close\r\n\r\nnull",
        ] {
            let (outcome, is_asked) = outcome(answer).await;
            let error = outcome.unwrap_err();
            assert!(!error.is_of_venue() && is_asked, "{error}");
        }
        let good = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{\"bids\":[]}";
        assert!(matches!(outcome(good).await, (Ok(_), true)));
    }

    #[tokio::test]
    async fn the_error_says_for_how_long_and_quotes_the_first_words() {
        let page =
            b"HTTP/1.1 503 Unavailable\r\nRetry-After: 30\r\nConnection: close\r\n\r\n\n<html>maintenance";
        let error = outcome(page).await.0.unwrap_err();
        let RestError::Refused { status, wait, body } = &error else { panic!("{error}") };
        assert_eq!((*status, body.as_str()), (503, "<html>maintenance"));
        assert!((30..=33).contains(&wait.as_secs()), "{wait:?}");
    }
}
