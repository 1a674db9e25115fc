//! Who is compared: the engine and the floor, each a process of its own, made of this very binary.
//!
//! Owns the child's life, and what the child does: [`Role::run`]. The engine runs as `tickcache run` does, metrics
//! recorder included, without a log and without HTTP.

use std::io::{Read, Write};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use tickcache::app::{Engine, FeedStats, venue_defaults};
use tickcache::config::Settings;
use tickcache::telemetry::Exporter;

use crate::{floor, many};

/// In front of a child's arguments.
pub(crate) const ROLE: &str = "--role";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Contender {
    Engine(Safety),
    Floor,
}

/// What an engine does besides writing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Safety {
    /// As it comes: leases and the fence script, each value pushed, events.
    Default,
    /// Plain SETs of the only engine, no push, no events.
    Off,
}

impl Safety {
    const fn settings(self) -> &'static str {
        match self {
            Self::Default => "",
            Self::Off => "[publish]\nfencing = \"off\"\npush = \"off\"\n[events]\nkinds = []\n",
        }
    }
}

impl Contender {
    pub(crate) const COUNT: usize = 3;
    /// The floor comes last.
    pub(crate) const ALL: [Self; Self::COUNT] =
        [Self::Engine(Safety::Default), Self::Engine(Safety::Off), Self::Floor];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Engine(Safety::Default) => "engine",
            Self::Engine(Safety::Off) => "engine, fence, push and events off",
            Self::Floor => "floor",
        }
    }
}

/// What an engine is asked to do.
pub(crate) struct Wanted {
    pub(crate) instruments: Vec<String>,
    pub(crate) entities: &'static [&'static str],
    pub(crate) rest: Option<SocketAddr>,
    pub(crate) safety: Safety,
}

/// A running contender; killed when dropped.
pub(crate) struct Running(Child);

/// What an engine said at its end.
#[derive(Debug, Clone, Copy)]
pub(crate) struct EngineReport {
    pub(crate) frames: u64,
    pub(crate) written: u64,
    pub(crate) conflated: u64,
    pub(crate) gaps: u64,
    pub(crate) snapshots: u64,
    pub(crate) reconnects: u64,
    /// In ns, from the read of a frame to Redis' reply.
    pub(crate) latency_p50: u64,
    pub(crate) latency_p99: u64,
}

impl Running {
    pub(crate) fn engine(venue: SocketAddr, redis_port: u16, wanted: &Wanted) -> anyhow::Result<Self> {
        let rest = wanted.rest.unwrap_or(SocketAddr::from(([127, 0, 0, 1], 1)));
        let settings = format!(
            "[store]\nkind = \"redis\"\n[redis]\nurl = \"redis://127.0.0.1:{redis_port}\"\n\
             [embedded]\nlisten = \"\"\n[http]\nlisten = \"\"\n[[feed]]\nvenue = \"binance\"\ncongestion_ms = 0\n\
             instruments = {:?}\nentities = {:?}\ndepth = 20\nwebsocket_url = \"ws://{venue}/stream\"\n\
             rest_url = \"http://{rest}\"\nrest_weight_per_minute = 6000\nfirst_data_s = 300\n{}",
            wanted.instruments,
            wanted.entities,
            wanted.safety.settings()
        );
        Self::spawn(&["engine", &settings])
    }

    pub(crate) fn floor(venue: SocketAddr, redis_port: u16) -> anyhow::Result<Self> {
        Self::spawn(&["floor", &venue.to_string(), &redis_port.to_string()])
    }

    pub(crate) fn spawn(arguments: &[&str]) -> anyhow::Result<Self> {
        let child = Command::new(std::env::current_exe()?)
            .arg(ROLE)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        Ok(Self(child))
    }

    /// Stops an engine and reads its report.
    pub(crate) fn report(mut self) -> anyhow::Result<EngineReport> {
        drop(self.0.stdin.take());
        let mut text = String::new();
        self.0.stdout.take().context("stdout is a pipe")?.read_to_string(&mut text)?;
        let numbers: Result<Vec<u64>, _> = text.split_whitespace().map(str::parse).collect();
        let [frames, written, conflated, gaps, snapshots, errors, reconnects, latency_p50, latency_p99] =
            numbers?[..]
        else {
            bail!("the engine reported {text:?}");
        };
        ensure!(errors == 0, "{errors} frames were not understood or unusable");
        Ok(EngineReport { frames, written, conflated, gaps, snapshots, reconnects, latency_p50, latency_p99 })
    }

    /// CPU time that its threads have taken.
    pub(crate) fn cpu(&self) -> anyhow::Result<Duration> {
        // proc(5): fields 14 and 15 of `stat`, in hundredths of a second; the name before them may hold spaces.
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.0.id()))?;
        let (_, fields) = stat.rsplit_once(')').context("a name in brackets")?;
        let ticks = fields.split_whitespace().skip(11).take(2).map(str::parse::<u64>);
        Ok(Duration::from_millis(10 * ticks.sum::<Result<u64, _>>()?))
    }

    /// Memory that it has in use.
    pub(crate) fn resident_kib(&self) -> anyhow::Result<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.0.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
        Ok(line.trim().trim_end_matches(" kB").parse()?)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The child's side.
pub(crate) fn run(arguments: &[String]) -> anyhow::Result<()> {
    match arguments {
        [role, settings] if role == "engine" => engine(settings),
        [role] if role == many::VENUES_ROLE => many::venues(),
        [role, venue, redis_port] if role == "floor" => {
            // The venue ends a run by going away, in whatever way.
            let _ = floor::forward(venue, redis_port.parse()?);
            Ok(())
        }
        other => bail!("no such role: {other:?}"),
    }
}

fn engine(settings: &str) -> anyhow::Result<()> {
    let settings = Settings::load(settings, "bench", std::iter::empty(), &venue_defaults())
        .map_err(|errors| anyhow::anyhow!("{errors}"))?;
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(async {
        let exporter = Exporter::install()?;
        tokio::spawn(exporter.upkeep());
        let engine = Engine::start(&settings)?;
        tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new())).await??;
        let feeds: Vec<_> = engine.feeds().map(|(_, board)| board.read()).collect();
        let sum = |figure: fn(&FeedStats) -> u64| feeds.iter().map(figure).sum::<u64>();
        let writer = engine.writer();
        let line = format!(
            "{} {} {} {} {} {} {} {} {}",
            sum(|feed| feed.frames),
            writer.written,
            writer.conflated,
            sum(|feed| feed.gaps),
            sum(|feed| feed.snapshots),
            sum(|feed| feed.decode_errors + feed.unusable),
            sum(|feed| feed.reconnects),
            writer.latency_p50.as_nanos(),
            writer.latency_p99.as_nanos(),
        );
        std::io::stdout().write_all(line.as_bytes())?;
        engine.stop().await
    })
}
