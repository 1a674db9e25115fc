//! What the decoder guarantees, over frames made in the venue's form.

mod captures;
mod errors;
mod frames;
mod paths;
mod rest;

use crate::domain::{Number, RawLevel};

/// Decimal text as a number.
fn number(text: &str) -> Number {
    Number::parse(text.as_bytes()).unwrap()
}

fn level(price: &str, size: &str) -> RawLevel {
    RawLevel { price: number(price), size: number(size) }
}
