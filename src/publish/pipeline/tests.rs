//! The writer's state machine, played through without a socket: bytes and times in, bytes out.

use crate::domain::Urgency;

use super::super::testing::{plan, price};
use super::*;

struct Play {
    pipeline: Pipeline,
    now_ms: u64,
}

impl Play {
    fn new(keys: usize) -> Self {
        let plan = plan(keys, 0);
        let (table, board) = (Arc::new(ValueTable::new(&plan)), Arc::new(StatsBoard::new()));
        let epoch = Epoch::new(9).unwrap();
        Self {
            pipeline: Pipeline::new(false, epoch, 0, &Namespace::default(), &plan, table, board),
            now_ms: 0,
        }
    }

    /// Connected, and the catalog written.
    fn connected(keys: usize) -> Self {
        let mut play = Self::new(keys);
        play.pipeline.link_up(play.now().mono);
        assert_eq!(play.sent(), ["HSET tickcache:v1:meta"]);
        play.reply(b":2\r\n").unwrap();
        play
    }

    fn now(&self) -> Now {
        let nanos = self.now_ms * 1_000_000;
        Now { wall: crate::domain::WallTime::from_nanos(1), mono: MonoTime::from_nanos(nanos) }
    }

    fn push(&mut self, slot: u32) {
        let (record, received) = (price(1), self.now().mono);
        let record = record.as_ref();
        self.pipeline.update(Update { slot: SlotId(slot), record, received, urgency: Urgency::Normal });
    }

    /// What a flush gives a socket that takes everything: each command's name and key.
    fn sent(&mut self) -> Vec<String> {
        self.pipeline.fill(self.now());
        let output = self.pipeline.output().to_vec();
        if !output.is_empty() {
            self.pipeline.took(output.len());
        }
        commands(&output)
    }

    fn reply(&mut self, bytes: &[u8]) -> Result<(), PublishError> {
        self.pipeline.input(bytes, self.now().mono)
    }

    fn wait(&mut self, ms: u64) -> Result<(), PublishError> {
        self.now_ms += ms;
        self.pipeline.tick(self.now())
    }

    fn sequence(&self, slot: u32) -> u64 {
        let value = self.pipeline.encoding.table.get(SlotId(slot), self.now().mono).unwrap();
        value.version.sequence.get()
    }
}

/// The first two words of each command; values hold no `*5`.
fn commands(output: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(output);
    let parts = text.split("\r\n").collect::<Vec<_>>();
    let heads = parts.iter().enumerate().filter(|(_, part)| part.len() == 2 && part.starts_with('*'));
    heads
        .map(|(at, _)| [parts[at + 2], parts.get(at + 4).unwrap_or(&"")].join(" ").trim().to_owned())
        .collect()
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
    let bytes = play.pipeline.output().len();
    play.pipeline.took(bytes - 1);
    play.push(1);
    play.pipeline.fill(play.now());
    assert_eq!(play.pipeline.output(), b"\n");
    play.pipeline.took(1);
    assert_eq!(play.sent(), ["SET key1"]);
}

#[test]
fn after_a_lost_connection_everything_is_sent_anew_with_greater_versions() {
    let mut play = Play::connected(2);
    play.push(0);
    play.push(1);
    assert_eq!(play.sent().len(), 2);
    play.reply(b"+OK\r\n").unwrap();
    play.pipeline.link_down("closed");
    assert_eq!(play.pipeline.unwritten(), 1);
    play.push(0);
    assert!(play.sent().is_empty());
    assert_eq!(play.sequence(0), 2, "the table goes on");
    play.pipeline.link_up(play.now().mono);
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
    assert!(play.sent().is_empty());
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
    assert_eq!(play.sent(), ["PING"]);
    play.push(0);
    assert_eq!(play.sent(), ["SET key0"], "a PING holds no value up");
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
        let deadline = play.pipeline.deadline();
        assert!(deadline <= play.now().mono.after(SILENCE_MAX));
        play.now_ms = deadline.nanos().div_ceil(1_000_000).max(play.now_ms);
        if play.pipeline.tick(play.now()).is_err() {
            assert_eq!(play.now_ms, 500);
            return;
        }
        assert!(play.pipeline.deadline() > play.now().mono, "a tick that changes nothing would spin");
    }
    panic!("the silence was never noticed");
}
