//! What the engines do: they hear, they send, they connect, as the real process does around the pipeline.
//!
//! Owns the engines' side of connections. A turn is what the real writer does when its task is polled.

use crate::domain::{
    EventDetail, KeyEvent, MonoTime, Now, Price, Reason, Scale, SlotId, State, Update, Urgency,
};

use super::super::pipeline::FeedHealth;
use super::super::{FeedIndex, NodeIndex, PublishError};
use super::engine::Phase;
use super::market;
use super::network::{Connection, Path};
use super::resp;
use super::server::Mode;
use super::world::{Event, MS, SECOND, World};

const NODE: NodeIndex = NodeIndex(0);
/// Between attempts to connect, in milliseconds.
const RECONNECT_MS: [u64; 7] = [0, 20, 50, 100, 200, 350, 500];

impl World {
    pub(super) fn clock(&self, engine: usize) -> Now {
        self.engines[engine].clocks.now(self.now)
    }

    fn is_running(&self, engine: usize, run: u32) -> bool {
        self.engines[engine].run == run && self.engines[engine].lives()
    }

    pub(super) fn hear(&mut self, engine: usize, run: u32, key: usize, number: u64) {
        let of = &self.engines[engine];
        let hears = matches!(of.phase, Phase::Runs | Phase::Leaves);
        if !self.is_running(engine, run) || !hears || of.known[key] >= number {
            return;
        }
        self.engines[engine].known[key] = number;
        let urgency = if self.rng.u32(..10) == 0 { Urgency::First } else { Urgency::Normal };
        self.push(engine, key, &market::record(number), urgency);
        if self.rng.u32(..12) == 0 {
            self.event_ids += 1;
            let detail = EventDetail::PriceMove {
                price_scale: Scale::new(2).expect("in range"),
                reference: Price(i128::from(self.event_ids)),
                price: Price(i128::from(number)),
            };
            let (slot, time) = (slot(key), self.clock(engine).wall);
            self.engines[engine].pipeline.event(KeyEvent { slot, time, detail });
        }
        self.flush(engine);
    }

    fn push(&mut self, engine: usize, key: usize, record: &crate::domain::Record, urgency: Urgency) {
        let received = self.clock(engine).mono;
        let update = Update { slot: slot(key), record: record.as_ref(), received, urgency };
        self.engines[engine].pipeline.update(update);
    }

    pub(super) fn confirm(&mut self, engine: usize, run: u32) {
        if !self.is_running(engine, run) {
            return;
        }
        for key in 0..self.market.keys.len() {
            let number = self.engines[engine].known[key];
            if number > 0 && matches!(self.engines[engine].phase, Phase::Runs | Phase::Leaves) {
                self.push(engine, key, &market::record(number), Urgency::Confirmation);
            }
        }
        self.flush(engine);
        self.after(SECOND, Event::Confirm { engine, run });
    }

    /// The books are complete: it knows what is.
    pub(super) fn warm(&mut self, engine: usize, run: u32) {
        if !self.is_running(engine, run) {
            return;
        }
        for key in 0..self.market.keys.len() {
            let number = self.market.newest[key];
            self.hear(engine, run, key, number);
        }
        self.engines[engine].is_warm = true;
        for feed in 0..self.market.feeds.len() {
            let health = FeedHealth { state: State::Live, reason: Reason::None, warm: true };
            self.engines[engine].pipeline.set_health(feed_index(feed), health);
        }
        self.flush(engine);
    }

    pub(super) fn wake(&mut self, engine: usize, run: u32) {
        if !self.is_running(engine, run) || self.engines[engine].wake_at.is_none_or(|at| at > self.now) {
            return;
        }
        self.engines[engine].wake_at = None;
        if self.engines[engine].connection.is_some() {
            self.turn(engine);
        }
    }

    /// What the process does when its connection's task is polled.
    fn turn(&mut self, engine: usize) {
        let second = self.now / SECOND;
        let of = &mut self.engines[engine];
        of.turns = if of.turns.1 == second { (of.turns.0 + 1, second) } else { (1, second) };
        let turns = of.turns.0;
        self.judge.turned(engine, turns);
        self.write(engine);
        let now = self.clock(engine);
        let pipeline = &mut self.engines[engine].pipeline;
        if now.mono >= pipeline.deadline(NODE)
            && let Err(error) = pipeline.tick(NODE, now)
        {
            self.lose(engine, &error);
            return;
        }
        self.flush(engine);
    }

