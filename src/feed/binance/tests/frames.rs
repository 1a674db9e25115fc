//! Each kind of frame, and what it says.

use super::super::Decoder;
use super::{level, number};
use crate::domain::{
    DepthDelta, Form, Link, MarketEvent, Quote, Side, Trade, VenueSequence, VenueTime, VolumeFigures,
    VolumeUnit,
};
use crate::feed::paths;
use crate::feed::{Ack, Excerpt, Frame};

const QUOTE: &str = r#"{"stream":"btcusdt@bookTicker","data":{"u":50000000001,"s":"BTCUSDT","b":"61000.10000000","B":"3.50000000","a":"61000.20000000","A":"0.00012000"}}"#;
const TRADE: &str = r#"{"stream":"ethusdt@trade","data":{"e":"trade","E":1723161255343,"s":"ETHUSDT","t":3735683259,"p":"2683.80000000","q":"0.02000000","T":1723161255342,"m":true,"M":true}}"#;
const DEPTH: &str = r#"{"stream":"btcusdt@depth@100ms","data":{"e":"depthUpdate","E":1723161255308,"s":"BTCUSDT","U":157,"u":160,"b":[["61000.10000000","0.00000000"],["60999.00000000","1.25000000"]],"a":[["61000.20000000","10.00000000"]]}}"#;
const TICKER: &str = r#"{"stream":"bnbbtc@ticker","data":{"e":"24hrTicker","E":1672515782136,"s":"BNBBTC","p":"-0.00150000","P":"-2.500","w":"0.00180000","x":"0.00090000","c":"0.00250000","Q":"10.00000000","b":"0.00240000","B":"10.00000000","a":"0.00260000","A":"100.00000000","o":"0.00100000","h":"0.00250000","l":"0.00090000","v":"10000.00000000","q":"18.00000000","O":0,"C":86400000,"F":-1,"L":18150,"n":18151}}"#;

/// Both paths must say `event`, and the fast one must take the frame.
fn assert_market(frame: &str, stream: &str, event: MarketEvent<'_>) {
    paths::assert_market("binance", frame, stream, event);
    assert!(Decoder::new().0.fast(frame.as_bytes()).is_some(), "the fast path declined {frame}");
}

fn quote() -> Quote {
    Quote {
        bid: Some(level("61000.1", "3.5")),
        ask: Some(level("61000.2", "0.00012")),
        venue_sequence: Some(VenueSequence(50_000_000_001)),
        venue_time: None,
    }
}

#[test]
fn a_book_ticker_is_a_quote_without_venue_time() {
    assert_market(QUOTE, "btcusdt@bookTicker", MarketEvent::Quote(quote()));
}

#[test]
fn a_side_of_size_zero_is_no_side() {
    let frame = QUOTE.replace("61000.10000000", "0.00000000").replace("3.50000000", "0.00000000");
    assert_market(&frame, "btcusdt@bookTicker", MarketEvent::Quote(Quote { bid: None, ..quote() }));
    let frame = QUOTE.replace("0.00012000", "0.00000000");
    assert_market(&frame, "btcusdt@bookTicker", MarketEvent::Quote(Quote { ask: None, ..quote() }));
}

#[test]
fn a_trade_has_its_own_time_and_its_aggressors_side() {
    let trade = Trade {
        price: number("2683.8"),
        size: number("0.02"),
        side: Side::Sell,
        venue_time: VenueTime::from_millis(1_723_161_255_342),
        number: Some(VenueSequence(3_735_683_259)),
    };
    assert_market(TRADE, "ethusdt@trade", MarketEvent::Trades(&[trade]));
    let bought = TRADE.replace("\"m\":true", "\"m\":false");
    assert_market(&bought, "ethusdt@trade", MarketEvent::Trades(&[Trade { side: Side::Buy, ..trade }]));
}

#[test]
fn a_depth_update_keeps_every_level_in_order_and_zero_sizes() {
    let bids = [level("61000.1", "0"), level("60999", "1.25")];
    let asks = [level("61000.2", "10")];
    let delta = DepthDelta {
        link: Link::From(VenueSequence(157)),
        last: Some(VenueSequence(160)),
        bids: &bids,
        asks: &asks,
        venue_time: VenueTime::from_millis(1_723_161_255_308),
        check: None,
    };
    assert_market(DEPTH, "btcusdt@depth@100ms", MarketEvent::Depth(delta));
}

