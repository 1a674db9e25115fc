//! Keys that take one of a few words.
//!
//! Owns each such type, its words, and nothing about what they lead to. Words stand here once: `keys` declares them
//! from here.

use crate::domain::PriceFrom;

/// One of a few words.
pub(super) trait Choice: Sized {
    /// All of them, as in the file.
    const WORDS: &'static [&'static str];

    /// The choice with this word.
    fn of(word: &str) -> Option<Self>;
}

macro_rules! choices {
    ($($(#[$doc:meta])* $name:ident { $($(#[$word_doc:meta])* $variant:ident = $word:literal,)+ })+) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $name { $($(#[$word_doc])* $variant,)+ }

        impl $name {
            /// As it stands in the file.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }
        }

        impl Choice for $name {
            const WORDS: &'static [&'static str] = &[$($word),+];

            fn of(word: &str) -> Option<Self> {
                match word {
                    $($word => Some(Self::$variant),)+
                    _ => None,
                }
            }
        }
    )+};
}

choices! {
    /// Where values are kept.
    StoreKind {
        /// In the engine's own table.
        Embedded = "embedded",
        /// In Redis.
        Redis = "redis",
    }
    /// How many servers Redis is, and who says which of them takes writes.
    RedisMode {
        /// One server, at `redis.url`.
        Single = "single",
        /// A primary that the Sentinels at `redis.nodes` name.
        Sentinel = "sentinel",
        /// A Redis Cluster, found by way of `redis.nodes`.
        Cluster = "cluster",
    }
    /// Whether a value may replace that of another engine.
    Fencing {
        /// Only where its epoch is not smaller: any number of engines may run.
        On = "on",
        /// Always, by plain SET: right for one engine only.
        Off = "off",
    }
    /// Whether accepted values are published on their update channels.
    Push {
        /// Each of them, in the call that writes it.
        On = "on",
        /// None: readers poll.
        Off = "off",
    }
    /// Which price a price move is measured by.
    MovePrice {
        /// The middle of bid and ask.
        Mid = "mid",
        /// The last trade.
        Last = "last",
    }
}

impl Choice for PriceFrom {
    const WORDS: &'static [&'static str] = &["bbo", "book"];

    fn of(word: &str) -> Option<Self> {
        [Self::Bbo, Self::Book].into_iter().find(|source| source.as_str() == word)
    }
}

/// `"a", "b" or "c"`.
pub(super) fn listed(words: &[&str]) -> String {
    let quoted: Vec<_> = words.iter().map(|word| format!("{word:?}")).collect();
    match quoted.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, first)) => format!("{} or {last}", first.join(", ")),
        None => String::new(),
    }
}

/// Names of which one is expected, for errors.
pub(super) fn one_of(names: &[&str]) -> String {
    format!("one of {}", names.join(", "))
}
