//! Coinbase's matches, which it numbers and its heartbeats count: what is lost of them is noticed, and nothing else is taken for it.

use std::time::Duration;

use tickcache::domain::{Entity, Reason, Record};
use tickcache::simulate::{Fault, Rule};

use crate::cases::Case;
use crate::stage::{PATIENCE, Stage, on_paused_time};

const STRUCK: usize = 0;

/// The heartbeat that names the trade, and the next one; and what a frame takes.
const NOTICED: Duration = Duration::from_millis(2_100);

fn last_trade(stage: &Stage) -> Option<i128> {
    match stage.desk.log.borrow().values.get(&(STRUCK, Entity::Price)) {
        Some(Record::Price(price)) => price.last.map(|last| last.price.0),
        _ => None,
    }
}

/// Whether price and book of the product were said to be contradicted.
fn is_noticed(stage: &Stage) -> bool {
    let log = stage.desk.log.borrow();
    [Entity::Price, Entity::Liquidity].into_iter().all(|entity| {
        log.turns.iter().any(|turn| turn.key == (STRUCK, entity) && turn.reason == Reason::SourcesDisagree)
    })
}

/// Heartbeats would not tell: to them, the later match makes up for it.
#[test]
fn a_lost_match_shows_with_the_next_one() {
    on_paused_time(async {
        let stage = Stage::start(Case::of("coinbase"), 5).await;
        stage.right().await;
        stage.take_turns();
        stage.simulator.faults().set([Rule::new("matches:BTC-USDT", Fault::Drop).times(1)]);
        stage.until("a match is dropped", PATIENCE, || stage.simulator.faults().struck()[0] > 0).await;
        let before = last_trade(&stage);
        stage.until("it is noticed", PATIENCE, || is_noticed(&stage)).await;
        assert_ne!(last_trade(&stage), before, "by the next match");
        stage.simulator.faults().clear();
        stage.live().await;
        let log = stage.take_turns();
        assert!(log.iter().all(|turn| turn.key.0 == STRUCK), "the other product lost nothing: {log:?}");
        stage.right().await;
        assert_eq!((stage.desk.ends.get(), stage.desk.garbage.get()), (0, 0));
        stage.stop().await;
    });
}

#[test]
fn a_lost_match_shows_in_two_heartbeats_and_a_new_subscription_heals() {
    on_paused_time(async {
        let stage = Stage::start(Case::of("coinbase"), 3).await;
        stage.right().await;
        stage.take_turns();
        // Heartbeats and matches, in good order.
        tokio::time::sleep(Duration::from_secs(60)).await;
        assert_eq!(stage.take_turns(), [], "nothing is lost");
        stage.simulator.faults().set([Rule::new("matches:BTC-USDT", Fault::Drop)]);
        stage.until("a match is dropped", PATIENCE, || stage.simulator.faults().struck()[0] > 0).await;
        // No later match may make up for it.
        stage.simulator.pause().await;
        let before = last_trade(&stage);
        stage.simulator.faults().clear();
        let after = stage.until("it is noticed", NOTICED, || is_noticed(&stage)).await;
        eprintln!("noticed after {after:?}");
        stage.live().await;
        stage
            .until("the lost trade came with the new subscription", PATIENCE, || last_trade(&stage) != before)
            .await;
        let log = std::mem::take(&mut stage.desk.log.borrow_mut().turns);
        assert!(log.iter().all(|turn| turn.key.0 == STRUCK), "the other product lost nothing: {log:?}");
        stage.simulator.resume();
        stage.right().await;
        assert_eq!((stage.desk.ends.get(), stage.desk.garbage.get()), (0, 0));
        stage.stop().await;
    });
}

/// Late matches and repeated ones are no lost ones.
#[test]
fn heartbeats_condemn_nothing_while_matches_go_on() {
    on_paused_time(async {
        let stage = Stage::start(Case::of("coinbase"), 4).await;
        stage.right().await;
        stage.take_turns();
        let late = Rule::new("matches:BTC-USDT", Fault::Delay(Duration::from_millis(900))).every(20);
        stage.simulator.faults().set([late, Rule::new("matches:ETH-USDT", Fault::Duplicate).every(3)]);
        tokio::time::sleep(Duration::from_secs(60)).await;
        assert!(stage.simulator.faults().struck().iter().all(|struck| *struck > 5));
        stage.simulator.faults().clear();
        let turns = stage.take_turns();
        assert!(turns.iter().all(|turn| turn.reason != Reason::SourcesDisagree), "{turns:?}");
        stage.stop().await;
    });
}
