//! Does one engine keep up with thousands of instruments at several venues on this machine?
//!
//! Owns the simulated venues, [`EACH`] instruments at each of [`VENUES`], all in one process of their own, and the comparison of what
//! stands in Redis with what has to: every price, book and figure, each of them live. Expectation: nothing is lost (no gap, no
//! reconnect), everything is live, and the engine takes less than a core. The venues make frames for all instruments on the same
//! cores, so latencies are those of a busy machine.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, ensure};
use tickcache::clock;
use tickcache::codec::Decoder;
use tickcache::domain::{Entity, State};
use tickcache::simulate::{Config, MarketOptions, Simulator};

use crate::contender::{EngineReport, ROLE, Running};
use crate::report::us;
use crate::server::{Client, Server};

/// That of the process of venues.
pub(crate) const VENUES_ROLE: &str = "venues";

/// Where books begin with the stream. 500 snapshots over REST, as Binance's books need them, are four minutes of its request weight.
const VENUES: [&str; 4] = ["bybit", "bybit-linear", "kraken", "okx"];
const EACH: usize = 500;

/// Changes of each book in a second, two in three of its top; books are told ten times a second, figures once.
const UPDATES_PER_SECOND: u32 = 4;

/// Venues let nobody subscribe to so much at once: Kraken takes a request of 50 symbols each 250 ms.
const PATIENCE: Duration = Duration::from_secs(120);

/// The simulated venues; gone when dropped.
struct Venues {
    child: Child,
    /// Websocket and REST of each.
    urls: Vec<(String, String)>,
}

impl Venues {
    fn start() -> anyhow::Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .args([ROLE, VENUES_ROLE])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut lines = BufReader::new(child.stdout.take().context("stdout is a pipe")?).lines();
        let urls = VENUES.map(|_| -> anyhow::Result<(String, String)> {
            let line = lines.next().context("the venues did not start")??;
            let (websocket, rest) = line.split_once(' ').context("two URLs")?;
            Ok((websocket.to_owned(), rest.to_owned()))
        });
        Ok(Self { child, urls: urls.into_iter().collect::<Result<_, _>>()? })
    }

    fn settings(&self, redis_port: u16) -> String {
        let mut text = format!(
            "[store]\nkind = \"redis\"\n[redis]\nurl = \"redis://127.0.0.1:{redis_port}\"\n\
             [embedded]\nlisten = \"\"\n[http]\nlisten = \"\"\n"
        );
        for (venue, (websocket, rest)) in VENUES.iter().zip(&self.urls) {
            text += &format!(
                "[[feed]]\nvenue = \"{venue}\"\ninstruments = {:?}\nentities = [\"price\", \"liquidity\", \"volume\"]\n\
                 depth = 20\nwebsocket_url = \"{websocket}\"\nrest_url = \"{rest}\"\nfirst_data_s = 60\n",
                instruments(venue)
            );
        }
        text
    }
}

impl Drop for Venues {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn instruments(venue: &str) -> Vec<String> {
    let kind = if venue == "bybit-linear" { "-PERP" } else { "" };
    (0..EACH).map(|index| format!("C{index:04}-USDT{kind}")).collect()
}

/// The child's side: until nobody listens any more.
pub(crate) fn venues() -> anyhow::Result<()> {
    tokio::runtime::Runtime::new()?.block_on(async {
        let mut simulators = Vec::new();
        for venue in VENUES {
            let options = MarketOptions {
                updates_per_second: UPDATES_PER_SECOND,
                levels: 200,
                jump_every: None,
                step: Duration::from_millis(20),
                ..MarketOptions::with_instruments(EACH)
            };
            let simulator = Simulator::start(Config::market(options).venue(venue)).await?;
            println!("{} {}", simulator.websocket_url(), simulator.rest_url());
            simulators.push(simulator);
        }
        std::io::stdout().flush()?;
        tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new())).await??;
        anyhow::Ok(())
    })
}

pub(crate) fn measure(server: &Server, length: Duration) -> anyhow::Result<()> {
    let keys = VENUES.len() * EACH * Entity::ALL.len();
    println!("\n{EACH} instruments at each of {VENUES:?}: {keys} keys");
    let mut client = server.client()?;
    client.flush()?;
    let venues = Venues::start()?;
    let started = clock::mono();
    let running = Running::spawn(&["engine", &venues.settings(server.port())])?;
    loop {
        let missing = not_live(&mut client)?;
        let waited = clock::mono().since(started);
        if missing.is_empty() {
            println!("  all of them live after {:.1} s", waited.as_secs_f64());
            break;
        }
        ensure!(waited < PATIENCE, "{} of {keys} not live, {:?} ...", missing.len(), &missing[0]);
        std::thread::sleep(Duration::from_millis(500));
    }
    let (began, cpu) = (clock::mono(), running.cpu()?);
    std::thread::sleep(length);
    let (lasted, spent) = (clock::mono().since(began), running.cpu()? - cpu);
    let resident = running.resident_kib()?;
    let missing = not_live(&mut client)?;
    let EngineReport { frames, written, conflated, gaps, reconnects, latency_p50, latency_p99, .. } =
        running.report()?;
    println!(
        "  over {:.0} s: the engine took {:.2} cores and {resident} KiB; {} keys not live at the end\n  since its start: \
         {frames} frames, {written} values written, {conflated} conflated, {gaps} gaps, {reconnects} reconnects; read -> \
         acknowledged p50 {} us, p99 {} us",
        lasted.as_secs_f64(),
        spent.as_secs_f64() / lasted.as_secs_f64(),
        missing.len(),
        us(latency_p50),
        us(latency_p99),
    );
    Ok(())
}

/// Keys that hold nothing, or nothing live.
fn not_live(client: &mut Client) -> anyhow::Result<Vec<String>> {
    let (mut decoder, mut missing) = (Decoder::new(), Vec::new());
    for venue in VENUES {
        for (instrument, entity) in
            instruments(venue).iter().flat_map(|instrument| Entity::ALL.map(|entity| (instrument, entity)))
        {
            let key = format!("tickcache:v1:{entity}:{{{instrument}}}:{venue}");
            let value = client.get(&key)?;
            let decoded = value.and_then(|value| decoder.decode(entity, &value).ok());
            let state = decoded.map(|decoded| decoded.record.stamp().state);
            if state != Some(State::Live) {
                missing.push(format!("{key}: {state:?}"));
            }
        }
    }
    Ok(missing)
}
