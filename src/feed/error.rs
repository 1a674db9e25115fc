//! Why a session ended, why a REST call failed, and what follows.
//!
//! Owns the two errors of this stage (a frame that is not understood is a [`DecodeError`](super::DecodeError)). Never
//! holds more of a venue's words than an [`Excerpt`].

use std::time::Duration;

use super::{DecodeError, Excerpt};
use crate::domain::NumberError;
use crate::net::ConnectError;

/// What to do after an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recovery {
    /// Make a new session after the backoff.
    Reconnect,
    /// Make a new session now: the venue asked for it.
    ReconnectNow,
    /// Ask again later, not before this time has passed.
    RetryAfter(Duration),
    /// Ending was what we wanted.
    Stop,
}

/// Why a session ended.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SessionEnd {
    /// No connection.
    #[error("connecting to {host}: {source}")]
    Connect {
        /// Host and port.
        host: String,
        /// What happened at each of its addresses.
        source: ConnectError,
    },
    /// TLS was not agreed on: a certificate that is expired, of another name or of an unknown authority, or no TLS at all.
    #[error("TLS with {host}: {source}")]
    Tls {
        /// Host and port.
        host: String,
        /// What the library says.
        source: std::io::Error,
    },
    /// The venue, or something in front of it, answered the websocket's upgrade with something else.
    #[error("{host} answered the websocket upgrade with status {status}: {body}")]
    Refused {
        /// Host and port.
        host: String,
        /// The HTTP status.
        status: u16,
        /// How long it asks to be left alone.
        retry_after: Option<Duration>,
        /// The first words of the body.
        body: Excerpt,
    },
    /// The upgrade broke, or its answer was no HTTP.
    #[error("websocket upgrade at {host}: {source}")]
    Upgrade {
        /// Host and port.
        host: String,
        /// What the library says.
        source: Box<tokio_tungstenite::tungstenite::Error>,
    },
    /// The address took the connection, and nothing came of TLS and upgrade in time.
    #[error("TLS and websocket upgrade at {host}: no answer within {waited:?}")]
    ConnectTimeout {
        /// Host and port.
        host: String,
        /// How long.
        waited: Duration,
    },
    /// The URL cannot be used.
    #[error("websocket url {url:?}: {reason}")]
    Url {
        /// As configured.
        url: String,
        /// What is wrong.
        reason: &'static str,
    },
    /// The connection broke, or what came was no websocket frame.
    #[error("websocket: {0}")]
    WebSocket(#[source] Box<tokio_tungstenite::tungstenite::Error>),
    /// The venue said goodbye.
    #[error("closed by the venue: {code} {reason}")]
    Closed {
        /// Close code; 1005 = none given.
        code: u16,
        /// The venue's words.
        reason: Excerpt,
    },
    /// Nothing came for longer than this path's answers take.
    #[error("nothing heard for {silent:?}")]
    HalfOpen {
        /// How long.
        silent: Duration,
    },
    /// A subscription request was not even acknowledged.
    #[error("a subscription request was not acknowledged within {waited:?}")]
    NotAcknowledged {
        /// How long.
        waited: Duration,
    },
    /// A request could not be sent in time.
    #[error("a request could not be sent within {waited:?}")]
    SendTimeout {
        /// How long.
        waited: Duration,
    },
    /// Nothing but garbage.
    #[error("{count} frames in a row were not understood, the last one: {last}")]
    Garbage {
        /// How many.
        count: u32,
        /// Why the last one was not.
        last: DecodeError,
    },
    /// Another connection has taken its place before the venue ended it.
    #[error("another connection has taken its place")]
    Replaced,
    /// We stop.
    #[error("stopping")]
    Stopping,
}

impl SessionEnd {
    /// What follows. No wildcard arm: a new variant must choose.
    #[must_use]
    pub const fn recovery(&self) -> Recovery {
        match self {
            Self::Connect { .. }
            | Self::Tls { .. }
            | Self::Refused { .. }
            | Self::Upgrade { .. }
            | Self::ConnectTimeout { .. }
            | Self::Url { .. }
            | Self::WebSocket(_)
            | Self::Closed { .. }
            | Self::HalfOpen { .. }
            | Self::NotAcknowledged { .. }
            | Self::SendTimeout { .. }
            | Self::Garbage { .. } => Recovery::Reconnect,
            Self::Replaced => Recovery::ReconnectNow,
            Self::Stopping => Recovery::Stop,
        }
    }

