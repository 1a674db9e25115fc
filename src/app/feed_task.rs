//! One feed on the hot thread: what sessions bring goes into `process`, what comes out goes to the writer.
//!
//! Owns the feed's state and its counters. Never awaits: every method is one step of the hot path. Requests go out
//! through bounded channels; one that finds its channel full is dropped, and `process` asks again.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;

use super::board::{FeedBoard, FeedStats};
use super::feed_metrics::FeedMetrics;
use super::rest_worker::{Answer, Begun, Job, News};
use crate::capture::Tap;
use crate::clock;
use crate::codec::{Command, CommandKind};
use crate::domain::{
    Channel, Epoch, Feed, Instrument, InstrumentId, LogThrottle, MarketEvent, MonoTime, Now, Reason, Request,
    SessionId, SlotId, State, Subscription, Trading, UpdateSink,
};
use crate::feed::{
    DecodeError, Excerpt, ListingStatus, Recovery, SessionCommand, SessionEnd, SessionHandler, StreamPlan,
};
use crate::process::{Changes, Counts, FeedState, Standing};
use crate::publish::{FeedHealth, FeedIndex, Writer};
use crate::telemetry::names;

/// Between two log lines of one kind about what one feed brings.
const LOG_EVERY: Duration = Duration::from_secs(10);

/// How often other threads are told what has happened.
const SHOW_EVERY: Duration = Duration::from_millis(200);

/// The subscriptions of a session, and the way to it.
pub(super) type CommandRoute = (Vec<Subscription>, mpsc::Sender<SessionCommand>);

pub(super) struct FeedTask {
    feed: Feed,
    index: FeedIndex,
    sessions: usize,
    instruments: Vec<Instrument>,
    keys: HashMap<SlotId, String>,
    commands: Vec<CommandRoute>,
    jobs: mpsc::Sender<Job>,
    board: Arc<FeedBoard>,
    tap: Tap,
    inner: RefCell<Inner>,
}

struct Inner {
    state: FeedState,
    writer: Writer,
    stats: FeedStats,
    metrics: FeedMetrics,
    /// Counts how often this engine began to write the feed.
    takeovers: Rc<Cell<u64>>,
    /// How many of them `state` knows of.
    takeovers_seen: u64,
    is_stopping: bool,
    /// The sessions that stand. An attempt to connect that fails ends, too, without ever having stood.
    standing: BTreeSet<SessionId>,
    /// Keys that are suspect because the venue does not list their instruments.
    not_listed: u64,
    throttles: Throttles,
    /// When others were last told what has happened.
    shown: MonoTime,
}

/// Lines that a venue could otherwise have written with each frame.
#[derive(Debug, Default)]
struct Throttles {
    unreadable: LogThrottle,
    unusable: LogThrottle,
    order: LogThrottle,
    stamps: LogThrottle,
}

impl FeedTask {
    #[expect(clippy::too_many_arguments, reason = "what a feed is made of; there is one caller")]
    pub(super) fn new(
        feed: Feed,
        index: FeedIndex,
        instruments: Vec<Instrument>,
        keys: HashMap<SlotId, String>,
        state: FeedState,
        writer: Writer,
        commands: Vec<CommandRoute>,
        jobs: mpsc::Sender<Job>,
        board: Arc<FeedBoard>,
        tap: Tap,
    ) -> Self {
        let metrics = FeedMetrics::new(&feed);
        let (stats, standing) = (FeedStats::default(), BTreeSet::new());
        let takeovers = writer.takeovers(index).unwrap_or_default();
        let sessions = commands.len();
        let inner = Inner {
            state,
            writer,
            stats,
            metrics,
            takeovers,
            takeovers_seen: 0,
            is_stopping: false,
            standing,
            not_listed: 0,
            throttles: Throttles::default(),
            shown: MonoTime::default(),
        };
        Self {
            feed,
            index,
            sessions,
            instruments,
            keys,
            commands,
            jobs,
            board,
            tap,
            inner: RefCell::new(inner),
        }
    }

