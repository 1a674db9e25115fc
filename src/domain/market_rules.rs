//! What an instrument at a venue is like, for whoever keeps its book and its price: handed from the venue's folder to
//! `process`, which knows no venue.

use super::{Number, NumberError, Scale, SizeUnit};

/// Where a book begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Anchor {
    /// A snapshot over REST, joined to the deltas by their ids.
    Rest,
    /// A whole book in the stream, at each subscription.
    Stream,
}

/// Which published levels a side the venue's own check covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Coverage {
    /// None: an error in one of them cannot be noticed.
    Nothing,
    /// The first so many.
    Top(usize),
    /// All: each update says which one comes before it.
    Everything,
}

/// A level in the digits that the venue wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WrittenLevel {
    /// The price.
    pub price: WrittenNumber,
    /// The size.
    pub size: WrittenNumber,
}

/// A number in the digits that the venue wrote: `mantissa` with the last `fraction` digits behind the point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WrittenNumber {
    /// Every digit, those behind the point included.
    pub mantissa: i128,
    /// Digits behind the point.
    pub fraction: u8,
}

/// How a venue's checksum is made.
#[derive(Debug, Clone, Copy)]
pub struct Checksum {
    /// Levels a side that go into it, at most.
    pub levels: usize,
    /// From bids and asks, each best first and at most `levels`, to the sum.
    pub compute: fn(bids: &[WrittenLevel], asks: &[WrittenLevel]) -> u32,
}

/// Function pointers have no meaningful equality: two checksums over as many levels are taken for the same.
impl PartialEq for Checksum {
    fn eq(&self, other: &Self) -> bool {
        self.levels == other.levels
    }
}

impl Eq for Checksum {}

/// How a book is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BookRules {
    /// Where it begins.
    pub anchor: Anchor,
    /// The venue names only so many levels a side and does not say which ones fall out: the client drops them.
    pub window: Option<usize>,
    /// The venue's checksum.
    pub checksum: Option<Checksum>,
    /// What the venue's check covers.
    pub coverage: Coverage,
}

/// What a price is made from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PriceFrom {
    /// The venue's own top of book.
    Bbo,
    /// The best levels of its book.
    Book,
}

impl PriceFrom {
    /// As it stands in the configuration.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Bbo => "bbo",
            Self::Book => "book",
        }
    }
}

/// What the top of book in a ticker is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TickerTop {
    /// It is the price.
    Price,
    /// It is compared with the book around its arrival.
    Witness,
    /// Nothing.
    Nothing,
}

/// What one of the venue's units is in ours. Each factor is exact and above zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Contract {
    /// Our price for one of theirs: 0.001 where they quote thousands.
    pub price: Number,
    /// Our size for one of theirs: 0.01 where a contract is a hundredth of the base currency.
    pub size: Number,
    /// What our size counts.
    pub unit: SizeUnit,
}

impl Contract {
    /// Theirs are ours.
    pub const PLAIN: Self = Self { price: Number::ONE, size: Number::ONE, unit: SizeUnit::Base };

    /// Whether nothing has to be converted.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        self.price == Number::ONE && self.size == Number::ONE
    }
}

/// All of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MarketRules {
    /// How its book is kept.
    pub book: BookRules,
    /// What its price is made from.
    pub price_from: PriceFrom,
    /// What the top of book in a ticker is good for.
    pub ticker_top: TickerTop,
    /// What one of the venue's units is in ours.
    pub contract: Contract,
}

impl Number {
    /// The exact product.
    ///
    /// # Errors
    /// [`NumberError::TooFine`] or [`NumberError::TooLarge`] where it does not fit.
    pub fn times(self, factor: Self) -> Result<Self, NumberError> {
        let scale = Scale::new(self.scale.digits() + factor.scale.digits()).ok_or(NumberError::TooFine)?;
        let mantissa = self.mantissa.checked_mul(factor.mantissa).ok_or(NumberError::TooLarge)?;
        Ok(Self { mantissa, scale })
    }
}
