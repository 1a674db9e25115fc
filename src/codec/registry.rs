//! Who writes what: the values of the engine registry and of the leases, as text.
//!
//! Owns their spelling, both ways: `<seen_ms> <started_ms> <version> <feed>=<role>,<feed>=<role>... <closed>/<servers>` and
//! `<engine id>:<epoch>`. Never talks to Redis, never reads a clock. A value beyond [`ENGINE_BYTES_MAX`] bytes or
//! [`ENGINE_FEEDS_MAX`] feeds is an error before anything is kept of it.

use std::fmt;
use std::io::Write as _;
use std::str::FromStr;

use super::key::parse_feed;
use super::message::ENGINE_ID_MAX;
use crate::domain::{Epoch, Feed};

/// Bytes of one engine's entry.
pub const ENGINE_BYTES_MAX: usize = 64 * 1024;
/// Feeds of one engine.
pub const ENGINE_FEEDS_MAX: usize = 1_024;
/// Characters of an engine's version, none of them a space.
pub const ENGINE_VERSION_CHARS_MAX: usize = 64;

/// What an engine does with a feed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FeedRole {
    /// It holds the lease and writes.
    Owner,
    /// It could take over with books that are current.
    Ready,
    /// It follows the venue, but some of its books are not there yet.
    Warming,
}

/// Not the word of a role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no role of an engine: expected owner, ready or warming")]
pub struct UnknownFeedRole;

impl FeedRole {
    /// Every one.
    pub const ALL: [Self; 3] = [Self::Owner, Self::Ready, Self::Warming];

    /// As on the wire and for people.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Ready => "ready",
            Self::Warming => "warming",
        }
    }
}

impl fmt::Display for FeedRole {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.as_str())
    }
}

impl FromStr for FeedRole {
    type Err = UnknownFeedRole;

    fn from_str(word: &str) -> Result<Self, UnknownFeedRole> {
        Self::ALL.into_iter().find(|role| role.as_str() == word).ok_or(UnknownFeedRole)
    }
}

/// An engine as it stands in the registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EngineEntry {
    /// When it was last seen: Redis' clock, milliseconds since the Unix epoch.
    pub seen_ms: u64,
    /// When it was started, by its own clock, in milliseconds since the Unix epoch.
    pub started_ms: u64,
    /// Of the program.
    pub version: String,
    /// What it does with each of its feeds.
    pub feeds: Vec<(Feed, FeedRole)>,
    /// The Redis servers that it writes to: how many of their circuit breakers are closed, and how many there are. `None`
    /// where it does not say.
    pub breakers: Option<Breakers>,
}

/// Circuit breakers of one engine, one for each Redis server that it writes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Breakers {
    /// Those of servers whose connection works.
    pub closed: u16,
    /// All.
    pub servers: u16,
}

impl fmt::Display for Breakers {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.closed, self.servers)
    }
}

/// Why a value is no entry of the registry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RegistryError {
    /// Longer than any entry of ours.
    #[error("{length} bytes, more than {max}")]
    TooLong {
        /// How many it has.
        length: usize,
        /// [`ENGINE_BYTES_MAX`].
        max: usize,
    },
    /// Not text.
    #[error("not UTF-8")]
    NotText,
    /// A part is missing or is something else.
    #[error("no {expected} where there should be one")]
    Missing {
        /// In words.
        expected: &'static str,
    },
    /// More feeds than an engine may have.
    #[error("more than {max} feeds")]
    TooManyFeeds {
        /// [`ENGINE_FEEDS_MAX`].
        max: usize,
    },
}

/// Appends everything after `<seen_ms> `, which the script puts in front because it knows the server's time.
///
/// # Panics
/// For more than [`ENGINE_FEEDS_MAX`] feeds, or a version that is empty, too long or has a space: programmer's errors.
pub fn encode_engine(
    started_ms: u64,
    version: &str,
    feeds: &[(Feed, FeedRole)],
    breakers: Breakers,
    out: &mut Vec<u8>,
) {
    assert!(is_version(version), "the version of an engine is one word");
    assert!(feeds.len() <= ENGINE_FEEDS_MAX, "an engine has at most {ENGINE_FEEDS_MAX} feeds");
    write!(out, "{started_ms} {version} ").expect("a Vec takes everything");
    for (index, (feed, role)) in feeds.iter().enumerate() {
        let comma = if index == 0 { "" } else { "," };
        write!(out, "{comma}{feed}={role}").expect("a Vec takes everything");
    }
    write!(out, " {breakers}").expect("a Vec takes everything");
}

