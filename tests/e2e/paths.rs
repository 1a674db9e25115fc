//! Ways to the venue that are slow, and venues that want to be left alone.

use std::time::Duration;

use tickcache::app::Engine;
use tickcache::clock;
use tickcache::simulate::{Config, Fault, Rule, Simulator};

use crate::proxy::Proxy;
use crate::support::{ALL, EMBEDDED, Rig, load, settings_text, small_market, until};

/// Waits until a fault has struck so often; says how long that took at least.
async fn struck(rig: &Rig, times: u32) -> Duration {
    let mut before = clock::mono();
    until("the fault has struck", || {
        let now = clock::mono();
        let is_there = rig.simulator.faults().struck().iter().sum::<u32>() >= times;
        if !is_there {
            before = now;
        }
        is_there
    })
    .await;
    clock::mono().since(before)
}

/// An answer takes 1.8 s, more than a dead path is given where answers are quick.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_path_is_no_dead_one() {
    let simulator = Simulator::start(Config::market(small_market())).await.unwrap();
    let proxy = Proxy::start(simulator.addr().port());
    proxy.delay(Duration::from_millis(900));
    let text = settings_text(&simulator, EMBEDDED, &ALL, "price_silence_s = 60\nliquidity_silence_s = 60")
        .replace(&simulator.websocket_url(), &proxied(&simulator, &proxy));
    let rig = Rig { simulator, engine: Engine::start(&load(&text)).unwrap() };
    rig.live().await;
    rig.simulator.pause().await;
    let began = clock::mono();
    until("ten quiet seconds have passed, or a connection was given up", || {
        clock::mono().since(began) >= Duration::from_secs(10) || rig.stats().reconnects > 0
    })
    .await;
    assert_eq!((rig.stats().connects, rig.stats().reconnects), (2, 0));
    // A path that is dead is still found.
    proxy.black_hole();
    until("both connections are given up", || rig.stats().reconnects >= 2).await;
    proxy.pass();
    rig.simulator.resume();
    rig.live().await;
    rig.stop().await;
}

fn proxied(simulator: &Simulator, proxy: &Proxy) -> String {
    simulator.websocket_url().replace(&simulator.addr().port().to_string(), &proxy.port().to_string())
}

/// Two books, and the third call may come only after two pauses: the venue is asked, not each book for itself.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_venue_that_refuses_is_asked_by_one_call_at_a_time_with_growing_pauses() {
    let simulator = Simulator::start(Config::market(small_market())).await.unwrap();
    let fault = Fault::Status { status: 403, retry_after_s: None };
    simulator.faults().set([Rule::new("depth", fault)]);
    let rig = Rig::on(simulator, EMBEDDED, "");
    struck(&rig, 1).await;
    let began = clock::mono();
    struck(&rig, 3).await;
    let waited = clock::mono().since(began);
    assert!(waited >= Duration::from_millis(5_900), "{waited:?}");
    rig.simulator.faults().clear();
    rig.live().await;
    rig.right_when_still().await;
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_venue_that_refuses_connects_is_left_alone_as_long_as_it_asks_for() {
    for (status, retry_after_s, at_least) in
        [(429, Some(3), 3_000), (503, Some(3), 3_000), (403, None, 2_000)]
    {
        let simulator = Simulator::start(Config::market(small_market())).await.unwrap();
        simulator.faults().set([Rule::new("/stream", Fault::Status { status, retry_after_s })]);
        let rig = Rig::on(simulator, EMBEDDED, "");
        // Both sessions begin together.
        struck(&rig, 2).await;
        let began = clock::mono();
        struck(&rig, 3).await;
        let waited = clock::mono().since(began);
        assert!(waited >= Duration::from_millis(at_least - 100), "{status}: {waited:?}");
        rig.simulator.faults().clear();
        rig.live().await;
        rig.right_when_still().await;
        rig.stop().await;
    }
}
