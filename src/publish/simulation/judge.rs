//! What must never happen, and how often everything did that should happen now and then.
//!
//! Owns the first violation and the counts. Sees what engines build, what servers accept and what readers show; decides by
//! rules of its own, not by what the writer's code says.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Duration;

use crate::domain::MonoTime;

use super::super::lease::LostBy;

/// An engine and which start of it.
pub(super) type Who = (usize, u32);
/// Epoch and sequence.
pub(super) type Pair = (u64, u64);

/// How long an engine may write after it asked: 2000 ms, less 500 for the write and 1 % for the clocks.
const AUTHORITY: Duration = Duration::from_millis(1_480);
/// Turns of an engine in a second: more is a busy loop.
const TURNS_MAX: u64 = 1_000;

#[derive(Debug, Default)]
pub(super) struct Judge {
    pub(super) violation: Option<String>,
    pub(super) counts: BTreeMap<&'static str, u64>,
    /// By key and version: who wrote it, and what.
    accepted: HashMap<(usize, Pair), (Who, Vec<u8>)>,
    /// By feed and epoch.
    owners: HashMap<(usize, u64), Who>,
    /// The greatest epoch of each feed that any server ever gave or took.
    greatest: HashMap<usize, u64>,
    /// By engine, feed and epoch that a server granted: until when it may write, at the most.
    grants: HashMap<(Who, usize, u64), MonoTime>,
    /// With which epoch each engine wrote each feed last.
    wrote_with: HashMap<(Who, usize), u64>,
    events: HashSet<u64>,
    /// Longer than its TTL a key may live because a failover led to a slower clock.
    pub(super) skew_ms: i64,
}

impl Judge {
    pub(super) fn fail(&mut self, what: String) {
        self.violation.get_or_insert(what);
    }

    pub(super) fn count(&mut self, what: &'static str) {
        *self.counts.entry(what).or_default() += 1;
    }

    fn owns(&mut self, feed: usize, epoch: u64, who: Who) {
        let greatest = self.greatest.entry(feed).or_default();
        *greatest = epoch.max(*greatest);
        let first = *self.owners.entry((feed, epoch)).or_insert_with(|| who);
        if first != who {
            self.fail(format!(
                "feed {feed}: engines {first:?} and {who:?} were both accepted in epoch {epoch}"
            ));
        }
    }

    /// A server has said that the lease is the caller's; the caller asked when its clock said `built`.
    pub(super) fn granted(&mut self, feed: usize, who: Who, epoch: u64, built: MonoTime) {
        if !self.owners.contains_key(&(feed, epoch)) {
            self.count("epochs");
        }
        self.owns(feed, epoch, who);
        let until = self.grants.entry((who, feed, epoch)).or_default();
        *until = built.after(AUTHORITY).max(*until);
    }

    /// An engine has made a batch with a value of this feed.
    pub(super) fn built(&mut self, feed: usize, who: Who, epoch: u64, now: MonoTime) {
        self.wrote_with.insert((who, feed), epoch);
        if self.is_late(feed, who, epoch, now) {
            let until = self.grants.get(&(who, feed, epoch));
            self.fail(format!("feed {feed}: {who:?} sends epoch {epoch} at {now}, but may until {until:?}"));
        }
    }

    /// Whether this engine's own deadline is over.
    pub(super) fn is_late(&self, feed: usize, who: Who, epoch: u64, now: MonoTime) -> bool {
        self.grants.get(&(who, feed, epoch)).is_none_or(|until| now >= *until)
    }

    /// A server ran the write of a value of this key: what stood there before and after, if it was a value.
    pub(super) fn wrote(
        &mut self,
        (key, feed, who): (usize, usize, Who),
        value: (Pair, &[u8]),
        before: Option<Pair>,
        after: Option<Pair>,
    ) {
        let (version, bytes) = value;
        if before.is_some() && after < before {
            self.fail(format!("key {key}: {before:?} became {after:?} by {who:?} at the server"));
        }
        if after != Some(version) {
            return;
        }
        self.owns(feed, version.0, who);
        let known = self.accepted.entry((key, version)).or_insert_with(|| (who, bytes.to_vec()));
        if known.1 != bytes {
            let first = known.0;
            self.fail(format!("key {key}: {version:?} has other bytes of {who:?} than of {first:?}"));
        }
    }

    /// An event was published: with which version, and which event.
    pub(super) fn event(&mut self, key: usize, version: Pair, id: u64, carried: impl Fn(&[u8]) -> bool) {
        self.count("events");
        if !self.events.insert(id) {
            self.fail(format!("event {id} was told twice"));
        }
        match self.accepted.get(&(key, version)) {
            None => self.fail(format!("key {key}: event {id} speaks of {version:?}, which nobody accepted")),
            Some((_, bytes)) if !carried(bytes) => {
                self.fail(format!("key {key}: event {id} speaks of {version:?}, which is older than it"));
            }
            Some(_) => {}
        }
    }

    /// An engine has lost a lease.
    pub(super) fn lost(&mut self, feed: usize, who: Who, why: LostBy) {
        self.count(match why {
            LostBy::Outranked => "lost: outranked",
            LostBy::Taken => "lost: taken",
            LostBy::Lapsed => "lost: lapsed",
            LostBy::HandedOver => "lost: handed over",
        });
        let (held, greatest) = (self.wrote_with.get(&(who, feed)), self.greatest.get(&feed));
        if why == LostBy::Outranked && held >= greatest {
            self.fail(format!(
                "feed {feed}: {who:?} demoted itself from {held:?}; the greatest is {greatest:?}"
            ));
        }
    }

    /// A key was read that had been touched `age_ms` before, with that TTL.
    pub(super) fn read(&mut self, key: usize, age_ms: i64, ttl_ms: i64) {
        if age_ms > ttl_ms + self.skew_ms + 1 {
            self.fail(format!("key {key}: read {age_ms} ms after its last write, with a TTL of {ttl_ms} ms"));
        }
    }

    /// An engine has had so many turns within a second.
    pub(super) fn turned(&mut self, engine: usize, turns: u64) {
        let most = self.counts.entry("most turns a second").or_default();
        *most = turns.max(*most);
        if turns > TURNS_MAX {
            self.fail(format!("engine {engine}: more than {TURNS_MAX} turns in a second"));
        }
    }
}
