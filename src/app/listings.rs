//! What venues offer, and whether it is what the settings want.
//!
//! Owns what follows where no list can be had: an old one, else nothing, and a warning in both cases. Only a list that was just fetched
//! can say that something is not listed or does not trade. Never holds a start up for longer than [`GATHER_MAX`].

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;
use futures_util::future::join_all;

use super::lister::{List, Lister, Origin, Wish};
use crate::config::{AliasSettings, CacheDir, FeedSettings, Settings, closest};
use crate::domain::{Contract, Feed, Instrument, Number, NumberError, Scale, SizeUnit, Venue};
use crate::feed::{self, Governor, Listing, ListingStatus, Naming, VenueProtocol};

/// How long the fetching of all lists may hold up a start.
const GATHER_MAX: Duration = Duration::from_secs(5);

/// The same where somebody waits for nothing else.
const ONLINE_MAX: Duration = Duration::from_secs(20);

/// Instruments that are named in place of one that is not offered.
const NEAREST_MAX: usize = 3;

/// Typing errors that lead to another name.
const TYPING_ERRORS_MAX: usize = 2;

/// What the venues of an engine offer, as far as it is known.
#[derive(Debug, Clone, Default)]
pub struct Listings {
    lists: HashMap<Venue, VenueList>,
    /// What venues have just left out of their lists, in words.
    problems: Vec<String>,
    asked: Asked,
}

/// Whether the venues were asked at all: whoever starts an engine without a list wants none while it runs either.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Asked {
    #[default]
    No,
    Yes,
}

/// One venue's list, by names and by symbols.
#[derive(Debug, Clone)]
pub(super) struct VenueList {
    named: HashMap<Instrument, Listing>,
    symbols: HashMap<String, Listing>,
    pub(super) origin: Origin,
}

/// What a list says of an instrument that it has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Listed {
    pub(super) symbol: String,
    pub(super) contract: Contract,
    pub(super) status: ListingStatus,
}

/// What is known of an instrument.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Found {
    /// No list says anything of it, or only an old one that lacks it.
    Unknown,
    /// The venue has just left it out.
    Missing,
    Listed(Listed),
}

impl VenueList {
    pub(super) fn new(list: List) -> Self {
        let symbols = list.listings.iter().map(|listing| (listing.symbol.clone(), listing.clone())).collect();
        let named = list.listings.into_iter().filter(|listing| listing.naming == Naming::Ours);
        let named = named.map(|listing| (listing.instrument.clone(), listing)).collect();
        Self { named, symbols, origin: list.origin }
    }

    /// Symbols that it has.
    pub(super) fn len(&self) -> usize {
        self.symbols.len()
    }

    /// What it says of an instrument of a feed; `None` = it has none such.
    pub(super) fn find(&self, feed: &FeedSettings, instrument: &Instrument) -> Option<Listed> {
        let (listing, contract) = match feed.alias(instrument) {
            None => {
                let listing = self.named.get(instrument)?;
                (listing, listing.contract)
            }
            Some(alias) => {
                let listing = self.symbols.get(&alias.symbol)?;
                (listing, aliased(listing.contract, alias).ok()?)
            }
        };
        // What was true yesterday is no word of now.
        let status = match self.origin {
            Origin::Fetched => listing.status.clone(),
            Origin::Disk | Origin::Stale => ListingStatus::Trading,
        };
        Some(Listed { symbol: listing.symbol.clone(), contract, status })
    }

    /// What is to be said about each instrument of a feed that is not there.
    fn missing(&self, feed: &FeedSettings) -> Vec<String> {
        let missing = feed.instruments.iter().filter(|wanted| self.find(feed, wanted).is_none());
        missing.map(|wanted| self.not_listed(feed, wanted)).collect()
    }

    /// What is to be said of one.
    pub(super) fn not_listed(&self, feed: &FeedSettings, wanted: &Instrument) -> String {
        let venue = &feed.venue;
        let (what, count, near) = match feed.alias(wanted) {
            None => {
                let near = nearest(wanted, self.named.keys());
                (wanted.to_string(), self.named.len(), near.into_iter().map(str::to_owned).collect())
            }
            Some(alias) => {
                let symbols = self.symbols.keys().map(String::as_str);
                let near = closest(&alias.symbol, symbols, TYPING_ERRORS_MAX, NEAREST_MAX);
                let near: Vec<String> = near.into_iter().map(str::to_owned).collect();
                (format!("{wanted} (symbol {:?})", alias.symbol), self.symbols.len(), near)
            }
        };
        let hint =
            if near.is_empty() { String::new() } else { format!("did you mean {}? ", near.join(", ")) };
        format!(
            "feed {venue}: {what} is not among the {count} instruments that the venue offers now; {hint}`tickcache \
             instruments --venue {venue}` lists them"
        )
    }
}

