//! Budgets that engines share: the script against its second version in Rust, and many engines on one real server.

use std::time::Duration;

use proptest::prelude::*;
use tickcache::clock;
use tickcache::domain::{MonoTime, Namespace, Venue};
use tickcache::publish::{BudgetTask, Endpoint, Grant, RedisAddress, Servers, SharedBudget, Spent};
use tokio::runtime::Handle;

use super::redis_server::RedisServer;
use super::rig::until;

const SCRIPT: &str = include_str!("../../src/publish/scripts/budget.lua");

/// What the key holds, and the rule, written anew.
#[derive(Debug, Default, Clone, Copy)]
struct Model {
    /// When all that was spent is earned again.
    earned_us: i64,
}

#[derive(Debug, Clone, Copy)]
struct Terms {
    unit_us: i64,
    most: i64,
    burst: i64,
}

impl Terms {
    const fn rest_us(self) -> i64 {
        (self.most - self.burst) * self.unit_us
    }

    /// The stretch in which no more than `most` may be spent.
    const fn stretch_us(self) -> i64 {
        self.rest_us()
    }
}

impl Model {
    /// 0, or the milliseconds to wait.
    fn spend(&mut self, terms: Terms, units: i64, now_us: i64) -> i64 {
        let (cost_us, burst_us) = (units * terms.unit_us, terms.burst * terms.unit_us);
        let earned_us = self.earned_us.min(now_us + burst_us + terms.rest_us());
        let too_much_us = earned_us + cost_us - now_us - burst_us;
        if too_much_us > 0 {
            return (too_much_us + 999) / 1_000;
        }
        self.earned_us = earned_us.max(now_us) + cost_us;
        0
    }
}

fn any_terms() -> impl Strategy<Value = Terms> {
    (1_i64..=40, 0.0_f64..1.0, 1_i64..=3_000_000).prop_map(|(most, share, unit_us)| {
        #[expect(clippy::cast_possible_truncation, reason = "below 40")]
        let burst = (share * most as f64) as i64;
        Terms { unit_us, most, burst }
    })
}

/// Steps of time, and what is asked for after each. Often the very wait that was named before.
fn any_calls() -> impl Strategy<Value = Vec<(Step, i64)>> {
    let step = prop_oneof![
        3 => Just(Step::Named),
        3 => (0.0_f64..0.3).prop_map(Step::Stretches),
        1 => (0.0_f64..3.0).prop_map(Step::Stretches),
    ];
    prop::collection::vec((step, 1_i64..=40), 1..200)
}

#[derive(Debug, Clone, Copy)]
enum Step {
    /// As long as was last told to wait.
    Named,
    /// So many of the budget's stretches.
    Stretches(f64),
}

impl Step {
    #[expect(clippy::cast_possible_truncation, reason = "a few hours in microseconds")]
    fn us(self, terms: Terms, named_ms: i64) -> i64 {
        match self {
            Self::Named => named_ms * 1_000,
            Self::Stretches(count) => (count * terms.stretch_us() as f64) as i64,
        }
    }
}

proptest! {
    #[test]
    fn no_stretch_spends_more_than_the_budget_and_a_named_wait_suffices(terms in any_terms(), calls in any_calls()) {
        let (mut model, mut now_us, mut named_ms) = (Model::default(), 1_795_184_630_000_000_i64, 0);
        let mut spent: Vec<(i64, i64)> = Vec::new();
        for (step, units) in calls {
            let units = units.min(terms.most);
            now_us += step.us(terms, named_ms);
            named_ms = model.spend(terms, units, now_us);
            if named_ms == 0 {
                spent.push((now_us, units));
            } else {
                prop_assert_eq!(model.clone().spend(terms, units, now_us + named_ms * 1_000), 0);
                prop_assert!(model.clone().spend(terms, units, now_us + (named_ms - 1) * 1_000) > 0);
            }
        }
        for &(from, _) in &spent {
            let within = spent.iter().filter(|(at, _)| (from..from + terms.stretch_us()).contains(at));
            prop_assert!(within.map(|(_, units)| units).sum::<i64>() <= terms.most);
        }
    }
}

/// The script, but for the clock, which is handed in.
fn with_given_time() -> redis::Script {
    let clock = "redis.call('TIME')";
    assert_eq!(SCRIPT.matches(clock).count(), 1);
    redis::Script::new(&SCRIPT.replace(clock, "{ARGV[4], ARGV[5]}"))
}

#[test]
fn the_script_and_its_second_version_say_the_same_while_time_moves() {
    let server = RedisServer::start();
    let (mut redis, script, mut rng) = (server.connection(), with_given_time(), fastrand::Rng::new());
    let (seed, mut refused) = (rng.get_seed(), 0);
    for round in 0..60 {
        let most = rng.i64(1..=40);
        // Minutes, so that no key expires by the server's own clock.
        let terms = Terms { unit_us: rng.i64(60_000_000..180_000_000), most, burst: rng.i64(0..most) };
        let key = format!("t:v1:budget:{{{round}}}:rest");
        let (mut model, mut now_us) = (Model::default(), 1_795_184_630_000_000_i64);
        if round % 3 == 0 {
            // What is no number of ours is nothing spent, and makes room for one.
            let _: () = redis::cmd("RPUSH").arg(&key).arg("foreign").query(&mut redis).unwrap();
        }
        for _ in 0..100 {
            let stretch = terms.stretch_us();
            now_us += match rng.u32(..8) {
                0 => rng.i64(0..3 * stretch),
                // A failover to a clock that is behind.
                1 => -rng.i64(0..3 * stretch),
                _ => rng.i64(0..=stretch / 4),
            };
            let units = rng.i64(1..=most);
            let (seconds, micros) = (now_us / 1_000_000, now_us % 1_000_000);
            let said: i64 = script
                .key(&key)
                .arg(units * terms.unit_us)
                .arg(terms.burst * terms.unit_us)
                .arg(terms.rest_us())
                .arg(seconds)
                .arg(micros)
                .invoke(&mut redis)
                .unwrap();
            assert_eq!(said, model.spend(terms, units, now_us), "seed {seed}: {terms:?} {units} {now_us}");
            if said > 0 {
                refused += 1;
                continue;
            }
            let held: i64 = redis::cmd("GET").arg(&key).query(&mut redis).unwrap();
            assert_eq!(held, model.earned_us);
            let ttl_ms: i64 = redis::cmd("PTTL").arg(&key).query(&mut redis).unwrap();
            let expected = (model.earned_us - now_us + terms.rest_us() + 999) / 1_000;
            // It lives as long as it means anything; real time has passed since.
            assert!(ttl_ms <= expected && ttl_ms > expected - 10_000, "{ttl_ms} of {expected}");
        }
    }
    eprintln!("{refused} of 6000 refused");
    assert!((100..5_900).contains(&refused), "{refused}: both answers are to be compared");
}