    pub(super) fn arrive_at_engine(&mut self, connection: usize, bytes: &[u8]) {
        if !self.connections[connection].engine_open {
            return;
        }
        let engine = self.connections[connection].engine;
        let cut = std::mem::take(&mut self.connections[connection].cut_in_reply);
        let bytes = if cut { &bytes[..self.rng.usize(..bytes.len())] } else { bytes };
        let now = self.clock(engine);
        let done = self.engines[engine].pipeline.input(NODE, bytes, now);
        self.tell_losses(engine);
        match done {
            Err(error) => self.lose(engine, &error),
            Ok(()) if cut => self.lose(engine, &PublishError::Closed),
            Ok(()) => self.turn(engine),
        }
    }

    pub(super) fn reset(&mut self, connection: usize) {
        if self.connections[connection].engine_open {
            self.lose(self.connections[connection].engine, &PublishError::Closed);
        }
    }

    /// Encodes what waits and sends it.
    pub(super) fn flush(&mut self, engine: usize) {
        let now = self.clock(engine);
        let of = &mut self.engines[engine];
        of.pipeline.fill(now);
        let begins = !of.is_sending && !of.pipeline.output(NODE).is_empty();
        if of.pipeline.unwritten() == 0 {
            of.clean_at = self.now;
        }
        self.tell_losses(engine);
        if begins && self.engines[engine].connection.is_some() {
            self.look_at_batch(engine, now.mono);
            self.engines[engine].is_sending = true;
            if let Some(pause) = self.engines[engine].pause_before_send.take() {
                self.judge.count("pauses with a batch in hand");
                self.engines[engine].pause_until(self.now + pause);
            }
        }
        if self.engines[engine].paused_until <= self.now {
            self.write(engine);
        }
        self.set_alarm(engine);
    }

    /// Whether the batch that was just made holds only what the engine may write.
    fn look_at_batch(&mut self, engine: usize, now: MonoTime) {
        let who = (engine, self.engines[engine].run);
        let output = self.engines[engine].pipeline.output(NODE);
        let connection = self.engines[engine].connection.expect("a batch is made for a connection");
        let connection = &mut self.connections[connection];
        connection.built.push_back((connection.sent + output.len() as u64, now));
        let mut rest = output;
        while let Some((words, length)) = resp::command(rest) {
            for (key, value) in values(&words) {
                let key = self.market.find(key).expect("values go under planned keys");
                let (epoch, _) = market::version(value).expect("values have versions");
                self.judge.built(self.market.keys[key].feed, who, epoch, now);
            }
            rest = &rest[length..];
        }
    }

    /// Gives the socket what it takes.
    fn write(&mut self, engine: usize) {
        let Some(connection) = self.engines[engine].connection else { return };
        if !self.engines[engine].is_sending || self.connections[connection].blocked_until > self.now {
            return;
        }
        let output = self.engines[engine].pipeline.output(NODE);
        let all = output.len();
        let is_full = !self.faults_are_over() && self.rng.u32(..60) == 0;
        let taken = if is_full { self.rng.usize(..all) } else { all };
        let bytes = output[..taken].to_vec();
        self.engines[engine].pipeline.took(NODE, taken);
        self.engines[engine].is_sending = taken < all;
        if taken < all {
            self.judge.count("full sockets");
            self.connections[connection].blocked_until = self.now + self.rng.u64(1..300) * MS;
        }
        let delay = self.delay();
        let of = &mut self.connections[connection];
        of.sent += bytes.len() as u64;
        if let Some(at) = of.arrival(self.now, delay, of.to_server_at) {
            of.to_server_at = at;
            self.at(at, Event::ToServer { connection, bytes });
        }
    }

    fn set_alarm(&mut self, engine: usize) {
        let of = &self.engines[engine];
        let Some(connection) = of.connection else { return };
        let mut at = of.clocks.when(of.pipeline.deadline(NODE));
        if of.is_sending {
            at = at.min(self.connections[connection].blocked_until);
        }
        let at = at.max(of.paused_until).max(self.now + 1);
        if of.wake_at.is_none_or(|known| known > at) {
            let run = of.run;
            self.engines[engine].wake_at = Some(at);
            self.at(at, Event::Wake { engine, run });
        }
    }

    pub(super) fn tell_losses(&mut self, engine: usize) {
        let who = (engine, self.engines[engine].run);
        for (feed, why) in std::mem::take(&mut self.engines[engine].pipeline.losses) {
            self.note(|_| format!("{who:?} has lost feed {}: {}", feed.0, why.as_str()));
            self.judge.lost(usize::from(feed.0), who, why);
        }
    }

