//! Whether a price can be meant, beside the book of the same instrument or beside the price before it.
//!
//! Owns how far apart two prices of one market may be, and the memory of a price that leapt. Never corrects a price: one that is
//! absurd is suspect until a sane one comes, or until the venue stands by it for [`STANDS_AFTER`].

use std::time::Duration;

use super::instrument::{Context, InstrumentState};
use super::liquidity::Arrival;
use crate::domain::{MonoTime, Price, PriceFrom, PriceLevel, PriceRecord, Quote, RawLevel, Reason, Request};

/// Two prices of one side of one market that differ by more than this factor cannot both be meant.
const FAR: i128 = 4;

/// How long, and in how many quotes, a venue must repeat a price that leapt before it is believed.
const STANDS_AFTER: Duration = Duration::from_secs(2);
const STANDS_QUOTES: u32 = 3;

/// Best bid and ask, at the price scale of the instrument.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Tops {
    pub(super) bid: Option<Price>,
    pub(super) ask: Option<Price>,
}

impl Tops {
    pub(super) fn of(record: &PriceRecord) -> Self {
        let price = |level: Option<PriceLevel>| level.map(|level| level.price);
        Self { bid: price(record.bid), ask: price(record.ask) }
    }

    /// Whether a side that both have is far from the other's.
    #[inline]
    pub(super) fn is_far_from(self, other: Self) -> bool {
        let far = |one: Option<Price>, other: Option<Price>| match (one, other) {
            (Some(one), Some(other)) => {
                one.0 > other.0.saturating_mul(FAR) || other.0 > one.0.saturating_mul(FAR)
            }
            (Some(_) | None, None) | (None, Some(_)) => false,
        };
        far(self.bid, other.bid) || far(self.ask, other.ask)
    }

    /// At a scale that is finer by this factor.
    pub(super) fn scaled(self, factor: i128) -> Self {
        let scaled = |price: Option<Price>| price.map(|price| Price(price.0 * factor));
        Self { bid: scaled(self.bid), ask: scaled(self.ask) }
    }
}

/// A price that leapt away from the one before it, where no book says anything of it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Leap {
    from: Tops,
    to: Tops,
    since: MonoTime,
    quotes: u32,
}

impl Leap {
    /// What a quote makes of it: `known` is the last price, `None` where that was not to be trusted either.
    #[inline]
    pub(super) fn next(leap: Option<Self>, known: Option<Tops>, quote: Tops, now: MonoTime) -> Option<Self> {
        let fresh = |from| Some(Self { from, to: quote, since: now, quotes: 1 });
        match leap {
            None => known.filter(|&known| quote.is_far_from(known)).and_then(fresh),
            Some(leap) if !quote.is_far_from(leap.from) => None,
            Some(leap) if quote.is_far_from(leap.to) => fresh(leap.from),
            Some(leap) => {
                let quotes = leap.quotes.saturating_add(1);
                let stands = quotes >= STANDS_QUOTES && now.since(leap.since) >= STANDS_AFTER;
                (!stands).then_some(Self { quotes, ..leap })
            }
        }
    }

    pub(super) fn scaled(self, factor: i128) -> Self {
        Self { from: self.from.scaled(factor), to: self.to.scaled(factor), ..self }
    }
}

impl InstrumentState {
    /// The book's top, where it has one that is to be trusted but for what the price says of it.
    fn book_tops(&self) -> Option<Tops> {
        let liquidity = self.liquidity.as_ref()?;
        let record = &liquidity.key.record;
        let is_right = liquidity.key.is_right() || self.tops_are_far;
        if !is_right || !liquidity.is_synced() || record.scales.price != self.scales.price {
            return None;
        }
        Some(Tops {
            bid: record.bids.first().map(|level| level.price),
            ask: record.asks.first().map(|level| level.price),
        })
    }

