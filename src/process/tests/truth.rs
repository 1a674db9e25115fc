//! What real venues and machines do: frames that cannot be read, numbers that begin anew, clocks that are set, absurd prices.

use super::*;
use crate::domain::Reach;
use crate::domain::{BookImage, Ticker, Top, VenueTime};

fn undecodable(feed: &mut Fixture, millis: u64, session: SessionId, channel: Channel) {
    let of = [Subscription { instrument: BTC, channel }];
    feed.state.undecodable(session, &of, at_ms(millis), &mut feed.written);
}

fn resubscribed(channel: Channel) -> Request {
    Request::Resubscribe(Subscription { instrument: BTC, channel })
}

const LIVE: (State, Reason) = (State::Live, Reason::None);
const UNDECODABLE: (State, Reason) = (State::Suspect, Reason::Undecodable);

/// A book that is live from 10 ms on.
fn with_book() -> Fixture {
    let mut feed = Fixture::new();
    feed.depth(0, BTC, 1, 5, &[]);
    feed.snapshot(10, BTC, 5);
    feed.depth(20, BTC, 6, 7, &[]);
    feed.books();
    feed.requests();
    feed
}

fn states(feed: &mut Fixture) -> Vec<(State, Reason)> {
    feed.books().iter().map(|book| (book.stamp.state, book.stamp.reason)).collect()
}

#[test]
fn an_unreadable_quote_is_suspect_at_once_and_the_next_one_heals_it() {
    let mut feed = Fixture::new();
    feed.quote(0, quote(1, "99", "100"));
    undecodable(&mut feed, 10, QUOTES, Channel::Quote);
    assert_eq!(verdicts(&feed.prices()), [LIVE, UNDECODABLE]);
    assert_eq!(feed.requests(), [Request::ConfirmQuote(BTC)]);
    feed.ticks(50, 900, &[QUOTES]);
    assert_eq!(verdicts(&feed.prices()), [], "whatever else the session brings");
    assert!(!feed.requests().contains(&resubscribed(Channel::Quote)), "the next quote may be on its way");
    feed.ticks(950, 1_100, &[QUOTES]);
    assert!(feed.requests().contains(&resubscribed(Channel::Quote)), "nothing came");
    feed.quote(1_110, quote(2, "99", "100"));
    assert_eq!(verdicts(&feed.prices()), [LIVE]);
}

#[test]
fn a_book_with_a_number_that_fits_nowhere_is_suspect_until_a_new_snapshot() {
    let mut feed = with_book();
    feed.depth(30, BTC, 8, 8, &[level("99.5", "170000000000000000000000000000000000000")]);
    feed.depth(40, BTC, 9, 9, &[level("99.5", "0.0000001")]);
    feed.ticks(50, 900, &[BOOKS]);
    assert_eq!(states(&mut feed).last(), Some(&UNDECODABLE), "time heals nothing");
    assert_eq!(feed.state.take_counts().unusable, 1);
    feed.snapshot(910, BTC, 9);
    assert_eq!(states(&mut feed), [LIVE]);
}

#[test]
fn while_unreadable_quotes_keep_coming_readable_ones_are_suspect_too() {
    let mut feed = Fixture::new();
    feed.quote(0, quote(1, "99", "100"));
    for turn in 0..40 {
        undecodable(&mut feed, 100 * turn + 50, QUOTES, Channel::Quote);
        feed.quote(100 * turn + 100, quote(turn + 2, "99", "100"));
        feed.state.tick(at_ms(100 * turn + 100), &mut feed.written);
    }
    let prices = verdicts(&feed.prices());
    // The first is healed at once, the second keeps its value suspect.
    assert!(prices.iter().skip(4).all(|price| *price == UNDECODABLE), "{prices:?}");
    let asked = feed.requests();
    assert!(
        asked.iter().all(|request| *request == Request::ConfirmQuote(BTC)),
        "each was followed by a whole one"
    );
    let asked = asked.len();
    assert!((2..=4).contains(&asked), "asked {asked} times in four seconds: with growing pauses");
    for second in 5..=33 {
        feed.quote(1_000 * second, quote(100 + second, "99", "100"));
    }
    assert!(verdicts(&feed.prices()).iter().all(|price| *price == UNDECODABLE));
    feed.ticks(33_900, 34_500, &[QUOTES]);
    assert_eq!(verdicts(&feed.prices())[0], LIVE, "half a minute after the last one");
}

