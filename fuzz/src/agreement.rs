//! What any decoder promises of any bytes.
//!
//! Owns the comparison of a decoder's two paths and the invariants of what they give. Whoever includes this file provides the
//! domain types in `super`. Panics where a promise is broken.

use serde::de::IgnoredAny;

use super::{Check, DecodeError, Frame, LEVELS_MAX, MarketEvent, RawLevel};

/// Both paths must have said the same of `frame`, and what they said must be possible. `texts`: frames that are no JSON.
pub(crate) fn check(
    decoded: &Result<Frame<'_>, DecodeError>,
    general: &Result<Frame<'_>, DecodeError>,
    frame: &[u8],
    texts: &[&[u8]],
) {
    assert_eq!(decoded, general, "{}", frame.escape_ascii());
    let is_json = std::str::from_utf8(frame).is_ok() && serde_json::from_slice::<IgnoredAny>(frame).is_ok();
    assert!(
        decoded.is_err() || is_json || texts.contains(&frame),
        "accepted, but no JSON: {}",
        frame.escape_ascii()
    );
    match decoded {
        Ok(Frame::Market { stream, event }) => {
            assert!(stream.contains(':'), "a stream without a symbol");
            possible(event);
        }
        Ok(_) => {}
        Err(error) => short(error),
    }
}

/// An error is never as long as its frame.
pub(crate) fn short(error: &DecodeError) {
    assert!(error.to_string().len() < 3_000, "a long error");
}

fn possible(event: &MarketEvent<'_>) {
    match event {
        MarketEvent::Quote(quote) => {
            for level in [quote.bid, quote.ask].into_iter().flatten() {
                assert!(level.price.mantissa > 0 && level.size.mantissa > 0);
            }
        }
        MarketEvent::Trades(trades) => {
            assert!(!trades.is_empty() && trades.len() <= LEVELS_MAX);
            assert!(trades.is_sorted_by_key(|trade| trade.venue_time), "trades out of order");
            assert!(trades.iter().all(|trade| trade.price.mantissa > 0 && trade.size.mantissa > 0));
        }
        MarketEvent::Depth(delta) => {
            levels(delta.bids, delta.asks);
            written(delta.check, delta.bids, delta.asks);
        }
        MarketEvent::Book(image) => {
            levels(image.bids, image.asks);
            written(image.check, image.bids, image.asks);
        }
        MarketEvent::Volume(figures) => {
            let prices = [figures.open, figures.high, figures.low, figures.last];
            assert!(prices.into_iter().flatten().all(|price| price.mantissa > 0));
            let volumes = [figures.base_volume, figures.quote_volume];
            assert!(volumes.into_iter().flatten().all(|volume| volume.mantissa >= 0));
        }
        MarketEvent::Ticker(_) => {}
    }
}

fn levels(bids: &[RawLevel], asks: &[RawLevel]) {
    for side in [bids, asks] {
        assert!(side.len() <= LEVELS_MAX);
        assert!(side.iter().all(|level| level.size.mantissa >= 0 && level.price.mantissa >= 0));
        assert!(side.iter().all(|level| level.price.mantissa > 0 || level.size.mantissa == 0));
    }
}

/// Whoever hands on how numbers are written does so for each of them.
fn written(check: Option<Check<'_>>, bids: &[RawLevel], asks: &[RawLevel]) {
    if let Some(check) = check {
        assert_eq!((check.bids.len(), check.asks.len()), (bids.len(), asks.len()));
        assert_ne!(check.sum, Some(0), "zero is no checksum");
        let all = [(check.bids, bids), (check.asks, asks)];
        for (written, level) in all.into_iter().flat_map(|(written, side)| written.iter().zip(side)) {
            assert!(written.price >= level.price.scale.digits() && written.size >= level.size.scale.digits());
        }
    }
}
