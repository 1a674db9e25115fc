//! Which engines live, and which of them is to have which feed.
//!
//! Owns the last answer of the registry (the hash of engines). Never talks to Redis and never decides who writes: that is the
//! lease's. Engines are ranked by their [`Claim`]s; at most [`ENGINES_MAX`] are known, a further one ranks behind all of them.

use std::time::Duration;

use crate::codec::{Claim, EngineEntry, FeedRole, decode_engine};
use crate::domain::Feed;

/// Engines that are ranked; each shard of one is one here.
pub(super) const ENGINES_MAX: usize = 256;
/// How often an engine says that it lives.
pub(super) const SIGN_EVERY: Duration = Duration::from_millis(500);
/// An engine that has said nothing for so long is gone.
pub(super) const SILENT_MAX: Duration = Duration::from_secs(2);

/// Another engine.
#[derive(Debug, Clone)]
struct Peer {
    id: String,
    entry: EngineEntry,
}

/// The engines that live.
#[derive(Debug, Default)]
pub(super) struct Roster {
    peers: Vec<Peer>,
}

impl Roster {
    /// Takes the answer of the script in: id and value of each engine, this one among them. What is no entry is passed over.
    pub(super) fn replace<'a>(&mut self, own_id: &str, entries: impl Iterator<Item = (&'a [u8], &'a [u8])>) {
        self.peers.clear();
        for (id, value) in entries {
            let (Ok(id), Ok(entry)) = (std::str::from_utf8(id), decode_engine(value)) else { continue };
            if id != own_id && self.peers.len() < ENGINES_MAX {
                self.peers.push(Peer { id: id.to_owned(), entry });
            }
        }
    }

    /// How many engines are to have `feed` rather than this one, which has this role in it.
    pub(super) fn rank(&self, own_id: &str, feed: &Feed, own_role: FeedRole) -> u32 {
        let own = Claim::new(own_id, feed, own_role);
        let before = self.claims(feed).filter(|claim| *claim > own).count();
        u32::try_from(before).unwrap_or(u32::MAX)
    }

    /// Whether another engine is ready for `feed` and preferred to this one, which writes it.
    pub(super) fn prefers_another(&self, own_id: &str, feed: &Feed) -> bool {
        let own = Claim::new(own_id, feed, FeedRole::Owner);
        self.claims(feed).any(|claim| claim > own)
    }

    fn claims<'a>(&'a self, feed: &'a Feed) -> impl Iterator<Item = Claim<'a>> {
        self.peers.iter().filter_map(move |peer| {
            let (_, role) = peer.entry.feeds.iter().find(|(known, _)| known == feed)?;
            Some(Claim::new(&peer.id, feed, *role))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn feed(partition: u16) -> Feed {
        Feed { venue: "binance".parse().unwrap(), partition }
    }

    /// What `own` sees while all of `engines` live and do this with every feed.
    fn roster(own: &str, engines: &[&str], role: FeedRole) -> Roster {
        let list: Vec<String> = (0..200).map(|partition| format!("{}={role}", feed(partition))).collect();
        let value = format!("5 4 0.1.0 {}", list.join(","));
        let mut roster = Roster::default();
        roster.replace(own, engines.iter().map(|id| (id.as_bytes(), value.as_bytes())));
        roster
    }

    fn preferred(engines: &[&str], partition: u16) -> usize {
        let first: Vec<usize> = (0..engines.len())
            .filter(|&index| {
                let own = engines[index];
                roster(own, engines, FeedRole::Ready).rank(own, &feed(partition), FeedRole::Ready) == 0
            })
            .collect();
        assert_eq!(first.len(), 1, "one is preferred by all");
        first[0]
    }

    #[test]
    fn feeds_are_shared_evenly_and_one_that_leaves_moves_only_its_own() {
        let (all, fewer) = (["engine-a", "engine-b", "engine-c"], ["engine-a", "engine-b"]);
        let mut share = [0; 3];
        for partition in 0..120 {
            let with = preferred(&all, partition);
            share[with] += 1;
            let without = preferred(&fewer, partition);
            assert!(with == 2 || with == without, "{partition}: a feed of another engine moved");
        }
        assert!(share.iter().all(|&feeds| (24..=56).contains(&feeds)), "{share:?}");
    }

    #[test]
    fn an_engine_that_warms_up_is_preferred_by_nobody() {
        for partition in 0..50 {
            let others = roster("engine-a", &["engine-b"], FeedRole::Warming);
            assert_eq!(others.rank("engine-a", &feed(partition), FeedRole::Ready), 0);
            assert!(!others.prefers_another("engine-a", &feed(partition)));
            let warm = roster("engine-a", &["engine-b"], FeedRole::Ready);
            assert_eq!(warm.rank("engine-a", &feed(partition), FeedRole::Warming), 1);
        }
    }

    #[test]
    fn what_is_no_entry_is_passed_over() {
        let mut roster = Roster::default();
        let entries: [(&[u8], &[u8]); 3] =
            [(b"a", b"rubbish"), (b"\xff", b"1 1 v binance/0=ready"), (b"b", b"1 1 v ")];
        roster.replace("own", entries.into_iter());
        assert_eq!(roster.rank("own", &feed(0), FeedRole::Warming), 0);
    }
}
