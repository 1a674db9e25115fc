//! The simulated world: its clock, its queue of events, everything in it.
//!
//! Owns the order of events; everything random comes from one seed. Never waits: time is the time of the next event.

use std::collections::{BTreeMap, VecDeque};

use fastrand::Rng;

use super::super::pipeline::Sabotage;
use super::engine::{Clocks, Phase, SimEngine};
use super::faults::Fault;
use super::judge::Judge;
use super::market::Market;
use super::native::Fence;
use super::network::Connection;
use super::reader::{Reader, Way};
use super::server::SimRedis;

pub(super) const MS: u64 = 1_000_000;
pub(super) const SECOND: u64 = 1_000 * MS;
/// Before the first fault.
const WARM_UP: u64 = 2 * SECOND;
/// How long faults happen.
const FAULTS: u64 = 14 * SECOND;
/// From the end of the faults to the last look: a dead owner's lease (2 s), a dead engine's entry (2 s), a hand-over (3 s).
pub(super) const QUIET: u64 = 13 * SECOND;
/// The market stands still so long before the last look.
const STILL: u64 = 2 * SECOND;
/// Lines of the trace that a failure shows.
const TRACE_LINES: usize = 60;

#[derive(Debug)]
pub(super) enum Event {
    /// The market moves.
    Quote {
        key: usize,
    },
    /// An engine hears of it.
    Heard {
        engine: usize,
        run: u32,
        key: usize,
        number: u64,
    },
    /// An engine publishes what did not change.
    Confirm {
        engine: usize,
        run: u32,
    },
    /// An engine's books are complete.
    Warm {
        engine: usize,
        run: u32,
    },
    Wake {
        engine: usize,
        run: u32,
    },
    Connect {
        engine: usize,
        run: u32,
    },
    HandshakeDone {
        connection: usize,
    },
    ToServer {
        connection: usize,
        bytes: Vec<u8>,
    },
    ToEngine {
        connection: usize,
        bytes: Vec<u8>,
    },
    /// The engine learns that its connection is gone.
    Reset {
        connection: usize,
    },
    /// The next step of a graceful stop.
    Stop {
        engine: usize,
        run: u32,
    },
    Start {
        engine: usize,
    },
    /// An engine learns who the primary is.
    Learn {
        engine: usize,
    },
    Poll {
        reader: usize,
    },
    Told {
        reader: usize,
        server: usize,
        key: usize,
        bytes: Vec<u8>,
    },
    Follow {
        reader: usize,
    },
    Fault,
    Recover(Fault),
    /// The primary saves its data.
    Save,
}

/// What is made wrong on purpose.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bugs {
    pub(super) fence: Fence,
    pub(super) sabotage: Option<Sabotage>,
}

#[derive(Debug)]
pub(super) struct World {
    pub(super) rng: Rng,
    pub(super) now: u64,
    queue: BTreeMap<(u64, u64), Event>,
    number: u64,
    pub(super) market: Market,
    pub(super) servers: [SimRedis; 2],
    pub(super) primary: usize,
    /// How far the replica is behind, in nanoseconds.
    pub(super) lag: u64,
    pub(super) engines: Vec<SimEngine>,
    pub(super) connections: Vec<Connection>,
    pub(super) readers: Vec<Reader>,
    pub(super) judge: Judge,
    pub(super) bugs: Bugs,
    pub(super) event_ids: u64,
    /// Whether the replica follows the primary.
    pub(super) replicates: bool,
    /// A failover or a restart is under way.
    pub(super) is_changing: bool,
    /// How far the servers' clocks were off at the most, both ways.
    pub(super) clock_range_us: (i64, i64),
    traces: bool,
    trace: VecDeque<String>,
}

