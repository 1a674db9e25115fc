//! What can go wrong on the way to Redis, and what the writer does next.
//!
//! Owns the stage's error enum and the kinds of error replies. Never holds a secret: an answer to AUTH is named by its
//! kind only, and other messages are cut at [`MESSAGE_MAX`] bytes.

use std::fmt;
use std::io;

use super::reply::NESTING_MAX;

/// Bytes kept of an error message of the server.
pub const MESSAGE_MAX: usize = 200;

macro_rules! refusals {
    ($($(#[$doc:meta])* $variant:ident = $word:literal;)+) => {
        /// The kind of an error reply: its first word.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Refusal {
            $($(#[$doc])* $variant,)+
            /// Any other word.
            Other,
        }

        impl Refusal {
            /// Every one, in the order of [`Self::index`].
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+ Self::Other];

            /// From the first word of an error reply.
            #[must_use]
            pub fn from_word(word: &[u8]) -> Self {
                $(if word == $word.as_bytes() { return Self::$variant; })+
                Self::Other
            }

            /// As Redis writes it.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)+
                    Self::Other => "OTHER",
                }
            }
        }
    };
}

refusals! {
    /// A plain error.
    Err = "ERR";
    /// Beyond `maxmemory`.
    Oom = "OOM";
    /// A replica: the primary is elsewhere.
    ReadOnly = "READONLY";
    /// The server reads its data set.
    Loading = "LOADING";
    /// The ACL forbids the command or the key.
    NoPerm = "NOPERM";
    /// The server cannot persist and refuses writes.
    MisConf = "MISCONF";
    /// Not authenticated.
    NoAuth = "NOAUTH";
    /// Wrong user or password.
    WrongPass = "WRONGPASS";
    /// HELLO's protocol is not known.
    NoProto = "NOPROTO";
    /// The key's Cluster slot lives elsewhere.
    Moved = "MOVED";
    /// The key's Cluster slot is being moved.
    Ask = "ASK";
    /// The Cluster does not serve.
    ClusterDown = "CLUSTERDOWN";
    /// The replica has lost its primary.
    MasterDown = "MASTERDOWN";
    /// Too few replicas.
    NoReplicas = "NOREPLICAS";
    /// A script blocks the server.
    Busy = "BUSY";
    /// A script is not loaded.
    NoScript = "NOSCRIPT";
    /// Keys of a multi-key command are being moved.
    TryAgain = "TRYAGAIN";
    /// The key holds another type.
    WrongType = "WRONGTYPE";
    /// Failover in progress, or the connection is being closed.
    Unblocked = "UNBLOCKED";
}

impl Refusal {
    /// Its place in [`Self::ALL`].
    #[must_use]
    pub const fn index(self) -> usize {
        self as usize
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.as_str())
    }
}

/// What the writer does after an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Recovery {
    /// Give this connection up and make a new one; then publish everything anew.
    Reconnect,
    /// Keep the connection, write nothing for a moment, then write the newest values.
    Pause,
    /// Write this key's newest value again after a moment; the others go on.
    RetryKey,
    /// The keys live on another server of the Cluster: write the newest values there.
    GoElsewhere,
    /// A key among several is the reason: write each by itself for a while.
    OneByOne,
    /// Load the scripts, then write the newest values.
    LoadScripts,
    /// A mistake in the settings: do not start.
    Stop,
}

