//! The newest value of every key, waiting to be written.
//!
//! Owns one slot per key (its newest record, its sequence, when it was received) and the lanes of dirty slots. Never
//! waits, never reads the clock, never talks to Redis. Holds exactly the keys of its [`SlotPlan`], so at most
//! [`SLOTS_MAX`](super::SLOTS_MAX); nothing grows while it runs but a record's own levels.
//!
//! First before normal before confirmation, and within each price before liquidity before volume: quotes go before
//! depth. One in [`FAIR_EVERY`] takes is from the other end, so that a flood of quotes cannot let the rest expire.
//! *Held* slots are dirty as well, but wait for [`Conflation::release`]: those that Redis refused or never got.

use crate::domain::{Entity, MonoTime, Record, Sequence, SlotId, Update, Urgency};

use super::lanes::Lanes;
use super::{FeedIndex, NodeIndex, SlotKey, SlotPlan};

/// One take in so many is of the least urgent lane.
pub const FAIR_EVERY: u32 = 16;

const ENTITIES: u8 = 3;
const LANES: usize = 10;
/// Held slots: behind every other lane, and never taken.
const HELD: u8 = 9;
const SENDABLE: u32 = (1 << HELD) - 1;

/// The newest value of a key.
#[derive(Debug)]
struct Slot {
    record: Option<Record>,
    entity: Entity,
    /// When the newest update was received.
    received: MonoTime,
    /// Whether that update has not been taken since.
    unsent: bool,
    sequence: Sequence,
    /// Which feed it belongs to.
    feed: FeedIndex,
    /// Whether an event waits for its next value.
    announced: bool,
}

/// A slot that was taken for sending.
#[derive(Debug)]
pub struct Taken<'a> {
    /// Which.
    pub slot: SlotId,
    /// Its newest record.
    pub record: &'a Record,
    /// The sequence of the value to send: one more than that of the last.
    pub sequence: Sequence,
    /// When the update was received; `None` when this very record was taken before, so that no latency is measured.
    pub received: Option<MonoTime>,
    /// Which feed it belongs to.
    pub feed: FeedIndex,
    /// Whether events wait for this value.
    pub announced: bool,
}

/// The newest value of every key, waiting to be written.
#[derive(Debug)]
pub struct Conflation {
    slots: Vec<Slot>,
    lanes: Lanes<LANES>,
    takes: u32,
    updates: u64,
    conflated: u64,
    order: Vec<u32>,
}

impl Conflation {
    /// Without a value, over the plan's keys.
    #[must_use]
    pub fn new(plan: &SlotPlan) -> Self {
        let empty = |slot: &SlotKey| Slot {
            record: None,
            entity: slot.entity,
            received: MonoTime::default(),
            unsent: false,
            sequence: Sequence::ZERO,
            feed: slot.feed,
            announced: false,
        };
        let slots: Vec<Slot> = plan.slots().iter().map(empty).collect();
        let (lanes, order) = (Lanes::new(slots.len()), Vec::with_capacity(slots.len()));
        Self { slots, lanes, takes: 0, updates: 0, conflated: 0, order }
    }

    /// Records taken in so far.
    #[must_use]
    pub const fn updates(&self) -> u64 {
        self.updates
    }

    /// Records that a newer one overwrote before they were taken for sending.
    #[must_use]
    pub const fn conflated(&self) -> u64 {
        self.conflated
    }

    /// Slots whose newest value is still to be sent, held ones included.
    #[must_use]
    pub fn dirty(&self) -> usize {
        self.lanes.waiting()
    }

    /// The same, of one node.
    #[must_use]
    #[inline]
    pub fn dirty_at(&self, node: NodeIndex) -> usize {
        self.lanes.waiting_in(node.0)
    }

    /// Whether a slot of a node waits that [`Self::take`] would give.
    #[must_use]
    #[inline]
    pub fn is_sendable(&self, node: NodeIndex) -> bool {
        self.lanes.most_urgent(node.0, SENDABLE).is_some()
    }

    /// Which node a slot's key lives on.
    #[must_use]
    #[inline]
    pub fn node(&self, slot: SlotId) -> NodeIndex {
        NodeIndex(self.lanes.group(slot.0))
    }

    /// The key of a slot lives on this node from now on. What waits goes there.
    pub fn set_node(&mut self, slot: SlotId, node: NodeIndex) {
        self.lanes.set_group(slot.0, node.0);
    }

    /// How many slots have a value.
    #[must_use]
    pub fn valued(&self) -> usize {
        self.slots.iter().filter(|slot| slot.record.is_some()).count()
    }

