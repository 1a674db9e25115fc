//! The writer's state machine, played through without a socket: bytes and times in, bytes out.

use crate::domain::{SlotId, Urgency};

use super::super::testing::{plan, price};
use super::super::{Recovery, ReplyError, script};
use super::*;

pub(super) const NODE: NodeIndex = NodeIndex(0);
pub(super) const FEED: FeedIndex = FeedIndex(0);

pub(super) fn options(fencing: Fencing) -> PipelineOptions {
    PipelineOptions {
        embedded: false,
        namespace: Namespace::default(),
        engine: "a".to_owned(),
        owner: "a.1".to_owned(),
        started_ms: 1,
        feeds: vec![Feed { venue: "binance".parse().unwrap(), partition: 0 }],
        fencing,
        push: Push::Off,
        spread: Spread::One,
        zstd_threshold: 0,
    }
}

pub(super) struct Play {
    pub(super) pipeline: Pipeline,
    pub(super) table: Arc<ValueTable>,
    pub(super) now_ms: u64,
}

impl Play {
    /// Without a fence: plain SETs of epoch 9.
    pub(super) fn new(keys: usize) -> Self {
        Self::with(keys, Fencing::Off(Epoch::new(9).unwrap()))
    }

    pub(super) fn with(keys: usize, fencing: Fencing) -> Self {
        let plan = plan(keys, 0);
        let (table, board) = (Arc::new(ValueTable::new(&plan)), Arc::new(StatsBoard::new()));
        Self { pipeline: Pipeline::new(options(fencing), &plan, Arc::clone(&table), board), table, now_ms: 0 }
    }

    /// Connected, and what every connection begins with is said.
    pub(super) fn connected(keys: usize) -> Self {
        let mut play = Self::new(keys);
        play.pipeline.link_up(NODE, play.now().mono);
        play.pipeline.tick(NODE, play.now()).unwrap();
        assert_eq!(
            play.sent(),
            ["PUBLISH tickcache:v1:feed:{binance/0}", "EVALSHA engines", "HSET tickcache:v1:meta"]
        );
        play.reply(b":0\r\n*0\r\n:2\r\n").unwrap();
        play
    }

    /// With the fence; the lease is asked for and granted, as epoch 7.
    pub(super) fn leased(keys: usize) -> Self {
        let mut play = Self::with(keys, Fencing::On(LeaseTimes::default()));
        play.pipeline.link_up(NODE, play.now().mono);
        play.pipeline.tick(NODE, play.now()).unwrap();
        assert_eq!(play.sent(), ["EVALSHA lease acquire 0", "EVALSHA engines"]);
        play.reply(b"*5\r\n:1\r\n:7\r\n:2000\r\n:1\r\n:1\r\n*0\r\n").unwrap();
        play.pipeline.tick(NODE, play.now()).unwrap();
        let _ = play.sent();
        play.reply(b":0\r\n*0\r\n:2\r\n").unwrap();
        play
    }

    pub(super) fn now(&self) -> Now {
        let nanos = self.now_ms * 1_000_000;
        Now { wall: crate::domain::WallTime::from_nanos(1), mono: MonoTime::from_nanos(nanos) }
    }

    pub(super) fn push(&mut self, slot: u32) {
        let (record, received) = (price(1), self.now().mono);
        let record = record.as_ref();
        self.pipeline.update(Update { slot: SlotId(slot), record, received, urgency: Urgency::Normal });
    }

    /// What a flush gives a socket that takes everything: each command's name and key.
    pub(super) fn sent(&mut self) -> Vec<String> {
        self.pipeline.fill(self.now());
        let output = self.pipeline.output(NODE).to_vec();
        if !output.is_empty() {
            self.pipeline.took(NODE, output.len());
        }
        commands(&output)
    }

    pub(super) fn reply(&mut self, bytes: &[u8]) -> Result<(), PublishError> {
        self.pipeline.input(NODE, bytes, self.now())
    }

    pub(super) fn wait(&mut self, ms: u64) -> Result<(), PublishError> {
        self.now_ms += ms;
        self.pipeline.tick(NODE, self.now())
    }

    /// Waits, and answers whatever is said besides values.
    pub(super) fn idle(&mut self, ms: u64) {
        for _ in 0..ms {
            self.wait(1).unwrap();
            for command in self.sent() {
                let answer = match command.as_str() {
                    "PING" => "+PONG\r\n",
                    command if command.starts_with("EVALSHA lease") => {
                        "*5\r\n:1\r\n:7\r\n:2000\r\n:1\r\n:1\r\n"
                    }
                    command if command.starts_with("EVALSHA engines") => "*0\r\n",
                    command if command.starts_with("PUBLISH") => ":0\r\n",
                    other => panic!("{other} was not expected"),
                };
                self.reply(answer.as_bytes()).unwrap();
            }
        }
    }

