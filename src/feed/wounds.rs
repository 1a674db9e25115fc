//! Seeded damage for frames, for the tests of all decoders.

use super::{DecodeError, Frame};
use crate::domain::{LEVELS_MAX, MarketEvent, Number, Quote, RawLevel, Ticker, Top};

/// What holds of every decoder with two paths.
#[path = "../../fuzz/src/paths.rs"]
pub(super) mod paths;

/// Bytes that matter to a JSON parser or to a number.
const BYTES: &[u8] = b"\"\\{}[]:,.-+eE0123456789 \n@tfnuUbBaAsS/TZ\x00\x7f\x80\xff";

const ROUNDS: usize = 20_000;

/// Hands every seed to `check`, then many copies with up to three wounds each, then noise.
pub(super) fn run(seeds: &[&[u8]], mut check: impl FnMut(&[u8])) {
    seeds.iter().for_each(|seed| check(seed));
    let mut rng = fastrand::Rng::with_seed(0x00b1_7a5e);
    for _ in 0..ROUNDS {
        let mut frame = rng.choice(seeds).unwrap().to_vec();
        for _ in 0..rng.usize(1..=3) {
            mutate(&mut frame, seeds, &mut rng);
        }
        check(&frame);
    }
    for _ in 0..ROUNDS / 4 {
        let noise: Vec<u8> = (0..rng.usize(0..80)).map(|_| rng.u8(..)).collect();
        check(&noise);
    }
}

fn mutate(frame: &mut Vec<u8>, seeds: &[&[u8]], rng: &mut fastrand::Rng) {
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
            let other = rng.choice(seeds).unwrap();
            let from = rng.usize(0..other.len());
            frame.splice(at..end, other[from..other.len().min(from + 24)].iter().copied());
        }
        _ if at < frame.len() => frame[at] = byte,
        _ => {}
    }
}
