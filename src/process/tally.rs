//! Whether trades are missing, at a venue that counts them and says apart from them how far it has come.
//!
//! Owns the newest number of a trade that came, and the one that is missing. Never knows what becomes of its verdict. The venue's
//! count may overtake its trades: only what is still missing at the next count is lost.

use super::witness::Verdict;
use crate::domain::VenueSequence;

#[derive(Debug, Default)]
pub(super) struct Tally {
    newest: Option<VenueSequence>,
    missing: Option<VenueSequence>,
}

impl Tally {
    /// The subscription begins anew: what it brings next says where it is.
    pub(super) fn restart(&mut self) {
        *self = Self::default();
    }

    /// A trade came.
    pub(super) fn trade(&mut self, number: Option<VenueSequence>) {
        self.newest = self.newest.max(number);
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

    /// Trades `Ok`, counts `Err`; whether the last count condemns.
    fn verdict(said: &[Result<u64, u64>]) -> Verdict {
        let mut tally = Tally::default();
        let mut verdict = Verdict::Standing;
        for one in said {
            assert_eq!(verdict, Verdict::Standing, "before the end: {said:?}");
            match *one {
                Ok(trade) => tally.trade(Some(VenueSequence(trade))),
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
        tally.trade(Some(VenueSequence(7)));
        assert_eq!(tally.count(VenueSequence(8)), Verdict::Standing);
        tally.restart();
        assert_eq!(tally.count(VenueSequence(9)), Verdict::Standing);
        tally.trade(Some(VenueSequence(9)));
        assert_eq!(tally.count(VenueSequence(9)), Verdict::Standing);
        tally.trade(None);
        assert_eq!(tally.count(VenueSequence(9)), Verdict::Standing);
    }
}