/// Reads an entry of the registry. Roles that this version does not know are left out, further words too.
///
/// # Errors
/// [`RegistryError`], when it is none.
pub fn decode_engine(bytes: &[u8]) -> Result<EngineEntry, RegistryError> {
    if bytes.len() > ENGINE_BYTES_MAX {
        return Err(RegistryError::TooLong { length: bytes.len(), max: ENGINE_BYTES_MAX });
    }
    let text = std::str::from_utf8(bytes).map_err(|_| RegistryError::NotText)?;
    let mut words = text.split(' ');
    let seen_ms = words.next().and_then(digits).ok_or(missing("time when it was seen"))?;
    let started_ms = words.next().and_then(digits).ok_or(missing("time of its start"))?;
    let version = words.next().filter(|word| is_version(word)).ok_or(missing("version"))?.to_owned();
    let list = words.next().unwrap_or_default();
    if list.split(',').count() > ENGINE_FEEDS_MAX {
        return Err(RegistryError::TooManyFeeds { max: ENGINE_FEEDS_MAX });
    }
    let mut feeds = Vec::new();
    for item in list.split(',').filter(|item| !item.is_empty()) {
        let (feed, role) = item.split_once('=').ok_or(missing("role of a feed"))?;
        let feed = parse_feed(feed).map_err(|_| missing("feed"))?;
        if let Ok(role) = role.parse() {
            feeds.push((feed, role));
        }
    }
    let breakers = words.next().and_then(breakers);
    Ok(EngineEntry { seen_ms, started_ms, version, feeds, breakers })
}

fn breakers(word: &str) -> Option<Breakers> {
    let (closed, servers) = word.split_once('/')?;
    let number = |word| digits(word).and_then(|number| u16::try_from(number).ok());
    Some(Breakers { closed: number(closed)?, servers: number(servers)? })
}

/// Appends the value of a lease: `<engine id>:<epoch>`.
///
/// # Panics
/// When `engine` is no engine id: a programmer's error.
pub fn encode_lease(engine: &str, epoch: Epoch, out: &mut Vec<u8>) {
    assert!(is_engine_id(engine), "{engine:?} is no engine id");
    write!(out, "{engine}:{epoch}").expect("a Vec takes everything");
}

/// The engine that holds a lease, and the epoch it holds it in. `None` for what is no lease.
#[must_use]
pub fn decode_lease(bytes: &[u8]) -> Option<(&str, Epoch)> {
    let (engine, epoch) = std::str::from_utf8(bytes).ok()?.split_once(':')?;
    Some((engine, Epoch::new(digits(epoch)?)?)).filter(|(engine, _)| is_engine_id(engine))
}

/// Six hex digits behind a point: which run of an engine holds a lease.
const RUN_BYTES: usize = 7;

/// The owner of a lease: the engine's id and what is another with each run of it. An id that leaves no room is cut.
#[must_use]
pub fn lease_owner(engine: &str, run: u32) -> String {
    let kept = engine.get(..ENGINE_ID_MAX - RUN_BYTES).unwrap_or(engine);
    format!("{kept}.{:06x}", run & 0xff_ffff)
}

/// Whether a lease's owner is a run of this engine. Those of `a.s1` are none of `a`'s. Of ids that were cut, and alike until
/// there, nobody can tell.
#[must_use]
pub fn is_run_of(owner: &str, engine: &str) -> bool {
    let hex = |run: &str| run.len() + 1 == RUN_BYTES && run.bytes().all(|byte| byte.is_ascii_hexdigit());
    let Some((id, _)) = owner.rsplit_once('.').filter(|(_, run)| hex(run)) else { return false };
    id == engine || (owner.len() == ENGINE_ID_MAX && engine.starts_with(id))
}

/// Whether `text` may name an engine: 1 to [`ENGINE_ID_MAX`] of `A-Z a-z 0-9 . _ -`.
#[must_use]
pub fn is_engine_id(text: &str) -> bool {
    (1..=ENGINE_ID_MAX).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'))
}

fn is_version(word: &str) -> bool {
    (1..=ENGINE_VERSION_CHARS_MAX).contains(&word.len()) && word.bytes().all(|byte| byte.is_ascii_graphic())
}

/// Nothing but digits: `+7` is a number to the standard library.
fn digits(word: &str) -> Option<u64> {
    word.parse().ok().filter(|_| word.bytes().all(|byte| byte.is_ascii_digit()))
}

