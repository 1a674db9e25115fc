//! What the servers do with what arrives, and what they tell.
//!
//! Owns the servers' side of connections, and the eyes of the judge there. Never breaks anything.

use crate::codec::decode_event;
use crate::codec::key::lease_key;
use crate::domain::{EventDetail, Namespace};

use super::super::script;
use super::driving::values;
use super::judge::Pair;
use super::market;
use super::native::{Answer, Told};
use super::reader::Way;
use super::resp::{self, Reply};
use super::server::Mode;
use super::world::{Event, World};

/// One script in so many is run twice, as behind a proxy that repeats what was not answered.
const REPEATS_ONE_IN: u32 = 150;

impl World {
    pub(super) fn arrive_at_server(&mut self, connection: usize, bytes: &[u8]) {
        let of = &mut self.connections[connection];
        let mode = self.servers[of.server].mode;
        if of.server_open && mode != Mode::Down {
            of.received.extend_from_slice(bytes);
            if mode == Mode::Serving {
                self.serve(connection);
            }
        }
    }

    /// Runs every complete command that came on a connection.
    pub(super) fn serve(&mut self, connection: usize) {
        let received = std::mem::take(&mut self.connections[connection].received);
        let (mut rest, mut replies) = (&received[..], Vec::new());
        if !self.connections[connection].engine_open {
            self.judge.count("given up, and served nevertheless");
        }
        while let Some((words, length)) = resp::command(rest) {
            self.connections[connection].parsed += length as u64;
            let reply = self.execute(connection, &words);
            resp::append(&mut replies, &reply);
            rest = &rest[length..];
        }
        self.connections[connection].received = rest.to_vec();
        let cut = if self.rng.u32(..5) == 0 { self.rng.usize(..=replies.len()) } else { replies.len() };
        let tail = replies.split_off(cut);
        for bytes in [replies, tail] {
            let delay = self.delay();
            let of = &mut self.connections[connection];
            if !bytes.is_empty()
                && of.engine_open
                && let Some(at) = of.arrival(self.now, delay, of.to_engine_at)
            {
                of.to_engine_at = at;
                self.at(at, Event::ToEngine { connection, bytes });
            }
        }
    }

    fn execute(&mut self, connection: usize, words: &[&[u8]]) -> Reply {
        let server = self.connections[connection].server;
        self.catch_up(server);
        self.servers[server].set_time(self.now);
        let before: Vec<_> = values(words).map(|(key, _)| self.version_at(server, key)).collect();
        let mut told = Vec::new();
        if words[0] == b"EVALSHA" && self.rng.u32(..REPEATS_ONE_IN) == 0 {
            let _ = self.servers[server].run(words, &mut told);
            self.judge.count("repeats");
        }
        let reply = self.servers[server].run(words, &mut told);
        if let Reply::Error(refusal) = &reply {
            self.judge.count(match refusal.split(' ').next() {
                Some("OOM") => "OOM",
                Some("READONLY") => "READONLY",
                Some("LOADING") => "LOADING",
                Some("NOSCRIPT") => "NOSCRIPT",
                _ => "other refusals",
            });
        }
        self.note(|world| world.describe(connection, words, &reply));
        self.judge_writes(connection, words, &before, &reply);
        self.judge_lease(connection, words, &reply);
        self.tell(server, told);
        reply
    }

    fn version_at(&self, server: usize, key: &[u8]) -> Option<Pair> {
        market::version(self.servers[server].space.text(key).ok()??)
    }

    fn judge_writes(&mut self, connection: usize, words: &[&[u8]], before: &[Option<Pair>], reply: &Reply) {
        let of = &self.connections[connection];
        let (server, who) = (of.server, (of.engine, of.run));
        let now = self.clock(who.0).mono;
        let verdicts: &[Answer] =
            if let Reply::Answer(Answer::Array(verdicts)) = reply { verdicts } else { &[] };
        for (index, (name, value)) in values(words).enumerate() {
            let key = self.market.find(name).expect("values go under planned keys");
            let version = market::version(value).expect("values have versions");
            let after = self.version_at(server, name);
            let feed = self.market.keys[key].feed;
            let is_late = self.judge.is_late(feed, who, version.0, now);
            self.judge.wrote((key, feed, who), (version, value), before[index], after);
            match verdicts.get(index) {
                Some(Answer::Integer(2)) => self.judge.count("2: the same"),
                Some(Answer::Integer(3)) => self.judge.count("3: older"),
                Some(Answer::Integer(4)) => self.judge.count("4: over a foreign value"),
                Some(Answer::Text(_)) => self.judge.count("refused by epoch"),
                _ => {}
            }
            if is_late {
                let is_taken = after == Some(version);
                self.judge.count(if is_taken { "late and taken" } else { "late and not taken" });
            }
        }
    }

