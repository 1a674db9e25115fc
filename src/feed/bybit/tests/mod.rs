//! What the venue guarantees, over frames made in its form.

mod captures;
mod errors;
mod frames;
mod protocol;

use super::Decoder;
use crate::domain::{Number, RawLevel};
use crate::feed::mutations::{agree, arbitrary, mutated};

fn number(text: &str) -> Number {
    Number::parse(text.as_bytes()).unwrap()
}

fn level(price: &str, size: &str) -> RawLevel {
    RawLevel { price: number(price), size: number(size) }
}

const SEEDS: [&[u8]; 11] = [
    include_bytes!("../../../../fuzz/seeds/bybit_decode/acknowledged"),
    include_bytes!("../../../../fuzz/seeds/bybit_decode/book"),
    include_bytes!("../../../../fuzz/seeds/bybit_decode/delta"),
    include_bytes!("../../../../fuzz/seeds/bybit_decode/delta_without_cts"),
    include_bytes!("../../../../fuzz/seeds/bybit_decode/pong"),
    include_bytes!("../../../../fuzz/seeds/bybit_decode/quote"),
    include_bytes!("../../../../fuzz/seeds/bybit_decode/quote_one_sided"),
    include_bytes!("../../../../fuzz/seeds/bybit_decode/refused"),
    include_bytes!("../../../../fuzz/seeds/bybit_decode/ticker"),
    include_bytes!("../../../../fuzz/seeds/bybit_decode/ticker_delta"),
    include_bytes!("../../../../fuzz/seeds/bybit_decode/trade"),
];

fn check(frame: &[u8]) {
    let (mut both, mut general) = (Decoder::new(), Decoder::new());
    agree::check(frame, &both.decode(frame), &general.decode_any(frame));
}

#[test]
fn both_paths_agree_on_mutated_frames() {
    mutated(0x000b_1b17, &SEEDS, 40_000, check);
}

#[test]
fn arbitrary_bytes_are_never_a_panic() {
    arbitrary(13, 5_000, check);
}
