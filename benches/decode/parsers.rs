//! The same frames through general JSON parsers into borrowed structs, then into the same numbers: what one would write first.

use serde::Deserialize;
use tickcache::domain::{Number, RawLevel};

/// Levels, as the structs borrow them.
type Pairs<'a> = Vec<(&'a str, &'a str)>;
type Fours<'a> = Vec<(&'a str, &'a str, &'a str, &'a str)>;

#[derive(Deserialize)]
pub(crate) struct BinanceQuote<'a> {
    stream: &'a str,
    #[serde(borrow)]
    data: BinanceQuoteData<'a>,
}

#[derive(Deserialize)]
struct BinanceQuoteData<'a> {
    u: u64,
    s: &'a str,
    b: &'a str,
    #[serde(rename = "B")]
    bid_size: &'a str,
    a: &'a str,
    #[serde(rename = "A")]
    ask_size: &'a str,
}

#[derive(Deserialize)]
pub(crate) struct BinanceDepth<'a> {
    stream: &'a str,
    #[serde(borrow)]
    data: BinanceDepthData<'a>,
}

#[derive(Deserialize)]
struct BinanceDepthData<'a> {
    #[serde(rename = "E")]
    event_time: u64,
    s: &'a str,
    #[serde(rename = "U")]
    first: u64,
    u: u64,
    #[serde(borrow)]
    b: Pairs<'a>,
    #[serde(borrow)]
    a: Pairs<'a>,
}

/// Quotes and books alike.
#[derive(Deserialize)]
pub(crate) struct BybitBook<'a> {
    topic: &'a str,
    #[serde(rename = "type")]
    kind: &'a str,
    cts: u64,
    #[serde(borrow)]
    data: BybitBookData<'a>,
}

#[derive(Deserialize)]
struct BybitBookData<'a> {
    s: &'a str,
    #[serde(borrow)]
    b: Pairs<'a>,
    #[serde(borrow)]
    a: Pairs<'a>,
    u: u64,
}

#[derive(Deserialize)]
pub(crate) struct OkxBook<'a> {
    #[serde(borrow)]
    arg: OkxArg<'a>,
    #[serde(borrow)]
    data: [OkxBookData<'a>; 1],
}

#[derive(Deserialize)]
struct OkxArg<'a> {
    channel: &'a str,
    #[serde(rename = "instId")]
    symbol: &'a str,
}

#[derive(Deserialize)]
struct OkxBookData<'a> {
    #[serde(borrow)]
    asks: Fours<'a>,
    #[serde(borrow)]
    bids: Fours<'a>,
    ts: &'a str,
    #[serde(rename = "seqId")]
    last: u64,
}

/// What comes of a frame: its levels, and the other fields that are of use, so that none is left out.
pub(crate) trait Read {
    fn read(&self, levels: &mut Vec<RawLevel>) -> [u64; 4];
}

fn level((price, size): (&str, &str)) -> RawLevel {
    let number = |text: &str| Number::parse(text.as_bytes()).expect("a number of this bench");
    RawLevel { price: number(price), size: number(size) }
}

fn length(text: &str) -> u64 {
    text.len() as u64
}

impl Read for BinanceQuote<'_> {
    fn read(&self, levels: &mut Vec<RawLevel>) -> [u64; 4] {
        let data = &self.data;
        levels.extend([level((data.b, data.bid_size)), level((data.a, data.ask_size))]);
        [length(self.stream), length(data.s), data.u, 0]
    }
}

impl Read for BinanceDepth<'_> {
    fn read(&self, levels: &mut Vec<RawLevel>) -> [u64; 4] {
        let data = &self.data;
        levels.extend(data.b.iter().chain(&data.a).map(|&pair| level(pair)));
        [length(self.stream) + length(data.s), data.event_time, data.first, data.u]
    }
}

impl Read for BybitBook<'_> {
    fn read(&self, levels: &mut Vec<RawLevel>) -> [u64; 4] {
        levels.extend(self.data.b.iter().chain(&self.data.a).map(|&pair| level(pair)));
        [length(self.topic) + length(self.kind), length(self.data.s), self.cts, self.data.u]
    }
}

impl Read for OkxBook<'_> {
    fn read(&self, levels: &mut Vec<RawLevel>) -> [u64; 4] {
        let [data] = &self.data;
        levels.extend(data.bids.iter().chain(&data.asks).map(|&(price, size, ..)| level((price, size))));
        [length(self.arg.channel), length(self.arg.symbol), length(data.ts), data.last]
    }
}
