//! Contracts that are quoted in thousands: `1000PEPEUSDT` is a thousand PEPE.
//!
//! Owns the rule by which such a base is told from a name that begins with digits (`1INCH`) or ends in them (`RUSSELL1000`), the way
//! back for the bases that are known, and the factors. Never knows a venue: each hands in its own table. Our instrument is always the single unit: `PEPE`.

use crate::domain::{Contract, Number, Scale, SizeUnit};

/// What stands before the currency, and how many of it that is. The longest first.
const PREFIXES: [(&str, i128); 3] = [("1000000", 1_000_000), ("10000", 10_000), ("1000", 1_000)];

/// Bases that are spelled in another way. No rule tells `1MBABYDOGE` from `1MIL`, or `SHIB1000` from `RUSSELL1000`: what is not in
/// here is taken for a name, which is never a wrong price.
const ODD: [(&str, &str, i128); 2] = [("1MBABYDOGE", "BABYDOGE", 1_000_000), ("SHIB1000", "SHIB", 1_000)];

/// The currency that a venue's base is made of, and how many of it that is: `1000PEPE` is 1000 of `PEPE`, `1INCH` one of itself.
///
/// Only letters are a currency behind a prefix: `1000` alone, or `10002` are names.
pub(super) fn split(base: &str) -> (&str, i128) {
    let found = PREFIXES.iter().find_map(|&(prefix, factor)| {
        let currency = base.strip_prefix(prefix)?;
        currency.starts_with(|letter: char| letter.is_ascii_alphabetic()).then_some((currency, factor))
    });
    let odd =
        || ODD.iter().find(|(known, ..)| *known == base).map(|&(_, currency, factor)| (currency, factor));
    found.or_else(odd).unwrap_or((base, 1))
}

/// What one unit of a base that is quoted `factor` at a time is in ours; the factor is a power of ten.
pub(super) fn contract(factor: i128) -> Contract {
    let zeros = u8::try_from(factor.ilog10()).ok().and_then(Scale::new).unwrap_or(Scale::ZERO);
    Contract {
        price: Number { mantissa: 1, scale: zeros },
        size: Number { mantissa: factor, scale: Scale::ZERO },
        unit: SizeUnit::Base,
    }
}

/// The venue's base for a currency of ours: `1000PEPE` for `PEPE`, where `table` holds it.
pub(super) fn base_of<'a>(table: &[&'a str], currency: &'a str) -> &'a str {
    table.iter().copied().find(|base| split(base).0 == currency).unwrap_or(currency)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_power_of_ten_before_letters_is_a_factor() {
        for (base, currency, factor) in [
            ("1000PEPE", "PEPE", 1_000),
            ("10000LADYS", "LADYS", 10_000),
            ("1000000MOG", "MOG", 1_000_000),
            ("1MBABYDOGE", "BABYDOGE", 1_000_000),
            ("SHIB1000", "SHIB", 1_000),
            ("1INCH", "1INCH", 1),
            ("BTC", "BTC", 1),
            ("1000", "1000", 1),
            ("100002", "100002", 1),
            ("1M", "1M", 1),
            ("1MIL", "1MIL", 1),
            ("RUSSELL1000", "RUSSELL1000", 1),
            ("100X", "100X", 1),
        ] {
            assert_eq!(split(base), (currency, factor), "{base}");
        }
    }

    #[test]
    fn a_thousand_at_a_price_is_one_at_a_thousandth_of_it() {
        assert_eq!(contract(1), Contract::PLAIN);
        let contract = contract(1_000);
        assert_eq!((contract.price.to_string(), contract.size.to_string()), ("0.001".into(), "1000".into()));
        assert_eq!(contract.price.times(contract.size).map(|one| one.to_string()), Ok("1.000".into()));
    }

    #[test]
    fn the_table_is_the_way_back() {
        let table = ["1000PEPE", "1000000MOG"];
        assert_eq!(["PEPE", "MOG", "BTC"].map(|one| base_of(&table, one)), ["1000PEPE", "1000000MOG", "BTC"]);
    }
}
