//! What the venue's own word does to values: halted beats live, suspect beats halted, and the end of a halt proves nothing.

use super::*;
use crate::domain::{EventDetail, Trading};

const HALTED: (State, Reason) = (State::Halted, Reason::VenueHalt);
const LIVE: (State, Reason) = (State::Live, Reason::None);

/// A price and a book of BTC, live.
fn live() -> Fixture {
    let mut feed = Fixture::new();
    feed.quote(0, quote(7, "99", "100"));
    feed.depth(0, BTC, 1, 5, &[]);
    feed.snapshot(10, BTC, 5);
    feed.requests();
    feed.prices();
    feed.books();
    feed.written.0.clear();
    feed.written.1.clear();
    feed
}

impl Fixture {
    fn trading(&mut self, millis: u64, session: SessionId, trading: Trading) {
        self.state.trading(session, None, trading, at_ms(millis), &mut self.written);
    }

    fn book_verdicts(&mut self) -> Vec<(State, Reason)> {
        self.books().iter().map(|book| (book.stamp.state, book.stamp.reason)).collect()
    }
}

#[test]
fn a_halt_is_told_at_once_and_counted_and_only_of_what_its_session_carries() {
    let mut feed = live();
    feed.trading(20, QUOTES, Trading::Halted);
    assert!(feed.written.0.iter().all(|(.., urgency)| *urgency == Urgency::First));
    let told = feed.written.1.iter().filter(|event| {
        matches!(event.detail, EventDetail::State { state: State::Halted, reason: Reason::VenueHalt })
    });
    assert_eq!(told.count(), 1);
    assert_eq!((verdicts(&feed.prices()), feed.book_verdicts()), (vec![HALTED], vec![]));
    assert_eq!(feed.state.states(), [1, 4, 1], "what never had data stays suspect");
    let changes = feed.state.take_changes();
    assert_eq!(changes.counts[usize::from(Reason::VenueHalt.code())], 1);
    feed.trading(30, QUOTES, Trading::Halted);
    assert_eq!(feed.prices(), [], "once");
    feed.trading(40, BOOKS, Trading::Halted);
    assert_eq!(feed.book_verdicts(), [HALTED]);
}

#[test]
fn one_instrument_is_halted_alone() {
    let mut feed = live();
    let eth = Subscription { instrument: ETH, channel: Channel::Quote };
    let event = MarketEvent::Quote(quote(7, "9", "10"));
    feed.state.event(QUOTES, eth, &event, at_ms(15), &mut feed.written);
    feed.take(3);
    feed.state.trading(QUOTES, Some(ETH), Trading::Halted, at_ms(20), &mut feed.written);
    assert_eq!(feed.prices(), []);
    assert_eq!(feed.take(3).iter().map(|record| record.stamp().state).collect::<Vec<_>>(), [State::Halted]);
    feed.state.trading(QUOTES, Some(InstrumentId(9)), Trading::Halted, at_ms(30), &mut feed.written);
    assert_eq!(feed.state.states()[2], 1, "nobody knows that one");
}

#[test]
fn what_comes_during_a_halt_is_halted_and_kept_alive() {
    let mut feed = live();
    for session in [QUOTES, BOOKS] {
        feed.trading(20, session, Trading::Halted);
    }
    feed.quote(100, quote(8, "98", "99"));
    feed.depth(100, BTC, 6, 6, &[level("100", "5")]);
    assert_eq!((verdicts(&feed.prices()), feed.book_verdicts()), (vec![HALTED; 2], vec![HALTED; 2]));
    feed.ticks(150, 5_000, &[QUOTES, BOOKS]);
    let prices = feed.prices();
    assert!(prices.len() >= 4 && verdicts(&prices).iter().all(|verdict| *verdict == HALTED));
    assert!(prices.is_sorted_by_key(|price| price.stamp.confirmed_time), "it is known to stand");
    feed.state.quote_confirmation(
        BTC,
        &quote(0, "98", "99"),
        at_ms(5_100).mono,
        at_ms(5_100),
        &mut feed.written,
    );
    assert_eq!(verdicts(&feed.prices()), [HALTED], "that it is the venue's price does not make it trade");
}

#[test]
fn a_halted_value_in_doubt_is_suspect_and_halted_again_without_it() {
    let mut feed = live();
    feed.trading(20, QUOTES, Trading::Halted);
    feed.quote(30, quote(8, "100", "100"));
    feed.quote(40, quote(9, "98", "99"));
    let crossed = (State::Suspect, Reason::CrossedBook);
    assert_eq!(verdicts(&feed.prices()), [HALTED, crossed, HALTED]);
    feed.ticks(50, 15_300, &[QUOTES]);
    assert_eq!(verdicts(&feed.prices()).pop(), Some((State::Suspect, Reason::Silent)));
    feed.state.quote_confirmation(
        BTC,
        &quote(0, "98", "99"),
        at_ms(15_400).mono,
        at_ms(15_400),
        &mut feed.written,
    );
    assert_eq!(verdicts(&feed.prices()), [HALTED]);
}

#[test]
fn after_a_halt_a_value_is_live_with_the_next_data_or_once_it_is_proved_to_stand() {
    let mut feed = live();
    for session in [QUOTES, BOOKS] {
        feed.trading(20, session, Trading::Halted);
    }
    feed.ticks(50, 5_000, &[QUOTES, BOOKS]);
    for session in [QUOTES, BOOKS] {
        feed.trading(5_010, session, Trading::Open);
    }
    feed.ticks(5_050, 9_000, &[QUOTES, BOOKS]);
    assert!(
        verdicts(&feed.prices()).iter().all(|verdict| *verdict == HALTED),
        "the word alone proves nothing"
    );
    feed.depth(9_010, BTC, 6, 6, &[level("100", "5")]);
    assert_eq!(feed.book_verdicts().pop(), Some(LIVE));
    // Nobody quotes: the price is asked about as any that is silent.
    feed.requests();
    feed.ticks(9_050, 10_100, &[QUOTES, BOOKS]);
    assert!(feed.requests().contains(&Request::ConfirmQuote(BTC)));
    feed.prices();
    feed.state.quote_confirmation(
        BTC,
        &quote(0, "99", "100"),
        at_ms(10_200).mono,
        at_ms(10_200),
        &mut feed.written,
    );
    assert_eq!(verdicts(&feed.prices()), [LIVE]);
}

#[test]
fn a_halt_ends_with_its_session_and_the_next_one_says_it_again() {
    let mut feed = live();
    feed.trading(20, QUOTES, Trading::Halted);
    feed.state.session_down(QUOTES, at_ms(30), &mut feed.written);
    feed.trading(40, QUOTES, Trading::Halted);
    feed.quote(50, quote(8, "98", "99"));
    let down = (State::Suspect, Reason::Disconnected);
    assert_eq!(verdicts(&feed.prices()), [HALTED, down, HALTED], "never live in between");
    feed.state.session_down(QUOTES, at_ms(60), &mut feed.written);
    feed.quote(70, quote(9, "97", "98"));
    assert_eq!(verdicts(&feed.prices()), [down, LIVE], "a venue that says nothing trades");
}
