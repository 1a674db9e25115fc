//! Writes MessagePack into a buffer that is large enough.
//!
//! Owns the choice of the shortest form. Never allocates, never formats, never grows the buffer: who makes one
//! reserves [`ITEM_BYTES_MAX`] for each item and [`SLACK_BYTES`] beyond, or the write panics (a programmer's error).
//! Every number goes the same way, without a branch on its size: sizes of levels are random, and a mispredicted
//! branch costs more than the item.

/// The longest item: an `i128` as `str`, two bytes of head and 40 characters.
pub(super) const ITEM_BYTES_MAX: usize = 42;

/// Every number is written as nine bytes, of which the next item overwrites those that it does not need.
pub(super) const SLACK_BYTES: usize = 9;

/// Of a number of so many significant bits: its first byte, the mask of its low bits that join that byte, how many
/// bytes follow, and a zero (entries of four bytes are found without a multiplication).
const FORMS: [[u8; 4]; 65] = {
    let mut forms = [[0xcf, 0, 8, 0]; 65];
    let mut bits = 0;
    while bits <= 32 {
        forms[bits] = match bits {
            0..=7 => [0x00, 0x7f, 0, 0],
            8 => [0xcc, 0, 1, 0],
            9..=16 => [0xcd, 0, 2, 0],
            _ => [0xce, 0, 4, 0],
        };
        bits += 1;
    }
    forms
};

/// A position in a buffer.
#[derive(Debug)]
pub(super) struct Writer<'a> {
    buffer: &'a mut [u8],
    at: usize,
}

impl<'a> Writer<'a> {
    /// At the start of `buffer`.
    #[inline]
    pub(super) const fn new(buffer: &'a mut [u8]) -> Self {
        Self { buffer, at: 0 }
    }

    /// How many bytes have been written.
    #[inline]
    pub(super) const fn written(&self) -> usize {
        self.at
    }

    /// Writes bytes as they are.
    #[inline]
    pub(super) fn raw(&mut self, bytes: &[u8]) {
        let end = self.at + bytes.len();
        self.buffer[self.at..end].copy_from_slice(bytes);
        self.at = end;
    }

    /// Writes `nil`.
    #[inline]
    pub(super) fn nil(&mut self) {
        self.item(0xc0, 0, 0);
    }

    /// Writes numbers below 128, a byte each.
    #[inline]
    pub(super) fn small<const N: usize>(&mut self, numbers: [u8; N]) {
        debug_assert!(numbers.iter().all(|&number| number < 0x80), "no positive fixints: {numbers:?}");
        self.raw(&numbers);
    }

    /// Writes a number of zero or more.
    #[inline]
    pub(super) fn uint(&mut self, number: u64) {
        // With the lowest bit set there is no zero to be told apart, and the form is the same.
        let bits = 64 - (number | 1).leading_zeros();
        let [first, mask, width, _] = FORMS[bits as usize];
        let low = number.to_le_bytes()[0];
        self.item(first | (low & mask), number.wrapping_shl(64 - 8 * u32::from(width)), width);
    }

    /// Writes a number as a full `uint 64`.
    #[inline]
    pub(super) fn full_uint(&mut self, number: u64) {
        self.item(0xcf, number, 8);
    }

    /// Writes a time: of the years from 1970 to 2262 nearly all take the full form, so it is tried first.
    #[inline]
    pub(super) fn time(&mut self, nanos: i64) {
        if nanos > i64::from(u32::MAX) { self.full_uint(nanos.cast_unsigned()) } else { self.int(nanos) }
    }

    /// Writes a number.
    #[inline]
    pub(super) fn int(&mut self, number: i64) {
        match u64::try_from(number) {
            Ok(number) => self.uint(number),
            Err(_) => self.negative(number),
        }
    }

    /// Writes a mantissa: as an int where it fits one of 64 bits with a sign, else as its digits.
    #[inline]
    pub(super) fn mantissa(&mut self, mantissa: i128) {
        match u64::try_from(mantissa) {
            Ok(number) if number >> 63 == 0 => self.uint(number),
            _ => self.unusual_mantissa(mantissa),
        }
    }

    /// Writes the head of an array of `length` items.
    #[inline]
    pub(super) fn array(&mut self, length: usize) {
        let length = u16::try_from(length).expect("no array of the contract has more than 65,535 items");
        match length {
            0..=15 => self.item(0x90 | length.to_le_bytes()[0], 0, 0),
            _ => self.item(0xdc, u64::from(length) << 48, 2),
        }
    }

    /// Writes a text of at most 255 bytes.
    pub(super) fn text(&mut self, text: &str) {
        let length = u8::try_from(text.len()).expect("no text of the contract has more than 255 bytes");
        match length {
            0..=31 => self.item(0xa0 | length, 0, 0),
            _ => self.item(0xd9, u64::from(length) << 56, 1),
        }
        self.raw(text.as_bytes());
    }

