//! Reads a frame front to back, where its exact bytes are known beforehand.
//!
//! Owns the steps of the fast path. Never reports an error: each step gives `None` when the bytes are not the expected
//! ones, and whoever called starts over on the general path. What it accepts is valid JSON. Never reads past the frame.

use super::levels;
use crate::domain::{Number, RawLevel, swar};

/// The part of the frame that is not read yet.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cursor<'f>(pub(super) &'f [u8]);

impl<'f> Cursor<'f> {
    /// Exactly these bytes.
    #[inline]
    pub(super) fn literal(&mut self, expected: &[u8]) -> Option<()> {
        self.0 = self.0.strip_prefix(expected)?;
        Some(())
    }

    /// The rest of a string up to its closing quote, which is read too. The caller checks that it holds no escapes.
    #[inline]
    pub(super) fn string(&mut self) -> Option<&'f [u8]> {
        let mut length = 0;
        loop {
            let rest = self.0.get(length..)?;
            let Some(chunk) = rest.first_chunk() else {
                length += rest.iter().position(|&byte| byte == b'"')?;
                break;
            };
            match swar::first_byte(u64::from_le_bytes(*chunk), b'"') {
                Some(at) => {
                    length += at;
                    break;
                }
                None => length += 8,
            }
        }
        let (text, rest) = self.0.split_at_checked(length)?;
        self.0 = rest.get(1..)?;
        Some(text)
    }

    /// The rest of a string of letters, digits, `-` and `_`: what channels and symbols are made of.
    #[inline]
    pub(super) fn word(&mut self) -> Option<&'f str> {
        let text = self.string()?;
        let plain = text.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
        if plain { str::from_utf8(text).ok() } else { None }
    }

    /// The rest of a string that holds a number of zero or more.
    #[inline]
    pub(super) fn number(&mut self) -> Option<Number> {
        let number = Number::parse(self.string()?).ok()?;
        (number.mantissa >= 0).then_some(number)
    }

    /// The rest of a string of digits, points and signs.
    #[inline]
    pub(super) fn skip_number(&mut self) -> Option<()> {
        let text = self.string()?;
        text.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'.' | b'-')).then_some(())
    }

    /// An integer of zero or more without leading zeros (JSON has none), of at most 19 digits (so it fits 64 bits).
    #[inline]
    pub(super) fn integer(&mut self) -> Option<u64> {
        let mut value = 0;
        let mut length = 0;
        if let Some(chunk) = self.0.first_chunk() {
            let digits = u64::from_le_bytes(*chunk) ^ swar::ZEROS;
            if swar::all_digits(digits) {
                value = swar::eight_digits(digits);
                length = 8;
            }
        }
        while let Some(digit @ 0..=9) = self.0.get(length).map(|byte| byte.wrapping_sub(b'0')) {
            if length == 19 {
                return None;
            }
            value = value * 10 + u64::from(digit);
            length += 1;
        }
        let (digits, rest) = self.0.split_at_checked(length)?;
        if digits.is_empty() || (digits.len() > 1 && digits[0] == b'0') {
            return None;
        }
        self.0 = rest;
        Some(value)
    }

    /// An integer of 64 bits, negative or not.
    #[inline]
    pub(super) fn signed(&mut self) -> Option<i64> {
        let negative = self.literal(b"-").is_some();
        let magnitude = i64::try_from(self.integer()?).ok()?;
        match (negative, magnitude) {
            // In JSON that is no integer.
            (true, 0) => None,
            (true, _) => Some(-magnitude),
            (false, _) => Some(magnitude),
        }
    }

    /// An integer, negative or not.
    #[inline]
    pub(super) fn skip_integer(&mut self) -> Option<()> {
        self.0 = self.0.strip_prefix(b"-").unwrap_or(self.0);
        self.integer().map(|_| ())
    }

    /// `true` or `false`.
    #[inline]
    pub(super) fn boolean(&mut self) -> Option<bool> {
        match self.literal(b"true") {
            Some(()) => Some(true),
            None => self.literal(b"false").map(|()| false),
        }
    }

    /// The levels `["price","size"],...` of an array up to and with its closing bracket.
    #[inline]
    pub(super) fn side(&mut self, into: &mut Vec<RawLevel>) -> Option<()> {
        into.clear();
        if self.literal(b"]").is_some() {
            return Some(());
        }
        loop {
            self.literal(b"[\"")?;
            let price = self.number()?;
            self.literal(b",\"")?;
            let size = self.number()?;
            self.literal(b"]")?;
            if !levels::has_room(into) {
                return None;
            }
            into.push(levels::level(price, size)?);
            if self.either(b',', b']')? == b']' {
                return Some(());
            }
        }
    }

    /// One or more lower-case letters, digits and underscores up to an `@`, which is not read.
    #[inline]
    pub(super) fn lower_case_symbol(&mut self) -> Option<&'f [u8]> {
        let other = self.0.iter().position(|byte| !matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_'))?;
        let (symbol, rest) = self.0.split_at_checked(other)?;
        self.0 = rest;
        (!symbol.is_empty() && rest.first() == Some(&b'@')).then_some(symbol)
    }

    /// `symbol` in letters of any case.
    #[inline]
    pub(super) fn symbol(&mut self, symbol: &[u8]) -> Option<()> {
        let (text, rest) = self.0.split_at_checked(symbol.len())?;
        self.0 = rest;
        text.eq_ignore_ascii_case(symbol).then_some(())
    }

    /// The rest of a string of printable ASCII without escapes.
    #[inline]
    pub(super) fn plain_text(&mut self) -> Option<&'f str> {
        let text = self.string()?;
        let plain = text.iter().all(|&byte| matches!(byte, b' '..=b'~') && byte != b'\\');
        if plain { str::from_utf8(text).ok() } else { None }
    }

    /// A number of zero or more that stands without quotes, and how many digits it has behind the point. One with an
    /// exponent stops before that.
    #[inline]
    pub(super) fn bare_number(&mut self) -> Option<(Number, u8)> {
        let length = self.0.iter().position(|byte| !matches!(byte, b'0'..=b'9' | b'.'))?;
        let (text, rest) = self.0.split_at_checked(length)?;
        // JSON has no leading zeros.
        if matches!(text, [b'0', b'0'..=b'9', ..]) {
            return None;
        }
        let number = Number::parse(text).ok()?;
        let point = text.iter().position(|&byte| byte == b'.');
        let written = point.map_or(0, |at| length - at - 1);
        self.0 = rest;
        Some((number, u8::try_from(written).ok()?))
    }

    /// A number that stands without quotes, negative or not.
    #[inline]
    pub(super) fn skip_bare_number(&mut self) -> Option<()> {
        self.0 = self.0.strip_prefix(b"-").unwrap_or(self.0);
        self.bare_number().map(|_| ())
    }

    /// Whichever of two bytes comes next.
    #[inline]
    pub(super) fn either(&mut self, first: u8, second: u8) -> Option<u8> {
        let (&byte, rest) = self.0.split_first()?;
        self.0 = rest;
        (byte == first || byte == second).then_some(byte)
    }

    /// The end of the frame.
    #[inline]
    pub(super) fn end(self) -> Option<()> {
        self.0.is_empty().then_some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_are_those_of_json_and_of_64_bits() {
        for (text, expected) in [
            ("0,", Some(0)),
            ("7,", Some(7)),
            ("12345678,", Some(12_345_678)),
            ("50093239212,", Some(50_093_239_212)),
            ("9999999999999999999,", Some(9_999_999_999_999_999_999)),
            ("99999999999999999999,", None),
            ("01,", None),
            ("000000001,", None),
            (",", None),
            ("", None),
            ("-1,", None),
        ] {
            assert_eq!(Cursor(text.as_bytes()).integer(), expected, "{text}");
        }
    }

    #[test]
    fn a_bare_number_is_one_of_json_and_says_how_many_digits_were_written() {
        for (text, expected) in [
            ("0.050,", Some(("0.05", 3))),
            ("5.00000000}", Some(("5", 8))),
            ("100]", Some(("100", 0))),
            ("0,", Some(("0", 0))),
            ("00.5,", None),
            ("-1,", None),
            (".5,", None),
            ("5.,", None),
            (",", None),
            ("1", None),
        ] {
            let read = Cursor(text.as_bytes()).bare_number();
            let expected = expected.map(|(number, written)| (number.to_owned(), written));
            assert_eq!(read.map(|(number, written)| (number.to_string(), written)), expected, "{text}");
        }
        let mut cursor = Cursor(b"1e5,");
        assert!(cursor.bare_number().is_some() && cursor.0 == b"e5,", "the caller expects no exponent");
    }

    #[test]
    fn plain_text_has_neither_escapes_nor_other_letters() {
        for (text, expected) in
            [("BTC/USD\"", Some("BTC/USD")), ("B\\u0054C\"", None), ("\u{e9}\"", None), ("a", None)]
        {
            assert_eq!(Cursor(text.as_bytes()).plain_text(), expected, "{text}");
        }
    }

    #[test]
    fn a_string_ends_at_its_quote_wherever_that_is() {
        for length in 0..40 {
            let text = format!("{}\"rest", "1".repeat(length));
            let mut cursor = Cursor(text.as_bytes());
            assert_eq!(cursor.string().map(<[u8]>::len), Some(length));
            assert_eq!(cursor.0, b"rest");
            assert_eq!(Cursor(&text.as_bytes()[..length]).string(), None);
        }
    }
}