/// What one of the venue's units is under a name of ours that the configuration gives it. What the list made of the symbol's own name
/// (`1000PEPE`) does not count, what it says of the contract does.
fn aliased(listed: Contract, alias: &AliasSettings) -> Result<Contract, NumberError> {
    let size = shortest(listed.size.times(listed.price)?);
    let size = match listed.unit {
        SizeUnit::Base => shortest(size.times(alias.multiplier)?),
        SizeUnit::Quote => size,
    };
    Ok(Contract { price: alias.inverse, size, unit: listed.unit })
}

/// What one unit is where no list is to be had; `None` = the list has to say.
pub(super) fn unlisted_contract(
    venue: &dyn VenueProtocol,
    feed: &FeedSettings,
    instrument: &Instrument,
) -> Option<Contract> {
    match feed.alias(instrument) {
        None => venue.contract(instrument),
        Some(alias) => aliased(venue.plain_contract(&alias.symbol)?, alias).ok(),
    }
}

/// Without zeros behind the point.
fn shortest(number: Number) -> Number {
    let Number { mut mantissa, scale } = number;
    let mut digits = scale.digits();
    while digits > 0 && mantissa % 10 == 0 {
        mantissa /= 10;
        digits -= 1;
    }
    Number { mantissa, scale: Scale::new(digits).unwrap_or(scale) }
}

impl Listings {
    /// What an instrument's units are, where the venue has said so.
    #[must_use]
    pub fn contract(&self, venue: &Venue, instrument: &Instrument) -> Option<Contract> {
        Some(self.lists.get(venue)?.named.get(instrument)?.contract)
    }

    /// Whether the venues have everything that is wanted of them, as far as they could be asked just now.
    ///
    /// # Errors
    /// [`NotListed`]: what they have not.
    pub fn strict(&self) -> Result<(), NotListed> {
        if self.problems.is_empty() { Ok(()) } else { Err(NotListed(self.problems.clone())) }
    }

    /// What is known of an instrument.
    pub(super) fn find(&self, feed: &FeedSettings, instrument: &Instrument) -> Found {
        let Some(list) = self.lists.get(&feed.venue) else { return Found::Unknown };
        match (list.find(feed, instrument), list.origin) {
            (Some(listed), _) => Found::Listed(listed),
            (None, Origin::Fetched) => Found::Missing,
            (None, Origin::Disk | Origin::Stale) => Found::Unknown,
        }
    }

    pub(super) fn list(&self, venue: &Venue) -> Option<&VenueList> {
        self.lists.get(venue)
    }

