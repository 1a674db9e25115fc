//! A feed on paused time: the engine's sessions, decoders, books and states against the simulator, on one thread, over sockets.
//!
//! Time goes on only where no task has anything left to do, and then to the next timer: seconds pass within milliseconds, and what
//! is measured does not depend on the machine. A beat of [`BEAT`] bounds how far it goes at once, and with that how long the
//! kernel seems to take for a frame.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use tickcache::clock;
use tickcache::domain::{
    Channel, Entity, EntityDurations, EventPolicy, Feed, Instrument, InstrumentId, KeyEvent, MarketEvent,
    MarketRules, MonoTime, Now, PriceFrom, Reason, Record, Request, SessionId, SlotId, State, Subscription,
    Trading, Update, UpdateSink,
};
use tickcache::feed::{
    self, ChannelNames, DecodeError, Excerpt, Governor, RestClient, SessionCommand, SessionEnd,
    SessionHandler, SessionPlan, Setup, VenueProtocol, Wanted,
};
use tickcache::process::{Book, Counts, FeedState, InstrumentSpec};
use tickcache::simulate::{Config, MarketOptions, Simulator};
use tokio::sync::{mpsc, watch};
use tokio::task::LocalSet;

use crate::cases::Case;
use crate::truth;

/// The longest step of time.
pub(crate) const BEAT: Duration = Duration::from_millis(4);

/// How long the system has for what is on its way through its sockets, in real time: paused time leaps as soon as nobody has
/// anything to do, and on a busy machine seconds of it passed before that arrived.
const MOMENT: Duration = Duration::from_millis(1);

/// Of a snapshot over REST.
const SNAPSHOT_LEVELS: usize = 1_000;

/// As the engine's shard does it.
const TICK: Duration = Duration::from_millis(50);

/// How long an acknowledged subscription may stay silent.
pub(crate) const FIRST_DATA: Duration = Duration::from_secs(2);

/// Until a subscription that is made anew is acknowledged.
const SUBSCRIBED: Duration = Duration::from_secs(2);

/// How long a channel may be quiet at most before it is probed: the engine's defaults.
pub(crate) const SILENCE: EntityDurations = EntityDurations {
    price: Duration::from_secs(10),
    liquidity: Duration::from_secs(10),
    volume: Duration::from_secs(60),
};

/// How much longer than at best a frame may take: the engine's default.
pub(crate) const CONGESTION: Duration = Duration::from_secs(1);

/// Far beyond anything that is waited for.
pub(crate) const PATIENCE: Duration = Duration::from_secs(180);

pub(crate) const BASES: [&str; 2] = ["BTC", "ETH"];

const ENTITIES: [Entity; 3] = [Entity::Price, Entity::Liquidity, Entity::Volume];

/// A value of one of the instruments.
pub(crate) type Key = (usize, Entity);

/// What a key became, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Turn {
    pub(crate) at: MonoTime,
    pub(crate) key: Key,
    pub(crate) state: State,
    pub(crate) reason: Reason,
    /// Events of each channel of the instrument until then.
    pub(crate) events: [u64; 4],
}

/// Everything that was published, as far as it is looked at.
#[derive(Debug, Default)]
pub(crate) struct Log {
    pub(crate) turns: Vec<Turn>,
    pub(crate) values: HashMap<Key, Record>,
    /// Events so far, of each instrument and channel.
    pub(crate) events: HashMap<usize, [u64; 4]>,
    /// What was published live and never was so at the venue.
    pub(crate) lies: Vec<truth::Lie>,
    history: Option<truth::History>,
}

