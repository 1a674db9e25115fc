//! What an answer of Redis changes.
//!
//! Owns the meaning of replies, of the scripts' answers above all, and the recovery of each refusal. Whatever breaks the
//! connection is returned as an error; everything else is dealt with here.

use crate::domain::{Epoch, MonoTime, Now, SlotId};

use super::super::batch::{Batch, Entry, SentValue};
use super::super::lease::{Answer, Ask, Owner};
use super::super::outbox;
use super::super::reply::{Item, Reply};
use super::super::{FeedIndex, NodeIndex, PublishError, Recovery, Refusal, ReplyError};
use super::{Advice, Errand, FORBIDDEN_FOR, LOG_EVERY, MOVING_FOR, PAUSE, Pipeline, RETRY_AFTER};

/// What the write script says of one key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    /// It is there, now or already.
    Accepted { over_foreign: bool, told: bool },
    /// A newer one of the same epoch is there.
    Older,
    /// A greater epoch is there.
    Outranked(u64),
    /// Not an answer of the script.
    Unknown,
}

impl Verdict {
    fn of(item: Item<'_>) -> Self {
        match item {
            Item::Integer(1 | 2) => Self::Accepted { over_foreign: false, told: true },
            Item::Integer(11) => Self::Accepted { over_foreign: false, told: false },
            Item::Integer(4) => Self::Accepted { over_foreign: true, told: true },
            Item::Integer(14) => Self::Accepted { over_foreign: true, told: false },
            Item::Integer(3) => Self::Older,
            Item::Text(digits) => std::str::from_utf8(digits)
                .ok()
                .and_then(|digits| digits.parse().ok())
                .map_or(Self::Unknown, Self::Outranked),
            Item::Integer(_) | Item::Other => Self::Unknown,
        }
    }
}

impl Pipeline {
    /// Bytes came from a node.
    ///
    /// # Errors
    /// Those whose recovery is a reconnect; everything else is counted and dealt with here.
    pub fn input(&mut self, node: NodeIndex, mut bytes: &[u8], now: Now) -> Result<(), PublishError> {
        let index = node.0 as usize;
        self.nodes[index].heard = now.mono;
        while let Some(reply) = self.nodes[index].scanner.next(&mut bytes)? {
            if reply == Reply::Push {
                continue;
            }
            // Taken out while it is dealt with: what a reply changes is everywhere.
            let mut batch = self.nodes[index].in_flight.pop_front().ok_or(ReplyError::Unasked)?;
            let dealt_with = match batch.answer() {
                Some(entry) => self.answered(node, &mut batch, entry, reply, now),
                None => Err(ReplyError::Unasked.into()),
            };
            let is_done = batch.unanswered().is_empty();
            if dealt_with.is_ok() && is_done {
                self.meters.answered(now.mono.since(batch.sent.mono));
                self.nodes[index].retire(batch);
                self.meters.post(&self.conflation);
            } else {
                self.nodes[index].in_flight.push_front(batch);
            }
            dealt_with?;
        }
        Ok(())
    }

    fn answered(
        &mut self,
        node: NodeIndex,
        batch: &mut Batch,
        entry: Entry,
        reply: Reply,
        now: Now,
    ) -> Result<(), PublishError> {
        if let Reply::Error(refusal) = reply {
            return self.refused(node, refusal, entry, batch, now.mono);
        }
        match entry {
            Entry::Fenced { values } => {
                let range = batch.answer_values(usize::from(values));
                self.verdicts(node, &batch.values[range], now.mono);
            }
            Entry::Set => {
                let range = batch.answer_values(1);
                for value in &batch.values[range] {
                    self.accepted(value, now.mono);
                }
            }
            Entry::Lease { feed, ask } => self.lease_answered(node, feed, ask, batch.sent, now),
            Entry::Engines => self.engines_answered(node, now.mono),
            Entry::Event(_) | Entry::Catalog | Entry::Meta | Entry::Aside | Entry::Ping => {}
        }
        Ok(())
    }

    fn verdicts(&mut self, node: NodeIndex, values: &[SentValue], now: MonoTime) {
        // Lent and given back: its answers change everything but itself.
        let scanner = std::mem::take(&mut self.nodes[node.0 as usize].scanner);
        let verdicts = scanner.items().map(Verdict::of).chain(std::iter::repeat(Verdict::Unknown));
        for (value, verdict) in values.iter().zip(verdicts) {
            match verdict {
                Verdict::Accepted { over_foreign, told } => {
                    #[cfg(test)]
                    self.sabotage_same(&scanner, value, now);
                    self.accepted(value, now);
                    if over_foreign {
                        self.meters.foreign.increment(1);
                    }
                    if !told {
                        self.meters.pushes_refused.increment(1);
                    }
                }
                Verdict::Older => self.meters.older.increment(1),
                Verdict::Outranked(in_place) => self.outranked(value, in_place, now),
                Verdict::Unknown => {
                    self.conflation.hold(value.slot);
                    self.retry_soon(node, now);
                }
            }
        }
        self.nodes[node.0 as usize].scanner = scanner;
    }

