//! What the venue guarantees, over frames made in its form.

mod captures;
mod errors;
mod frames;
mod protocol;

use crate::domain::{Number, RawLevel};

fn number(text: &str) -> Number {
    Number::parse(text.as_bytes()).unwrap()
}

fn level(price: &str, size: &str) -> RawLevel {
    RawLevel { price: number(price), size: number(size) }
}
