//! When what is sent: the writer's state machine, without a socket and without a clock.
//!
//! Owns the conflation table, the batches in flight and what their replies mean. Never waits: bytes and the time go in,
//! bytes come out. At most [`IN_FLIGHT_MAX`] batches are unanswered, so what comes faster than Redis answers is
//! conflated.
//!
//! - Nothing in flight: what is dirty is sent at once. Else when a reply arrives (group commit; no timer).
//! - After a failure the newest values are sent, never the old bytes: a slot that was not acknowledged is dirty again.
//! - While Redis is away or refuses writes, values are encoded into the table and their slots held until it is back.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use crate::codec::Encoder;
use crate::domain::{Epoch, MonoTime, Namespace, Now, Sequence, SlotId, Update, UpdateSink, Version};

use super::batch::{Batch, Entry, SetCommands};
use super::catalog::Catalog;
use super::conflation::Conflation;
use super::meters::Meters;
use super::reply::{Reply, ReplyScanner};
use super::{PublishError, Recovery, Refusal, ReplyError, SlotPlan, StatsBoard, ValueTable};

/// Batches that no reply has come for.
pub const IN_FLIGHT_MAX: usize = 2;
/// Keys that must wait before a second batch is sent behind an unanswered one. 1: at once, so that on a network no value
/// waits a whole round trip for another's reply. On loopback 1, 16, 256 and "never" could not be told apart from noise.
pub const SECOND_BATCH_MIN: usize = 1;
/// A connection without traffic is asked whether it lives.
pub const PING_EVERY: Duration = Duration::from_millis(250);
/// A connection that answers nothing for so long is given up.
pub const SILENCE_MAX: Duration = Duration::from_millis(500);
/// How long no value is sent after a refusal that concerns the whole server.
pub const PAUSE: Duration = Duration::from_millis(150);
/// How long a key waits after a refusal that concerns only it, and the catalog after any.
pub const RETRY_AFTER: Duration = Duration::from_millis(250);
/// Refusals are logged at most this often.
const LOG_EVERY: Duration = Duration::from_secs(10);
/// How often quantiles are worked out.
const QUANTILES_EVERY: Duration = Duration::from_millis(250);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Link {
    /// There is no Redis: the table is the store.
    Embedded,
    /// No connection.
    Down,
    /// Handshake done.
    Up,
}

/// The writer's state machine.
#[derive(Debug)]
pub struct Pipeline {
    conflation: Conflation,
    encoding: Encoding,
    link: Link,
    in_flight: VecDeque<Batch>,
    spare: Vec<Batch>,
    scanner: ReplyScanner,
    catalog: Catalog,
    /// When bytes last came from Redis.
    heard: MonoTime,
    paused_until: Option<MonoTime>,
    release_at: Option<MonoTime>,
    catalog_at: Option<MonoTime>,
    log_after: MonoTime,
    quantiles_at: MonoTime,
    meters: Meters,
}

/// What turns a record into bytes, in the batch and in the table.
#[derive(Debug)]
struct Encoding {
    epoch: Epoch,
    encoder: Encoder,
    commands: SetCommands,
    value: Vec<u8>,
    table: Arc<ValueTable>,
}

impl Encoding {
    /// Encodes the next value of a dirty slot and stores it in the table.
    #[inline]
    fn next(&mut self, conflation: &mut Conflation, now: Now) -> Option<(SlotId, Option<MonoTime>)> {
        let taken = conflation.take()?;
        let version = Version { epoch: self.epoch, sequence: taken.sequence };
        debug_assert!(version.sequence > Sequence::ZERO, "a value that is sent counts");
        self.value.clear();
        self.encoder.encode(taken.record.as_ref(), version, now.wall.published(), &mut self.value);
        self.table.store(taken.slot, &self.value, version, now.mono);
        Some((taken.slot, taken.received))
    }
}

impl Pipeline {
    /// Over the plan's keys; down, or, with `embedded`, up for ever without a Redis.
    #[must_use]
    pub fn new(
        embedded: bool,
        epoch: Epoch,
        zstd_threshold: usize,
        namespace: &Namespace,
        plan: &SlotPlan,
        table: Arc<ValueTable>,
        board: Arc<StatsBoard>,
    ) -> Self {
        let encoder = Encoder::new(zstd_threshold);
        let encoding =
            Encoding { epoch, encoder, commands: SetCommands::new(plan), value: Vec::new(), table };
        let mut meters = Meters::new(board, plan.slots().len());
        meters.connected(embedded);
        Self {
            conflation: Conflation::new(plan),
            encoding,
            link: if embedded { Link::Embedded } else { Link::Down },
            in_flight: VecDeque::with_capacity(IN_FLIGHT_MAX),
            spare: (0..IN_FLIGHT_MAX).map(|_| Batch::default()).collect(),
            scanner: ReplyScanner::new(),
            catalog: Catalog::new(namespace),
            heard: MonoTime::default(),
            paused_until: None,
            release_at: None,
            catalog_at: None,
            log_after: MonoTime::default(),
            quantiles_at: MonoTime::default(),
            meters,
        }
    }

