//! Each kind of frame, and what it says.

use super::super::{Decoder, decode, fast};
use super::{decoder, level, number};
use crate::domain::{
    BookImage, Check, DepthDelta, Form, Link, MarketEvent, Quote, Side, Ticker, Top, Trade, Trading,
    VenueSequence, VenueTime, VolumeFigures, VolumeUnit, Written,
};
use crate::feed::levels::Buffers;
use crate::feed::paths;
use crate::feed::{Ack, ChannelNames, Excerpt, Frame};

const TICKER: &str = include_str!("../../../../fuzz/seeds/kraken_decode/ticker");
const STAMPED: &str = include_str!("../../../../fuzz/seeds/kraken_decode/ticker_stamped");
const UPDATE: &str = include_str!("../../../../fuzz/seeds/kraken_decode/book_update");
const SNAPSHOT: &str = include_str!("../../../../fuzz/seeds/kraken_decode/book_snapshot");
const TRADES: &str = include_str!("../../../../fuzz/seeds/kraken_decode/trade");

/// Both paths must say `event`, and the fast one must take the frame.
fn assert_hot(frame: &str, stream: &str, event: MarketEvent<'_>) {
    assert_market(frame, stream, event);
    let names = ChannelNames(["ticker", "trade", "book", "ticker"].map(str::to_owned));
    let taken = fast::decode(frame.as_bytes(), &decode::Channels::new(&names), &mut Buffers::default());
    assert!(taken.is_some(), "the fast path declined {frame}");
}

fn assert_market(frame: &str, stream: &str, event: MarketEvent<'_>) {
    paths::assert_market("kraken", frame, stream, event);
}

fn ticker() -> Ticker {
    Ticker {
        figures: VolumeFigures {
            form: Form::Whole,
            unit: VolumeUnit::Base,
            base_volume: Some(number("997038.98383185")),
            quote_volume: None,
            trade_count: None,
            open: None,
            high: Some(number("0.10285")),
            low: Some(number("0.09979")),
            last: Some(number("0.10035")),
            window_s: 86_400,
            venue_time: None,
        },
        top: Top::Quote(Quote {
            bid: Some(level("0.10025", "740")),
            ask: Some(level("0.10036", "1361.44813783")),
            venue_sequence: None,
            venue_time: None,
        }),
    }
}

#[test]
fn a_ticker_is_figures_and_a_quote() {
    assert_hot(TICKER, "ticker:ALGO/USD", MarketEvent::Ticker(ticker()));
    let snapshot = TICKER.replace("\"update\"", "\"snapshot\"");
    assert_market(&snapshot, "ticker:ALGO/USD", MarketEvent::Ticker(ticker()));
    let one_sided = TICKER.replace("1361.44813783", "0.00000000");
    let top = Top::Quote(Quote {
        bid: Some(level("0.10025", "740")),
        ask: None,
        venue_sequence: None,
        venue_time: None,
    });
    assert_hot(&one_sided, "ticker:ALGO/USD", MarketEvent::Ticker(Ticker { top, ..ticker() }));
}

#[test]
fn a_ticker_has_the_venues_time_where_there_is_one() {
    let Ok(Frame::Market { event: MarketEvent::Ticker(ticker), .. }) = &decoder().decode(STAMPED.as_bytes())
    else {
        panic!("no ticker")
    };
    let time = Some(VenueTime::from_nanos(1_776_444_217_075_687_000));
    assert_eq!(ticker.figures.venue_time, time);
    assert!(matches!(ticker.top, Top::Quote(Quote { venue_time, .. }) if venue_time == time));
}

#[test]
fn an_update_keeps_order_and_the_digits_as_written() {
    let bids = [level("0.5657", "1098.3947558"), level("0.5657", "0")];
    let written = [Written { price: 4, size: 8 }, Written { price: 5, size: 8 }];
    let delta = DepthDelta {
        link: Link::Unsaid,
        last: None,
        bids: &bids,
        asks: &[],
        venue_time: Some(VenueTime::from_nanos(1_696_613_755_440_295_000)),
        check: Some(Check { sum: Some(2_114_181_697), bids: &written, asks: &[] }),
    };
    assert_hot(UPDATE, "book:MATIC/USD", MarketEvent::Depth(delta));
}

#[test]
fn a_snapshot_is_the_whole_book_with_its_checksum() {
    let image = BookImage {
        last: None,
        bids: &[level("0.5666", "4831.75496356"), level("0.5665", "6658.22734739")],
        asks: &[level("0.5668", "4410.79769741")],
        venue_time: None,
        check: Some(Check {
            sum: Some(2_439_117_997),
            bids: &[Written { price: 4, size: 8 }; 2],
            asks: &[Written { price: 4, size: 8 }],
        }),
    };
    assert_market(SNAPSHOT, "book:MATIC/USD", MarketEvent::Book(image));
}