impl World {
    pub(super) fn new(seed: u64, bugs: Bugs, traces: bool) -> Self {
        let mut rng = Rng::with_seed(seed);
        // Long-lived keys that nothing confirms show every value that was lost on the way.
        let (ttl_ms, confirms) = [(3_000, true), (8_000, true), (60_000, false)][rng.usize(..3)];
        let market = Market::new(rng.usize(2..=4), rng.usize(1..=4), ttl_ms, confirms);
        let servers = [SimRedis::new(true, bugs.fence), SimRedis::new(false, bugs.fence)];
        let mut world = Self {
            now: 0,
            queue: BTreeMap::new(),
            number: 0,
            servers,
            primary: 0,
            lag: rng.u64(0..800) * MS,
            engines: Vec::new(),
            connections: Vec::new(),
            readers: Vec::new(),
            judge: Judge::default(),
            bugs,
            event_ids: 0,
            replicates: true,
            is_changing: false,
            clock_range_us: (0, 0),
            traces,
            trace: VecDeque::new(),
            rng,
            market,
        };
        for engine in 0..world.rng.usize(2..=5) {
            let clocks = Clocks {
                mono_base: world.rng.u64(1..1_000_000) * MS,
                drift_ppm: world.rng.i64(-10_000..=10_000),
                wall_off: world.rng.i64(-10_800..=10_800) * 1_000_000_000,
            };
            let name = format!("engine-{engine}");
            let mut made = SimEngine::new(name, 0, clocks, &world.market, None);
            made.phase = Phase::Gone;
            world.engines.push(made);
            let at = world.rng.u64(0..500) * MS;
            world.at(at, Event::Start { engine });
        }
        for reader in 0..4 {
            let way = if reader % 2 == 0 { Way::Poll } else { Way::Subscribe };
            world.readers.push(Reader::new(way, world.market.keys.len(), ttl_ms));
            if way == Way::Poll {
                world.at(SECOND, Event::Poll { reader });
            }
        }
        for key in 0..world.market.keys.len() {
            world.at(0, Event::Quote { key });
            // A write that is lost among the last faults is not to be covered by a later one.
            if !confirms {
                world.market.last_at[key] = world.rng.u64(WARM_UP + FAULTS / 2..WARM_UP + FAULTS + SECOND);
            }
        }
        world.at(WARM_UP, Event::Fault);
        world.at(WARM_UP, Event::Save);
        world
    }

    /// Runs to the end, or to the first violation.
    pub(super) fn run(&mut self) {
        let end = WARM_UP + FAULTS + QUIET;
        while let Some(((at, _), event)) = self.queue.pop_first() {
            if at > end || self.judge.violation.is_some() {
                break;
            }
            self.now = at;
            self.happen(event);
        }
        self.now = end;
        if self.judge.violation.is_none() {
            self.look_at_the_end();
        }
    }

    pub(super) fn faults_are_over(&self) -> bool {
        self.now >= WARM_UP + FAULTS
    }

    pub(super) const fn faults_end(&self) -> u64 {
        WARM_UP + FAULTS
    }

    fn market_stands_still(&self) -> bool {
        self.now >= WARM_UP + FAULTS + QUIET - STILL
    }

    pub(super) fn at(&mut self, at: u64, event: Event) {
        self.number += 1;
        self.queue.insert((at.max(self.now), self.number), event);
    }

    pub(super) fn after(&mut self, delay: u64, event: Event) {
        self.at(self.now + delay, event);
    }

    /// Remembers a line, where somebody will read it.
    pub(super) fn note(&mut self, line: impl FnOnce(&Self) -> String) {
        if self.traces {
            if self.trace.len() == TRACE_LINES {
                self.trace.pop_front();
            }
            let line = format!("{:10.3} ms  {}", self.now as f64 / 1e6, line(self));
            self.trace.push_back(line);
        }
    }

    pub(super) fn trace(&self) -> String {
        self.trace.iter().map(String::as_str).collect::<Vec<_>>().join("\n")
    }

    /// Of a millisecond mostly, and now and then, while faults happen, of a hundred.
    pub(super) fn delay(&mut self) -> u64 {
        match self.rng.u32(..100) {
            98.. if self.faults_are_over() => self.rng.u64(50_000..MS),
            0..80 => self.rng.u64(50_000..500_000),
            80..98 => self.rng.u64(500_000..5 * MS),
            _ => self.rng.u64(5 * MS..150 * MS),
        }
    }

