//! Which of two numbers is greater, whatever their scales.

use std::cmp::Ordering;

use super::Number;

impl Number {
    /// Exactly. Two numbers of different scales may be equal here although they are not the same.
    #[must_use]
    pub fn compare(self, other: Self) -> Ordering {
        let scale = self.scale.max(other.scale);
        match (self.mantissa_at(scale), other.mantissa_at(scale)) {
            (Ok(one), Ok(other)) => one.cmp(&other),
            // Beyond 128 bits at the other's scale: farther from zero than the other can be.
            (Err(_), _) => self.mantissa.cmp(&0),
            (_, Err(_)) => 0.cmp(&other.mantissa),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Scale;

    #[test]
    fn scales_do_not_matter() {
        let number = |mantissa, digits| Number { mantissa, scale: Scale::new(digits).expect("in range") };
        for (one, other, expected) in [
            (number(10, 1), number(1, 0), Ordering::Equal),
            (number(101, 2), number(1, 0), Ordering::Greater),
            (number(99, 2), number(1, 0), Ordering::Less),
            (number(-101, 2), number(-1, 0), Ordering::Less),
            (number(i128::MAX, 0), number(i128::MAX, 18), Ordering::Greater),
            (number(i128::MIN, 0), number(i128::MAX, 18), Ordering::Less),
            (number(0, 18), number(0, 0), Ordering::Equal),
        ] {
            assert_eq!(one.compare(other), expected, "{one} {other}");
            assert_eq!(other.compare(one), expected.reverse(), "{other} {one}");
        }
    }
}
