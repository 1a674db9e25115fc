//! What is said on one session: requests in order and at the venue's pace, acknowledgements, and who gets which frame.
//!
//! Owns the routes from stream names to subscriptions, the requests that wait, and the watchdog. Pure: the session moves
//! the bytes. Waiting requests are bounded by the subscriptions: a stream waits at most once.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::time::Duration;

use super::affected::{Affected, Names};
use super::blamed::Blamed;
use super::frame::Ack;
use super::refused_streams::{self, Meaning, RefusedStreams};
use super::session::SessionCommand;
use super::venue::{ChannelNames, Method, Stream, VenueDefaults, VenueProtocol};
use super::watchdog::{Overdue, Watchdog};
use crate::domain::{InstrumentId, MonoTime, Subscription};

/// One stream of a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamPlan {
    /// The venue's.
    pub stream: Stream,
    /// Ours, the one that its data is counted under first; none where it has no data of ours ([`VenueProtocol::companions`]).
    pub subscriptions: Vec<Subscription>,
    /// When it is subscribed to.
    pub start: Start,
}

/// When a stream is subscribed to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// With each connection.
    Connected,
    /// Once [`SessionCommand::Begin`] names it: the venue does not list its instrument yet.
    Listed,
}

#[derive(Debug)]
struct Pending {
    method: Method,
    streams: Vec<usize>,
}

/// How a venue answers a request that it refuses in part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answers {
    /// As a whole: one wrong name refuses all of it.
    Request,
    /// Stream by stream: the others of the request are taken.
    Stream,
}

/// How long the other streams of a request have to be acknowledged after one of them was refused by itself.
const OTHERS_PATIENCE: Duration = Duration::from_secs(2);

#[derive(Debug)]
pub(super) struct Conversation {
    venue: &'static dyn VenueProtocol,
    channel_names: ChannelNames,
    streams: Vec<StreamPlan>,
    routes: HashMap<String, usize>,
    /// By the symbols of the routes.
    instruments: HashMap<String, InstrumentId>,
    names: Names,
    watchdog: Watchdog,
    waiting: VecDeque<Pending>,
    asked: BTreeMap<u64, Vec<usize>>,
    again: BTreeSet<usize>,
    /// Groups that may be why the venue ended the connection before: each is asked for once all before it has settled.
    blamed: VecDeque<Vec<usize>>,
    refused: RefusedStreams,
    /// Streams of requests that were refused in part: asked for once more where they are not acknowledged by then.
    others: Vec<(MonoTime, Vec<usize>)>,
    next_id: u64,
    /// When the pace has earned every request that was sent.
    earned: MonoTime,
}

impl Conversation {
    /// At the start of a connection: everything is to be subscribed that does not wait for its instrument to be listed.
    pub(super) fn new(
        venue: &'static dyn VenueProtocol,
        channel_names: &ChannelNames,
        streams: &[StreamPlan],
        first_data: Duration,
    ) -> Self {
        let mut this = Self {
            venue,
            channel_names: channel_names.clone(),
            streams: streams.to_vec(),
            routes: HashMap::new(),
            instruments: HashMap::new(),
            names: Names::new(venue, &[], channel_names),
            watchdog: Watchdog::new(streams.len(), first_data),
            waiting: VecDeque::new(),
            asked: BTreeMap::new(),
            again: BTreeSet::new(),
            blamed: VecDeque::new(),
            refused: RefusedStreams::default(),
            others: Vec::new(),
            next_id: 1,
            earned: MonoTime::default(),
        };
        this.index();
        let begins = |place: &usize| streams[*place].start == Start::Connected;
        this.enqueue(Method::Subscribe, &(0..streams.len()).filter(begins).collect::<Vec<_>>());
        this
    }

    /// Asks in another order: `blamed` says what ended connections before. The subscriptions that are set aside.
    pub(super) fn avoid(&mut self, blamed: &Blamed, now: MonoTime) -> Vec<Subscription> {
        if blamed.is_empty() {
            return Vec::new();
        }
        let begins = |place: &usize| self.streams[*place].start == Start::Connected;
        let order = blamed.order(&(0..self.streams.len()).filter(begins).collect::<Vec<_>>());
        self.waiting.clear();
        self.enqueue(Method::Subscribe, &order.first);
        self.blamed = order.then.into();
        for &(stream, refusals) in &order.aside {
            self.watchdog.refused(stream);
            self.refused.set_aside(stream, refusals, now);
        }
        let of = |(stream, _): &(usize, u32)| self.streams[*stream].subscriptions.clone();
        order.aside.iter().flat_map(of).collect()
    }

