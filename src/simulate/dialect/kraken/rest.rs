//! Kraken's public REST endpoints, below `/0/public`.
//!
//! Owns paths and bodies. Pairs are asked for as `BTC/USD`, `BTCUSD` or, in the old names that REST still has, `XBTUSD`.

use crate::simulate::dialect::rest::{book, listed};
use crate::simulate::dialect::text::{Digits, pairs};
use crate::simulate::dialect::{Answered, Asked};
use crate::simulate::source::{Source, SymbolInfo};

pub(super) fn answer(asked: &Asked<'_>, source: &Source) -> Answered {
    let answer = match asked.path {
        "/0/public/Time" => format!("{{\"unixtime\":{}}}", asked.ms() / 1000),
        "/0/public/AssetPairs" => format!("{{{}}}", listed(source, pair)),
        "/0/public/Depth" => {
            let wanted = asked.parameter("pair").unwrap_or_default();
            let spelt = |info: &SymbolInfo| {
                let old = [old_name(&info.base), old_name(&info.quote)].concat();
                info.symbol == wanted || info.symbol.replace('/', "") == wanted || old == wanted
            };
            let info = source.symbols().into_iter().find(spelt);
            let count = asked.number("count", 100, 500);
            let Some((info, view)) = info.and_then(|info| book(source, &info.symbol, count)) else {
                return Answered::ok("{\"error\":[\"EQuery:Unknown asset pair\"]}".to_owned());
            };
            let tail = format!(",{}", source.clock_us(asked.now_us) / 1_000_000);
            let (asks, bids) =
                (pairs(&view.asks, Digits::Kept, &tail), pairs(&view.bids, Digits::Kept, &tail));
            format!("{{\"{}\":{{\"asks\":{asks},\"bids\":{bids}}}}}", info.symbol.replace('/', ""))
        }
        _ => return Answered::refused(404, "{\"error\":[\"EGeneral:Unknown method\"]}"),
    };
    Answered::ok(format!("{{\"error\":[],\"result\":{answer}}}"))
}

fn old_name(currency: &str) -> &str {
    match currency {
        "BTC" => "XBT",
        "DOGE" => "XDG",
        other => other,
    }
}

fn pair(info: &SymbolInfo) -> Option<String> {
    let SymbolInfo { symbol, base, quote, tick, lot } = info;
    let (tick, lot) = (tick.normalize(), lot.normalize());
    let name = symbol.replace('/', "");
    Some(format!(
        "\"{name}\":{{\"altname\":\"{name}\",\"wsname\":\"{symbol}\",\"aclass_base\":\"currency\",\"base\":\"{base}\",\
         \"aclass_quote\":\"currency\",\"quote\":\"{quote}\",\"lot\":\"unit\",\"cost_decimals\":8,\
         \"pair_decimals\":{},\"lot_decimals\":8,\"lot_multiplier\":1,\"ordermin\":\"{lot}\",\"costmin\":\"0.5\",\
         \"tick_size\":\"{tick}\",\"status\":\"online\"}}",
        tick.scale()
    ))
}
