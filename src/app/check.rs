//! `tickcache check-config`: the effective settings, or every error.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "this is a command's output")]

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;

use super::engine::venue_defaults;
use crate::config::{Settings, process_environment};

/// The exit code for settings that are wrong, as for options that are.
pub(super) const WRONG: u8 = 2;

/// Options of `check-config`.
#[derive(Debug, Args)]
pub(super) struct CheckArgs {
    /// The settings' file.
    #[arg(long, default_value = "config/tickcache.toml")]
    config: PathBuf,
}

pub(super) fn check(args: &CheckArgs) -> anyhow::Result<ExitCode> {
    match load(&args.config) {
        Ok(settings) => {
            print!("{}", settings.effective_toml());
            Ok(ExitCode::SUCCESS)
        }
        Err(code) => Ok(code),
    }
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
