//! What one client subscribed to, and what waits for it.
//!
//! Owns the client's channels, patterns and tracked prefixes; a bit for each slot that concerns it, and one for each that has
//! changed since it was last told: the newest value is what it gets, however slow it is. Never holds a value. Other
//! messages (events, heartbeats) wait one by one, [`MESSAGES_MAX`] at most: beyond that the client is cut off.

use std::collections::{BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::super::noticeboard::Notice;
use super::glob;
use super::reply::{Protocol, bulk, head};
use super::view::View;

/// Events and heartbeats that one client has not taken.
pub const MESSAGES_MAX: usize = 1_024;

/// Which kind of subscription.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Route {
    /// SUBSCRIBE.
    Channel,
    /// PSUBSCRIBE.
    Pattern,
    /// SSUBSCRIBE.
    Shard,
}

/// Subscriptions of a client, by kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Counts {
    pub(super) channels: usize,
    pub(super) patterns: usize,
    pub(super) shards: usize,
}

impl Counts {
    /// What SUBSCRIBE and PSUBSCRIBE answer.
    pub(super) const fn common(self) -> usize {
        self.channels + self.patterns
    }

    /// All of them.
    pub(super) const fn all(self) -> usize {
        self.common() + self.shards
    }
}

/// What waits for a client, once taken: its connection's own.
#[derive(Debug, Default)]
pub(super) struct Delivery {
    slots: Vec<u64>,
    /// The word to go on with.
    word: usize,
    messages: VecDeque<Arc<Notice>>,
    /// Keys to be dropped from a client's own copy.
    dropped: Vec<u32>,
    channel: Vec<u8>,
    /// Of each slot, one more than the sequence that was told last: a value that changes while it is being told is marked
    /// once more, and is not told twice.
    told: Vec<u64>,
}

impl Delivery {
    /// Whether everything was written.
    pub(super) fn is_empty(&self) -> bool {
        self.word >= self.slots.len() && self.messages.is_empty()
    }
}

#[derive(Debug, Default)]
pub(super) struct State {
    channels: BTreeSet<Box<[u8]>>,
    shards: BTreeSet<Box<[u8]>>,
    patterns: BTreeSet<Box<[u8]>>,
    /// `None` = it keeps no copy.
    prefixes: Option<BTreeSet<Box<[u8]>>>,
    /// Slots that concern it, and those that have changed.
    interest: Vec<u64>,
    pending: Vec<u64>,
    is_pending: bool,
    messages: VecDeque<Arc<Notice>>,
    is_overrun: bool,
}

/// One client, between its connection and the dispatcher.
#[derive(Debug)]
pub(super) struct Mailbox {
    pub(super) id: u64,
    state: Mutex<State>,
    wake: Notify,
}

const fn bit(slot: u32) -> (usize, u64) {
    ((slot / 64) as usize, 1 << (slot % 64))
}

impl Mailbox {
    pub(super) fn new(id: u64) -> Self {
        Self { id, state: Mutex::default(), wake: Notify::new() }
    }

    /// Whole after each statement, whoever panicked.
    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ready when something came.
    pub(super) async fn arrived(&self) {
        self.wake.notified().await;
    }

    /// Slots that changed: `words` holds the words in which any did.
    pub(super) fn changed(&self, words: &[(usize, u64)]) {
        let mut state = self.lock();
        let state = &mut *state;
        let mut any = 0;
        for (word, bits) in words {
            let concerned = bits & state.interest.get(*word).copied().unwrap_or(0);
            if concerned != 0 {
                state.pending[*word] |= concerned;
                any |= concerned;
            }
        }
        if any != 0 && !std::mem::replace(&mut state.is_pending, true) {
            self.wake.notify_one();
        }
    }

