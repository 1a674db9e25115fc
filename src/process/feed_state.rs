//! Everything that is known about the instruments of one feed, and the entry points of this stage.
//!
//! Owns the instruments, what was last heard of each session, and the requests that wait for the caller. Never acts by
//! itself: events, ticks and session changes come in as calls, with their time. Requests are bounded by
//! [`REQUESTS_MAX`]; a further one is dropped and asked again at a later tick.

use std::collections::VecDeque;
use std::time::Duration;

use super::book::Book;
use super::counts::Counts;
use super::instrument::{Context, InstrumentState, Slots};
use super::intake::Outcome;
use super::lag::Lags;
use super::liquidity::LiquidityKey;
use super::outlet::{Changes, Outlet, Outlets};
use super::schedule::Schedule;
use super::stamps::{self, ClockOffset};
use crate::domain::{
    Channel, Entity, EntityDurations, EventPolicy, InstrumentId, MarketEvent, MarketRules, MonoTime, Now,
    Quote, Reason, Request, SessionId, SlotId, State, Subscription, Trading, UpdateSink,
};

/// Requests that wait at most: three for each instrument of the largest feed.
const REQUESTS_MAX: usize = 3 * crate::domain::INSTRUMENTS_MAX;

/// An instrument of the feed: which entities it has and where their values go.
#[derive(Debug, Clone)]
pub struct InstrumentSpec {
    /// The slot of each entity that is configured.
    pub slots: Vec<(Entity, SlotId)>,
    /// Levels a side of `liquidity`.
    pub depth: usize,
    /// Which session carries which channel. A price that is made from the book has its quotes where the book is.
    pub sessions: Vec<(Channel, SessionId)>,
    /// What it is like.
    pub rules: MarketRules,
}

#[derive(Debug, Clone, Default)]
struct Session {
    heard: Option<Now>,
    lags: Lags,
}

/// All instruments of one feed.
#[derive(Debug)]
pub struct FeedState {
    instruments: Vec<InstrumentState>,
    homes: Vec<[Option<SessionId>; 4]>,
    sessions: Vec<Session>,
    requests: VecDeque<Request>,
    counts: Counts,
    outlets: Outlets,
    congestion: Duration,
    schedule: Schedule,
    /// What is due, kept for its memory.
    due: Vec<u32>,
    phase: Phase,
    clock: ClockOffset,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Running,
    Stopped,
}

impl FeedState {
    /// All instruments suspect (connecting). `silence`: how long each entity's channel may be quiet at most before a probe must confirm it.
    /// `congestion`: how much longer than at best a frame may take; zero = as long as it likes. `policy`: which events are made.
    /// [`InstrumentId`] is the place in `specs`, [`SessionId`] below `sessions`.
    #[must_use]
    pub fn new(
        specs: &[InstrumentSpec],
        sessions: usize,
        silence: EntityDurations,
        congestion: Duration,
        policy: EventPolicy,
        now: Now,
    ) -> Self {
        let instruments = specs.iter().zip(0_u32..).map(|(spec, index)| {
            let slot =
                |wanted| spec.slots.iter().find(|(entity, _)| *entity == wanted).map(|&(_, slot)| slot);
            let slots = Slots {
                price: slot(Entity::Price),
                liquidity: slot(Entity::Liquidity),
                volume: slot(Entity::Volume),
            };
            InstrumentState::new(InstrumentId(index), slots, spec.depth, spec.rules, silence, now)
        });
        let home = |spec: &InstrumentSpec| {
            Channel::ALL.map(|wanted| {
                spec.sessions.iter().find(|(channel, _)| *channel == wanted).map(|&(_, session)| session)
            })
        };
        Self {
            instruments: instruments.collect(),
            homes: specs.iter().map(home).collect(),
            sessions: vec![Session::default(); sessions],
            requests: VecDeque::new(),
            counts: Counts::default(),
            outlets: Outlets::new(policy, specs.len()),
            congestion,
            schedule: Schedule::new(u32::try_from(specs.len()).expect("a feed has few instruments")),
            due: Vec::new(),
            phase: Phase::Running,
            clock: ClockOffset::default(),
        }
    }

    /// Publishes every key as it is: suspect (connecting) at the start.
    pub fn announce(&mut self, now: Now, sink: &mut dyn UpdateSink) {
        for instrument in &mut self.instruments {
            instrument.announce(now, &mut self.outlets.of(instrument.id(), sink));
        }
    }

