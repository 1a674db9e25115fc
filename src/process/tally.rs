//! The order of an instrument's trades, where the venue counts them, and whether some are missing.
//!
//! Owns the newest number of a trade that came, and the one that is missing. Never lets an older trade follow a newer one of the
//! same subscription, unless its time says that the count began anew or, without times, the second lower number in a row does. Never knows what becomes of its verdict. What the venue says of
//! its count apart from its trades may overtake these: only what is still missing at the next count is lost.

use super::witness::Verdict;
use crate::domain::{Trade, VenueSequence, VenueTime};

/// Lower numbers in a row after which the venue counts anew, where no time tells.
const LOWER_MAX: u32 = 2;

/// Where a trade stands among the others of its subscription.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// The next one; or nothing is known of it.
    Next,
    /// Newer than the next one: of a venue that counts by ones, some did not come.
    Gap,
    /// Not newer than one that came.
    Old,
}

#[derive(Debug, Default)]
pub(super) struct Tally {
    newest: Option<VenueSequence>,
    /// When that trade was.
    at: Option<VenueTime>,
    /// Lower numbers in a row whose times say nothing.
    lower: u32,
    missing: Option<VenueSequence>,
}

impl Tally {
    /// The subscription begins anew: what it brings next says where it is.
    pub(super) fn restart(&mut self) {
        *self = Self::default();
    }

    /// A trade came.
    pub(super) fn trade(&mut self, trade: &Trade) -> Step {
        let Some(number) = trade.number else { return Step::Next };
        let newest = self.newest;
        let step = match newest {
            Some(newest) if number.0.saturating_sub(newest.0) > 1 => Step::Gap,
            Some(newest) if number > newest => Step::Next,
            // Not newer, and not later either.
            Some(newest) if !self.begins_anew(number < newest, trade.venue_time) => return Step::Old,
            Some(_) | None => Step::Next,
        };
        self.lower = 0;
        (self.newest, self.at) = (Some(number), trade.venue_time);
        step
    }

    /// Whether a number that is not newer is one of a new count.
    fn begins_anew(&mut self, is_lower: bool, time: Option<VenueTime>) -> bool {
        if let (Some(time), Some(at)) = (time, self.at) {
            return time > at;
        }
        self.lower += u32::from(is_lower);
        self.lower >= LOWER_MAX
    }

    /// The venue's newest trade has this number. Before the first trade of a subscription nothing is known.
    pub(super) fn count(&mut self, number: VenueSequence) -> Verdict {
        let Some(newest) = self.newest else { return Verdict::Standing };
        if self.missing.is_some_and(|missing| newest < missing) {
            return Verdict::Contradicted;
        }
        self.missing = Some(number).filter(|number| newest < *number);
        Verdict::Standing
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Number, Side};

    fn trade(number: Option<u64>, millis: Option<i64>) -> Trade {
        Trade {
            price: Number::ONE,
            size: Number::ONE,
            side: Side::Buy,
            venue_time: millis.and_then(VenueTime::from_millis),
            number: number.map(VenueSequence),
        }
    }

    /// Trades `Ok`, counts `Err`; whether the last count condemns.
    fn verdict(said: &[Result<u64, u64>]) -> Verdict {
        let mut tally = Tally::default();
        let mut verdict = Verdict::Standing;
        for one in said {
            assert_eq!(verdict, Verdict::Standing, "before the end: {said:?}");
            match *one {
                Ok(number) => {
                    tally.trade(&trade(Some(number), None));
                }
                Err(count) => verdict = tally.count(VenueSequence(count)),
            }
        }
        verdict
    }

    #[test]
    fn a_trade_is_lost_that_two_counts_name_and_nobody_brought() {
        for (said, expected) in [
            (&[Ok(7), Err(7), Err(7), Ok(8), Ok(9), Err(9)][..], Verdict::Standing),
            (&[Ok(7), Err(8), Err(8)], Verdict::Contradicted),
            (&[Ok(7), Err(8), Err(9)], Verdict::Contradicted),
            // The count was ahead of the trade, again and again.
            (&[Ok(7), Err(8), Ok(8), Err(9), Ok(9), Err(10), Ok(10), Err(10)], Verdict::Standing),
            (&[Ok(7), Err(9), Ok(8), Err(9)], Verdict::Contradicted),
            // Trades are ahead of the count.
            (&[Ok(7), Ok(8), Ok(9), Err(7), Err(8)], Verdict::Standing),
            // Nothing came yet.
            (&[Err(7), Err(8), Err(9)], Verdict::Standing),
            // A count that goes back names nothing that is missing.
            (&[Ok(7), Err(8), Ok(9), Err(0), Err(0)], Verdict::Standing),
        ] {
            assert_eq!(verdict(said), expected, "{said:?}");
        }
    }

    #[test]
    fn a_new_subscription_is_judged_by_what_it_brings() {
        let mut tally = Tally::default();
        tally.trade(&trade(Some(7), None));
        assert_eq!(tally.count(VenueSequence(8)), Verdict::Standing);
        tally.restart();
        assert_eq!(tally.count(VenueSequence(9)), Verdict::Standing);
        tally.trade(&trade(Some(9), None));
        assert_eq!(tally.count(VenueSequence(9)), Verdict::Standing);
        tally.trade(&trade(None, None));
        assert_eq!(tally.count(VenueSequence(9)), Verdict::Standing);
    }

    #[test]
    fn each_trade_is_taken_once_and_what_is_left_out_shows() {
        let mut tally = Tally::default();
        let mut step = |number: u64| tally.trade(&trade(Some(number), None));
        assert_eq!(step(7), Step::Next, "the first one says where the count is");
        assert_eq!([step(8), step(8), step(7), step(9)], [Step::Next, Step::Old, Step::Old, Step::Next]);
        assert_eq!([step(12), step(11), step(13)], [Step::Gap, Step::Old, Step::Next]);
        assert_eq!([step(u64::MAX), step(u64::MAX)], [Step::Gap, Step::Old]);
        assert_eq!(tally.trade(&trade(None, None)), Step::Next, "nothing is known of it");
    }

    #[test]
    fn a_later_trade_with_a_smaller_number_begins_a_new_count() {
        let mut tally = Tally::default();
        let mut step = |number, millis| tally.trade(&trade(Some(number), Some(millis)));
        assert_eq!([step(1_000, 50), step(1_001, 50), step(1_000, 50)], [Step::Next, Step::Next, Step::Old]);
        assert_eq!([step(1, 49), step(1, 51), step(2, 51)], [Step::Old, Step::Next, Step::Next]);
        assert_eq!(step(1_002, 50), Step::Gap, "nobody can tell");
    }

    #[test]
    fn without_times_the_second_lower_number_is_that_of_a_new_count() {
        let mut tally = Tally::default();
        let mut step = |number| tally.trade(&trade(Some(number), None));
        assert_eq!([step(1_000), step(1_000), step(1_000)], [Step::Next, Step::Old, Step::Old]);
        assert_eq!([step(3), step(1_001), step(4)], [Step::Old, Step::Next, Step::Old], "not in a row");
        assert_eq!([step(5), step(6)], [Step::Next, Step::Next]);
    }
}
