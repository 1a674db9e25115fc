//! The fuzz target's differential check, for a moment, on seeded mutations of its seeds.

use super::super::{Decoder, parse_book_ticker, parse_depth_snapshot};
use crate::domain::{
    DepthDelta, Form, Link, MarketEvent, Number, Quote, RawLevel, SCALE_MAX, Scale, Side, Trade,
    VenueSequence, VenueTime, VolumeFigures, VolumeUnit,
};
use crate::feed::mutations::{arbitrary, mutated};
use crate::feed::{DecodeError, Frame};

#[path = "../../../../fuzz/src/check.rs"]
mod check;

const SEEDS: [&[u8]; 13] = [
    include_bytes!("../../../../fuzz/seeds/binance_decode/acknowledged"),
    include_bytes!("../../../../fuzz/seeds/binance_decode/depth"),
    include_bytes!("../../../../fuzz/seeds/binance_decode/depth_empty"),
    include_bytes!("../../../../fuzz/seeds/binance_decode/quote"),
    include_bytes!("../../../../fuzz/seeds/binance_decode/quote_one_sided"),
    include_bytes!("../../../../fuzz/seeds/binance_decode/quote_reordered"),
    include_bytes!("../../../../fuzz/seeds/binance_decode/refused"),
    include_bytes!("../../../../fuzz/seeds/binance_decode/refused_without_id"),
    include_bytes!("../../../../fuzz/seeds/binance_decode/shutting_down"),
    include_bytes!("../../../../fuzz/seeds/binance_decode/snapshot"),
    include_bytes!("../../../../fuzz/seeds/binance_decode/ticker"),
    include_bytes!("../../../../fuzz/seeds/binance_decode/trade"),
    include_bytes!("../../../../fuzz/seeds/binance_decode/trade_with_order_ids"),
];

const ROUNDS: usize = 60_000;

#[test]
fn the_decoder_and_a_plain_reading_agree_on_mutated_frames() {
    let mut decoder = Decoder::new();
    mutated(0x00b1_7a5e, &SEEDS, ROUNDS, |frame| check::check(&mut decoder, frame));
}

#[test]
fn arbitrary_bytes_are_an_error_and_never_a_panic() {
    let mut decoder = Decoder::new();
    arbitrary(7, 20_000, |frame| check::check(&mut decoder, frame));
}
