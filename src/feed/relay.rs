//! One session of ours over one connection after the other, or over two at a time.
//!
//! Owns the connections ("lanes") of a session and the rule that decides whose frames count. A venue that ends connections after a
//! while gets a new one before it does: the old lane is read until the new one delivers everything. With `redundant` lanes whichever
//! frame comes first is taken where the venue counts its updates; where it does not, the further lanes are warm spares. Never looks
//! at prices. Holds at most [`LANES_MAX`] lanes; at most [`COMMANDS_MAX`] commands wait for one.

use std::cell::{Cell, RefCell, RefMut};
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::sync::{Notify, mpsc, watch};

use super::blamed::Blamed;
use super::conversation::{self, StreamPlan};
use super::error::{Recovery, SessionEnd};
use super::governor::Governor;
use super::path_delay::PathDelay;
use super::session::{self, COMMANDS_MAX, Commands, SessionCommand, SessionHandler, SessionPlan};
use crate::clock;
use crate::domain::{Backoff, Ladder, Link, MarketEvent, MonoTime, Now, Subscription, VenueSequence};
use crate::net::Unfit;

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// Between the end of a connection and the next attempt. Binance allows 300 connects in five minutes from one address; at
/// the last wait a session makes some 35.
const RECONNECT: Ladder = Ladder {
    waits: &[ms(100), ms(200), ms(400), ms(800), ms(1_600), ms(3_200), ms(6_400), ms(10_000)],
    good_after: Duration::from_secs(30),
};

/// Connections of one session at a time: two, and one more while each is replaced.
pub const LANES_MAX: usize = 4;

/// One connection of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Lane(u32);

#[derive(Debug)]
struct Standing {
    lane: Lane,
    /// The lane that goes once this one delivers.
    replaces: Option<Lane>,
    /// Another one is to take its place, or has.
    leaving: Leaving,
    commands: mpsc::Sender<SessionCommand>,
    is_up: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Leaving {
    No,
    /// A successor is wanted, or under way.
    Announced,
    /// The successor delivers.
    Replaced,
}

/// What the lanes of a session share.
pub(super) struct Relay<'a> {
    plan: &'a SessionPlan,
    handler: &'a dyn SessionHandler,
    governor: &'a Governor,
    lanes: RefCell<Vec<Standing>>,
    /// Of each stream, the lane whose frames count where frames carry no ids. `None` = the first one that comes.
    owners: RefCell<Vec<Option<Lane>>>,
    /// The only lane there is: nothing has to be decided.
    sole: Cell<Option<Lane>>,
    wanted: Notify,
    /// Those of the plan, and what they became: some wait for their instruments to be listed.
    streams: RefCell<Vec<StreamPlan>>,
    newest: RefCell<Vec<Newest>>,
    /// Of each stream the newest id that the only lane has brought.
    last: Vec<Cell<Option<VenueSequence>>>,
    /// What is known of the venue's addresses and of the way there, from one connection to the next.
    unfit: Unfit,
    delay: RefCell<PathDelay>,
    /// What may be why connections ended.
    blamed: RefCell<Blamed>,
}

/// The newest id that each lane has brought of a stream.
type Newest = Vec<(Lane, VenueSequence)>;

/// Keeps the session until `stop` becomes true: connects, reads, and connects anew after every end, as often as `governor` lets it.
pub async fn run(
    plan: SessionPlan,
    mut commands: Commands,
    mut stop: watch::Receiver<bool>,
    handler: &dyn SessionHandler,
    governor: &Governor,
) {
    let relay = Relay::new(&plan, handler, governor);
    let (mut backoff, mut next) = (Backoff::new(RECONNECT), 0);
    let mut running = FuturesUnordered::new();
    let mut open = |replaces: Option<Lane>, wait: Duration| {
        let lane = Lane(next);
        next += 1;
        relay.keep(lane, replaces, wait)
    };
    for _ in 0..plan.redundant.max(1) {
        running.push(open(None, Duration::ZERO));
    }
    loop {
        tokio::select! {
            Some((lane, end, lived)) = running.next() => {
                let was_replaced = relay.gone(lane, &end);
                let wait = match end.recovery() {
                    Recovery::Stop => return,
                    Recovery::ReconnectNow => Duration::ZERO,
                    Recovery::Reconnect | Recovery::RetryAfter(_) => {
                        backoff.connection_lived(lived);
                        backoff.next(fastrand::f64())
                    }
                };
                if !was_replaced {
                    running.push(open(None, wait));
                }
            }
            () = relay.wanted.notified() => {
                for lane in relay.successors_due() {
                    running.push(open(Some(lane), Duration::ZERO));
                }
            }
            Some(command) = commands.recv() => relay.command(&command),
            _ = stop.wait_for(|&stop| stop) => {
                handler.down(plan.id, &SessionEnd::Stopping, clock::now());
                return;
            }
        }
    }
}

