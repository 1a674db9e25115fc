//! Which answers of a venue mean "leave me alone", and for how long.
//!
//! Owns the reading of statuses, of `Retry-After` and of the venues' own codes. Never decides how long we really wait: that is
//! the circuit's. Looks into answers up to [`ERROR_BYTES_MAX`] bytes; a longer one is no error.

use std::time::Duration;

use hyper::header::{DATE, HeaderMap, HeaderValue, RETRY_AFTER};
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::Excerpt;
use crate::domain::WallTime;

/// The longest answer that may be an error in the venue's own form.
const ERROR_BYTES_MAX: usize = 4_096;

/// Whom an answer concerns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Blame {
    /// Nobody: it is what was asked for.
    Nobody,
    /// This one call: a symbol that the venue does not know, a parameter that it does not take.
    Call,
    /// Every call: a ban, maintenance, something else in the venue's place.
    Venue,
}

/// Whom an answer concerns, by its status and its body.
pub(super) fn blame(status: u16, body: &[u8]) -> Blame {
    match status {
        200 if is_overload(body) => Blame::Venue,
        200 if is_json(body) => Blame::Nobody,
        // Hyperliquid's answer to a coin that it does not know (nktkas/hyperliquid: "500 null").
        500 if body.trim_ascii() == b"null" => Blame::Call,
        401 | 403 | 407 | 408 | 418 | 425 | 429 | 451 => Blame::Venue,
        400..=499 if is_page(body) || is_overload(body) => Blame::Venue,
        400..=499 => Blame::Call,
        _ => Blame::Venue,
    }
}

/// Whether it is one whole JSON document, and not half of one or a page of a proxy.
fn is_json(body: &[u8]) -> bool {
    serde_json::from_slice::<IgnoredAny>(body).is_ok()
}

fn is_page(body: &[u8]) -> bool {
    body.trim_ascii_start().starts_with(b"<")
}

/// An error in the form of one of the venues.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Envelope {
    code: Code,
    #[serde(rename = "retCode")]
    ret_code: Code,
    error: Errors,
}

#[derive(Debug, Default, Deserialize)]
#[serde(untagged)]
enum Code {
    Number(i64),
    Text(String),
    Else(IgnoredAny),
    #[default]
    None,
}

#[derive(Debug, Default, Deserialize)]
#[serde(untagged)]
enum Errors {
    List(Vec<String>),
    Else(IgnoredAny),
    #[default]
    None,
}

/// Whether the venue says in its own code that it is asked too often, or is busy. The codes of different venues do not collide.
/// - Binance `code`: -1003 too many requests, -1008 overloaded (developers.binance.com, "Error Codes").
/// - Bybit `retCode`: 10006 too many visits, 10016 server error, 10018 rate limit of the address, 10429 overloaded (bybit-exchange.github.io,
///   "Error Codes").
/// - OKX `code`: 50001 unavailable, 50004 timeout, 50011 rate limit, 50013 busy, 50026 system error, 50040 too frequent (okx.com, "Error
///   Code").
/// - Kraken `error`: `EAPI:Rate limit exceeded`, `EGeneral:Too many requests`, `EGeneral:Temporary lockout`, and `EService:` but for
///   markets (docs.kraken.com, "Spot Errors").
fn is_overload(body: &[u8]) -> bool {
    if body.len() > ERROR_BYTES_MAX {
        return false;
    }
    let Ok(Envelope { code, ret_code, error }) = serde_json::from_slice::<Envelope>(body) else {
        return false;
    };
    let code = match code {
        Code::Number(number) => matches!(number, -1_003 | -1_008),
        Code::Text(text) => {
            matches!(text.as_str(), "50001" | "50004" | "50011" | "50013" | "50026" | "50040")
        }
        Code::Else(_) | Code::None => false,
    };
    let ret_code = matches!(ret_code, Code::Number(10_006 | 10_016 | 10_018 | 10_429));
    let error = match error {
        Errors::List(list) => list.iter().any(|text| is_kraken_overload(text)),
        Errors::Else(_) | Errors::None => false,
    };
    code || ret_code || error
}

fn is_kraken_overload(text: &str) -> bool {
    let general = ["EAPI:Rate limit", "EGeneral:Too many requests", "EGeneral:Temporary lockout"];
    let service = ["EService:Unavailable", "EService:Busy", "EService:Timeout", "EService:Throttled"];
    general.iter().chain(&service).any(|start| text.starts_with(start))
}

