//! What is asked of the venue, and its REST answers.

use super::super::BinanceUsdm;
use super::level;
use crate::domain::{Channel, Contract, Instrument, Quote, VenueSequence, VenueTime};
use crate::feed::{ChannelNames, Listing, Method, Naming, VenueProtocol};

fn instrument(text: &str) -> Instrument {
    text.parse().unwrap()
}

#[test]
fn instruments_are_spelled_as_the_venue_does() {
    for (ours, symbol, factor) in [
        ("BTC-USDT-PERP", "BTCUSDT", "1"),
        ("BTC-USDC-PERP", "BTCUSDC", "1"),
        ("ETH-BTC-PERP", "ETHBTC", "1"),
        ("BTC-USDT-20261226", "BTCUSDT_261226", "1"),
        ("PEPE-USDT-PERP", "1000PEPEUSDT", "1000"),
        ("BABYDOGE-USDT-PERP", "1MBABYDOGEUSDT", "1000000"),
        ("1INCH-USDT-PERP", "1INCHUSDT", "1"),
    ] {
        let instrument = instrument(ours);
        assert_eq!(BinanceUsdm.symbol(&instrument).as_deref(), Ok(symbol));
        assert_eq!(
            BinanceUsdm.contract(&instrument).map(|one| one.size.to_string()),
            Some(factor.to_owned())
        );
    }
    for (ours, reason) in
        [("BTC-USDT", "no spot instruments"), ("1000PEPE-USDT-PERP", "1000 PEPE are quoted as PEPE")]
    {
        let error = BinanceUsdm.symbol(&instrument(ours)).unwrap_err().to_string();
        assert!(error.starts_with(ours) && error.contains(reason), "{error}");
    }
}

#[test]
fn streams_and_requests_are_spots_and_the_rolling_figures_have_a_path_of_their_own() {
    let defaults = BinanceUsdm.defaults();
    let names = ChannelNames::of(defaults);
    let topics: Vec<String> = Channel::ALL
        .map(|channel| BinanceUsdm.stream("BTCUSDT_261226", channel, names.get(channel), 20).topic)
        .into();
    let expected =
        ["bookTicker", "trade", "depth@100ms", "ticker"].map(|name| format!("btcusdt_261226@{name}"));
    assert_eq!(topics, expected);
    assert_eq!(
        BinanceUsdm.request(Method::Subscribe, &topics[..1], 7),
        r#"{"method":"SUBSCRIBE","params":["btcusdt_261226@bookTicker"],"id":7}"#
    );
    let paths = Channel::ALL.map(|channel| defaults.channel(channel).websocket_url.split('/').nth(3));
    assert_eq!(paths, [Some("public"), Some("public"), Some("public"), Some("market")]);
}

#[test]
fn rest_calls_cost_what_the_venue_says() {
    for (levels, limit, weight) in
        [(1, 50, 2), (100, 100, 5), (101, 500, 10), (501, 1_000, 20), (5_000, 1_000, 20)]
    {
        let (snapshot, asked) = BinanceUsdm.snapshot_call("BTCUSDT", levels).unwrap();
        assert_eq!(snapshot.path, format!("/fapi/v1/depth?symbol=BTCUSDT&limit={limit}"));
        assert_eq!((snapshot.weight, asked), (weight, limit), "{levels}");
    }
    let quote = BinanceUsdm.quote_call("BTCUSDT");
    assert_eq!((quote.path.as_str(), quote.weight), ("/fapi/v1/ticker/bookTicker?symbol=BTCUSDT", 2));
    assert_eq!(BinanceUsdm.list_calls().iter().map(|call| call.weight).collect::<Vec<_>>(), [1]);
}

#[test]
fn a_snapshot_has_the_engines_time() {
    let body = br#"{"lastUpdateId":1027024,"E":1589436922972,"T":1589436922959,"bids":[["4.000","431.000"]],"asks":[]}"#;
    let snapshot = BinanceUsdm.parse_snapshot(body, 1_000).unwrap();
    assert_eq!((snapshot.last, snapshot.limit), (VenueSequence(1_027_024), 1_000));
    assert_eq!(snapshot.venue_time, VenueTime::from_millis(1_589_436_922_959));
    assert_eq!(snapshot.bids, [level("4", "431")]);
}