/// One engine's share, with a connection of its own.
fn engine(server: &RedisServer) -> (SharedBudget, BudgetTask) {
    let endpoint = Endpoint::Tcp { host: "127.0.0.1".to_owned(), port: server.port() };
    let servers = Servers::at(RedisAddress::open(endpoint), "tickcache-test");
    let (budget, desk) = SharedBudget::new(&Namespace::default());
    let task = desk.open(&Handle::current(), &servers);
    (budget, task)
}

fn venue() -> Venue {
    "binance".parse().unwrap()
}

const GRANT: Grant = Grant { most: 40, burst: 10, within: Duration::from_secs(2) };

/// Asks as often as it is let, until `end`: what it spent, and between when and when each time.
async fn spend_until(end: MonoTime, budget: SharedBudget) -> Vec<(MonoTime, MonoTime, u32)> {
    let mut spent = Vec::new();
    while clock::mono() < end {
        let (from, units) = (clock::mono(), fastrand::u32(1..=3));
        match budget.spend(&venue(), "rest", units, GRANT).await {
            Spent::Now => spent.push((from, clock::mono(), units)),
            Spent::After(wait) => tokio::time::sleep(wait.min(end.since(clock::mono()))).await,
            // A machine that stood still: it may have been spent, or not.
            Spent::Unknown => {}
        }
    }
    spent
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_engines_together_spend_no_more_than_one_may() {
    let server = RedisServer::start();
    let engines: Vec<_> = (0..10).map(|_| engine(&server)).collect();
    let end = clock::mono().after(Duration::from_secs(7));
    let tasks: Vec<_> =
        engines.iter().map(|(budget, _)| tokio::spawn(spend_until(end, budget.clone()))).collect();
    let (mut spent, mut engines_served) = (Vec::new(), 0);
    for task in tasks {
        let own = task.await.unwrap();
        engines_served += usize::from(!own.is_empty());
        spent.extend(own);
    }
    // Only what surely was within a stretch counts: when the server's clock said so is not known to the microsecond.
    for &(from, ..) in &spent {
        let until = from.after(GRANT.within);
        let within = spent.iter().filter(|(asked, answered, _)| *asked >= from && *answered <= until);
        let units: u32 = within.map(|(.., units)| units).sum();
        assert!(units <= GRANT.most, "{units} within {:?}", GRANT.within);
    }
    let all: u32 = spent.iter().map(|(.., units)| units).sum();
    assert!(all > GRANT.most, "it goes on after the first stretch: {all}");
    assert!(engines_served > 3, "{engines_served} engines had a share");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_redis_nobody_waits_and_with_it_the_budget_is_shared_again() {
    let mut server = RedisServer::start();
    let (budget, _task) = engine(&server);
    let heavy = async || budget.spend(&venue(), "connect", 40, GRANT).await;
    until("the first one is spent", async || heavy().await == Spent::Now).await;
    assert!(matches!(heavy().await, Spent::After(_)), "all of it is spent");
    assert_eq!(budget.spend(&venue(), "rest", 1, GRANT).await, Spent::Now, "another kind is another budget");

    server.kill();
    for _ in 0..20 {
        let asked = clock::mono();
        assert_eq!(heavy().await, Spent::Unknown);
        // The answer's limit is 200 ms; a busy machine may be late by more.
        assert!(clock::mono().since(asked) < Duration::from_secs(5));
    }
    server.restart();
    // It has lost keys and scripts.
    until("it is asked again", async || heavy().await == Spent::Now).await;
    assert!(matches!(heavy().await, Spent::After(_)));

    // A server that hangs costs the limit, not more, and is taken back.
    server.stop();
    assert_eq!(heavy().await, Spent::Unknown);
    server.cont();
    until("it answers again", async || matches!(heavy().await, Spent::After(_) | Spent::Now)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_script_that_the_server_forgot_is_loaded_again() {
    let server = RedisServer::start();
    let (budget, _task) = engine(&server);
    until("it is spent", async || budget.spend(&venue(), "rest", 1, GRANT).await == Spent::Now).await;
    let _: () = server.ask(&["SCRIPT", "FLUSH"]).await.unwrap();
    until("it is spent", async || budget.spend(&venue(), "rest", 1, GRANT).await == Spent::Now).await;
    let keys: Vec<String> = server.ask(&["KEYS", "*"]).await.unwrap();
    assert_eq!(keys, ["tickcache:v1:budget:{binance}:rest"]);
}