    /// Publishes every key as suspect (connecting).
    pub(super) fn announce(&self, now: Now) {
        self.step(|state, writer| state.announce(now, writer));
    }

    /// The timer's step.
    pub(super) fn tick(&self, now: Now) {
        self.step(|state, writer| state.tick(now, writer));
        let shown = self.inner.borrow().shown;
        // Counting the keys of each state takes longer the more there are.
        if now.mono.since(shown) >= SHOW_EVERY {
            self.inner.borrow_mut().shown = now.mono;
            self.show();
        }
    }

    /// Publishes every key as suspect (writer stopping).
    pub(super) fn stop(&self, now: Now) {
        self.inner.borrow_mut().is_stopping = true;
        self.step(|state, writer| state.stop(now, writer));
        self.show();
    }

    /// Somebody asks for something about an instrument. Only who writes the feed obeys.
    pub(super) fn command(&self, command: &Command, now: Now) {
        let Command { kind: CommandKind::Invalidate, instrument, venue, who, why } = command;
        let is_ours = venue.as_ref().is_none_or(|venue| *venue == self.feed.venue);
        let place = self.instruments.iter().position(|known| known == instrument).filter(|_| is_ours);
        let Some(id) = place.and_then(|place| u32::try_from(place).ok()).map(InstrumentId) else { return };
        if self.inner.borrow().writer.authority(self.index).is_none() {
            return;
        }
        tracing::info!(feed = %self.feed, %instrument, ?who, ?why, "invalidated on request");
        self.step(|state, writer| state.invalidate(id, who, why, now, writer));
    }

    /// What a REST call brought.
    pub(super) fn answer(&self, answer: Answer, now: Now) {
        match answer {
            Answer::Book(instrument, book, asked) => {
                self.inner.borrow_mut().stats.snapshots += 1;
                self.step(|state, writer| state.snapshot(instrument, *book, asked, now, writer));
            }
            Answer::NoBook(instrument) => {
                self.inner.borrow_mut().stats.snapshot_failures += 1;
                self.step(|state, _| state.snapshot_failed(instrument));
            }
            Answer::Quote(instrument, quote, asked) => {
                self.step(|state, writer| state.quote_confirmation(instrument, &quote, asked, now, writer));
            }
            Answer::List(instrument, news) => self.list(instrument, news, now),
        }
    }

    /// What the venue's list says anew.
    fn list(&self, of: InstrumentId, news: News, now: Now) {
        let (feed, instrument) = (&self.feed, self.instrument(of));
        let standing = match news {
            News::Trading => {
                tracing::info!(%feed, instrument, "the venue lists the instrument as trading");
                Standing::Trading
            }
            News::NotTrading(word) => {
                tracing::warn!(%feed, instrument, word, "the venue lists the instrument as not trading: it is halted");
                Standing::NotTrading
            }
            News::Gone => Standing::Missing,
            News::Listed(begun) => return self.listed(of, *begun, now),
        };
        self.step(|state, writer| state.standing(of, standing, now, writer));
    }

    /// What was not listed at the start is now: its sessions subscribe to it.
    fn listed(&self, of: InstrumentId, begun: Begun, now: Now) {
        let Begun { contract, streams, status } = begun;
        let mut taken = true;
        self.step(|state, writer| {
            taken = state.listed(of, contract, now, writer);
            if status != ListingStatus::Trading {
                state.standing(of, Standing::NotTrading, now, writer);
            }
        });
        let (feed, instrument) = (&self.feed, self.instrument(of));
        if !taken {
            tracing::error!(%feed, instrument, "the instrument has data in other units than the venue's list says");
        }
        for (carried, sender) in &self.commands {
            let is_own = |plan: &&StreamPlan| plan.subscriptions.iter().any(|one| carried.contains(one));
            let mut plans: Vec<StreamPlan> = streams.iter().filter(is_own).cloned().collect();
            if plans.is_empty() {
                continue;
            }
            for companion in streams.iter().filter(|plan| plan.subscriptions.is_empty()) {
                if !plans.contains(companion) {
                    plans.push(companion.clone());
                }
            }
            if sender.try_send(SessionCommand::Begin(plans)).is_err() {
                tracing::error!(%feed, instrument, "a session takes no commands: the instrument is not subscribed to");
            }
        }
    }