const fn missing(expected: &'static str) -> RegistryError {
    RegistryError::Missing { expected }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BREAKERS: Breakers = Breakers { closed: 2, servers: 3 };

    fn feed(venue: &str, partition: u16) -> Feed {
        Feed { venue: venue.parse().unwrap(), partition }
    }

    #[test]
    fn an_engine_goes_both_ways() {
        let feeds = vec![
            (feed("binance", 0), FeedRole::Owner),
            (feed("binance", 1), FeedRole::Ready),
            (feed("okx", 0), FeedRole::Warming),
        ];
        let mut value = b"1795207622296 ".to_vec();
        encode_engine(1_795_207_000_001, "0.1.0", &feeds, BREAKERS, &mut value);
        let text = std::str::from_utf8(&value).unwrap();
        assert_eq!(
            text,
            "1795207622296 1795207000001 0.1.0 binance/0=owner,binance/1=ready,okx/0=warming 2/3"
        );
        let entry = decode_engine(&value).unwrap();
        let expected = EngineEntry {
            seen_ms: 1_795_207_622_296,
            started_ms: 1_795_207_000_001,
            version: "0.1.0".to_owned(),
            feeds,
            breakers: Some(BREAKERS),
        };
        assert_eq!(entry, expected);
    }

    #[test]
    fn an_engine_without_feeds_and_one_of_a_later_version_are_read() {
        let mut value = b"5 ".to_vec();
        encode_engine(4, "0.1.0", &[], BREAKERS, &mut value);
        assert_eq!(decode_engine(&value).unwrap().feeds, []);
        let later = decode_engine(b"5 4 2.0.0-rc.1 okx/0=observer,okx/1=owner more words").unwrap();
        assert_eq!(later.feeds, [(feed("okx", 1), FeedRole::Owner)]);
    }

    #[test]
    fn what_is_no_engine_is_refused() {
        for (name, value) in [
            ("nothing", &b""[..]),
            ("no number", b"x 4 0.1.0 okx/0=owner"),
            ("a sign", b"+5 4 0.1.0 okx/0=owner"),
            ("no start", b"5"),
            ("no version", b"5 4"),
            ("an empty version", b"5 4  okx/0=owner"),
            ("no feed", b"5 4 0.1.0 okx=owner"),
            ("no role", b"5 4 0.1.0 okx/0"),
            ("no text", b"5 4 0.1.0 okx/0=owner\xff"),
        ] {
            assert!(decode_engine(value).is_err(), "{name}");
        }
        let many = format!("5 4 0.1.0 {}", "okx/0=owner,".repeat(ENGINE_FEEDS_MAX + 1));
        assert_eq!(
            decode_engine(many.as_bytes()),
            Err(RegistryError::TooManyFeeds { max: ENGINE_FEEDS_MAX })
        );
        let long = vec![b'5'; ENGINE_BYTES_MAX + 1];
        assert!(matches!(decode_engine(&long), Err(RegistryError::TooLong { .. })));
    }

    #[test]
    fn a_lease_goes_both_ways() {
        let epoch = Epoch::new(1_795_207_622_296).unwrap();
        let mut value = Vec::new();
        encode_lease("host-7.example_1-4711-ab12", epoch, &mut value);
        assert_eq!(value, b"host-7.example_1-4711-ab12:1795207622296");
        assert_eq!(decode_lease(&value), Some(("host-7.example_1-4711-ab12", epoch)));
    }

    #[test]
    fn the_owner_of_a_lease_is_one_engine_and_no_other_whose_name_begins_alike() {
        let long = "x".repeat(ENGINE_ID_MAX);
        for id in ["a", "a.s1", "a.0123ab", &long] {
            let owner = lease_owner(id, 0xab);
            assert!(is_engine_id(&owner), "{owner}");
            let runs: Vec<&str> = ["a", "a.s1", "a.0123ab", &long]
                .into_iter()
                .filter(|engine| is_run_of(&owner, engine))
                .collect();
            assert_eq!(runs, [id]);
        }
        for owner in ["a", "a.", "a.12345", "a.1234567", "a.12345g", ".0123ab"] {
            assert!(!is_run_of(owner, "a"), "{owner}");
        }
    }

    #[test]
    fn what_is_no_lease_is_none() {
        let long = format!("{}:1", "a".repeat(ENGINE_ID_MAX + 1));
        for value in
            ["", "a", "a:", ":1", "a:1:2", "a:-1", "a:+1", "a:9007199254740992", "a b:1", "a\u{e9}:1", &long]
        {
            assert_eq!(decode_lease(value.as_bytes()), None, "{value}");
        }
    }
}
