//! What is sent, and what the REST interface says.

use super::super::Kraken;
use super::level;
use crate::domain::{Channel, Contract, Coverage, Instrument, PriceFrom, Quote, TickerTop};
use crate::feed::{Method, Naming, Stream, VenueProtocol};

fn instrument(text: &str) -> Instrument {
    text.parse().unwrap()
}

fn topics(symbols: &[&str], channels: &[Channel]) -> Vec<String> {
    let names = Kraken.defaults();
    let topic = |symbol: &&str, &channel: &Channel| {
        Kraken.stream(symbol, channel, names.channel(channel).name, 20).topic
    };
    symbols.iter().flat_map(|symbol| channels.iter().map(move |channel| topic(symbol, channel))).collect()
}

#[test]
fn an_instrument_is_spelled_as_the_websocket_does_and_contracts_are_refused() {
    for (ours, theirs) in [("BTC-USD", "BTC/USD"), ("DOGE-EUR", "DOGE/EUR"), ("USDT-USDC", "USDT/USDC")] {
        assert_eq!(Kraken.symbol(&instrument(ours)).as_deref(), Ok(theirs));
    }
    let error = Kraken.symbol(&instrument("BTC-USD-PERP")).unwrap_err();
    assert_eq!(error.to_string(), "BTC-USD-PERP: kraken spot has no contracts");
}

#[test]
fn quote_and_volume_are_one_stream() {
    let stream = |channel| Kraken.stream("BTC/USD", channel, "ticker", 20);
    let route = "ticker:BTC/USD".to_owned();
    let topic = r#"ticker "event_trigger":"bbo" BTC/USD"#.to_owned();
    assert_eq!(stream(Channel::Quote), Stream { route, topic });
    assert_eq!(stream(Channel::Quote), stream(Channel::Volume));
}

#[test]
fn the_smallest_depth_that_holds_the_published_levels_is_asked_for_and_kept() {
    for (published, depth) in [(1, 10), (10, 10), (11, 25), (25, 25), (100, 100), (101, 500), (1_000, 1_000)]
    {
        let topic = Kraken.stream("BTC/USD", Channel::Depth, "book", published).topic;
        assert_eq!(topic, format!(r#"book "depth":{depth} BTC/USD"#));
        let rules = Kraken.book_rules(published);
        assert_eq!((rules.window, rules.coverage), (Some(depth), Coverage::Top(10)));
        assert_eq!(rules.checksum.map(|checksum| checksum.levels), Some(10));
    }
}

#[test]
fn a_request_is_the_documented_json() {
    let request =
        |channel, method, id| Kraken.request(method, &topics(&["BTC/USD", "ETH/EUR"], &[channel]), id);
    assert_eq!(
        request(Channel::Depth, Method::Subscribe, 7),
        r#"{"method":"subscribe","params":{"channel":"book","depth":25,"symbol":["BTC/USD","ETH/EUR"]},"req_id":7}"#
    );
    assert_eq!(
        request(Channel::Quote, Method::Unsubscribe, 8),
        r#"{"method":"unsubscribe","params":{"channel":"ticker","event_trigger":"bbo","symbol":["BTC/USD","ETH/EUR"]},"req_id":8}"#
    );
    assert_eq!(
        request(Channel::Trade, Method::Subscribe, 9),
        r#"{"method":"subscribe","params":{"channel":"trade","symbol":["BTC/USD","ETH/EUR"]},"req_id":9}"#
    );
}

#[test]
fn a_request_has_one_channel_and_every_topic_is_in_one() {
    let symbols: Vec<String> = (0..70).map(|index| format!("C{index}/USD")).collect();
    let symbols: Vec<&str> = symbols.iter().map(String::as_str).collect();
    let topics = topics(&symbols, &[Channel::Quote, Channel::Trade]);
    let batches = Kraken.batches(&topics);
    let lengths: Vec<usize> = batches.iter().map(Vec::len).collect();
    assert_eq!(lengths, [50, 50, 20, 20]);
    let mut all = batches.concat();
    all.sort_unstable();
    let mut expected = topics.clone();
    expected.sort_unstable();
    assert_eq!(all, expected);
    for batch in batches {
        let channel = |topic: &String| topic.split(' ').next().map(str::to_owned);
        assert!(batch.iter().all(|topic| channel(topic) == channel(&batch[0])));
    }
    assert!(Kraken.batches(&[]).is_empty());
}

#[test]
fn the_rest_interface_has_the_old_names() {
    assert_eq!(Kraken.quote_call("BTC/USD").path, "/0/public/Depth?pair=XBTUSD&count=1");
    assert_eq!(Kraken.quote_call("DOGE/BTC").path, "/0/public/Depth?pair=XDGXBT&count=1");
    assert_eq!(Kraken.snapshot_call("BTC/USD", 20), None);
    let body = br#"{"error":[],"result":{"XXBTZUSD":{"asks":[["52523.00000","1.199",1616663113]],"bids":[["52522.90000","0.753",1616663112]]}}}"#;
    let expected = Quote {
        bid: Some(level("52522.9", "0.753")),
        ask: Some(level("52523", "1.199")),
        venue_sequence: None,
        venue_time: None,
    };
    assert_eq!(Kraken.parse_quote(body), Ok(expected));
}

#[test]
fn the_list_says_of_each_pair_whether_it_trades_and_has_a_name_of_ours() {
    let body = br#"{"error":[],"result":{
        "XXBTZUSD":{"altname":"XBTUSD","wsname":"XBT/USD","status":"online"},
        "XDGXBT":{"altname":"XDGXBT","wsname":"XDG/XBT","status":"online"},
        "AAPLxUSD":{"altname":"AAPLxUSD","wsname":"AAPLx/USD","status":"online"},
        "OLDUSD":{"altname":"OLDUSD","wsname":"OLD/USD","status":"cancel_only"},
        "DARK.d":{"altname":"DARK.d"}}}"#;
    let listings = Kraken.parse_list(body).unwrap();
    let mut found: Vec<_> =
        listings.iter().map(|one| (one.instrument.as_str(), &*one.symbol, one.status.word())).collect();
    found.sort_unstable();
    assert_eq!(
        found,
        [
            ("AAPLX-USD", "AAPLx/USD", None),
            ("BTC-USD", "BTC/USD", None),
            ("DOGE-BTC", "DOGE/BTC", None),
            ("OLD-USD", "OLD/USD", Some("cancel_only")),
        ]
    );
    let unnamed = listings.iter().filter(|one| one.naming == Naming::AliasOnly);
    assert_eq!(unnamed.map(|one| &*one.symbol).collect::<Vec<_>>(), ["AAPLx/USD"]);
    assert!(listings.iter().all(|one| one.contract == Contract::PLAIN));
}

#[test]
fn a_ticker_is_the_price_only_where_prices_are_made_from_it() {
    assert_eq!(Kraken.ticker_top(PriceFrom::Bbo), TickerTop::Price);
    assert_eq!(Kraken.ticker_top(PriceFrom::Book), TickerTop::Nothing);
}
