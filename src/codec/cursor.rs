//! Reads MessagePack from bytes that nobody vouches for.
//!
//! Owns the checks: every read is within the bytes, no length is believed before the bytes for it are there, nesting
//! costs no stack. Never allocates. Takes every form of an integer, not only the shortest.

use super::error::DecodeError;

/// The longest mantissa as text: `i128::MIN`.
const DIGITS_MAX: usize = 40;

/// A position in a record.
#[derive(Debug, Clone)]
pub(super) struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    /// At the start of `bytes`.
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// That what was just read is no `expected`.
    #[cold]
    pub(super) const fn invalid(&self, expected: &'static str) -> DecodeError {
        DecodeError::Invalid { offset: self.at, expected }
    }

    /// That nothing may follow.
    pub(super) const fn end(&self) -> Result<(), DecodeError> {
        match self.bytes.len() - self.at {
            0 => Ok(()),
            length => Err(DecodeError::TrailingBytes { length }),
        }
    }

    /// Opens an array that must have `min` items at least; returns how many more it has.
    pub(super) fn array_of(&mut self, min: usize) -> Result<usize, DecodeError> {
        let length = self.array_head()?;
        length.checked_sub(min).ok_or_else(|| self.too_few(length, min))
    }

    /// That the array which is being read has fewer items than it needs.
    #[cold]
    pub(super) const fn too_few(&self, length: usize, min: usize) -> DecodeError {
        DecodeError::TooFewItems { offset: self.at, length, min }
    }

    /// Opens an array of at most `max` items; returns how many it has, for each of which there is a byte at least.
    pub(super) fn array_up_to(&mut self, max: usize) -> Result<usize, DecodeError> {
        let length = self.array_head()?;
        if length > max {
            return Err(DecodeError::TooManyItems { offset: self.at, length, max });
        }
        if length > self.bytes.len() - self.at {
            return Err(DecodeError::Truncated { offset: self.bytes.len() });
        }
        Ok(length)
    }

    /// Opens an array that must have as many items as the one before it.
    pub(super) fn array_like(&mut self, expected: usize) -> Result<(), DecodeError> {
        match self.array_head()? {
            length if length == expected => Ok(()),
            length => Err(DecodeError::UnequalColumns { offset: self.at, length, expected }),
        }
    }

    /// What `read` reads, or `None` where a nil stands.
    #[inline]
    pub(super) fn optional<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<T, DecodeError>,
    ) -> Result<Option<T>, DecodeError> {
        if self.bytes.get(self.at) == Some(&0xc0) {
            self.at += 1;
            return Ok(None);
        }
        read(self).map(Some)
    }

    /// An integer in any form.
    pub(super) fn integer(&mut self) -> Result<i128, DecodeError> {
        let offset = self.at;
        let marker = self.byte()?;
        Ok(match marker {
            0x00..=0x7f => marker.into(),
            0xce => u32::from_be_bytes(self.chunk()?).into(),
            0xcf => u64::from_be_bytes(self.chunk()?).into(),
            0xcd => u16::from_be_bytes(self.chunk()?).into(),
            0xcc => self.byte()?.into(),
            0xe0..=0xff => i8::from_be_bytes([marker]).into(),
            0xd0 => i8::from_be_bytes(self.chunk()?).into(),
            0xd1 => i16::from_be_bytes(self.chunk()?).into(),
            0xd2 => i32::from_be_bytes(self.chunk()?).into(),
            0xd3 => i64::from_be_bytes(self.chunk()?).into(),
            _ => return Err(DecodeError::WrongType { offset, expected: "an integer", marker }),
        })
    }

    /// An integer in the range of `N`.
    #[inline]
    pub(super) fn number<N>(&mut self, expected: &'static str) -> Result<N, DecodeError>
    where
        N: TryFrom<i128> + TryFrom<u64>,
    {
        let number = match self.positive() {
            Some(number) => N::try_from(number).ok(),
            None => N::try_from(self.integer()?).ok(),
        };
        number.ok_or_else(|| self.invalid(expected))
    }

    /// The usual forms of an integer, in registers; `None` leaves everything to [`Cursor::integer`].
    #[inline]
    fn positive(&mut self) -> Option<u64> {
        let (number, length) = match self.bytes[self.at..] {
            [number @ 0x00..=0x7f, ..] => (u64::from(number), 1),
            [0xce, a, b, c, d, ..] => (u64::from(u32::from_be_bytes([a, b, c, d])), 5),
            [0xcf, a, b, c, d, e, f, g, h, ..] => (u64::from_be_bytes([a, b, c, d, e, f, g, h]), 9),
            [0xcd, a, b, ..] => (u64::from(u16::from_be_bytes([a, b])), 3),
            [0xcc, a, ..] => (u64::from(a), 2),
            _ => return None,
        };
        self.at += length;
        Some(number)
    }

    /// A mantissa: an integer, or its decimal digits as text.
    #[inline]
    pub(super) fn mantissa(&mut self) -> Result<i128, DecodeError> {
        if let Some(number) = self.positive() {
            return Ok(number.into());
        }
        match self.bytes.get(self.at) {
            Some(0xa0..=0xbf | 0xd9..=0xdb) => self.digits(),
            _ => self.integer(),
        }
    }

    /// A text.
    pub(super) fn text(&mut self) -> Result<&'a str, DecodeError> {
        let offset = self.at;
        let marker = self.byte()?;
        let length = match marker {
            0xa0..=0xbf => usize::from(marker & 0x1f),
            0xd9..=0xdb => self.length(1 << (marker - 0xd9))?,
            _ => return Err(DecodeError::WrongType { offset, expected: "a text", marker }),
        };
        let bytes = self.take(length)?;
        std::str::from_utf8(bytes).map_err(|_| self.invalid("text in UTF-8"))
    }

    /// A `bin`.
    pub(super) fn binary(&mut self) -> Result<&'a [u8], DecodeError> {
        let offset = self.at;
        let marker = self.byte()?;
        let length = match marker {
            0xc4..=0xc6 => self.length(1 << (marker - 0xc4))?,
            _ => return Err(DecodeError::WrongType { offset, expected: "a bin", marker }),
        };
        self.take(length)
    }

    /// Skips `count` items of any type, with all that is in them. Without recursion: items that are still to be
    /// skipped are counted, and each needs a byte at least, so that the count is bounded by the bytes that are left.
    pub(super) fn skip(&mut self, count: usize) -> Result<(), DecodeError> {
        let mut pending = count;
        while pending > 0 {
            if pending > self.bytes.len() - self.at {
                return Err(DecodeError::Truncated { offset: self.bytes.len() });
            }
            pending = pending - 1 + self.skip_one()?;
        }
        Ok(())
    }

    /// Skips an item, but not the items in it; returns how many those are.
    fn skip_one(&mut self) -> Result<usize, DecodeError> {
        let offset = self.at;
        let marker = self.byte()?;
        let (bytes, items) = match marker {
            0x00..=0x7f | 0xe0..=0xff | 0xc0 | 0xc2 | 0xc3 => (0, 0),
            0x80..=0x8f => (0, 2 * usize::from(marker & 0x0f)),
            0x90..=0x9f => (0, usize::from(marker & 0x0f)),
            0xa0..=0xbf => (usize::from(marker & 0x1f), 0),
            0xc4..=0xc6 => (self.length(1 << (marker - 0xc4))?, 0),
            0xc7..=0xc9 => (self.length(1 << (marker - 0xc7))?.saturating_add(1), 0),
            0xca => (4, 0),
            0xcb => (8, 0),
            0xcc..=0xcf => (1 << (marker - 0xcc), 0),
            0xd0..=0xd3 => (1 << (marker - 0xd0), 0),
            0xd4..=0xd8 => ((1 << (marker - 0xd4)) + 1, 0),
            0xd9..=0xdb => (self.length(1 << (marker - 0xd9))?, 0),
            0xdc | 0xdd => (0, self.length(2 << (marker - 0xdc))?),
            0xde | 0xdf => (0, self.length(2 << (marker - 0xde))?.saturating_mul(2)),
            0xc1 => return Err(DecodeError::WrongType { offset, expected: "a MessagePack item", marker }),
        };
        self.take(bytes)?;
        Ok(items.min(self.bytes.len()))
    }

    fn array_head(&mut self) -> Result<usize, DecodeError> {
        let offset = self.at;
        let marker = self.byte()?;
        match marker {
            0x90..=0x9f => Ok(usize::from(marker & 0x0f)),
            0xdc | 0xdd => self.length(2 << (marker - 0xdc)),
            _ => Err(DecodeError::WrongType { offset, expected: "an array", marker }),
        }
    }

    #[cold]
    fn digits(&mut self) -> Result<i128, DecodeError> {
        let text = self.text()?;
        let plain = text.len() <= DIGITS_MAX && !text.starts_with('+');
        text.parse().ok().filter(|_| plain).ok_or_else(|| self.invalid("mantissa of 128 bits"))
    }

    /// A length in `width` bytes: 1, 2 or 4.
    fn length(&mut self, width: usize) -> Result<usize, DecodeError> {
        Ok(self.take(width)?.iter().fold(0, |length, &byte| length << 8 | usize::from(byte)))
    }

    #[inline]
    fn byte(&mut self) -> Result<u8, DecodeError> {
        let byte = *self.bytes.get(self.at).ok_or(DecodeError::Truncated { offset: self.at })?;
        self.at += 1;
        Ok(byte)
    }

    #[inline]
    fn chunk<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let chunk = self.bytes[self.at..].first_chunk::<N>();
        let chunk = *chunk.ok_or(DecodeError::Truncated { offset: self.bytes.len() })?;
        self.at += N;
        Ok(chunk)
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], DecodeError> {
        let taken = self.bytes[self.at..].get(..length);
        let taken = taken.ok_or(DecodeError::Truncated { offset: self.bytes.len() })?;
        self.at += length;
        Ok(taken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_integer_is_read_from_every_form() {
        for (bytes, expected) in [
            (&b"\x07"[..], 7),
            (b"\xcc\x07", 7),
            (b"\xcd\0\x07", 7),
            (b"\xce\0\0\0\x07", 7),
            (b"\xcf\0\0\0\0\0\0\0\x07", 7),
            (b"\xd0\xff", -1),
            (b"\xd1\xff\xff", -1),
            (b"\xd2\xff\xff\xff\xff", -1),
            (b"\xd3\xff\xff\xff\xff\xff\xff\xff\xff", -1),
            (b"\xff", -1),
            (b"\xcf\xff\xff\xff\xff\xff\xff\xff\xff", i128::from(u64::MAX)),
        ] {
            let mut cursor = Cursor::new(bytes);
            assert_eq!(cursor.integer().unwrap(), expected);
            cursor.end().unwrap();
        }
        assert!(Cursor::new(b"\xcb\0\0\0\0\0\0\0\0").integer().is_err(), "a float is no integer");
    }

    #[test]
    fn digits_are_a_mantissa_and_nothing_else_is() {
        let mantissa = |text: &str| {
            let mut bytes = Vec::new();
            rmp::encode::write_str(&mut bytes, text).unwrap();
            Cursor::new(&bytes).mantissa().ok()
        };
        for number in [0, 7, -7, i128::MAX, i128::MIN] {
            assert_eq!(mantissa(&number.to_string()), Some(number));
        }
        for text in ["", "-", "+1", "1.5", "1e3", " 1", "170141183460469231731687303715884105728"] {
            assert_eq!(mantissa(text), None, "{text}");
        }
        assert_eq!(mantissa(&"0".repeat(41)), None, "longer than any number");
    }

    #[test]
    fn skipping_passes_every_type_and_its_items() {
        let value = b"\x93\x01\x82\xa1a\xc0\xa1b\x91\xcb\0\0\0\0\0\0\0\0\xd5\x01\x02\x03";
        let mut bytes = value.to_vec();
        bytes.extend_from_slice(b"\xc4\x02ab\xdd\0\0\0\x01\xc3\xde\0\x01\x01\x02\xc7\x01\x05x\xe0");
        let mut cursor = Cursor::new(&bytes);
        cursor.skip(6).unwrap();
        cursor.end().unwrap();
    }

    #[test]
    fn skipping_needs_neither_stack_nor_time_for_what_is_not_there() {
        let nested = vec![0x91; 1_000_000];
        assert!(matches!(Cursor::new(&nested).skip(1), Err(DecodeError::Truncated { .. })));
        let huge = [0xdf, 0xff, 0xff, 0xff, 0xff, 0x00];
        assert!(matches!(Cursor::new(&huge).skip(1), Err(DecodeError::Truncated { .. })));
        assert!(Cursor::new(b"\xc1").skip(1).is_err());
    }
}
