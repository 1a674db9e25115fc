//! The commands and their options.
//!
//! Owns the mapping from outcomes to exit codes: 0 done, 1 failed, 2 wrong options or settings.

#![allow(clippy::print_stderr, reason = "a command's errors go to the terminal")]

use std::process::ExitCode;

use clap::{Parser, Subcommand, ValueEnum};

use super::{check, demo, instruments, read, record, replay, run, verify};
use crate::telemetry::{LogFormat, init_logging};

/// A low-latency market price cache: exchange websockets to versioned, exact, honest prices in Redis.
#[derive(Debug, Parser)]
#[command(name = "tickcache", version, about)]
struct Cli {
    /// How log lines look. What is shown follows RUST_LOG (error, warn, info, debug, trace).
    #[arg(long, global = true, value_enum, default_value_t = LogChoice::Text)]
    log: LogChoice,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum LogChoice {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Show the whole engine on this machine, with a simulated venue: needs no network and no Redis.
    Demo(demo::DemoArgs),
    /// Stream the configured venues into the configured store.
    Run(run::RunArgs),
    /// Only record what the configured venues send: no store, nothing served.
    Record(record::RecordArgs),
    /// Serve recorded sessions as the venue would.
    Replay(replay::ReplayArgs),
    /// Check recordings: run them through the engine's decoders and books, without network.
    Verify(verify::VerifyArgs),
    /// Show the effective settings, or everything that is wrong with them.
    CheckConfig(check::CheckArgs),
    /// Show what a venue offers: one line an instrument.
    Instruments(instruments::InstrumentsArgs),
    /// Show the newest values of an instrument.
    Get(read::GetArgs),
    /// Show each change of an instrument.
    Watch(read::WatchArgs),
    /// Show the catalog: what there is.
    List(read::ListArgs),
    /// Show who writes what: engines, feeds, leases, heartbeats, Redis.
    Status(read::StatusArgs),
    /// Ask the engines to send an instrument's values anew, and to confirm them at the venue.
    Invalidate(read::InvalidateArgs),
}

/// Runs the command that the process was called with.
#[must_use]
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let format = match cli.log {
        LogChoice::Text => LogFormat::Text,
        LogChoice::Json => LogFormat::Json,
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("tickcache: the runtime cannot be started: {error}");
            return ExitCode::FAILURE;
        }
    };
    // One provider for every TLS client of the process; an error means that it is installed already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let outcome = runtime.block_on(execute(cli.command, format));
    // Blocking reads of standard input or name look-ups must not hold the process.
    runtime.shutdown_background();
    outcome.unwrap_or_else(|error| {
        eprintln!("tickcache: {error:#}");
        ExitCode::FAILURE
    })
}

async fn execute(command: Command, format: LogFormat) -> anyhow::Result<ExitCode> {
    let shown = match &command {
        Command::Demo(args) if args.is_live() => "error",
        Command::Run(_) => "info",
        _ => "warn",
    };
    // What is wrong with a configuration is the command's output.
    if !matches!(command, Command::CheckConfig(_)) {
        init_logging(format, shown);
    }
    match command {
        Command::Demo(args) => demo::demo(args).await,
        Command::Run(args) => run::run(args).await,
        Command::Record(args) => record::record(args).await,
        Command::Replay(args) => replay::replay(args).await,
        Command::Verify(args) => verify::verify(&args),
        Command::CheckConfig(args) => check::check(&args).await,
        Command::Instruments(args) => instruments::instruments(args).await,
        Command::Get(args) => read::run_get(args).await,
        Command::Watch(args) => read::run_watch(args).await,
        Command::List(args) => read::run_list(args).await,
        Command::Status(args) => read::run_status(args).await,
        Command::Invalidate(args) => read::run_invalidate(args).await,
    }
}
