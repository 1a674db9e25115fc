//! Each kind of frame, and what it says.

use super::super::{Decoder, fast};
use super::{decoder, level, number};
use crate::domain::{
    BookImage, DepthDelta, Form, LEVELS_MAX, Link, MarketEvent, Side, Ticker, Top, Trade, VenueSequence,
    VenueTime, VolumeFigures, VolumeUnit,
};
use crate::feed::levels::Buffers;
use crate::feed::paths;
use crate::feed::{Ack, ChannelNames, DecodeError, Excerpt, Frame};

const UPDATE: &str = include_str!("../../../../fuzz/seeds/coinbase_decode/l2update");
const SNAPSHOT: &str = include_str!("../../../../fuzz/seeds/coinbase_decode/snapshot");
const MATCH: &str = include_str!("../../../../fuzz/seeds/coinbase_decode/match");
const TICKER: &str = include_str!("../../../../fuzz/seeds/coinbase_decode/ticker");

fn assert_market(frame: &str, stream: &str, event: MarketEvent<'_>) {
    paths::assert_market("coinbase", frame, stream, event);
}

const fn micros(micros: i64) -> Option<VenueTime> {
    Some(VenueTime::from_nanos(micros * 1_000))
}

#[test]
fn an_update_is_a_delta_that_continues_whatever_was_before() {
    let delta = DepthDelta {
        link: Link::Unsaid,
        last: None,
        bids: &[level("22356.27", "0")],
        asks: &[level("22356.3", "1")],
        venue_time: micros(1_659_626_705_010_758),
        check: None,
    };
    assert_market(UPDATE, "level2_batch:BTC-USD", MarketEvent::Depth(delta));
    assert!(fast::decode(UPDATE.as_bytes(), &mut Buffers::default()).is_some());
    let timeless = UPDATE.replace("2022-08-04T15:25:05.010758Z", "0001-01-01T00:00:00.000000Z");
    let delta = DepthDelta { venue_time: None, ..delta };
    assert_market(&timeless, "level2_batch:BTC-USD", MarketEvent::Depth(delta));
    assert!(fast::decode(timeless.as_bytes(), &mut Buffers::default()).is_some());
}

#[test]
fn a_snapshot_is_the_whole_book() {
    let image = BookImage {
        last: None,
        bids: &[level("10101.1", "0.4505414"), level("10101", "1")],
        asks: &[level("10102.55", "0.57753524")],
        venue_time: None,
        check: None,
    };
    assert_market(SNAPSHOT, "level2_batch:BTC-USD", MarketEvent::Book(image));
}

