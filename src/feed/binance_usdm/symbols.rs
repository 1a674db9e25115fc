//! How USD-M futures are called: `BTC-USDT-PERP` is `BTCUSDT`, `BTC-USDT-20261226` is `BTCUSDT_261226`.
//!
//! Owns the spelling both ways. Never asks the venue: what is quoted in thousands stands in a table, and what the table lacks is
//! spelled like any other.

use std::borrow::Cow;

use crate::domain::Instrument;
use crate::feed::{SymbolError, thousands};

/// Bases that are quoted in thousands or more. From memory and other clients; where the list was read, further ones are known by the rule.
const THOUSANDS: [&str; 16] = [
    "1000BONK",
    "1000CAT",
    "1000CHEEMS",
    "1000FLOKI",
    "1000LUNC",
    "1000PEPE",
    "1000RATS",
    "1000SATS",
    "1000SHIB",
    "1000WHY",
    "1000X",
    "1000XEC",
    "1000000BOB",
    "1000000MOG",
    "1MBABYDOGE",
    "1000000PEIPEI",
];

/// How many of our base one of theirs is.
pub(super) fn factor(instrument: &Instrument) -> i128 {
    thousands::split(thousands::base_of(&THOUSANDS, instrument.base())).1
}

/// The venue's spelling.
pub(super) fn symbol(instrument: &Instrument) -> Result<String, SymbolError> {
    let refuse = |reason: String| SymbolError { instrument: instrument.clone(), reason };
    let (currency, factor) = thousands::split(instrument.base());
    if factor != 1 {
        return Err(refuse(format!("{factor} {currency} are quoted as {currency}: name that")));
    }
    let pair = [thousands::base_of(&THOUSANDS, currency), instrument.quote()].concat();
    match instrument.contract() {
        None => Err(refuse("binance-usdm has no spot instruments: perpetuals end in -PERP".to_owned())),
        Some("PERP") => Ok(pair),
        // Instruments are checked: eight digits.
        Some(date) => Ok(format!("{pair}_{}", date.get(2..).unwrap_or_default())),
    }
}

/// Perpetuals on shares and metals: quoted and settled as the others, `XAUUSDT`.
const TRADIFI: &str = "TRADIFI_PERPETUAL";

/// The kind of a contract without what is said of its end: `PERPETUAL DELIVERING` is a perpetual.
fn usual(contract_type: &str) -> &str {
    contract_type.strip_suffix(" DELIVERING").unwrap_or(contract_type)
}

/// Whether nothing need be said of the kind.
pub(super) fn is_usual(contract_type: &str) -> bool {
    matches!(usual(contract_type), "PERPETUAL" | "CURRENT_QUARTER" | "NEXT_QUARTER")
}

/// Ours, and how many of our base one of theirs is; `None` where there is no name of ours.
pub(super) fn instrument(
    symbol: &str,
    contract_type: &str,
    base: &str,
    quote: &str,
) -> Option<(Instrument, i128)> {
    let suffix = match usual(contract_type) {
        "PERPETUAL" | TRADIFI => Cow::Borrowed("PERP"),
        "CURRENT_QUARTER" | "NEXT_QUARTER" => Cow::Owned(format!("20{}", symbol.split_once('_')?.1)),
        _ => return None,
    };
    let (currency, factor) = thousands::split(base);
    Some((format!("{currency}-{quote}-{suffix}").parse().ok()?, factor))
}
