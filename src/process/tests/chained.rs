//! Books whose updates name the one before (Binance USD-M: `U`, `u`, `pu`), joined to a snapshot; counts that begin anew.

use std::collections::BTreeMap;

use super::super::depth_sync::{DepthSync, Progress};
use super::*;
use crate::domain::Side;

fn sync() -> DepthSync {
    DepthSync::new(RULES.book)
}

fn at(last: u64, bids: &[RawLevel]) -> Book {
    let snapshot = DepthSnapshot {
        last: VenueSequence(last),
        bids: bids.to_vec(),
        asks: Vec::new(),
        limit: 1_000,
        venue_time: None,
    };
    Book::from_snapshot(&snapshot).unwrap()
}

/// `(pu, u)`: `U` lies between and says nothing that these do not.
fn update(sync: &mut DepthSync, before: u64, last: u64, bids: &[RawLevel]) -> Progress {
    sync.delta(&DepthDelta {
        link: Link::After(VenueSequence(before)),
        last: Some(VenueSequence(last)),
        bids,
        asks: &[],
        venue_time: None,
        check: None,
    })
}

fn last(sync: &DepthSync) -> Option<u64> {
    sync.book().last().map(|last| last.0)
}

#[test]
fn the_first_update_spans_the_snapshot_or_follows_it() {
    for (case, snapshot, joined, end) in [
        ("older than every update", 99, Progress::SnapshotTooOld, None),
        ("the first update follows it", 100, Progress::Applied, Some(140)),
        ("the first update spans it", 105, Progress::Applied, Some(140)),
        ("at the end of the first, which is dropped; the second follows", 110, Progress::Applied, Some(140)),
        ("the second spans it", 119, Progress::Applied, Some(140)),
        ("at the end of the last", 140, Progress::Applied, Some(140)),
        ("ahead of the stream", 150, Progress::Applied, Some(150)),
    ] {
        let mut sync = sync();
        for (before, last) in [(100, 110), (110, 120), (120, 140)] {
            assert_eq!(update(&mut sync, before, last, &[]), Progress::Buffered);
        }
        assert_eq!(sync.snapshot(at(snapshot, &[])), joined, "{case}");
        if let Some(end) = end {
            assert_eq!(last(&sync), Some(end), "{case}");
        }
    }
}

#[test]
fn after_a_snapshot_that_is_ahead_the_stream_catches_up_and_spans_it() {
    let mut sync = sync();
    update(&mut sync, 90, 100, &[]);
    assert_eq!(sync.snapshot(at(125, &[])), Progress::Applied);
    assert_eq!(update(&mut sync, 100, 110, &[level("5", "1")]), Progress::Covered);
    assert_eq!(update(&mut sync, 110, 120, &[]), Progress::Covered);
    assert_eq!(update(&mut sync, 120, 130, &[]), Progress::Applied, "it spans the snapshot");
    assert_eq!(update(&mut sync, 130, 140, &[]), Progress::Applied);
    assert!(sync.book().best(Side::Buy).is_none(), "what the snapshot covers was not applied to it");
}

#[test]
fn every_further_update_names_the_one_before_whatever_the_ids_between() {
    let mut sync = sync();
    update(&mut sync, 90, 100, &[]);
    sync.snapshot(at(100, &[]));
    assert_eq!(update(&mut sync, 100, 250, &[]), Progress::Applied, "ids between belong to others");
    assert_eq!(update(&mut sync, 100, 250, &[]), Progress::Repeated, "a duplicate is no gap");
    assert_eq!(update(&mut sync, 251, 260, &[]), Progress::Gap, "251 was never seen");
    assert_eq!(update(&mut sync, 260, 270, &[]), Progress::Buffered);
    assert_eq!(sync.snapshot(at(255, &[])), Progress::Applied, "the lost update is in the snapshot");
    assert_eq!(last(&sync), Some(270));
}

#[test]
fn an_update_that_only_spans_is_enough_once() {
    let mut sync = sync();
    update(&mut sync, 90, 100, &[]);
    sync.snapshot(at(105, &[]));
    assert_eq!(update(&mut sync, 100, 110, &[]), Progress::Applied);
    assert_eq!(update(&mut sync, 105, 120, &[]), Progress::Gap);
}

/// A market with a known history: whatever snapshot is taken, wherever the stream stands, the end is the market's.
#[test]
fn whatever_the_snapshot_the_book_ends_as_the_market() {
    let mut rng = fastrand::Rng::with_seed(0xc4a1);
    for round in 0..300 {
        let (mut id, mut truth) = (1_000, BTreeMap::new());
        let mut history = vec![(id, id, truth.clone(), Vec::new())];
        for _ in 0..30 {
            let before = id;
            id += rng.u64(1..50);
            let (price, size) = (rng.u64(1..12), rng.u64(0..4));
            if size == 0 {
                truth.remove(&price)
            } else {
                truth.insert(price, size)
            };
            let changes = vec![level(&price.to_string(), &size.to_string())];
            history.push((before, id, truth.clone(), changes));
        }
        let levels = |truth: &BTreeMap<u64, u64>| -> Vec<RawLevel> {
            truth.iter().rev().map(|(price, size)| level(&price.to_string(), &size.to_string())).collect()
        };
        let (from, taken, arrives) = (rng.usize(1..20), rng.usize(1..30), rng.usize(1..30));
        let mut sync = sync();
        for (index, (before, last, _, changes)) in history.iter().enumerate().skip(from) {
            let progress = update(&mut sync, *before, *last, changes);
            assert_ne!(progress, Progress::Gap, "round {round}");
            if index == arrives.max(from) {
                let (_, snapshot, known, _) = &history[taken];
                let joined = sync.snapshot(at(*snapshot, &levels(known)));
                let expected = taken + 1 >= from;
                assert_eq!(joined == Progress::Applied, expected, "round {round}: {joined:?}");
            }
        }
        if sync.is_synced() {
            let mut bids = Vec::new();
            sync.book().top(Side::Buy, 100, &mut bids);
            let ours: Vec<_> = bids.iter().map(|one| (one.price.0, one.size.0)).collect();
            let theirs: Vec<_> = truth.iter().rev().map(|(p, s)| (i128::from(*p), i128::from(*s))).collect();
            assert_eq!((ours, last(&sync)), (theirs, Some(id)), "round {round}");
        }
    }
}

#[test]
fn a_quote_numbered_one_is_a_new_count_and_not_an_old_quote() {
    let mut feed = Fixture::new();
    feed.quote(0, quote(700, "100", "101"));
    feed.quote(10, quote(699, "90", "91"));
    feed.quote(20, quote(1, "102", "103"));
    feed.quote(30, quote(2, "104", "105"));
    let bids: Vec<_> = feed.prices().iter().map(|price| price.bid.unwrap().price.0).collect();
    assert_eq!(bids, [100, 102, 104], "699 is old, 1 is a restart");
}
