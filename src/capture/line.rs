//! One line of a recording.

use std::io::Write;

use super::{LINE_BYTES_MAX, LineError};
use crate::domain::ReceiveTime;

/// One line of a recording.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// When it was received, by the recorder's clock.
    pub receive_time: ReceiveTime,
    /// What was received.
    pub kind: Kind,
}

/// What was received.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// A text frame of a websocket.
    Ws {
        /// The frame as received.
        frame: String,
    },
    /// An answer over REST.
    Rest {
        /// What was asked, such as `/api/v3/depth?symbol=BTCUSDT`.
        path_and_query: String,
        /// The body as received.
        body: String,
    },
}

impl Line {
    /// Parses a line without its line end.
    ///
    /// # Errors
    ///
    /// [`LineError`] where it breaks the format.
    pub fn parse(bytes: &[u8]) -> Result<Self, LineError> {
        let text = std::str::from_utf8(bytes).map_err(|error| LineError::Encoding(error.valid_up_to()))?;
        let (time, rest) = text.split_once(' ').ok_or(LineError::ReceiveTime)?;
        let nanos: i64 = time.parse().map_err(|_| LineError::ReceiveTime)?;
        let (word, payload) = rest.split_once(' ').ok_or(LineError::Kind)?;
        let kind = match word {
            "ws" => Kind::Ws { frame: payload.to_owned() },
            "rest" => {
                let (path, body) = payload.split_once(' ').ok_or(LineError::Body)?;
                if path.is_empty() {
                    return Err(LineError::Body);
                }
                Kind::Rest { path_and_query: path.to_owned(), body: body.to_owned() }
            }
            _ => return Err(LineError::Kind),
        };
        Ok(Self { receive_time: ReceiveTime::from_nanos(nanos), kind })
    }

    /// What was received, without the path: the frame or the body.
    #[must_use]
    pub fn payload(&self) -> &str {
        match &self.kind {
            Kind::Ws { frame } => frame,
            Kind::Rest { body, .. } => body,
        }
    }
}

/// Where a record comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    /// A websocket; the record is the frame.
    Ws,
    /// REST; the record is the path and query, a space, and the body.
    Rest,
}

/// What became of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Written {
    /// A line with the same bytes.
    Whole,
    /// A line with spaces for line breaks. In JSON they can only stand between tokens, where a space means the same.
    Altered,
    /// Nothing: it is no text, it has no path, or its line would be longer than [`LINE_BYTES_MAX`].
    Unfit,
}

/// Appends a record to `lines` as a line of its own.
pub(super) fn append(lines: &mut Vec<u8>, received: ReceiveTime, source: Source, record: &[u8]) -> Written {
    let is_fit = match (source, std::str::from_utf8(record)) {
        (_, Err(_)) => false,
        (Source::Ws, Ok(_)) => true,
        (Source::Rest, Ok(text)) => !text.starts_with(' '),
    };
    let start = lines.len();
    let word = match source {
        Source::Ws => "ws",
        Source::Rest => "rest",
    };
    write!(lines, "{} {word} ", received.nanos()).expect("a Vec takes everything");
    if !is_fit || lines.len() - start + record.len() > LINE_BYTES_MAX {
        lines.truncate(start);
        return Written::Unfit;
    }
    let payload = lines.len();
    lines.extend_from_slice(record);
    let mut written = Written::Whole;
    for byte in &mut lines[payload..] {
        if matches!(byte, b'\n' | b'\r') {
            *byte = b' ';
            written = Written::Altered;
        }
    }
    lines.push(b'\n');
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_appended_parses_to_the_same_record() {
        let time = ReceiveTime::from_nanos(1_723_161_254_000_000_001);
        let mut lines = Vec::new();
        for (source, record, expected, written) in [
            (Source::Ws, "{\"a\": \"ü\"}", "{\"a\": \"ü\"}", Written::Whole),
            (Source::Ws, "", "", Written::Whole),
            (Source::Ws, "{\r\n\"a\":1}\n", "{  \"a\":1} ", Written::Altered),
            (Source::Rest, "/p?q=1 [1, 2]", "[1, 2]", Written::Whole),
            (Source::Rest, "/p?q=1 [1,\n2]", "[1, 2]", Written::Altered),
        ] {
            lines.clear();
            assert_eq!(append(&mut lines, time, source, record.as_bytes()), written, "{record:?}");
            let line = Line::parse(lines.strip_suffix(b"\n").unwrap()).unwrap();
            assert_eq!((line.receive_time, line.payload()), (time, expected));
        }
    }

    #[test]
    fn what_is_no_line_leaves_no_trace() {
        let mut lines = b"1 ws {}\n".to_vec();
        let long = vec![b'x'; LINE_BYTES_MAX];
        for (source, record) in [(Source::Ws, &b"\xff\x00"[..]), (Source::Rest, b" {}"), (Source::Ws, &long)]
        {
            let written = append(&mut lines, ReceiveTime::from_nanos(1), source, record);
            assert_eq!((written, lines.len()), (Written::Unfit, 8));
        }
    }

    #[test]
    fn a_frame_keeps_its_spaces_and_a_body_follows_its_path() {
        let line = Line::parse(b"17 ws {\"a\": 1}").unwrap();
        assert_eq!(line.receive_time.nanos(), 17);
        assert_eq!(line.kind, Kind::Ws { frame: "{\"a\": 1}".to_owned() });
        let line = Line::parse(b"18 rest /api/v3/depth?symbol=X {\"b\": 2}").unwrap();
        let expected =
            Kind::Rest { path_and_query: "/api/v3/depth?symbol=X".to_owned(), body: "{\"b\": 2}".to_owned() };
        assert_eq!(line.kind, expected);
    }

    #[test]
    fn a_line_that_breaks_the_format_says_how() {
        for (bytes, expected) in [
            (&b""[..], LineError::ReceiveTime),
            (b"now ws {}", LineError::ReceiveTime),
            (b"1", LineError::ReceiveTime),
            (b"1 ws", LineError::Kind),
            (b"1 tcp {}", LineError::Kind),
            (b"1 rest /path", LineError::Body),
            (b"1 rest  {}", LineError::Body),
            (b"1 ws \xff", LineError::Encoding(5)),
        ] {
            assert_eq!(Line::parse(bytes), Err(expected), "{bytes:?}");
        }
    }
}
