//! Numbers that stand in JSON without quotes, to the digit.
//!
//! Owns the reading of their text. Never makes a float of one. An exponent is written out, at most [`EXPONENT_MAX`] places.

use std::borrow::Cow;

use crate::domain::{Number, NumberError};
use crate::feed::{DecodeError, Excerpt, Place, json};

/// Beyond this no number fits a mantissa of 128 bits or a scale of ours.
const EXPONENT_MAX: usize = 40;

/// The number, and how many digits it has behind the point as written.
pub(super) fn exact(place: Place, text: &str) -> Result<(Number, u8), DecodeError> {
    let error = |source| DecodeError::Number { place, text: Excerpt::of(text.as_bytes()), source };
    let plain = match text.split_once(['e', 'E']) {
        None => Cow::Borrowed(text),
        Some((digits, exponent)) => Cow::Owned(written_out(digits, exponent).map_err(error)?),
    };
    let number = json::number_at(place, &plain)?;
    let written = plain.split_once('.').map_or(0, |(_, fraction)| fraction.len());
    Ok((number, u8::try_from(written).map_err(|_| error(NumberError::TooFine))?))
}

/// `2.5e-7` as `0.00000025`.
fn written_out(digits: &str, exponent: &str) -> Result<String, NumberError> {
    let (sign, digits) = digits.strip_prefix('-').map_or(("", digits), |digits| ("-", digits));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let (down, places) = match exponent.as_bytes().first() {
        Some(b'-') => (true, &exponent[1..]),
        Some(b'+') => (false, &exponent[1..]),
        _ => (false, exponent),
    };
    let places: usize = places.parse().map_err(|_| NumberError::Malformed)?;
    if places > EXPONENT_MAX {
        return Err(if down { NumberError::TooFine } else { NumberError::TooLarge });
    }
    let (whole, fraction) = if down {
        let padded = format!("{whole:0>width$}", width = places + 1);
        let (whole, moved) = padded.split_at(padded.len() - places);
        (whole.to_owned(), format!("{moved}{fraction}"))
    } else {
        let padded = format!("{fraction:0<places$}");
        let (moved, fraction) = padded.split_at(places);
        (format!("{whole}{moved}"), fraction.to_owned())
    };
    let point = if fraction.is_empty() { "" } else { "." };
    Ok(format!("{sign}{whole}{point}{fraction}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_digit_counts_and_exponents_are_written_out() {
        for (text, number, written) in [
            ("0.050", "0.05", 3),
            ("100", "100", 0),
            ("2.5e-7", "0.00000025", 8),
            ("1e-05", "0.00001", 5),
            ("12.50E+1", "125", 1),
            ("1e3", "1000", 0),
            ("0e0", "0", 0),
        ] {
            let read =
                exact(Place::Field("qty"), text).map(|(number, written)| (number.to_string(), written));
            assert_eq!(read, Ok((number.to_owned(), written)), "{text}");
        }
    }

    #[test]
    fn what_is_no_number_says_so() {
        for (text, reason) in [
            ("\"1\"", "not a plain decimal number"),
            ("-1", "negative"),
            ("-1e2", "negative"),
            ("1e", "not a plain decimal number"),
            ("1e-41", "more than 18 digits"),
            ("1e-19", "more than 18 digits"),
            ("1e41", "beyond 128 bits"),
            ("null", "not a plain decimal number"),
        ] {
            let error = exact(Place::Field("qty"), text).expect_err(text).to_string();
            assert!(error.contains(reason), "{text}: {error}");
        }
        let zeros = format!("0.{}", "0".repeat(300));
        assert!(exact(Place::Field("qty"), &zeros).is_err());
    }
}