    /// Takes the newest value of a key.
    #[inline]
    pub fn update(&mut self, update: Update<'_>) {
        self.conflation.update(update);
    }

    /// Takes an event about a key.
    pub fn event(&mut self, _: crate::domain::KeyEvent) {}

    /// Sets or removes a field of the catalog; says whether there was room for it.
    pub(super) fn change_catalog(&mut self, field: &str, value: Option<&str>) -> bool {
        self.catalog.change(field, value)
    }

    /// Encodes what waits: into a batch, if the window allows it, or into the table alone while there is no Redis.
    #[inline]
    pub fn fill(&mut self, now: Now) {
        match self.link {
            Link::Embedded => self.fill_embedded(now),
            Link::Down => self.fill_table(now),
            Link::Up if self.paused_until.is_some() => self.fill_table(now),
            Link::Up => self.fill_batch(now),
        }
    }

    fn fill_embedded(&mut self, now: Now) {
        let before = self.meters.stats.encoded;
        while let Some((_, received)) = self.encoding.next(&mut self.conflation, now) {
            self.meters.stats.encoded += 1;
            self.meters.written(received, now.mono);
        }
        if self.meters.stats.encoded > before {
            self.meters.post(&self.conflation);
        }
    }

    fn fill_table(&mut self, now: Now) {
        while let Some((slot, _)) = self.encoding.next(&mut self.conflation, now) {
            self.meters.stats.encoded += 1;
            self.conflation.hold(slot);
        }
    }

    fn fill_batch(&mut self, now: Now) {
        let catalog = self.catalog_at.is_none() && self.catalog.is_unsent();
        if !(catalog || self.conflation.is_sendable()) || !self.window_is_open() {
            return;
        }
        let mut batch = self.spare.pop().unwrap_or_default();
        if catalog {
            self.catalog.append(&mut batch);
        }
        while batch.has_room() {
            let Some((slot, received)) = self.encoding.next(&mut self.conflation, now) else { break };
            self.encoding.commands.append(&mut batch, slot, received, &self.encoding.value);
        }
        self.meters.stats.encoded += batch.values as u64;
        self.send(batch, now.mono);
    }

    /// A batch that the socket has not wholly taken closes the window: Redis is slow, or the network is.
    fn window_is_open(&self) -> bool {
        let Some(last) = self.in_flight.back() else { return true };
        self.in_flight.len() < IN_FLIGHT_MAX
            && last.unsent().is_empty()
            && (last.values == 0 || self.conflation.dirty() >= SECOND_BATCH_MIN)
    }

    fn send(&mut self, mut batch: Batch, now: MonoTime) {
        batch.sent = now;
        self.meters.sent(batch.bytes.len(), batch.values);
        self.in_flight.push_back(batch);
    }

    /// What the socket is to take next.
    #[must_use]
    #[inline]
    pub fn output(&self) -> &[u8] {
        self.in_flight.back().map_or(&[], |batch| batch.unsent())
    }

    /// The socket took so many bytes of [`Self::output`].
    #[inline]
    pub fn took(&mut self, bytes: usize) {
        let batch = self.in_flight.back_mut().expect("only bytes of a batch can have been taken");
        batch.taken += bytes;
        assert!(batch.taken <= batch.bytes.len(), "the socket took more than it was given");
    }

    /// Bytes came from Redis.
    ///
    /// # Errors
    /// Those whose recovery is a reconnect; everything else is counted and dealt with here.
    pub fn input(&mut self, mut bytes: &[u8], now: MonoTime) -> Result<(), PublishError> {
        self.heard = now;
        while let Some(reply) = self.scanner.next(&mut bytes)? {
            if reply == Reply::Push {
                continue;
            }
            let batch = self.in_flight.front_mut().ok_or(ReplyError::Unasked)?;
            let entry = batch.answer().ok_or(ReplyError::Unasked)?;
            match (reply, entry) {
                (Reply::Error(refusal), entry) => self.refused(refusal, entry, now)?,
                (_, Entry::Value { received, .. }) => self.meters.written(received, now),
                (_, Entry::Catalog | Entry::Ping) => {}
            }
            self.retire(now);
        }
        Ok(())
    }

    /// Takes the front batch out of flight if it is wholly answered.
    fn retire(&mut self, now: MonoTime) {
        if !self.in_flight.front().is_some_and(|batch| batch.unanswered().is_empty()) {
            return;
        }
        let Some(mut batch) = self.in_flight.pop_front() else { return };
        self.meters.answered(now.since(batch.sent));
        batch.clear();
        self.spare.push(batch);
        self.meters.post(&self.conflation);
    }

