//! The reader's own copy of what it follows: it never goes back, and it tells news from repetition.
//!
//! Owns the newest value of each followed key and the rule of the wire contract: a greater (epoch, sequence) is never
//! replaced by a smaller one while the copy is within its TTL. Pure: `now` is an argument. One entry a followed key.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use super::{AgeLimits, Change, Lookup, Trust, View};
use crate::codec::key::ValueKey;
use crate::codec::supersedes;
use crate::domain::{Entity, MonoTime, Now, Version};

/// How long a copy keeps out older versions: the entity's TTL of the wire contract, counted from when its version was
/// first seen. A deployment with a longer TTL shortens nothing but this protection.
const fn ttl(entity: Entity) -> Duration {
    match entity {
        Entity::Price => Duration::from_secs(30),
        Entity::Liquidity => Duration::from_secs(60),
        Entity::Volume => Duration::from_secs(300),
    }
}

#[derive(Debug)]
struct Held {
    /// Outlives the value: after a key has gone, an older version must still not come in its place.
    version: Version,
    deadline: MonoTime,
    shown: Shown,
}

/// What the follower was told last.
#[derive(Debug)]
enum Shown {
    Value(Box<View>, Trust),
    Nothing,
}

#[derive(Debug)]
pub(super) struct LocalCopy {
    limits: AgeLimits,
    held: HashMap<ValueKey, Held>,
    /// Keys whose bytes could not be read when last looked at: said once, not at each look.
    unreadable: HashSet<ValueKey>,
    refused: u64,
}

impl LocalCopy {
    pub(super) fn new(limits: AgeLimits) -> Self {
        Self { limits, held: HashMap::new(), unreadable: HashSet::new(), refused: 0 }
    }

    /// Whether the follower was told of a value under `key` that has not gone since.
    pub(super) fn shows(&self, key: &ValueKey) -> bool {
        self.held.get(key).is_some_and(|held| matches!(held.shown, Shown::Value(..)))
    }

    /// Forgets keys that have gone, once they protect from nothing any more.
    pub(super) fn sweep(&mut self, now: MonoTime) {
        self.held.retain(|_, held| now < held.deadline || matches!(held.shown, Shown::Value(..)));
    }

    /// How many older versions were kept out.
    pub(super) const fn refused(&self) -> u64 {
        self.refused
    }

    /// Takes what Redis holds under `key` now, and says what is news about it: nothing, one or two things.
    pub(super) fn apply(&mut self, key: &ValueKey, lookup: Lookup, now: Now) -> [Option<Change>; 2] {
        let unreadable = match lookup {
            Lookup::Found(view) => {
                self.unreadable.remove(key);
                return [self.found(view, now), None];
            }
            Lookup::Absent => {
                self.unreadable.remove(key);
                None
            }
            Lookup::Unreadable(error) => {
                let news = self.unreadable.insert(key.clone());
                news.then(|| Change::Unreadable(key.clone(), error))
            }
        };
        [self.gone(key), unreadable]
    }

    /// Takes a value that was pushed. One that has gone is not brought back by its own last message, which may have been
    /// on its way when the key was looked at.
    pub(super) fn apply_pushed(&mut self, key: &ValueKey, lookup: Lookup, now: Now) -> [Option<Change>; 2] {
        if let Lookup::Found(view) = &lookup
            && let Some(held) = self.held.get(key)
            && matches!(held.shown, Shown::Nothing)
            && !supersedes(view.version, held.version)
            && now.mono < held.deadline
        {
            self.refused += u64::from(supersedes(held.version, view.version));
            return [None, None];
        }
        self.apply(key, lookup, now)
    }

    /// Says which values have aged out of their trust.
    pub(super) fn age(&mut self, now: Now) -> Vec<Change> {
        self.held.values_mut().filter_map(|held| held.aged(now, &self.limits)).collect()
    }

    /// Says which values have aged out of their trust, and, as nobody renews them while Redis is away, out of their TTL.
    pub(super) fn without_redis(&mut self, now: Now) -> Vec<Change> {
        let keys: Vec<ValueKey> = self.held.keys().cloned().collect();
        keys.iter()
            .filter_map(|key| {
                let held = self.held.get_mut(key)?;
                if now.mono < held.deadline { held.aged(now, &self.limits) } else { self.gone(key) }
            })
            .collect()
    }

    fn found(&mut self, view: Box<View>, now: Now) -> Option<Change> {
        let trust = view.trust(now.wall, &self.limits);
        let deadline = now.mono.after(ttl(view.key.entity));
        let Some(held) = self.held.get_mut(&view.key) else {
            let shown = Shown::Value(view.clone(), trust);
            self.held.insert(view.key.clone(), Held { version: view.version, deadline, shown });
            return Some(Change::Value(view, trust));
        };
        if supersedes(held.version, view.version) && now.mono < held.deadline {
            self.refused += 1;
            return held.aged(now, &self.limits);
        }
        if view.version == held.version && matches!(held.shown, Shown::Value(..)) {
            return held.aged(now, &self.limits);
        }
        let confirms =
            matches!(&held.shown, Shown::Value(old, was) if *was == trust && old.is_confirmed_by(&view));
        if view.version != held.version {
            (held.version, held.deadline) = (view.version, deadline);
        }
        held.shown = Shown::Value(view.clone(), trust);
        Some(if confirms { Change::Confirmed(view, trust) } else { Change::Value(view, trust) })
    }

    fn gone(&mut self, key: &ValueKey) -> Option<Change> {
        let held = self.held.get_mut(key)?;
        match std::mem::replace(&mut held.shown, Shown::Nothing) {
            Shown::Value(..) => Some(Change::Gone(key.clone())),
            Shown::Nothing => None,
        }
    }
}

