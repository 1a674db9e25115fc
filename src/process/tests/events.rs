//! Events: which are made, of what, in which order, and how many.

use super::*;
use crate::domain::{EventDetail, EventKind, EventKinds, MovePrice, Reach, Scale, Side, Size};

/// What a sink is given, in its order.
#[derive(Default)]
struct Order(Vec<String>);

impl UpdateSink for Order {
    fn update(&mut self, update: Update<'_>) {
        self.0.push(format!("{} {:?}", update.slot.0, update.urgency));
    }

    fn event(&mut self, event: KeyEvent) {
        self.0.push(format!("{} {}", event.slot.0, event.detail.kind().as_str()));
    }
}

fn policy(kinds: &[EventKind]) -> EventPolicy {
    EventPolicy { kinds: kinds.iter().copied().collect(), ..EventPolicy::default() }
}

fn trade(price: &str, venue_millis: i64) -> [Trade; 1] {
    [Trade {
        price: number(price),
        size: number("0.5"),
        side: Side::Sell,
        venue_time: crate::domain::VenueTime::from_millis(START / 1_000_000 + venue_millis),
        number: None,
    }]
}

impl Fixture {
    fn trade(&mut self, millis: u64, price: &str) {
        let subscription = Subscription { instrument: BTC, channel: Channel::Trade };
        let venue_millis = i64::try_from(millis).unwrap();
        self.state.event(
            QUOTES,
            subscription,
            &MarketEvent::Trades(&trade(price, venue_millis)),
            at_ms(millis),
            &mut self.written,
        );
    }

    fn details(&mut self) -> Vec<EventDetail> {
        self.written.1.drain(..).map(|event| event.detail).collect()
    }

    /// What each price move says: reference and price.
    fn moves(&mut self) -> Vec<(String, String)> {
        let moved = |detail| match detail {
            EventDetail::PriceMove { price_scale: scale, reference, price } => {
                let text = |mantissa| Number { mantissa, scale }.to_string();
                Some((text(reference.0), text(price.0)))
            }
            _ => None,
        };
        self.details().into_iter().filter_map(moved).collect()
    }
}

fn pair(reference: &str, price: &str) -> (String, String) {
    (reference.to_owned(), price.to_owned())
}

#[test]
fn a_price_that_is_farther_than_the_limit_goes_first_and_is_told_after_its_value() {
    let mut feed = Fixture::new();
    feed.quote(0, quote(1, "99", "101"));
    feed.quote(1, quote(2, "100", "102"));
    assert_eq!(feed.moves(), [], "exactly 1 % is no move");
    assert!(feed.written.0.iter().skip(1).all(|(.., urgency)| *urgency == Urgency::Normal));
    let mut order = Order::default();
    let subscription = Subscription { instrument: BTC, channel: Channel::Quote };
    let moved = MarketEvent::Quote(quote(3, "100.01", "102"));
    feed.state.event(QUOTES, subscription, &moved, at_ms(2), &mut order);
    assert_eq!(order.0, ["0 First", "0 price_move"]);
    feed.quote(3, quote(4, "99.99", "102"));
    assert_eq!(feed.moves(), [], "the price that moved is the reference now");
    feed.quote(4, quote(5, "90", "91"));
    assert_eq!(feed.moves(), [pair("101.005", "90.500")], "half of an odd sum has one digit more");
    feed.quote(5, quote(6, "80", "82"));
    assert_eq!(feed.moves(), [pair("90.50", "81.00")], "even sums do not");
    assert_eq!(feed.state.take_counts().events, [3, 0, 0, 0, 0]);
}

#[test]
fn the_first_live_price_after_a_suspect_time_or_a_new_subscription_is_the_reference() {
    let mut feed = Fixture::with(policy(&[EventKind::PriceMove]));
    feed.quote(0, quote(1, "99", "101"));
    feed.state.session_down(QUOTES, at_ms(10), &mut feed.written);
    feed.quote(20, quote(1, "199", "201"));
    feed.quote(30, quote(2, "300", "300"));
    feed.quote(40, quote(3, "149", "151"));
    assert_eq!(feed.details(), [], "a crossed quote is not live, and the next one is compared with nothing");
    feed.quote(50, quote(4, "249", "251"));
    assert_eq!(feed.moves(), [pair("150", "250")]);
}

#[test]
fn a_missing_side_is_no_move_and_the_reference_stays() {
    let mut feed = Fixture::new();
    feed.quote(0, quote(1, "99", "101"));
    feed.quote(1, Quote { bid: None, ..quote(2, "50", "300") });
    feed.quote(2, Quote { ask: None, ..quote(3, "50", "300") });
    assert_eq!(feed.moves(), []);
    feed.quote(3, quote(4, "198", "202"));
    assert_eq!(feed.moves(), [pair("100", "200")]);
}

