//! What every decoder with two paths guarantees: they agree, and what they say obeys the domain's rules.
//!
//! Whoever includes this file provides the types in `super`. Panics where a guarantee does not hold. Claims nothing about what
//! a frame means: the tests of the venue's folder do.

use serde::de::IgnoredAny;

use super::{DecodeError, Frame, LEVELS_MAX, Link, MarketEvent, Number, Quote, RawLevel, VenueSequence};

/// `both` is what the decoder says, `general` what its general path alone says.
pub(crate) fn check(
    frame: &[u8],
    both: &Result<Frame<'_>, DecodeError>,
    general: &Result<Frame<'_>, DecodeError>,
) {
    assert_eq!(both, general, "{}", frame.escape_ascii());
    match both {
        Ok(decoded) => {
            let is_json =
                std::str::from_utf8(frame).is_ok() && serde_json::from_slice::<IgnoredAny>(frame).is_ok();
            assert!(is_json, "accepted, but no JSON: {}", frame.escape_ascii());
            if let Frame::Market { stream, event } = decoded {
                assert!(!stream.is_empty());
                obeys(event);
            }
        }
        Err(error) => assert!(error.to_string().len() < 3_000, "an error as long as its frame"),
    }
}

fn obeys(event: &MarketEvent<'_>) {
    match event {
        MarketEvent::Quote(Quote { bid, ask, .. }) => {
            for level in [bid, ask].into_iter().flatten() {
                assert!(level.price.mantissa > 0 && level.size.mantissa > 0, "{level:?}");
            }
        }
        MarketEvent::Trades(trades) => {
            assert!(!trades.is_empty() && trades.is_sorted_by_key(|trade| trade.venue_time));
            for trade in *trades {
                assert!(trade.price.mantissa > 0 && trade.size.mantissa > 0, "{trade:?}");
            }
        }
        MarketEvent::Depth(delta) => {
            levels(delta.bids);
            levels(delta.asks);
            let before = match delta.link {
                Link::From(first) => first,
                Link::After(before) => before,
                Link::Unsaid => VenueSequence(0),
            };
            assert!(delta.last.is_none_or(|last| before <= last), "{before:?} {:?}", delta.last);
        }
        MarketEvent::Book(image) => {
            levels(image.bids);
            levels(image.asks);
        }
        MarketEvent::Volume(figures) => {
            for price in [figures.open, figures.high, figures.low, figures.last].into_iter().flatten() {
                assert!(price.mantissa > 0, "{figures:?}");
            }
        }
        MarketEvent::Ticker(_) => {}
    }
}

fn levels(side: &[RawLevel]) {
    assert!(side.len() <= LEVELS_MAX);
    for level in side {
        assert!(level.price.mantissa > 0 || level.size.mantissa == 0, "{level:?}");
        assert!(trimmed(level.price) && trimmed(level.size), "{level:?}");
    }
}

fn trimmed(number: Number) -> bool {
    number.mantissa >= 0 && (number.scale.digits() == 0 || number.mantissa % 10 != 0)
}
