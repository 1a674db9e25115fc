//! A whole order book of one instrument.
//!
//! Owns both sides at one pair of scales, and the venue's id of the last update in them. Never decides whether an update
//! may be applied: that is `depth_sync`. Bounded as its sides are.

use super::side::{BookSide, Completeness};
use crate::domain::{
    BookImage, Check, Checksum, DepthDelta, DepthLevel, DepthSnapshot, NumberError, POWERS_OF_TEN, Price,
    RawLevel, Scales, Side, VenueSequence, VenueTime, WrittenLevel, WrittenNumber,
};

/// The order book of one instrument.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Book {
    bids: BookSide,
    asks: BookSide,
    scales: Scales,
    last: Option<VenueSequence>,
    venue_time: Option<VenueTime>,
}

impl Book {
    pub(super) const fn empty() -> Self {
        Self {
            bids: BookSide::new(Side::Buy),
            asks: BookSide::new(Side::Sell),
            scales: Scales { price: crate::domain::Scale::ZERO, size: crate::domain::Scale::ZERO },
            last: None,
            venue_time: None,
        }
    }

    /// Builds the book that a snapshot describes. Slow (it sorts): not for the hot thread.
    ///
    /// # Errors
    /// [`NumberError`] where a level does not fit.
    pub fn from_snapshot(snapshot: &DepthSnapshot) -> Result<Self, NumberError> {
        let scales = scales_of(&snapshot.asks, scales_of(&snapshot.bids, Scales::default()));
        let side = |side, levels: &[RawLevel]| -> Result<BookSide, NumberError> {
            let complete =
                if levels.len() < snapshot.limit { Completeness::Whole } else { Completeness::Truncated };
            let levels: Result<_, _> = levels.iter().map(|level| scaled(scales, level)).collect();
            Ok(BookSide::from_levels(side, levels?, complete))
        };
        Ok(Self {
            bids: side(Side::Buy, &snapshot.bids)?,
            asks: side(Side::Sell, &snapshot.asks)?,
            scales,
            last: Some(snapshot.last),
            venue_time: snapshot.venue_time,
        })
    }

    /// Applies a delta, whatever its sequence.
    ///
    /// # Errors
    /// [`NumberError`] where a level does not fit: the book is then unusable.
    pub fn apply(&mut self, delta: &DepthDelta<'_>) -> Result<(), NumberError> {
        self.set(delta.bids, delta.asks, delta.check)?;
        self.last = delta.last;
        self.venue_time = delta.venue_time;
        Ok(())
    }

    /// Becomes the book of the image. All of its levels are there: what it does not hold, the venue does not show.
    ///
    /// # Errors
    /// [`NumberError`] where a level does not fit: the book is then unusable.
    pub fn replace(&mut self, image: &BookImage<'_>) -> Result<(), NumberError> {
        self.bids.clear(image.check.is_some());
        self.asks.clear(image.check.is_some());
        self.set(image.bids, image.asks, image.check)?;
        self.last = image.last;
        self.venue_time = image.venue_time;
        Ok(())
    }

    fn set(
        &mut self,
        bids: &[RawLevel],
        asks: &[RawLevel],
        check: Option<Check<'_>>,
    ) -> Result<(), NumberError> {
        self.raise(scales_of(asks, scales_of(bids, self.scales)));
        for (side, levels) in [(&mut self.bids, bids), (&mut self.asks, asks)] {
            for level in levels {
                let DepthLevel { price, size } = scaled(self.scales, level)?;
                side.set(price, size);
            }
        }
        let Some(check) = check else { return Ok(()) };
        for (side, levels, written) in
            [(&mut self.bids, bids, check.bids), (&mut self.asks, asks, check.asks)]
        {
            for (level, &written) in levels.iter().zip(written) {
                side.note(self.scales.price_of(level.price)?, written);
            }
        }
        Ok(())
    }

    /// Forgets the levels beyond the first `most` of each side.
    pub fn keep_first(&mut self, most: usize) {
        self.bids.keep_first(most);
        self.asks.keep_first(most);
    }

