//! One side of a book.
//!
//! Owns its levels, in a map by their integer prices: venues change levels far from the top as often as near it, and in a
//! sorted vector each of those moves every better level. Never holds a level of size zero, never more than [`LEVELS_MAX`]
//! levels: the farthest one is dropped, and with it goes the claim to know what lies beyond.

use std::collections::BTreeMap;

use crate::domain::{DepthLevel, LEVELS_MAX, Price, Side, Size, Written};

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct BookSide {
    side: Side,
    levels: BTreeMap<Price, Size>,
    /// The farthest price up to which every level is known; `None` = all of them are.
    known_to: Option<Price>,
    /// How the venue wrote each level, where its checksum is made over that.
    written: Option<BTreeMap<Price, Written>>,
}

impl BookSide {
    pub(super) const fn new(side: Side) -> Self {
        Self { side, levels: BTreeMap::new(), known_to: None, written: None }
    }

    /// Empty, and from now on with what the venue writes.
    pub(super) fn clear(&mut self, keep_written: bool) {
        self.levels.clear();
        self.known_to = None;
        self.written = keep_written.then(BTreeMap::new);
    }

    /// Takes levels in any order; of two at one price the later one wins, as it would among deltas. `complete` says
    /// whether deeper levels may exist.
    pub(super) fn from_levels(side: Side, levels: Vec<DepthLevel>, complete: Completeness) -> Self {
        let levels = levels.into_iter().filter(|level| level.size != Size(0));
        let levels = levels.map(|level| (level.price, level.size)).collect();
        let mut this = Self { side, levels, known_to: None, written: None };
        if complete == Completeness::Truncated {
            this.known_to = this.farthest();
        }
        while this.levels.len() > LEVELS_MAX {
            this.drop_farthest();
        }
        this
    }

    /// Sets the size at a price; zero removes the level. A removal of an unknown level is no error: venues send them.
    #[inline]
    pub(super) fn set(&mut self, price: Price, size: Size) {
        if size == Size(0) {
            self.levels.remove(&price);
            if let Some(written) = &mut self.written {
                written.remove(&price);
            }
        } else if self.levels.insert(price, size).is_none() && self.levels.len() > LEVELS_MAX {
            self.drop_farthest();
        }
    }

    /// Remembers how the venue wrote the level at a price.
    pub(super) fn note(&mut self, price: Price, written: Written) {
        if let Some(known) = &mut self.written
            && self.levels.contains_key(&price)
        {
            known.insert(price, written);
        }
    }

    /// How the venue wrote the level at a price.
    pub(super) fn written(&self, price: Price) -> Option<Written> {
        self.written.as_ref()?.get(&price).copied()
    }

    /// Forgets the levels beyond the first `most`. What is known stays known: by the venue's rule they left its window.
    pub(super) fn keep_first(&mut self, most: usize) {
        while self.levels.len() > most {
            let dropped = match self.side {
                Side::Buy => self.levels.pop_first(),
                Side::Sell => self.levels.pop_last(),
            };
            if let (Some((price, _)), Some(written)) = (dropped, &mut self.written) {
                written.remove(&price);
            }
        }
    }

    pub(super) fn best(&self) -> Option<DepthLevel> {
        let best = match self.side {
            Side::Buy => self.levels.last_key_value(),
            Side::Sell => self.levels.first_key_value(),
        };
        best.map(|(&price, &size)| DepthLevel { price, size })
    }

    /// Appends at most `depth` levels to `out`, best first, only as deep as every level is known.
    pub(super) fn top(&self, depth: usize, out: &mut Vec<DepthLevel>) {
        let level = |(&price, &size)| DepthLevel { price, size };
        match self.side {
            Side::Buy => out.extend(
                self.levels
                    .iter()
                    .rev()
                    .take(depth)
                    .map(level)
                    .take_while(|level| self.is_known(level.price)),
            ),
            Side::Sell => out.extend(
                self.levels.iter().take(depth).map(level).take_while(|level| self.is_known(level.price)),
            ),
        }
    }

    /// Whether nothing beyond the known levels can exist.
    pub(super) const fn is_complete(&self) -> bool {
        self.known_to.is_none()
    }

    pub(super) fn rescale(&mut self, price_factor: i128, size_factor: i128) {
        let scaled =
            |(price, size): (Price, Size)| (Price(price.0 * price_factor), Size(size.0 * size_factor));
        self.levels = std::mem::take(&mut self.levels).into_iter().map(scaled).collect();
        if let Some(price) = &mut self.known_to {
            price.0 *= price_factor;
        }
        if let Some(written) = &mut self.written {
            let scaled = |(price, written): (Price, Written)| (Price(price.0 * price_factor), written);
            *written = std::mem::take(written).into_iter().map(scaled).collect();
        }
    }

    fn farthest(&self) -> Option<Price> {
        let farthest = match self.side {
            Side::Buy => self.levels.first_key_value(),
            Side::Sell => self.levels.last_key_value(),
        };
        farthest.map(|(&price, _)| price)
    }

    fn drop_farthest(&mut self) {
        match self.side {
            Side::Buy => self.levels.pop_first(),
            Side::Sell => self.levels.pop_last(),
        };
        self.known_to = self.farthest();
    }

    #[inline]
    fn is_known(&self, price: Price) -> bool {
        match (self.known_to, self.side) {
            (None, _) => true,
            (Some(limit), Side::Buy) => price >= limit,
            (Some(limit), Side::Sell) => price <= limit,
        }
    }
}

/// Whether a list of levels is the whole side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Completeness {
    /// There is nothing beyond the last one.
    Whole,
    /// There may be more beyond the last one.
    Truncated,
}
