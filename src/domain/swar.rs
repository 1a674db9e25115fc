//! Eight bytes of text at a time, in one 64-bit register.
//!
//! Owns the three operations that parsing digits needs. Never reads memory itself: callers hand in little-endian
//! words, so the first byte of the text is the lowest. Works on exactly eight bytes; shorter text is the caller's.

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGH_BITS: u64 = 0x8080_8080_8080_8080;

/// Eight times the character `0`: text xor this gives the digits' values.
pub(crate) const ZEROS: u64 = ONES * b'0' as u64;

/// Where `byte` first occurs in the eight bytes of `word`, 0 to 7.
#[inline]
pub(crate) const fn first_byte(word: u64, byte: u8) -> Option<usize> {
    let difference = word ^ (ONES * byte as u64);
    // The lowest marked byte is exact: borrows travel upwards only.
    let marks = difference.wrapping_sub(ONES) & !difference & HIGH_BITS;
    if marks == 0 { None } else { Some((marks.trailing_zeros() / 8) as usize) }
}

/// Whether each byte is the value of a digit, 0 to 9.
#[inline]
pub(crate) const fn all_digits(values: u64) -> bool {
    // 0x76 + 10 sets the high bit; a carry can only come from a byte whose own high bit is set.
    (values.wrapping_add(ONES * 0x76) | values) & HIGH_BITS == 0
}

/// The number that eight digit values spell, the lowest byte being the first digit. Meaningless unless [`all_digits`].
#[inline]
pub(crate) const fn eight_digits(values: u64) -> u64 {
    const EVERY_FOURTH: u64 = 0x0000_00ff_0000_00ff;
    // Pairs of digits, in every other byte; then the four pairs weighed by 10^6, 10^4, 10^2, 1 and added up in the high half.
    let pairs = values.wrapping_mul(10).wrapping_add(values >> 8);
    let first_and_third = (pairs & EVERY_FOURTH).wrapping_mul(0x000f_4240_0000_0064);
    let second_and_fourth = ((pairs >> 16) & EVERY_FOURTH).wrapping_mul(0x0000_2710_0000_0001);
    first_and_third.wrapping_add(second_and_fourth) >> 32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn word(text: &[u8; 8]) -> u64 {
        u64::from_le_bytes(*text)
    }

    #[test]
    fn the_first_occurrence_is_found_whatever_follows() {
        for (text, expected) in [
            (b"........", Some(0)),
            (b"1.....//", Some(1)),
            (b"1234567.", Some(7)),
            (b"12345678", None),
            (b"\xae\xff\x00/-\x2f\x2d\x80", None),
            (b"/\x2d.\x2f.\x2e..", Some(2)),
        ] {
            assert_eq!(first_byte(word(text), b'.'), expected, "{text:?}");
        }
    }

    #[test]
    fn only_digits_are_digits_in_any_place() {
        for byte in 0..=u8::MAX {
            for place in 0..8 {
                let mut text = *b"00999009";
                text[place] = byte;
                assert_eq!(all_digits(word(&text) ^ ZEROS), byte.is_ascii_digit(), "{byte} at {place}");
            }
        }
    }

    #[test]
    fn eight_digits_spell_their_number() {
        for number in [0, 1, 9, 10, 12_345_678, 87_654_321, 99_999_999, 90_000_009] {
            let text = format!("{number:08}");
            let bytes = text.as_bytes().first_chunk().expect("eight digits");
            assert_eq!(eight_digits(word(bytes) ^ ZEROS), number);
        }
    }
}
