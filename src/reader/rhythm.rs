//! When a follower looks for itself: seldom while it is pushed to, often while it is not.
//!
//! Owns the judgement of the push's path: which venues are pushed to, which ones move without a push, which feeds have
//! gone silent. Pure: `now` is an argument. One entry a followed venue and feed.
//!
//! A look is never left out: a push that is lost without anybody's knowledge is made good within the safety interval.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::domain::{Feed, MonoTime, Venue};

/// A feed that sent heartbeats (every 250 ms) and did not for so long has lost its engine, or we our path to it.
pub(super) const SILENCE_MAX: Duration = Duration::from_secs(1);
/// How long a new subscription is looked after as if there were none, until the first message proves it.
const PROOF_MAX: Duration = Duration::from_secs(1);

/// How a venue's update channel does.
#[derive(Debug, Default)]
struct Path {
    subscribed: Option<MonoTime>,
    /// A message has come over this subscription.
    proven: bool,
    /// A look found what no message had said.
    deaf: bool,
    /// Messages since the last look began.
    pushed: bool,
    /// No look has begun since it was subscribed: what the first one finds may be from before.
    fresh: bool,
}

/// How a feed's heartbeats do. Known from the first one on.
#[derive(Debug)]
struct Beat {
    last: MonoTime,
    silent: bool,
}

#[derive(Debug, Default)]
pub(super) struct Rhythm {
    paths: BTreeMap<Venue, Path>,
    beats: BTreeMap<Feed, Beat>,
}

/// What a look says of a venue's channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Finding {
    /// Nothing that was not known.
    Nothing,
    /// A newer value.
    News,
}

impl Rhythm {
    /// Forgets venues and feeds that are no longer followed.
    pub(super) fn keep(&mut self, venue: impl Fn(&Venue) -> bool, feed: impl Fn(&Feed) -> bool) {
        self.paths.retain(|name, _| venue(name));
        self.beats.retain(|name, _| feed(name));
    }

    pub(super) fn subscribed(&mut self, venue: &Venue, now: MonoTime) {
        self.paths.insert(venue.clone(), Path { subscribed: Some(now), fresh: true, ..Path::default() });
    }

    pub(super) fn unsubscribed(&mut self, venue: &Venue) {
        self.paths.insert(venue.clone(), Path::default());
    }

    pub(super) fn pushed(&mut self, venue: &Venue) {
        let path = self.paths.entry(venue.clone()).or_default();
        (path.proven, path.deaf, path.pushed) = (true, false, true);
    }

    /// A look begins.
    pub(super) fn looking(&mut self) {
        self.paths.values_mut().for_each(|path| path.pushed = false);
    }

    /// Whether a message came since the look began: then the look may be older than it.
    pub(super) fn pushed_since(&self, venue: &Venue) -> bool {
        self.paths.get(venue).is_some_and(|path| path.pushed)
    }

    /// A look has ended. Returns whether this venue was found deaf by it.
    pub(super) fn looked(&mut self, venue: &Venue, finding: Finding) -> bool {
        let Some(path) = self.paths.get_mut(venue) else { return false };
        let fresh = std::mem::take(&mut path.fresh);
        let missed = finding == Finding::News && path.subscribed.is_some() && !path.pushed && !fresh;
        missed && !std::mem::replace(&mut path.deaf, true)
    }

    /// Whether a venue is pushed to, as far as can be told.
    fn is_pushed(path: Option<&Path>, now: MonoTime) -> bool {
        let Some(path) = path else { return false };
        let Some(since) = path.subscribed else { return false };
        !path.deaf && (path.proven || now.since(since) >= PROOF_MAX)
    }