    /// One change of the state: its values are flushed, its requests sent on.
    fn step(&self, change: impl FnOnce(&mut FeedState, &mut dyn UpdateSink)) {
        self.change(change);
        self.inner.borrow().writer.flush(clock::now());
    }

    /// One change of the state: its values wait for a flush, its requests are sent on.
    #[inline]
    fn change(&self, change: impl FnOnce(&mut FeedState, &mut dyn UpdateSink)) {
        let mut inner = self.inner.borrow_mut();
        let Inner { state, writer, takeovers, takeovers_seen, .. } = &mut *inner;
        let takeovers = takeovers.get();
        if takeovers != *takeovers_seen {
            *takeovers_seen = takeovers;
            state.taken_over(clock::now());
        }
        change(state, writer);
        while let Some(request) = state.next_request() {
            self.forward(request, state);
        }
    }

    fn forward(&self, request: Request, state: &mut FeedState) {
        match request {
            Request::Snapshot(instrument, reach) => {
                if self.jobs.try_send(Job::Snapshot(instrument, reach)).is_err() {
                    state.snapshot_failed(instrument);
                }
            }
            // A lost probe is repeated by `process` when its patience ends.
            Request::ConfirmQuote(instrument) => drop(self.jobs.try_send(Job::Quote(instrument))),
            Request::Resubscribe(subscription) => {
                let route = self.commands.iter().find(|(carried, _)| carried.contains(&subscription));
                let command = SessionCommand::Resubscribe(subscription);
                let sent = route.is_some_and(|(_, sender)| sender.try_send(command).is_ok());
                let (feed, instrument) = (&self.feed, self.instrument(subscription.instrument));
                tracing::warn!(%feed, instrument, channel = subscription.channel.as_str(), sent, "subscription is made anew");
            }
        }
    }

    /// Makes the counters visible to other threads.
    fn show(&self) {
        let mut inner = self.inner.borrow_mut();
        let counts = inner.state.take_counts();
        let changes = inner.state.take_changes();
        let states = inner.state.states();
        inner.not_listed = inner.state.not_listed();
        let epoch = inner.writer.authority(self.index);
        let Inner { stats, metrics, .. } = &mut *inner;
        stats.epoch = epoch.map_or(0, Epoch::get);
        stats.quotes += counts.taken[Channel::Quote as usize];
        stats.trades += counts.taken[Channel::Trade as usize];
        stats.depth += counts.taken[Channel::Depth as usize];
        stats.volume += counts.taken[Channel::Volume as usize];
        stats.ignored += counts.ignored;
        stats.gaps += counts.gaps;
        stats.doubts += changes.doubts();
        stats.mismatches += counts.mismatches;
        stats.times_back += counts.times_back;
        stats.unusable += counts.unusable;
        stats.absurd_stamps += counts.absurd_stamps;
        stats.clock_steps += counts.clock_steps;
        [stats.live, stats.suspect, stats.halted] = states.map(u64::from);
        metrics.events(&counts.events, &counts.events_dropped);
        metrics.changes(&changes);
        metrics.show(stats);
        self.board.write(stats);
        let health = self.health(&inner);
        inner.writer.set_health(self.index, health);
        if let Some((subscription, error)) = counts.last_unusable
            && inner.throttles.unusable.is_due(clock::mono(), LOG_EVERY)
        {
            let (feed, instrument) = (&self.feed, self.instrument(subscription.instrument));
            tracing::warn!(%feed, instrument, channel = subscription.channel.as_str(), %error, "event was unusable");
        }
        self.log(&counts, &changes, &mut inner.throttles);
    }