#[test]
fn a_takeover_compares_with_what_is_live_now_and_limits_start_anew() {
    let limits = EventPolicy { per_second_max: 1, ..policy(&[EventKind::PriceMove]) };
    let mut feed = Fixture::with(limits);
    feed.quote(5_000, quote(1, "1000", "1000.2"));
    feed.quote(5_001, quote(2, "2000", "2000.2"));
    feed.quote(5_002, quote(3, "2015", "2015.2"));
    assert_eq!(feed.moves().len(), 1);
    feed.state.taken_over(at_ms(5_003));
    feed.quote(5_004, quote(4, "2025", "2025.2"));
    assert_eq!(feed.moves(), [], "1.2 % from the price that was told, 0.5 % from that of the takeover");
    feed.quote(5_005, quote(5, "3000", "3000.2"));
    assert_eq!(feed.moves(), [pair("2015.1", "3000.1")]);
    assert_eq!(feed.state.take_counts().events_dropped, [0; 5]);
}

#[test]
fn the_last_price_is_watched_where_that_is_wanted_and_only_while_the_quote_is_live() {
    let mut feed = Fixture::with(EventPolicy { price: MovePrice::Last, ..policy(&[EventKind::PriceMove]) });
    feed.trade(0, "100");
    feed.quote(1, quote(1, "99", "101"));
    feed.trade(2, "150");
    feed.quote(3, quote(2, "199", "201"));
    assert_eq!(feed.details(), [], "the first trade of a live price is the reference");
    feed.trade(4, "151.5");
    assert_eq!(feed.details(), [], "exactly 1 %");
    feed.trade(5, "151.51");
    assert_eq!(feed.moves(), [pair("150.00", "151.51")]);
    feed.state.session_down(QUOTES, at_ms(10), &mut feed.written);
    feed.trade(11, "300");
    feed.quote(12, quote(1, "99", "101"));
    feed.state.taken_over(at_ms(12));
    feed.trade(13, "310");
    assert_eq!(feed.details(), [], "300 was no live price");
    feed.trade(14, "300");
    assert_eq!(feed.moves(), [pair("310.00", "300.00")]);
}

#[test]
fn a_side_whose_size_changes_by_more_than_the_limit_is_told_with_both_sizes() {
    let mut feed = Fixture::with(policy(&[EventKind::LiquidityChange]));
    feed.depth(0, BTC, 1, 5, &[]);
    feed.snapshot(10, BTC, 5);
    assert_eq!(feed.details(), [], "the first book is the reference");
    feed.depth(20, BTC, 6, 6, &[level("100", "1.5")]);
    assert_eq!(feed.details(), [], "2 to 2.5 is exactly 25 %");
    feed.depth(30, BTC, 7, 7, &[level("100", "1.51")]);
    let change = |digits, before, after| EventDetail::LiquidityChange {
        size_scale: Scale::new(digits).unwrap(),
        before: Size(before),
        after: Size(after),
        side: Side::Buy,
    };
    assert_eq!(feed.details(), [change(2, 200, 251)], "of a side that grew, at the finer scale");
    feed.depth(40, BTC, 8, 8, &[level("100", "1"), level("97", "70")]);
    assert_eq!(feed.details(), [], "2.51 to 2; and what is not published does not count");
    feed.depth(50, BTC, 9, 9, &[level("100", "0.8")]);
    assert_eq!(feed.details(), [change(2, 251, 180)], "since the last event, not since the last value");
    feed.state.session_down(BOOKS, at_ms(60), &mut feed.written);
    feed.depth(70, BTC, 10, 10, &[level("100", "500")]);
    feed.snapshot(80, BTC, 9);
    assert_eq!(feed.details(), [], "a new session, a new reference");
}

#[test]
fn a_state_is_told_when_it_is_another_one_and_the_first_one_never() {
    let mut feed = Fixture::new();
    feed.state.announce(at_ms(0), &mut feed.written);
    assert_eq!(feed.details(), []);
    let told = |state, reason| EventDetail::State { state, reason };
    feed.quote(10, quote(7, "99", "100"));
    feed.quote(20, quote(8, "99", "100.1"));
    assert_eq!(feed.details(), [told(State::Live, Reason::None)], "once");
    feed.state.session_down(QUOTES, at_ms(30), &mut feed.written);
    let event = feed.written.1.pop().unwrap();
    assert_eq!((event.slot, event.time), (SlotId(0), at_ms(30).wall));
    assert_eq!(event.detail, told(State::Suspect, Reason::Disconnected));
    feed.state.stop(at_ms(40), &mut feed.written);
    assert_eq!(feed.details(), vec![told(State::Suspect, Reason::WriterStopping); 6], "another reason");
}