    fn refused(&mut self, refusal: Refusal, entry: Entry, now: MonoTime) -> Result<(), PublishError> {
        self.meters.refused(refusal);
        if now >= self.log_after {
            self.log_after = now.after(LOG_EVERY);
            let message = self.scanner.message();
            tracing::warn!(%refusal, message, recovery = ?refusal.recovery(), "redis refused a write");
        }
        match entry {
            Entry::Value { slot, .. } => self.conflation.hold(slot),
            Entry::Catalog => {
                self.catalog.mark_all();
                self.catalog_at = Some(now.after(RETRY_AFTER));
            }
            Entry::Ping => {}
        }
        match refusal.recovery() {
            Recovery::Reconnect | Recovery::Stop => {
                return Err(PublishError::Refused { refusal, message: self.scanner.message() });
            }
            Recovery::Pause => self.paused_until = Some(now.after(PAUSE)),
            Recovery::RetryKey => {
                self.release_at.get_or_insert(now.after(RETRY_AFTER));
            }
        }
        Ok(())
    }

    /// The handshake is done: everything is published anew, the hottest first.
    pub fn link_up(&mut self, now: MonoTime) {
        assert!(self.link == Link::Down && self.in_flight.is_empty(), "one connection at a time");
        self.link = Link::Up;
        self.heard = now;
        self.scanner.reset();
        (self.paused_until, self.release_at, self.catalog_at) = (None, None, None);
        self.catalog.mark_all();
        self.conflation.mark_all_dirty();
        self.meters.connected(true);
        self.meters.post(&self.conflation);
    }

    /// The connection is gone, and with it every answer that had not come.
    pub fn link_down(&mut self, why: &'static str) {
        if self.link != Link::Up {
            return;
        }
        self.link = Link::Down;
        while let Some(mut batch) = self.in_flight.pop_front() {
            for entry in batch.unanswered() {
                if let Entry::Value { slot, .. } = *entry {
                    self.conflation.hold(slot);
                }
            }
            batch.clear();
            self.spare.push(batch);
        }
        self.meters.connected(false);
        self.meters.lost(why);
        self.meters.post(&self.conflation);
    }

    /// When [`Self::tick`] is to be called at the latest.
    #[must_use]
    pub fn deadline(&self) -> MonoTime {
        let liveness = match self.in_flight.front() {
            Some(batch) => batch.sent.max(self.heard).after(SILENCE_MAX),
            None => self.heard.after(PING_EVERY),
        };
        let retries = [self.paused_until, self.release_at, self.catalog_at];
        let next = retries.into_iter().flatten().fold(self.quantiles_at, MonoTime::min);
        if self.link == Link::Up { liveness.min(next) } else { next }
    }

    /// Time has passed: asks, gives up, or ends a pause. [`Self::fill`] is to follow.
    ///
    /// # Errors
    /// [`PublishError::Silent`] when Redis has not answered for [`SILENCE_MAX`].
    pub fn tick(&mut self, now: Now) -> Result<(), PublishError> {
        let is_over = |until: &mut Option<MonoTime>| until.take_if(|until| *until <= now.mono).is_some();
        let pause_over = is_over(&mut self.paused_until);
        let retry_over = is_over(&mut self.release_at);
        is_over(&mut self.catalog_at);
        if self.link == Link::Up && self.paused_until.is_none() && (pause_over || retry_over) {
            self.conflation.release();
        }
        if self.link == Link::Up {
            self.check_liveness(now.mono)?;
        }
        if now.mono >= self.quantiles_at {
            self.quantiles_at = now.mono.after(QUANTILES_EVERY);
            self.refresh_stats();
        }
        Ok(())
    }

    fn check_liveness(&mut self, now: MonoTime) -> Result<(), PublishError> {
        match self.in_flight.front() {
            Some(batch) if now >= batch.sent.max(self.heard).after(SILENCE_MAX) => {
                let after_ms = u64::try_from(SILENCE_MAX.as_millis()).unwrap_or(u64::MAX);
                Err(PublishError::Silent { after_ms })
            }
            // What waits is a question as good as a PING, and must not wait behind one.
            None if now >= self.heard.after(PING_EVERY) && !self.conflation.is_sendable() => {
                let mut batch = self.spare.pop().unwrap_or_default();
                batch.push_command(Entry::Ping, &[b"PING"]);
                self.send(batch, now);
                Ok(())
            }
            Some(_) | None => Ok(()),
        }
    }

    /// Works the quantiles out and leaves everything where other threads read it.
    pub fn refresh_stats(&mut self) {
        self.meters.refresh_quantiles();
        self.meters.post(&self.conflation);
    }

    /// Keys and catalog commands whose newest state is not acknowledged.
    #[must_use]
    pub fn unwritten(&self) -> usize {
        let unanswered =
            |batch: &Batch| batch.unanswered().iter().filter(|entry| **entry != Entry::Ping).count();
        let in_flight: usize = self.in_flight.iter().map(unanswered).sum();
        let catalog = usize::from(self.link != Link::Embedded && self.catalog.is_unsent());
        self.conflation.dirty() + in_flight + catalog
    }

    /// Values that are where they belong.
    #[must_use]
    pub const fn acknowledged(&self) -> u64 {
        self.meters.stats.written
    }

    /// Bytes that the batches' buffers hold in memory.
    #[must_use]
    pub fn buffer_bytes(&self) -> usize {
        self.in_flight.iter().chain(&self.spare).map(|batch| batch.bytes.capacity()).sum()
    }
}

#[cfg(test)]
#[path = "pipeline_tests.rs"]
mod tests;