    /// The engine gives its connection up and makes another one.
    pub(super) fn lose(&mut self, engine: usize, error: &PublishError) {
        let now = self.clock(engine).mono;
        let Some(connection) = self.engines[engine].connection.take() else { return };
        self.note(|_| format!("engine {engine} gives connection {connection} up: {error}"));
        self.judge.count("connections lost");
        self.let_go(connection);
        let since = self.connections[connection].up_since;
        let of = &mut self.engines[engine];
        (of.is_sending, of.wake_at) = (false, None);
        if since.is_some_and(|since| self.now - since >= SECOND) {
            of.attempts = 0;
        }
        of.pipeline.link_down(NODE, error.why(), now);
        self.tell_losses(engine);
        self.connect_later(engine);
    }

    /// What is on its way may still arrive, or never.
    pub(super) fn let_go(&mut self, connection: usize) {
        self.connections[connection].engine_open = false;
        let is_stalled = matches!(self.connections[connection].path, Path::Stalled(_));
        if !is_stalled && self.rng.bool() {
            self.connections[connection].server_open = false;
        }
    }

    pub(super) fn connect_later(&mut self, engine: usize) {
        let of = &mut self.engines[engine];
        let wait = RECONNECT_MS[of.attempts.min(RECONNECT_MS.len() - 1)] * MS;
        of.attempts += 1;
        let run = of.run;
        let handshake = self.delay();
        self.after(wait + handshake, Event::Connect { engine, run });
    }

    pub(super) fn connect(&mut self, engine: usize, run: u32) {
        if !self.is_running(engine, run) || self.engines[engine].connection.is_some() {
            return;
        }
        let server = self.engines[engine].server;
        let of = &self.servers[server];
        if of.mode == Mode::Hung || self.engines[engine].cut_off_until > self.now {
            // The handshake is not answered in time.
            self.after(500 * MS, Event::Connect { engine, run });
            return;
        }
        if of.mode == Mode::Down || !of.is_primary {
            self.connect_later(engine);
            return;
        }
        let connection = self.connections.len();
        self.connections.push(Connection::new(engine, run, server));
        self.servers[server].scripts |= !self.servers[server].loading;
        let delay = self.delay();
        self.after(delay, Event::HandshakeDone { connection });
    }

    pub(super) fn handshake_done(&mut self, connection: usize) {
        let Connection { engine, run, server, server_open, .. } = self.connections[connection];
        if !self.is_running(engine, run) || self.engines[engine].connection.is_some() {
            return;
        }
        let is_cut = self.connections[connection].path != Path::Open;
        if is_cut || !server_open || self.servers[server].mode == Mode::Down {
            self.connect_later(engine);
            return;
        }
        self.note(|_| format!("engine {engine} is connected with server {server} by {connection}"));
        self.connections[connection].up_since = Some(self.now);
        self.engines[engine].connection = Some(connection);
        let now = self.clock(engine);
        self.engines[engine].pipeline.link_up(NODE, now.mono);
        self.turn(engine);
    }

    pub(super) fn last_values(&mut self, engine: usize) {
        for key in 0..self.market.keys.len() {
            let number = self.engines[engine].known[key];
            if number > 0 {
                self.push(engine, key, &market::stopping(number), Urgency::First);
            }
        }
        self.flush(engine);
    }
}

pub(super) fn slot(key: usize) -> SlotId {
    SlotId(u32::try_from(key).expect("few keys"))
}

pub(super) fn feed_index(feed: usize) -> FeedIndex {
    FeedIndex(u16::try_from(feed).expect("few feeds"))
}

/// Key and value of each write of a command; none where it is not the write script.
pub(super) fn values<'a>(words: &'a [&'a [u8]]) -> impl Iterator<Item = (&'a [u8], &'a [u8])> {
    let is_write =
        words.len() > 2 && words[0] == b"EVALSHA" && words[1] == super::super::script::WRITE.hash.as_bytes();
    let count = if is_write { words_number(words[2]) } else { 0 };
    (0..count).map(move |index| (words[3 + index], words[5 + count + 2 * index]))
}

pub(super) fn words_number(word: &[u8]) -> usize {
    std::str::from_utf8(word).ok().and_then(|digits| digits.parse().ok()).expect("a number")
}
