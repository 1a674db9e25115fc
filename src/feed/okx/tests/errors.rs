//! Malformed frames, each with the error that names the place.

use super::decoder;
use crate::domain::LEVELS_MAX;
use crate::feed::{DecodeError, EXCERPT_BYTES_MAX};

const QUOTE: &str = include_str!("../../../../fuzz/seeds/okx_decode/quote");
const UPDATE: &str = include_str!("../../../../fuzz/seeds/okx_decode/update");
const TRADES: &str = include_str!("../../../../fuzz/seeds/okx_decode/trades");
const TICKER: &str = include_str!("../../../../fuzz/seeds/okx_decode/ticker");

fn error(frame: &[u8]) -> DecodeError {
    decoder().decode(frame).expect_err("a malformed frame")
}

#[test]
fn every_error_names_what_is_wrong_and_where() {
    for (frame, from, to, expected) in [
        (QUOTE, "61000.1", "x", r#"price of level 0 of "bids": "x": not a plain decimal number"#),
        (QUOTE, "61000.2", "-1", r#"price of level 0 of "asks": "-1": negative"#),
        (QUOTE, "61000.2", "0", r#"price of level 0 of "asks" is zero"#),
        (QUOTE, r#","0.00012","0","1""#, "", "invalid length 1"),
        (QUOTE, r#""ts":"1790071390505""#, r#""ts":"+1""#, r#"field "ts": "+1": not a plain decimal number"#),
        (QUOTE, "1790071390505", "9223372036855", r#"field "ts": 9223372036855 ms is out of range"#),
        (QUOTE, "1790071390505", "99999999999999999999", "mantissa beyond 128 bits"),
        (QUOTE, "4153112115", "-5", r#"field "seqId": "-5": negative"#),
        (QUOTE, r#""asks":"#, r#""else":"#, r#"field "asks" is missing"#),
        (QUOTE, r#","instId":"BTC-USDT""#, "", r#"field "instId" is missing"#),
        (QUOTE, r#""data""#, r#""date""#, r#"field "data" is missing"#),
        (QUOTE, r#""arg""#, r#""args""#, r#"field "arg" is missing"#),
        (QUOTE, r#"505","seqId":4153112115}"#, r#"505"},{}"#, "trailing characters"),
        (UPDATE, r#""action":"update","#, "", r#"field "action" is missing"#),
        (UPDATE, r#""update""#, r#""partial""#, r#"stream "books:SOL-USDT" carries event "partial""#),
        (UPDATE, r#","prevSeqId":32032594283"#, "", r#"field "prevSeqId" is missing"#),
        (UPDATE, r#""seqId":32032594315,"#, "", r#"field "seqId" is missing"#),
        (UPDATE, "32032594283", "-1", r#"field "prevSeqId": "-1": negative"#),
        (UPDATE, r#""checksum":0"#, r#""checksum":2147483648"#, r#"field "checksum": "2147483648""#),
        (UPDATE, "60.475", "60,475", r#"size of level 0 of "asks": "60,475": not a plain decimal"#),
        (UPDATE, r#"[["120.67","60.475","0","5"]]"#, "{}", "expected an array of levels"),
        (TRADES, "30243.4", "0", r#"field "px" is zero"#),
        (TRADES, r#""sz":"1""#, r#""sz":"0.0""#, r#"field "sz" is zero"#),
        (TRADES, r#""sell""#, r#""ask""#, r#""side" is neither "buy" nor "sell""#),
        (TRADES, r#"[{"instId":"BTC-USDT""#, r#"[{"instId":"ETH-USDT""#, r#"carries symbol "ETH-USDT""#),
        (TICKER, "17602.13", "1x5", r#"field "vol24h": "1x5": not a plain decimal number"#),
    ] {
        let changed = frame.replacen(from, to, 1);
        assert_ne!(changed, frame, "{from}");
        let text = error(changed.as_bytes()).to_string();
        assert!(text.replace("\\\"", "\"").contains(expected), "{from} -> {to}: {text}");
    }
}

#[test]
fn broken_json_is_reported_at_its_byte() {
    for (frame, offset, reason) in [
        (&b""[..], 0, "EOF while parsing a value"),
        (b"pin", 0, "expected value"),
        (b"{\"event\":\"a\xff\"}", 11, "invalid UTF-8"),
        (b"{\"event\":5}", 9, "expected a string"),
        (b"{\"arg\":{},\"arg\":{}}", 15, "duplicate field `arg`"),
        (b"{\"arg\":[],\"data\":[]}", 7, "expected an object"),
        (b"{} x", 3, "trailing characters"),
    ] {
        let DecodeError::Malformed { offset: at, reason: words, .. } = error(frame) else {
            panic!("{}", frame.escape_ascii())
        };
        assert!(words.as_str().contains(reason), "{}: {words}", frame.escape_ascii());
        assert!(at.abs_diff(offset) <= 1, "{}: byte {at}, not {offset}", frame.escape_ascii());
    }
}

#[test]
fn an_error_never_repeats_a_long_frame() {
    let long = "9".repeat(100_000);
    for frame in [
        QUOTE.replace("61000.1", &long),
        QUOTE.replace("1790071390505", &long),
        UPDATE.replace("\"update\"", &format!("\"{long}\"")),
        TRADES.replacen("\"BTC-USDT\",\"trade", &format!("\"{long}\",\"trade"), 1),
        long,
    ] {
        if let Err(error) = decoder().decode(frame.as_bytes()) {
            assert!(error.to_string().len() < 4 * EXCERPT_BYTES_MAX, "{error}");
        }
    }
}

#[test]
fn more_levels_than_a_book_holds_are_refused_whole() {
    let levels = |count: usize| vec![r#"["1.0","1.0","0","1"]"#; count].join(",");
    let frame = |count| UPDATE.replace(r#"["120.67","60.475","0","5"]"#, &levels(count));
    assert!(decoder().decode(frame(LEVELS_MAX).as_bytes()).is_ok());
    assert_eq!(
        error(frame(LEVELS_MAX + 1).as_bytes()),
        DecodeError::TooManyLevels { side: "asks", limit: LEVELS_MAX }
    );
}
