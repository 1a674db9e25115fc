//! REST: faults, weights and headers around what the dialect answers.
//!
//! Owns what is common to all venues. Never keeps a book: dialects ask [`super::source::Source`].

use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};

use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER};
use hyper::{Request, Response, StatusCode};

use super::dialect::Asked;
use super::fault::{Fault, Place};
use super::server::Shared;
use crate::clock;

type Answer = Response<Full<Bytes>>;

const USED_WEIGHT: HeaderName = HeaderName::from_static("x-mbx-used-weight");
const USED_WEIGHT_1M: HeaderName = HeaderName::from_static("x-mbx-used-weight-1m");
/// Bytes that a request's body may have.
const BODY_MAX: usize = 64 << 10;

/// Answers one request.
pub(super) async fn answer(request: Request<Incoming>, shared: &Arc<Shared>) -> Answer {
    shared.counters.rest_requests.fetch_add(1, Ordering::Relaxed);
    let (head, body) = request.into_parts();
    let body = Limited::new(body, BODY_MAX).collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    let body = String::from_utf8_lossy(&body).into_owned();
    let (path, query) = (head.uri.path().to_owned(), head.uri.query().map(str::to_owned));
    let asked = head.uri.path_and_query().map_or(path.as_str(), |whole| whole.as_str());
    let mut garbage = false;
    // What is asked for in a body counts as if it stood in the query.
    for fault in shared.faults.strike(Place::Rest, &format!("{asked}{body}")) {
        match fault {
            Fault::Status { status, retry_after_s } => return refused(shared, status, retry_after_s),
            Fault::SlowRest(time) => tokio::time::sleep(time).await,
            Fault::GarbageBody => garbage = true,
            _ => {}
        }
    }
    let now = clock::mono();
    let weight = shared.dialect.weight(&path, query.as_deref());
    let used = shared.weight.lock().unwrap_or_else(PoisonError::into_inner).add(weight, now);
    if used.used > shared.limits.weight_per_minute {
        let wait = u32::try_from(used.resets_in_s).unwrap_or(60);
        return refused(shared, 429, Some(wait));
    }
    if garbage {
        return respond(200, "{\"lastUpdateId\":\"<garbage>".to_owned());
    }
    let method = head.method.as_str().to_owned();
    let asked_of = shared.clone();
    // A replay may have thousands of recorded deltas to apply first: that is no work for the thread that sends frames.
    let answered = tokio::task::spawn_blocking(move || {
        let now_us = clock::true_wall().nanos() / 1000;
        let asked = Asked { method: &method, path: &path, query: query.as_deref(), body: &body, now_us };
        asked_of.dialect.answer(&asked, &asked_of.source)
    });
    let Ok(answered) = answered.await else { return refused(shared, 500, None) };
    let mut response = respond(answered.status, answered.body);
    if shared.limits.weight_per_minute < u32::MAX {
        response.headers_mut().insert(USED_WEIGHT, HeaderValue::from(used.used));
        response.headers_mut().insert(USED_WEIGHT_1M, HeaderValue::from(used.used));
    }
    response
}

/// The answer of a [`Fault::Status`] that strikes at a websocket's handshake.
pub(super) fn status_fault(shared: &Shared, path: &str) -> Option<Answer> {
    let faults = shared.faults.strike(Place::Rest, path);
    faults.into_iter().find_map(|fault| match fault {
        Fault::Status { status, retry_after_s } => Some(refused(shared, status, retry_after_s)),
        _ => None,
    })
}

fn respond(status: u16, body: String) -> Answer {
    let mut response = Response::new(Full::from(body));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json;charset=UTF-8"));
    response
}

fn refused(shared: &Shared, status: u16, retry_after_s: Option<u32>) -> Answer {
    let mut response = respond(status, shared.dialect.refusal(status));
    if let Some(seconds) = retry_after_s {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}
