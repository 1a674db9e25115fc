//! How much later than at best a venue's frames arrive.
//!
//! Owns, for each channel of each session, the smallest distance between the venue's stamp and the socket read in the last two
//! windows. Two clocks that differ, and the distance to the venue, are in that smallest one, too, so only the excess over
//! it says something: that frames queue somewhere. Our end of it is the monotonic clock, which nobody sets. Where a venue sends no
//! time nothing is said.

use std::time::Duration;

use crate::domain::{Channel, MarketEvent, MonoTime, Now, Reason, Ticker, Top, VenueTime};

/// How long a smallest distance counts at least; twice as long at most. Clocks drift, routes change.
const WINDOW: Duration = Duration::from_secs(300);

/// Of one session.
#[derive(Debug, Clone, Default)]
pub(super) struct Lags([Floor; 4]);

#[derive(Debug, Clone, Copy, Default)]
struct Floor {
    began: MonoTime,
    before: Option<i64>,
    current: Option<i64>,
}

impl Lags {
    /// Whether what came on a channel has taken longer than `threshold` beyond the smallest: congested, or not.
    pub(super) fn doubt(
        &mut self,
        channel: Channel,
        event: &MarketEvent<'_>,
        received: Now,
        threshold: Duration,
    ) -> Reason {
        let Some(time) = stamp(event).filter(|_| !threshold.is_zero()) else { return Reason::None };
        let lag = received.mono.nanos().cast_signed().saturating_sub(time.nanos());
        let excess = self.0[channel as usize].excess(lag, received.mono);
        if excess > i64::try_from(threshold.as_nanos()).unwrap_or(i64::MAX) {
            Reason::Congested
        } else {
            Reason::None
        }
    }
}

impl Floor {
    fn excess(&mut self, lag: i64, now: MonoTime) -> i64 {
        if now.since(self.began) >= WINDOW {
            *self = Self { began: now, before: self.current, current: None };
        }
        let current = self.current.map_or(lag, |known| known.min(lag));
        self.current = Some(current);
        lag.saturating_sub(self.before.map_or(current, |before| before.min(current)))
    }
}

/// When the venue made it. What begins a subscription is as old as its last change, which may be long ago: it is for the keys to
/// know.
const fn stamp(event: &MarketEvent<'_>) -> Option<VenueTime> {
    match event {
        MarketEvent::Quote(quote) => quote.venue_time,
        MarketEvent::Depth(delta) => delta.venue_time,
        MarketEvent::Book(image) => image.venue_time,
        MarketEvent::Ticker(Ticker { top: Top::Quote(quote), .. }) => quote.venue_time,
        MarketEvent::Ticker(Ticker { top: Top::Prices { .. }, .. })
        | MarketEvent::Trades(_)
        | MarketEvent::Volume(_)
        | MarketEvent::NewestTrade(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Quote, WallTime};

    const SECOND: i64 = 1_000_000_000;

    fn doubt(lags: &mut Lags, venue: i64, received: i64) -> Reason {
        let quote = Quote {
            bid: None,
            ask: None,
            venue_sequence: None,
            venue_time: Some(VenueTime::from_nanos(venue)),
        };
        let received =
            Now { wall: WallTime::from_nanos(received), mono: MonoTime::from_nanos(received.unsigned_abs()) };
        lags.doubt(Channel::Quote, &MarketEvent::Quote(quote), received, Duration::from_secs(1))
    }

    #[test]
    fn only_the_excess_over_the_smallest_counts_whatever_the_clocks_say() {
        for skew in [-3_600 * SECOND, 0, 7 * SECOND] {
            let mut lags = Lags::default();
            for second in 1..20 {
                let at = 10_000 * SECOND + second * SECOND;
                assert_eq!(doubt(&mut lags, at + skew - SECOND / 20, at), Reason::None);
            }
            let at = 10_020 * SECOND;
            assert_eq!(doubt(&mut lags, at + skew - SECOND, at), Reason::None, "0.95 s more");
            assert_eq!(doubt(&mut lags, at + skew - 2 * SECOND, at), Reason::Congested);
            assert_eq!(doubt(&mut lags, at + skew - SECOND / 20, at), Reason::None);
        }
    }

    #[test]
    fn a_smallest_distance_of_long_ago_no_longer_counts() {
        let mut lags = Lags::default();
        let mut at = 10_000 * SECOND;
        assert_eq!(doubt(&mut lags, at, at), Reason::None);
        // The venue's clock was set: from now on everything seems five seconds late.
        let mut congested = 0;
        for _ in 0..900 {
            at += SECOND;
            congested += i64::from(doubt(&mut lags, at - 5 * SECOND, at) == Reason::Congested);
        }
        assert!((300..=600).contains(&congested), "{congested} s");
    }
}
