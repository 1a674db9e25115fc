//! The venues' lists while the engine runs: what is new on them, what trades again, what is gone.
//!
//! Owns when a list is looked at again, and what was told of each instrument. Lives on the slow runtime, within the venue's REST budget;
//! the hot thread gets news only. Never believes a list that was not just fetched, or one with less than half of what the one
//! before had. Ends with the hot thread.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;

use super::lister::{Lister, Wish};
use super::listings::{Listed, VenueList};
use super::rest_worker::{Answer, Begun, News, Symbols};
use crate::config::FeedSettings;
use crate::domain::{Contract, Entity, Instrument, InstrumentId};
use crate::feed::{ListingStatus, Setup, VenueProtocol, streams_of};

/// Between two looks while something is missing or does not trade, unless they are more frequent anyway.
const URGENT: Duration = Duration::from_secs(60);

/// How long the fetching of a list may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// A tenth more or less, so that engines that were started together do not ask together for ever.
const SPREAD: f64 = 0.1;

/// What the hot thread knows of an instrument.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Told {
    /// No list has spoken: it is subscribed to by the name that we have made up.
    Trusted,
    /// It is not listed and was not subscribed to.
    Waiting,
    Trading,
    NotTrading(String),
    /// It was listed and is not any more.
    Gone,
}

impl Told {
    /// That of an instrument which a list has.
    pub(super) fn of(status: &ListingStatus) -> Self {
        status.word().map_or(Self::Trading, |word| Self::NotTrading(word.to_owned()))
    }
}

/// An instrument, and where its news go.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) instrument: Instrument,
    pub(super) id: InstrumentId,
    /// What it is subscribed to as, and in which units.
    pub(super) assumed: (String, Contract),
    pub(super) told: Told,
    pub(super) answers: mpsc::Sender<Answer>,
    /// The REST worker's.
    pub(super) symbols: Arc<Symbols>,
}

/// The list of one venue.
pub(super) struct ListRefresh {
    pub(super) venue: &'static dyn VenueProtocol,
    pub(super) feed: FeedSettings,
    pub(super) lister: Lister,
    pub(super) setup: Setup,
    /// Between two looks while nothing is missing.
    pub(super) calm: Duration,
    pub(super) places: Vec<Place>,
    /// Symbols of the last list that was believed.
    pub(super) known: Option<usize>,
    /// Whether the list that the start was made with was fetched for it.
    pub(super) seen: Seen,
}

/// Whether a list of now has been seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Seen {
    No,
    Yes,
}

impl ListRefresh {
    /// Looks again and again, until nobody takes the news any more.
    pub(super) async fn run(mut self) {
        let Some(answers) = self.places.first().map(|place| place.answers.clone()) else { return };
        let mut failing = false;
        loop {
            tokio::select! {
                () = tokio::time::sleep(self.wait()) => {}
                () = answers.closed() => return,
            }
            match self.lister.list(Wish::Fetched, PATIENCE).await {
                Ok(list) => {
                    failing = false;
                    self.take(&VenueList::new(list)).await;
                }
                Err(error) => {
                    let (venue, error) = (&self.feed.venue, format!("{error:#}"));
                    if !failing {
                        tracing::warn!(%venue, error, "the list of instruments cannot be fetched: it is asked for again");
                    }
                    failing = true;
                }
            }
        }
    }

    fn wait(&self) -> Duration {
        let is_settled = |place: &Place| place.told == Told::Trading;
        let settled = self.seen == Seen::Yes && self.places.iter().all(is_settled);
        let wait = if settled { self.calm } else { self.calm.min(URGENT) };
        wait.mul_f64(1.0 + SPREAD * (2.0 * fastrand::f64() - 1.0))
    }

    /// Hands on what is new.
    async fn take(&mut self, list: &VenueList) {
        let venue = &self.feed.venue;
        if let Some(known) = self.known.filter(|&known| list.len() * 2 < known) {
            let found = list.len();
            tracing::warn!(%venue, found, known, "the venue's list has become much shorter: it is not believed");
            return;
        }
        (self.known, self.seen) = (Some(list.len()), Seen::Yes);
        for place in &mut self.places {
            let found = list.find(&self.feed, &place.instrument);
            let Some(next) = next(&place.told, found.as_ref()) else { continue };
            let instrument = &place.instrument;
            let news = match (&place.told, &next, &found) {
                (Told::Waiting, _, Some(listed)) => {
                    place.symbols.set(place.id, &listed.symbol);
                    tracing::info!(%venue, %instrument, symbol = listed.symbol, "listed now: it is subscribed to");
                    begun(self.venue, &self.feed.entities, &self.setup, place.id, listed)
                }
                (_, Told::NotTrading(word), _) => News::NotTrading(word.clone()),
                (_, Told::Gone, _) => {
                    tracing::warn!("{}", list.not_listed(&self.feed, instrument));
                    News::Gone
                }
                (_, Told::Trading | Told::Trusted | Told::Waiting, _) => News::Trading,
            };
            if let (Told::Trusted, Some(listed)) = (&place.told, &found)
                && (&listed.symbol, &listed.contract) != (&place.assumed.0, &place.assumed.1)
            {
                tracing::error!(
                    %venue, %instrument, symbol = listed.symbol, assumed = place.assumed.0,
                    "the venue lists the instrument by another symbol or contract than was assumed without its list: restart the engine"
                );
            }
            place.told = next;
            if place.answers.send(Answer::List(place.id, news)).await.is_err() {
                return;
            }
        }
    }
}

/// What is to be told next; `None` = nothing new.
fn next(told: &Told, found: Option<&Listed>) -> Option<Told> {
    let next = match (told, found) {
        (Told::Waiting, None) => Told::Waiting,
        (Told::Trusted | Told::Trading | Told::NotTrading(_) | Told::Gone, None) => Told::Gone,
        (_, Some(listed)) => Told::of(&listed.status),
    };
    (next != *told).then_some(next)
}

fn begun(
    venue: &dyn VenueProtocol,
    entities: &[Entity],
    setup: &Setup,
    id: InstrumentId,
    listed: &Listed,
) -> News {
    let streams = streams_of(venue, &listed.symbol, id, entities, setup);
    News::Listed(Box::new(Begun { contract: listed.contract, streams, status: listed.status.clone() }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_new_is_told() {
        let listed = |word: Option<&str>| {
            let status =
                word.map_or(ListingStatus::Trading, |word| ListingStatus::NotTrading(word.to_owned()));
            Some(Listed { symbol: "S".to_owned(), contract: Contract::PLAIN, status })
        };
        let halted = |word: &str| Told::NotTrading(word.to_owned());
        for (told, found, expected) in [
            (Told::Waiting, None, None),
            (Told::Waiting, listed(None), Some(Told::Trading)),
            (Told::Waiting, listed(Some("PRE")), Some(halted("PRE"))),
            (Told::Trading, listed(None), None),
            (Told::Trading, listed(Some("BREAK")), Some(halted("BREAK"))),
            (halted("BREAK"), listed(Some("BREAK")), None),
            (halted("BREAK"), listed(Some("HALT")), Some(halted("HALT"))),
            (halted("BREAK"), listed(None), Some(Told::Trading)),
            (Told::Trading, None, Some(Told::Gone)),
            (Told::Trusted, None, Some(Told::Gone)),
            (Told::Gone, None, None),
            (Told::Gone, listed(None), Some(Told::Trading)),
            (Told::Trusted, listed(None), Some(Told::Trading)),
        ] {
            assert_eq!(next(&told, found.as_ref()), expected, "{told:?} {found:?}");
        }
    }
}