impl UpdateSink for Log {
    fn update(&mut self, update: Update<'_>) {
        let key = (update.slot.0 as usize / 3, ENTITIES[update.slot.0 as usize % 3]);
        let record = update.record.to_record();
        let stamp = *record.stamp();
        let before = self.values.get(&key).map(|record| (record.stamp().state, record.stamp().reason));
        if before != Some((stamp.state, stamp.reason)) {
            let events = self.events.get(&key.0).copied().unwrap_or_default();
            let (state, reason) = (stamp.state, stamp.reason);
            self.turns.push(Turn { at: clock::mono(), key, state, reason, events });
        }
        if let (State::Live, Some(history)) = (stamp.state, &mut self.history)
            && let Err(lie) = history.knows(key.0, &record)
        {
            self.lies.push(lie);
        }
        self.values.insert(key, record);
    }

    fn event(&mut self, _: KeyEvent) {}
}

/// The part of the engine between its sessions and its writer.
pub(crate) struct Desk {
    venue: &'static dyn VenueProtocol,
    state: RefCell<FeedState>,
    pub(crate) log: RefCell<Log>,
    commands: Vec<(Vec<Subscription>, mpsc::Sender<SessionCommand>)>,
    symbols: Vec<String>,
    rest: RestClient,
    pub(crate) ends: Cell<u32>,
    pub(crate) garbage: Cell<u32>,
    are_refusals_ordered: Cell<bool>,
    this: std::rc::Weak<Self>,
}

impl Desk {
    fn step(&self, change: impl FnOnce(&mut FeedState, &mut Log)) {
        let mut state = self.state.borrow_mut();
        change(&mut state, &mut self.log.borrow_mut());
        while let Some(request) = state.next_request() {
            self.forward(request);
        }
    }

    fn forward(&self, request: Request) {
        match request {
            Request::Resubscribe(subscription) => {
                let route = self.commands.iter().find(|(carried, _)| carried.contains(&subscription));
                let _ =
                    route.expect("somebody carries it").1.try_send(SessionCommand::Resubscribe(subscription));
            }
            Request::Snapshot(..) | Request::ConfirmQuote(_) => {
                let this = self.this.upgrade().expect("it lives");
                tokio::task::spawn_local(async move { this.fetch(request).await });
            }
        }
    }

    async fn fetch(&self, request: Request) {
        let asked = clock::mono();
        match request {
            Request::Snapshot(id, _) => match self.snapshot(id).await {
                Some(book) => self.step(|state, log| state.snapshot(id, book, asked, clock::now(), log)),
                None => self.step(|state, _| state.snapshot_failed(id)),
            },
            Request::ConfirmQuote(id) => {
                let answer = self.rest.get(&self.venue.quote_call(self.symbol(id))).await;
                if let Some(quote) = answer.ok().and_then(|body| self.venue.parse_quote(&body).ok()) {
                    self.step(|state, log| state.quote_confirmation(id, &quote, asked, clock::now(), log));
                }
            }
            Request::Resubscribe(_) => {}
        }
    }

    async fn snapshot(&self, id: InstrumentId) -> Option<Book> {
        let (call, limit) = self.venue.snapshot_call(self.symbol(id), SNAPSHOT_LEVELS)?;
        let body = self.rest.get(&call).await.ok()?;
        Book::from_snapshot(&self.venue.parse_snapshot(&body, limit).ok()?).ok()
    }

    fn symbol(&self, id: InstrumentId) -> &str {
        &self.symbols[id.0 as usize]
    }
}

impl SessionHandler for Desk {
    fn heard(&self, session: SessionId, received: Now) {
        self.state.borrow_mut().heard(session, received);
    }

    fn event(&self, session: SessionId, subscription: Subscription, event: &MarketEvent<'_>, received: Now) {
        let place = subscription.instrument.0 as usize;
        self.log.borrow_mut().events.entry(place).or_default()[subscription.channel as usize] += 1;
        self.step(|state, log| state.event(session, subscription, event, received, log));
    }

    fn caught_up(&self) {}

    fn frame(&self, _: SessionId, _: &[u8], _: Now) {}

    fn garbage(&self, _: SessionId, _: &DecodeError) {
        self.garbage.set(self.garbage.get() + 1);
    }

    fn up(&self, _: SessionId, _: Now) {}