    #[inline]
    fn accepted(&mut self, value: &SentValue, now: MonoTime) {
        self.meters.written(value.received, now);
        if let Some(upto) = value.events_upto {
            let more = self.outbox.accepted(value.slot, value.version, upto);
            self.conflation.set_announced(value.slot, more);
        }
    }

    /// Another writer's value stands there. Unless this engine has acquired a greater epoch since, it stands down.
    fn outranked(&mut self, value: &SentValue, in_place: u64, now: MonoTime) {
        let feed = self.conflation.feed(value.slot);
        let change = self.feeds[feed.0 as usize].lease().map(|lease| lease.outranked(in_place, now));
        if let Some(change) = change {
            self.changed(feed, change);
        }
        if self.authority(feed, now).is_some_and(|epoch| epoch.get() > in_place) {
            self.mark_again(value.slot);
        }
    }

    fn mark_again(&mut self, slot: SlotId) {
        self.conflation.hold(slot);
        self.conflation.release(self.conflation.node(slot));
    }

    fn lease_answered(&mut self, node: NodeIndex, feed: FeedIndex, ask: Ask, sent: Now, now: Now) {
        let items: Vec<i64> = self.nodes[node.0 as usize]
            .scanner
            .items()
            .map(|item| if let Item::Integer(number) = item { number } else { -1 })
            .collect();
        let answer = match items[..] {
            [status @ 0..=2, epoch, _, seconds, micros] if epoch.min(seconds).min(micros) >= 0 => {
                self.measure_offset(sent, now, seconds.saturating_mul(1_000_000).saturating_add(micros));
                let owner = [Owner::Other, Owner::Asker, Owner::Nobody][usize::try_from(status).unwrap_or(0)];
                Some(Answer { owner, epoch: epoch.unsigned_abs() })
            }
            _ => None,
        };
        let Some(lease) = self.feeds[feed.0 as usize].lease() else { return };
        match answer {
            Some(answer) => {
                let change = lease.answered(ask, sent.mono, answer, now.mono);
                self.changed(feed, change);
            }
            None => lease.failed(now.mono),
        }
        self.errands_at = MonoTime::default();
    }

    /// The script looked at the server's clock somewhere between our sending and our reading; our wall clock may have been set meanwhile.
    fn measure_offset(&mut self, sent: Now, now: Now, server_us: i64) {
        let half_way = now.mono.since(sent.mono) / 2;
        let ours = now.wall.nanos().saturating_sub(i64::try_from(half_way.as_nanos()).unwrap_or(0));
        self.clock_offset = ours.saturating_sub(server_us.saturating_mul(1_000));
    }

    fn engines_answered(&mut self, node: NodeIndex, now: MonoTime) {
        let of = &mut self.nodes[node.0 as usize];
        let was_told = std::mem::replace(&mut of.signed, true);
        let scanner = &of.scanner;
        let texts = || scanner.items().map(|item| if let Item::Text(text) = item { text } else { &[] });
        let is_forgotten = texts().nth(1) == Some(b"");
        {
            let mut texts = texts();
            let pairs = std::iter::from_fn(|| Some((texts.next()?, texts.next()?)));
            self.roster.replace(&self.engine, pairs);
        }
        self.errands_at = MonoTime::default();
        // Whoever forgot this engine forgot its values as well (FLUSHALL), or has not heard of it for long.
        if was_told && is_forgotten {
            tracing::warn!("redis has forgotten this engine: everything is published anew");
            self.publish_anew(now);
        }
    }