#[test]
fn a_rest_answer_heals_an_unreadable_quote_only_where_it_was_asked_for_after_it() {
    for (asked, expected) in [(5, UNDECODABLE), (10, UNDECODABLE), (11, LIVE)] {
        let mut feed = Fixture::new();
        feed.quote(0, quote(1, "99", "100"));
        undecodable(&mut feed, 10, QUOTES, Channel::Quote);
        let same = quote(0, "99", "100");
        feed.state.quote_confirmation(BTC, &same, at_ms(asked).mono, at_ms(60), &mut feed.written);
        assert_eq!(verdicts(&feed.prices()).last(), Some(&expected), "asked at {asked}");
    }
}

#[test]
fn an_unreadable_delta_voids_the_book_until_a_snapshot_from_after_it() {
    let mut feed = with_book();
    undecodable(&mut feed, 100, BOOKS, Channel::Depth);
    assert_eq!(states(&mut feed), [UNDECODABLE]);
    assert_eq!(feed.requests(), [Request::Snapshot(BTC, Reach::Near)]);
    // 8 was not understood; a snapshot that was asked for before that does not know it, whatever its id.
    let snapshot = DepthSnapshot {
        last: VenueSequence(7),
        bids: vec![level("100", "1"), level("99", "1"), level("98", "1")],
        asks: vec![level("101", "1"), level("102", "1"), level("103", "1")],
        limit: 3,
        venue_time: None,
    };
    let book = Book::from_snapshot(&snapshot).unwrap();
    feed.state.snapshot(BTC, book, at_ms(90).mono, at_ms(110), &mut feed.written);
    assert_eq!(states(&mut feed), []);
    feed.ticks(150, 2_000, &[BOOKS]);
    assert_eq!(feed.requests(), [Request::Snapshot(BTC, Reach::Near)], "it is asked for again");
    feed.depth(2_010, BTC, 9, 9, &[]);
    feed.snapshot(2_100, BTC, 8);
    assert_eq!(states(&mut feed), [LIVE]);
}

#[test]
fn unreadable_figures_are_suspect_until_the_venue_has_told_all_of_them() {
    let mut feed = Fixture::new();
    let subscription = Subscription { instrument: BTC, channel: Channel::Volume };
    let figures = |form| VolumeFigures { form, base_volume: Some(number("5")), ..FIGURES };
    let tell = |feed: &mut Fixture, millis, form| {
        let event = MarketEvent::Volume(figures(form));
        feed.state.event(BOOKS, subscription, &event, at_ms(millis), &mut feed.written);
        let last = feed.take(2).pop();
        last.map(|record| (record.stamp().state, record.stamp().reason))
    };
    assert_eq!(tell(&mut feed, 0, Form::Whole), Some(LIVE));
    undecodable(&mut feed, 10, BOOKS, Channel::Volume);
    assert_eq!(feed.requests(), [resubscribed(Channel::Volume)]);
    assert_eq!(tell(&mut feed, 20, Form::Changes), Some(UNDECODABLE), "what else has changed?");
    assert_eq!(tell(&mut feed, 30, Form::Whole), Some(LIVE));
}

#[test]
fn an_unreadable_trade_takes_the_last_price_back_and_leaves_the_quote() {
    let mut feed = Fixture::new();
    feed.quote(0, quote(1, "99", "100"));
    let subscription = Subscription { instrument: BTC, channel: Channel::Trade };
    let trade = Trade {
        price: number("99"),
        size: number("1"),
        side: crate::domain::Side::Buy,
        venue_time: None,
        number: Some(VenueSequence(7)),
    };
    feed.state.event(QUOTES, subscription, &MarketEvent::Trades(&[trade]), at_ms(1), &mut feed.written);
    assert!(feed.prices().pop().is_some_and(|price| price.last.is_some()));
    undecodable(&mut feed, 2, QUOTES, Channel::Trade);
    let price = feed.prices().pop().unwrap();
    assert_eq!((price.last, verdicts(std::slice::from_ref(&price))[0]), (None, LIVE));
}

/// Price and book of one connection that brings nothing any more but signs of life.
#[test]
fn two_values_from_one_stalled_source_do_not_keep_each_other_alive() {
    let mut feed = with_book();
    feed.quote(30, quote(7, "100", "101"));
    feed.requests();
    feed.ticks(50, 60_000, &[QUOTES, BOOKS]);
    let suspect = |(state, _): &(State, Reason)| *state == State::Suspect;
    assert!(verdicts(&feed.prices()).last().is_some_and(suspect));
    assert!(states(&mut feed).last().is_some_and(suspect));
}