    /// A frame of any kind came in on a session (a pong, an acknowledgement): the session lives.
    pub fn heard(&mut self, session: SessionId, received: Now) {
        if let Some(session) = self.sessions.get_mut(session.0 as usize) {
            session.heard = Some(received);
        }
    }

    /// An event of a subscription came in on a session, read from the socket at `received`.
    #[inline]
    pub fn event(
        &mut self,
        session: SessionId,
        subscription: Subscription,
        event: &MarketEvent<'_>,
        received: Now,
        sink: &mut dyn UpdateSink,
    ) {
        self.follow_clock(received);
        let believable = stamps::believable(event, received.wall);
        self.counts.absurd_stamps += u64::from(believable.is_some());
        let event = believable.as_ref().unwrap_or(event);
        let mut doubt = Reason::None;
        if let Some(session) = self.sessions.get_mut(session.0 as usize) {
            session.heard = Some(received);
            doubt = session.lags.doubt(subscription.channel, event, received, self.congestion);
        }
        let outcome = self.with(subscription.instrument, received, sink, |instrument, context| {
            context.heard = Some(received);
            context.doubt = doubt;
            instrument.event(event, context)
        });
        self.count(subscription, outcome);
    }

    /// Where this machine's wall clock was set, its stamps go with it: ages stay what they are, and the next confirmation publishes them.
    #[inline]
    fn follow_clock(&mut self, now: Now) {
        if let Some(step) = self.clock.step(now) {
            self.clock_stepped(step);
        }
    }

    #[cold]
    fn clock_stepped(&mut self, nanos: i64) {
        self.counts.clock_steps += 1;
        self.counts.last_clock_step_ns = nanos;
        self.instruments.iter_mut().for_each(|instrument| instrument.shift(nanos));
        for heard in self.sessions.iter_mut().filter_map(|session| session.heard.as_mut()) {
            heard.wall = heard.wall.shifted(nanos);
        }
    }

    /// A session ended: everything that it carries is suspect at once.
    pub fn session_down(&mut self, session: SessionId, now: Now, sink: &mut dyn UpdateSink) {
        if let Some(session) = self.sessions.get_mut(session.0 as usize) {
            session.heard = None;
        }
        self.carried(session, None, sink, |instrument, channel, out| {
            // The next one says by itself whether the venue trades.
            instrument.trading(channel, Trading::Open, now, out);
            instrument.fail(channel, Reason::Disconnected, now, out);
            instrument.restart(channel);
        });
    }