#[test]
fn a_book_ticker_body_is_a_quote() {
    let body = br#"{"symbol":"BTCUSDT","bidPrice":"4.0","bidQty":"431.0","askPrice":"4.2","askQty":"9.0","time":1589437530011,"lastUpdateId":7}"#;
    let (bid, ask) = (Some(level("4", "431")), Some(level("4.2", "9")));
    let expected = Quote { bid, ask, venue_sequence: None, venue_time: None };
    assert_eq!(BinanceUsdm.parse_quote(body), Ok(expected));
}

#[test]
fn the_list_names_what_trades_in_our_way() {
    let symbol = |symbol: &str, kind: &str, status: &str, base: &str| {
        format!(
            r#"{{"symbol":"{symbol}","pair":"x","contractType":"{kind}","deliveryDate":1,"status":"{status}","baseAsset":"{base}","quoteAsset":"USDT","filters":[]}}"#
        )
    };
    let body = format!(
        r#"{{"timezone":"UTC","symbols":[{}]}}"#,
        [
            symbol("BTCUSDT", "PERPETUAL", "TRADING", "BTC"),
            symbol("BTCUSDT_261226", "CURRENT_QUARTER", "TRADING", "BTC"),
            symbol("1000PEPEUSDT", "PERPETUAL", "TRADING", "1000PEPE"),
            symbol("1000NEWUSDT", "PERPETUAL", "TRADING", "1000NEW"),
            symbol("OLDUSDT", "PERPETUAL", "SETTLING", "OLD"),
            symbol("GONEUSDT", "PERPETUAL", "CLOSE", "GONE"),
            symbol("TSLAUSDT", "TRADIFI_PERPETUAL", "TRADING", "TSLA"),
            symbol("ODDUSDT", "MOON_PERPETUAL", "TRADING", "ODD"),
            symbol("\u{5e01}USDT", "PERPETUAL", "TRADING", "\u{5e01}"),
        ]
        .join(",")
    );
    let list = BinanceUsdm.parse_list(body.as_bytes()).unwrap();
    let names: Vec<_> = list.iter().map(|one| (one.instrument.as_str(), one.symbol.as_str())).collect();
    assert_eq!(
        names,
        [
            ("BTC-USDT-PERP", "BTCUSDT"),
            ("BTC-USDT-20261226", "BTCUSDT_261226"),
            ("PEPE-USDT-PERP", "1000PEPEUSDT"),
            ("NEW-USDT-PERP", "1000NEWUSDT"),
            ("OLD-USDT-PERP", "OLDUSDT"),
            ("TSLA-USDT-PERP", "TSLAUSDT"),
            ("ODD-USDT-PERP", "ODDUSDT"),
            ("NAME-USDT-PERP", "\u{5e01}USDT"),
        ]
    );
    let factors: Vec<_> = list.iter().take(4).map(|one| one.contract.size.to_string()).collect();
    assert_eq!(factors, ["1", "1", "1000", "1000"]);
    let said: Vec<_> =
        list.iter().skip(4).map(|one| (one.status.word(), one.kind.as_deref(), one.naming)).collect();
    assert_eq!(
        said,
        [
            (Some("SETTLING"), None, Naming::Ours),
            (None, Some("TRADIFI_PERPETUAL"), Naming::Ours),
            (None, Some("MOON_PERPETUAL"), Naming::AliasOnly),
            (None, None, Naming::AliasOnly),
        ]
    );
    for Listing { instrument, symbol, contract, .. } in list.iter().take(3) {
        assert_eq!(BinanceUsdm.symbol(instrument).as_ref(), Ok(symbol));
        assert_eq!(BinanceUsdm.contract(instrument), Some(*contract));
    }
    assert_eq!(list[0].contract, Contract::PLAIN);
}
