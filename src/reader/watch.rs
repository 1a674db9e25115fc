//! Following an instrument: what changes under its keys, as it changes.
//!
//! Owns the rhythm of looking (one MGET every [`Options::poll_interval`](super::Options::poll_interval), the catalog every
//! two seconds) and the order of what it reports. Never skips a state and never reports a value older than one before it;
//! of several values between two looks only the newest is seen. Holds one value a venue.

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use tokio::time::{Interval, MissedTickBehavior};

use super::copy::LocalCopy;
use super::{ReadError, Reader, Trust, View};
use crate::clock;
use crate::codec::DecodeError;
use crate::codec::key::ValueKey;
use crate::domain::{Entity, Instrument, MonoTime, Venue};

/// How often the catalog is asked for venues that came or went.
const CATALOG_INTERVAL: Duration = Duration::from_secs(2);

/// Which venues to follow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Venues {
    /// Those in the catalog, as they come and go.
    All,
    /// Just these, whether the catalog knows them or not.
    Only(Vec<Venue>),
}

/// Something that a follower should know.
#[derive(Debug)]
#[non_exhaustive]
pub enum Change {
    /// Another value, or the first.
    Value(Box<View>, Trust),
    /// The same value, known to stand more recently.
    Confirmed(Box<View>, Trust),
    /// The same value, but nobody has confirmed it for too long (or its writer's clock came into range again).
    Aged(Box<View>, Trust),
    /// The key has expired or was deleted.
    Gone(ValueKey),
    /// What stands there cannot be read; to be treated as gone. Said once, until it can be read again.
    Unreadable(ValueKey, DecodeError),
    /// Redis does not answer. What was reported before grows old, and is reported as such.
    Lost(ReadError),
    /// Redis answers again; what changed meanwhile follows.
    Restored,
}

/// Follows one instrument; made by [`Reader::watch`].
#[derive(Debug)]
pub struct Watch {
    reader: Reader,
    entity: Entity,
    instrument: Instrument,
    venues: Venues,
    followed: BTreeSet<Venue>,
    copy: LocalCopy,
    pending: VecDeque<Change>,
    interval: Option<Interval>,
    catalog_due: MonoTime,
    lost: bool,
}

impl Watch {
    pub(super) fn new(reader: Reader, entity: Entity, instrument: Instrument, venues: Venues) -> Self {
        let followed = match &venues {
            Venues::All => BTreeSet::new(),
            Venues::Only(venues) => venues.iter().cloned().collect(),
        };
        let copy = LocalCopy::new(reader.options().age_limits);
        let pending = VecDeque::new();
        let catalog_due = MonoTime::default();
        Self {
            reader,
            entity,
            instrument,
            venues,
            followed,
            copy,
            pending,
            interval: None,
            catalog_due,
            lost: false,
        }
    }

    /// Waits for the next change. Never ends: while Redis is away it goes on asking.
    ///
    /// Cancel safe: what was not returned is returned by the next call.
    pub async fn next(&mut self) -> Change {
        loop {
            if let Some(change) = self.pending.pop_front() {
                return change;
            }
            self.tick().await;
            match self.look().await {
                Ok(()) => {}
                Err(error) => self.on_lost(error),
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

    async fn tick(&mut self) {
        let period = self.reader.options().poll_interval;
        let interval = self.interval.get_or_insert_with(|| {
            let mut interval = tokio::time::interval(period);
            interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
            interval
        });
        interval.tick().await;
    }

    async fn look(&mut self) -> Result<(), ReadError> {
        if self.venues == Venues::All && clock::mono() >= self.catalog_due {
            let listed = self.reader.venues_with(self.entity, &self.instrument).await?;
            self.catalog_due = clock::mono().after(CATALOG_INTERVAL);
            self.follow(listed);
        }
        let venues: Vec<Venue> = self.followed.iter().cloned().collect();
        let lookups = self.reader.get_at(self.entity, &self.instrument, &venues).await?;
        if std::mem::take(&mut self.lost) {
            self.pending.push_back(Change::Restored);
        }
        let now = clock::now();
        for (venue, lookup) in lookups {
            let key = self.key(venue);
            self.pending.extend(self.copy.apply(&key, lookup, now).into_iter().flatten());
        }
        Ok(())
    }

    /// A venue that left the catalog is followed until its value has expired, so that its end is reported.
    fn follow(&mut self, listed: Vec<Venue>) {
        let before = std::mem::replace(&mut self.followed, listed.into_iter().collect());
        for venue in before {
            let key = self.key(venue);
            if self.followed.contains(&key.venue) {
                continue;
            }
            if self.copy.shows(&key) {
                self.followed.insert(key.venue);
            }
        }
        self.copy.sweep(clock::mono());
    }

    fn on_lost(&mut self, error: ReadError) {
        if !std::mem::replace(&mut self.lost, true) {
            self.pending.push_back(Change::Lost(error));
        }
        self.pending.extend(self.copy.without_redis(clock::now()));
    }

    fn key(&self, venue: Venue) -> ValueKey {
        ValueKey { entity: self.entity, instrument: self.instrument.clone(), venue }
    }
}
