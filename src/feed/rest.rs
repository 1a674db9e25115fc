//! REST calls to a venue, within its budget.
//!
//! Owns the HTTP client of one venue; lives on the slow runtime, never on the hot thread. At most
//! [`BODY_BYTES_MAX`] bytes an answer, [`CALL_TIMEOUT`] a call; who waits for the budget waits in its caller's queue.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER, USER_AGENT};
use hyper::{Request, Response, StatusCode, Uri};
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::Excerpt;
use super::budget::DEFAULT_PAUSE;
use super::error::RestError;
use super::governor::Governor;
use super::venue::RestCall;

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
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
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
        let connector = hyper_rustls::HttpsConnectorBuilder::new()
            .with_provider_and_webpki_roots(rustls::crypto::ring::default_provider())
            .expect("the provider supports the default TLS versions")
            .https_or_http()
            .enable_http1()
            .build();
        Self {
            client: Client::builder(TokioExecutor::new()).build(connector),
            base: base.trim_end_matches('/').to_owned(),
            governor,
        }
    }

    /// Makes the call, after waiting for the budget.
    ///
    /// # Errors
    /// [`RestError`]; after 429 or 418 every call fails with [`RestError::Limited`] until the venue's pause is over.
    pub async fn get(&self, call: &RestCall) -> Result<Bytes, RestError> {
        // At most one call's time: a longer wait is the caller's matter.
        let spent = self.governor.rest(call.weight, CALL_TIMEOUT).await;
        spent.map_err(|wait| RestError::Limited { status: 0, wait })?;
        let url = format!("{}{}", self.base, call.path);
        let uri: Uri = url.parse().map_err(|error: hyper::http::uri::InvalidUri| RestError::Url {
            url,
            reason: error.to_string(),
        })?;
        let request = request(uri, call);
        let answer = async {
            let response = self.client.request(request).await.map_err(|error| transport(&error))?;
            self.read(response).await
        };
        tokio::time::timeout(CALL_TIMEOUT, answer)
            .await
            .unwrap_or(Err(RestError::Timeout { waited: CALL_TIMEOUT }))
    }

    async fn read(&self, response: Response<hyper::body::Incoming>) -> Result<Bytes, RestError> {
        let status = response.status();
        if status == StatusCode::TOO_MANY_REQUESTS || status == StatusCode::IM_A_TEAPOT {
            let seconds =
                response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
            let wait = seconds.map_or(DEFAULT_PAUSE, Duration::from_secs);
            self.governor.close(wait);
            return Err(RestError::Limited { status: status.as_u16(), wait });
        }
        let body = Limited::new(response.into_body(), BODY_BYTES_MAX).collect().await.map_err(|error| {
            if error.is::<http_body_util::LengthLimitError>() {
                RestError::TooLarge { limit: BODY_BYTES_MAX }
            } else {
                transport(&*error)
            }
        })?;
        let body = body.to_bytes();
        if status == StatusCode::OK {
            Ok(body)
        } else {
            Err(RestError::Status { status: status.as_u16(), body: Excerpt::of(&body) })
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
