//! What is due besides values: leases, heartbeats of feeds, the sign that this engine lives, PINGs.
//!
//! Owns when, and the commands. Errands go to the server where their key lives, before the values of the same batch; while
//! it is away they are not even asked.

use std::time::Duration;

use crate::codec::key::cluster_slot;
use crate::codec::{Breakers, FeedMessage, encode_engine, encode_feed};
use crate::domain::{MonoTime, Now};

use super::super::batch::{Batch, Entry};
use super::super::lease::{Ask, Change, mark};
use super::super::roster::{SIGN_EVERY, SILENT_MAX};
use super::super::{FeedIndex, NodeIndex, PublishError, script};
use super::feeds::Right;
use super::{Errand, HEARTBEAT_EVERY, PING_EVERY, Pipeline, SILENCE_MAX};

/// A feed is not handed over before it was held for so long: engines that start together sort themselves out first.
const HELD_MIN: Duration = Duration::from_secs(3);

/// Catalog and `meta` are written again so often: somebody may have deleted them.
const CATALOG_EVERY: Duration = Duration::from_secs(30);

/// Whoever finds something that is no hash in the place of the catalog deletes it before writing anew. Of several who do so at a
/// time the last may delete what the others have written: after this all of them have done it, and write once more.
const CATALOG_AGAIN_AFTER: Duration = Duration::from_secs(1);

impl Pipeline {
    /// Something that is no hash stands in the place of the catalog or of `meta`.
    pub(super) fn foreign_hash(&mut self, entry: Entry, now: MonoTime) {
        self.catalog.is_foreign(entry);
        self.catalog_again_at = self.catalog_again_at.min(now.after(CATALOG_AGAIN_AFTER));
    }

    /// Time has passed while no server can be reached: leases lapse, and nobody is told otherwise.
    pub fn idle(&mut self, now: Now) {
        self.run_errands(now);
        self.refresh_stats();
    }

    /// Puts everything that is due on its server's list.
    pub(super) fn run_errands(&mut self, now: Now) {
        if self.is_any_asking() {
            self.end_asking(now.mono);
        }
        for feed in (0_u16..).map(FeedIndex).take(self.feeds.len()) {
            self.look_after(feed, now.mono);
        }
        if now.mono >= self.catalog_again_at {
            self.catalog_again_at = now.mono.after(CATALOG_EVERY);
            self.catalog_anew(now.mono);
        }
        let registry = self.routes.control_node(cluster_slot(&self.engines_key));
        if now.mono >= self.sign_at && self.signs() {
            self.sign_at = now.mono.after(SIGN_EVERY);
            let node = &mut self.nodes[registry.0 as usize];
            if node.is_up() {
                node.send_soon(Errand::Sign);
            }
        }
        self.errands_at = self.next_errand(now.mono);
    }

    fn look_after(&mut self, feed: FeedIndex, now: MonoTime) {
        let writer = &mut self.feeds[feed.0 as usize];
        let node = self.routes.control_node(writer.cluster_slot);
        let listeners = self.routes.node(writer.cluster_slot);
        let role = writer.role(now);
        let is_up = self.nodes[node.0 as usize].is_up();
        let mut change = Change::None;
        if let Right::Leased(lease) = &mut writer.right {
            change = lease.tick(now);
            lease.set_rank(self.roster.rank(&self.engine, &writer.feed, role));
            let is_settled = lease.held_since().is_some_and(|since| now.since(since) >= HELD_MIN);
            if is_settled && self.roster.prefers_another(&self.engine, &writer.feed) {
                change = lease.hand_over(now);
            }
            if is_up && let Some(ask) = lease.poll(now) {
                self.nodes[node.0 as usize].send_soon(Errand::Lease(feed, ask));
            }
        }
        let listeners = &mut self.nodes[listeners.0 as usize];
        if listeners.is_up() && writer.heartbeat_due(now) {
            writer.heartbeat_at = now.after(HEARTBEAT_EVERY);
            listeners.send_soon(Errand::Heartbeat(feed));
        }
        self.changed(feed, change);
    }

    /// Whether this engine says now and then that it lives.
    fn signs(&self) -> bool {
        !self.leaving && self.nodes[0].link != super::Link::Embedded
    }

    fn next_errand(&self, now: MonoTime) -> MonoTime {
        let never = MonoTime::from_nanos(u64::MAX);
        let sign_at = if self.signs() { self.sign_at.max(now) } else { never };
        let mut next = sign_at.min(self.catalog_again_at);
        if self.is_any_asking() {
            next = next.min(now.after(PING_EVERY));
        }
        for writer in &self.feeds {
            let node = &self.nodes[self.routes.control_node(writer.cluster_slot).0 as usize];
            // While its server is away nothing can be asked; a lease lapses nevertheless.
            if let Right::Leased(lease) = &writer.right {
                let due = if node.is_up() { lease.due() } else { lease.due().max(now.after(PING_EVERY)) };
                next = next.min(due);
            }
            let listeners = &self.nodes[self.routes.node(writer.cluster_slot).0 as usize];
            if listeners.is_up() && writer.authority(now).is_some() {
                next = next.min(writer.heartbeat_at);
            }
        }
        next
    }

