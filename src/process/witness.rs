//! Whether trades and tickers contradict the book, at a venue whose book cannot be proved by itself.
//!
//! Owns what the best bid and ask were of late, in steps of [`STEP`], and what was claimed about them. Never knows what becomes of
//! its verdict. Each claim is judged one [`REACH`] after it came: the venue sends changes of the book in batches, up to 50 ms
//! late, and a top that stood between two batches never shows. At most [`STEPS_MAX`] steps (the oldest go first, and with them
//! the claims that they would have judged) and [`CLAIMS_MAX`] claims (further ones are not heard: there are enough).

use std::cmp::Ordering;
use std::collections::VecDeque;
use std::time::Duration;

use crate::domain::{MonoTime, Number, Quote, Side, VenueTime};

/// A claim is compared with the tops of book from so long before it came until so long after.
const REACH: Duration = Duration::from_secs(1);

/// Tops of book within one step are remembered as their range.
const STEP: Duration = Duration::from_millis(50);

/// Twice the reach, the time until the next judgement, and some.
const STEPS_MAX: usize = 96;

/// Claims that wait for their judgement.
const CLAIMS_MAX: usize = 256;

/// Contradictions in a row after which the book is not to be trusted.
const CONTRADICTIONS_MAX: u32 = 3;

/// Contradictions that come closer together are one: a large order that trades at many prices within one batch is seen by
/// many trades and by one change of the book.
const SPACING: Duration = Duration::from_millis(100);

/// What is so much older than the book, by the venue's clock, is old news: a trade from before the subscription, say.
const OLD_NEWS: Duration = Duration::from_secs(2);

/// What somebody else than the book says of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Claim {
    /// A trade at this price, by a taker of this side.
    Trade {
        price: Number,
        taker: Side,
    },
    Top {
        bid: Option<Number>,
        ask: Option<Number>,
    },
}

/// The claims of one kind: they err together. A lost change of one side shows in the trades of one side only.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Row {
    contradictions: u32,
    last: Option<MonoTime>,
}

/// From the lowest to the highest; `None` = there was none at times, so anything may be said of it.
type Range = Option<(Number, Number)>;

#[derive(Debug, Clone, Copy)]
struct Step {
    since: MonoTime,
    bid: Range,
    ask: Range,
}

/// What the claims come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Nothing speaks against the book.
    Standing,
    /// Too much does.
    Contradicted,
}

#[derive(Debug, Default)]
pub(super) struct Witness {
    steps: VecDeque<Step>,
    claims: VecDeque<(MonoTime, Claim)>,
    /// Of tops, buying takers, selling takers.
    rows: [Row; 3],
    book_time: Option<VenueTime>,
}

impl Witness {
    /// The book begins anew: nothing that was said before speaks of it.
    pub(super) fn restart(&mut self) {
        self.steps.clear();
        self.claims.clear();
        self.rows = Default::default();
        self.book_time = None;
    }

    /// The book has this top from now on.
    pub(super) fn top(&mut self, top: &Quote, now: MonoTime) {
        self.book_time = self.book_time.max(top.venue_time);
        let point = |level: Option<crate::domain::RawLevel>| level.map(|level| (level.price, level.price));
        let (bid, ask) = (point(top.bid), point(top.ask));
        match self.steps.back_mut() {
            Some(step) if now.since(step.since) < STEP => {
                step.bid = union(step.bid, bid);
                step.ask = union(step.ask, ask);
            }
            _ => self.steps.push_back(Step { since: now, bid, ask }),
        }
        if self.steps.len() > STEPS_MAX {
            self.steps.pop_front();
        }
    }

    /// Somebody says something about the top of book.
    pub(super) fn heard(&mut self, claim: Claim, venue_time: Option<VenueTime>, now: MonoTime) {
        let old = matches!((venue_time, self.book_time), (Some(time), Some(book)) if is_old(time, book));
        if !old && self.claims.len() < CLAIMS_MAX {
            self.claims.push_back((now, claim));
        }
    }

    /// Judges what is due.
    pub(super) fn judge(&mut self, now: MonoTime) -> Verdict {
        let mut verdict = Verdict::Standing;
        while let Some(&(at, claim)) = self.claims.front()
            && now.since(at) > REACH
        {
            self.claims.pop_front();
            if let Some(contradicts) = self.contradicts(claim, at) {
                let row = &mut self.rows[claim.row()];
                row.note(contradicts, at);
                if row.contradictions >= CONTRADICTIONS_MAX {
                    verdict = Verdict::Contradicted;
                }
            }
        }
        self.forget(now);
        verdict
    }

