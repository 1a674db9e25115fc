//! What is asked of the venue, and its REST answers.

use super::super::Bybit;
use super::level;
use crate::domain::{Channel, Instrument, Quote};
use crate::feed::{ChannelNames, DecodeError, Excerpt, Method, Naming, Ping, VenueProtocol};

fn instrument(text: &str) -> Instrument {
    text.parse().unwrap()
}

#[test]
fn instruments_are_spelled_as_the_venue_does() {
    for (venue, ours, symbol, factor) in [
        (Bybit::SPOT, "BTC-USDT", "BTCUSDT", "1"),
        (Bybit::SPOT, "PEPE-USDT", "PEPEUSDT", "1"),
        (Bybit::LINEAR, "BTC-USDT-PERP", "BTCUSDT", "1"),
        (Bybit::LINEAR, "BTC-USDC-PERP", "BTCPERP", "1"),
        (Bybit::LINEAR, "BTC-USDT-20261226", "BTCUSDT-26DEC26", "1"),
        (Bybit::LINEAR, "BTC-USDT-20260904", "BTCUSDT-04SEP26", "1"),
        (Bybit::LINEAR, "ETH-USDC-20270326", "ETH-26MAR27", "1"),
        (Bybit::LINEAR, "PEPE-USDT-PERP", "1000PEPEUSDT", "1000"),
        (Bybit::LINEAR, "PEPE-USDC-PERP", "1000PEPEPERP", "1000"),
        (Bybit::LINEAR, "SHIB-USDT-PERP", "SHIB1000USDT", "1000"),
        (Bybit::LINEAR, "1INCH-USDT-PERP", "1INCHUSDT", "1"),
    ] {
        let instrument = instrument(ours);
        assert_eq!(venue.symbol(&instrument).as_deref(), Ok(symbol), "{ours}");
        assert_eq!(venue.contract(&instrument).map(|one| one.size.to_string()), Some(factor.to_owned()));
    }
    for (venue, ours, reason) in [
        (Bybit::SPOT, "BTC-USDT-PERP", "contracts are at bybit-linear"),
        (Bybit::LINEAR, "BTC-USDT", "no spot instruments"),
        (Bybit::LINEAR, "BTC-USD-PERP", "settled in USDT or USDC, not USD"),
        (Bybit::LINEAR, "1000PEPE-USDT-PERP", "1000 PEPE are quoted as PEPE"),
        (Bybit::LINEAR, "SHIB1000-USDT-PERP", "1000 SHIB are quoted as SHIB"),
    ] {
        let error = venue.symbol(&instrument(ours)).unwrap_err().to_string();
        assert!(error.starts_with(ours) && error.contains(reason), "{error}");
    }
}

