//! What holds for every decoder with two paths: both say the same, and what they say makes sense.
//!
//! Owns the invariants that `domain::event` promises. Whoever includes this file provides the types in `super`.

use super::{DecodeError, Frame, LEVELS_MAX, MarketEvent, Number, Quote, RawLevel, Ticker, Top};

/// Compares what both paths made of `frame`. `images_max`: levels that a side of a whole book may have.
pub(crate) fn check(
    decoded: Result<Frame<'_>, DecodeError>,
    general: Result<Frame<'_>, DecodeError>,
    frame: &[u8],
    images_max: usize,
) {
    assert_eq!(decoded, general, "{}", frame.escape_ascii());
    match decoded {
        Err(error) => assert!(error.to_string().len() < 3_000, "an error as long as its frame"),
        Ok(decoded) => {
            let is_json = serde_json::from_slice::<serde::de::IgnoredAny>(frame).is_ok();
            assert!(is_json, "accepted, but no JSON: {}", frame.escape_ascii());
            if let Frame::Market { stream, event } = decoded {
                assert!(stream.contains(':'), "a route without a symbol: {stream}");
                check_event(&event, images_max);
            }
        }
    }
}

fn check_event(event: &MarketEvent<'_>, images_max: usize) {
    match event {
        MarketEvent::Quote(quote) => check_quote(quote),
        MarketEvent::Trades(trades) => {
            assert!(!trades.is_empty() && trades.is_sorted_by_key(|trade| trade.venue_time));
            assert!(trades.iter().all(|trade| trade.price.mantissa > 0 && trade.size.mantissa > 0));
        }
        MarketEvent::Depth(delta) => {
            check_levels(delta.bids, delta.asks, LEVELS_MAX);
            assert!(delta.check.is_none_or(|check| {
                (check.bids.len(), check.asks.len()) == (delta.bids.len(), delta.asks.len())
            }));
        }
        MarketEvent::Book(image) => {
            check_levels(image.bids, image.asks, images_max);
            assert!(image.check.is_none_or(|check| {
                (check.bids.len(), check.asks.len()) == (image.bids.len(), image.asks.len())
            }));
        }
        MarketEvent::Volume(_) => {}
        MarketEvent::Ticker(Ticker { top, .. }) => match top {
            Top::Quote(quote) => check_quote(quote),
            Top::Prices { bid, ask, .. } => assert!([bid, ask].into_iter().flatten().all(is_price)),
        },
    }
}

fn is_price(number: &Number) -> bool {
    number.mantissa > 0
}

fn check_quote(quote: &Quote) {
    let levels = [quote.bid, quote.ask].into_iter().flatten();
    levels.for_each(|level| assert!(level.price.mantissa > 0 && level.size.mantissa > 0));
}

fn check_levels(bids: &[RawLevel], asks: &[RawLevel], most: usize) {
    assert!(bids.len() <= most && asks.len() <= most);
    for level in bids.iter().chain(asks) {
        assert!(level.size.mantissa >= 0 && (level.price.mantissa > 0 || level.size.mantissa == 0));
    }
}
