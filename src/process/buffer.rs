//! Deltas that wait for a snapshot.
//!
//! Only venues whose books begin with a snapshot over REST need it; none of those has a checksum.
//!
//! Owns copies of the deltas, in two flat vectors whose memory is reused. Never holds more than [`DELTAS_MAX`] deltas or
//! [`LEVELS_BUFFERED_MAX`] levels; the oldest go first, and the snapshot that joins must then be a newer one.

use std::collections::VecDeque;

use crate::domain::{DepthDelta, Link, RawLevel, VenueSequence, VenueTime};

/// Deltas that wait at most: over three minutes of Binance's ten a second.
pub(super) const DELTAS_MAX: usize = 2_000;

/// Levels that wait at most.
pub(super) const LEVELS_BUFFERED_MAX: usize = 100_000;

#[derive(Debug, Clone, Copy)]
struct Header {
    link: Link,
    last: Option<VenueSequence>,
    venue_time: Option<VenueTime>,
    bids: usize,
    asks: usize,
}

#[derive(Debug, Default)]
pub(super) struct DeltaBuffer {
    headers: VecDeque<Header>,
    levels: VecDeque<RawLevel>,
}

impl DeltaBuffer {
    pub(super) fn push(&mut self, delta: &DepthDelta<'_>) {
        let (bids, asks) = (delta.bids.len(), delta.asks.len());
        self.levels.extend(delta.bids.iter().chain(delta.asks));
        self.headers.push_back(Header {
            link: delta.link,
            last: delta.last,
            venue_time: delta.venue_time,
            bids,
            asks,
        });
        while self.headers.len() > DELTAS_MAX || self.levels.len() > LEVELS_BUFFERED_MAX {
            self.drop_oldest();
        }
    }

    /// Forgets deltas that a snapshot at `last` covers.
    pub(super) fn discard_to(&mut self, last: Option<VenueSequence>) {
        while self.headers.front().is_some_and(|header| header.last <= last) {
            self.drop_oldest();
        }
    }

    /// What the oldest delta that waits continues.
    pub(super) fn first(&self) -> Option<Link> {
        self.headers.front().map(|header| header.link)
    }

    /// Hands out every delta, oldest first, until `apply` fails; empty afterwards in any case.
    pub(super) fn drain<E>(
        &mut self,
        mut apply: impl FnMut(&DepthDelta<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let levels = self.levels.make_contiguous();
        let mut at = 0;
        let mut outcome = Ok(());
        for header in &self.headers {
            let asks_at = at + header.bids;
            let end = asks_at + header.asks;
            outcome = apply(&DepthDelta {
                link: header.link,
                last: header.last,
                bids: &levels[at..asks_at],
                asks: &levels[asks_at..end],
                venue_time: header.venue_time,
                check: None,
            });
            if outcome.is_err() {
                break;
            }
            at = end;
        }
        self.clear();
        outcome
    }

    pub(super) fn clear(&mut self) {
        self.headers.clear();
        self.levels.clear();
    }

    fn drop_oldest(&mut self) {
        if let Some(header) = self.headers.pop_front() {
            self.levels.drain(..header.bids + header.asks);
        }
    }
}
