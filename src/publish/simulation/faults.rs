//! What goes wrong, how long, and how it is set right again.
//!
//! Owns the choice of faults. Everything that it breaks is whole again about a second after the last fault.

use super::engine::{Phase, SimEngine};
use super::network::Path;
use super::server::Mode;
use super::world::{Event, MS, SECOND, World};

/// Something that goes wrong, or that ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    Cut,
    CutInReply,
    BlackHole,
    Stall,
    Partition,
    Pause,
    Hang,
    Kill,
    Leave,
    Failover,
    /// The replica becomes the primary.
    Promote,
    /// The former primary becomes the replica.
    Demote,
    Restart,
    RestartEmpty,
    Flush,
    ForgetScripts,
    Full,
    Loading,
    Foreign,
}

/// Each as often as it stands here.
const FAULTS: [Fault; 35] = [
    Fault::Cut,
    Fault::Cut,
    Fault::CutInReply,
    Fault::CutInReply,
    Fault::BlackHole,
    Fault::BlackHole,
    Fault::Stall,
    Fault::Stall,
    Fault::Stall,
    Fault::Partition,
    Fault::Partition,
    Fault::Partition,
    Fault::Pause,
    Fault::Pause,
    Fault::Pause,
    Fault::Pause,
    Fault::Pause,
    Fault::Hang,
    Fault::Hang,
    Fault::Hang,
    Fault::Kill,
    Fault::Kill,
    Fault::Leave,
    Fault::Leave,
    Fault::Failover,
    Fault::Failover,
    Fault::Failover,
    Fault::Failover,
    Fault::Restart,
    Fault::RestartEmpty,
    Fault::Flush,
    Fault::ForgetScripts,
    Fault::Full,
    Fault::Loading,
    Fault::Foreign,
];

impl World {
    pub(super) fn fault(&mut self) {
        if self.faults_are_over() {
            return;
        }
        let next = self.rng.u64(20..800) * MS;
        self.after(next, Event::Fault);
        let fault = FAULTS[self.rng.usize(..FAULTS.len())];
        let engine = self.rng.usize(..self.engines.len());
        self.note(|_| format!("FAULT {fault:?} (engine {engine})"));
        match fault {
            Fault::Cut | Fault::CutInReply | Fault::BlackHole => self.break_connection(fault, engine),
            Fault::Stall => {
                // Of one that writes: it will have written newer values when the old ones arrive.
                let now = self.now;
                let writes = |engine: &SimEngine| {
                    let mono = engine.clocks.now(now).mono;
                    engine.lives() && engine.pipeline.authority(super::driving::feed_index(0), mono).is_some()
                };
                let writer = self.engines.iter().position(writes);
                self.break_connection(fault, writer.unwrap_or(engine));
            }
            Fault::Partition => self.partition(engine),
            Fault::Pause => self.pause(engine),
            Fault::Kill => self.kill(engine),
            Fault::Leave => {
                let run = self.engines[engine].run;
                if self.engines[engine].phase == Phase::Runs {
                    self.after(0, Event::Stop { engine, run });
                }
            }
            Fault::Failover => self.fail_over(),
            Fault::Restart | Fault::RestartEmpty => self.restart(fault),
            Fault::Hang | Fault::Full | Fault::Loading => self.afflict(fault),
            Fault::Flush => {
                self.judge.count("flushes");
                self.at_primary().space.clear();
            }
            Fault::ForgetScripts => self.at_primary().scripts = false,
            // Where nothing is confirmed, nobody would notice.
            Fault::Foreign if !self.market.confirms => {}
            Fault::Foreign => {
                let key = self.rng.usize(..self.market.keys.len());
                let name = self.market.keys[key].name.clone();
                let space = &mut self.at_primary().space;
                let _ = space.set(&name, b"not a value of ours", None);
            }
            Fault::Promote | Fault::Demote => unreachable!("they follow others"),
        }
    }

    pub(super) fn recover(&mut self, fault: Fault) {
        self.note(|_| format!("RECOVERY {fault:?}"));
        match fault {
            Fault::Hang => self.go_on(),
            Fault::Full => self.servers.iter_mut().for_each(|server| server.set_full(false)),
            Fault::Loading => self.servers.iter_mut().for_each(|server| server.loading = false),
            Fault::Promote => self.promote(),
            Fault::Demote => self.demote(),
            Fault::Restart | Fault::RestartEmpty => self.started_again(fault),
            _ => unreachable!("{fault:?} needs nobody to end it"),
        }
    }

    fn at_primary(&mut self) -> &mut super::server::SimRedis {
        let (now, primary) = (self.now, self.primary);
        self.servers[primary].set_time(now);
        &mut self.servers[primary]
    }

