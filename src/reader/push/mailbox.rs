//! What has arrived for one follower and was not taken yet.
//!
//! Owns the conflation: of several values of a channel only the newest is kept, of heartbeats the last one; of events the
//! newest [`EVENTS_MAX`]. What is left out is counted. Never waits for the follower.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::codec::{peek_version, supersedes};

/// Events that wait for a follower. When there are more, the oldest go, counted.
pub const EVENTS_MAX: usize = 1_024;

/// What is kept of a channel's messages while the follower is busy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::reader) enum Keep {
    /// The greatest version.
    Value,
    /// The last one.
    Heartbeat,
    /// Each, up to [`EVENTS_MAX`].
    Event,
}

/// What one look into the mailbox brings.
#[derive(Debug, Default)]
pub(in crate::reader) struct Delivery {
    /// Values and heartbeats, a message a channel, in the order of their first arrival.
    pub(in crate::reader) newest: Vec<(Arc<str>, Arc<[u8]>)>,
    /// Events, in the order of their arrival; to be told after the values.
    pub(in crate::reader) events: Vec<Arc<[u8]>>,
    /// Channels that are subscribed since the last look: what they would have said before is unknown.
    pub(in crate::reader) risen: Vec<Arc<str>>,
    /// Channels that are no longer.
    pub(in crate::reader) fallen: Vec<Arc<str>>,
}

impl Delivery {
    pub(in crate::reader) fn is_empty(&self) -> bool {
        self.newest.is_empty() && self.events.is_empty() && self.risen.is_empty() && self.fallen.is_empty()
    }
}

/// How many messages a follower never saw, because it was too slow for them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::reader) struct Left {
    /// Values that a newer one replaced.
    pub(in crate::reader) values: u64,
    /// Events beyond [`EVENTS_MAX`].
    pub(in crate::reader) events: u64,
}

#[derive(Debug, Default)]
struct State {
    order: VecDeque<Arc<str>>,
    newest: HashMap<Arc<str>, Arc<[u8]>>,
    events: VecDeque<Arc<[u8]>>,
    risen: HashSet<Arc<str>>,
    fallen: HashSet<Arc<str>>,
    left: Left,
}

#[derive(Debug, Default)]
pub(super) struct Mailbox {
    state: Mutex<State>,
    arrived: Notify,
}

impl Mailbox {
    pub(super) fn put(&self, channel: &Arc<str>, keep: Keep, message: Arc<[u8]>) {
        {
            let mut state = self.lock();
            match keep {
                Keep::Event => state.put_event(message),
                Keep::Value | Keep::Heartbeat => state.put_newest(channel, keep, message),
            }
        }
        self.arrived.notify_one();
    }

    pub(super) fn rise(&self, channel: &Arc<str>) {
        {
            let mut state = self.lock();
            state.fallen.remove(channel);
            state.risen.insert(Arc::clone(channel));
        }
        self.arrived.notify_one();
    }

    pub(super) fn fall(&self, channel: &Arc<str>) {
        {
            let mut state = self.lock();
            state.risen.remove(channel);
            state.fallen.insert(Arc::clone(channel));
        }
        self.arrived.notify_one();
    }

    pub(super) fn take(&self) -> Delivery {
        let mut state = self.lock();
        let State { order, newest, events, risen, fallen, .. } = &mut *state;
        let take = |channel: Arc<str>| newest.remove(&channel).map(|message| (channel, message));
        Delivery {
            newest: order.drain(..).filter_map(take).collect(),
            events: events.drain(..).collect(),
            risen: risen.drain().collect(),
            fallen: fallen.drain().collect(),
        }
    }

    pub(super) fn left(&self) -> Left {
        self.lock().left
    }

    /// Waits until something has arrived. Cancel safe.
    pub(super) async fn arrived(&self) {
        self.arrived.notified().await;
    }

    /// A panic elsewhere leaves nothing half done in here.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn put_event(&mut self, message: Arc<[u8]>) {
        if self.events.len() == EVENTS_MAX {
            self.events.pop_front();
            self.left.events += 1;
        }
        self.events.push_back(message);
    }

    fn put_newest(&mut self, channel: &Arc<str>, keep: Keep, message: Arc<[u8]>) {
        let Some(waiting) = self.newest.get_mut(channel) else {
            self.order.push_back(Arc::clone(channel));
            self.newest.insert(Arc::clone(channel), message);
            return;
        };
        if keep == Keep::Value {
            self.left.values += 1;
            // Around a failover two connections may say different things; the order of arrival is none then.
            let older = peek_version(waiting)
                .zip(peek_version(&message))
                .is_some_and(|(old, new)| supersedes(old, new));
            if older {
                return;
            }
        }
        *waiting = message;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(epoch: u8, sequence: u8) -> Arc<[u8]> {
        let mut bytes =
            vec![0x95, 0x01, 0xcf, 0, 0, 0, 0, 0, 0, 0, epoch, 0xcf, 0, 0, 0, 0, 0, 0, 0, sequence];
        bytes.extend([0, 0x90]);
        bytes.into()
    }

    #[test]
    fn a_slow_follower_gets_the_newest_of_each_channel_and_a_count() {
        let mailbox = Mailbox::default();
        let (first, second) = (Arc::from("first"), Arc::from("second"));
        mailbox.put(&first, Keep::Value, value(1, 1));
        mailbox.put(&second, Keep::Value, value(1, 1));
        for (epoch, sequence) in [(1, 3), (1, 2), (2, 1), (1, 9)] {
            mailbox.put(&first, Keep::Value, value(epoch, sequence));
        }
        let delivery = mailbox.take();
        assert_eq!(delivery.newest, [(first, value(2, 1)), (second, value(1, 1))]);
        assert_eq!(mailbox.left(), Left { values: 4, events: 0 });
        assert!(mailbox.take().is_empty());
    }

    #[test]
    fn bytes_that_are_no_value_replace_and_are_replaced() {
        let mailbox = Mailbox::default();
        let channel = Arc::from("channel");
        let junk: Arc<[u8]> = Arc::from(&b"junk"[..]);
        for message in [value(1, 1), Arc::clone(&junk), value(1, 1), junk.clone()] {
            mailbox.put(&channel, Keep::Value, message);
        }
        assert_eq!(mailbox.take().newest, [(channel, junk)]);
    }

    #[test]
    fn of_too_many_events_the_oldest_go_counted() {
        let mailbox = Mailbox::default();
        let channel = Arc::from("events");
        for number in 0..EVENTS_MAX + 2 {
            mailbox.put(&channel, Keep::Event, Arc::from(number.to_string().as_bytes()));
        }
        let events = mailbox.take().events;
        assert_eq!((events.len(), &*events[0]), (EVENTS_MAX, &b"2"[..]));
        assert_eq!(mailbox.left().events, 2);
    }

    #[test]
    fn only_the_last_of_rising_and_falling_is_told() {
        let mailbox = Mailbox::default();
        let channel = Arc::from("channel");
        mailbox.rise(&channel);
        mailbox.fall(&channel);
        mailbox.rise(&channel);
        let delivery = mailbox.take();
        assert_eq!((delivery.risen, delivery.fallen), (vec![channel], vec![]));
    }
}
