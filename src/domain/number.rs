//! Exact decimal numbers: a mantissa and a scale, never a float.

use std::fmt;

use super::swar;

/// The largest scale that a record can name (WIRE: 0–18).
pub const SCALE_MAX: u8 = 18;

/// Digits before the point that a price or size can have: such a number fits 128 bits at every scale, so that raising
/// a scale cannot overflow.
pub(super) const WHOLE_DIGITS_MAX: usize = 19;

/// `POWERS_OF_TEN[n]` is 10^n.
pub const POWERS_OF_TEN: [i128; SCALE_MAX as usize + WHOLE_DIGITS_MAX + 1] = {
    let mut powers = [1_i128; SCALE_MAX as usize + WHOLE_DIGITS_MAX + 1];
    let mut index = 1;
    while index < powers.len() {
        powers[index] = powers[index - 1] * 10;
        index += 1;
    }
    powers
};

/// Digits after the decimal point, 0 to [`SCALE_MAX`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Scale(u8);

impl Scale {
    /// No digits after the point.
    pub const ZERO: Self = Self(0);

    /// `None` above [`SCALE_MAX`].
    #[must_use]
    pub const fn new(digits: u8) -> Option<Self> {
        if digits <= SCALE_MAX { Some(Self(digits)) } else { None }
    }

    /// The number of digits after the point.
    #[must_use]
    pub const fn digits(self) -> u8 {
        self.0
    }
}

/// Why a text is no number of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NumberError {
    /// Not `[-]digits[.digits]`.
    #[error("not a plain decimal number")]
    Malformed,
    /// More than [`SCALE_MAX`] digits after the point, trailing zeros aside.
    #[error("more than {SCALE_MAX} digits after the decimal point")]
    TooFine,
    /// The mantissa leaves the 128-bit range (at the wanted scale).
    #[error("mantissa beyond 128 bits")]
    TooLarge,
    /// A negative number where only sizes and prices of zero or more make sense.
    #[error("negative")]
    Negative,
}

/// An exact number with a scale of its own: `mantissa × 10^−scale`.
///
/// As parsed it carries no trailing zeros: `61837.63000000` is 6183763 at scale 2, so the scale says how fine the
/// number really is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Number {
    /// The digits.
    pub mantissa: i128,
    /// Digits after the point.
    pub scale: Scale,
}

impl Number {
    /// Zero at scale 0.
    pub const ZERO: Self = Self { mantissa: 0, scale: Scale::ZERO };

    /// One at scale 0.
    pub const ONE: Self = Self { mantissa: 1, scale: Scale::ZERO };

    /// Parses `[-]digits[.digits]`, as JSON writes a number without exponent.
    ///
    /// # Errors
    /// [`NumberError`], for anything else, for more digits than fit, or for a finer scale than [`SCALE_MAX`].
    #[inline]
    pub fn parse(text: &[u8]) -> Result<Self, NumberError> {
        match parse_usual(text) {
            Some(number) => Ok(number),
            None => Self::parse_any(text),
        }
    }

    fn parse_any(text: &[u8]) -> Result<Self, NumberError> {
        let (negative, digits) = match text {
            [b'-', rest @ ..] => (true, rest),
            _ => (false, text),
        };
        let point = digits.iter().position(|&byte| byte == b'.');
        let (whole, fraction) = match point {
            Some(at) => {
                if at + 1 == digits.len() {
                    return Err(NumberError::Malformed);
                }
                (&digits[..at], trim_zeros(&digits[at + 1..]))
            }
            None => (digits, &[][..]),
        };
        if whole.is_empty() {
            return Err(NumberError::Malformed);
        }
        let scale = u8::try_from(fraction.len()).ok().and_then(Scale::new).ok_or(NumberError::TooFine);
        let magnitude = if whole.len() + fraction.len() <= 19 {
            i128::from(append_u64(append_u64(0, whole)?, fraction)?)
        } else {
            append_i128(append_i128(0, whole)?, fraction)?
        };
        Ok(Self { mantissa: if negative { -magnitude } else { magnitude }, scale: scale? })
    }

    /// The mantissa of this number at `scale`, or why it has none there.
    ///
    /// # Errors
    /// [`NumberError::TooFine`] when `scale` is coarser than the number, [`NumberError::TooLarge`] when it overflows.
    #[inline]
    pub fn mantissa_at(self, scale: Scale) -> Result<i128, NumberError> {
        let Some(shift) = scale.0.checked_sub(self.scale.0) else { return Err(NumberError::TooFine) };
        self.mantissa.checked_mul(POWERS_OF_TEN[usize::from(shift)]).ok_or(NumberError::TooLarge)
    }

    /// Whether the number is zero.
    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.mantissa == 0
    }
}

/// Decimal text, with exactly `scale` digits after the point.
impl fmt::Display for Number {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.mantissa < 0 { "-" } else { "" };
        let magnitude = self.mantissa.unsigned_abs();
        let power = POWERS_OF_TEN[usize::from(self.scale.0)].unsigned_abs();
        let (whole, fraction) = (magnitude / power, magnitude % power);
        let text = if self.scale == Scale::ZERO {
            format!("{sign}{whole}")
        } else {
            format!("{sign}{whole}.{fraction:0width$}", width = usize::from(self.scale.0))
        };
        formatter.pad(&text)
    }
}

const POWERS_OF_TEN_TO_EIGHT: [u64; 9] =
    [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000];