    /// The venue trades what a session carries, or of that an instrument, or does not, until it says otherwise or the session ends.
    pub fn trading(
        &mut self,
        session: SessionId,
        of: Option<InstrumentId>,
        trading: Trading,
        now: Now,
        sink: &mut dyn UpdateSink,
    ) {
        let say = |instrument: &mut InstrumentState, channel, out: &mut Outlet<'_>| {
            instrument.trading(channel, trading, now, out);
            if trading == Trading::Open && of.is_some() {
                // Newer than the list, and of this very instrument.
                instrument.trades_again(now, out);
            }
        };
        self.carried(session, of, sink, say);
    }

    /// Does something for each channel that a session carries of each instrument, or of one.
    fn carried(
        &mut self,
        session: SessionId,
        of: Option<InstrumentId>,
        sink: &mut dyn UpdateSink,
        mut act: impl FnMut(&mut InstrumentState, Channel, &mut Outlet<'_>),
    ) {
        if self.phase == Phase::Stopped {
            return;
        }
        let (skip, take) = of.map_or((0, usize::MAX), |of| (of.0 as usize, 1));
        for (instrument, home) in self.instruments.iter_mut().zip(&self.homes).skip(skip).take(take) {
            for channel in Channel::ALL.into_iter().filter(|channel| home[*channel as usize] == Some(session))
            {
                act(instrument, channel, &mut self.outlets.of(instrument.id(), sink));
            }
        }
    }

    /// What a subscription brings next does not continue what it brought before.
    pub fn interrupted(&mut self, subscription: Subscription, now: Now, sink: &mut dyn UpdateSink) {
        let _ = self.with(subscription.instrument, now, sink, |instrument, context| {
            instrument.fail(subscription.channel, Reason::Disconnected, now, &mut context.out);
            instrument.restart(subscription.channel);
            Outcome::Taken
        });
    }

    /// A subscription was acknowledged, and nothing came.
    pub fn no_first_data(&mut self, subscription: Subscription, now: Now, sink: &mut dyn UpdateSink) {
        let _ = self.with(subscription.instrument, now, sink, |instrument, context| {
            instrument.fail(subscription.channel, Reason::NoFirstData, now, &mut context.out);
            Outcome::Taken
        });
    }

    /// A frame came in on a session that was not understood, and may have changed what these bring.
    pub fn undecodable(
        &mut self,
        session: SessionId,
        of: &[Subscription],
        received: Now,
        sink: &mut dyn UpdateSink,
    ) {
        self.heard(session, received);
        for &subscription in of {
            let _ = self.with(subscription.instrument, received, sink, |instrument, context| {
                instrument.unreadable(subscription.channel, context);
                Outcome::Taken
            });
        }
    }

    /// The venue refuses these subscriptions.
    pub fn refused(&mut self, of: &[Subscription], now: Now, sink: &mut dyn UpdateSink) {
        for &subscription in of {
            let _ = self.with(subscription.instrument, now, sink, |instrument, context| {
                instrument.fail(subscription.channel, Reason::Refused, now, &mut context.out);
                instrument.restart(subscription.channel);
                Outcome::Taken
            });
        }
    }

    /// The book of a snapshot that was asked for; the call was sent at `asked`.
    pub fn snapshot(
        &mut self,
        instrument: InstrumentId,
        book: Book,
        asked: MonoTime,
        now: Now,
        sink: &mut dyn UpdateSink,
    ) {
        let outcome =
            self.with(instrument, now, sink, |instrument, context| instrument.snapshot(book, asked, context));
        self.count(Subscription { instrument, channel: Channel::Depth }, outcome);
    }

    /// A snapshot that was asked for could not be had; the next tick asks again.
    pub fn snapshot_failed(&mut self, instrument: InstrumentId) {
        if let Some(liquidity) =
            self.instruments.get_mut(instrument.0 as usize).and_then(|one| one.liquidity.as_mut())
        {
            liquidity.snapshot_failed();
        }
    }

    /// The top of book that a [`Request::ConfirmQuote`] brought; the call was sent at `asked`.
    pub fn quote_confirmation(
        &mut self,
        instrument: InstrumentId,
        quote: &Quote,
        asked: MonoTime,
        now: Now,
        sink: &mut dyn UpdateSink,
    ) {
        let _ = self.with(instrument, now, sink, |instrument, context| {
            instrument.confirm_quote(quote, asked, context);
            Outcome::Taken
        });
    }

    /// Confirms what is quiet, doubts what is too quiet, asks for what is missing. Call it every 50 to 100 ms.
    pub fn tick(&mut self, now: Now, sink: &mut dyn UpdateSink) {
        if self.phase == Phase::Stopped {
            return;
        }
        self.follow_clock(now);
        let sessions = &self.sessions;
        let requests = &mut self.requests;
        let absurd_stamps = &mut self.counts.absurd_stamps;
        self.schedule.take(now.mono, &mut self.due);
        for index in self.due.drain(..) {
            let place = index as usize;
            let (Some(instrument), Some(home)) = (self.instruments.get_mut(place), self.homes.get(place))
            else {
                continue;
            };
            let heard = |channel: Channel| {
                home[channel as usize].and_then(|session| sessions.get(session.0 as usize)?.heard)
            };
            let mut ask = |request| ask(requests, request);
            let out = self.outlets.of(instrument.id(), sink);
            let context = &mut Context {
                now,
                heard: None,
                doubt: Reason::None,
                out,
                requests: &mut ask,
                absurd_stamps,
            };
            instrument.tick(&heard, context);
            self.schedule.put(index, instrument.next_look(now.mono));
        }
    }

    /// Publishes every key as suspect (writer stopping). Later events change nothing.
    pub fn stop(&mut self, now: Now, sink: &mut dyn UpdateSink) {
        for instrument in &mut self.instruments {
            for channel in Channel::ALL {
                instrument.fail(
                    channel,
                    Reason::WriterStopping,
                    now,
                    &mut self.outlets.of(instrument.id(), sink),
                );
            }
        }
        self.phase = Phase::Stopped;
    }

    /// Somebody doubts the values of an instrument: each is published again ahead of other values, with an event that says
    /// `who` and `why`, and the venue is asked whether they stand.
    pub fn invalidate(
        &mut self,
        instrument: InstrumentId,
        who: &str,
        why: &str,
        now: Now,
        sink: &mut dyn UpdateSink,
    ) {
        let _ = self.with(instrument, now, sink, |instrument, context| {
            instrument.invalidate(who, why, context);
            Outcome::Taken
        });
    }

    /// This writer's values count from now on: later ones are compared with what is live now, and what was told before
    /// counts against no limit.
    pub fn taken_over(&mut self, now: Now) {
        self.outlets.restart(now.mono);
        for instrument in &mut self.instruments {
            instrument.renew(self.outlets.policy());
        }
    }

    /// The next request, oldest first.
    pub fn next_request(&mut self) -> Option<Request> {
        self.requests.pop_front()
    }

    /// How many keys are in each state, in the order of [`State::ALL`].
    #[must_use]
    pub fn states(&self) -> [u32; 3] {
        let mut states = [0; 3];
        for state in self.instruments.iter().flat_map(InstrumentState::states) {
            let index = State::ALL.iter().position(|&known| known == state);
            states[index.expect("ALL holds every state")] += 1;
        }
        states
    }

    /// Changes of state since the last call.
    pub fn take_changes(&mut self) -> Changes {
        self.outlets.take_changes()
    }

    /// The book of an instrument as it is known, which may not be to be trusted; in the venue's own units.
    #[must_use]
    pub fn book(&self, instrument: InstrumentId) -> Option<&Book> {
        self.instruments.get(instrument.0 as usize)?.liquidity.as_ref().map(LiquidityKey::book)
    }

    /// How many checksums came with books, and how many of them held.
    #[must_use]
    pub fn checksums(&self, instrument: InstrumentId) -> (u64, u64) {
        let checksums = self.instruments.get(instrument.0 as usize).map(InstrumentState::checksums);
        checksums.map_or((0, 0), |checksums| (checksums.compared, checksums.held))
    }

    /// What happened since the last call.
    pub fn take_counts(&mut self) -> Counts {
        let (events, events_dropped) = self.outlets.take_counts();
        Counts { events, events_dropped, ..std::mem::take(&mut self.counts) }
    }

    pub(super) fn instrument_mut(&mut self, instrument: InstrumentId) -> Option<&mut InstrumentState> {
        self.instruments.get_mut(instrument.0 as usize)
    }

    /// `None` where there is none, or everything is stopped.
    pub(super) fn on_instrument<T>(
        &mut self,
        instrument: InstrumentId,
        sink: &mut dyn UpdateSink,
        act: impl FnOnce(&mut InstrumentState, &mut Outlet<'_>) -> T,
    ) -> Option<T> {
        if self.phase == Phase::Stopped {
            return None;
        }
        let found = self.instruments.get_mut(instrument.0 as usize)?;
        Some(act(found, &mut self.outlets.of(instrument, sink)))
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &InstrumentState> {
        self.instruments.iter()
    }

    pub(super) fn request(&mut self, request: Request) {
        ask(&mut self.requests, request);
    }

    fn with(
        &mut self,
        instrument: InstrumentId,
        now: Now,
        sink: &mut dyn UpdateSink,
        act: impl FnOnce(&mut InstrumentState, &mut Context<'_>) -> Outcome,
    ) -> Outcome {
        if self.phase == Phase::Stopped {
            return Outcome::Ignored;
        }
        let Some(instrument) = self.instruments.get_mut(instrument.0 as usize) else {
            return Outcome::Ignored;
        };
        let requests = &mut self.requests;
        let mut ask = |request| ask(requests, request);
        let out = self.outlets.of(instrument.id(), sink);
        let absurd_stamps = &mut self.counts.absurd_stamps;
        let doubt = Reason::None;
        act(instrument, &mut Context { now, heard: None, doubt, out, requests: &mut ask, absurd_stamps })
    }

    fn count(&mut self, subscription: Subscription, outcome: Outcome) {
        match outcome {
            Outcome::Taken => self.counts.taken[subscription.channel as usize] += 1,
            Outcome::Ignored => self.counts.ignored += 1,
            Outcome::Gap => self.counts.gaps += 1,
            Outcome::Mismatch => self.counts.mismatches += 1,
            Outcome::TimeWentBack => self.counts.times_back += 1,
            Outcome::Unusable(error) => {
                self.counts.unusable += 1;
                self.counts.last_unusable = Some((subscription, error));
            }
        }
    }
}

fn ask(requests: &mut VecDeque<Request>, request: Request) {
    if requests.len() < REQUESTS_MAX {
        requests.push_back(request);
    }
}
