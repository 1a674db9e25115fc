//! Connections that are replaced before the venue ends them, and two at a time.

use tickcache::simulate::{Break, Config, Fault, Rule, Simulator};

use crate::support::{EMBEDDED, Rig, small_market, until};

async fn rig(feed: &str) -> Rig {
    let rig = Rig::on(Simulator::start(Config::market(small_market())).await.unwrap(), EMBEDDED, feed);
    rig.live().await;
    rig
}

/// The venue is never made to end anything: at five seconds, less five to ten per cent, another connection takes over.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_is_replaced_before_the_venue_ends_it_and_no_value_is_doubted() {
    let rig = rig("session_max_s = 5").await;
    let before = rig.stats();
    let sessions = rig.simulator.stats().sessions;
    until("both sessions have been replaced", || rig.stats().reconnects >= before.reconnects + 2).await;
    until("as many stand as before", || rig.simulator.stats().sessions_open == 2).await;
    assert!(rig.simulator.stats().sessions >= sessions + 2);
    assert_eq!(rig.stats().doubts, before.doubts, "no key was ever suspect");
    assert_eq!((rig.stats().gaps, rig.stats().sessions_up), (0, 2));
    rig.right_when_still().await;
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_two_connections_the_loss_of_one_is_not_noticed() {
    let rig = rig("redundant = 2").await;
    until("each session has two connections", || rig.simulator.stats().sessions_open == 4).await;
    rig.moved_on(2).await;
    let before = rig.stats();
    for stream in ["btcusdt@depth", "btcusdt@bookTicker"] {
        let lost = rig.stats().reconnects;
        rig.simulator.faults().set([Rule::new(stream, Fault::Break(Break::Reset)).times(1)]);
        until("one connection is lost", || rig.stats().reconnects > lost).await;
        until("it comes back", || rig.simulator.stats().sessions_open == 4).await;
    }
    assert_eq!(rig.stats().doubts, before.doubts, "no key was ever suspect");
    assert_eq!((rig.stats().gaps, rig.stats().sessions_up), (0, 2));
    rig.simulator.faults().clear();
    rig.right_when_still().await;
    rig.stop().await;
}
