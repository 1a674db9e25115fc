//! `tickcache check-config`: the effective settings, or every error.
//!
//! Owns what is found without starting anything: what `run` would refuse without a network, what a person would want to be warned of,
//! and, if asked for, whether the venues list what is configured. Never opens a port, never writes.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "this is a command's output")]

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;

use super::engine::venue_defaults;
use super::feed_plan::{Planner, planned};
use super::listings::{Listings, ask_now};
use crate::config::{Settings, StoreKind, process_environment};
use crate::publish::tls;

/// The exit code for settings that are wrong, as for options that are.
pub(super) const WRONG: u8 = 2;

/// Options of `check-config`.
#[derive(Debug, Args)]
pub(super) struct CheckArgs {
    /// The settings' file.
    #[arg(long, default_value = "config/tickcache.toml")]
    config: PathBuf,
    /// Also ask the venues whether they list every instrument: exit code 2 where one does not, 1 where a list cannot be fetched
    #[arg(long)]
    online: bool,
}

pub(super) async fn check(args: &CheckArgs) -> anyhow::Result<ExitCode> {
    let settings = match load(&args.config) {
        Ok(settings) => settings,
        Err(code) => return Ok(code),
    };
    let problems = refused(&settings);
    if !problems.is_empty() {
        problems.iter().for_each(|problem| eprintln!("{}: {problem}", args.config.display()));
        return Ok(ExitCode::from(WRONG));
    }
    warnings(&settings).iter().for_each(|warning| eprintln!("warning: {warning}"));
    if args.online {
        let online = ask_now(&settings).await;
        online.not_trading.iter().for_each(|one| eprintln!("warning: {one}"));
        online.unavailable.iter().chain(&online.not_listed).for_each(|problem| eprintln!("{problem}"));
        if !online.not_listed.is_empty() {
            return Ok(ExitCode::from(WRONG));
        }
        if !online.unavailable.is_empty() {
            return Ok(ExitCode::FAILURE);
        }
    }
    print!("{}", settings.effective_toml());
    Ok(ExitCode::SUCCESS)
}

/// Loads the settings, or prints everything that is wrong with them.
pub(super) fn load(path: &Path) -> Result<Settings, ExitCode> {
    let name = path.display().to_string();
    let text = std::fs::read_to_string(path).map_err(|error| {
        eprintln!("{name}: {error}");
        ExitCode::from(WRONG)
    })?;
    Settings::load(&text, &name, process_environment(), &venue_defaults()).map_err(|errors| {
        eprintln!("{errors}");
        ExitCode::from(WRONG)
    })
}

/// What the start of an engine would refuse of settings that are right by themselves, without a network: the same plan is made, and the
/// same files are read.
fn refused(settings: &Settings) -> Vec<String> {
    let mut problems = Vec::new();
    let listings = Listings::default();
    if let Err(error) = planned(&Planner { settings, listings: &listings, gate: None }) {
        problems.push(format!("{error:#}"));
    }
    if settings.store == StoreKind::Redis {
        let files = &settings.tls_files;
        let pair = files.certificate.as_deref().zip(files.key.as_deref());
        if let Err(error) = tls::client_config(files.ca.as_deref(), pair) {
            problems.push(format!("[redis]: {error:#}"));
        }
    }
    let embedded = &settings.embedded;
    if let (Some(_), Some((certificate, key))) = (embedded.listen, &embedded.certificate_and_key)
        && let Err(error) = tls::server_config(certificate, key)
    {
        problems.push(format!("[embedded]: {error:#}"));
    }
    if let Some(dir) = settings.record.dir.as_deref().filter(|dir| dir.exists() && !dir.is_dir()) {
        problems.push(format!("record.dir: {} is no folder", dir.display()));
    }
    problems
}

/// What is allowed, and hardly meant.
fn warnings(settings: &Settings) -> Vec<String> {
    let mut warnings = settings.remarks.warnings.clone();
    let listens = settings.embedded.listen.is_some();
    if settings.store == StoreKind::Embedded && !listens {
        warnings.push(
            "store.kind is \"embedded\" and embedded.listen is off: nobody can read the values".to_owned(),
        );
    }
    if settings.store == StoreKind::Embedded
        && let Some(variables) = settings.redis_variables()
    {
        warnings.push(format!(
            "{variables} says where a Redis is, but store.kind is \"embedded\": nothing is written there \
             (TICKCACHE_STORE_KIND=redis)"
        ));
    }
    for alias in &settings.aliases {
        let mut feeds = settings.feeds.iter().filter(|feed| feed.venue == alias.venue);
        if !feeds.any(|feed| feed.instruments.contains(&alias.instrument)) {
            let (venue, instrument) = (&alias.venue, &alias.instrument);
            warnings.push(format!("[[alias]] {venue} {instrument}: no feed of {venue} has this instrument"));
        }
    }
    warnings
}

/// The same for the log of a command that starts something.
pub(super) fn log_remarks(settings: &Settings) {
    for link in &settings.remarks.links {
        tracing::debug!(
            variable = link,
            "passed over: it is what container engines set for a linked service"
        );
    }
    for warning in warnings(settings) {
        tracing::warn!("{warning}");
    }
}
