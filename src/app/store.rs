//! From settings to where values go: the servers, who this engine is, and under which right it writes.
//!
//! Owns the translation between the words of the configuration and those of `publish`. Starts what looks for servers and
//! after them; never connects itself.

use std::sync::Arc;

use anyhow::Context;
use tokio::runtime::Handle;

use crate::clock;
use crate::codec::lease_owner;
use crate::config::{self, RedisAddress, RedisMode, RedisUrl, Settings, StoreKind, Tls};
use crate::domain::{Epoch, EventPolicy, Feed};
use crate::publish::{
    BudgetDesk, BudgetTask, Commands, Credentials, Deployment, Discovery, Endpoint, Fencing, Hint,
    LeaseTimes, Login, PipelineOptions, Push, ServerWatch, Servers, Spread, Store, WriterOptions, tls,
};

/// What runs beside the hot threads while values go to Redis.
#[derive(Debug)]
pub(super) struct Beside {
    /// What others ask of this engine.
    pub(super) commands: Commands,
    /// Answers for the budgets that engines share.
    _budgets: BudgetTask,
    /// Memory, evictions, restarts.
    _servers: ServerWatch,
    /// Finds the servers that take writes.
    _discovery: Discovery,
}

/// How each shard writes the values of its feeds, and what runs beside the hot threads for all of them. To be called on the
/// slow runtime.
pub(super) fn open(
    settings: &Settings,
    feeds: Vec<Vec<Feed>>,
    budgets: BudgetDesk,
) -> anyhow::Result<(Vec<WriterOptions>, Option<Beside>)> {
    let started_ms = u64::try_from(clock::wall().nanos() / 1_000_000).unwrap_or(0);
    let epoch = Epoch::new(started_ms).context("the clock is beyond the year 280000")?;
    let engine = settings.engine_id.as_ref().map_or_else(made_up_id, ToString::to_string);
    // Other digits with each start: an engine that was killed and started again under the same id must wait for its former
    // lease to end, as everybody else.
    let run = fastrand::u32(..1 << 24);
    let (store, beside) = match settings.store {
        StoreKind::Embedded => (Store::Embedded, None),
        StoreKind::Redis => {
            let (servers, beside) = servers(settings, &engine, budgets)?;
            (Store::Redis(servers), Some(beside))
        }
    };
    let shards = feeds.into_iter().zip(0_u16..).map(|(feeds, shard)| {
        let engine = shard_id(&engine, shard);
        let owner = lease_owner(&engine, run);
        let pipeline = pipeline(settings, engine, owner, started_ms, epoch, feeds);
        WriterOptions { store: store.clone(), pipeline }
    });
    Ok((shards.collect(), beside))
}

fn pipeline(
    settings: &Settings,
    engine: String,
    owner: String,
    started_ms: u64,
    epoch: Epoch,
    feeds: Vec<Feed>,
) -> PipelineOptions {
    PipelineOptions {
        embedded: settings.store == StoreKind::Embedded,
        namespace: settings.namespace.clone(),
        engine,
        owner,
        started_ms,
        feeds,
        fencing: match (settings.store, settings.fencing) {
            (StoreKind::Embedded, _) | (StoreKind::Redis, config::Fencing::Off) => Fencing::Off(epoch),
            (StoreKind::Redis, config::Fencing::On) => {
                Fencing::On(LeaseTimes { ttl: settings.lease.ttl, renew: settings.lease.renew })
            }
        },
        push: match settings.push {
            config::Push::On => Push::On,
            config::Push::Off => Push::Off,
        },
        spread: Spread::One,
        zstd_threshold: settings.zstd_threshold_bytes.map_or(0, |bytes| bytes as usize),
    }
}

