//! What venues offer: fetched, or from disk, and whether it is what the settings want.
//!
//! Owns when a list on disk is too old ([`FRESH_FOR`]) and what follows where none can be had: the old one, else nothing, and a
//! warning in both cases. Never holds a start up for longer than [`GATHER_MAX`]; a list of more than [`PAGES_MAX`] pages is an
//! error.

use std::collections::HashMap;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, ensure};
use futures_util::future::join_all;

use super::list_cache::{Cached, ListCache, seconds};
use crate::clock;
use crate::config::{CacheDir, FeedSettings, Settings, closest};
use crate::domain::{Contract, Feed, Instrument, Venue};
use crate::feed::{self, Governor, Listing, RestClient, VenueProtocol};

/// How long a list is good for.
const FRESH_FOR: Duration = Duration::from_secs(24 * 3_600);

/// How long the fetching of all lists may hold up a start.
const GATHER_MAX: Duration = Duration::from_secs(5);

/// Pages of one list: twenty times what any venue has today.
const PAGES_MAX: u32 = 20;

/// Instruments that are named in place of one that is not offered.
const NEAREST_MAX: usize = 3;

/// Typing errors that lead to another name.
const TYPING_ERRORS_MAX: usize = 2;

/// Where one venue's list is to be had.
pub(super) struct Lister {
    venue: &'static dyn VenueProtocol,
    rest_url: String,
    client: RestClient,
    cache: Option<ListCache>,
}

/// Which list will do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wish {
    /// One from disk, where it is not too old.
    Recent,
    /// One that is fetched now.
    New,
}

/// Where a list comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    Fetched,
    Disk,
    /// From disk and too old, but no other could be had.
    Stale,
}

/// A venue's list.
#[derive(Debug)]
pub(super) struct List {
    pub(super) listings: Vec<Listing>,
    pub(super) origin: Origin,
}

impl Lister {
    /// Of a venue at an address; the file lies in `folder`.
    pub(super) fn new(
        venue: &'static dyn VenueProtocol,
        rest_url: &str,
        rest_weight_per_minute: u32,
        folder: Option<PathBuf>,
    ) -> anyhow::Result<Self> {
        let defaults = venue.defaults();
        let feed = Feed { venue: defaults.name.parse()?, partition: 0 };
        let governor = Governor::new(&feed, rest_weight_per_minute, defaults.connects, None);
        Ok(Self {
            venue,
            rest_url: rest_url.to_owned(),
            client: RestClient::new(rest_url, governor.into()),
            cache: folder.map(|folder| ListCache::new(&folder, defaults, rest_url)),
        })
    }

    /// The list; fetched within `patience` where it must be.
    ///
    /// # Errors
    /// It cannot be fetched, and there is none on disk.
    pub(super) async fn list(&self, wish: Wish, patience: Duration) -> anyhow::Result<List> {
        let cached = self.cached();
        let age = cached.as_ref().map(|cached| seconds(clock::wall()) - cached.fetched_s);
        let is_fresh = age.is_some_and(|age| age >= 0 && age.unsigned_abs() < FRESH_FOR.as_secs());
        let cached = match cached {
            Some(Cached { listings, .. }) if is_fresh && wish == Wish::Recent => {
                return Ok(List { listings, origin: Origin::Disk });
            }
            cached => cached,
        };
        let fetched = tokio::time::timeout(patience, self.fetch()).await;
        let fetched = fetched.unwrap_or_else(|_| Err(anyhow::anyhow!("no answer within {patience:?}")));
        match (fetched, cached) {
            (Ok(listings), _) => {
                self.keep(&listings);
                Ok(List { listings, origin: Origin::Fetched })
            }
            (Err(error), Some(Cached { listings, .. })) => {
                let (venue, age) = (self.venue.defaults().name, text_of_age(age.unwrap_or_default()));
                let error = format!("{error:#}");
                tracing::warn!(
                    venue,
                    age,
                    error,
                    "the list of instruments cannot be fetched: the one on disk is used"
                );
                Ok(List { listings, origin: Origin::Stale })
            }
            (Err(error), None) => Err(error),
        }
    }

    fn cached(&self) -> Option<Cached> {
        let cache = self.cache.as_ref()?;
        cache.read().unwrap_or_else(|error| {
            let (file, error) = (cache.file().display(), format!("{error:#}"));
            tracing::warn!(%file, error, "the list of instruments on disk is of no use: it is fetched anew");
            None
        })
    }

    fn keep(&self, listings: &[Listing]) {
        let Some(cache) = &self.cache else { return };
        if let Err(error) = cache.write(listings, clock::wall()) {
            let (file, error) = (cache.file().display(), format!("{error:#}"));
            tracing::warn!(%file, error, "the list of instruments cannot be kept on disk");
        }
    }