    /// An error reply: what it was about waits, and what is to be done is done.
    fn refused(
        &mut self,
        node: NodeIndex,
        refusal: Refusal,
        entry: Entry,
        batch: &mut Batch,
        now: MonoTime,
    ) -> Result<(), PublishError> {
        self.meters.refused(refusal);
        let message = self.nodes[node.0 as usize].scanner.message();
        if now >= self.log_after {
            self.log_after = now.after(LOG_EVERY);
            tracing::warn!(%refusal, message, ?entry, recovery = ?refusal.recovery(), "redis refused a command");
        }
        let count = match entry {
            Entry::Fenced { values } => usize::from(values),
            Entry::Set => 1,
            _ => 0,
        };
        let range = batch.answer_values(count);
        let values = &batch.values[range];
        self.entry_failed(entry, now);
        if refusal == Refusal::WrongType {
            self.foreign_hash(entry, now);
        }
        let recovery = refusal.recovery();
        if recovery == Recovery::GoElsewhere {
            self.elsewhere(refusal, &message, values, now);
            return Ok(());
        }
        for value in values {
            self.conflation.hold(value.slot);
        }
        match recovery {
            Recovery::Reconnect | Recovery::Stop => {
                self.routes.advise(Advice::Refresh);
                return Err(PublishError::Refused { refusal, message });
            }
            // What is only told aside says nothing about whether values can be written.
            Recovery::Pause if entry != Entry::Aside => {
                self.nodes[node.0 as usize].paused_until = Some(now.after(PAUSE));
                if refusal == Refusal::ClusterDown {
                    self.routes.advise(Advice::Refresh);
                }
            }
            Recovery::LoadScripts => {
                self.nodes[node.0 as usize].send_soon(Errand::Scripts);
                self.conflation.release(node);
            }
            Recovery::OneByOne => {
                let long = if refusal == Refusal::NoPerm { FORBIDDEN_FOR } else { MOVING_FOR };
                self.nodes[node.0 as usize].alone_until = Some(now.after(long));
                self.retry_soon(node, now);
            }
            Recovery::Pause | Recovery::RetryKey | Recovery::GoElsewhere => self.retry_soon(node, now),
        }
        Ok(())
    }

    fn retry_soon(&mut self, node: NodeIndex, now: MonoTime) {
        self.nodes[node.0 as usize].release_at.get_or_insert(now.after(RETRY_AFTER));
    }

    /// The keys live on another server, or are on their way there. They wait where they are until somebody says where to.
    fn elsewhere(&mut self, refusal: Refusal, message: &str, values: &[SentValue], now: MonoTime) {
        for value in values {
            self.conflation.hold(value.slot);
            self.retry_soon(self.conflation.node(value.slot), now);
        }
        match (refusal, Advice::target(message)) {
            (Refusal::Ask, Some((cluster_slot, to))) => {
                if values.is_empty() {
                    self.routes.advise(Advice::AskControl { cluster_slot, to: to.clone() });
                }
                for value in values {
                    self.routes.advise(Advice::Ask { slot: value.slot, to: to.clone() });
                }
            }
            (_, Some((cluster_slot, to))) => {
                self.routes.advise(Advice::Moved { cluster_slot, to });
                self.routes.advise(Advice::Refresh);
            }
            (_, None) => self.routes.advise(Advice::Refresh),
        }
    }

    /// Something other than a value was not answered, or with an error.
    pub(super) fn entry_failed(&mut self, entry: Entry, now: MonoTime) {
        match entry {
            Entry::Lease { feed, .. } => {
                if let Some(lease) = self.feeds[feed.0 as usize].lease() {
                    lease.failed(now);
                }
                self.errands_at = MonoTime::default();
            }
            Entry::Catalog | Entry::Meta => {
                self.catalog_anew(now);
                self.catalog_at = Some(now.after(RETRY_AFTER));
            }
            Entry::Event(kind) => outbox::dropped(kind),
            Entry::Fenced { .. } | Entry::Set | Entry::Engines | Entry::Aside | Entry::Ping => {}
        }
    }

    /// No answer to this batch will come any more.
    pub(super) fn batch_lost(&mut self, batch: &Batch, now: MonoTime) {
        for value in batch.unanswered_values() {
            self.conflation.hold(value.slot);
        }
        for &entry in batch.unanswered() {
            self.entry_failed(entry, now);
        }
    }

    #[cfg(test)]
    fn sabotage_same(
        &mut self,
        scanner: &super::super::reply::ReplyScanner,
        value: &SentValue,
        now: MonoTime,
    ) {
        let same = scanner.items().any(|item| item == Item::Integer(2));
        if same && self.sabotage == Some(super::Sabotage::SameIsRefusal) {
            self.outranked(value, value.version.epoch.get() + 1, now);
        }
    }
}

/// Entries of a batch whose loss would matter.
pub(super) fn unacknowledged(batch: &Batch) -> usize {
    let matters = |entry: &&Entry| !matches!(entry, Entry::Ping | Entry::Aside | Entry::Engines);
    batch.unanswered().iter().filter(matters).count()
}

/// Greatest epoch that can be overtaken.
const _: () = assert!(Epoch::UNOWNED.get() == 0);
