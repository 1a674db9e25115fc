//! What is said on one session: requests in order and at the venue's pace, acknowledgements, and who gets which frame.
//!
//! Owns the routes from stream names to subscriptions, the requests that wait, and the watchdog. Pure: the session moves
//! the bytes. Waiting requests are bounded by the subscriptions: a stream waits at most once.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::time::Duration;

use super::affected::{Affected, Names};
use super::frame::Ack;
use super::refusals::{self, Meaning, Refusals};
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
    refusals: Refusals,
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
            refusals: Refusals::default(),
            others: Vec::new(),
            next_id: 1,
            earned: MonoTime::default(),
        };
        this.index();
        let begins = |place: &usize| streams[*place].start == Start::Connected;
        this.enqueue(Method::Subscribe, &(0..streams.len()).filter(begins).collect::<Vec<_>>());
        this
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
        self.waiting.is_empty() && self.again.is_empty() && self.watchdog.is_delivering(now)
    }

    /// The next request's text, if one waits and the pace allows it.
    pub(super) fn next_request(&mut self, now: MonoTime) -> Option<String> {
        let VenueDefaults { request_pace: pace, request_burst: burst, .. } = *self.venue.defaults();
        // Whatever was not asked while it might have been is saved up, to a burst.
        if now.after(pace * burst.saturating_sub(1)) < self.earned {
            return None;
        }
        self.ask_once_more(now);
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
        for stream in self.refusals.due(now) {
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
            self.refusals.taken(index);
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
        let meaning = refusals::meaning(message);
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
                self.earned = self.earned.max(now).after(self.refusals.pause());
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
            self.refusals.refused(stream, now);
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
        let waits = self.streams[index].start == Start::Listed;
        waits || self.waiting.iter().any(begins) || self.watchdog.is_awaited(index)
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

/// Puts planned streams in the place of those that wait for the same subscriptions; the places.
pub(super) fn begin(streams: &mut [StreamPlan], plans: &[StreamPlan]) -> Vec<usize> {
    let mut places = Vec::new();
    for (place, known) in streams.iter_mut().enumerate() {
        let waits = |plan: &&StreamPlan| plan.subscriptions == known.subscriptions;
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
mod tests {
    use super::*;
    use crate::domain::Channel;
    use crate::feed::kraken::Kraken;

    const PATIENCE: Duration = Duration::from_secs(10);

    fn at(seconds: u64) -> MonoTime {
        MonoTime::from_nanos(seconds * 1_000_000_000)
    }

    fn names(venue: &dyn VenueProtocol) -> ChannelNames {
        ChannelNames::of(venue.defaults())
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
        let mut conversation = Conversation::new(&Kraken, &names(&Kraken), &plans.concat(), PATIENCE);
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
        let mut conversation = Conversation::new(&Okx, &names(&Okx), &[plan], PATIENCE);
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

    /// Bybit's quotes and trades of these symbols, in requests of ten topics; all of it is asked for.
    fn bybit(symbols: &[&str]) -> (Conversation, Vec<String>) {
        use crate::feed::bybit::Bybit;

        let plan = |(index, symbol): (u32, &&str)| {
            [(Channel::Quote, "orderbook.1"), (Channel::Trade, "publicTrade")].map(|(channel, name)| {
                StreamPlan {
                    stream: Bybit::SPOT.stream(symbol, channel, name, 20),
                    subscriptions: vec![Subscription { instrument: InstrumentId(index), channel }],
                    start: Start::Connected,
                }
            })
        };
        let plans: Vec<StreamPlan> = (0..).zip(symbols).flat_map(plan).collect();
        let mut conversation = Conversation::new(&Bybit::SPOT, &names(&Bybit::SPOT), &plans, PATIENCE);
        let texts = requests(&mut conversation, 1);
        (conversation, texts)
    }

    /// Whatever may be asked for within ten seconds.
    fn requests(conversation: &mut Conversation, from: u64) -> Vec<String> {
        (from..from + 10).flat_map(|second| conversation.next_request(at(second))).collect()
    }

    fn quote_of(instrument: u32) -> Subscription {
        Subscription { instrument: InstrumentId(instrument), channel: Channel::Quote }
    }

    #[test]
    fn a_name_that_is_refused_leaves_the_request_and_the_others_are_asked_for_at_once() {
        let (mut conversation, texts) = bybit(&["BTCUSDT", "ETHUSDT", "BADUSDT"]);
        assert_eq!(texts.len(), 1, "{texts:?}");
        let words = "error:handler not found,topic:orderbook.1.BADUSDT";
        assert_eq!(conversation.refused(Some(1), words, at(2)), Some(vec![quote_of(2)]));
        let texts = requests(&mut conversation, 3);
        assert_eq!(texts.len(), 1, "{texts:?}");
        assert!(texts[0].contains("publicTrade.BADUSDT") && !texts[0].contains("orderbook.1.BADUSDT"));
        assert!(texts[0].contains("orderbook.1.BTCUSDT") && texts[0].contains("publicTrade.ETHUSDT"));
        conversation.acknowledged(Ack::Request(2), at(4));
        assert_eq!(conversation.overdue(at(12)), Ok(vec![]), "nothing is awaited of what was refused");
        let again: Vec<String> =
            (12..40).filter_map(|second| conversation.next_request(at(second))).collect();
        assert_eq!(again.len(), 1, "{again:?}");
        assert!(again[0].contains(r#"["orderbook.1.BADUSDT"]"#), "by itself: {again:?}");
    }

    #[test]
    fn a_refusal_that_names_nothing_is_narrowed_down_by_halves() {
        let symbols = ["A1USDT", "A2USDT", "A3USDT", "A4USDT", "BADUSDT"];
        let (mut conversation, mut texts) = bybit(&symbols);
        let (mut refused, mut rounds, mut id) = (Vec::new(), 0, 1);
        while !texts.is_empty() {
            rounds += texts.len();
            for text in std::mem::take(&mut texts) {
                if text.contains("BADUSDT") {
                    refused.extend(conversation.refused(Some(id), "invalid request", at(2)).unwrap());
                } else {
                    conversation.acknowledged(Ack::Request(id), at(2));
                }
                id += 1;
            }
            texts.extend(requests(&mut conversation, 3));
        }
        let trade = Subscription { instrument: InstrumentId(4), channel: Channel::Trade };
        refused.sort_unstable();
        assert_eq!(refused, [quote_of(4), trade]);
        assert!(rounds <= 11, "{rounds} requests for ten topics");
        assert_eq!(conversation.overdue(at(9)), Ok(vec![]));
    }

    #[test]
    fn where_streams_are_answered_one_by_one_the_others_are_waited_for_and_then_asked_for_once_more() {
        let (mut conversation, texts) = asked();
        assert_eq!(texts.len(), 2);
        let book = Subscription { instrument: InstrumentId(1), channel: Channel::Depth };
        let id = conversation.asked.iter().find(|(_, streams)| streams.contains(&3)).map(|(&id, _)| id);
        let words = "Currency pair not supported ETH/USD";
        assert_eq!(conversation.refused(id, words, at(5)), Some(vec![book]));
        assert_eq!(conversation.next_request(at(6)), None, "the venue may yet answer for the others");
        conversation.acknowledged(Ack::Stream("trade:BTC/USD"), at(6));
        let text = conversation.next_request(at(8)).unwrap();
        assert!(text.contains("\"book\"") && text.contains(r#"["BTC/USD"]"#), "{text}");
    }

    #[test]
    fn what_is_subscribed_already_is_taken_and_too_many_requests_are_asked_again_later() {
        let (mut conversation, _) = bybit(&["BTCUSDT"]);
        assert_eq!(conversation.refused(Some(1), "Too many requests", at(2)), Some(vec![]));
        assert_eq!(conversation.next_request(at(3)), None);
        let text = conversation.next_request(at(5)).unwrap();
        assert!(text.contains("orderbook.1.BTCUSDT") && text.contains("publicTrade.BTCUSDT"), "{text}");
        let words = "error:already subscribed,topic:orderbook.1.BTCUSDT";
        assert_eq!(conversation.refused(Some(2), words, at(6)), None);
        let text = conversation.next_request(at(7)).unwrap();
        assert!(text.contains("publicTrade.BTCUSDT") && !text.contains("orderbook.1"), "{text}");
        assert_eq!(conversation.refused(None, "nothing that was asked", at(8)).map(|of| of.len()), Some(1));
        assert_eq!(conversation.refused(None, "nothing that was asked", at(8)), Some(vec![]));
    }

    #[test]
    fn a_stream_whose_instrument_is_not_listed_waits_until_it_is_told_to_begin() {
        let waiting = StreamPlan { start: Start::Listed, ..plan(0, "?", Channel::Depth, "book") };
        let other = plan(1, "ETH/USD", Channel::Depth, "book");
        let mut conversation = Conversation::new(&Kraken, &names(&Kraken), &[waiting, other], PATIENCE);
        let texts = requests(&mut conversation, 1);
        assert!(texts.len() == 1 && texts[0].contains(r#"["ETH/USD"]"#), "{texts:?}");
        let subscription = Subscription { instrument: InstrumentId(0), channel: Channel::Depth };
        conversation.resubscribe(subscription);
        assert_eq!(requests(&mut conversation, 20), [""; 0], "there is nothing to make anew");
        conversation.command(SessionCommand::Begin(vec![plan(0, "NEW/USD", Channel::Depth, "book")]));
        conversation.command(SessionCommand::Begin(vec![plan(0, "NEW/USD", Channel::Depth, "book")]));
        let texts = requests(&mut conversation, 40);
        assert!(texts.len() == 1 && texts[0].contains(r#"["NEW/USD"]"#), "{texts:?}");
        assert_eq!(conversation.route("book:NEW/USD"), Some((0, subscription)));
        assert_eq!(conversation.affected_by(br#"{"symbol":"NEW/USD""#), [subscription]);
    }
}
