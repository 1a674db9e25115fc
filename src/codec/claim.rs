//! Which engine is to have which feed.
//!
//! Owns the ranking that all engines, and whoever shows them, agree on. Pure; never decides who writes: the lease does.
//!
//! Rendezvous hashing: each engine gets a number for each feed, from both names; the greatest is preferred. An engine that
//! comes or goes moves only the feeds that it prefers or held. An engine whose books are still warming up is preferred by
//! nobody while a warm one lives.

use super::FeedRole;
use crate::domain::{FNV_START, Feed, fnv1a};

/// How good an engine's claim to a feed is: the greatest is to have it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Claim<'a> {
    warm: bool,
    weight: u64,
    engine: &'a str,
}

impl<'a> Claim<'a> {
    /// Of an engine that has this role in the feed now.
    #[must_use]
    pub fn new(engine: &'a str, feed: &Feed, role: FeedRole) -> Self {
        let warm = match role {
            FeedRole::Owner | FeedRole::Ready => true,
            FeedRole::Warming => false,
        };
        Self { warm, weight: weight(engine, feed), engine }
    }

    /// Whose it is.
    #[must_use]
    pub const fn engine(self) -> &'a str {
        self.engine
    }
}

/// The same on every machine and in every version: FNV-1a of both names, then the finaliser of `splitmix64`, without which
/// names that differ in their last letter would differ in few bits.
fn weight(engine: &str, feed: &Feed) -> u64 {
    let partition = feed.partition.to_be_bytes();
    let bytes = engine.bytes().chain([0]).chain(feed.venue.as_str().bytes()).chain([0]).chain(partition);
    let hash = fnv1a(FNV_START, bytes);
    let mixed = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn feeds_are_spread_and_a_warm_engine_goes_before_any_that_is_not() {
        let feed = |partition| Feed { venue: "binance".parse().unwrap(), partition };
        let claim = |engine, partition, role| Claim::new(engine, &feed(partition), role);
        let first = (0..1_000)
            .filter(|&partition| {
                claim("host-1-aaaa", partition, FeedRole::Ready)
                    > claim("host-2-bbbb", partition, FeedRole::Owner)
            })
            .count();
        assert!((400..600).contains(&first), "{first} of 1000");
        for partition in 0..100 {
            let cold = claim("host-1-aaaa", partition, FeedRole::Warming);
            assert!(cold < claim("host-2-bbbb", partition, FeedRole::Ready));
        }
    }
}
