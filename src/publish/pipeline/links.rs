//! Connections and leases that come and go.
//!
//! Owns what follows from it: what is sent anew, what waits, what is forgotten. Never sends anything itself.

use crate::codec::key::cluster_slot;
use crate::domain::{MonoTime, Now};

use super::super::batch::Batch;
use super::super::lease::Change;
use super::super::{FeedIndex, NodeIndex};
use super::{Errand, Link, Pipeline};

impl Pipeline {
    /// The handshake is done: everything is published anew, the hottest first, as far as this engine may.
    pub fn link_up(&mut self, node: NodeIndex, now: MonoTime) {
        self.nodes[node.0 as usize].connected(now);
        for (writer, feed) in self.feeds.iter_mut().zip(0_u16..) {
            if self.routes.control_node(writer.cluster_slot) == node
                && let Some(lease) = writer.lease()
            {
                lease.link_up(now);
            }
            if writer.authority(now).is_some() {
                self.catalog.mark_feed(FeedIndex(feed));
            }
        }
        self.catalog_at = None;
        (self.errands_at, self.sign_at) = (now, now);
        self.conflation.mark_node_dirty(node);
        self.show_links();
        self.meters.post(&self.conflation);
    }

    /// A server has lost what it held while the connection stayed (behind a proxy): everything is published anew.
    pub fn publish_anew(&mut self, now: MonoTime) {
        self.catalog_anew(now);
        for feed in (0_u16..).map(FeedIndex).take(self.feeds.len()) {
            if self.authority(feed, now).is_some() {
                self.conflation.mark_feed_dirty(feed);
            }
        }
    }

    /// The catalog's fields of all feeds that this engine writes are sent again.
    pub(super) fn catalog_anew(&mut self, now: MonoTime) {
        for feed in (0_u16..).map(FeedIndex).take(self.feeds.len()) {
            if self.authority(feed, now).is_some() {
                self.catalog.mark_feed(feed);
            }
        }
    }

    /// The connection is gone, and with it every answer that had not come.
    pub fn link_down(&mut self, node: NodeIndex, why: &'static str, now: MonoTime) {
        let Some(lost) = self.nodes.get_mut(node.0 as usize).filter(|node| node.is_up()) else { return };
        lost.link = Link::Down;
        let errands = std::mem::take(&mut lost.errands);
        let batches: Vec<Batch> = lost.in_flight.drain(..).collect();
        for errand in errands {
            self.errand_failed(errand, now);
        }
        for batch in batches {
            self.batch_lost(&batch, now);
            self.nodes[node.0 as usize].retire(batch);
        }
        self.errands_at = now;
        self.show_links();
        self.meters.lost(why);
        self.meters.post(&self.conflation);
    }

    /// Connected = every server that has keys is.
    pub(super) fn show_links(&mut self) {
        let routed = &self.routes;
        let mut wanted =
            self.nodes.iter().zip(0_u16..).filter(|(_, index)| routed.is_used(NodeIndex(*index)));
        let up = wanted.all(|(node, _)| node.is_up());
        self.meters.connected(up);
    }

    /// The engine ends: every lease is released. The last values may still go, through the fence, until a standby has taken
    /// over. Says whether any feed was written here.
    pub fn leave(&mut self, now: Now) -> bool {
        self.leaving = true;
        let mut was_writing = false;
        for writer in &mut self.feeds {
            was_writing |= writer.authority(now.mono).is_some();
            if let Some(lease) = writer.lease() {
                lease.leave();
            }
        }
        let registry = self.routes.control_node(cluster_slot(&self.engines_key));
        let registry = &mut self.nodes[registry.0 as usize];
        if registry.is_up() {
            registry.send_soon(Errand::Leave);
        }
        self.run_errands(now);
        was_writing
    }

    /// A feed's lease came or went.
    pub(super) fn changed(&mut self, feed: FeedIndex, change: Change) {
        let writer = &mut self.feeds[feed.0 as usize];
        match change {
            Change::None => return,
            Change::Acquired(epoch) => {
                writer.took_over(epoch);
                writer.heartbeat_at = MonoTime::default();
                self.catalog.mark_feed(feed);
                self.conflation.mark_feed_dirty(feed);
            }
            Change::Confirmed => self.conflation.mark_feed_dirty(feed),
            Change::Lost(why) => {
                writer.stood_down(why);
                #[cfg(test)]
                self.losses.push((feed, why));
                self.catalog.forget_feed(feed);
                let conflation = &mut self.conflation;
                self.outbox.forget(|slot| conflation.feed(slot) == feed);
                conflation.clear_announced(feed);
                // What waited for the lease to be confirmed waits for nothing any more.
                for node in (0_u16..).map(NodeIndex).take(self.nodes.len()) {
                    self.conflation.release(node);
                }
            }
        }
        // The registry is to say so soon.
        self.sign_at = MonoTime::default();
        self.errands_at = MonoTime::default();
    }
}