    async fn fetch(&self) -> anyhow::Result<Vec<Listing>> {
        let mut listings = Vec::new();
        for first in self.venue.list_calls() {
            let (mut next, mut pages) = (Some(first), 0);
            while let Some(call) = next {
                let what = || format!("{}{}", self.rest_url.trim_end_matches('/'), call.path);
                ensure!(pages < PAGES_MAX, "{}: the list goes on after {PAGES_MAX} pages", what());
                let body = self.client.get(&call).await.with_context(what)?;
                listings.extend(self.venue.parse_list(&body).with_context(what)?);
                next = self.venue.next_list_call(&body).with_context(what)?;
                pages += 1;
            }
        }
        ensure!(!listings.is_empty(), "{}: the venue's list is empty", self.rest_url);
        listings.sort_unstable_by(|a, b| (&a.instrument, &a.symbol).cmp(&(&b.instrument, &b.symbol)));
        // What is listed or delisted meanwhile moves others from one page to the next.
        listings.dedup();
        Ok(listings)
    }
}

fn text_of_age(seconds: i64) -> String {
    match seconds {
        ..0 => "from the future".to_owned(),
        0..7_200 => format!("{} min", seconds / 60),
        7_200..172_800 => format!("{} h", seconds / 3_600),
        _ => format!("{} days", seconds / 86_400),
    }
}

/// What the venues of an engine offer, as far as it is known.
#[derive(Debug, Clone, Default)]
pub struct Listings(HashMap<Venue, HashMap<Instrument, Listing>>);

impl Listings {
    /// What an instrument's units are, where the venue has said so.
    #[must_use]
    pub fn contract(&self, venue: &Venue, instrument: &Instrument) -> Option<Contract> {
        Some(self.get(venue, instrument)?.contract)
    }

    /// The venue's spelling of an instrument, where it has said so.
    #[must_use]
    pub fn symbol(&self, venue: &Venue, instrument: &Instrument) -> Option<&str> {
        Some(&self.get(venue, instrument)?.symbol)
    }

    fn get(&self, venue: &Venue, instrument: &Instrument) -> Option<&Listing> {
        self.0.get(venue)?.get(instrument)
    }
}

/// Instruments that venues do not offer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotListed(Vec<String>);

impl fmt::Display for NotListed {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0.join("\n"))
    }
}

impl std::error::Error for NotListed {}

/// Asks all venues of the settings at once what they offer, for five seconds at most.
///
/// # Errors
/// [`NotListed`]: every instrument that a venue has just left out of its list. Where the list is not to be had, or only an old one, a
/// missing instrument is a warning.
pub async fn gather(settings: &Settings) -> Result<Listings, NotListed> {
    let folder = folder(&settings.cache_dir);
    let found = join_all(settings.feeds.iter().map(|feed| of_feed(feed, folder.clone()))).await;
    let (mut listings, mut problems) = (Listings::default(), Vec::new());
    for (feed, list) in settings.feeds.iter().zip(found) {
        let Some(list) = list else { continue };
        for problem in missing(feed, &list.listings) {
            match list.origin {
                Origin::Fetched => problems.push(problem),
                Origin::Disk | Origin::Stale => tracing::warn!("{problem}"),
            }
        }
        listings.0.insert(feed.venue.clone(), known(feed.venue.as_str(), list.listings));
    }
    if problems.is_empty() { Ok(listings) } else { Err(NotListed(problems)) }
}

/// Each instrument once. Where a venue has two symbols of one (`PEPE` and `1000PEPE`), the one that is spelled as we would.
fn known(venue: &str, listings: Vec<Listing>) -> HashMap<Instrument, Listing> {
    let mut known: HashMap<Instrument, Listing> = HashMap::new();
    for listing in listings {
        let ours = || feed::venue(venue).and_then(|venue| venue.symbol(&listing.instrument).ok());
        if !known.contains_key(&listing.instrument) || ours().as_ref() == Some(&listing.symbol) {
            known.insert(listing.instrument.clone(), listing);
        }
    }
    known
}

/// The folder for lists.
pub(super) fn folder(cache_dir: &CacheDir) -> Option<PathBuf> {
    cache_dir.folder(|name| std::env::var_os(name).map(PathBuf::from))
}

async fn of_feed(feed: &FeedSettings, folder: Option<PathBuf>) -> Option<List> {
    let list = async {
        let venue = feed::venue(feed.venue.as_str()).context("no such venue")?;
        let lister = Lister::new(venue, feed.rest_url.as_str(), feed.rest_weight_per_minute, folder)?;
        let list = lister.list(Wish::Recent, GATHER_MAX).await?;
        // What is new since yesterday is on today's list only.
        if list.origin == Origin::Disk && has_missing(feed, &list.listings) {
            return lister.list(Wish::New, GATHER_MAX).await;
        }
        anyhow::Ok(list)
    };
    match list.await {
        Ok(list) => Some(list),
        Err(error) => {
            let (venue, error) = (&feed.venue, format!("{error:#}"));
            tracing::warn!(%venue, error, "what the venue offers is not known: its instruments are not checked");
            None
        }
    }
}

fn has_missing(feed: &FeedSettings, listings: &[Listing]) -> bool {
    let is_listed = |wanted: &Instrument| listings.iter().any(|listing| listing.instrument == *wanted);
    !feed.instruments.iter().all(is_listed)
}

