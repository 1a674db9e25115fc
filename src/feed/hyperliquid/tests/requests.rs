//! Coins, contracts, requests.

use super::super::Hyperliquid;
use super::number;
use crate::domain::{Channel, Contract, Instrument, SizeUnit};
use crate::feed::{Method, VenueProtocol};

fn instrument(text: &str) -> Instrument {
    text.parse().unwrap()
}

#[test]
fn perpetuals_have_coins_and_nothing_else_has() {
    for (ours, theirs) in [("BTC-USDC-PERP", "BTC"), ("PEPE-USDC-PERP", "kPEPE"), ("KAS-USDC-PERP", "KAS")] {
        assert_eq!(Hyperliquid.symbol(&instrument(ours)).as_deref(), Ok(theirs));
    }
    for (ours, reason) in [
        ("BTC-USDC", "spot of hyperliquid is not supported"),
        ("BTC-USDT-PERP", "settled in USDC: BTC-USDC-PERP"),
        ("BTC-USD-PERP", "settled in USDC"),
        ("BTC-USDC-20270326", "no dated contracts"),
        ("KPEPE-USDC-PERP", "kPEPE is a thousand of PEPE: PEPE-USDC-PERP"),
    ] {
        let error = Hyperliquid.symbol(&instrument(ours)).unwrap_err().to_string();
        assert!(error.contains(reason), "{ours}: {error}");
    }
}

#[test]
fn a_k_coin_is_a_thousand() {
    assert_eq!(Hyperliquid.contract(&instrument("BTC-USDC-PERP")), Some(Contract::PLAIN));
    let thousand = Contract { price: number("0.001"), size: number("1000"), unit: SizeUnit::Base };
    assert_eq!(Hyperliquid.contract(&instrument("PEPE-USDC-PERP")), Some(thousand));
}

#[test]
fn the_book_is_the_fast_one_where_five_levels_are_enough() {
    for (depth, topic) in [
        (1, r#"{"type":"l2Book","coin":"BTC","fast":true}"#),
        (5, r#"{"type":"l2Book","coin":"BTC","fast":true}"#),
        (6, r#"{"type":"l2Book","coin":"BTC"}"#),
        (20, r#"{"type":"l2Book","coin":"BTC"}"#),
    ] {
        let stream = Hyperliquid.stream("BTC", Channel::Depth, "l2Book", depth);
        assert_eq!((stream.route.as_str(), stream.topic.as_str()), ("l2Book:BTC", topic), "{depth}");
    }
    let stream = Hyperliquid.stream("BTC", Channel::Quote, "bbo", 1);
    assert_eq!(stream.topic, r#"{"type":"bbo","coin":"BTC"}"#);
}

#[test]
fn a_request_holds_one_stream_and_is_the_documented_json() {
    let topics: Vec<String> =
        ["BTC", "ETH"].map(|coin| Hyperliquid.stream(coin, Channel::Trade, "trades", 1).topic).into();
    let batches = Hyperliquid.batches(&topics);
    assert_eq!(batches.concat(), topics);
    assert_eq!(
        Hyperliquid.request(Method::Subscribe, &batches[0], 7),
        r#"{"method":"subscribe","subscription":{"type":"trades","coin":"BTC"}}"#
    );
    assert_eq!(
        Hyperliquid.request(Method::Unsubscribe, &batches[1], 8),
        r#"{"method":"unsubscribe","subscription":{"type":"trades","coin":"ETH"}}"#
    );
}

#[test]
fn info_requests_are_posted() {
    let call = Hyperliquid.quote_call("kPEPE");
    assert_eq!(
        (call.path.as_str(), call.body.as_deref()),
        ("/info", Some(r#"{"type":"l2Book","coin":"kPEPE"}"#))
    );
    let list = Hyperliquid.list_calls();
    assert_eq!(list[0].body.as_deref(), Some(r#"{"type":"meta"}"#));
    let coins = ["xyz:TSLA", "BTC", "flx:GOLD", "xyz:SPCX"].map(str::to_owned);
    let builders: Vec<_> =
        Hyperliquid.further_list_calls(&coins).into_iter().filter_map(|call| call.body).collect();
    assert_eq!(builders, [r#"{"type":"meta","dex":"flx"}"#, r#"{"type":"meta","dex":"xyz"}"#]);
    assert_eq!(Hyperliquid.snapshot_call("BTC", 20), None);
    assert!(Hyperliquid.parse_snapshot(b"{}", 20).is_err());
}
