//! In which order dirty slots are sent.
//!
//! Owns one queue a lane and group (a group = what is sent over one connection), linked through arrays that are as long as
//! there are slots: a slot stands in at most one lane of one group, at most once, so memory is fixed and marking, moving
//! ahead and taking cost the same however many wait. Never holds a value. Lane 0 goes first; within a lane the first marked
//! goes first, and a slot marked again keeps its place.

const NONE: u32 = u32::MAX;
const CLEAN: u8 = u8::MAX;

#[derive(Debug, Clone, Copy)]
struct Links {
    previous: u32,
    next: u32,
    group: u16,
    lane: u8,
}

#[derive(Debug, Clone, Copy)]
struct Ends {
    first: u32,
    last: u32,
}

#[derive(Debug, Clone, Copy)]
struct Group<const COUNT: usize> {
    ends: [Ends; COUNT],
    /// Bit n = lane n holds a slot.
    occupied: u32,
    waiting: usize,
}

/// Queues of slots, the most urgent lane first.
#[derive(Debug)]
pub(super) struct Lanes<const COUNT: usize> {
    links: Vec<Links>,
    groups: Vec<Group<COUNT>>,
}

impl<const COUNT: usize> Lanes<COUNT> {
    /// No slot waits; all belong to group 0.
    pub(super) fn new(slots: usize) -> Self {
        const { assert!(COUNT > 0 && COUNT < 32) };
        let links = vec![Links { previous: NONE, next: NONE, group: 0, lane: CLEAN }; slots];
        let mut lanes = Self { links, groups: Vec::new() };
        lanes.need_group(0);
        lanes
    }

    fn need_group(&mut self, group: u16) {
        let empty = Group { ends: [Ends { first: NONE, last: NONE }; COUNT], occupied: 0, waiting: 0 };
        if self.groups.len() <= group as usize {
            self.groups.resize(group as usize + 1, empty);
        }
    }

    /// How many slots wait, in all lanes of all groups.
    pub(super) fn waiting(&self) -> usize {
        self.groups.iter().map(|group| group.waiting).sum()
    }

    /// How many slots of a group wait, in all its lanes.
    #[inline]
    pub(super) fn waiting_in(&self, group: u16) -> usize {
        self.groups.get(group as usize).map_or(0, |group| group.waiting)
    }

    /// The lane that a slot stands in.
    #[inline]
    pub(super) fn lane(&self, slot: u32) -> Option<u8> {
        Some(self.links[slot as usize].lane).filter(|&lane| lane != CLEAN)
    }

    /// The group that a slot belongs to.
    #[inline]
    pub(super) fn group(&self, slot: u32) -> u16 {
        self.links[slot as usize].group
    }

    /// Gives a slot to another group; one that waits goes on waiting, at the end of the same lane.
    pub(super) fn set_group(&mut self, slot: u32, group: u16) {
        if self.links[slot as usize].group == group {
            return;
        }
        self.need_group(group);
        let lane = self.lane(slot);
        self.remove(slot);
        self.links[slot as usize].group = group;
        if let Some(lane) = lane {
            self.mark(slot, lane);
        }
    }

    /// Puts a slot at the end of `lane`, out of any less urgent one; one that stands as far ahead already stays.
    #[inline]
    pub(super) fn mark(&mut self, slot: u32, lane: u8) {
        let Links { group, lane: known, .. } = self.links[slot as usize];
        if known <= lane {
            return;
        }
        if known != CLEAN {
            self.remove(slot);
        }
        let queues = &mut self.groups[group as usize];
        queues.waiting += 1;
        let ends = &mut queues.ends[lane as usize];
        let previous = std::mem::replace(&mut ends.last, slot);
        if previous == NONE {
            ends.first = slot;
            queues.occupied |= 1 << lane;
        } else {
            self.links[previous as usize].next = slot;
        }
        self.links[slot as usize] = Links { previous, next: NONE, group, lane };
    }