    /// Whether it speaks against the address: connections come about there, and bring nothing.
    #[must_use]
    pub const fn is_of_path(&self) -> bool {
        match self {
            Self::HalfOpen { .. }
            | Self::NotAcknowledged { .. }
            | Self::SendTimeout { .. }
            | Self::Garbage { .. } => true,
            Self::Connect { .. }
            | Self::Tls { .. }
            | Self::Refused { .. }
            | Self::Upgrade { .. }
            | Self::ConnectTimeout { .. }
            | Self::Url { .. }
            | Self::WebSocket(_)
            | Self::Closed { .. }
            | Self::Replaced
            | Self::Stopping => false,
        }
    }

    /// One word for the metric's label.
    #[must_use]
    pub const fn label(&self) -> &'static str {
        match self {
            Self::Connect { .. } | Self::ConnectTimeout { .. } | Self::Url { .. } => "connect",
            Self::Tls { .. } => "tls",
            Self::Refused { .. } => "refused",
            Self::Upgrade { .. } => "upgrade",
            Self::WebSocket(_) => "websocket",
            Self::Closed { .. } => "closed",
            Self::HalfOpen { .. } => "half_open",
            Self::NotAcknowledged { .. } => "not_acknowledged",
            Self::SendTimeout { .. } => "send_timeout",
            Self::Garbage { .. } => "garbage",
            Self::Replaced => "venue_shutdown",
            Self::Stopping => "stopping",
        }
    }
}

/// Why a REST call brought nothing.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RestError {
    /// The URL cannot be used.
    #[error("rest url {url:?}: {reason}")]
    Url {
        /// As configured, with the path.
        url: String,
        /// What is wrong.
        reason: String,
    },
    /// No answer.
    #[error("rest call: {reason}")]
    Transport {
        /// What the library says.
        reason: String,
    },
    /// No answer in time.
    #[error("rest call: no answer within {waited:?}")]
    Timeout {
        /// How long.
        waited: Duration,
    },
    /// The venue is left alone until a pause is over, or our own budget is spent: no call was made.
    #[error("rest call: not made, the venue is left alone for {wait:?} more")]
    Limited {
        /// How long.
        wait: Duration,
    },
    /// The venue, or something in front of it, refuses every call for a while.
    #[error("rest call: refused for {wait:?}: status {status}: {body}")]
    Refused {
        /// Its HTTP status; 200 where the body is no answer, or says that we ask too often.
        status: u16,
        /// How long nothing is asked.
        wait: Duration,
        /// The first words of the body.
        body: Excerpt,
    },
    /// Another status than 200, about this call alone.
    #[error("rest call: status {status}: {body}")]
    Status {
        /// Which.
        status: u16,
        /// What came with it.
        body: Excerpt,
    },
    /// An answer longer than any that makes sense.
    #[error("rest call: more than {limit} bytes")]
    TooLarge {
        /// The most that is taken.
        limit: usize,
    },
    /// An answer that is not understood.
    #[error("rest call: {0}")]
    Decode(#[from] DecodeError),
    /// A number in the answer that fits nowhere.
    #[error("rest call: a level {0}")]
    Unfit(#[from] NumberError),
}

impl RestError {
    /// What follows. No wildcard arm: a new variant must choose.
    #[must_use]
    pub const fn recovery(&self) -> Recovery {
        match self {
            Self::Limited { wait } | Self::Refused { wait, .. } => Recovery::RetryAfter(*wait),
            Self::Transport { .. } | Self::Timeout { .. } => Recovery::RetryAfter(Duration::from_secs(1)),
            Self::Status { .. } | Self::Decode(_) | Self::Unfit(_) => {
                Recovery::RetryAfter(Duration::from_secs(5))
            }
            Self::Url { .. } | Self::TooLarge { .. } => Recovery::RetryAfter(Duration::from_secs(60)),
        }
    }

    /// Whether it concerns every call to the venue: the governor pauses them, and has said so.
    #[must_use]
    pub const fn is_of_venue(&self) -> bool {
        match self {
            Self::Limited { .. } | Self::Refused { .. } | Self::Transport { .. } | Self::Timeout { .. } => {
                true
            }
            Self::Url { .. }
            | Self::Status { .. }
            | Self::TooLarge { .. }
            | Self::Decode(_)
            | Self::Unfit(_) => false,
        }
    }
}