    /// Every slot.
    pub fn slots(&self) -> impl Iterator<Item = SlotId> + use<> {
        (0..u32::try_from(self.slots.len()).unwrap_or(u32::MAX)).map(SlotId)
    }

    /// Which feed a slot belongs to.
    #[must_use]
    pub fn feed(&self, slot: SlotId) -> FeedIndex {
        self.slots[slot.0 as usize].feed
    }

    /// An event waits for the slot's next value, or none does any more.
    pub fn set_announced(&mut self, slot: SlotId, announced: bool) {
        self.slots[slot.0 as usize].announced = announced;
    }

    /// No event waits for any value of this feed.
    pub fn clear_announced(&mut self, feed: FeedIndex) {
        for slot in self.slots.iter_mut().filter(|slot| slot.feed == feed) {
            slot.announced = false;
        }
    }

    /// Takes the most urgent dirty slot of a node: from now on it is clean.
    #[inline]
    pub fn take(&mut self, node: NodeIndex) -> Option<Taken<'_>> {
        self.takes = self.takes.wrapping_add(1);
        let index = if self.takes.is_multiple_of(FAIR_EVERY) {
            self.lanes.least_urgent(node.0, SENDABLE)
        } else {
            self.lanes.most_urgent(node.0, SENDABLE)
        }?;
        self.lanes.remove(index);
        let slot = &mut self.slots[index as usize];
        slot.sequence = slot.sequence.next();
        let record = slot.record.as_ref().expect("only a slot with a record is ever marked");
        let received = std::mem::take(&mut slot.unsent).then_some(slot.received);
        let (sequence, feed, announced) = (slot.sequence, slot.feed, slot.announced);
        Some(Taken { slot: SlotId(index), record, sequence, received, feed, announced })
    }

    /// Marks a slot whose last value was not written, unless a newer one waits already. It is held until
    /// [`Self::release`].
    pub fn hold(&mut self, slot: SlotId) {
        if self.slots[slot.0 as usize].record.is_some() {
            self.lanes.mark(slot.0, HELD);
        }
    }

    /// Lets the held slots of a node go, in the order in which they were held.
    pub fn release(&mut self, node: NodeIndex) {
        while let Some(index) = self.lanes.most_urgent(node.0, 1 << HELD) {
            let lane = lane(Urgency::Normal, self.slots[index as usize].entity);
            self.lanes.mark(index, lane);
        }
    }

    /// Marks every slot of a node that has a value, the hottest (those updated last) first; what is urgent stays ahead.
    pub fn mark_node_dirty(&mut self, node: NodeIndex) {
        self.mark_dirty(|_, of| of == node);
    }

    /// The same for every slot of a feed.
    pub fn mark_feed_dirty(&mut self, feed: FeedIndex) {
        self.mark_dirty(|slot, _| slot.feed == feed);
    }

    fn mark_dirty(&mut self, wanted: impl Fn(&Slot, NodeIndex) -> bool) {
        self.order.clear();
        for (index, slot) in (0_u32..).zip(&self.slots) {
            let first = self.lanes.lane(index).is_some_and(|lane| lane < ENTITIES);
            if slot.record.is_some() && !first && wanted(slot, NodeIndex(self.lanes.group(index))) {
                self.order.push(index);
            }
        }
        self.order.sort_unstable_by_key(|&index| std::cmp::Reverse(self.slots[index as usize].received));
        for &index in &self.order {
            self.lanes.remove(index);
            self.lanes.mark(index, lane(Urgency::Normal, self.slots[index as usize].entity));
        }
    }
}

impl Conflation {
    /// Takes the newest value of a key.
    ///
    /// # Panics
    /// For a slot that the plan does not have: a programmer's error.
    #[inline]
    pub fn update(&mut self, update: Update<'_>) {
        let slot = &mut self.slots[update.slot.0 as usize];
        self.updates += 1;
        match &mut slot.record {
            Some(record) => update.record.store_into(record),
            empty => *empty = Some(update.record.to_record()),
        }
        self.conflated += u64::from(std::mem::replace(&mut slot.unsent, true));
        slot.received = update.received;
        self.lanes.mark(update.slot.0, lane(update.urgency, slot.entity));
    }
}

#[inline]
const fn lane(urgency: Urgency, entity: Entity) -> u8 {
    let urgency = match urgency {
        Urgency::First => 0,
        Urgency::Normal => 1,
        Urgency::Confirmation => 2,
    };
    let entity = match entity {
        Entity::Price => 0,
        Entity::Liquidity => 1,
        Entity::Volume => 2,
    };
    urgency * ENTITIES + entity
}

