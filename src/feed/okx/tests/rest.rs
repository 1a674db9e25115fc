//! REST bodies.

use super::super::{parse_books, parse_instruments};
use super::{level, number};
use crate::domain::{Contract, Number, Quote, SizeUnit, VenueTime};
use crate::feed::{DecodeError, Excerpt, Naming};

const BOOKS: &[u8] = include_bytes!("../../../../fuzz/seeds/okx_decode/rest_books");

#[test]
fn a_books_body_is_the_top_of_book() {
    let expected = Quote {
        bid: Some(level("41006.3", "0.3")),
        ask: Some(level("41006.8", "0.6")),
        venue_sequence: None,
        venue_time: VenueTime::from_millis(1_629_966_436_396),
    };
    assert_eq!(parse_books(BOOKS), Ok(expected));
}

#[test]
fn an_error_of_the_venue_is_passed_on() {
    let body = br#"{"code":"51001","msg":"Instrument ID does not exist","data":[]}"#;
    let expected = DecodeError::Venue { code: 51_001, message: Excerpt::of(b"Instrument ID does not exist") };
    assert_eq!(parse_books(body), Err(expected.clone()));
    assert_eq!(parse_instruments(body), Err(expected));
}

#[test]
fn a_wrong_body_is_an_error_that_names_the_place() {
    for (body, expected) in [
        (r#"{"data":[]}"#, "field \"code\" is missing"),
        (r#"{"code":"0"}"#, "field \"data\" is missing"),
        (r#"{"code":"0","data":[]}"#, "byte 20: invalid length 0"),
        (r#"{"code":"0","data":[{"asks":[]}]}"#, "field \"bids\" is missing"),
        ("[]", "byte 0: expected an object"),
        ("<html>", "byte 0: expected value"),
    ] {
        let text = parse_books(body.as_bytes()).unwrap_err().to_string();
        assert!(text.starts_with(expected), "{body}: {text}");
    }
}

#[test]
fn the_list_says_what_contracts_are_worth_and_leaves_out_what_has_no_name() {
    let body = br#"{"code":"0","msg":"","data":[
        {"instType":"SPOT","instId":"BTC-USDT","baseCcy":"BTC","quoteCcy":"USDT","ctVal":"","ctMult":"","ctValCcy":"","ctType":"","state":"live"},
        {"instType":"SWAP","instId":"DOGE-USDT-SWAP","ctVal":"1000","ctMult":"1","ctValCcy":"DOGE","ctType":"linear","state":"live"},
        {"instType":"SWAP","instId":"BTC-USDT-SWAP","ctVal":"0.1","ctMult":"0.1","ctValCcy":"BTC","ctType":"linear","state":"live"},
        {"instType":"SWAP","instId":"ETH-USD-SWAP","ctVal":"10","ctMult":"1","ctValCcy":"USD","ctType":"inverse","state":"live"},
        {"instType":"FUTURES","instId":"BTC-USD-220527","ctVal":"100","ctMult":"1","ctValCcy":"USD","ctType":"inverse","state":"live"},
        {"instType":"SWAP","instId":"BTC-USD_UM-SWAP","ctVal":"1","ctMult":"1","ctValCcy":"BTC","ctType":"linear","state":"live"},
        {"instType":"FUTURES","instId":"BTC-USD_UM_XPERP-310404","ctVal":"0.01","ctMult":"1","ctValCcy":"BTC","ctType":"linear","state":"live"},
        {"instType":"SWAP","instId":"ETH-USD_UM-SWAP","ctVal":"","ctMult":"","state":"preopen"},
        {"instType":"SPOT","instId":"T-USDT","state":"test"},
        {"instType":"SWAP","instId":"ODD-USDT-SWAP","ctVal":"1","ctMult":"1","ctValCcy":"USDT","ctType":"linear","state":"live"},
        {"instType":"SWAP","instId":"NONE-USDT-SWAP","ctVal":"0","ctMult":"1","ctValCcy":"NONE","ctType":"linear","state":"live"},
        {"instType":"OPTION","instId":"BTC-USD-220527-30000-C","ctVal":"1","ctMult":"1","ctValCcy":"BTC","ctType":"","state":"live"},
        {"instType":"SPOT","instId":"OLD-USDT","ctVal":"","ctMult":"","ctValCcy":"","ctType":"","state":"suspend"}]}"#;
    let listings = parse_instruments(body).unwrap();
    let contract = |size: &str, unit| Contract { price: Number::ONE, size: number(size), unit };
    let found: Vec<_> = listings
        .iter()
        .map(|listing| (listing.instrument.as_str(), listing.symbol.as_str(), listing.contract))
        .collect();
    assert_eq!(
        found,
        [
            ("BTC-USDT", "BTC-USDT", Contract::PLAIN),
            ("DOGE-USDT-PERP", "DOGE-USDT-SWAP", contract("1000", SizeUnit::Base)),
            ("BTC-USDT-PERP", "BTC-USDT-SWAP", contract("0.01", SizeUnit::Base)),
            ("ETH-USD-PERP", "ETH-USD-SWAP", contract("10", SizeUnit::Quote)),
            ("BTC-USD-20220527", "BTC-USD-220527", contract("100", SizeUnit::Quote)),
            ("BTC-USDUM-PERP", "BTC-USD_UM-SWAP", contract("1", SizeUnit::Base)),
            ("BTC-USDUMXPERP-20310404", "BTC-USD_UM_XPERP-310404", contract("0.01", SizeUnit::Base)),
            ("OLD-USDT", "OLD-USDT", Contract::PLAIN),
        ]
    );
    let unnamed = listings.iter().filter(|one| one.naming == Naming::AliasOnly);
    assert_eq!(
        unnamed.map(|one| &*one.symbol).collect::<Vec<_>>(),
        ["BTC-USD_UM-SWAP", "BTC-USD_UM_XPERP-310404"]
    );
    let halted = listings.iter().filter_map(|one| Some((&*one.symbol, one.status.word()?)));
    assert_eq!(halted.collect::<Vec<_>>(), [("OLD-USDT", "suspend")]);
}
