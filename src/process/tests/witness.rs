//! A book without sequence and checksum: what trades and tickers say of it.

use super::*;
use crate::domain::{BookImage, Side, Ticker, Top};

/// One instrument whose price is made from its book.
struct Unproved {
    state: FeedState,
    written: Written,
}

impl Unproved {
    fn new() -> Self {
        let spec = InstrumentSpec {
            slots: vec![(Entity::Price, SlotId(0)), (Entity::Liquidity, SlotId(1))],
            depth: 2,
            sessions: vec![(Channel::Quote, BOOKS), (Channel::Trade, QUOTES), (Channel::Depth, BOOKS)],
            rules: MarketRules {
                book: BookRules {
                    anchor: Anchor::Stream,
                    window: None,
                    checksum: None,
                    coverage: Coverage::Nothing,
                },
                price_from: PriceFrom::Book,
                ticker_top: TickerTop::Witness,
                contract: Contract::PLAIN,
            },
        };
        let minute = Duration::from_secs(60);
        let silence = EntityDurations { price: minute, liquidity: minute, volume: minute };
        let state = FeedState::new(&[spec], 2, silence, Duration::ZERO, EventPolicy::default(), at_ms(0));
        let mut this = Self { state, written: Written::default() };
        this.image(0);
        this
    }

    fn event(&mut self, millis: u64, channel: Channel, event: &MarketEvent<'_>) {
        let subscription = Subscription { instrument: BTC, channel };
        self.state.event(BOOKS, subscription, event, at_ms(millis), &mut self.written);
    }

    fn image(&mut self, millis: u64) {
        let bids = [level("100", "1"), level("99", "1")];
        let asks = [level("101", "1"), level("102", "1")];
        let image = BookImage { last: None, bids: &bids, asks: &asks, venue_time: None, check: None };
        self.event(millis, Channel::Depth, &MarketEvent::Book(image));
    }

    fn delta(&mut self, millis: u64, bids: &[RawLevel]) {
        let (link, asks) = (Link::Unsaid, &[][..]);
        let delta = DepthDelta { link, last: None, bids, asks, venue_time: None, check: None };
        self.event(millis, Channel::Depth, &MarketEvent::Depth(delta));
    }

    fn trade(&mut self, millis: u64, price: &str) {
        let trade = Trade {
            price: number(price),
            size: number("1"),
            side: Side::Sell,
            venue_time: None,
            number: None,
        };
        self.event(millis, Channel::Trade, &MarketEvent::Trades(&[trade]));
    }

    /// A trade at the ask, which contradicts nothing, and its number.
    fn numbered_trade(&mut self, millis: u64, at: u64) {
        let place = Some(VenueSequence(at));
        let (price, size) = (number("101"), number("1"));
        let trade = Trade { price, size, side: Side::Buy, venue_time: None, number: place };
        self.event(millis, Channel::Trade, &MarketEvent::Trades(&[trade]));
    }

    fn count(&mut self, millis: u64, newest: u64) {
        self.event(millis, Channel::Trade, &MarketEvent::NewestTrade(VenueSequence(newest)));
    }

    fn ticker(&mut self, millis: u64, bid: &str, ask: &str) {
        let top = Top::Prices { bid: Some(number(bid)), ask: Some(number(ask)), venue_time: None };
        self.event(millis, Channel::Volume, &MarketEvent::Ticker(Ticker { figures: FIGURES, top }));
    }

    fn ticks(&mut self, from: u64, to: u64) {
        for millis in (from..=to).step_by(50) {
            self.state.tick(at_ms(millis), &mut self.written);
        }
    }

    fn requests(&mut self) -> Vec<Request> {
        std::iter::from_fn(|| self.state.next_request()).collect()
    }

    /// What became of price and liquidity last.
    fn reasons(&self) -> [Reason; 2] {
        [SlotId(0), SlotId(1)].map(|wanted| {
            let last = self.written.0.iter().rev().find(|(slot, ..)| *slot == wanted).unwrap();
            match &last.1 {
                Record::Price(record) => record.stamp.reason,
                Record::Liquidity(record) => record.stamp.reason,
                Record::Volume(record) => record.stamp.reason,
            }
        })
    }
}

const BOOK: Request = Request::Resubscribe(Subscription { instrument: BTC, channel: Channel::Depth });

#[test]
fn a_lost_delta_is_found_by_three_trades_and_a_new_image_heals() {
    let mut feed = Unproved::new();
    // At 1,500 the best bid went from 100 to 99: nobody told.
    for (millis, price) in [(3_000, "99"), (4_000, "99"), (5_000, "98.5")] {
        feed.trade(millis, price);
    }
    feed.ticks(3_000, 6_000);
    assert_eq!((feed.reasons(), feed.requests()), ([Reason::None; 2], vec![]), "two contradictions are none");
    feed.ticks(6_050, 6_050);
    assert_eq!((feed.reasons(), feed.requests()), ([Reason::SourcesDisagree; 2], vec![BOOK]));
    feed.delta(6_100, &[level("97", "1")]);
    assert_eq!(feed.reasons(), [Reason::SourcesDisagree; 2], "what comes before the image is passed over");
    feed.image(6_200);
    feed.ticks(6_200, 12_000);
    assert_eq!((feed.reasons(), feed.requests()), ([Reason::None; 2], vec![]));
}

