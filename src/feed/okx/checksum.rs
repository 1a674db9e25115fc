//! OKX's checksum of a book.
//!
//! Owns the text that it is made over. Never compares: that is the book's.
//!
//! "Checksum" (<https://www.okx.com/docs-v5/en/#order-book-trading-market-data-ws-order-book-channel>): of the first 25 bids and
//! asks, `bid[price:size]:ask[price:size]` in turns, whatever side is shorter left out; its CRC32 as a signed number. Proved by
//! the recorded session of 2022: all of its 197 checksums hold.

use crate::domain::{Checksum, WrittenLevel, WrittenNumber};

/// Levels a side that the checksum covers.
const LEVELS: usize = 25;

/// For the rules of a book.
pub(super) const CHECKSUM: Checksum = Checksum { levels: LEVELS, compute: checksum };

/// Digits of a number: those of 128 bits, or a point behind as many zeros as a fraction has at most.
const TEXT_BYTES_MAX: usize = 300;

/// The checksum of a book with these levels, best first; the bits of the signed number that the venue sends.
#[must_use]
pub fn checksum(bids: &[WrittenLevel], asks: &[WrittenLevel]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    let mut separator: &[u8] = b"";
    for index in 0..bids.len().max(asks.len()).min(LEVELS) {
        for level in [bids.get(index), asks.get(index)].into_iter().flatten() {
            for number in [level.price, level.size] {
                hasher.update(separator);
                separator = b":";
                let mut buffer = [b'0'; TEXT_BYTES_MAX];
                hasher.update(text(number, &mut buffer));
            }
        }
    }
    hasher.finalize()
}

/// The digits as the venue wrote them, at the end of `buffer`, which is full of zeros.
fn text(number: WrittenNumber, buffer: &mut [u8; TEXT_BYTES_MAX]) -> &[u8] {
    let fraction = usize::from(number.fraction);
    let mut rest = number.mantissa.unsigned_abs();
    let mut start = TEXT_BYTES_MAX;
    let mut digits = 0;
    // At least one digit stands before the point.
    while rest > 0 || digits <= fraction {
        if digits == fraction && fraction > 0 {
            start -= 1;
            buffer[start] = b'.';
        }
        start -= 1;
        buffer[start] = b'0' + u8::try_from(rest % 10).unwrap_or_default();
        rest /= 10;
        digits += 1;
    }
    &buffer[start..]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(mantissa: i128, fraction: u8) -> WrittenNumber {
        WrittenNumber { mantissa, fraction }
    }

    fn level(price: (i128, u8), size: (i128, u8)) -> WrittenLevel {
        WrittenLevel { price: written(price.0, price.1), size: written(size.0, size.1) }
    }

    #[test]
    fn numbers_are_written_with_exactly_their_digits() {
        for (number, expected) in [
            (written(302_494, 1), "30249.4"),
            (written(16_562_579, 8), "0.16562579"),
            (written(5, 3), "0.005"),
            (written(1_000, 3), "1.000"),
            (written(30_000, 0), "30000"),
            (written(0, 0), "0"),
            (written(0, 2), "0.00"),
            (written(i128::MAX, 255), &format!("0.{:0>255}", i128::MAX)),
        ] {
            assert_eq!(text(number, &mut [b'0'; TEXT_BYTES_MAX]), expected.as_bytes());
        }
    }

    /// The documentation's two examples of the text.
    #[test]
    fn sides_take_turns_and_the_longer_one_goes_on_alone() {
        let bids = [level((33_661, 1), (7, 0)), level((3_366, 0), (6, 0))];
        let asks = [level((33_668, 1), (9, 0)), level((3_368, 0), (8, 0)), level((3_372, 0), (8, 0))];
        let expected = crc32fast::hash(b"3366.1:7:3366.8:9:3366:6:3368:8:3372:8");
        assert_eq!(checksum(&bids, &asks), expected);
        assert_eq!(checksum(&bids[..1], &asks), crc32fast::hash(b"3366.1:7:3366.8:9:3368:8:3372:8"));
        assert_eq!(checksum(&[], &[]), crc32fast::hash(b""));
    }

    #[test]
    fn levels_beyond_the_twenty_fifth_do_not_count() {
        let bids: Vec<_> = (0..30).map(|index| level((100 - index, 0), (1, 0))).collect();
        assert_eq!(checksum(&bids, &[]), checksum(&bids[..25], &[]));
    }
}
