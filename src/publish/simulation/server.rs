//! A simulated Redis server: commands in, replies out, at the time that it is told.
//!
//! Owns its data, its clock and what is wrong with it. Never delays anything: that is the network's.

use super::super::script;
use super::keyspace::Keyspace;
use super::native::{self, Answer, Fence, Told};
use super::resp::Reply;

/// Simulated time zero on clocks that are right, in microseconds since the Unix epoch.
pub(super) const START_US: i64 = 1_750_000_000_000_000;

/// Whether it reads its sockets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    Serving,
    /// Connections stay, what comes is read later.
    Hung,
    /// No process.
    Down,
}

#[derive(Debug)]
pub(super) struct SimRedis {
    pub(super) space: Keyspace,
    pub(super) mode: Mode,
    /// How far its clock is off.
    pub(super) clock_off_us: i64,
    /// It reads its data set, and refuses everything meanwhile.
    pub(super) loading: bool,
    /// Whether it knows our scripts.
    pub(super) scripts: bool,
    pub(super) is_primary: bool,
    pub(super) fence: Fence,
    /// Its data as on its disk.
    pub(super) saved: Keyspace,
}

impl SimRedis {
    pub(super) fn new(is_primary: bool, fence: Fence) -> Self {
        Self {
            space: Keyspace::default(),
            mode: Mode::Serving,
            clock_off_us: 0,
            loading: false,
            scripts: false,
            is_primary,
            fence,
            saved: Keyspace::default(),
        }
    }

    /// It is so late, in nanoseconds of the simulation.
    pub(super) fn set_time(&mut self, at: u64) {
        let since = i64::try_from(at / 1_000).expect("simulations are short");
        (self.space.at, self.space.now_us) = (at, START_US + since + self.clock_off_us);
        self.space.read_only =
            (!self.is_primary).then(|| "READONLY You can't write against a read only replica.".to_owned());
    }

    pub(super) fn set_full(&mut self, is_full: bool) {
        let words = "OOM command not allowed when used memory > 'maxmemory'.";
        self.space.full = is_full.then(|| words.to_owned());
    }

    /// Runs a command; what its subscribers are to hear comes in `told`.
    pub(super) fn run(&mut self, words: &[&[u8]], told: &mut Vec<Told>) -> Reply {
        if self.loading {
            return Reply::Error("LOADING Redis is loading the dataset in memory".to_owned());
        }
        let done = match words {
            [b"PING"] => return Reply::Pong,
            [b"EVALSHA", ..] if !self.scripts => Err("NOSCRIPT No matching script.".to_owned()),
            [b"EVALSHA", hash, count, rest @ ..] => self.script(hash, count, rest, told),
            [b"SCRIPT", b"LOAD", _] => {
                self.scripts = true;
                Ok(Answer::Text(b"hash".to_vec()))
            }
            [b"PUBLISH", channel, message] => {
                told.push((channel.to_vec(), message.to_vec()));
                Ok(Answer::Integer(1))
            }
            [b"DEL", key] => self.space.delete(key).map(|lived| Answer::Integer(i64::from(lived))),
            [b"HSET", key, pairs @ ..] => {
                let mut set = pairs.chunks(2).map(|pair| self.space.set_field(key, pair[0], pair[1]));
                set.try_for_each(|done| done).map(|()| Answer::Integer(1))
            }
            [b"HDEL", key, fields @ ..] => {
                let mut deleted = fields.iter().map(|field| self.space.delete_field(key, field));
                deleted.try_for_each(|done| done).map(|()| Answer::Integer(1))
            }
            other => panic!("the simulated Redis does not know {:?}", String::from_utf8_lossy(other[0])),
        };
        match done {
            Ok(answer) => Reply::Answer(answer),
            Err(words) => Reply::Error(words),
        }
    }

    fn script(
        &mut self,
        hash: &[u8],
        count: &[u8],
        rest: &[&[u8]],
        told: &mut Vec<Told>,
    ) -> Result<Answer, String> {
        let count = std::str::from_utf8(count).ok().and_then(|count| count.parse().ok());
        let (keys, arguments) = rest.split_at(count.expect("the number of keys is a number"));
        if hash == script::WRITE.hash.as_bytes() {
            native::write(&mut self.space, keys, arguments, self.fence, told)
        } else if hash == script::LEASE.hash.as_bytes() {
            native::lease(&mut self.space, keys, arguments)
        } else {
            native::engines(&mut self.space, keys, arguments)
        }
    }
}
