//! REST bodies.

use super::super::{Binance, parse_book_ticker, parse_depth_snapshot, parse_exchange_info};
use super::level;
use crate::domain::{Channel, DepthSnapshot, Quote, VenueSequence};
use crate::feed::{ChannelNames, DecodeError, Excerpt, Frame, Method, Naming, VenueProtocol};

#[test]
fn a_snapshot_keeps_order_and_says_how_deep_it_was_asked_for() {
    let body = br#"{"lastUpdateId":1027024,"bids":[["4.00000000","431.00000000"],["3.9","1"]],"asks":[]}"#;
    let expected = DepthSnapshot {
        last: VenueSequence(1_027_024),
        bids: vec![level("4", "431"), level("3.9", "1")],
        asks: Vec::new(),
        limit: 1_000,
        venue_time: None,
    };
    assert_eq!(parse_depth_snapshot(body, 1_000), Ok(expected));
}

#[test]
fn a_book_ticker_body_is_a_quote_without_sequence() {
    let body = br#"{"symbol":"LTCBTC","bidPrice":"4.00000000","bidQty":"431.00000000","askPrice":"0.00000000","askQty":"0.00000000"}"#;
    let expected = Quote { bid: Some(level("4", "431")), ask: None, venue_sequence: None, venue_time: None };
    assert_eq!(parse_book_ticker(body), Ok(expected));
}

#[test]
fn an_error_of_the_venue_is_passed_on() {
    let body = br#"{"code":-1121,"msg":"Invalid symbol."}"#;
    let expected = DecodeError::Venue { code: -1_121, message: Excerpt::of(b"Invalid symbol.") };
    assert_eq!(parse_depth_snapshot(body, 5), Err(expected.clone()));
    assert_eq!(parse_book_ticker(body), Err(expected.clone()));
    assert_eq!(expected.to_string(), "the venue says -1121: Invalid symbol.");
}

#[test]
fn a_wrong_body_is_an_error_that_names_the_place() {
    for (body, expected) in [
        (r#"{"bids":[],"asks":[]}"#, "field \"lastUpdateId\" is missing"),
        (r#"{"lastUpdateId":1,"bids":[]}"#, "field \"asks\" is missing"),
        (
            r#"{"lastUpdateId":1,"bids":[["1","-2"]],"asks":[]}"#,
            "size of level 0 of \"bids\": \"-2\": negative",
        ),
        ("[]", "byte 0: expected an object"),
        ("<html>", "byte 0: expected value"),
        ("{\"bids\":[", "byte 8: EOF while parsing a list"),
    ] {
        let text = parse_depth_snapshot(body.as_bytes(), 5).unwrap_err().to_string();
        assert!(text.starts_with(expected), "{body}: {text}");
    }
    assert!(parse_book_ticker(b"{\"bidPrice\":\"1\"}").unwrap_err().to_string().contains("bidQty"));
}

#[test]
fn the_list_has_what_does_not_trade_now_and_what_has_no_name_of_ours() {
    let body = "{\"symbols\":[\
        {\"symbol\":\"BTCUSDT\",\"status\":\"TRADING\",\"baseAsset\":\"BTC\",\"quoteAsset\":\"USDT\"},\
        {\"symbol\":\"ETHUSDT\",\"status\":\"BREAK\",\"baseAsset\":\"ETH\",\"quoteAsset\":\"USDT\"},\
        {\"symbol\":\"币安人生USDT\",\"status\":\"TRADING\",\"baseAsset\":\"币安人生\",\"quoteAsset\":\"USDT\"}]}";
    let listings = parse_exchange_info(body.as_bytes()).unwrap();
    let found: Vec<_> = listings
        .iter()
        .map(|one| (one.instrument.as_str(), &*one.symbol, one.status.word(), one.naming))
        .collect();
    assert_eq!(
        found,
        [
            ("BTC-USDT", "BTCUSDT", None, Naming::Ours),
            ("ETH-USDT", "ETHUSDT", Some("BREAK"), Naming::Ours),
            ("NAME-USDT", "币安人生USDT", None, Naming::AliasOnly),
        ]
    );
}

/// Stream names are lower-case, and what has no case stays; in a query it is percent-encoded.
#[test]
fn a_symbol_of_other_letters_is_subscribed_to_decoded_and_asked_for() {
    let symbol = "币安人生USDT";
    let stream = Binance.stream(symbol, Channel::Quote, "bookTicker", 20);
    assert_eq!(stream.topic, "币安人生usdt@bookTicker");
    let request = Binance.request(Method::Subscribe, std::slice::from_ref(&stream.topic), 1);
    let request: serde_json::Value = serde_json::from_str(&request).unwrap();
    assert_eq!(request["params"][0], stream.topic);
    let frame = "{\"stream\":\"币安人生usdt@bookTicker\",\"data\":{\"u\":7,\"s\":\"币安人生USDT\",\"b\":\"1\",\"B\":\"2\",\"a\":\"3\",\"A\":\"4\"}}";
    let mut decoder = Binance.decoder(&ChannelNames::of(Binance.defaults()));
    let Ok(Frame::Market { stream: route, .. }) = decoder.decode(frame.as_bytes()) else {
        panic!("market data")
    };
    assert_eq!(route, stream.route);
    let path = Binance.quote_call(symbol).path;
    assert_eq!(path, "/api/v3/ticker/bookTicker?symbol=%E5%B8%81%E5%AE%89%E4%BA%BA%E7%94%9FUSDT");
}
