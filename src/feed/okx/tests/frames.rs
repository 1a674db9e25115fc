//! Each kind of frame, and what it says.

use super::super::{Decoder, Okx, fast};
use super::{decoder, level, number};
use crate::domain::{
    BookImage, Check, DepthDelta, Form, Link, MarketEvent, Quote, Side, Trade, Trading, VenueSequence,
    VenueTime, VolumeFigures, VolumeUnit, Written,
};
use crate::feed::levels::Buffers;
use crate::feed::paths;
use crate::feed::{Ack, ChannelNames, Excerpt, Frame, VenueProtocol};

const QUOTE: &str = include_str!("../../../../fuzz/seeds/okx_decode/quote");
const SNAPSHOT: &str = include_str!("../../../../fuzz/seeds/okx_decode/snapshot");
const UPDATE: &str = include_str!("../../../../fuzz/seeds/okx_decode/update");
const UPDATE_2022: &str = include_str!("../../../../fuzz/seeds/okx_decode/update_2022");
const TRADES: &str = include_str!("../../../../fuzz/seeds/okx_decode/trades");
const TICKER: &str = include_str!("../../../../fuzz/seeds/okx_decode/ticker");

/// Both paths must say `event`.
fn assert_market(frame: &str, stream: &str, event: MarketEvent<'_>) {
    paths::assert_market("okx", frame, stream, event);
}

fn is_fast(frame: &str) -> bool {
    let names = ChannelNames::of(Okx.defaults());
    fast::decode(frame.as_bytes(), &names, &mut Buffers::default()).is_some()
}

fn quote() -> Quote {
    Quote {
        bid: Some(level("61000.1", "3.5")),
        ask: Some(level("61000.2", "0.00012")),
        venue_sequence: Some(VenueSequence(4_153_112_115)),
        venue_time: VenueTime::from_millis(1_790_071_390_505),
    }
}

const fn written(price: u8, size: u8) -> Written {
    Written { price, size }
}

#[test]
fn a_top_of_book_is_a_quote_with_sequence_and_time() {
    assert!(is_fast(QUOTE));
    assert_market(QUOTE, "bbo-tbt:BTC-USDT", MarketEvent::Quote(quote()));
}

