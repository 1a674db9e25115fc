//! One venue's list of instruments: fetched, or from disk.
//!
//! Owns when a list on disk is too old ([`FRESH_FOR`]), and what is no list: more than [`PAGES_MAX`] pages, nothing at all, or less than
//! half of what the one on disk has. Never decides what a list means for an engine.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, ensure};

use super::list_cache::{Cached, ListCache, seconds};
use crate::clock;
use crate::config::FeedSettings;
use crate::domain::Feed;
use crate::feed::{Governor, Listing, RestClient, VenueProtocol, settle_names};

/// How long a list is good for.
const FRESH_FOR: Duration = Duration::from_secs(24 * 3_600);

/// How long a list on disk is what a new one is compared with: one that has really shrunk is believed after that.
const COMPARED_FOR: Duration = Duration::from_secs(7 * 24 * 3_600);

/// Pages of one list: twenty times what any venue has today.
const PAGES_MAX: u32 = 20;

/// Where one venue's list is to be had.
pub(super) struct Lister {
    venue: &'static dyn VenueProtocol,
    rest_url: String,
    client: RestClient,
    cache: Option<ListCache>,
    /// Symbols that aliases name.
    aliased: Vec<String>,
}

/// Which list will do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wish {
    /// One from disk, where it is not too old.
    Recent,
    /// One that is fetched now, else one from disk.
    New,
    /// One that is fetched now.
    Fetched,
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
            aliased: Vec::new(),
        })
    }

    /// Of a feed's venue, within the budget of everything else that the engine asks there.
    pub(super) fn of_feed(
        venue: &'static dyn VenueProtocol,
        feed: &FeedSettings,
        governor: Arc<Governor>,
        folder: Option<PathBuf>,
    ) -> Self {
        let rest_url = feed.rest_url.as_str();
        Self {
            venue,
            rest_url: rest_url.to_owned(),
            client: RestClient::new(rest_url, governor),
            cache: folder.map(|folder| ListCache::new(&folder, venue.defaults(), rest_url)),
            aliased: feed.aliases.iter().map(|alias| alias.symbol.clone()).collect(),
        }
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
        let fetched = fetched.and_then(|listings| match &cached {
            Some(known) if age.is_some_and(is_recent) => plausible(listings, known.listings.len()),
            Some(_) | None => Ok(listings),
        });
        match (fetched, cached) {
            (Ok(listings), _) => {
                self.keep(&listings);
                Ok(List { listings, origin: Origin::Fetched })
            }
            (Err(error), Some(Cached { listings, .. })) if wish != Wish::Fetched => {
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
            (Err(error), _) => Err(error),
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
        for first in self.venue.list_calls().into_iter().chain(self.venue.further_list_calls(&self.aliased)) {
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
        listings.dedup_by(|a, b| a.instrument == b.instrument && a.symbol == b.symbol);
        settle_names(&mut listings, |instrument| self.venue.symbol(instrument).ok());
        Ok(listings)
    }
}

/// Whether a list on disk says how long one of now should be.
fn is_recent(age: i64) -> bool {
    age >= 0 && age.unsigned_abs() < COMPARED_FOR.as_secs()
}

/// A list that is not suddenly much shorter than the one before.
fn plausible(listings: Vec<Listing>, known: usize) -> anyhow::Result<Vec<Listing>> {
    let found = listings.len();
    ensure!(found * 2 >= known, "the list has {found} symbols and had {known} before: it is not believed");
    Ok(listings)
}

fn text_of_age(seconds: i64) -> String {
    match seconds {
        ..0 => "from the future".to_owned(),
        0..7_200 => format!("{} min", seconds / 60),
        7_200..172_800 => format!("{} h", seconds / 3_600),
        _ => format!("{} days", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead as _, Write as _};

    use super::*;
    use crate::feed;

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
