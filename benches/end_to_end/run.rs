//! One run: a contender between the venue and Redis, and what became of the quotes.
//!
//! Owns the pairing of what was sent with what Redis executed: a quote counts as written at the first SET that holds it or a newer
//! one of its instrument. So conflation hides nothing, and both contenders are held to the same rule.

use std::collections::HashMap;
use std::time::Duration;

use anyhow::{Context, bail};
use tickcache::codec::Decoder;
use tickcache::domain::{Entity, Record, State};

use crate::contender::{Contender, Running, Wanted};
use crate::floor;
use crate::observe::Written;
use crate::recording::{INSTRUMENTS, quote_of};
use crate::server::Server;
use crate::venue::{Session, Venue};

/// A quote that the venue sent.
#[derive(Clone, Copy)]
pub(crate) struct Sent {
    pub(crate) instrument: usize,
    pub(crate) sequence: u64,
    /// In ns of the wall clock, right before the write.
    pub(crate) at: i64,
}

/// A quote that stands in Redis.
#[derive(Clone, Copy)]
pub(crate) struct Seen {
    pub(crate) instrument: usize,
    pub(crate) sequence: u64,
    pub(crate) at: i64,
    /// When the engine read its frame, and when it encoded the value; 0 for the floor.
    pub(crate) received: i64,
    pub(crate) encoded: i64,
}

pub(crate) fn price_key(instrument: &str) -> String {
    format!("tickcache:v1:price:{{{instrument}}}:binance")
}

/// Starts a contender in front of an empty Redis, and waits until it has subscribed and is connected to Redis.
pub(crate) fn start(
    contender: Contender,
    server: &Server,
    venue: &Venue,
) -> anyhow::Result<(Running, Session)> {
    server.client()?.flush()?;
    let running = match contender {
        Contender::Engine(safety) => {
            let instruments = INSTRUMENTS.map(str::to_owned).to_vec();
            let wanted = Wanted { instruments, entities: &["price"], rest: None, safety };
            Running::engine(venue.address(), server.port(), &wanted)?
        }
        Contender::Floor => Running::floor(venue.address(), server.port())?,
    };
    let session = venue.accept()?;
    let first = match contender {
        Contender::Engine(_) => price_key(INSTRUMENTS[0]),
        // The acknowledgement of its subscription.
        Contender::Floor => floor::KEY.to_owned(),
    };
    wait_for(server, &first)?;
    Ok((running, session))
}

pub(crate) fn wait_for(server: &Server, key: &str) -> anyhow::Result<()> {
    let mut client = server.client()?;
    for _ in 0..1_000 {
        if client.get(key)?.is_some() {
            return Ok(());
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    bail!("{key} did not appear in Redis")
}

/// The quotes among what Redis executed, in its order.
pub(crate) fn quotes(written: &[Written], instruments: &[String]) -> Vec<Seen> {
    let places: HashMap<String, usize> =
        instruments.iter().enumerate().map(|(index, name)| (price_key(name), index)).collect();
    let mut decoder = Decoder::new();
    written
        .iter()
        .filter_map(|set| {
            if set.key == floor::KEY {
                let (instrument, sequence) = quote_of(&set.value)?;
                return Some(Seen { instrument, sequence, at: set.at, received: 0, encoded: 0 });
            }
            let instrument = *places.get(&set.key)?;
            let (sequence, received, encoded) = quote_in(&mut decoder, &set.value)?;
            Some(Seen { instrument, sequence, at: set.at, received, encoded })
        })
        .collect()
}

/// Update id, receive time and publish time of a live price.
pub(crate) fn quote_in(decoder: &mut Decoder, value: &[u8]) -> Option<(u64, i64, i64)> {
    let decoded = decoder.decode(Entity::Price, value).ok()?;
    match decoded.record {
        Record::Price(price) if price.stamp.state == State::Live => {
            let (received, encoded) = (price.stamp.receive_time.nanos(), decoded.publish_time.nanos());
            Some((price.venue_sequence?.0, received, encoded))
        }
        _ => None,
    }
}

/// Each quote with the value that stood for it first, in the order of sending.
///
/// # Errors
/// When a quote never came to Redis.
pub(crate) fn pairs(sent: &[Sent], seen: &[Seen], instruments: usize) -> anyhow::Result<Vec<(Sent, Seen)>> {
    let mut seen_of = vec![Vec::new(); instruments];
    for quote in seen {
        seen_of[quote.instrument].push(*quote);
    }
    let mut at = vec![0; instruments];
    sent.iter()
        .map(|quote| {
            let (seen, at) = (&seen_of[quote.instrument], &mut at[quote.instrument]);
            while seen.get(*at).is_some_and(|seen| seen.sequence < quote.sequence) {
                *at += 1;
            }
            let written = seen.get(*at);
            let written = written.with_context(|| format!("quote {} never came to Redis", quote.sequence))?;
            Ok((*quote, *written))
        })
        .collect()
}

/// From sent to written, in ns.
pub(crate) fn latencies(pairs: &[(Sent, Seen)]) -> Vec<u64> {
    pairs.iter().map(|(sent, seen)| nanos(seen.at - sent.at)).collect()
}

/// A duration; two clocks' readings a moment apart may be the wrong way round.
pub(crate) fn nanos(duration: i64) -> u64 {
    u64::try_from(duration).unwrap_or(0)
}