/// What can go wrong on the way to Redis.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PublishError {
    /// One key too many.
    #[error("{key}: more than {limit} keys in one shard")]
    SlotsFull {
        /// The key that was refused.
        key: String,
        /// [`SLOTS_MAX`](super::SLOTS_MAX).
        limit: usize,
    },
    /// Two slots of one key.
    #[error("{key}: planned twice")]
    DuplicateKey {
        /// Which.
        key: String,
    },
    /// A name that no certificate can be valid for.
    #[error("{host:?} is no name for TLS")]
    TlsName {
        /// The name.
        host: String,
    },
    /// The connection could not be made.
    #[error("{endpoint}: cannot connect")]
    Connect {
        /// Where to.
        endpoint: String,
        /// Why.
        source: io::Error,
    },
    /// The connection was not made in time.
    #[error("{endpoint}: no connection within {after_ms} ms")]
    ConnectTimeout {
        /// Where to.
        endpoint: String,
        /// How long we waited.
        after_ms: u64,
    },
    /// The server refused a step of the handshake.
    #[error("handshake: {step} refused: {refusal}{}{message}", if message.is_empty() { "" } else { ": " })]
    Handshake {
        /// The command's name.
        step: &'static str,
        /// The kind of the refusal.
        refusal: Refusal,
        /// The server's words; empty where they might repeat a secret.
        message: String,
    },
    /// The server ended the connection.
    #[error("the server closed the connection")]
    Closed,
    /// The socket failed.
    #[error("the connection failed")]
    Io(#[from] io::Error),
    /// No answer in time.
    #[error("no answer within {after_ms} ms")]
    Silent {
        /// How long we waited.
        after_ms: u64,
    },
    /// Bytes that are no replies, or a reply to nothing.
    #[error("malformed reply")]
    Malformed(#[from] ReplyError),
    /// A file of certificates or keys cannot be used.
    #[error("{path}: {problem}")]
    TlsFile {
        /// Which file.
        path: String,
        /// What is wrong with it; never its content.
        problem: String,
    },
    /// Certificate and key do not make a client's identity.
    #[error("{certificate} and {key} cannot be used together")]
    TlsIdentity {
        /// The certificate's file.
        certificate: String,
        /// The key's file.
        key: String,
        /// Why.
        source: rustls::Error,
    },
    /// The server refused a question.
    #[error("{command} refused: {refusal}: {message}")]
    Question {
        /// The command's name.
        command: &'static str,
        /// The kind of the refusal.
        refusal: Refusal,
        /// The server's words, cut at [`MESSAGE_MAX`] bytes.
        message: String,
    },
    /// The answer to a question has another shape than the command's documentation says.
    #[error("{command}: unexpected answer: {problem}")]
    Answer {
        /// The command's name.
        command: &'static str,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// The server refused a write.
    #[error("write refused: {refusal}: {message}")]
    Refused {
        /// The kind of the refusal.
        refusal: Refusal,
        /// The server's words, cut at [`MESSAGE_MAX`] bytes.
        message: String,
    },
}

impl Refusal {
    /// What the writer does after a refused write. No wildcard arm: a new kind must choose.
    #[must_use]
    pub const fn recovery(self) -> Recovery {
        match self {
            Self::ReadOnly | Self::NoAuth | Self::WrongPass | Self::NoProto | Self::Unblocked => {
                Recovery::Reconnect
            }
            Self::Oom
            | Self::Loading
            | Self::MisConf
            | Self::ClusterDown
            | Self::MasterDown
            | Self::NoReplicas
            | Self::Busy => Recovery::Pause,
            Self::Moved | Self::Ask => Recovery::GoElsewhere,
            // One key of a script that may not be written refuses all of them.
            Self::TryAgain | Self::NoPerm => Recovery::OneByOne,
            Self::NoScript => Recovery::LoadScripts,
            Self::Err | Self::WrongType | Self::Other => Recovery::RetryKey,
        }
    }
}

impl PublishError {
    /// What the writer does next. No wildcard arm: a new variant must choose.
    #[must_use]
    pub const fn recovery(&self) -> Recovery {
        match self {
            Self::SlotsFull { .. } | Self::DuplicateKey { .. } | Self::TlsName { .. } => Recovery::Stop,
            Self::TlsFile { .. } | Self::TlsIdentity { .. } => Recovery::Stop,
            Self::Connect { .. }
            | Self::ConnectTimeout { .. }
            | Self::Handshake { .. }
            | Self::Closed
            | Self::Io(_)
            | Self::Silent { .. }
            | Self::Malformed(_)
            | Self::Answer { .. } => Recovery::Reconnect,
            Self::Question { refusal, .. } | Self::Refused { refusal, .. } => refusal.recovery(),
        }
    }

    /// One word for the label `why` of the reconnect counter.
    #[must_use]
    pub const fn why(&self) -> &'static str {
        match self {
            Self::SlotsFull { .. } | Self::DuplicateKey { .. } => "plan",
            Self::TlsName { .. } => "tls_name",
            Self::Connect { .. } => "connect",
            Self::ConnectTimeout { .. } => "connect_timeout",
            Self::Handshake { .. } => "handshake",
            Self::Closed => "closed",
            Self::Io(_) => "io",
            Self::Silent { .. } => "silent",
            Self::Malformed(_) => "malformed",
            Self::TlsFile { .. } | Self::TlsIdentity { .. } => "tls_file",
            Self::Question { .. } | Self::Refused { .. } => "refused",
            Self::Answer { .. } => "answer",
        }
    }
}

/// Bytes that are no replies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReplyError {
    /// Not a type of RESP.
    #[error("0x{0:02x} starts no reply")]
    Type(u8),
    /// A line end that is not `\r\n`.
    #[error("0x{0:02x} where a line end belongs")]
    LineEnd(u8),
    /// Not a length.
    #[error("0x{0:02x} in a length")]
    Length(u8),
    /// Longer than the limit.
    #[error("length {length} beyond {limit}")]
    TooLong {
        /// What came.
        length: u64,
        /// What is allowed.
        limit: u64,
    },
    /// Deeper than [`NESTING_MAX`].
    #[error("nested deeper than {NESTING_MAX}")]
    TooDeep,
    /// A reply to nothing.
    #[error("a reply that no command asked for")]
    Unasked,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_refusal_is_found_by_its_word() {
        for (index, &refusal) in Refusal::ALL.iter().enumerate() {
            assert_eq!(refusal.index(), index);
            assert_eq!(Refusal::from_word(refusal.as_str().as_bytes()), refusal);
        }
        assert_eq!(Refusal::from_word(b"NEVERSEEN"), Refusal::Other);
    }
}