impl<'a> Relay<'a> {
    fn new(plan: &'a SessionPlan, handler: &'a dyn SessionHandler, governor: &'a Governor) -> Self {
        Self {
            plan,
            handler,
            governor,
            lanes: RefCell::new(Vec::new()),
            owners: RefCell::new(vec![None; plan.streams.len()]),
            sole: Cell::new(None),
            wanted: Notify::new(),
            streams: RefCell::new(plan.streams.clone()),
            newest: RefCell::new(vec![Newest::new(); plan.streams.len()]),
            last: vec![Cell::new(None); plan.streams.len()],
            unfit: Unfit::default(),
            delay: RefCell::default(),
            blamed: RefCell::default(),
        }
    }

    /// One lane, from the wait before its connecting to its end, and how long it lived.
    async fn keep(&self, lane: Lane, replaces: Option<Lane>, wait: Duration) -> (Lane, SessionEnd, Duration) {
        let (sender, mut commands) = mpsc::channel(COMMANDS_MAX);
        let leaving = Leaving::No;
        self.lanes.borrow_mut().push(Standing { lane, replaces, leaving, commands: sender, is_up: false });
        tokio::time::sleep(wait).await;
        let leave = self.governor.connect().await;
        let started = clock::mono();
        let end = session::once(self.plan, lane, &mut commands, self, leave).await;
        (lane, end, clock::mono().since(started))
    }

    /// As they are now.
    pub(super) fn streams(&self) -> Vec<StreamPlan> {
        self.streams.borrow().clone()
    }

