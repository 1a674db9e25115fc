//! The fast path is a short cut: it changes no result. The fuzz target's check, for a moment, on seeded mutations of its seeds.

use super::super::{parse_book, parse_meta};
use super::decoder;
use crate::feed::fuzzed::{agreement, mutate};

const SEEDS: [&[u8]; 10] = [
    include_bytes!("../../../../fuzz/seeds/hyperliquid_decode/acknowledged"),
    include_bytes!("../../../../fuzz/seeds/hyperliquid_decode/book"),
    include_bytes!("../../../../fuzz/seeds/hyperliquid_decode/book_fast"),
    include_bytes!("../../../../fuzz/seeds/hyperliquid_decode/figures"),
    include_bytes!("../../../../fuzz/seeds/hyperliquid_decode/pong"),
    include_bytes!("../../../../fuzz/seeds/hyperliquid_decode/quote"),
    include_bytes!("../../../../fuzz/seeds/hyperliquid_decode/quote_one_sided"),
    include_bytes!("../../../../fuzz/seeds/hyperliquid_decode/refused"),
    include_bytes!("../../../../fuzz/seeds/hyperliquid_decode/rest_book"),
    include_bytes!("../../../../fuzz/seeds/hyperliquid_decode/trades"),
];

fn check(frame: &[u8]) {
    let (mut fast, mut general) = (decoder(), decoder());
    agreement::check(
        &fast.decode(frame),
        &general.decode_general(frame),
        frame,
        &[b"Websocket connection established."],
    );
    [parse_book(frame).err(), parse_meta(frame).err()].iter().flatten().for_each(agreement::short);
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
