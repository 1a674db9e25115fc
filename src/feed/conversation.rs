//! What is said on one session: requests in order and at the venue's pace, acknowledgements, and who gets which frame.
//!
//! Owns the routes from stream names to subscriptions, the requests that wait, and the watchdog. Pure: the session moves
//! the bytes. Waiting requests are bounded by the subscriptions: a stream waits at most once.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::time::Duration;

use super::frame::Ack;
use super::session::SessionCommand;
use super::venue::{Method, Stream, VenueDefaults, VenueProtocol};
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

#[derive(Debug)]
pub(super) struct Conversation {
    venue: &'static dyn VenueProtocol,
    streams: Vec<StreamPlan>,
    routes: HashMap<String, usize>,
    /// By the symbols of the routes.
    instruments: HashMap<String, InstrumentId>,
    watchdog: Watchdog,
    waiting: VecDeque<Pending>,
    asked: BTreeMap<u64, Vec<usize>>,
    again: BTreeSet<usize>,
    next_id: u64,
    /// When the pace has earned every request that was sent.
    earned: MonoTime,
}

impl Conversation {
    /// At the start of a connection: everything is to be subscribed.
    pub(super) fn new(
        venue: &'static dyn VenueProtocol,
        streams: &[StreamPlan],
        first_data: Duration,
    ) -> Self {
        let routes =
            streams.iter().enumerate().map(|(index, plan)| (plan.stream.route.clone(), index)).collect();
        let instrument = |plan: &StreamPlan| {
            let symbol = venue.route_symbol(&plan.stream.route)?;
            Some((symbol.to_owned(), plan.subscriptions.first()?.instrument))
        };
        let mut this = Self {
            venue,
            streams: streams.to_vec(),
            routes,
            instruments: streams.iter().filter_map(instrument).collect(),
            watchdog: Watchdog::new(streams.len(), first_data),
            waiting: VecDeque::new(),
            asked: BTreeMap::new(),
            again: BTreeSet::new(),
            next_id: 1,
            earned: MonoTime::default(),
        };
        this.enqueue(Method::Subscribe, &(0..streams.len()).collect::<Vec<_>>());
        this
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

    /// Whether everything that was asked for has come, or is so quiet that it may take long.
    pub(super) fn is_delivering(&self, now: MonoTime) -> bool {
        self.waiting.is_empty() && self.again.is_empty() && self.watchdog.is_delivering(now)
    }

    /// The next request's text, if one waits and the pace allows it.
    pub(super) fn next_request(&mut self, now: MonoTime) -> Option<String> {
        let VenueDefaults { request_pace: pace, request_burst: burst, .. } = *self.venue.defaults();
        // Whatever was not asked while it might have been is saved up, to a burst.
        if now.after(pace * burst.saturating_sub(1)) < self.earned {
            return None;
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
        for index in taken {
            self.watchdog.acknowledged(index, now);
        }
    }

    /// A request that is acknowledged stream by stream waits no more once all of them are.
    fn answered(&mut self, stream: Option<usize>) {
        self.asked.retain(|_, streams| {
            streams.retain(|&waiting| Some(waiting) != stream);
            !streams.is_empty()
        });
    }

    /// The venue refused a request: its streams will be silent, which the watchdog reports. `None` = all that wait.
    pub(super) fn refused(&mut self, id: Option<u64>, now: MonoTime) {
        let ids = id.map_or_else(|| self.asked.keys().copied().collect(), |id| vec![id]);
        for id in ids {
            self.acknowledged(Ack::Request(id), now);
        }
    }

    pub(super) fn command(&mut self, command: SessionCommand) {
        match command {
            SessionCommand::Resubscribe(subscription) => self.resubscribe(subscription),
            SessionCommand::Begin(_) => {}
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
        self.waiting.iter().any(begins) || self.watchdog.is_awaited(index)
    }

    /// The subscriptions that stay silent; they are made anew. `Err` = a request is not even acknowledged.
    pub(super) fn overdue(&mut self, now: MonoTime) -> Result<Vec<Subscription>, ()> {
        let mut silent = Vec::new();
        for overdue in self.watchdog.overdue(now) {
            match overdue {
                Overdue::Acknowledgement => return Err(()),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Channel;
    use crate::feed::kraken::Kraken;

    const PATIENCE: Duration = Duration::from_secs(10);

    fn at(seconds: u64) -> MonoTime {
        MonoTime::from_nanos(seconds * 1_000_000_000)
    }

    fn plan(index: u32, symbol: &str, channel: Channel, name: &str) -> StreamPlan {
        let subscription = Subscription { instrument: InstrumentId(index), channel };
        StreamPlan {
            stream: Kraken.stream(symbol, channel, name, 10),
            subscriptions: vec![subscription],
            start: Start::Connected,
        }
    }

    /// Two symbols of two channels, next to each other by symbol; all requests are sent.
    fn asked() -> (Conversation, Vec<String>) {
        let plans = [(0, "BTC/USD"), (1, "ETH/USD")].map(|(index, symbol)| {
            [plan(index, symbol, Channel::Trade, "trade"), plan(index, symbol, Channel::Depth, "book")]
        });
        let mut conversation = Conversation::new(&Kraken, &plans.concat(), PATIENCE);
        let texts = (1..5).filter_map(|second| conversation.next_request(at(second))).collect();
        (conversation, texts)
    }

    #[test]
    fn streams_of_one_request_need_not_be_neighbours() {
        let (_, texts) = asked();
        assert_eq!(texts.len(), 2, "{texts:?}");
        assert!(texts.iter().all(|text| text.contains(r#""symbol":["BTC/USD","ETH/USD"]"#)), "{texts:?}");
    }

    #[test]
    fn a_request_waits_until_its_last_stream_is_acknowledged() {
        let (mut conversation, _) = asked();
        assert_eq!(conversation.asked.len(), 2);
        for (route, waiting) in [
            ("trade:BTC/USD", 2),
            ("book:BTC/USD", 2),
            ("book:ETH/USD", 1),
            ("book:XRP/USD", 1),
            ("trade:ETH/USD", 0),
        ] {
            conversation.acknowledged(Ack::Stream(route), at(5));
            assert_eq!(conversation.asked.len(), waiting, "{route}");
        }
        assert_eq!(conversation.overdue(at(12)), Ok(vec![]), "all were acknowledged at 5");
        assert_eq!(conversation.overdue(at(15)).map(|silent| silent.len()), Ok(4));
    }

    #[test]
    fn a_stream_is_made_anew_once_however_often_that_is_asked_for_meanwhile() {
        let (mut conversation, _) = asked();
        let subscription = Subscription { instrument: InstrumentId(0), channel: Channel::Depth };
        conversation.resubscribe(subscription);
        assert_eq!(conversation.next_request(at(10)), None, "its data is still awaited");
        conversation.route("book:BTC/USD");
        conversation.resubscribe(subscription);
        for method in ["unsubscribe", "subscribe"] {
            let text = conversation.next_request(at(11)).or_else(|| conversation.next_request(at(12)));
            assert!(text.is_some_and(|text| text.contains(&format!("\"{method}\""))), "{method}");
            conversation.resubscribe(subscription);
        }
        assert_eq!(conversation.next_request(at(20)), None);
        conversation.route("book:BTC/USD");
        conversation.resubscribe(subscription);
        assert!(conversation.next_request(at(21)).is_some(), "it delivered: this is another time");
    }

    #[test]
    fn one_stream_that_is_not_acknowledged_ends_the_session() {
        let (mut conversation, _) = asked();
        for route in ["trade:BTC/USD", "book:BTC/USD", "book:ETH/USD"] {
            conversation.acknowledged(Ack::Stream(route), at(3));
        }
        assert_eq!(conversation.overdue(at(12)), Err(()));
    }

    /// OKX: forty requests at once, then one at each pace; what was not asked meanwhile is saved up to forty again.
    #[test]
    fn a_burst_goes_at_once_and_the_pace_holds_after_it() {
        use crate::feed::okx::Okx;

        let subscription = Subscription { instrument: InstrumentId(0), channel: Channel::Depth };
        let stream = Okx.stream("BTC-USDT", Channel::Depth, "books", 20);
        let plan = StreamPlan { stream, subscriptions: vec![subscription], start: Start::Connected };
        let mut conversation = Conversation::new(&Okx, &[plan], PATIENCE);
        let mut sent = |from: u64, to: u64| {
            let mut count = 0;
            for second in from..to {
                // An end and a new beginning, as often as it is let.
                while conversation.next_request(at(second)).is_some() {
                    count += 1;
                    conversation.acknowledged(Ack::Oldest, at(second));
                    let _ = conversation.route("books:BTC-USDT");
                    conversation.resubscribe(subscription);
                }
            }
            count
        };
        assert_eq!(sent(10_000, 10_001), 40);
        let hour = sent(10_001, 13_600);
        assert!((430..=440).contains(&hour), "{hour}");
        assert_eq!(sent(20_000, 20_001), 40);
    }
}
