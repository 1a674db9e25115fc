//! The feeds of this shard: who may write each, and what is told of it.
//!
//! Owns the leases (or, without a fence, the one epoch), the names of the control keys, and what the last heartbeat said.
//! Never sends anything.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use metrics::{Gauge, counter, gauge};

use crate::codec::FeedRole;
use crate::codec::key::{cluster_slot, epoch_key, feed_channel, lease_key};
use crate::domain::{Epoch, Feed, MonoTime, Namespace, Reason, State};
use crate::telemetry::names;

use super::super::lease::{Lease, LostBy};
use super::Fencing;

/// The heartbeat of a feed.
pub const HEARTBEAT_EVERY: Duration = Duration::from_millis(250);

/// How a feed is, as its sessions see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FeedHealth {
    /// As in a heartbeat.
    pub state: State,
    /// Likewise.
    pub reason: Reason,
    /// Whether another engine could hand the feed to this one without a reader noticing.
    pub warm: bool,
}

/// What lets this engine write a feed.
#[derive(Debug)]
pub(super) enum Right {
    /// There is one engine, by configuration.
    Owned(Epoch),
    /// The lease.
    Leased(Lease),
}

/// One feed.
#[derive(Debug)]
pub(super) struct FeedWriter {
    pub(super) feed: Feed,
    pub(super) lease_key: String,
    pub(super) epoch_key: String,
    pub(super) channel: String,
    /// Of all its control keys.
    pub(super) cluster_slot: u16,
    pub(super) right: Right,
    pub(super) health: FeedHealth,
    pub(super) heartbeat_at: MonoTime,
    /// How often this engine began to write it.
    pub(super) takeovers: Rc<Cell<u64>>,
    held: HeldGauge,
}

/// Gauges have no `Debug`.
struct HeldGauge(Gauge);

impl std::fmt::Debug for HeldGauge {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("HeldGauge")
    }
}

impl FeedWriter {
    pub(super) fn new(feed: &Feed, namespace: &Namespace, fencing: Fencing) -> Self {
        let right = match fencing {
            Fencing::Off(epoch) => Right::Owned(epoch),
            Fencing::On(times) => Right::Leased(Lease::new(times)),
        };
        let lease_key = lease_key(namespace, feed);
        let held = HeldGauge(gauge!(names::LEASE_HELD, "feed" => feed.to_string()));
        held.0.set(f64::from(u8::from(matches!(fencing, Fencing::Off(_)))));
        for why in LostBy::ALL {
            counter!(names::LEASE_LOST, "feed" => feed.to_string(), "why" => why.as_str()).increment(0);
        }
        Self {
            feed: feed.clone(),
            epoch_key: epoch_key(namespace, feed),
            channel: feed_channel(namespace, feed),
            cluster_slot: cluster_slot(&lease_key),
            lease_key,
            right,
            health: FeedHealth { state: State::Suspect, reason: Reason::Connecting, warm: false },
            heartbeat_at: MonoTime::default(),
            takeovers: Rc::new(Cell::new(0)),
            held,
        }
    }

    /// The epoch to write with, if this engine may write now.
    #[inline]
    pub(super) fn authority(&self, now: MonoTime) -> Option<Epoch> {
        match &self.right {
            Right::Owned(epoch) => Some(*epoch),
            Right::Leased(lease) => lease.authority(now),
        }
    }

    /// Whether its values may go to Redis, if there is authority: not before the server of a new connection has confirmed the lease.
    #[inline]
    pub(super) const fn is_confirmed(&self) -> bool {
        match &self.right {
            Right::Owned(_) => true,
            Right::Leased(lease) => lease.is_confirmed(),
        }
    }

    pub(super) const fn lease(&mut self) -> Option<&mut Lease> {
        match &mut self.right {
            Right::Owned(_) => None,
            Right::Leased(lease) => Some(lease),
        }
    }

    /// What the registry says of this engine and the feed.
    pub(super) fn role(&self, now: MonoTime) -> FeedRole {
        match self.authority(now) {
            Some(_) => FeedRole::Owner,
            None if self.health.warm && !self.is_failing() => FeedRole::Ready,
            None => FeedRole::Warming,
        }
    }

    fn is_failing(&self) -> bool {
        match &self.right {
            Right::Owned(_) => false,
            Right::Leased(lease) => lease.is_failing(),
        }
    }

    pub(super) fn took_over(&self, epoch: Epoch) {
        self.takeovers.set(self.takeovers.get() + 1);
        self.held.0.set(1.0);
        tracing::info!(feed = %self.feed, %epoch, "this engine writes the feed");
    }

    /// Rare, so the labels are looked up.
    pub(super) fn stood_down(&self, why: LostBy) {
        self.held.0.set(0.0);
        counter!(names::LEASE_LOST, "feed" => self.feed.to_string(), "why" => why.as_str()).increment(1);
        tracing::warn!(feed = %self.feed, why = why.as_str(), "this engine no longer writes the feed");
    }

    pub(super) fn heartbeat_due(&self, now: MonoTime) -> bool {
        now >= self.heartbeat_at && self.authority(now).is_some()
    }
}