    /// What is around a quote, with the doubt that the book casts on it. The scales hold the quote's numbers.
    #[inline]
    pub(super) fn beside_book(&mut self, quote: &Quote, from: PriceFrom, arrival: Arrival) -> Arrival {
        let Some(book) = self.book_tops().filter(|_| from == PriceFrom::Bbo) else { return arrival };
        let price = |level: Option<RawLevel>| self.scales.price_of(level?.price).ok();
        let tops = Tops { bid: price(quote.bid), ask: price(quote.ask) };
        let doubt = if tops.is_far_from(book) { Reason::SourcesDisagree } else { arrival.doubt };
        Arrival { doubt, beside_book: true, ..arrival }
    }

    /// Price and book are compared once either has changed: far apart, neither is to be trusted, whichever is right.
    #[inline]
    pub(super) fn compare_tops(&mut self, context: &mut Context<'_>) {
        let Some(price) = self.price.as_ref().filter(|price| price.source == PriceFrom::Bbo) else { return };
        let Some(book) = self.book_tops() else { return };
        let is_far = price.key.liveness.has_delivered() && Tops::of(price.record()).is_far_from(book);
        if is_far == self.tops_are_far {
            return;
        }
        self.tops_are_far = is_far;
        self.tops_have_parted_or_met(is_far, context);
    }

    #[cold]
    fn tops_have_parted_or_met(&mut self, is_far: bool, context: &mut Context<'_>) {
        let (now, out) = (context.now, &mut context.out);
        let Some(price) = &mut self.price else { return };
        let Some(liquidity) = &mut self.liquidity else { return };
        if is_far {
            price.key.doubt(Reason::SourcesDisagree, now, out);
            liquidity.key.doubt(Reason::SourcesDisagree, now, out);
            (context.requests)(Request::ConfirmQuote(self.id()));
        } else {
            price.key.agree(Reason::SourcesDisagree, now, out);
            liquidity.key.agree(Reason::SourcesDisagree, now, out);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn tops(bid: i128, ask: i128) -> Tops {
        Tops { bid: Some(Price(bid)), ask: Some(Price(ask)) }
    }

    fn at(millis: u64) -> MonoTime {
        MonoTime::from_nanos(millis * 1_000_000)
    }

    #[test]
    fn a_factor_of_more_than_four_on_either_side_is_far() {
        for (one, expected) in [
            (tops(100, 101), false),
            (tops(25, 26), false),
            (tops(24, 101), true),
            (tops(400, 404), false),
            (tops(100, 405), true),
            (tops(100_000_000, 101_000_000), true),
            (Tops { bid: None, ask: Some(Price(101)) }, false),
            (Tops::default(), false),
        ] {
            assert_eq!(one.is_far_from(tops(100, 101)), expected, "{one:?}");
            assert_eq!(tops(100, 101).is_far_from(one), expected, "{one:?}, the other way");
        }
        assert!(tops(i128::MAX, i128::MAX).is_far_from(tops(1, 2)));
    }

    #[test]
    fn a_leap_is_over_with_a_sane_quote_or_once_the_venue_stands_by_it() {
        let leap = |leap, known, quote, millis| Leap::next(leap, known, quote, at(millis));
        let known = Some(tops(100, 101));
        assert!(leap(None, None, tops(1, 2), 0).is_none(), "nothing is known");
        assert!(leap(None, known, tops(120, 121), 0).is_none());
        let first = leap(None, known, tops(100_000, 101_000), 0);
        assert!(first.is_some());
        assert!(leap(first, None, tops(101, 102), 10).is_none(), "sane again");
        let second = leap(first, None, tops(100_100, 101_000), 1_000);
        assert!(leap(second, None, tops(100_100, 101_000), 1_999).is_some(), "not long enough");
        assert!(leap(first, None, tops(100_100, 101_000), 5_000).is_some(), "not often enough");
        assert!(leap(second, None, tops(100_100, 101_000), 2_000).is_none(), "it stands");
        let elsewhere = leap(second, None, tops(1, 2), 2_000);
        assert!(leap(elsewhere, None, tops(1, 2), 3_000).is_some(), "another leap begins its own time");
    }
}
