//! The aliases: symbols of venues that our own rules cannot name.

use std::collections::HashMap;

use crate::domain::{Instrument, Number, POWERS_OF_TEN, Scale, Venue};

use super::super::choice::one_of;
use super::super::error::{ConfigErrors, Origin, Problem};
use super::super::keys::{self, Key};
use super::super::raw::{Given, RawTable, Values};
use super::super::settings::{AliasSettings, VenueDefaults};
use super::value::{check_first, parsed};

/// The longest symbol: a fifth of it is the longest that any venue has.
const SYMBOL_BYTES_MAX: usize = 128;

/// Every alias, or `None` where one is wrong.
pub(super) fn aliases(
    raw: &[RawTable],
    venues: &[VenueDefaults],
    errors: &mut ConfigErrors,
) -> Option<Vec<AliasSettings>> {
    let (mut symbols, mut instruments) = (HashMap::new(), HashMap::new());
    let checked: Vec<_> = raw
        .iter()
        .map(|one| {
            let alias = alias(one, venues, errors)?;
            let line = Origin::File(one.line);
            let what = format!("{} {}", alias.venue, alias.symbol);
            check_first(what, &line, keys::ALIAS_SYMBOL.path, &mut symbols, errors);
            let what = format!("{} {}", alias.venue, alias.instrument);
            check_first(what, &line, keys::ALIAS_INSTRUMENT.path, &mut instruments, errors);
            Some(alias)
        })
        .collect();
    checked.into_iter().collect()
}

fn alias(raw: &RawTable, venues: &[VenueDefaults], errors: &mut ConfigErrors) -> Option<AliasSettings> {
    let values = &raw.values;
    for (key, expected) in [
        (&keys::ALIAS_VENUE, "the name of a venue"),
        (&keys::ALIAS_SYMBOL, "the venue's spelling, to the letter"),
        (&keys::ALIAS_INSTRUMENT, "our name for it, such as \"XAU-USDT-PERP\""),
    ] {
        if values.origin(key) == Origin::Default && !raw.broken.contains(&key.path) {
            errors.push(&Origin::File(raw.line), key.path, Problem::Missing { expected });
        }
    }
    let venue = venue(values, venues, errors);
    let symbol = symbol(values, errors);
    let instrument =
        parsed::<Instrument>(values.text(&keys::ALIAS_INSTRUMENT), keys::ALIAS_INSTRUMENT.path, errors);
    let (multiplier, inverse) = multiplier(values, errors)?;
    Some(AliasSettings { venue: venue?, symbol: symbol?, instrument: instrument?, multiplier, inverse })
}

fn venue(values: &Values, venues: &[VenueDefaults], errors: &mut ConfigErrors) -> Option<Venue> {
    let Given { value, origin } = values.text(&keys::ALIAS_VENUE)?;
    if !venues.iter().any(|venue| venue.name == value) {
        let names: Vec<_> = venues.iter().map(|venue| venue.name).collect();
        let problem = Problem::Choice { expected: one_of(&names), got: value };
        errors.push(&origin, keys::ALIAS_VENUE.path, problem);
        return None;
    }
    value.parse().ok()
}

/// It goes into JSON, stream names and, percent-encoded, into paths as it is.
fn symbol(values: &Values, errors: &mut ConfigErrors) -> Option<String> {
    let Given { value, origin } = values.text(&keys::ALIAS_SYMBOL)?;
    let fits =
        |letter: char| !letter.is_whitespace() && !letter.is_control() && !matches!(letter, '"' | '\\');
    let is_symbol = (1..=SYMBOL_BYTES_MAX).contains(&value.len()) && value.chars().all(fits);
    if !is_symbol {
        errors.push(&origin, keys::ALIAS_SYMBOL.path, Problem::AliasSymbol { max: SYMBOL_BYTES_MAX });
    }
    is_symbol.then_some(value)
}

/// The multiplier, and one divided by it.
fn multiplier(values: &Values, errors: &mut ConfigErrors) -> Option<(Number, Number)> {
    let key: &Key = &keys::ALIAS_MULTIPLIER;
    if values.origin(key) == Origin::Default {
        return Some((Number::ONE, Number::ONE));
    }
    let Given { value, origin } = values.text(key)?;
    let number = Number::parse(value.as_bytes()).ok().map(shortest);
    let found = number.and_then(|number| Some((number, inverse(number)?)));
    if found.is_none() {
        errors.push(&origin, key.path, Problem::Multiplier(value));
    }
    found
}

/// Without zeros behind the point.
fn shortest(number: Number) -> Number {
    let Number { mut mantissa, scale } = number;
    let mut digits = scale.digits();
    while digits > 0 && mantissa % 10 == 0 {
        mantissa /= 10;
        digits -= 1;
    }
    Number { mantissa, scale: Scale::new(digits).unwrap_or(scale) }
}

/// One divided by a number, where that is a decimal: where the number has no other prime factors than two and five.
fn inverse(number: Number) -> Option<Number> {
    if number.mantissa <= 0 {
        return None;
    }
    // 1 / (m / 10^s) = 10^s / m, and that with as many decimals as it takes.
    let top = POWERS_OF_TEN.get(usize::from(number.scale.digits()))?;
    (0..=crate::domain::SCALE_MAX).find_map(|decimals| {
        let top = top.checked_mul(POWERS_OF_TEN[usize::from(decimals)])?;
        (top % number.mantissa == 0)
            .then(|| Some(Number { mantissa: top / number.mantissa, scale: Scale::new(decimals)? }))?
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reciprocal_is_exact_or_none() {
        let number = |text: &str| shortest(Number::parse(text.as_bytes()).unwrap());
        for (text, expected) in [
            ("1", Some("1")),
            ("1000", Some("0.001")),
            ("0.001", Some("1000")),
            ("2.5", Some("0.4")),
            ("0.50", Some("2")),
            ("8", Some("0.125")),
            ("3", None),
            ("0.7", None),
            ("0", None),
        ] {
            assert_eq!(inverse(number(text)).map(|one| one.to_string()).as_deref(), expected, "{text}");
        }
    }
}
