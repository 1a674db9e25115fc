//! What the venue's list does to values: halts that survive reconnects, instruments that are missing, gone and back.

use super::*;
use crate::domain::{Side, SizeUnit, Trading, VenueTime};
use crate::process::Standing;

const HALTED: (State, Reason) = (State::Halted, Reason::VenueHalt);
const MISSING: (State, Reason) = (State::Suspect, Reason::NotListed);
const LIVE: (State, Reason) = (State::Live, Reason::None);

fn begun(standing: Standing) -> Fixture {
    let mut feed = Fixture::new();
    feed.written.0.clear();
    feed.state.begin(BTC, standing, at_ms(0));
    feed.state.announce(at_ms(0), &mut feed.written);
    feed
}

impl Fixture {
    fn standing(&mut self, millis: u64, standing: Standing) {
        self.state.standing(BTC, standing, at_ms(millis), &mut self.written);
    }

    fn down(&mut self, millis: u64) {
        self.state.session_down(QUOTES, at_ms(millis), &mut self.written);
    }

    fn prints(&mut self, millis: u64, venue_millis: i64) {
        let trade = Trade {
            price: number("99"),
            size: number("1"),
            side: Side::Buy,
            venue_time: VenueTime::from_millis(venue_millis),
            number: None,
        };
        let trades = [trade];
        let event = MarketEvent::Trades(&trades);
        let subscription = Subscription { instrument: BTC, channel: Channel::Trade };
        self.state.event(QUOTES, subscription, &event, at_ms(millis), &mut self.written);
    }
}

#[test]
fn what_does_not_trade_starts_halted_and_neither_its_session_nor_its_silence_changes_that() {
    let mut feed = begun(Standing::NotTrading);
    assert_eq!(verdicts(&feed.prices()), [HALTED]);
    feed.down(10);
    let quotes = Subscription { instrument: BTC, channel: Channel::Quote };
    feed.state.no_first_data(quotes, at_ms(20), &mut feed.written);
    feed.ticks(50, 20_000, &[QUOTES, BOOKS]);
    assert!(verdicts(&feed.prices()).iter().all(|verdict| *verdict == HALTED));
    feed.quote(20_100, quote(7, "99", "100"));
    assert_eq!(verdicts(&feed.prices()), [HALTED], "the venue's last price, and no trade");
    feed.standing(20_200, Standing::Trading);
    assert_eq!(feed.prices(), [], "the word alone proves nothing");
    feed.quote(20_300, quote(8, "98", "99"));
    assert_eq!(verdicts(&feed.prices()), [LIVE]);
}

#[test]
fn a_halt_of_the_list_survives_a_reconnect() {
    let mut feed = begun(Standing::Trading);
    feed.quote(10, quote(7, "99", "100"));
    feed.prices();
    feed.standing(20, Standing::NotTrading);
    feed.down(30);
    feed.quote(40, quote(8, "98", "99"));
    let down = (State::Suspect, Reason::Disconnected);
    assert_eq!(verdicts(&feed.prices()), [HALTED, down, HALTED], "never live in between");
}

#[test]
fn a_word_of_the_session_or_a_trade_of_now_ends_what_the_list_says() {
    let base_ms = at_ms(0).wall.nanos() / 1_000_000;
    let mut feed = begun(Standing::NotTrading);
    feed.quote(10, quote(7, "99", "100"));
    // What a new subscriber is told of the past, and a stamp of tomorrow.
    feed.prints(20, base_ms - 60_000);
    feed.prints(30, base_ms + 86_400_000);
    feed.quote(40, quote(8, "98", "99"));
    assert!(verdicts(&feed.prices()).iter().all(|verdict| *verdict == HALTED));
    feed.prints(9_000, base_ms + 8_990);
    feed.quote(9_010, quote(9, "97", "98"));
    assert_eq!(verdicts(&feed.prices()).pop(), Some(LIVE));

    let mut feed = begun(Standing::NotTrading);
    feed.state.trading(QUOTES, Some(BTC), Trading::Open, at_ms(10), &mut feed.written);
    feed.quote(20, quote(7, "99", "100"));
    assert_eq!(verdicts(&feed.prices()).pop(), Some(LIVE));
}

#[test]
fn what_is_not_listed_is_suspect_whatever_its_session_does_until_it_is_listed_in_its_units() {
    let mut feed = begun(Standing::Missing);
    assert_eq!(verdicts(&feed.prices()), [MISSING]);
    assert_eq!(feed.state.not_listed(), 3);
    feed.down(10);
    feed.ticks(50, 20_000, &[QUOTES, BOOKS]);
    assert_eq!((feed.prices(), feed.requests()), (vec![], vec![]), "nothing is asked of the venue");
    let contract = Contract { price: number("0.001"), size: number("1000"), unit: SizeUnit::Base };
    assert!(feed.state.listed(BTC, contract, at_ms(20_100), &mut feed.written));
    assert_eq!(verdicts(&feed.prices()), [(State::Suspect, Reason::Connecting)]);
    feed.quote(20_200, quote(7, "99", "100"));
    let prices = feed.prices();
    assert_eq!(verdicts(&prices), [LIVE]);
    let bid = prices[0].bid.unwrap();
    assert_eq!(prices[0].scales.price_number(bid.price).to_string(), "0.099");
    assert!(!feed.state.listed(BTC, Contract::PLAIN, at_ms(20_300), &mut feed.written), "it has data");
}

#[test]
fn what_is_gone_from_the_list_is_live_while_data_flows_and_suspect_after_it() {
    let mut feed = begun(Standing::Trading);
    feed.quote(10, quote(7, "99", "100"));
    feed.prices();
    feed.standing(100, Standing::Missing);
    assert_eq!(feed.prices(), [], "data has just come");
    feed.quote(200, quote(8, "98", "99"));
    assert_eq!(verdicts(&feed.prices()), [LIVE]);
    feed.ticks(250, 16_000, &[QUOTES]);
    assert_eq!(verdicts(&feed.prices()).pop(), Some(MISSING));
    feed.state.quote_confirmation(
        BTC,
        &quote(0, "98", "99"),
        at_ms(16_050).mono,
        at_ms(16_100),
        &mut feed.written,
    );
    assert_eq!(feed.prices(), [], "an answer over REST does not show that it trades");
    feed.requests();
    feed.standing(16_200, Standing::Trading);
    assert_eq!(verdicts(&feed.prices()), [(State::Suspect, Reason::Connecting)]);
    let quotes = Subscription { instrument: BTC, channel: Channel::Quote };
    assert!(feed.requests().contains(&Request::Resubscribe(quotes)));
    feed.quote(16_300, quote(9, "97", "98"));
    assert_eq!(verdicts(&feed.prices()), [LIVE]);
}
