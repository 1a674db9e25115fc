//! Each kind of frame, and what it says.

use super::super::{Decoder, Hyperliquid, fast};
use super::{decoder, level, number};
use crate::domain::{BookImage, Form, MarketEvent, Quote, Side, Trade, VenueTime, VolumeFigures, VolumeUnit};
use crate::feed::levels::Buffers;
use crate::feed::paths;
use crate::feed::{Ack, ChannelNames, Excerpt, Frame, VenueProtocol};

const QUOTE: &str = include_str!("../../../../fuzz/seeds/hyperliquid_decode/quote");
const QUOTE_ONE_SIDED: &str = include_str!("../../../../fuzz/seeds/hyperliquid_decode/quote_one_sided");
const BOOK: &str = include_str!("../../../../fuzz/seeds/hyperliquid_decode/book");
const BOOK_FAST: &str = include_str!("../../../../fuzz/seeds/hyperliquid_decode/book_fast");
const TRADES: &str = include_str!("../../../../fuzz/seeds/hyperliquid_decode/trades");
const FIGURES: &str = include_str!("../../../../fuzz/seeds/hyperliquid_decode/figures");

/// Both paths must say `event`.
fn assert_market(frame: &str, stream: &str, event: MarketEvent<'_>) {
    paths::assert_market("hyperliquid", frame, stream, event);
}

fn is_fast(frame: &str) -> bool {
    let names = ChannelNames::of(Hyperliquid.defaults());
    fast::decode(frame.as_bytes(), &names, &mut Buffers::default()).is_some()
}

#[test]
fn a_top_of_book_is_a_quote_with_a_time_and_no_sequence() {
    assert!(is_fast(QUOTE) && is_fast(QUOTE_ONE_SIDED));
    let quote = Quote {
        bid: Some(level("84143", "10.25923")),
        ask: Some(level("84144", "50.66422")),
        venue_sequence: None,
        venue_time: VenueTime::from_millis(1_790_232_237_145),
    };
    assert_market(QUOTE, "bbo:BTC", MarketEvent::Quote(quote));
    let one_sided = Quote { bid: None, ask: Some(level("0.004413", "5803647")), ..quote };
    assert_market(QUOTE_ONE_SIDED, "bbo:kPEPE", MarketEvent::Quote(one_sided));
}

#[test]
fn every_book_is_a_whole_one() {
    assert!(is_fast(BOOK) && is_fast(BOOK_FAST));
    let (bids, asks) =
        ([level("84143", "10.25923"), level("84142", "1.65875")], [level("84144", "50.66449")]);
    let image = BookImage {
        last: None,
        bids: &bids,
        asks: &asks,
        venue_time: VenueTime::from_millis(1_790_232_236_546),
        check: None,
    };
    assert_market(BOOK, "l2Book:BTC", MarketEvent::Book(image));
    let fast = BookImage { bids: &bids[..1], asks: &[], ..image };
    assert_market(BOOK_FAST, "l2Book:BTC", MarketEvent::Book(fast));
}

#[test]
fn trades_come_oldest_first() {
    let trade = |price, size, side, time| Trade {
        price: number(price),
        size: number(size),
        side,
        venue_time: VenueTime::from_millis(time),
        number: None,
    };
    let trades = [
        trade("85560", "1.5", Side::Sell, 1_791_261_053_060),
        trade("85561", "0.00047", Side::Buy, 1_791_261_053_067),
    ];
    assert_market(TRADES, "trades:BTC", MarketEvent::Trades(&trades));
    assert_eq!(decoder().decode(br#"{"channel":"trades","data":[]}"#), Ok(Frame::Other));
}

#[test]
fn figures_are_what_the_venue_sends_and_no_more() {
    let figures = VolumeFigures {
        form: Form::Whole,
        unit: VolumeUnit::Size,
        base_volume: Some(number("17577.61508")),
        quote_volume: Some(number("1128098483.2000689507")),
        trade_count: None,
        open: Some(number("63564")),
        high: None,
        low: None,
        last: None,
        window_s: 86_400,
        venue_time: None,
    };
    assert_market(FIGURES, "activeAssetCtx:BTC", MarketEvent::Volume(figures));
    let less = FIGURES.replace(r#","dayBaseVlm":"17577.61508""#, "");
    let expected = VolumeFigures { base_volume: None, ..figures };
    assert_market(&less, "activeAssetCtx:BTC", MarketEvent::Volume(expected));
}

#[test]
fn channels_are_known_by_their_configured_names() {
    let names = ChannelNames(["top", "prints", "l2", "day"].map(str::to_owned));
    let mut decoder = Decoder::new(&names);
    let renamed = BOOK.replace("l2Book", "l2");
    let decoded = decoder.decode(renamed.as_bytes());
    assert!(
        matches!(decoded, Ok(Frame::Market { stream: "l2:BTC", event: MarketEvent::Book(_) })),
        "{decoded:?}"
    );
    assert_eq!(decoder.decode(BOOK.as_bytes()), Ok(Frame::Unknown));
}

#[test]
fn what_is_no_market_data_is_told_apart() {
    let refused =
        |message: &str| Frame::Refused { id: None, code: 0, message: Excerpt::of(message.as_bytes()) };
    let response = |method: &str, fields: &str| {
        format!(
            r#"{{"channel":"subscriptionResponse","data":{{"method":"{method}","subscription":{{{fields}}}}}}}"#
        )
    };
    let book = r#""type":"l2Book","coin":"BTC","nSigFigs":null,"fast":true"#;
    for (text, expected) in [
        (response("subscribe", book), Frame::Acknowledged(Ack::Stream("l2Book:BTC"))),
        (response("unsubscribe", book), Frame::Other),
        (response("subscribe", r#""type":"allMids""#), Frame::Other),
        (r#"{"channel":"subscriptionResponse","data":{}}"#.to_owned(), Frame::Other),
        (r#"{"channel":"pong"}"#.to_owned(), Frame::Other),
        ("Websocket connection established.".to_owned(), Frame::Other),
        (r#"{"channel":"error","data":"Invalid subscription"}"#.to_owned(), refused("Invalid subscription")),
        (r#"{"channel":"error","data":{"a":1}}"#.to_owned(), refused(r#"{"a":1}"#)),
        (r#"{"channel":"error"}"#.to_owned(), refused("")),
        (r#"{"channel":"candle","data":{"s":"BTC"}}"#.to_owned(), Frame::Unknown),
        (r#"{"channel":"activeSpotAssetCtx","data":{"coin":"@107"}}"#.to_owned(), Frame::Unknown),
        ("{}".to_owned(), Frame::Unknown),
        ("[1, 2]".to_owned(), Frame::Unknown),
    ] {
        assert_eq!(decoder().decode(text.as_bytes()), Ok(expected), "{text}");
    }
}
