//! Quality: how far each value can be trusted, and since when.

use super::*;

#[test]
fn a_key_is_suspect_until_the_first_data_and_live_from_then_on() {
    let mut feed = Fixture::new();
    feed.state.announce(at_ms(0), &mut feed.written);
    feed.quote(10, quote(7, "99.5", "100"));
    let prices = feed.prices();
    assert_eq!(verdicts(&prices), [(State::Suspect, Reason::Connecting), (State::Live, Reason::None)]);
    assert_eq!(prices[0].bid, None);
    let record = &prices[1];
    let bid = record.bid.map(|level| record.scales.price_number(level.price).to_string());
    assert_eq!((bid.as_deref(), record.venue_sequence), (Some("99.5"), Some(VenueSequence(7))));
    assert_eq!(record.stamp.receive_time, at_ms(10).wall.received());
    assert_eq!(record.stamp.venue_time, None, "spot quotes carry no venue time, ours never takes its place");
}

#[test]
fn the_end_of_a_session_makes_its_keys_suspect_once_and_no_others() {
    let mut feed = Fixture::new();
    feed.quote(10, quote(7, "99", "100"));
    feed.depth(10, BTC, 1, 5, &[]);
    feed.snapshot(20, BTC, 5);
    feed.prices();
    feed.books();
    feed.state.session_down(QUOTES, at_ms(30), &mut feed.written);
    feed.state.session_down(QUOTES, at_ms(40), &mut feed.written);
    feed.ticks(50, 5_000, &[BOOKS]);
    let prices = feed.prices();
    assert_eq!(verdicts(&prices), [(State::Suspect, Reason::Disconnected)], "once, then left to expire");
    assert!(prices[0].bid.is_some(), "the last known price stays readable");
    assert!(feed.books().iter().all(|book| book.stamp.state == State::Live));
    feed.quote(5_100, quote(3, "98", "99"));
    let prices = feed.prices();
    assert_eq!(verdicts(&prices), [(State::Live, Reason::None)], "a new session may number from anywhere");
}

#[test]
fn a_key_without_data_stays_connecting_while_its_session_comes_and_goes() {
    let mut feed = Fixture::new();
    feed.state.announce(at_ms(0), &mut feed.written);
    feed.state.session_down(QUOTES, at_ms(30), &mut feed.written);
    assert_eq!(verdicts(&feed.prices()), [(State::Suspect, Reason::Connecting)]);
}

#[test]
fn a_quiet_price_is_confirmed_every_second_while_its_session_is_heard() {
    let mut feed = Fixture::new();
    feed.quote(0, quote(7, "99", "100"));
    feed.prices();
    feed.ticks(50, 9_000, &[QUOTES]);
    let prices = feed.prices();
    assert!((9..=11).contains(&prices.len()), "{} in nine seconds", prices.len());
    for pair in prices.windows(2) {
        assert!(pair[0].stamp.confirmed_time < pair[1].stamp.confirmed_time);
        let apart = pair[1].stamp.confirmed_time.nanos() - pair[0].stamp.confirmed_time.nanos();
        assert!(apart <= 1_000_000_000, "{apart} ns between two confirmations");
        assert_eq!(pair[0].stamp.receive_time, pair[1].stamp.receive_time, "the quote itself did not change");
    }
}

#[test]
fn a_session_that_is_not_heard_confirms_nothing() {
    let mut feed = Fixture::new();
    feed.quote(0, quote(7, "99", "100"));
    feed.prices();
    feed.ticks(50, 5_000, &[]);
    let confirmed = at_ms(0).wall.received().confirmed();
    assert!(feed.prices().iter().all(|price| price.stamp.confirmed_time == confirmed));
}

#[test]
fn a_session_that_is_heard_vouches_for_no_subscription_that_never_delivered() {
    let mut feed = Fixture::new();
    feed.ticks(50, 30_000, &[QUOTES, BOOKS]);
    assert!(feed.written.0.is_empty(), "nothing was delivered, nothing is confirmed");
}

#[test]
fn silence_beyond_the_threshold_is_probed_and_an_agreeing_answer_keeps_the_price_live() {
    let mut feed = Fixture::new();
    feed.quote(0, quote(7, "99", "100"));
    feed.ticks(50, 10_100, &[QUOTES]);
    assert_eq!(feed.requests(), [Request::ConfirmQuote(BTC)]);
    let before = feed.prices().last().unwrap().stamp.confirmed_time;
    assert!(
        before <= at_ms(10_000).wall.received().confirmed(),
        "beyond the threshold only the probe confirms"
    );
    feed.state.quote_confirmation(
        BTC,
        &quote(0, "99", "100"),
        at_ms(10_300).mono,
        at_ms(10_300),
        &mut feed.written,
    );
    let price = feed.prices().pop().unwrap();
    assert_eq!(
        (price.stamp.state, price.stamp.confirmed_time),
        (State::Live, at_ms(10_300).wall.received().confirmed())
    );
}

