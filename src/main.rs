//! The `tickcache` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    tickcache::app::main()
}
