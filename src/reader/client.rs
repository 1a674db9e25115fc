//! One read API over Redis: a value, all venues of an instrument, the catalog.
//!
//! Owns the questions that are asked of Redis and the reading of the answers. Never writes a key, never uses KEYS, and
//! scans nothing but the catalog. A catalog of more than [`CATALOG_MAX`] fields is refused.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use redis::Cmd;
use tracing::warn;

use super::link::Link;
use super::push::{Hub, Subscription};
use super::{Lookup, Options, ReadError, Venues, View, Watch};
use crate::codec::key::{self, ValueKey};
use crate::codec::{DecodeError, Decoder};
use crate::domain::{Entity, Feed, Instrument, Namespace, Venue};
use crate::telemetry::names;

/// Fields of a catalog.
pub const CATALOG_MAX: usize = 200_000;

/// Fields that one step of a scan looks at: some 50 µs of the server's time.
const SCAN_COUNT: usize = 500;

/// What the catalog says of one instrument at one venue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CatalogLine {
    /// Which instrument.
    pub instrument: Instrument,
    /// At which venue.
    pub venue: Venue,
    /// Who writes it.
    pub feed: Feed,
    /// What there is of it.
    pub entities: Vec<Entity>,
}

/// Reads what tickcache keeps in one Redis. Cheap to clone; all clones share one connection for questions, and one a
/// node for subscriptions.
#[derive(Debug, Clone)]
pub struct Reader {
    link: Arc<Link>,
    hub: Arc<Hub>,
    namespace: Namespace,
    unreadable: Arc<AtomicU64>,
}

impl Reader {
    /// Connects with the default [`Options`], and makes sure that Redis answers.
    ///
    /// # Errors
    /// [`ReadError`], when the URL is not valid or Redis cannot be reached.
    pub async fn connect(url: &str, namespace: Namespace) -> Result<Self, ReadError> {
        Self::connect_with(url, namespace, Options::default()).await
    }

    /// Connects, and makes sure that Redis answers.
    ///
    /// # Errors
    /// As [`Reader::connect`].
    pub async fn connect_with(url: &str, namespace: Namespace, options: Options) -> Result<Self, ReadError> {
        let reader = Self::lazy(url, namespace, options)?;
        // Not PING, which a Cluster's connection would send to every node.
        let mut command = redis::cmd("HLEN");
        command.arg(key::catalog_key(&reader.namespace));
        match reader.link.query::<u64>("HLEN", &command).await {
            Err(error) if !matches!(error, ReadError::Refused { .. }) => Err(error),
            // A user that may not look there may be allowed what it really asks for.
            _ => Ok(reader),
        }
    }

    /// Connects at the first question, and as often as it takes afterwards.
    ///
    /// # Errors
    /// [`ReadError::Url`].
    pub fn lazy(url: &str, namespace: Namespace, options: Options) -> Result<Self, ReadError> {
        let link = Arc::new(Link::new(url, options)?);
        let hub = Arc::new(Hub::new(Arc::clone(&link), namespace.clone()));
        Ok(Self { link, hub, namespace, unreadable: Arc::default() })
    }

    /// Host and port, or the path of the socket; for people.
    #[must_use]
    pub fn server(&self) -> &str {
        self.link.server()
    }

    /// How this reader was made.
    #[must_use]
    pub fn options(&self) -> &Options {
        self.link.options()
    }

    /// How many values could not be read so far, by this reader and its clones.
    #[must_use]
    pub fn unreadable(&self) -> u64 {
        self.unreadable.load(Ordering::Relaxed)
    }

    /// What stands under one key.
    ///
    /// # Errors
    /// [`ReadError`], when Redis does not answer. An absent or unreadable value is no error.
    pub async fn get(
        &self,
        entity: Entity,
        instrument: &Instrument,
        venue: &Venue,
    ) -> Result<Lookup, ReadError> {
        let mut found = self.get_at(entity, instrument, std::slice::from_ref(venue)).await?;
        Ok(found.pop().map_or(Lookup::Absent, |(_, lookup)| lookup))
    }

    /// What stands under one instrument's keys, in the order of `venues`, from one MGET: all of one moment.
    ///
    /// # Errors
    /// As [`Reader::get`].
    pub async fn get_at(
        &self,
        entity: Entity,
        instrument: &Instrument,
        venues: &[Venue],
    ) -> Result<Vec<(Venue, Lookup)>, ReadError> {
        if venues.is_empty() {
            return Ok(Vec::new());
        }
        let mut command = redis::cmd("MGET");
        for venue in venues {
            command.arg(key::value_key(&self.namespace, entity, instrument, venue));
        }
        let values: Vec<Option<Vec<u8>>> = self.link.query("MGET", &command).await?;
        let mut decoder = Decoder::new();
        let read = |(venue, bytes): (&Venue, Option<Vec<u8>>)| {
            let key = ValueKey { entity, instrument: instrument.clone(), venue: venue.clone() };
            let lookup = bytes.map_or(Lookup::Absent, |bytes| self.read(&mut decoder, key, &bytes));
            (venue.clone(), lookup)
        };
        Ok(venues.iter().zip(values).map(read).collect())
    }

