//! Seeded mutations of requests: what the fuzzer does for hours, for a moment in every run.

use std::path::Path;

#[path = "../../fuzz/src/conversation.rs"]
mod conversation;

/// Of each seed.
const MUTATIONS: usize = 300;

fn seeds() -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds/resp_request");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(files.len() > 10);
    files.iter().map(|file| std::fs::read(file).unwrap()).collect()
}

fn mutated(random: &mut fastrand::Rng, seed: &[u8], other: &[u8]) -> Vec<u8> {
    let mut bytes = seed.to_vec();
    for _ in 0..random.usize(1..4) {
        let at = random.usize(..=bytes.len());
        match random.u8(..6) {
            0 => bytes.insert(at, random.u8(..)),
            1 => drop(bytes.drain(at..(at + random.usize(..9)).min(bytes.len()))),
            2 => bytes.iter_mut().skip(at).take(1).for_each(|byte| *byte ^= 1 << random.u8(..8)),
            3 => bytes.iter_mut().skip(at).take(1).for_each(|byte| *byte = random.u8(b'0'..=b'9')),
            4 => bytes.extend_from_slice(other),
            _ => bytes.truncate(at),
        }
    }
    bytes
}

#[test]
fn every_conversation_ends_well_and_is_the_same_however_it_is_cut() {
    let (endpoints, seeds) = (conversation::Endpoints::new(), seeds());
    let mut random = fastrand::Rng::with_seed(4);
    for seed in &seeds {
        endpoints.check(seed);
        for _ in 0..MUTATIONS {
            let other = &seeds[random.usize(..seeds.len())];
            endpoints.check(&mutated(&mut random, seed, other));
        }
    }
}