/// Large products have more levels than a book holds.
#[test]
fn of_a_longer_snapshot_the_best_levels_are_taken_and_one_more() {
    let asks = |first: usize| -> String {
        let prices = (first..first + 2 * LEVELS_MAX).map(|price| format!(r#"["{price}","1"]"#));
        prices.collect::<Vec<_>>().join(",")
    };
    let frame = SNAPSHOT.replace(r#"["10102.55","0.57753524"]"#, &asks(20_000));
    let mut decoder = decoder();
    let Ok(Frame::Market { event: MarketEvent::Book(image), .. }) = decoder.decode(frame.as_bytes()) else {
        panic!("no book")
    };
    assert_eq!(image.asks.len(), LEVELS_MAX + 1);
    assert_eq!(image.asks[0], level("20000", "1"));
    let unsorted =
        SNAPSHOT.replace(r#"["10102.55","0.57753524"]"#, &format!(r#"["99999","1"],{}"#, asks(20_000)));
    let refused = DecodeError::TooManyLevels { side: "asks", limit: LEVELS_MAX };
    assert_eq!(decoder.decode(unsorted.as_bytes()), Err(refused));
}

#[test]
fn a_match_is_a_trade_of_the_other_side_than_the_makers() {
    let trade = Trade {
        price: number("400.23"),
        size: number("5.23512"),
        side: Side::Buy,
        venue_time: micros(1_415_348_367_028_459),
        number: Some(VenueSequence(10)),
    };
    assert_market(MATCH, "matches:BTC-USD", MarketEvent::Trades(&[trade]));
    let bought = MATCH.replace("\"match\"", "\"last_match\"").replace("\"sell\"", "\"buy\"");
    assert_market(&bought, "matches:BTC-USD", MarketEvent::Trades(&[Trade { side: Side::Sell, ..trade }]));
}

#[test]
fn a_ticker_is_figures_and_the_prices_of_the_top_of_book() {
    let venue_time = micros(1_666_222_102_061_769);
    let figures = VolumeFigures {
        form: Form::Whole,
        unit: VolumeUnit::Base,
        base_volume: Some(number("245532.79269678")),
        quote_volume: None,
        trade_count: None,
        open: Some(number("1310.79")),
        high: Some(number("1313.8")),
        low: Some(number("1280.52")),
        last: Some(number("1285.22")),
        window_s: 86_400,
        venue_time,
    };
    let top = Top::Prices { bid: Some(number("1285.04")), ask: Some(number("1285.27")), venue_time };
    assert_market(TICKER, "ticker:ETH-USD", MarketEvent::Ticker(Ticker { figures, top }));
    let one_sided = TICKER.replace("1285.27", "0");
    let top = Top::Prices { bid: Some(number("1285.04")), ask: None, venue_time };
    assert_market(&one_sided, "ticker:ETH-USD", MarketEvent::Ticker(Ticker { figures, top }));
}

#[test]
fn routes_have_the_names_of_the_configuration() {
    let names = ChannelNames(["q", "trades", "level2", "ticker_batch"].map(str::to_owned));
    for (frame, route) in [
        (UPDATE, "level2:BTC-USD"),
        (SNAPSHOT, "level2:BTC-USD"),
        (MATCH, "trades:BTC-USD"),
        (TICKER, "ticker_batch:ETH-USD"),
    ] {
        let mut decoder = Decoder::new(&names);
        let decoded = decoder.decode(frame.as_bytes());
        assert!(matches!(decoded, Ok(Frame::Market { stream, .. }) if stream == route), "{route}");
    }
}

#[test]
fn whatever_json_means_the_same_decodes_the_same() {
    let expected = format!("{:?}", decoder().decode(UPDATE.as_bytes()));
    for (case, frame) in [
        ("spaced", UPDATE.replace("\":", "\" : ").replace(',', "\n,\t")),
        ("an unknown field", UPDATE.replace("\"changes\"", "\"new\":{\"b\":[1e999]},\"changes\"")),
        ("an escaped product", UPDATE.replace("BTC", "\\u0042TC")),
        ("an escaped price", UPDATE.replace("22356.270000", "22356.2\\u0037")),
        ("type last", {
            let rest = UPDATE.strip_prefix(r#"{"type":"l2update","#).unwrap().trim_end_matches('}');
            format!(r#"{{{rest},"type":"l2update"}}"#)
        }),
    ] {
        assert_eq!(format!("{:?}", decoder().decode(frame.as_bytes())), expected, "{case}");
    }
}

#[test]
fn what_is_no_market_data_is_told_apart() {
    let message = Excerpt::of(b"Failed to subscribe: FOO-USD is not a valid product");
    for (text, expected) in [
        (
            include_str!("../../../../fuzz/seeds/coinbase_decode/subscriptions"),
            Frame::Acknowledged(Ack::Oldest),
        ),
        (
            include_str!("../../../../fuzz/seeds/coinbase_decode/error"),
            Frame::Refused { id: None, code: 0, message },
        ),
        (r#"{"type":"error"}"#, Frame::Refused { id: None, code: 0, message: Excerpt::of(b"") }),
        (
            include_str!("../../../../fuzz/seeds/coinbase_decode/heartbeat"),
            Frame::Counted { stream: "matches:BTC-USD", newest: VenueSequence(20) },
        ),
        (r#"{"type":"heartbeat","sequence":90,"product_id":"BTC-USD"}"#, Frame::Other),
        (r#"{"type":"heartbeat","sequence":90,"last_trade_id":null,"product_id":"BTC-USD"}"#, Frame::Other),
        (r#"{"type":"status","products":[]}"#, Frame::Other),
        ("[1, 2]", Frame::Unknown),
    ] {
        assert_eq!(decoder().decode(text.as_bytes()), Ok(expected), "{text}");
    }
}
