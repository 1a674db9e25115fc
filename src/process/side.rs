//! One side of a book.
//!
//! Owns its levels, sorted with the best one last, so that the busy end is the cheap end of the vector. Never holds a
//! level of size zero, never more than [`LEVELS_MAX`] levels: the farthest one is dropped, and with it goes the claim
//! to know what lies beyond.

use crate::domain::{DepthLevel, LEVELS_MAX, Price, Side, Size};

/// Levels looked at one by one, from the best, before the search halves the rest: most changes are near the top.
const NEAR_LEVELS: usize = 8;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct BookSide {
    side: Side,
    levels: Vec<DepthLevel>,
    /// The farthest price up to which every level is known; `None` = all of them are.
    known_to: Option<Price>,
}

impl BookSide {
    pub(super) const fn new(side: Side) -> Self {
        Self { side, levels: Vec::new(), known_to: None }
    }

    /// Takes levels that come best first (or in any order). `complete` says whether deeper levels may exist.
    pub(super) fn from_levels(side: Side, levels: Vec<DepthLevel>, complete: Completeness) -> Self {
        let mut this = Self { side, levels, known_to: None };
        this.levels.retain(|level| level.size != Size(0));
        // Stable: of two levels at one price the later one of the venue's list wins, as it would among deltas.
        this.levels.sort_by(|a, b| match side {
            Side::Buy => a.price.cmp(&b.price),
            Side::Sell => b.price.cmp(&a.price),
        });
        this.levels.reverse();
        this.levels.dedup_by(|later, kept| later.price == kept.price);
        this.levels.truncate(LEVELS_MAX);
        this.levels.reverse();
        if complete == Completeness::Truncated || this.levels.len() == LEVELS_MAX {
            this.known_to = this.levels.first().map(|level| level.price);
        }
        this
    }

    /// Sets the size at a price; zero removes the level. A removal of an unknown level is no error: venues send them.
    #[inline]
    pub(super) fn set(&mut self, price: Price, size: Size) {
        match self.position(price) {
            Ok(index) if size == Size(0) => {
                self.levels.remove(index);
            }
            Ok(index) => self.levels[index].size = size,
            Err(_) if size == Size(0) => {}
            Err(index) => {
                self.levels.insert(index, DepthLevel { price, size });
                if self.levels.len() > LEVELS_MAX {
                    self.levels.remove(0);
                    self.known_to = self.levels.first().map(|level| level.price);
                }
            }
        }
    }

    pub(super) fn best(&self) -> Option<DepthLevel> {
        self.levels.last().copied()
    }

    /// Best first, only as deep as every level is known.
    pub(super) fn known(&self) -> impl Iterator<Item = DepthLevel> {
        self.levels.iter().rev().copied().take_while(move |level| self.is_known(level.price))
    }

    /// Whether nothing beyond the known levels can exist.
    pub(super) const fn is_complete(&self) -> bool {
        self.known_to.is_none()
    }

    pub(super) fn rescale(&mut self, price_factor: i128, size_factor: i128) {
        for level in &mut self.levels {
            level.price.0 *= price_factor;
            level.size.0 *= size_factor;
        }
        if let Some(price) = &mut self.known_to {
            price.0 *= price_factor;
        }
    }

    fn is_known(&self, price: Price) -> bool {
        match (self.known_to, self.side) {
            (None, _) => true,
            (Some(limit), Side::Buy) => price >= limit,
            (Some(limit), Side::Sell) => price <= limit,
        }
    }

    /// Where `price` stands, or where it would.
    #[inline]
    fn position(&self, price: Price) -> Result<usize, usize> {
        let order = |level: &DepthLevel| match self.side {
            Side::Buy => level.price.cmp(&price),
            Side::Sell => price.cmp(&level.price),
        };
        let near = self.levels.len().saturating_sub(NEAR_LEVELS);
        for (index, level) in self.levels.iter().enumerate().skip(near).rev() {
            match order(level) {
                std::cmp::Ordering::Less => return Err(index + 1),
                std::cmp::Ordering::Equal => return Ok(index),
                std::cmp::Ordering::Greater => {}
            }
        }
        self.levels[..near].binary_search_by(order)
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
