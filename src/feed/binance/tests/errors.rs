//! Malformed frames, each with the error that names the place.

use super::super::Decoder;
use crate::domain::LEVELS_MAX;
use crate::feed::{DecodeError, EXCERPT_BYTES_MAX};

const QUOTE: &str = r#"{"stream":"btcusdt@bookTicker","data":{"u":7,"s":"BTCUSDT","b":"61000.10000000","B":"3.50000000","a":"61000.20000000","A":"0.00012000"}}"#;
const TRADE: &str = r#"{"stream":"ethusdt@trade","data":{"e":"trade","E":1723161255343,"s":"ETHUSDT","t":1,"p":"2683.80000000","q":"0.02000000","T":1723161255342,"m":true,"M":true}}"#;
const DEPTH: &str = r#"{"stream":"btcusdt@depth@100ms","data":{"e":"depthUpdate","E":1723161255308,"s":"BTCUSDT","U":157,"u":160,"b":[["61000.10000000","0.00000000"],["60999.00000000","1.25000000"]],"a":[["61000.20000000","10.00000000"]]}}"#;

fn error(frame: &[u8]) -> DecodeError {
    Decoder::new().decode(frame).expect_err("a malformed frame")
}

#[test]
fn every_error_names_what_is_wrong_and_where() {
    for (frame, from, to, expected) in [
        (QUOTE, "61000.10000000", "x", r#"field "b": "x": not a plain decimal number"#),
        (QUOTE, "61000.10000000", "1x5", r#"field "b": "1x5": not a plain decimal number"#),
        (QUOTE, "61000.10000000", "-1.0", r#"field "b": "-1.0": negative"#),
        (QUOTE, "0.00012000", "-0.1", r#"field "A": "-0.1": negative"#),
        (QUOTE, "61000.20000000", "0.0", r#"field "a" is zero"#),
        (QUOTE, r#""u":7,"#, "", r#"field "u" is missing"#),
        (QUOTE, r#""u":7"#, r#""u":null"#, r#"field "u" is missing"#),
        (QUOTE, r#","data":"#, r#","date":"#, r#"field "data" is missing"#),
        (QUOTE, r#""stream""#, r#""steam""#, r#"field "stream" is missing"#),
        (QUOTE, "BTCUSDT", "ETHUSDT", r#"stream "btcusdt@bookTicker" carries symbol "ETHUSDT""#),
        (QUOTE, r#""u":7"#, r#""e":"trade""#, r#"stream "btcusdt@bookTicker" carries event "trade""#),
        (TRADE, r#""trade","#, r#""aggTrade","#, r#"stream "ethusdt@trade" carries event "aggTrade""#),
        (TRADE, "2683.80000000", "0", r#"field "p" is zero"#),
        (TRADE, "0.02000000", "0.00000000", r#"field "q" is zero"#),
        (TRADE, "0.02000000", "0.0000000000000000001", "more than 18 digits after the decimal point"),
        (TRADE, "1723161255342", "9223372036855", r#"field "T": 9223372036855 ms is out of range"#),
        (TRADE, r#""m":true,"#, "", r#"field "m" is missing"#),
        (DEPTH, "157", "161", "first update id 161 is greater than the last, 160"),
        (
            DEPTH,
            "60999.00000000",
            "60,999",
            r#"price of level 1 of "b": "60,999": not a plain decimal number"#,
        ),
        (DEPTH, "10.00000000", "-1", r#"size of level 0 of "a": "-1": negative"#),
        (DEPTH, "61000.20000000", "0.0", r#"price of level 0 of "a" is zero"#),
        (DEPTH, r#","10.00000000""#, "", "byte 198: invalid length 1, expected a tuple of size 2"),
        (DEPTH, r#"[["61000.20000000","10.00000000"]]"#, "{}", "expected an array of [\"price\",\"size\"]"),
    ] {
        let text = error(frame.replacen(from, to, 1).as_bytes()).to_string();
        assert!(text.replace("\\\"", "\"").contains(expected), "{from} -> {to}: {text}");
    }
}

#[test]
fn broken_json_is_reported_at_its_byte() {
    for (frame, offset, reason) in [
        (&b"{\"stream\":\"a@trade\",\"data\":{}"[..], 28, "EOF while parsing an object"),
        (b"", 0, "EOF while parsing a value"),
        (b"{\n\n  \"id\": 01}", 12, "invalid number"),
        (b"{\"stream\":\"a\xff@trade\"}", 12, "invalid UTF-8"),
        (b"{\"e\":5}", 5, "invalid type: integer `5`, expected a string"),
        (b"{\"id\":1,\"id\":2}", 12, "duplicate field `id`"),
        (b"{\"stream\":\"a@trade\",\"data\":[1]}", 27, "expected an object"),
        (b"{\"stream\":\"a@trade\",\"data\":{\"s\":\"A\",\"T\":-1}}", 42, "expected u64"),
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
        QUOTE.replace("61000.10000000", &long),
        QUOTE.replace("BTCUSDT", &long),
        QUOTE.replace("\"u\":7", &format!("\"u\":\"{long}\"")),
        QUOTE.replace("\"u\":7", &format!("\"e\":\"{long}\"")),
        long,
    ] {
        if let Err(error) = Decoder::new().decode(frame.as_bytes()) {
            assert!(error.to_string().len() < 4 * EXCERPT_BYTES_MAX, "{error}");
        }
    }
}

#[test]
fn more_levels_than_a_book_holds_are_refused_whole() {
    let levels = |count: usize| vec![r#"["1.00000000","1.00000000"]"#; count].join(",");
    let frame = |count| DEPTH.replace(r#"["61000.20000000","10.00000000"]"#, &levels(count));
    assert!(Decoder::new().decode(frame(LEVELS_MAX).as_bytes()).is_ok());
    assert_eq!(
        error(frame(LEVELS_MAX + 1).as_bytes()),
        DecodeError::TooManyLevels { side: "a", limit: LEVELS_MAX }
    );
}
