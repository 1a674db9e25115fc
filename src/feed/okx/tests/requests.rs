//! Symbols, contracts, requests.

use super::super::{Okx, protocol};
use super::number;
use crate::domain::{Channel, Contract, Instrument, Number, SizeUnit};
use crate::feed::{Method, Stream, VenueDefaults, VenueProtocol};

fn instrument(text: &str) -> Instrument {
    text.parse().unwrap()
}

#[test]
fn instruments_have_the_venues_symbols() {
    for (ours, theirs) in [
        ("BTC-USDT", "BTC-USDT"),
        ("BTC-USD", "BTC-USD"),
        ("BTC-USDT-PERP", "BTC-USDT-SWAP"),
        ("BTC-USD-20220527", "BTC-USD-220527"),
    ] {
        assert_eq!(Okx.symbol(&instrument(ours)).as_deref(), Ok(theirs));
    }
    let error = Okx.symbol(&instrument("BTC-USD-19991231")).unwrap_err();
    assert!(error.to_string().contains("two digits"), "{error}");
}

#[test]
fn a_contract_is_known_or_said_to_be_unknown() {
    let of = |size: &str, unit| Some(Contract { price: Number::ONE, size: number(size), unit });
    for (text, expected) in [
        ("BTC-USDT", Some(Contract::PLAIN)),
        ("BTC-USD-20220527", of("100", SizeUnit::Quote)),
        ("BTC-USD-PERP", of("100", SizeUnit::Quote)),
        ("ETH-USD-PERP", of("10", SizeUnit::Quote)),
        ("BTC-USDT-PERP", of("0.01", SizeUnit::Base)),
        ("ETH-USDT-PERP", of("0.1", SizeUnit::Base)),
        ("BTC-USDC-PERP", None),
        ("DOGE-USDT-PERP", None),
        ("BTC-USDT-20270326", None),
    ] {
        assert_eq!(Okx.contract(&instrument(text)), expected, "{text}");
    }
}

#[test]
fn a_request_is_the_documented_json() {
    let stream = Okx.stream("BTC-USDT-SWAP", Channel::Depth, "books", 50);
    let topic = r#"{"channel":"books","instId":"BTC-USDT-SWAP"}"#.to_owned();
    assert_eq!(stream, Stream { route: "books:BTC-USDT-SWAP".to_owned(), topic: topic.clone() });
    let topics = [topic, Okx.stream("A-B", Channel::Quote, "bbo-tbt", 50).topic];
    let request = Okx.request(Method::Unsubscribe, &topics, 7);
    assert_eq!(
        request,
        r#"{"id":"7","op":"unsubscribe","args":[{"channel":"books","instId":"BTC-USDT-SWAP"},{"channel":"bbo-tbt","instId":"A-B"}]}"#
    );
    serde_json::from_str::<serde_json::Value>(&request).unwrap();
}

#[test]
fn batches_hold_every_stream_once_within_both_limits() {
    for (case, count, symbol_length, requests) in [
        ("none", 0, 8, 0),
        ("one", 1, 8, 1),
        ("a whole session", 240, 8, 1),
        ("a whole session of long symbols", 240, 50, 1),
        ("one more", 241, 8, 2),
        ("symbols that no instrument has", 240, 400, 4),
        ("one that is too long for any request", 1, 40_000, 1),
    ] {
        let topics: Vec<String> =
            (0..count).map(|_| protocol::stream(&"A".repeat(symbol_length), "books").topic).collect();
        let batches = Okx.batches(&topics);
        assert_eq!(batches.len(), requests, "{case}");
        assert_eq!(batches.concat(), topics, "{case}");
        for batch in batches.iter().filter(|batch| batch.len() > 1) {
            let bytes = Okx.request(Method::Unsubscribe, batch, u64::MAX).len();
            assert!(batch.len() <= 240 && bytes <= protocol::REQUEST_BYTES_MAX, "{case}: {bytes}");
        }
    }
}

#[test]
fn requests_stay_within_what_an_hour_allows() {
    let VenueDefaults { request_pace: pace, request_burst: burst, .. } = *Okx.defaults();
    let in_an_hour = 3_600.0 / pace.as_secs_f64() + f64::from(burst);
    assert!(in_an_hour <= f64::from(protocol::REQUESTS_PER_HOUR_MAX), "{in_an_hour}");
}

#[test]
fn rest_calls_name_what_they_want() {
    assert_eq!(Okx.quote_call("BTC-USDT-SWAP").path, "/api/v5/market/books?instId=BTC-USDT-SWAP&sz=1");
    let paths: Vec<String> = Okx.list_calls().into_iter().map(|call| call.path).collect();
    assert_eq!(paths[1], "/api/v5/public/instruments?instType=SWAP");
    assert_eq!(Okx.snapshot_call("BTC-USDT", 20), None);
    assert!(Okx.parse_snapshot(b"{}", 20).is_err());
}
