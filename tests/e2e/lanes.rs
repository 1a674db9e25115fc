//! Connections that are replaced before the venue ends them, and two at a time.

use std::time::Duration;

use tickcache::domain::{Entity, LastTrade, Record};
use tickcache::simulate::{Break, Config, Fault, Rule, Simulator};

use crate::support::{EMBEDDED, Rig, small_market, until, value};

/// Longer than any test.
const HOUR: Duration = Duration::from_secs(3_600);

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

/// What was last traded of each instrument.
fn last_trades(rig: &Rig) -> Vec<Option<LastTrade>> {
    let prices = rig.engine.keys().iter().filter(|key| key.entity == Entity::Price);
    let last = prices.map(|key| match value(&rig.engine, key)?.record {
        Record::Price(price) => price.last,
        _ => None,
    });
    last.collect()
}

/// One connection brings no trades any more, and all else: the other one's are taken, whichever of the two came first until then.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_two_connections_trades_come_from_whichever_brings_them() {
    // The frames of a stream go to one connection and then to the other.
    for struck in [1, 2] {
        let rig = rig("redundant = 2").await;
        until("each session has two connections", || rig.simulator.stats().sessions_open == 4).await;
        rig.moved_on(2).await;
        let before = rig.stats();
        let held = |on| Rule::new(on, Fault::Stall(HOUR)).every(struck).times(1);
        rig.simulator.faults().set(["btcusdt@trade", "ethusdt@trade"].map(held));
        until("each is held back on one connection", || rig.simulator.faults().struck() == [1, 1]).await;
        for _ in 0..3 {
            let before = last_trades(&rig);
            until("the last trades move on", || {
                last_trades(&rig).iter().zip(&before).all(|(now, before)| now != before)
            })
            .await;
        }
        rig.simulator.faults().clear();
        rig.right_when_still().await;
        assert_eq!(rig.stats().doubts, before.doubts, "no key was ever suspect");
        rig.stop().await;
    }
}
