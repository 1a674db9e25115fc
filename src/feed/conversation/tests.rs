//! Requests, refusals and routes of one connection.

use super::*;
use crate::domain::Channel;
use crate::feed::kraken::Kraken;

const PATIENCE: Duration = Duration::from_secs(10);

fn at(seconds: u64) -> MonoTime {
    MonoTime::from_nanos(seconds * 1_000_000_000)
}

fn names(venue: &dyn VenueProtocol) -> ChannelNames {
    ChannelNames::of(venue.defaults())
}

fn plan(index: u32, symbol: &str, channel: Channel, name: &str) -> StreamPlan {
    let subscription = Subscription { instrument: InstrumentId(index), channel };
    StreamPlan {
        stream: Kraken.stream(symbol, channel, name, 10),
        subscriptions: vec![subscription],
        start: Start::Connected,
    }
}

/// Two symbols of two channels, next to each other by symbol; all requests are sent.
fn asked() -> (Conversation, Vec<String>) {
    let plans = [(0, "BTC/USD"), (1, "ETH/USD")].map(|(index, symbol)| {
        [plan(index, symbol, Channel::Trade, "trade"), plan(index, symbol, Channel::Depth, "book")]
    });
    let mut conversation = Conversation::new(&Kraken, &names(&Kraken), &plans.concat(), PATIENCE);
    let texts = (1..5).filter_map(|second| conversation.next_request(at(second))).collect();
    (conversation, texts)
}

