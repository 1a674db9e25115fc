//! Who speaks another protocol than ours: a browser, a probe, a scanner, somebody who wants the line of one protocol executed by another.
//!
//! Owns telling them from clients, and the one log line a minute. Never answers them: redis-server closes at `POST` and at `Host:` without a
//! word, so that nothing that comes after such a line is executed (CVE-2016-10517). We do the same, and already at the first line that
//! shows the protocol.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::domain::MonoTime;

use super::session::Request;
use crate::domain::LogThrottle;

/// Between two log lines.
const LOG_EVERY: Duration = Duration::from_secs(60);

/// A protocol that is not ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Foreign {
    Http,
    Tls,
    Ssh,
    Proxy,
}

impl Foreign {
    /// For the log.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Tls => "tls",
            Self::Ssh => "ssh",
            Self::Proxy => "proxy",
        }
    }
}

/// Whether what comes is the first bytes of a TLS handshake: to somebody who speaks TLS to a plain port, a line without an end.
#[inline]
pub(super) fn is_tls(bytes: &[u8]) -> bool {
    matches!(bytes, [0x16, 0x03, ..])
}

/// What redis-server closes at, in either form of a request.
#[inline]
pub(super) fn of_any(request: Request<'_>) -> Option<Foreign> {
    let name = request.get(0);
    // Nearly every request is neither four nor five bytes long.
    let is_http = match name.len() {
        4 => name.eq_ignore_ascii_case(b"post"),
        5 => name.eq_ignore_ascii_case(b"host:"),
        _ => false,
    };
    is_http.then_some(Foreign::Http)
}

/// What a line of words shows: `GET / HTTP/1.1`, `PRI * HTTP/2.0`, `HTTP/1.1 200 OK`, `SSH-2.0-x`, `PROXY TCP4 ...`.
pub(super) fn of_line(request: Request<'_>) -> Option<Foreign> {
    let name = request.get(0);
    let is_version = |word: &[u8]| word.starts_with(b"HTTP/");
    match name {
        [b'S', b'S', b'H', b'-', ..] => Some(Foreign::Ssh),
        b"PROXY" => Some(Foreign::Proxy),
        _ if is_version(name) || (request.len() == 3 && is_version(request.get(2))) => Some(Foreign::Http),
        _ => None,
    }
}

/// Says once a minute that somebody is lost.
#[derive(Debug, Default)]
pub(super) struct Log(Mutex<LogThrottle>);

impl Log {
    pub(super) fn closed(&self, protocol: Foreign, client: u64, now: MonoTime) {
        let mut seldom = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if seldom.is_due(now, LOG_EVERY) {
            let protocol = protocol.as_str();
            tracing::warn!(
                client,
                protocol,
                "a client of the embedded endpoint speaks another protocol and was disconnected"
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::parser::{Found, Parser, Trust};
    use super::*;

    #[test]
    fn the_first_line_shows_the_protocol_and_ours_is_not_taken_for_one() {
        use Foreign::{Http, Proxy, Ssh};
        for (line, expected) in [
            ("GET / HTTP/1.1", Some(Http)),
            ("GET /metrics HTTP/1.0", Some(Http)),
            ("get / HTTP/1.1", Some(Http)),
            ("OPTIONS * HTTP/1.1", Some(Http)),
            ("CONNECT venue:443 HTTP/1.1", Some(Http)),
            ("PRI * HTTP/2.0", Some(Http)),
            ("HTTP/1.1 200 OK", Some(Http)),
            ("POST", Some(Http)),
            ("pOsT /x", Some(Http)),
            ("hOsT: 10.0.0.1:6379", Some(Http)),
            ("SSH-2.0-OpenSSH_9.2", Some(Ssh)),
            ("PROXY TCP4 1.1.1.1 2.2.2.2 5 6", Some(Proxy)),
            ("PROXY UNKNOWN", Some(Proxy)),
            ("GET HTTP/1.1", None),
            ("GET key", None),
            ("MGET a b", None),
            ("MGET a b HTTP/1.1", None),
            ("PING", None),
            ("Host x", None),
        ] {
            let mut parser = Parser::default();
            let buffer = format!("{line}\r\n");
            assert_eq!(parser.next(buffer.as_bytes(), Trust::Known), Ok(Found::Request), "{line}");
            let request = Request::new(parser.source(buffer.as_bytes()), parser.arguments());
            assert_eq!(of_any(request).or_else(|| of_line(request)), expected, "{line}");
        }
        assert!(is_tls(&[0x16, 0x03, 0x01]) && !is_tls(&[0x16]) && !is_tls(b"*1"));
    }
}
