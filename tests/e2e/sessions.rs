//! Venues that are silent, slow, gone, or close what they have just opened.

use std::time::Duration;

use tickcache::domain::{Entity, Reason, State};
use tickcache::simulate::{Break, Config, Fault, Rule, Simulator};

use crate::redis_server::free_port;
use crate::support::{EMBEDDED, Rig, small_market, state, until, until_ok};

const SUSPECT: State = State::Suspect;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_subscription_that_is_acknowledged_and_silent_raises_an_alarm_until_the_venue_delivers() {
    let simulator = Simulator::start(Config::market(small_market())).await.unwrap();
    simulator.faults().set([Rule::new("btcusdt@bookTicker", Fault::Silent)]);
    let rig = Rig::on(simulator, EMBEDDED, "first_data_s = 1");
    until_ok("the price says why it is not there", || match state(&rig.engine, Entity::Price, "BTC-USDT") {
        Some((SUSPECT, Reason::NoFirstData)) => Ok(()),
        other => Err(other),
    })
    .await;
    until("the subscription is made anew", || rig.simulator.faults().struck()[0] >= 2).await;
    until("the alarm is counted", || rig.stats().alarms >= 1).await;
    until("the others are live", || {
        state(&rig.engine, Entity::Price, "ETH-USDT").is_some_and(|(state, _)| state == State::Live)
    })
    .await;
    rig.simulator.faults().clear();
    rig.live().await;
    rig.right_when_still().await;
    assert_eq!(rig.stats().reconnects, 0, "the session carries others and stays");
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_venue_that_closes_after_each_subscription_is_tried_with_patience_until_it_stops_doing_so() {
    let simulator = Simulator::start(Config::market(small_market())).await.unwrap();
    simulator.faults().set([Rule::new("", Fault::CloseOnSubscribe)]);
    let rig = Rig::on(simulator, EMBEDDED, "");
    until("it is tried again and again", || rig.stats().reconnects >= 6).await;
    let sessions = rig.simulator.stats().sessions;
    assert!(sessions < 40, "with growing pauses, not {sessions} times");
    rig.simulator.faults().clear();
    rig.live().await;
    rig.right_when_still().await;
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_way_of_losing_the_sessions_makes_every_key_suspect_and_then_right_again() {
    let rig = Rig::start().await;
    for how in [Break::Reset, Break::Fin, Break::HalfOpen] {
        rig.live().await;
        let before = rig.stats();
        // Whoever comes back is refused until we have looked.
        rig.simulator
            .faults()
            .set([Rule::new("/stream", Fault::Status { status: 503, retry_after_s: None })]);
        rig.simulator.break_sessions(how).await;
        until_ok("every key is suspect (disconnected)", || all_disconnected(&rig)).await;
        until("both ends are counted", || rig.stats().reconnects >= before.reconnects + 2).await;
        until("no session is counted as up", || rig.stats().sessions_up == 0).await;
        rig.simulator.faults().clear();
        rig.live().await;
        rig.right_when_still().await;
        until("both sessions are counted as up", || rig.stats().sessions_up == 2).await;
    }
    rig.stop().await;
}

fn all_disconnected(rig: &Rig) -> Result<(), String> {
    for key in rig.engine.keys() {
        let found = state(&rig.engine, key.entity, key.instrument.as_str());
        if found != Some((SUSPECT, Reason::Disconnected)) {
            return Err(format!("{} {}: {found:?}", key.entity, key.instrument));
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_loss_of_one_session_leaves_the_keys_of_the_other_alone() {
    let rig = Rig::start().await;
    rig.live().await;
    rig.simulator.faults().set([
        Rule::new("@depth", Fault::Break(Break::Reset)).times(1),
        Rule::new("/stream", Fault::Status { status: 503, retry_after_s: None }),
    ]);
    until("the book is suspect", || {
        state(&rig.engine, Entity::Liquidity, "BTC-USDT") == Some((SUSPECT, Reason::Disconnected))
    })
    .await;
    for instrument in ["BTC-USDT", "ETH-USDT"] {
        assert_eq!(state(&rig.engine, Entity::Price, instrument), Some((State::Live, Reason::None)));
    }
    rig.simulator.faults().clear();
    rig.live().await;
    rig.right_when_still().await;
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_venue_that_is_absent_at_the_start_is_awaited_and_its_sessions_are_counted_right_ever_after() {
    let address = ([127, 0, 0, 1], free_port()).into();
    let simulator = Simulator::start(Config::market(small_market()).listen(address)).await.unwrap();
    let text = crate::support::settings_text(&simulator, EMBEDDED, &crate::support::ALL, "");
    simulator.stop().await;
    let engine = tickcache::app::Engine::start(&crate::support::load(&text)).unwrap();
    until("several attempts failed", || engine.feeds().next().unwrap().1.read().reconnects >= 6).await;
    let simulator = Simulator::start(Config::market(small_market()).listen(address)).await.unwrap();
    let rig = Rig { simulator, engine };
    rig.live().await;
    until("two sessions are up", || rig.stats().sessions_up == 2).await;
    rig.simulator.faults().set([Rule::new("@depth", Fault::Break(Break::Reset)).times(1)]);
    until("one was lost and came back", || rig.stats().connects >= 3).await;
    rig.live().await;
    until("two sessions are up again", || rig.stats().sessions_up == 2).await;
    rig.right_when_still().await;
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_idle_session_answers_pings_and_stays() {
    let mut config = Config::market(small_market());
    config.limits.ping_interval = Duration::from_millis(500);
    config.limits.pong_timeout = Duration::from_millis(3_000);
    let rig = Rig::with(config, EMBEDDED, "price_silence_s = 60\nliquidity_silence_s = 60").await;
    rig.live().await;
    rig.simulator.pause().await;
    // Longer than the server waits for a pong, and than the engine waits for a sign of life.
    tokio::time::sleep(Duration::from_secs(6)).await;
    until_ok("every value stands", || crate::truth::agrees(&rig.engine, &rig.simulator)).await;
    assert_eq!((rig.stats().connects, rig.stats().reconnects), (2, 0));
    rig.simulator.resume();
    rig.right_when_still().await;
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_quiet_market_is_confirmed_by_asking_and_stays_live() {
    let rig =
        Rig::with(Config::market(small_market()), EMBEDDED, "price_silence_s = 1\nliquidity_silence_s = 1")
            .await;
    rig.live().await;
    rig.simulator.pause().await;
    until_ok("it has caught up", || crate::truth::agrees(&rig.engine, &rig.simulator)).await;
    let asked = rig.simulator.stats().rest_requests;
    until("it asks over REST", || rig.simulator.stats().rest_requests >= asked + 6).await;
    until_ok("every value stands", || crate::truth::agrees(&rig.engine, &rig.simulator)).await;
    assert_eq!(rig.stats().reconnects, 0);
    rig.simulator.resume();
    rig.right_when_still().await;
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_venue_is_followed_and_right_once_it_catches_up() {
    let rig = Rig::start().await;
    rig.live().await;
    rig.simulator.faults().set([
        Rule::new("@depth", Fault::Delay(Duration::from_millis(300))).every(3).times(10),
        Rule::new("@bookTicker", Fault::Delay(Duration::from_millis(100))).every(20).times(10),
    ]);
    until("it was slow", || rig.simulator.faults().struck() == [10, 10]).await;
    rig.simulator.faults().clear();
    rig.live().await;
    rig.right_when_still().await;
    rig.stop().await;
}
