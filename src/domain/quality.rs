//! How far a value can be trusted, and why no farther (WIRE.md, records, items 0 and 1).

use std::fmt;

macro_rules! wire_enum {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $code:literal, $text:literal;)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            $($(#[$variant_doc])* $variant = $code,)+
        }

        impl $name {
            /// Every one, in the order of their codes.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The number on the wire.
            #[must_use]
            pub const fn code(self) -> u8 {
                self as u8
            }

            /// From the number on the wire; `None` for one that this version does not know.
            #[must_use]
            pub const fn from_code(code: u8) -> Option<Self> {
                match code {
                    $($code => Some(Self::$variant),)+
                    _ => None,
                }
            }

            /// The word for people.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)+
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.pad(self.as_str())
            }
        }
    };
}

wire_enum! {
    /// Whether to trade on a value.
    State {
        /// The newest that the venue has said.
        Live = 0, "live";
        /// May be wrong: do not trade on it.
        Suspect = 1, "suspect";
        /// The venue itself says that it does not trade.
        Halted = 2, "halted";
    }
}

/// Whether a venue trades, in its own words.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Trading {
    /// It does, or has said nothing.
    #[default]
    Open,
    /// It says that it does not.
    Halted,
}

wire_enum! {
    /// Why a value is not live.
    Reason {
        /// It is live.
        None = 0, "none";
        /// No session with the venue yet.
        Connecting = 1, "connecting";
        /// The session ended.
        Disconnected = 2, "disconnected";
        /// The venue's sequence has a hole.
        SequenceGap = 3, "sequence gap";
        /// The venue's checksum differs from ours.
        ChecksumMismatch = 4, "checksum mismatch";
        /// The bid is not below the ask.
        CrossedBook = 5, "crossed book";
        /// Frames arrive much later than the venue made them.
        Congested = 6, "congested";
        /// Quiet beyond its threshold, and nothing confirmed it.
        Silent = 7, "silent";
        /// The venue has halted trading.
        VenueHalt = 8, "venue halt";
        /// The engine is shutting down.
        WriterStopping = 9, "writer stopping";
        /// The venue's own time ran backwards.
        TimeWentBack = 10, "time went back";
        /// Two channels of the venue contradict each other.
        SourcesDisagree = 11, "sources disagree";
        /// Subscribed and acknowledged, but nothing came.
        NoFirstData = 12, "no first data";
        /// Read back from history, not from the venue.
        RestoredFromHistory = 13, "restored from history";
        /// A frame that could have changed it was not understood.
        Undecodable = 14, "undecodable";
        /// The venue does not list it now.
        NotListed = 15, "not listed";
        /// The venue refuses the subscription.
        Refused = 16, "refused";
    }
}
