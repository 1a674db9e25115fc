//! Books: gaps, resynchronisation, the depth that is known.

use super::*;
use crate::domain::Reach;

#[test]
fn a_gap_resynchronises_that_instrument_only() {
    let mut feed = Fixture::new();
    for instrument in [BTC, ETH] {
        feed.depth(0, instrument, 1, 5, &[]);
        assert_eq!(feed.requests(), [Request::Snapshot(instrument, Reach::Near)]);
        feed.snapshot(10, instrument, 5);
    }
    feed.books();
    feed.take(4);
    feed.depth(20, BTC, 8, 9, &[level("99", "7")]);
    let books = feed.books();
    assert_eq!((books.len(), books[0].stamp.reason), (1, Reason::SequenceGap));
    assert_eq!(feed.requests(), [Request::Snapshot(BTC, Reach::Near)]);
    assert_eq!(feed.take(4), [], "the other instrument is none of its business");
    feed.depth(30, BTC, 10, 11, &[level("98", "0")]);
    assert_eq!(feed.books(), [], "nothing is published off a book with a hole");
    feed.snapshot(40, BTC, 8);
    let book = feed.books().pop().unwrap();
    assert_eq!((book.stamp.state, book.venue_sequence), (State::Live, Some(VenueSequence(11))));
    let bids: Vec<_> = book.bids.iter().map(|level| (level.price.0, level.size.0)).collect();
    assert_eq!(bids, [(100, 1), (99, 7)], "the delta that waited was applied to the snapshot");
}

#[test]
fn levels_that_a_snapshot_does_not_reach_are_asked_for_and_not_made_up() {
    let mut feed = Fixture::new();
    feed.depth(0, BTC, 1, 5, &[]);
    feed.snapshot(10, BTC, 5);
    feed.requests();
    feed.depth(20, BTC, 6, 7, &[level("100", "0"), level("99", "0"), level("90", "4")]);
    let book = feed.books().pop().unwrap();
    assert_eq!(book.bids.len(), 1, "98 is known, 90 is known, what lies between is not");
    assert_eq!((book.stamp.state, book.checked_levels), (State::Live, Some(2)));
    feed.ticks(20_050, 20_100, &[BOOKS]);
    assert_eq!(feed.requests(), [Request::Snapshot(BTC, Reach::Far)], "what ran out once runs out again");
    feed.snapshot(20_200, BTC, 7);
    feed.depth(20_300, BTC, 10, 11, &[]);
    assert_eq!(feed.requests(), [Request::Snapshot(BTC, Reach::Far)], "also after a gap");
    feed.state.session_down(BOOKS, at_ms(20_400), &mut feed.written);
    feed.depth(20_500, BTC, 20, 21, &[]);
    assert_eq!(
        feed.requests(),
        [Request::Snapshot(BTC, Reach::Near)],
        "a new session: everybody begins anew"
    );
}

#[test]
fn an_unchanged_snapshot_confirms_a_quiet_book() {
    let mut feed = Fixture::new();
    feed.depth(0, BTC, 1, 5, &[]);
    feed.snapshot(10, BTC, 5);
    feed.requests();
    feed.ticks(50, 10_100, &[BOOKS]);
    assert_eq!(feed.requests(), [Request::Snapshot(BTC, Reach::Near)]);
    feed.books();
    feed.snapshot(10_200, BTC, 5);
    let book = feed.books().pop().unwrap();
    assert_eq!((book.stamp.state, book.stamp.receive_time), (State::Live, at_ms(10).wall.received()));
    assert_eq!(book.stamp.confirmed_time, at_ms(10_200).wall.received().confirmed());
}
