//! Everybody who waits for something, and the dispatcher that tells them.
//!
//! Owns the list of mailboxes that want anything, and the one task that looks at the tables' boards every [`LOOK_EVERY`]
//! while there are any. Never wakes or delays a writer. A value that changes several times between two looks is told once.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use metrics::counter;
use tokio::sync::Notify;
use tokio::time::MissedTickBehavior;

use crate::clock;
use crate::domain::MonoTime;
use crate::telemetry::names;

use super::super::noticeboard::{Notice, Watching};
use super::mailbox::{Counts, Mailbox, Route};
use super::view::View;

/// How often the dispatcher looks while somebody waits.
pub const LOOK_EVERY: Duration = Duration::from_millis(1);
/// So many looks make one round over all slots, for values that expired.
const LOOKS_PER_ROUND: usize = 500;

#[derive(Debug, Default)]
struct Waiting {
    mailboxes: Vec<Arc<Mailbox>>,
    /// While somebody waits.
    watching: Option<Watching>,
}

/// Everybody who waits for something.
#[derive(Debug)]
pub(super) struct Hub {
    pub(super) view: Arc<View>,
    waiting: Mutex<Waiting>,
    somebody: Notify,
}

impl Hub {
    pub(super) fn new(view: Arc<View>) -> Self {
        Self { view, waiting: Mutex::default(), somebody: Notify::new() }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a mailbox in as soon as it wants anything, and out when it wants nothing more.
    fn enlist(&self, mailbox: &Arc<Mailbox>) {
        let is_idle = mailbox.lock().is_idle();
        let mut waiting = self.lock();
        let place = waiting.mailboxes.iter().position(|known| known.id == mailbox.id);
        match (place, is_idle) {
            (None, false) => waiting.mailboxes.push(Arc::clone(mailbox)),
            (Some(place), true) => drop(waiting.mailboxes.swap_remove(place)),
            (None, true) | (Some(_), false) => {}
        }
        if waiting.mailboxes.is_empty() {
            waiting.watching = None;
        } else if waiting.watching.is_none() {
            waiting.watching = Some(Watching::begin(self.view.tables()));
            self.somebody.notify_one();
        }
    }

    /// Adds a subscription.
    pub(super) fn subscribe(&self, mailbox: &Arc<Mailbox>, route: Route, name: &[u8]) -> Counts {
        let counts = {
            let mut state = mailbox.lock();
            state.subscribe(route, name, &self.view);
            state.counts()
        };
        self.enlist(mailbox);
        counts
    }

    /// Ends a subscription.
    pub(super) fn unsubscribe(&self, mailbox: &Arc<Mailbox>, route: Route, name: &[u8]) -> Counts {
        let counts = {
            let mut state = mailbox.lock();
            state.unsubscribe(route, name, &self.view);
            state.counts()
        };
        self.enlist(mailbox);
        counts
    }

    /// Begins to tell of keys with these prefixes.
    pub(super) fn track(&self, mailbox: &Arc<Mailbox>, prefixes: &[&[u8]]) {
        mailbox.lock().track(prefixes, &self.view);
        self.enlist(mailbox);
    }

    pub(super) fn untrack(&self, mailbox: &Arc<Mailbox>) {
        mailbox.lock().untrack(&self.view);
        self.enlist(mailbox);
    }

    /// The client is gone, or begins anew.
    pub(super) fn forget(&self, mailbox: &Arc<Mailbox>) {
        {
            let mut state = mailbox.lock();
            if state.is_idle() {
                return;
            }
            *state = Default::default();
        }
        self.enlist(mailbox);
    }

    /// How many clients wait for anything.
    pub(super) fn len(&self) -> usize {
        self.lock().mailboxes.len()
    }

    /// Tells everybody, for ever.
    pub(super) async fn dispatch(&self) {
        let mut dispatcher = Dispatcher::default();
        loop {
            if self.len() == 0 {
                self.somebody.notified().await;
                dispatcher = Dispatcher::default();
            }
            let mut timer = tokio::time::interval(LOOK_EVERY);
            timer.set_missed_tick_behavior(MissedTickBehavior::Delay);
            while self.len() > 0 {
                timer.tick().await;
                let mailboxes = self.lock().mailboxes.clone();
                dispatcher.look(&self.view, &mailboxes, clock::mono());
            }
        }
    }
}

/// What the dispatcher remembers from one look to the next.
#[derive(Debug, Default)]
pub(super) struct Dispatcher {
    changed: Vec<(usize, u64)>,
    /// Slots that had a value when they were last looked at.
    alive: Vec<u64>,
    word: usize,
}

impl Dispatcher {
    /// One look: messages are taken before the changes and told after them, so that no event overtakes its value.
    pub(super) fn look(&mut self, view: &View, mailboxes: &[Arc<Mailbox>], now: MonoTime) {
        let notices: Vec<Arc<Notice>> =
            view.tables().iter().flat_map(|table| table.board().take_notices()).map(Arc::new).collect();
        self.changed.clear();
        if self.alive.is_empty() {
            self.find_alive(view, now);
        }
        let mut first = 0;
        for table in view.tables() {
            let board = table.board();
            for word in 0..board.words() {
                let bits = board.take_changed(word);
                if bits != 0 {
                    self.alive[first + word] |= bits;
                    self.changed.push((first + word, bits));
                }
            }
            first += board.words();
        }
        self.find_expired(view, now);
        for mailbox in mailboxes {
            if !self.changed.is_empty() {
                mailbox.changed(&self.changed);
            }
            for notice in &notices {
                if !mailbox.tell(notice) {
                    counter!(names::EMBEDDED_LIMITS, "limit" => "messages").increment(1);
                }
            }
        }
    }

    fn find_alive(&mut self, view: &View, now: MonoTime) {
        self.alive.resize(view.words(), 0);
        for (number, _) in view.slots() {
            let (table, slot) = view.slot(number);
            if table.ttl(slot, now).is_some() {
                self.alive[(number / 64) as usize] |= 1 << (number % 64);
            }
        }
    }

    /// Whoever keeps a copy is to know that a value is gone. A part of the slots at each look.
    fn find_expired(&mut self, view: &View, now: MonoTime) {
        let words = self.alive.len();
        for _ in 0..words.div_ceil(LOOKS_PER_ROUND) {
            self.word = (self.word + 1) % words.max(1);
            let Some(alive) = self.alive.get_mut(self.word) else { return };
            let (mut rest, mut gone) = (*alive, 0_u64);
            while rest != 0 {
                let place = rest.trailing_zeros();
                rest &= rest - 1;
                let Ok(slot) = u32::try_from(self.word * 64) else { continue };
                let (table, slot) = view.slot(slot + place);
                if table.ttl(slot, now).is_none() {
                    gone |= 1 << place;
                }
            }
            if gone != 0 {
                *alive &= !gone;
                self.changed.push((self.word, gone));
            }
        }
    }
}
