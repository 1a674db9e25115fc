//! The live table: what every price key says right now.
//!
//! Owns the layout. Reads the engine's own table, as any reader would: the bytes are decoded, nothing is asked of the hot
//! thread.

use std::fmt::Write as _;
use std::time::Duration;

use super::engine::{Engine, WrittenKey};
use crate::clock;
use crate::codec::Decoder;
use crate::domain::{Entity, Number, PriceLevel, PriceRecord, Reason, Record, Scales, Sequence};

/// What the last look saw of one key.
#[derive(Debug, Clone, Copy)]
struct Seen {
    sequence: Sequence,
    latency: Option<Duration>,
}

/// The live table of an engine's prices.
#[derive(Debug)]
pub(super) struct Display {
    keys: Vec<(WrittenKey, Option<Seen>)>,
    decoder: Decoder,
}

const HEADER: &str = "INSTRUMENT     VENUE        STATE                          BID             ASK      SPREAD       AGE  UPDATES/S   LATENCY";

impl Display {
    pub(super) fn new(engine: &Engine) -> Self {
        let keys = engine.keys().iter().filter(|key| key.entity == Entity::Price);
        Self { keys: keys.map(|key| (key.clone(), None)).collect(), decoder: Decoder::new() }
    }

    /// The table, a line for each instrument. `since` is the time since the last look.
    pub(super) fn render(&mut self, engine: &Engine, since: Duration) -> String {
        let mut text = format!("{HEADER}\n");
        let now = clock::now();
        for (key, seen) in &mut self.keys {
            let decoder = &mut self.decoder;
            let decoded = engine.read(key, now.mono, |bytes, _| decoder.decode(key.entity, bytes));
            let (instrument, venue) = (&key.instrument, &key.venue);
            let Some(Ok(decoded)) = decoded else {
                writeln!(text, "{instrument:<14} {venue:<12} expired")
                    .expect("writing to a String cannot fail");
                continue;
            };
            let Record::Price(record) = &decoded.record else { continue };
            let received = record.stamp.receive_time.nanos();
            // Only a value that a frame caused has a latency; a confirmation repeats an old receive time.
            let latency = u64::try_from(decoded.publish_time.nanos() - received)
                .ok()
                .map(Duration::from_nanos)
                .filter(|latency| *latency < Duration::from_millis(500))
                .or_else(|| seen.and_then(|seen| seen.latency));
            let sequence = decoded.version.sequence;
            let before = seen.map_or(sequence.get(), |seen| seen.sequence.get());
            *seen = Some(Seen { sequence, latency });
            let rate = rate(sequence.get().saturating_sub(before), since);
            let age = age(now.wall.nanos_since(record.stamp.confirmed_time.nanos()));
            let latency = latency.map_or_else(|| "-".to_owned(), micros);
            let (state, spread) = (state(record), spread(record.scales, record.bid, record.ask));
            let (bid, ask) = (price(record.scales, record.bid), price(record.scales, record.ask));
            writeln!(
                text,
                "{instrument:<14} {venue:<12} {state:<20} {bid:>15} {ask:>15} {spread:>11} {age:>9} \
                 {rate:>10.1} {latency:>9}"
            )
            .expect("writing to a String cannot fail");
        }
        text
    }
}

fn price(scales: Scales, level: Option<PriceLevel>) -> String {
    level.map_or_else(|| "-".to_owned(), |level| scales.price_number(level.price).to_string())
}

fn state(record: &PriceRecord) -> String {
    match record.stamp.reason {
        Reason::None => record.stamp.state.to_string(),
        reason => format!("{} ({reason})", record.stamp.state),
    }
}

fn spread(scales: Scales, bid: Option<PriceLevel>, ask: Option<PriceLevel>) -> String {
    let (Some(bid), Some(ask)) = (bid, ask) else { return "-".to_owned() };
    Number { mantissa: ask.price.0 - bid.price.0, scale: scales.price }.to_string()
}

/// Below zero when the clocks of reader and writer differ: shown as it is.
fn age(nanos: i64) -> String {
    format!("{} ms", nanos / 1_000_000)
}

/// Microseconds, for people.
pub(super) fn micros(duration: Duration) -> String {
    format!("{} µs", duration.as_micros())
}

fn rate(updates: u64, since: Duration) -> f64 {
    f64::from(u32::try_from(updates).unwrap_or(u32::MAX)) / since.as_secs_f64().max(0.001)
}