    fn down(&self, session: SessionId, _: &SessionEnd, now: Now) {
        self.ends.set(self.ends.get() + 1);
        self.step(|state, log| state.session_down(session, now, log));
    }

    fn lane_down(&self, _: SessionId, _: &SessionEnd) {}

    fn trading(&self, session: SessionId, of: Option<InstrumentId>, trading: Trading, received: Now) {
        self.step(|state, log| state.trading(session, of, trading, received, log));
    }

    fn interrupted(&self, subscription: Subscription, now: Now) {
        self.step(|state, log| state.interrupted(subscription, now, log));
    }

    fn no_first_data(&self, subscription: Subscription, now: Now) {
        self.step(|state, log| state.no_first_data(subscription, now, log));
    }

    fn unknown(&self, _: SessionId, _: &[u8]) {
        self.garbage.set(self.garbage.get() + 1);
    }

    fn undecodable(&self, session: SessionId, of: &[Subscription], received: Now) {
        self.step(|state, log| state.undecodable(session, of, received, log));
    }

    fn refused(&self, _: SessionId, of: &[Subscription], code: i64, message: &Excerpt, received: Now) {
        let is_ordered = self.are_refusals_ordered.get();
        assert!(is_ordered, "the simulator refuses a request: {of:?} {code} {message}");
        self.step(|state, log| state.refused(of, received, log));
    }
}

/// A feed of two instruments and its venue.
pub(crate) struct Stage {
    pub(crate) case: Case,
    pub(crate) simulator: Rc<Simulator>,
    pub(crate) desk: Rc<Desk>,
    stop: watch::Sender<bool>,
}

/// Runs on a thread of its own, whose time is paused.
pub(crate) fn on_paused_time<T>(test: impl Future<Output = T>) -> T {
    clock::follow_tokio();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build();
    LocalSet::new().block_on(&runtime.unwrap(), async {
        tokio::task::spawn_local(async {
            let mut beat = tokio::time::interval(BEAT);
            loop {
                beat.tick().await;
            }
        });
        test.await
    })
}

impl Stage {
    /// What a rule that refuses one instrument's channel names; from now on the venue may refuse.
    pub(crate) fn refusable(&self, channel: Channel, place: usize) -> String {
        self.desk.are_refusals_ordered.set(true);
        match self.case.venue {
            // Other venues refuse a symbol, whatever the channel.
            "binance" | "binance-usdm" => self.case.stream(channel, BASES[place]),
            _ => self.desk.symbols[place].clone(),
        }
    }

    pub(crate) async fn start(case: Case, seed: u64) -> Self {
        let options = MarketOptions {
            updates_per_second: 60,
            jump_every: None,
            levels: 150,
            step: 2 * BEAT,
            seed,
            ..MarketOptions::default()
        };
        let config = Config::market(options.only(&BASES)).venue(case.venue);
        let simulator = Rc::new(Simulator::start(config).await.unwrap());
        let venue = feed::venue(case.venue).expect("registered");
        let instruments: Vec<Instrument> =
            BASES.iter().map(|base| case.instrument(base).parse().unwrap()).collect();
        let plans = plans(case, venue, &instruments, &simulator);
        let specs: Vec<InstrumentSpec> =
            (0..instruments.len()).map(|place| spec(case, venue, &instruments, &plans, place)).collect();
        let (mut commands, mut receivers) = (Vec::new(), Vec::new());
        for plan in &plans {
            let (sender, receiver) = mpsc::channel(feed::COMMANDS_MAX);
            commands.push((carried(plan).collect(), sender));
            receivers.push(receiver);
        }
        let name = Feed { venue: case.venue.parse().unwrap(), partition: 0 };
        let defaults = venue.defaults();
        let governor =
            Arc::new(Governor::new(&name, defaults.rest_weight_per_minute, defaults.connects, None));
        let policy = EventPolicy::default();
        let state = FeedState::new(&specs, plans.len(), SILENCE, CONGESTION, policy, clock::now());
        let desk = Rc::new_cyclic(|this| Desk {
            venue,
            state: RefCell::new(state),
            log: RefCell::default(),
            commands,
            symbols: instruments.iter().map(|instrument| venue.symbol(instrument).unwrap()).collect(),
            rest: RestClient::new(&simulator.rest_url(), Arc::clone(&governor)),
            ends: Cell::new(0),
            garbage: Cell::new(0),
            are_refusals_ordered: Cell::new(false),
            this: this.clone(),
        });
        let (stop, stopped) = watch::channel(false);
        for (plan, receiver) in plans.into_iter().zip(receivers) {
            let (desk, stopped, governor) = (Rc::clone(&desk), stopped.clone(), Arc::clone(&governor));
            tokio::task::spawn_local(async move {
                feed::run(plan, receiver, stopped, &*desk, &governor).await;
            });
        }
        let this = Self { case, simulator, desk, stop };
        this.tick_and_watch();
        this
    }

