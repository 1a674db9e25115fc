//! What is said on one session: requests in order and at the venue's pace, acknowledgements, and who gets which frame.
//!
//! Owns the routes from stream names to subscriptions, the requests that wait, and the watchdog. Pure: the session moves
//! the bytes. Waiting requests are bounded by the subscriptions: a stream waits at most once.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::time::Duration;

use super::venue::{Method, VenueProtocol};
use super::watchdog::{Overdue, Watchdog};
use crate::domain::{MonoTime, Subscription};

/// Between two requests: Binance closes sessions that send one every 250 ms, 500 ms holds (five messages a second, pings
/// and pongs included).
const REQUEST_PACE: Duration = Duration::from_millis(500);

/// One stream of a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamPlan {
    /// The venue's name for it.
    pub stream: String,
    /// Ours.
    pub subscription: Subscription,
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
    watchdog: Watchdog,
    waiting: VecDeque<Pending>,
    asked: HashMap<u64, Vec<usize>>,
    again: BTreeSet<usize>,
    next_id: u64,
    next_request: MonoTime,
}

impl Conversation {
    /// At the start of a connection: everything is to be subscribed.
    pub(super) fn new(
        venue: &'static dyn VenueProtocol,
        streams: &[StreamPlan],
        first_data: Duration,
    ) -> Self {
        let routes = streams.iter().enumerate().map(|(index, plan)| (plan.stream.clone(), index)).collect();
        let mut this = Self {
            venue,
            streams: streams.to_vec(),
            routes,
            watchdog: Watchdog::new(streams.len(), first_data),
            waiting: VecDeque::new(),
            asked: HashMap::new(),
            again: BTreeSet::new(),
            next_id: 1,
            next_request: MonoTime::default(),
        };
        this.enqueue(Method::Subscribe, &(0..streams.len()).collect::<Vec<_>>());
        this
    }

    /// Whose stream this is; notes that it delivers.
    #[inline]
    pub(super) fn route(&mut self, stream: &str) -> Option<Subscription> {
        let index = *self.routes.get(stream)?;
        self.watchdog.delivered(index);
        Some(self.streams[index].subscription)
    }

    /// The next request's text, if one waits and the pace allows it.
    pub(super) fn next_request(&mut self, now: MonoTime) -> Option<String> {
        if now < self.next_request {
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
        self.next_request = now.after(REQUEST_PACE);
        let names: Vec<String> = streams.iter().map(|&index| self.streams[index].stream.clone()).collect();
        let text = self.venue.request(method, &names, id);
        if method == Method::Subscribe {
            for &index in &streams {
                self.watchdog.requested(index, now);
            }
            self.asked.insert(id, streams);
        }
        Some(text)
    }

    /// The venue took a request.
    pub(super) fn acknowledged(&mut self, id: u64, now: MonoTime) {
        for index in self.asked.remove(&id).unwrap_or_default() {
            self.watchdog.acknowledged(index, now);
        }
    }

    /// The venue refused a request: its streams will be silent, which the watchdog reports. `None` = all that wait.
    pub(super) fn refused(&mut self, id: Option<u64>, now: MonoTime) {
        let ids = id.map_or_else(|| self.asked.keys().copied().collect(), |id| vec![id]);
        for id in ids {
            self.acknowledged(id, now);
        }
    }

    /// Makes a subscription anew at the next opportunity.
    pub(super) fn resubscribe(&mut self, subscription: Subscription) {
        if let Some(index) = self.streams.iter().position(|plan| plan.subscription == subscription) {
            self.again.insert(index);
        }
    }

    /// The subscriptions that stay silent; they are made anew. `Err` = a request is not even acknowledged.
    pub(super) fn overdue(&mut self, now: MonoTime) -> Result<Vec<Subscription>, ()> {
        let mut silent = Vec::new();
        for overdue in self.watchdog.overdue(now) {
            match overdue {
                Overdue::Acknowledgement => return Err(()),
                Overdue::FirstData(index) => {
                    self.again.insert(index);
                    silent.push(self.streams[index].subscription);
                }
            }
        }
        Ok(silent)
    }

    fn enqueue(&mut self, method: Method, streams: &[usize]) {
        let names: Vec<String> = streams.iter().map(|&index| self.streams[index].stream.clone()).collect();
        let mut rest = streams;
        for batch in self.venue.batches(&names) {
            let (now, later) = rest.split_at(batch.len());
            self.waiting.push_back(Pending { method, streams: now.to_vec() });
            rest = later;
        }
    }
}
