//! Following an instrument: what changes under its keys, as it changes.
//!
//! Owns what is followed and the order of what it reports: subscribe, then look, then apply both by the rule that no value
//! goes back. Never depends on a push: looks go on, every [`Options::safety_interval`](super::Options::safety_interval)
//! while pushes come, every [`Options::poll_interval`](super::Options::poll_interval) while they do not. Never reports a
//! value older than one before it; a slow caller gets the newest value of each key, and the rest is counted. Holds one
//! value a venue, and at most [`EVENTS_MAX`](super::EVENTS_MAX) events.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;

use super::client::CatalogLine;
use super::copy::LocalCopy;
use super::push::{Keep, Subscription};
use super::rhythm::{Finding, Rhythm};
use super::{Change, Lookup, Options, ReadError, Reader, Recovery, Venues};
use crate::clock;
use crate::codec::key::{self, ValueKey};
use crate::codec::{Decoder, decode_event, decode_feed};
use crate::domain::{Entity, Feed, Instrument, MonoTime, Now, Venue};

/// How often the catalog is asked for venues that came or went.
const CATALOG_INTERVAL: Duration = Duration::from_secs(2);
/// How often values are checked for their age, and feeds for their silence.
const TICK: Duration = Duration::from_millis(50);

/// What a channel speaks of.
#[derive(Debug, Clone)]
enum Source {
    Value(ValueKey),
    Feed(Feed),
    Event,
}

/// What one look brought.
#[derive(Debug)]
struct Looked {
    /// The catalog's lines, when it was asked.
    lines: Option<Vec<CatalogLine>>,
    lookups: Vec<(Venue, Lookup)>,
}

/// Follows one instrument; made by [`Reader::watch`].
#[derive(Debug)]
pub struct Watch {
    reader: Reader,
    entity: Entity,
    instrument: Instrument,
    venues: Venues,
    events: bool,
    followed: BTreeSet<Venue>,
    feeds: BTreeSet<Feed>,
    copy: LocalCopy,
    decoder: Decoder,
    pending: VecDeque<Change>,
    subscription: Subscription,
    sources: HashMap<Arc<str>, Source>,
    rhythm: Rhythm,
    /// The look that is on its way, if any: pushes are taken while it waits for Redis.
    looks: JoinSet<Result<Looked, ReadError>>,
    look_due: MonoTime,
    catalog_due: MonoTime,
    tick_due: MonoTime,
    lost: bool,
}

impl Watch {
    pub(super) fn new(reader: Reader, entity: Entity, instrument: Instrument, venues: Venues) -> Self {
        let followed = match &venues {
            Venues::All => BTreeSet::new(),
            Venues::Only(venues) => venues.iter().cloned().collect(),
        };
        Self {
            copy: LocalCopy::new(reader.options().age_limits),
            subscription: reader.subscription(),
            reader,
            entity,
            instrument,
            venues,
            events: false,
            followed,
            feeds: BTreeSet::new(),
            decoder: Decoder::new(),
            pending: VecDeque::new(),
            sources: HashMap::new(),
            rhythm: Rhythm::default(),
            looks: JoinSet::new(),
            look_due: MonoTime::default(),
            catalog_due: MonoTime::default(),
            tick_due: MonoTime::default(),
            lost: false,
        }
    }

    /// Reports events too ([`Change::Event`]). They only come where the deployment publishes them, and what was
    /// published while the path was away never comes: an event is a hint, the value is the truth.
    #[must_use]
    pub fn with_events(mut self) -> Self {
        self.events = true;
        self
    }

