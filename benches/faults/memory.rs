//! What does an engine hold in memory while Redis hangs, and what does it send first when Redis comes back?
//!
//! `tickcache run`, a process of its own, follows a made-up market of 50 instruments with 10,000 changes of their books a
//! second (price, liquidity, volume: 150 keys) and writes to a Redis that is SIGSTOPped. Its resident memory (VmRSS) is read
//! four times a second: before (the greatest of ten seconds, once all books stand), and during the stall. To reach: growth
//! below 10 MB.
//!
//! A subscriber of all update channels, connected since before the stall, sees what Redis accepts after SIGCONT in Redis's
//! order. What an engine could send within its first half second of silence waits in the sockets of connections that it has
//! given up since: Redis executes it first, under the old epoch, at most two batches. The lease has ended meanwhile, so
//! everything that the engine sends afterwards has a greater epoch. To reach: the first such value of each key was true
//! (quotes, books) no longer than [`FRESH`] before the SIGCONT. With a stall that a lease outlives the epoch stays; then
//! what was received before the stall counts as waiting.

use std::collections::HashSet;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, ensure};
use tickcache::clock;
use tickcache::codec::{Decoder, peek_version};
use tickcache::domain::{Entity, Record, Stamp, State, WallTime};
use tickcache::simulate::{Config, MarketOptions, Simulator};
use tokio::runtime::Runtime;

use crate::probe::{connect, when};
use crate::redis_server::RedisServer;

const INSTRUMENTS: usize = 50;
const UPDATES_PER_SECOND: u32 = 200;
/// Price, liquidity and volume of each instrument.
const KEYS: usize = 3 * INSTRUMENTS;
const WARM_UP: Duration = Duration::from_secs(10);
const BEFORE: Duration = Duration::from_secs(10);
const LOOK_EVERY: Duration = Duration::from_millis(250);
const GROWTH_KB_MAX: u64 = 10_000;
/// How much older than the end of the stall a value may be that is sent after it.
const FRESH: Duration = Duration::from_millis(500);
/// The same of figures of the last 24 hours, which come once a second.
const FRESH_VOLUME: Duration = Duration::from_secs(4);
/// How long the subscriber listens after the stall.
const LISTEN: Duration = Duration::from_secs(3);

/// The process under test; killed when dropped.
struct Program {
    child: Child,
    _folder: tempfile::TempDir,
}

impl Program {
    fn start(simulator: &Simulator, redis_port: u16) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let names: Vec<String> =
            simulator.symbols().iter().map(|info| format!("{}-{}", info.base, info.quote)).collect();
        let settings = format!(
            "[store]\nkind = \"redis\"\n[redis]\nurl = \"redis://127.0.0.1:{redis_port}\"\n\
             [embedded]\nlisten = \"\"\n[http]\nlisten = \"\"\n[[feed]]\nvenue = \"binance\"\ncongestion_ms = 0\n\
             instruments = {names:?}\nentities = [\"price\", \"liquidity\", \"volume\"]\ndepth = 20\n\
             websocket_url = \"{}\"\nrest_url = \"{}\"\nrest_weight_per_minute = 6000\n",
            simulator.websocket_url(),
            simulator.rest_url(),
        );
        let file = folder.path().join("tickcache.toml");
        std::fs::write(&file, settings)?;
        let child = Command::new(env!("CARGO_BIN_EXE_tickcache"))
            .arg("run")
            .arg("--config")
            .arg(&file)
            .env_clear()
            .env("RUST_LOG", "error")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()?;
        Ok(Self { child, _folder: folder })
    }

    /// Resident memory, in kB.
    fn resident(&self) -> anyhow::Result<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("it has ended")?;
        Ok(line.trim().trim_end_matches(" kB").parse()?)
    }

    /// The greatest while this lasts.
    fn resident_max(&self, lasts: Duration) -> anyhow::Result<u64> {
        let (start, mut most) = (clock::mono(), 0);
        while clock::mono().since(start) < lasts {
            most = most.max(self.resident()?);
            std::thread::sleep(LOOK_EVERY);
        }
        Ok(most)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) fn run(runtime: &Runtime, stall: Duration) -> anyhow::Result<()> {
    let options = MarketOptions {
        updates_per_second: UPDATES_PER_SECOND,
        jump_every: Some(Duration::from_secs(5)),
        ..MarketOptions::with_instruments(INSTRUMENTS)
    };
    let simulator = runtime.block_on(Simulator::start(Config::market(options)))?;
    let server = RedisServer::start();
    let program = Program::start(&simulator, server.port())?;
    let mut redis = connect(server.port());
    let live = || (live(&mut redis) == KEYS).then_some(());
    when("every key is live", live);
    std::thread::sleep(WARM_UP);
    let before = program.resident_max(BEFORE)?;
    let frames = simulator.stats().frames;

    let mut client = connect(server.port());
    let mut updates = client.as_pubsub();
    updates.psubscribe("tickcache:v1:update:*")?;
    let stopped = clock::wall();
    server.stop();
    let during = program.resident_max(stall)?;
    let frames = simulator.stats().frames - frames;
    let continued = clock::wall();
    server.cont();
    let pushed = listen(&mut updates)?;
    drop(updates);
    let after = program.resident_max(Duration::from_secs(5))?;

    let growth = during.max(after).saturating_sub(before);
    println!(
        "Redis stopped for {} s, {} k frames a second",
        stall.as_secs(),
        u128::from(frames) / stall.as_millis().max(1)
    );
    println!(
        "| VmRSS before | most, stopped | most, afterwards | growth, kB | to reach |\n|---|---|---|---|---|"
    );
    println!("| {before} | {during} | {after} | {growth} | {GROWTH_KB_MAX} |");
    let late = judge(&pushed, stopped, continued);
    ensure!(growth < GROWTH_KB_MAX, "memory grew by {growth} kB");
    ensure!(late == 0, "{late} keys got an old value first");
    Ok(())
}