    /// `None` where the book was not known all the time.
    fn contradicts(&self, claim: Claim, at: MonoTime) -> Option<bool> {
        let from = MonoTime::from_nanos(at.nanos().checked_sub(REACH_NANOS)?);
        let until = at.after(REACH);
        let first = self.steps.iter().rposition(|step| step.since <= from)?;
        let within = self.steps.range(first..).take_while(|step| step.since <= until);
        let (bid, ask) = within
            .map(|step| (step.bid, step.ask))
            .reduce(|known, step| (union(known.0, step.0), union(known.1, step.1)))?;
        Some(match claim {
            Claim::Trade { price, .. } => {
                bid.is_some_and(|(lowest, _)| price.compare(lowest) == Ordering::Less)
                    || ask.is_some_and(|(_, highest)| price.compare(highest) == Ordering::Greater)
            }
            Claim::Top { bid: claimed_bid, ask: claimed_ask } => {
                is_outside(claimed_bid, bid) || is_outside(claimed_ask, ask)
            }
        })
    }

    /// Forgets what no later judgement looks at. The step before the reach still stands when that begins.
    fn forget(&mut self, now: MonoTime) {
        let oldest = self.claims.front().map_or(now, |&(at, _)| at);
        while self.steps.get(1).is_some_and(|step| oldest.since(step.since) > REACH) {
            self.steps.pop_front();
        }
    }
}

#[expect(clippy::cast_possible_truncation, reason = "one second in nanoseconds fits")]
const REACH_NANOS: u64 = REACH.as_nanos() as u64;

impl Claim {
    const fn row(self) -> usize {
        match self {
            Self::Top { .. } => 0,
            Self::Trade { taker: Side::Buy, .. } => 1,
            Self::Trade { taker: Side::Sell, .. } => 2,
        }
    }
}

impl Row {
    fn note(&mut self, contradicts: bool, at: MonoTime) {
        if !contradicts {
            *self = Self::default();
        } else if self.last.is_none_or(|last| at.since(last) >= SPACING) {
            self.contradictions += 1;
            self.last = Some(at);
        }
    }
}

fn is_old(time: VenueTime, book: VenueTime) -> bool {
    u128::try_from(i128::from(book.nanos()) - i128::from(time.nanos()))
        .is_ok_and(|age| age > OLD_NEWS.as_nanos())
}

fn is_outside(claimed: Option<Number>, range: Range) -> bool {
    let (Some(claimed), Some((lowest, highest))) = (claimed, range) else { return false };
    claimed.compare(lowest) == Ordering::Less || claimed.compare(highest) == Ordering::Greater
}