    /// A duration that does not reach far beyond the last fault.
    fn span(&mut self, from_ms: u64, to_ms: u64) -> u64 {
        let drawn = self.rng.u64(from_ms..to_ms) * MS;
        drawn.min((self.faults_end() + SECOND).saturating_sub(self.now))
    }

    fn break_connection(&mut self, fault: Fault, engine: usize) {
        let Some(connection) = self.engines[engine].connection else { return };
        match fault {
            Fault::Cut => {
                if self.rng.bool() {
                    self.connections[connection].server_open = false;
                }
                let delay = self.delay();
                self.after(delay, Event::Reset { connection });
            }
            Fault::CutInReply => self.connections[connection].cut_in_reply = true,
            // What is on its way comes when nobody waits for it any more.
            Fault::Stall => {
                let until = self.now + self.span(500, 3_000);
                self.judge.count("stalls");
                self.connections[connection].disturb(Path::Stalled(until));
            }
            _ => self.connections[connection].disturb(Path::BlackHole),
        }
    }

    fn partition(&mut self, engine: usize) {
        self.judge.count("partitions");
        let span = self.span(100, 3_000);
        self.engines[engine].cut_off_until = self.now + span;
        let path = if self.rng.bool() { Path::BlackHole } else { Path::Stalled(self.now + span) };
        for connection in self.connections.iter_mut().filter(|connection| connection.engine == engine) {
            connection.disturb(path);
        }
    }

    fn pause(&mut self, engine: usize) {
        if !self.engines[engine].lives() {
            return;
        }
        self.judge.count("pauses");
        let longest = if self.rng.bool() { 1_600 } else { 5_000 };
        let span = self.span(50, longest) + self.rng.u64(..3);
        if self.rng.bool() {
            self.engines[engine].pause_before_send = Some(span);
        } else {
            self.engines[engine].pause_until(self.now + span);
        }
    }

    fn afflict(&mut self, fault: Fault) {
        let span = self.span(50, if fault == Fault::Hang { 4_000 } else { 1_200 });
        let primary = self.at_primary();
        match fault {
            Fault::Hang if primary.mode == Mode::Serving => primary.mode = Mode::Hung,
            Fault::Full => primary.set_full(true),
            Fault::Loading => primary.loading = true,
            _ => return,
        }
        self.after(span, Event::Recover(fault));
    }

    /// What waited in the sockets is run now, one connection after another.
    fn go_on(&mut self) {
        self.judge.count("hangs");
        for server in 0..self.servers.len() {
            if self.servers[server].mode == Mode::Hung {
                self.servers[server].mode = Mode::Serving;
                let mut waiting: Vec<usize> = (0..self.connections.len())
                    .filter(|&index| self.connections[index].server == server)
                    .filter(|&index| self.connections[index].server_open)
                    .collect();
                self.rng.shuffle(&mut waiting);
                for connection in waiting {
                    self.serve(connection);
                }
            }
        }
    }

    fn kill(&mut self, engine: usize) {
        if self.engines[engine].lives() {
            self.judge.count("kills");
            self.bury(engine);
            let wait = self.span(100, 3_000);
            self.after(wait, Event::Start { engine });
        }
    }

    fn bury(&mut self, engine: usize) {
        let of = &mut self.engines[engine];
        (of.phase, of.paused_until, of.pause_before_send) = (Phase::Gone, 0, None);
        if let Some(connection) = of.connection.take() {
            self.let_go(connection);
        }
    }

    pub(super) fn start(&mut self, engine: usize) {
        let old = &self.engines[engine];
        if old.lives() {
            return;
        }
        let (name, run, clocks) = (old.name.clone(), old.run + 1, old.clocks);
        let cut_off_until = old.cut_off_until;
        let mut new = SimEngine::new(name, run, clocks, &self.market, self.bugs.sabotage);
        (new.server, new.cut_off_until) = (self.primary, cut_off_until);
        self.engines[engine] = new;
        self.note(|world| format!("{} starts", world.engines[engine].owner()));
        let warm = self.rng.u64(100..1_500) * MS;
        self.after(0, Event::Connect { engine, run });
        self.after(warm, Event::Warm { engine, run });
        if self.market.confirms {
            self.after(SECOND, Event::Confirm { engine, run });
        }
    }