    fn judge_lease(&mut self, connection: usize, words: &[&[u8]], reply: &Reply) {
        let Reply::Answer(Answer::Array(parts)) = reply else { return };
        let is_lease = words.get(1).is_some_and(|hash| *hash == script::LEASE.hash.as_bytes());
        let asks = is_lease && matches!(words[5], b"acquire" | b"renew");
        let [Answer::Integer(1), Answer::Integer(epoch), ..] = parts[..] else { return };
        if !asks {
            return;
        }
        let namespace = Namespace::default();
        let mut feeds = self.market.feeds.iter();
        let feed = feeds.position(|feed| lease_key(&namespace, feed).as_bytes() == words[3]);
        let of = &mut self.connections[connection];
        let (who, built) = ((of.engine, of.run), of.built_at());
        let feed = feed.expect("leases are those of feeds");
        self.judge.granted(feed, who, epoch.unsigned_abs(), built);
    }

    fn tell(&mut self, server: usize, told: Vec<Told>) {
        for (channel, message) in told {
            if let Some(key) = self.market.of_update_channel(&channel) {
                for reader in 0..self.readers.len() {
                    let of = &self.readers[reader];
                    if of.way == Way::Subscribe && of.server == server {
                        let at = (self.now + self.delay()).max(self.readers[reader].told_at + 1);
                        self.readers[reader].told_at = at;
                        self.at(at, Event::Told { reader, server, key, bytes: message.clone() });
                    }
                }
            } else if let Some(key) = self.market.of_event_channel(&channel) {
                let event = decode_event(&message).expect("events can be decoded");
                let EventDetail::PriceMove { reference, price, .. } = event.detail else {
                    unreachable!("the simulation makes no other events")
                };
                let version = (event.version.epoch.get(), event.version.sequence.get());
                let id = u64::try_from(reference.0).expect("ids are positive");
                let carried = |bytes: &[u8]| {
                    market::read(bytes).is_some_and(|(number, _)| i128::from(number) >= price.0)
                };
                self.judge.event(key, version, id, carried);
            }
        }
    }

    /// A replica gets what its primary did, a while ago.
    pub(super) fn catch_up(&mut self, server: usize) {
        let primary = self.primary;
        if server == primary || !self.replicates {
            return;
        }
        let until = self.now.saturating_sub(self.lag);
        while let Some(change) = self.servers[primary].space.changes.pop_front_if(|change| change.at <= until)
        {
            self.servers[server].space.apply(change);
        }
    }

    fn describe(&self, connection: usize, words: &[&[u8]], reply: &Reply) -> String {
        let of = &self.connections[connection];
        let text = |word: &[u8]| String::from_utf8_lossy(word).into_owned();
        let mut writes: Vec<String> = Vec::new();
        for (key, value) in values(words) {
            let key = self.market.find(key).unwrap_or_default();
            writes.push(format!("key {key} {:?}", market::version(value)));
        }
        let said = match words[..] {
            [b"EVALSHA", hash, ..] if hash == script::LEASE.hash.as_bytes() => {
                format!("{} {} floor/epoch {}", text(words[5]), text(words[3]), text(words[8]))
            }
            [b"EVALSHA", hash, ..] if hash == script::ENGINES.hash.as_bytes() => text(words[4]),
            [b"EVALSHA", ..] => writes.join(", "),
            [b"SCRIPT", ..] => "SCRIPT LOAD".to_owned(),
            _ => words.iter().take(2).map(|word| text(word)).collect::<Vec<_>>().join(" "),
        };
        let answer = match reply {
            Reply::Answer(Answer::Array(parts)) => {
                let parts = parts.iter().map(|part| match part {
                    Answer::Integer(number) => number.to_string(),
                    Answer::Text(words) => text(words),
                    Answer::Array(_) => "..".to_owned(),
                });
                parts.collect::<Vec<_>>().join(" ")
            }
            other => format!("{other:?}"),
        };
        format!("server {} by {connection} of {}.{}: {said} => {answer}", of.server, of.engine, of.run)
    }
}
