//! The frames that the venue sends: recorded ones, or made-up ones where no recording is there.
//!
//! Owns top-of-book and trade frames of BTC-USDT and ETH-USDT in the order of their receive time, encoded for the wire.

use std::io::Read;
use std::ops::Range;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;
use tickcache::capture::{Kind, Reader};
use tickcache::clock;
use tickcache::simulate::{Config, MarketOptions, Simulator};

use crate::floor;
use crate::venue::encode;

/// The instruments of the paced runs and the burst.
pub(crate) const INSTRUMENTS: [&str; 2] = ["BTC-USDT", "ETH-USDT"];

/// A made-up market runs so many times faster while it is recorded.
const MADE_UP_HASTE: u32 = 20;
const MADE_UP_FOR: Duration = Duration::from_secs(8);

/// One frame.
#[derive(Clone)]
pub(crate) struct Frame {
    /// When it is due, in ns from the first one.
    pub(crate) at: i64,
    /// Instrument and update id of a quote; `None` for a trade.
    pub(crate) quote: Option<(usize, u64)>,
    /// In [`Recording::wire`].
    pub(crate) bytes: Range<usize>,
}

#[derive(Clone)]
pub(crate) struct Recording {
    pub(crate) source: String,
    pub(crate) frames: Vec<Frame>,
    pub(crate) wire: Vec<u8>,
    texts: Vec<String>,
}

impl Recording {
    /// The captures, else a made-up market.
    pub(crate) fn load() -> anyhow::Result<Self> {
        let folder = std::env::var_os("TICKCACHE_CAPTURES").map_or_else(
            || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/captures")),
            PathBuf::from,
        );
        let files =
            ["btcusdt", "ethusdt"].map(|symbol| folder.join(format!("binance/{symbol}-20240808.txt.gz")));
        if files.iter().all(|file| file.exists()) {
            let mut lines = Vec::new();
            for file in &files {
                for line in Reader::open(file)? {
                    let line = line?;
                    if let Kind::Ws { frame } = line.kind {
                        lines.push((line.receive_time.nanos(), frame));
                    }
                }
            }
            return Ok(Self::new("Binance spot, recorded 2024-08-08", lines));
        }
        Ok(Self::new("a made-up market (the captures are not there)", made_up()?))
    }

    fn new(source: &str, mut lines: Vec<(i64, String)>) -> Self {
        lines.retain(|(_, text)| text.contains("@bookTicker\"") || text.contains("@trade\""));
        lines.sort_by_key(|&(at, _)| at);
        let first = lines.first().map_or(0, |&(at, _)| at);
        let mut recording =
            Self { source: source.to_owned(), frames: Vec::new(), wire: Vec::new(), texts: Vec::new() };
        for (at, text) in lines {
            recording.push(at - first, text);
        }
        recording
    }

    fn push(&mut self, at: i64, text: String) {
        let start = self.wire.len();
        encode(&text, &mut self.wire);
        self.frames.push(Frame { at, quote: quote_of(text.as_bytes()), bytes: start..self.wire.len() });
        self.texts.push(text);
    }

    /// The first seconds of it.
    pub(crate) fn stretch(&self, length: Duration) -> &[Frame] {
        let end =
            self.frames.partition_point(|frame| u128::try_from(frame.at).unwrap_or(0) < length.as_nanos());
        &self.frames[..end]
    }

    /// The whole of it so many times, with ids and times that go on growing; it ends with a quote.
    pub(crate) fn repeated(&self, rounds: u64) -> Self {
        const IDS: u64 = 100_000_000;
        let mut long = Self::new(&self.source, Vec::new());
        for round in 0..rounds {
            for (frame, text) in self.frames.iter().zip(&self.texts) {
                let name = if frame.quote.is_some() { "\"u\":" } else { "\"T\":" };
                long.push(frame.at, raised(text, name, round * IDS));
            }
        }
        while long.frames.last().is_some_and(|frame| frame.quote.is_none()) {
            long.frames.pop();
        }
        long.wire.truncate(long.frames.last().map_or(0, |frame| frame.bytes.end));
        long
    }

    /// The last quote of each instrument.
    pub(crate) fn last_quote(&self) -> Option<(usize, u64)> {
        self.frames.last()?.quote
    }
}

/// Instrument and update id, read off a frame of the venue.
pub(crate) fn quote_of(frame: &[u8]) -> Option<(usize, u64)> {
    let text = std::str::from_utf8(frame).ok()?;
    let (stream, rest) = text.strip_prefix(r#"{"stream":""#)?.split_once('"')?;
    let symbol = stream.strip_suffix("@bookTicker")?;
    let index = INSTRUMENTS.iter().position(|name| name.replace('-', "").eq_ignore_ascii_case(symbol))?;
    Some((index, number_after(rest, "\"u\":")?))
}

fn number_after(text: &str, name: &str) -> Option<u64> {
    let rest = text.split_once(name)?.1;
    rest[..rest.find(|character: char| !character.is_ascii_digit())?].parse().ok()
}

fn raised(text: &str, name: &str, by: u64) -> String {
    let Some(number) = number_after(text, name) else { return text.to_owned() };
    text.replacen(&format!("{name}{number}"), &format!("{name}{}", number + by), 1)
}

/// Records the simulator's market while it runs faster, and stretches the times.
fn made_up() -> anyhow::Result<Vec<(i64, String)>> {
    let runtime = tokio::runtime::Runtime::new()?;
    let defaults = MarketOptions::default();
    let options = MarketOptions { updates_per_second: 45 * MADE_UP_HASTE, ..defaults }.only(&["BTC", "ETH"]);
    let simulator = runtime.block_on(Simulator::start(Config::market(options)))?;
    let mut venue = floor::subscribe(&simulator.addr().to_string())?;
    venue.set_read_timeout(Some(Duration::from_secs(5)))?;
    let (mut bytes, mut buffer, mut lines) = (Vec::new(), vec![0; 64 << 10], Vec::new());
    let start = clock::mono();
    while clock::mono().since(start) < MADE_UP_FOR {
        let read = venue.read(&mut buffer).context("the simulator fell silent")?;
        bytes.extend_from_slice(&buffer[..read]);
        let now = i64::try_from(clock::mono().since(start).as_nanos())? * i64::from(MADE_UP_HASTE);
        let mut at = 0;
        while let Some((payload, length)) = floor::frame(&bytes[at..]) {
            let text = String::from_utf8_lossy(&bytes[at + payload..at + length]).into_owned();
            lines.push((now, text));
            at += length;
        }
        bytes.drain(..at);
    }
    runtime.block_on(simulator.stop());
    Ok(lines)
}
