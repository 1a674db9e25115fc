//! How Bybit calls instruments: `BTCUSDT`, `BTCPERP` (settled in USDC), `BTCUSDT-26DEC26`, `BTC-26DEC26`.
//!
//! Owns the spelling both ways. Never asks the venue: what is quoted in thousands stands in a table, for where the venue's list is not
//! to be had; what the table lacks is spelled like any other then. Source: <https://bybit-exchange.github.io/docs/v5/enum>, "symbol".

use super::protocol::Category;
use crate::domain::Instrument;
use crate::feed::{SymbolError, thousands};

/// Bases of contracts that are quoted in thousands or more. From memory and other clients; where the list was read, further ones are
/// known by the rule.
const THOUSANDS: [&str; 26] = [
    "SHIB1000",
    "1000APU",
    "1000BONK",
    "1000BTT",
    "1000CAT",
    "1000CATS",
    "1000FLOKI",
    "1000LUNC",
    "1000MUMU",
    "1000NEIROCTO",
    "1000PEPE",
    "1000RATS",
    "1000TOSHI",
    "1000TURBO",
    "1000X",
    "1000XEC",
    "10000COQ",
    "10000ELON",
    "10000LADYS",
    "10000QUBIC",
    "10000SATS",
    "10000WEN",
    "10000WHY",
    "1000000BABYDOGE",
    "1000000MOG",
    "1000000PEIPEI",
];

const MONTHS: [&str; 12] =
    ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];

/// How many of our base one of theirs is.
pub(super) fn factor(category: Category, instrument: &Instrument) -> i128 {
    match category {
        Category::Spot => 1,
        Category::Linear => thousands::split(thousands::base_of(&THOUSANDS, instrument.base())).1,
    }
}

/// The venue's spelling.
pub(super) fn symbol(category: Category, instrument: &Instrument) -> Result<String, SymbolError> {
    match category {
        Category::Spot => spot(instrument),
        Category::Linear => linear(instrument),
    }
    .map_err(|reason| SymbolError { instrument: instrument.clone(), reason })
}

fn spot(instrument: &Instrument) -> Result<String, String> {
    match instrument.contract() {
        None => Ok([instrument.base(), instrument.quote()].concat()),
        Some(_) => Err("bybit has spot only: contracts are at bybit-linear".to_owned()),
    }
}

fn linear(instrument: &Instrument) -> Result<String, String> {
    let (currency, factor) = thousands::split(instrument.base());
    if factor != 1 {
        return Err(format!("{factor} {currency} are quoted as {currency}: name that"));
    }
    let base = thousands::base_of(&THOUSANDS, currency);
    let date = match instrument.contract() {
        None => return Err("bybit-linear has no spot instruments: perpetuals end in -PERP".to_owned()),
        Some("PERP") => None,
        Some(date) => Some(venue_date(date).ok_or("no such date")?),
    };
    match (instrument.quote(), date) {
        ("USDT", None) => Ok(format!("{base}USDT")),
        ("USDT", Some(date)) => Ok(format!("{base}USDT-{date}")),
        ("USDC", None) => Ok(format!("{base}PERP")),
        ("USDC", Some(date)) => Ok(format!("{base}-{date}")),
        (quote, _) => Err(format!("bybit-linear is settled in USDT or USDC, not {quote}")),
    }
}

/// `20260807` as `07AUG26`: a day has two digits, as other clients' tests show (`BTCUSDT-07AUG26`).
fn venue_date(date: &str) -> Option<String> {
    let month: usize = date.get(4..6)?.parse().ok()?;
    let (year, month) = (date.strip_prefix("20")?.get(..2)?, MONTHS.get(month.checked_sub(1)?)?);
    Some(format!("{}{month}{year}", date.get(6..)?))
}

/// `26DEC26` as `20261226`.
fn our_date(date: &str) -> Option<String> {
    let (front, year) = date.split_at_checked(date.len().checked_sub(2)?)?;
    let (day, name) = front.split_at_checked(front.len().checked_sub(3)?)?;
    let month = MONTHS.iter().position(|month| *month == name)? + 1;
    Some(format!("20{year}{month:02}{day:0>2}"))
}

/// Ours, and how many of our base one of theirs is; `None` where there is no name of ours.
pub(super) fn instrument(
    category: Category,
    symbol: &str,
    contract_type: &str,
    base: &str,
    quote: &str,
) -> Option<(Instrument, i128)> {
    let suffix = match (category, contract_type) {
        (Category::Spot, _) => return Some((format!("{base}-{quote}").parse().ok()?, 1)),
        (Category::Linear, "LinearPerpetual") => "PERP".to_owned(),
        (Category::Linear, "LinearFutures") => our_date(symbol.rsplit_once('-')?.1)?,
        (Category::Linear, _) => return None,
    };
    let (currency, factor) = thousands::split(base);
    Some((format!("{currency}-{quote}-{suffix}").parse().ok()?, factor))
}
