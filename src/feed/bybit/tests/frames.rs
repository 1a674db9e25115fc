//! Each kind of frame, and what it says.

use super::super::Decoder;
use super::{level, number};
use crate::domain::{
    BookImage, Channel, DepthDelta, Form, Link, MarketEvent, Quote, Side, Trade, VenueSequence, VenueTime,
    VolumeFigures, VolumeUnit,
};
use crate::feed::paths;
use crate::feed::{Ack, ChannelNames, Excerpt, Frame};

pub(super) const QUOTE: &str = r#"{"topic":"orderbook.1.BTCUSDT","type":"snapshot","ts":1672304484978,"data":{"s":"BTCUSDT","b":[["16493.50","0.006"]],"a":[["16611.00","0.029"]],"u":18521288,"seq":7961638724},"cts":1672304484976}"#;
pub(super) const BOOK: &str = r#"{"topic":"orderbook.50.BTCUSDT","type":"snapshot","ts":1672304484978,"data":{"s":"BTCUSDT","b":[["16493.50","0.006"],["16493.00","0.100"]],"a":[["16611.00","0.029"]],"u":18521288,"seq":7961638724},"cts":1672304484976}"#;
pub(super) const DELTA: &str = r#"{"topic":"orderbook.50.BTCUSDT","type":"delta","ts":1687940967466,"data":{"s":"BTCUSDT","b":[["30247.20","30.028"],["30245.40","0"]],"a":[],"u":177400507,"seq":66544703342},"cts":1687940967464}"#;
pub(super) const TRADES: &str = r#"{"topic":"publicTrade.BTCUSDT","type":"snapshot","ts":1672304486868,"data":[{"T":1672304486865,"s":"BTCUSDT","S":"Buy","v":"0.001","p":"16578.50","L":"PlusTick","i":"a","BT":false,"RPI":false,"seq":1},{"T":1672304486866,"s":"BTCUSDT","S":"Sell","v":"0.5","p":"16578.40","L":"MinusTick","i":"b","BT":false,"RPI":true,"seq":2}]}"#;
pub(super) const TICKER: &str = r#"{"topic":"tickers.BTCUSDT","ts":1673853746003,"type":"snapshot","cs":2588407389,"data":{"symbol":"BTCUSDT","lastPrice":"21109.77","highPrice24h":"21426.99","lowPrice24h":"20575","prevPrice24h":"20704.93","volume24h":"6780.866843","turnover24h":"141946527.22907118","price24hPcnt":"0.0196","usdIndexPrice":"21120.2400136"}}"#;

fn assert_market(frame: &str, stream: &str, event: MarketEvent<'_>) {
    paths::assert_market("bybit-linear", frame, stream, event);
}

fn is_fast(frame: &str) -> bool {
    Decoder::new().fast(frame.as_bytes()).is_some()
}

fn quote() -> Quote {
    Quote {
        bid: Some(level("16493.5", "0.006")),
        ask: Some(level("16611", "0.029")),
        venue_sequence: Some(VenueSequence(18_521_288)),
        venue_time: VenueTime::from_millis(1_672_304_484_976),
    }
}

