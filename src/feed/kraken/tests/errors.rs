//! Malformed frames and bodies, each with the error that names the place.

use super::super::Kraken;
use super::decoder;
use crate::domain::LEVELS_MAX;
use crate::feed::{DecodeError, VenueProtocol};

const TICKER: &str = include_str!("../../../../fuzz/seeds/kraken_decode/ticker");
const UPDATE: &str = include_str!("../../../../fuzz/seeds/kraken_decode/book_update");
const TRADES: &str = include_str!("../../../../fuzz/seeds/kraken_decode/trade");

#[test]
fn every_error_names_what_is_wrong_and_where() {
    for (frame, from, to, expected) in [
        (TICKER, "0.10025", "-0.10025", r#"field "bid": "-0.10025": negative"#),
        (TICKER, "0.10025", "0", r#"field "bid" is zero"#),
        (TICKER, "740.0", "\"740.0\"", r#"field "bid_qty": ""740.0"": not a plain decimal number"#),
        (TICKER, "997038.98383185", "-1", r#"field "volume": "-1": negative"#),
        (TICKER, r#""symbol":"ALGO/USD","#, "", r#"field "symbol" is missing"#),
        (TICKER, "}]}", "},{}]}", r#"more than one object in "data""#),
        (UPDATE, "\"update\"", "\"delta\"", r#"stream "book" carries event "delta""#),
        (UPDATE, r#","type":"update""#, "", r#"field "type" is missing"#),
        (UPDATE, "2114181697", "-1", "invalid value: integer `-1`, expected u32"),
        (UPDATE, r#","checksum":2114181697"#, "", r#"field "checksum" is missing"#),
        (UPDATE, "0.5657,", "0.0,", r#"price of level 0 of "bids" is zero"#),
        (UPDATE, "0.56570", "0.5x", "expected `,` or `}`"),
        (UPDATE, "1098.39475580", "-1", r#"size of level 0 of "bids": "-1": negative"#),
        (UPDATE, r#","qty":1098.39475580"#, "", "missing field `qty`"),
        (UPDATE, "17:35:55.440295Z", "17:35", r#"field "timestamp": "2023-10-06T17:35" is no time"#),
        (UPDATE, r#""asks":[]"#, r#""asks":{}"#, r#"expected an array of {"price","qty"}"#),
        (TRADES, "6423.46326", "0.0", r#"field "qty" is zero"#),
        (TRADES, "\"sell\"", "\"sold\"", "unknown variant `sold`"),
        (TRADES, "MATIC", "ALGO", r#"stream "ALGO/USD" carries symbol "MATIC/USD""#),
    ] {
        assert!(frame.contains(from), "{from}");
        let error = decoder().decode(frame.replacen(from, to, 1).as_bytes()).expect_err(from);
        let text = error.to_string();
        assert!(text.replace("\\\"", "\"").contains(expected), "{from} -> {to}: {text}");
    }
}

#[test]
fn more_levels_than_a_book_holds_are_refused_whole() {
    let levels = |count: usize| vec![r#"{"price":1.0,"qty":2.0}"#; count].join(",");
    let frame = |count| UPDATE.replace(r#""asks":[]"#, &format!(r#""asks":[{}]"#, levels(count)));
    assert!(decoder().decode(frame(LEVELS_MAX).as_bytes()).is_ok());
    assert_eq!(
        decoder().decode(frame(LEVELS_MAX + 1).as_bytes()),
        Err(DecodeError::TooManyLevels { side: "asks", limit: LEVELS_MAX })
    );
}

#[test]
fn an_error_of_the_rest_interface_is_passed_on() {
    let body = br#"{"error":["EQuery:Unknown asset pair"]}"#;
    for error in [Kraken.parse_quote(body).unwrap_err(), Kraken.parse_list(body).unwrap_err()] {
        assert_eq!(error.to_string(), "the venue says 0: EQuery:Unknown asset pair");
    }
    assert!(Kraken.parse_snapshot(b"{}", 5).is_err());
    let missing = Kraken.parse_quote(br#"{"error":[]}"#).unwrap_err();
    assert_eq!(missing, DecodeError::Missing { field: "result" });
    let negative = br#"{"error":[],"result":{"XXBTZUSD":{"asks":[["1","-2",1]],"bids":[]}}}"#;
    assert!(Kraken.parse_quote(negative).unwrap_err().to_string().contains("size of level 0 of \"asks\""));
}
