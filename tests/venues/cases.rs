//! The venues, and what each one calls its streams.

use tickcache::domain::Channel;
use tickcache::simulate::Simulator;

/// A venue and one instrument of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Case {
    pub(crate) venue: &'static str,
    /// Ours, with `{}` for the base currency.
    instrument: &'static str,
    /// The simulator's names of the streams that carry quotes, trades, books and figures, with `{}` likewise.
    streams: [&'static str; 4],
    pub(crate) depth: usize,
}

const fn case(venue: &'static str, instrument: &'static str, streams: [&'static str; 4]) -> Case {
    Case { venue, instrument, streams, depth: 20 }
}

/// One a venue. Coinbase's quotes are its book's. Hyperliquid has at most five levels more often than every five seconds.
pub(crate) const CASES: [Case; 8] = [
    case("binance", "{}-USDT", ["{}usdt@bookTicker", "{}usdt@trade", "{}usdt@depth@100ms", "{}usdt@ticker"]),
    case(
        "binance-usdm",
        "{}-USDT-PERP",
        ["{}usdt@bookTicker", "{}usdt@trade", "{}usdt@depth@100ms", "{}usdt@ticker"],
    ),
    case("bybit", "{}-USDT", BYBIT),
    case("bybit-linear", "{}-USDT-PERP", BYBIT),
    case(
        "coinbase",
        "{}-USDT",
        ["level2_batch:{}-USDT", "matches:{}-USDT", "level2_batch:{}-USDT", "ticker:{}-USDT"],
    ),
    Case {
        depth: 5,
        ..case("hyperliquid", "{}-USDC-PERP", ["bbo:{}", "trades:{}", "l2Book.fast:{}", "activeAssetCtx:{}"])
    },
    case(
        "kraken",
        "{}-USDT",
        ["ticker.bbo:{}/USDT", "trade:{}/USDT", "book.25:{}/USDT", "ticker.bbo:{}/USDT"],
    ),
    case("okx", "{}-USDT", ["bbo-tbt:{}-USDT", "trades:{}-USDT", "books:{}-USDT", "tickers:{}-USDT"]),
];

const BYBIT: [&str; 4] =
    ["orderbook.1.{}USDT", "publicTrade.{}USDT", "orderbook.50.{}USDT", "tickers.{}USDT"];

impl Case {
    pub(crate) fn of(venue: &str) -> Self {
        CASES.into_iter().find(|case| case.venue == venue).expect("a case a venue")
    }

    pub(crate) fn instrument(&self, base: &str) -> String {
        self.instrument.replace("{}", base)
    }

    /// A stream's name, as faults match on it.
    pub(crate) fn stream(&self, channel: Channel, base: &str) -> String {
        let base = if self.venue.starts_with("binance") { base.to_lowercase() } else { base.to_owned() };
        self.streams[channel as usize].replace("{}", &base)
    }

    /// The simulator's symbol of an instrument of ours.
    pub(crate) fn symbol(instrument: &str, simulator: &Simulator) -> String {
        let base = instrument.split('-').next().expect("a base currency");
        let symbols = simulator.symbols();
        let found = symbols.iter().find(|info| info.base == base).expect("the simulator has it");
        found.symbol.clone()
    }
}