    /// One line a change of state, and one for all that are not named.
    fn log(&self, counts: &Counts, changes: &Changes, throttles: &mut Throttles) {
        let (feed, now) = (&self.feed, clock::mono());
        let disorder = counts.gaps + counts.mismatches + counts.times_back;
        if disorder > 0 && throttles.order.is_due(now, LOG_EVERY) {
            let Counts { gaps, mismatches, times_back, .. } = counts;
            tracing::warn!(%feed, gaps, mismatches, times_back, "the venue's stream is not in order");
        }
        if counts.clock_steps > 0 {
            let step_ms = counts.last_clock_step_ns / 1_000_000;
            tracing::warn!(%feed, step_ms, "this machine's wall clock was set: times follow it");
        }
        if counts.absurd_stamps > 0 && throttles.stamps.is_due(now, LOG_EVERY) {
            let stamps = counts.absurd_stamps;
            tracing::warn!(%feed, stamps, "the venue's stamps are far from this machine's clock: is that right?");
        }
        for (slot, state, reason) in &changes.named {
            let key = self.keys.get(slot).map_or("?", String::as_str);
            match (state, reason) {
                (State::Live, _) => tracing::info!(%feed, key, "live"),
                // What we do ourselves is no warning, and said once for all keys.
                (_, Reason::WriterStopping) => tracing::debug!(%feed, key, %state, %reason, "not live"),
                (State::Suspect | State::Halted, _) => {
                    tracing::warn!(%feed, key, %state, %reason, "not live");
                }
            }
        }
        let more = changes.counts.iter().sum::<u64>() - changes.named.len() as u64;
        let stopping = changes.counts[usize::from(Reason::WriterStopping.code())];
        if more > 0 && stopping == 0 {
            tracing::warn!(%feed, more, "further keys have changed their state");
        }
    }

    /// Live while every session stands; fit to take over once everything that was ever live here is.
    fn health(&self, inner: &Inner) -> FeedHealth {
        let stands = inner.standing.len() == self.sessions;
        let (state, reason) = match () {
            () if inner.is_stopping => (State::Suspect, Reason::WriterStopping),
            () if stands => (State::Live, Reason::None),
            () if inner.stats.connects == 0 => (State::Suspect, Reason::Connecting),
            () => (State::Suspect, Reason::Disconnected),
        };
        FeedHealth {
            state,
            reason,
            // What the venue itself has halted, or does not list, is as good here as there.
            warm: stands
                && !inner.is_stopping
                && inner.stats.live + inner.stats.halted + inner.not_listed
                    > inner.stats.suspect.saturating_sub(inner.not_listed),
        }
    }

    fn instrument(&self, id: InstrumentId) -> &str {
        self.instruments.get(id.0 as usize).map_or("?", Instrument::as_str)
    }
}

impl SessionHandler for FeedTask {
    fn heard(&self, session: SessionId, received: Now) {
        self.inner.borrow_mut().state.heard(session, received);
    }

    #[inline]
    fn event(&self, session: SessionId, subscription: Subscription, event: &MarketEvent<'_>, received: Now) {
        self.change(|state, writer| state.event(session, subscription, event, received, writer));
    }

    /// One write to the socket for all frames of a read: a write costs as much as dozens of frames.
    #[inline]
    fn caught_up(&self) {
        self.inner.borrow().writer.flush(clock::now());
    }

    #[inline]
    fn frame(&self, _: SessionId, bytes: &[u8], received: Now) {
        self.tap.frame(received.wall.received(), bytes);
        let stats = &mut self.inner.borrow_mut().stats;
        stats.frames += 1;
        stats.frame_bytes += bytes.len() as u64;
    }

    fn garbage(&self, session: SessionId, error: &DecodeError) {
        let now = clock::mono();
        let mut inner = self.inner.borrow_mut();
        inner.stats.decode_errors += 1;
        if inner.throttles.unreadable.is_due(now, LOG_EVERY) {
            let total = inner.stats.decode_errors;
            tracing::warn!(feed = %self.feed, session = session.0, %error, total, "frame was not understood");
        }
    }

