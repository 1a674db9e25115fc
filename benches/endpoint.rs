//! The engine's own endpoint beside redis-server: is it as fast for clients, and does the hot path feel them?
//!
//! 1. *Requests.* `redis-benchmark` with 50 connections asks the one and the other in turns for the same value: GET and MGET of 16 keys,
//!    one request at a time and 16 in a pipeline. Expectation: the median of the turns' ratios is 0.8 or more.
//! 2. *Hot path.* Quotes of one instrument, 500 a second, from the venue's write to the encoded value: with no clients; with 50
//!    connections that ask the endpoint as fast as it answers, and 50 subscribers; and with the very same load on a
//!    redis-server beside, which takes as much of the machine and shares nothing with the engine. Expectation: the last two are alike.
//!
//! The engine is a process of its own, as `tickcache run` has it. Needs `redis-server` and `redis-benchmark`.
//! Run: `cargo bench --bench endpoint [-- --quick] [-- --only requests|hot]`; three minutes.
//!
//! Measured on 2 vCPUs of an Intel Xeon, Linux 6.18, Redis 7.0.15, a quiet machine; 31 turns:
//!
//! | 50 connections | redis-server, k/s | endpoint, k/s | ratio of a turn, median (quartiles) | server's us a request: theirs, ours |
//! |---|---|---|---|---|
//! | GET, pipeline 1 | 131 (119..139) | 131 (113..144) | 1.00 (0.96..1.03) | 5.04, 5.00 |
//! | GET, pipeline 16 | 1818 (1306..1916) | 2119 (1788..2270) | 1.17 (1.12..1.22) | 0.54, 0.43 |
//! | MGET of 16, pipeline 1 | 128 (111..135) | 123 (111..128) | 0.96 (0.93..1.00) | 6.29, 5.81 |
//! | MGET of 16, pipeline 16 | 444 (343..482) | 571 (327..630) | 1.28 (1.08..1.33) | 2.17, 1.96 |
//!
//! | sent -> encoded, us; beside | p50 | p50 of the turns | p99 |
//! |---|---|---|---|
//! | nobody | 36 | 31..48 | 188 |
//! | 50 busy clients and 50 subscribers of the endpoint | 24 | 23..26 | 245 |
//! | 50 busy clients of a redis-server beside, 50 subscribers of the endpoint | 25 | 24..26 | 222 |
//!
//! A busy machine's median is the lower one: its cores do not sleep. The 99th percentile is what two cores for venue, engine, endpoint
//! and clients give, whoever is asked.

#![allow(clippy::print_stdout, reason = "a bench prints its results")]

#[path = "end_to_end/server.rs"]
#[allow(dead_code, reason = "another bench uses the rest")]
mod server;
#[path = "end_to_end/venue.rs"]
#[allow(dead_code, reason = "another bench uses the rest")]
mod venue;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, ensure};
use tickcache::app::{Engine, venue_defaults};
use tickcache::clock;
use tickcache::codec::decode;
use tickcache::config::Settings;
use tickcache::domain::{Entity, Record};
use tickcache::telemetry::Exporter;

use server::Server;
use venue::{Session, Venue, encode};

const KEY: &str = "tickcache:v1:price:{BTC-USDT}:binance";
const CHANNEL: &str = "tickcache:v1:update:price:{BTC-USDT}:binance";
/// In front of the child's arguments.
const ROLE: &str = "--engine";
/// Between two quotes.
const QUOTE_EVERY: Duration = Duration::from_millis(2);
/// Quotes at the start of a run that do not count.
const WARM_UP: usize = 100;
const SUBSCRIBERS: usize = 50;

struct Effort {
    turns: usize,
    requests: usize,
    runs: usize,
    quotes: usize,
}

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.first().is_some_and(|first| first == ROLE) {
        return engine(arguments.get(1).context("an address")?);
    }
    let has = |wanted: &str| arguments.iter().any(|argument| argument == wanted);
    // `cargo test --benches` runs this without `--bench`: then it only has to work.
    let effort = if has("--quick") || !has("--bench") {
        Effort { turns: 5, requests: 20_000, runs: 1, quotes: 600 }
    } else {
        Effort { turns: 31, requests: 40_000, runs: 5, quotes: 2_500 }
    };
    let only = arguments.iter().skip_while(|argument| *argument != "--only").nth(1);
    let is_wanted = |name: &str| only.is_none_or(|only| only == name);
    let Some(redis) = Server::start()? else {
        println!("endpoint: no redis-server is installed; nothing was measured");
        return Ok(());
    };
    let load = || std::fs::read_to_string("/proc/loadavg").unwrap_or_default().trim().to_owned();
    println!("load {}", load());
    let venue = Venue::start()?;
    let mut rig = Rig::start(&venue)?;
    rig.send(1)?;
    rig.copy_into(&redis)?;
    // First, because the engine gives up a venue that says nothing for long.
    if is_wanted("hot") {
        hot(&mut rig, &redis, &effort)?;
    }
    if is_wanted("requests") {
        requests(&rig, &redis, &effort)?;
    }
    println!("load {}", load());
    Ok(())
}

