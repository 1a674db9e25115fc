//! What all rows share: the way to the servers, two engines, a market, the eyes of readers, and one cell after another.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use tickcache::clock;
use tickcache::publish::{
    Credentials, Deployment, Discovery, Endpoint, Login, Servers, Spread, Store, Topology,
};
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::market::{Market, get, settled};
use crate::proxy::Proxy;
use crate::rig::{Rig, local, on_one_thread, until};
use crate::watcher::Watcher;

const KEYS: usize = 12;

/// The name of whoever prefers the only feed does not matter: nobody is warm, so nothing is handed over.
const ENGINES: [&str; 2] = ["engine-a", "engine-b"];

/// Whether a fault loses what the server had acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Loss {
    /// The server never shows an older value than before.
    Nothing,
    /// It may; readers refuse it.
    Data,
}

pub(crate) fn login() -> Login {
    Login::new(Credentials::default(), 0, None, "tickcache-test".to_owned())
}

/// The servers as they are found.
pub(crate) fn discover(deployment: Deployment) -> Servers {
    let (spread, primaries_only) = match &deployment {
        Deployment::Single(_) => (Spread::One, false),
        Deployment::Sentinel { .. } => (Spread::One, true),
        Deployment::Cluster { .. } => (Spread::Cluster, false),
    };
    let discovery = Discovery::spawn(&Handle::current(), deployment, login());
    let hints = discovery.clone();
    Servers {
        topology: discovery.topology(),
        hint: Arc::new(move || hints.hint()),
        spread,
        primaries_only,
        ..Servers::single(local(1), login())
    }
}

/// A proxy before each server, as engines see them; the servers themselves see each other directly.
#[derive(Debug, Clone, Default)]
pub(crate) struct Gates(Rc<RefCell<HashMap<u16, Proxy>>>);

impl Gates {
    fn before(&self, endpoint: &Endpoint) -> Endpoint {
        let Endpoint::Tcp { port, .. } = endpoint else { return endpoint.clone() };
        local(self.0.borrow_mut().entry(*port).or_insert_with(|| Proxy::start(*port)).port())
    }

    fn map(&self, topology: &Topology) -> Arc<Topology> {
        let nodes = topology.nodes.iter().map(|node| self.before(node)).collect();
        Arc::new(Topology { nodes, ..topology.clone() })
    }

    pub(crate) fn each(&self, what: impl Fn(&Proxy)) {
        self.0.borrow().values().for_each(what);
    }

    pub(crate) fn only(&self, port: u16, what: impl Fn(&Proxy)) {
        what(&self.0.borrow()[&port]);
    }
}

/// The same servers behind proxies.
fn gated(servers: &Servers) -> (Servers, Gates, JoinHandle<()>) {
    let gates = Gates::default();
    let mut real = servers.topology.clone();
    let first = gates.map(&real.borrow_and_update());
    let (sender, topology) = watch::channel(first);
    let before = gates.clone();
    let task = tokio::task::spawn_local(async move {
        while real.changed().await.is_ok() {
            let now = Arc::clone(&real.borrow_and_update());
            sender.send_replace(before.map(&now));
        }
    });
    (Servers { topology, ..servers.clone() }, gates, task)
}

/// Two engines on some servers, and who looks at what they write.
#[derive(Debug)]
pub(crate) struct World {
    /// As readers see them.
    pub(crate) servers: Servers,
    pub(crate) gates: Gates,
    pub(crate) engines: Vec<Rig>,
    pub(crate) market: Market,
    watcher: Watcher,
    _mapping: JoinHandle<()>,
}

impl World {
    pub(crate) async fn new(servers: Servers) -> Self {
        until("the servers are found", async || servers.topology.borrow().slots.is_complete()).await;
        let (behind, gates, mapping) = gated(&servers);
        let engines: Vec<Rig> =
            ENGINES.iter().map(|name| Rig::engine(name, Store::Redis(behind.clone()), KEYS)).collect();
        let watcher = Watcher::start(&servers, &engines[0].keys).await;
        let market = Market::open(&engines.iter().collect::<Vec<_>>());
        let world = Self { servers, gates, engines, market, watcher, _mapping: mapping };
        world.ends_well("start", Loss::Nothing).await;
        world
    }

    /// The fault happens while prices change; then everything becomes right.
    pub(crate) async fn cell(&self, name: &str, loss: Loss, fault: impl Future<Output = ()>) {
        self.market.go_on(5).await;
        fault.await;
        let start = clock::mono();
        self.ends_well(name, loss).await;
        eprintln!("{name}: all right {:?} after the last step", clock::mono().since(start));
    }

    async fn ends_well(&self, name: &str, loss: Loss) {
        self.market.go_on(10).await;
        let price = self.market.halt();
        let engines: Vec<&Rig> = self.engines.iter().collect();
        let owner = settled(&self.servers, &engines, price).await[0];
        self.engines[owner].drain().await;
        // Whoever lost the lease knows it.
        let writers = async || engines.iter().filter(|rig| rig.epochs()[0] > 0).count() == 1;
        until("one engine writes", writers).await;
        for (index, key) in engines[0].keys.iter().enumerate() {
            // The Sentinels may switch as late as here: what the new primary lacks is written once more.
            until("readers have what Redis has", async || {
                let value = get(&self.servers, key).await;
                value.ok().flatten().is_some_and(|value| self.watcher.shows(index, &value))
            })
            .await;
        }
        self.watcher.assert_no_message_went_back();
        let refused = self.watcher.take_refused();
        assert!(refused == 0 || loss == Loss::Data, "{name}: {refused} times an older value was shown");
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self._mapping.abort();
    }
}

/// A row of the matrix.
pub(crate) fn row(test: impl Future<Output = ()>) {
    on_one_thread(test);
}

pub(crate) async fn pause(ms: u64) {
    tokio::time::sleep(Duration::from_millis(ms)).await;
}