impl Held {
    /// The same value as before, which may be trusted less by now.
    fn aged(&mut self, now: Now, limits: &AgeLimits) -> Option<Change> {
        let Shown::Value(view, trust) = &mut self.shown else { return None };
        let current = view.trust(now.wall, limits);
        let changed = std::mem::replace(trust, current) != current;
        changed.then(|| Change::Aged(view.clone(), current))
    }
}

#[cfg(test)]
mod tests {
    use super::super::view::tests::{SECOND, price, version};
    use super::*;
    use crate::domain::{State, WallTime};

    /// `seconds` on both clocks; the prices of these tests were received at second 100.
    fn at_s(seconds: i64) -> Now {
        Now {
            wall: WallTime::from_nanos(seconds * SECOND),
            mono: MonoTime::from_nanos(u64::try_from(seconds * SECOND).unwrap()),
        }
    }

    fn live(epoch: u64, sequence: u64, confirmed_s: i64) -> View {
        price("binance", State::Live, version(epoch, sequence), confirmed_s)
    }

    fn apply(copy: &mut LocalCopy, view: &View, now_s: i64) -> String {
        said(copy.apply(&view.key, Lookup::Found(Box::new(view.clone())), at_s(now_s)))
    }

    /// The changes as `<kind> <version or nothing> <trust or nothing>`.
    fn said(changes: [Option<Change>; 2]) -> String {
        let one = |change| match change {
            Change::Value(view, trust) => format!("value {} {trust}", view.version),
            Change::Confirmed(view, trust) => format!("confirmed {} {trust}", view.version),
            Change::Aged(view, trust) => format!("aged {} {trust}", view.version),
            Change::Gone(_) => "gone".to_owned(),
            Change::Unreadable(..) => "unreadable".to_owned(),
            Change::Lost(_) => "lost".to_owned(),
            Change::Restored => "restored".to_owned(),
            other => format!("{other:?}"),
        };
        changes.into_iter().flatten().map(one).collect::<Vec<_>>().join(", ")
    }

    #[test]
    fn an_older_version_never_replaces_a_newer_one_within_its_ttl() {
        let mut copy = LocalCopy::new(AgeLimits::default());
        assert_eq!(apply(&mut copy, &live(7, 5, 100), 100), "value 7.5 live");
        for (name, older) in [("sequence", live(7, 4, 101)), ("epoch", live(6, 900, 101))] {
            assert_eq!(apply(&mut copy, &older, 101), "", "{name}");
        }
        assert_eq!(copy.refused(), 2);
        assert_eq!(apply(&mut copy, &live(6, 900, 129), 129), "aged 7.5 stale");
        assert_eq!(apply(&mut copy, &live(6, 900, 130), 130), "value 6.900 live");
    }

    #[test]
    fn a_key_that_went_and_came_back_older_stays_gone_within_the_ttl() {
        let mut copy = LocalCopy::new(AgeLimits::default());
        let newer = live(7, 5, 100);
        apply(&mut copy, &newer, 100);
        assert_eq!(said(copy.apply(&newer.key, Lookup::Absent, at_s(101))), "gone");
        assert_eq!(said(copy.apply(&newer.key, Lookup::Absent, at_s(102))), "");
        assert_eq!(apply(&mut copy, &live(7, 4, 102), 102), "");
        assert_eq!(apply(&mut copy, &newer, 103), "value 7.5 live");
        assert_eq!(apply(&mut copy, &live(8, 1, 104), 104), "confirmed 8.1 live");
    }

    #[test]
    fn a_confirmation_is_no_change_and_renews_trust() {
        let mut copy = LocalCopy::new(AgeLimits::default());
        let first = live(1, 1, 100);
        assert_eq!(apply(&mut copy, &first, 100), "value 1.1 live");
        assert_eq!(apply(&mut copy, &live(1, 2, 101), 101), "confirmed 1.2 live");
        assert_eq!(apply(&mut copy, &live(1, 2, 101), 104), "");
        assert_eq!(apply(&mut copy, &live(1, 2, 101), 105), "aged 1.2 stale");
        assert_eq!(apply(&mut copy, &live(1, 3, 106), 106), "value 1.3 live");
    }

    #[test]
    fn a_late_message_does_not_bring_back_what_has_gone() {
        let mut copy = LocalCopy::new(AgeLimits::default());
        let pushed = |copy: &mut LocalCopy, view: &View, now_s| {
            said(copy.apply_pushed(&view.key, Lookup::Found(Box::new(view.clone())), at_s(now_s)))
        };
        let (first, second) = (live(7, 1, 100), live(7, 2, 100));
        assert_eq!(pushed(&mut copy, &first, 100), "value 7.1 live");
        assert_eq!(said(copy.apply(&first.key, Lookup::Absent, at_s(101))), "gone");
        assert_eq!(pushed(&mut copy, &first, 101), "");
        assert_eq!(pushed(&mut copy, &second, 102), "value 7.2 live");
        assert_eq!(pushed(&mut copy, &first, 102), "");
        assert_eq!(copy.refused(), 1);
    }

    #[test]
    fn without_redis_values_age_and_then_go() {
        let mut copy = LocalCopy::new(AgeLimits::default());
        apply(&mut copy, &live(1, 1, 100), 100);
        let mut later = |seconds| said([copy.without_redis(at_s(seconds)).pop(), None]);
        assert_eq!(later(102), "");
        assert_eq!(later(104), "aged 1.1 stale");
        assert_eq!(later(105), "");
        assert_eq!(later(130), "gone");
        assert_eq!(later(131), "");
    }
}