    /// The head of a `bin` of `length` bytes.
    pub(super) fn binary_head(&mut self, length: usize) {
        let length = u32::try_from(length).expect("no value has 4 GiB");
        match length {
            0..=0xff => self.item(0xc4, u64::from(length) << 56, 1),
            0x100..=0xffff => self.item(0xc5, u64::from(length) << 48, 2),
            _ => self.item(0xc6, u64::from(length) << 32, 4),
        }
    }

    /// `first`, then the `width` most significant bytes of `rest`.
    #[inline]
    fn item(&mut self, first: u8, rest: u64, width: u8) {
        let slot = self.buffer[self.at..].first_chunk_mut::<9>().expect("the buffer has slack");
        slot[0] = first;
        slot[1..].copy_from_slice(&rest.to_be_bytes());
        self.at += 1 + usize::from(width);
    }

    #[cold]
    fn negative(&mut self, number: i64) {
        let rest = number.cast_unsigned();
        match number {
            -32.. => self.item(number.to_le_bytes()[0], 0, 0),
            -0x80.. => self.item(0xd0, rest << 56, 1),
            -0x8000.. => self.item(0xd1, rest << 48, 2),
            -0x8000_0000.. => self.item(0xd2, rest << 32, 4),
            _ => self.item(0xd3, rest, 8),
        }
    }

    /// A negative one, or one beyond 64 bits.
    #[cold]
    fn unusual_mantissa(&mut self, mantissa: i128) {
        match i64::try_from(mantissa) {
            Ok(number) => self.int(number),
            Err(_) => self.digits(mantissa),
        }
    }

    fn digits(&mut self, mantissa: i128) {
        let mut characters = [b'0'; 40];
        let (mut start, mut magnitude) = (characters.len(), mantissa.unsigned_abs());
        while magnitude > 0 {
            start -= 1;
            characters[start] += (magnitude % 10).to_le_bytes()[0];
            magnitude /= 10;
        }
        if mantissa < 0 {
            start -= 1;
            characters[start] = b'-';
        }
        self.text(std::str::from_utf8(&characters[start..]).expect("digits are ASCII"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(write: impl FnOnce(&mut Writer<'_>)) -> Vec<u8> {
        let mut buffer = [0xee; 512];
        let mut writer = Writer::new(&mut buffer);
        write(&mut writer);
        let end = writer.written();
        buffer[..end].to_vec()
    }

    #[test]
    fn ints_take_the_shortest_form_as_the_library_chooses_it() {
        let near = |bits: u32| [-1_i128, 0, 1].map(|offset| (1_i128 << bits) + offset);
        for number in (0..=64).flat_map(near).flat_map(|number| [number, -number, number - 32]) {
            let Ok(number) = i64::try_from(number) else { continue };
            let mut expected = Vec::new();
            rmp::encode::write_sint(&mut expected, number).unwrap();
            assert_eq!(written(|writer| writer.int(number)), expected, "{number}");
            assert_eq!(written(|writer| writer.mantissa(number.into())), expected, "{number}");
        }
        for number in [u64::MAX, 1 << 63, (1 << 63) - 1] {
            let mut expected = Vec::new();
            rmp::encode::write_uint(&mut expected, number).unwrap();
            assert_eq!(written(|writer| writer.uint(number)), expected, "{number}");
        }
    }

    #[test]
    fn a_mantissa_beyond_64_bits_is_its_digits() {
        for mantissa in [1_i128 << 63, -(1 << 63) - 1, i128::MAX, i128::MIN, 10_i128.pow(31), 10_i128.pow(30)]
        {
            let mut expected = Vec::new();
            rmp::encode::write_str(&mut expected, &mantissa.to_string()).unwrap();
            assert_eq!(written(|writer| writer.mantissa(mantissa)), expected, "{mantissa}");
            assert!(expected.len() <= ITEM_BYTES_MAX);
        }
    }

    #[test]
    fn heads_of_arrays_and_binaries_take_the_shortest_form() {
        for length in [0, 15, 16, 255, 256, 65_535] {
            let mut expected = Vec::new();
            rmp::encode::write_array_len(&mut expected, length).unwrap();
            assert_eq!(written(|writer| writer.array(length as usize)), expected, "{length}");
        }
        for length in [0, 255, 256, 65_535, 65_536] {
            let mut expected = Vec::new();
            rmp::encode::write_bin_len(&mut expected, length).unwrap();
            assert_eq!(written(|writer| writer.binary_head(length as usize)), expected, "{length}");
        }
    }
}
