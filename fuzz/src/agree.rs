//! What every decoder with two paths promises: both say the same, and what they say obeys the rules of the domain.
//!
//! Owns those rules, and where a venue departs from them. Whoever includes this file provides `domain` and `feed` in `super`.
//! Panics where a promise is broken. Claims nothing about what a frame means: the tests of the venue's folder do, and for Binance
//! a plain reading of the same frame.

use serde::de::IgnoredAny;

use super::domain::{
    Check, LEVELS_MAX, Link, MarketEvent, Number, Quote, RawLevel, Ticker, Top, VolumeFigures,
};
use super::feed::{ChannelNames, DecodeError, Frame, FrameDecoder, VenueProtocol, venue};

/// Where a venue departs from the others.
#[derive(Debug, Clone, Copy)]
struct Rules {
    /// Levels that a side of a whole book may have.
    image_levels_max: usize,
    /// Frames that are no JSON.
    texts: &'static [&'static [u8]],
    /// Whether sequences may begin again at a lower number.
    sequences_restart: bool,
    /// Whether zero is a checksum like any other.
    sums_of_zero: bool,
}

impl Rules {
    fn of(venue: &str) -> Self {
        let usual =
            Self { image_levels_max: LEVELS_MAX, texts: &[], sequences_restart: false, sums_of_zero: false };
        match venue {
            // One more tells the book that there are others.
            "coinbase" => Self { image_levels_max: LEVELS_MAX + 1, ..usual },
            "hyperliquid" => Self { texts: &[b"Websocket connection established."], ..usual },
            "kraken" => Self { sums_of_zero: true, ..usual },
            "okx" => Self { texts: &[b"pong"], sequences_restart: true, ..usual },
            _ => usual,
        }
    }
}

/// Two decoders of one venue: one decides which path it takes, the other one always takes the general one.
#[derive(Debug)]
pub(crate) struct Agreement {
    venue: &'static dyn VenueProtocol,
    rules: Rules,
    both: Box<dyn FrameDecoder>,
    general: Box<dyn FrameDecoder>,
}

impl Agreement {
    /// With the venue's usual channels.
    pub(crate) fn of(name: &str) -> Self {
        let venue = venue(name).expect("a venue of ours");
        Self::named(venue, &ChannelNames::of(venue.defaults()))
    }

    pub(crate) fn named(venue: &'static dyn VenueProtocol, names: &ChannelNames) -> Self {
        let rules = Rules::of(venue.defaults().name);
        Self { venue, rules, both: venue.decoder(names), general: venue.decoder(names) }
    }

    /// Any bytes, as a frame and as an answer over REST.
    pub(crate) fn check(&mut self, bytes: &[u8]) {
        let _ = self.frame(bytes);
        let answers = [
            self.venue.parse_snapshot(bytes, 100).err(),
            self.venue.parse_quote(bytes).err(),
            self.venue.parse_list(bytes).err(),
        ];
        answers.iter().flatten().for_each(short);
    }

    /// What both paths say of `frame`.
    pub(crate) fn frame<'a>(&'a mut self, frame: &'a [u8]) -> Result<Frame<'a>, DecodeError> {
        let decoded = self.both.decode(frame);
        assert_eq!(decoded, self.general.decode_general(frame), "{}", frame.escape_ascii());
        let is_json =
            std::str::from_utf8(frame).is_ok() && serde_json::from_slice::<IgnoredAny>(frame).is_ok();
        let is_text = self.rules.texts.contains(&frame);
        assert!(decoded.is_err() || is_json || is_text, "accepted, but no JSON: {}", frame.escape_ascii());
        match &decoded {
            Ok(Frame::Market { stream, event }) => {
                assert!(self.venue.route_symbol(stream).is_some(), "a route without a symbol: {stream}");
                possible(event, self.rules);
            }
            Ok(Frame::Counted { stream, .. }) => {
                assert!(self.venue.route_symbol(stream).is_some(), "a route without a symbol: {stream}");
            }
            Ok(_) => {}
            Err(error) => short(error),
        }
        if self.venue.defaults().name == "binance" {
            super::plain_binance::compare(&decoded, frame);
        }
        decoded
    }
}