    /// The timer's steps, and the memory of what the venue was like.
    fn tick_and_watch(&self) {
        let (ticking, watching, mut stop) =
            (Rc::clone(&self.desk), Rc::clone(&self.desk), self.stop.subscribe());
        let history = truth::History::new(Rc::clone(&self.simulator), self.symbols(), self.case.depth);
        self.desk.log.borrow_mut().history = Some(history);
        tokio::task::spawn_local(async move {
            let mut timer = tokio::time::interval(TICK);
            loop {
                timer.tick().await;
                ticking.step(|state, log| state.tick(clock::now(), log));
            }
        });
        tokio::task::spawn_local(async move {
            let mut beat = tokio::time::interval(BEAT);
            while !*stop.borrow_and_update() {
                beat.tick().await;
                watching.log.borrow_mut().history.as_mut().expect("it is there").note();
            }
            watching.log.borrow_mut().history = None;
        });
    }

    fn symbols(&self) -> Vec<String> {
        let symbol = |base: &&str| Case::symbol(&self.case.instrument(base), &self.simulator);
        BASES.iter().map(symbol).collect()
    }

    pub(crate) fn counts(&self) -> Counts {
        self.desk.state.borrow_mut().take_counts()
    }

    /// What keys became since the last call.
    pub(crate) fn take_turns(&self) -> Vec<Turn> {
        std::mem::take(&mut self.desk.log.borrow_mut().turns)
    }

    /// Waits until `look` is true; how long that took.
    pub(crate) async fn until(
        &self,
        what: &str,
        patience: Duration,
        mut look: impl FnMut() -> bool,
    ) -> Duration {
        let started = clock::mono();
        while !look() {
            let waited = clock::mono().since(started);
            assert!(waited < patience, "{}: {what}: not within {patience:?}", self.case.venue);
            tokio::time::sleep(BEAT).await;
        }
        clock::mono().since(started)
    }

    fn objection(&self, look: impl Fn(&Record, &str) -> Result<(), String>) -> Option<String> {
        let log = self.desk.log.borrow();
        let symbols = self.symbols();
        let keys = (0..BASES.len()).flat_map(|place| ENTITIES.map(|entity| (place, entity)));
        keys.into_iter().find_map(|key| {
            let found = log.values.get(&key).ok_or("no value".to_owned());
            found
                .and_then(|record| look(record, &symbols[key.0]))
                .err()
                .map(|error| format!("{key:?}: {error}"))
        })
    }

    pub(crate) async fn live(&self) {
        let started = clock::mono();
        while let Some(objection) = self.objection(|record, _| truth::is_live(record)) {
            let waited = clock::mono().since(started);
            assert!(waited < PATIENCE, "{}: not live: {objection}", self.case.venue);
            tokio::time::sleep(TICK).await;
        }
    }

