//! Which of the venue's stamps can be meant, and whether this machine's clock was set.
//!
//! Owns the bounds of a believable stamp, and the distance between this machine's two clocks. Never decides an order: a stamp that
//! cannot be meant is taken for none, so that it neither wins for ever nor makes a value late.

use std::time::Duration;

use crate::domain::{MarketEvent, Now, Quote, Ticker, Top, Trade, VenueTime, WallTime};

/// A stamp may be so far ahead of our wall clock: two clocks differ by less, or one of them is wrong.
const AHEAD_MAX: Duration = Duration::from_secs(60);

/// 2009-01-03, the first Bitcoin block: no venue of ours has traded before it. Zero and the year 1 mean "not known".
const EARLIEST: VenueTime = VenueTime::from_nanos(1_230_940_800_000_000_000);

/// The wall clock was set where it moved so much against the monotonic one; less is a clock that is being steered, or a thread
/// that was stopped between the two readings.
const STEP_MIN: Duration = Duration::from_millis(500);

#[expect(clippy::cast_possible_truncation, reason = "both are far below 2^63 nanoseconds")]
const fn nanos(duration: Duration) -> i64 {
    duration.as_nanos() as i64
}

/// Whether the venue cannot mean this stamp.
#[inline]
fn is_absurd(time: VenueTime, now: WallTime) -> bool {
    // A clock of ours that stands before that can tell nothing of the past.
    let is_early = time < EARLIEST && now.nanos() >= EARLIEST.nanos();
    is_early || time.nanos() > now.nanos().saturating_add(const { nanos(AHEAD_MAX) })
}

/// The same event without a stamp that cannot be meant; `None` where there is nothing to object to. Trades have a stamp each: see
/// [`trade`].
#[inline]
pub(super) fn believable<'a>(event: &MarketEvent<'a>, now: WallTime) -> Option<MarketEvent<'a>> {
    let absurd = |time: Option<VenueTime>| time.is_some_and(|time| is_absurd(time, now));
    let is_absurd = match event {
        MarketEvent::Quote(quote) => absurd(quote.venue_time),
        MarketEvent::Depth(delta) => absurd(delta.venue_time),
        MarketEvent::Book(image) => absurd(image.venue_time),
        MarketEvent::Volume(figures) => absurd(figures.venue_time),
        MarketEvent::Ticker(Ticker { figures, top }) => {
            let (Top::Quote(Quote { venue_time, .. }) | Top::Prices { venue_time, .. }) = top;
            absurd(*venue_time) || absurd(figures.venue_time)
        }
        MarketEvent::Trades(_) | MarketEvent::NewestTrade(_) => false,
    };
    is_absurd.then(|| without_stamp(*event))
}

#[cold]
const fn without_stamp(mut event: MarketEvent<'_>) -> MarketEvent<'_> {
    match &mut event {
        MarketEvent::Quote(quote) => quote.venue_time = None,
        MarketEvent::Depth(delta) => delta.venue_time = None,
        MarketEvent::Book(image) => image.venue_time = None,
        MarketEvent::Volume(figures) => figures.venue_time = None,
        MarketEvent::Ticker(Ticker { figures, top }) => {
            let (Top::Quote(Quote { venue_time, .. }) | Top::Prices { venue_time, .. }) = top;
            *venue_time = None;
            figures.venue_time = None;
        }
        MarketEvent::Trades(_) | MarketEvent::NewestTrade(_) => {}
    }
    event
}

/// The same trade without a stamp that cannot be meant.
pub(super) fn trade(trade: &Trade, now: WallTime) -> Option<Trade> {
    trade.venue_time.filter(|time| is_absurd(*time, now)).map(|_| Trade { venue_time: None, ..*trade })
}

/// The distance between the wall clock and the monotonic one.
#[derive(Debug, Default)]
pub(super) struct ClockOffset(Option<i64>);

impl ClockOffset {
    /// By how much the wall clock was set since the last call, in nanoseconds; `None` = it was not.
    #[inline]
    pub(super) fn step(&mut self, now: Now) -> Option<i64> {
        let offset = now.wall.nanos().wrapping_sub(now.mono.nanos().cast_signed());
        let known = *self.0.get_or_insert(offset);
        if offset.abs_diff(known) < const { nanos(STEP_MIN) }.unsigned_abs() {
            return None;
        }
        self.0 = Some(offset);
        Some(offset.saturating_sub(known))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{MonoTime, Number, Side};

    const SECOND: i64 = 1_000_000_000;
    const NOW: WallTime = WallTime::from_nanos(1_796_000_000 * SECOND);

    fn quote(time: i64) -> MarketEvent<'static> {
        let venue_time = Some(VenueTime::from_nanos(time));
        MarketEvent::Quote(Quote { bid: None, ask: None, venue_sequence: None, venue_time })
    }

    #[test]
    fn a_stamp_that_cannot_be_meant_is_none() {
        for (time, expected) in [
            (NOW.nanos(), true),
            (NOW.nanos() + 60 * SECOND, true),
            (NOW.nanos() + 61 * SECOND, false),
            (NOW.nanos() + 10 * 365 * 86_400 * SECOND, false),
            (i64::MAX, false),
            (NOW.nanos() - 3 * 365 * 86_400 * SECOND, true),
            (1_230_940_800 * SECOND, true),
            (0, false),
            (-1, false),
            (i64::MIN, false),
        ] {
            let without = believable(&quote(time), NOW);
            assert_eq!(without.is_none(), expected, "{time}");
            if let Some(MarketEvent::Quote(quote)) = without {
                assert_eq!(quote.venue_time, None);
            }
        }
    }

    #[test]
    fn a_clock_that_was_never_set_takes_no_stamp_for_too_old() {
        assert_eq!(believable(&quote(100), WallTime::from_nanos(1)), None);
        assert!(
            believable(&quote(NOW.nanos()), WallTime::from_nanos(1)).is_some(),
            "nor can it tell the time"
        );
    }

    #[test]
    fn of_a_trade_the_stamp_alone_goes() {
        let stamped = |time| Trade {
            price: Number::ONE,
            size: Number::ONE,
            side: Side::Buy,
            venue_time: Some(VenueTime::from_nanos(time)),
            number: None,
        };
        assert_eq!(trade(&stamped(NOW.nanos()), NOW), None);
        assert_eq!(trade(&stamped(0), NOW), Some(Trade { venue_time: None, ..stamped(0) }));
    }

    #[test]
    fn a_step_is_told_once_and_steering_never() {
        let mut offset = ClockOffset::default();
        let mut at = |wall_ms: i64, mono_ms: u64| {
            let wall = WallTime::from_nanos(NOW.nanos() + wall_ms * 1_000_000);
            offset
                .step(Now { wall, mono: MonoTime::from_nanos(mono_ms * 1_000_000) })
                .map(|step| step / 1_000_000)
        };
        assert_eq!([at(0, 0), at(1_000, 1_000), at(2_400, 2_000)], [None; 3]);
        assert_eq!(at(6_000, 3_000), Some(3_000));
        assert_eq!([at(7_000, 4_000), at(7_400, 4_500)], [None; 2]);
        assert_eq!(at(-3_592_000, 5_000), Some(-3_600_000));
        assert_eq!(at(-3_591_000, 6_000), None);
    }
}
