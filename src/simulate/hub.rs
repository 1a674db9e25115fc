//! Who gets which frame.
//!
//! Owns the routes from streams to sessions and the sessions' queues. A source takes the [`Router`] (one short lock),
//! advances its own state, pushes the frames of that advance, and sends the deliveries after the lock is released: a
//! session that subscribes in between sees either the whole advance or none of it, so a snapshot asked for after an
//! acknowledgement is never older than the deltas that were missed. Each queue holds at most [`MARKET_QUEUE_BATCHES`] or
//! [`REPLAY_QUEUE_BATCHES`] batches.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::AbortHandle;
use tokio_tungstenite::tungstenite::Utf8Bytes;

use super::fault::Break;
use crate::clock;
use crate::domain::MonoTime;

/// Batches that wait for a session of a made-up market, one a step: 2 s at the default step. Beyond them it is ended.
pub(super) const MARKET_QUEUE_BATCHES: usize = 1024;
/// Batches that wait for a session of a replay. Beyond them the replay waits.
pub(super) const REPLAY_QUEUE_BATCHES: usize = 16;
/// The most frames in a batch of a replay.
pub(super) const BATCH_FRAMES: usize = 256;

/// One of the source's streams.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct StreamId(pub(super) u32);

impl StreamId {
    pub(super) fn index(self) -> usize {
        usize::try_from(self.0).expect("32 bits fit")
    }
}

/// A subscription's number; they count up. A frame that was queued for an earlier subscription than the one that stands is
/// not sent: its snapshot is newer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Subscription(u64);

/// A frame on its way, as the venue words it; Binance's in the combined form.
#[derive(Debug, Clone)]
pub(super) struct Outgoing {
    pub(super) stream: StreamId,
    /// The subscription that it belongs to.
    pub(super) subscription: Subscription,
    pub(super) text: Utf8Bytes,
}

/// What a session is told.
#[derive(Debug)]
pub(super) enum Command {
    Frames(Vec<Outgoing>),
    /// Answered when all that was queued before it is in the socket.
    Barrier(oneshot::Sender<()>),
    /// What a new client is told is another thing now.
    Hello,
    Close {
        code: u16,
        reason: &'static str,
    },
    Break(Break),
}

/// A session's number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct SessionId(u64);

impl SessionId {
    pub(super) fn number(self) -> u64 {
        self.0
    }
}

/// A new subscription, and what comes first.
#[derive(Debug)]
pub(super) struct Greeting {
    pub(super) stream: StreamId,
    pub(super) subscription: Subscription,
    pub(super) text: Option<Utf8Bytes>,
}

/// What subscriptions there are; a replay starts by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Activity {
    /// When the last request to subscribe was acknowledged.
    pub(super) last: MonoTime,
    /// Streams of the source with a subscriber.
    pub(super) covered: usize,
}

#[derive(Debug)]
pub(super) struct Hub {
    names: Vec<Arc<str>>,
    /// For each stream, the one whose recording it is told from: itself, mostly.
    bases: Vec<StreamId>,
    ids: HashMap<Arc<str>, StreamId>,
    routes: Mutex<Routes>,
    activity: watch::Sender<Activity>,
    next: AtomicU64,
    queue_batches: usize,
}

#[derive(Debug)]
struct Routes {
    /// The sessions' slots and subscriptions, per stream.
    streams: Vec<Vec<(usize, Subscription)>>,
    subscriptions: u64,
    sessions: Vec<Option<Link>>,
}

#[derive(Debug)]
struct Link {
    id: SessionId,
    queue: mpsc::Sender<Command>,
    task: Option<AbortHandle>,
    pending: Vec<Outgoing>,
    /// About to be closed: it subscribes to nothing any more.
    retired: bool,
}

/// A batch for one session.
#[derive(Debug)]
pub(super) struct Delivery {
    pub(super) session: SessionId,
    pub(super) queue: mpsc::Sender<Command>,
    pub(super) frames: Vec<Outgoing>,
}