    /// The next step of a graceful stop, as the program does it.
    pub(super) fn stop(&mut self, engine: usize, run: u32) {
        if self.engines[engine].run != run {
            return;
        }
        let now = self.clock(engine);
        match self.engines[engine].phase {
            Phase::Runs => {
                self.judge.count("graceful stops");
                let of = &mut self.engines[engine];
                of.phase = Phase::Leaves;
                let _ = of.pipeline.leave(now);
                let wait = if of.connection.is_some() { 150 * MS } else { 0 };
                self.flush(engine);
                self.after(wait, Event::Stop { engine, run });
            }
            Phase::Leaves => {
                self.engines[engine].phase = Phase::Drains;
                self.last_values(engine);
                let wait = self.rng.u64(20..500) * MS;
                self.after(wait, Event::Stop { engine, run });
            }
            Phase::Drains => {
                self.bury(engine);
                let wait = self.span(100, 3_000);
                self.after(wait, Event::Start { engine });
            }
            Phase::Gone => {}
        }
    }

    /// The server's process has ended: every connection with it.
    fn cut_all(&mut self, server: usize) {
        for connection in 0..self.connections.len() {
            let of = &mut self.connections[connection];
            if of.server == server && of.server_open {
                (of.server_open, of.received) = (false, Vec::new());
                if of.path == Path::Open {
                    let delay = self.delay();
                    self.after(delay, Event::Reset { connection });
                }
            }
        }
    }

    /// The primary dies, or only its replica and some of its clients think so.
    fn fail_over(&mut self) {
        if !self.replicates || self.is_changing {
            return;
        }
        self.is_changing = true;
        let (old, new) = (self.primary, 1 - self.primary);
        self.catch_up(new);
        self.replicates = false;
        if !self.servers[old].space.changes.is_empty() {
            self.judge.count("lost tails");
        }
        if self.rng.bool() {
            self.servers[old].mode = Mode::Down;
            self.cut_all(old);
        }
        let wait = self.span(200, 2_000);
        self.after(wait, Event::Recover(Fault::Promote));
    }

    fn promote(&mut self) {
        self.judge.count("failovers");
        let (old, new) = (self.primary, 1 - self.primary);
        self.primary = new;
        let off_us = match self.rng.u32(..100) {
            0..60 => self.rng.i64(-20_000..20_000),
            60..85 => self.rng.i64(-3_000_000..3_000_000),
            _ => self.rng.i64(-7_200_000_000..7_200_000_000),
        };
        let promoted = &mut self.servers[new];
        (promoted.is_primary, promoted.scripts, promoted.clock_off_us) = (true, false, off_us);
        promoted.space.changes.clear();
        self.clock_range_us = (self.clock_range_us.0.min(off_us), self.clock_range_us.1.max(off_us));
        self.judge.skew_ms = (self.clock_range_us.1 - self.clock_range_us.0) / 1_000 + 1;
        for engine in 0..self.engines.len() {
            let delay = self.rng.u64(1..400) * MS;
            self.after(delay, Event::Learn { engine });
        }
        for reader in 0..self.readers.len() {
            let delay = self.rng.u64(1..800) * MS;
            self.after(delay, Event::Follow { reader });
        }
        self.note(|_| format!("server {new} follows server {old} as the primary, clock off by {off_us} us"));
        let wait = self.span(100, 2_000);
        self.after(wait, Event::Recover(Fault::Demote));
    }

    fn demote(&mut self) {
        let (old, new) = (1 - self.primary, self.primary);
        if self.rng.bool() {
            self.cut_all(old);
        }
        let data = self.servers[new].space.clone();
        self.servers[new].space.changes.clear();
        let demoted = &mut self.servers[old];
        demoted.is_primary = false;
        if demoted.mode == Mode::Down {
            demoted.mode = Mode::Serving;
        }
        demoted.space.copy_from(&data);
        (self.replicates, self.is_changing) = (true, false);
        self.lag = self.rng.u64(0..800) * MS;
        // What waited in a hung server's sockets is refused now.
        self.go_on();
    }

    fn restart(&mut self, fault: Fault) {
        if self.is_changing {
            return;
        }
        self.judge.count("restarts");
        (self.is_changing, self.replicates) = (true, false);
        self.servers[self.primary].mode = Mode::Down;
        self.cut_all(self.primary);
        let wait = self.span(50, 1_500);
        self.after(wait, Event::Recover(fault));
    }

    fn started_again(&mut self, fault: Fault) {
        let primary = &mut self.servers[self.primary];
        let saved = std::mem::take(&mut primary.saved);
        primary.space.copy_from(&if fault == Fault::Restart { saved } else { Default::default() });
        (primary.mode, primary.scripts) = (Mode::Serving, false);
        let data = primary.space.clone();
        self.servers[1 - self.primary].space.copy_from(&data);
        (self.replicates, self.is_changing) = (true, false);
    }
}
