//! Whether a number is farther from its reference than a limit: exact, for every number.
//!
//! Owns the comparison. Never rounds, never overflows: products take 160 bits, which are compared as two halves.

/// A fraction of the reference: `part / whole`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Limit {
    pub(super) part: u32,
    pub(super) whole: u32,
}

impl Limit {
    /// So many percent.
    pub(super) const fn percent(part: u32) -> Self {
        Self { part, whole: 100 }
    }

    /// So many thousandths of a percent.
    pub(super) const fn percent_thousandths(part: u32) -> Self {
        Self { part, whole: 100_000 }
    }

    /// Whether `number` is strictly farther from `reference` than this fraction of it. From zero every other number is.
    #[inline]
    pub(super) fn is_exceeded(self, reference: i128, number: i128) -> bool {
        let difference = number.abs_diff(reference);
        let both_small = u64::try_from(difference).ok().zip(u64::try_from(reference.unsigned_abs()).ok());
        match both_small {
            Some((difference, reference)) => {
                u128::from(difference) * u128::from(self.whole)
                    > u128::from(reference) * u128::from(self.part)
            }
            None => product(difference, self.whole) > product(reference.unsigned_abs(), self.part),
        }
    }
}

/// `number × factor`: what is above the low 64 bits, and those.
const fn product(number: u128, factor: u32) -> (u128, u64) {
    let (high, low) = (number >> 64, number & u64::MAX as u128);
    let low = low * factor as u128;
    #[allow(clippy::cast_possible_truncation, reason = "the low half is what is wanted")]
    let kept = low as u64;
    (high * factor as u128 + (low >> 64), kept)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rust_decimal::Decimal;

    use super::*;

    /// By long multiplication of decimal digits, most significant first and as long as any product here.
    fn digits_times(number: u128, factor: u32) -> Vec<u8> {
        let mut carry = 0_u64;
        let mut digits: Vec<u8> = format!("{number:060}")
            .bytes()
            .rev()
            .map(|digit| {
                let sum = u64::from(digit - b'0') * u64::from(factor) + carry;
                carry = sum / 10;
                u8::try_from(sum % 10).unwrap()
            })
            .collect();
        assert_eq!(carry, 0, "sixty digits hold every product");
        digits.reverse();
        digits
    }

    fn by_digits(limit: Limit, reference: i128, number: i128) -> bool {
        let difference = number.abs_diff(reference);
        digits_times(difference, limit.whole) > digits_times(reference.unsigned_abs(), limit.part)
    }

    fn limit() -> impl Strategy<Value = Limit> {
        prop_oneof![
            any::<u32>().prop_map(Limit::percent_thousandths),
            (0_u32..200_000).prop_map(Limit::percent_thousandths),
            (0_u32..200).prop_map(Limit::percent),
        ]
    }

    /// Of every length, and right at the limit of a reference.
    fn pair(limit: Limit) -> impl Strategy<Value = (i128, i128)> {
        let reference = (0_u32..127, any::<i128>()).prop_map(|(shift, number)| (number >> shift).max(0));
        (reference, -2_i128..=2, any::<i128>(), any::<bool>()).prop_map(
            move |(reference, offset, any, near)| {
                let step = (reference / i128::from(limit.whole)).checked_mul(i128::from(limit.part));
                let edge = step.and_then(|step| reference.checked_add(step)?.checked_add(offset));
                (reference, edge.filter(|_| near).unwrap_or(any))
            },
        )
    }

    proptest! {
        #[test]
        fn the_decision_is_that_of_long_multiplication(
            (limit, (reference, number)) in limit().prop_flat_map(|limit| (Just(limit), pair(limit)))
        ) {
            prop_assert_eq!(limit.is_exceeded(reference, number), by_digits(limit, reference, number));
        }

        /// Against another library's exact decimals, where those reach.
        #[test]
        fn the_decision_is_that_of_decimals(reference in 1..1_u64 << 60, number in 0..1_u64 << 60, part in 0_u32..300_000) {
            let (old, new) = (Decimal::from(reference), Decimal::from(number));
            let decimal = (new - old).abs() * Decimal::from(100_000) > old * Decimal::from(part);
            let limit = Limit::percent_thousandths(part);
            prop_assert_eq!(limit.is_exceeded(reference.into(), number.into()), decimal);
        }
    }

    #[test]
    fn the_limit_itself_is_not_beyond_it() {
        let limit = Limit::percent_thousandths(1_000);
        for (reference, number, expected) in [
            (10_000, 10_100, false),
            (10_000, 10_101, true),
            (10_000, 9_900, false),
            (10_000, 9_899, true),
            (0, 0, false),
            (0, 1, true),
        ] {
            assert_eq!(limit.is_exceeded(reference, number), expected, "{reference} to {number}");
        }
    }

    /// The largest mantissas that a record can hold, and the largest that there are.
    #[test]
    fn no_mantissa_is_too_large() {
        let largest = 10_i128.pow(37) - 1;
        for reference in [0, 1, 2 * largest, i128::MAX, i128::MIN] {
            for number in [0, largest, 2 * largest, i128::MAX, i128::MIN] {
                for part in [0, 1, 999, 1_000, 100_000, u32::MAX] {
                    let limit = Limit::percent_thousandths(part);
                    assert_eq!(limit.is_exceeded(reference, number), by_digits(limit, reference, number));
                }
            }
        }
        let limit = Limit::percent_thousandths(1_000);
        let exactly = 101 * 10_i128.pow(35);
        assert!(!limit.is_exceeded(10_i128.pow(37), exactly));
        assert!(limit.is_exceeded(10_i128.pow(37), exactly + 1), "one of 38 digits decides");
    }
}
