//! REST bodies.

use super::super::{parse_book_ticker, parse_depth_snapshot};
use super::level;
use crate::domain::{DepthSnapshot, Quote, VenueSequence};
use crate::feed::{DecodeError, Excerpt};

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
