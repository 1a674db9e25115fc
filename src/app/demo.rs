//! `tickcache demo`: the whole engine on loopback, with a simulated venue.

#![allow(clippy::print_stdout, reason = "this is a command's output")]

use std::io::{IsTerminal, Write};
use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;

use super::demo_fault::{self, Shown};
use super::display::{Display, micros};
use super::engine::{Engine, venue_defaults};
use super::run::{died, stop_signal};
use crate::clock;
use crate::config::{Settings, redis_url_from_env};
use crate::simulate::{Config, MarketOptions, Simulator};
use crate::telemetry::Exporter;

/// How often the table is drawn, and how often its lines are printed where there is no terminal.
const DRAW_EVERY: Duration = Duration::from_millis(250);
const PRINT_EVERY: Duration = Duration::from_secs(1);

/// Clears the terminal and goes to its upper left corner.
const CLEAR: &str = "\x1b[H\x1b[2J";

/// Options of `demo`.
#[derive(Debug, Args)]
pub(super) struct DemoArgs {
    /// End after so many seconds; without it, at Ctrl-C
    #[arg(long, value_name = "N")]
    seconds: Option<u64>,
    /// Print lines instead of drawing a table; always so where the output is no terminal
    #[arg(long)]
    plain: bool,
    /// The venue that is simulated
    #[arg(long, value_name = "NAME", default_value = "binance")]
    venue: String,
    /// Show what becomes of a fault: it strikes one instrument from second 4 to second 12. "list" shows which there are
    #[arg(long, value_name = "NAME")]
    fault: Option<String>,
    /// Where the engine's own endpoint listens, for redis-cli and every Redis client; "" turns it off
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:6380")]
    listen: String,
    /// Also publish to this Redis; without it, values are served by the engine alone
    #[arg(long, value_name = "URL")]
    redis: Option<String>,
}

impl DemoArgs {
    /// Whether the terminal shows a table that log lines would tear apart.
    pub(super) fn is_live(&self) -> bool {
        !self.plain && std::io::stdout().is_terminal()
    }
}

