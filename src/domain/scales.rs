//! The scales of one writer's prices and sizes, and numbers at them.

use super::number::WHOLE_DIGITS_MAX;
use super::{Number, NumberError, POWERS_OF_TEN, Price, Scale, Size};

/// The price scale and the size scale that one writer keeps for an instrument at a venue.
///
/// They only ever grow: a finer number raises them ([`Scales::raised_for`]), nothing is rounded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Scales {
    /// Digits after the point of prices.
    pub price: Scale,
    /// Digits after the point of sizes.
    pub size: Scale,
}

impl Scales {
    /// `number` as a price at these scales.
    ///
    /// # Errors
    /// As [`Number::mantissa_at`], and [`NumberError::Negative`].
    #[inline]
    pub fn price_of(self, number: Number) -> Result<Price, NumberError> {
        number.mantissa_at(self.price).and_then(|mantissa| in_range(mantissa, self.price)).map(Price)
    }

    /// `number` as a size at these scales.
    ///
    /// # Errors
    /// As [`Number::mantissa_at`], and [`NumberError::Negative`].
    #[inline]
    pub fn size_of(self, number: Number) -> Result<Size, NumberError> {
        number.mantissa_at(self.size).and_then(|mantissa| in_range(mantissa, self.size)).map(Size)
    }

    /// The scales that hold both these and a price and size as fine as the given ones.
    #[must_use]
    #[inline]
    pub fn raised_for(self, price: Scale, size: Scale) -> Self {
        Self { price: self.price.max(price), size: self.size.max(size) }
    }

    /// The factor that takes a price mantissa from these scales to the finer (or equal) `to`.
    ///
    /// # Panics
    /// When `to` is coarser: scales only grow.
    #[must_use]
    pub fn price_factor(self, to: Self) -> i128 {
        POWERS_OF_TEN[usize::from(to.price.digits() - self.price.digits())]
    }

    /// The factor that takes a size mantissa from these scales to the finer (or equal) `to`.
    ///
    /// # Panics
    /// When `to` is coarser: scales only grow.
    #[must_use]
    pub fn size_factor(self, to: Self) -> i128 {
        POWERS_OF_TEN[usize::from(to.size.digits() - self.size.digits())]
    }

    /// `price` as a number.
    #[must_use]
    pub fn price_number(self, price: Price) -> Number {
        Number { mantissa: price.0, scale: self.price }
    }

    /// `size` as a number.
    #[must_use]
    pub fn size_number(self, size: Size) -> Number {
        Number { mantissa: size.0, scale: self.size }
    }
}

fn in_range(mantissa: i128, scale: Scale) -> Result<i128, NumberError> {
    if mantissa < 0 {
        Err(NumberError::Negative)
    } else if mantissa >= POWERS_OF_TEN[usize::from(scale.digits()) + WHOLE_DIGITS_MAX] {
        Err(NumberError::TooLarge)
    } else {
        Ok(mantissa)
    }
}