    /// A message; says whether it was kept.
    pub(super) fn tell(&self, notice: &Arc<Notice>) -> bool {
        let mut state = self.lock();
        if state.is_overrun || !state.wants(notice.channel.as_bytes()) {
            return true;
        }
        if state.messages.len() >= MESSAGES_MAX {
            // What is lost is said by the end of the connection, and not by a silence.
            state.is_overrun = true;
            state.messages.clear();
        } else {
            state.messages.push_back(Arc::clone(notice));
        }
        self.wake.notify_one();
        !state.is_overrun
    }

    /// Takes what waits into an empty delivery; says whether the client can still be served.
    pub(super) fn take(&self, delivery: &mut Delivery) -> bool {
        let mut state = self.lock();
        let state = &mut *state;
        if state.is_pending {
            state.is_pending = false;
            std::mem::swap(&mut delivery.slots, &mut state.pending);
            state.pending.clear();
            state.pending.resize(delivery.slots.len(), 0);
            delivery.word = 0;
        }
        std::mem::swap(&mut delivery.messages, &mut state.messages);
        !state.is_overrun
    }
}

impl State {
    pub(super) fn counts(&self) -> Counts {
        Counts { channels: self.channels.len(), patterns: self.patterns.len(), shards: self.shards.len() }
    }

    /// Whether anything is to be told at all.
    pub(super) fn is_idle(&self) -> bool {
        self.counts().all() == 0 && self.prefixes.is_none()
    }

    pub(super) const fn prefixes(&self) -> Option<&BTreeSet<Box<[u8]>>> {
        self.prefixes.as_ref()
    }

    fn set(&mut self, route: Route) -> &mut BTreeSet<Box<[u8]>> {
        match route {
            Route::Channel => &mut self.channels,
            Route::Pattern => &mut self.patterns,
            Route::Shard => &mut self.shards,
        }
    }

    /// Everything of a kind, in order.
    pub(super) fn all(&mut self, route: Route) -> Vec<Box<[u8]>> {
        self.set(route).iter().cloned().collect()
    }

    /// Says whether it was not there before.
    pub(super) fn subscribe(&mut self, route: Route, name: &[u8], view: &View) -> bool {
        if !self.set(route).insert(name.into()) {
            return false;
        }
        self.grow(view);
        match route {
            Route::Channel | Route::Shard => {
                if let Some(slot) = view.slot_of_channel(name) {
                    let (word, bit) = bit(slot);
                    self.interest[word] |= bit;
                }
            }
            Route::Pattern => self.each_match(name, view, |state, slot| {
                let (word, bit) = bit(slot);
                state.interest[word] |= bit;
            }),
        }
        true
    }

    pub(super) fn unsubscribe(&mut self, route: Route, name: &[u8], view: &View) {
        if !self.set(route).remove(name) {
            return;
        }
        match route {
            Route::Channel | Route::Shard => {
                if let Some(slot) = view.slot_of_channel(name) {
                    self.look_again(slot, view);
                }
            }
            Route::Pattern => self.each_match(name, view, |state, slot| state.look_again(slot, view)),
        }
    }

    /// Begins to track keys by prefix, or adds to what is tracked.
    pub(super) fn track(&mut self, prefixes: &[&[u8]], view: &View) {
        self.grow(view);
        let tracked = self.prefixes.get_or_insert_default();
        tracked.extend(prefixes.iter().map(|prefix| Box::from(*prefix)));
        for (slot, key) in view.slots() {
            if prefixes.iter().any(|prefix| key.as_bytes().starts_with(prefix)) {
                let (word, bit) = bit(slot);
                self.interest[word] |= bit;
            }
        }
    }

    pub(super) fn untrack(&mut self, view: &View) {
        if self.prefixes.take().is_some() {
            for (slot, _) in view.slots() {
                self.look_again(slot, view);
            }
        }
    }

    fn grow(&mut self, view: &View) {
        self.interest.resize(view.words(), 0);
        self.pending.resize(view.words(), 0);
    }

    fn each_match(&mut self, pattern: &[u8], view: &View, mut then: impl FnMut(&mut Self, u32)) {
        let mut channel = Vec::new();
        for (slot, key) in view.slots() {
            view.channel_of(key, &mut channel);
            if glob::matches(pattern, &channel) {
                then(self, slot);
            }
        }
    }