    /// The streams that stand on this connection, and those that it was asked for just now, where it ends.
    pub(super) fn at_end(&self, now: MonoTime) -> (Vec<usize>, Vec<usize>) {
        let places = || 0..self.streams.len();
        (
            places().filter(|&stream| self.watchdog.is_settled(stream, now)).collect(),
            places().filter(|&stream| self.watchdog.is_unsettled(stream, now)).collect(),
        )
    }

    /// What the streams are found by.
    fn index(&mut self) {
        let Self { venue, streams, .. } = self;
        let places = streams.iter().enumerate();
        self.routes = places.map(|(place, plan)| (plan.stream.route.clone(), place)).collect();
        let instrument = |plan: &StreamPlan| {
            let symbol = venue.route_symbol(&plan.stream.route)?;
            Some((symbol.to_owned(), plan.subscriptions.first()?.instrument))
        };
        self.instruments = streams.iter().filter_map(instrument).collect();
        self.names = Names::new(*venue, streams, &self.channel_names);
    }

    /// Whose stream this is and its place; notes that it delivers.
    #[inline]
    pub(super) fn route(&mut self, stream: &str) -> Option<(usize, Subscription)> {
        let (index, subscription) = self.find(stream)?;
        self.watchdog.delivered(index);
        Some((index, subscription))
    }

    /// Whose stream this is and its place, where it speaks of the stream without being its data.
    #[inline]
    pub(super) fn find(&self, stream: &str) -> Option<(usize, Subscription)> {
        let index = *self.routes.get(stream)?;
        Some((index, *self.streams[index].subscriptions.first()?))
    }

    /// Whose symbol this is.
    pub(super) fn instrument(&self, symbol: &str) -> Option<InstrumentId> {
        self.instruments.get(symbol).copied()
    }

    /// What a frame could have changed that was not understood.
    pub(super) fn affected_by(&self, frame: &[u8]) -> Vec<Subscription> {
        self.subscriptions(self.names.unreadable(frame))
    }

    /// The same of a valid frame of an unknown kind, or of a stream that nobody asked for.
    pub(super) fn affected_by_unknown(&self, frame: &[u8]) -> Vec<Subscription> {
        self.subscriptions(self.names.unknown(frame))
    }

    fn subscriptions(&self, affected: Affected) -> Vec<Subscription> {
        let of = |plan: &StreamPlan| plan.subscriptions.clone();
        match affected {
            Affected::Nothing => Vec::new(),
            Affected::Unnamed => self.streams.iter().flat_map(of).collect(),
            Affected::Streams(places) => {
                places.into_iter().flat_map(|place| of(&self.streams[place])).collect()
            }
        }
    }

    /// Whether everything that was asked for has come, or is so quiet that it may take long.
    pub(super) fn is_delivering(&self, now: MonoTime) -> bool {
        self.waiting.is_empty()
            && self.again.is_empty()
            && self.blamed.is_empty()
            && self.watchdog.is_delivering(now)
    }

    /// The next request's text, if one waits and the pace allows it.
    pub(super) fn next_request(&mut self, now: MonoTime) -> Option<String> {
        let VenueDefaults { request_pace: pace, request_burst: burst, .. } = *self.venue.defaults();
        // Whatever was not asked while it might have been is saved up, to a burst.
        if now.after(pace * burst.saturating_sub(1)) < self.earned {
            return None;
        }
        self.ask_once_more(now);
        if !self.blamed.is_empty()
            && self.waiting.is_empty()
            && !(0..self.streams.len()).any(|stream| self.watchdog.is_unsettled(stream, now))
            && let Some(group) = self.blamed.pop_front()
        {
            self.enqueue(Method::Subscribe, &group);
        }
        if self.waiting.is_empty() && !self.again.is_empty() {
            let streams: Vec<usize> = std::mem::take(&mut self.again).into_iter().collect();
            self.enqueue(Method::Unsubscribe, &streams);
            self.enqueue(Method::Subscribe, &streams);
        }
        let Pending { method, streams } = self.waiting.pop_front()?;
        let id = self.next_id;
        self.next_id += 1;
        self.earned = self.earned.max(now).after(pace);
        let text = self.venue.request(method, &self.topics(&streams), id);
        if method == Method::Subscribe {
            for &index in streams.iter().filter(|&&index| !self.streams[index].subscriptions.is_empty()) {
                self.watchdog.requested(index, now);
            }
        }
        self.asked.insert(id, if method == Method::Subscribe { streams } else { Vec::new() });
        Some(text)
    }

