//! The keys of an engine, as its clients see them: values of its tables, and what stands beside them.
//!
//! Owns the list of all names, in order, and where each of them is read. Never holds a value, never writes. The names are
//! fixed when it is made, so that a place in the list is a cursor; whether one exists is decided at each read, by its TTL.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use crate::codec::key::{catalog_key, engines_key, lease_key, meta_key};
use crate::domain::{Feed, MonoTime, Namespace, SlotId};

use super::super::{ShownEngine, ValueTable};

/// Whoever does not say for so long that a lease is held, or that the engine lives, is not believed any more.
const SHOWN_FOR: Duration = Duration::from_secs(2);

/// Fields of `meta`: channels are those of PUBLISH.
const META: [(&str, &str); 2] = [("transport", "publish"), ("schema", "1")];

/// Where a key is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// A slot, by its place among those of all tables.
    Value(u32),
    /// The lease of a feed of a table.
    Lease { table: u16, feed: u16 },
    /// The hash `meta`.
    Meta,
    /// The hash `catalog`.
    Catalog,
    /// The hash of engines.
    Engines,
}

/// What a key holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Bytes.
    Text,
    /// Fields.
    Hash,
}

impl Kind {
    /// As TYPE says it.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Text => "string",
            Self::Hash => "hash",
        }
    }
}

/// How long a key lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Life {
    /// It is not there.
    Missing,
    /// Without an end.
    Forever,
    /// So long.
    Left(Duration),
}

/// The keys of an engine.
#[derive(Debug)]
pub(super) struct View {
    tables: Vec<Arc<ValueTable>>,
    /// Of each table: where its slots begin among all, a multiple of 64.
    bases: Vec<u32>,
    slots: usize,
    /// In order.
    names: Vec<(Box<[u8]>, Place)>,
    index: HashMap<Box<[u8]>, Place>,
    /// `{namespace}:v1:`
    prefix: String,
    /// `{namespace}:v1:update:`
    channels: String,
}

impl View {
    /// Over tables, each with the feeds of its writer.
    pub(super) fn new(namespace: &Namespace, tables: Vec<(Arc<ValueTable>, Vec<Feed>)>) -> Self {
        let prefix = format!("{namespace}:v1:");
        let mut names: Vec<(Box<[u8]>, Place)> = Vec::new();
        let mut name = |text: String, place| names.push((text.into_bytes().into(), place));
        name(meta_key(namespace), Place::Meta);
        name(catalog_key(namespace), Place::Catalog);
        name(engines_key(namespace), Place::Engines);
        let (mut bases, mut base) = (Vec::new(), 0_u32);
        for ((table, feeds), number) in tables.iter().zip(0_u16..) {
            bases.push(base);
            for (slot, key) in table.list() {
                name(key.key.clone(), Place::Value(base + slot.0));
            }
            for (feed, index) in feeds.iter().zip(0_u16..) {
                name(lease_key(namespace, feed), Place::Lease { table: number, feed: index });
            }
            base += u32::try_from(table.board().words() * 64).unwrap_or(u32::MAX);
        }
        names.sort_by(|(one, _), (other, _)| one.cmp(other));
        let index = names.iter().cloned().collect();
        let tables = tables.into_iter().map(|(table, _)| table).collect();
        let channels = format!("{prefix}update:");
        Self { tables, bases, slots: base as usize, names, index, prefix, channels }
    }

    pub(super) fn tables(&self) -> &[Arc<ValueTable>] {
        &self.tables
    }

    /// Words that hold a bit for each slot.
    pub(super) const fn words(&self) -> usize {
        self.slots / 64
    }

    #[inline]
    pub(super) fn find(&self, key: &[u8]) -> Option<Place> {
        self.index.get(key).copied()
    }

    /// Every name in order, whether or not it exists now.
    pub(super) fn names(&self) -> &[(Box<[u8]>, Place)] {
        &self.names
    }

    /// The table of a slot, and its place in there.
    #[inline]
    pub(super) fn slot(&self, slot: u32) -> (&ValueTable, SlotId) {
        let table =
            if self.bases.len() == 1 { 0 } else { self.bases.partition_point(|base| *base <= slot) - 1 };
        (&self.tables[table], SlotId(slot - self.bases[table]))
    }

    /// The key of a slot.
    pub(super) fn key(&self, slot: u32) -> Option<&str> {
        let (table, slot) = self.slot(slot);
        table.key(slot)
    }

    /// The slot whose values are told on a channel.
    pub(super) fn slot_of_channel(&self, channel: &[u8]) -> Option<u32> {
        let rest = channel.strip_prefix(self.channels.as_bytes())?;
        match self.find(&[self.prefix.as_bytes(), rest].concat()) {
            Some(Place::Value(slot)) => Some(slot),
            _ => None,
        }
    }