    pub(super) fn version(&self, slot: u32) -> (u64, u64) {
        let value = self.table.get(SlotId(slot), self.now().mono).unwrap();
        (value.version.epoch.get(), value.version.sequence.get())
    }

    pub(super) fn sequence(&self, slot: u32) -> u64 {
        self.version(slot).1
    }
}

/// The words of each command that tell it from others.
fn commands(output: &[u8]) -> Vec<String> {
    let mut rest = output;
    let mut found = Vec::new();
    while !rest.is_empty() {
        let words: Vec<String> = (0..number(&mut rest, b'*')).map(|_| word(&mut rest)).collect();
        let text: Vec<&str> = words.iter().map(String::as_str).collect();
        found.push(match text[..] {
            ["EVALSHA", hash, ..] if hash == script::LEASE.hash => {
                format!("EVALSHA lease {} {}", text[5], text[8])
            }
            ["EVALSHA", hash, ..] if hash == script::ENGINES.hash => "EVALSHA engines".to_owned(),
            ["EVALSHA", _, count, ..] => text[3..3 + count.parse::<usize>().unwrap()].join(" "),
            [name, key, ..] => format!("{name} {key}"),
            [name] => name.to_owned(),
            [] => unreachable!("a command has a name"),
        });
    }
    found
}

fn number(rest: &mut &[u8], kind: u8) -> usize {
    let end = rest.iter().position(|&byte| byte == b'\r').unwrap();
    assert_eq!(rest[0], kind);
    let number = std::str::from_utf8(&rest[1..end]).unwrap().parse().unwrap();
    *rest = &rest[end + 2..];
    number
}

fn word(rest: &mut &[u8]) -> String {
    let length = number(rest, b'$');
    let word = String::from_utf8_lossy(&rest[..length]).into_owned();
    *rest = &rest[length + 2..];
    word
}

#[test]
fn what_is_dirty_goes_at_once_and_never_more_than_two_batches() {
    let mut play = Play::connected(4);
    for (slot, expected) in [(0, vec!["SET key0"]), (1, vec!["SET key1"]), (2, vec![]), (3, vec![])] {
        play.push(slot);
        assert_eq!(play.sent(), expected);
    }
    play.push(2);
    play.reply(b"+OK\r\n").unwrap();
    assert_eq!(play.sent(), ["SET key2", "SET key3"], "the reply makes room, and what waited goes together");
    play.reply(b"+OK\r\n+OK\r\n+OK\r\n").unwrap();
    assert_eq!((play.pipeline.acknowledged(), play.pipeline.unwritten()), (4, 0));
}

#[test]
fn a_batch_that_the_socket_has_not_taken_closes_the_window() {
    let mut play = Play::connected(2);
    play.push(0);
    play.pipeline.fill(play.now());
    let bytes = play.pipeline.output(NODE).len();
    play.pipeline.took(NODE, bytes - 1);
    play.push(1);
    play.pipeline.fill(play.now());
    assert_eq!(play.pipeline.output(NODE), b"\n");
    play.pipeline.took(NODE, 1);
    assert_eq!(play.sent(), ["SET key1"]);
}

#[test]
fn after_a_lost_connection_everything_is_sent_anew_with_greater_versions() {
    let mut play = Play::connected(2);
    play.push(0);
    play.push(1);
    assert_eq!(play.sent().len(), 2);
    play.reply(b"+OK\r\n").unwrap();
    play.pipeline.link_down(NODE, "closed", play.now().mono);
    assert_eq!(play.pipeline.unwritten(), 1);
    play.push(0);
    assert!(play.sent().is_empty());
    assert_eq!(play.sequence(0), 2, "the table goes on");
    play.pipeline.link_up(NODE, play.now().mono);
    let mut sent = play.sent();
    sent.sort();
    assert_eq!(sent, ["HSET tickcache:v1:meta", "SET key0", "SET key1"]);
    assert_eq!((play.sequence(0), play.sequence(1)), (3, 2));
}

#[test]
fn a_refusal_of_the_whole_server_pauses_and_one_of_a_key_does_not() {
    let mut play = Play::connected(2);
    play.push(0);
    play.sent();
    play.reply(b"-OOM command not allowed\r\n").unwrap();
    play.push(1);
    assert!(play.sent().is_empty());
    assert_eq!(play.sequence(1), 1, "the table goes on");
    play.wait(150).unwrap();
    assert_eq!(play.sent(), ["SET key0", "SET key1"]);
    play.reply(b"-NOPERM no\r\n+OK\r\n").unwrap();
    play.push(1);
    assert_eq!(play.sent(), ["SET key1"]);
    play.reply(b"+OK\r\n").unwrap();
    play.wait(249).unwrap();
    assert!(!play.sent().contains(&"SET key0".to_owned()));
    play.wait(1).unwrap();
    assert!(play.sent().contains(&"SET key0".to_owned()));
}