    /// Appends the errands of a server.
    #[inline]
    pub(super) fn append_errands(&mut self, node: NodeIndex, batch: &mut Batch, now: Now) {
        while let Some(errand) = self.nodes[node.0 as usize].errands.pop_front() {
            self.append_errand(errand, batch, now);
        }
    }

    fn append_errand(&mut self, errand: Errand, batch: &mut Batch, now: Now) {
        let keys = match errand {
            Errand::Lease(feed, _) => Some(self.feeds[feed.0 as usize].cluster_slot),
            Errand::Sign | Errand::Leave => Some(cluster_slot(&self.engines_key)),
            Errand::Scripts | Errand::Heartbeat(_) => None,
        };
        if keys.is_some_and(|slot| self.routes.is_control_asking(slot)) {
            batch.push_command(Entry::Aside, &[b"ASKING"]);
        }
        match errand {
            Errand::Scripts => {
                for script in script::all() {
                    script.append_load(&mut batch.bytes);
                    batch.entries.push(Entry::Aside);
                }
            }
            Errand::Lease(feed, ask) => self.append_lease(feed, ask, batch),
            Errand::Heartbeat(feed) => self.append_heartbeat(feed, batch, now),
            Errand::Sign => self.append_sign("stay", batch, now.mono),
            Errand::Leave => self.append_sign("leave", batch, now.mono),
        }
    }

    fn append_lease(&self, feed: FeedIndex, ask: Ask, batch: &mut Batch) {
        let writer = &self.feeds[feed.0 as usize];
        let Right::Leased(lease) = &writer.right else { return };
        let (verb, epoch) = ask.words();
        let (ttl_ms, epoch) = (lease.ttl().as_millis().to_string(), epoch.to_string());
        let mark = mark(&self.owner).to_string();
        let words: [&[u8]; 10] = [
            b"EVALSHA",
            script::LEASE.hash.as_bytes(),
            b"2",
            writer.lease_key.as_bytes(),
            writer.epoch_key.as_bytes(),
            verb.as_bytes(),
            self.owner.as_bytes(),
            ttl_ms.as_bytes(),
            epoch.as_bytes(),
            mark.as_bytes(),
        ];
        batch.push_command(Entry::Lease { feed, ask }, &words);
    }

    fn append_heartbeat(&self, feed: FeedIndex, batch: &mut Batch, now: Now) {
        let writer = &self.feeds[feed.0 as usize];
        let Some(epoch) = writer.authority(now.mono) else { return };
        let message = FeedMessage {
            feed: writer.feed.clone(),
            engine: self.engine.clone(),
            epoch,
            state: writer.health.state,
            reason: writer.health.reason,
            time: now.wall,
            clock_offset: self.clock_offset,
        };
        let mut bytes = Vec::new();
        encode_feed(&message, &mut bytes);
        batch.push_command(Entry::Aside, &[self.spread.verb().as_bytes(), writer.channel.as_bytes(), &bytes]);
    }

    fn append_sign(&self, verb: &str, batch: &mut Batch, now: MonoTime) {
        let feeds: Vec<_> = self.feeds.iter().map(|writer| (writer.feed.clone(), writer.role(now))).collect();
        let mut said = Vec::new();
        encode_engine(self.started_ms, env!("CARGO_PKG_VERSION"), &feeds, self.breakers(), &mut said);
        let silent_ms = SILENT_MAX.as_millis().to_string();
        let words: [&[u8]; 8] = [
            b"EVALSHA",
            script::ENGINES.hash.as_bytes(),
            b"1",
            self.engines_key.as_bytes(),
            verb.as_bytes(),
            self.engine.as_bytes(),
            &said,
            silent_ms.as_bytes(),
        ];
        batch.push_command(Entry::Engines, &words);
    }

    pub(super) fn breakers(&self) -> Breakers {
        if self.nodes[0].link == super::Link::Embedded {
            return Breakers { closed: 0, servers: 0 };
        }
        let used = self.nodes.iter().zip(0_u16..).filter(|(_, index)| self.routes.is_used(NodeIndex(*index)));
        used.fold(Breakers { closed: 0, servers: 0 }, |so_far, (node, _)| Breakers {
            closed: so_far.closed + u16::from(node.is_up()),
            servers: so_far.servers + 1,
        })
    }

    /// An errand was never sent.
    pub(super) fn errand_failed(&mut self, errand: Errand, now: MonoTime) {
        if let Errand::Lease(feed, ask) = errand {
            self.entry_failed(Entry::Lease { feed, ask }, now);
        }
    }

    pub(super) fn check_liveness(&mut self, node: NodeIndex, now: Now) -> Result<(), PublishError> {
        let of = &mut self.nodes[node.0 as usize];
        match of.in_flight.front() {
            Some(batch) if now.mono >= batch.sent.mono.max(of.heard).after(SILENCE_MAX) => {
                let after_ms = u64::try_from(SILENCE_MAX.as_millis()).unwrap_or(u64::MAX);
                Err(PublishError::Silent { after_ms })
            }
            // What waits is a question as good as a PING, and must not wait behind one.
            None if now.mono >= of.heard.after(PING_EVERY)
                && of.errands.is_empty()
                && !self.conflation.is_sendable(node) =>
            {
                let mut batch = of.batch();
                batch.push_command(Entry::Ping, &[b"PING"]);
                self.send(node, batch, now);
                Ok(())
            }
            Some(_) | None => Ok(()),
        }
    }
}