#[test]
fn the_second_lower_update_of_a_book_is_a_venue_that_counts_anew() {
    let mut feed = with_book();
    feed.depth(100, BTC, 2, 3, &[]);
    assert_eq!(states(&mut feed), [], "one is a straggler");
    feed.depth(2_100, BTC, 3, 4, &[]);
    assert_eq!(states(&mut feed), [(State::Suspect, Reason::SequenceGap)]);
    assert_eq!(feed.requests(), [Request::Snapshot(BTC, Reach::Near)]);
    feed.snapshot(2_200, BTC, 4);
    assert_eq!(states(&mut feed), [LIVE]);
    feed.depth(4_100, BTC, 5, 6, &[level("100", "7")]);
    let book = feed.books().pop().unwrap();
    assert_eq!((book.venue_sequence, book.bids[0].size.0), (Some(VenueSequence(6)), 7));
}

/// The wall clock reads `ahead_ms` more than before.
fn stepped(millis: u64, ahead_ms: i64) -> Now {
    let now = at_ms(millis);
    Now { wall: WallTime::from_nanos(now.wall.nanos() + ahead_ms * 1_000_000), ..now }
}

#[test]
fn where_the_wall_clock_is_set_nothing_is_suspect_and_the_times_go_with_it() {
    for ahead_ms in [3_000, -3_000, 3_600_000, -3_600_000] {
        let mut feed = Fixture::new();
        let stamped = |u: u64, millis: u64| {
            // The venue's own clock, 20 ms away, goes on.
            let venue_time = Some(VenueTime::from_nanos(at_ms(millis).wall.nanos() - 20_000_000));
            Quote { venue_time, ..quote(u, "99", "100") }
        };
        let subscription = Subscription { instrument: BTC, channel: Channel::Quote };
        for turn in 0..100 {
            let millis = 100 * turn;
            let now = if turn < 50 { at_ms(millis) } else { stepped(millis, ahead_ms) };
            let event = MarketEvent::Quote(stamped(turn + 1, millis));
            feed.state.event(QUOTES, subscription, &event, now, &mut feed.written);
            feed.state.tick(now, &mut feed.written);
            for price in feed.prices() {
                assert_eq!(verdicts(std::slice::from_ref(&price)), [LIVE], "{ahead_ms} at {millis}");
                assert_eq!(price.stamp.receive_time.nanos(), now.wall.nanos(), "{ahead_ms} at {millis}");
                assert_eq!(price.stamp.confirmed_time.nanos(), now.wall.nanos(), "{ahead_ms} at {millis}");
            }
        }
        // A quiet value follows with its next confirmation.
        for millis in (10_000..12_000).step_by(50) {
            feed.state.heard(QUOTES, stepped(millis, 2 * ahead_ms));
            feed.state.tick(stepped(millis, 2 * ahead_ms), &mut feed.written);
        }
        let price = feed.prices().pop().unwrap();
        let age = |nanos: i64| (stepped(12_000, 2 * ahead_ms).wall.nanos() - nanos) / 1_000_000;
        assert_eq!(age(price.stamp.receive_time.nanos()), 2_100, "{ahead_ms}");
        assert!((50..1_100).contains(&age(price.stamp.confirmed_time.nanos())), "{ahead_ms}");
        let counts = feed.state.take_counts();
        assert_eq!((counts.clock_steps, counts.absurd_stamps > 0), (2, ahead_ms == -3_600_000), "{ahead_ms}");
    }
}

/// Hyperliquid: nothing but the time orders quotes and books.
#[test]
fn one_absurd_stamp_neither_wins_for_ever_nor_is_shown() {
    for absurd in [i64::MAX, START + 3_600_000_000_000, 0, 1] {
        let mut feed = Fixture::new();
        let mut tell = |millis: u64, time: i64, bid: &str| {
            let venue_time = Some(VenueTime::from_nanos(time));
            feed.quote(millis, Quote { venue_sequence: None, venue_time, ..quote(0, bid, "100") });
            feed.prices().pop().unwrap()
        };
        let time = |millis: u64| at_ms(millis).wall.nanos();
        tell(0, time(0), "99");
        let price = tell(100, absurd, "98");
        assert_eq!(
            (verdicts(std::slice::from_ref(&price))[0], price.stamp.venue_time),
            (LIVE, None),
            "{absurd}"
        );
        for millis in [200, 300, 400] {
            let price = tell(millis, time(millis), "97");
            assert_eq!(verdicts(std::slice::from_ref(&price)), [LIVE], "{absurd}");
            assert_eq!(price.bid.unwrap().price.0, 97, "{absurd}");
        }
        assert_eq!(feed.state.take_counts().absurd_stamps, 1);
    }
}