    /// Refused streams whose time has come, each in a request of its own; and others that a refusal has left unanswered.
    fn ask_once_more(&mut self, now: MonoTime) {
        for stream in self.refused.due(now) {
            self.waiting.push_back(Pending { method: Method::Subscribe, streams: vec![stream] });
        }
        let (due, later) = std::mem::take(&mut self.others).into_iter().partition(|(at, _)| *at <= now);
        self.others = later;
        let due: Vec<(MonoTime, Vec<usize>)> = due;
        for (_, mut streams) in due {
            streams.retain(|&stream| self.watchdog.is_unanswered(stream));
            self.ask_at_once(&streams);
        }
    }

    /// The venue took a request, or one stream of it.
    pub(super) fn acknowledged(&mut self, what: Ack<'_>, now: MonoTime) {
        let taken = match what {
            Ack::Request(id) => self.asked.remove(&id).unwrap_or_default(),
            Ack::Oldest => self.asked.pop_first().map(|(_, streams)| streams).unwrap_or_default(),
            Ack::Stream(route) => {
                let index = self.routes.get(route).copied();
                self.answered(index);
                index.into_iter().collect()
            }
        };
        self.taken(&taken, now);
    }

    fn taken(&mut self, streams: &[usize], now: MonoTime) {
        for &index in streams {
            self.watchdog.acknowledged(index, now);
            self.refused.taken(index);
        }
    }

    /// A request that is acknowledged stream by stream waits no more once all of them are.
    fn answered(&mut self, stream: Option<usize>) {
        self.asked.retain(|_, streams| {
            streams.retain(|&waiting| Some(waiting) != stream);
            !streams.is_empty()
        });
    }

    /// The venue refused a request: the subscriptions that it refuses, as far as that is known now. Those are tried again ever later;
    /// whatever else was in the request is asked for once more. Where the venue does not say which one it means, each half is asked for by
    /// itself. `None` = it was no refusal: what was asked for is subscribed already.
    ///
    /// `id`: the request's, where the venue says so.
    pub(super) fn refused(
        &mut self,
        id: Option<u64>,
        message: &str,
        now: MonoTime,
    ) -> Option<Vec<Subscription>> {
        let named = self.names.named(message.as_bytes());
        let meaning = refused_streams::meaning(message);
        let Some((id, streams)) = self.refused_request(id, &named) else {
            return (meaning != Meaning::Already).then(Vec::new);
        };
        match meaning {
            Meaning::Already => {
                let (taken, others): (Vec<_>, Vec<_>) =
                    streams.into_iter().partition(|stream| named.is_empty() || named.contains(stream));
                self.taken(&taken, now);
                self.wait_for_others(id, others, now);
                None
            }
            Meaning::TooMany => {
                self.earned = self.earned.max(now).after(self.refused.pause());
                self.ask_at_once(&streams);
                Some(Vec::new())
            }
            Meaning::Wrong => Some(self.refuse(id, streams, &named, now)),
        }
    }

    fn refuse(
        &mut self,
        id: u64,
        streams: Vec<usize>,
        named: &BTreeSet<usize>,
        now: MonoTime,
    ) -> Vec<Subscription> {
        let (mut wrong, others): (Vec<usize>, Vec<usize>) =
            streams.into_iter().partition(|stream| named.contains(stream));
        match (&wrong[..], &others[..]) {
            ([], [only]) => wrong.push(*only),
            ([], _) => {
                let (first, second) = others.split_at(others.len() / 2);
                self.ask_at_once(second);
                self.ask_at_once(first);
                return Vec::new();
            }
            ([_, ..], _) => self.wait_for_others(id, others, now),
        }
        for &stream in &wrong {
            self.watchdog.refused(stream);
            self.refused.refused(stream, now);
        }
        wrong.iter().flat_map(|&stream| self.streams[stream].subscriptions.clone()).collect()
    }

    /// The request that the venue means, which then waits no more: the one of its id; else the one that has what it names; else the
    /// oldest.
    fn refused_request(&mut self, id: Option<u64>, named: &BTreeSet<usize>) -> Option<(u64, Vec<usize>)> {
        let holds = |streams: &[usize]| streams.iter().any(|stream| named.contains(stream));
        let naming = || self.asked.iter().find(|(_, streams)| holds(streams)).map(|(&id, _)| id);
        let oldest = || self.asked.iter().find(|(_, streams)| !streams.is_empty()).map(|(&id, _)| id);
        let id = id.or_else(naming).or_else(oldest)?;
        self.asked.remove(&id).filter(|streams| !streams.is_empty()).map(|streams| (id, streams))
    }

