//! What the venue guarantees, over frames made in its form.

mod captures;
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

const SEEDS: [&[u8]; 9] = [
    include_bytes!("../../../../fuzz/seeds/binance_usdm_decode/acknowledged"),
    include_bytes!("../../../../fuzz/seeds/binance_usdm_decode/depth"),
    include_bytes!("../../../../fuzz/seeds/binance_usdm_decode/depth_empty"),
    include_bytes!("../../../../fuzz/seeds/binance_usdm_decode/quote"),
    include_bytes!("../../../../fuzz/seeds/binance_usdm_decode/quote_one_sided"),
    include_bytes!("../../../../fuzz/seeds/binance_usdm_decode/refused"),
    include_bytes!("../../../../fuzz/seeds/binance_usdm_decode/ticker"),
    include_bytes!("../../../../fuzz/seeds/binance_usdm_decode/trade"),
    include_bytes!("../../../../fuzz/seeds/binance_usdm_decode/trade_of_the_fund"),
];

fn check(frame: &[u8]) {
    let (mut both, mut general) = (Decoder::new(), Decoder::new());
    agree::check(frame, &both.decode(frame), &general.decode_any(frame));
}

#[test]
fn both_paths_agree_on_mutated_frames() {
    mutated(0x0005_d111, &SEEDS, 40_000, check);
}

#[test]
fn arbitrary_bytes_are_never_a_panic() {
    arbitrary(11, 5_000, check);
}
