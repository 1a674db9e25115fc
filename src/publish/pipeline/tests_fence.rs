//! What the answers of the scripts change, played through likewise.

use super::super::testing::plan;
use super::tests::{FEED, NODE, Play, options};
use super::*;

#[test]
fn one_script_writes_many_values_and_each_answer_is_its_own() {
    let mut play = Play::leased(5);
    for slot in 0..5 {
        play.push(slot);
    }
    assert_eq!(play.sent(), ["key0 key1 key2 key3 key4"]);
    // Written, there already, older than our own, written over something foreign, and not answered at all.
    play.reply(b"*4\r\n:1\r\n:2\r\n:3\r\n:4\r\n").unwrap();
    assert_eq!((play.pipeline.acknowledged(), play.pipeline.unwritten()), (3, 1));
    assert_eq!(play.pipeline.authority(FEED, play.now().mono), Epoch::new(7));
    play.idle(249);
    play.wait(1).unwrap();
    assert!(play.sent().contains(&"key4".to_owned()), "what was not answered is sent again");
}

#[test]
fn a_greater_epoch_in_place_is_the_end_of_writing_until_a_still_greater_one_is_ours() {
    let mut play = Play::leased(2);
    play.push(0);
    assert_eq!(play.sent(), ["key0"]);
    assert_eq!(play.version(0), (7, 1));
    play.reply(b"*1\r\n$2\r\n12\r\n").unwrap();
    assert_eq!(play.pipeline.authority(FEED, play.now().mono), None);
    play.push(1);
    play.wait(0).unwrap();
    assert_eq!(play.sent(), ["EVALSHA lease acquire 12", "EVALSHA engines"], "a standby writes nothing");
    assert_eq!(play.version(1), (0, 1), "its table goes on, with what no lease stands behind");
    play.reply(b"*5\r\n:1\r\n:13\r\n:2000\r\n:1\r\n:1\r\n*0\r\n").unwrap();
    play.wait(0).unwrap();
    let sent = play.sent();
    assert!(sent.contains(&"key0 key1".to_owned()) || sent.contains(&"key1 key0".to_owned()), "{sent:?}");
    assert_eq!((play.version(0), play.version(1)), ((13, 2), (13, 2)));
}

#[test]
fn an_answer_about_an_epoch_that_is_past_demotes_nobody() {
    let mut play = Play::leased(1);
    play.push(0);
    let _ = play.sent();
    // Our own values of an older batch may stand there with any epoch of ours.
    play.reply(b"*1\r\n$1\r\n6\r\n").unwrap();
    assert_eq!(play.pipeline.authority(FEED, play.now().mono), Epoch::new(7));
    assert_eq!(play.sent(), ["key0"], "and the value is sent again");
}

#[test]
fn past_its_own_deadline_nothing_is_written() {
    let mut play = Play::leased(1);
    // 2000 - 500 - 20 ms after the question was sent.
    play.now_ms += 1_480;
    play.push(0);
    assert!(play.sent().iter().all(|command| command != "key0"));
    assert_eq!(play.version(0).0, 0);
}

#[test]
fn scripts_that_the_server_has_forgotten_are_loaded_and_the_values_sent_again() {
    let mut play = Play::leased(2);
    play.push(0);
    assert_eq!(play.sent(), ["key0"]);
    play.reply(b"-NOSCRIPT No matching script. Please use EVAL.\r\n").unwrap();
    assert_eq!(play.sent(), ["SCRIPT LOAD", "SCRIPT LOAD", "SCRIPT LOAD", "key0"]);
    play.reply(b"$1\r\nx\r\n$1\r\nx\r\n$1\r\nx\r\n*1\r\n:1\r\n").unwrap();
    assert_eq!(play.pipeline.unwritten(), 0);
}

#[test]
fn the_answers_of_a_batch_that_is_cut_off_are_asked_for_again() {
    let mut play = Play::leased(3);
    for slot in 0..3 {
        play.push(slot);
    }
    let _ = play.sent();
    play.reply(b"*3\r\n:1\r\n:1\r\n").unwrap();
    play.pipeline.link_down(NODE, "closed", play.now().mono);
    assert_eq!(play.pipeline.unwritten(), 3, "half an answer is none");
    play.pipeline.link_up(NODE, play.now().mono);
    play.wait(0).unwrap();
    let sent = play.sent();
    assert!(sent.contains(&"EVALSHA lease renew 7".to_owned()), "{sent:?}");
    assert_eq!((play.version(0), play.version(2)), ((7, 2), (7, 2)), "the lease is still ours");
}

#[test]
fn on_a_new_connection_nothing_is_written_before_the_lease_is_known_there() {
    for (answer, is_ours) in [(":1\r\n:7\r\n:2000", true), (":0\r\n:6\r\n:900", false)] {
        let mut play = Play::leased(1);
        play.push(0);
        let _ = play.sent();
        play.reply(b"*1\r\n:1\r\n").unwrap();
        play.pipeline.link_down(NODE, "closed", play.now().mono);
        play.pipeline.link_up(NODE, play.now().mono);
        play.wait(0).unwrap();
        let sent = play.sent();
        assert_eq!(sent[0], "EVALSHA lease renew 7");
        assert!(!sent.contains(&"key0".to_owned()), "{sent:?}");
        play.push(0);
        assert!(play.sent().is_empty());
        play.reply(format!("*5\r\n{answer}\r\n:1\r\n:1\r\n").as_bytes()).unwrap();
        assert_eq!(play.sent().contains(&"key0".to_owned()), is_ours, "{answer}");
    }
}

#[test]
fn an_engine_that_leaves_or_has_no_redis_does_not_spin() {
    let mut play = Play::leased(1);
    let _ = play.pipeline.leave(play.now());
    play.wait(0).unwrap();
    assert_eq!(play.sent(), ["EVALSHA engines", "EVALSHA lease release 7"]);
    play.reply(b"*0\r\n*5\r\n:1\r\n:7\r\n:0\r\n:1\r\n:1\r\n").unwrap();
    play.wait(0).unwrap();
    assert!(play.pipeline.deadline(NODE) > play.now().mono);

    let plan = plan(1, 0);
    let options = PipelineOptions { embedded: true, ..options(Fencing::Off(Epoch::new(9).unwrap())) };
    let (table, board) = (Arc::new(ValueTable::new(&plan)), Arc::new(StatsBoard::new()));
    let mut pipeline = Pipeline::new(options, &plan, table, board);
    pipeline.tick(NODE, play.now()).unwrap();
    assert!(pipeline.deadline(NODE) > play.now().mono);
}
