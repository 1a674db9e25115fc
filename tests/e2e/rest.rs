//! REST that refuses, fails or lies.

use std::time::Duration;

use tickcache::clock;
use tickcache::domain::{Entity, State};
use tickcache::simulate::{Config, Fault, MarketOptions, Rule, Simulator};

use crate::support::{EMBEDDED, Rig, small_market, state, until};

/// One instrument: each REST request then is one more try for the same book.
fn one_instrument() -> MarketOptions {
    small_market().only(&["BTC"])
}

async fn with_fault(fault: Fault, times: u32) -> Rig {
    let simulator = Simulator::start(Config::market(one_instrument())).await.unwrap();
    simulator.faults().set([Rule::new("depth", fault).times(times)]);
    Rig::on(simulator, EMBEDDED, "")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_request_is_made_before_retry_after_is_over() {
    for status in [429, 418] {
        let rig = with_fault(Fault::Status { status, retry_after_s: Some(2) }, 1).await;
        let mut before_refusal = clock::mono();
        until("the first request is refused", || {
            let now = clock::mono();
            let refused = rig.simulator.faults().struck() == [1];
            if !refused {
                before_refusal = now;
            }
            refused
        })
        .await;
        until("it asks again", || rig.simulator.stats().rest_requests > 1).await;
        // However late this is seen: never too early.
        let waited = clock::mono().since(before_refusal);
        assert!(waited >= Duration::from_secs(2), "{status}: asked again after {waited:?}");
        rig.live().await;
        rig.right_when_still().await;
        assert_eq!(rig.stats().snapshot_failures, 1);
        rig.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_book_comes_in_the_end_after_errors_and_garbage() {
    for (fault, times) in [(Fault::Status { status: 500, retry_after_s: None }, 2), (Fault::GarbageBody, 2)] {
        let rig = with_fault(fault, times).await;
        until("the price is live without a book", || {
            state(&rig.engine, Entity::Price, "BTC-USDT").is_some_and(|(state, _)| state == State::Live)
        })
        .await;
        rig.live().await;
        rig.right_when_still().await;
        assert_eq!(rig.stats().snapshot_failures, u64::from(times));
        rig.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_late_snapshot_joins_the_deltas_that_waited_for_it() {
    let rig = with_fault(Fault::SlowRest(Duration::from_secs(2)), 1).await;
    rig.live().await;
    rig.right_when_still().await;
    until("it is counted", || rig.stats().snapshots > 0).await;
    assert_eq!((rig.stats().snapshots, rig.stats().gaps), (1, 0));
    rig.stop().await;
}

/// Far snapshots of six books cost 300 of the weight: near ones do for the beginning.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn more_books_than_a_minute_has_weight_for_begin_with_what_is_cheap() {
    let market = MarketOptions { updates_per_second: 100, jump_every: None, ..MarketOptions::default() };
    assert_eq!(market.instruments.len(), 6);
    let simulator = Simulator::start(Config::market(market)).await.unwrap();
    // Only to count who asks for what.
    let counted = ["limit=100", "limit=1000"].map(|on| Rule::new(on, Fault::SlowRest(Duration::ZERO)));
    simulator.faults().set(counted);
    let rig = Rig::on(simulator, EMBEDDED, "rest_weight_per_minute = 299");
    rig.live().await;
    let struck = rig.simulator.faults().struck();
    // The first text is the beginning of the second.
    let (near, far) = (struck[0] - struck[1], struck[1]);
    assert!(near >= 6 && far < near, "{near} near ones, {far} far ones");
    rig.simulator.faults().clear();
    rig.right_when_still().await;
    rig.stop().await;
}
