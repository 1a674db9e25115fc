//! Which key lives on which server.
//!
//! Owns the map from Cluster slots to nodes, and the keys (control keys: their slots) that an ASK sent elsewhere for a while. Never asks anybody: what is
//! found out comes in as calls, and what should be found out goes out as [`Advice`], at most [`ADVICE_MAX`] at a time (a
//! further piece is dropped: the next refusal says the same).

use std::collections::VecDeque;

use crate::codec::key::CLUSTER_SLOTS;
use crate::domain::{MonoTime, SlotId};

use super::super::NodeIndex;
use super::{Link, MOVING_FOR, Node, Pipeline};

/// Pieces of advice that wait.
pub const ADVICE_MAX: usize = 64;

/// What a reply says about where keys live.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Advice {
    /// Ask again who serves what.
    Refresh,
    /// This Cluster slot lives there now.
    Moved {
        /// Which slot.
        cluster_slot: u16,
        /// `host:port`.
        to: String,
    },
    /// This key is being moved there.
    Ask {
        /// Whose value was refused.
        slot: SlotId,
        /// `host:port`.
        to: String,
    },
    /// Control keys of this Cluster slot (a lease, the registry, the catalog) are being moved there.
    AskControl {
        /// Which slot.
        cluster_slot: u16,
        /// `host:port`.
        to: String,
    },
}

impl Advice {
    /// The target of `MOVED <slot> <host:port>` or `ASK <slot> <host:port>`.
    pub(super) fn target(message: &str) -> Option<(u16, String)> {
        let mut words = message.split(' ').skip(1);
        let cluster_slot = words.next()?.parse().ok().filter(|slot| *slot < CLUSTER_SLOTS)?;
        Some((cluster_slot, words.next()?.to_owned()))
    }
}

#[derive(Debug)]
pub(super) struct Routes {
    /// `None` = everything on node 0.
    table: Option<Box<[NodeIndex]>>,
    /// Keys that live elsewhere for a while, and until when.
    asking: Vec<(SlotId, MonoTime)>,
    /// The same for control keys, by slot.
    control: Vec<(u16, NodeIndex, MonoTime)>,
    advice: VecDeque<Advice>,
}

impl Routes {
    pub(super) const fn new() -> Self {
        Self { table: None, asking: Vec::new(), control: Vec::new(), advice: VecDeque::new() }
    }

    #[inline]
    pub(super) fn node(&self, cluster_slot: u16) -> NodeIndex {
        self.table.as_ref().map_or(NodeIndex(0), |table| table[cluster_slot as usize])
    }

    /// Which server is asked for the control keys of a slot. What is published there stays with [`Self::node`]: subscribers
    /// move with the slot, not with its keys.
    #[inline]
    pub(super) fn control_node(&self, cluster_slot: u16) -> NodeIndex {
        let moving = self.control.iter().find(|(slot, ..)| *slot == cluster_slot);
        moving.map_or_else(|| self.node(cluster_slot), |(_, node, _)| *node)
    }

    /// Whether it must be told that it is asked for keys of a slot which it does not have yet.
    #[inline]
    pub(super) fn is_control_asking(&self, cluster_slot: u16) -> bool {
        self.control.iter().any(|(slot, ..)| *slot == cluster_slot)
    }

    /// Whether a node serves any slot.
    pub(super) fn is_used(&self, node: NodeIndex) -> bool {
        self.table.as_ref().map_or(node.0 == 0, |table| table.contains(&node))
    }

    /// Whether a key is written where an ASK sent it.
    #[inline]
    pub(super) fn is_asking(&self, slot: SlotId) -> bool {
        !self.asking.is_empty() && self.asking.iter().any(|(asking, _)| *asking == slot)
    }

    pub(super) fn advise(&mut self, advice: Advice) {
        if self.advice.len() < ADVICE_MAX && !self.advice.contains(&advice) {
            self.advice.push_back(advice);
        }
    }
}

impl Pipeline {
    /// What replies said about where keys live, oldest first.
    pub fn take_advice(&mut self) -> Option<Advice> {
        self.routes.advice.pop_front()
    }

    /// Makes room for nodes up to this one.
    pub fn need_node(&mut self, node: NodeIndex) {
        while self.nodes.len() <= node.0 as usize {
            self.nodes.push(Node::new(Link::Down));
        }
    }

    /// Says which node serves each Cluster slot; what waits goes there. Node 0 = nobody.
    pub fn set_routes(&mut self, node_of: impl Fn(u16) -> NodeIndex) {
        let table: Box<[NodeIndex]> = (0..CLUSTER_SLOTS).map(node_of).collect();
        if let Some(last) = table.iter().max() {
            self.need_node(*last);
        }
        self.routes.table = Some(table);
        self.routes.asking.clear();
        self.routes.control.clear();
        self.reroute(|_| true);
    }

    /// A Cluster slot lives elsewhere now.
    pub fn move_slot(&mut self, cluster_slot: u16, node: NodeIndex) {
        self.need_node(node);
        self.routes.control.retain(|(slot, ..)| *slot != cluster_slot);
        if let Some(table) = &mut self.routes.table {
            table[cluster_slot as usize] = node;
            self.reroute(|of| of == cluster_slot);
        }
    }

    /// A key is being moved: its values go there, alone, for a while.
    pub fn ask_elsewhere(&mut self, slot: SlotId, node: NodeIndex, now: MonoTime) {
        self.need_node(node);
        self.routes.asking.retain(|(asking, _)| *asking != slot);
        self.routes.asking.push((slot, now.after(MOVING_FOR)));
        self.conflation.set_node(slot, node);
        self.conflation.release(node);
    }

    /// Control keys are being moved: they are asked for there, for a while.
    pub fn ask_control(&mut self, cluster_slot: u16, node: NodeIndex, now: MonoTime) {
        self.need_node(node);
        self.routes.control.retain(|(slot, ..)| *slot != cluster_slot);
        self.routes.control.push((cluster_slot, node, now.after(MOVING_FOR)));
        self.errands_at = MonoTime::default();
    }

    /// Keys that an ASK sent elsewhere go back to where their slot lives.
    pub(super) fn end_asking(&mut self, now: MonoTime) {
        self.routes.control.retain(|(.., until)| *until > now);
        let (over, still): (Vec<_>, Vec<_>) =
            self.routes.asking.drain(..).partition(|(_, until)| *until <= now);
        self.routes.asking = still;
        for (slot, _) in over {
            let node = self.routes.node(self.encoding.writes.cluster_slot(slot));
            self.conflation.set_node(slot, node);
        }
    }

    pub(super) const fn is_any_asking(&self) -> bool {
        !self.routes.asking.is_empty() || !self.routes.control.is_empty()
    }

    fn reroute(&mut self, concerns: impl Fn(u16) -> bool) {
        let mut changed = Vec::new();
        for slot in self.conflation.slots() {
            let cluster_slot = self.encoding.writes.cluster_slot(slot);
            let node = self.routes.node(cluster_slot);
            if concerns(cluster_slot) && self.conflation.node(slot) != node {
                // Slots may come without their keys: after a repair, or from a server that is gone.
                self.conflation.hold(slot);
                self.conflation.set_node(slot, node);
                changed.push(node);
            }
        }
        changed.sort_unstable();
        changed.dedup();
        for node in changed {
            self.conflation.release(node);
        }
        // Control keys may have moved, too.
        self.errands_at = MonoTime::default();
        self.show_links();
    }
}
