//! What goes into the next batch.
//!
//! Owns the order within a batch: the scripts' texts, errands, the catalog, values, and the events whose values were accepted
//! before. A batch is built when it can be sent at once.

use crate::codec::key::cluster_slot;
use crate::domain::{Epoch, MonoTime, Now, SlotId, Version};

use super::super::NodeIndex;
use super::super::batch::{
    BATCH_BYTES_MAX, BATCH_VALUES_MAX, Batch, Entry, SCRIPT_BYTES_MAX, SCRIPT_VALUES_MAX,
};
use super::super::writes::Staged;
use super::{Link, Pipeline};

/// Events in one batch.
const EVENTS_PER_BATCH: usize = 64;

/// A value that was encoded.
#[derive(Debug, Clone, Copy)]
struct Encoded {
    slot: SlotId,
    received: Option<MonoTime>,
    /// Whether it may be sent.
    owned: bool,
}

impl Pipeline {
    /// Encodes what waits: into a batch for each server, if its window allows it, or into the table alone.
    #[inline]
    pub fn fill(&mut self, now: Now) {
        if self.telling.is_due(now.mono) {
            self.tell(now);
        }
        for index in 0..self.nodes.len() {
            let node = &self.nodes[index];
            #[expect(clippy::cast_possible_truncation, reason = "there are at most 65,536 nodes")]
            let of = NodeIndex(index as u16);
            match node.link {
                Link::Embedded => self.fill_embedded(now),
                Link::Down => self.fill_table(of, now),
                Link::Up => self.fill_batch(of, now),
            }
        }
    }

    fn fill_embedded(&mut self, now: Now) {
        let before = self.meters.stats.encoded;
        while let Some(Encoded { slot, received, .. }) = self.encode_next(NodeIndex(0), now) {
            let announced = self.encoding.staged.last().and_then(|of| Some((of.version, of.events_upto?)));
            self.encoding.discard_staged();
            if let Some((version, upto)) = announced {
                self.tell_events(slot, version, upto);
            }
            self.meters.stats.encoded += 1;
            self.meters.written(received, now.mono);
        }
        if self.meters.stats.encoded > before {
            self.meters.post(&self.conflation);
        }
    }

    fn fill_table(&mut self, node: NodeIndex, now: Now) {
        while let Some(Encoded { slot, owned, .. }) = self.encode_next(node, now) {
            self.encoding.discard_staged();
            self.meters.stats.encoded += 1;
            // What this engine may not write is not waiting for anything.
            if owned {
                self.conflation.hold(slot);
            }
        }
    }

    fn fill_batch(&mut self, node: NodeIndex, now: Now) {
        let of = &self.nodes[node.0 as usize];
        if of.paused_until.is_some() {
            self.fill_table(node, now);
        }
        let of = &self.nodes[node.0 as usize];
        let is_wanted = self.conflation.is_sendable(node)
            || !of.errands.is_empty()
            || self.outbox.is_ready()
            || self.catalog.is_unsent()
            || self.catalog.is_meta_unsent();
        if !is_wanted || !of.window_is_open() {
            return;
        }
        let mut batch = self.nodes[node.0 as usize].batch();
        self.append_errands(node, &mut batch, now);
        self.append_catalog(node, &mut batch);
        self.append_values(node, &mut batch, now);
        self.append_events(node, &mut batch);
        if batch.entries.is_empty() {
            self.nodes[node.0 as usize].retire(batch);
        } else {
            self.send(node, batch, now);
        }
    }

    pub(super) fn send(&mut self, node: NodeIndex, mut batch: Batch, now: Now) {
        batch.sent = now;
        self.meters.sent(batch.bytes.len(), batch.values.len());
        self.nodes[node.0 as usize].in_flight.push_back(batch);
    }

    #[inline]
    fn append_values(&mut self, node: NodeIndex, batch: &mut Batch, now: Now) {
        let is_fenced = self.encoding.writes.is_fenced();
        let (values_max, bytes_max) = if is_fenced {
            (SCRIPT_VALUES_MAX, SCRIPT_BYTES_MAX)
        } else {
            (BATCH_VALUES_MAX, BATCH_BYTES_MAX)
        };
        while self.encoding.staged.len() < values_max
            && batch.bytes.len() + self.encoding.arena.len() < bytes_max
            && self.encode_next(node, now).is_some()
        {
            self.meters.stats.encoded += 1;
        }
        let alone = self.nodes[node.0 as usize].alone_until.is_some();
        let encoding = &mut self.encoding;
        encoding.writes.append(batch, &mut encoding.staged, &encoding.arena, alone);
        encoding.discard_staged();
    }

    /// Encodes the next value of a dirty slot, stores it in the table, and stages it if this engine may write it.
    #[inline]
    fn encode_next(&mut self, node: NodeIndex, now: Now) -> Option<Encoded> {
        let taken = self.conflation.take(node)?;
        let writer = &self.feeds[taken.feed.0 as usize];
        let authority = writer.authority(now.mono);
        let is_confirmed = writer.is_confirmed();
        let epoch = authority.unwrap_or(Epoch::UNOWNED);
        let version = Version { epoch, sequence: taken.sequence };
        let encoding = &mut self.encoding;
        let start = encoding.arena.len();
        encoding.encoder.encode(taken.record.as_ref(), version, now.wall.published(), &mut encoding.arena);
        encoding.table.store(taken.slot, &encoding.arena[start..], version, now.mono);
        let encoded = Encoded { slot: taken.slot, received: taken.received, owned: authority.is_some() };
        let announced = taken.announced;
        if authority.is_none() {
            encoding.arena.truncate(start);
            if announced {
                self.conflation.set_announced(encoded.slot, false);
                self.outbox.forget(|slot| slot == encoded.slot);
            }
            return Some(encoded);
        }
        if !is_confirmed {
            encoding.arena.truncate(start);
            self.conflation.hold(encoded.slot);
            return Some(encoded);
        }
        let bytes = start..encoding.arena.len();
        encoding.staged.push(Staged {
            slot: encoded.slot,
            version,
            received: encoded.received,
            events_upto: announced.then(|| self.outbox.last()),
            bytes,
            cluster_slot: encoding.writes.cluster_slot(encoded.slot),
            asking: self.routes.is_asking(encoded.slot),
        });
        Some(encoded)
    }

    fn append_catalog(&mut self, node: NodeIndex, batch: &mut Batch) {
        if self.catalog_at.is_some() || !(self.catalog.is_unsent() || self.catalog.is_meta_unsent()) {
            return;
        }
        let [catalog, meta] = self.catalog.keys().map(cluster_slot);
        let routes = &self.routes;
        if self.catalog.is_meta_unsent() && routes.control_node(meta) == node {
            self.catalog.append_meta(batch, routes.is_control_asking(meta));
        }
        if self.catalog.is_unsent() && routes.control_node(catalog) == node {
            self.catalog.append(batch, routes.is_control_asking(catalog));
        }
    }

    /// The values that they speak of were accepted by an earlier batch.
    fn append_events(&mut self, node: NodeIndex, batch: &mut Batch) {
        if !self.outbox.is_ready() {
            return;
        }
        let (routes, verb) = (&self.routes, self.spread.verb().as_bytes());
        for _ in 0..EVENTS_PER_BATCH {
            let Some(ready) = self.outbox.take(|slot| routes.node(slot) == node) else { break };
            self.tell_event(&ready);
            batch.push_command(Entry::Event(ready.kind), &[verb, ready.channel.as_bytes(), &ready.message]);
        }
    }
}

impl super::Encoding {
    fn discard_staged(&mut self) {
        self.staged.clear();
        self.arena.clear();
    }
}