    fn happen(&mut self, event: Event) {
        if let Some(until) = self.sleeper(&event) {
            self.at(until, event);
            return;
        }
        match event {
            Event::Quote { key } => self.quote(key),
            Event::Heard { engine, run, key, number } => self.hear(engine, run, key, number),
            Event::Confirm { engine, run } => self.confirm(engine, run),
            Event::Warm { engine, run } => self.warm(engine, run),
            Event::Wake { engine, run } => self.wake(engine, run),
            Event::Connect { engine, run } => self.connect(engine, run),
            Event::HandshakeDone { connection } => self.handshake_done(connection),
            Event::ToServer { connection, bytes } => self.arrive_at_server(connection, &bytes),
            Event::ToEngine { connection, bytes } => self.arrive_at_engine(connection, &bytes),
            Event::Reset { connection } => self.reset(connection),
            Event::Stop { engine, run } => self.stop(engine, run),
            Event::Start { engine } => self.start(engine),
            Event::Learn { engine } => self.engines[engine].server = self.primary,
            Event::Poll { reader } => self.poll(reader),
            Event::Told { reader, server, key, bytes } => {
                if self.readers[reader].server == server {
                    self.read(reader, key, &bytes);
                }
            }
            Event::Follow { reader } => self.readers[reader].server = self.primary,
            Event::Fault => self.fault(),
            Event::Recover(fault) => self.recover(fault),
            Event::Save => {
                let primary = &mut self.servers[self.primary];
                primary.saved = primary.space.clone();
                self.after(2 * SECOND, Event::Save);
            }
        }
    }

    /// Until when the engine sleeps that this event is for.
    fn sleeper(&self, event: &Event) -> Option<u64> {
        let (engine, is_link) = match event {
            Event::Heard { engine, .. }
            | Event::Confirm { engine, .. }
            | Event::Warm { engine, .. }
            | Event::Stop { engine, .. } => (*engine, false),
            Event::Wake { engine, .. } | Event::Connect { engine, .. } => (*engine, true),
            Event::HandshakeDone { connection }
            | Event::ToEngine { connection, .. }
            | Event::Reset { connection } => (self.connections[*connection].engine, true),
            _ => return None,
        };
        let of = &self.engines[engine];
        // Whether sessions or the connection come first after a pause is chance.
        let until = of.paused_until + if is_link { of.paused_until % 3 * MS } else { 0 };
        (until > self.now && of.paused_until > 0).then_some(until)
    }

    fn quote(&mut self, key: usize) {
        if self.market_stands_still() || self.now >= self.market.last_at[key] {
            return;
        }
        self.market.newest[key] += 1;
        let number = self.market.newest[key];
        for engine in 0..self.engines.len() {
            if self.engines[engine].lives() {
                let (run, delay) = (self.engines[engine].run, self.delay());
                self.after(delay, Event::Heard { engine, run, key, number });
            }
        }
        let next = self.rng.u64(1..300) * MS;
        self.after(next, Event::Quote { key });
    }

    fn poll(&mut self, reader: usize) {
        let next = self.rng.u64(50..400) * MS;
        self.after(next, Event::Poll { reader });
        let server = self.readers[reader].server;
        self.catch_up(server);
        let now = self.now;
        let found: Vec<_> = {
            let of = &mut self.servers[server];
            of.set_time(now);
            if of.mode != super::server::Mode::Serving || of.loading {
                return;
            }
            let keys = self.market.keys.iter().enumerate();
            keys.filter_map(|(key, named)| {
                let entry = of.space.get(&named.name)?;
                let bytes = of.space.text(&named.name).ok()??.to_vec();
                Some((key, bytes, entry.touched, entry.ttl_ms))
            })
            .collect()
        };
        for (key, bytes, touched, ttl_ms) in found {
            let age = i64::try_from((now - touched) / MS).expect("simulations are short");
            if ttl_ms >= 0 {
                self.judge.read(key, age, ttl_ms);
            }
            self.read(reader, key, &bytes);
        }
    }

    fn read(&mut self, reader: usize, key: usize, bytes: &[u8]) {
        let before = self.readers[reader].shows(key, self.now).map(|(version, _)| version);
        if self.readers[reader].take(key, bytes, self.now) == super::reader::Taken::KeptOut {
            self.judge.count("kept out by readers");
        }
        let after = self.readers[reader].shows(key, self.now).map(|(version, _)| version);
        if after < before {
            self.judge.fail(format!("key {key}: reader {reader} went back from {before:?} to {after:?}"));
        }
    }
}
