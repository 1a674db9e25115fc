//! Markets that move fast, and many instruments at once.

use std::time::Duration;

use tickcache::clock;
use tickcache::domain::{Entity, Record, State};
use tickcache::simulate::{Config, MarketOptions};

use crate::support::{EMBEDDED, Rig, small_market, until, value};

/// A jump takes the price beyond the levels that the last snapshot knew. What is shown then is less deep, never empty
/// where the venue is not, and whole again after the next snapshot.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_price_that_jumps_beyond_the_known_book_leaves_no_live_side_empty() {
    // Deeper than a snapshot.
    let options = MarketOptions { jump_every: Some(Duration::from_secs(1)), levels: 3_000, ..small_market() };
    let rig = Rig::with(Config::market(options), EMBEDDED, "").await;
    rig.live().await;
    let started = clock::mono();
    until("some jumps have happened", || {
        for key in rig.engine.keys().iter().filter(|key| key.entity == Entity::Liquidity) {
            let found = value(&rig.engine, key).expect("it was live").record;
            let Record::Liquidity(book) = &found else { panic!("a book stands under its key") };
            let empty = book.bids.is_empty() || book.asks.is_empty();
            assert!(!empty || book.stamp.state != State::Live, "{}: {book:?}", key.instrument);
        }
        clock::mono().since(started) > Duration::from_secs(10)
    })
    .await;
    rig.right_when_still().await;
    assert!(rig.stats().snapshots > 2, "each book had one, and needed another");
    assert_eq!((rig.stats().reconnects, rig.stats().decode_errors), (0, 0));
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_instruments_become_live_and_right() {
    let options = MarketOptions {
        updates_per_second: 10,
        jump_every: None,
        levels: 200,
        ..MarketOptions::with_instruments(50)
    };
    let rig = Rig::with(Config::market(options), EMBEDDED, "").await;
    rig.live().await;
    rig.right_when_still().await;
    assert_eq!((rig.stats().reconnects, rig.stats().decode_errors), (0, 0));
    rig.stop().await;
}