    /// Whether a slot still concerns this client.
    fn look_again(&mut self, slot: u32, view: &View) {
        let Some(key) = view.key(slot) else { return };
        let mut channel = Vec::new();
        view.channel_of(key, &mut channel);
        let (word, bit) = bit(slot);
        if !self.wants(&channel) && !self.tracks(key) && !self.interest.is_empty() {
            self.interest[word] &= !bit;
            self.pending[word] &= !bit;
        }
    }

    fn tracks(&self, key: &str) -> bool {
        let of =
            |prefixes: &BTreeSet<Box<[u8]>>| prefixes.iter().any(|prefix| key.as_bytes().starts_with(prefix));
        self.prefixes.as_ref().is_some_and(of)
    }

    fn wants(&self, channel: &[u8]) -> bool {
        self.channels.contains(channel)
            || self.shards.contains(channel)
            || self.patterns.iter().any(|pattern| glob::matches(pattern, channel))
    }

    /// Appends a message for each way in which it was asked for; says how many.
    fn append(&self, channel: &[u8], message: &[u8], protocol: Protocol, out: &mut Vec<u8>) -> usize {
        let kind = if protocol == Protocol::Resp3 { b'>' } else { b'*' };
        let mut one = |words: &[&[u8]]| {
            head(out, kind, words.len() as u64);
            words.iter().for_each(|word| bulk(out, word));
        };
        let mut count = 0;
        if self.channels.contains(channel) {
            one(&[b"message", channel, message]);
            count += 1;
        }
        for pattern in self.patterns.iter().filter(|pattern| glob::matches(pattern, channel)) {
            one(&[b"pmessage", pattern, channel, message]);
            count += 1;
        }
        if self.shards.contains(channel) {
            one(&[b"smessage", channel, message]);
            count += 1;
        }
        count
    }

    /// Writes what was taken, the values first, until `out` holds `enough`. Returns how many messages.
    pub(super) fn deliver(
        &self,
        delivery: &mut Delivery,
        view: &View,
        now: crate::domain::MonoTime,
        protocol: Protocol,
        out: &mut Vec<u8>,
        enough: usize,
    ) -> usize {
        let Delivery { slots, word, messages, dropped, channel, told } = delivery;
        told.resize(told.len().max(slots.len() * 64), 0);
        let mut count = 0;
        while *word < slots.len() && out.len() < enough {
            while slots[*word] != 0 && out.len() < enough {
                let place = slots[*word].trailing_zeros();
                slots[*word] &= slots[*word] - 1;
                let Ok(first) = u32::try_from(*word * 64) else { continue };
                let Some(key) = view.key(first + place) else { continue };
                let (table, slot) = view.slot(first + place);
                view.channel_of(key, channel);
                let last = &mut told[(first + place) as usize];
                // A value that is gone meanwhile is not told; that it is gone is.
                let is_known = table.read(slot, now, |value, version| {
                    let is_known = version.sequence.get() < *last;
                    if !is_known {
                        *last = version.sequence.get() + 1;
                        count += self.append(channel, value, protocol, out);
                    }
                    is_known
                });
                if is_known != Some(true) && protocol == Protocol::Resp3 && self.tracks(key) {
                    dropped.push(first + place);
                }
            }
            if slots[*word] == 0 {
                *word += 1;
            }
        }
        if !dropped.is_empty() {
            count += 1;
            head(out, b'>', 2);
            bulk(out, b"invalidate");
            head(out, b'*', dropped.len() as u64);
            for slot in dropped.drain(..) {
                bulk(out, view.key(slot).unwrap_or_default().as_bytes());
            }
        }
        while out.len() < enough && *word >= slots.len() {
            let Some(notice) = messages.pop_front() else { break };
            count += self.append(notice.channel.as_bytes(), &notice.message, protocol, out);
        }
        count
    }
}
