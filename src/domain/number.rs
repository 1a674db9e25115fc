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

    /// Parses `[-]digits[.digits][(e|E)[+|-]digits]`, as JSON writes a number, exactly. `+1`, `.5`, `5.`, blanks and words are errors.
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
        match text.iter().position(|byte| matches!(byte, b'e' | b'E')) {
            None => Self::parse_plain(text),
            Some(at) => Self::parse_scientific(&text[..at], &text[at + 1..]),
        }
    }

    /// A number whose point is moved by an exponent.
    #[cold]
    fn parse_scientific(digits: &[u8], exponent: &[u8]) -> Result<Self, NumberError> {
        let (down, places) = match exponent {
            [b'-', places @ ..] => (true, places),
            [b'+', places @ ..] | places => (false, places),
        };
        if places.is_empty() || !places.iter().all(u8::is_ascii_digit) {
            return Err(NumberError::Malformed);
        }
        // Beyond three digits every number but zero is out of range.
        let places =
            places.iter().fold(0_i32, |value, byte| (value * 10 + i32::from(byte - b'0')).min(9_999));
        let (mut mantissa, written) = significant(digits)?;
        if mantissa == 0 {
            return Ok(Self::ZERO);
        }
        let mut scale = written.saturating_add(if down { places } else { -places });
        while scale < 0 {
            mantissa = mantissa.checked_mul(10).ok_or(NumberError::TooLarge)?;
            scale += 1;
        }
        let scale = u8::try_from(scale).ok().and_then(Scale::new).ok_or(NumberError::TooFine)?;
        Ok(Self { mantissa, scale })
    }

    fn parse_plain(text: &[u8]) -> Result<Self, NumberError> {
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

/// The digits of a plain number from its first to its last that is not zero, and how many places the last one is behind the point.
fn significant(text: &[u8]) -> Result<(i128, i32), NumberError> {
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        _ => (false, text),
    };
    let (whole, fraction) = match digits.iter().position(|&byte| byte == b'.') {
        Some(at) if at + 1 == digits.len() => return Err(NumberError::Malformed),
        Some(at) => (&digits[..at], &digits[at + 1..]),
        None => (digits, &[][..]),
    };
    if whole.is_empty() {
        return Err(NumberError::Malformed);
    }
    let (mut magnitude, mut zeros) = (0_i128, 0);
    for &byte in whole.iter().chain(fraction) {
        match byte {
            b'0' => zeros += i32::from(magnitude != 0),
            b'1'..=b'9' => {
                for _ in 0..zeros {
                    magnitude = magnitude.checked_mul(10).ok_or(NumberError::TooLarge)?;
                }
                magnitude = append_i128(magnitude, &[byte])?;
                zeros = 0;
            }
            _ => return Err(NumberError::Malformed),
        }
    }
    let written = i32::try_from(fraction.len()).map_err(|_| NumberError::TooFine)?;
    Ok((if negative { -magnitude } else { magnitude }, written - zeros))
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
    fn exponents_are_read_exactly() {
        for (text, expected) in [
            ("5.1e-7", Ok(number(51, 8))),
            ("1E-8", Ok(number(1, 8))),
            ("12.50E+1", Ok(number(125, 0))),
            ("1e3", Ok(number(1_000, 0))),
            ("-2.5e1", Ok(number(-25, 0))),
            ("0e0", Ok(Number::ZERO)),
            ("0.000e-999999", Ok(Number::ZERO)),
            ("0e99999999999999999999", Ok(Number::ZERO)),
            ("100e-2", Ok(number(1, 0))),
            ("1e-18", Ok(number(1, 18))),
            ("10e-19", Ok(number(1, 18))),
            ("1e-19", Err(NumberError::TooFine)),
            ("1e38", Ok(number(10_i128.pow(38), 0))),
            ("1e39", Err(NumberError::TooLarge)),
            ("1e999999999999", Err(NumberError::TooLarge)),
            ("1e-999999999999", Err(NumberError::TooFine)),
            ("1e", Err(NumberError::Malformed)),
            ("1e+", Err(NumberError::Malformed)),
            ("e5", Err(NumberError::Malformed)),
            ("1.e5", Err(NumberError::Malformed)),
            (".5e1", Err(NumberError::Malformed)),
            ("1e1.5", Err(NumberError::Malformed)),
            ("1e5e5", Err(NumberError::Malformed)),
            ("0x1e5", Err(NumberError::Malformed)),
            ("1e 5", Err(NumberError::Malformed)),
        ] {
            assert_eq!(Number::parse(text.as_bytes()), expected, "{text}");
        }
    }

    #[test]
    fn an_exponent_moves_the_point_and_nothing_else() {
        let mut rng = fastrand::Rng::with_seed(0xe5);
        for _ in 0..20_000 {
            let digits: String = (0..rng.usize(1..12)).map(|_| rng.digit(10)).collect();
            let (places, down) = (rng.usize(0..12), rng.bool());
            // The same, with the point moved by hand.
            let plain = if down {
                let padded = format!("{}{digits}", "0".repeat(places));
                let (whole, fraction) = padded.split_at(padded.len() - places);
                format!("{whole}{}{fraction}", if places == 0 { "" } else { "." })
            } else {
                format!("{digits}{}", "0".repeat(places))
            };
            let text = format!(
                "{digits}{}{}{places}",
                if rng.bool() { 'e' } else { 'E' },
                if down { "-" } else { "" }
            );
            assert_eq!(Number::parse(text.as_bytes()), Number::parse(plain.as_bytes()), "{text} = {plain}");
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
            ("1x5", NumberError::Malformed),
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