#[test]
fn a_price_that_is_absurd_beside_its_book_makes_both_suspect_until_they_agree() {
    let mut feed = with_book();
    feed.quote(30, quote(7, "100", "101"));
    feed.prices();
    for (u, bid, ask) in [(8, "0.0001", "101"), (9, "100000000", "101000000"), (10, "25000", "26000")] {
        feed.quote(40 + u, quote(u, bid, ask));
        assert_eq!(verdicts(&feed.prices()).pop(), Some((State::Suspect, Reason::SourcesDisagree)), "{bid}");
        assert_eq!(states(&mut feed).pop(), Some((State::Suspect, Reason::SourcesDisagree)), "{bid}");
        feed.quote(60 + u, quote(u, "100", "101"));
        assert_eq!(verdicts(&feed.prices()).pop(), Some(LIVE), "{bid}");
        assert_eq!(states(&mut feed).pop(), Some(LIVE), "{bid}");
    }
    // The book is the one that is wrong: an image of other numbers.
    feed.quote(90, quote(11, "99", "102"));
    feed.depth(100, BTC, 8, 8, &[level("500", "1")]);
    assert_ne!(states(&mut feed).pop(), Some(LIVE));
}

#[test]
fn without_a_book_a_price_that_leaps_is_suspect_until_a_sane_one_or_until_the_venue_stands_by_it() {
    let disagree = (State::Suspect, Reason::SourcesDisagree);
    let mut feed = Fixture::new();
    feed.quote(0, quote(1, "99", "100"));
    feed.quote(100, quote(2, "0.000099", "0.0001"));
    assert_eq!(verdicts(&feed.prices()), [LIVE, disagree]);
    feed.quote(200, quote(3, "99", "100"));
    assert_eq!(verdicts(&feed.prices()), [LIVE]);
    for (millis, u) in [(300, 4), (1_300, 5), (2_250, 6)] {
        feed.quote(millis, quote(u, "9900", "10000"));
        assert_eq!(verdicts(&feed.prices()), [disagree], "{millis}");
    }
    feed.quote(2_300, quote(7, "9900", "10000"));
    assert_eq!(verdicts(&feed.prices()), [LIVE]);
    feed.quote(2_400, quote(8, "1", "2"));
    assert_eq!(verdicts(&feed.prices()), [disagree]);
    feed.state.quote_confirmation(
        BTC,
        &quote(0, "1", "2"),
        at_ms(2_450).mono,
        at_ms(2_460),
        &mut feed.written,
    );
    assert_eq!(verdicts(&feed.prices()).pop(), Some(LIVE), "the venue says the same by another way");
}

#[test]
fn what_the_venue_refuses_is_suspect_and_its_first_data_makes_it_live() {
    let mut feed = with_book();
    feed.quote(30, quote(7, "100", "101"));
    feed.prices();
    let of = [Channel::Quote, Channel::Depth].map(|channel| Subscription { instrument: BTC, channel });
    feed.state.refused(&of, at_ms(100), &mut feed.written);
    assert_eq!(verdicts(&feed.prices()), [(State::Suspect, Reason::Refused)]);
    assert_eq!(states(&mut feed), [(State::Suspect, Reason::Refused)]);
    feed.ticks(150, 30_000, &[QUOTES, BOOKS]);
    assert_eq!(feed.requests(), [], "nothing is asked for that the venue refuses");
    assert!(feed.prices().iter().all(|price| price.stamp.reason == Reason::Refused));
    feed.quote(30_100, quote(2, "100", "101"));
    assert_eq!(verdicts(&feed.prices()), [LIVE]);
}

/// An image or a ticker without its stamp is what it is with it.
#[test]
fn an_absurd_stamp_costs_a_book_and_figures_nothing_else() {
    let time = Some(VenueTime::from_nanos(i64::MAX));
    let mut feed = Fixture::new();
    let (bids, asks) = ([level("99", "1")], [level("100", "1")]);
    let image = BookImage { last: None, bids: &bids, asks: &asks, venue_time: time, check: None };
    let top = Top::Prices { bid: None, ask: None, venue_time: time };
    let ticker = Ticker { figures: VolumeFigures { venue_time: time, ..FIGURES }, top };
    for (channel, event) in
        [(Channel::Depth, MarketEvent::Book(image)), (Channel::Volume, MarketEvent::Ticker(ticker))]
    {
        let subscription = Subscription { instrument: BTC, channel };
        feed.state.event(BOOKS, subscription, &event, at_ms(0), &mut feed.written);
    }
    let written = |slot| {
        feed.written.0.iter().rev().find(|(of, ..)| *of == SlotId(slot)).map(|(_, record, _)| *record.stamp())
    };
    for slot in [1, 2] {
        assert_eq!(written(slot).and_then(|stamp| stamp.venue_time), None, "{slot}");
    }
    assert_eq!(written(2).map(|stamp| stamp.state), Some(State::Live));
    assert_eq!(feed.state.take_counts().absurd_stamps, 2);
}
