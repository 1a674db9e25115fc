//! Frames in Binance's words: field order, spelling and digits as in recordings of the venue.
//!
//! Owns nothing but the writing.

use rust_decimal::Decimal;

use super::Market;
use crate::simulate::book::{Side, Top};
use crate::simulate::dialect::text::{Digits, pairs};
use crate::simulate::dialect::{Delta, Scene, Stats, Trade};

const DAY_MS: i64 = 86_400_000;

fn combined(scene: &Scene<'_>, data: &str) -> String {
    format!("{{\"stream\":\"{}\",\"data\":{{{data}}}}}", scene.stream)
}

fn none(scene: &Scene<'_>) -> (Decimal, Decimal) {
    (Decimal::new(0, scene.info.tick.scale()), Decimal::new(0, scene.info.lot.scale()))
}

pub(super) fn top(market: Market, scene: &Scene<'_>, top: &Top) -> String {
    let none = none(scene);
    let ((bid, bid_size), (ask, ask_size)) = (top.bid.unwrap_or(none), top.ask.unwrap_or(none));
    let (id, symbol, ms) = (top.update_id, scene.symbol(), scene.ms());
    let quote = format!(
        "\"u\":{id},\"s\":\"{symbol}\",\"b\":\"{bid}\",\"B\":\"{bid_size}\",\"a\":\"{ask}\",\"A\":\"{ask_size}\""
    );
    match market {
        Market::Spot => combined(scene, &quote),
        Market::UsdM => combined(scene, &format!("\"e\":\"bookTicker\",{quote},\"T\":{ms},\"E\":{ms}")),
    }
}

pub(super) fn delta(market: Market, scene: &Scene<'_>, delta: &Delta<'_>) -> String {
    let (symbol, ms, chain) = (scene.symbol(), scene.ms(), delta.chain);
    let (first, last, previous) = (chain.first, chain.last, chain.previous);
    let (bids, asks) = (pairs(delta.bids, Digits::Kept, ""), pairs(delta.asks, Digits::Kept, ""));
    let (transaction, link) = match market {
        Market::Spot => (String::new(), String::new()),
        Market::UsdM => (format!("\"T\":{ms},"), format!("\"pu\":{previous},")),
    };
    combined(
        scene,
        &format!(
            "\"e\":\"depthUpdate\",\"E\":{ms},{transaction}\"s\":\"{symbol}\",\"U\":{first},\"u\":{last},{link}\
             \"b\":{bids},\"a\":{asks}"
        ),
    )
}

/// Where the level that was hit is the bid, the buyer is the maker.
pub(super) fn trade(market: Market, scene: &Scene<'_>, trade: &Trade) -> Option<String> {
    let Trade { id, price, quantity, maker, at_us } = trade;
    let (symbol, ms) = (scene.symbol(), at_us / 1000);
    let buyer_is_maker = *maker == Side::Bid;
    Some(match (market, scene.channel) {
        (_, "aggTrade") => combined(
            scene,
            &format!(
                "\"e\":\"aggTrade\",\"E\":{ms},\"s\":\"{symbol}\",\"a\":{id},\"p\":\"{price}\",\"q\":\"{quantity}\",\
                 \"f\":{id},\"l\":{id},\"T\":{ms},\"m\":{buyer_is_maker}"
            ),
        ),
        (Market::Spot, _) => combined(
            scene,
            &format!(
                "\"e\":\"trade\",\"E\":{ms},\"s\":\"{symbol}\",\"t\":{id},\"p\":\"{price}\",\"q\":\"{quantity}\",\
                 \"T\":{ms},\"m\":{buyer_is_maker},\"M\":true"
            ),
        ),
        (Market::UsdM, _) => combined(
            scene,
            &format!(
                "\"e\":\"trade\",\"E\":{ms},\"T\":{ms},\"s\":\"{symbol}\",\"t\":{id},\"p\":\"{price}\",\
                 \"q\":\"{quantity}\",\"X\":\"MARKET\",\"m\":{buyer_is_maker}"
            ),
        ),
    })
}

pub(super) fn ticker(market: Market, scene: &Scene<'_>, stats: &Stats) -> String {
    let Stats { open, high, low, last: trade, volume, quote_volume, first_trade, top } = stats;
    let (price_scale, size_scale) = (scene.info.tick.scale(), scene.info.lot.scale());
    let price = |number: Decimal| scaled(number, price_scale);
    let (last, open, high, low) = (price(trade.price), price(*open), price(*high), price(*low));
    let last_quantity = scaled(trade.quantity, size_scale);
    let change = last - open;
    let percent = scaled((last - open) * Decimal::ONE_HUNDRED / open, 3);
    let average = price(quote_volume / volume);
    let (volume, quote_volume) =
        (scaled(*volume, size_scale), scaled(*quote_volume, 8.min(price_scale + size_scale)));
    let none = none(scene);
    let ((bid, bid_size), (ask, ask_size)) = (top.bid.unwrap_or(none), top.ask.unwrap_or(none));
    let (symbol, ms, last_trade) = (scene.symbol(), scene.ms(), trade.id);
    let (before, quote) = match market {
        Market::Spot => (
            format!("\"x\":\"{last}\","),
            format!("\"b\":\"{bid}\",\"B\":\"{bid_size}\",\"a\":\"{ask}\",\"A\":\"{ask_size}\","),
        ),
        Market::UsdM => Default::default(),
    };
    combined(
        scene,
        &format!(
            "\"e\":\"24hrTicker\",\"E\":{ms},\"s\":\"{symbol}\",\"p\":\"{change}\",\"P\":\"{percent}\",\
             \"w\":\"{average}\",{before}\"c\":\"{last}\",\"Q\":\"{last_quantity}\",{quote}\"o\":\"{open}\",\
             \"h\":\"{high}\",\"l\":\"{low}\",\"v\":\"{volume}\",\"q\":\"{quote_volume}\",\"O\":{},\"C\":{ms},\
             \"F\":{first_trade},\"L\":{last_trade},\"n\":{}",
            ms - DAY_MS,
            last_trade - first_trade + 1
        ),
    )
}

fn scaled(number: Decimal, scale: u32) -> Decimal {
    let mut number = number.round_dp(scale);
    number.rescale(scale);
    number
}