    /// The checksum of the book as it is now; `None` where it is not known how the venue wrote one of its top levels.
    #[must_use]
    pub fn checksum(&self, checksum: &Checksum) -> Option<u32> {
        let side = |side: &BookSide| -> Option<Vec<WrittenLevel>> {
            let mut levels = Vec::with_capacity(checksum.levels);
            side.top(checksum.levels, &mut levels);
            levels.iter().map(|&level| self.as_written(side, level)).collect()
        };
        Some((checksum.compute)(&side(&self.bids)?, &side(&self.asks)?))
    }

    fn as_written(&self, side: &BookSide, level: DepthLevel) -> Option<WrittenLevel> {
        let written = side.written(level.price)?;
        Some(WrittenLevel {
            price: written_number(level.price.0, self.scales.price.digits(), written.price)?,
            size: written_number(level.size.0, self.scales.size.digits(), written.size)?,
        })
    }

    /// Takes the book to finer scales; coarser ones are ignored.
    pub fn raise(&mut self, scales: Scales) {
        let scales = self.scales.raised_for(scales.price, scales.size);
        if scales != self.scales {
            let (price, size) = (self.scales.price_factor(scales), self.scales.size_factor(scales));
            self.bids.rescale(price, size);
            self.asks.rescale(price, size);
            self.scales = scales;
        }
    }

    /// The scales of every level.
    #[must_use]
    pub const fn scales(&self) -> Scales {
        self.scales
    }

    /// The venue's id of the last update in it; `None` where it has none.
    #[must_use]
    pub const fn last(&self) -> Option<VenueSequence> {
        self.last
    }

    /// The venue's stamp of the last update in it.
    #[must_use]
    pub const fn venue_time(&self) -> Option<VenueTime> {
        self.venue_time
    }

    /// The best level of a side.
    #[must_use]
    pub fn best(&self, side: Side) -> Option<DepthLevel> {
        self.side(side).best()
    }

    /// The top levels of a side into `out`, best first, only as deep as every level is known.
    pub fn top(&self, side: Side, depth: usize, out: &mut Vec<DepthLevel>) {
        out.clear();
        self.side(side).top(depth, out);
    }

    /// Whether `levels` known levels of a side are all that one could ask for, given that `depth` were wanted.
    #[must_use]
    pub fn suffices(&self, side: Side, levels: usize, depth: usize) -> bool {
        levels >= depth || self.side(side).is_complete()
    }

    /// Whether the best bid is not below the best ask.
    #[must_use]
    pub fn is_crossed(&self) -> bool {
        matches!((self.bids.best(), self.asks.best()), (Some(bid), Some(ask)) if bid.price >= ask.price)
    }

    const fn side(&self, side: Side) -> &BookSide {
        match side {
            Side::Buy => &self.bids,
            Side::Sell => &self.asks,
        }
    }
}

/// `mantissa` at a scale of `digits`, as a number with `fraction` digits behind the point. `None` where digits would be lost.
fn written_number(mantissa: i128, digits: u8, fraction: u8) -> Option<WrittenNumber> {
    let mantissa = match fraction.checked_sub(digits) {
        Some(more) => mantissa.checked_mul(*POWERS_OF_TEN.get(usize::from(more))?)?,
        None => {
            let power = POWERS_OF_TEN[usize::from(digits - fraction)];
            if mantissa % power != 0 {
                return None;
            }
            mantissa / power
        }
    };
    Some(WrittenNumber { mantissa, fraction })
}

fn scales_of(levels: &[RawLevel], start: Scales) -> Scales {
    levels.iter().fold(start, |scales, level| scales.raised_for(level.price.scale, level.size.scale))
}

/// Whether the best bid of an image is not below its best ask.
pub(super) fn is_crossed(image: &BookImage<'_>) -> bool {
    fn prices(levels: &[RawLevel], scales: Scales) -> impl Iterator<Item = Price> {
        let levels = levels.iter().filter(|level| !level.size.is_zero());
        levels.filter_map(move |level| scales.price_of(level.price).ok())
    }
    let scales = scales_of(image.asks, scales_of(image.bids, Scales::default()));
    let best = (prices(image.bids, scales).max(), prices(image.asks, scales).min());
    matches!(best, (Some(bid), Some(ask)) if bid >= ask)
}