    /// What stands under one instrument's keys at every venue that the catalog names for `entity`, by venue.
    ///
    /// # Errors
    /// As [`Reader::get`].
    pub async fn get_all(
        &self,
        entity: Entity,
        instrument: &Instrument,
    ) -> Result<Vec<(Venue, Lookup)>, ReadError> {
        let venues = self.venues_with(entity, instrument).await?;
        self.get_at(entity, instrument, &venues).await
    }

    /// What the catalog says of one instrument, by venue.
    ///
    /// # Errors
    /// As [`Reader::get`].
    pub async fn venues_of(&self, instrument: &Instrument) -> Result<Vec<CatalogLine>, ReadError> {
        // Nothing that an instrument may be spelled with means anything in a pattern.
        self.scan_catalog(&format!("{instrument}:*")).await
    }

    /// The whole catalog, by instrument and venue.
    ///
    /// # Errors
    /// As [`Reader::get`], and [`ReadError::CatalogTooLarge`].
    pub async fn catalog(&self) -> Result<Vec<CatalogLine>, ReadError> {
        self.scan_catalog("*").await
    }

    /// Follows one instrument. Nothing is asked before the first [`Watch::next`].
    #[must_use]
    pub fn watch(&self, entity: Entity, instrument: Instrument, venues: Venues) -> Watch {
        Watch::new(self.clone(), entity, instrument, venues)
    }

    pub(super) const fn namespace(&self) -> &Namespace {
        &self.namespace
    }

    pub(super) const fn link(&self) -> &Arc<Link> {
        &self.link
    }

    pub(super) fn subscription(&self) -> Subscription {
        self.hub.subscription()
    }

    /// What the catalog says of one instrument at `venues`, where it knows them.
    pub(super) async fn lines_at(
        &self,
        instrument: &Instrument,
        venues: &[Venue],
    ) -> Result<Vec<CatalogLine>, ReadError> {
        if venues.is_empty() {
            return Ok(Vec::new());
        }
        let fields: Vec<String> = venues.iter().map(|venue| key::catalog_field(instrument, venue)).collect();
        let mut command = redis::cmd("HMGET");
        command.arg(key::catalog_key(&self.namespace)).arg(&fields);
        let values: Vec<Option<String>> = self.link.query("HMGET", &command).await?;
        let pairs = fields.iter().zip(&values);
        Ok(pairs.filter_map(|(field, value)| catalog_line(field, value.as_deref()?)).collect())
    }

    async fn venues_with(&self, entity: Entity, instrument: &Instrument) -> Result<Vec<Venue>, ReadError> {
        let lines = self.venues_of(instrument).await?;
        Ok(lines.into_iter().filter(|line| line.entities.contains(&entity)).map(|line| line.venue).collect())
    }

    /// A message on a channel that this version cannot read.
    pub(super) fn note_unreadable_message(&self, error: &DecodeError) {
        let count = self.unreadable.fetch_add(1, Ordering::Relaxed) + 1;
        metrics::counter!(names::READER_UNREADABLE).increment(1);
        if count.is_power_of_two() {
            warn!(count, ?error, "message not readable");
        }
    }

    pub(super) fn read(&self, decoder: &mut Decoder, key: ValueKey, bytes: &[u8]) -> Lookup {
        match decoder.decode(key.entity, bytes) {
            Ok(decoded) => Lookup::Found(Box::new(View::new(key, decoded))),
            Err(error) => {
                let count = self.unreadable.fetch_add(1, Ordering::Relaxed) + 1;
                metrics::counter!(names::READER_UNREADABLE).increment(1);
                // Whoever polls meets the same bytes again and again: said at the 1st, 2nd, 4th, 8th ..
                if count.is_power_of_two() {
                    warn!(entity = %key.entity, instrument = %key.instrument, venue = %key.venue, count, ?error, "value not readable");
                }
                Lookup::Unreadable(error)
            }
        }
    }

    /// Fields that are none of ours are left out: the catalog is only ever a hint where to look.
    async fn scan_catalog(&self, pattern: &str) -> Result<Vec<CatalogLine>, ReadError> {
        let catalog = key::catalog_key(&self.namespace);
        let (mut cursor, mut fields) = (0_u64, BTreeMap::<String, String>::new());
        loop {
            let mut command = Cmd::new();
            command.arg("HSCAN").arg(&catalog).arg(cursor).arg("MATCH").arg(pattern);
            command.arg("COUNT").arg(SCAN_COUNT);
            let (next, page): (u64, Vec<(String, String)>) = self.link.query("HSCAN", &command).await?;
            fields.extend(page);
            if fields.len() > CATALOG_MAX {
                let server = self.server().to_owned();
                return Err(ReadError::CatalogTooLarge { server, fields_max: CATALOG_MAX });
            }
            if next == 0 {
                return Ok(fields.iter().filter_map(|(field, value)| catalog_line(field, value)).collect());
            }
            cursor = next;
        }
    }
}

fn catalog_line(field: &str, value: &str) -> Option<CatalogLine> {
    let (instrument, venue) = key::parse_catalog_field(field).ok()?;
    let key::CatalogEntry { feed, entities } = key::parse_catalog_value(value).ok()?;
    Some(CatalogLine { instrument, venue, feed, entities })
}