fn union(one: Range, other: Range) -> Range {
    let ((low, high), (other_low, other_high)) = (one?, other?);
    let lowest = if other_low.compare(low) == Ordering::Less { other_low } else { low };
    let highest = if other_high.compare(high) == Ordering::Greater { other_high } else { high };
    Some((lowest, highest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::RawLevel;

    fn at(millis: u64) -> MonoTime {
        MonoTime::from_nanos(millis * 1_000_000)
    }

    fn number(text: &str) -> Number {
        Number::parse(text.as_bytes()).expect("a test's number")
    }

    fn top(bid: &str, ask: &str) -> Quote {
        let level = |price| Some(RawLevel { price: number(price), size: Number::ONE });
        Quote { bid: level(bid), ask: level(ask), venue_sequence: None, venue_time: None }
    }

    fn sold(price: &str) -> Claim {
        Claim::Trade { price: number(price), taker: Side::Sell }
    }

    fn ticker(bid: &str, ask: &str) -> Claim {
        Claim::Top { bid: Some(number(bid)), ask: Some(number(ask)) }
    }

    /// A book that stands since long, and these claims; then the verdicts, a tick every 50 ms.
    fn verdict(tops: &[(u64, &str, &str)], claims: &[(u64, Claim)]) -> Verdict {
        let mut witness = Witness::default();
        for millis in (0..20_000).step_by(50) {
            for &(_, bid, ask) in tops.iter().filter(|(when, ..)| (millis..millis + 50).contains(when)) {
                witness.top(&top(bid, ask), at(millis));
            }
            for &(_, claim) in claims.iter().filter(|(when, _)| (millis..millis + 50).contains(when)) {
                witness.heard(claim, None, at(millis));
            }
            if witness.judge(at(millis)) == Verdict::Contradicted {
                return Verdict::Contradicted;
            }
        }
        assert!(witness.claims.is_empty() && witness.steps.len() <= 1);
        Verdict::Standing
    }

    const BOOK: [(u64, &str, &str); 1] = [(0, "100", "101")];

    #[test]
    fn three_contradictions_in_a_row_are_found_and_two_are_not() {
        let claims = [2_000, 3_000, 4_000].map(|when| (when, sold("99")));
        assert_eq!(verdict(&BOOK, &claims), Verdict::Contradicted);
        assert_eq!(verdict(&BOOK, &claims[1..]), Verdict::Standing);
        let tickers = [2_000, 3_000, 4_000].map(|when| (when, ticker("100", "100.9")));
        assert_eq!(verdict(&BOOK, &tickers), Verdict::Contradicted);
    }

    #[test]
    fn agreement_of_the_same_kind_ends_a_row_and_of_another_kind_does_not() {
        let bought = |price: &str| Claim::Trade { price: number(price), taker: Side::Buy };
        let (two, third) = ([(2_000, sold("99")), (3_000, sold("99"))], (5_000, sold("99")));
        for (between, expected) in [
            (sold("100"), Verdict::Standing),
            (bought("101"), Verdict::Contradicted),
            (ticker("100", "101"), Verdict::Contradicted),
        ] {
            assert_eq!(verdict(&BOOK, &[two[0], two[1], (4_000, between), third]), expected, "{between:?}");
        }
    }

    #[test]
    fn what_the_book_showed_within_a_second_before_or_after_is_no_contradiction() {
        let tops = [(0, "100", "101"), (3_000, "90", "91"), (6_000, "100", "101")];
        let mut witness = Witness::default();
        for (since, bid, ask) in tops {
            witness.top(&top(bid, ask), at(since));
        }
        for (when, expected) in [(1_900, true), (2_050, false), (4_000, false), (6_900, false), (7_200, true)]
        {
            assert_eq!(witness.contradicts(sold("90"), at(when)), Some(expected), "{when}");
        }
    }

    #[test]
    fn one_large_order_is_one_contradiction() {
        let claims: Vec<_> = (0..40).map(|index| (2_000 + index / 20 * 50, sold("99"))).collect();
        assert_eq!(verdict(&BOOK, &claims), Verdict::Standing);
    }

    #[test]
    fn a_book_that_was_not_known_all_the_time_and_an_empty_side_judge_nothing() {
        let claims = [500, 700, 900].map(|when| (when, sold("99")));
        assert_eq!(verdict(&BOOK, &claims), Verdict::Standing);
        let mut witness = Witness::default();
        witness.top(&Quote { bid: None, ..top("1", "101") }, at(0));
        assert_eq!(witness.contradicts(sold("99"), at(2_000)), Some(false));
        assert_eq!(witness.contradicts(sold("102"), at(2_000)), Some(true));
        assert_eq!(witness.contradicts(ticker("5", "101"), at(2_000)), Some(false));
    }

    #[test]
    fn old_news_is_not_heard() {
        let mut witness = Witness::default();
        let seconds = |seconds: i64| Some(VenueTime::from_nanos(seconds * 1_000_000_000));
        witness.top(&Quote { venue_time: seconds(100), ..top("100", "101") }, at(0));
        for (time, heard) in [(97, 0), (98, 1), (101, 2)] {
            witness.heard(sold("1"), seconds(time), at(10));
            assert_eq!(witness.claims.len(), heard, "{time}");
        }
        witness.heard(sold("1"), None, at(10));
        assert_eq!(witness.claims.len(), 3, "where a time is missing nothing is known of its age");
    }

    #[test]
    fn memory_is_bounded_whatever_comes() {
        let mut witness = Witness::default();
        for millis in 0..60_000 {
            witness.top(&top("100", "101"), at(millis));
            witness.heard(sold("99"), None, at(millis));
        }
        assert!(witness.steps.len() <= STEPS_MAX && witness.claims.len() <= CLAIMS_MAX);
        assert_eq!(witness.judge(at(60_000)), Verdict::Standing, "what would judge them is forgotten");
    }
}
