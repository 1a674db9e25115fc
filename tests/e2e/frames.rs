//! Frames that are not as they should be.

use tickcache::domain::{Entity, Reason, State};
use tickcache::simulate::{Fault, Garbage, Rule, Undecodable};

use crate::support::{Rig, state, until, until_ok};

/// Garbage that a session survives; text that is no UTF-8 breaks the protocol itself and ends it.
const SURVIVED: [Garbage; 5] =
    [Garbage::NotJson, Garbage::WrongTypes, Garbage::UnknownEvent, Garbage::Empty, Garbage::Binary];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn garbage_between_good_frames_is_counted_and_changes_no_value() {
    let rig = Rig::start().await;
    for garbage in SURVIVED {
        rig.live().await;
        let before = rig.stats();
        rig.simulator.faults().set([Rule::new("", Fault::Garbage(garbage)).every(3).times(30)]);
        until("all of it was sent", || rig.simulator.faults().struck() == [30]).await;
        // An event of an unknown kind is no error, venues add some, but where a stream's events do not say their kind.
        if garbage != Garbage::UnknownEvent {
            until("it is counted", || rig.stats().decode_errors >= before.decode_errors + 30).await;
            assert_eq!(rig.stats().decode_errors, before.decode_errors + 30, "{garbage:?}");
        }
        rig.simulator.faults().clear();
        rig.right_when_still().await;
        let after = rig.stats();
        assert_eq!((after.reconnects, after.gaps), (0, 0), "{garbage:?}: the sessions stay");
    }
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn text_that_is_no_utf8_ends_the_session_and_everything_comes_back_right() {
    let rig = Rig::start().await;
    rig.live().await;
    rig.simulator.faults().set([Rule::new("", Fault::Garbage(Garbage::InvalidUtf8)).every(50).times(3)]);
    until("it was sent", || rig.simulator.faults().struck() == [3]).await;
    until("a session ended", || rig.stats().reconnects > 0).await;
    rig.simulator.faults().clear();
    rig.live().await;
    rig.right_when_still().await;
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn frames_without_end_or_order_leave_gaps_that_heal_and_other_instruments_untouched() {
    let rig = Rig::start().await;
    rig.live().await;
    for fault in [Fault::Drop, Fault::Swap, Fault::Undecodable(Undecodable::Cut)] {
        let before = rig.stats();
        // Of one instrument only: the other must not notice.
        rig.simulator.faults().set([Rule::new("btcusdt@depth", fault.clone()).every(4).times(8)]);
        until("it happened", || {
            let other = state(&rig.engine, Entity::Liquidity, "ETH-USDT");
            assert_eq!(other, Some((State::Live, Reason::None)), "{fault:?}");
            rig.simulator.faults().struck() == [8]
        })
        .await;
        rig.simulator.faults().clear();
        let is_cut = matches!(fault, Fault::Undecodable(_));
        // What was not understood is no gap: the book is void at once.
        let noticed = || {
            let now = rig.stats();
            if is_cut { now.decode_errors > before.decode_errors } else { now.gaps > before.gaps }
        };
        until("it was noticed", noticed).await;
        rig.right_when_still().await;
        let after = rig.stats();
        assert!(after.snapshots > before.snapshots, "{fault:?}: the book is made anew");
        assert_eq!(after.reconnects, 0, "{fault:?}: the session stays");
        assert_eq!(after.decode_errors - before.decode_errors, if is_cut { 8 } else { 0 });
    }
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn doubled_frames_change_nothing() {
    let rig = Rig::start().await;
    rig.live().await;
    let before = rig.stats();
    rig.simulator.faults().set([Rule::new("", Fault::Duplicate)]);
    rig.moved_on(5).await;
    rig.right_when_still().await;
    let after = rig.stats();
    assert!(after.ignored > before.ignored, "duplicates are noticed");
    assert_eq!((after.gaps, after.snapshots), (before.gaps, before.snapshots));
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn quotes_and_trades_dropped_or_out_of_order_end_at_the_newest() {
    let rig = Rig::start().await;
    rig.live().await;
    rig.simulator.faults().set([
        Rule::new("bookTicker", Fault::Swap).every(3),
        Rule::new("bookTicker", Fault::Drop).every(7),
        Rule::new("trade", Fault::Swap).every(2),
    ]);
    until("it happened often", || rig.simulator.faults().struck().iter().all(|struck| *struck >= 20)).await;
    rig.simulator.faults().clear();
    rig.right_when_still().await;
    assert_eq!((rig.stats().reconnects, rig.stats().gaps), (0, 0));
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_frame_of_more_than_four_megabytes_ends_its_session_which_comes_back_right() {
    let rig = Rig::start().await;
    rig.live().await;
    rig.simulator.faults().set([Rule::new("btcusdt@bookTicker", Fault::Huge(5 << 20)).times(1)]);
    until("the session ended", || rig.stats().reconnects == 1).await;
    rig.live().await;
    rig.right_when_still().await;
    assert_eq!(rig.stats().connects, 3, "two sessions at the start, and the one that came back");
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_large_frame_within_the_limit_is_garbage_and_no_more() {
    let rig = Rig::start().await;
    rig.live().await;
    rig.simulator.faults().set([Rule::new("btcusdt@depth", Fault::Huge(3 << 20)).times(1)]);
    until_ok("it is counted", || match rig.stats().decode_errors {
        1 => Ok(()),
        other => Err(other),
    })
    .await;
    rig.right_when_still().await;
    assert_eq!(rig.stats().reconnects, 0);
    rig.stop().await;
}