    /// Writes the channel of a key into `out`, which is emptied first.
    pub(super) fn channel_of(&self, key: &str, out: &mut Vec<u8>) {
        out.clear();
        out.extend_from_slice(self.channels.as_bytes());
        out.extend_from_slice(key.get(self.prefix.len()..).unwrap_or(key).as_bytes());
    }

    /// Every slot with its key.
    pub(super) fn slots(&self) -> impl Iterator<Item = (u32, &str)> {
        self.tables
            .iter()
            .zip(&self.bases)
            .flat_map(|(table, base)| table.list().map(move |(slot, key)| (base + slot.0, key.key.as_str())))
    }

    /// What a key holds, if it exists.
    pub(super) fn kind(&self, place: Place, now: MonoTime) -> Option<Kind> {
        match place {
            Place::Value(slot) => {
                let (table, slot) = self.slot(slot);
                table.ttl(slot, now).map(|_| Kind::Text)
            }
            Place::Lease { .. } => self.lease(place, now).map(|_| Kind::Text),
            Place::Meta | Place::Catalog | Place::Engines => {
                (self.fields(place, now) > 0).then_some(Kind::Hash)
            }
        }
    }

    /// Lends the bytes of a text to `read`; `None` where there are none, or fields.
    #[inline]
    pub(super) fn text<T>(&self, place: Place, now: MonoTime, read: impl FnOnce(&[u8]) -> T) -> Option<T> {
        match place {
            Place::Value(slot) => {
                let (table, slot) = self.slot(slot);
                table.read(slot, now, |bytes, _| read(bytes))
            }
            Place::Lease { .. } => self.lease(place, now).map(|(value, _)| read(&value)),
            Place::Meta | Place::Catalog | Place::Engines => None,
        }
    }

    pub(super) fn life(&self, place: Place, now: MonoTime) -> Life {
        let left = |left: Option<Duration>| left.map_or(Life::Missing, Life::Left);
        match place {
            Place::Value(slot) => {
                let (table, slot) = self.slot(slot);
                left(table.ttl(slot, now))
            }
            Place::Lease { .. } => left(self.lease(place, now).map(|(_, left)| left)),
            Place::Meta | Place::Catalog | Place::Engines => {
                if self.fields(place, now) > 0 {
                    Life::Forever
                } else {
                    Life::Missing
                }
            }
        }
    }

    fn lease(&self, place: Place, now: MonoTime) -> Option<(Vec<u8>, Duration)> {
        let Place::Lease { table, feed } = place else { return None };
        let lease = self.tables[usize::from(table)].board().lease(usize::from(feed))?;
        let end = lease.told.after(SHOWN_FOR);
        (now < end).then(|| (lease.value, end.since(now)))
    }

    /// What the writer of each table says of itself, while it lives.
    fn engines(&self, now: MonoTime) -> impl Iterator<Item = ShownEngine> {
        let said = self.tables.iter().filter_map(|table| table.board().engine());
        said.filter(move |engine| now < engine.told.after(SHOWN_FOR))
    }

    /// How many fields a hash has; 0 = it does not exist, or is none.
    pub(super) fn fields(&self, place: Place, now: MonoTime) -> usize {
        match place {
            Place::Meta => META.len(),
            Place::Catalog => {
                self.tables.iter().map(|table| table.board().with_catalog(|fields| fields.len())).sum()
            }
            Place::Engines => self.engines(now).count(),
            Place::Value(_) | Place::Lease { .. } => 0,
        }
    }

    /// Lends each field and its value to `read`.
    pub(super) fn each_field(&self, place: Place, now: MonoTime, mut read: impl FnMut(&[u8], &[u8])) {
        match place {
            Place::Meta => META.iter().for_each(|(field, value)| read(field.as_bytes(), value.as_bytes())),
            Place::Catalog => {
                for table in &self.tables {
                    table.board().with_catalog(|fields| {
                        fields.iter().for_each(|(field, value)| read(field.as_bytes(), value.as_bytes()));
                    });
                }
            }
            Place::Engines => {
                self.engines(now).for_each(|engine| read(engine.id.as_bytes(), &engine.value));
            }
            Place::Value(_) | Place::Lease { .. } => {}
        }
    }

    /// One field of a hash.
    pub(super) fn field(&self, place: Place, field: &[u8], now: MonoTime) -> Option<Vec<u8>> {
        match place {
            Place::Catalog => {
                let field = std::str::from_utf8(field).ok()?;
                let of = |table: &Arc<ValueTable>| {
                    table
                        .board()
                        .with_catalog(|fields| fields.get(field).map(|value| value.clone().into_bytes()))
                };
                self.tables.iter().find_map(of)
            }
            Place::Meta | Place::Engines => {
                let mut found = None;
                self.each_field(place, now, |name, value| {
                    if name == field {
                        found = Some(value.to_vec());
                    }
                });
                found
            }
            Place::Value(_) | Place::Lease { .. } => None,
        }
    }
}
