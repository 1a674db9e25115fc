//! OKX's REST bodies.
//!
//! Owns what a body means, errors of the venue included. Never fetches. Runs off the hot thread.

use serde_json::value::RawValue;

use super::{general, wire};
use crate::domain::{Contract, Instrument, Number, Quote, SizeUnit};
use crate::feed::json::{self, Text};
use crate::feed::{DecodeError, Listing};

/// The body of `GET /api/v5/market/books?sz=1`: the top of book, sizes in the venue's units.
///
/// # Errors
/// [`DecodeError::Venue`] for the venue's own error, such as 51001 "Instrument ID does not exist"; else what is wrong.
pub fn parse_books(body: &[u8]) -> Result<Quote, DecodeError> {
    let (element,): (&RawValue,) = json::parse(data(body)?.get(), body)?;
    general::quote(&json::object(element, body)?, body)
}

/// States of an instrument that nobody can trade, ever.
const NEVER: [&str; 2] = ["test", "expired"];

/// The body of `GET /api/v5/public/instruments?instType=` for `SPOT`, `SWAP` or `FUTURES`: what is listed. Contracts that count
/// neither the base currency nor US dollars are left out, and so is what has no contract value yet (`preopen`).
///
/// # Errors
/// As [`parse_books`].
pub fn parse_instruments(body: &[u8]) -> Result<Vec<Listing>, DecodeError> {
    let mut listings = Vec::new();
    json::each(data(body)?, body, "an array of instruments", |raw: &RawValue| {
        let info: wire::InstrumentInfo<'_> = json::object(raw, body)?;
        if !NEVER.contains(&&*info.state.0) {
            let found = listing(&info);
            listings.extend(found.map(|found| found.with_status(info.state.0 == "live", &info.state.0)));
        }
        Ok(())
    })?;
    Ok(listings)
}

fn listing(info: &wire::InstrumentInfo<'_>) -> Option<Listing> {
    let symbol = info.inst_id.0.as_ref();
    let parts: Vec<&str> = symbol.split('-').collect();
    let (base, quote, suffix) = match parts[..] {
        [base, quote] => (base, quote, None),
        [base, quote, "SWAP"] => (base, quote, Some("PERP".to_owned())),
        [base, quote, date] if date.len() == 6 => (base, quote, Some(format!("20{date}"))),
        // A name of several parts before the pair.
        [.., base, quote] if info.inst_type.as_ref().is_some_and(|kind| kind.0 == "SPOT") => {
            (base, quote, None)
        }
        _ => return None,
    };
    let contract = if suffix.is_none() { Contract::PLAIN } else { contract(info, base, quote)? };
    Some(match instrument(symbol) {
        Some(instrument) => Listing::trading(instrument, symbol.to_owned(), contract),
        None => Listing::unnamed(symbol, [base, quote], suffix.as_deref(), contract),
    })
}

/// Ours for the venue's: `BTC-USDT`, `BTC-USDT-SWAP`, `BTC-USD-220527`.
fn instrument(symbol: &str) -> Option<Instrument> {
    let mut parts = symbol.splitn(3, '-');
    let (base, quote) = (parts.next()?, parts.next()?);
    match parts.next() {
        None => format!("{base}-{quote}"),
        Some("SWAP") => format!("{base}-{quote}-PERP"),
        Some(date) if date.len() == 6 => format!("{base}-{quote}-20{date}"),
        Some(_) => return None,
    }
    .parse()
    .ok()
}

/// `ctVal` times `ctMult`, in base currency for linear contracts, in quote currency for inverse ones.
/// A quote may say more than its currency (`USD_UM`, margined together).
fn contract(info: &wire::InstrumentInfo<'_>, base: &str, quote: &str) -> Option<Contract> {
    let positive = |text: &Option<Text<'_>>| {
        let number = Number::parse(text.as_ref()?.0.as_bytes()).ok()?;
        (number.mantissa > 0).then_some(number)
    };
    let size = positive(&info.ct_val)?.times(positive(&info.ct_mult)?).ok()?;
    let counts = info.ct_val_ccy.as_ref()?.0.as_ref();
    let unit = match info.ct_type.as_ref()?.0.as_ref() {
        "linear" if counts == base => SizeUnit::Base,
        "inverse" if Some(counts) == quote.split('_').next() => SizeUnit::Quote,
        _ => return None,
    };
    Some(Contract { price: Number::ONE, size, unit })
}

/// What the body brings, unless that is an error of the venue.
fn data(body: &[u8]) -> Result<&RawValue, DecodeError> {
    let raw: &RawValue = json::parse(json::utf8(body)?, body)?;
    let wire: wire::Body<'_> = json::object(raw, body)?;
    match json::required("code", wire.code)?.0.as_ref() {
        "0" => json::required("data", wire.data),
        code => {
            Err(DecodeError::Venue { code: code.parse().unwrap_or(-1), message: json::excerpt(wire.msg) })
        }
    }
}