    /// What else was in a request of which something was refused.
    fn wait_for_others(&mut self, id: u64, others: Vec<usize>, now: MonoTime) {
        if others.is_empty() {
            return;
        }
        match self.venue.answers() {
            Answers::Request => self.ask_at_once(&others),
            Answers::Stream => {
                self.others.push((now.after(OTHERS_PATIENCE), others.clone()));
                self.asked.insert(id, others);
            }
        }
    }

    /// Subscribes to these ahead of whatever waits.
    fn ask_at_once(&mut self, streams: &[usize]) {
        if streams.is_empty() {
            return;
        }
        for &stream in streams {
            self.watchdog.idle(stream);
        }
        self.answered_all(streams);
        let later = std::mem::take(&mut self.waiting);
        self.enqueue(Method::Subscribe, streams);
        self.waiting.extend(later);
    }

    /// These are no longer waited for in requests that were sent.
    fn answered_all(&mut self, streams: &[usize]) {
        for waiting in self.asked.values_mut() {
            waiting.retain(|stream| !streams.contains(stream));
        }
    }

    pub(super) fn command(&mut self, command: SessionCommand) {
        match command {
            SessionCommand::Resubscribe(subscription) => self.resubscribe(subscription),
            SessionCommand::Begin(plans) => self.begin(&plans),
        }
    }

    /// Subscribes to streams that waited for their instruments to be listed. One that is subscribed to already stays as it is.
    fn begin(&mut self, plans: &[StreamPlan]) {
        let places = begin(&mut self.streams, plans);
        if !places.is_empty() {
            self.index();
            self.enqueue(Method::Subscribe, &places);
        }
    }

    /// Makes a subscription anew at the next opportunity, unless that is under way: at a slow pace it would be ended again as
    /// soon as it stands.
    pub(super) fn resubscribe(&mut self, subscription: Subscription) {
        let place = self.streams.iter().position(|plan| plan.subscriptions.contains(&subscription));
        if let Some(index) = place.filter(|&index| !self.is_under_way(index)) {
            self.again.insert(index);
        }
    }

    /// Whether a stream waits to be subscribed to, or has not delivered since it was.
    fn is_under_way(&self, index: usize) -> bool {
        let begins = |one: &Pending| one.method == Method::Subscribe && one.streams.contains(&index);
        let waits = self.streams[index].start == Start::Listed
            || self.blamed.iter().any(|group| group.contains(&index));
        waits || self.waiting.iter().any(begins) || self.watchdog.is_awaited(index)
    }

    /// The subscriptions that stay silent; they are made anew, ever later where the venue does not even answer for that name alone.
    /// `Err` = a request is not even acknowledged.
    pub(super) fn overdue(&mut self, now: MonoTime) -> Result<Vec<Subscription>, ()> {
        let mut silent = Vec::new();
        for overdue in self.watchdog.overdue(now) {
            match overdue {
                Overdue::Acknowledgement => return Err(()),
                Overdue::Unanswered(index) => {
                    self.answered_all(&[index]);
                    self.refused.refused(index, now);
                    silent.extend(&self.streams[index].subscriptions);
                }
                Overdue::FirstData(index) => {
                    self.again.insert(index);
                    silent.extend(&self.streams[index].subscriptions);
                }
            }
        }
        Ok(silent)
    }

    fn enqueue(&mut self, method: Method, streams: &[usize]) {
        let topics = self.topics(streams);
        let by_topic: HashMap<&str, usize> =
            topics.iter().map(String::as_str).zip(streams.iter().copied()).collect();
        for batch in self.venue.batches(&topics) {
            let streams = batch.iter().filter_map(|topic| by_topic.get(topic.as_str()).copied()).collect();
            self.waiting.push_back(Pending { method, streams });
        }
    }

    fn topics(&self, streams: &[usize]) -> Vec<String> {
        streams.iter().map(|&index| self.streams[index].stream.topic.clone()).collect()
    }
}

/// Puts planned streams in the place of those that wait for the same subscriptions; the places.
pub(super) fn begin(streams: &mut [StreamPlan], plans: &[StreamPlan]) -> Vec<usize> {
    let mut places = Vec::new();
    for (place, known) in streams.iter_mut().enumerate() {
        // What has no data of ours is told apart by its name only.
        let waits = |plan: &&StreamPlan| {
            plan.subscriptions == known.subscriptions
                && (!known.subscriptions.is_empty() || plan.stream == known.stream)
        };
        if known.start == Start::Listed
            && let Some(plan) = plans.iter().find(waits)
        {
            *known = StreamPlan { start: Start::Connected, ..plan.clone() };
            places.push(place);
        }
    }
    places
}

#[cfg(test)]
mod tests;