    /// Waits for the next change. Never ends: while Redis is away it goes on asking.
    ///
    /// Cancel safe: what was not returned is returned by the next call.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub async fn next(&mut self) -> Change {
        if self.sources.is_empty() {
            self.subscribe();
        }
        loop {
            if let Some(change) = self.pending.pop_front() {
                return change;
            }
            let now = clock::now();
            if now.mono >= self.tick_due {
                self.on_tick(now);
                continue;
            }
            self.begin_look(now.mono);
            let due = if self.looks.is_empty() { self.look_due.min(self.tick_due) } else { self.tick_due };
            tokio::select! {
                () = self.subscription.arrived() => self.take(clock::now()),
                Some(looked) = self.looks.join_next(), if !self.looks.is_empty() => {
                    // A look that was given up is made again when it is due.
                    if let Ok(looked) = looked {
                        self.on_looked(looked, clock::now());
                    }
                }
                () = tokio::time::sleep(due.since(now.mono)) => {}
            }
        }
    }

    /// Which venues are looked at now.
    pub fn followed(&self) -> impl Iterator<Item = &Venue> {
        self.followed.iter()
    }

    /// How many values were older than one that was reported before, and therefore not reported.
    #[must_use]
    pub fn refused(&self) -> u64 {
        self.copy.refused()
    }

    /// How many pushed values a newer one replaced before they were taken: this caller is slower than the writer.
    #[must_use]
    pub fn conflated(&self) -> u64 {
        self.subscription.left().values
    }

    /// How many events were given up, because more than [`EVENTS_MAX`](super::EVENTS_MAX) waited.
    #[must_use]
    pub fn events_dropped(&self) -> u64 {
        self.subscription.left().events
    }

    /// Whether every followed venue is pushed to, as far as can be told: then looks are seldom.
    #[must_use]
    pub fn is_pushed(&self) -> bool {
        !self.followed.is_empty() && self.rhythm.is_calm(self.followed.iter(), clock::mono())
    }

    fn on_tick(&mut self, now: Now) {
        self.tick_due = now.mono.after(TICK);
        if !self.lost {
            self.pending.extend(self.copy.age(now));
        }
        for feed in self.rhythm.silent(now.mono) {
            self.pending.push_back(Change::Silent(feed));
            self.look_due = now.mono;
            self.subscription.doubt();
        }
    }

    fn begin_look(&mut self, now: MonoTime) {
        if !self.looks.is_empty() || now < self.look_due {
            return;
        }
        let Options { poll_interval, safety_interval, .. } = *self.reader.options();
        let calm = !self.lost && self.rhythm.is_calm(self.followed.iter(), now);
        self.look_due = now.after(if calm { safety_interval.max(poll_interval) } else { poll_interval });
        self.rhythm.looking();
        let asks_catalog = now >= self.catalog_due;
        let (reader, instrument) = (self.reader.clone(), self.instrument.clone());
        let (entity, venues, followed) = (self.entity, self.venues.clone(), self.followed.clone());
        self.looks.spawn(async move {
            let lines =
                if asks_catalog { Some(ask_catalog(&reader, &instrument, &venues).await?) } else { None };
            let listed = lines.iter().flatten().filter(|line| line.entities.contains(&entity));
            let all: BTreeSet<Venue> = match venues {
                Venues::All => listed.map(|line| line.venue.clone()).chain(followed).collect(),
                Venues::Only(_) => followed,
            };
            let all: Vec<Venue> = all.into_iter().collect();
            let lookups = reader.get_at(entity, &instrument, &all).await?;
            Ok(Looked { lines, lookups })
        });
    }

    fn on_looked(&mut self, looked: Result<Looked, ReadError>, now: Now) {
        // First what has been pushed: the look may be older than it.
        self.take(now);
        let Looked { lines, lookups } = match looked {
            Ok(looked) => looked,
            Err(error) => return self.on_lost(error, now),
        };
        if let Some(lines) = lines {
            self.catalog_due = now.mono.after(CATALOG_INTERVAL);
            self.follow(lines, now.mono);
        }
        if std::mem::take(&mut self.lost) {
            self.pending.push_back(Change::Restored);
        }
        let mut deaf = false;
        for (venue, lookup) in lookups {
            let found = matches!(lookup, Lookup::Found(_));
            if !self.followed.contains(&venue) || (!found && self.rhythm.pushed_since(&venue)) {
                continue;
            }
            let key = self.key(venue);
            let changes = self.copy.apply(&key, lookup, now);
            let news =
                changes.iter().flatten().any(|it| matches!(it, Change::Value(..) | Change::Confirmed(..)));
            let finding = if news { Finding::News } else { Finding::Nothing };
            deaf |= self.rhythm.looked(&key.venue, finding);
            self.pending.extend(changes.into_iter().flatten());
        }
        if deaf {
            self.subscription.doubt();
        }
    }

    /// Takes what has been pushed.
    fn take(&mut self, now: Now) {
        let delivery = self.subscription.take();
        if delivery.is_empty() {
            return;
        }
        for channel in delivery.fallen {
            if let Some(Source::Value(key)) = self.sources.get(&channel) {
                self.rhythm.unsubscribed(&key.venue);
                self.look_due = now.mono;
            }
        }
        for channel in delivery.risen {
            match self.sources.get(&channel) {
                Some(Source::Value(key)) => {
                    self.rhythm.subscribed(&key.venue, now.mono);
                    self.look_due = now.mono;
                }
                Some(Source::Feed(feed)) => self.rhythm.listening(feed, now.mono),
                Some(Source::Event) | None => {}
            }
        }
        for (channel, message) in delivery.newest {
            match self.sources.get(&channel).cloned() {
                Some(Source::Value(key)) => {
                    self.rhythm.pushed(&key.venue);
                    let lookup = self.reader.read(&mut self.decoder, key.clone(), &message);
                    self.pending.extend(self.copy.apply_pushed(&key, lookup, now).into_iter().flatten());
                }
                Some(Source::Feed(feed)) => self.on_heartbeat(feed, &message, now.mono),
                Some(Source::Event) | None => {}
            }
        }
        for message in delivery.events {
            self.on_event(&message);
        }
    }

    fn on_heartbeat(&mut self, feed: Feed, message: &[u8], now: MonoTime) {
        match decode_feed(message) {
            Ok(heartbeat) if heartbeat.feed == feed => {
                if self.rhythm.heard(&feed, now) {
                    self.pending.push_back(Change::Heard(feed));
                }
            }
            Ok(_) => {}
            Err(error) => self.reader.note_unreadable_message(&error),
        }
    }

    fn on_event(&mut self, message: &[u8]) {
        match decode_event(message) {
            Ok(event) if event.instrument == self.instrument && self.followed.contains(&event.venue) => {
                self.pending.push_back(Change::Event(event));
            }
            Ok(_) => {}
            Err(error) => self.reader.note_unreadable_message(&error),
        }
    }

    /// A venue that left the catalog is followed until its value has expired, so that its end is reported.
    fn follow(&mut self, lines: Vec<CatalogLine>, now: MonoTime) {
        if self.venues == Venues::All {
            let listed = lines.iter().filter(|line| line.entities.contains(&self.entity));
            let listed = listed.map(|line| line.venue.clone()).collect();
            let before = std::mem::replace(&mut self.followed, listed);
            for venue in before {
                let key = self.key(venue);
                if self.copy.shows(&key) {
                    self.followed.insert(key.venue);
                }
            }
        }
        self.feeds = lines
            .into_iter()
            .filter(|line| self.followed.contains(&line.venue))
            .map(|line| line.feed)
            .collect();
        let (followed, feeds) = (&self.followed, &self.feeds);
        self.rhythm.keep(|venue| followed.contains(venue), |feed| feeds.contains(feed));
        self.copy.sweep(now);
        self.subscribe();
    }

    /// Follows the channels of what is followed.
    fn subscribe(&mut self) {
        let namespace = self.reader.namespace();
        let values = self.followed.iter().map(|venue| {
            let channel = key::update_channel(namespace, self.entity, &self.instrument, venue);
            (channel, Source::Value(self.key(venue.clone())))
        });
        let feeds =
            self.feeds.iter().map(|feed| (key::feed_channel(namespace, feed), Source::Feed(feed.clone())));
        let events = self.events.then(|| (key::event_channel(namespace, &self.instrument), Source::Event));
        let named = |(channel, source): (String, Source)| (Arc::<str>::from(channel), source);
        self.sources = values.chain(feeds).chain(events).map(named).collect();
        let keep = |source: &Source| match source {
            Source::Value(_) => Keep::Value,
            Source::Feed(_) => Keep::Heartbeat,
            Source::Event => Keep::Event,
        };
        let wanted =
            self.sources.iter().map(|(channel, source)| (Arc::clone(channel), keep(source))).collect();
        self.subscription.set(&wanted);
    }

    fn on_lost(&mut self, error: ReadError, now: Now) {
        if !std::mem::replace(&mut self.lost, true) {
            self.pending.push_back(Change::Lost(error));
        }
        self.look_due = self.look_due.min(now.mono.after(self.reader.options().poll_interval));
        self.pending.extend(self.copy.without_redis(now));
    }

    fn key(&self, venue: Venue) -> ValueKey {
        ValueKey { entity: self.entity, instrument: self.instrument.clone(), venue }
    }
}

/// The lines of what is followed. Where only given venues are, the catalog is but a hint at their feeds: one that may
/// not be read is passed over.
async fn ask_catalog(
    reader: &Reader,
    instrument: &Instrument,
    venues: &Venues,
) -> Result<Vec<CatalogLine>, ReadError> {
    match venues {
        Venues::All => reader.venues_of(instrument).await,
        Venues::Only(venues) => match reader.lines_at(instrument, venues).await {
            Err(error) if error.recovery() == Recovery::Stop => Ok(Vec::new()),
            answer => answer,
        },
    }
}
