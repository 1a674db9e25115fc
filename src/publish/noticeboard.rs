//! What the writer leaves for whoever serves its table: which values changed, and what is told beside them.
//!
//! Owns one bit a slot, the messages that wait to be told, and the newest state of leases, engine and catalog. The writer never
//! wakes anybody and never waits for a reader: without a watcher a stored value costs it one relaxed load, with one another
//! atomic OR. At most [`NOTICES_MAX`] messages wait: the oldest is dropped for a further one, counted.
//!
//! Order: whoever takes the messages first ([`Noticeboard::take_notices`]) and the changed slots afterwards
//! ([`Noticeboard::take_changed`]) finds among the latter every value that a message speaks of, because the writer marks before it
//! tells.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use metrics::counter;

use crate::codec::encode_lease;
use crate::domain::{Epoch, MonoTime, SlotId};
use crate::telemetry::names;

/// Messages that nobody has taken yet.
pub const NOTICES_MAX: usize = 4_096;

const BITS: usize = 64;

/// A message on a channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// Where it is told.
    pub channel: String,
    /// What.
    pub message: Vec<u8>,
}

/// The lease of a feed, as this engine holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShownLease {
    /// The epoch in force.
    pub epoch: Epoch,
    /// `owner:epoch`, as it stands in Redis.
    pub value: Vec<u8>,
    /// When the writer last said so.
    pub told: MonoTime,
}

/// What the list of engines says of this one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShownEngine {
    /// Its id.
    pub id: String,
    /// As it stands in Redis.
    pub value: Vec<u8>,
    /// When the writer last said so.
    pub told: MonoTime,
}

#[derive(Debug, Default)]
struct Shown {
    leases: Vec<Option<ShownLease>>,
    /// Of this engine, for the list of engines.
    engine: Option<ShownEngine>,
}

/// What the writer leaves for whoever serves its table.
#[derive(Debug)]
pub struct Noticeboard {
    watchers: AtomicUsize,
    changed: Vec<AtomicU64>,
    notices: Mutex<VecDeque<Notice>>,
    shown: Mutex<Shown>,
    catalog: Mutex<BTreeMap<String, String>>,
}

/// What is under the locks is whole after each statement: a panic elsewhere changes nothing about it.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Noticeboard {
    /// For so many slots.
    #[must_use]
    pub fn new(slots: usize) -> Self {
        Self {
            watchers: AtomicUsize::new(0),
            changed: (0..slots.div_ceil(BITS)).map(|_| AtomicU64::new(0)).collect(),
            notices: Mutex::default(),
            shown: Mutex::default(),
            catalog: Mutex::default(),
        }
    }

    /// From now on changes are marked and messages kept, until [`Self::unwatch`].
    pub fn watch(&self) {
        self.watchers.fetch_add(1, Ordering::SeqCst);
    }

    /// One watcher less.
    pub fn unwatch(&self) {
        let before = self.watchers.fetch_sub(1, Ordering::SeqCst);
        assert!(before > 0, "whoever leaves has come");
        if before == 1 {
            lock(&self.notices).clear();
        }
    }

    /// Whether anybody looks.
    #[inline]
    pub fn is_watched(&self) -> bool {
        self.watchers.load(Ordering::Relaxed) > 0
    }

    /// A slot has a newer value.
    #[inline]
    pub(super) fn mark(&self, slot: SlotId) {
        if self.is_watched() {
            let index = slot.0 as usize;
            self.changed[index / BITS].fetch_or(1 << (index % BITS), Ordering::Release);
        }
    }

    /// Words of 64 slots each.
    #[must_use]
    pub fn words(&self) -> usize {
        self.changed.len()
    }

    /// The slots of a word that changed since it was last asked: bit n is slot 64 × word + n.
    #[inline]
    #[must_use]
    pub fn take_changed(&self, word: usize) -> u64 {
        let changed = &self.changed[word];
        // A look is cheaper than an exchange, and most words have not changed.
        if changed.load(Ordering::Relaxed) == 0 { 0 } else { changed.swap(0, Ordering::Acquire) }
    }

    /// Keeps a message for whoever watches; nobody does = it is gone.
    pub(super) fn tell(&self, notice: Notice) {
        if !self.is_watched() {
            return;
        }
        let mut notices = lock(&self.notices);
        if notices.len() >= NOTICES_MAX {
            notices.pop_front();
            counter!(names::EMBEDDED_LIMITS, "limit" => "notices").increment(1);
        }
        notices.push_back(notice);
    }

    /// Every message since it was last asked, the oldest first.
    #[must_use]
    pub fn take_notices(&self) -> VecDeque<Notice> {
        std::mem::take(&mut *lock(&self.notices))
    }

    /// The writer writes a feed in this epoch, or does not.
    pub(super) fn show_lease(&self, feed: usize, owner: &str, epoch: Option<Epoch>, now: MonoTime) {
        let mut shown = lock(&self.shown);
        if shown.leases.len() <= feed {
            shown.leases.resize(feed + 1, None);
        }
        let place = &mut shown.leases[feed];
        match (epoch, place) {
            (None, place) => *place = None,
            (Some(epoch), Some(lease)) if lease.epoch == epoch => lease.told = now,
            (Some(epoch), place) => {
                let mut value = Vec::new();
                encode_lease(owner, epoch, &mut value);
                *place = Some(ShownLease { epoch, value, told: now });
            }
        }
    }

    /// The lease of a feed, by its place among the writer's feeds.
    #[must_use]
    pub fn lease(&self, feed: usize) -> Option<ShownLease> {
        lock(&self.shown).leases.get(feed)?.clone()
    }

    /// What the list of engines says of this one.
    pub(super) fn show_engine(&self, id: &str, value: Vec<u8>, now: MonoTime) {
        lock(&self.shown).engine = Some(ShownEngine { id: id.to_owned(), value, told: now });
    }

    /// The same; `None` before the first time.
    #[must_use]
    pub fn engine(&self) -> Option<ShownEngine> {
        lock(&self.shown).engine.clone()
    }

    /// Sets or removes a field of the catalog.
    pub(super) fn change_catalog(&self, field: &str, value: Option<&str>) {
        let mut catalog = lock(&self.catalog);
        match value {
            Some(value) => drop(catalog.insert(field.to_owned(), value.to_owned())),
            None => drop(catalog.remove(field)),
        }
    }

    /// Lends the catalog to `read`.
    pub fn with_catalog<T>(&self, read: impl FnOnce(&BTreeMap<String, String>) -> T) -> T {
        read(&lock(&self.catalog))
    }
}

