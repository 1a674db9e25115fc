//! One Redis server as the pipeline sees it: is there a connection, and what is unanswered on it.
//!
//! Owns the batches in flight, the state of the replies, and what is to be done besides values. Never touches a socket.
//! [`IN_FLIGHT_MAX`] batches; at most one errand of each kind a feed.

use std::collections::VecDeque;

use crate::domain::MonoTime;

use super::super::FeedIndex;
use super::super::batch::Batch;
use super::super::lease::Ask;
use super::super::reply::ReplyScanner;
use super::{IN_FLIGHT_MAX, PING_EVERY, SILENCE_MAX};

/// Whether there is a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Link {
    /// There is no Redis: the table is the store.
    Embedded,
    /// No connection.
    Down,
    /// Handshake done.
    Up,
}

/// Something to be said besides values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Errand {
    /// The texts of the scripts.
    Scripts,
    /// A question to a lease.
    Lease(FeedIndex, Ask),
    /// The heartbeat of a feed.
    Heartbeat(FeedIndex),
    /// That this engine lives.
    Sign,
    /// That it does not any more.
    Leave,
}

/// One Redis server.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) link: Link,
    pub(super) in_flight: VecDeque<Batch>,
    pub(super) spare: Vec<Batch>,
    pub(super) scanner: ReplyScanner,
    pub(super) errands: VecDeque<Errand>,
    /// Whether this engine has said on this connection that it lives.
    pub(super) signed: bool,
    /// When bytes last came from it.
    pub(super) heard: MonoTime,
    /// Until when no value is sent.
    pub(super) paused_until: Option<MonoTime>,
    /// When held values may go.
    pub(super) release_at: Option<MonoTime>,
    /// Until when each key is written by itself, because keys are being moved.
    pub(super) alone_until: Option<MonoTime>,
}

impl Node {
    pub(super) fn new(link: Link) -> Self {
        Self {
            link,
            in_flight: VecDeque::with_capacity(IN_FLIGHT_MAX),
            spare: (0..IN_FLIGHT_MAX).map(|_| Batch::default()).collect(),
            scanner: ReplyScanner::new(),
            errands: VecDeque::new(),
            signed: false,
            heard: MonoTime::default(),
            paused_until: None,
            release_at: None,
            alone_until: None,
        }
    }

    pub(super) fn is_up(&self) -> bool {
        self.link == Link::Up
    }

    /// A batch that the socket has not wholly taken closes the window: Redis is slow, or the network is.
    #[inline]
    pub(super) fn window_is_open(&self) -> bool {
        let Some(last) = self.in_flight.back() else { return true };
        self.in_flight.len() < IN_FLIGHT_MAX && last.unsent().is_empty()
    }

    /// What the socket is to take next.
    #[inline]
    pub(super) fn output(&self) -> &[u8] {
        self.in_flight.back().map_or(&[], |batch| batch.unsent())
    }

    pub(super) fn connected(&mut self, now: MonoTime) {
        assert!(self.link == Link::Down && self.in_flight.is_empty(), "one connection at a time");
        self.link = Link::Up;
        self.heard = now;
        self.scanner.reset();
        self.errands.clear();
        self.signed = false;
        (self.paused_until, self.release_at, self.alone_until) = (None, None, None);
    }

    /// When something must be asked or given up, or a pause ends.
    pub(super) fn deadline(&self) -> MonoTime {
        let liveness = match self.in_flight.front() {
            Some(batch) => batch.sent.mono.max(self.heard).after(SILENCE_MAX),
            None => self.heard.after(PING_EVERY),
        };
        [self.paused_until, self.release_at].into_iter().flatten().fold(liveness, MonoTime::min)
    }

    pub(super) fn batch(&mut self) -> Batch {
        self.spare.pop().unwrap_or_default()
    }

    pub(super) fn retire(&mut self, mut batch: Batch) {
        batch.clear();
        self.spare.push(batch);
    }

    /// Adds an errand that does not wait already.
    pub(super) fn send_soon(&mut self, errand: Errand) {
        if !self.errands.contains(&errand) {
            self.errands.push_back(errand);
        }
    }
}
