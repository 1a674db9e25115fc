//! A venue that says that it does not trade: every value is halted at once, stays what the venue says, and is live again afterwards.

use std::time::Duration;

use tickcache::domain::{Reason, Record, State};
use tickcache::simulate::{Break, Config, MarketOptions, Simulator};

use crate::cases::Case;
use crate::engine::{each, start, until_ok};
use crate::stage::{PATIENCE, Stage, on_paused_time};
use crate::truth;

/// A frame's way.
const AT_ONCE: Duration = Duration::from_millis(100);

/// Until something comes in, or a quiet value is asked about.
const SOON: Duration = Duration::from_secs(70);

fn all(stage: &Stage, reason: Reason) -> bool {
    let log = stage.desk.log.borrow();
    log.values.len() == 6 && log.values.values().all(|record| record.stamp().reason == reason)
}

fn reasons(stage: &Stage) -> Vec<Reason> {
    let mut reasons: Vec<Reason> = stage.take_turns().iter().map(|turn| turn.reason).collect();
    reasons.sort_unstable();
    reasons.dedup();
    reasons
}

#[test]
fn all_of_kraken_is_halted_at_its_word_and_live_again_after_it() {
    on_paused_time(async {
        let stage = Stage::start(Case::of("kraken"), 5).await;
        for word in ["maintenance", "cancel_only"] {
            stage.right().await;
            stage.take_turns();
            stage.simulator.say_system(word).await;
            stage.until("every value is halted", AT_ONCE, || all(&stage, Reason::VenueHalt)).await;
            // The market goes on, so that nobody takes silence for a halt.
            tokio::time::sleep(Duration::from_secs(30)).await;
            assert_eq!(reasons(&stage), [Reason::VenueHalt], "{word}");
            stage.simulator.break_sessions(Break::Reset).await;
            stage.until("all is lost", AT_ONCE, || all(&stage, Reason::Disconnected)).await;
            stage.until("the new sessions say it again", SOON, || all(&stage, Reason::VenueHalt)).await;
            assert_eq!(
                reasons(&stage),
                [Reason::Disconnected, Reason::VenueHalt],
                "{word}: never live in between"
            );
            stage.simulator.say_system("post_only").await;
            stage.until("every value is live", SOON, || all(&stage, Reason::None)).await;
            assert_eq!(reasons(&stage), [Reason::None], "{word}");
            stage.right().await;
        }
        assert_eq!(stage.desk.garbage.get(), 0);
        stage.stop().await;
    });
}

#[test]
fn one_instrument_of_okx_is_halted_at_its_word_and_live_again_after_it() {
    on_paused_time(async {
        let stage = Stage::start(Case::of("okx"), 5).await;
        stage.right().await;
        stage.take_turns();
        let reasons_of = |place: usize| {
            let log = stage.desk.log.borrow();
            let own = log.values.iter().filter(|(key, _)| key.0 == place);
            own.map(|(_, record)| record.stamp().reason).collect::<Vec<_>>()
        };
        let all_of = |place, reason| reasons_of(place) == [reason; 3];
        stage.simulator.say_system("BTC-USDT suspend").await;
        stage.until("BTC is halted", AT_ONCE, || all_of(0, Reason::VenueHalt)).await;
        tokio::time::sleep(Duration::from_secs(30)).await;
        assert_eq!(stage.take_turns().len(), 3, "once, and nothing of the other one");
        stage.simulator.break_sessions(Break::Reset).await;
        stage.until("ETH is live", SOON, || all_of(1, Reason::None)).await;
        stage.until("BTC is halted anew", SOON, || all_of(0, Reason::VenueHalt)).await;
        let live_again =
            stage.take_turns().into_iter().find(|turn| turn.key.0 == 0 && turn.state == State::Live);
        assert_eq!(live_again, None);
        stage.simulator.say_system("BTC-USDT live").await;
        stage.until("BTC is live", SOON, || all_of(0, Reason::None)).await;
        stage.right().await;
        assert_eq!(stage.desk.garbage.get(), 0);
        stage.stop().await;
    });
}

/// While nothing is said but the word, nothing is live.
#[test]
fn the_end_of_a_halt_proves_no_quiet_value() {
    on_paused_time(async {
        let stage = Stage::start(Case::of("kraken"), 6).await;
        stage.right().await;
        stage.simulator.say_system("maintenance").await;
        stage.until("every value is halted", AT_ONCE, || all(&stage, Reason::VenueHalt)).await;
        stage.simulator.pause().await;
        tokio::time::sleep(AT_ONCE).await;
        stage.take_turns();
        stage.simulator.say_system("online").await;
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!(stage.take_turns(), [], "nothing is live at the word alone");
        // A quiet top of book is asked about over REST, and so are books: figures wait for the venue.
        let live = || {
            let log = stage.desk.log.borrow();
            let is_live = |record: &&Record| record.stamp().state == State::Live;
            log.values.values().filter(is_live).count() == 4
        };
        stage.until("what stands is live", PATIENCE, live).await;
        stage.simulator.resume();
        stage.right().await;
        stage.stop().await;
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_engine_publishes_a_halt_and_counts_what_is_halted() {
    let options =
        MarketOptions { updates_per_second: 60, jump_every: None, levels: 400, ..Default::default() };
    let config = Config::market(options.only(&["BTC", "ETH"])).venue("kraken");
    let simulator = Simulator::start(config).await.unwrap();
    let engine =
        start("kraken", &simulator, &["BTC-USDT", "ETH-USDT"], 10, &["price", "liquidity", "volume"], "");
    until_ok("every value is live", || each(&engine, |_, record| truth::is_live(record))).await;
    simulator.say_system("maintenance").await;
    let is = |record: &Record, wanted: (State, Reason)| {
        let found = (record.stamp().state, record.stamp().reason);
        if found == wanted { Ok(()) } else { Err(format!("{found:?}")) }
    };
    let halted = (State::Halted, Reason::VenueHalt);
    until_ok("every value is halted", || each(&engine, |_, record| is(record, halted))).await;
    let count = || engine.feeds().next().expect("one feed").1.read();
    let counted = |wanted: u64| move |found: u64| if found == wanted { Ok(()) } else { Err(found) };
    until_ok("all are counted as halted", || counted(6)(count().halted)).await;
    simulator.say_system("online").await;
    until_ok("every value is live again", || each(&engine, |_, record| truth::is_live(record))).await;
    until_ok("none is counted as halted", || counted(0)(count().halted)).await;
    assert_eq!(count().reconnects, 0);
    engine.stop().await.unwrap();
    simulator.stop().await;
}
