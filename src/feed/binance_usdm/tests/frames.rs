//! Each kind of frame, and what it says; malformed ones, each with the error that names the place.

use super::super::Decoder;
use super::{level, number};
use crate::domain::{
    Channel, DepthDelta, Form, Link, MarketEvent, Quote, Side, Trade, VenueSequence, VenueTime,
    VolumeFigures, VolumeUnit,
};
use crate::feed::paths;
use crate::feed::{Ack, ChannelNames, Excerpt, Frame};

const QUOTE: &str = r#"{"stream":"btcusdt@bookTicker","data":{"e":"bookTicker","u":5000000000001,"s":"BTCUSDT","b":"61800.20","B":"2.507","a":"61800.30","A":"2.510","T":1723161256313,"E":1723161256314}}"#;
const TRADE: &str = r#"{"stream":"btcusdt@trade","data":{"e":"trade","E":1723161256322,"T":1723161256321,"s":"BTCUSDT","t":5266583935,"p":"61800.30","q":"0.006","X":"MARKET","m":false}}"#;
const DEPTH: &str = r#"{"stream":"btcusdt@depth@100ms","data":{"e":"depthUpdate","E":1723161256299,"T":1723161256298,"s":"BTCUSDT","U":158,"u":160,"pu":149,"b":[["61800.20","0.000"],["61799.90","1.250"]],"a":[["61800.30","10.000"]]}}"#;
const TICKER: &str = r#"{"stream":"btcusdt@ticker","data":{"e":"24hrTicker","E":1723161256299,"s":"BTCUSDT","p":"-1.50","P":"-2.500","w":"61000.18","c":"61800.20","Q":"10.000","o":"61801.70","h":"62500.00","l":"60000.10","v":"10000.125","q":"618000000.18","O":0,"C":86400000,"F":0,"L":18150,"n":18151}}"#;

fn assert_market(frame: &str, stream: &str, event: MarketEvent<'_>) {
    paths::assert_market("binance-usdm", frame, stream, event);
}

fn is_fast(frame: &str) -> bool {
    Decoder::new().0.fast(frame.as_bytes()).is_some()
}

fn quote() -> Quote {
    Quote {
        bid: Some(level("61800.2", "2.507")),
        ask: Some(level("61800.3", "2.51")),
        venue_sequence: Some(VenueSequence(5_000_000_000_001)),
        venue_time: VenueTime::from_millis(1_723_161_256_313),
    }
}

#[test]
fn a_book_ticker_is_a_quote_with_the_engines_time() {
    assert_market(QUOTE, "btcusdt@bookTicker", MarketEvent::Quote(quote()));
    let one_sided = QUOTE.replace("2.507", "0.000");
    assert_market(&one_sided, "btcusdt@bookTicker", MarketEvent::Quote(Quote { bid: None, ..quote() }));
    assert!(is_fast(QUOTE) && is_fast(&one_sided));
}

#[test]
fn a_dated_contract_is_as_fast_as_a_perpetual() {
    let dated = QUOTE.replace("btcusdt@", "btcusdt_261226@").replace("\"BTCUSDT\"", "\"BTCUSDT_261226\"");
    assert_market(&dated, "btcusdt_261226@bookTicker", MarketEvent::Quote(quote()));
    assert!(is_fast(&dated));
}