    /// Takes a slot out of its lane, if it stands in one.
    #[inline]
    pub(super) fn remove(&mut self, slot: u32) {
        let Links { previous, next, group, lane } = self.links[slot as usize];
        if lane == CLEAN {
            return;
        }
        let queues = &mut self.groups[group as usize];
        queues.waiting -= 1;
        let ends = &mut queues.ends[lane as usize];
        match previous {
            NONE => ends.first = next,
            other => self.links[other as usize].next = next,
        }
        match next {
            NONE => ends.last = previous,
            other => self.links[other as usize].previous = previous,
        }
        if ends.first == NONE {
            queues.occupied &= !(1 << lane);
        }
        self.links[slot as usize] = Links { previous: NONE, next: NONE, group, lane: CLEAN };
    }

    /// The first slot of the most urgent lane of a group among `lanes` (a bit each); it stays where it is.
    #[inline]
    pub(super) fn most_urgent(&self, group: u16, lanes: u32) -> Option<u32> {
        let group = self.groups.get(group as usize)?;
        let occupied = group.occupied & lanes;
        (occupied != 0).then(|| group.ends[occupied.trailing_zeros() as usize].first)
    }

    /// The first slot of the least urgent lane of a group among `lanes` (a bit each); it stays where it is.
    #[inline]
    pub(super) fn least_urgent(&self, group: u16, lanes: u32) -> Option<u32> {
        let group = self.groups.get(group as usize)?;
        let occupied = group.occupied & lanes;
        (occupied != 0).then(|| group.ends[occupied.ilog2() as usize].first)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use proptest::prelude::*;

    use super::*;

    const ALL: u32 = u32::MAX;

    fn take(lanes: &mut Lanes<4>) -> Option<u32> {
        let slot = lanes.most_urgent(0, ALL)?;
        lanes.remove(slot);
        Some(slot)
    }

    #[test]
    fn the_urgent_lane_goes_first_and_each_slot_once() {
        let mut lanes = Lanes::<4>::new(8);
        for (slot, lane) in [(1, 2), (2, 1), (3, 2), (1, 2), (3, 0), (2, 3)] {
            lanes.mark(slot, lane);
        }
        assert_eq!(lanes.waiting(), 3);
        let order: Vec<_> = std::iter::from_fn(|| take(&mut lanes)).collect();
        assert_eq!(order, [3, 2, 1]);
        assert_eq!(lanes.waiting(), 0);
    }

    #[test]
    fn a_slot_that_changes_its_group_goes_on_waiting_there() {
        let mut lanes = Lanes::<4>::new(3);
        for slot in 0..3 {
            lanes.mark(slot, 1);
        }
        lanes.set_group(1, 2);
        assert_eq!(
            (lanes.waiting(), lanes.waiting_in(0), lanes.waiting_in(1), lanes.waiting_in(2)),
            (3, 2, 0, 1)
        );
        assert_eq!((lanes.most_urgent(2, ALL), lanes.most_urgent(1, ALL)), (Some(1), None));
        lanes.remove(1);
        lanes.mark(1, 3);
        assert_eq!((lanes.group(1), lanes.least_urgent(2, ALL), take(&mut lanes)), (2, Some(1), Some(0)));
    }

    proptest! {
        #[test]
        fn lanes_behave_as_plain_queues(operations in prop::collection::vec((0_u32..16, 0_u8..6), 0..200)) {
            let mut lanes = Lanes::<4>::new(16);
            let mut model: [VecDeque<u32>; 4] = Default::default();
            for (slot, action) in operations {
                let place = (0..4).find(|&lane| model[lane].contains(&slot));
                match action {
                    0..4 => {
                        lanes.mark(slot, action);
                        let lane = usize::from(action);
                        if place.is_none_or(|known| known > lane) {
                            if let Some(known) = place { model[known].retain(|&other| other != slot); }
                            model[lane].push_back(slot);
                        }
                    }
                    4 => {
                        lanes.remove(slot);
                        model.iter_mut().for_each(|queue| queue.retain(|&other| other != slot));
                    }
                    _ => {
                        let expected = model.iter_mut().find(|queue| !queue.is_empty());
                        prop_assert_eq!(take(&mut lanes), expected.and_then(VecDeque::pop_front));
                    }
                }
                prop_assert_eq!(lanes.waiting(), model.iter().map(VecDeque::len).sum::<usize>());
                let last = model.iter().rev().find_map(|queue| queue.front().copied());
                prop_assert_eq!(lanes.least_urgent(0, ALL), last);
            }
        }
    }
}
