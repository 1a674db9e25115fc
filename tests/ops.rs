//! What operators are given, tried for real: users of Redis, the script that starts it, alert rules, containers.
//!
//! Needs redis-server, sh and python3. What else it can use (promtool, PyYAML) it says that it went without.

#![allow(
    clippy::unwrap_used,
    reason = "a test fails by panicking; helpers outside of test functions do as well"
)]

#[path = "ops/alerts.rs"]
mod alerts;
#[path = "ops/compose.rs"]
mod compose;
#[path = "ops/failover.rs"]
mod failover;
#[path = "support/redis_server.rs"]
mod redis_server;
#[path = "ops/started.rs"]
mod started;
#[path = "ops/users.rs"]
mod users;

use std::path::{Path, PathBuf};
use std::process::Command;

fn file(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// `redis-start.sh` without anything of the environment but the search path.
fn redis_start(variables: &[(&str, &str)]) -> Command {
    let mut command = Command::new("sh");
    command.arg(file("config/redis-start.sh")).env_clear().envs(variables.iter().copied());
    command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command
}