impl Hub {
    /// `told` holds the streams told from another's recording: its id is given, theirs follow the others'.
    pub(super) fn new(
        mut names: Vec<Arc<str>>,
        told: Vec<(Arc<str>, StreamId)>,
        queue_batches: usize,
    ) -> Self {
        let id = |index: usize| StreamId(u32::try_from(index).expect("fewer streams than 32 bits count"));
        let mut bases: Vec<StreamId> = (0..names.len()).map(id).collect();
        for (name, base) in told {
            names.push(name);
            bases.push(base);
        }
        let ids = names.iter().enumerate().map(|(index, name)| (name.clone(), id(index))).collect();
        let routes =
            Routes { streams: vec![Vec::new(); names.len()], subscriptions: 0, sessions: Vec::new() };
        Self {
            names,
            bases,
            ids,
            routes: Mutex::new(routes),
            activity: watch::Sender::default(),
            next: AtomicU64::new(1),
            queue_batches,
        }
    }

    pub(super) fn name(&self, stream: StreamId) -> &Arc<str> {
        &self.names[stream.index()]
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(|name| &**name)
    }

    /// Streams with a recording or market of their own.
    pub(super) fn streams(&self) -> usize {
        self.bases.iter().enumerate().filter(|(index, base)| base.index() == *index).count()
    }

    pub(super) fn activity(&self) -> watch::Receiver<Activity> {
        self.activity.subscribe()
    }

    /// A new session, without subscriptions.
    pub(super) fn join(&self) -> (SessionId, mpsc::Receiver<Command>) {
        let id = SessionId(self.next.fetch_add(1, Ordering::Relaxed));
        let (queue, receiver) = mpsc::channel(self.queue_batches);
        let link = Link { id, queue, task: None, pending: Vec::new(), retired: false };
        let mut routes = self.lock();
        match routes.sessions.iter().position(Option::is_none) {
            Some(slot) => routes.sessions[slot] = Some(link),
            None => routes.sessions.push(Some(link)),
        }
        (id, receiver)
    }

    /// Says by which task a session can be ended at once.
    pub(super) fn set_task(&self, session: SessionId, task: AbortHandle) {
        let mut routes = self.lock();
        if let Some(slot) = routes.slot(session) {
            routes.sessions[slot].as_mut().expect("the slot was found by its session").task = Some(task);
        }
    }

    /// Ends a session at once, as a venue does with a client that does not read.
    pub(super) fn abort(&self, session: SessionId) {
        let task = {
            let routes = self.lock();
            let slot = routes.slot(session);
            slot.and_then(|slot| routes.sessions[slot].as_ref()).and_then(|link| link.task.clone())
        };
        if let Some(task) = task {
            task.abort();
        }
        self.leave(session);
    }

    /// Forgets a session and its subscriptions.
    pub(super) fn leave(&self, session: SessionId) {
        let mut routes = self.lock();
        let Some(slot) = routes.slot(session) else { return };
        routes.sessions[slot] = None;
        routes.streams.iter_mut().for_each(|sessions| sessions.retain(|(other, _)| *other != slot));
        self.note(&routes, None);
    }

    /// Subscribes a session to a stream. A stream that the source does not have stays silent. `greet` says, while no frame
    /// can come in between, what a new subscriber is told first; its argument is whether there are others already. A
    /// subscription that stands already stays.
    pub(super) fn subscribe(
        &self,
        session: SessionId,
        name: &str,
        greet: impl FnOnce(StreamId, bool) -> Option<String>,
    ) -> Option<Greeting> {
        let mut routes = self.lock();
        let (stream, slot) = (*self.ids.get(name)?, routes.slot(session)?);
        let retired = routes.sessions[slot].as_ref().is_some_and(|link| link.retired);
        let sessions = &routes.streams[stream.index()];
        if retired || sessions.iter().any(|(other, _)| *other == slot) {
            return None;
        }
        let is_wanted = !sessions.is_empty();
        routes.subscriptions += 1;
        let subscription = Subscription(routes.subscriptions);
        routes.streams[stream.index()].push((slot, subscription));
        let text = greet(stream, is_wanted).map(Utf8Bytes::from);
        Some(Greeting { stream, subscription, text })
    }

