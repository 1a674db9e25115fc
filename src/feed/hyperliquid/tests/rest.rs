//! REST bodies.

use super::super::{Hyperliquid, parse_book, parse_meta};
use super::level;
use crate::domain::{Quote, VenueTime};
use crate::feed::{Naming, VenueProtocol};

const BOOK: &[u8] = include_bytes!("../../../../fuzz/seeds/hyperliquid_decode/rest_book");

#[test]
fn a_book_body_is_the_top_of_book() {
    let expected = Quote {
        bid: Some(level("84143", "10.25923")),
        ask: Some(level("84144", "50.66449")),
        venue_sequence: None,
        venue_time: VenueTime::from_millis(1_790_232_236_546),
    };
    assert_eq!(parse_book(BOOK), Ok(expected));
}

#[test]
fn a_wrong_body_is_an_error_that_names_the_place() {
    for (body, expected) in [
        ("null", "byte 0: expected an object"),
        ("{}", "field \"levels\" is missing"),
        (r#"{"levels":[[]],"time":1}"#, "byte 13: invalid length 1"),
        (r#"{"levels":[[],[]]}"#, "field \"time\" is missing"),
        ("<html>", "byte 0: expected value"),
    ] {
        let text = parse_book(body.as_bytes()).unwrap_err().to_string();
        assert!(text.starts_with(expected), "{body}: {text}");
    }
    assert!(parse_meta(b"{}").unwrap_err().to_string().contains("universe"));
}

#[test]
fn the_list_names_what_trades_now_and_each_name_leads_back_to_its_coin() {
    let body = br#"{"universe":[{"name":"BTC","szDecimals":5,"maxLeverage":50},{"name":"MATIC","szDecimals":1,"isDelisted":true},
        {"name":"kPEPE","szDecimals":0},{"name":"kNEW","szDecimals":0},{"name":"xyz:SPCX","szDecimals":2},{"name":"PEPE","szDecimals":0},
        {"name":"KAITO"},{"name":"DUO"},{"name":"kDUO"},{"name":"kinto"}]}"#;
    let listings = parse_meta(body).unwrap();
    let found: Vec<_> = listings
        .iter()
        .map(|one| (one.instrument.as_str(), one.symbol.as_str(), one.contract.size.to_string(), one.naming))
        .collect();
    let expected = [
        ("BTC-USDC-PERP", "BTC", "1", Naming::Ours),
        ("PEPE-USDC-PERP", "kPEPE", "1000", Naming::Ours),
        ("NEW-USDC-PERP", "kNEW", "1000", Naming::Ours),
        ("SPCX-USDC-PERP", "xyz:SPCX", "1", Naming::AliasOnly),
        ("PEPE-USDC-PERP", "PEPE", "1", Naming::AliasOnly),
        ("KAITO-USDC-PERP", "KAITO", "1", Naming::Ours),
        ("DUO-USDC-PERP", "DUO", "1", Naming::Ours),
        ("KDUO-USDC-PERP", "kDUO", "1000", Naming::AliasOnly),
        ("KINTO-USDC-PERP", "kinto", "1", Naming::AliasOnly),
    ];
    assert_eq!(found, expected.map(|(name, symbol, size, naming)| (name, symbol, size.to_owned(), naming)));
    for listing in listings.into_iter().take(2) {
        assert_eq!(Hyperliquid.symbol(&listing.instrument), Ok(listing.symbol));
        assert_eq!(Hyperliquid.contract(&listing.instrument), Some(listing.contract));
    }
}
