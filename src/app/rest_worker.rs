//! Fetches what a feed wants over REST, on the slow runtime, and hands it to the hot thread ready to use.
//!
//! Owns the calls that are under way, [`CALLS_MAX`] at most; further jobs wait in their channel of [`JOBS_MAX`]. A book is
//! parsed, scaled and sorted here. A failed call is answered only after the pause that its error asks for.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{Semaphore, mpsc};

use crate::capture::Tap;
use crate::clock;
use crate::domain::{Contract, Feed, InstrumentId, MonoTime, Quote, Reach};
use crate::feed::{ListingStatus, Recovery, RestCall, RestClient, RestError, StreamPlan, VenueProtocol};
use crate::process::Book;

/// Jobs that wait at most.
pub(super) const JOBS_MAX: usize = 4_096;

/// Calls at a time.
const CALLS_MAX: usize = 4;

/// A near snapshot has so many times the published levels, so that a market may move before the known ones run out.
const NEAR_DEPTHS: usize = 5;

/// A far one has these.
const FAR_LEVELS: usize = 1_000;

/// The longest that the answer to a failed job is held back; `process` asks again by itself after that.
const PAUSE_MAX: Duration = Duration::from_secs(20);

/// What is wanted.
#[derive(Debug, Clone, Copy)]
pub(super) enum Job {
    Snapshot(InstrumentId, Reach),
    Quote(InstrumentId),
}

/// What came.
#[derive(Debug)]
pub(super) enum Answer {
    /// With the time at which it was asked for.
    Book(InstrumentId, Box<Book>, MonoTime),
    NoBook(InstrumentId),
    /// Likewise.
    Quote(InstrumentId, Quote, MonoTime),
    /// The venue's list says something new of the instrument.
    List(InstrumentId, News),
}

/// What a venue's list says of an instrument that it did not say before.
#[derive(Debug)]
pub(super) enum News {
    /// It trades again, or is listed again.
    Trading,
    /// It does not trade, in the venue's word.
    NotTrading(String),
    /// It is not listed any more.
    Gone,
    /// It was not listed at the start, and is now.
    Listed(Box<Begun>),
}

/// What could not be known before an instrument was listed.
#[derive(Debug)]
pub(super) struct Begun {
    pub(super) contract: Contract,
    pub(super) streams: Vec<StreamPlan>,
    pub(super) status: ListingStatus,
}

/// The venue's spelling of each instrument of a feed: of some it is known only once they are listed.
#[derive(Debug)]
pub(super) struct Symbols(RwLock<Vec<String>>);

impl Symbols {
    pub(super) const fn new(symbols: Vec<String>) -> Self {
        Self(RwLock::new(symbols))
    }

    pub(super) fn set(&self, id: InstrumentId, symbol: &str) {
        let mut symbols = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = symbols.get_mut(id.0 as usize) {
            symbol.clone_into(known);
        }
    }

    fn get(&self, id: InstrumentId) -> String {
        let symbols = self.0.read().unwrap_or_else(PoisonError::into_inner);
        symbols.get(id.0 as usize).map_or_else(|| "?".to_owned(), Clone::clone)
    }

    fn len(&self) -> usize {
        self.0.read().unwrap_or_else(PoisonError::into_inner).len()
    }
}

pub(super) struct RestWorker {
    pub(super) feed: Feed,
    pub(super) venue: &'static dyn VenueProtocol,
    pub(super) client: RestClient,
    pub(super) symbols: Arc<Symbols>,
    pub(super) depth: usize,
    /// What REST calls may cost.
    pub(super) weight_per_minute: u32,
    pub(super) answers: mpsc::Sender<Answer>,
    /// Where raw answers are recorded.
    pub(super) tap: Tap,
}

impl RestWorker {
    /// Works until the jobs' sender is gone.
    pub(super) async fn run(self, mut jobs: mpsc::Receiver<Job>) {
        let this = Arc::new(self);
        let calls = Arc::new(Semaphore::new(CALLS_MAX));
        while let Some(job) = jobs.recv().await {
            let permit = Arc::clone(&calls).acquire_owned().await.expect("the semaphore is never closed");
            let this = Arc::clone(&this);
            tokio::spawn(async move {
                let outcome = this.call(job).await;
                drop(permit);
                if let Some(answer) = this.settle(job, outcome).await {
                    // An error means that the hot thread is gone.
                    let _ = this.answers.send(answer).await;
                }
            });
        }
    }

    async fn call(&self, job: Job) -> Result<Answer, RestError> {
        // Before the wait for the budget: an answer may be newer than it claims, never older.
        let asked = clock::mono();
        match job {
            Job::Snapshot(id, reach) => {
                let Some((call, limit)) = self.venue.snapshot_call(&self.symbol(id), self.levels(reach))
                else {
                    return Ok(Answer::NoBook(id));
                };
                let body = self.get(&call).await?;
                let snapshot = self.venue.parse_snapshot(&body, limit)?;
                let book = Book::from_snapshot(&snapshot)?;
                Ok(Answer::Book(id, Box::new(book), asked))
            }
            Job::Quote(id) => {
                let body = self.get(&self.venue.quote_call(&self.symbol(id))).await?;
                Ok(Answer::Quote(id, self.venue.parse_quote(&body)?, asked))
            }
        }
    }

    /// Levels a side of a snapshot. Where a far one for each instrument is more than a minute allows, books begin with near ones: 500 of
    /// Binance's are there within a minute and not after eight, and of those whose levels run out a far one is asked for.
    fn levels(&self, reach: Reach) -> usize {
        let near = self.depth * NEAR_DEPTHS;
        let far = near.max(FAR_LEVELS);
        let weight = self.venue.snapshot_call("", far).map_or(0, |(call, _)| call.weight);
        let is_crowded = u64::from(weight) * self.symbols.len() as u64 > u64::from(self.weight_per_minute);
        if reach == Reach::Near && is_crowded { near } else { far }
    }

    async fn get(&self, call: &RestCall) -> Result<Bytes, RestError> {
        let body = self.client.get(call).await?;
        self.tap.rest(clock::wall().received(), &call.path, &body);
        Ok(body)
    }

    /// Turns a failure into the pause that it asks for, and then an answer where one is waited for.
    async fn settle(&self, job: Job, outcome: Result<Answer, RestError>) -> Option<Answer> {
        let error = match outcome {
            Ok(answer) => return Some(answer),
            Err(error) => error,
        };
        let (Job::Snapshot(id, _) | Job::Quote(id)) = job;
        let (feed, symbol) = (&self.feed, self.symbol(id));
        if error.is_of_venue() {
            // The governor has said it once for all of them.
            tracing::debug!(%feed, symbol, %error, "rest call failed");
        } else {
            tracing::warn!(%feed, symbol, %error, "rest call failed");
        }
        match (job, error.recovery()) {
            (Job::Snapshot(..), Recovery::RetryAfter(pause)) => {
                tokio::time::sleep(pause.min(PAUSE_MAX)).await;
                Some(Answer::NoBook(id))
            }
            (Job::Snapshot(..), Recovery::Reconnect | Recovery::ReconnectNow | Recovery::Stop) => {
                Some(Answer::NoBook(id))
            }
            (Job::Quote(_), _) => None,
        }
    }

    fn symbol(&self, id: InstrumentId) -> String {
        self.symbols.get(id)
    }
}