#[test]
fn streams_of_one_request_need_not_be_neighbours() {
    let (_, texts) = asked();
    assert_eq!(texts.len(), 2, "{texts:?}");
    assert!(texts.iter().all(|text| text.contains(r#""symbol":["BTC/USD","ETH/USD"]"#)), "{texts:?}");
}

#[test]
fn a_request_waits_until_its_last_stream_is_acknowledged() {
    let (mut conversation, _) = asked();
    assert_eq!(conversation.asked.len(), 2);
    for (route, waiting) in [
        ("trade:BTC/USD", 2),
        ("book:BTC/USD", 2),
        ("book:ETH/USD", 1),
        ("book:XRP/USD", 1),
        ("trade:ETH/USD", 0),
    ] {
        conversation.acknowledged(Ack::Stream(route), at(5));
        assert_eq!(conversation.asked.len(), waiting, "{route}");
    }
    assert_eq!(conversation.overdue(at(12)), Ok(vec![]), "all were acknowledged at 5");
    assert_eq!(conversation.overdue(at(15)).map(|silent| silent.len()), Ok(4));
}

#[test]
fn a_stream_is_made_anew_once_however_often_that_is_asked_for_meanwhile() {
    let (mut conversation, _) = asked();
    let subscription = Subscription { instrument: InstrumentId(0), channel: Channel::Depth };
    conversation.resubscribe(subscription);
    assert_eq!(conversation.next_request(at(10)), None, "its data is still awaited");
    conversation.route("book:BTC/USD");
    conversation.resubscribe(subscription);
    for method in ["unsubscribe", "subscribe"] {
        let text = conversation.next_request(at(11)).or_else(|| conversation.next_request(at(12)));
        assert!(text.is_some_and(|text| text.contains(&format!("\"{method}\""))), "{method}");
        conversation.resubscribe(subscription);
    }
    assert_eq!(conversation.next_request(at(20)), None);
    conversation.route("book:BTC/USD");
    conversation.resubscribe(subscription);
    assert!(conversation.next_request(at(21)).is_some(), "it delivered: this is another time");
}

#[test]
fn one_stream_that_is_not_acknowledged_is_set_aside_and_all_of_them_end_the_session() {
    let (mut conversation, _) = asked();
    for route in ["trade:BTC/USD", "book:BTC/USD", "book:ETH/USD"] {
        conversation.acknowledged(Ack::Stream(route), at(3));
    }
    let of = Subscription { instrument: InstrumentId(1), channel: Channel::Trade };
    assert_eq!(conversation.overdue(at(12)), Ok(vec![of]));
    assert_eq!(conversation.next_request(at(41)), None, "a name that the venue passes over waits");
    assert!(conversation.next_request(at(43)).is_some());
    let (mut conversation, _) = asked();
    assert_eq!(conversation.overdue(at(12)), Err(()));
}

/// OKX: forty requests at once, then one at each pace; what was not asked meanwhile is saved up to forty again.
#[test]
fn a_burst_goes_at_once_and_the_pace_holds_after_it() {
    use crate::feed::okx::Okx;

    let subscription = Subscription { instrument: InstrumentId(0), channel: Channel::Depth };
    let stream = Okx.stream("BTC-USDT", Channel::Depth, "books", 20);
    let plan = StreamPlan { stream, subscriptions: vec![subscription], start: Start::Connected };
    let mut conversation = Conversation::new(&Okx, &names(&Okx), &[plan], PATIENCE);
    let mut sent = |from: u64, to: u64| {
        let mut count = 0;
        for second in from..to {
            // An end and a new beginning, as often as it is let.
            while conversation.next_request(at(second)).is_some() {
                count += 1;
                conversation.acknowledged(Ack::Oldest, at(second));
                let _ = conversation.route("books:BTC-USDT");
                conversation.resubscribe(subscription);
            }
        }
        count
    };
    assert_eq!(sent(10_000, 10_001), 40);
    let hour = sent(10_001, 13_600);
    assert!((430..=440).contains(&hour), "{hour}");
    assert_eq!(sent(20_000, 20_001), 40);
}

/// Bybit's quotes and trades of these symbols, in requests of ten topics; all of it is asked for.
fn bybit(symbols: &[&str]) -> (Conversation, Vec<String>) {
    use crate::feed::bybit::Bybit;

    let plan = |(index, symbol): (u32, &&str)| {
        [(Channel::Quote, "orderbook.1"), (Channel::Trade, "publicTrade")].map(|(channel, name)| StreamPlan {
            stream: Bybit::SPOT.stream(symbol, channel, name, 20),
            subscriptions: vec![Subscription { instrument: InstrumentId(index), channel }],
            start: Start::Connected,
        })
    };
    let plans: Vec<StreamPlan> = (0..).zip(symbols).flat_map(plan).collect();
    let mut conversation = Conversation::new(&Bybit::SPOT, &names(&Bybit::SPOT), &plans, PATIENCE);
    let texts = requests(&mut conversation, 1);
    (conversation, texts)
}

/// Whatever may be asked for within ten seconds.
fn requests(conversation: &mut Conversation, from: u64) -> Vec<String> {
    (from..from + 10).flat_map(|second| conversation.next_request(at(second))).collect()
}

fn quote_of(instrument: u32) -> Subscription {
    Subscription { instrument: InstrumentId(instrument), channel: Channel::Quote }
}

#[test]
fn a_name_that_is_refused_leaves_the_request_and_the_others_are_asked_for_at_once() {
    let (mut conversation, texts) = bybit(&["BTCUSDT", "ETHUSDT", "BADUSDT"]);
    assert_eq!(texts.len(), 1, "{texts:?}");
    let words = "error:handler not found,topic:orderbook.1.BADUSDT";
    assert_eq!(conversation.refused(Some(1), words, at(2)), Some(vec![quote_of(2)]));
    let texts = requests(&mut conversation, 3);
    assert_eq!(texts.len(), 1, "{texts:?}");
    assert!(texts[0].contains("publicTrade.BADUSDT") && !texts[0].contains("orderbook.1.BADUSDT"));
    assert!(texts[0].contains("orderbook.1.BTCUSDT") && texts[0].contains("publicTrade.ETHUSDT"));
    conversation.acknowledged(Ack::Request(2), at(4));
    assert_eq!(conversation.overdue(at(12)), Ok(vec![]), "nothing is awaited of what was refused");
    let again: Vec<String> = (12..40).filter_map(|second| conversation.next_request(at(second))).collect();
    assert_eq!(again.len(), 1, "{again:?}");
    assert!(again[0].contains(r#"["orderbook.1.BADUSDT"]"#), "by itself: {again:?}");
}

#[test]
fn a_refusal_that_names_nothing_is_narrowed_down_by_halves() {
    let symbols = ["A1USDT", "A2USDT", "A3USDT", "A4USDT", "BADUSDT"];
    let (mut conversation, mut texts) = bybit(&symbols);
    let (mut refused, mut rounds, mut id) = (Vec::new(), 0, 1);
    while !texts.is_empty() {
        rounds += texts.len();
        for text in std::mem::take(&mut texts) {
            if text.contains("BADUSDT") {
                refused.extend(conversation.refused(Some(id), "invalid request", at(2)).unwrap());
            } else {
                conversation.acknowledged(Ack::Request(id), at(2));
            }
            id += 1;
        }
        texts.extend(requests(&mut conversation, 3));
    }
    let trade = Subscription { instrument: InstrumentId(4), channel: Channel::Trade };
    refused.sort_unstable();
    assert_eq!(refused, [quote_of(4), trade]);
    assert!(rounds <= 11, "{rounds} requests for ten topics");
    assert_eq!(conversation.overdue(at(9)), Ok(vec![]));
}

#[test]
fn where_streams_are_answered_one_by_one_the_others_are_waited_for_and_then_asked_for_once_more() {
    let (mut conversation, texts) = asked();
    assert_eq!(texts.len(), 2);
    let book = Subscription { instrument: InstrumentId(1), channel: Channel::Depth };
    let id = conversation.asked.iter().find(|(_, streams)| streams.contains(&3)).map(|(&id, _)| id);
    let words = "Currency pair not supported ETH/USD";
    assert_eq!(conversation.refused(id, words, at(5)), Some(vec![book]));
    assert_eq!(conversation.next_request(at(6)), None, "the venue may yet answer for the others");
    conversation.acknowledged(Ack::Stream("trade:BTC/USD"), at(6));
    let text = conversation.next_request(at(8)).unwrap();
    assert!(text.contains("\"book\"") && text.contains(r#"["BTC/USD"]"#), "{text}");
}

#[test]
fn what_is_subscribed_already_is_taken_and_too_many_requests_are_asked_again_later() {
    let (mut conversation, _) = bybit(&["BTCUSDT"]);
    assert_eq!(conversation.refused(Some(1), "Too many requests", at(2)), Some(vec![]));
    assert_eq!(conversation.next_request(at(3)), None);
    let text = conversation.next_request(at(5)).unwrap();
    assert!(text.contains("orderbook.1.BTCUSDT") && text.contains("publicTrade.BTCUSDT"), "{text}");
    let words = "error:already subscribed,topic:orderbook.1.BTCUSDT";
    assert_eq!(conversation.refused(Some(2), words, at(6)), None);
    let text = conversation.next_request(at(7)).unwrap();
    assert!(text.contains("publicTrade.BTCUSDT") && !text.contains("orderbook.1"), "{text}");
    assert_eq!(conversation.refused(None, "nothing that was asked", at(8)).map(|of| of.len()), Some(1));
    assert_eq!(conversation.refused(None, "nothing that was asked", at(8)), Some(vec![]));
}

#[test]
fn a_stream_whose_instrument_is_not_listed_waits_until_it_is_told_to_begin() {
    let waiting = StreamPlan { start: Start::Listed, ..plan(0, "?", Channel::Depth, "book") };
    let other = plan(1, "ETH/USD", Channel::Depth, "book");
    let mut conversation = Conversation::new(&Kraken, &names(&Kraken), &[waiting, other], PATIENCE);
    let texts = requests(&mut conversation, 1);
    assert!(texts.len() == 1 && texts[0].contains(r#"["ETH/USD"]"#), "{texts:?}");
    let subscription = Subscription { instrument: InstrumentId(0), channel: Channel::Depth };
    conversation.resubscribe(subscription);
    assert_eq!(requests(&mut conversation, 20), [""; 0], "there is nothing to make anew");
    conversation.command(SessionCommand::Begin(vec![plan(0, "NEW/USD", Channel::Depth, "book")]));
    conversation.command(SessionCommand::Begin(vec![plan(0, "NEW/USD", Channel::Depth, "book")]));
    let texts = requests(&mut conversation, 40);
    assert!(texts.len() == 1 && texts[0].contains(r#"["NEW/USD"]"#), "{texts:?}");
    assert_eq!(conversation.route("book:NEW/USD"), Some((0, subscription)));
    assert_eq!(conversation.affected_by(br#"{"symbol":"NEW/USD""#), [subscription]);
}