#[test]
fn levels_of_an_earlier_frame_never_show_in_a_later_one() {
    let empty = DEPTH.replace(r#"[["61000.20000000","10.00000000"]]"#, "[]");
    let mut decoder = Decoder::new();
    decoder.decode(DEPTH.as_bytes()).unwrap();
    let Ok(Frame::Market { event: MarketEvent::Depth(delta), .. }) = decoder.decode(empty.as_bytes()) else {
        panic!("no depth")
    };
    assert_eq!((delta.bids.len(), delta.asks.len()), (2, 0));
}

#[test]
fn a_ticker_is_the_figures_of_a_day() {
    let figures = VolumeFigures {
        form: Form::Whole,
        unit: VolumeUnit::Base,
        base_volume: Some(number("10000")),
        quote_volume: Some(number("18")),
        trade_count: Some(18_151),
        open: Some(number("0.001")),
        high: Some(number("0.0025")),
        low: Some(number("0.0009")),
        last: Some(number("0.0025")),
        window_s: 86_400,
        venue_time: VenueTime::from_millis(1_672_515_782_136),
    };
    assert_market(TICKER, "bnbbtc@ticker", MarketEvent::Volume(figures));
    let no_open = TICKER.replace(r#""o":"0.00100000""#, r#""o":"0.00000000""#);
    assert_market(&no_open, "bnbbtc@ticker", MarketEvent::Volume(VolumeFigures { open: None, ..figures }));
}

#[test]
fn whatever_json_means_the_same_decodes_the_same() {
    for (case, frame) in [
        ("spaced", QUOTE.replace(':', " : ").replace(',', "\n,\t")),
        ("an unknown field", QUOTE.replace(r#""u":"#, r#""new":{"b":[1e999]},"u":"#)),
        ("data before stream", {
            let (stream, data) = QUOTE[1..QUOTE.len() - 1].split_once(",\"data\"").unwrap();
            format!("{{\"data\"{data},{stream}}}")
        }),
        ("an escaped symbol", QUOTE.replace("BTCUSDT", "\\u0042TCUSDT")),
        ("an escaped price", QUOTE.replace("61000.10000000", "6100\\u0030.1")),
        ("an escaped stream name", QUOTE.replace('@', "\\u0040")),
        ("an event type, as on futures", QUOTE.replace(r#""u":"#, r#""e":"bookTicker","u":"#)),
        ("no zeros at the end", QUOTE.replace("0000000\"", "\"")),
    ] {
        let expected = Ok(Frame::Market { stream: "btcusdt@bookTicker", event: MarketEvent::Quote(quote()) });
        assert_eq!(Decoder::new().decode(frame.as_bytes()), expected, "{case}");
    }
}

#[test]
fn order_ids_of_older_trade_frames_do_not_matter() {
    let frame = TRADE.replace(r#","T":"#, r#","b":88,"a":50,"T":"#);
    let expected = Decoder::new().decode(TRADE.as_bytes()).map(|frame| format!("{frame:?}"));
    assert_eq!(Decoder::new().decode(frame.as_bytes()).map(|frame| format!("{frame:?}")), expected);
}

#[test]
fn what_is_no_market_data_is_told_apart() {
    let refused =
        |id, code, message: &str| Frame::Refused { id, code, message: Excerpt::of(message.as_bytes()) };
    for (text, expected) in [
        (r#"{"result":null,"id":1}"#, Frame::Acknowledged(Ack::Request(1))),
        (r#"{"id":18446744073709551615,"result":null}"#, Frame::Acknowledged(Ack::Request(u64::MAX))),
        (r#"{"result":["btcusdt@trade"],"id":3}"#, Frame::Acknowledged(Ack::Request(3))),
        (r#"{"result":null,"id":null}"#, Frame::Unknown),
        (r#"{"result":null,"id":"abc"}"#, Frame::Unknown),
        (r#"{"code":2,"msg":"Invalid request"}"#, refused(None, 2, "Invalid request")),
        (r#"{"code":0,"msg":"Unknown property","id":9}"#, refused(Some(9), 0, "Unknown property")),
        (r#"{"error":{"code":3,"msg":"Invalid JSON"},"id":4}"#, refused(Some(4), 3, "Invalid JSON")),
        (r#"{"id":5,"status":400,"error":{"code":-1100}}"#, refused(Some(5), -1_100, "")),
        (r#"{"e":"serverShutdown","E":1770123456789}"#, Frame::ShuttingDown),
        (r#"{"event":{"e":"serverShutdown","E":1770123456789}}"#, Frame::ShuttingDown),
        (r#"{"stream":"!serverShutdown","data":{"e":"serverShutdown"}}"#, Frame::ShuttingDown),
        (r#"{"stream":"a@trade","data":{"e":"serverShutdown","E":1}}"#, Frame::ShuttingDown),
        (r#"{"stream":"btcusdt@kline_1m","data":{"e":"kline"}}"#, Frame::Unknown),
        (r#"{"stream":"btcusdt@depth20@100ms","data":{"lastUpdateId":1}}"#, Frame::Unknown),
        (r#"{"stream":"!ticker@arr","data":[]}"#, Frame::Unknown),
        (r#"{"e":"outboundAccountPosition"}"#, Frame::Unknown),
        (r#"{"event":7}"#, Frame::Unknown),
        ("{}", Frame::Unknown),
        ("[1, 2]", Frame::Unknown),
        (r#"["btcusdt@bookTicker",{"u":1}]"#, Frame::Unknown),
        (" \"text\"", Frame::Unknown),
    ] {
        assert_eq!(Decoder::new().decode(text.as_bytes()), Ok(expected), "{text}");
    }
}