#[test]
fn the_first_level_is_a_quote_with_the_engines_time() {
    assert_market(QUOTE, "orderbook.1.BTCUSDT", MarketEvent::Quote(quote()));
    let no_cts = QUOTE.replace(r#","cts":1672304484976"#, "");
    let gateway = Quote { venue_time: VenueTime::from_millis(1_672_304_484_978), ..quote() };
    assert_market(&no_cts, "orderbook.1.BTCUSDT", MarketEvent::Quote(gateway));
    let other_order =
        QUOTE.replace(r#""type":"snapshot","ts":1672304484978"#, r#""ts":1672304484978,"type":"snapshot""#);
    assert_market(&other_order, "orderbook.1.BTCUSDT", MarketEvent::Quote(quote()));
    for frame in [QUOTE, &no_cts, &other_order] {
        assert!(is_fast(frame), "{frame}");
    }
}

#[test]
fn a_side_without_level_or_size_is_no_side() {
    for empty in ["[]", r#"[["16611.00","0"]]"#, r#"[["0","0"]]"#] {
        let frame = QUOTE.replace(r#"[["16611.00","0.029"]]"#, empty);
        assert_market(&frame, "orderbook.1.BTCUSDT", MarketEvent::Quote(Quote { ask: None, ..quote() }));
        assert!(is_fast(&frame), "{frame}");
    }
}

#[test]
fn a_snapshot_is_a_whole_book_and_a_delta_covers_its_own_id() {
    let bids = [level("16493.5", "0.006"), level("16493", "0.1")];
    let asks = [level("16611", "0.029")];
    let (last, venue_time) = (Some(VenueSequence(18_521_288)), VenueTime::from_millis(1_672_304_484_976));
    let image = BookImage { last, bids: &bids, asks: &asks, venue_time, check: None };
    assert_market(BOOK, "orderbook.50.BTCUSDT", MarketEvent::Book(image));
    let bids = [level("30247.2", "30.028"), level("30245.4", "0")];
    let delta = DepthDelta {
        link: Link::From(VenueSequence(177_400_507)),
        last: Some(VenueSequence(177_400_507)),
        bids: &bids,
        asks: &[],
        venue_time: VenueTime::from_millis(1_687_940_967_464),
        check: None,
    };
    assert_market(DELTA, "orderbook.50.BTCUSDT", MarketEvent::Depth(delta));
    assert!(is_fast(BOOK) && is_fast(DELTA));
}

#[test]
fn an_update_id_of_one_is_a_new_beginning_whatever_the_type() {
    let frame = DELTA.replace("177400507", "1");
    let bids = [level("30247.2", "30.028"), level("30245.4", "0")];
    let venue_time = VenueTime::from_millis(1_687_940_967_464);
    let image = BookImage { last: Some(VenueSequence(1)), bids: &bids, asks: &[], venue_time, check: None };
    assert_market(&frame, "orderbook.50.BTCUSDT", MarketEvent::Book(image));
}

#[test]
fn trades_come_oldest_first_without_block_trades() {
    let trade = |price, size, side, time| Trade {
        price: number(price),
        size: number(size),
        side,
        venue_time: VenueTime::from_millis(time),
        number: None,
    };
    let bought = trade("16578.5", "0.001", Side::Buy, 1_672_304_486_865);
    let sold = trade("16578.4", "0.5", Side::Sell, 1_672_304_486_866);
    assert_market(TRADES, "publicTrade.BTCUSDT", MarketEvent::Trades(&[bought, sold]));
    let late = TRADES.replace("1672304486865", "1672304486867");
    let bought_late = trade("16578.5", "0.001", Side::Buy, 1_672_304_486_867);
    assert_market(&late, "publicTrade.BTCUSDT", MarketEvent::Trades(&[sold, bought_late]));
    let block = TRADES.replacen(r#""BT":false"#, r#""BT":true"#, 1);
    assert_market(&block, "publicTrade.BTCUSDT", MarketEvent::Trades(&[sold]));
    let blocks = TRADES.replace(r#""BT":false"#, r#""BT":true"#);
    assert_eq!(Decoder::new().decode(blocks.as_bytes()), Ok(Frame::Other));
}

#[test]
fn a_ticker_is_whole_and_a_delta_says_what_changed() {
    let figures = VolumeFigures {
        form: Form::Whole,
        unit: VolumeUnit::Size,
        base_volume: Some(number("6780.866843")),
        quote_volume: Some(number("141946527.22907118")),
        trade_count: None,
        open: Some(number("20704.93")),
        high: Some(number("21426.99")),
        low: Some(number("20575")),
        last: Some(number("21109.77")),
        window_s: 86_400,
        venue_time: VenueTime::from_millis(1_673_853_746_003),
    };
    assert_market(TICKER, "tickers.BTCUSDT", MarketEvent::Volume(figures));
    let delta = r#"{"topic":"tickers.BTCUSDT","type":"delta","data":{"symbol":"BTCUSDT","lastPrice":"17216.00","bid1Price":"17215.50","prevPrice24h":""},"cs":24987956059,"ts":1673853746003}"#;
    let changes = VolumeFigures {
        form: Form::Changes,
        base_volume: None,
        quote_volume: None,
        open: None,
        high: None,
        low: None,
        last: Some(number("17216")),
        ..figures
    };
    assert_market(delta, "tickers.BTCUSDT", MarketEvent::Volume(changes));
}

#[test]
fn channels_are_known_by_their_configured_names() {
    let names = ChannelNames(["best", "deals", "ob.50", "day"].map(str::to_owned));
    let mut decoder = Decoder::named(&names);
    for (frame, was, topic) in [
        (QUOTE, "orderbook.1.", "best."),
        (DELTA, "orderbook.50.", "ob.200."),
        (TRADES, "publicTrade.", "deals."),
        (TICKER, "tickers.", "day."),
    ] {
        assert_eq!(decoder.decode(frame.as_bytes()), Ok(Frame::Unknown), "{frame}");
        let renamed = frame.replacen(was, topic, 1);
        let Ok(Frame::Market { stream, .. }) = decoder.decode(renamed.as_bytes()) else {
            panic!("{renamed}")
        };
        assert_eq!(stream, format!("{topic}BTCUSDT"));
    }
    assert_eq!(names.get(Channel::Depth), "ob.50");
}

#[test]
fn whatever_json_means_the_same_decodes_the_same() {
    for frame in [QUOTE, BOOK, DELTA, TRADES, TICKER] {
        let mut first = Decoder::new();
        let Ok(Frame::Market { stream, event }) = first.decode(frame.as_bytes()) else { panic!("{frame}") };
        let (topic, rest) = frame[1..frame.len() - 1].split_once(',').unwrap();
        for other in [
            frame.replace("\":", "\" : ").replace(",\"", " ,\n\""),
            frame.replacen('{', r#"{"new":[{"b":[1e999]}],"#, 1),
            format!("{{{rest},{topic}}}"),
            frame.replacen("BTCUSDT", "\\u0042TCUSDT", 1),
            frame.replacen(r#"":"BTC"#, r#"":"\u0042TC"#, 1),
        ] {
            assert_market(&other, stream, event);
        }
    }
}

#[test]
fn what_is_no_market_data_is_told_apart() {
    let refused =
        |id, message: &str| Frame::Refused { id, code: 0, message: Excerpt::of(message.as_bytes()) };
    for (text, expected) in [
        (
            r#"{"success":true,"ret_msg":"","conn_id":"c","req_id":"7","op":"subscribe"}"#,
            Frame::Acknowledged(Ack::Request(7)),
        ),
        (
            r#"{"success":true,"ret_msg":"subscribe","conn_id":"c","op":"subscribe"}"#,
            Frame::Acknowledged(Ack::Oldest),
        ),
        (
            r#"{"success":true,"ret_msg":"","req_id":"9","op":"unsubscribe"}"#,
            Frame::Acknowledged(Ack::Request(9)),
        ),
        (
            r#"{"success":false,"ret_msg":"error:handler not found","req_id":"8","op":"subscribe"}"#,
            refused(Some(8), "error:handler not found"),
        ),
        (
            r#"{"success":false,"ret_msg":"Params Error","op":"subscribe","req_id":""}"#,
            refused(None, "Params Error"),
        ),
        (r#"{"success":true,"ret_msg":"pong","conn_id":"c","req_id":"","op":"ping"}"#, Frame::Other),
        (r#"{"op":"pong","args":["1675418560633"]}"#, Frame::Other),
        (r#"{"topic":"kline.5.BTCUSDT","type":"snapshot","data":[]}"#, Frame::Unknown),
        (r#"{"topic":"allLiquidation.BTCUSDT"}"#, Frame::Unknown),
        ("{}", Frame::Unknown),
        ("[1, 2]", Frame::Unknown),
        (" \"pong\"", Frame::Unknown),
    ] {
        assert_eq!(Decoder::new().decode(text.as_bytes()), Ok(expected), "{text}");
    }
}

#[test]
fn levels_of_an_earlier_frame_never_show_in_a_later_one() {
    let mut decoder = Decoder::new();
    decoder.decode(BOOK.as_bytes()).unwrap();
    let Ok(Frame::Market { event: MarketEvent::Depth(delta), .. }) = decoder.decode(DELTA.as_bytes()) else {
        panic!("no depth")
    };
    assert_eq!((delta.bids.len(), delta.asks.len()), (2, 0));
}
