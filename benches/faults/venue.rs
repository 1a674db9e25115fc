//! A venue's connection fails under the whole engine: how long until Redis says so of what it fed.
//!
//! `Engine` as `tickcache run` has it, a simulated Binance, a real Redis; a subscriber of the value's update channel notes when it is
//! told that the value is suspect.

use std::sync::mpsc::{self, Receiver};
use std::time::Duration;

use tickcache::app::{Engine, venue_defaults};
use tickcache::clock;
use tickcache::codec::Decoder;
use tickcache::config::Settings;
use tickcache::domain::{Entity, MonoTime, State};
use tickcache::simulate::{Break, Config, Fault, MarketOptions, Rule, Simulator};
use tokio::runtime::Runtime;

use crate::probe::PATIENCE;
use crate::redis_server::RedisServer;

/// More than come between two looks.
const MESSAGES_MAX: usize = 10_000;

pub(crate) fn fin(runtime: &Runtime, turns: usize) -> Vec<Duration> {
    Scene::start(runtime, Entity::Price).turns(turns, "btcusdt@bookTicker", &Fault::Break(Break::Fin))
}

pub(crate) fn reset(runtime: &Runtime, turns: usize) -> Vec<Duration> {
    Scene::start(runtime, Entity::Price).turns(turns, "btcusdt@bookTicker", &Fault::Break(Break::Reset))
}

pub(crate) fn gap(runtime: &Runtime, turns: usize) -> Vec<Duration> {
    Scene::start(runtime, Entity::Liquidity).turns(turns, "btcusdt@depth", &Fault::Drop)
}

pub(crate) fn half_open(runtime: &Runtime, turns: usize) -> Vec<Duration> {
    Scene::start(runtime, Entity::Price).turns(turns, "btcusdt@bookTicker", &Fault::Break(Break::HalfOpen))
}

struct Scene<'r> {
    runtime: &'r Runtime,
    simulator: Simulator,
    engine: Engine,
    told: Receiver<(MonoTime, State)>,
    _server: RedisServer,
}

impl<'r> Scene<'r> {
    fn start(runtime: &'r Runtime, entity: Entity) -> Self {
        let server = RedisServer::start();
        let told = subscribe(&server, entity);
        let market = MarketOptions { updates_per_second: 100, jump_every: None, ..MarketOptions::default() };
        let _entered = runtime.enter();
        let simulator = runtime.block_on(Simulator::start(Config::market(market.only(&["BTC", "ETH"]))));
        let simulator = simulator.expect("it starts");
        let settings = format!(
            "[store]\nkind = \"redis\"\n[redis]\nurl = \"{}\"\n[embedded]\nlisten = \"\"\n[http]\nlisten = \"\"\n\
             [[feed]]\nvenue = \"binance\"\ninstruments = [\"BTC-USDT\", \"ETH-USDT\"]\n\
             entities = [\"price\", \"liquidity\"]\ndepth = 20\nwebsocket_url = \"{}\"\nrest_url = \"{}\"\n",
            server.url(),
            simulator.websocket_url(),
            simulator.rest_url(),
        );
        let settings = Settings::load(&settings, "bench", std::iter::empty(), &venue_defaults());
        let engine = Engine::start(&settings.expect("valid settings")).expect("it starts");
        Self { runtime, simulator, engine, told, _server: server }
    }

    fn turns(self, turns: usize, on: &str, fault: &Fault) -> Vec<Duration> {
        let took = (0..turns).map(|_| self.turn(on, fault)).collect();
        self.runtime.block_on(self.engine.stop()).expect("it stops");
        took
    }

    fn turn(&self, on: &str, fault: &Fault) -> Duration {
        self.when(State::Live);
        // What the last turn left behind is told by then, and the value is live for good.
        std::thread::sleep(Duration::from_millis(700));
        let (_, last) = self.told.try_iter().last().expect("it changes all the time");
        assert_eq!(last, State::Live);
        self.simulator.faults().set([Rule::new(on, fault.clone()).times(1)]);
        let struck = clock::mono();
        while self.simulator.faults().struck() != [1] {
            assert!(clock::mono().since(struck) < PATIENCE, "{on} sends frames");
            std::thread::sleep(Duration::from_micros(50));
        }
        let struck = clock::mono();
        self.simulator.faults().clear();
        self.when(State::Suspect).since(struck)
    }

    /// When the subscriber was next told of this state.
    fn when(&self, state: State) -> MonoTime {
        loop {
            let (at, told) = self.told.recv_timeout(PATIENCE).expect("a message within the time allowed");
            if told == state {
                return at;
            }
        }
    }
}

/// What a subscriber is told of a value, and when; until the server is gone.
fn subscribe(server: &RedisServer, entity: Entity) -> Receiver<(MonoTime, State)> {
    let mut values = server.connection();
    values.set_read_timeout(Some(PATIENCE)).expect("longer than nothing");
    let channel = format!("tickcache:v1:update:{entity}:{{BTC-USDT}}:binance");
    redis::cmd("SUBSCRIBE").arg(channel).exec(&mut values).expect("it may be subscribed to");
    let (sender, told) = mpsc::sync_channel(MESSAGES_MAX);
    std::thread::spawn(move || {
        let mut decoder = Decoder::new();
        while let Ok(message) = values.recv_response() {
            let now = clock::mono();
            let message: (String, String, Vec<u8>) =
                redis::from_redis_value(message).expect("a message has three parts");
            let value = decoder.decode(entity, &message.2).expect("the engine writes what can be read");
            if sender.send((now, value.record.stamp().state)).is_err() {
                return;
            }
        }
    });
    told
}