#[test]
fn silence_that_nothing_confirms_is_suspect_and_ends_with_the_next_answer() {
    let mut feed = Fixture::new();
    feed.quote(0, quote(7, "99", "100"));
    feed.ticks(50, 15_200, &[QUOTES]);
    let subscription = Subscription { instrument: BTC, channel: Channel::Quote };
    let expected =
        [Request::ConfirmQuote(BTC), Request::ConfirmQuote(BTC), Request::Resubscribe(subscription)];
    assert_eq!(feed.requests(), expected, "asked again, and subscribed anew");
    assert_eq!(verdicts(&feed.prices()).pop(), Some((State::Suspect, Reason::Silent)));
    feed.state.quote_confirmation(
        BTC,
        &quote(0, "99", "100"),
        at_ms(16_000).mono,
        at_ms(16_000),
        &mut feed.written,
    );
    assert_eq!(verdicts(&feed.prices()), [(State::Live, Reason::None)]);
}

/// The venue's REST is down, and the stream stands still.
#[test]
fn a_silence_that_no_probe_breaks_ends_with_the_new_subscription() {
    let mut feed = Fixture::new();
    feed.quote(0, quote(7, "99", "100"));
    feed.ticks(50, 15_200, &[QUOTES]);
    let subscription = Subscription { instrument: BTC, channel: Channel::Quote };
    assert_eq!(feed.requests().pop(), Some(Request::Resubscribe(subscription)));
    feed.prices();
    feed.quote(15_300, quote(900, "98", "99"));
    assert_eq!(verdicts(&feed.prices()), [(State::Live, Reason::None)]);
    feed.quote(15_350, quote(901, "97", "98"));
    feed.ticks(15_400, 25_000, &[QUOTES]);
    assert_eq!(feed.requests(), [], "it is believed again");
}

#[test]
fn a_price_that_nobody_confirms_is_subscribed_to_ever_more_seldom() {
    let mut feed = Fixture::new();
    feed.quote(0, quote(7, "99", "100"));
    let mut anew = Vec::new();
    for second in (0..=300).step_by(5) {
        feed.ticks(second * 1_000 + 50, second * 1_000 + 5_000, &[QUOTES]);
        let is_new = |request: &Request| matches!(request, Request::Resubscribe(_));
        anew.extend(feed.requests().iter().filter(|request| is_new(request)).map(|_| second + 5));
    }
    assert!((6..=8).contains(&anew.len()), "{anew:?}");
    let gaps: Vec<u64> = anew.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!(gaps.is_sorted() && gaps.last().is_some_and(|last| *last >= 80), "{gaps:?}");
    assert_eq!(verdicts(&feed.prices()).pop(), Some((State::Suspect, Reason::Silent)));
}

#[test]
fn silent_figures_are_subscribed_to_anew_where_there_were_trades() {
    let figures = VolumeFigures { base_volume: Some(number("5")), ..FIGURES };
    let [trades, volume] =
        [Channel::Trade, Channel::Volume].map(|channel| Subscription { instrument: BTC, channel });
    for (traded, expected) in [(false, vec![]), (true, vec![Request::Resubscribe(volume)])] {
        let mut feed = Fixture::new();
        feed.state.event(BOOKS, volume, &MarketEvent::Volume(figures), at_ms(0), &mut feed.written);
        let (price, size) = (number("99"), number("1"));
        let trade = Trade { price, size, side: crate::domain::Side::Buy, venue_time: None, number: None };
        if traded {
            let event = MarketEvent::Trades(std::slice::from_ref(&trade));
            feed.state.event(QUOTES, trades, &event, at_ms(30_000), &mut feed.written);
        }
        feed.ticks(50, 65_200, &[QUOTES, BOOKS]);
        assert_eq!(feed.requests(), expected, "traded: {traded}");
        let figures = feed.take(2);
        assert_eq!(figures.last().map(|record| record.stamp().reason), Some(Reason::Silent));
    }
}

#[test]
fn a_probe_that_finds_another_price_proves_the_subscription_dead() {
    let mut feed = Fixture::new();
    feed.quote(0, quote(7, "99", "100"));
    feed.ticks(50, 10_100, &[QUOTES]);
    feed.requests();
    feed.state.quote_confirmation(
        BTC,
        &quote(0, "98", "99"),
        at_ms(10_200).mono,
        at_ms(10_200),
        &mut feed.written,
    );
    feed.ticks(10_250, 15_300, &[QUOTES]);
    let subscription = Subscription { instrument: BTC, channel: Channel::Quote };
    assert_eq!(feed.requests(), [Request::Resubscribe(subscription)]);
    assert_eq!(verdicts(&feed.prices()).pop(), Some((State::Suspect, Reason::Silent)));
}

