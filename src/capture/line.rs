//! One line of a recording.

use super::LineError;
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

#[cfg(test)]
mod tests {
    use super::*;

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
