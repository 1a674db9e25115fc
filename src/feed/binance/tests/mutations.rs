//! The fuzz target's differential check, for a moment, on seeded mutations of its seeds.

use super::super::{Decoder, parse_book_ticker, parse_depth_snapshot};
use crate::domain::{
    DepthDelta, Form, Link, MarketEvent, Number, Quote, RawLevel, SCALE_MAX, Scale, Side, Trade,
    VenueSequence, VenueTime, VolumeFigures, VolumeUnit,
};
use crate::feed::{DecodeError, Frame, mutations};

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

#[test]
fn the_decoder_and_a_plain_reading_agree_on_mutated_frames() {
    let mut decoder = Decoder::new();
    mutations::run(&SEEDS, |frame| check::check(&mut decoder, frame));
}
