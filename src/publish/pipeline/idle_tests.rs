//! An engine that has nothing to do does nothing.

use super::tests::{NODE, Play, options};
use super::*;

#[test]
fn an_engine_that_leaves_does_not_spin() {
    let mut play = Play::leased(1);
    play.pipeline.leave();
    play.wait(0).unwrap();
    assert_eq!(play.sent(), ["EVALSHA engines", "EVALSHA lease release 7"]);
    play.reply(b"*0\r\n*5\r\n:1\r\n:7\r\n:0\r\n:1\r\n:1\r\n").unwrap();
    play.wait(0).unwrap();
    assert!(play.pipeline.deadline(NODE) > play.now().mono);
}

#[test]
fn an_engine_without_a_redis_does_not_spin() {
    let play = Play::new(1);
    let plan = super::super::testing::plan(1, 0);
    let options = PipelineOptions { embedded: true, ..options(Fencing::Off(Epoch::new(9).unwrap())) };
    let (table, board) = (Arc::new(ValueTable::new(&plan)), Arc::new(StatsBoard::new()));
    let mut pipeline = Pipeline::new(options, &plan, table, board);
    pipeline.tick(NODE, play.now()).unwrap();
    assert!(pipeline.deadline(NODE) > play.now().mono);
}