/// How long the answer asks to be left alone: seconds, or a date. A date is read against the answer's own `Date` where it has one: our
/// clock may be wrong.
pub(super) fn retry_after(headers: &HeaderMap<HeaderValue>, wall: WallTime) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse::<f64>() {
        // A number beyond any duration is as good as the longest one.
        let is_number = seconds.is_finite() && seconds >= 0.0;
        return is_number.then(|| Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX));
    }
    let until = httpdate::parse_http_date(text).ok()?;
    let told = headers.get(DATE).and_then(|date| httpdate::parse_http_date(date.to_str().ok()?).ok());
    let nanos = u64::try_from(wall.nanos()).unwrap_or_default();
    let now = told.unwrap_or(std::time::UNIX_EPOCH + Duration::from_nanos(nanos));
    Some(until.duration_since(now).unwrap_or_default())
}

/// The first words of a body, without the white space around them.
pub(super) fn words(body: &[u8]) -> Excerpt {
    Excerpt::of(body.trim_ascii())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_of_the_venue_is_told_from_one_of_the_call() {
        use Blame::{Call, Nobody, Venue};
        let page = "<html><head><title>403 Forbidden</title>";
        for (status, body, expected) in [
            (200, r#"{"bids":[]}"#, Nobody),
            (200, "[]", Nobody),
            (200, page, Venue),
            (200, "", Venue),
            (200, r#"{"bids":[["1","2"],["#, Venue),
            (200, "OK", Venue),
            (204, "", Venue),
            (302, "", Venue),
            (400, r#"{"code":-1121,"msg":"Invalid symbol."}"#, Call),
            (400, r#"{"code":-1003,"msg":"Too many requests"}"#, Venue),
            (400, page, Venue),
            (401, "", Venue),
            (403, page, Venue),
            (403, r#"{"code":0,"msg":"restricted location"}"#, Venue),
            (404, r#"{"message":"NotFound"}"#, Call),
            (404, "", Call),
            (418, "", Venue),
            (422, "Failed to deserialize the JSON body", Call),
            (429, "", Venue),
            (451, r#"{"code":0}"#, Venue),
            (500, "null", Call),
            (500, r#"{"message":"Internal server error"}"#, Venue),
            (502, page, Venue),
            (503, "", Venue),
            (599, "{}", Venue),
            (200, r#"{"retCode":10006,"retMsg":"Too many visits!","result":{}}"#, Venue),
            (200, r#"{"retCode":10001,"retMsg":"params error","result":{}}"#, Nobody),
            (200, r#"{"code":"50011","msg":"Too Many Requests","data":[]}"#, Venue),
            (200, r#"{"code":"51001","msg":"Instrument ID does not exist","data":[]}"#, Nobody),
            (200, r#"{"error":["EAPI:Rate limit exceeded"]}"#, Venue),
            (200, r#"{"error":["EService:Unavailable"]}"#, Venue),
            (200, r#"{"error":["EQuery:Unknown asset pair"]}"#, Nobody),
            (200, r#"{"error":[],"result":{"XXBTZUSD":{}}}"#, Nobody),
        ] {
            assert_eq!(blame(status, body.as_bytes()), expected, "{status} {body}");
        }
    }

    #[test]
    fn the_venue_s_time_is_read_as_seconds_and_as_a_date() {
        let wall = WallTime::from_nanos(784_111_777 * 1_000_000_000);
        let read = |text: &str, date: Option<&str>| {
            let mut headers = HeaderMap::new();
            headers.insert(RETRY_AFTER, text.parse().unwrap());
            if let Some(date) = date {
                headers.insert(DATE, date.parse().unwrap());
            }
            retry_after(&headers, wall).map(|wait| wait.as_secs_f64())
        };
        for (text, expected) in [
            ("30", Some(30.0)),
            (" 0 ", Some(0.0)),
            ("1.5", Some(1.5)),
            ("-3", None),
            ("nan", None),
            ("inf", None),
            ("soon", None),
            ("", None),
            ("Sun, 06 Nov 1994 08:49:57 GMT", Some(20.0)),
            ("Sunday, 06-Nov-94 08:49:57 GMT", Some(20.0)),
            ("Sun, 06 Nov 1994 08:49:00 GMT", Some(0.0)),
        ] {
            assert_eq!(read(text, None), expected, "{text}");
        }
        let by_the_venue_s_clock =
            read("Sun, 06 Nov 1994 08:49:57 GMT", Some("Sun, 06 Nov 1994 08:49:47 GMT"));
        assert_eq!(by_the_venue_s_clock, Some(10.0), "our clock may be wrong");
        assert!(read("999999999999999999999999", None).unwrap() > 1e18);
    }
}
