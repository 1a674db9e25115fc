//! Events on their way out: each waits until the value that it speaks of is in Redis.
//!
//! Owns the events and their order. Never decides whether a value was accepted. At most [`WAITING_MIN`] events, or two a key
//! where there are more keys, wait for their value: a further one is dropped. At most [`READY_MAX`] wait for their batch: the
//! oldest is dropped for a further one. Both are counted.

use std::collections::{BTreeMap, VecDeque};

use metrics::counter;

use crate::codec::key::{cluster_slot, event_channel};
use crate::codec::{EventMessage, encode_event};
use crate::domain::{EventKind, KeyEvent, Namespace, SlotId, Version};
use crate::telemetry::names;

use super::{SlotKey, SlotPlan};

/// Events whose value was not accepted yet, where there are few keys.
pub(super) const WAITING_MIN: usize = 4_096;
/// Events whose value was accepted and that were not sent yet.
pub(super) const READY_MAX: usize = 65_536;

/// An event that can be published.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Ready {
    pub(super) kind: EventKind,
    pub(super) channel: String,
    pub(super) message: Vec<u8>,
    pub(super) cluster_slot: u16,
}

/// Events on their way out.
#[derive(Debug)]
pub(super) struct Outbox {
    namespace: Namespace,
    keys: Vec<SlotKey>,
    /// By key, then by number.
    waiting: BTreeMap<(SlotId, u64), KeyEvent>,
    ready: VecDeque<Ready>,
    /// Of the last event that was put in.
    number: u64,
}

impl Outbox {
    /// Empty, for the plan's keys.
    pub(super) fn new(plan: &SlotPlan, namespace: &Namespace) -> Self {
        let (waiting, ready) = (BTreeMap::new(), VecDeque::new());
        Self { namespace: namespace.clone(), keys: plan.slots().to_vec(), waiting, ready, number: 0 }
    }

    /// Takes an event that waits for its key's next value; says whether there was room for it.
    pub(super) fn put(&mut self, event: KeyEvent) -> bool {
        if self.waiting.len() >= WAITING_MIN.max(2 * self.keys.len()) {
            dropped(event.detail.kind());
            return false;
        }
        self.number += 1;
        self.waiting.insert((event.slot, self.number), event);
        true
    }

    /// The number of the last event that was put in.
    pub(super) const fn last(&self) -> u64 {
        self.number
    }

    /// A value of this version was accepted, and events up to this number waited for it. Says whether others wait.
    pub(super) fn accepted(&mut self, slot: SlotId, version: Version, upto: u64) -> bool {
        while let Some((&place, _)) = self.waiting.range((slot, 0)..=(slot, upto)).next() {
            if let Some(event) = self.waiting.remove(&place) {
                self.make_ready(event, version);
            }
        }
        self.waiting.range((slot, upto)..=(slot, u64::MAX)).next().is_some()
    }

    fn make_ready(&mut self, event: KeyEvent, version: Version) {
        if self.ready.len() >= READY_MAX
            && let Some(oldest) = self.ready.pop_front()
        {
            dropped(oldest.kind);
        }
        let key = &self.keys[event.slot.0 as usize];
        let kind = event.detail.kind();
        let KeyEvent { time, detail, .. } = event;
        let (instrument, venue) = (key.instrument.clone(), key.venue.clone());
        let channel = event_channel(&self.namespace, &instrument);
        let cluster_slot = cluster_slot(&channel);
        let mut message = Vec::new();
        encode_event(
            &EventMessage { instrument, venue, entity: key.entity, version, time, detail },
            &mut message,
        );
        self.ready.push_back(Ready { kind, channel, message, cluster_slot });
    }

    /// The events of these keys are not told: their values are not written by this engine, or were refused.
    pub(super) fn forget(&mut self, is_concerned: impl Fn(SlotId) -> bool) {
        self.waiting.retain(|(slot, _), _| !is_concerned(*slot));
    }

    /// Whether an event is ready.
    #[inline]
    pub(super) fn is_ready(&self) -> bool {
        !self.ready.is_empty()
    }

    /// The oldest ready event whose channel lives where `here` says.
    pub(super) fn take(&mut self, here: impl Fn(u16) -> bool) -> Option<Ready> {
        let index = self.ready.iter().position(|ready| here(ready.cluster_slot))?;
        self.ready.remove(index)
    }

    /// Events that are not told yet.
    pub(super) fn len(&self) -> usize {
        self.waiting.len() + self.ready.len()
    }
}

/// Rare, so the label is looked up.
pub(super) fn dropped(kind: EventKind) {
    counter!(names::EVENTS_DROPPED, "kind" => kind.as_str()).increment(1);
}

#[cfg(test)]
mod tests {
    use super::super::testing::plan;
    use super::*;
    use crate::codec::decode_event;
    use crate::domain::{Epoch, EventDetail, Reason, Sequence, State, WallTime};

    fn event(slot: u32) -> KeyEvent {
        let detail = EventDetail::State { state: State::Suspect, reason: Reason::Silent };
        KeyEvent { slot: SlotId(slot), time: WallTime::from_nanos(1), detail }
    }

    fn version(sequence: u64) -> Version {
        Version { epoch: Epoch::new(7).unwrap(), sequence: Sequence::new(sequence).unwrap() }
    }

    fn outbox() -> Outbox {
        Outbox::new(&plan(2, 0), &Namespace::default())
    }

    #[test]
    fn an_event_is_told_with_the_version_that_was_accepted() {
        let mut outbox = outbox();
        assert!(outbox.put(event(0)) && outbox.put(event(1)));
        let upto = outbox.last();
        assert!(outbox.put(event(0)) && !outbox.is_ready());
        assert!(outbox.accepted(SlotId(0), version(3), upto), "another one waits for the next value");
        let ready = outbox.take(|_| true).unwrap();
        assert_eq!(ready.channel, "tickcache:v1:event:{BTC-USDT}");
        assert_eq!(decode_event(&ready.message).unwrap().version, version(3));
        assert_eq!(outbox.take(|_| true), None);
        assert!(!outbox.accepted(SlotId(0), version(4), outbox.last()));
        assert_eq!(decode_event(&outbox.take(|_| true).unwrap().message).unwrap().version, version(4));
        outbox.forget(|slot| slot == SlotId(1));
        assert_eq!(outbox.len(), 0);
    }

    #[test]
    fn beyond_the_limit_a_further_one_is_dropped() {
        let mut outbox = outbox();
        for _ in 0..WAITING_MIN {
            assert!(outbox.put(event(0)));
        }
        assert!(!outbox.put(event(1)));
        assert_eq!(outbox.len(), WAITING_MIN);
        assert!(outbox.accepted(SlotId(0), version(1), 20));
        assert_eq!(outbox.ready.len(), 20);
    }
}
