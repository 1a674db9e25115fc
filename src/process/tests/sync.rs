//! What makes a book out of snapshots, images and deltas, and what voids it.

use crate::domain::{
    Anchor, BookImage, BookRules, Check, Checksum, Coverage, DepthDelta, DepthSnapshot, Link, Number,
    RawLevel, Side, VenueSequence, VenueTime, Written,
};
use crate::process::book::Book;
use crate::process::depth_sync::{DepthSync, Progress};

const RULES: BookRules =
    BookRules { anchor: Anchor::Rest, window: None, checksum: None, coverage: Coverage::Everything };

fn level(price: i128) -> [RawLevel; 1] {
    let number = |mantissa| Number { mantissa, ..Number::ZERO };
    [RawLevel { price: number(price), size: number(1) }]
}

fn delta(first: u64, last: u64, bids: &[RawLevel]) -> DepthDelta<'_> {
    DepthDelta {
        link: Link::From(VenueSequence(first)),
        last: Some(VenueSequence(last)),
        bids,
        asks: &[],
        venue_time: None,
        check: None,
    }
}

fn snapshot(last: u64) -> Book {
    Book::from_snapshot(&DepthSnapshot {
        last: VenueSequence(last),
        bids: Vec::new(),
        asks: Vec::new(),
        limit: 10,
        venue_time: None,
    })
    .expect("empty fits")
}

#[test]
fn a_snapshot_in_the_middle_of_the_buffer_joins_and_older_deltas_are_dropped() {
    let mut sync = DepthSync::new(RULES);
    for (first, last) in [(1, 5), (6, 10), (11, 15)] {
        assert_eq!(sync.delta(&delta(first, last, &level(last.into()))), Progress::Buffered);
    }
    assert_eq!(sync.snapshot(snapshot(7)), Progress::Applied);
    assert_eq!(sync.book().last(), Some(VenueSequence(15)));
    let mut bids = Vec::new();
    sync.book().top(Side::Buy, 10, &mut bids);
    assert_eq!(bids.iter().map(|level| level.price.0).collect::<Vec<_>>(), [15, 10], "5 was covered");
}

#[test]
fn a_snapshot_before_the_first_delta_is_too_old() {
    let mut sync = DepthSync::new(RULES);
    sync.delta(&delta(11, 15, &[]));
    assert_eq!(sync.snapshot(snapshot(9)), Progress::SnapshotTooOld);
    assert_eq!(sync.snapshot(snapshot(10)), Progress::Applied);
}

#[test]
fn a_snapshot_ahead_of_the_stream_waits_for_nothing_and_covers_what_it_holds() {
    let mut sync = DepthSync::new(RULES);
    sync.delta(&delta(1, 5, &[]));
    assert_eq!(sync.snapshot(snapshot(12)), Progress::Applied);
    assert_eq!(sync.delta(&delta(6, 10, &[])), Progress::Covered);
    assert_eq!(sync.delta(&delta(11, 14, &[])), Progress::Applied);
}

#[test]
fn a_hole_voids_the_book_until_a_new_snapshot() {
    let mut sync = DepthSync::new(RULES);
    sync.delta(&delta(1, 5, &[]));
    sync.snapshot(snapshot(5));
    assert_eq!(sync.delta(&delta(6, 8, &[])), Progress::Applied);
    assert_eq!(sync.delta(&delta(6, 8, &[])), Progress::Repeated, "a duplicate is no hole");
    assert_eq!(sync.delta(&delta(10, 12, &[])), Progress::Gap);
    assert!(!sync.is_synced());
    assert_eq!(sync.delta(&delta(13, 14, &[])), Progress::Buffered);
    assert_eq!(sync.snapshot(snapshot(11)), Progress::Applied);
    assert_eq!(sync.book().last(), Some(VenueSequence(14)));
}

#[test]
fn a_refresh_loses_no_delta_that_came_between_its_request_and_its_snapshot() {
    let mut sync = DepthSync::new(RULES);
    sync.delta(&delta(1, 5, &[]));
    sync.snapshot(snapshot(5));
    sync.begin_refresh();
    for (first, last) in [(6, 8), (9, 12)] {
        assert_eq!(sync.delta(&delta(first, last, &level(last.into()))), Progress::Applied);
    }
    assert_eq!(sync.snapshot(snapshot(4)), Progress::SnapshotTooOld);
    assert_eq!(sync.book().last(), Some(VenueSequence(12)), "an old snapshot takes nothing back");
    assert_eq!(sync.snapshot(snapshot(8)), Progress::Applied);
    assert_eq!(sync.book().last(), Some(VenueSequence(12)));
    assert_eq!(sync.book().best(Side::Buy).map(|level| level.price.0), Some(12));
}

#[test]
fn a_hole_inside_the_buffer_is_found_when_the_snapshot_joins() {
    let mut sync = DepthSync::new(RULES);
    sync.delta(&delta(1, 5, &[]));
    sync.delta(&delta(8, 9, &[]));
    assert_eq!(sync.snapshot(snapshot(3)), Progress::Gap);
    assert!(!sync.is_synced());
}

/// A venue whose books begin in the stream and whose updates name the one before.
const CHAINED: BookRules = BookRules {
    anchor: Anchor::Stream,
    window: None,
    checksum: Some(Checksum {
        levels: 25,
        compute: |bids, asks| u32::try_from(bids.len() + asks.len()).unwrap_or(0),
    }),
    coverage: Coverage::Everything,
};

/// A venue that sends whole books only, ordered by nothing but their times.
const IMAGES: BookRules = BookRules { checksum: None, coverage: Coverage::Nothing, ..CHAINED };