/// The engine behind the venue's session.
struct Rig {
    child: Child,
    endpoint: SocketAddr,
    session: Session,
    sent: u64,
}

impl Rig {
    fn start(venue: &Venue) -> anyhow::Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .args([ROLE, &venue.address().to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut line = String::new();
        BufReader::new(child.stdout.take().context("a pipe")?).read_line(&mut line)?;
        let session = venue.accept()?;
        Ok(Self { child, endpoint: line.trim().parse()?, session, sent: 0 })
    }

    /// The next quote; returns its update id and when it was sent.
    fn quote(&mut self) -> anyhow::Result<(u64, i64)> {
        self.sent += 1;
        let (id, mut wire) = (self.sent, Vec::new());
        let text = format!(
            "{{\"stream\":\"btcusdt@bookTicker\",\"data\":{{\"u\":{id},\"s\":\"BTCUSDT\",\"b\":\"61836.{:02}000000\",\"B\":\"1.25000000\",\
             \"a\":\"61837.00000000\",\"A\":\"1.50000000\"}}}}",
            id % 100
        );
        encode(&text, &mut wire);
        let at = clock::wall().nanos();
        self.session.socket.write_all(&wire)?;
        Ok((id, at))
    }

    /// So many quotes at their pace.
    fn send(&mut self, count: usize) -> anyhow::Result<Vec<(u64, i64)>> {
        let (start, mut sent) = (clock::mono(), Vec::with_capacity(count));
        for index in 0..count {
            let due = QUOTE_EVERY * u32::try_from(index)?;
            std::thread::sleep(due.saturating_sub(clock::mono().since(start)));
            sent.push(self.quote()?);
        }
        Ok(sent)
    }

    fn value(&self) -> anyhow::Result<Vec<u8>> {
        for _ in 0..1_000 {
            let mut socket = TcpStream::connect(self.endpoint)?;
            write!(socket, "GET {KEY}\r\nQUIT\r\n")?;
            let mut answer = Vec::new();
            socket.read_to_end(&mut answer)?;
            if let Some(rest) = answer.strip_prefix(b"$").filter(|_| !answer.starts_with(b"$-")) {
                let head = rest.iter().position(|byte| *byte == b'\n').context("a length")? + 1;
                return Ok(rest[head..rest.len() - b"\r\n+OK\r\n".len()].to_vec());
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        anyhow::bail!("{KEY} did not appear")
    }

    /// The endpoint's value, in redis-server, for ever.
    fn copy_into(&self, redis: &Server) -> anyhow::Result<()> {
        let value = self.value()?;
        let mut socket = TcpStream::connect(("127.0.0.1", redis.port()))?;
        write!(socket, "*3\r\n$3\r\nSET\r\n${}\r\n{KEY}\r\n${}\r\n", KEY.len(), value.len())?;
        socket.write_all(&value)?;
        socket.write_all(b"\r\nQUIT\r\n")?;
        let mut answer = String::new();
        socket.read_to_string(&mut answer)?;
        ensure!(answer == "+OK\r\n+OK\r\n", "{answer}");
        Ok(())
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The child: an engine without a Redis, until its input ends.
fn engine(venue: &str) -> anyhow::Result<()> {
    let text = format!(
        "[ttl]\nprice_s = 3600\n[embedded]\nlisten = \"127.0.0.1:0\"\n[http]\nlisten = \"\"\n[[feed]]\nvenue = \"binance\"\ncongestion_ms = 0\n\
         instruments = [\"BTC-USDT\"]\nentities = [\"price\"]\nwebsocket_url = \"ws://{venue}/stream\"\nrest_url = \"http://127.0.0.1:1\"\n\
         first_data_s = 300\n"
    );
    let settings = Settings::load(&text, "bench", std::iter::empty(), &venue_defaults())
        .map_err(|errors| anyhow::anyhow!("{errors}"))?;
    tokio::runtime::Runtime::new()?.block_on(async {
        let exporter = Exporter::install()?;
        tokio::spawn(exporter.upkeep());
        let engine = Engine::start(&settings)?;
        println!("{}", engine.endpoint().context("an endpoint")?);
        tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new())).await??;
        engine.stop().await
    })
}

/// Requests a second.
fn asked(port: u16, requests: usize, pipeline: usize, command: &[String]) -> anyhow::Result<f64> {
    let output = Command::new("redis-benchmark")
        .args([
            "-p",
            &port.to_string(),
            "-c",
            "50",
            "--csv",
            "-n",
            &requests.to_string(),
            "-P",
            &pipeline.to_string(),
        ])
        .args(command)
        .stderr(Stdio::null())
        .output()
        .context("redis-benchmark")?;
    let text = String::from_utf8(output.stdout)?;
    let line = text.lines().last().context("a line")?;
    line.rsplit("\",\"").nth(6).with_context(|| line.to_owned())?.parse().with_context(|| line.to_owned())
}

/// Processor time that a server has used so far, in us.
fn used(port: u16) -> anyhow::Result<f64> {
    /// Of the kernel's clock for this, a second.
    const TICKS: f64 = 100.0;
    let mut socket = TcpStream::connect(("127.0.0.1", port))?;
    socket.write_all(b"INFO server\r\nQUIT\r\n")?;
    let mut text = String::new();
    socket.read_to_string(&mut text)?;
    let id = text.lines().find_map(|line| line.strip_prefix("process_id:")).context("a process")?;
    let status = std::fs::read_to_string(format!("/proc/{id}/stat"))?;
    let fields = status.rsplit(") ").next().context("a status")?.split(' ').skip(11).take(2);
    let ticks: Result<Vec<f64>, _> = fields.map(str::parse).collect();
    Ok(ticks?.iter().sum::<f64>() / TICKS * 1e6)
}

fn requests(rig: &Rig, redis: &Server, effort: &Effort) -> anyhow::Result<()> {
    println!(
        "\n| 50 connections | redis-server, k/s | endpoint, k/s | ratio of a turn, median (quartiles) | server's us a request: theirs, ours |\n\
         |---|---|---|---|---|"
    );
    let get = vec!["GET".to_owned(), KEY.to_owned()];
    let mget: Vec<_> =
        std::iter::once("MGET".to_owned()).chain(std::iter::repeat_n(KEY.to_owned(), 16)).collect();
    let ports = [redis.port(), rig.endpoint.port()];
    for (name, command, share) in [("GET", get, 1), ("MGET of 16", mget, 4)] {
        for pipeline in [1, 16] {
            let count = effort.requests * if pipeline > 1 { 8 } else { 1 } / share;
            let (mut rates, mut ratios) = ([Vec::new(), Vec::new()], Vec::new());
            let mut before = [0.0; 2];
            for (port, before) in ports.iter().zip(&mut before) {
                *before = used(*port)?;
            }
            for turn in 0..effort.turns {
                let mut now = [0.0; 2];
                // Who comes first changes, too.
                for side in [turn % 2, 1 - turn % 2] {
                    now[side] = asked(ports[side], count, pipeline, &command)? / 1e3;
                    rates[side].push(now[side]);
                }
                ratios.push(now[1] / now[0]);
            }
            let [theirs, ours] = rates.map(sorted);
            let ratios = sorted(ratios);
            let total = (count * effort.turns) as f64;
            let cpu = [(used(ports[0])? - before[0]) / total, (used(ports[1])? - before[1]) / total];
            println!(
                "| {name}, pipeline {pipeline} | {:.0} ({:.0}..{:.0}) | {:.0} ({:.0}..{:.0}) | {:.2} ({:.2}..{:.2}) | {:.2}, {:.2} |",
                middle(&theirs),
                theirs[0],
                theirs[theirs.len() - 1],
                middle(&ours),
                ours[0],
                ours[ours.len() - 1],
                middle(&ratios),
                ratios[ratios.len() / 4],
                ratios[ratios.len() * 3 / 4],
                cpu[0],
                cpu[1],
            );
        }
    }
    Ok(())
}

fn sorted(mut values: Vec<f64>) -> Vec<f64> {
    values.sort_by(f64::total_cmp);
    values
}

fn middle(sorted: &[f64]) -> f64 {
    sorted[sorted.len() / 2]
}

/// Whom the busy clients ask.
#[derive(Clone, Copy, PartialEq)]
enum Asked {
    Nobody,
    Endpoint,
    Redis,
}

fn hot(rig: &mut Rig, redis: &Server, effort: &Effort) -> anyhow::Result<()> {
    let cases = [
        (Asked::Nobody, "nobody"),
        (Asked::Endpoint, "50 busy clients and 50 subscribers of the endpoint"),
        (Asked::Redis, "50 busy clients of a redis-server beside, 50 subscribers of the endpoint"),
    ];
    let mut all = [const { Vec::new() }; 3];
    let mut medians = [const { Vec::new() }; 3];
    for _ in 0..effort.runs {
        for (place, (asked, _)) in cases.iter().enumerate() {
            let latencies = sorted(run(rig, redis, *asked, effort.quotes)?);
            medians[place].push(middle(&latencies));
            all[place].extend(latencies);
        }
    }
    println!("\n| sent -> encoded, us; beside | p50 | p50 of the turns | p99 |\n|---|---|---|---|");
    for (((_, name), all), medians) in cases.iter().zip(all).zip(medians) {
        let (all, medians) = (sorted(all), sorted(medians));
        println!(
            "| {name} | {:.0} | {:.0}..{:.0} | {:.0} |",
            middle(&all),
            medians[0],
            medians[medians.len() - 1],
            all[all.len() * 99 / 100]
        );
    }
    Ok(())
}

/// Latencies in us.
fn run(rig: &mut Rig, redis: &Server, asked: Asked, quotes: usize) -> anyhow::Result<Vec<f64>> {
    let last = rig.sent + quotes as u64;
    let mut subscribers = vec![subscribe(rig.endpoint)?];
    let port = match asked {
        Asked::Nobody => None,
        Asked::Endpoint => Some(rig.endpoint.port()),
        Asked::Redis => Some(redis.port()),
    };
    let mut busy = None;
    if let Some(port) = port {
        for _ in 1..SUBSCRIBERS {
            subscribers.push(subscribe(rig.endpoint)?);
        }
        let command = ["-c", "50", "-q", "-l", "-n", "100000", "-p", &port.to_string(), "GET", KEY];
        busy = Some(Busy(
            Command::new("redis-benchmark")
                .args(command)
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()?,
        ));
    }
    let readers: Vec<_> =
        subscribers.into_iter().map(|socket| std::thread::spawn(move || heard(socket, last))).collect();
    let sent = rig.send(quotes)?;
    let mut seen = Vec::new();
    for (index, reader) in readers.into_iter().enumerate() {
        let of_this = reader.join().map_err(|_| anyhow::anyhow!("a reader panicked"))??;
        if index == 0 {
            seen = of_this;
        }
    }
    drop(busy);
    ensure!(seen.last().is_some_and(|(id, _)| *id == last), "the last quote was not told");
    // Several quotes within a look of the dispatcher are told as one value: the last one's.
    let mut found = seen.iter().peekable();
    let mut latencies = Vec::with_capacity(sent.len());
    for (id, at) in sent.iter().skip(WARM_UP) {
        while found.next_if(|(told, _)| told < id).is_some() {}
        if let Some((_, encoded)) = found.peek().filter(|(told, _)| told == id) {
            latencies.push((*encoded - *at) as f64 / 1e3);
        }
    }
    Ok(latencies)
}

/// Asks for ever; ended when dropped.
struct Busy(Child);

impl Drop for Busy {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn subscribe(endpoint: SocketAddr) -> anyhow::Result<BufReader<TcpStream>> {
    let mut socket = BufReader::new(TcpStream::connect(endpoint)?);
    socket.get_ref().set_read_timeout(Some(Duration::from_secs(10)))?;
    write!(socket.get_mut(), "SUBSCRIBE {CHANNEL}\r\n")?;
    let mut line = String::new();
    while line != ":1\r\n" {
        line.clear();
        socket.read_line(&mut line)?;
    }
    Ok(socket)
}

/// Update ids and the times of encoding, up to the last one.
fn heard(mut socket: BufReader<TcpStream>, last: u64) -> anyhow::Result<Vec<(u64, i64)>> {
    let mut seen: Vec<(u64, i64)> = Vec::new();
    let (mut line, mut value) = (String::new(), Vec::new());
    loop {
        // `*3`, then three texts.
        let mut texts = 0;
        while texts < 3 {
            line.clear();
            socket.read_line(&mut line)?;
            let Some(length) = line.strip_prefix('$') else { continue };
            value.resize(length.trim().parse::<usize>()? + 2, 0);
            socket.read_exact(&mut value)?;
            texts += 1;
        }
        let decoded = decode(Entity::Price, &value[..value.len() - 2])?;
        let Record::Price(price) = decoded.record else { continue };
        let Some(id) = price.venue_sequence.map(|sequence| sequence.0) else { continue };
        // A confirmation carries the same quote.
        if seen.last().is_none_or(|(known, _)| *known < id) {
            seen.push((id, decoded.publish_time.nanos()));
        }
        if id >= last {
            return Ok(seen);
        }
    }
}