#[test]
fn a_trade_of_the_market_is_a_trade_and_one_of_the_insurance_fund_is_none() {
    let trade = Trade {
        price: number("61800.3"),
        size: number("0.006"),
        side: Side::Buy,
        venue_time: VenueTime::from_millis(1_723_161_256_321),
        number: Some(VenueSequence(5_266_583_935)),
    };
    assert_market(TRADE, "btcusdt@trade", MarketEvent::Trades(&[trade]));
    assert!(is_fast(TRADE));
    let sold = TRADE.replace("false", "true");
    assert_market(&sold, "btcusdt@trade", MarketEvent::Trades(&[Trade { side: Side::Sell, ..trade }]));
    assert_market(&TRADE.replace(r#""X":"MARKET","#, ""), "btcusdt@trade", MarketEvent::Trades(&[trade]));
    for kind in ["INSURANCE_FUND", "ADL", "NA"] {
        let frame = TRADE.replace("MARKET", kind).replace("0.006", "0");
        assert_eq!(Decoder::new().decode(frame.as_bytes()), Ok(Frame::Other), "{kind}");
    }
}

#[test]
fn a_depth_update_follows_the_one_that_it_names() {
    let bids = [level("61800.2", "0"), level("61799.9", "1.25")];
    let asks = [level("61800.3", "10")];
    let delta = DepthDelta {
        link: Link::After(VenueSequence(149)),
        last: Some(VenueSequence(160)),
        bids: &bids,
        asks: &asks,
        venue_time: VenueTime::from_millis(1_723_161_256_298),
        check: None,
    };
    assert_market(DEPTH, "btcusdt@depth@100ms", MarketEvent::Depth(delta));
    assert!(is_fast(DEPTH));
}

#[test]
fn a_ticker_counts_what_sizes_count() {
    let figures = VolumeFigures {
        form: Form::Whole,
        unit: VolumeUnit::Size,
        base_volume: Some(number("10000.125")),
        quote_volume: Some(number("618000000.18")),
        trade_count: Some(18_151),
        open: Some(number("61801.7")),
        high: Some(number("62500")),
        low: Some(number("60000.1")),
        last: Some(number("61800.2")),
        window_s: 86_400,
        venue_time: VenueTime::from_millis(1_723_161_256_299),
    };
    assert_market(TICKER, "btcusdt@ticker", MarketEvent::Volume(figures));
}

#[test]
fn channels_are_known_by_their_configured_names() {
    let names = ChannelNames(["best", "deals", "depth@0ms", "day"].map(str::to_owned));
    let mut decoder = Decoder::named(&names);
    let event = |decoder: &mut Decoder, frame: &str| {
        let decoded = decoder.decode(frame.as_bytes()).unwrap();
        matches!(decoded, Frame::Market { .. })
    };
    for (frame, channel) in
        [(QUOTE, Channel::Quote), (TRADE, Channel::Trade), (DEPTH, Channel::Depth), (TICKER, Channel::Volume)]
    {
        assert!(!event(&mut decoder, frame), "{frame}");
        let (head, rest) = frame.split_once('@').unwrap();
        let (_, rest) = rest.split_once('"').unwrap();
        let renamed = format!("{head}@{}\"{rest}", names.get(channel));
        assert!(event(&mut decoder, &renamed), "{renamed}");
        assert_eq!(decoder.0.fast(renamed.as_bytes()).is_some(), channel != Channel::Volume);
    }
}

#[test]
fn whatever_json_means_the_same_decodes_the_same() {
    for (frame, stream) in [
        (QUOTE, "btcusdt@bookTicker"),
        (TRADE, "btcusdt@trade"),
        (DEPTH, "btcusdt@depth@100ms"),
        (TICKER, "btcusdt@ticker"),
    ] {
        let mut first = Decoder::new();
        let Ok(Frame::Market { event, .. }) = first.decode(frame.as_bytes()) else { panic!("{frame}") };
        let (_, fields) = frame.split_once("\"data\":{").unwrap();
        let (kind, fields) = fields.split_once(',').unwrap();
        let fields = fields.trim_end_matches('}');
        for other in [
            frame.replace(':', " : ").replace(",\"", " ,\n\""),
            frame.replace("\"data\":{", r#""data":{"st":1,"new":[{"b":[1e999]}],"#),
            format!("{{\"data\":{{{fields},{kind}}},\"stream\":\"{stream}\"}}"),
            frame.replace('@', "\\u0040"),
        ] {
            assert_market(&other, stream, event);
        }
    }
}

#[test]
fn what_is_no_market_data_is_told_apart() {
    let refused = Frame::Refused { id: Some(4), code: 2, message: Excerpt::of(b"Invalid request") };
    for (text, expected) in [
        (r#"{"result":null,"id":1}"#, Frame::Acknowledged(Ack::Request(1))),
        (r#"{"code":2,"msg":"Invalid request","id":4}"#, refused),
        (r#"{"e":"serverShutdown","E":1770123456789}"#, Frame::ShuttingDown),
        (r#"{"stream":"btcusdt@depth@100ms","data":{"e":"serverShutdown","E":1}}"#, Frame::ShuttingDown),
        (r#"{"stream":"btcusdt@markPrice","data":{"e":"markPriceUpdate"}}"#, Frame::Unknown),
    ] {
        assert_eq!(Decoder::new().decode(text.as_bytes()), Ok(expected), "{text}");
    }
}

#[test]
fn every_error_names_what_is_wrong_and_where() {
    for (frame, from, to, expected) in [
        (QUOTE, "61800.20", "1x5", r#"field "b": "1x5": not a plain decimal number"#),
        (QUOTE, "61800.30", "0.0", r#"field "a" is zero"#),
        (QUOTE, r#""u":5000000000001,"#, "", r#"field "u" is missing"#),
        (QUOTE, r#""e":"bookTicker","#, "", r#"field "e" is missing"#),
        (QUOTE, "\"BTCUSDT", "\"ETHUSDT", r#"stream "btcusdt@bookTicker" carries symbol "ETHUSDT""#),
        (QUOTE, r#""e":"bookTicker""#, r#""e":"trade""#, r#"carries event "trade""#),
        (TRADE, "61800.30", "0", r#"field "p" is zero"#),
        (TRADE, "1723161256321", "9223372036855", r#"field "T": 9223372036855 ms is out of range"#),
        (DEPTH, "158", "161", "first update id 161 is greater than the last, 160"),
        (DEPTH, "149", "159", "first update id 159 is greater than the last, 158"),
        (DEPTH, r#""pu":149,"#, "", r#"field "pu" is missing"#),
        (DEPTH, "\"10.000\"", "\"-1\"", r#"size of level 0 of "a": "-1": negative"#),
        (DEPTH, "61799.90", "0.0", r#"price of level 1 of "b" is zero"#),
        (TICKER, r#""n":18151"#, r#""n":-1"#, r#"invalid value: integer `-1`"#),
    ] {
        let changed = frame.replacen(from, to, 1);
        let error = Decoder::new().decode(changed.as_bytes()).expect_err(&changed).to_string();
        assert!(error.replace("\\\"", "\"").contains(expected), "{from} -> {to}: {error}");
    }
}

#[test]
fn more_levels_than_a_book_holds_are_refused() {
    let many = vec![r#"["1.0","1.0"]"#; crate::domain::LEVELS_MAX + 1].join(",");
    let frame = DEPTH.replace(r#"["61800.30","10.000"]"#, &many);
    let error = Decoder::new().decode(frame.as_bytes()).unwrap_err();
    assert_eq!(error.to_string(), "more than 10000 levels in \"a\"");
}
