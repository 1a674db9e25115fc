//! REST calls to a venue, within its budget.
//!
//! Owns the HTTP client of one venue; lives on the slow runtime, never on the hot thread. At most
//! [`BODY_BYTES_MAX`] bytes an answer, [`CALL_TIMEOUT`] a call; who waits for the budget waits in its caller's queue.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::header::{CONTENT_TYPE, HeaderValue, USER_AGENT};
use hyper::{Request, Response, Uri};
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

use super::circuit::Failure;
use super::error::RestError;
use super::governor::{Governor, Leave};
use super::refusal::{self, Blame};
use super::venue::RestCall;
use crate::clock;

/// The longest answer: a depth snapshot of 5,000 levels a side is below 1 MiB.
const BODY_BYTES_MAX: usize = 8 << 20;

/// The longest call, connecting included.
const CALL_TIMEOUT: Duration = Duration::from_secs(10);

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
        settle(leave, answer.unwrap_or(Err(RestError::Timeout { waited: CALL_TIMEOUT })))
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