fn servers(settings: &Settings, engine: &str, budgets: BudgetDesk) -> anyhow::Result<(Servers, Beside)> {
    let (runtime, url) = (Handle::current(), &settings.redis);
    let files = &settings.tls_files;
    let pair = files.certificate.as_deref().zip(files.key.as_deref());
    let trust = tls::client_config(files.ca.as_deref(), pair)?;
    let credentials = Credentials {
        username: url.username().map(str::to_owned),
        password: url.password().map(|secret| secret.expose().to_owned()),
    };
    let login = Login::new(credentials, url.db(), Some(trust), format!("tickcache:{engine}"));
    let (deployment, spread) = deployment(settings);
    let discovery = Discovery::spawn(&runtime, deployment, login.clone());
    let hinting = discovery.clone();
    let hint: Hint = Arc::new(move || hinting.hint());
    let watch = ServerWatch::spawn(&runtime, discovery.topology(), login.clone());
    let restarts = watch.restarts();
    let primaries_only = settings.redis_mode == RedisMode::Sentinel;
    let commands = Commands::spawn(&runtime, discovery.topology(), login.clone(), &settings.namespace);
    let servers = Servers { login, topology: discovery.topology(), restarts, hint, spread, primaries_only };
    let beside = Beside {
        commands,
        _budgets: budgets.open(&runtime, &servers),
        _servers: watch,
        _discovery: discovery,
    };
    Ok((servers, beside))
}

fn deployment(settings: &Settings) -> (Deployment, Spread) {
    let nodes = || settings.redis_nodes.iter().map(|node| node_endpoint(&settings.redis, node)).collect();
    match settings.redis_mode {
        RedisMode::Single => (Deployment::Single(endpoint(&settings.redis)), Spread::One),
        RedisMode::Sentinel => {
            let sentinel = &settings.sentinel;
            let credentials = Credentials {
                username: sentinel.username.clone(),
                password: sentinel.password.as_ref().map(|secret| secret.expose().to_owned()),
            };
            let master = sentinel.master.clone();
            (Deployment::Sentinel { sentinels: nodes(), master, credentials }, Spread::One)
        }
        RedisMode::Cluster => (Deployment::Cluster { seeds: nodes() }, Spread::Cluster),
    }
}

fn endpoint(url: &RedisUrl) -> Endpoint {
    match url.address() {
        RedisAddress::Tcp { host, port, tls: Tls::Off } => Endpoint::Tcp { host: host.clone(), port: *port },
        RedisAddress::Tcp { host, port, tls: Tls::On } => Endpoint::Tls { host: host.clone(), port: *port },
        RedisAddress::Unix { path } => Endpoint::Unix { path: path.clone() },
    }
}

/// With TLS where the URL that carries user and password has it.
fn node_endpoint(url: &RedisUrl, node: &config::RedisNode) -> Endpoint {
    let (host, port) = (node.host.clone(), node.port);
    match url.address() {
        RedisAddress::Tcp { tls: Tls::On, .. } => Endpoint::Tls { host, port },
        RedisAddress::Tcp { tls: Tls::Off, .. } | RedisAddress::Unix { .. } => Endpoint::Tcp { host, port },
    }
}

/// What a shard is called among engines: the first by the engine's own id, the others by `<id>.s<number>`. To other engines each
/// is one with feeds of its own, so that nothing needs to be known of how somebody deals them out.
fn shard_id(engine: &str, shard: u16) -> String {
    if shard == 0 { engine.to_owned() } else { format!("{engine}.s{shard}") }
}

/// `<host name>-<process id>-<4 hex digits>`.
fn made_up_id() -> String {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let is_fit = |letter: &char| letter.is_ascii_alphanumeric() || matches!(letter, '.' | '-' | '_');
    let host: String = host.trim().chars().filter(is_fit).take(40).collect();
    let host = if host.is_empty() { "engine" } else { &host };
    format!("{host}-{}-{:04x}", std::process::id(), fastrand::u16(..))
}

/// Which events are made.
pub(super) fn event_policy(settings: &Settings) -> EventPolicy {
    EventPolicy {
        kinds: settings.event_kinds.iter().copied().collect(),
        price_move_percent_thousandths: settings.price_move_limit,
        price: match settings.move_price {
            config::MovePrice::Mid => crate::domain::MovePrice::Mid,
            config::MovePrice::Last => crate::domain::MovePrice::Last,
        },
        liquidity_change_percent: settings.liquidity_change_percent,
        per_second_max: settings.events_per_second_max,
    }
}