pub(super) async fn demo(args: DemoArgs) -> anyhow::Result<ExitCode> {
    let fault = args.fault.as_deref().map(demo_fault::named).transpose()?;
    let stopped = stop_signal()?;
    let exporter = Exporter::install()?;
    tokio::spawn(exporter.upkeep());
    let simulator = Simulator::start(Config::market(MarketOptions::default()).venue(&args.venue)).await?;
    let settings = settings(&args, &simulator)?;
    let engine = Engine::start(&settings)?;
    let (venue, url) = (simulator.venue(), simulator.websocket_url());
    println!("a simulated {venue} at {url}, the engine streams it as the real one");
    let reading = how_to_read(&args, &settings, engine.endpoint());
    print!("{reading}");
    let live = args.is_live();
    let end = async {
        match args.seconds {
            Some(seconds) => tokio::time::sleep(Duration::from_secs(seconds)).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        () = stopped => {}
        () = end => {}
        () = died(&engine) => {}
        () = strike(fault, &simulator) => {}
        outcome = show(&engine, live, &reading, fault.map(|fault| (fault, &simulator))) => outcome?,
    }
    print!("{}", summary(&engine));
    engine.stop().await?;
    simulator.stop().await;
    Ok(ExitCode::SUCCESS)
}

/// Plays the fault that was asked for; never returns.
async fn strike(fault: Option<&Shown>, simulator: &Simulator) {
    match fault {
        Some(fault) => fault.play(simulator).await,
        None => std::future::pending().await,
    }
}

/// What to type elsewhere. Drawn again with each table, which clears the screen.
fn how_to_read(args: &DemoArgs, settings: &Settings, endpoint: Option<SocketAddr>) -> String {
    let mut text = String::new();
    if args.redis.is_some() {
        text.push_str(&format!("publishing to {}\n", settings.redis.to_string_masked()));
    }
    if let Some(address) = endpoint {
        let (host, port) = (address.ip(), address.port());
        let instrument = &settings.feeds[0].instruments[0];
        text.push_str(&format!(
            "reading, in another terminal:\n  tickcache watch {instrument} --redis redis://{address}\n  \
             redis-cli -h {host} -p {port} --scan\n  redis-cli -h {host} -p {port} psubscribe '*'\n"
        ));
    }
    text
}

/// The settings of the demo: the simulator's addresses, and a Redis only where the command line names one. The
/// environment is left aside, so that a demo never writes into somebody's Redis by accident.
fn settings(args: &DemoArgs, simulator: &Simulator) -> anyhow::Result<Settings> {
    let kind = match simulator.venue() {
        "binance-usdm" | "bybit-linear" | "hyperliquid" => "-PERP",
        _ => "",
    };
    let symbols = simulator.symbols();
    let instruments = symbols.iter().map(|info| match simulator.venue() {
        // Its coins have no quote currency in the simulator.
        "hyperliquid" => format!("{}-USDC{kind}", info.base),
        _ => format!("{}-{}{kind}", info.base, info.quote),
    });
    let instruments: Vec<String> = instruments.collect();
    let urls = simulator.websocket_urls();
    let depth = if simulator.venue() == "hyperliquid" { 5 } else { 20 };
    let mut text = format!(
        "[store]\nkind = \"{}\"\n[embedded]\nlisten = \"{}\"\n[http]\nlisten = \"\"\n",
        if args.redis.is_some() { "redis" } else { "embedded" },
        args.listen,
    );
    if let Some(url) = &args.redis {
        // Checked first, for an error that speaks of the option.
        redis_url_from_env(Some(url), std::iter::empty())
            .map_err(|errors| anyhow::anyhow!("--redis: {errors}"))?;
        text.push_str(&format!("[redis]\nurl = {}\n", toml::Value::String(url.clone())));
    }
    text.push_str(&format!(
        "[[feed]]\nvenue = \"{}\"\ninstruments = {instruments:?}\n\
         entities = [\"price\", \"liquidity\", \"volume\"]\ndepth = {depth}\n\
         websocket_url = \"{}\"\nvolume_websocket_url = \"{}\"\nrest_url = \"{}\"\n",
        simulator.venue(),
        urls[0],
        urls[urls.len() - 1],
        simulator.rest_url(),
    ));
    Settings::load(&text, "demo", std::iter::empty(), &venue_defaults())
        .map_err(|errors| anyhow::anyhow!("{errors}"))
}

async fn show(
    engine: &Engine,
    live: bool,
    reading: &str,
    fault: Option<(&Shown, &Simulator)>,
) -> anyhow::Result<()> {
    let started = clock::mono();
    let mut display = Display::new(engine);
    let mut timer = tokio::time::interval(if live { DRAW_EVERY } else { PRINT_EVERY });
    let mut last = clock::mono();
    loop {
        timer.tick().await;
        let now = clock::mono();
        let mut table = display.render(engine, now.since(last));
        if let Some((fault, simulator)) = fault {
            table.push_str(&fault.line(simulator, now.since(started)));
        }
        last = now;
        let mut out = std::io::stdout().lock();
        if live {
            write!(out, "{CLEAR}{table}\n{}{reading}Ctrl-C ends.\n", figures(engine))?;
        } else {
            writeln!(out, "{table}{}", figures(engine))?;
        }
        out.flush()?;
    }
}

/// One line of totals.
fn figures(engine: &Engine) -> String {
    let frames: u64 = engine.feeds().map(|(_, board)| board.read().frames).sum();
    let writer = engine.writer();
    format!(
        "{frames} frames, {} values encoded, {} written, {} conflated; receive to written p50 {}, p99 {}\n",
        writer.encoded,
        writer.written,
        writer.conflated,
        micros(writer.latency_p50),
        micros(writer.latency_p99),
    )
}

fn summary(engine: &Engine) -> String {
    let feeds: Vec<_> = engine.feeds().map(|(_, board)| board.read()).collect();
    let sum = |figure: fn(&super::FeedStats) -> u64| feeds.iter().map(figure).sum::<u64>();
    let writer = engine.writer();
    format!(
        "\nsummary\n  frames            {}\n  updates           {}\n  values encoded    {}\n  values conflated  {}\n  \
         values written    {}\n  receive to written  p50 {}, p99 {}\n  decode errors {}, gaps {}, reconnects {}\n",
        sum(|stats| stats.frames),
        sum(super::FeedStats::updates),
        writer.encoded,
        writer.conflated,
        writer.written,
        micros(writer.latency_p50),
        micros(writer.latency_p99),
        sum(|stats| stats.decode_errors),
        sum(|stats| stats.gaps),
        sum(|stats| stats.reconnects),
    )
}
