//! The fast path is a short cut: it changes no result. The fuzz target's check, for a moment, on seeded mutations of its seeds.

use super::super::{parse_books, parse_instruments};
use super::decoder;
use crate::feed::fuzzed::{agreement, mutate};

const SEEDS: [&[u8]; 11] = [
    include_bytes!("../../../../fuzz/seeds/okx_decode/acknowledged"),
    include_bytes!("../../../../fuzz/seeds/okx_decode/quote"),
    include_bytes!("../../../../fuzz/seeds/okx_decode/quote_one_sided"),
    include_bytes!("../../../../fuzz/seeds/okx_decode/refused"),
    include_bytes!("../../../../fuzz/seeds/okx_decode/rest_books"),
    include_bytes!("../../../../fuzz/seeds/okx_decode/shutting_down"),
    include_bytes!("../../../../fuzz/seeds/okx_decode/snapshot"),
    include_bytes!("../../../../fuzz/seeds/okx_decode/ticker"),
    include_bytes!("../../../../fuzz/seeds/okx_decode/trades"),
    include_bytes!("../../../../fuzz/seeds/okx_decode/update"),
    include_bytes!("../../../../fuzz/seeds/okx_decode/update_2022"),
];

fn check(frame: &[u8]) {
    let (mut fast, mut general) = (decoder(), decoder());
    agreement::check(&fast.decode(frame), &general.decode_general(frame), frame, &[b"pong"]);
    [parse_books(frame).err(), parse_instruments(frame).err()].iter().flatten().for_each(agreement::short);
}

#[test]
fn both_paths_agree_on_mutated_frames_and_on_noise() {
    mutate::each(&SEEDS, 12_000, check);
}

#[test]
fn order_whitespace_and_unknown_fields_change_nothing() {
    for seed in SEEDS {
        let text = std::str::from_utf8(seed).unwrap();
        let expected = decoder().decode(seed).map(|frame| format!("{frame:?}"));
        for changed in mutate::equal_in_meaning(text) {
            let said = decoder().decode(changed.as_bytes()).map(|frame| format!("{frame:?}"));
            assert_eq!(said, expected, "{changed}");
            check(changed.as_bytes());
        }
    }
}

#[test]
fn a_decoder_carries_nothing_over_from_frame_to_frame() {
    let mut one = decoder();
    for first in SEEDS {
        for second in SEEDS {
            let _ = one.decode(first);
            let again = one.decode(second).map(|frame| format!("{frame:?}"));
            assert_eq!(again, decoder().decode(second).map(|frame| format!("{frame:?}")));
        }
    }
}
