//! Malformed frames, each with the error that names the place.

use super::decoder;
use crate::domain::LEVELS_MAX;
use crate::feed::{DecodeError, EXCERPT_BYTES_MAX};

const QUOTE: &str = include_str!("../../../../fuzz/seeds/hyperliquid_decode/quote");
const BOOK: &str = include_str!("../../../../fuzz/seeds/hyperliquid_decode/book");
const TRADES: &str = include_str!("../../../../fuzz/seeds/hyperliquid_decode/trades");
const FIGURES: &str = include_str!("../../../../fuzz/seeds/hyperliquid_decode/figures");

fn error(frame: &[u8]) -> DecodeError {
    decoder().decode(frame).expect_err("a malformed frame")
}

#[test]
fn every_error_names_what_is_wrong_and_where() {
    for (frame, from, to, expected) in [
        (QUOTE, "84143.0", "x", r#"price of level 0 of "bbo": "x": not a plain decimal number"#),
        (QUOTE, "10.25923", "-1", r#"size of level 0 of "bbo": "-1": negative"#),
        (QUOTE, "84144.0", "0.0", r#"price of level 0 of "bbo" is zero"#),
        (QUOTE, r#""px":"84143.0","#, "", r#"field "px" is missing"#),
        (QUOTE, r#""time":1790232237145,"#, "", r#"field "time" is missing"#),
        (QUOTE, "1790232237145", "9223372036855", r#"field "time": 9223372036855 ms is out of range"#),
        (QUOTE, "1790232237145", r#""1790232237145""#, "expected u64"),
        (QUOTE, r#""coin":"BTC","#, "", r#"field "coin" is missing"#),
        (QUOTE, r#""bbo":["#, r#""bob":["#, r#"field "bbo" is missing"#),
        (
            QUOTE,
            r#",{"px":"84144.0","sz":"50.66422","n":18}"#,
            "",
            "invalid length 1, expected a tuple of size 2",
        ),
        (QUOTE, r#"{"channel":"bbo","#, "{", r#"field "channel" is missing"#),
        (QUOTE, r#""data""#, r#""date""#, r#"field "data" is missing"#),
        (BOOK, r#","sz":"1.65875""#, "", r#"field "sz" is missing"#),
        (BOOK, "1.65875", "1x5", r#"size of level 1 of "bids": "1x5": not a plain decimal number"#),
        (BOOK, r#"[{"px":"84144.0","sz":"50.66449","n":18}]"#, "7", "expected an array of levels"),
        (
            BOOK,
            r#"{"px":"84144.0","sz":"50.66449","n":18}"#,
            r#"["84144.0","50.66449"]"#,
            "expected an object",
        ),
        (BOOK, r#""levels""#, r#""sides""#, r#"field "levels" is missing"#),
        (TRADES, "85561.0", "0.0", r#"field "px" is zero"#),
        (TRADES, r#""A""#, r#""S""#, r#""side" is neither "A" nor "B""#),
        (TRADES, r#"},{"coin":"BTC""#, r#"},{"coin":"ETH""#, r#"stream "trades:BTC" carries symbol "ETH""#),
        (TRADES, r#""time":1791261053067,"#, "", r#"field "time" is missing"#),
        (FIGURES, r#""ctx""#, r#""context""#, r#"field "ctx" is missing"#),
        (FIGURES, "17577.61508", "-1", r#"field "dayBaseVlm": "-1": negative"#),
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
        (b"Websocket", 0, "expected value"),
        (b"{\"channel\":\"a\xff\"}", 13, "invalid UTF-8"),
        (b"{\"channel\":5}", 11, "expected a string"),
        (b"{\"data\":{},\"data\":{}}", 17, "duplicate field `data`"),
        (b"{\"channel\":\"bbo\",\"data\":[]}", 24, "expected an object"),
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
        QUOTE.replace("84143.0", &long),
        TRADES.replace(r#"},{"coin":"BTC""#, &format!(r#"}},{{"coin":"{long}""#)),
        long,
    ] {
        if let Err(error) = decoder().decode(frame.as_bytes()) {
            assert!(error.to_string().len() < 4 * EXCERPT_BYTES_MAX, "{error}");
        }
    }
}

#[test]
fn more_levels_than_a_book_holds_are_refused_whole() {
    let levels = |count: usize| vec![r#"{"px":"1.0","sz":"1.0","n":1}"#; count].join(",");
    let frame = |count| BOOK.replace(r#"{"px":"84144.0","sz":"50.66449","n":18}"#, &levels(count));
    assert!(decoder().decode(frame(LEVELS_MAX).as_bytes()).is_ok());
    assert_eq!(
        error(frame(LEVELS_MAX + 1).as_bytes()),
        DecodeError::TooManyLevels { side: "asks", limit: LEVELS_MAX }
    );
}