/// An error is never as long as its frame.
fn short(error: &DecodeError) {
    assert!(error.to_string().len() < 3_000, "a long error");
}

fn possible(event: &MarketEvent<'_>, rules: Rules) {
    match event {
        MarketEvent::Quote(quote) => is_quote(quote),
        MarketEvent::Trades(trades) => {
            assert!(!trades.is_empty() && trades.len() <= LEVELS_MAX);
            assert!(trades.is_sorted_by_key(|trade| trade.venue_time), "trades out of order");
            assert!(trades.iter().all(|trade| is_positive(&trade.price) && is_positive(&trade.size)));
        }
        MarketEvent::Depth(delta) => {
            let before = match delta.link {
                Link::From(before) => Some(before),
                Link::After(before) => Some(before).filter(|_| !rules.sequences_restart),
                Link::Unsaid => None,
            };
            if let (Some(before), Some(last)) = (before, delta.last) {
                assert!(before <= last, "{before:?} {last:?}");
            }
            are_levels(delta.bids, delta.asks, LEVELS_MAX);
            is_written(delta.check, delta.bids, delta.asks, rules);
        }
        MarketEvent::Book(image) => {
            are_levels(image.bids, image.asks, rules.image_levels_max);
            is_written(image.check, image.bids, image.asks, rules);
        }
        MarketEvent::Volume(figures) => are_figures(figures),
        MarketEvent::Ticker(Ticker { figures, top }) => {
            are_figures(figures);
            match top {
                Top::Quote(quote) => is_quote(quote),
                Top::Prices { bid, ask, .. } => {
                    assert!([bid, ask].into_iter().flatten().all(is_positive));
                }
            }
        }
        MarketEvent::NewestTrade(_) => panic!("a count of trades is no data of their stream"),
    }
}

fn is_positive(number: &Number) -> bool {
    number.mantissa > 0
}

fn is_quote(quote: &Quote) {
    for level in [quote.bid, quote.ask].into_iter().flatten() {
        assert!(is_positive(&level.price) && is_positive(&level.size), "{level:?}");
    }
}

fn are_figures(figures: &VolumeFigures) {
    let prices = [figures.open, figures.high, figures.low, figures.last];
    assert!(prices.iter().flatten().all(is_positive), "{figures:?}");
    let volumes = [figures.base_volume, figures.quote_volume];
    assert!(volumes.iter().flatten().all(|volume| volume.mantissa >= 0), "{figures:?}");
}

fn are_levels(bids: &[RawLevel], asks: &[RawLevel], most: usize) {
    assert!(bids.len() <= most && asks.len() <= most, "{} bids, {} asks", bids.len(), asks.len());
    for level in bids.iter().chain(asks) {
        assert!(is_positive(&level.price) || level.size.mantissa == 0, "{level:?}");
        assert!(is_trimmed(level.price) && is_trimmed(level.size), "{level:?}");
    }
}

fn is_trimmed(number: Number) -> bool {
    number.mantissa >= 0 && (number.scale.digits() == 0 || number.mantissa % 10 != 0)
}

/// Whoever hands on how numbers are written does so for each of them.
fn is_written(check: Option<Check<'_>>, bids: &[RawLevel], asks: &[RawLevel], rules: Rules) {
    let Some(check) = check else { return };
    assert!(check.sum != Some(0) || rules.sums_of_zero, "zero is no checksum");
    assert_eq!((check.bids.len(), check.asks.len()), (bids.len(), asks.len()));
    for (written, level) in check.bids.iter().zip(bids).chain(check.asks.iter().zip(asks)) {
        let (price, size) = (level.price.scale.digits(), level.size.scale.digits());
        assert!(written.price >= price && written.size >= size, "{written:?} {level:?}");
    }
}
