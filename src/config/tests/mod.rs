//! The guarantees of the configuration as a whole.

mod aliases;
mod errors;
mod precedence;
mod relations;
mod round_trip;
mod shipped_file;

use super::*;

const MINIMAL: &str = "[[feed]]\nvenue = \"binance\"\ninstruments = [\"BTC-USDT\"]\n";

/// A venue that has everything but one currency.
const SYMBOLS: VenueSymbols = VenueSymbols(|venue, instrument| match instrument.base() {
    "NONE" => Err(format!("{venue} has no NONE")),
    _ => Ok(instrument.as_str().replace('-', "")),
});

fn venues() -> [VenueDefaults; 2] {
    [
        VenueDefaults {
            name: "binance",
            websocket_url: "wss://stream.binance.com:9443/stream",
            volume_websocket_url: "wss://stream.binance.com:9443/stream",
            channels: ["bookTicker", "trade", "depth@100ms", "ticker"],
            prices_from: &[crate::domain::PriceFrom::Bbo, crate::domain::PriceFrom::Book],
            session_max_s: 86_400,
            rest_url: "https://api.binance.com",
            depth_max: 1_000,
            rest_weight_per_minute: 3_000,
            rest_weight_per_minute_range: 250..=6_000,
            symbols: SYMBOLS,
        },
        VenueDefaults {
            name: "shallow",
            websocket_url: "wss://shallow.example/ws",
            volume_websocket_url: "wss://shallow.example/figures",
            channels: ["top", "trades", "book", "figures"],
            prices_from: &[crate::domain::PriceFrom::Book],
            session_max_s: 0,
            rest_url: "https://shallow.example/api/",
            depth_max: 10,
            rest_weight_per_minute: 60,
            rest_weight_per_minute_range: 1..=60,
            symbols: SYMBOLS,
        },
    ]
}

fn environment(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn load(text: &str, pairs: &[(&str, &str)]) -> Result<Settings, ConfigErrors> {
    Settings::load(text, "t.toml", environment(pairs), &venues())
}

fn loaded(text: &str, pairs: &[(&str, &str)]) -> Settings {
    load(text, pairs).unwrap_or_else(|errors| panic!("{text}\n{pairs:?}\n{errors}"))
}

fn refused(text: &str, pairs: &[(&str, &str)]) -> String {
    load(text, pairs).expect_err(text).to_string()
}