#[test]
fn trades_come_oldest_first_and_of_those_before_the_subscription_only_the_newest() {
    let trade = |id, side, size: &str, micros: i64| Trade {
        price: number("0.5147"),
        size: number(size),
        side,
        venue_time: Some(VenueTime::from_nanos(micros * 1_000)),
        number: Some(VenueSequence(id)),
    };
    let first = trade(4_665_846, Side::Buy, "6423.46326", 1_695_628_116_925_533);
    let second = trade(4_665_847, Side::Sell, "1136.19677815", 1_695_628_176_925_603);
    assert_market(TRADES, "trade:MATIC/USD", MarketEvent::Trades(&[first, second]));
    let (head, tail) = TRADES.split_once("\"data\":[").unwrap();
    let (one, other) = tail.trim_end_matches("]}").split_once("},{").unwrap();
    let newest_first = format!("{head}\"data\":[{{{other},{one}}}]}}");
    assert_market(&newest_first, "trade:MATIC/USD", MarketEvent::Trades(&[first, second]));
    let snapshot = TRADES.replace("\"update\"", "\"snapshot\"");
    assert_market(&snapshot, "trade:MATIC/USD", MarketEvent::Trades(&[second]));
    let empty = r#"{"channel":"trade","type":"snapshot","data":[]}"#;
    assert_eq!(decoder().decode(empty.as_bytes()), Ok(Frame::Other));
}

#[test]
fn channels_are_known_by_the_names_of_the_configuration() {
    let names = ChannelNames(["tops", "trade", "l2", "ticker"].map(str::to_owned));
    for (frame, from, to, route) in [
        (UPDATE, "\"book\"", "\"l2\"", Some("l2:MATIC/USD")),
        (TICKER, "\"ticker\"", "\"tops\"", Some("tops:ALGO/USD")),
        (TICKER, "", "", Some("ticker:ALGO/USD")),
        (UPDATE, "", "", None),
    ] {
        let mut decoder = Decoder::new(&names);
        let frame = frame.replacen(from, to, 1);
        let stream = match decoder.decode(frame.as_bytes()).unwrap() {
            Frame::Market { stream, .. } => Some(stream),
            _ => None,
        };
        assert_eq!(stream, route);
    }
}

#[test]
fn whatever_json_means_the_same_decodes_the_same() {
    let expected = format!("{:?}", decoder().decode(UPDATE.as_bytes()));
    for (case, frame) in [
        ("spaced", UPDATE.replace("\":", "\" : ").replace(',', "\n,\t")),
        ("an unknown field", UPDATE.replace("\"bids\"", "\"new\":{\"b\":[1e999]},\"bids\"")),
        ("an escaped symbol", UPDATE.replace("MATIC", "\\u004dATIC")),
        ("data first", {
            let (head, data) = UPDATE[1..UPDATE.len() - 1].split_once(",\"data\"").unwrap();
            format!("{{\"data\"{data},{head}}}")
        }),
        ("an exponent", UPDATE.replace("0.5657,", "56.57e-2,")),
    ] {
        assert_eq!(format!("{:?}", decoder().decode(frame.as_bytes())), expected, "{case}");
    }
}

#[test]
fn the_venues_state_is_whether_it_trades() {
    let status = include_str!("../../../../fuzz/seeds/kraken_decode/status");
    for (word, trading) in [
        ("online", Trading::Open),
        ("post_only", Trading::Open),
        ("maintenance", Trading::Halted),
        ("cancel_only", Trading::Halted),
        ("limit_only_or_whatever_comes", Trading::Halted),
    ] {
        let frame = status.replace("online", word);
        assert_eq!(decoder().decode(frame.as_bytes()), Ok(Frame::Trading(trading)), "{word}");
    }
    let two = status.replace("[{", "[{},{");
    assert!(decoder().decode(two.as_bytes()).is_err(), "which of the two?");
}

#[test]
fn what_is_no_market_data_is_told_apart() {
    let refused =
        |id, message: &str| Frame::Refused { id, code: 0, message: Excerpt::of(message.as_bytes()) };
    for (text, expected) in [
        (
            include_str!("../../../../fuzz/seeds/kraken_decode/acknowledged"),
            Frame::Acknowledged(Ack::Stream("book:ALGO/USD")),
        ),
        (
            r#"{"method":"unsubscribe","result":{"channel":"book","symbol":"A/B"},"success":true,"req_id":4}"#,
            Frame::Acknowledged(Ack::Request(4)),
        ),
        (
            include_str!("../../../../fuzz/seeds/kraken_decode/refused"),
            refused(Some(3), "Currency pair not supported XDG/USD"),
        ),
        (r#"{"Error":"Exceeded msg rate"}"#, refused(None, "Exceeded msg rate")),
        (r#"{"method":"subscribe","success":false}"#, refused(None, "")),
        (r#"{"channel":"heartbeat"}"#, Frame::Other),
        (r#"{"channel":"status","type":"update"}"#, Frame::Other),
        (r#"{"channel":"status","type":"update","data":[{"version":"2.0.0"}]}"#, Frame::Other),
        (r#"{"method":"pong","time_in":"2023-09-24T14:10:23.799685Z"}"#, Frame::Other),
        ("{}", Frame::Unknown),
        ("[1, 2]", Frame::Unknown),
    ] {
        assert_eq!(decoder().decode(text.as_bytes()), Ok(expected), "{text}");
    }
}