#[test]
fn an_unreadable_delta_leaves_price_and_book_suspect_until_a_new_image() {
    let mut feed = Unproved::new();
    feed.delta(10, &[level("103", "1")]);
    assert_eq!(feed.reasons(), [Reason::CrossedBook; 2]);
    let of = [Subscription { instrument: BTC, channel: Channel::Depth }];
    feed.state.undecodable(BOOKS, &of, at_ms(20), &mut feed.written);
    feed.ticks(50, 900);
    assert_eq!(feed.reasons(), [Reason::Undecodable; 2], "time heals neither, and what was crossed still is");
    assert!(
        feed.requests().iter().all(|request| *request == BOOK),
        "a price from the book has no stream of its own"
    );
    feed.image(910);
    assert_eq!(feed.reasons(), [Reason::None; 2]);
}

#[test]
fn a_lost_delta_is_found_by_three_tickers() {
    let mut feed = Unproved::new();
    for millis in [3_000, 4_000, 5_000] {
        feed.ticker(millis, "99", "101");
    }
    feed.ticks(3_000, 6_100);
    assert_eq!((feed.reasons(), feed.requests()), ([Reason::SourcesDisagree; 2], vec![BOOK]));
}

const TRADES: Request = Request::Resubscribe(Subscription { instrument: BTC, channel: Channel::Trade });

#[test]
fn trades_that_the_venue_counts_and_nobody_brought_condemn_the_book_until_its_new_image() {
    let mut feed = Unproved::new();
    feed.numbered_trade(1_000, 10);
    feed.count(1_500, 10);
    feed.count(2_500, 12);
    assert_eq!((feed.reasons(), feed.requests()), ([Reason::None; 2], vec![]), "they may be under way");
    feed.numbered_trade(2_600, 11);
    feed.count(3_500, 12);
    assert_eq!((feed.reasons(), feed.requests()), ([Reason::SourcesDisagree; 2], vec![TRADES, BOOK]));
    assert_eq!(feed.state.take_counts().gaps, 1);
    feed.count(4_500, 13);
    feed.count(5_500, 13);
    assert_eq!(feed.requests(), [], "the new subscription has brought nothing yet");
    feed.image(5_600);
    feed.numbered_trade(5_700, 13);
    feed.count(6_500, 13);
    feed.count(7_500, 13);
    feed.ticks(7_500, 9_000);
    assert_eq!((feed.reasons(), feed.requests()), ([Reason::None; 2], vec![]));
}

#[test]
fn a_book_that_follows_is_never_doubted_however_late_its_batch_comes() {
    let mut feed = Unproved::new();
    let mut millis = 2_000;
    for round in 0..20 {
        let (from, to) = if round % 2 == 0 { ("100", "99.5") } else { ("99.5", "100") };
        feed.trade(millis, to);
        feed.ticker(millis, to, "101");
        feed.delta(millis + 900, &[level(from, "0"), level(to, "1")]);
        feed.ticks(millis, millis + 3_000);
        millis += 3_050;
    }
    assert_eq!((feed.reasons(), feed.requests()), ([Reason::None; 2], vec![]));
}

#[test]
fn a_session_that_was_down_is_judged_by_what_comes_after() {
    let mut feed = Unproved::new();
    for millis in [3_000, 4_000, 5_000] {
        feed.trade(millis, "99");
    }
    feed.ticks(3_000, 5_900);
    feed.state.session_down(BOOKS, at_ms(5_950), &mut feed.written);
    feed.image(5_960);
    feed.ticks(6_000, 9_000);
    assert_eq!((feed.reasons(), feed.requests()), ([Reason::None; 2], vec![]));
}

/// The image had more levels than a book holds: beyond those nothing is known.
#[test]
fn a_book_that_does_not_reach_the_published_depth_is_asked_for_again() {
    let mut feed = Unproved::new();
    let count = crate::domain::LEVELS_MAX + 1;
    let bids: Vec<_> = (0..count).map(|index| level(&(count - index).to_string(), "1")).collect();
    let asks = [level("20000", "1")];
    let image = BookImage { last: None, bids: &bids, asks: &asks, venue_time: None, check: None };
    feed.event(100, Channel::Depth, &MarketEvent::Book(image));
    let gone: Vec<_> = (3..=count).map(|price| level(&price.to_string(), "0")).collect();
    feed.ticks(100, 30_000);
    feed.delta(30_000, &gone);
    assert_eq!(feed.requests(), [BOOK], "the best bid that is known is 2, the next one may be anything");
    feed.ticks(30_050, 39_000);
    assert_eq!(feed.requests(), [], "once");
}