    /// Whether looks may be seldom: every one of `venues` is pushed to, and no feed has gone silent.
    pub(super) fn is_calm<'a>(&self, mut venues: impl Iterator<Item = &'a Venue>, now: MonoTime) -> bool {
        let silent = self.beats.values().any(|beat| beat.silent);
        !silent && venues.all(|venue| Self::is_pushed(self.paths.get(venue), now))
    }

    /// A heartbeat. Returns whether the feed was silent before.
    pub(super) fn heard(&mut self, feed: &Feed, now: MonoTime) -> bool {
        let beat = self.beats.entry(feed.clone()).or_insert(Beat { last: now, silent: false });
        beat.last = now;
        std::mem::take(&mut beat.silent)
    }

    /// A feed's channel is subscribed again: it has its time to be heard once more.
    pub(super) fn listening(&mut self, feed: &Feed, now: MonoTime) {
        if let Some(beat) = self.beats.get_mut(feed) {
            beat.last = now;
        }
    }

    /// Feeds that have gone silent, each told once.
    pub(super) fn silent(&mut self, now: MonoTime) -> Vec<Feed> {
        let overdue = |beat: &Beat| !beat.silent && now.since(beat.last) > SILENCE_MAX;
        let feeds = self.beats.iter_mut().filter(|(_, beat)| overdue(beat));
        feeds
            .map(|(feed, beat)| {
                beat.silent = true;
                feed.clone()
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at_ms(ms: u64) -> MonoTime {
        MonoTime::from_nanos(ms * 1_000_000)
    }

    fn venue() -> Venue {
        "binance".parse().unwrap()
    }

    fn calm(rhythm: &Rhythm, ms: u64) -> bool {
        rhythm.is_calm([&venue()].into_iter(), at_ms(ms))
    }

    #[test]
    fn looks_become_seldom_once_a_push_has_come_or_none_was_missed() {
        let mut rhythm = Rhythm::default();
        assert!(!calm(&rhythm, 0), "nothing is subscribed");
        rhythm.subscribed(&venue(), at_ms(0));
        assert!(!calm(&rhythm, 999), "nothing has proven it yet");
        assert!(calm(&rhythm, 1_000));
        rhythm.subscribed(&venue(), at_ms(2_000));
        rhythm.pushed(&venue());
        assert!(calm(&rhythm, 2_001));
        rhythm.unsubscribed(&venue());
        assert!(!calm(&rhythm, 9_000));
    }

    #[test]
    fn a_version_that_moves_without_a_push_brings_back_the_looks() {
        let mut rhythm = Rhythm::default();
        rhythm.subscribed(&venue(), at_ms(0));
        rhythm.looking();
        assert!(!rhythm.looked(&venue(), Finding::News), "it may be from before the subscription");
        assert!(calm(&rhythm, 1_000));
        rhythm.looking();
        assert!(!rhythm.looked(&venue(), Finding::Nothing));
        rhythm.looking();
        assert!(rhythm.looked(&venue(), Finding::News));
        assert!(!calm(&rhythm, 9_000));
        rhythm.looking();
        assert!(!rhythm.looked(&venue(), Finding::News), "said once");
        rhythm.pushed(&venue());
        assert!(calm(&rhythm, 9_001), "it is heard again");
    }

    #[test]
    fn a_push_while_a_look_is_on_its_way_is_known() {
        let mut rhythm = Rhythm::default();
        rhythm.subscribed(&venue(), at_ms(0));
        rhythm.pushed(&venue());
        rhythm.looking();
        assert!(!rhythm.pushed_since(&venue()));
        rhythm.pushed(&venue());
        assert!(rhythm.pushed_since(&venue()));
        assert!(!rhythm.looked(&venue(), Finding::News), "the look was quicker than the message, no more");
    }

    #[test]
    fn a_feed_that_was_heard_and_is_not_any_more_is_silent_once() {
        let mut rhythm = Rhythm::default();
        let feed = Feed { venue: venue(), partition: 0 };
        rhythm.subscribed(&venue(), at_ms(0));
        rhythm.pushed(&venue());
        assert_eq!(rhythm.silent(at_ms(9_000)), [], "it never sent heartbeats");
        assert!(!rhythm.heard(&feed, at_ms(9_000)));
        assert_eq!(rhythm.silent(at_ms(10_000)), []);
        assert_eq!(rhythm.silent(at_ms(10_001)), std::slice::from_ref(&feed));
        assert_eq!(rhythm.silent(at_ms(10_002)), []);
        assert!(!calm(&rhythm, 10_002));
        assert!(rhythm.heard(&feed, at_ms(11_000)));
        assert!(calm(&rhythm, 11_000));
        rhythm.listening(&feed, at_ms(15_000));
        assert_eq!(rhythm.silent(at_ms(15_500)), [], "the path was away, not the feed");
    }
}
