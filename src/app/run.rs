//! `tickcache run`: the engine on the real venues, until it is told to stop.

#![allow(clippy::print_stderr, reason = "a command's errors go to the terminal")]

use std::path::PathBuf;
use std::pin::pin;
use std::process::ExitCode;

use anyhow::Context;
use clap::Args;
use tokio::signal::unix::{SignalKind, signal};

use super::check;
use super::engine::{Engine, WATCH_EVERY};
use super::listings::gather;
use crate::config::Settings;
use crate::service::Server;
use crate::telemetry::Exporter;

/// Options of `run`.
#[derive(Debug, Args)]
pub(super) struct RunArgs {
    /// The settings' file.
    #[arg(long, default_value = "config/tickcache.toml")]
    config: PathBuf,
    /// End with exit code 2 where a venue does not list an instrument, instead of waiting for it
    #[arg(long)]
    strict: bool,
}

pub(super) async fn run(args: RunArgs) -> anyhow::Result<ExitCode> {
    let settings = match check::load(&args.config) {
        Ok(settings) => settings,
        Err(code) => return Ok(code),
    };
    check::log_remarks(&settings);
    let exporter = Exporter::install()?;
    tokio::spawn(exporter.clone().upkeep());
    let stopped = stop_signal()?;
    // Before the engine: an address that cannot be had must not leave keys behind.
    let server = server(&settings).await?;
    let mut stopped = pin!(stopped);
    let strictness = if args.strict { Strictness::Strict } else { Strictness::Lenient };
    let engine = match start(&settings, strictness, stopped.as_mut()).await? {
        Ok(engine) => engine,
        Err(code) => return Ok(code),
    };
    if let Some(server) = server {
        tracing::info!(address = %server.address()?, "serving /metrics and /healthz");
        let health = engine.health_probe();
        tokio::spawn(async move {
            if let Err(error) = server.run(exporter, health).await {
                tracing::error!(%error, "the metrics server ended");
            }
        });
    }
    tokio::select! {
        () = &mut stopped => tracing::info!("stopping: every key is left suspect (writer stopping)"),
        () = died(&engine) => {}
    }
    engine.stop().await?;
    Ok(ExitCode::SUCCESS)
}

/// What a missing instrument does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Strictness {
    /// It starts suspect and is waited for.
    Lenient,
    /// It ends the command.
    Strict,
}

/// Asks the venues what they offer, then starts the engine. The inner error is the exit code of a command that is told to stop
/// meanwhile, or which is strict and whose instruments the venues do not have.
pub(super) async fn start(
    settings: &Settings,
    strictness: Strictness,
    stopped: impl Future<Output = ()>,
) -> anyhow::Result<Result<Engine, ExitCode>> {
    let gathered = tokio::select! {
        gathered = gather(settings) => gathered,
        () = stopped => return Ok(Err(ExitCode::SUCCESS)),
    };
    match (gathered.strict(), strictness) {
        (Err(problems), Strictness::Strict) => {
            eprintln!("{problems}");
            Ok(Err(ExitCode::from(check::WRONG)))
        }
        (Ok(()) | Err(_), _) => Engine::start_with(settings, &gathered).map(Ok),
    }
}

async fn server(settings: &Settings) -> anyhow::Result<Option<Server>> {
    let Some(address) = settings.http_listen else { return Ok(None) };
    let server = Server::bind(address).await;
    server.map(Some).with_context(|| format!("http.listen {address}"))
}

/// Ready at the first SIGINT or SIGTERM.
pub(super) fn stop_signal() -> anyhow::Result<impl Future<Output = ()>> {
    let mut interrupt = signal(SignalKind::interrupt()).context("SIGINT cannot be awaited")?;
    let mut terminate = signal(SignalKind::terminate()).context("SIGTERM cannot be awaited")?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

/// Ready when a hot thread is gone.
pub(super) async fn died(engine: &Engine) {
    while !engine.is_dead() {
        tokio::time::sleep(WATCH_EVERY).await;
    }
}
