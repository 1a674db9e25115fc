//! The fuzz target's differential check, for a moment, on seeded mutations of its seeds.

use super::super::{Decoder, parse_book_ticker, parse_depth_snapshot};
use crate::domain::{
    DepthDelta, Form, Link, MarketEvent, Number, Quote, RawLevel, SCALE_MAX, Scale, Side, Trade,
    VenueSequence, VenueTime, VolumeFigures, VolumeUnit,
};
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

/// Bytes that matter to a JSON parser or to a number.
const BYTES: &[u8] = b"\"\\{}[]:,.-+eE0123456789 \n@tfnuUbBaAsS\x00\x7f\x80\xff";

const ROUNDS: usize = 60_000;

#[test]
fn the_decoder_and_a_plain_reading_agree_on_mutated_frames() {
    let mut rng = fastrand::Rng::with_seed(0x00b1_7a5e);
    let mut decoder = Decoder::new();
    for seed in SEEDS {
        check::check(&mut decoder, seed);
    }
    for _ in 0..ROUNDS {
        let mut frame = rng.choice(SEEDS).unwrap().to_vec();
        for _ in 0..rng.usize(1..=3) {
            mutate(&mut frame, &mut rng);
        }
        check::check(&mut decoder, &frame);
    }
}

fn mutate(frame: &mut Vec<u8>, rng: &mut fastrand::Rng) {
    let at = rng.usize(0..=frame.len());
    let end = rng.usize(at..=frame.len().min(at + 24));
    let byte = *rng.choice(BYTES).unwrap();
    match rng.u8(0..6) {
        0 => frame.insert(at, byte),
        1 => drop(frame.drain(at..end)),
        2 => frame.truncate(at),
        3 => {
            let piece = frame[at..end].to_vec();
            let to = rng.usize(0..=frame.len());
            frame.splice(to..to, piece);
        }
        4 => {
            let other = rng.choice(SEEDS).unwrap();
            let from = rng.usize(0..other.len());
            frame.splice(at..end, other[from..other.len().min(from + 24)].iter().copied());
        }
        _ if at < frame.len() => frame[at] = byte,
        _ => {}
    }
}

#[test]
fn arbitrary_bytes_are_an_error_and_never_a_panic() {
    let mut rng = fastrand::Rng::with_seed(7);
    let mut decoder = Decoder::new();
    for _ in 0..20_000 {
        let bytes: Vec<u8> = (0..rng.usize(0..80)).map(|_| rng.u8(..)).collect();
        check::check(&mut decoder, &bytes);
    }
}