#[test]
fn a_side_without_levels_or_size_is_no_side() {
    for (from, to) in [(r#"[["61000.1","3.5","0","12"]]"#, "[]"), (r#""3.5""#, r#""0""#)] {
        let frame = QUOTE.replace(from, to);
        assert!(is_fast(&frame));
        assert_market(&frame, "bbo-tbt:BTC-USDT", MarketEvent::Quote(Quote { bid: None, ..quote() }));
    }
}

#[test]
fn a_snapshot_is_the_whole_book() {
    let (bids, asks) = ([level("120.66", "28.4")], [level("120.67", "90.475"), level("120.68", "83.8")]);
    let check = Check { sum: None, bids: &[written(2, 1)], asks: &[written(2, 3), written(2, 2)] };
    let image = BookImage {
        last: Some(VenueSequence(32_032_594_283)),
        bids: &bids,
        asks: &asks,
        venue_time: VenueTime::from_millis(1_790_394_877_200),
        check: Some(check),
    };
    assert_market(SNAPSHOT, "books:SOL-USDT", MarketEvent::Book(image));
    let unnumbered = SNAPSHOT.replace(r#","prevSeqId":-1"#, "");
    assert_market(&unnumbered, "books:SOL-USDT", MarketEvent::Book(image));
}

#[test]
fn an_update_follows_the_one_that_it_names_and_keeps_the_venues_digits() {
    assert!(is_fast(UPDATE));
    let (bids, asks) = ([level("120.66", "0"), level("120.6", "1.5")], [level("120.67", "60.475")]);
    let check = Check { sum: None, bids: &[written(2, 0), written(2, 2)], asks: &[written(2, 3)] };
    let delta = DepthDelta {
        link: Link::After(VenueSequence(32_032_594_283)),
        last: Some(VenueSequence(32_032_594_315)),
        bids: &bids,
        asks: &asks,
        venue_time: VenueTime::from_millis(1_790_394_877_300),
        check: Some(check),
    };
    assert_market(UPDATE, "books:SOL-USDT", MarketEvent::Depth(delta));
    let no_checksum = UPDATE.replace(r#""checksum":0,"#, "");
    assert!(is_fast(&no_checksum));
    assert_market(&no_checksum, "books:SOL-USDT", MarketEvent::Depth(delta));
}

#[test]
fn an_update_of_2022_has_a_checksum_and_no_numbers() {
    assert!(is_fast(UPDATE_2022));
    let bids = [level("30182.6", "452")];
    let delta = DepthDelta {
        link: Link::Unsaid,
        last: None,
        bids: &bids,
        asks: &[],
        venue_time: VenueTime::from_millis(1_652_459_225_464),
        check: Some(Check { sum: Some(3_380_919_542), bids: &[written(1, 0)], asks: &[] }),
    };
    assert_market(UPDATE_2022, "books:BTC-USD-220527", MarketEvent::Depth(delta));
}

#[test]
fn trades_come_oldest_first() {
    let trade = |id, price, size, side, time| Trade {
        price: number(price),
        size: number(size),
        side,
        venue_time: VenueTime::from_millis(time),
        number: Some(VenueSequence(id)),
    };
    let trades = [
        trade(6, "30243.4", "1", Side::Sell, 1_652_459_226_180),
        trade(7, "30243.5", "0.0002", Side::Buy, 1_652_459_226_187),
    ];
    assert_market(TRADES, "trades:BTC-USDT", MarketEvent::Trades(&trades));
    let unnumbered = TRADES.replace("\"tradeId\":\"7\"", "\"tradeId\":\"x\"");
    let trades = [trades[0], Trade { number: None, ..trades[1] }];
    assert_market(&unnumbered, "trades:BTC-USDT", MarketEvent::Trades(&trades));
    let empty = r#"{"arg":{"channel":"trades","instId":"BTC-USDT"},"data":[]}"#;
    assert_eq!(decoder().decode(empty.as_bytes()), Ok(Frame::Other));
}

#[test]
fn a_tickers_volumes_are_of_base_and_quote_on_spot_and_of_base_elsewhere() {
    let spot = VolumeFigures {
        form: Form::Whole,
        unit: VolumeUnit::Base,
        base_volume: Some(number("17602.13")),
        quote_volume: Some(number("525802090.62")),
        trade_count: None,
        open: Some(number("29700.4")),
        high: Some(number("31073")),
        low: Some(number("28020.3")),
        last: Some(number("30236")),
        window_s: 86_400,
        venue_time: VenueTime::from_millis(1_652_459_224_956),
    };
    assert_market(TICKER, "tickers:BTC-USDT", MarketEvent::Volume(spot));
    let dated = TICKER
        .replace("SPOT", "FUTURES")
        .replace("525802090.62", "2620.289")
        .replace("17602.13", "779573")
        .replace(r#""last":"30236""#, r#""last":"""#);
    let expected =
        VolumeFigures { base_volume: Some(number("2620.289")), quote_volume: None, last: None, ..spot };
    assert_market(&dated, "tickers:BTC-USDT", MarketEvent::Volume(expected));
}

#[test]
fn channels_are_known_by_their_configured_names() {
    let names = ChannelNames(["best", "prints", "books-l2-tbt", "day"].map(str::to_owned));
    let mut decoder = Decoder::new(&names);
    let renamed = UPDATE.replace(r#""books""#, r#""books-l2-tbt""#);
    let decoded = decoder.decode(renamed.as_bytes());
    let expected = matches!(
        decoded,
        Ok(Frame::Market { stream: "books-l2-tbt:SOL-USDT", event: MarketEvent::Depth(_) })
    );
    assert!(expected, "{decoded:?}");
    assert_eq!(decoder.decode(UPDATE.as_bytes()), Ok(Frame::Unknown));
}

#[test]
fn the_states_of_instruments_are_whether_they_trade() {
    let states = include_str!("../../../../fuzz/seeds/okx_decode/instruments");
    let of = |symbol: &str, trading| (symbol.to_owned(), trading);
    for (word, second) in
        [("suspend", Trading::Halted), ("preopen", Trading::Halted), ("live", Trading::Open)]
    {
        let frame = states.replace("suspend", word);
        let expected = [of("BTC-USDT", Trading::Open), of("LUNA-USDT", second)];
        assert_eq!(decoder().decode(frame.as_bytes()), Ok(Frame::TradingOf(&expected)), "{word}");
    }
    let unsaid = r#"{"arg":{"channel":"instruments","instType":"SWAP"},"data":[{"instId":"A-B-SWAP"},{}]}"#;
    assert_eq!(decoder().decode(unsaid.as_bytes()), Ok(Frame::TradingOf(&[])));
    assert!(decoder().decode(unsaid.replace("[{", "[3,{").as_bytes()).is_err());
}

#[test]
fn what_is_no_market_data_is_told_apart() {
    let refused =
        |id, code, message: &str| Frame::Refused { id, code, message: Excerpt::of(message.as_bytes()) };
    for (text, expected) in [
        ("pong", Frame::Other),
        (
            r#"{"id":"1","event":"subscribe","arg":{"channel":"books","instId":"BTC-USDT"},"connId":"a"}"#,
            Frame::Acknowledged(Ack::Stream("books:BTC-USDT")),
        ),
        (r#"{"event":"subscribe","arg":{"channel":"account"},"connId":"a"}"#, Frame::Other),
        (
            r#"{"id":"1","event":"subscribe","arg":{"channel":"instruments","instType":"SPOT"},"connId":"a"}"#,
            Frame::Acknowledged(Ack::Stream("instruments:SPOT")),
        ),
        (r#"{"event":"unsubscribe","arg":{"channel":"books","instId":"BTC-USDT"}}"#, Frame::Other),
        (r#"{"event":"channel-conn-count","channel":"orders","connCount":"2","connId":"a"}"#, Frame::Other),
        (r#"{"event":"error","msg":"Please log in","code":"60011"}"#, refused(None, 60_011, "Please log in")),
        (
            r#"{"id":"12","event":"error","code":"60012","msg":"Invalid request"}"#,
            refused(Some(12), 60_012, "Invalid request"),
        ),
        (r#"{"event":"error"}"#, refused(None, 0, "")),
        (r#"{"event":"notice","code":"64008","msg":"soon"}"#, Frame::ShuttingDown),
        (r#"{"event":"notice","code":"64009","msg":"else"}"#, Frame::Other),
        (r#"{"arg":{"channel":"candle1m","instId":"BTC-USDT"},"data":[["1"]]}"#, Frame::Unknown),
        ("{}", Frame::Unknown),
        ("[1, 2]", Frame::Unknown),
        (" \"text\"", Frame::Unknown),
    ] {
        assert_eq!(decoder().decode(text.as_bytes()), Ok(expected), "{text}");
    }
}
