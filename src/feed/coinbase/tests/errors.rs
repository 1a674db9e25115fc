//! Malformed frames and bodies, each with the error that names the place.

use super::super::Coinbase;
use super::decoder;
use crate::domain::LEVELS_MAX;
use crate::feed::{DecodeError, VenueProtocol};

const UPDATE: &str = include_str!("../../../../fuzz/seeds/coinbase_decode/l2update");
const SNAPSHOT: &str = include_str!("../../../../fuzz/seeds/coinbase_decode/snapshot");
const MATCH: &str = include_str!("../../../../fuzz/seeds/coinbase_decode/match");
const TICKER: &str = include_str!("../../../../fuzz/seeds/coinbase_decode/ticker");

#[test]
fn every_error_names_what_is_wrong_and_where() {
    for (frame, from, to, expected) in [
        (UPDATE, r#""type":"l2update","#, "", r#"field "type" is missing"#),
        (UPDATE, r#""product_id":"BTC-USD","#, "", r#"field "product_id" is missing"#),
        (
            UPDATE,
            "2022-08-04T15",
            "2022-08-04 15",
            r#"field "time": "2022-08-04 15:25:05.010758Z" is no time"#,
        ),
        (UPDATE, "\"buy\"", "\"bid\"", "unknown variant `bid`"),
        (UPDATE, "22356.270000", "1x5", r#"price of level 0 of "buy": "1x5": not a plain decimal number"#),
        (UPDATE, "1.00000000", "-1", r#"size of level 0 of "sell": "-1": negative"#),
        (UPDATE, "22356.300000", "0", r#"price of level 0 of "sell" is zero"#),
        (UPDATE, r#","1.00000000""#, "", "invalid length 2"),
        (SNAPSHOT, r#""asks":"#, r#""ask":"#, r#"field "asks" is missing"#),
        (SNAPSHOT, "0.45054140", "x", r#"size of level 0 of "bids": "x": not a plain decimal number"#),
        (MATCH, "5.23512", "0", r#"field "size" is zero"#),
        (MATCH, r#","side":"sell""#, "", r#"field "side" is missing"#),
        (TICKER, "1310.79", "1x5", r#"field "open_24h": "1x5": not a plain decimal number"#),
    ] {
        assert!(frame.contains(from), "{from}");
        let error = decoder().decode(frame.replacen(from, to, 1).as_bytes()).expect_err(from);
        let text = error.to_string();
        assert!(text.replace("\\\"", "\"").contains(expected), "{from} -> {to}: {text}");
    }
}

#[test]
fn more_changes_than_a_book_holds_are_refused_whole() {
    let frame = |count: usize| {
        let changes = vec![r#"["buy","1.00000000","1.00000000"]"#; count].join(",");
        UPDATE.replace(r#"["buy","22356.270000","0.00000000"]"#, &changes)
    };
    assert!(decoder().decode(frame(LEVELS_MAX).as_bytes()).is_ok());
    assert_eq!(
        decoder().decode(frame(LEVELS_MAX + 1).as_bytes()),
        Err(DecodeError::TooManyLevels { side: "buy", limit: LEVELS_MAX })
    );
}

#[test]
fn an_error_of_the_rest_interface_is_passed_on() {
    let body = br#"{"message":"NotFound"}"#;
    for error in [Coinbase.parse_quote(body).unwrap_err(), Coinbase.parse_list(body).unwrap_err()] {
        assert_eq!(error.to_string(), "the venue says 0: NotFound");
    }
    assert!(Coinbase.parse_snapshot(b"{}", 5).is_err());
    assert_eq!(Coinbase.parse_quote(b"{}").unwrap_err(), DecodeError::Missing { field: "bids" });
    assert!(Coinbase.parse_list(b"{}").is_err());
}