/// How many keys of the catalog are live.
fn live(redis: &mut redis::Connection) -> usize {
    let count = |entity: Entity| {
        let keys: Vec<String> =
            redis::cmd("KEYS").arg(format!("tickcache:v1:{entity}:*")).query(redis).unwrap_or_default();
        if keys.is_empty() {
            return 0;
        }
        let values: Vec<Option<Vec<u8>>> = redis::cmd("MGET").arg(keys).query(redis).unwrap_or_default();
        let mut decoder = Decoder::new();
        let mut is_live = |value: &&Vec<u8>| {
            stamp(&mut decoder, entity, value).is_some_and(|stamp| stamp.state == State::Live)
        };
        values.iter().flatten().filter(|value| is_live(value)).count()
    };
    [Entity::Price, Entity::Liquidity, Entity::Volume].map(count).iter().sum()
}

fn stamp(decoder: &mut Decoder, entity: Entity, value: &[u8]) -> Option<Stamp> {
    Some(match decoder.decode(entity, value).ok()?.record {
        Record::Price(price) => price.stamp,
        Record::Liquidity(book) => book.stamp,
        Record::Volume(volume) => volume.stamp,
    })
}

/// What was pushed: channel and value, in Redis's order.
fn listen(updates: &mut redis::PubSub<'_>) -> anyhow::Result<Vec<(String, Vec<u8>)>> {
    let (start, mut pushed) = (clock::mono(), Vec::new());
    while clock::mono().since(start) < LISTEN {
        updates.set_read_timeout(Some(LISTEN))?;
        let message = updates.get_message().context("nothing is pushed")?;
        pushed.push((message.get_channel_name().to_owned(), message.get_payload_bytes().to_vec()));
    }
    Ok(pushed)
}

/// Prints what came first; how many keys got a value that was too old.
fn judge(pushed: &[(String, Vec<u8>)], stopped: WallTime, continued: WallTime) -> usize {
    let epoch = |value: &[u8]| peek_version(value).map_or(0, |version| version.epoch.get());
    let newest = pushed.iter().map(|(_, value)| epoch(value)).max().unwrap_or(0);
    let oldest = pushed.iter().map(|(_, value)| epoch(value)).min().unwrap_or(0);
    let mut decoder = Decoder::new();
    let (mut first, mut waited, mut late) = (HashSet::new(), 0, 0);
    let (mut worst, mut worst_volume) = (i64::MIN, i64::MIN);
    for (channel, value) in pushed {
        let entity = [Entity::Price, Entity::Liquidity, Entity::Volume]
            .into_iter()
            .find(|entity| channel.starts_with(&format!("tickcache:v1:update:{entity}:")));
        let Some((entity, stamp)) =
            entity.and_then(|entity| Some((entity, stamp(&mut decoder, entity, value)?)))
        else {
            continue;
        };
        let waited_in_socket = if newest > oldest {
            epoch(value) < newest
        } else {
            stamp.receive_time.nanos() < stopped.nanos()
        };
        if waited_in_socket {
            waited += 1;
            continue;
        }
        if !first.insert(channel) {
            continue;
        }
        // A book or a quote that did not change is confirmed by its session's other frames.
        let age = continued.nanos() - stamp.confirmed_time.nanos();
        let (worst, fresh) = match entity {
            Entity::Price | Entity::Liquidity => (&mut worst, FRESH),
            Entity::Volume => (&mut worst_volume, FRESH_VOLUME),
        };
        *worst = age.max(*worst);
        late += usize::from(Duration::from_nanos(u64::try_from(age).unwrap_or(0)) > fresh);
    }
    println!(
        "after SIGCONT: {waited} values that waited in sockets since the beginning of the stall, then those of {} keys; of \
         their first values the oldest quote or book stood {} ms before the SIGCONT, the oldest figures {} ms; {late} were \
         too old",
        first.len(),
        worst / 1_000_000,
        worst_volume / 1_000_000
    );
    late + KEYS.saturating_sub(first.len())
}