#[test]
fn trades_are_told_only_where_that_is_wanted_and_only_those_that_are_taken() {
    let mut feed = Fixture::new();
    feed.trade(5, "99.125");
    assert_eq!(feed.details(), []);
    let mut feed = Fixture::with(policy(&[EventKind::Trade]));
    feed.trade(5, "99.125");
    feed.trade(4, "98");
    let [EventDetail::Trade { scales, price, size, side: Side::Sell }] = feed.details()[..] else {
        panic!("one trade")
    };
    assert_eq!(scales.price_number(price).to_string(), "99.125");
    assert_eq!(scales.size_number(size).to_string(), "0.5");
}

#[test]
fn an_invalidation_sends_every_key_at_once_and_asks_the_venue_what_stands() {
    let mut feed = Fixture::new();
    feed.state.announce(at_ms(0), &mut feed.written);
    feed.state.invalidate(BTC, "bot-7", "own fill", at_ms(1), &mut feed.written);
    assert_eq!(feed.requests(), [], "nothing was delivered yet that an answer could be compared with");
    feed.quote(2, quote(1, "99", "101"));
    feed.depth(3, BTC, 1, 5, &[]);
    feed.snapshot(4, BTC, 5);
    assert_eq!(feed.requests(), [Request::Snapshot(BTC, Reach::Near)]);
    let mut order = Order::default();
    feed.state.invalidate(BTC, "bot-7", "own fill", at_ms(5), &mut order);
    let expected = ["0 First", "0 invalidated", "1 First", "1 invalidated", "2 First", "2 invalidated"];
    assert_eq!(order.0, expected);
    assert_eq!(feed.requests(), [Request::ConfirmQuote(BTC), Request::Snapshot(BTC, Reach::Near)]);
    feed.written.1.clear();
    feed.state.invalidate(BTC, "bot-7", "own fill", at_ms(6), &mut feed.written);
    assert_eq!(feed.requests(), [Request::ConfirmQuote(BTC)], "a snapshot is on its way");
    let expected = EventDetail::Invalidated { who: "bot-7".into(), why: "own fill".into() };
    assert_eq!(feed.details(), vec![expected; 3]);
    feed.state.session_down(QUOTES, at_ms(7), &mut feed.written);
    feed.state.session_down(BOOKS, at_ms(7), &mut feed.written);
    feed.state.invalidate(BTC, "bot-7", "own fill", at_ms(2_000), &mut feed.written);
    assert_eq!(feed.requests(), [], "no answer may vouch for a subscription that is gone");
}

#[test]
fn beyond_the_limit_values_still_go_out_but_events_are_dropped_and_counted() {
    let mut feed = Fixture::new();
    feed.quote(1_000, quote(1, "99", "101"));
    feed.written.0.clear();
    for millis in 1_000..1_005 {
        feed.state.invalidate(BTC, "loop", "", at_ms(millis), &mut feed.written);
    }
    assert_eq!(feed.requests().len(), 4, "the fifth could tell of no key and asks the venue nothing");
    assert_eq!((feed.written.0.len(), feed.written.1.len()), (15, 10));
    let counts = feed.state.take_counts();
    assert_eq!((counts.events, counts.events_dropped), ([0, 0, 0, 0, 10], [0, 0, 0, 0, 5]));
    feed.state.invalidate(ETH, "other", "", at_ms(1_006), &mut feed.written);
    assert_eq!(feed.state.take_counts().events, [0, 0, 0, 0, 3], "each instrument has its own limit");
}

#[test]
fn a_move_that_was_dropped_still_becomes_the_reference() {
    let mut feed = Fixture::with(EventPolicy { per_second_max: 1, ..EventPolicy::default() });
    for (millis, price) in [(0, "100"), (1, "200"), (2, "300"), (1_500, "301"), (1_501, "400")] {
        feed.quote(millis, Quote { ask: Some(level("1000", "1")), ..quote(millis, price, "1000") });
    }
    assert_eq!(feed.moves(), [pair("550", "600"), pair("650", "700")]);
    let counts = feed.state.take_counts();
    assert_eq!((counts.events[0], counts.events_dropped[0]), (2, 1));
}

#[test]
fn what_is_off_is_neither_told_nor_dropped_nor_sent_first() {
    let mut feed = Fixture::with(EventPolicy { kinds: EventKinds::default(), ..EventPolicy::default() });
    feed.state.announce(at_ms(0), &mut feed.written);
    feed.quote(1, quote(1, "99", "101"));
    feed.prices();
    feed.quote(2, quote(2, "199", "201"));
    assert_eq!(feed.written.0.last().map(|(.., urgency)| *urgency), Some(Urgency::Normal));
    feed.state.invalidate(BTC, "bot", "", at_ms(3), &mut feed.written);
    assert_eq!(feed.requests(), [Request::ConfirmQuote(BTC)], "the venue is asked all the same");
    assert_eq!(feed.details(), []);
    let counts = feed.state.take_counts();
    assert_eq!((counts.events, counts.events_dropped), ([0; 5], [0; 5]));
}