/// What venues nearly always send, `1 to 7 digits . 1 to 8 digits` in 8 bytes or more, without a loop; `None` says
/// nothing about the text but that [`Number::parse_any`] must look at it.
#[inline]
fn parse_usual(text: &[u8]) -> Option<Number> {
    let head = u64::from_le_bytes(*text.first_chunk()?);
    let tail = u64::from_le_bytes(*text.last_chunk()?);
    let whole_length = swar::first_byte(head, b'.')?;
    let fraction_length = text.len() - whole_length - 1;
    if whole_length == 0 || fraction_length == 0 || fraction_length > 8 {
        return None;
    }
    // Shifted so that only the digits wanted are left, with zeros in front of them.
    let whole = (head ^ swar::ZEROS) << (64 - 8 * whole_length);
    let before_fraction = 64 - 8 * fraction_length;
    let fraction = (tail ^ swar::ZEROS) >> before_fraction << before_fraction;
    if !swar::all_digits(whole) || !swar::all_digits(fraction) {
        return None;
    }
    let trailing_zeros = fraction.leading_zeros() / 8;
    let trimmed = fraction.checked_shl(8 * trailing_zeros).unwrap_or(0);
    let digits = u32::try_from(fraction_length).ok()?.saturating_sub(trailing_zeros);
    let power = POWERS_OF_TEN_TO_EIGHT.get(usize::try_from(digits).ok()?)?;
    let mantissa = swar::eight_digits(whole) * power + swar::eight_digits(trimmed);
    Some(Number { mantissa: i128::from(mantissa), scale: Scale::new(u8::try_from(digits).ok()?)? })
}

fn trim_zeros(fraction: &[u8]) -> &[u8] {
    let kept = fraction.iter().rposition(|&byte| byte != b'0').map_or(0, |last| last + 1);
    &fraction[..kept]
}

/// Up to 19 digits in all cannot overflow: 10^19 − 1 < 2^64.
#[inline]
fn append_u64(start: u64, digits: &[u8]) -> Result<u64, NumberError> {
    let mut value = start;
    for &byte in digits {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return Err(NumberError::Malformed);
        }
        value = value * 10 + u64::from(digit);
    }
    Ok(value)
}

fn append_i128(start: i128, digits: &[u8]) -> Result<i128, NumberError> {
    let mut value = start;
    for &byte in digits {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return Err(NumberError::Malformed);
        }
        value = value
            .checked_mul(10)
            .and_then(|value| value.checked_add(i128::from(digit)))
            .ok_or(NumberError::TooLarge)?;
    }
    Ok(value)
}

/// The mantissa of a price, at the price scale of the record or book that holds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Price(pub i128);

/// The mantissa of a size, at the size scale of the record or book that holds it. Never negative.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Size(pub i128);

/// What a size counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum SizeUnit {
    /// Units of the base currency.
    #[default]
    Base,
    /// Units of the quote currency (inverse contracts).
    Quote,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(mantissa: i128, digits: u8) -> Number {
        Number { mantissa, scale: Scale::new(digits).expect("a test's scale") }
    }

    #[test]
    fn parsing_keeps_every_digit_and_drops_trailing_zeros() {
        for (text, expected) in [
            ("61837.63000000", number(6_183_763, 2)),
            ("0.00000000", number(0, 0)),
            ("0.00000001", number(1, 8)),
            ("100", number(100, 0)),
            ("-1.50", number(-15, 1)),
            ("0.100000000000000000000", number(1, 1)),
            ("9223372036854775808.5", number(92_233_720_368_547_758_085, 1)),
        ] {
            assert_eq!(Number::parse(text.as_bytes()), Ok(expected), "{text}");
        }
    }

    #[test]
    fn the_short_cut_and_the_loop_agree() {
        let mut rng = fastrand::Rng::with_seed(0x5eed);
        for _ in 0..50_000 {
            let mut text: Vec<u8> =
                (0..rng.usize(0..20)).map(|_| rng.choice(*b"0000123456789").unwrap()).collect();
            if rng.u8(0..8) > 0 && !text.is_empty() {
                let at = rng.usize(0..text.len());
                text[at] = b'.';
            }
            if rng.u8(0..8) == 0 && !text.is_empty() {
                let at = rng.usize(0..text.len());
                text[at] = rng.u8(..);
            }
            if let Some(number) = parse_usual(&text) {
                assert_eq!(Ok(number), Number::parse_any(&text), "{}", text.escape_ascii());
            }
        }
    }

    #[test]
    fn every_usual_form_takes_the_short_cut() {
        for (text, expected) in [
            ("61837.63000000", number(6_183_763, 2)),
            ("0.00000000", number(0, 0)),
            ("0.00000001", number(1, 8)),
            ("9999999.99999999", number(999_999_999_999_999, 8)),
            ("1000000.0", number(1_000_000, 0)),
            ("123456.7", number(1_234_567, 1)),
        ] {
            assert_eq!(parse_usual(text.as_bytes()), Some(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_number_is_refused_with_its_reason() {
        for (text, expected) in [
            ("", NumberError::Malformed),
            ("-", NumberError::Malformed),
            (".5", NumberError::Malformed),
            ("5.", NumberError::Malformed),
            ("1e5", NumberError::Malformed),
            ("1.2.3", NumberError::Malformed),
            ("0.0000000000000000001", NumberError::TooFine),
            ("999999999999999999999999999999999999999999", NumberError::TooLarge),
        ] {
            assert_eq!(Number::parse(text.as_bytes()), Err(expected), "{text}");
        }
    }

    #[test]
    fn a_coarser_scale_never_rounds() {
        assert_eq!(number(15, 1).mantissa_at(Scale::ZERO), Err(NumberError::TooFine));
        assert_eq!(number(15, 1).mantissa_at(Scale(3)), Ok(1_500));
    }

    #[test]
    fn display_writes_exactly_the_scale() {
        assert_eq!(number(6_183_763, 2).to_string(), "61837.63");
        assert_eq!(number(-5, 3).to_string(), "-0.005");
        assert_eq!(number(7, 0).to_string(), "7");
    }
}
