//! Which streams a venue refuses, and when they are tried again.
//!
//! Owns the waits: [`RETRY`], doubled with each refusal up to [`RETRY_MAX`], until the stream is taken. Knows in which words venues say
//! that it is not the name that is wrong. Holds at most one entry a stream.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::domain::{MonoTime, doubled};

/// Between a refusal and the next try: a venue that lists an instrument anew, or ends its maintenance, takes minutes.
const RETRY: Duration = Duration::from_secs(30);

/// The longest of those.
const RETRY_MAX: Duration = Duration::from_secs(600);

/// After a refusal for too many requests nothing is asked for so long, doubled with each in a row.
const PAUSE: Duration = Duration::from_secs(2);

/// The longest of those.
const PAUSE_MAX: Duration = Duration::from_secs(60);

/// What a refusal means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meaning {
    /// The name, or something else about the request, is wrong.
    Wrong,
    /// What was asked for is subscribed already.
    Already,
    /// There were too many requests: the same one may be asked later.
    TooMany,
}

/// What a venue's words mean, in the forms that venues are known to use: Kraken "Exceeded msg rate", OKX 50011 and 60014 "Requests too
/// frequent", Binance "Too many requests", Bybit "Too many visits", Hyperliquid "Already subscribed" and "Cannot send more than 2000 messages per minute.", Kraken "Already subscribed",
/// Bybit "error:already subscribed".
pub(super) fn meaning(message: &str) -> Meaning {
    let message = message.to_ascii_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| message.contains(word));
    if says(&["already subscribed", "already unsubscribed"]) {
        Meaning::Already
    } else if says(&["too many subscriptions"]) {
        // A limit that no waiting lifts.
        Meaning::Wrong
    } else if says(&["too many", "too frequent", "rate limit", "msg rate", "request limit", "per minute"]) {
        Meaning::TooMany
    } else {
        Meaning::Wrong
    }
}

#[derive(Debug, Clone, Copy)]
struct Retry {
    refusals: u32,
    /// `None` while the next try is under way.
    at: Option<MonoTime>,
}

#[derive(Debug, Default)]
pub(super) struct RefusedStreams {
    streams: BTreeMap<usize, Retry>,
    pauses: u32,
}

impl RefusedStreams {
    /// The venue refuses a stream.
    pub(super) fn refused(&mut self, stream: usize, now: MonoTime) {
        let retry = self.streams.entry(stream).or_insert(Retry { refusals: 0, at: None });
        let wait = doubled(RETRY, retry.refusals, RETRY_MAX);
        retry.refusals = retry.refusals.saturating_add(1);
        retry.at = Some(now.after(wait));
    }

    /// A stream is not asked for now, as if the venue had refused it so often before.
    pub(super) fn set_aside(&mut self, stream: usize, refusals: u32, now: MonoTime) {
        self.streams.insert(stream, Retry { refusals, at: None });
        self.refused(stream, now);
    }

    /// The venue has taken a stream.
    pub(super) fn taken(&mut self, stream: usize) {
        if !self.streams.is_empty() {
            self.streams.remove(&stream);
        }
        self.pauses = 0;
    }

    /// The streams that are to be tried again now; each is given once.
    pub(super) fn due(&mut self, now: MonoTime) -> Vec<usize> {
        let due = |(stream, retry): (&usize, &mut Retry)| retry.at.take_if(|at| *at <= now).map(|_| *stream);
        self.streams.iter_mut().filter_map(due).collect()
    }

    /// How long nothing is to be asked after a refusal for too many requests.
    pub(super) fn pause(&mut self) -> Duration {
        let pause = doubled(PAUSE, self.pauses, PAUSE_MAX);
        self.pauses = self.pauses.saturating_add(1);
        pause
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> MonoTime {
        MonoTime::from_nanos(seconds * 1_000_000_000)
    }

    #[test]
    fn a_refused_stream_is_tried_again_ever_later_until_it_is_taken() {
        let mut refused = RefusedStreams::default();
        let mut now = 1_000;
        let mut waits = Vec::new();
        for _ in 0..7 {
            refused.refused(3, at(now));
            let wait = (0..2_000).find(|wait| refused.due(at(now + wait)) == [3]).unwrap();
            assert_eq!(refused.due(at(now + 10_000)), [0_usize; 0], "given once");
            waits.push(wait);
            now += wait;
        }
        assert_eq!(waits, [30, 60, 120, 240, 480, 600, 600]);
        refused.taken(3);
        refused.refused(3, at(now));
        assert_eq!(refused.due(at(now + 30)), [3]);
    }

    #[test]
    fn words_tell_what_is_refused() {
        for (message, expected) in [
            ("error:handler not found,topic:orderbook.1.BADUSDT", Meaning::Wrong),
            ("Currency pair not supported XDG/USD", Meaning::Wrong),
            ("Already subscribed: {\"type\":\"bbo\",\"coin\":\"BTC\"}", Meaning::Already),
            ("error:already subscribed,topic:orderbook.1.BTCUSDT", Meaning::Already),
            ("Exceeded msg rate", Meaning::TooMany),
            ("Requests too frequent", Meaning::TooMany),
            ("Too many requests", Meaning::TooMany),
            ("Cannot send more than 2000 messages per minute.", Meaning::TooMany),
            ("Cannot subscribe to more than 1000 channels.", Meaning::Wrong),
            ("Too many subscriptions", Meaning::Wrong),
        ] {
            assert_eq!(meaning(message), expected, "{message}");
        }
        let mut refused = RefusedStreams::default();
        let pauses: Vec<u64> = (0..7).map(|_| refused.pause().as_secs()).collect();
        assert_eq!(pauses, [2, 4, 8, 16, 32, 60, 60]);
    }
}
