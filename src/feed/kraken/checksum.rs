//! The checksum that comes with every book.
//!
//! Owns its recipe, <https://docs.kraken.com/exchange/guides/websockets/book-checksum-v2>: of the first ten asks, lowest first,
//! then of the first ten bids, highest first, price and quantity "as written, without the point and without leading zeros",
//! one after the other; of that text the CRC32 (IEEE). Never sees a book: levels come in as the venue wrote them.

use crate::domain::{Checksum, WrittenLevel};

/// "The checksum is always calculated over the top 10 price levels regardless of subscription depth."
const LEVELS: usize = 10;

pub(super) const CHECKSUM: Checksum = Checksum { levels: LEVELS, compute };

/// The longest mantissa, with its sign.
const DIGITS_MAX: usize = 40;

fn compute(bids: &[WrittenLevel], asks: &[WrittenLevel]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    let mut digits = [0; DIGITS_MAX];
    for level in asks.iter().chain(bids) {
        for number in [level.price, level.size] {
            hasher.update(text(number.mantissa, &mut digits));
        }
    }
    hasher.finalize()
}

/// The digits without leading zeros: nothing at all for zero.
fn text(mantissa: i128, digits: &mut [u8; DIGITS_MAX]) -> &[u8] {
    let mut rest = mantissa.unsigned_abs();
    let mut start = digits.len();
    while rest > 0 {
        start -= 1;
        digits[start] = b'0' + u8::try_from(rest % 10).expect("a digit");
        rest /= 10;
    }
    &digits[start..]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::WrittenNumber;

    fn level(price: (i128, u8), size: (i128, u8)) -> WrittenLevel {
        let number = |(mantissa, fraction)| WrittenNumber { mantissa, fraction };
        WrittenLevel { price: number(price), size: number(size) }
    }

    #[test]
    fn zeros_in_front_do_not_count_and_those_behind_do() {
        // 45285.2 and 0.00100000; 45283.5 and 0.10000000
        let (ask, bid) = (level((452_852, 1), (100_000, 8)), level((452_835, 1), (10_000_000, 8)));
        assert_eq!(compute(&[bid], &[ask]), crc32fast::hash(b"45285210000045283510000000"));
        assert_eq!(compute(&[], &[]), 0);
    }

    #[test]
    fn the_longest_mantissa_has_room() {
        let longest = level((i128::MAX, 18), (0, 0));
        assert_eq!(compute(&[], &[longest]), crc32fast::hash(i128::MAX.to_string().as_bytes()));
    }
}