#[test]
fn topics_and_requests_are_the_documented_ones() {
    let names = ChannelNames::of(Bybit::LINEAR.defaults());
    let topics = Channel::ALL
        .map(|channel| Bybit::LINEAR.stream("BTCUSDT", channel, names.get(channel), 20).topic)
        .to_vec();
    assert_eq!(
        topics,
        ["orderbook.1", "publicTrade", "orderbook.50", "tickers"].map(|name| format!("{name}.BTCUSDT"))
    );
    assert_eq!(
        Bybit::LINEAR.request(Method::Subscribe, &topics[..2], 7),
        r#"{"op":"subscribe","req_id":"7","args":["orderbook.1.BTCUSDT","publicTrade.BTCUSDT"]}"#
    );
    assert_eq!(
        Bybit::LINEAR.request(Method::Unsubscribe, &topics[..1], u64::MAX),
        r#"{"op":"unsubscribe","req_id":"18446744073709551615","args":["orderbook.1.BTCUSDT"]}"#
    );
    let many: Vec<String> = (0..25).map(|index| format!("tickers.{index}")).collect();
    let batches = Bybit::SPOT.batches(&many);
    assert_eq!(batches.iter().map(Vec::len).collect::<Vec<_>>(), [10, 10, 5]);
    assert_eq!(batches.concat(), many);
    assert_eq!(Bybit::SPOT.defaults().ping, Ping::Text(r#"{"op":"ping"}"#));
}

#[test]
fn the_window_of_a_book_is_the_subscribed_one() {
    for depth in [1, 50, 51, 200, 201, 1_000] {
        let window = Bybit::SPOT.book_rules(depth).window.unwrap();
        assert!(window >= depth);
        let topic = Bybit::SPOT.stream("BTCUSDT", Channel::Depth, "orderbook.50", depth).topic;
        assert_eq!(topic, format!("orderbook.{window}.BTCUSDT"));
    }
}

#[test]
fn rest_calls_name_the_category() {
    for (venue, category) in [(Bybit::SPOT, "spot"), (Bybit::LINEAR, "linear")] {
        let path = format!("/v5/market/orderbook?category={category}&symbol=BTCUSDT&limit=1");
        assert_eq!(venue.quote_call("BTCUSDT").path, path);
        assert!(venue.list_calls()[0].path.starts_with("/v5/market/instruments-info?category="));
        assert_eq!(venue.snapshot_call("BTCUSDT", 50), None);
        assert!(venue.defaults().channel(Channel::Quote).websocket_url.ends_with(category));
    }
}

#[test]
fn a_list_of_several_pages_names_the_next_one() {
    let next = |venue: Bybit, cursor: &str| {
        let body = format!(
            r#"{{"retCode":0,"retMsg":"OK","result":{{"category":"linear","list":[]{cursor}}},"time":1}}"#
        );
        venue.next_list_call(body.as_bytes()).map(|call| call.map(|call| (call.path, call.weight)))
    };
    let path = "/v5/market/instruments-info?category=linear&limit=1000&cursor=first%253D1000%26x";
    let cursor = r#","nextPageCursor":"first%3D1000&x""#;
    assert_eq!(next(Bybit::LINEAR, cursor), Ok(Some((path.to_owned(), 1))));
    for last in ["", r#","nextPageCursor":"""#, r#","nextPageCursor":null"#] {
        assert_eq!(next(Bybit::SPOT, last), Ok(None), "{last}");
    }
    let refused = br#"{"retCode":10001,"retMsg":"Illegal cursor","result":{},"time":1}"#;
    let expected = DecodeError::Venue { code: 10_001, message: Excerpt::of(b"Illegal cursor") };
    assert_eq!(Bybit::LINEAR.next_list_call(refused), Err(expected));
}

#[test]
fn a_book_of_one_level_is_a_quote() {
    let body = br#"{"retCode":0,"retMsg":"OK","result":{"s":"BTCUSDT","a":[["65557.7","16.606293"]],"b":[["65485.47","47.081829"]],"ts":1716863719031,"u":230704,"seq":1432604333,"cts":1716863718905},"retExtInfo":{},"time":1716863719382}"#;
    let (bid, ask) = (Some(level("65485.47", "47.081829")), Some(level("65557.7", "16.606293")));
    let quote = Quote { bid, ask, venue_sequence: None, venue_time: None };
    assert_eq!(Bybit::SPOT.parse_quote(body), Ok(quote));
    let empty = String::from_utf8(body.to_vec()).unwrap().replace(r#"[["65485.47","47.081829"]]"#, "[]");
    assert_eq!(Bybit::SPOT.parse_quote(empty.as_bytes()), Ok(Quote { bid: None, ..quote }));
}

#[test]
fn an_error_of_the_venue_is_passed_on_and_a_wrong_body_named() {
    let body = br#"{"retCode":10001,"retMsg":"Not supported symbols","result":{},"time":1}"#;
    let expected = DecodeError::Venue { code: 10_001, message: Excerpt::of(b"Not supported symbols") };
    assert_eq!(Bybit::SPOT.parse_quote(body), Err(expected.clone()));
    assert_eq!(Bybit::LINEAR.parse_list(body), Err(expected));
    for (body, expected) in [
        ("{}", r#"field "retCode" is missing"#),
        (r#"{"retCode":0}"#, r#"field "result" is missing"#),
        (r#"{"retCode":0,"result":{"b":[]}}"#, r#"field "a" is missing"#),
        (r#"{"retCode":0,"result":{"b":[["1","-2"]],"a":[]}}"#, r#"size of level 0 of "b": "-2": negative"#),
        ("[]", "byte 0: expected an object"),
        ("<html>", "byte 0: expected value"),
    ] {
        let text = Bybit::SPOT.parse_quote(body.as_bytes()).unwrap_err().to_string();
        assert!(text.starts_with(expected), "{body}: {text}");
    }
}

#[test]
fn the_list_names_what_trades_in_our_way() {
    let entry = |symbol: &str, kind: &str, status: &str, base: &str, quote: &str| {
        format!(
            r#"{{"symbol":"{symbol}","contractType":"{kind}","status":"{status}","baseCoin":"{base}","quoteCoin":"{quote}","settleCoin":"{quote}","deliveryTime":"0","lotSizeFilter":{{}}}}"#
        )
    };
    let body = |entries: &[String]| {
        format!(
            r#"{{"retCode":0,"retMsg":"OK","result":{{"category":"linear","list":[{}],"nextPageCursor":""}},"time":1}}"#,
            entries.join(",")
        )
    };
    let list = Bybit::LINEAR.parse_list(
        body(&[
            entry("BTCUSDT", "LinearPerpetual", "Trading", "BTC", "USDT"),
            entry("BTCPERP", "LinearPerpetual", "Trading", "BTC", "USDC"),
            entry("BTCUSDT-26DEC26", "LinearFutures", "Trading", "BTC", "USDT"),
            entry("BTC-04SEP26", "LinearFutures", "Trading", "BTC", "USDC"),
            entry("1000PEPEUSDT", "LinearPerpetual", "Trading", "1000PEPE", "USDT"),
            entry("SHIB1000USDT", "LinearPerpetual", "Trading", "SHIB1000", "USDT"),
            entry("NEWUSDT", "LinearPerpetual", "PreLaunch", "NEW", "USDT"),
            entry("OLDUSDT", "LinearPerpetual", "Closed", "OLD", "USDT"),
            entry("BTCUSDT-26XXX26", "LinearFutures", "Trading", "BTC", "USDT"),
            entry("BTCUSD", "InversePerpetual", "Trading", "BTC", "USD"),
        ])
        .as_bytes(),
    );
    let list = list.unwrap();
    let names: Vec<_> = list.iter().map(|one| one.instrument.as_str()).collect();
    assert_eq!(
        names,
        [
            "BTC-USDT-PERP",
            "BTC-USDC-PERP",
            "BTC-USDT-20261226",
            "BTC-USDC-20260904",
            "PEPE-USDT-PERP",
            "SHIB-USDT-PERP",
            "NEW-USDT-PERP",
            "BTC-USDT-PERP",
            "BTC-USD-PERP"
        ]
    );
    let said: Vec<_> =
        list[6..].iter().map(|one| (one.status.word(), one.kind.as_deref(), one.naming)).collect();
    assert_eq!(
        said,
        [
            (Some("PreLaunch"), None, Naming::Ours),
            (None, None, Naming::AliasOnly),
            (None, Some("InversePerpetual"), Naming::AliasOnly),
        ]
    );
    for listing in &list[..6] {
        assert_eq!(Bybit::LINEAR.symbol(&listing.instrument).as_ref(), Ok(&listing.symbol));
        assert_eq!(Bybit::LINEAR.contract(&listing.instrument), Some(listing.contract));
    }
    let spot =
        r#"{"symbol":"BTCUSDT","baseCoin":"BTC","quoteCoin":"USDT","innovation":"0","status":"Trading"}"#;
    let list = Bybit::SPOT.parse_list(body(&[spot.to_owned()]).as_bytes()).unwrap();
    assert_eq!((list[0].instrument.as_str(), list[0].symbol.as_str()), ("BTC-USDT", "BTCUSDT"));
}