    /// Ends a subscription.
    pub(super) fn unsubscribe(&self, session: SessionId, name: &str) -> Option<StreamId> {
        let mut routes = self.lock();
        let (stream, slot) = (*self.ids.get(name)?, routes.slot(session)?);
        routes.streams[stream.index()].retain(|(other, _)| *other != slot);
        self.note(&routes, None);
        Some(stream)
    }

    /// Notes that a request to subscribe was acknowledged.
    pub(super) fn acknowledged(&self) {
        let routes = self.lock();
        self.note(&routes, Some(clock::mono()));
    }

    fn note(&self, routes: &Routes, request: Option<MonoTime>) {
        let heard = self.bases.iter().zip(&routes.streams).filter(|(_, sessions)| !sessions.is_empty());
        let covered = heard.map(|(base, _)| *base).collect::<HashSet<_>>().len();
        self.activity.send_modify(|activity| {
            activity.covered = covered;
            if let Some(time) = request {
                activity.last = time;
            }
        });
    }

    /// All sessions, to be told something.
    pub(super) fn queues(&self) -> Vec<mpsc::Sender<Command>> {
        self.lock().sessions.iter().flatten().map(|link| link.queue.clone()).collect()
    }

    /// Ends all subscriptions of all sessions for good, and gives the queues, for the sessions to be closed. So a replay
    /// that starts anew waits for new sessions.
    pub(super) fn retire(&self) -> Vec<mpsc::Sender<Command>> {
        let mut routes = self.lock();
        routes.streams.iter_mut().for_each(Vec::clear);
        routes.sessions.iter_mut().flatten().for_each(|link| link.retired = true);
        self.note(&routes, None);
        routes.sessions.iter().flatten().map(|link| link.queue.clone()).collect()
    }

    /// Takes the routes, to push frames.
    pub(super) fn router(&self) -> Router<'_> {
        Router { routes: self.lock() }
    }

    fn lock(&self) -> MutexGuard<'_, Routes> {
        self.routes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Routes {
    fn slot(&self, session: SessionId) -> Option<usize> {
        self.sessions.iter().position(|link| link.as_ref().is_some_and(|link| link.id == session))
    }
}

/// The routes, held while a source advances.
#[derive(Debug)]
pub(super) struct Router<'a> {
    routes: MutexGuard<'a, Routes>,
}

impl Router<'_> {
    /// Whether anyone is subscribed to a stream.
    pub(super) fn wants(&self, stream: StreamId) -> bool {
        !self.routes.streams[stream.index()].is_empty()
    }

    /// Adds a frame to the batches of all its subscribers.
    pub(super) fn push(&mut self, stream: StreamId, text: &Utf8Bytes) {
        let Routes { streams, sessions, .. } = &mut *self.routes;
        for (slot, subscription) in &streams[stream.index()] {
            if let Some(link) = &mut sessions[*slot] {
                link.pending.push(Outgoing { stream, subscription: *subscription, text: text.clone() });
            }
        }
    }

    /// Releases the routes; the deliveries are the caller's to send.
    pub(super) fn finish(mut self) -> Vec<Delivery> {
        let links = self.routes.sessions.iter_mut().flatten().filter(|link| !link.pending.is_empty());
        links
            .map(|link| {
                let room = Vec::with_capacity(link.pending.len());
                let frames = std::mem::replace(&mut link.pending, room);
                Delivery { session: link.id, queue: link.queue.clone(), frames }
            })
            .collect()
    }
}
