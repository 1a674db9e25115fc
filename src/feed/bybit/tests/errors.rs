//! Malformed frames, each with the error that names the place.

use super::super::Decoder;
use super::frames::{BOOK, DELTA, QUOTE, TICKER, TRADES};
use crate::domain::LEVELS_MAX;

#[test]
fn every_error_names_what_is_wrong_and_where() {
    for (frame, from, to, expected) in [
        (
            QUOTE,
            r#""type":"snapshot""#,
            r#""type":"delta""#,
            r#"stream "orderbook.1.BTCUSDT" carries event "delta""#,
        ),
        (BOOK, r#""type":"snapshot","#, "", r#"field "type" is missing"#),
        (BOOK, r#""type":"snapshot""#, r#""type":"whole""#, r#"carries event "whole""#),
        (BOOK, r#""data""#, r#""date""#, r#"field "data" is missing"#),
        (BOOK, r#""u":18521288,"#, "", r#"field "u" is missing"#),
        (BOOK, r#""u":18521288"#, r#""u":-1"#, "invalid value: integer `-1`, expected u64"),
        (
            BOOK,
            r#"s":"BTCUSDT"#,
            r#"s":"btcusdt"#,
            r#"stream "orderbook.50.BTCUSDT" carries symbol "btcusdt""#,
        ),
        (BOOK, "16493.00", "x", r#"price of level 1 of "b": "x": not a plain decimal number"#),
        (BOOK, "\"0.029\"", "\"-1\"", r#"size of level 0 of "a": "-1": negative"#),
        (BOOK, "16611.00", "0", r#"price of level 0 of "a" is zero"#),
        (BOOK, "\"0.029\"", "0.029", "invalid type: floating point `0.029`, expected a string"),
        (DELTA, r#","a":[]"#, "", r#"field "a" is missing"#),
        (DELTA, r#""a":[]"#, r#""a":{}"#, r#"expected an array of ["price","size"]"#),
        (DELTA, "1687940967464", "9223372036855", r#"field "cts": 9223372036855 ms is out of range"#),
        (DELTA, "1687940967466", "9223372036855", r#"field "ts": 9223372036855 ms is out of range"#),
        (TRADES, r#""S":"Buy""#, r#""S":"Long""#, "unknown variant `Long`, expected `Buy` or `Sell`"),
        (TRADES, "16578.50", "0", r#"field "p" is zero"#),
        (TRADES, "\"0.5\"", "\"0\"", r#"field "v" is zero"#),
        (TRADES, r#""T":1672304486865,"#, "", r#"field "T" is missing"#),
        (TRADES, r#"[{"T""#, r#"[7,{"T""#, "expected an object"),
        (TICKER, "21109.77", "-1", r#"field "lastPrice": "-1": negative"#),
        (TICKER, r#""symbol":"BTCUSDT""#, r#""symbol":"ETHUSDT""#, r#"carries symbol "ETHUSDT""#),
    ] {
        let changed = frame.replacen(from, to, 1);
        assert_ne!(changed, frame, "{from}");
        let error = Decoder::new().decode(changed.as_bytes()).expect_err(&changed).to_string();
        assert!(error.replace("\\\"", "\"").contains(expected), "{from} -> {to}: {error}");
    }
}

#[test]
fn broken_json_is_reported_at_its_byte() {
    for (frame, offset) in
        [(&b"{\"topic\":"[..], 8), (b"", 0), (b"{\"topic\":\"a\xff\"}", 11), (b"{\"op\":5}", 6)]
    {
        let error = Decoder::new().decode(frame).unwrap_err().to_string();
        assert!(error.starts_with(&format!("byte {offset}: ")), "{}: {error}", frame.escape_ascii());
    }
}

#[test]
fn more_than_a_book_or_a_message_holds_is_refused() {
    let many = vec![r#"["1.0","1.0"]"#; LEVELS_MAX + 1].join(",");
    let frame = BOOK.replace(r#"["16611.00","0.029"]"#, &many);
    let error = Decoder::new().decode(frame.as_bytes()).unwrap_err();
    assert_eq!(error.to_string(), "more than 10000 levels in \"a\"");
    let many = vec!["{}"; LEVELS_MAX + 1].join(",");
    let frame = format!(r#"{{"topic":"publicTrade.BTCUSDT","type":"snapshot","ts":1,"data":[{many}]}}"#);
    let error = Decoder::new().decode(frame.as_bytes()).unwrap_err();
    assert_eq!(error.to_string(), "more than 10000 levels in \"data\"");
}