#[test]
fn one_older_quote_is_a_straggler_and_the_second_a_venue_that_counts_anew() {
    let mut feed = Fixture::new();
    feed.quote(0, quote(100, "99", "100"));
    feed.prices();
    for turn in 0..15 {
        feed.quote(1 + 2 * turn, quote(50 + turn, "90", "91"));
        assert_eq!((feed.prices(), feed.requests()), (vec![], vec![]), "it replaces nothing");
        feed.quote(2 + 2 * turn, quote(101 + turn, "99", "100"));
        assert_eq!(verdicts(&feed.prices()), [(State::Live, Reason::None)]);
    }
    feed.quote(50, quote(79, "90", "91"));
    assert_eq!((feed.prices(), feed.requests()), (vec![], vec![]));
    feed.quote(2_050, quote(80, "90", "91"));
    assert_eq!(verdicts(&feed.prices()), [(State::Suspect, Reason::SequenceGap)]);
    assert_eq!(feed.requests().len(), 1);
    feed.quote(4_050, quote(81, "90", "91"));
    assert_eq!(verdicts(&feed.prices()), [(State::Live, Reason::None)]);
}

/// OKX after maintenance: whatever other frames the session brings, a quote that was not taken confirms nothing.
#[test]
fn an_older_quote_ends_the_confirmation_and_asks_the_venue() {
    let mut feed = Fixture::new();
    feed.quote(0, quote(100, "99", "100"));
    feed.ticks(0, 900, &[QUOTES]);
    feed.quote(950, quote(50, "90", "91"));
    feed.prices();
    feed.ticks(1_000, 5_900, &[QUOTES]);
    let confirmed: Vec<i64> =
        feed.prices().iter().map(|price| price.stamp.confirmed_time.nanos() - START).collect();
    assert!(!confirmed.is_empty() && confirmed.iter().all(|nanos| *nanos <= 950_000_000), "{confirmed:?}");
    assert_eq!(feed.requests(), [Request::ConfirmQuote(BTC)]);
    feed.ticks(5_950, 7_000, &[QUOTES]);
    assert_eq!(verdicts(&feed.prices()).last(), Some(&(State::Suspect, Reason::Silent)));
}

#[test]
fn a_crossed_quote_is_told_as_it_is_and_suspect() {
    let mut feed = Fixture::new();
    feed.quote(0, quote(1, "100", "100"));
    feed.quote(1, quote(2, "99", "100"));
    let prices = feed.prices();
    assert_eq!(verdicts(&prices), [(State::Suspect, Reason::CrossedBook), (State::Live, Reason::None)]);
}

#[test]
fn a_trade_changes_the_last_price_and_none_of_the_quotes_times() {
    let mut feed = Fixture::new();
    feed.quote(0, quote(1, "99", "100"));
    let subscription = Subscription { instrument: BTC, channel: Channel::Trade };
    let trade = Trade {
        price: number("99.125"),
        size: number("0.5"),
        side: crate::domain::Side::Sell,
        venue_time: None,
        number: None,
    };
    feed.state.event(QUOTES, subscription, &MarketEvent::Trades(&[trade]), at_ms(70), &mut feed.written);
    let price = feed.prices().pop().unwrap();
    let last = price.last.unwrap();
    assert_eq!(price.scales.price_number(last.price).to_string(), "99.125");
    assert_eq!(
        price.bid.map(|level| price.scales.price_number(level.price).to_string()).as_deref(),
        Some("99.000")
    );
    assert_eq!(last.receive_time, Some(at_ms(70).wall.received()));
    assert_eq!(price.stamp.receive_time, at_ms(0).wall.received());
}

#[test]
fn a_number_that_fits_nowhere_makes_the_price_suspect_instead_of_old() {
    let mut feed = Fixture::new();
    feed.quote(0, quote(1, "99", "100"));
    feed.quote(1, quote(2, "99", "99999999999999999999999"));
    let prices = feed.prices();
    assert_eq!(verdicts(&prices).pop(), Some((State::Suspect, Reason::Undecodable)));
    assert_eq!(feed.state.take_counts().unusable, 1);
}

#[test]
fn a_stopping_writer_leaves_every_key_suspect_and_nothing_changes_afterwards() {
    let mut feed = Fixture::new();
    feed.quote(0, quote(1, "99", "100"));
    feed.written.0.clear();
    feed.state.stop(at_ms(10), &mut feed.written);
    let stopped = |record: &Record| record.stamp().reason == Reason::WriterStopping;
    assert_eq!(
        feed.written.0.iter().filter(|(_, record, _)| stopped(record)).count(),
        6,
        "two instruments, three keys"
    );
    assert!(feed.written.0.iter().all(|(.., urgency)| *urgency == Urgency::First));
    feed.written.0.clear();
    feed.quote(20, quote(2, "98", "99"));
    feed.state.session_down(QUOTES, at_ms(30), &mut feed.written);
    feed.ticks(50, 5_000, &[QUOTES]);
    assert!(feed.written.0.is_empty());
    assert_eq!(feed.state.states(), [0, 6, 0]);
}

#[test]
fn an_acknowledged_and_silent_subscription_says_so() {
    let mut feed = Fixture::new();
    let subscription = Subscription { instrument: BTC, channel: Channel::Volume };
    feed.state.no_first_data(subscription, at_ms(10_000), &mut feed.written);
    let volumes = feed.take(2);
    let [Record::Volume(VolumeRecord { stamp, .. })] = &volumes[..] else { panic!("{volumes:?}") };
    assert_eq!((stamp.state, stamp.reason), (State::Suspect, Reason::NoFirstData));
}