    pub(super) const fn handler(&self) -> &'a dyn SessionHandler {
        self.handler
    }

    /// What may be why connections ended.
    pub(super) const fn blamed(&self) -> &RefCell<Blamed> {
        &self.blamed
    }

    /// Addresses that were of no use.
    pub(super) const fn unfit(&self) -> &Unfit {
        &self.unfit
    }

    /// How late answers are. Never held while waiting.
    pub(super) fn delay(&self) -> RefMut<'_, PathDelay> {
        self.delay.borrow_mut()
    }

    /// A lane stands.
    pub(super) fn up(&self, lane: Lane, now: Now) {
        let mut lanes = self.lanes.borrow_mut();
        let is_first = !lanes.iter().any(|standing| standing.is_up);
        if let Some(standing) = lanes.iter_mut().find(|standing| standing.lane == lane) {
            standing.is_up = true;
        }
        self.count(&lanes);
        drop(lanes);
        if is_first {
            self.handler.up(self.plan.id, now);
        }
    }

    /// A lane has ended: whether another one has taken its place already.
    fn gone(&self, lane: Lane, end: &SessionEnd) -> bool {
        let mut lanes = self.lanes.borrow_mut();
        let Some(place) = lanes.iter().position(|standing| standing.lane == lane) else { return false };
        let left = lanes.remove(place);
        // Its successor takes over at once, whether or not it delivers already.
        let successor = lanes.iter_mut().find(|standing| standing.replaces == Some(lane));
        let has_successor = successor.is_some();
        if let Some(successor) = successor {
            successor.replaces = None;
        }
        let heir = lanes.iter().find(|standing| standing.is_up).map(|standing| standing.lane);
        self.count(&lanes);
        drop(lanes);
        self.newest.borrow_mut().iter_mut().for_each(|newest| newest.retain(|(of, _)| *of != lane));
        let mut owners = self.owners.borrow_mut();
        let orphaned: Vec<usize> = (0..owners.len()).filter(|&stream| owners[stream] == Some(lane)).collect();
        for &stream in &orphaned {
            owners[stream] = heir;
        }
        drop(owners);
        if left.is_up {
            self.hand_over(&orphaned, heir, end);
        } else if heir.is_none() {
            self.handler.down(self.plan.id, end, clock::now());
        }
        has_successor || left.replaces.is_some()
    }

    /// What a lane that stood leaves behind. Books whose updates the venue does not count begin anew on the heir: nobody
    /// knows what was in the frames between.
    fn hand_over(&self, streams: &[usize], heir: Option<Lane>, end: &SessionEnd) {
        let now = clock::now();
        let Some(heir) = heir else {
            return self.handler.down(self.plan.id, end, now);
        };
        self.handler.lane_down(self.plan.id, end);
        if self.plan.counts_updates() {
            return;
        }
        let lanes = self.lanes.borrow();
        let Some(standing) = lanes.iter().find(|standing| standing.lane == heir) else { return };
        for &subscription in streams.iter().flat_map(|&stream| &self.plan.streams[stream].subscriptions) {
            self.handler.interrupted(subscription, now);
            // A full channel means that everything there is made anew already.
            let _ = standing.commands.try_send(SessionCommand::Resubscribe(subscription));
        }
    }

    /// A lane is going to be ended by the venue: a successor is wanted.
    pub(super) fn retire(&self, lane: Lane) {
        let mut lanes = self.lanes.borrow_mut();
        if let Some(standing) = lanes.iter_mut().find(|standing| standing.lane == lane)
            && standing.leaving == Leaving::No
        {
            standing.leaving = Leaving::Announced;
            self.wanted.notify_one();
        }
    }

    fn successors_due(&self) -> Vec<Lane> {
        let lanes = self.lanes.borrow();
        let is_due = |standing: &&Standing| {
            let has_one = lanes.iter().any(|other| other.replaces == Some(standing.lane));
            standing.leaving == Leaving::Announced && !has_one
        };
        let room = LANES_MAX.saturating_sub(lanes.len());
        lanes.iter().filter(is_due).map(|standing| standing.lane).take(room).collect()
    }

    /// Whether a lane is to take the place of another one.
    pub(super) fn is_successor(&self, lane: Lane) -> bool {
        let lanes = self.lanes.borrow();
        lanes.iter().any(|standing| standing.lane == lane && standing.replaces.is_some())
    }

    /// Everything that a lane was asked for is delivered on it: the one that it replaces may go.
    pub(super) fn delivers(&self, lane: Lane) {
        let mut lanes = self.lanes.borrow_mut();
        let Some(standing) = lanes.iter_mut().find(|standing| standing.lane == lane) else { return };
        let Some(replaced) = standing.replaces else { return };
        if let Some(old) = lanes.iter_mut().find(|standing| standing.lane == replaced) {
            old.leaving = Leaving::Replaced;
        }
    }

    /// Whether a lane's work is done by another one.
    pub(super) fn is_replaced(&self, lane: Lane) -> bool {
        let lanes = self.lanes.borrow();
        lanes.iter().any(|standing| standing.lane == lane && standing.leaving == Leaving::Replaced)
    }

    fn command(&self, command: &SessionCommand) {
        if let SessionCommand::Begin(plans) = command {
            conversation::begin(&mut self.streams.borrow_mut(), plans);
        }
        for standing in self.lanes.borrow().iter().filter(|standing| standing.is_up) {
            // A full channel means that everything there is made anew already.
            let _ = standing.commands.try_send(command.clone());
        }
    }

    /// Hands an event of a lane's stream on, unless it is another lane's to bring.
    #[inline]
    pub(super) fn event(
        &self,
        lane: Lane,
        stream: usize,
        subscription: Subscription,
        event: &MarketEvent<'_>,
        received: Now,
    ) {
        if self.sole.get() == Some(lane) {
            self.last[stream].set(id(event));
            self.handler.event(self.plan.id, subscription, event, received);
        } else if self.takes(lane, stream, event) {
            self.handler.event(self.plan.id, subscription, event, received);
        } else {
            self.handler.heard(self.plan.id, received);
        }
    }

    /// Hands on what is said of a stream beside its data: of the lane alone whose data counts.
    pub(super) fn counted(
        &self,
        lane: Lane,
        stream: usize,
        subscription: Subscription,
        newest: VenueSequence,
        received: Now,
    ) {
        if self.sole.get() == Some(lane) || self.owners.borrow()[stream] == Some(lane) {
            let event = MarketEvent::NewestTrade(newest);
            self.handler.event(self.plan.id, subscription, &event, received);
        }
    }

    /// What carries an id is ordered by it, whoever brings it. Anything else is the owner's to bring, and a successor's once it has
    /// something.
    fn takes(&self, lane: Lane, stream: usize, event: &MarketEvent<'_>) -> bool {
        if self.is_late(lane, stream, event) {
            return false;
        }
        let is_ordered = match event {
            MarketEvent::Quote(quote) => quote.venue_sequence.is_some(),
            MarketEvent::Depth(delta) => delta.last.is_some() && delta.link != Link::Unsaid,
            MarketEvent::Trades(trades) => trades.iter().all(|trade| trade.number.is_some()),
            MarketEvent::Book(_)
            | MarketEvent::Volume(_)
            | MarketEvent::Ticker(_)
            | MarketEvent::NewestTrade(_) => false,
        };
        // Ordered or not, a stream has an owner: what the venue says beside its data is that one's to bring.
        let mut owners = self.owners.borrow_mut();
        let owner = *owners[stream].get_or_insert(lane);
        if owner == lane {
            return true;
        }
        let lanes = self.lanes.borrow();
        let succeeds = lanes.iter().any(|standing| standing.lane == lane && standing.replaces == Some(owner));
        // The image of a counted book is behind what its owner brings meanwhile: deltas will do.
        let is_image = matches!(event, MarketEvent::Book(_)) && self.plan.counts_updates();
        let takes_over = succeeds && !is_image;
        if takes_over {
            owners[stream] = Some(lane);
        }
        takes_over || is_ordered
    }

    /// Whether another lane has brought the same or more already, as far as ids tell. A lane whose own ids go back is not late: there the
    /// venue counts anew.
    fn is_late(&self, lane: Lane, stream: usize, event: &MarketEvent<'_>) -> bool {
        let Some(id) = id(event) else { return false };
        let mut streams = self.newest.borrow_mut();
        let newest = &mut streams[stream];
        let others = newest.iter().filter(|(of, _)| *of != lane).map(|(_, newest)| *newest).max();
        let own = newest.iter_mut().find(|(of, _)| *of == lane);
        let goes_back = own.as_ref().is_some_and(|(_, own)| id < *own);
        match own {
            Some((_, own)) => *own = id,
            None => newest.push((lane, id)),
        }
        !goes_back && others.is_some_and(|others| others >= id)
    }

    /// Whether there is anything to decide.
    fn count(&self, lanes: &[Standing]) {
        let mut up = lanes.iter().filter(|standing| standing.is_up);
        let first = up.next().map(|standing| standing.lane);
        let before = self.sole.replace(first.filter(|_| up.next().is_none()));
        if let (Some(lane), None) = (before, self.sole.get()) {
            let mut streams = self.newest.borrow_mut();
            for (newest, last) in streams.iter_mut().zip(&self.last) {
                newest.clear();
                newest.extend(last.take().map(|last| (lane, last)));
            }
        }
    }
}

/// What orders an event among those of its stream, whichever lane brings it; `None` where no id does. Of several trades the newest one
/// does: those that are known already are passed over one by one.
#[inline]
const fn id(event: &MarketEvent<'_>) -> Option<VenueSequence> {
    match event {
        MarketEvent::Quote(quote) => quote.venue_sequence,
        MarketEvent::Depth(delta) => match delta.link {
            Link::From(_) | Link::After(_) => delta.last,
            Link::Unsaid => None,
        },
        MarketEvent::Trades(trades) => match trades.last() {
            Some(trade) => trade.number,
            None => None,
        },
        MarketEvent::Book(_)
        | MarketEvent::Volume(_)
        | MarketEvent::Ticker(_)
        | MarketEvent::NewestTrade(_) => None,
    }
}

/// When a connection of this age must have a successor: a while before the venue ends it, and not all at once.
pub(super) fn retires_after(session_max: Duration, jitter: f64) -> Duration {
    session_max.mul_f64(0.95 - 0.05 * jitter)
}

/// Whether a connection that began at `since` is to be replaced.
pub(super) fn is_old(since: MonoTime, retires_after: Option<Duration>, now: MonoTime) -> bool {
    retires_after.is_some_and(|age| now.since(since) >= age)
}