const _: () = assert!(lane(Urgency::Confirmation, Entity::Volume) + 1 == HELD);
const _: () = assert!(HELD as usize + 1 == LANES);

#[cfg(test)]
mod tests {
    use super::super::testing::{plan, price, volume};
    use super::*;

    const NODE: NodeIndex = NodeIndex(0);

    fn push(table: &mut Conflation, slot: u32, mantissa: i128, at: u64, urgency: Urgency) {
        let record = if table.slots[slot as usize].entity == Entity::Price {
            price(mantissa)
        } else {
            volume(mantissa)
        };
        let received = MonoTime::from_nanos(at);
        table.update(Update { slot: SlotId(slot), record: record.as_ref(), received, urgency });
    }

    fn drain(table: &mut Conflation) -> Vec<u32> {
        std::iter::from_fn(|| table.take(NODE).map(|taken| taken.slot.0)).collect()
    }

    #[test]
    fn only_the_newest_value_is_taken_and_the_others_are_counted() {
        let mut table = Conflation::new(&plan(2, 0));
        for mantissa in 1..=5 {
            push(&mut table, 1, mantissa, 10 + u64::try_from(mantissa).unwrap(), Urgency::Normal);
        }
        let taken = table.take(NODE).unwrap();
        assert_eq!((taken.slot, taken.record, taken.sequence.get()), (SlotId(1), &price(5), 1));
        assert_eq!(taken.received, Some(MonoTime::from_nanos(15)));
        assert!(table.take(NODE).is_none());
        assert_eq!((table.updates(), table.conflated(), table.dirty()), (5, 4, 0));
    }

    #[test]
    fn urgent_goes_first_then_quotes_then_volume_then_confirmations() {
        let mut table = Conflation::new(&plan(4, 2));
        push(&mut table, 0, 1, 1, Urgency::Confirmation);
        push(&mut table, 4, 1, 2, Urgency::Normal);
        push(&mut table, 1, 1, 3, Urgency::Normal);
        push(&mut table, 2, 1, 4, Urgency::Confirmation);
        push(&mut table, 5, 1, 5, Urgency::First);
        push(&mut table, 2, 2, 6, Urgency::Normal);
        assert_eq!(drain(&mut table), [5, 1, 2, 4, 0]);
    }

    #[test]
    fn a_flood_of_quotes_does_not_starve_the_rest() {
        let mut table = Conflation::new(&plan(64, 1));
        push(&mut table, 64, 1, 1, Urgency::Confirmation);
        let mut takes = 0;
        loop {
            for slot in 0..64 {
                push(&mut table, slot, 1, 1, Urgency::Normal);
            }
            takes += 1;
            if table.take(NODE).unwrap().slot == SlotId(64) {
                break;
            }
        }
        assert!(takes <= FAIR_EVERY, "{takes}");
    }

    #[test]
    fn a_held_slot_waits_for_its_release_or_for_a_newer_value() {
        let mut table = Conflation::new(&plan(2, 0));
        for slot in 0..2 {
            push(&mut table, slot, 1, 1, Urgency::Normal);
            table.take(NODE);
            table.hold(SlotId(slot));
        }
        assert!(!table.is_sendable(NODE));
        assert_eq!(table.dirty(), 2);
        push(&mut table, 1, 2, 2, Urgency::Normal);
        assert_eq!(drain(&mut table), [1]);
        table.release(NODE);
        let taken = table.take(NODE).unwrap();
        assert_eq!((taken.slot, taken.received, taken.sequence.get()), (SlotId(0), None, 2));
    }

    #[test]
    fn after_a_reconnect_the_hottest_go_first_and_urgent_ones_before_them() {
        let mut table = Conflation::new(&plan(5, 1));
        for (slot, at) in [(0, 30), (1, 10), (2, 20), (5, 90)] {
            push(&mut table, slot, 1, at, Urgency::Normal);
        }
        drain(&mut table);
        push(&mut table, 1, 2, 40, Urgency::First);
        table.hold(SlotId(2));
        table.hold(SlotId(4));
        table.mark_node_dirty(NODE);
        assert_eq!(drain(&mut table), [1, 0, 2, 5]);
    }

    #[test]
    fn every_take_has_a_greater_sequence() {
        let mut table = Conflation::new(&plan(1, 0));
        for expected in 1..=3 {
            push(&mut table, 0, 1, 1, Urgency::Normal);
            table.mark_node_dirty(NODE);
            assert_eq!(table.take(NODE).unwrap().sequence.get(), expected);
        }
    }
}