fn scaled(scales: Scales, level: &RawLevel) -> Result<DepthLevel, NumberError> {
    Ok(DepthLevel { price: scales.price_of(level.price)?, size: scales.size_of(level.size)? })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::domain::{LEVELS_MAX, Link, Number, Scale};

    fn raw(price: i128, size: i128) -> RawLevel {
        let number = |mantissa| Number { mantissa, scale: Scale::new(2).expect("in range") };
        RawLevel { price: number(price), size: number(size) }
    }

    fn delta<'a>(bids: &'a [RawLevel], asks: &'a [RawLevel]) -> DepthDelta<'a> {
        DepthDelta {
            link: Link::Unsaid,
            last: Some(VenueSequence(1)),
            bids,
            asks,
            venue_time: None,
            check: None,
        }
    }

    fn snapshot(bids: Vec<RawLevel>, limit: usize) -> DepthSnapshot {
        DepthSnapshot { last: VenueSequence(0), bids, asks: Vec::new(), limit, venue_time: None }
    }

    fn prices(book: &Book, side: Side) -> Vec<(i128, i128)> {
        let mut levels = Vec::new();
        book.top(side, LEVELS_MAX, &mut levels);
        levels.iter().map(|level| (level.price.0, level.size.0)).collect()
    }

    proptest! {
        /// Against the naive model: a sorted map to which the same changes are made.
        #[test]
        fn a_book_equals_a_sorted_map(changes in prop::collection::vec((any::<bool>(), 1..60_i128, 0..4_i128), 0..300)) {
            let mut book = Book::empty();
            let mut models = [BTreeMap::new(), BTreeMap::new()];
            for (is_bid, price, size) in changes {
                let level = [raw(price, size)];
                let none: [RawLevel; 0] = [];
                let (bids, asks) = if is_bid { (&level[..], &none[..]) } else { (&none[..], &level[..]) };
                book.apply(&delta(bids, asks)).expect("small numbers fit");
                let model = &mut models[usize::from(is_bid)];
                if size == 0 { model.remove(&price); } else { model.insert(price, size); }
                let bids: Vec<_> = models[1].iter().rev().map(|(&price, &size)| (price, size)).collect();
                let asks: Vec<_> = models[0].iter().map(|(&price, &size)| (price, size)).collect();
                prop_assert_eq!(prices(&book, Side::Buy), bids);
                prop_assert_eq!(prices(&book, Side::Sell), asks);
            }
        }
    }

    #[test]
    fn a_finer_number_raises_the_scale_of_every_level_and_changes_no_value() {
        let mut book = Book::from_snapshot(&snapshot(vec![raw(150, 200)], 10)).expect("fits");
        let finer = RawLevel {
            price: Number { mantissa: 1_499, scale: Scale::new(3).expect("in range") },
            size: Number { mantissa: 1, scale: Scale::new(8).expect("in range") },
        };
        book.apply(&delta(&[finer], &[])).expect("fits");
        assert_eq!(prices(&book, Side::Buy), [(1_500, 200_000_000), (1_499, 1)]);
    }

    #[test]
    fn levels_beyond_a_truncated_snapshot_are_not_claimed() {
        let mut book = Book::from_snapshot(&snapshot(vec![raw(100, 1), raw(99, 1)], 2)).expect("fits");
        book.apply(&delta(&[raw(97, 5)], &[])).expect("fits");
        assert_eq!(prices(&book, Side::Buy), [(100, 1), (99, 1)], "98 may exist: 97 must not follow 99");
        assert!(!book.suffices(Side::Buy, 2, 3));
        let mut whole = Book::from_snapshot(&snapshot(vec![raw(100, 1), raw(99, 1)], 3)).expect("fits");
        whole.apply(&delta(&[raw(97, 5)], &[])).expect("fits");
        assert_eq!(prices(&whole, Side::Buy), [(100, 1), (99, 1), (97, 5)]);
    }

    #[test]
    fn a_full_side_drops_its_farthest_level_and_the_claim_beyond_it() {
        let count = i128::try_from(LEVELS_MAX).expect("small");
        let mut book = Book::empty();
        let levels: Vec<_> = (1..=count + 1).map(|price| raw(price, 1)).collect();
        book.apply(&delta(&levels, &[])).expect("fits");
        assert_eq!(prices(&book, Side::Buy).len(), LEVELS_MAX);
        assert!(!book.suffices(Side::Buy, LEVELS_MAX, LEVELS_MAX + 1));
    }
}