    fn up(&self, session: SessionId, _: Now) {
        let mut inner = self.inner.borrow_mut();
        inner.stats.connects += 1;
        inner.standing.insert(session);
        inner.stats.sessions_up = inner.standing.len() as u64;
        tracing::info!(feed = %self.feed, session = session.0, "session is up");
    }

    fn down(&self, session: SessionId, why: &SessionEnd, now: Now) {
        self.step(|state, writer| state.session_down(session, now, writer));
        let mut inner = self.inner.borrow_mut();
        inner.standing.remove(&session);
        inner.stats.sessions_up = inner.standing.len() as u64;
        match why.recovery() {
            Recovery::Stop => tracing::info!(feed = %self.feed, session = session.0, %why, "session ended"),
            Recovery::Reconnect | Recovery::ReconnectNow | Recovery::RetryAfter(_) => {
                inner.stats.reconnects += 1;
                metrics::counter!(names::FEED_RECONNECTS, "feed" => self.feed.to_string(), "why" => why.label())
                    .increment(1);
                tracing::warn!(feed = %self.feed, session = session.0, %why, "session ended");
            }
        }
    }

    fn lane_down(&self, session: SessionId, why: &SessionEnd) {
        self.inner.borrow_mut().stats.reconnects += 1;
        metrics::counter!(names::FEED_RECONNECTS, "feed" => self.feed.to_string(), "why" => why.label())
            .increment(1);
        tracing::info!(feed = %self.feed, session = session.0, %why, "connection ended, another one carries on");
    }

    fn trading(&self, session: SessionId, of: Option<InstrumentId>, trading: Trading, received: Now) {
        let (feed, session_number) = (&self.feed, session.0);
        let instrument = of.map_or("all", |of| self.instrument(of));
        match trading {
            Trading::Halted => {
                tracing::warn!(%feed, session = session_number, instrument, "the venue has halted trading");
            }
            Trading::Open => {
                tracing::debug!(%feed, session = session_number, instrument, "the venue trades");
            }
        }
        self.step(|state, writer| state.trading(session, of, trading, received, writer));
    }

    fn interrupted(&self, subscription: Subscription, now: Now) {
        self.step(|state, writer| state.interrupted(subscription, now, writer));
    }

    fn no_first_data(&self, subscription: Subscription, now: Now) {
        let mut standing = None;
        self.step(|state, writer| {
            state.no_first_data(subscription, now, writer);
            standing = state.standing_of(subscription.instrument);
        });
        if standing == Some(Standing::NotTrading) {
            // Nothing comes of what does not trade: no alarm.
            return;
        }
        self.inner.borrow_mut().stats.alarms += 1;
        let instrument = self.instrument(subscription.instrument);
        let channel = subscription.channel.as_str();
        tracing::error!(feed = %self.feed, instrument, channel, "acknowledged, but no data came: subscribing anew");
    }

    fn unknown(&self, session: SessionId, bytes: &[u8]) {
        let now = clock::mono();
        let mut inner = self.inner.borrow_mut();
        inner.stats.decode_errors += 1;
        if inner.throttles.unreadable.is_due(now, LOG_EVERY) {
            let (total, frame) = (inner.stats.decode_errors, Excerpt::of(bytes));
            tracing::warn!(feed = %self.feed, session = session.0, %frame, total, "frame of an unknown kind");
        }
    }

    fn undecodable(&self, session: SessionId, of: &[Subscription], received: Now) {
        self.step(|state, writer| state.undecodable(session, of, received, writer));
    }

    fn refused(&self, session: SessionId, of: &[Subscription], code: i64, message: &Excerpt, received: Now) {
        let (feed, session) = (&self.feed, session.0);
        if of.is_empty() {
            tracing::error!(%feed, session, code, %message, "the venue refused a request");
        }
        for subscription in of {
            let (instrument, channel) =
                (self.instrument(subscription.instrument), subscription.channel.as_str());
            tracing::error!(%feed, session, instrument, channel, code, %message, "the venue refused a subscription");
        }
        self.inner.borrow_mut().stats.refused += of.len() as u64;
        self.step(|state, writer| state.refused(of, received, writer));
    }
}
