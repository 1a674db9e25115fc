//! What decoders are tested with, beside the fuzzer: seeded mutations of real-looking frames, and recordings.
//!
//! Owns how a frame is mutated, where recordings lie, and what two paths of one decoder guarantee. Never knows a venue.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use crate::domain::{LEVELS_MAX, Link, MarketEvent, Number, Quote, RawLevel, VenueSequence};
use crate::feed::{DecodeError, Frame};

#[path = "../../fuzz/src/agree.rs"]
pub(super) mod agree;

/// Bytes that matter to a JSON parser or to a number.
const BYTES: &[u8] = b"\"\\{}[]:,.-+eE0123456789 \n@tfnuUbBaAsS\x00\x7f\x80\xff";

/// Hands every seed to `check`, then `rounds` mutations of them.
pub(super) fn mutated(seed: u64, seeds: &[&[u8]], rounds: usize, mut check: impl FnMut(&[u8])) {
    let mut rng = fastrand::Rng::with_seed(seed);
    for frame in seeds {
        check(frame);
    }
    for _ in 0..rounds {
        let mut frame = rng.choice(seeds).unwrap().to_vec();
        for _ in 0..rng.usize(1..=3) {
            mutate(&mut frame, seeds, &mut rng);
        }
        check(&frame);
    }
}

/// Hands short runs of any bytes to `check`.
pub(super) fn arbitrary(seed: u64, rounds: usize, mut check: impl FnMut(&[u8])) {
    let mut rng = fastrand::Rng::with_seed(seed);
    for _ in 0..rounds {
        let bytes: Vec<u8> = (0..rng.usize(0..80)).map(|_| rng.u8(..)).collect();
        check(&bytes);
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

/// The lines of each recording of a venue; says so where there is none.
#[expect(clippy::print_stdout, reason = "says that there was nothing to test with")]
pub(super) fn recorded(venue: &str) -> Vec<Vec<String>> {
    let root = std::env::var_os("TICKCACHE_CAPTURES")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/captures"), PathBuf::from);
    let entries = std::fs::read_dir(root.join(venue)).into_iter().flatten().flatten();
    let files: Vec<_> = entries
        .map(|file| file.path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "gz"))
        .collect();
    if files.is_empty() {
        println!("skipped: no captures of {venue} (TICKCACHE_CAPTURES, or ../shared/captures)");
    }
    let lines = |path: PathBuf| {
        let unpacked = flate2::read::GzDecoder::new(std::fs::File::open(path).unwrap());
        BufReader::new(unpacked).lines().map(Result::unwrap).collect()
    };
    files.into_iter().map(lines).collect()
}
