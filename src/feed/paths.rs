//! The fast path of a decoder is a short cut: it changes no result. The checks of the fuzz targets, for a moment, for each venue;
//! and what the tests of all decoders share.

use super::mutations::{equal_in_meaning, mutated, recorded_frames, seeds};
use super::{ChannelNames, Frame, FrameDecoder, venue};
use crate::domain::{MarketEvent, Number, RawLevel};
use crate::{domain, feed};

#[path = "../../fuzz/src/agree.rs"]
pub(super) mod agree;
#[path = "../../fuzz/src/plain_binance.rs"]
mod plain_binance;

use agree::Agreement;

const ROUNDS: usize = 40_000;

/// Decimal text as a number.
pub(super) fn number(text: &str) -> Number {
    Number::parse(text.as_bytes()).unwrap()
}

pub(super) fn level(price: &str, size: &str) -> RawLevel {
    RawLevel { price: number(price), size: number(size) }
}

/// Both paths must say `event`.
pub(super) fn assert_market(venue: &str, frame: &str, stream: &str, event: MarketEvent<'_>) {
    let expected = Ok(Frame::Market { stream, event });
    assert_eq!(Agreement::of(venue).frame(frame.as_bytes()), expected);
}

fn decoder(name: &str) -> Box<dyn FrameDecoder> {
    let venue = venue(name).unwrap();
    venue.decoder(&ChannelNames::of(venue.defaults()))
}

fn said(decoder: &mut dyn FrameDecoder, frame: &[u8]) -> String {
    format!("{:?}", decoder.decode(frame))
}

fn on_mutated_frames(venue: &str, target: &str) {
    let mut agreement = Agreement::of(venue);
    mutated(&seeds(target), ROUNDS, |bytes| agreement.check(bytes));
}

fn on_recorded_frames(venue: &str, folder: &str) {
    let mut agreement = Agreement::of(venue);
    for frame in recorded_frames(folder).iter().flatten() {
        assert!(agreement.frame(frame.as_bytes()).is_ok(), "{frame}");
    }
}

/// In either order, a frame says what it says to a new decoder.
fn on_each_frame_after_each(venue: &str, target: &str) {
    let (mut one, seeds) = (decoder(venue), seeds(target));
    for first in &seeds {
        for second in &seeds {
            let _ = one.decode(first);
            assert_eq!(said(&mut *one, second), said(&mut *decoder(venue), second));
        }
    }
}

fn on_frames_that_mean_the_same(venue: &str, target: &str) {
    for mut seed in seeds(target) {
        // Its checksums are made over how numbers are written, which another printer changes.
        if venue == "kraken" {
            seed = serde_json::from_slice::<serde_json::Value>(&seed).unwrap().to_string().into_bytes();
        }
        for changed in equal_in_meaning(&seed) {
            let changed = changed.as_bytes();
            assert_eq!(said(&mut *decoder(venue), changed), said(&mut *decoder(venue), &seed));
            Agreement::of(venue).check(changed);
        }
    }
}

macro_rules! venues {
    ($($name:ident: $venue:literal, $folder:literal, $target:literal;)*) => {$(
        mod $name {
            #[test]
            fn both_paths_agree_on_mutated_frames_and_on_noise() {
                super::on_mutated_frames($venue, $target);
            }

            #[test]
            fn both_paths_agree_on_every_recorded_frame() {
                super::on_recorded_frames($venue, $folder);
            }

            #[test]
            fn a_decoder_carries_nothing_over_from_frame_to_frame() {
                super::on_each_frame_after_each($venue, $target);
            }

            #[test]
            fn order_whitespace_and_unknown_fields_change_nothing() {
                super::on_frames_that_mean_the_same($venue, $target);
            }
        }
    )*};
}

venues! {
    binance: "binance", "binance", "binance_decode";
    binance_usdm: "binance-usdm", "binance-usdm", "binance_usdm_decode";
    bybit: "bybit-linear", "bybit", "bybit_decode";
    coinbase: "coinbase", "coinbase", "coinbase_decode";
    hyperliquid: "hyperliquid", "hyperliquid", "hyperliquid_decode";
    kraken: "kraken", "kraken", "kraken_decode";
    okx: "okx", "okx", "okx_decode";
}