/// What to say about each instrument that is not there.
fn missing(feed: &FeedSettings, listings: &[Listing]) -> Vec<String> {
    let listed: HashMap<&str, ()> =
        listings.iter().map(|listing| (listing.instrument.as_str(), ())).collect();
    let missing = feed.instruments.iter().filter(|wanted| !listed.contains_key(wanted.as_str()));
    let say = |wanted: &Instrument| {
        let (venue, count, near) = (&feed.venue, listings.len(), nearest(wanted, listings));
        let hint =
            if near.is_empty() { String::new() } else { format!("did you mean {}? ", near.join(", ")) };
        format!(
            "feed {venue}: {wanted} is not among the {count} instruments that the venue offers now; {hint}`tickcache \
             instruments --venue {venue}` lists them"
        )
    };
    missing.map(say).collect()
}

/// Names that may have been meant: others of the same base currency, then those that are spelled nearly like it.
fn nearest<'a>(wanted: &Instrument, listings: &'a [Listing]) -> Vec<&'a str> {
    let names = listings.iter().map(|listing| &listing.instrument);
    let same_base = names.clone().filter(|name| name.base() == wanted.base()).map(Instrument::as_str);
    let mut found = closest(wanted.as_str(), same_base, usize::MAX, NEAREST_MAX);
    for near in closest(wanted.as_str(), names.map(Instrument::as_str), TYPING_ERRORS_MAX, NEAREST_MAX) {
        if found.len() < NEAREST_MAX && !found.contains(&near) {
            found.push(near);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead as _, Write as _};

    use super::*;

    fn listings(names: &[&str]) -> Vec<Listing> {
        let listing = |name: &&str| Listing {
            instrument: name.parse().unwrap(),
            symbol: name.replace('-', ""),
            contract: Contract::PLAIN,
        };
        names.iter().map(listing).collect()
    }

    #[test]
    fn names_that_may_have_been_meant_are_near_or_of_the_same_base() {
        let listings = listings(&["BTC-USDT", "BTC-USDC", "BTC-EUR", "ETH-USDT", "SOL-BRL", "WBTC-USDT"]);
        for (wanted, expected) in [
            ("BTC-USD", &["BTC-USDC", "BTC-USDT", "BTC-EUR"][..]),
            ("XBT-USDT", &["BTC-USDT", "WBTC-USDT"]),
            ("SOL-USDT-PERP", &["SOL-BRL"]),
            ("DOGE-JPY", &[]),
        ] {
            assert_eq!(nearest(&wanted.parse().unwrap(), &listings), expected, "{wanted}");
        }
    }

    #[test]
    fn of_two_symbols_of_one_instrument_the_usual_one_counts() {
        let listing = |symbol: &str, size| Listing {
            instrument: "PEPE-USDT-PERP".parse().unwrap(),
            symbol: symbol.to_owned(),
            contract: Contract { size: crate::domain::Number::parse(size).unwrap(), ..Contract::PLAIN },
        };
        let both = [listing("1000PEPEUSDT", b"1000"), listing("PEPEUSDT", b"1")];
        for listings in [both.to_vec(), both.iter().rev().cloned().collect()] {
            let venue: Venue = "bybit-linear".parse().unwrap();
            let listings = Listings([(venue.clone(), known(venue.as_str(), listings))].into());
            let instrument = &both[0].instrument;
            assert_eq!(listings.symbol(&venue, instrument), Some("1000PEPEUSDT"));
            assert_eq!(listings.contract(&venue, instrument), Some(both[0].contract));
        }
    }

    /// A venue whose pages never end.
    #[tokio::test]
    async fn a_list_that_goes_on_and_on_is_an_error_that_says_so() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (asked, served) = std::sync::mpsc::sync_channel(1_000);
        std::thread::spawn(move || {
            let (socket, _) = listener.accept().unwrap();
            let mut lines = std::io::BufReader::new(&socket).lines();
            while let Some(Ok(line)) = lines.next() {
                if !line.is_empty() {
                    asked.send(line).unwrap();
                    continue;
                }
                let body = r#"{"retCode":0,"result":{"list":[],"nextPageCursor":"more"}}"#;
                let length = body.len();
                write!(&socket, "HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n{body}").unwrap();
            }
        });
        let lister = Lister::new(feed::venue("bybit-linear").unwrap(), &url, 600, None).unwrap();
        let error = lister.list(Wish::New, Duration::from_secs(60)).await.unwrap_err().to_string();
        assert!(error.contains("cursor=more: the list goes on after 20 pages"), "{error}");
        assert_eq!(served.try_iter().filter(|line| line.starts_with("GET ")).count(), 20);
    }

    #[test]
    fn ages_are_told_in_the_unit_that_people_use() {
        let ages = [-5, 59, 3_600, 90_000, 900_000].map(text_of_age);
        assert_eq!(ages, ["from the future", "0 min", "60 min", "25 h", "10 days"]);
    }
}