fn image(last: Option<u64>, bids: &[RawLevel], asks: &[RawLevel], millis: i64) -> BookImage<'static> {
    BookImage {
        last: last.map(VenueSequence),
        bids: bids.to_vec().leak(),
        asks: asks.to_vec().leak(),
        venue_time: VenueTime::from_millis(millis),
        check: Some(Check { sum: None, bids: &[Written { price: 0, size: 0 }], asks: &[] }),
    }
}

fn after(before: u64, last: u64, bids: &[RawLevel]) -> DepthDelta<'_> {
    DepthDelta { link: Link::After(VenueSequence(before)), ..delta(0, last, bids) }
}

fn chained() -> DepthSync {
    let mut sync = DepthSync::new(CHAINED);
    assert_eq!(sync.image(&image(Some(10), &level(5), &[], 0)), Progress::Applied);
    sync
}

#[test]
fn a_chain_follows_its_links_and_a_broken_one_is_a_gap() {
    let mut sync = chained();
    assert_eq!(sync.delta(&after(10, 17, &level(6))), Progress::Applied, "ids between belong to others");
    assert_eq!(sync.delta(&after(17, 17, &[])), Progress::Same, "nothing has changed");
    assert_eq!(sync.delta(&after(17, 3, &level(7))), Progress::Applied, "the venue counts anew");
    assert_eq!(sync.delta(&after(3, 4, &level(8))), Progress::Applied);
    assert_eq!(sync.delta(&after(5, 6, &level(9))), Progress::Gap);
    assert!(!sync.is_synced());
}

#[test]
fn a_lost_new_count_is_a_gap_at_once() {
    let mut sync = chained();
    assert_eq!(sync.delta(&after(10, 1_000, &level(6))), Progress::Applied);
    assert_eq!(sync.delta(&after(3, 4, &level(7))), Progress::Gap, "1000 -> 3 was lost, 4 is not older");
}

#[test]
fn what_the_image_holds_already_is_covered_and_what_spans_it_is_applied() {
    for (case, before, last, expected) in [
        ("older than the image", 3, 7, Progress::Covered),
        ("the image's own", 7, 10, Progress::Repeated),
        ("over the image's end", 7, 12, Progress::Applied),
        ("behind a hole", 11, 12, Progress::Gap),
    ] {
        assert_eq!(chained().delta(&after(before, last, &level(6))), expected, "{case}");
    }
}

#[test]
fn levels_in_an_update_that_changes_nothing_contradict_it() {
    assert_eq!(chained().delta(&after(10, 10, &level(6))), Progress::Gap);
}

#[test]
fn without_link_and_checksum_an_update_is_applied_and_proves_nothing() {
    let mut sync = chained();
    let unlinked = |sum| DepthDelta {
        link: Link::Unsaid,
        last: None,
        check: Some(Check { sum, bids: &[Written { price: 0, size: 0 }], asks: &[] }),
        ..delta(0, 0, &[])
    };
    assert_eq!((sync.is_proved(), sync.coverage()), (true, Coverage::Everything));
    assert_eq!(sync.delta(&unlinked(None)), Progress::Unproved);
    assert_eq!((sync.is_synced(), sync.is_proved()), (true, false));
    assert_eq!(sync.delta(&unlinked(None)), Progress::Unproved);
    assert_eq!(sync.delta(&unlinked(Some(1))), Progress::Applied, "a checksum that holds is a proof");
    assert_eq!((sync.is_proved(), sync.coverage()), (true, Coverage::Top(25)), "of its own levels only");
    assert_eq!(sync.delta(&unlinked(Some(7))), Progress::Mismatch);
}

#[test]
fn an_image_that_is_older_or_crossed_replaces_nothing() {
    let mut sync = DepthSync::new(IMAGES);
    assert_eq!(sync.image(&image(None, &level(5), &level(6), 100)), Progress::Applied);
    assert_eq!(sync.image(&image(None, &level(4), &level(6), 99)), Progress::TimeWentBack);
    assert_eq!(sync.image(&image(None, &level(6), &level(6), 101)), Progress::Crossed);
    assert_eq!(sync.book().best(Side::Buy).map(|level| level.price.0), Some(5));
    assert_eq!(
        sync.image(&image(None, &level(4), &level(6), 100)),
        Progress::Applied,
        "the same time is no step back"
    );
    assert_eq!(sync.book().best(Side::Buy).map(|level| level.price.0), Some(4));
}

/// One image with a time far ahead must not make the book deaf for ever.
#[test]
fn after_two_refused_images_the_next_one_is_taken() {
    let mut sync = DepthSync::new(IMAGES);
    sync.image(&image(None, &level(5), &level(6), 1_000_000));
    for _ in 0..2 {
        assert!(sync.is_synced());
        assert_eq!(sync.image(&image(None, &level(4), &level(6), 100)), Progress::TimeWentBack);
    }
    assert!(!sync.is_synced());
    assert_eq!(sync.image(&image(None, &level(4), &level(6), 100)), Progress::Applied);
}

#[test]
fn where_a_checksum_comes_with_a_delta_it_decides_and_not_the_time() {
    let checksum = Some(crate::domain::Checksum { levels: 1, compute: |_, _| 7 });
    let at = |nanos| Some(VenueTime::from_nanos(nanos));
    for (sum, expected) in [(Some(7), Progress::Applied), (None, Progress::TimeWentBack)] {
        let check = Some(Check { sum, bids: &[], asks: &[] });
        let mut sync = DepthSync::new(BookRules { anchor: Anchor::Stream, checksum, ..RULES });
        sync.image(&BookImage { last: None, bids: &[], asks: &[], venue_time: at(2), check: None });
        let link = Link::Unsaid;
        let earlier = DepthDelta { link, last: None, check, venue_time: at(1), ..delta(0, 0, &[]) };
        assert_eq!(sync.delta(&earlier), expected);
    }
}