    pub(super) const fn asked(&self) -> Asked {
        self.asked
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

/// Asks all venues of the settings at once what they offer, for five seconds at most. Each instrument that a venue does not offer, or
/// does not trade, is a warning; [`Listings::strict`] makes the former an error.
pub async fn gather(settings: &Settings) -> Listings {
    let folder = folder(&settings.cache_dir);
    let found = join_all(settings.feeds.iter().map(|feed| of_feed(feed, folder.clone()))).await;
    let mut listings = Listings { asked: Asked::Yes, ..Listings::default() };
    for (feed, list) in settings.feeds.iter().zip(found) {
        let Some(list) = list else { continue };
        let list = VenueList::new(list);
        let problems = list.missing(feed);
        problems.iter().for_each(|problem| tracing::warn!("{problem}"));
        if list.origin == Origin::Fetched {
            listings.problems.extend(problems);
        }
        listings.lists.insert(feed.venue.clone(), list);
    }
    listings
}

/// What `check-config --online` finds.
#[derive(Debug, Default)]
pub(super) struct Online {
    /// What venues do not offer.
    pub(super) not_listed: Vec<String>,
    /// Lists that could not be fetched, and why.
    pub(super) unavailable: Vec<String>,
    /// What does not trade now, with the venue's word.
    pub(super) not_trading: Vec<String>,
}

/// Asks all venues anew; nothing is kept on disk.
pub(super) async fn ask_now(settings: &Settings) -> Online {
    let lists = settings.feeds.iter().map(async |feed| -> anyhow::Result<List> {
        let lister = lister(feed, None)?;
        lister.list(Wish::Fetched, ONLINE_MAX).await
    });
    let mut online = Online::default();
    for (feed, list) in settings.feeds.iter().zip(join_all(lists).await) {
        let venue = &feed.venue;
        match list {
            Err(error) => {
                let why =
                    format!("feed {venue}: the venue's list of instruments cannot be fetched: {error:#}");
                online.unavailable.push(why);
            }
            Ok(list) => {
                let list = VenueList::new(list);
                online.not_listed.extend(list.missing(feed));
                for instrument in &feed.instruments {
                    let word =
                        list.find(feed, instrument).and_then(|listed| Some(listed.status.word()?.to_owned()));
                    online.not_trading.extend(
                        word.map(|word| format!("feed {venue}: {instrument} does not trade now: {word}")),
                    );
                }
            }
        }
    }
    online
}

/// The folder for lists.
pub(super) fn folder(cache_dir: &CacheDir) -> Option<PathBuf> {
    cache_dir.folder(|name| std::env::var_os(name).map(PathBuf::from))
}

fn lister(feed: &FeedSettings, folder: Option<PathBuf>) -> anyhow::Result<Lister> {
    let venue = feed::venue(feed.venue.as_str()).context("no such venue")?;
    let name = Feed { venue: feed.venue.clone(), partition: 0 };
    let governor = Governor::new(&name, feed.rest_weight_per_minute, venue.defaults().connects, None);
    Ok(Lister::of_feed(venue, feed, governor.into(), folder))
}

async fn of_feed(feed: &FeedSettings, folder: Option<PathBuf>) -> Option<List> {
    let list = async {
        let lister = lister(feed, folder)?;
        let list = lister.list(Wish::Recent, GATHER_MAX).await?;
        // What is new since yesterday, or traded again, is on today's list only.
        if list.origin == Origin::Disk && is_doubtful(feed, &list) {
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

/// Whether a list lacks something that is wanted, or says that it did not trade.
fn is_doubtful(feed: &FeedSettings, list: &List) -> bool {
    let trading = list.listings.iter().filter(|listing| listing.status == ListingStatus::Trading);
    let (mut names, mut symbols) = (HashSet::new(), HashSet::new());
    for listing in trading {
        symbols.insert(listing.symbol.as_str());
        if listing.naming == Naming::Ours {
            names.insert(&listing.instrument);
        }
    }
    let is_there = |wanted: &Instrument| match feed.alias(wanted) {
        Some(alias) => symbols.contains(alias.symbol.as_str()),
        None => names.contains(wanted),
    };
    !feed.instruments.iter().all(is_there)
}

/// Names that may have been meant: others of the same base currency, then those that are spelled nearly like it.
fn nearest<'a>(wanted: &Instrument, names: impl Iterator<Item = &'a Instrument>) -> Vec<&'a str> {
    let mut names: Vec<&Instrument> = names.collect();
    names.sort_unstable();
    let names = names.into_iter();
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
    use super::*;

    fn number(text: &str) -> Number {
        Number::parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn names_that_may_have_been_meant_are_near_or_of_the_same_base() {
        let names: Vec<Instrument> = ["BTC-USDT", "BTC-USDC", "BTC-EUR", "ETH-USDT", "SOL-BRL", "WBTC-USDT"]
            .map(|name| name.parse().unwrap())
            .into();
        for (wanted, expected) in [
            ("BTC-USD", &["BTC-USDC", "BTC-USDT", "BTC-EUR"][..]),
            ("XBT-USDT", &["BTC-USDT", "WBTC-USDT"]),
            ("SOL-USDT-PERP", &["SOL-BRL"]),
            ("DOGE-JPY", &[]),
        ] {
            assert_eq!(nearest(&wanted.parse().unwrap(), names.iter()), expected, "{wanted}");
        }
    }

    #[test]
    fn an_alias_takes_what_the_list_says_of_the_contract_and_not_what_it_makes_of_the_name() {
        let contract =
            |price: &str, size: &str, unit| Contract { price: number(price), size: number(size), unit };
        let alias = |multiplier: &str, inverse: &str| AliasSettings {
            venue: "okx".parse().unwrap(),
            symbol: "S".to_owned(),
            instrument: "A-B-PERP".parse().unwrap(),
            multiplier: number(multiplier),
            inverse: number(inverse),
        };
        for (listed, alias, expected) in [
            (Contract::PLAIN, alias("1", "1"), Contract::PLAIN),
            (contract("1", "0.01", SizeUnit::Base), alias("1", "1"), contract("1", "0.01", SizeUnit::Base)),
            (contract("0.001", "1000", SizeUnit::Base), alias("1", "1"), Contract::PLAIN),
            (
                contract("0.001", "1000", SizeUnit::Base),
                alias("1000", "0.001"),
                contract("0.001", "1000", SizeUnit::Base),
            ),
            (
                contract("1", "100", SizeUnit::Quote),
                alias("10", "0.1"),
                contract("0.1", "100", SizeUnit::Quote),
            ),
        ] {
            assert_eq!(aliased(listed, &alias), Ok(expected), "{listed:?}");
        }
    }
}
