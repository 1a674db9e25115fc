//! What is sent, and what the REST interface says.

use super::super::Coinbase;
use super::level;
use crate::domain::{Channel, Coverage, Instrument, PriceFrom, Quote, TickerTop};
use crate::feed::{Method, Naming, VenueProtocol};

fn instrument(text: &str) -> Instrument {
    text.parse().unwrap()
}

fn topics(symbols: &[&str]) -> Vec<String> {
    let topic = |symbol: &str, channel| {
        Coinbase.stream(symbol, channel, Coinbase.defaults().channel(channel).name, 20).topic
    };
    let own = |symbol: &&str| {
        let streams = [topic(symbol, Channel::Depth), topic(symbol, Channel::Volume)];
        streams.into_iter().chain(Coinbase.companions(symbol).into_iter().map(|stream| stream.topic))
    };
    symbols.iter().flat_map(own).collect()
}

#[test]
fn symbols_are_spelled_as_ours_and_contracts_are_refused() {
    assert_eq!(Coinbase.symbol(&instrument("BTC-USD")).as_deref(), Ok("BTC-USD"));
    let error = Coinbase.symbol(&instrument("BTC-USD-PERP")).unwrap_err();
    assert_eq!(error.to_string(), "BTC-USD-PERP: coinbase exchange has no contracts");
}

#[test]
fn a_request_names_each_channel_once_with_all_of_its_products() {
    assert_eq!(
        Coinbase.request(Method::Subscribe, &topics(&["BTC-USD", "ETH-EUR"]), 7),
        concat!(
            r#"{"type":"subscribe","channels":[{"name":"level2_batch","product_ids":["BTC-USD","ETH-EUR"]},"#,
            r#"{"name":"ticker","product_ids":["BTC-USD","ETH-EUR"]},"#,
            r#"{"name":"heartbeat","product_ids":["BTC-USD","ETH-EUR"]}]}"#
        )
    );
    assert_eq!(
        Coinbase.request(Method::Unsubscribe, &["matches:BTC-USD".to_owned()], 8),
        r#"{"type":"unsubscribe","channels":[{"name":"matches","product_ids":["BTC-USD"]}]}"#
    );
}

#[test]
fn every_topic_is_in_one_request() {
    let symbols: Vec<String> = (0..40).map(|index| format!("C{index}-USD")).collect();
    let topics = topics(&symbols.iter().map(String::as_str).collect::<Vec<_>>());
    let batches = Coinbase.batches(&topics);
    assert_eq!((batches.len(), batches.concat()), (4, topics));
}

#[test]
fn the_best_level_of_each_side_is_the_quote() {
    assert_eq!(Coinbase.quote_call("BTC-USD").path, "/products/BTC-USD/book?level=1");
    assert_eq!(Coinbase.snapshot_call("BTC-USD", 20), None);
    let body = br#"{"bids":[["6247.58","6.3578146",2]],"asks":[],"sequence":13051505638,"auction_mode":false,"time":"2021-02-12T01:09:23.334723Z"}"#;
    let expected =
        Quote { bid: Some(level("6247.58", "6.3578146")), ask: None, venue_sequence: None, venue_time: None };
    assert_eq!(Coinbase.parse_quote(body), Ok(expected));
}

#[test]
fn the_list_says_of_each_product_whether_it_trades_and_has_a_name_of_ours() {
    let body = br#"[
        {"id":"BTC-USD","base_currency":"BTC","quote_currency":"USD","status":"online","trading_disabled":false},
        {"id":"OLD-USD","base_currency":"OLD","quote_currency":"USD","status":"delisted","trading_disabled":true},
        {"id":"OFF-USD","base_currency":"OFF","quote_currency":"USD","status":"online","trading_disabled":true},
        {"id":"CXL-USD","base_currency":"CXL","quote_currency":"USD","status":"online","cancel_only":true},
        {"id":"GONE-USD","base_currency":"GONE","quote_currency":"USD","status":"offline"},
        {"id":"LIM-USD","base_currency":"LIM","quote_currency":"USD","status":"online","limit_only":true,"post_only":false},
        {"id":"low-USD","base_currency":"low","quote_currency":"USD","status":"online"}]"#;
    let listings = Coinbase.parse_list(body).unwrap();
    let found: Vec<_> = listings
        .iter()
        .map(|one| (one.instrument.as_str(), &*one.symbol, one.status.word(), one.naming))
        .collect();
    assert_eq!(
        found,
        [
            ("BTC-USD", "BTC-USD", None, Naming::Ours),
            ("OFF-USD", "OFF-USD", Some("trading_disabled"), Naming::Ours),
            ("CXL-USD", "CXL-USD", Some("cancel_only"), Naming::Ours),
            ("GONE-USD", "GONE-USD", Some("offline"), Naming::Ours),
            ("LIM-USD", "LIM-USD", None, Naming::Ours),
            ("LOW-USD", "low-USD", None, Naming::AliasOnly),
        ]
    );
}

#[test]
fn the_price_is_the_books_and_the_ticker_its_witness() {
    assert_eq!(Coinbase.ticker_top(PriceFrom::Book), TickerTop::Witness);
    assert_eq!(Coinbase.ticker_top(PriceFrom::Bbo), TickerTop::Nothing);
    let rules = Coinbase.book_rules(20);
    assert_eq!((rules.coverage, rules.window, rules.checksum), (Coverage::Nothing, None, None));
}