#[test]
fn a_replica_and_a_reply_to_nothing_end_the_connection() {
    let mut play = Play::connected(1);
    play.push(0);
    play.sent();
    let error = play.reply(b"-READONLY You can't write against a read only replica.\r\n").unwrap_err();
    assert_eq!((error.recovery(), error.why()), (Recovery::Reconnect, "refused"));
    let mut play = Play::connected(1);
    assert!(matches!(play.reply(b"+OK\r\n"), Err(PublishError::Malformed(ReplyError::Unasked))));
    let mut play = Play::connected(1);
    play.reply(b">2\r\n+message\r\n+x\r\n").expect("a push is no reply");
}

#[test]
fn an_idle_connection_is_asked_and_a_silent_one_given_up() {
    let mut play = Play::connected(1);
    play.wait(249).unwrap();
    assert!(play.sent().is_empty());
    play.wait(1).unwrap();
    assert_eq!(play.sent(), ["PUBLISH tickcache:v1:feed:{binance/0}"], "a heartbeat asks as well as a PING");
    play.push(0);
    assert_eq!(play.sent(), ["SET key0"], "and holds no value up");
    play.wait(499).unwrap();
    assert!(matches!(play.wait(1), Err(PublishError::Silent { after_ms: 500 })));
}

#[test]
fn a_standby_asks_whether_redis_lives() {
    let mut play = Play::with(1, Fencing::On(LeaseTimes::default()));
    play.pipeline.link_up(NODE, play.now().mono);
    play.wait(0).unwrap();
    let _ = play.sent();
    play.reply(b"*5\r\n:0\r\n:7\r\n:900\r\n:1\r\n:1\r\n*0\r\n").unwrap();
    play.wait(39).unwrap();
    assert!(play.sent().is_empty());
    play.wait(1).unwrap();
    assert_eq!(play.sent(), ["EVALSHA lease acquire 7"]);
    play.wait(499).unwrap();
    assert!(matches!(play.wait(1), Err(PublishError::Silent { after_ms: 500 })));
}

#[test]
fn answers_that_come_slowly_keep_the_connection() {
    let mut play = Play::connected(2);
    play.push(0);
    play.push(1);
    play.sent();
    for _ in 0..3 {
        play.wait(400).unwrap();
        play.reply(b"+").unwrap_or_else(|error| panic!("{error}"));
        if play.pipeline.unwritten() == 2 {
            play.reply(b"OK\r\n").unwrap();
        }
    }
}

#[test]
fn the_deadline_is_never_later_than_what_must_happen() {
    let mut play = Play::connected(1);
    play.push(0);
    play.sent();
    for _ in 0..100 {
        let deadline = play.pipeline.deadline(NODE);
        assert!(deadline <= play.now().mono.after(SILENCE_MAX));
        play.now_ms = deadline.nanos().div_ceil(1_000_000).max(play.now_ms);
        if play.pipeline.tick(NODE, play.now()).is_err() {
            assert_eq!(play.now_ms, 500);
            return;
        }
        assert!(play.pipeline.deadline(NODE) > play.now().mono, "a tick that changes nothing would spin");
    }
    panic!("the silence was never noticed");
}

#[test]
fn a_catalog_that_was_no_hash_is_written_once_more_when_everybody_has_cleared_it() {
    let mut play = Play::connected(0);
    play.pipeline.change_catalog(FEED, "BTC-USDT:binance", Some("binance/0 price"));
    assert_eq!(play.sent(), ["HSET tickcache:v1:catalog"]);
    play.reply(b"-WRONGTYPE Operation against a key holding the wrong kind of value\r\n").unwrap();
    let mut catalog = Vec::new();
    for _ in 0..3_000 {
        play.wait(1).unwrap();
        for command in play.sent() {
            let answer = match command.as_str() {
                "PING" => "+PONG\r\n",
                "EVALSHA engines" => "*0\r\n",
                _ => ":1\r\n",
            };
            play.reply(answer.as_bytes()).unwrap();
            catalog.extend(command.strip_suffix(" tickcache:v1:catalog").map(str::to_owned));
        }
    }
    assert_eq!(catalog, ["DEL", "HSET", "HSET"]);
}