    /// Every value becomes live and, once the venue stands still, the venue's.
    pub(crate) async fn right(&self) {
        self.stand_still().await;
        let started = clock::mono();
        // Figures that nobody tells any more are silent, and rightly so.
        let right = |record: &Record, symbol: &str| match record {
            Record::Volume(_) => Ok(()),
            Record::Price(_) | Record::Liquidity(_) => {
                truth::agrees(record, &self.simulator, symbol, self.case.depth)
            }
        };
        while let Some(objection) = self.objection(right) {
            let waited = clock::mono().since(started);
            assert!(waited < PATIENCE, "{}: not right: {objection}", self.case.venue);
            std::thread::sleep(MOMENT);
            tokio::time::sleep(TICK).await;
        }
        self.simulator.resume();
        // The market makes up for the pause with many changes at once, of which the history knows but the last.
        tokio::time::sleep(Duration::from_millis(500)).await;
        self.desk.log.borrow_mut().lies.clear();
    }

    /// Halts the venue while everything is live. What is subscribed to anew just then gets no first data from a venue that stands
    /// still: once more, then.
    async fn stand_still(&self) {
        for _ in 0..5 {
            self.live().await;
            self.simulator.pause().await;
            std::thread::sleep(MOMENT);
            tokio::time::sleep(FIRST_DATA + SUBSCRIBED).await;
            if self.objection(|record, _| truth::is_live(record)).is_none() {
                return;
            }
            self.simulator.resume();
        }
        panic!("{}: whenever it stands still something is not live", self.case.venue);
    }

    pub(crate) async fn stop(self) {
        self.stop.send_replace(true);
        tokio::time::sleep(TICK).await;
        if let Ok(simulator) = Rc::try_unwrap(self.simulator) {
            simulator.stop().await;
        }
    }
}

fn plans(
    case: Case,
    venue: &'static dyn VenueProtocol,
    instruments: &[Instrument],
    simulator: &Simulator,
) -> Vec<SessionPlan> {
    let urls = simulator.websocket_urls();
    let setup = Setup {
        names: ChannelNames::of(venue.defaults()),
        websocket_urls: Channel::ALL.map(|channel| match channel {
            Channel::Volume => urls[urls.len() - 1].clone(),
            Channel::Quote | Channel::Trade | Channel::Depth => urls[0].clone(),
        }),
        price_from: venue.defaults().price_from(),
        depth: case.depth,
        first_data: FIRST_DATA,
        redundant: 1,
        session_max: None,
    };
    let wanted = |instrument: &Instrument| Wanted {
        instrument: instrument.clone(),
        symbol: venue.symbol(instrument).unwrap(),
        entities: ENTITIES.to_vec(),
    };
    let wanted: Vec<Wanted> = instruments.iter().map(wanted).collect();
    feed::sessions(venue, &wanted, &setup)
}

fn carried(plan: &SessionPlan) -> impl Iterator<Item = Subscription> {
    plan.streams.iter().flat_map(|stream| stream.subscriptions.clone())
}

fn spec(
    case: Case,
    venue: &'static dyn VenueProtocol,
    instruments: &[Instrument],
    plans: &[SessionPlan],
    place: usize,
) -> InstrumentSpec {
    let price_from = venue.defaults().price_from();
    let own = |plan: &SessionPlan| {
        let of_place = carried(plan).filter(|subscription| subscription.instrument.0 as usize == place);
        of_place.map(|subscription| (subscription.channel, plan.id)).collect::<Vec<_>>()
    };
    let mut sessions: Vec<(Channel, SessionId)> = plans.iter().flat_map(own).collect();
    if price_from == PriceFrom::Book
        && let Some(&(_, session)) = sessions.iter().find(|(channel, _)| *channel == Channel::Depth)
    {
        sessions.push((Channel::Quote, session));
    }
    let slot = |index: usize| SlotId(u32::try_from(3 * place + index).unwrap());
    InstrumentSpec {
        slots: (0..3).map(|index| (ENTITIES[index], slot(index))).collect(),
        depth: case.depth,
        sessions,
        rules: MarketRules {
            book: venue.book_rules(case.depth),
            price_from,
            ticker_top: venue.ticker_top(price_from),
            contract: venue.contract(&instruments[place]).expect("known"),
        },
    }
}