/// A watcher, for as long as it is held.
#[derive(Debug)]
pub struct Watching(Vec<Arc<super::ValueTable>>);

impl Watching {
    /// Watches the boards of these tables.
    #[must_use]
    pub fn begin(tables: &[Arc<super::ValueTable>]) -> Self {
        for table in tables {
            table.board().watch();
        }
        Self(tables.to_vec())
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        for table in &self.0 {
            table.board().unwatch();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn notice(text: &str) -> Notice {
        Notice { channel: "channel".to_owned(), message: text.into() }
    }

    #[test]
    fn nothing_is_kept_while_nobody_watches() {
        let board = Noticeboard::new(65);
        board.mark(SlotId(3));
        board.tell(notice("unheard"));
        board.watch();
        assert_eq!((board.take_changed(0), board.take_notices().len()), (0, 0));
        board.mark(SlotId(64));
        board.tell(notice("heard"));
        assert_eq!((board.words(), board.take_changed(0), board.take_changed(1)), (2, 0, 1));
        assert_eq!(board.take_changed(1), 0, "it was taken");
        board.unwatch();
        assert_eq!(board.take_notices().len(), 0, "whoever comes later did not ask for it");
    }

    #[test]
    fn beyond_the_limit_the_oldest_message_goes() {
        let board = Noticeboard::new(1);
        board.watch();
        for index in 0..=NOTICES_MAX {
            board.tell(notice(&index.to_string()));
        }
        let kept = board.take_notices();
        assert_eq!((kept.len(), kept[0].message.as_slice()), (NOTICES_MAX, &b"1"[..]));
    }

    #[test]
    fn a_lease_is_shown_with_its_owner_until_it_is_lost() {
        let board = Noticeboard::new(1);
        assert_eq!(board.lease(1), None);
        let at = MonoTime::from_nanos;
        board.show_lease(1, "engine.0", Epoch::new(7), at(1));
        board.show_lease(1, "engine.0", Epoch::new(7), at(2));
        let lease = board.lease(1).unwrap();
        assert_eq!((lease.value.as_slice(), lease.told), (&b"engine.0:7"[..], at(2)));
        board.show_lease(1, "engine.0", None, at(3));
        assert_eq!(board.lease(1), None);
    }
}
