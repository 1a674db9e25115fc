//! Which follower wants which channel, and which channels are subscribed now.
//!
//! Owns both tables. Never talks to Redis; every lock is held for table operations only. Holds at most [`CHANNELS_MAX`]
//! channels: a further one is refused, said once and counted as not subscribed, so that its follower polls.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tracing::warn;

use super::mailbox::{Keep, Mailbox};

/// Channels that one reader follows.
pub const CHANNELS_MAX: usize = 20_000;

/// Names a connection: what an earlier one says of a channel must not undo what a later one has said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct SessionNumber(pub(super) u64);

#[derive(Debug)]
struct Follower {
    id: u64,
    keep: Keep,
    mailbox: Arc<Mailbox>,
}

#[derive(Debug, Default)]
struct Channel {
    followers: Vec<Follower>,
    subscribed: Option<SessionNumber>,
}

#[derive(Debug, Default)]
struct Tables {
    channels: HashMap<Arc<str>, Channel>,
    full: bool,
}

#[derive(Debug, Default)]
pub(super) struct Book {
    tables: Mutex<Tables>,
}

impl Book {
    /// Adds a follower of a channel; `false` when it was one already, or when there is no room.
    pub(super) fn follow(&self, id: u64, channel: &Arc<str>, keep: Keep, mailbox: &Arc<Mailbox>) -> bool {
        let mut tables = self.lock();
        if tables.channels.len() >= CHANNELS_MAX && !tables.channels.contains_key(channel) {
            if !std::mem::replace(&mut tables.full, true) {
                warn!(channels_max = CHANNELS_MAX, "no more channels are followed, further keys are polled");
            }
            return false;
        }
        let entry = tables.channels.entry(Arc::clone(channel)).or_default();
        if entry.followers.iter().any(|follower| follower.id == id) {
            return false;
        }
        entry.followers.push(Follower { id, keep, mailbox: Arc::clone(mailbox) });
        if entry.subscribed.is_some() {
            mailbox.rise(channel);
        }
        true
    }

    pub(super) fn leave(&self, id: u64, channel: &str) {
        let mut tables = self.lock();
        let Some(entry) = tables.channels.get_mut(channel) else { return };
        entry.followers.retain(|follower| follower.id != id);
        if entry.followers.is_empty() {
            tables.channels.remove(channel);
        }
    }

    /// Every channel that somebody follows.
    pub(super) fn wanted(&self) -> BTreeSet<Arc<str>> {
        self.lock().channels.keys().cloned().collect()
    }

    pub(super) fn is_wanted(&self, channel: &str) -> bool {
        self.lock().channels.contains_key(channel)
    }

    /// Hands a message to whoever follows its channel.
    pub(super) fn deliver(&self, channel: &str, message: &[u8]) {
        let tables = self.lock();
        let Some((name, entry)) = tables.channels.get_key_value(channel) else { return };
        let message: Arc<[u8]> = message.into();
        for follower in &entry.followers {
            follower.mailbox.put(name, follower.keep, Arc::clone(&message));
        }
    }

    pub(super) fn rise(&self, session: SessionNumber, channels: &[Arc<str>]) {
        let mut tables = self.lock();
        for channel in channels {
            let Some(entry) = tables.channels.get_mut(channel) else { continue };
            entry.subscribed = Some(session);
            entry.followers.iter().for_each(|follower| follower.mailbox.rise(channel));
        }
    }

    pub(super) fn fall<'a>(&self, session: SessionNumber, channels: impl IntoIterator<Item = &'a Arc<str>>) {
        let mut tables = self.lock();
        for channel in channels {
            let Some(entry) = tables.channels.get_mut(channel) else { continue };
            if entry.subscribed == Some(session) {
                entry.subscribed = None;
                entry.followers.iter().for_each(|follower| follower.mailbox.fall(channel));
            }
        }
    }

    /// A panic elsewhere leaves nothing half done in here.
    fn lock(&self) -> MutexGuard<'_, Tables> {
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn followed(book: &Book, id: u64, channel: &Arc<str>) -> Arc<Mailbox> {
        let mailbox = Arc::default();
        assert!(book.follow(id, channel, Keep::Event, &mailbox));
        mailbox
    }

    #[test]
    fn a_message_reaches_whoever_follows_its_channel() {
        let (book, channel) = (Book::default(), Arc::from("channel"));
        let (first, second) = (followed(&book, 1, &channel), followed(&book, 2, &channel));
        assert!(!book.follow(1, &channel, Keep::Event, &first), "once is enough");
        book.deliver("channel", b"a");
        book.leave(1, "channel");
        book.deliver("channel", b"b");
        book.deliver("other", b"c");
        assert_eq!((first.take().events.len(), second.take().events.len()), (1, 2));
        book.leave(2, "channel");
        assert!(book.wanted().is_empty());
    }

    #[test]
    fn whoever_comes_later_learns_that_a_channel_is_subscribed() {
        let (book, channel) = (Book::default(), Arc::from("channel"));
        let first = followed(&book, 1, &channel);
        assert!(first.take().is_empty());
        book.rise(SessionNumber(1), std::slice::from_ref(&channel));
        let second = followed(&book, 2, &channel);
        assert_eq!((first.take().risen.len(), second.take().risen.len()), (1, 1));
    }

    #[test]
    fn the_end_of_an_earlier_connection_says_nothing_of_a_later_one() {
        let (book, channel) = (Book::default(), Arc::from("channel"));
        let mailbox = followed(&book, 1, &channel);
        book.rise(SessionNumber(1), std::slice::from_ref(&channel));
        book.rise(SessionNumber(2), std::slice::from_ref(&channel));
        mailbox.take();
        book.fall(SessionNumber(1), [&channel]);
        assert!(mailbox.take().is_empty());
        book.fall(SessionNumber(2), [&channel]);
        assert_eq!(mailbox.take().fallen, [channel]);
    }
}
